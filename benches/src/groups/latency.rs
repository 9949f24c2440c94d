//! One thread sends an event to another, which sends one back: how long the round trip takes, where
//! both park while they wait, and where both spin.
//!
//! Every contestant carries the event there and back over two channels, buses or rings of its own
//! kind. A round trip is timed by itself, so each includes two readings of the clock.

use super::channel::{Channel, Crossbeam, Crossfire, Flume, Kanal, Std};
use super::kind::{Arrays, Kind, Lanes};
use crate::distribution::{Distribution, Turns, histogram};
use crate::event::Small;
use crate::measure::Effort;
use crossbeam_queue::ArrayQueue;
use disruptor::{BusySpin, Producer};
use hdrhistogram::Histogram;
use ringbus::Subscription;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{hint, thread};

/// The round trips of one contestant in one case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Latency {
    /// `parked` or `spinning`.
    pub case: String,
    /// The contestant, as it stands in tables.
    pub name: String,
    /// How long a round trip takes.
    pub round_trip: Distribution,
}

/// Events that each channel has room for. One is under way at a time.
const CAPACITY: usize = 64;
/// How long the receivers are left alone before a ping, so that they have given up any spinning and
/// sleep.
const UNTIL_PARKED: Duration = Duration::from_micros(300);
/// What ends the answering thread.
const STOP: u64 = u64::MAX;
/// Round trips at the beginning of a turn that do not count.
const WARM_UP: u64 = 20;
/// How long the turn of one contestant takes: if both park, enough for more than 1,000 round trips,
/// so that a turn knows their 99th percentile.
const TURN: Duration = Duration::from_millis(450);
/// Vain looks after which a spinning thread lets others run, should they need its core: some 10 µs.
const SPINS: u32 = 256;

/// Measures all contestants, by turns: one turn for every four samples that `effort` has.
pub fn run(effort: Effort, progress: &mut dyn FnMut(&str)) -> Vec<Latency> {
    let turns = effort.samples.div_ceil(4);
    [PARKED, SPINNING].iter().flat_map(|case| run_case(case, turns, TURN, progress)).collect()
}

/// Plays a turn and records its round trips.
type Play = fn(&Turn, &mut Histogram<u64>);

/// How receivers wait, and who takes part.
struct Case {
    name: &'static str,
    /// How long to leave the receivers alone before a ping.
    pause: Duration,
    contestants: &'static [(&'static str, Play)],
}

const PARKED: Case = Case {
    name: "parked",
    pause: UNTIL_PARKED,
    contestants: &[
        (Arrays::PUBLISHER, |turn, nanos| turn.play(|| ringbus::<Arrays>(|from| from.recv().unwrap()), nanos)),
        (Lanes::PUBLISHER, |turn, nanos| turn.play(|| ringbus::<Lanes>(|from| from.recv().unwrap()), nanos)),
        (Crossbeam::NAME, |turn, nanos| turn.play(|| channel::<Crossbeam>(Crossbeam::recv), nanos)),
        (Crossfire::NAME, |turn, nanos| turn.play(|| channel::<Crossfire>(Crossfire::recv), nanos)),
        ("tokio broadcast", |turn, nanos| turn.play(|| tokio(|from| from.blocking_recv().unwrap()), nanos)),
        (Flume::NAME, |turn, nanos| turn.play(|| channel::<Flume>(Flume::recv), nanos)),
        (Kanal::NAME, |turn, nanos| turn.play(|| channel::<Kanal>(Kanal::recv), nanos)),
        (Std::NAME, |turn, nanos| turn.play(|| channel::<Std>(Std::recv), nanos)),
        ("async-broadcast", |turn, nanos| turn.play(async_broadcast, nanos)),
    ],
};

const SPINNING: Case = Case {
    name: "spinning",
    pause: Duration::ZERO,
    contestants: &[
        (Arrays::PUBLISHER, |turn, nanos| {
            turn.play(|| ringbus::<Arrays>(|from| spin(|| from.try_recv().ok())), nanos);
        }),
        (Lanes::PUBLISHER, |turn, nanos| {
            turn.play(|| ringbus::<Lanes>(|from| spin(|| from.try_recv().ok())), nanos);
        }),
        ("raw ArrayQueue", |turn, nanos| turn.play(array_queue, nanos)),
        (Crossbeam::NAME, |turn, nanos| turn.play(channel_spinning::<Crossbeam>, nanos)),
        (Crossfire::NAME, |turn, nanos| turn.play(channel_spinning::<Crossfire>, nanos)),
        ("tokio broadcast", |turn, nanos| turn.play(|| tokio(|from| spin(|| from.try_recv().ok())), nanos)),
        (Flume::NAME, |turn, nanos| turn.play(channel_spinning::<Flume>, nanos)),
        (Kanal::NAME, |turn, nanos| turn.play(channel_spinning::<Kanal>, nanos)),
        (Std::NAME, |turn, nanos| turn.play(channel_spinning::<Std>, nanos)),
        ("rtrb", |turn, nanos| turn.play(rtrb, nanos)),
        ("disruptor", |turn, nanos| turn.play(disruptor, nanos)),
    ],
};

fn run_case(case: &Case, turns: usize, length: Duration, progress: &mut dyn FnMut(&str)) -> Vec<Latency> {
    let count = case.contestants.len();
    let mut measured = vec![Turns::default(); count];
    for number in 0..turns {
        progress(&format!("latency, {}: turn {} of {turns}", case.name, number + 1));
        for place in 0..count {
            let index = (number + place) % count;
            let mut nanos = histogram();
            (case.contestants[index].1)(&Turn { length, pause: case.pause }, &mut nanos);
            measured[index].add(&nanos);
        }
    }
    let row = |(&(name, _), turns): (&(&str, Play), Turns)| Latency {
        case: case.name.to_owned(),
        name: name.to_owned(),
        round_trip: turns.summary(),
    };
    case.contestants.iter().zip(measured).map(row).collect()
}

/// What a contestant does when it is its turn.
struct Turn {
    length: Duration,
    pause: Duration,
}

impl Turn {
    /// Sends there and back over two links, from this thread and a second one that lives as long as
    /// the turn.
    fn play<S, R>(&self, link: impl Fn() -> (S, R), nanos: &mut Histogram<u64>)
    where
        S: FnMut(Small) + Send,
        R: FnMut() -> Small + Send,
    {
        let (mut ping, mut heard) = link();
        let (mut answer, mut answered) = link();
        let mut wrong = 0;
        thread::scope(|scope| {
            scope.spawn(move || {
                loop {
                    let event = heard();
                    if event.number == STOP {
                        break;
                    }
                    answer(event);
                }
            });
            let start = Instant::now();
            let mut number = 0;
            while number <= WARM_UP || start.elapsed() < self.length {
                wait(self.pause);
                let begun = Instant::now();
                ping(Small { number, payload: !number });
                let event = answered();
                let elapsed = begun.elapsed();
                if number >= WARM_UP {
                    nanos.saturating_record(elapsed.as_nanos() as u64);
                }
                wrong += u64::from(event.number != number);
                number += 1;
            }
            ping(Small { number: STOP, payload: 0 });
        });
        assert_eq!(wrong, 0, "events came back out of order");
    }
}

fn wait(pause: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < pause {
        thread::yield_now();
    }
}

/// Looks until there is something. The same for all contestants.
fn spin(mut look: impl FnMut() -> Option<Small>) -> Small {
    let mut vain = 0;
    loop {
        if let Some(event) = look() {
            return event;
        }
        relax(&mut vain);
    }
}

/// Passes the time after a look in vain, before which there were so many others in a row.
pub(super) fn relax(vain: &mut u32) {
    if *vain < SPINS {
        *vain += 1;
        hint::spin_loop();
    } else {
        thread::yield_now();
    }
}

fn ringbus<K: Kind>(
    mut receive: impl FnMut(&Subscription<Small>) -> Small + Send,
) -> (impl FnMut(Small) + Send, impl FnMut() -> Small + Send) {
    let bus = K::bus(0);
    let from = bus.subscribe(CAPACITY);
    bus.start();
    let mut to = bus.publisher();
    (
        move |event| {
            to.publish(event).unwrap();
        },
        move || receive(&from),
    )
}

fn array_queue() -> (impl FnMut(Small) + Send, impl FnMut() -> Small + Send) {
    let to = Arc::new(ArrayQueue::new(CAPACITY));
    let from = Arc::clone(&to);
    (move |event| to.push(event).unwrap(), move || spin(|| from.pop()))
}

fn channel<C: Channel>(
    mut receive: impl FnMut(&C::Receiver<Small>) -> Small + Send,
) -> (impl FnMut(Small) + Send, impl FnMut() -> Small + Send) {
    let (to, from) = C::bounded(CAPACITY);
    (move |event| assert!(C::try_send(&to, event)), move || receive(&from))
}

fn channel_spinning<C: Channel>() -> (impl FnMut(Small) + Send, impl FnMut() -> Small + Send) {
    channel::<C>(|from| spin(|| C::try_recv(from)))
}

fn tokio(
    mut receive: impl FnMut(&mut tokio::sync::broadcast::Receiver<Small>) -> Small + Send,
) -> (impl FnMut(Small) + Send, impl FnMut() -> Small + Send) {
    let (to, mut from) = tokio::sync::broadcast::channel(CAPACITY);
    (
        move |event| {
            to.send(event).unwrap();
        },
        move || receive(&mut from),
    )
}

fn async_broadcast() -> (impl FnMut(Small) + Send, impl FnMut() -> Small + Send) {
    let (to, mut from) = async_broadcast::broadcast(CAPACITY);
    (
        move |event| {
            to.try_broadcast(event).unwrap();
        },
        move || from.recv_blocking().unwrap(),
    )
}

fn rtrb() -> (impl FnMut(Small) + Send, impl FnMut() -> Small + Send) {
    let (mut to, mut from) = rtrb::RingBuffer::new(CAPACITY);
    (move |event| to.push(event).unwrap(), move || spin(|| from.pop().ok()))
}

fn disruptor() -> (impl FnMut(Small) + Send, impl FnMut() -> Small + Send) {
    let builder = disruptor::build_single_producer(CAPACITY, || Small { number: 0, payload: 0 }, BusySpin);
    let (mut from, builder) = builder.new_event_poller();
    let mut to = builder.build();
    let mut look = move || {
        let mut events = from.take(1).ok()?;
        (&mut events).next().copied()
    };
    (move |event| to.publish(|slot| *slot = event), move || spin(&mut look))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contestant_makes_all_round_trips() {
        for case in [&PARKED, &SPINNING] {
            let measured = run_case(case, 2, Duration::from_millis(5), &mut |_| {});
            assert_eq!(measured.len(), case.contestants.len());
            for latency in measured {
                assert!(latency.round_trip.samples >= 2, "{}", latency.name);
                assert_eq!(latency.round_trip.turns, 2, "{}", latency.name);
            }
        }
    }
}
