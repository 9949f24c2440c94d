//! Close.

use loom_tests::engine::CROWD;
use loom_tests::model::{Bound, Model};
use loom_tests::scenarios::closing;
use loom_tests::token::{Bus, live_bus};

/// *Property*: G10: the backlog is received once, then Closed; whoever was first, the bus stays
/// closed.
///
/// *Threads*: starter, closer, reader.
///
/// *Bound*: preemptions = 2; 917,980 schedules in 175.9 s.
#[test]
fn start_races_with_close() {
    Model {
        name: "start_races_with_close",
        bound: Bound::Preemptions,
        floor: 450_000,
        must_see: &["started first", "closed first"],
    }
    .check(closing::start_close);
}

/// *Property*: G7, G10: closing a bus that never started releases what was accepted, and never
/// makes it live.
///
/// *Threads*: publisher, closer, reader.
///
/// *Bound*: preemptions = 2; 348,359 schedules in 73.7 s.
#[test]
fn backlog_is_released_by_close() {
    Model {
        name: "backlog_is_released_by_close",
        bound: Bound::Preemptions,
        floor: 170_000,
        must_see: &["released", "refused", "reader parked"],
    }
    .check(closing::close_releases_backlog);
}

/// *Property*: G10: what one thread published before it closed the bus is received before Closed.
///
/// *Threads*: publisher and closer, reader.
///
/// *Bound*: exhaustive; 108,831 schedules in 18.6 s.
#[test]
fn event_published_before_close_is_received() {
    Model {
        name: "event_published_before_close_is_received",
        bound: Bound::Exhaustive,
        floor: 54_000,
        must_see: &["reader parked", "found at once"],
    }
    .check(|outcomes| closing::publish_then_close(outcomes, &Bus::new(1)));
}

/// *Property*: G10: what one thread published on a live bus before it closed the bus is received
/// before Closed.
///
/// *Threads*: publisher and closer, reader.
///
/// *Bound*: preemptions = 2; 2,369 schedules in 0.5 s.
#[test]
fn event_published_live_before_close_is_received() {
    Model {
        name: "event_published_live_before_close_is_received",
        bound: Bound::Preemptions,
        floor: 1_100,
        must_see: &["reader parked", "found at once"],
    }
    .check(|outcomes| closing::publish_then_close(outcomes, &live_bus()));
}

/// *Property*: G10: what another thread published on a live bus before it was closed is received
/// before Closed.
///
/// *Threads*: publisher, closer, reader.
///
/// *Bound*: preemptions = 2; 355,021 schedules in 116.4 s.
#[test]
fn event_published_elsewhere_before_close_is_received() {
    Model {
        name: "event_published_elsewhere_before_close_is_received",
        bound: Bound::Preemptions,
        floor: 170_000,
        must_see: &["closed after the publish", "closed while it raced"],
    }
    .check(closing::publish_elsewhere_then_close);
}

/// *Property*: G2, G7, G10: a waiting subscriber wakes for close; what a racing publish delivered
/// is received or counted as discarded.
///
/// *Threads*: publisher, closer, reader.
///
/// *Bound*: preemptions = 2; 42,388 schedules in 13.4 s.
#[test]
fn parked_subscriber_wakes_for_close() {
    Model {
        name: "parked_subscriber_wakes_for_close",
        bound: Bound::Preemptions,
        floor: 21_000,
        must_see: &["delivered too late, discarded", "received", "refused", "reader parked"],
    }
    .check(|outcomes| closing::close_live(outcomes, CROWD - 1));
}

/// *Property*: G7, G10, G11: a subscription made while the bus is closed gets the backlog or
/// nothing, and then Closed; nothing keeps the backlog then (not under loom).
///
/// *Threads*: closer, subscriber.
///
/// *Bound*: preemptions = 2; 158 schedules in less than 0.1 s.
#[test]
fn subscription_that_races_with_close_ends() {
    Model {
        name: "subscription_that_races_with_close_ends",
        bound: Bound::Preemptions,
        floor: 79,
        must_see: &["subscribed after close", "subscribed before close"],
    }
    .check(closing::subscribe_close);
}

/// *Property*: G10: when either of two closes has returned, the bus takes nothing, and what was
/// accepted can be received: the backlog of a bus that never started. Nothing is kept of a
/// subscriber that leaves then (not under loom).
///
/// *Threads*: closer, closer that reads.
///
/// *Bound*: preemptions = 2; 3,598 schedules in 0.5 s.
#[test]
fn backlog_can_be_received_when_any_close_has_returned() {
    Model {
        name: "backlog_can_be_received_when_any_close_has_returned",
        bound: Bound::Preemptions,
        floor: 1_700,
        must_see: &["the other had closed it", "at once, or first"],
    }
    .check(|outcomes| closing::two_closers(outcomes, &Bus::new(1)));
}

/// *Property*: G10: when either of two closes of a live bus has returned, it takes nothing, and its
/// subscribers are told Closed. Nothing is kept of a subscriber that leaves then (not under loom).
///
/// *Threads*: closer, closer that reads.
///
/// *Bound*: preemptions = 2; 1,747 schedules in 0.5 s.
#[test]
fn subscriber_is_told_when_any_close_has_returned() {
    Model {
        name: "subscriber_is_told_when_any_close_has_returned",
        bound: Bound::Preemptions,
        floor: 870,
        must_see: &["the other had closed it", "at once, or first"],
    }
    .check(|outcomes| closing::two_closers(outcomes, &live_bus()));
}

/// *Property*: G2, G5, G7: of a batch that races with close, each event delivered is received, in
/// order, or counted as discarded.
///
/// *Threads*: publisher, closer, reader.
///
/// *Bound*: preemptions = 2; 298,340 schedules in 70.3 s.
#[test]
fn batch_that_races_with_close_leaves_nothing_behind() {
    Model {
        name: "batch_that_races_with_close_leaves_nothing_behind",
        bound: Bound::Preemptions,
        floor: 140_000,
        must_see: &["both too late, discarded", "both received", "refused", "reader parked"],
    }
    .check(closing::close_live_batch);
}
