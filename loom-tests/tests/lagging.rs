//! Lags, and the hooks that hear of them.

use loom_tests::engine::CROWD;
use loom_tests::model::{Bound, Model};
use loom_tests::scenarios::lagging;

/// *Property*: a hook that is added while a subscriber loses events hears of it once: with the loss
/// that begins the episode, or with the next.
///
/// *Threads*: publisher, adder.
///
/// *Bound*: preemptions = 2; 33 schedules in less than 0.1 s.
#[test]
fn hook_added_during_an_episode_hears_of_it_once() {
    Model {
        name: "hook_added_during_an_episode_hears_of_it_once",
        bound: Bound::Preemptions,
        floor: 16,
        must_see: &["reported as it began", "reported later"],
    }
    .check(lagging::lose_add_hook);
}

/// *Property*: of two hooks that are added at once none is lost.
///
/// *Threads*: adder, adder.
///
/// *Bound*: preemptions = 2; 22 schedules in less than 0.1 s.
#[test]
fn hooks_added_at_once_both_hear() {
    Model { name: "hooks_added_at_once_both_hear", bound: Bound::Preemptions, floor: 1, must_see: &["both"] }
        .check(lagging::add_two_hooks);
}

/// *Property*: G11: a closed bus keeps no hook, although one was added meanwhile (not under loom).
///
/// *Threads*: adder, closer (main).
///
/// *Bound*: preemptions = 2; 75 schedules in less than 0.1 s.
#[test]
fn closed_bus_keeps_no_hook_that_was_there_as_another_came() {
    Model {
        name: "closed_bus_keeps_no_hook_that_was_there_as_another_came",
        bound: Bound::Preemptions,
        floor: 37,
        must_see: &["none is kept"],
    }
    .check(lagging::add_hook_close);
}

/// *Property*: an episode that several publishers begin is reported once.
///
/// *Threads*: a crowd of publishers.
///
/// *Bound*: preemptions = 2; 152 schedules in less than 0.1 s.
#[test]
fn episode_that_publishers_begin_at_once_is_reported_once() {
    Model {
        name: "episode_that_publishers_begin_at_once_is_reported_once",
        bound: Bound::Preemptions,
        floor: 76,
        must_see: &["reported once"],
    }
    .check(|outcomes| lagging::lose_at_once(outcomes, CROWD));
}

/// *Property*: a subscriber that has caught up does not lag, although the episode began while it
/// did; nobody hears of it.
///
/// *Threads*: publisher, reader (main).
///
/// *Bound*: exhaustive; 639 schedules in 0.2 s.
#[test]
fn episode_that_begins_late_ends_unheard() {
    Model {
        name: "episode_that_begins_late_ends_unheard",
        bound: Bound::Exhaustive,
        floor: 320,
        must_see: &["lost", "delivered"],
    }
    .check(|outcomes| lagging::lose_and_catch_up(outcomes, false));
}

/// *Property*: the same, if a hook hears of it.
///
/// *Threads*: publisher, reader (main).
///
/// *Bound*: exhaustive; 3,537 schedules in 1.3 s.
#[test]
fn episode_that_begins_late_ends_once_it_is_reported() {
    Model {
        name: "episode_that_begins_late_ends_once_it_is_reported",
        bound: Bound::Exhaustive,
        floor: 1_700,
        must_see: &["lost", "delivered"],
    }
    .check(|outcomes| lagging::lose_and_catch_up(outcomes, true));
}
