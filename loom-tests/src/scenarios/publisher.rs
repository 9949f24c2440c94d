//! A publisher that keeps its snapshot.

use crate::engine::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use crate::engine::{go, thread};
use crate::model::Outcomes;
use crate::token::{Token, drain, is_buffered, live_bus, new_bus, publish_by, spawn_starter};
use std::sync::Arc;

/// A cached snapshot × subscribe: no publish that comes after the subscription misses it.
pub fn cached_subscribe(outcomes: &Outcomes) {
    let bus = live_bus();
    let subscribed = Arc::new(AtomicBool::new(false));
    let publisher = thread::spawn({
        let mut publisher = bus.publisher();
        let subscribed = Arc::clone(&subscribed);
        move || {
            publish_by(&mut publisher, &Token::new(0)).unwrap();
            let comes_after = subscribed.load(Acquire);
            let delivered = publish_by(&mut publisher, &Token::new(1)).unwrap().delivered;
            (comes_after, delivered)
        }
    });
    let subscription = thread::spawn(move || {
        let subscription = bus.subscribe(2);
        subscribed.store(true, Release);
        (subscription, bus)
    });
    let (comes_after, delivered) = publisher.join().unwrap();
    let _subscription = subscription.join().unwrap();
    if comes_after {
        assert_eq!(delivered, 1, "G6: every publish after subscribe returned is offered");
        outcomes.saw("published after subscribe");
    } else {
        outcomes.saw(if delivered == 1 { "offered while it raced" } else { "missed while it raced" });
    }
}

/// A cached snapshot × start × a reader that looks while they are at it, and once they are done:
/// kept for the replay or delivered live, each event arrives once and in order.
pub fn cached_start(outcomes: &Outcomes) {
    let bus = new_bus(2);
    let subscription = bus.subscribe(2);
    let publisher = thread::spawn({
        let mut publisher = bus.publisher();
        move || [0, 1].map(|number| is_buffered(&publish_by(&mut publisher, &Token::new(number))))
    });
    let starter = spawn_starter(&bus);
    go();
    let (mut numbers, _) = drain(&subscription);
    outcomes.saw_if(numbers.len() == 1, "read between the two");
    starter.join().unwrap();
    let buffered = publisher.join().unwrap();
    numbers.extend(drain(&subscription).0);
    assert_eq!(numbers, [0, 1], "G3, G5: once each, in the order of the thread that published");
    outcomes.saw(match buffered {
        [true, true] => "both replayed",
        [true, false] => "one replayed, one live",
        [false, false] => "both live",
        [false, true] => unreachable!("G5: buffered after live"),
    });
}

/// A cached snapshot × close: what comes after `close` is refused, and what was delivered is
/// received.
pub fn cached_close(outcomes: &Outcomes) {
    let bus = live_bus();
    let subscription = bus.subscribe(2);
    let closed = Arc::new(AtomicBool::new(false));
    let publisher = thread::spawn({
        let mut publisher = bus.publisher();
        let closed = Arc::clone(&closed);
        move || {
            let first = publish_by(&mut publisher, &Token::new(0));
            let comes_after = closed.load(Acquire);
            let second = publish_by(&mut publisher, &Token::new(1));
            assert!(!comes_after || second.is_err(), "G10: a closed bus takes nothing");
            assert!(first.is_ok() || second.is_err(), "G10: closed for good");
            [first, second].iter().filter(|outcome| outcome.is_ok()).count()
        }
    });
    let closer = thread::spawn({
        let bus = bus.clone();
        move || {
            bus.close();
            closed.store(true, Release);
        }
    });
    let accepted = publisher.join().unwrap();
    closer.join().unwrap();
    let (numbers, is_closed) = drain(&subscription);
    assert!(is_closed, "G10: what was accepted, and then Closed");
    let discarded = bus.stats().subscribers[0].discarded as usize;
    assert!(numbers.is_sorted(), "G5: in the order of the thread that published");
    assert_eq!(accepted, numbers.len() + discarded, "G2: delivered = received + discarded");
    outcomes.saw(["refused", "one accepted", "both accepted"][accepted]);
}
