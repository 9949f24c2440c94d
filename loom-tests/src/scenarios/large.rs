//! Large events: what is queued are rooms, which come back to their ring when they are empty.

use crate::engine::{Parks, thread};
use crate::model::Outcomes;
use crate::token::{Bulky, Token, new_bus};
use ringbus::{EventBus, Overflow, Published};

/// Writes a token and publishes it, in its bulk.
fn publish(bus: &EventBus<Bulky>, token: &Token) -> Option<Published> {
    token.write();
    bus.publish(Bulky::new(token.clone())).ok()
}

/// A publisher that fills its slot of the log late × a reader that starts the bus and parks in
/// front of it.
pub fn late_fill(outcomes: &Outcomes) {
    let parks = Parks::begin();
    let bus = new_bus(1);
    let subscription = bus.subscribe(1);
    let publisher = thread::spawn({
        let bus = bus.clone();
        move || publish(&bus, &Token::new(0)).expect("the bus is not closed")
    });
    let reader = thread::spawn(move || {
        bus.start();
        subscription.recv().map(|event| event.token.read())
    });
    let buffered = publisher.join().unwrap().buffered;
    assert_eq!(reader.join().unwrap(), Ok(0), "G3, G7: kept for the replay or delivered live, it arrives");
    outcomes.saw(if buffered == 1 { "replayed" } else { "delivered live" });
    outcomes.saw_if(parks.any(), "reader parked");
}

/// Publishers × a reader, with a ring for one event, which is full: what is delivered is received,
/// what is not is counted, and no room keeps any of it.
pub fn full_ring(outcomes: &Outcomes, publishers: usize, overflow: Overflow) {
    let bus = new_bus(0);
    bus.start();
    let subscription = bus.subscriber("reader").capacity(1).overflow(overflow).subscribe();
    // With one event in the ring there is one room left: of publishers that race, one finds none.
    let tokens: Vec<_> = (0..=publishers).map(Token::new).collect();
    let first = publish(&bus, &tokens[publishers]).expect("the bus is live");
    let threads: Vec<_> = tokens[..publishers]
        .iter()
        .map(|token| {
            let (bus, token) = (bus.clone(), token.clone());
            thread::spawn(move || publish(&bus, &token).expect("the bus is live"))
        })
        .collect();
    let reader = thread::spawn(move || {
        let early = subscription.try_recv().map(|event| event.token.read()).ok();
        (early, subscription)
    });
    let published: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).chain([first]).collect();
    let (early, subscription) = reader.join().unwrap();
    let late = subscription.try_recv().map(|event| event.token.read()).ok();
    let stats = subscription.stats();
    let delivered: usize = published.iter().map(|published| published.delivered).sum();
    let dropped: usize = published.iter().map(|published| published.dropped).sum();
    let received = usize::from(early.is_some()) + usize::from(late.is_some());
    assert_eq!(delivered + dropped, tokens.len(), "G2: each is delivered or dropped");
    assert_eq!(stats.dropped as usize, dropped, "G2: what is dropped is counted");
    assert_eq!(received + stats.evicted as usize, delivered, "G2: delivered = received + evicted");
    assert!(early.is_none() || early != late, "once each");
    assert!(tokens.iter().all(|token| token.copies() == 1), "no room keeps an event");
    // There are rooms left: the ring takes another event.
    assert_eq!(publish(&bus, &Token::new(9)).map(|published| (published.delivered, published.dropped)), Some((1, 0)));
    assert_eq!(subscription.try_recv().map(|event| event.token.read()), Ok(9));
    outcomes.saw_if(received == 2, "two received");
    outcomes.saw_if(dropped > 0, "dropped");
    outcomes.saw_if(stats.evicted > 0, "evicted");
}
