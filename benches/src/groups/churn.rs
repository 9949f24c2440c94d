//! Comings and goings.
//!
//! - `N stay`: one more subscriber comes, is sent an event, and goes, while many others stay.
//! - `N stay, another thread publishes`: the same, while that thread publishes as fast as it can.
//! - `20,000 come and go`: all of them come, and then all go, also by 8 threads at once.
//!
//! Those who stay are idle, and want something else where the contestant knows types. What the
//! coming and going costs is so the cost of changing a list of that length.

use super::channel::{Channel, Crossbeam, Crossfire, Flume, Kanal, Std};
use super::cross::Worker;
use super::kind::{Arrays, Kind, Lanes};
use crate::event::{Sample, Small};
use crate::measure::{Case, Clock, Contestant, Tally};
use cpu_time::ThreadTime;
use ringbus::{Event, EventBus, EventType};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Barrier, RwLock};
use std::thread;
use std::time::Instant;

/// Subscribers that stay.
pub const STAY: [usize; 3] = [10, 1_000, 20_000];
/// Subscribers that stay while another thread publishes.
const STAY_BESIDE: usize = 1_000;
/// Who come and go in a round beside a publisher, one after another.
const ROUND: u64 = 20;
/// The types among which subscribers by type are spread.
const TYPES: usize = 2_000;
/// Events that each has room for.
const CAPACITY: usize = 4;
/// Subscribers that come and go together.
pub const CROWD: usize = 20_000;
/// Threads that bring them.
pub const THREADS: [usize; 2] = [1, 8];

/// All cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let alone = STAY.map(|stay| Case {
        group: "churn",
        name: name(stay),
        operation: "coming and going",
        clock: Clock::Thread,
        contestants: Box::new(move || visits(stay).into_iter().map(Visits::alone).collect()),
    });
    let beside = Case {
        group: "churn",
        name: format!("{}, another thread publishes", name(STAY_BESIDE)),
        operation: "coming and going",
        clock: Clock::Wall,
        contestants: Box::new(|| visits(STAY_BESIDE).into_iter().map(Visits::beside_a_publisher).collect()),
    };
    alone.into_iter().chain([beside]).chain(THREADS.map(|threads| crowd(CROWD, threads))).collect()
}

/// What the case is called if so many stay.
#[must_use]
pub fn name(stay: usize) -> String {
    format!("{stay} stay")
}

/// What the case is called if so many threads bring all.
#[must_use]
pub fn crowd_name(threads: usize) -> String {
    match threads {
        1 => format!("{CROWD} come and go"),
        _ => format!("{CROWD} come and go, {threads} threads"),
    }
}

/// A contestant with subscribers that stay.
struct Visits {
    name: &'static str,
    /// One more comes, is sent an event, and goes. Says whether it got one.
    visit: Box<dyn FnMut() -> bool>,
    /// Publishes one event.
    publish: Box<dyn FnMut() + Send>,
}

impl Visits {
    fn new(name: &'static str, visit: impl FnMut() -> bool + 'static, publish: impl FnMut() + Send + 'static) -> Self {
        Self { name, visit: Box::new(visit), publish: Box::new(publish) }
    }

    fn alone(self) -> Contestant {
        let mut visit = self.visit;
        Contestant::new(self.name, move || Tally { dropped: u64::from(!visit()), ..Tally::of(1) })
    }

    fn beside_a_publisher(self) -> Contestant {
        let Self { name, mut visit, mut publish } = self;
        let is_over = Arc::new(AtomicBool::new(false));
        let publisher = Worker::new({
            let is_over = Arc::clone(&is_over);
            move || {
                while !is_over.load(Relaxed) {
                    publish();
                }
            }
        });
        Contestant::new(name, move || {
            is_over.store(false, Relaxed);
            publisher.call_apart();
            publisher.begin();
            let begun = Instant::now();
            let received = (0..ROUND).filter(|_| visit()).count() as u64;
            let nanos = Some(begun.elapsed().as_nanos() as u64);
            is_over.store(true, Relaxed);
            publisher.wait();
            Tally { operations: ROUND, dropped: ROUND - received, nanos }
        })
    }
}

/// Without jonhoo's bus, whose ring all subscribers have to read: one that stays idle stops it.
fn visits(stay: usize) -> Vec<Visits> {
    vec![
        ringbus_typed::<Arrays>(BY_TYPE, stay),
        ringbus_everything::<Arrays>(TO_EVERYTHING, stay),
        ringbus_typed::<Lanes>("ringbus lanes, by type", stay),
        ringbus_everything::<Lanes>("ringbus lanes, to everything", stay),
        tokio_broadcast(stay),
        async_broadcast(stay),
        channel::<Crossbeam>(stay),
        channel::<Crossfire>(stay),
        channel::<Flume>(stay),
        channel::<Kanal>(stay),
        channel::<Std>(stay),
    ]
}

/// As it stands in tables.
pub const BY_TYPE: &str = "ringbus, by type";
/// As it stands in tables.
pub const TO_EVERYTHING: &str = "ringbus, to everything";

fn types() -> Vec<EventType> {
    (0..TYPES).map(|number| EventType::intern(&format!("churn-{number}"))).collect()
}

fn one_event() -> Small {
    let [event] = Small::batch(1)[..] else { unreachable!("it is a batch of one") };
    event
}

/// Each wants one type; those who stay, others than the one that comes.
fn ringbus_typed<K: Kind>(name: &'static str, stay: usize) -> Visits {
    let bus: EventBus<Small> = K::bus(0);
    bus.start();
    let subscribe = |event_type| bus.subscriber("stays").types([event_type]).capacity(CAPACITY).subscribe();
    let stays: Vec<_> = types().into_iter().cycle().take(stay).map(subscribe).collect();
    let (event, mut publisher) = (one_event(), bus.publisher());
    let visit = move || {
        let _stay = &stays;
        let comes = bus.subscriber("comes").types([event.event_type()]).capacity(CAPACITY).subscribe();
        bus.publish(event).is_ok() && comes.try_recv().is_ok()
    };
    Visits::new(name, visit, move || _ = publisher.publish(event))
}

/// Everybody wants everything, so the event goes to all; those who stay lose it when they have no
/// room, as with the peers.
fn ringbus_everything<K: Kind>(name: &'static str, stay: usize) -> Visits {
    let bus: EventBus<Small> = K::bus(0);
    bus.start();
    let stays: Vec<_> = (0..stay).map(|_| bus.subscriber("stays").lossy(true).capacity(1).subscribe()).collect();
    let (event, mut publisher) = (one_event(), bus.publisher());
    let visit = move || {
        let _stay = &stays;
        let comes = bus.subscriber("comes").lossy(true).capacity(CAPACITY).subscribe();
        bus.publish(event).is_ok() && comes.try_recv().is_ok()
    };
    Visits::new(name, visit, move || _ = publisher.publish(event))
}

fn tokio_broadcast(stay: usize) -> Visits {
    let (sender, _) = tokio::sync::broadcast::channel(CAPACITY);
    let stays: Vec<_> = (0..stay).map(|_| sender.subscribe()).collect();
    let (event, other) = (one_event(), sender.clone());
    let visit = move || {
        let _stay = &stays;
        let mut comes = sender.subscribe();
        // Whoever is overtaken is told so, and then receives.
        sender.send(event).is_ok()
            && loop {
                match comes.try_recv() {
                    Ok(_) => break true,
                    Err(tokio::sync::broadcast::error::TryRecvError::Lagged(_)) => {}
                    Err(_) => break false,
                }
            }
    };
    Visits::new("tokio broadcast", visit, move || _ = other.send(event))
}

/// Whoever does not receive is overtaken.
fn async_broadcast(stay: usize) -> Visits {
    let (mut sender, receiver) = async_broadcast::broadcast(CAPACITY);
    sender.set_overflow(true);
    let stays: Vec<_> = (0..stay).map(|_| sender.new_receiver()).collect();
    let (event, other) = (one_event(), sender.clone());
    let visit = move || {
        let _stay = (&stays, &receiver);
        let mut comes = sender.new_receiver();
        sender.try_broadcast(event).is_ok()
            && loop {
                match comes.try_recv() {
                    Ok(_) => break true,
                    Err(async_broadcast::TryRecvError::Overflowed(_)) => {}
                    Err(_) => break false,
                }
            }
    };
    Visits::new("async-broadcast", visit, move || _ = other.try_broadcast(event))
}

/// As a user writes it: the senders in a list behind a lock. Those who stay lose what they have no
/// room for.
fn channel<C: Channel>(stay: usize) -> Visits {
    let list = || -> Vec<(usize, C::Sender<Small>)> { Vec::new() };
    let (senders, mut stays) = (Arc::new(RwLock::new(list())), Vec::new());
    for number in 0..stay {
        let (sender, receiver) = C::bounded(1);
        senders.write().unwrap().push((number, sender));
        stays.push(receiver);
    }
    let (event, publish) = (one_event(), {
        let senders = Arc::clone(&senders);
        move |event| senders.read().unwrap().iter().for_each(|(_, sender)| _ = C::try_send(sender, event))
    });
    let other = publish.clone();
    let visit = move || {
        let _stay = &stays;
        let (sender, comes) = C::bounded(CAPACITY);
        senders.write().unwrap().push((stay, sender));
        publish(event);
        let is_there = C::try_recv(&comes).is_some();
        senders.write().unwrap().retain(|&(number, _)| number != stay);
        is_there
    };
    Visits::new(C::NAME, visit, move || other(event))
}

/// So many subscribers come, and when all are there, they go, in the order in which they came.
fn crowd(count: usize, threads: usize) -> Case {
    Case {
        group: "churn",
        name: crowd_name(threads),
        operation: "coming and going",
        // (Of several threads, the sum counts.)
        clock: Clock::Thread,
        contestants: Box::new(move || {
            let by_type = {
                let (bus, types) = (live_bus(), types());
                let come = {
                    let bus = bus.clone();
                    move |number| {
                        let event_type = types[number % TYPES];
                        bus.subscriber("comes").types([event_type]).capacity(CAPACITY).subscribe()
                    }
                };
                in_a_crowd(BY_TYPE, count, threads, come, move || bus.subscriber_count())
            };
            let to_everything = {
                let bus = live_bus();
                let come = {
                    let bus = bus.clone();
                    move |_| bus.subscriber("comes").capacity(CAPACITY).subscribe()
                };
                in_a_crowd(TO_EVERYTHING, count, threads, come, move || bus.subscriber_count())
            };
            let tokio = {
                let sender = tokio::sync::broadcast::Sender::<Small>::new(CAPACITY);
                let other = sender.clone();
                in_a_crowd(
                    "tokio broadcast",
                    count,
                    threads,
                    move |_| sender.subscribe(),
                    move || other.receiver_count(),
                )
            };
            let async_broadcast = {
                let (sender, receiver) = async_broadcast::broadcast::<Small>(CAPACITY);
                let come = move |_| sender.new_receiver();
                in_a_crowd("async-broadcast", count, threads, come, move || receiver.receiver_count() - 1)
            };
            vec![by_type, to_everything, tokio, async_broadcast]
        }),
    }
}

fn live_bus() -> EventBus<Small> {
    let bus = EventBus::new(0);
    bus.start();
    bus
}

/// One round: `come` brings the subscriber of that number, and `there` says how many there are.
fn in_a_crowd<S>(
    name: &'static str,
    count: usize,
    threads: usize,
    come: impl Fn(usize) -> S + Sync + 'static,
    there: impl Fn() -> usize + Sync + 'static,
) -> Contestant {
    Contestant::new(name, move || {
        let all_are_there = Barrier::new(threads);
        let bring = |thread: usize| {
            let begun = ThreadTime::now();
            let subscribers: Vec<_> = (thread..count).step_by(threads).map(&come).collect();
            all_are_there.wait();
            let missing = count - there();
            // Nobody goes before everybody has counted.
            all_are_there.wait();
            drop(subscribers);
            (missing, begun.elapsed().as_nanos() as u64)
        };
        let brought: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(move || bring(thread))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        let missing = brought.iter().map(|(missing, _)| *missing).max().unwrap_or_default();
        let nanos = Some(brought.iter().map(|(_, nanos)| nanos).sum());
        Tally { operations: count as u64, dropped: (missing + there()) as u64, nanos }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_gets_its_event() {
        for stay in [0, 10, 200] {
            for mut contestant in visits(stay).into_iter().map(Visits::alone) {
                for _ in 0..20 {
                    assert_eq!((contestant.round)(), Tally::of(1), "{stay}, {}", contestant.name);
                }
            }
        }
    }

    #[test]
    fn whoever_comes_while_another_thread_publishes_gets_an_event() {
        for mut contestant in visits(10).into_iter().map(Visits::beside_a_publisher) {
            for _ in 0..3 {
                let Tally { operations, dropped, nanos } = (contestant.round)();
                assert_eq!((operations, dropped, nanos.is_some()), (ROUND, 0, true), "{}", contestant.name);
            }
        }
    }

    #[test]
    fn crowd_comes_and_goes_as_a_whole() {
        for threads in THREADS {
            for mut contestant in (crowd(203, threads).contestants)() {
                let Tally { operations, dropped, .. } = (contestant.round)();
                assert_eq!((operations, dropped), (203, 0), "{threads} threads, {}", contestant.name);
            }
        }
    }
}
