//! 50 types of event and 32 subscribers that want 2 of them each, as in a controller: what it costs
//! to find out who wants an event.
//!
//! An operation is one publish with its receives, which are 0 to a few. Rings hold what a round
//! brings, so nobody loses anything.

use super::channel::{Channel, Crossbeam, Crossfire, Flume, Kanal, Std};
use super::fanout::{BATCH, drain, drain_wanted};
use super::kind::{Arrays, Kind, Lanes};
use crate::event::Sample;
use crate::measure::{Case, Clock, Contestant, Tally};
use ringbus::{Event, EventBus, EventType, Subscription};
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::RwLock;
use std::time::SystemTime;

/// Subscribers.
pub const SUBSCRIBERS: usize = 32;
/// Events a ring holds: more than any subscriber is due in a round.
const CAPACITY: usize = 64;

macro_rules! types_of {
    ($($subject:literal),*) => {
        [$(
            EventType::new(concat!($subject, ".created")),
            EventType::new(concat!($subject, ".validated")),
            EventType::new(concat!($subject, ".applied")),
            EventType::new(concat!($subject, ".refused")),
            EventType::new(concat!($subject, ".removed"))
        ),*]
    };
}

/// The types of events.
pub const TYPES: [EventType; 50] = types_of!(
    "config",
    "rollout",
    "service",
    "endpoint",
    "certificate",
    "secret",
    "listener",
    "backend",
    "leader",
    "metrics"
);

/// A 16-byte event of one of many types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Routed {
    /// Tells the events of a round apart.
    pub number: u64,
    /// Which of the [`TYPES`] it is.
    pub kind: usize,
}

impl Event for Routed {
    fn event_type(&self) -> EventType {
        TYPES[self.kind]
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

impl Sample for Routed {
    /// Of all types alike, in no order.
    fn batch(len: usize) -> Vec<Self> {
        let mut kinds = numbers(1).map(|number| number % TYPES.len());
        (0..len as u64).map(|number| Self { number, kind: kinds.next().unwrap_or(0) }).collect()
    }

    fn number(&self) -> u64 {
        self.number
    }
}

/// Numbers without any order, the same ones every time: SplitMix64 (Steele, Lea, Flood 2014).
fn numbers(seed: u64) -> impl Iterator<Item = usize> {
    (seed..).map(|index| {
        let mut number = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ (number >> 31)) as usize
    })
}

/// What each subscriber wants: two different types.
fn interests() -> Vec<[EventType; 2]> {
    let mut numbers = numbers(1 << 32);
    let mut next = |below: usize| numbers.next().map_or(0, |number| number % below);
    let mut interest = || {
        let first = next(TYPES.len());
        let second = (first + 1 + next(TYPES.len() - 1)) % TYPES.len();
        [TYPES[first], TYPES[second]]
    };
    (0..SUBSCRIBERS).map(|_| interest()).collect()
}

/// How many receives are due for these events.
fn due(batch: &[Routed]) -> u64 {
    let interests = interests();
    batch.iter().map(|event| interests.iter().filter(|types| types.contains(&event.event_type())).count() as u64).sum()
}

/// The one case.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![Case {
        group: "routing",
        name: format!("{} types, {SUBSCRIBERS} subscribers to 2", TYPES.len()),
        operation: "publish and its receives",
        clock: Clock::Thread,
        contestants: Box::new(contestants),
    }]
}

fn contestants() -> Vec<Contestant> {
    vec![
        ringbus_publisher::<Arrays>(),
        ringbus_bus::<Arrays>(),
        ringbus_publisher::<Lanes>(),
        ringbus_bus::<Lanes>(),
        map::<Crossbeam>(),
        map::<Crossfire>(),
        map::<Flume>(),
        map::<Kanal>(),
        map::<Std>(),
        tokio_broadcast(),
    ]
}

/// A contestant that publishes event by event, and drains subscriber by subscriber.
fn contestant<R: 'static>(
    name: &'static str,
    mut publish: impl FnMut(Routed) -> bool + 'static,
    mut subscribers: Vec<R>,
    mut drain: impl FnMut(&mut R) -> u64 + 'static,
) -> Contestant {
    let batch = Routed::batch(BATCH);
    let due = due(&batch);
    Contestant::new(name, move || {
        for event in &batch {
            black_box(publish(*event));
        }
        let received: u64 = subscribers.iter_mut().map(&mut drain).sum();
        Tally { operations: BATCH as u64, dropped: due - received, nanos: None }
    })
}

fn live_bus<K: Kind>() -> (EventBus<Routed>, Vec<Subscription<Routed>>) {
    let bus = K::bus(0);
    let subscriptions = interests()
        .into_iter()
        .map(|types| bus.subscriber("subscriber").types(types).capacity(CAPACITY).subscribe())
        .collect();
    bus.start();
    (bus, subscriptions)
}

fn ringbus_publisher<K: Kind>() -> Contestant {
    let (bus, subscriptions) = live_bus::<K>();
    let mut publisher = bus.publisher();
    let publish = move |event| publisher.publish(event).is_ok_and(|published| published.dropped == 0);
    contestant(K::PUBLISHER, publish, subscriptions, |from| drain(|| from.try_recv().ok()))
}

fn ringbus_bus<K: Kind>() -> Contestant {
    let (bus, subscriptions) = live_bus::<K>();
    let publish = move |event| bus.publish(event).is_ok_and(|published| published.dropped == 0);
    contestant(K::BUS, publish, subscriptions, |from| drain(|| from.try_recv().ok()))
}

/// As a user writes it: the senders in a map by the name of the type, behind a lock.
fn map<C: Channel>() -> Contestant {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..SUBSCRIBERS).map(|_| C::bounded(CAPACITY)).unzip();
    let mut routes = HashMap::<&'static str, Vec<C::Sender<Routed>>>::new();
    for (types, sender) in interests().into_iter().zip(senders) {
        for event_type in types {
            routes.entry(event_type.as_str()).or_default().push(sender.clone());
        }
    }
    let routes = RwLock::new(routes);
    let publish = move |event: Routed| {
        let routes = routes.read().unwrap();
        let senders = routes.get(event.event_type().as_str()).into_iter().flatten();
        senders.fold(true, |fits, sender| C::try_send(sender, event) & fits)
    };
    contestant(C::MAP_NAME, publish, receivers, |from| drain(|| C::try_recv(from)))
}

/// Has no routes: everybody gets everything, in a ring that must hold all of it, and skips what it
/// does not want.
fn tokio_broadcast() -> Contestant {
    let sender = tokio::sync::broadcast::Sender::new(BATCH);
    let receivers: Vec<_> = interests().into_iter().map(|types| (types, sender.subscribe())).collect();
    let publish = move |event| sender.send(event).is_ok();
    contestant("tokio broadcast filter", publish, receivers, |(types, from)| {
        drain_wanted(from, |event: &Routed| types.contains(&event.event_type()))
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
    fn some_types_are_wanted_by_nobody_and_some_by_several() {
        let interests = interests();
        let wanting = TYPES.map(|event_type| interests.iter().filter(|types| types.contains(&event_type)).count());
        assert_eq!(wanting.iter().sum::<usize>(), 2 * SUBSCRIBERS);
        assert!(wanting.contains(&0) && wanting.contains(&1) && wanting.iter().any(|&count| count > 2), "{wanting:?}");
        assert!(due(&Routed::batch(BATCH)) > BATCH as u64 / 2);
    }
}
