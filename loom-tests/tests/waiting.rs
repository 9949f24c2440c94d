//! Park and wake.

use loom_tests::engine::CROWD;
use loom_tests::model::{Bound, Model};
use loom_tests::scenarios::waiting;

/// *Property*: G7: a subscriber that waits wakes for its event.
///
/// *Threads*: publisher, reader.
///
/// *Bound*: exhaustive; 130,758 schedules in 29.5 s.
#[test]
fn parked_subscriber_wakes_for_an_event() {
    Model {
        name: "parked_subscriber_wakes_for_an_event",
        bound: Bound::Exhaustive,
        floor: 65_000,
        must_see: &["parked", "found at once"],
    }
    .check(waiting::publish_park);
}

/// *Property*: G7: a subscriber that evicts wakes for its event, also if the rings of its bus are
/// lanes, for which nobody fences.
///
/// *Threads*: publisher, reader.
///
/// *Bound*: preemptions = 2; 457 schedules in 0.1 s.
#[test]
fn parked_subscriber_that_evicts_wakes_for_an_event() {
    Model {
        name: "parked_subscriber_that_evicts_wakes_for_an_event",
        bound: Bound::Preemptions,
        floor: 220,
        must_see: &["parked", "found at once"],
    }
    .check(waiting::evicting_park);
}

/// *Property*: G2, G7: with several publishers, each event wakes the subscriber and arrives once.
///
/// *Threads*: a crowd of publishers, reader.
///
/// *Bound*: preemptions = 2; 114,186 schedules in 35.8 s.
#[test]
fn parked_subscriber_wakes_for_each_publisher() {
    Model {
        name: "parked_subscriber_wakes_for_each_publisher",
        bound: Bound::Preemptions,
        floor: 57_000,
        must_see: &["in the order of their numbers", "in another order", "parked twice"],
    }
    .check(|outcomes| waiting::publishers_park(outcomes, CROWD));
}

/// *Property*: G5, G7: a subscriber that waits wakes for a batch, and gets it in order.
///
/// *Threads*: publisher, reader.
///
/// *Bound*: preemptions = 2; 3,196 schedules in 0.9 s.
#[test]
fn parked_subscriber_wakes_for_a_batch() {
    Model {
        name: "parked_subscriber_wakes_for_a_batch",
        bound: Bound::Preemptions,
        floor: 1_500,
        must_see: &["parked", "found at once"],
    }
    .check(waiting::batch_park);
}

/// *Property*: G7: a subscriber to a type that waits wakes for its event, beside a subscriber to
/// everything.
///
/// *Threads*: publisher, reader.
///
/// *Bound*: preemptions = 2; 457 schedules in 0.2 s.
#[test]
fn parked_subscriber_to_a_type_wakes_for_an_event() {
    Model {
        name: "parked_subscriber_to_a_type_wakes_for_an_event",
        bound: Bound::Preemptions,
        floor: 220,
        must_see: &["parked", "found at once"],
    }
    .check(|outcomes| waiting::typed_park(outcomes, false));
}

/// *Property*: G7: a subscriber to a type that waits wakes for its batch, beside a subscriber to
/// everything.
///
/// *Threads*: publisher, reader.
///
/// *Bound*: preemptions = 2; 457 schedules in 0.2 s.
#[test]
fn parked_subscriber_to_a_type_wakes_for_a_batch() {
    Model {
        name: "parked_subscriber_to_a_type_wakes_for_a_batch",
        bound: Bound::Preemptions,
        floor: 220,
        must_see: &["parked", "found at once"],
    }
    .check(|outcomes| waiting::typed_park(outcomes, true));
}

/// *Property*: G2, G7: a receive that times out while an event arrives leaves it to be received.
///
/// *Threads*: publisher, clock, reader.
///
/// *Bound*: preemptions = 2; 4,354 schedules in 1.2 s.
#[test]
fn time_out_loses_nothing() {
    Model {
        name: "time_out_loses_nothing",
        bound: Bound::Preemptions,
        floor: 2_100,
        must_see: &["in time", "timed out"],
    }
    .check(waiting::publish_timeout);
}

/// *Property*: G7: a receive whose time is over as it looks gets what came before that (under
/// shuttle), and leaves what it does not get.
///
/// *Threads*: publisher and clock, reader.
///
/// *Bound*: preemptions = 2; 399 schedules in less than 0.1 s.
#[test]
fn event_that_came_in_time_is_received() {
    Model {
        name: "event_that_came_in_time_is_received",
        bound: Bound::Preemptions,
        floor: 200,
        must_see: &["woken for it", "found at once"],
    }
    .check(waiting::publish_then_timeout);
}

/// *Property*: G7: a task that waits wakes for its event.
///
/// *Threads*: publisher, task.
///
/// *Bound*: preemptions = 2; 457 schedules in 0.2 s.
#[test]
fn awaiting_subscriber_wakes_for_an_event() {
    Model {
        name: "awaiting_subscriber_wakes_for_an_event",
        bound: Bound::Preemptions,
        floor: 220,
        must_see: &["found at once", "waited"],
    }
    .check(waiting::publish_await);
}

/// *Property*: G7, G12: a receive that is given up while an event arrives leaves the event to the
/// next one, and keeps no waker.
///
/// *Threads*: publisher, receiver.
///
/// *Bound*: preemptions = 2; 1,569 schedules in 0.4 s.
#[test]
fn receive_given_up_keeps_no_waker_and_loses_no_event() {
    Model {
        name: "receive_given_up_keeps_no_waker_and_loses_no_event",
        bound: Bound::Preemptions,
        floor: 780,
        must_see: &["received at once", "given up"],
    }
    .check(waiting::publish_give_up);
}

/// *Property*: G2, G7, G12: a receiver that waits with one waker and then with another wakes for
/// each event.
///
/// *Threads*: a crowd of publishers, receiver.
///
/// *Bound*: preemptions = 2; 200,998 schedules in 33.6 s.
#[test]
fn receiver_that_changes_its_waker_wakes_for_an_event() {
    Model {
        name: "receiver_that_changes_its_waker_wakes_for_an_event",
        bound: Bound::Preemptions,
        floor: 100_000,
        must_see: &["waited with both", "received at once"],
    }
    .check(|outcomes| waiting::publish_change_waker(outcomes, CROWD));
}
