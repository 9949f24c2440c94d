//! Park and wake.

use crate::model::Outcomes;
use crate::token::{Token, delivered, drain, live_bus, publish, publish_batch};
use loom::thread;
use ringbus::RecvTimeoutError;
use ringbus::internals::{expire, parks};
use std::time::Duration;

/// Publish × a subscriber that parks.
pub fn publish_park(outcomes: &Outcomes) {
    let parked_before = parks();
    let bus = live_bus();
    let subscription = bus.subscribe(1);
    let publisher = thread::spawn({
        let bus = bus.clone();
        move || publish(&bus, &Token::new(0))
    });
    let reader = thread::spawn(move || subscription.recv().map(Token::read));
    assert_eq!(delivered(&publisher.join().unwrap()), 1);
    assert_eq!(reader.join().unwrap(), Ok(0), "G7: a waiting subscriber wakes for its event");
    outcomes.saw(if parks() > parked_before { "parked" } else { "found at once" });
}

/// Two publishers × a subscriber that parks for each event.
pub fn two_publishers_park(outcomes: &Outcomes) {
    let parked_before = parks();
    let bus = live_bus();
    let subscription = bus.subscribe(2);
    let publishers = [0, 1].map(|number| {
        let bus = bus.clone();
        thread::spawn(move || publish(&bus, &Token::new(number)))
    });
    let reader = thread::spawn(move || (0..2).map(|_| subscription.recv().unwrap().read()).collect());
    for publisher in publishers {
        assert_eq!(delivered(&publisher.join().unwrap()), 1);
    }
    let mut numbers: Vec<usize> = reader.join().unwrap();
    outcomes.saw(if numbers == [0, 1] { "0 before 1" } else { "1 before 0" });
    outcomes.saw_if(parks() - parked_before >= 2, "parked twice");
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1], "G2, G7: each event arrives once");
}

/// A batch × a subscriber that parks: it gets both events, in their order.
pub fn batch_park(outcomes: &Outcomes) {
    let parked_before = parks();
    let bus = live_bus();
    let subscription = bus.subscribe(2);
    let publisher = thread::spawn({
        let bus = bus.clone();
        move || publish_batch(&bus, &[Token::new(0), Token::new(1)])
    });
    let reader = thread::spawn(move || [0, 1].map(|_| subscription.recv().unwrap().read()));
    assert_eq!(publisher.join().unwrap().unwrap().delivered, 2);
    assert_eq!(reader.join().unwrap(), [0, 1], "G5, G7: a waiting subscriber wakes for a batch, and gets it in order");
    outcomes.saw(if parks() > parked_before { "parked" } else { "found at once" });
}

/// Publish × time-out × a subscriber that parks: received or timed out, and then still there.
pub fn publish_timeout(outcomes: &Outcomes) {
    let bus = live_bus();
    let subscription = bus.subscribe(1);
    let publisher = thread::spawn({
        let bus = bus.clone();
        move || publish(&bus, &Token::new(0))
    });
    let clock = thread::spawn(expire);
    let reader =
        thread::spawn(move || (subscription.recv_timeout(Duration::from_secs(1)).map(Token::read), subscription));
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
