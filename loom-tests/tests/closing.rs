//! Close.

use loom_tests::engine::CROWD;
use loom_tests::model::{Bound, Model};
use loom_tests::scenarios::closing;
use loom_tests::token::{Bus, live_bus};

/// *Property*: G10: the backlog is received once, then Closed; whoever was first, the bus stays closed.
///
/// *Threads*: starter, closer, reader.
///
/// *Bound*: preemptions = 2; 241,244 schedules in 34.1 s.
#[test]
fn start_races_with_close() {
    Model {
        name: "start_races_with_close",
        bound: Bound::Preemptions,
        floor: 120_000,
        must_see: &["started first", "closed first"],
    }
    .check(closing::start_close);
}

/// *Property*: G7, G10: closing a bus that never started releases what was accepted, and never makes it live.
///
/// *Threads*: publisher, closer, reader.
///
/// *Bound*: preemptions = 2; 182,310 schedules in 50.3 s.
#[test]
fn backlog_is_released_by_close() {
    Model {
        name: "backlog_is_released_by_close",
        bound: Bound::Preemptions,
        floor: 91_000,
        must_see: &["released", "refused", "reader parked"],
    }
    .check(closing::close_releases_backlog);
}

/// *Property*: G10: what one thread published before it closed the bus is received before Closed.
///
/// *Threads*: publisher and closer, reader.
///
/// *Bound*: exhaustive; 162,843 schedules in 41.7 s.
#[test]
fn event_published_before_close_is_received() {
    Model {
        name: "event_published_before_close_is_received",
        bound: Bound::Exhaustive,
        floor: 81_000,
        must_see: &["reader parked", "found at once"],
    }
    .check(|outcomes| closing::publish_then_close(outcomes, &Bus::new(1)));
}

/// *Property*: G10: what one thread published on a live bus before it closed the bus is received before Closed.
///
/// *Threads*: publisher and closer, reader.
///
/// *Bound*: preemptions = 2; 1,724 schedules in 0.3 s.
#[test]
fn event_published_live_before_close_is_received() {
    Model {
        name: "event_published_live_before_close_is_received",
        bound: Bound::Preemptions,
        floor: 860,
        must_see: &["reader parked", "found at once"],
    }
    .check(|outcomes| closing::publish_then_close(outcomes, &live_bus()));
}

/// *Property*: G10: what another thread published on a live bus before it was closed is received before Closed.
///
/// *Threads*: publisher, closer, reader.
///
/// *Bound*: preemptions = 2; 222,796 schedules in 41.5 s.
#[test]
fn event_published_elsewhere_before_close_is_received() {
    Model {
        name: "event_published_elsewhere_before_close_is_received",
        bound: Bound::Preemptions,
        floor: 110_000,
        must_see: &["closed after the publish", "closed while it raced"],
    }
    .check(closing::publish_elsewhere_then_close);
}

/// *Property*: G2, G7, G10: a waiting subscriber wakes for close; what a racing publish delivered is received or
/// counted as discarded.
///
/// *Threads*: publisher, closer, reader.
///
/// *Bound*: preemptions = 2; 48,248 schedules in 8.8 s.
#[test]
fn parked_subscriber_wakes_for_close() {
    Model {
        name: "parked_subscriber_wakes_for_close",
        bound: Bound::Preemptions,
        floor: 16_000,
        must_see: &["delivered too late, discarded", "received", "refused", "reader parked"],
    }
    .check(|outcomes| closing::close_live(outcomes, CROWD - 1));
}

/// *Property*: G7, G10: a subscription made while the bus is closed gets the backlog or nothing, and then Closed.
///
/// *Threads*: closer, subscriber.
///
/// *Bound*: preemptions = 2; 201 schedules in less than 0.1 s.
#[test]
fn subscription_that_races_with_close_ends() {
    Model {
        name: "subscription_that_races_with_close_ends",
        bound: Bound::Preemptions,
        floor: 100,
        must_see: &["subscribed after close", "subscribed before close"],
    }
    .check(closing::subscribe_close);
}
