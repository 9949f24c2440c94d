//! Several threads publish to four subscribers at the same time: what it costs that they meet.
//!
//! Rings hold the whole round, so nobody waits or loses anything. The calling thread is one of the
//! publishers, so that nobody takes a core from them while waiting, and it drains the subscribers
//! once all are done. An operation is one publish with its four receives.
//!
//! With more publishers than processors these mostly take turns, by whole slices of time: such a
//! case says what preemption costs, and little about who contends best.

use super::channel::{Channel, Crossbeam, Crossfire, Flume, Kanal, Std};
use super::cross::{Worker, event};
use super::fanout::{drain, look_at};
use super::kind::{Arrays, Kind, Lanes};
use crate::event::Small;
use crate::measure::{Case, Clock, Contestant, Tally};
use crossbeam_queue::ArrayQueue;
use disruptor::Producer as _;
use std::collections::BTreeSet;
use std::hint::black_box;
use std::iter;
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::Instant;

/// The numbers of publishers, unless more are asked for.
pub const PUBLISHERS: [usize; 3] = [1, 2, 4];
/// Subscribers.
pub const SUBSCRIBERS: usize = 4;
/// Events in a round, of all publishers together, or a few less if they cannot be shared out.
pub const EVENTS: u64 = 16_384;
/// Events that a ring holds.
const CAPACITY: usize = EVENTS as usize;

/// The usual cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    PUBLISHERS.map(case).into()
}

/// The usual cases, and those with more publishers or fewer, up to one on each processor.
#[must_use]
pub fn sweep(processors: usize) -> Vec<Case> {
    publishers(processors).into_iter().map(case).collect()
}

/// From 1 on, in steps of half or a third, to this number. And the usual numbers.
fn publishers(processors: usize) -> BTreeSet<usize> {
    let steps = (0..).flat_map(|power| [2 << power, 3 << power]).take_while(|&number| number <= processors);
    PUBLISHERS.into_iter().chain(steps).chain([processors]).collect()
}

/// What the case with so many publishers is called.
#[must_use]
pub fn name(publishers: usize) -> String {
    format!("publishers = {publishers}")
}

fn case(publishers: usize) -> Case {
    Case {
        group: "contention",
        name: name(publishers),
        operation: "publish and 4 receives",
        clock: Clock::Wall,
        contestants: Box::new(move || contestants(publishers)),
    }
}

/// Without rtrb and jonhoo's bus, which have one publisher.
fn contestants(publishers: usize) -> Vec<Contestant> {
    vec![
        ringbus_publisher::<Arrays>(publishers),
        ringbus_bus::<Arrays>(publishers),
        ringbus_publisher::<Lanes>(publishers),
        ringbus_bus::<Lanes>(publishers),
        array_queue(publishers),
        tokio_broadcast(publishers),
        async_broadcast(publishers),
        channel::<Crossbeam>(publishers),
        channel::<Crossfire>(publishers),
        channel::<Flume>(publishers),
        channel::<Kanal>(publishers),
        channel::<Std>(publishers),
        disruptor(publishers),
    ]
}

/// A contestant that publishes with a clone of `publish` on each of so many threads, and drains
/// subscriber by subscriber.
fn contestant<R: 'static>(
    name: &'static str,
    publishers: usize,
    mut publish: impl FnMut(Small) -> bool + Clone + Send + 'static,
    mut subscribers: Vec<R>,
    mut drain: impl FnMut(&mut R) -> u64 + 'static,
) -> Contestant {
    let share = EVENTS / publishers as u64;
    let events = share * publishers as u64;
    let mut publish_share = move || {
        for number in 0..share {
            black_box(publish(event(number)));
        }
    };
    let others: Vec<_> = (1..publishers).map(|_| Worker::new(publish_share.clone())).collect();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let call = if publishers <= cores { Worker::call_apart } else { Worker::call };
    Contestant::new(name, move || {
        others.iter().for_each(call);
        let begun = Instant::now();
        others.iter().for_each(Worker::begin);
        publish_share();
        others.iter().for_each(Worker::wait);
        let received: u64 = subscribers.iter_mut().map(&mut drain).sum();
        let nanos = Some(begun.elapsed().as_nanos() as u64);
        Tally { operations: events, dropped: events * SUBSCRIBERS as u64 - received, nanos }
    })
}

/// Each publisher with a handle of its own.
fn ringbus_publisher<K: Kind>(publishers: usize) -> Contestant {
    let (bus, subscriptions) = K::live(SUBSCRIBERS, CAPACITY);
    let mut publisher = bus.publisher();
    let publish = move |event| publisher.publish(event).is_ok_and(|published| published.dropped == 0);
    contestant(K::PUBLISHER, publishers, publish, subscriptions, |from| drain(|| from.try_recv().ok()))
}

fn ringbus_bus<K: Kind>(publishers: usize) -> Contestant {
    let (bus, subscriptions) = K::live(SUBSCRIBERS, CAPACITY);
    let publish = move |event| bus.publish(event).is_ok_and(|published| published.dropped == 0);
    contestant(K::BUS, publishers, publish, subscriptions, |from| drain(|| from.try_recv().ok()))
}

/// The floor of this shape: nothing but the rings.
fn array_queue(publishers: usize) -> Contestant {
    let rings: Vec<_> = (0..SUBSCRIBERS).map(|_| Arc::new(ArrayQueue::new(CAPACITY))).collect();
    let publish = {
        let rings = rings.clone();
        move |event| rings.iter().fold(true, |fits, ring| ring.push(event).is_ok() & fits)
    };
    contestant("raw ArrayQueue", publishers, publish, rings, |ring| drain(|| ring.pop()))
}

fn tokio_broadcast(publishers: usize) -> Contestant {
    let sender = tokio::sync::broadcast::Sender::new(CAPACITY);
    let receivers: Vec<_> = (0..SUBSCRIBERS).map(|_| sender.subscribe()).collect();
    let publish = move |event| sender.send(event).is_ok();
    contestant("tokio broadcast", publishers, publish, receivers, |from| drain(|| from.try_recv().ok()))
}

fn async_broadcast(publishers: usize) -> Contestant {
    let (sender, receiver) = async_broadcast::broadcast(CAPACITY);
    let receivers: Vec<_> = iter::repeat_n(receiver, SUBSCRIBERS).collect();
    let publish = move |event| sender.try_broadcast(event).is_ok();
    contestant("async-broadcast", publishers, publish, receivers, |from| drain(|| from.try_recv().ok()))
}

/// As a user writes it: the senders in a list behind a lock, which all publishers share.
fn channel<C: Channel>(publishers: usize) -> Contestant {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..SUBSCRIBERS).map(|_| C::bounded(CAPACITY)).unzip();
    let senders = Arc::new(RwLock::new(senders));
    let publish =
        move |event| senders.read().unwrap().iter().fold(true, |fits, sender| C::try_send(sender, event) & fits);
    contestant(C::NAME, publishers, publish, receivers, |from| drain(|| C::try_recv(from)))
}

/// One ring for all. Its subscribers are named when it is built.
fn disruptor(publishers: usize) -> Contestant {
    let mut builder = disruptor::build_multi_producer(CAPACITY, || event(0), disruptor::BusySpin).with_multi_consumer();
    let mut pollers = Vec::new();
    for _ in 0..SUBSCRIBERS {
        let (poller, next) = builder.new_event_poller();
        pollers.push(poller);
        builder = next;
    }
    let mut producer = builder.build();
    let publish = move |event| producer.try_publish(|slot| *slot = event).is_ok();
    contestant("disruptor", publishers, publish, pollers, |from| {
        from.poll().map_or(0, |mut events| look_at(&mut events))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contestant_does_the_whole_work() {
        super::super::fanout::assert_the_whole_work_is_done(cases());
    }

    #[test]
    fn a_number_of_publishers_that_leaves_a_rest_loses_nothing() {
        super::super::fanout::assert_the_whole_work_is_done(vec![case(3)]);
    }

    #[test]
    fn sweep_ends_with_one_publisher_on_each_processor() {
        let numbers = |processors| publishers(processors).into_iter().collect::<Vec<_>>();
        assert_eq!(numbers(1), [1, 2, 4]);
        assert_eq!(numbers(6), [1, 2, 3, 4, 6]);
        assert_eq!(numbers(20), [1, 2, 3, 4, 6, 8, 12, 16, 20]);
        assert_eq!(sweep(3).len(), 4);
    }
}
