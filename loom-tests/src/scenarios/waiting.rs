//! Park and wake.

use crate::engine::{Parks, block_on, brief, expire, thread};
use crate::model::Outcomes;
use crate::token::{TOKEN, Token, delivered, drain, live_bus, publish, publish_batch, spawn_batch, spawn_publisher};
use futures_core::Stream;
use ringbus::{Overflow, RecvTimeoutError};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// Publish × a subscriber that parks.
pub fn publish_park(outcomes: &Outcomes) {
    let parks = Parks::begin();
    let bus = live_bus();
    let subscription = bus.subscribe(1);
    let publisher = spawn_publisher(&bus, 0);
    let reader = thread::spawn(move || subscription.recv().map(Token::read));
    assert_eq!(delivered(&publisher.join().unwrap()), 1);
    assert_eq!(reader.join().unwrap(), Ok(0), "G7: a waiting subscriber wakes for its event");
    outcomes.saw_if(parks.any(), "parked");
    outcomes.saw_if(parks.none(), "found at once");
}

/// Publish × a subscriber that evicts, and so has an array on whatever bus, and parks.
pub fn evicting_park(outcomes: &Outcomes) {
    let parks = Parks::begin();
    let bus = live_bus();
    let subscription = bus.subscriber("newest").capacity(1).overflow(Overflow::DropOldest).subscribe();
    let publisher = spawn_publisher(&bus, 0);
    let reader = thread::spawn(move || subscription.recv().map(Token::read));
    assert_eq!(delivered(&publisher.join().unwrap()), 1);
    assert_eq!(reader.join().unwrap(), Ok(0), "G7: an array among lanes is fenced for");
    outcomes.saw_if(parks.any(), "parked");
    outcomes.saw_if(parks.none(), "found at once");
}

/// Several publishers × a subscriber that parks for each event.
pub fn publishers_park(outcomes: &Outcomes, publishers: usize) {
    let parks = Parks::begin();
    let bus = live_bus();
    let subscription = bus.subscribe(publishers);
    let threads: Vec<_> = (0..publishers).map(|number| spawn_publisher(&bus, number)).collect();
    let reader = thread::spawn(move || (0..publishers).map(|_| subscription.recv().unwrap().read()).collect());
    for publisher in threads {
        assert_eq!(delivered(&publisher.join().unwrap()), 1);
    }
    let mut numbers: Vec<usize> = reader.join().unwrap();
    outcomes.saw(if numbers.is_sorted() { "in the order of their numbers" } else { "in another order" });
    outcomes.saw_if(parks.count() >= Some(2), "parked twice");
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..publishers), "G2, G7: each event arrives once");
}

/// A batch × a subscriber that parks: it gets both events, in their order.
pub fn batch_park(outcomes: &Outcomes) {
    let parks = Parks::begin();
    let bus = live_bus();
    let subscription = bus.subscribe(2);
    let publisher = spawn_batch(&bus, [0, 1].map(Token::new));
    let reader = thread::spawn(move || [0, 1].map(|_| subscription.recv().unwrap().read()));
    assert_eq!(publisher.join().unwrap().unwrap().delivered, 2);
    assert_eq!(reader.join().unwrap(), [0, 1], "G5, G7: a waiting subscriber wakes for a batch, and gets it in order");
    outcomes.saw_if(parks.any(), "parked");
    outcomes.saw_if(parks.none(), "found at once");
}

/// Publish, as one event or as a batch × a subscriber to a type that parks, beside one to
/// everything.
pub fn typed_park(outcomes: &Outcomes, as_batch: bool) {
    let parks = Parks::begin();
    let bus = live_bus();
    let universal = bus.subscribe(1);
    let typed = bus.subscriber("typed").types([TOKEN]).capacity(1).subscribe();
    let publisher = thread::spawn({
        let bus = bus.clone();
        move || {
            let token = Token::new(0);
            if as_batch { publish_batch(&bus, &[token]).unwrap() } else { publish(&bus, &token).unwrap() }
        }
    });
    let reader = thread::spawn(move || typed.recv().map(Token::read));
    assert_eq!(publisher.join().unwrap().delivered, 2);
    assert_eq!(reader.join().unwrap(), Ok(0), "G7: a subscriber to a type wakes, whoever else subscribes");
    assert_eq!(drain(&universal).0, [0]);
    outcomes.saw_if(parks.any(), "parked");
    outcomes.saw_if(parks.none(), "found at once");
}

/// Publish × time-out × a subscriber that parks: received or timed out, and then still there.
pub fn publish_timeout(outcomes: &Outcomes) {
    let bus = live_bus();
    let subscription = bus.subscribe(1);
    let publisher = spawn_publisher(&bus, 0);
    let clock = thread::spawn(expire);
    let reader = thread::spawn(move || (subscription.recv_timeout(brief()).map(Token::read), subscription));
    publisher.join().unwrap().unwrap();
    clock.join().unwrap();
    let (received, subscription) = reader.join().unwrap();
    match received {
        Ok(number) => {
            assert_eq!((number, drain(&subscription)), (0, (vec![], false)));
            outcomes.saw("in time");
        }
        Err(error) => {
            assert_eq!(error, RecvTimeoutError::TimedOut);
            assert_eq!(drain(&subscription), (vec![0], false), "a time-out loses nothing");
            outcomes.saw("timed out");
        }
    }
}

/// A publish, and then the end of the time, on one thread × a subscriber that waits until then.
pub fn publish_then_timeout(outcomes: &Outcomes) {
    let parks = Parks::begin();
    let bus = live_bus();
    let subscription = bus.subscribe(1);
    let publisher = thread::spawn({
        let bus = bus.clone();
        move || {
            publish(&bus, &Token::new(0)).unwrap();
            expire();
        }
    });
    let reader = thread::spawn(move || (subscription.recv_timeout(brief()).map(Token::read), subscription));
    publisher.join().unwrap();
    let (received, subscription) = reader.join().unwrap();
    // (Time orders nothing: with weak memory, a thread may know of the end and not of the event.)
    assert!(!cfg!(shuttle) || received == Ok(0), "an event that came in time is received: {received:?}");
    let left = drain(&subscription).0;
    assert_eq!(left.len() + usize::from(received.is_ok()), 1, "a time-out loses nothing");
    outcomes.saw_if(parks.any() && received.is_ok(), "woken for it");
    outcomes.saw_if(parks.none() && received.is_ok(), "found at once");
}

/// A waker that does nothing, and by whose shares one sees who keeps it.
struct Silent;

impl Wake for Silent {
    fn wake(self: Arc<Self>) {}
}

/// Publish × a task that awaits.
pub fn publish_await(outcomes: &Outcomes) {
    let bus = live_bus();
    let mut subscription = bus.subscribe(1);
    let publisher = spawn_publisher(&bus, 0);
    let reader = thread::spawn(move || {
        let mut polls = 0;
        let mut receive = pin!(subscription.recv_async());
        let received = block_on(poll_fn(|context| {
            polls += 1;
            receive.as_mut().poll(context)
        }));
        (received.map(Token::read), polls)
    });
    assert_eq!(delivered(&publisher.join().unwrap()), 1);
    let (received, polls) = reader.join().unwrap();
    assert_eq!(received, Ok(0), "G7: a task that waits wakes for its event");
    outcomes.saw(if polls == 1 { "found at once" } else { "waited" });
}

/// Publish × a receive that is given up, and then another one.
pub fn publish_give_up(outcomes: &Outcomes) {
    let bus = live_bus();
    let mut subscription = bus.subscribe(1);
    let publisher = spawn_publisher(&bus, 0);
    let reader = thread::spawn(move || {
        let silent = Arc::new(Silent);
        let waker = Waker::from(Arc::clone(&silent));
        let first = pin!(subscription.recv_async()).poll(&mut Context::from_waker(&waker));
        drop(waker);
        let received = match first {
            Poll::Ready(received) => (received, true),
            Poll::Pending => (subscription.recv(), false),
        };
        (received.0.map(Token::read), received.1, silent, subscription)
    });
    assert_eq!(delivered(&publisher.join().unwrap()), 1);
    let (received, was_ready, silent, _subscription) = reader.join().unwrap();
    assert_eq!(received, Ok(0), "G7: a receive that is given up takes no event with it, and no wake-up");
    assert_eq!(Arc::strong_count(&silent), 1, "G12: a receive that is given up keeps no waker");
    outcomes.saw(if was_ready { "received at once" } else { "given up" });
}

/// Publishers × a receiver that waits as a stream, and then with another waker.
pub fn publish_change_waker(outcomes: &Outcomes, publishers: usize) {
    let bus = live_bus();
    let mut subscription = bus.subscribe(publishers);
    let threads: Vec<_> = (0..publishers).map(|number| spawn_publisher(&bus, number)).collect();
    let reader = thread::spawn(move || {
        let silent = Arc::new(Silent);
        let waker = Waker::from(Arc::clone(&silent));
        let first = Pin::new(&mut subscription).poll_next(&mut Context::from_waker(&waker));
        drop(waker);
        let mut numbers = Vec::new();
        if let Poll::Ready(Some(token)) = first {
            numbers.push(token.read());
        }
        let waits = numbers.is_empty();
        while numbers.len() < publishers {
            numbers.push(subscription.recv().unwrap().read());
        }
        // It is kept until another wait or poll replaces it: the receives may not have waited.
        if Arc::strong_count(&silent) > 1 {
            let _ = Pin::new(&mut subscription).poll_next(&mut Context::from_waker(Waker::noop()));
        }
        (numbers, waits, silent, subscription)
    });
    for publisher in threads {
        assert_eq!(delivered(&publisher.join().unwrap()), 1);
    }
    let (mut numbers, waits, silent, _subscription) = reader.join().unwrap();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..publishers), "G2, G7: each event arrives once, whichever waker waits for it");
    assert_eq!(Arc::strong_count(&silent), 1, "G12: a waker that was replaced is not kept");
    outcomes.saw(if waits { "waited with both" } else { "received at once" });
}
