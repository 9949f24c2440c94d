//! Publishers that work on an old snapshot while a subscriber goes.

use loom_tests::engine::CROWD;
use loom_tests::model::{Bound, Model};
use loom_tests::scenarios::sealing;

/// *Property*: G2: what a racing publish delivered to a subscriber that left does not stay in its
/// ring.
///
/// *Threads*: publisher, subscriber that leaves.
///
/// *Bound*: preemptions = 2; 503 schedules in less than 0.1 s.
#[test]
fn nothing_delivered_is_stranded_by_an_unsubscription() {
    Model {
        name: "nothing_delivered_is_stranded_by_an_unsubscription",
        bound: Bound::Preemptions,
        floor: 250,
        must_see: &["delivered, then discarded", "not delivered"],
    }
    .check(sealing::unsubscribe_publish);
}

/// *Property*: G2, G7: what a racing publish delivered to a subscriber that was stopped is received
/// or counted as discarded.
///
/// *Threads*: publisher, stopper, reader.
///
/// *Bound*: preemptions = 2; 40,929 schedules in 12.6 s.
#[test]
fn nothing_delivered_is_stranded_by_a_stop() {
    Model {
        name: "nothing_delivered_is_stranded_by_a_stop",
        bound: Bound::Preemptions,
        floor: 20_000,
        must_see: &["delivered too late, discarded", "received", "not offered"],
    }
    .check(|outcomes| sealing::stop_publish(outcomes, CROWD - 1));
}

/// *Property*: G3, G7: a subscriber that was stopped after start gets the whole replay, also where
/// it parks in front of a slot that is filled late.
///
/// *Threads*: publisher, reader that starts the bus and stops itself.
///
/// *Bound*: preemptions = 2; 17,707 schedules in 4.8 s.
#[test]
fn stopped_subscriber_wakes_for_the_rest_of_its_replay() {
    Model {
        name: "stopped_subscriber_wakes_for_the_rest_of_its_replay",
        bound: Bound::Preemptions,
        floor: 8_800,
        must_see: &["replayed", "published live", "reader parked"],
    }
    .check(sealing::stop_late_fill);
}

/// *Property*: G2, G4: a subscriber stopped while the bus starts gets the replay as a whole or
/// nothing.
///
/// *Threads*: starter that publishes afterwards, stopper, reader.
///
/// *Bound*: preemptions = 2; 362,875 schedules in 59.6 s.
#[test]
fn stop_before_start_gives_no_live_event_without_the_replay() {
    Model {
        name: "stop_before_start_gives_no_live_event_without_the_replay",
        bound: Bound::Preemptions,
        floor: 180_000,
        must_see: &["stopped before start", "replay only", "replay and live event"],
    }
    .check(sealing::stop_start);
}

/// *Property*: G2: what a racing batch delivered to a subscriber that left does not stay in its
/// ring, none of it.
///
/// *Threads*: publisher, subscriber that leaves.
///
/// *Bound*: preemptions = 2; 2,560 schedules in 0.5 s.
#[test]
fn nothing_of_a_batch_is_stranded_by_an_unsubscription() {
    Model {
        name: "nothing_of_a_batch_is_stranded_by_an_unsubscription",
        bound: Bound::Preemptions,
        floor: 1_200,
        must_see: &["delivered, then discarded", "not delivered"],
    }
    .check(sealing::unsubscribe_batch);
}
