//! Closing, and waiting for the rest.

use loom_tests::model::{Bound, Model};
use loom_tests::scenarios::draining;

/// *Property*: G7, G10: a drain waits until a subscriber has received what it had, and wakes then.
///
/// *Threads*: receiver, drainer.
///
/// *Bound*: preemptions = 2; 4,814 schedules in 0.5 s.
#[test]
fn drain_wakes_when_the_last_event_was_taken() {
    Model {
        name: "drain_wakes_when_the_last_event_was_taken",
        bound: Bound::Preemptions,
        floor: 2_400,
        must_see: &["somebody parked", "nobody parked"],
    }
    .check(|outcomes| draining::drain_receive(outcomes, false));
}

/// *Property*: G7: a drain wakes when the last event was taken, also by a receiver that asks for no
/// more.
///
/// *Threads*: receiver, drainer.
///
/// *Bound*: preemptions = 2; 877 schedules in less than 0.1 s.
#[test]
fn drain_wakes_for_a_receiver_that_asks_for_no_more() {
    Model {
        name: "drain_wakes_for_a_receiver_that_asks_for_no_more",
        bound: Bound::Preemptions,
        floor: 430,
        must_see: &["drainer parked", "nobody parked"],
    }
    .check(draining::drain_take);
}

/// *Property*: G7, G10: the same for a task.
///
/// *Threads*: receiver, task that drains.
///
/// *Bound*: preemptions = 2; 4,814 schedules in 0.7 s.
#[test]
fn awaited_drain_wakes_when_the_last_event_was_taken() {
    Model {
        name: "awaited_drain_wakes_when_the_last_event_was_taken",
        bound: Bound::Preemptions,
        floor: 2_400,
        must_see: &["somebody parked", "nobody parked"],
    }
    .check(|outcomes| draining::drain_receive(outcomes, true));
}

/// *Property*: G7: a drain wakes when a subscriber leaves, whatever a racing publish delivers.
///
/// *Threads*: publisher, leaver, drainer.
///
/// *Bound*: preemptions = 2; 59,449 schedules in 4.7 s.
#[test]
fn drain_wakes_when_the_subscriber_leaves() {
    Model {
        name: "drain_wakes_when_the_subscriber_leaves",
        bound: Bound::Preemptions,
        floor: 29_000,
        must_see: &["refused", "to nobody", "delivered"],
    }
    .check(draining::drain_publish_leave);
}

/// *Property*: G7, G10: a drain of a bus that never started waits until its backlog was received.
///
/// *Threads*: receiver, drainer.
///
/// *Bound*: preemptions = 2; 4,996 schedules in 0.7 s.
#[test]
fn drain_waits_for_the_backlog() {
    Model { name: "drain_waits_for_the_backlog", bound: Bound::Preemptions, floor: 1, must_see: &["drained"] }
        .check(draining::drain_backlog);
}

/// *Property*: G7: a drain does not wait for what comes into a ring that is sealed by then.
///
/// *Threads*: publisher whose filter publishes, closes the bus and drains it; receiver.
///
/// *Bound*: preemptions = 2; 258,805 schedules in 15.7 s.
#[test]
fn drain_does_not_wait_for_what_comes_into_a_sealed_ring() {
    Model {
        name: "drain_does_not_wait_for_what_comes_into_a_sealed_ring",
        bound: Bound::Preemptions,
        floor: 129_000,
        must_see: &["nothing to wait for", "one event came in time", "both events came in time"],
    }
    .check(draining::drain_publish_publish_receive);
}

/// *Property*: G7: a drain wakes when a stop abandons the replay that it waits for.
///
/// *Threads*: drainer, stopper, closer that receives (main).
///
/// *Bound*: preemptions = 2; 60,106 schedules in 5.1 s.
#[test]
fn drain_wakes_when_the_replay_is_abandoned() {
    Model {
        name: "drain_wakes_when_the_replay_is_abandoned",
        bound: Bound::Preemptions,
        floor: 30_000,
        must_see: &["the stop came first", "the close came first"],
    }
    .check(draining::drain_stop);
}

/// *Property*: G7: a drain wakes when a receiver that was stopped discards what a racing start has
/// let into its ring.
///
/// *Threads*: stopper, starter that publishes, drains and receives (main).
///
/// *Bound*: exhaustive; 7,627 schedules in 1.3 s.
#[test]
fn drain_wakes_when_an_abandoned_ring_is_emptied() {
    Model {
        name: "drain_wakes_when_an_abandoned_ring_is_emptied",
        bound: Bound::Exhaustive,
        floor: 3_800,
        must_see: &["received", "delivered, and discarded", "not offered"],
    }
    .check(draining::stop_start_publish_drain);
}
