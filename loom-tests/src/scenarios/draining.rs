//! Closing, and waiting for the rest.

use crate::engine::{Parks, block_on, thread};
use crate::model::Outcomes;
use crate::token::{Token, delivered, live_bus, new_bus, publish, receive_all, spawn_publisher};
use std::future::pending;
use std::time::Duration;

/// Drain × a receiver that takes what it has, and stays.
pub fn drain_receive(outcomes: &Outcomes, is_task: bool) {
    let parks = Parks::begin();
    let bus = live_bus();
    let subscription = bus.subscribe(1);
    publish(&bus, &Token::new(0)).unwrap();
    let reader = thread::spawn(move || (receive_all(&subscription), subscription));
    let drainer = thread::spawn({
        let bus = bus.clone();
        move || {
            if is_task {
                block_on(bus.close_and_drain_async(pending::<()>()))
            } else {
                bus.close_and_drain(Duration::MAX)
            }
        }
    });
    let drained = drainer.join().unwrap();
    assert!(drained.is_complete(), "G7: a drain waits until everything was received");
    let (numbers, subscription) = reader.join().unwrap();
    assert_eq!((numbers, subscription.len()), (vec![0], 0));
    outcomes.saw_if(parks.any(), "somebody parked");
    outcomes.saw_if(parks.none(), "nobody parked");
}

/// Drain of a bus that is closed already × a receiver that takes its one event, and asks for no
/// more.
pub fn drain_take(outcomes: &Outcomes) {
    let parks = Parks::begin();
    let bus = live_bus();
    let subscription = bus.subscribe(1);
    publish(&bus, &Token::new(0)).unwrap();
    bus.close();
    let reader = thread::spawn(move || (subscription.try_recv().map(Token::read), subscription));
    let drainer = thread::spawn({
        let bus = bus.clone();
        move || bus.close_and_drain(Duration::MAX)
    });
    assert!(drainer.join().unwrap().is_complete(), "G7: the last event is what a drain waits for, not `Closed`");
    assert_eq!(reader.join().unwrap().0, Ok(0));
    outcomes.saw_if(parks.any(), "drainer parked");
    outcomes.saw_if(parks.none(), "nobody parked");
}

/// Drain × publish × a subscriber that leaves what it has.
pub fn drain_publish_leave(outcomes: &Outcomes) {
    let bus = live_bus();
    let subscription = bus.subscribe(1);
    let publisher = spawn_publisher(&bus, 0);
    let leaver = thread::spawn(move || drop(subscription));
    let drainer = thread::spawn({
        let bus = bus.clone();
        move || bus.close_and_drain(Duration::MAX)
    });
    let drained = drainer.join().unwrap();
    assert!(drained.is_complete(), "G7: a drain wakes when a subscriber leaves");
    leaver.join().unwrap();
    let outcome = publisher.join().unwrap();
    outcomes.saw_if(outcome.is_err(), "refused");
    outcomes.saw_if(outcome.is_ok() && delivered(&outcome) == 0, "to nobody");
    outcomes.saw_if(delivered(&outcome) == 1, "delivered");
}

/// Drain of a bus that never started × a receiver of its backlog.
pub fn drain_backlog(outcomes: &Outcomes) {
    let bus = new_bus(1);
    let subscription = bus.subscribe(1);
    publish(&bus, &Token::new(0)).unwrap();
    let reader = thread::spawn(move || (receive_all(&subscription), subscription));
    let drainer = thread::spawn({
        let bus = bus.clone();
        move || bus.close_and_drain(Duration::MAX)
    });
    let drained = drainer.join().unwrap();
    let unread = bus.stats().subscribers.iter().map(|stats| stats.unread_replay).sum::<usize>();
    assert!(drained.is_complete() && unread == 0, "G10: the backlog is part of what is waited for");
    assert_eq!(reader.join().unwrap().0, [0]);
    outcomes.saw("drained");
}
