//! A publisher that keeps its snapshot.

use loom_tests::model::{Bound, Model};
use loom_tests::scenarios::publisher;

/// *Property*: G6: a publisher with a cached snapshot offers every event published after subscribe
/// returned.
///
/// *Threads*: publisher, subscriber.
///
/// *Bound*: exhaustive; 3,876 schedules in 0.4 s.
#[test]
fn cached_snapshot_never_misses_a_subscription() {
    Model {
        name: "cached_snapshot_never_misses_a_subscription",
        bound: Bound::Exhaustive,
        floor: 1_900,
        must_see: &["published after subscribe", "offered while it raced", "missed while it raced"],
    }
    .check(publisher::cached_subscribe);
}

/// *Property*: G3, G5: events of a publisher that races with start arrive once and in order.
///
/// *Threads*: publisher, starter, reader (main).
///
/// *Bound*: preemptions = 2; 1,439 schedules in 0.2 s.
#[test]
fn cached_snapshot_survives_start() {
    Model {
        name: "cached_snapshot_survives_start",
        bound: Bound::Preemptions,
        floor: 710,
        must_see: &["read between the two", "both replayed", "one replayed, one live", "both live"],
    }
    .check(publisher::cached_start);
}

/// *Property*: G2, G10: a publisher with a cached snapshot publishes nothing after close returned.
///
/// *Threads*: publisher, closer; the reader comes when both are done.
///
/// *Bound*: preemptions = 2; 272 schedules in less than 0.1 s.
#[test]
fn cached_snapshot_never_outlives_close() {
    Model {
        name: "cached_snapshot_never_outlives_close",
        bound: Bound::Preemptions,
        floor: 130,
        must_see: &["refused", "one accepted", "both accepted"],
    }
    .check(publisher::cached_close);
}
