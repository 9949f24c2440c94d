//! Subscribe and unsubscribe while others publish.

use loom_tests::engine::CROWD;
use loom_tests::model::{Bound, Model};
use loom_tests::scenarios::subscribing;

/// *Property*: G2, G6: a subscriber that stays gets every event; one that comes and goes is offered
/// what is published meanwhile, and leaves nothing behind.
///
/// *Threads*: publisher, passers-by that publish too.
///
/// *Bound*: preemptions = 2; 4,704 schedules in 0.7 s.
#[test]
fn comings_and_goings_do_not_touch_who_stays() {
    Model {
        name: "comings_and_goings_do_not_touch_who_stays",
        bound: Bound::Preemptions,
        floor: 2_300,
        must_see: &[
            "received by one that went",
            "delivered to one that went, and discarded",
            "delivered to who stays alone",
        ],
    }
    .check(|outcomes| subscribing::subscribe_unsubscribe_publish(outcomes, CROWD - 1));
}
