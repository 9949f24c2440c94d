//! One thread publishes, another receives: what an event costs on its way from core to core.
//!
//! *Lossless*: the publisher tries again until there is room, and an operation is one publish with its receive. *Lossy*: the publisher
//! never waits, and what did not arrive is counted; an operation is one publish. Both sides poll, all in the same way. Rings are
//! much smaller than a round, and the time is that from the first publish to the last receive.
//!
//! With one subscriber there is no list to lock, so channels are used as they are. Two cores must be free: where the
//! threads share one, the publisher is through before the receiver has its turn, and in the lossy case all but a ringful is lost.

use super::fanout::{Channel, Crossbeam, Flume, Kanal, Std, drain, live_bus, look_at};
use crate::event::Small;
use crate::measure::{Case, Clock, Contestant, Tally};
use crossbeam_queue::ArrayQueue;
use disruptor::Producer as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Events in a round.
pub const EVENTS: u64 = 16_384;
/// Events that a ring holds.
pub const CAPACITY: usize = 1024;

/// A lossless and a lossy case.
#[must_use]
pub fn cases() -> Vec<Case> {
    let of = |name: &str, operation, full| Case {
        group: "cross",
        name: name.to_owned(),
        operation,
        clock: Clock::Wall,
        contestants: Box::new(move || contestants(full)),
    };
    vec![of("lossless", "publish and receive", Full::TryAgain), of("lossy", "publish", Full::Lose)]
}

/// What a publisher does where there is no room.
#[derive(Clone, Copy)]
enum Full {
    TryAgain,
    Lose,
}

fn contestants(full: Full) -> Vec<Contestant> {
    vec![
        ringbus_publisher(full),
        array_queue(full),
        tokio_broadcast(full),
        async_broadcast(full),
        channel::<Crossbeam>(full),
        channel::<Flume>(full),
        channel::<Kanal>(full),
        channel::<Std>(full),
        jonhoo_bus(full),
        disruptor(full),
        rtrb(full),
    ]
}

/// The stages of a [`Worker`]'s life, in order; from `RUNNING` back to `ASLEEP`.
const ASLEEP: u8 = 0;
const CALLED: u8 = 1;
const READY: u8 = 2;
const RUNNING: u8 = 3;
const STOPPED: u8 = 4;

struct Stage(AtomicU8);

impl Stage {
    fn get(&self) -> u8 {
        // ORDERING: Acquire. Pairs with the Release store in `set`: what the other thread did before, its receives or its
        // publishes, is seen by what comes next. Weaker: the last events of a round could be missed.
        self.0.load(Ordering::Acquire)
    }

    fn set(&self, stage: u8) {
        // ORDERING: Release. Pairs with the Acquire load in `get`.
        self.0.store(stage, Ordering::Release);
    }
}

/// A thread that does its part of a round when told to. In between it sleeps, so as to disturb no other contestant, and its waking
/// up is kept out of the timing. It ends when the worker is dropped.
pub(super) struct Worker {
    stage: Arc<Stage>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// More than an answer takes from core to core.
    const ANSWER_TIME: Duration = Duration::from_micros(20);
    /// Some ticks of the scheduler.
    const PATIENCE: Duration = Duration::from_millis(20);

    /// Makes a thread that calls `work` in every round.
    pub(super) fn new(mut work: impl FnMut() + Send + 'static) -> Self {
        let stage = Arc::new(Stage(AtomicU8::new(ASLEEP)));
        let shared = Arc::clone(&stage);
        let thread = thread::spawn(move || {
            let mut pause = Pause::default();
            loop {
                match shared.get() {
                    ASLEEP => thread::park(),
                    CALLED => {
                        pause = Pause::default();
                        shared.set(READY);
                    }
                    READY => pause.wait(),
                    RUNNING => {
                        work();
                        shared.set(ASLEEP);
                    }
                    _ => break,
                }
            }
        });
        Self { stage, thread: Some(thread) }
    }

    /// Wakes the thread, and waits until it is ready to begin.
    pub(super) fn call(&self) {
        self.stage.set(CALLED);
        self.unpark();
        self.wait_while(CALLED);
    }

    /// Calls the thread, and gives the scheduler some time to move it to a core of its own: a thread that was woken may begin on that
    /// of its waker, and on one core there is nothing to be measured between threads.
    pub(super) fn call_apart(&self) {
        let begun = Instant::now();
        self.call();
        while begun.elapsed() < Self::PATIENCE {
            self.stage.set(CALLED);
            let asked = Instant::now();
            while asked.elapsed() < Self::ANSWER_TIME {
                if self.stage.get() != CALLED {
                    // It answers although the calling thread has kept its core.
                    return;
                }
                std::hint::spin_loop();
            }
            self.wait_while(CALLED);
        }
    }

    /// Lets the thread begin.
    pub(super) fn begin(&self) {
        self.stage.set(RUNNING);
    }

    /// Whether the thread has done its part of the round.
    pub(super) fn is_done(&self) -> bool {
        self.stage.get() == ASLEEP || self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits until the thread has done its part of the round.
    pub(super) fn wait(&self) {
        self.wait_while(RUNNING);
    }

    fn wait_while(&self, stage: u8) {
        let mut pause = Pause::default();
        while self.stage.get() == stage && !self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            pause.wait();
        }
    }

    fn unpark(&self) {
        self.thread.iter().for_each(|thread| thread.thread().unpark());
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.wait();
        self.stage.set(STOPPED);
        self.unpark();
        // A panic of the thread was reported where it occurred.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Between two looks: a moment first, and then as long as others need the core, of which there may be fewer than threads.
#[derive(Default)]
pub(super) struct Pause(u32);

impl Pause {
    const SPINS: u32 = 64;

    /// Waits a little.
    pub(super) fn wait(&mut self) {
        if self.0 < Self::SPINS {
            self.0 += 1;
            std::hint::spin_loop();
        } else {
            thread::yield_now();
        }
    }
}

/// The event with this number.
pub(super) fn event(number: u64) -> Small {
    Small { number, payload: !number }
}

/// A contestant that publishes on a thread of its own with `publish`, which says whether there was room, and receives on the calling one
/// with `drain`, which takes what is there.
fn contestant(
    name: &'static str,
    full: Full,
    mut publish: impl FnMut(Small) -> bool + Send + 'static,
    mut drain: impl FnMut() -> u64 + 'static,
) -> Contestant {
    let publisher = match full {
        Full::TryAgain => Worker::new(move || {
            for number in 0..EVENTS {
                let mut pause = Pause::default();
                while !publish(event(number)) {
                    pause.wait();
                }
            }
        }),
        Full::Lose => Worker::new(move || {
            for number in 0..EVENTS {
                publish(event(number));
            }
        }),
    };
    Contestant::new(name, move || {
        publisher.call_apart();
        let begun = Instant::now();
        publisher.begin();
        let mut received = 0;
        let mut pause = Pause::default();
        loop {
            // First, so that what is drained after it is all there was.
            let is_done = publisher.is_done();
            let arrived = drain();
            received += arrived;
            match (is_done, arrived) {
                (true, _) => break,
                (false, 0) => pause.wait(),
                (false, _) => pause = Pause::default(),
            }
        }
        let nanos = Some(begun.elapsed().as_nanos() as u64);
        Tally { operations: EVENTS, dropped: EVENTS - received, nanos }
    })
}

/// To try again is not what ringbus is made for: each attempt counts as a drop.
fn ringbus_publisher(full: Full) -> Contestant {
    let (bus, mut subscriptions) = live_bus(1, CAPACITY);
    let mut publisher = bus.publisher();
    let publish = move |event| publisher.publish(event).is_ok_and(|published| published.dropped == 0);
    let drain = move || subscriptions.iter_mut().map(|from| drain(|| from.try_recv().ok())).sum();
    contestant("ringbus Publisher", full, publish, drain)
}

fn array_queue(full: Full) -> Contestant {
    let ring = Arc::new(ArrayQueue::new(CAPACITY));
    let publish = {
        let ring = Arc::clone(&ring);
        move |event| ring.push(event).is_ok()
    };
    contestant("raw ArrayQueue", full, publish, move || drain(|| ring.pop()))
}

/// Loses the oldest events. It tells how many; that is what has not arrived.
fn tokio_broadcast(full: Full) -> Contestant {
    use tokio::sync::broadcast::{Sender, error::TryRecvError};

    let sender = Sender::new(CAPACITY);
    let mut receiver = sender.subscribe();
    // Room as far as known. The length costs more than a send, so it is asked for only when that is used up.
    let mut room = 0;
    let publish = move |event| {
        if let Full::TryAgain = full {
            if room == 0 {
                room = CAPACITY - sender.len();
            }
            if room == 0 {
                return false;
            }
            room -= 1;
        }
        sender.send(event).is_ok()
    };
    let drain = move || {
        drain(|| {
            loop {
                match receiver.try_recv() {
                    Ok(event) => return Some(event),
                    Err(TryRecvError::Lagged(_)) => {}
                    Err(_) => return None,
                }
            }
        })
    };
    contestant("tokio broadcast", full, publish, drain)
}

fn async_broadcast(full: Full) -> Contestant {
    let (sender, mut receiver) = async_broadcast::broadcast(CAPACITY);
    let publish = move |event| sender.try_broadcast(event).is_ok();
    contestant("async-broadcast", full, publish, move || drain(|| receiver.try_recv().ok()))
}

fn channel<C: Channel>(full: Full) -> Contestant {
    let (sender, receiver) = C::bounded(CAPACITY);
    contestant(
        C::NAME,
        full,
        move |event| C::try_send(&sender, event),
        move || drain(|| C::try_recv::<Small>(&receiver)),
    )
}

fn jonhoo_bus(full: Full) -> Contestant {
    let mut bus = bus::Bus::new(CAPACITY);
    let mut reader = bus.add_rx();
    contestant(
        "jonhoo's bus",
        full,
        move |event| bus.try_broadcast(event).is_ok(),
        move || drain(|| reader.try_recv().ok()),
    )
}

fn disruptor(full: Full) -> Contestant {
    let builder = disruptor::build_single_producer(CAPACITY, || event(0), disruptor::BusySpin);
    let (mut poller, builder) = builder.new_event_poller();
    let mut producer = builder.build();
    let publish = move |event| producer.try_publish(|slot| *slot = event).is_ok();
    contestant("disruptor", full, publish, move || poller.poll().map_or(0, |mut events| look_at(&mut events)))
}

fn rtrb(full: Full) -> Contestant {
    let (mut producer, mut consumer) = rtrb::RingBuffer::new(CAPACITY);
    contestant("rtrb", full, move |event| producer.push(event).is_ok(), move || drain(|| consumer.pop().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contestant_does_the_whole_work() {
        let (lossless, lossy): (Vec<_>, Vec<_>) = cases().into_iter().partition(|case| case.name == "lossless");
        super::super::fanout::assert_the_whole_work_is_done(lossless);
        for mut contestant in lossy.iter().flat_map(|case| (case.contestants)()) {
            let tally = (contestant.round)();
            assert!(tally.operations == EVENTS && tally.dropped < EVENTS, "{contestant:?}: {tally:?}");
        }
    }
}
