//! Subscribe and unsubscribe while others publish.

use crate::model::Outcomes;
use crate::token::{Token, delivered, drain, live_bus, publish};
use loom::thread;

/// Subscribe, receive, unsubscribe × publish: the subscriber that stays misses nothing, the other leaves nothing behind.
pub fn subscribe_unsubscribe_publish(outcomes: &Outcomes) {
    let bus = live_bus();
    let stays = bus.subscribe(2);
    let token = Token::new(0);
    let publisher = thread::spawn({
        let bus = bus.clone();
        let token = token.clone();
        move || publish(&bus, &token)
    });
    let passer_by = thread::spawn({
        let bus = bus.clone();
        move || {
            let subscription = bus.subscribe(1);
            let own = publish(&bus, &Token::new(1));
            let (numbers, _) = drain(&subscription);
            (own, numbers)
        }
    });
    let outcome = publisher.join().unwrap();
    let (own, passed) = passer_by.join().unwrap();
    let own = own.unwrap();
    assert_eq!(own.delivered + own.dropped, 2, "G6: a publish after subscribe is offered to the new subscriber");
    assert!(
        passed.contains(&1) || own.dropped == 1,
        "G6: a publish after subscribe is received, or counted as dropped"
    );
    let (mut numbers, _) = drain(&stays);
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1], "who stays misses nothing, whoever comes and goes");
    assert_eq!(token.copies(), 1, "G2: nothing is left in the ring of the subscriber that left");
    assert_eq!(bus.subscriber_count(), 1, "a subscriber that left is out of the snapshot");
    outcomes.saw_if(delivered(&outcome) == 2 && passed.contains(&0), "received by both");
    outcomes.saw_if(delivered(&outcome) == 2 && !passed.contains(&0), "delivered to both, discarded by one");
    outcomes.saw_if(delivered(&outcome) == 1, "delivered to one");
}
