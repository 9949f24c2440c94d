//! Retained events while others publish, subscribe, forget and start.

use loom_tests::model::{Bound, Model};
use loom_tests::scenarios::retaining;

/// *Property*: G14: a subscriber that races with two publishes of a retained type gets the last
/// event of before it, and every later one.
///
/// *Threads*: publisher, subscriber (main).
///
/// *Bound*: exhaustive; 796 schedules in less than 0.1 s.
#[test]
fn joiner_gets_the_last_event_and_every_later_one() {
    Model {
        name: "joiner_gets_the_last_event_and_every_later_one",
        bound: Bound::Exhaustive,
        floor: 160,
        must_see: &["came before both", "came between them", "came after both"],
    }
    .check(retaining::publish_subscribe);
}

/// *Property*: G2, G14: two publishes of a retained type that race reach a ring in the order in
/// which their events were put, without a gap, and whoever has published can receive its own event
/// at once.
///
/// *Threads*: publisher, publisher that receives (main).
///
/// *Bound*: preemptions = 2; 4,278 schedules in 0.9 s.
#[test]
fn retained_events_that_race_arrive_in_the_order_in_which_they_were_put() {
    Model {
        name: "retained_events_that_race_arrive_in_the_order_in_which_they_were_put",
        bound: Bound::Preemptions,
        floor: 690,
        must_see: &["put behind the other", "put before the other", "both were there at once"],
    }
    .check(retaining::publish_publish);
}

/// *Property*: G2, G14: of two publishes that race, a subscriber that races with both gets the last
/// one of before it, and those behind it, as everybody does.
///
/// *Threads*: publisher (main), publisher, subscriber.
///
/// *Bound*: preemptions = 1; 7,849 schedules in 1.5 s.
#[test]
fn joiner_among_racing_publishes_gets_none_twice() {
    Model {
        name: "joiner_among_racing_publishes_gets_none_twice",
        bound: Bound::FewerPreemptions,
        floor: 3_500,
        must_see: &["first the one", "first the other", "came before both", "came between them", "came after both"],
    }
    .check(retaining::publish_publish_subscribe);
}

/// *Property*: G7, G14: a subscriber that waits wakes for each of two retained events that race,
/// whoever has offered them.
///
/// *Threads*: two publishers, reader (main).
///
/// *Bound*: preemptions = 1; 55,724 schedules in 13.1 s.
#[test]
fn parked_subscriber_wakes_for_retained_events_that_race() {
    Model {
        name: "parked_subscriber_wakes_for_retained_events_that_race",
        bound: Bound::FewerPreemptions,
        floor: 20_000,
        must_see: &["first the one", "first the other"],
    }
    .check(retaining::publish_publish_receive);
}

/// *Property*: G14: to forget takes away what was put before, and nothing of what somebody is
/// entitled to.
///
/// *Threads*: publisher, forgetter, subscriber (main).
///
/// *Bound*: preemptions = 2; 1,334 schedules in 0.3 s.
#[test]
fn forgetting_that_races_takes_nothing_out_of_a_ring() {
    Model {
        name: "forgetting_that_races_takes_nothing_out_of_a_ring",
        bound: Bound::Preemptions,
        floor: 470,
        must_see: &[
            "came before all",
            "came behind the forgetting, before the publish",
            "came behind the publish, before any forgetting of it",
            "came behind both, of which the forgetting was the last",
            "forgotten first",
            "published first",
        ],
    }
    .check(retaining::publish_forget_subscribe);
}

/// *Property*: G3, G14: a subscriber that races with the start and with a publish gets the replay,
/// or the last event, from the log or live, also if that is still on its way into the log.
///
/// *Threads*: publisher, starter, subscriber (main).
///
/// *Bound*: preemptions = 2; 158,794 schedules in 35.7 s.
#[test]
fn joiner_that_races_with_start_misses_no_retained_event() {
    Model {
        name: "joiner_that_races_with_start_misses_no_retained_event",
        bound: Bound::Preemptions,
        floor: 87_000,
        must_see: &["both were replayed", "one was replayed", "the last one of the log", "the first live one"],
    }
    .check(retaining::start_publish_subscribe);
}

/// *Property*: G10, G14: who joins before a close receives the last event of before it and what was
/// published until then, and then Closed.
///
/// *Threads*: publisher that closes the bus, subscriber (main).
///
/// *Bound*: preemptions = 2; 10,086 schedules in 2.4 s.
#[test]
fn retained_event_is_received_before_closed() {
    Model {
        name: "retained_event_is_received_before_closed",
        bound: Bound::Preemptions,
        floor: 4_500,
        must_see: &["came before the publish", "came behind it", "came behind the close"],
    }
    .check(retaining::publish_close_subscribe);
}

/// *Property*: G2, G10, G11: a retained event whose publish races with a close is received before
/// Closed, or comes back, and the closed bus retains nothing.
///
/// *Threads*: publisher, closer (main).
///
/// *Bound*: exhaustive; 241 schedules in less than 0.1 s.
#[test]
fn retained_event_that_races_with_close_arrives_or_comes_back() {
    Model {
        name: "retained_event_that_races_with_close_arrives_or_comes_back",
        bound: Bound::Exhaustive,
        floor: 97,
        must_see: &["accepted", "handed back"],
    }
    .check(retaining::publish_close);
}

/// *Property*: G11, G14: a start that races with a publish into the log leaves the last event of
/// the log behind, and nothing else of it (shuttle and real threads; loom's double of the cell
/// keeps everything).
///
/// *Threads*: publisher, starter (main).
///
/// *Bound*: preemptions = 2; 1,872 schedules in 2.1 s.
#[test]
fn start_that_races_with_a_publish_keeps_the_last_event_alone() {
    Model {
        name: "start_that_races_with_a_publish_keeps_the_last_event_alone",
        bound: Bound::Preemptions,
        floor: 940,
        must_see: &["buffered", "live"],
    }
    .check(retaining::start_publish);
}

/// *Property*: G14: who forgets an event while the bus starts takes it from the log or from the
/// bus, and leaves nobody waiting for it.
///
/// *Threads*: forgetter, starter that subscribes (main).
///
/// *Bound*: exhaustive; 14,708 schedules in 2.9 s.
#[test]
fn forgetting_that_races_with_start_leaves_nothing_to_wait_for() {
    Model {
        name: "forgetting_that_races_with_start_leaves_nothing_to_wait_for",
        bound: Bound::Exhaustive,
        floor: 7_300,
        must_see: &["the start came first", "forgotten by then"],
    }
    .check(retaining::start_forget);
}
