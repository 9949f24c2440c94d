//! A server, a line that can be cut, and nodes that count what they publish and receive themselves.

#![allow(dead_code, reason = "each test file takes what it needs")]

pub mod proxy;
pub mod server;

use ringbus::{Event, EventBus, EventType, PublishError, Ring, Subscription};
use ringbus_nats::async_nats::ConnectOptions;
use ringbus_nats::{Bridge, BridgeBuilder, BridgeState, BridgeStats, Codec, Json, NodeId, OriginStats};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

/// How long anything may take before a test fails. Nothing waits for so long that goes well.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub const TICK: EventType = EventType::new("tick");
pub const TOCK: EventType = EventType::new("tock");

/// The padding of a beat of 1970.
pub const OLD: &str = "old";

/// An event with a number, and as long as one likes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// Whether it is a tick, or a tock.
    pub is_tick: bool,
    pub number: u64,
    pub padding: String,
}

impl Beat {
    pub fn tick(number: u64) -> Self {
        Self { is_tick: true, number, padding: String::new() }
    }

    pub fn tock(number: u64) -> Self {
        Self { is_tick: false, ..Self::tick(number) }
    }
}

impl Event for Beat {
    fn event_type(&self) -> EventType {
        if self.is_tick { TICK } else { TOCK }
    }

    fn timestamp(&self) -> SystemTime {
        if self.padding == OLD { SystemTime::UNIX_EPOCH } else { SystemTime::now() }
    }
}

/// A bus whose subscribers, the bridge included, have the rings that `RINGBUS_RING` names: `array`,
/// which it is unless set, or `lane`. So each test takes both.
pub fn new_bus<E: Event + Clone>(startup_capacity: usize) -> EventBus<E> {
    EventBus::builder().startup_capacity(startup_capacity).ring(ring()).build()
}

/// The ring that `RINGBUS_RING` names.
pub fn ring() -> Ring {
    match std::env::var("RINGBUS_RING").as_deref() {
        Err(_) | Ok("array") => Ring::Array,
        Ok("lane") => Ring::Lane,
        Ok(other) => panic!("RINGBUS_RING={other}: no such ring"),
    }
}

/// Waits until something holds. Looks every other millisecond.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A bus with a bridge, and a subscriber that writes down what it receives.
pub struct Node {
    pub bus: EventBus<Beat>,
    pub bridge: Bridge<Beat>,
    pub received: Received,
}

impl Node {
    /// A node that exports what `build` says, on a started bus.
    pub async fn start<C: Codec<Beat>>(
        url: &str,
        codec: C,
        build: impl FnOnce(BridgeBuilder<Beat, C>) -> BridgeBuilder<Beat, C>,
    ) -> Self {
        Self::start_with(url, codec, ConnectOptions::new(), build).await
    }

    pub async fn start_with<C: Codec<Beat>>(
        url: &str,
        codec: C,
        options: ConnectOptions,
        build: impl FnOnce(BridgeBuilder<Beat, C>) -> BridgeBuilder<Beat, C>,
    ) -> Self {
        let bus = new_bus(0);
        bus.start();
        Self::on(bus, url, codec, options, build).await
    }

    pub async fn on<C: Codec<Beat>>(
        bus: EventBus<Beat>,
        url: &str,
        codec: C,
        options: ConnectOptions,
        build: impl FnOnce(BridgeBuilder<Beat, C>) -> BridgeBuilder<Beat, C>,
    ) -> Self {
        let received = Received::begin(bus.subscriber("witness").capacity(1 << 17).subscribe());
        let builder = build(Bridge::builder(&bus, codec).prefix("test").heartbeat(Duration::from_millis(200)));
        let bridge = builder.connect(url, options).await.expect("connects");
        Self { bus, bridge, received }
    }

    /// Exports ticks.
    pub async fn ticking(url: &str) -> Self {
        Self::start(url, Json, |builder| builder.export([TICK])).await
    }

    /// Imports ticks.
    pub async fn listening(url: &str) -> Self {
        Self::start(url, Json, |builder| builder.import([TICK])).await
    }

    pub fn id(&self) -> NodeId {
        self.bridge.node()
    }

    pub fn stats(&self) -> BridgeStats {
        self.bridge.stats()
    }

    /// What it knows of another node.
    pub fn origin(&self, node: NodeId) -> Option<OriginStats> {
        self.stats().import.origins.into_iter().find(|origin| origin.node == node)
    }

    pub async fn until_connected(&self) {
        until("the bridge is connected", || self.bridge.state() == BridgeState::Connected).await;
    }

    /// Waits until this node has heard of the other one. What that one sends from then on, and what
    /// gets lost, is no gap of before the join.
    pub async fn until_joined(&self, other: &Node) {
        until("the other node is heard", || self.origin(other.id()).is_some()).await;
    }

    /// Waits until this node has heard of everything that the other one has sent, and until both
    /// have accounted for all of it.
    pub async fn until_settled_with(&self, other: &Node, published: u64) {
        let settled = || {
            let (sender, receiver) = (other.stats(), self.stats());
            let heard = receiver.import.origins.iter().find(|origin| origin.node == other.id());
            sender.export.offered == published
                && sender.balances()
                && receiver.balances()
                && heard.is_some_and(|heard| heard.sent == sender.export.sent)
        };
        let begun = Instant::now();
        while !settled() {
            assert!(
                begun.elapsed() < PATIENCE,
                "{published} published, and no balance:\n{}\n{}",
                other.stats(),
                self.stats()
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// What a subscriber has received, written down by a thread.
#[derive(Clone)]
pub struct Received(Arc<std::sync::Mutex<Vec<Beat>>>);

impl Received {
    /// Begins to write down. Ends with the bus.
    pub fn begin(subscription: Subscription<Beat>) -> Self {
        let received = Self(Arc::default());
        let to = received.clone();
        std::thread::spawn(move || {
            let mut batch = Vec::new();
            while subscription.recv_many(&mut batch, 1_024).is_ok() {
                to.0.lock().expect("no panic").append(&mut batch);
            }
            assert_eq!(subscription.lost(), 0, "the witness must not lose anything");
        });
        received
    }

    pub fn ticks(&self) -> Vec<u64> {
        self.numbers(true)
    }

    pub fn tocks(&self) -> Vec<u64> {
        self.numbers(false)
    }

    fn numbers(&self, is_tick: bool) -> Vec<u64> {
        let received = self.0.lock().expect("no panic");
        received.iter().filter(|beat| beat.is_tick == is_tick).map(|beat| beat.number).collect()
    }

    pub fn last_tick(&self) -> Option<u64> {
        let received = self.0.lock().expect("no panic");
        received.iter().rev().find(|beat| beat.is_tick).map(|beat| beat.number)
    }
}

/// Whether numbers rise, so that nothing is there twice and everything is in order.
pub fn rise(numbers: &[u64]) -> bool {
    numbers.is_sorted_by(|one, next| one < next)
}

/// A thread that publishes beats until it is told to stop, some thousand each second.
pub struct Pulse {
    published: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Pulse {
    pub fn begin(bus: &EventBus<Beat>, beat: fn(u64) -> Beat) -> Self {
        let (published, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (bus, counter, is_over) = (bus.clone(), Arc::clone(&published), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut number = 0;
            while !is_over.load(Ordering::Relaxed) {
                for _ in 0..10 {
                    publish(&bus, beat(number)).expect("the bus is open");
                    number += 1;
                    counter.store(number, Ordering::Release);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Self { published, stop, thread }
    }

    /// How many were published so far. They have the numbers below that.
    pub fn published(&self) -> u64 {
        self.published.load(Ordering::Acquire)
    }

    /// Waits until so many more were published.
    pub async fn more(&self, count: u64) {
        let goal = self.published() + count;
        until("more is published", || self.published() >= goal).await;
    }

    /// Stops, and says how many were published.
    pub async fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        until("the thread has stopped", || self.thread.is_finished()).await;
        self.thread.join().expect("no panic");
        self.published.load(Ordering::Acquire)
    }
}

pub fn publish(bus: &EventBus<Beat>, beat: Beat) -> Result<(), PublishError<Beat>> {
    bus.publish(beat).map(drop)
}

/// Publishes ticks with the numbers from 0 on, as fast as it goes.
pub fn burst(bus: &EventBus<Beat>, count: u64) {
    for number in 0..count {
        publish(bus, Beat::tick(number)).expect("the bus is open");
    }
}
