//! The event of the models.

use crate::engine::atomic::{AtomicUsize, Ordering::Relaxed};
use crate::engine::thread;
use ringbus::{
    BatchError, Event, EventBus, EventType, PublishError, Published, Publisher, Ring, Subscription, TryRecvError,
};
use std::sync::Arc;
use std::time::SystemTime;

/// The type of all tokens.
pub const TOKEN: EventType = EventType::new("token");

/// An event with an atomic of the engine that is written, relaxed, just before publishing, and must
/// be visible to whoever receives it. So a model fails where an event travels without a
/// happens-before edge, though the doubles move its value safely.
#[derive(Clone, Debug)]
pub struct Token {
    number: usize,
    written: Arc<AtomicUsize>,
}

impl Token {
    /// A token that is not yet written.
    pub fn new(number: usize) -> Self {
        Self { number, written: Arc::new(AtomicUsize::new(0)) }
    }

    /// Its number, after checking that the event is visible as a whole.
    pub fn read(self) -> usize {
        assert_eq!(self.written.load(Relaxed), self.number + 1, "an event received is visible as a whole");
        self.number
    }

    /// How many copies exist, this one included.
    pub fn copies(&self) -> usize {
        Arc::strong_count(&self.written)
    }

    /// Writes it, just before it is published.
    pub fn write(&self) {
        self.written.store(self.number + 1, Relaxed);
    }
}

impl Event for Token {
    fn event_type(&self) -> EventType {
        TOKEN
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// A bus of tokens.
pub type Bus = EventBus<Token>;

/// What publishing a token gave.
pub type Outcome = Result<Published, PublishError<Token>>;

/// Writes a token and publishes it.
pub fn publish(bus: &Bus, token: &Token) -> Outcome {
    token.write();
    bus.publish(token.clone())
}

/// Spawns a thread that publishes the token of that number.
pub fn spawn_publisher(bus: &Bus, number: usize) -> thread::JoinHandle<Outcome> {
    let bus = bus.clone();
    thread::spawn(move || publish(&bus, &Token::new(number)))
}

/// Spawns a thread that publishes the tokens as a batch.
pub fn spawn_batch(bus: &Bus, tokens: [Token; 2]) -> thread::JoinHandle<Result<Published, BatchError>> {
    let bus = bus.clone();
    thread::spawn(move || publish_batch(&bus, &tokens))
}

/// Spawns a thread that starts the bus, and returns how many events are replayed.
pub fn spawn_starter(bus: &Bus) -> thread::JoinHandle<usize> {
    let bus = bus.clone();
    thread::spawn(move || bus.start())
}

/// Spawns a thread that closes the bus.
pub fn spawn_closer<E: Event + Clone + 'static>(bus: &EventBus<E>) -> thread::JoinHandle<()> {
    let bus = bus.clone();
    thread::spawn(move || bus.close())
}

/// Writes a token and publishes it through a publisher.
pub fn publish_by(publisher: &mut Publisher<Token>, token: &Token) -> Outcome {
    token.write();
    publisher.publish(token.clone())
}

/// Writes tokens and publishes them as a batch.
pub fn publish_batch(bus: &Bus, tokens: &[Token]) -> Result<Published, BatchError> {
    tokens.iter().for_each(Token::write);
    bus.publish_batch(tokens)
}

/// A bus whose subscribers have the rings that `RINGBUS_RING` names: `array`, which it is unless
/// set, or `lane`. So each scenario takes both.
pub fn new_bus<E: Event + Clone>(startup_capacity: usize) -> EventBus<E> {
    EventBus::builder().startup_capacity(startup_capacity).ring(ring()).build()
}

/// The ring that `RINGBUS_RING` names.
///
/// # Panics
///
/// If there is no such ring.
pub fn ring() -> Ring {
    match std::env::var("RINGBUS_RING").as_deref() {
        Err(_) | Ok("array") => Ring::Array,
        Ok("lane") => Ring::Lane,
        Ok(other) => panic!("RINGBUS_RING={other}: no such ring"),
    }
}

/// A bus that is live, with no subscriber.
pub fn live_bus() -> Bus {
    let bus = new_bus(0);
    bus.start();
    bus
}

/// Subscribes with a filter that keeps a share of what is returned: whatever keeps the filter, once
/// the subscriber has left, keeps that.
pub fn subscribe_with_share(bus: &Bus) -> (Subscription<Token>, Arc<()>) {
    let share = Arc::new(());
    let filtered = bus.subscriber("filtered").capacity(1).filter({
        let kept = Arc::clone(&share);
        move |_| Arc::strong_count(&kept) > 0
    });
    (filtered.subscribe(), share)
}

/// Checks that nothing keeps the filter of [`subscribe_with_share`], or a hook, any more. Not under
/// loom, whose double of the snapshot's cell keeps all snapshots.
pub fn assert_unshared(share: &Arc<()>) {
    assert!(cfg!(loom) || Arc::strong_count(share) == 1, "G11: nothing keeps what is not used any more");
}

/// Receives until there is nothing, and returns the numbers and whether the subscription is closed.
pub fn drain(subscription: &Subscription<Token>) -> (Vec<usize>, bool) {
    let mut numbers = Vec::new();
    loop {
        match subscription.try_recv() {
            Ok(token) => numbers.push(token.read()),
            Err(TryRecvError::Empty) => return (numbers, false),
            Err(TryRecvError::Closed) => return (numbers, true),
        }
    }
}

/// Receives, waiting, until the subscription is closed, and returns the numbers.
pub fn receive_all(subscription: &Subscription<Token>) -> Vec<usize> {
    let mut numbers = Vec::new();
    while let Ok(token) = subscription.recv() {
        numbers.push(token.read());
    }
    numbers
}

/// Whether an outcome is an event kept for the replay.
pub fn is_buffered(outcome: &Outcome) -> bool {
    outcome.as_ref().is_ok_and(|published| published.buffered == 1)
}

/// Deliveries into rings that an outcome reports.
pub fn delivered(outcome: &Outcome) -> usize {
    outcome.as_ref().map_or(0, |published| published.delivered)
}

/// An event so large that rings and log keep it in a room of its own, and no larger: the threads of
/// a model have little stack.
#[derive(Clone, Debug)]
pub struct Bulky {
    /// What it carries.
    pub token: Token,
    _bulk: [u8; 2_048],
}

impl Bulky {
    /// Carries a token.
    pub fn new(token: Token) -> Self {
        Self { token, _bulk: [0; 2_048] }
    }
}

impl Event for Bulky {
    fn event_type(&self) -> EventType {
        TOKEN
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}
