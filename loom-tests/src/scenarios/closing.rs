//! Close.

use crate::engine::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use crate::engine::{Parks, thread};
use crate::model::Outcomes;
use crate::token::{
    Bus, Token, assert_unshared, delivered, drain, is_buffered, live_bus, new_bus, publish, receive_all, spawn_batch,
    spawn_closer, spawn_publisher, spawn_starter, subscribe_with_share,
};
use std::sync::Arc;

/// Start × close × reader: the backlog is released either way, and the bus stays closed.
pub fn start_close(outcomes: &Outcomes) {
    let bus = new_bus(1);
    let subscription = bus.subscribe(1);
    publish(&bus, &Token::new(0)).unwrap();
    let starter = spawn_starter(&bus);
    let closer = thread::spawn({
        let bus = bus.clone();
        move || {
            bus.close();
            publish(&bus, &Token::new(1))
        }
    });
    let reader = thread::spawn(move || receive_all(&subscription));
    assert_eq!(reader.join().unwrap(), [0], "G10: what was accepted is received, and then Closed");
    assert!(closer.join().unwrap().is_err(), "G10: a closed bus takes nothing");
    let replayed = starter.join().unwrap();
    assert!(bus.is_closed(), "G10: closed for good");
    assert_eq!(replayed == 1, bus.is_started(), "start after close does nothing");
    outcomes.saw(if replayed == 1 { "started first" } else { "closed first" });
}

/// Close of a bus that never started × publish × reader that parks.
pub fn close_releases_backlog(outcomes: &Outcomes) {
    let parks = Parks::begin();
    let bus = new_bus(1);
    let subscription = bus.subscribe(1);
    let publisher = spawn_publisher(&bus, 0);
    let closer = spawn_closer(&bus);
    let reader = thread::spawn(move || receive_all(&subscription));
    let outcome = publisher.join().unwrap();
    closer.join().unwrap();
    let numbers = reader.join().unwrap();
    assert_eq!(delivered(&outcome), 0, "a bus that nobody started never goes live");
    assert!(!bus.is_started(), "a bus that nobody started never goes live");
    if is_buffered(&outcome) {
        assert_eq!(numbers, [0], "G10: closing releases the backlog first");
        outcomes.saw("released");
    } else {
        assert!(numbers.is_empty(), "what was refused is not received");
        outcomes.saw("refused");
    }
    outcomes.saw_if(parks.any(), "reader parked");
}

/// Publish, then close, on one thread × reader, on a bus that is live or has not started: the event
/// is received before `Closed`.
pub fn publish_then_close(outcomes: &Outcomes, bus: &Bus) {
    let parks = Parks::begin();
    let subscription = bus.subscribe(1);
    let closer = thread::spawn({
        let bus = bus.clone();
        move || {
            publish(&bus, &Token::new(0)).unwrap();
            bus.close();
        }
    });
    let reader = thread::spawn(move || receive_all(&subscription));
    closer.join().unwrap();
    assert_eq!(reader.join().unwrap(), [0], "G10: what was accepted before close is received");
    outcomes.saw_if(parks.any(), "reader parked");
    outcomes.saw_if(parks.none(), "found at once");
}

/// Publish on one thread, close on another × reader, on a live bus: where the publish comes first,
/// the event is received before `Closed`.
pub fn publish_elsewhere_then_close(outcomes: &Outcomes) {
    let bus = live_bus();
    let subscription = bus.subscribe(1);
    let published = Arc::new(AtomicBool::new(false));
    let publisher = thread::spawn({
        let (bus, published) = (bus.clone(), Arc::clone(&published));
        move || {
            let _ = publish(&bus, &Token::new(0));
            published.store(true, Release);
        }
    });
    let closer = thread::spawn(move || {
        let comes_after = published.load(Acquire);
        bus.close();
        comes_after
    });
    let reader = thread::spawn(move || receive_all(&subscription));
    publisher.join().unwrap();
    let comes_after = closer.join().unwrap();
    let numbers = reader.join().unwrap();
    assert!(!comes_after || numbers == [0], "G10: what was accepted before close is received");
    outcomes.saw(if comes_after { "closed after the publish" } else { "closed while it raced" });
}

/// Close × publish × a reader that parks, on a live bus.
pub fn close_live(outcomes: &Outcomes, publishers: usize) {
    let parks = Parks::begin();
    let bus = live_bus();
    let subscription = bus.subscribe(publishers);
    let threads: Vec<_> = (0..publishers).map(|number| spawn_publisher(&bus, number)).collect();
    let closer = spawn_closer(&bus);
    let reader = thread::spawn(move || (receive_all(&subscription), subscription));
    let published: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    closer.join().unwrap();
    let (numbers, subscription) = reader.join().unwrap();
    let discarded = bus.stats().subscribers[0].discarded as usize;
    assert_eq!(subscription.len(), 0, "nothing is left in a ring that nobody will read");
    let delivered: usize = published.iter().map(delivered).sum();
    assert_eq!(delivered, numbers.len() + discarded, "G2: delivered = received + discarded");
    outcomes.saw_if(discarded > 0, "delivered too late, discarded");
    outcomes.saw_if(!numbers.is_empty(), "received");
    outcomes.saw_if(published.iter().any(Result::is_err), "refused");
    outcomes.saw_if(parks.any(), "reader parked");
}

/// Subscribe × close: the subscription ends, whichever came first, and nothing keeps the backlog
/// then.
pub fn subscribe_close(outcomes: &Outcomes) {
    let bus = new_bus(1);
    let token = Token::new(0);
    publish(&bus, &token).unwrap();
    let closer = spawn_closer(&bus);
    let reader = thread::spawn({
        let bus = bus.clone();
        move || {
            let subscription = bus.subscribe(1);
            (receive_all(&subscription), subscription)
        }
    });
    closer.join().unwrap();
    let (numbers, _subscription) = reader.join().unwrap();
    // (Loom's double of the snapshot's cell keeps all snapshots.)
    assert!(cfg!(loom) || token.copies() == 1, "G11: a log that was read is kept by nobody");
    if numbers.is_empty() {
        outcomes.saw("subscribed after close");
    } else {
        assert_eq!(numbers, [0], "G10: the backlog, and then Closed");
        outcomes.saw("subscribed before close");
    }
}

/// Two closes × the backlog of a bus that never started, or a live one: when either has returned,
/// nothing is still to come; and nothing is kept of a subscriber that leaves.
pub fn two_closers(outcomes: &Outcomes, bus: &Bus) {
    let (subscription, share) = subscribe_with_share(bus);
    publish(bus, &Token::new(0)).unwrap();
    let first = Arc::new(AtomicBool::new(false));
    let other = thread::spawn({
        let (bus, first) = (bus.clone(), Arc::clone(&first));
        move || {
            bus.close();
            first.store(true, Release);
        }
    });
    let closer = thread::spawn({
        let bus = bus.clone();
        move || {
            let is_second = first.load(Acquire);
            bus.close();
            let refused = publish(&bus, &Token::new(1)).is_err();
            (is_second, refused, drain(&subscription))
        }
    });
    let (is_second, refused, received) = closer.join().unwrap();
    other.join().unwrap();
    assert!(refused, "G10: a bus that was closed takes nothing");
    assert_eq!(
        received,
        (vec![0], true),
        "G10: what was accepted can be received once any close has returned, then Closed"
    );
    assert_unshared(&share);
    outcomes.saw(if is_second { "the other had closed it" } else { "at once, or first" });
}

/// A close × a batch × a reader that parks, on a live bus.
pub fn close_live_batch(outcomes: &Outcomes) {
    let parks = Parks::begin();
    let bus = live_bus();
    let subscription = bus.subscribe(2);
    let publisher = spawn_batch(&bus, [0, 1].map(Token::new));
    let closer = spawn_closer(&bus);
    let reader = thread::spawn(move || (receive_all(&subscription), subscription));
    let published = publisher.join().unwrap();
    closer.join().unwrap();
    let (numbers, subscription) = reader.join().unwrap();
    let discarded = bus.stats().subscribers[0].discarded as usize;
    let delivered = published.as_ref().map_or(0, |published| published.delivered);
    assert_eq!(subscription.len(), 0, "nothing is left in a ring that nobody will read");
    assert_eq!(delivered, numbers.len() + discarded, "G2: delivered = received + discarded");
    // The publisher that comes too late and the reader that is told so empty the ring together.
    assert!(numbers.is_sorted(), "G5: in the order of the batch");
    outcomes.saw_if(discarded == 2, "both too late, discarded");
    outcomes.saw_if(discarded == 1, "one received, one discarded");
    outcomes.saw_if(numbers.len() == 2, "both received");
    outcomes.saw_if(published.is_err(), "refused");
    outcomes.saw_if(parks.any(), "reader parked");
}
