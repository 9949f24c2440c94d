//! Subscribe and unsubscribe while others publish.

use crate::engine::thread;
use crate::model::Outcomes;
use crate::token::{Token, delivered, drain, live_bus, publish};

/// Subscribers that come, publish, receive and go × publish: the one that stays misses nothing, the
/// others leave nothing behind.
pub fn subscribe_unsubscribe_publish(outcomes: &Outcomes, passers_by: usize) {
    let bus = live_bus();
    let stays = bus.subscribe(1 + passers_by);
    let token = Token::new(0);
    let publisher = thread::spawn({
        let bus = bus.clone();
        let token = token.clone();
        move || publish(&bus, &token)
    });
    let threads: Vec<_> = (1..=passers_by)
        .map(|number| {
            let bus = bus.clone();
            thread::spawn(move || {
                let subscription = bus.subscribe(1);
                let own = publish(&bus, &Token::new(number)).unwrap();
                (number, own, drain(&subscription).0)
            })
        })
        .collect();
    let outcome = publisher.join().unwrap();
    let mut received = 0;
    for passer_by in threads {
        let (number, own, passed) = passer_by.join().unwrap();
        assert!(
            (2..=1 + passers_by).contains(&(own.delivered + own.dropped)),
            "G6: a publish after subscribe is offered to who stays and to the new subscriber"
        );
        assert!(
            passed.contains(&number) || own.dropped >= 1,
            "G6: a publish after subscribe is received, or counted as dropped"
        );
        received += usize::from(passed.contains(&0));
    }
    let (mut numbers, _) = drain(&stays);
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..=passers_by), "who stays misses nothing, whoever comes and goes");
    assert_eq!(token.copies(), 1, "G2: nothing is left in the ring of a subscriber that left");
    assert_eq!(bus.subscriber_count(), 1, "a subscriber that left is out of the snapshot");
    assert!(received < delivered(&outcome), "G2: who stays and who received had it delivered");
    outcomes.saw_if(received > 0, "received by one that went");
    outcomes.saw_if(received + 1 < delivered(&outcome), "delivered to one that went, and discarded");
    outcomes.saw_if(delivered(&outcome) == 1, "delivered to who stays alone");
}
