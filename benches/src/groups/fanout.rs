//! One thread publishes a batch to N subscribers, and then drains them all: what a delivery costs
//! without any waiting.
//!
//! An operation is one publish with its N receives. Rings hold the whole batch, so nobody loses
//! anything.

use super::channel::{Channel, Crossbeam, Crossfire, Flume, Kanal, Std};
use super::kind::{Arrays, Kind, Lanes};
use crate::event::{Sample, Shared, Small};
use crate::measure::{Case, Clock, Contestant, Tally};
use crossbeam_queue::ArrayQueue;
use disruptor::Producer as _;
use std::hint::black_box;
use std::iter;
use std::sync::{Arc, RwLock};

/// Events in a round.
pub const BATCH: usize = 512;
/// The numbers of subscribers.
pub const SUBSCRIBERS: [usize; 5] = [1, 4, 8, 16, 64];
/// What is carried, as it stands in tables.
pub const PAYLOADS: [&str; 2] = ["16 bytes", "Arc"];
/// The peers to which subscribers can be added at run time, as to ringbus.
pub const RUN_TIME_PEERS: [&str; 8] = [
    "tokio broadcast",
    "async-broadcast",
    "crossbeam-channel",
    "crossfire",
    "flume",
    "kanal",
    "std mpsc",
    "jonhoo's bus",
];

/// A case for each number of subscribers and each payload.
#[must_use]
pub fn cases() -> Vec<Case> {
    let of = |subscribers, payload, contestants: fn(usize) -> Vec<Contestant>| Case {
        group: "fanout",
        name: name(subscribers, payload),
        operation: "publish and N receives",
        clock: Clock::Thread,
        contestants: Box::new(move || contestants(subscribers)),
    };
    let [small, shared] = PAYLOADS;
    let small = SUBSCRIBERS.map(|subscribers| of(subscribers, small, contestants::<Small>));
    let shared = SUBSCRIBERS.map(|subscribers| of(subscribers, shared, contestants::<Shared>));
    small.into_iter().chain(shared).collect()
}

/// What the case with so many subscribers and this payload is called.
#[must_use]
pub fn name(subscribers: usize, payload: &str) -> String {
    format!("N = {subscribers}, {payload}")
}

fn contestants<E: Sample>(subscribers: usize) -> Vec<Contestant> {
    vec![
        ringbus_publisher::<Arrays, E>(subscribers),
        ringbus_bus::<Arrays, E>(subscribers),
        ringbus_batch::<Arrays, E>(subscribers),
        ringbus_publisher::<Lanes, E>(subscribers),
        ringbus_bus::<Lanes, E>(subscribers),
        ringbus_batch::<Lanes, E>(subscribers),
        array_queue::<E>(subscribers),
        tokio_broadcast::<E>(subscribers),
        async_broadcast::<E>(subscribers),
        channel::<Crossbeam, E>(subscribers),
        channel::<Crossfire, E>(subscribers),
        channel::<Flume, E>(subscribers),
        channel::<Kanal, E>(subscribers),
        channel::<Std, E>(subscribers),
        jonhoo_bus::<E>(subscribers),
        disruptor::<E>(subscribers),
        rtrb::<E>(subscribers),
    ]
}

/// Receives until there is nothing left, looks at every event, and counts them.
pub(super) fn drain<E: Sample>(mut next: impl FnMut() -> Option<E>) -> u64 {
    let mut received = 0;
    while let Some(event) = next() {
        black_box(event.number());
        received += 1;
    }
    received
}

/// Receives from a ring that everybody shares, until there is nothing left; looks at the events
/// that are wanted, and counts them.
pub(super) fn drain_wanted<E: Sample>(
    from: &mut tokio::sync::broadcast::Receiver<E>,
    is_wanted: impl Fn(&E) -> bool,
) -> u64 {
    drain(|| {
        loop {
            let event = from.try_recv().ok()?;
            if is_wanted(&event) {
                return Some(event);
            }
        }
    })
}

/// Looks at every event where it lies, and counts them.
pub(super) fn look_at<'a, E: Sample>(events: impl Iterator<Item = &'a E>) -> u64 {
    let mut seen = 0;
    for event in events {
        black_box(event.number());
        seen += 1;
    }
    seen
}

/// A contestant that publishes event by event, so many receives being due for each, and drains
/// subscriber by subscriber.
pub(super) fn contestant<E: Sample, R: 'static>(
    name: &'static str,
    receives: usize,
    mut publish: impl FnMut(&E) -> bool + 'static,
    mut subscribers: Vec<R>,
    mut drain: impl FnMut(&mut R) -> u64 + 'static,
) -> Contestant {
    let batch = E::batch(BATCH);
    Contestant::new(name, move || {
        for event in &batch {
            black_box(publish(event));
        }
        let received: u64 = subscribers.iter_mut().map(&mut drain).sum();
        Tally { operations: BATCH as u64, dropped: (BATCH * receives) as u64 - received, nanos: None }
    })
}

pub(super) fn ringbus_publisher<K: Kind, E: Sample>(subscribers: usize) -> Contestant {
    let (bus, subscriptions) = K::live::<E>(subscribers, BATCH);
    let mut publisher = bus.publisher();
    let publish = move |event: &E| publisher.publish(event.clone()).is_ok_and(|published| published.dropped == 0);
    contestant(K::PUBLISHER, subscribers, publish, subscriptions, |from| drain(|| from.try_recv().ok()))
}

pub(super) fn ringbus_bus<K: Kind, E: Sample>(subscribers: usize) -> Contestant {
    let (bus, subscriptions) = K::live::<E>(subscribers, BATCH);
    let publish = move |event: &E| bus.publish(event.clone()).is_ok_and(|published| published.dropped == 0);
    contestant(K::BUS, subscribers, publish, subscriptions, |from| drain(|| from.try_recv().ok()))
}

/// The batch at once, and many events at a time out of the rings.
pub(super) fn ringbus_batch<K: Kind, E: Sample>(subscribers: usize) -> Contestant {
    let (bus, mut subscriptions) = K::live::<E>(subscribers, BATCH);
    let mut publisher = bus.publisher();
    let batch = E::batch(BATCH);
    let mut events = Vec::with_capacity(BATCH);
    Contestant::new(K::BATCH, move || {
        black_box(publisher.publish_batch(&batch).is_ok_and(|published| published.dropped == 0));
        let mut received = 0;
        for from in &mut subscriptions {
            from.try_recv_many(&mut events, BATCH);
            received += look_at(events.iter());
            events.clear();
        }
        Tally { operations: BATCH as u64, dropped: (BATCH * subscribers) as u64 - received, nanos: None }
    })
}

/// The floor of this shape: nothing but the rings.
pub(super) fn array_queue<E: Sample>(subscribers: usize) -> Contestant {
    let rings: Vec<_> = (0..subscribers).map(|_| Arc::new(ArrayQueue::new(BATCH))).collect();
    let publish = {
        let rings = rings.clone();
        move |event: &E| rings.iter().fold(true, |fits, ring| ring.push(event.clone()).is_ok() & fits)
    };
    contestant("raw ArrayQueue", subscribers, publish, rings, |ring| drain(|| ring.pop()))
}

pub(super) fn tokio_broadcast<E: Sample>(subscribers: usize) -> Contestant {
    let sender = tokio::sync::broadcast::Sender::<E>::new(BATCH);
    let receivers: Vec<_> = (0..subscribers).map(|_| sender.subscribe()).collect();
    let publish = move |event: &E| sender.send(event.clone()).is_ok();
    contestant("tokio broadcast", subscribers, publish, receivers, |from| drain(|| from.try_recv().ok()))
}

fn async_broadcast<E: Sample>(subscribers: usize) -> Contestant {
    let (sender, receiver) = async_broadcast::broadcast::<E>(BATCH);
    let receivers: Vec<_> = iter::repeat_n(receiver, subscribers).collect();
    let publish = move |event: &E| sender.try_broadcast(event.clone()).is_ok();
    contestant("async-broadcast", subscribers, publish, receivers, |from| drain(|| from.try_recv().ok()))
}

/// As a user writes it: the senders in a list behind a lock, so that subscribers can come and go.
pub(super) fn channel<C: Channel, E: Sample>(subscribers: usize) -> Contestant {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..subscribers).map(|_| C::bounded::<E>(BATCH)).unzip();
    let senders = RwLock::new(senders);
    let publish = move |event: &E| {
        senders.read().unwrap().iter().fold(true, |fits, sender| C::try_send(sender, event.clone()) & fits)
    };
    contestant(C::NAME, subscribers, publish, receivers, |from| drain(|| C::try_recv(from)))
}

/// One publisher only. It brings a thread of its own, which sleeps here and ends with it.
fn jonhoo_bus<E: Sample>(subscribers: usize) -> Contestant {
    let mut bus = bus::Bus::<E>::new(BATCH);
    let readers: Vec<_> = (0..subscribers).map(|_| bus.add_rx()).collect();
    let publish = move |event: &E| bus.try_broadcast(event.clone()).is_ok();
    contestant("jonhoo's bus", subscribers, publish, readers, |from| drain(|| from.try_recv().ok()))
}

/// One ring for all, and one publisher. Its subscribers are named when it is built: none can be
/// added later. They look at events where they lie, and a slow one holds up the publisher.
fn disruptor<E: Sample>(subscribers: usize) -> Contestant {
    let batch = E::batch(1);
    let mut builder =
        disruptor::build_single_producer(BATCH, || batch[0].clone(), disruptor::BusySpin).with_multi_consumer();
    let mut pollers = Vec::new();
    for _ in 0..subscribers {
        let (poller, next) = builder.new_event_poller();
        pollers.push(poller);
        builder = next;
    }
    let mut producer = builder.build();
    let publish = move |event: &E| producer.try_publish(|slot| *slot = event.clone()).is_ok();
    contestant("disruptor", subscribers, publish, pollers, |from| {
        from.poll().map_or(0, |mut events| look_at(&mut events))
    })
}

/// The floor of a ring with one publisher, which owns the writing ends: no list to lock, and no
/// subscriber added from elsewhere.
fn rtrb<E: Sample>(subscribers: usize) -> Contestant {
    let (mut producers, consumers): (Vec<_>, Vec<_>) = (0..subscribers).map(|_| rtrb::RingBuffer::new(BATCH)).unzip();
    let publish =
        move |event: &E| producers.iter_mut().fold(true, |fits, producer| producer.push(event.clone()).is_ok() & fits);
    contestant("rtrb", subscribers, publish, consumers, |from| drain(|| from.pop().ok()))
}

/// Does some rounds of every contestant, by whose end everything due must have arrived.
#[cfg(test)]
pub(super) fn assert_the_whole_work_is_done(cases: Vec<Case>) {
    for case in cases {
        let mut names = std::collections::HashSet::new();
        for mut contestant in (case.contestants)() {
            assert!(names.insert(contestant.name), "{case:?} has {contestant:?} twice");
            for _ in 0..3 {
                let tally = (contestant.round)();
                assert!(tally.operations > 0, "{case:?}: {contestant:?} does nothing");
                assert_eq!(tally.dropped, 0, "{case:?}: {contestant:?} loses events");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contestant_does_the_whole_work() {
        assert_the_whole_work_is_done(cases());
    }

    #[test]
    fn run_time_peers_are_contestants() {
        let names: Vec<_> = contestants::<Small>(1).iter().map(|contestant| contestant.name).collect();
        assert!(RUN_TIME_PEERS.iter().all(|peer| names.contains(peer)), "{names:?}");
    }
}
