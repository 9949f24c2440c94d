//! Each value is popped, given back or dropped, exactly once, and those of one thread come in its
//! order.

mod common;

use common::{Counted, Gate, Ledger};
use ringbus_lane::{Consumer, Producer, channel};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

const PRODUCERS: usize = 4;
/// Values of each producer.
const EACH: usize = 400;

/// Spawns producers that offer the values `EACH * producer ..` by turns one by one, as batches with
/// holes, and again until they are taken; each returns the numbers that it was given back because
/// the ring was closed.
fn spawn_producers(producer: Producer<Counted>, ledger: &Ledger) -> Vec<JoinHandle<Vec<usize>>> {
    let gate = Arc::new(Gate::default());
    (0..PRODUCERS)
        .map(|index| {
            let (producer, ledger, gate) = (producer.clone(), ledger.clone(), Arc::clone(&gate));
            thread::spawn(move || {
                gate.pass(PRODUCERS);
                let mut given_back = Vec::new();
                let mut numbers = (EACH * index..EACH * (index + 1)).peekable();
                while let Some(number) = numbers.peek().copied() {
                    let mut batch = vec![None];
                    batch.extend(numbers.by_ref().take(1 + number % 7).flat_map(|number| {
                        let value = Some(ledger.value(number));
                        if number % 3 == 0 { vec![value, None] } else { vec![value] }
                    }));
                    offer(&producer, &mut batch, number % 2 == 0);
                    given_back.extend(batch.into_iter().flatten().map(|value| value.number));
                }
                given_back
            })
        })
        .collect()
}

/// Pushes a batch until all of it was taken or the ring is closed; leaves what was not taken.
fn offer(producer: &Producer<Counted>, batch: &mut [Option<Counted>], one_by_one: bool) {
    loop {
        if one_by_one {
            for place in batch.iter_mut() {
                let Some(value) = place.take() else { continue };
                if let Err(error) = producer.push(value) {
                    *place = Some(error.into_inner());
                    break;
                }
            }
        } else {
            producer.push_batch(batch);
        }
        assert!(producer.len() <= producer.capacity(), "though head and tail are read one after the other");
        if batch.iter().all(Option::is_none) || producer.is_closed() {
            return;
        }
        thread::yield_now();
    }
}

/// Pops until there were so many values, or all producers are gone, by turns one and many.
fn pop(consumer: &Consumer<Counted>, at_most: usize) -> Vec<usize> {
    let (mut numbers, mut values) = (Vec::new(), Vec::new());
    while numbers.len() < at_most {
        let is_last = consumer.is_abandoned();
        let popped = if numbers.len() % 2 == 0 {
            values.extend(consumer.pop());
            values.len()
        } else {
            consumer.pop_many(&mut values, (at_most - numbers.len()).min(5))
        };
        assert_eq!(popped, values.len());
        numbers.extend(values.drain(..).map(|value| value.number));
        if popped == 0 {
            if is_last {
                break;
            }
            thread::yield_now();
        }
    }
    numbers
}

#[track_caller]
fn assert_in_order(numbers: &[usize]) {
    for producer in 0..PRODUCERS {
        let own: Vec<_> = numbers.iter().filter(|number| *number / EACH == producer).collect();
        assert!(own.is_sorted(), "values of producer {producer} come in its order");
    }
}

#[test]
fn all_values_arrive_once_and_in_order_of_each_producer() {
    for capacity in [1, 2, 3, 7, 64, 1_000] {
        let ledger = Ledger::new(PRODUCERS * EACH);
        let (producer, consumer) = channel(capacity);
        let threads = spawn_producers(producer, &ledger);
        let numbers = pop(&consumer, usize::MAX);
        assert!(threads.into_iter().all(|thread| thread.join().unwrap().is_empty()), "nothing is given back");
        assert_in_order(&numbers);
        assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), PRODUCERS * EACH, "each number comes");
        ledger.assert_all_dropped_once();
    }
}

#[test]
fn values_that_race_with_a_close_are_popped_or_given_back() {
    for capacity in [1, 3, 64] {
        for at_most in [0, 1, 100, 600] {
            let ledger = Ledger::new(PRODUCERS * EACH);
            let (producer, consumer) = channel(capacity);
            let threads = spawn_producers(producer, &ledger);
            let mut numbers = pop(&consumer, at_most);
            consumer.close();
            numbers.extend(std::iter::from_fn(|| consumer.pop()).map(|value| value.number));
            let taken = numbers.len();
            numbers.extend(threads.into_iter().flat_map(|thread| thread.join().unwrap()));
            assert!(consumer.pop().is_none(), "nothing comes after a closed ring was found empty");
            assert!(taken <= at_most + capacity, "no more than fits waits in a closed ring");
            assert_in_order(&numbers);
            assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), PRODUCERS * EACH, "each number comes");
            ledger.assert_all_dropped_once();
        }
    }
}

#[test]
fn values_that_race_with_a_dropped_consumer_are_dropped_or_given_back() {
    for capacity in [1, 3, 64] {
        for at_most in [0, 1, 100, 600] {
            let ledger = Ledger::new(PRODUCERS * EACH);
            let (producer, consumer) = channel(capacity);
            let observer = producer.clone();
            let threads = spawn_producers(producer, &ledger);
            let popped = pop(&consumer, at_most);
            drop(consumer);
            let given_back: BTreeSet<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
            ledger.assert_all_dropped_once();
            assert!(observer.is_empty(), "the consumer leaves nothing behind");
            assert!(popped.iter().all(|number| !given_back.contains(number)), "never both");
        }
    }
}

#[test]
fn values_may_be_popped_on_another_thread_than_before() {
    let ledger = Ledger::new(PRODUCERS * EACH);
    let (producer, mut consumer) = channel(16);
    let threads = spawn_producers(producer, &ledger);
    let mut numbers = Vec::new();
    while numbers.len() < PRODUCERS * EACH {
        let popping = thread::spawn(move || (pop(&consumer, 500), consumer));
        let (popped, back) = popping.join().unwrap();
        numbers.extend(popped);
        consumer = back;
    }
    threads.into_iter().for_each(|thread| assert!(thread.join().unwrap().is_empty()));
    assert_in_order(&numbers);
    ledger.assert_all_dropped_once();
}

#[test]
fn one_producer_is_shared_by_threads() {
    let (producer, consumer) = channel(8);
    let mut sums = [0_usize; 2];
    thread::scope(|scope| {
        let threads = [1, 1_000].map(|step| {
            let producer = &producer;
            scope.spawn(move || {
                (0..1_000).for_each(|_| {
                    while producer.push_slice(&[step]) == 0 {
                        thread::yield_now();
                    }
                });
                1_000 * step
            })
        });
        for _ in 0..2_000 {
            sums[0] += loop {
                match consumer.pop() {
                    Some(step) => break step,
                    None => thread::yield_now(),
                }
            };
        }
        sums[1] = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    });
    assert_eq!(sums[0], sums[1]);
    assert!(consumer.is_empty());
}
