//! How long one publish takes while more threads are busy than there are processors.
//!
//! One thread publishes to as many subscribers as other threads are busy, at a pace at which the
//! rings seldom run full, or as fast as it can, so that they do whenever a receiver is suspended.
//! The other threads either receive, each from a ring of its own and without ever resting, or they
//! only burn time and touch nothing, and the publisher empties the rings itself between two
//! publishes. That is the base: what a publish takes because its thread is suspended, and nothing
//! else.
//!
//! A publish that has to wait for a suspended receiver shows in the processor time of its thread
//! where it spins, as `ArrayQueue` does: it has run for long, rather than been suspended for long.
//! So for every publish that takes long, that time is looked at as well.

use super::channel::{Channel, Crossbeam, Crossfire};
use super::fanout::drain;
use super::kind::{Arrays, Kind, Lanes};
use super::stalled::next_kept;
use crate::distribution::{Distribution, Turns, histogram};
use crate::event::Small;
use crate::measure::Effort;
use cpu_time::ThreadTime;
use crossbeam_queue::ArrayQueue;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{hint, thread};
use tokio::sync::broadcast;

/// What keeps the other threads busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Load {
    /// Nothing that has to do with the publisher.
    Burning,
    /// Receiving what is published.
    Receiving,
}

impl Load {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Burning, Self::Receiving];

    /// As it stands in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Burning => "burn",
            Self::Receiving => "receive",
        }
    }
}

/// What one contestant did under one load.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Overload {
    /// The contestant, as it stands in tables.
    pub name: String,
    /// How many threads are busy besides the publisher, and how fast that is.
    pub case: String,
    /// What those threads do.
    pub load: Load,
    /// How long a publish takes.
    pub publish: Distribution,
    /// Publishes that took longer than [`LONG`].
    pub long: u64,
    /// Those of them that ran for longer than [`SPIN`].
    pub spins: Spins,
    /// Processor time of the publisher.
    pub running: Duration,
    /// Deliveries that were due and lost.
    pub lost: u64,
}

/// Publishes that had to wait for a suspended receiver, and spun.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Spins {
    /// How many there were.
    pub count: u64,
    /// How long the longest has run.
    pub longest: Duration,
    /// How long all of them have run.
    pub total: Duration,
}

/// Longer than any publish takes that neither waits nor is suspended.
pub const LONG: Duration = Duration::from_micros(100);
/// More than interrupts, and the host of a virtual machine, add to the time for which a publish
/// seems to run.
pub const SPIN: Duration = Duration::from_micros(250);
/// Events that a ring holds.
const CAPACITY: usize = 1024;

/// How many threads are busy, and how fast the publisher is.
struct Case {
    name: &'static str,
    /// Threads that are busy besides the publisher, for each processor. There are as many
    /// subscribers as such threads.
    per_processor: usize,
    /// From the end of one publish to the beginning of the next, at least.
    pause: Duration,
    /// How long the turn of one contestant takes: many times as long as a thread runs before it is
    /// another one's turn.
    turn: Duration,
}

const PAUSE: Duration = Duration::from_micros(5);
const CASES: [Case; 4] = [
    Case { name: "1 busy thread a processor", per_processor: 1, pause: PAUSE, turn: Duration::from_millis(200) },
    Case { name: "2 busy threads a processor", per_processor: 2, pause: PAUSE, turn: Duration::from_millis(200) },
    // The publisher has a fifth of a processor or so, and must still know its 99.9th percentile.
    Case { name: "4 busy threads a processor", per_processor: 4, pause: PAUSE, turn: Duration::from_millis(400) },
    Case {
        name: "2 busy threads a processor, full speed",
        per_processor: 2,
        pause: Duration::ZERO,
        // Spins are rare.
        turn: Duration::from_millis(500),
    },
];

/// Measures all contestants, with receiving and with burning threads, by turns.
pub fn run(effort: Effort, progress: &mut dyn FnMut(&str)) -> Vec<Overload> {
    let turns = (effort.samples / 4).max(1);
    CASES.iter().flat_map(|case| run_case(case, turns, progress)).collect()
}

/// Plays a turn with so many subscribers.
type Play = fn(&Case, usize, &mut Turn);

const CONTESTANTS: [(&str, Play); 7] = [
    (Arrays::PUBLISHER, |case, count, into| case.play(ringbus_publisher::<Arrays>(count), into)),
    (Lanes::PUBLISHER, |case, count, into| case.play(ringbus_publisher::<Lanes>(count), into)),
    (Arrays::BUS, |case, count, into| case.play(ringbus_bus::<Arrays>(count), into)),
    ("raw ArrayQueue", |case, count, into| case.play(array_queue(count), into)),
    (Crossbeam::NAME, |case, count, into| case.play(channel::<Crossbeam>(count), into)),
    (Crossfire::NAME, |case, count, into| case.play(channel::<Crossfire>(count), into)),
    ("tokio broadcast", |case, count, into| case.play(tokio(count), into)),
];

fn run_case(case: &Case, turns: usize, progress: &mut dyn FnMut(&str)) -> Vec<Overload> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let mut rows: Vec<_> =
        Load::ALL.into_iter().flat_map(|load| CONTESTANTS.map(|entry| Row::new(entry, case.name, load))).collect();
    let count = rows.len();
    for turn in 0..turns {
        progress(&format!("overload, {}: turn {} of {turns}", case.name, turn + 1));
        for place in 0..count {
            let row = &mut rows[(turn + place) % count];
            // The base is soon known.
            if row.total.load == Load::Receiving || turn % 2 == 0 {
                let mut turn = Turn::new(row.total.load);
                (row.play)(case, case.per_processor * processors, &mut turn);
                row.add(&turn);
            }
        }
    }
    rows.into_iter().map(Row::finish).collect()
}

/// A contestant under one load, and what its turns have come to so far.
struct Row {
    play: Play,
    publish: Turns,
    /// All but the distribution.
    total: Overload,
}

impl Row {
    fn new((name, play): (&str, Play), case: &str, load: Load) -> Self {
        let total = Overload {
            name: name.to_owned(),
            case: case.to_owned(),
            load,
            publish: Distribution::default(),
            long: 0,
            spins: Spins::default(),
            running: Duration::ZERO,
            lost: 0,
        };
        Self { play, publish: Turns::default(), total }
    }

    fn add(&mut self, turn: &Turn) {
        self.publish.add(&turn.publish);
        self.total.long += turn.long;
        self.total.spins.count += turn.spins.count;
        self.total.spins.longest = self.total.spins.longest.max(turn.spins.longest);
        self.total.spins.total += turn.spins.total;
        self.total.running += turn.running;
        self.total.lost += turn.lost;
    }

    fn finish(self) -> Overload {
        Overload { publish: self.publish.summary(), ..self.total }
    }
}

/// What was counted in one turn.
struct Turn {
    load: Load,
    /// Nanoseconds of the publishes.
    publish: Histogram<u64>,
    long: u64,
    spins: Spins,
    running: Duration,
    lost: u64,
}

impl Turn {
    fn new(load: Load) -> Self {
        Self { load, publish: histogram(), long: 0, spins: Spins::default(), running: Duration::ZERO, lost: 0 }
    }

    /// Times a publish, by the wall and by what this thread runs.
    fn time(&mut self, publish: impl FnOnce()) {
        let running = ThreadTime::now();
        let begun = Instant::now();
        publish();
        let took = begun.elapsed();
        self.publish.saturating_record(took.as_nanos() as u64);
        if took > LONG {
            self.long += 1;
            let ran = running.elapsed();
            if ran > SPIN {
                self.spins.add(ran);
            }
        }
    }
}

impl Spins {
    fn add(&mut self, ran: Duration) {
        self.count += 1;
        self.longest = self.longest.max(ran);
        self.total += ran;
    }
}

impl Case {
    /// Publishes on this thread for a turn, while as many threads as there are receivers are busy.
    fn play<P, R>(&self, (mut publish, mut receivers): (P, Vec<R>), into: &mut Turn)
    where
        P: FnMut(Small),
        R: FnMut() -> Option<Small> + Send,
    {
        let due = receivers.len() as u64;
        let is_done = AtomicBool::new(false);
        let (mut published, mut received) = (0, 0);
        thread::scope(|scope| {
            let receiving: Vec<_> = match into.load {
                Load::Receiving => receivers.drain(..).map(|next| scope.spawn(|| receive(next, &is_done))).collect(),
                Load::Burning => {
                    receivers.iter().for_each(|_| _ = scope.spawn(|| burn(&is_done)));
                    Vec::new()
                }
            };
            let (begun, running) = (Instant::now(), ThreadTime::now());
            // Once at least, however long this thread is suspended before it comes to it.
            loop {
                into.time(|| publish(Small { number: published, payload: !published }));
                published += 1;
                received += receivers.iter_mut().map(drain).sum::<u64>();
                if begun.elapsed() >= self.turn {
                    break;
                }
                spin(self.pause);
            }
            into.running += running.elapsed();
            // ORDERING: Release. Pairs with the Acquire load in `receive`: who sees it also sees
            // every event. Weaker: events could be taken for lost.
            is_done.store(true, Ordering::Release);
            received +=
                receiving.into_iter().map(|thread| thread.join().expect("receiving does not panic")).sum::<u64>();
        });
        into.lost += published * due - received;
    }
}

/// Passes the time as a busy thread does.
fn spin(pause: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < pause {
        hint::spin_loop();
    }
}

/// Keeps a processor busy, with nothing.
fn burn(is_done: &AtomicBool) {
    // ORDERING: Relaxed. Nothing comes with it.
    while !is_done.load(Ordering::Relaxed) {
        hint::spin_loop();
    }
}

/// Receives without ever resting, until everything is published and received, and returns how many
/// events that were.
fn receive(mut next: impl FnMut() -> Option<Small>, is_done: &AtomicBool) -> u64 {
    let mut received = 0;
    loop {
        // ORDERING: Acquire. Pairs with the Release store in `play`, which see. Loaded before
        // looking for events.
        let was_done = is_done.load(Ordering::Acquire);
        match drain(&mut next) {
            0 if was_done => return received,
            0 => hint::spin_loop(),
            events => received += events,
        }
    }
}

fn ringbus_publisher<K: Kind>(count: usize) -> (impl FnMut(Small), Vec<impl FnMut() -> Option<Small> + Send>) {
    let (bus, subscriptions) = K::live(count, CAPACITY);
    let mut publisher = bus.publisher();
    let publish = move |event| _ = hint::black_box(publisher.publish(event));
    (publish, subscriptions.into_iter().map(|from| move || from.try_recv().ok()).collect())
}

fn ringbus_bus<K: Kind>(count: usize) -> (impl FnMut(Small), Vec<impl FnMut() -> Option<Small> + Send>) {
    let (bus, subscriptions) = K::live(count, CAPACITY);
    let publish = move |event| _ = hint::black_box(bus.publish(event));
    (publish, subscriptions.into_iter().map(|from| move || from.try_recv().ok()).collect())
}

fn array_queue(count: usize) -> (impl FnMut(Small), Vec<impl FnMut() -> Option<Small> + Send>) {
    let rings: Vec<_> = (0..count).map(|_| Arc::new(ArrayQueue::new(CAPACITY))).collect();
    let receivers = rings.iter().cloned().map(|ring| move || ring.pop()).collect();
    (move |event| rings.iter().for_each(|ring| _ = hint::black_box(ring.push(event))), receivers)
}

fn channel<C: Channel>(count: usize) -> (impl FnMut(Small), Vec<impl FnMut() -> Option<Small> + Send>) {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..count).map(|_| C::bounded(CAPACITY)).unzip();
    let publish = move |event| senders.iter().for_each(|sender| _ = hint::black_box(C::try_send(sender, event)));
    (publish, receivers.into_iter().map(|from| move || C::try_recv(&from)).collect())
}

fn tokio(count: usize) -> (impl FnMut(Small), Vec<impl FnMut() -> Option<Small> + Send>) {
    let to = broadcast::Sender::new(CAPACITY);
    let receiver = |mut from: broadcast::Receiver<Small>| move || next_kept(&mut from);
    let receivers = (0..count).map(|_| receiver(to.subscribe())).collect();
    (move |event| _ = hint::black_box(to.send(event)), receivers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_for_long_is_told_from_being_suspended_for_long() {
        let mut row = Turn::new(Load::Burning);
        row.time(|| ());
        row.time(|| thread::sleep(Duration::from_millis(2)));
        assert_eq!((row.publish.len(), row.spins.count), (2, 0));
        let running = ThreadTime::now();
        row.time(|| while running.elapsed() < 2 * SPIN {});
        assert_eq!((row.publish.len(), row.spins.count), (3, 1));
        assert!(row.long >= 2 && row.spins.longest > SPIN && row.spins.total == row.spins.longest);
    }

    #[test]
    fn every_contestant_publishes_to_all_and_loses_nothing_by_burning() {
        for case in CASES {
            let case = Case { turn: Duration::from_millis(5), ..case };
            let measured = run_case(&case, 2, &mut |_| {});
            assert_eq!(measured.len(), Load::ALL.len() * CONTESTANTS.len());
            for row in measured {
                assert!(row.publish.samples > 0, "{}", row.name);
                assert!(row.spins.count <= row.long && row.long <= row.publish.samples, "{}", row.name);
                assert!(row.load == Load::Receiving || row.lost == 0, "{}", row.name);
            }
        }
    }
}
