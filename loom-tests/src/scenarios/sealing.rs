//! Publishers that work on an old snapshot while a subscriber goes.

use crate::engine::{Parks, thread};
use crate::model::Outcomes;
use crate::token::{
    Token, delivered, drain, is_buffered, live_bus, new_bus, publish, receive_all, spawn_batch, spawn_publisher,
};

/// Unsubscribe × publish: what was delivered to the subscriber that left is not left in its ring.
pub fn unsubscribe_publish(outcomes: &Outcomes) {
    let bus = live_bus();
    let subscription = bus.subscribe(1);
    let token = Token::new(0);
    let publisher = thread::spawn({
        let bus = bus.clone();
        let token = token.clone();
        move || publish(&bus, &token)
    });
    let leaver = thread::spawn(move || drop(subscription));
    let outcome = publisher.join().unwrap();
    leaver.join().unwrap();
    assert_eq!(token.copies(), 1, "G2: an event delivered to a subscriber that left is emptied from its ring");
    assert_eq!(bus.subscriber_count(), 0, "a subscriber that left is out of the snapshot");
    outcomes.saw(if delivered(&outcome) == 1 { "delivered, then discarded" } else { "not delivered" });
}

/// Stop × publish × reader: everything delivered is received or counted as discarded.
pub fn stop_publish(outcomes: &Outcomes, publishers: usize) {
    let bus = live_bus();
    let subscription = bus.subscribe(publishers);
    let stop = subscription.stop_handle();
    let threads: Vec<_> = (0..publishers).map(|number| spawn_publisher(&bus, number)).collect();
    let stopper = thread::spawn(move || stop.stop());
    let reader = thread::spawn(move || (receive_all(&subscription), subscription));
    let delivered: Vec<_> = threads.into_iter().map(|thread| delivered(&thread.join().unwrap())).collect();
    stopper.join().unwrap();
    let (numbers, subscription) = reader.join().unwrap();
    let discarded = bus.stats().subscribers[0].discarded as usize;
    assert_eq!(subscription.len(), 0, "nothing is left in a ring that nobody will read");
    assert_eq!(delivered.iter().sum::<usize>(), numbers.len() + discarded, "G2: delivered = received + discarded");
    outcomes.saw_if(discarded > 0, "delivered too late, discarded");
    outcomes.saw_if(!numbers.is_empty(), "received");
    outcomes.saw_if(delivered.contains(&0), "not offered");
}

/// Stop × start × publish, on a bus that has not started: the replay as a whole, or nothing.
pub fn stop_start(outcomes: &Outcomes) {
    let bus = new_bus(2);
    let subscription = bus.subscribe(1);
    publish(&bus, &Token::new(0)).unwrap();
    publish(&bus, &Token::new(1)).unwrap();
    let stop = subscription.stop_handle();
    let starter = thread::spawn({
        let bus = bus.clone();
        move || {
            bus.start();
            publish(&bus, &Token::new(2))
        }
    });
    let stopper = thread::spawn(move || stop.stop());
    let reader = thread::spawn(move || (receive_all(&subscription), subscription));
    let outcome = starter.join().unwrap();
    stopper.join().unwrap();
    let (numbers, subscription) = reader.join().unwrap();
    let discarded = bus.stats().subscribers[0].discarded as usize;
    let live = numbers.iter().filter(|&&number| number == 2).count();
    assert!(
        numbers.is_empty() || numbers.starts_with(&[0, 1]),
        "G4: the replay as a whole, and no live event without it"
    );
    assert_eq!(drain(&subscription), (vec![], true), "G10: Closed for good");
    assert_eq!(subscription.len(), 0, "nothing is left in a ring that nobody will read");
    assert_eq!(delivered(&outcome), live + discarded, "G2: delivered = received + discarded");
    outcomes.saw_if(numbers.is_empty(), "stopped before start");
    outcomes.saw_if(numbers == [0, 1], "replay only");
    outcomes.saw_if(numbers == [0, 1, 2], "replay and live event");
}

/// A publisher that fills its slot late × a reader that starts the bus, is stopped, and parks in
/// front of that slot: it is still woken for the rest of its replay.
pub fn stop_late_fill(outcomes: &Outcomes) {
    let parks = Parks::begin();
    let bus = new_bus(1);
    let subscription = bus.subscribe(1);
    let publisher = spawn_publisher(&bus, 0);
    let reader = thread::spawn({
        let bus = bus.clone();
        move || {
            bus.start();
            subscription.stop_handle().stop();
            receive_all(&subscription)
        }
    });
    let outcome = publisher.join().unwrap();
    let numbers = reader.join().unwrap();
    if is_buffered(&outcome) {
        assert_eq!(numbers, [0], "G3: who was there at start gets the whole replay, also when stopped since");
        outcomes.saw("replayed");
    } else {
        outcomes.saw("published live");
    }
    outcomes.saw_if(parks.any(), "reader parked");
}

/// Unsubscribe × a batch: what was delivered to the subscriber that left is not left in its ring,
/// however much that is.
pub fn unsubscribe_batch(outcomes: &Outcomes) {
    let bus = live_bus();
    let subscription = bus.subscribe(2);
    let tokens = [Token::new(0), Token::new(1)];
    let publisher = spawn_batch(&bus, tokens.clone());
    let leaver = thread::spawn(move || drop(subscription));
    let delivered = publisher.join().unwrap().unwrap().delivered;
    leaver.join().unwrap();
    let copies = tokens.each_ref().map(Token::copies);
    assert_eq!(copies, [1, 1], "G2: each event delivered to a subscriber that left is emptied from its ring");
    outcomes.saw(if delivered == 2 { "delivered, then discarded" } else { "not delivered" });
}
