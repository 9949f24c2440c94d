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
