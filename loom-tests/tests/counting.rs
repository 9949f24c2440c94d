//! Counts.

use loom_tests::engine::CROWD;
use loom_tests::model::{Bound, Model};
use loom_tests::scenarios::counting;

/// *Property*: what threads have counted is not lost when they end and others go on in their place.
///
/// *Threads*: a crowd that counts.
///
/// *Bound*: exhaustive; 186 schedules in less than 0.1 s.
#[test]
fn counts_survive_the_thread_that_made_them() {
    Model {
        name: "counts_survive_the_thread_that_made_them",
        bound: Bound::Exhaustive,
        floor: 93,
        must_see: &["one after the other in one stripe", "side by side"],
    }
    .check(|outcomes| counting::count_and_end(outcomes, CROWD));
}

/// *Property*: threads that share a stripe, because all others have their owners, lose no count.
///
/// *Threads*: a crowd that counts.
///
/// *Bound*: exhaustive; 18 schedules in less than 0.1 s.
#[cfg(any(loom, shuttle))]
#[test]
fn threads_that_share_a_stripe_lose_no_count() {
    Model {
        name: "threads_that_share_a_stripe_lose_no_count",
        bound: Bound::Exhaustive,
        floor: 9,
        must_see: &["all counted"],
    }
    .check(|outcomes| counting::count_with_others(outcomes, CROWD));
}
