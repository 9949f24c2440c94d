//! Large events, in their rooms.

use loom_tests::engine::CROWD;
use loom_tests::model::{Bound, Model};
use loom_tests::scenarios::large;
use ringbus::Overflow;

/// *Property*: G3, G7: a reader parked in front of a slot is woken by the publisher that fills it
/// with a large event.
///
/// *Threads*: publisher, reader that starts the bus.
///
/// *Bound*: preemptions = 2; 9,176 schedules in 1.7 s.
#[test]
fn late_fill_with_a_large_event_wakes_the_parked_reader() {
    Model {
        name: "late_fill_with_a_large_event_wakes_the_parked_reader",
        bound: Bound::Preemptions,
        floor: 4_500,
        must_see: &["replayed", "delivered live", "reader parked"],
    }
    .check(large::late_fill);
}

/// *Property*: G1, G2: of large events that race for a ring each is received once or counted as
/// dropped, and each room comes back empty.
///
/// *Threads*: a crowd of publishers, reader.
///
/// *Bound*: preemptions = 2; 169,392 schedules in 25.2 s.
#[test]
fn large_events_that_race_are_received_or_dropped() {
    Model {
        name: "large_events_that_race_are_received_or_dropped",
        bound: Bound::Preemptions,
        floor: 84_000,
        must_see: &["two received", "dropped"],
    }
    .check(|outcomes| large::full_ring(outcomes, CROWD, Overflow::DropNewest));
}

/// *Property*: G1, G2: the same where the latest event wins: each is received once or counted as
/// evicted or dropped.
///
/// *Threads*: a crowd of publishers, reader.
///
/// *Bound*: preemptions = 1; 7,090 schedules in 1.3 s.
#[test]
fn large_events_that_race_are_received_or_evicted() {
    Model {
        name: "large_events_that_race_are_received_or_evicted",
        bound: Bound::FewerPreemptions,
        floor: 3_500,
        must_see: &["two received", "evicted"],
    }
    .check(|outcomes| large::full_ring(outcomes, CROWD, Overflow::DropOldest));
}
