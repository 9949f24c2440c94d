//! The ring of the crate `ringbus-lane`.

use loom_tests::engine::CROWD;
use loom_tests::model::{Bound, Model};
use loom_tests::scenarios::lane::{self, Way};

/// *Property*: a consumer that says it sleeps, and then looks a last time, finds the value, or the
/// producer finds that it sleeps.
///
/// *Threads*: producer, consumer.
///
/// *Bound*: exhaustive; 759 schedules in 0.1 s.
#[test]
fn sleeping_consumer_is_woken() {
    Model {
        name: "sleeping_consumer_is_woken",
        bound: Bound::Exhaustive,
        floor: 370,
        must_see: &["both", "the value alone", "that it sleeps alone"],
    }
    .check(|outcomes| lane::sleeping(outcomes, 1, lane::by_pop));
}

/// *Property*: the same, if its last look pops what there is.
///
/// *Threads*: producer, consumer.
///
/// *Bound*: exhaustive; 759 schedules in 0.1 s.
#[test]
fn sleeping_consumer_is_woken_if_it_pops_many() {
    Model {
        name: "sleeping_consumer_is_woken_if_it_pops_many",
        bound: Bound::Exhaustive,
        floor: 370,
        must_see: &["both", "the value alone", "that it sleeps alone"],
    }
    .check(|outcomes| lane::sleeping(outcomes, 1, lane::by_pop_many));
}

/// *Property*: the same, if its last look asks whether the ring is empty.
///
/// *Threads*: producer, consumer.
///
/// *Bound*: exhaustive; 141 schedules in less than 0.1 s.
#[test]
fn sleeping_consumer_is_woken_if_it_asks_for_emptiness() {
    Model {
        name: "sleeping_consumer_is_woken_if_it_asks_for_emptiness",
        bound: Bound::Exhaustive,
        floor: 70,
        must_see: &["both", "the value alone", "that it sleeps alone"],
    }
    .check(|outcomes| lane::sleeping(outcomes, 1, lane::by_is_empty));
}

/// *Property*: the same for several producers: if the consumer finds nothing, each finds that it
/// sleeps.
///
/// *Threads*: a crowd of producers, consumer.
///
/// *Bound*: preemptions = 2; 2,375 schedules in 0.4 s.
#[test]
fn sleeping_consumer_is_woken_by_each_producer() {
    Model {
        name: "sleeping_consumer_is_woken_by_each_producer",
        bound: Bound::Preemptions,
        floor: 1_100,
        must_see: &["both", "the value alone", "that it sleeps alone"],
    }
    .check(|outcomes| lane::sleeping(outcomes, CROWD, lane::by_pop));
}

/// *Property*: the same for a value that needs the place of the one that was popped before.
///
/// *Threads*: producer, consumer.
///
/// *Bound*: exhaustive; 1,855 schedules in 0.2 s.
#[test]
fn sleeping_consumer_is_woken_in_the_next_lap() {
    Model {
        name: "sleeping_consumer_is_woken_in_the_next_lap",
        bound: Bound::Exhaustive,
        floor: 920,
        must_see: &["refused", "that it sleeps alone", "the value alone"],
    }
    .check(lane::sleeping_in_the_next_lap);
}

/// *Property*: a producer that trusts what another one knows of the consumer's position does not
/// write into a slot that is being read, also if it claims before that other one does.
///
/// *Threads*: producer that looks, producer that trusts, consumer.
///
/// *Bound*: preemptions = 2; 3,251 schedules in 0.7 s.
#[test]
fn known_head_carries_the_reads_of_the_consumer() {
    Model {
        name: "known_head_carries_the_reads_of_the_consumer",
        bound: Bound::Preemptions,
        floor: 1_600,
        must_see: &["none", "of the first", "of the second"],
    }
    .check(lane::known_head);
}

/// *Property*: lap by lap, a ring for one value gives what it has taken, in order.
///
/// *Threads*: producer, consumer.
///
/// *Bound*: exhaustive; 5,926 schedules in 1.1 s.
#[test]
fn slot_is_not_written_while_it_is_read() {
    Model {
        name: "slot_is_not_written_while_it_is_read",
        bound: Bound::Exhaustive,
        floor: 2_900,
        must_see: &["refused", "all taken", "a later lap was popped"],
    }
    .check(|outcomes| lane::laps(outcomes, 1, Way::OneByOne));
}

/// *Property*: the same for batches, in a ring for two values.
///
/// *Threads*: producer, consumer.
///
/// *Bound*: exhaustive; 114 schedules in less than 0.1 s.
#[test]
fn slots_are_not_written_while_many_are_popped() {
    Model {
        name: "slots_are_not_written_while_many_are_popped",
        bound: Bound::Exhaustive,
        floor: 50,
        must_see: &["refused", "all taken", "a later lap was popped"],
    }
    .check(|outcomes| lane::laps(outcomes, 2, Way::Batch));
}

/// *Property*: values are visible as a whole, come once, and those of one thread in its order.
///
/// *Threads*: a crowd of producers, consumer.
///
/// *Bound*: preemptions = 2; 66,864 schedules in 5.2 s.
#[test]
fn values_arrive_whole_and_in_order() {
    Model {
        name: "values_arrive_whole_and_in_order",
        bound: Bound::Preemptions,
        floor: 33_000,
        must_see: &["popped afterwards", "popped meanwhile", "the second first"],
    }
    .check(|outcomes| lane::order(outcomes, CROWD, 2 * CROWD, Way::OneByOne));
}

/// *Property*: the same for batches, which stay together, in a ring that does not hold them all and
/// whose capacity is no power of two.
///
/// *Threads*: a crowd of producers, consumer.
///
/// *Bound*: preemptions = 2; 40,809 schedules in 10.5 s.
#[test]
fn batches_arrive_whole_and_in_order() {
    Model {
        name: "batches_arrive_whole_and_in_order",
        bound: Bound::Preemptions,
        floor: 20_000,
        must_see: &["popped afterwards", "popped meanwhile", "the second first", "refused"],
    }
    .check(|outcomes| lane::order(outcomes, CROWD, 3, Way::Batch));
}

/// *Property*: a consumer that finds all producers gone finds all that they have pushed.
///
/// *Threads*: a crowd of producers, consumer.
///
/// *Bound*: preemptions = 2; 10,825 schedules in 2.8 s.
#[test]
fn abandoned_ring_still_gives_what_was_pushed() {
    Model {
        name: "abandoned_ring_still_gives_what_was_pushed",
        bound: Bound::Preemptions,
        floor: 5_400,
        must_see: &["abandoned", "nothing yet"],
    }
    .check(|outcomes| lane::abandoned(outcomes, CROWD));
}

/// *Property*: what a ring has taken before it was closed is popped, and what comes later is given
/// back.
///
/// *Threads*: producer, consumer that closes.
///
/// *Bound*: exhaustive; 1,245 schedules in 0.2 s.
#[test]
fn closed_ring_keeps_or_gives_back() {
    Model {
        name: "closed_ring_keeps_or_gives_back",
        bound: Bound::Exhaustive,
        floor: 620,
        must_see: &["refused", "taken"],
    }
    .check(|outcomes| lane::closing(outcomes, Way::OneByOne));
}

/// *Property*: the same for a batch, all of it or nothing.
///
/// *Threads*: producer, consumer that closes.
///
/// *Bound*: exhaustive; 792 schedules in 0.2 s.
#[test]
fn closed_ring_keeps_or_gives_back_a_batch() {
    Model {
        name: "closed_ring_keeps_or_gives_back_a_batch",
        bound: Bound::Exhaustive,
        floor: 390,
        must_see: &["refused", "taken"],
    }
    .check(|outcomes| lane::closing(outcomes, Way::Batch));
}

/// *Property*: a consumer that is dropped drops what was taken, and the rest is given back.
///
/// *Threads*: a crowd of producers, consumer that leaves.
///
/// *Bound*: preemptions = 2; 2,510 schedules in 0.6 s.
#[test]
fn abandoned_values_are_dropped_with_the_consumer() {
    Model {
        name: "abandoned_values_are_dropped_with_the_consumer",
        bound: Bound::Preemptions,
        floor: 1_200,
        must_see: &["given back", "dropped by the consumer"],
    }
    .check(|outcomes| lane::leaving(outcomes, CROWD));
}

/// *Property*: a producer is not told of more values than there are, and a slice is pushed if there
/// is room.
///
/// *Threads*: producer, producer that looks, consumer.
///
/// *Bound*: preemptions = 2; 16,485 schedules in 4.4 s.
#[test]
fn ring_with_room_does_not_look_full() {
    Model {
        name: "ring_with_room_does_not_look_full",
        bound: Bound::Preemptions,
        floor: 8_200,
        must_see: &["empty", "one value"],
    }
    .check(lane::fullness);
}
