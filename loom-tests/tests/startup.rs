//! Start and replay.

use loom_tests::engine::CROWD;
use loom_tests::model::{Bound, Model};
use loom_tests::scenarios::startup;

/// *Property*: G3, G7: an event that is published while the bus starts is received, once, by a
/// subscriber that may be parked.
///
/// *Threads*: publisher, starter, reader.
///
/// *Bound*: preemptions = 2; 168,137 schedules in 65.4 s.
#[test]
fn event_published_during_start_is_received_once() {
    Model {
        name: "event_published_during_start_is_received_once",
        bound: Bound::Preemptions,
        floor: 84_000,
        must_see: &["replayed", "delivered live", "reader parked"],
    }
    .check(startup::publish_start_receive);
}

/// *Property*: G3, G6, G7: a reader parked in front of a slot that was claimed and not yet filled
/// is woken by the publisher that fills it, also where it joined after that publisher had loaded
/// its snapshot.
///
/// *Threads*: publisher, reader that subscribes and starts.
///
/// *Bound*: preemptions = 2; 15,607 schedules in 4.6 s.
#[test]
fn late_fill_wakes_the_parked_reader() {
    Model {
        name: "late_fill_wakes_the_parked_reader",
        bound: Bound::Preemptions,
        floor: 7_800,
        must_see: &["replayed", "delivered live", "reader parked"],
    }
    .check(startup::late_fill);
}

/// *Property*: G7, G9: a reader whose filter parks, and so uses up the wake-up of the start, is
/// woken by the next event.
///
/// *Threads*: starter that publishes, reader.
///
/// *Bound*: preemptions = 2; 1,190 schedules in 0.4 s.
#[test]
fn filter_that_parks_takes_no_wake_up_away() {
    Model {
        name: "filter_that_parks_takes_no_wake_up_away",
        bound: Bound::Preemptions,
        floor: 590,
        must_see: &["reader parked", "found at once"],
    }
    .check(startup::park_in_filter);
}

/// *Property*: G3, G4: each event arrives once, the replayed ones before the live ones.
///
/// *Threads*: a crowd of publishers, starter that reads too (main).
///
/// *Bound*: preemptions = 2; 152,406 schedules in 52.3 s.
#[test]
fn publishers_race_with_start() {
    Model {
        name: "publishers_race_with_start",
        bound: Bound::Preemptions,
        floor: 76_000,
        must_see: &[
            "read between two of them",
            "some replayed, some live",
            "all replayed",
            "all live",
            "received in another order",
        ],
    }
    .check(|outcomes| startup::publishers_start(outcomes, CROWD));
}

/// *Property*: G3, G4, G6: a subscriber that races with start gets the whole replay and every live
/// event after it, or no replay.
///
/// *Threads*: publisher, starter that publishes afterwards, subscriber (main).
///
/// *Bound*: preemptions = 2; 25,593 schedules in 8.1 s.
#[test]
fn subscriber_gets_the_whole_replay_or_none() {
    Model {
        name: "subscriber_gets_the_whole_replay_or_none",
        bound: Bound::Preemptions,
        floor: 12_000,
        must_see: &["before start, two replayed", "before start, one replayed", "after start"],
    }
    .check(startup::subscribe_start_publish);
}

/// *Property*: When either of two starts has returned, the bus is live and its backlog can be
/// received; one of them counts it.
///
/// *Threads*: publisher, starter, starter and reader.
///
/// *Bound*: preemptions = 2; 52,358 schedules in 14.2 s.
#[test]
fn second_start_helps_before_it_returns() {
    Model {
        name: "second_start_helps_before_it_returns",
        bound: Bound::Preemptions,
        floor: 26_000,
        must_see: &["the other start was first", "this start was first", "replayed", "delivered live"],
    }
    .check(startup::two_starts);
}

/// *Property*: What start released can be received when it has returned, also where another thread
/// did the work. Nothing is kept of a subscriber that leaves then (not under loom).
///
/// *Threads*: starter, starter that reads.
///
/// *Bound*: preemptions = 2; 2,169 schedules in 0.7 s.
#[test]
fn backlog_can_be_received_when_any_start_has_returned() {
    Model {
        name: "backlog_can_be_received_when_any_start_has_returned",
        bound: Bound::Preemptions,
        floor: 1_000,
        must_see: &["the first was first", "the second was first"],
    }
    .check(startup::second_start);
}

/// *Property*: G3: a subscriber that receives in batches while another thread starts the bus gets
/// the whole replay.
///
/// *Threads*: starter, reader (main).
///
/// *Bound*: exhaustive; 17 schedules in 0.1 s.
#[test]
fn batch_received_during_start_leaves_none_of_the_replay_behind() {
    Model {
        name: "batch_received_during_start_leaves_none_of_the_replay_behind",
        bound: Bound::Exhaustive,
        floor: 8,
        must_see: &["nothing at first", "a part of it at first", "all of it at first"],
    }
    .check(startup::start_receive_many);
}

/// *Property*: G3: with the start-up buffer full, a publish that races with start is handed back or
/// delivered live, never lost.
///
/// *Threads*: publisher, starter.
///
/// *Bound*: exhaustive; 3,222 schedules in 0.8 s.
#[test]
fn full_buffer_hands_back_or_goes_live() {
    Model {
        name: "full_buffer_hands_back_or_goes_live",
        bound: Bound::Exhaustive,
        floor: 1_600,
        must_see: &["delivered live", "handed back"],
    }
    .check(startup::full_buffer);
}

/// *Property*: G3, G7: a task that waits for its replay wakes for the start, and for a slot that is
/// filled late.
///
/// *Threads*: publisher, starter, task.
///
/// *Bound*: preemptions = 1; 10,994 schedules in 0.9 s.
#[test]
fn awaiting_subscriber_wakes_for_its_replay() {
    Model {
        name: "awaiting_subscriber_wakes_for_its_replay",
        bound: Bound::FewerPreemptions,
        floor: 5_400,
        must_see: &["replayed", "delivered live"],
    }
    .check(startup::late_fill_awaited);
}

/// *Property*: G3, G7: a reader parked in front of a slot is woken by the publisher that fills it,
/// whether others come before or behind it.
///
/// *Threads*: publisher, reader that publishes too and closes the bus.
///
/// *Bound*: preemptions = 2; 14,312 schedules in 3.7 s.
#[test]
fn late_fill_among_others_wakes_the_parked_reader() {
    Model {
        name: "late_fill_among_others_wakes_the_parked_reader",
        bound: Bound::Preemptions,
        floor: 7_100,
        must_see: &["it was refused", "reader parked in front of the first", "reader parked in front of the last"],
    }
    .check(startup::late_fill_among_others);
}

/// *Property*: G4, G7: a subscriber that joins while another thread starts the bus, and parks, is
/// woken for its replay.
///
/// *Threads*: starter, joiner.
///
/// *Bound*: preemptions = 2; 1,120 schedules in 0.4 s.
#[test]
fn joiner_that_parks_wakes_for_start() {
    Model {
        name: "joiner_that_parks_wakes_for_start",
        bound: Bound::Preemptions,
        floor: 560,
        must_see: &["joined before start", "joined after it, or in between", "joiner parked"],
    }
    .check(startup::start_joiner);
}
