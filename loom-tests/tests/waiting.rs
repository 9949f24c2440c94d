//! Park and wake.

use loom_tests::engine::CROWD;
use loom_tests::model::{Bound, Model};
use loom_tests::scenarios::waiting;

/// *Property*: G7: a subscriber that waits wakes for its event.
///
/// *Threads*: publisher, reader.
///
/// *Bound*: exhaustive; 202,479 schedules in 24.8 s.
#[test]
fn parked_subscriber_wakes_for_an_event() {
    Model {
        name: "parked_subscriber_wakes_for_an_event",
        bound: Bound::Exhaustive,
        floor: 100_000,
        must_see: &["parked", "found at once"],
    }
    .check(waiting::publish_park);
}

/// *Property*: G2, G7: with several publishers, each event wakes the subscriber and arrives once.
///
/// *Threads*: a crowd of publishers, reader.
///
/// *Bound*: preemptions = 2; 111,824 schedules in 20.5 s.
#[test]
fn parked_subscriber_wakes_for_each_publisher() {
    Model {
        name: "parked_subscriber_wakes_for_each_publisher",
        bound: Bound::Preemptions,
        floor: 55_000,
        must_see: &["in the order of their numbers", "in another order", "parked twice"],
    }
    .check(|outcomes| waiting::publishers_park(outcomes, CROWD));
}

/// *Property*: G5, G7: a subscriber that waits wakes for a batch, and gets it in order.
///
/// *Threads*: publisher, reader.
///
/// *Bound*: preemptions = 2; 3,289 schedules in 0.5 s.
#[test]
fn parked_subscriber_wakes_for_a_batch() {
    Model {
        name: "parked_subscriber_wakes_for_a_batch",
        bound: Bound::Preemptions,
        floor: 1_600,
        must_see: &["parked", "found at once"],
    }
    .check(waiting::batch_park);
}

/// *Property*: G7: a subscriber to a type that waits wakes for its event, beside a subscriber to everything.
///
/// *Threads*: publisher, reader.
///
/// *Bound*: preemptions = 2; 465 schedules in 0.1 s.
#[test]
fn parked_subscriber_to_a_type_wakes_for_an_event() {
    Model {
        name: "parked_subscriber_to_a_type_wakes_for_an_event",
        bound: Bound::Preemptions,
        floor: 230,
        must_see: &["parked", "found at once"],
    }
    .check(|outcomes| waiting::typed_park(outcomes, false));
}

/// *Property*: G7: a subscriber to a type that waits wakes for its batch, beside a subscriber to everything.
///
/// *Threads*: publisher, reader.
///
/// *Bound*: preemptions = 2; 465 schedules in 0.1 s.
#[test]
fn parked_subscriber_to_a_type_wakes_for_a_batch() {
    Model {
        name: "parked_subscriber_to_a_type_wakes_for_a_batch",
        bound: Bound::Preemptions,
        floor: 230,
        must_see: &["parked", "found at once"],
    }
    .check(|outcomes| waiting::typed_park(outcomes, true));
}

/// *Property*: G2, G7: a receive that times out while an event arrives leaves it to be received.
///
/// *Threads*: publisher, clock, reader.
///
/// *Bound*: preemptions = 2; 4,973 schedules in 0.9 s.
#[test]
fn time_out_loses_nothing() {
    Model {
        name: "time_out_loses_nothing",
        bound: Bound::Preemptions,
        floor: 2_400,
        must_see: &["in time", "timed out"],
    }
    .check(waiting::publish_timeout);
}
