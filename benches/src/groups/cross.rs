//! One thread publishes, another receives: what an event costs on its way from core to core.
//!
//! *Blocking*: the publisher tries again until there is room (the contestants called *send*: waits
//! for room as its library has it), and the receiver waits as its library has it, which is how most
//! receive; an operation is one publish with its receive. *Lossless*: the publisher tries again,
//! and the receiver polls, all in the same way. *Lossy*: the publisher never waits, the receiver
//! polls, and what did not arrive is counted; an operation is one publish. Rings are much smaller
//! than a round, and the time is that from the first publish to the last receive.
//!
//! With one subscriber there is no list to lock, so channels are used as they are. Two cores must
//! be free: where the threads share one, the publisher is through before the receiver has its turn,
//! and in the lossy case all but a ringful is lost.

use super::channel::{Channel, Crossbeam, Crossfire, Flume, Kanal, Std};
use super::fanout::{drain, look_at};
use super::kind::{Arrays, Kind, Lanes};
use crate::event::Small;
use crate::measure::{Case, Clock, Contestant, Tally};
use crossbeam_queue::ArrayQueue;
use disruptor::Producer as _;
use ringbus::{Subscription, WaitStrategy};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Events in a round.
pub const EVENTS: u64 = 16_384;
/// Events that a ring holds.
pub const CAPACITY: usize = 1024;

/// How events get across.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Blocking,
    Lossless,
    Lossy,
}

/// A case for each mode.
#[must_use]
pub fn cases() -> Vec<Case> {
    let of = |name: &str, operation, mode| Case {
        group: "cross",
        name: name.to_owned(),
        operation,
        clock: Clock::Wall,
        contestants: Box::new(move || contestants(mode)),
    };
    vec![
        of("blocking", "publish and receive", Mode::Blocking),
        of("lossless", "publish and receive", Mode::Lossless),
        of("lossy", "publish", Mode::Lossy),
    ]
}

fn contestants(mode: Mode) -> Vec<Contestant> {
    let contestants = [
        ringbus_publisher::<Arrays>(mode),
        ringbus_spinning::<Arrays>(mode),
        ringbus_many::<Arrays>(mode),
        ringbus_publisher::<Lanes>(mode),
        ringbus_spinning::<Lanes>(mode),
        ringbus_many::<Lanes>(mode),
        array_queue(mode),
        tokio_broadcast(mode),
        async_broadcast(mode),
        channel::<Crossbeam>(mode),
        channel::<Crossfire>(mode),
        channel::<Flume>(mode),
        channel::<Kanal>(mode),
        channel::<Std>(mode),
        channel_sending::<Crossbeam>(mode),
        channel_sending::<Crossfire>(mode),
        channel_sending::<Std>(mode),
        jonhoo_bus(mode),
        disruptor(mode),
        rtrb(mode),
    ];
    contestants.into_iter().flatten().collect()
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
        // ORDERING: Acquire. Pairs with the Release store in `set`: what the other thread did
        // before, its receives or its publishes, is seen by what comes next. Weaker: the last
        // events of a round could be missed.
        self.0.load(Ordering::Acquire)
    }

    fn set(&self, stage: u8) {
        // ORDERING: Release. Pairs with the Acquire load in `get`.
        self.0.store(stage, Ordering::Release);
    }
}

/// A thread that does its part of a round when told to. In between it sleeps, so as to disturb no
/// other contestant, and its waking up is kept out of the timing. It ends when the worker is
/// dropped.
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

    /// Calls the thread, and gives the scheduler some time to move it to a core of its own: a
    /// thread that was woken may begin on that of its waker, and on one core there is nothing to be
    /// measured between threads.
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

/// Between two looks: a moment first, and then as long as others need the core, of which there may
/// be fewer than threads.
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

/// A contestant that publishes on a thread of its own with `publish`, which says whether there was
/// room, and receives on the calling one: with `drain`, which takes what is there, or with
/// `receive`, which waits for an event. `None` where it cannot wait, and should.
fn contestant<R: 'static>(
    name: &'static str,
    mode: Mode,
    mut publish: impl FnMut(Small) -> bool + Send + 'static,
    mut from: R,
    mut drain: impl FnMut(&mut R) -> u64 + 'static,
    receive: Option<fn(&mut R) -> Small>,
) -> Option<Contestant> {
    let receive = receive.filter(|_| mode == Mode::Blocking);
    if mode == Mode::Blocking && receive.is_none() {
        return None;
    }
    let publisher = match mode {
        Mode::Blocking | Mode::Lossless => Worker::new(move || {
            for number in 0..EVENTS {
                let mut pause = Pause::default();
                while !publish(event(number)) {
                    pause.wait();
                }
            }
        }),
        Mode::Lossy => Worker::new(move || {
            for number in 0..EVENTS {
                publish(event(number));
            }
        }),
    };
    Some(Contestant::new(name, move || {
        publisher.call_apart();
        let begun = Instant::now();
        publisher.begin();
        let received = match receive {
            Some(receive) => receive_all(|| receive(&mut from)),
            None => poll(&publisher, || drain(&mut from)),
        };
        let nanos = Some(begun.elapsed().as_nanos() as u64);
        publisher.wait();
        Tally { operations: EVENTS, dropped: EVENTS - received, nanos }
    }))
}

/// Waits for as many events as there are in a round, looks at them, and counts those that are the
/// one that was due.
fn receive_all(mut receive: impl FnMut() -> Small) -> u64 {
    (0..EVENTS).map(|due| u64::from(black_box(receive().number) == due)).sum()
}

/// Drains again and again, until the publisher has done its part and there is nothing left; counts
/// what was drained.
fn poll(publisher: &Worker, mut drain: impl FnMut() -> u64) -> u64 {
    let mut received = 0;
    let mut pause = Pause::default();
    loop {
        // First, so that what is drained after it is all there was.
        let is_done = publisher.is_done();
        let arrived = drain();
        received += arrived;
        match (is_done, arrived) {
            (true, _) => return received,
            (false, 0) => pause.wait(),
            (false, _) => pause = Pause::default(),
        }
    }
}

/// A live bus, by what publishes to it and by its subscriber.
fn ringbus<K: Kind>(wait: WaitStrategy) -> (impl FnMut(Small) -> bool + Send + 'static, Subscription<Small>) {
    let bus = K::bus(0);
    let from = bus.subscriber("subscriber").capacity(CAPACITY).wait(wait).subscribe();
    bus.start();
    let mut publisher = bus.publisher();
    (move |event| publisher.publish(event).is_ok_and(|published| published.dropped == 0), from)
}

/// To try again is not what ringbus is made for: each attempt counts as a drop.
fn ringbus_publisher<K: Kind>(mode: Mode) -> Option<Contestant> {
    let (publish, from) = ringbus::<K>(WaitStrategy::Park);
    let drain = |from: &mut Subscription<Small>| drain(|| from.try_recv().ok());
    contestant(K::PUBLISHER, mode, publish, from, drain, Some(|from| from.recv().unwrap()))
}

/// With a receiver that does not park.
fn ringbus_spinning<K: Kind>(mode: Mode) -> Option<Contestant> {
    if mode != Mode::Blocking {
        // It polls in the other modes anyway.
        return None;
    }
    let (publish, from) = ringbus::<K>(WaitStrategy::Spin);
    contestant(K::PUBLISHER_SPIN, mode, publish, from, |_| 0, Some(|from| from.recv().unwrap()))
}

/// Receives many at a time, where there are many.
fn ringbus_many<K: Kind>(mode: Mode) -> Option<Contestant> {
    let (publish, from) = ringbus::<K>(WaitStrategy::Park);
    let many = Many { from, events: Vec::with_capacity(CAPACITY), next: 0 };
    let drain = |many: &mut Many| {
        many.events.clear();
        many.from.try_recv_many(&mut many.events, CAPACITY);
        look_at(many.events.iter())
    };
    contestant(K::MANY, mode, publish, many, drain, Some(Many::recv))
}

/// A subscription, and what was received from it at one go.
struct Many {
    from: Subscription<Small>,
    events: Vec<Small>,
    /// The next of them to be looked at.
    next: usize,
}

impl Many {
    fn recv(&mut self) -> Small {
        if self.next == self.events.len() {
            self.events.clear();
            self.events.push(self.from.recv().unwrap());
            self.from.try_recv_many(&mut self.events, CAPACITY - 1);
            self.next = 0;
        }
        self.next += 1;
        self.events[self.next - 1]
    }
}

fn array_queue(mode: Mode) -> Option<Contestant> {
    let ring = Arc::new(ArrayQueue::new(CAPACITY));
    let publish = {
        let ring = Arc::clone(&ring);
        move |event| ring.push(event).is_ok()
    };
    contestant("raw ArrayQueue", mode, publish, ring, |ring| drain(|| ring.pop()), None)
}

/// Loses the oldest events. It tells how many; that is what has not arrived.
fn tokio_broadcast(mode: Mode) -> Option<Contestant> {
    use tokio::sync::broadcast::{Receiver, Sender, error::TryRecvError};

    let sender = Sender::new(CAPACITY);
    let receiver = sender.subscribe();
    // Room as far as known. The length costs more than a send, so it is asked for only when that is
    // used up.
    let mut room = 0;
    let publish = move |event| {
        if mode != Mode::Lossy {
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
    let drain = |receiver: &mut Receiver<Small>| {
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
    let receive = |receiver: &mut Receiver<Small>| receiver.blocking_recv().unwrap();
    contestant("tokio broadcast", mode, publish, receiver, drain, Some(receive))
}

fn async_broadcast(mode: Mode) -> Option<Contestant> {
    use async_broadcast::Receiver;

    let (sender, receiver) = async_broadcast::broadcast(CAPACITY);
    let publish = move |event| sender.try_broadcast(event).is_ok();
    let drain = |receiver: &mut Receiver<Small>| drain(|| receiver.try_recv().ok());
    contestant("async-broadcast", mode, publish, receiver, drain, Some(|receiver| receiver.recv_blocking().unwrap()))
}

fn channel<C: Channel>(mode: Mode) -> Option<Contestant> {
    let (sender, receiver) = C::bounded(CAPACITY);
    let publish = move |event| C::try_send(&sender, event);
    let drain = |receiver: &mut C::Receiver<Small>| drain(|| C::try_recv(receiver));
    contestant(C::NAME, mode, publish, receiver, drain, Some(|receiver| C::recv(receiver)))
}

/// With a publisher that waits for room as its library has it.
fn channel_sending<C: Channel>(mode: Mode) -> Option<Contestant> {
    if mode != Mode::Blocking {
        return None;
    }
    let (sender, receiver) = C::bounded(CAPACITY);
    let publish = move |event| {
        C::send(&sender, event);
        true
    };
    contestant(C::SEND_NAME, mode, publish, receiver, |_| 0, Some(|receiver| C::recv(receiver)))
}

fn jonhoo_bus(mode: Mode) -> Option<Contestant> {
    let mut bus = bus::Bus::new(CAPACITY);
    let reader = bus.add_rx();
    let publish = move |event| bus.try_broadcast(event).is_ok();
    let drain = |reader: &mut bus::BusReader<Small>| drain(|| reader.try_recv().ok());
    contestant("jonhoo's bus", mode, publish, reader, drain, Some(|reader| reader.recv().unwrap()))
}

/// (Its processors can wait, but on a thread of its own.)
fn disruptor(mode: Mode) -> Option<Contestant> {
    let builder = disruptor::build_single_producer(CAPACITY, || event(0), disruptor::BusySpin);
    let (poller, builder) = builder.new_event_poller();
    let mut producer = builder.build();
    let publish = move |event| producer.try_publish(|slot| *slot = event).is_ok();
    contestant(
        "disruptor",
        mode,
        publish,
        poller,
        |poller| poller.poll().map_or(0, |mut events| look_at(&mut events)),
        None,
    )
}

fn rtrb(mode: Mode) -> Option<Contestant> {
    let (mut producer, consumer) = rtrb::RingBuffer::new(CAPACITY);
    let publish = move |event| producer.push(event).is_ok();
    contestant("rtrb", mode, publish, consumer, |consumer| drain(|| consumer.pop().ok()), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contestant_does_the_whole_work() {
        let (lossy, lossless): (Vec<_>, Vec<_>) = cases().into_iter().partition(|case| case.name == "lossy");
        super::super::fanout::assert_the_whole_work_is_done(lossless);
        for mut contestant in lossy.iter().flat_map(|case| (case.contestants)()) {
            let tally = (contestant.round)();
            assert!(tally.operations == EVENTS && tally.dropped < EVENTS, "{contestant:?}: {tally:?}");
        }
    }
}
