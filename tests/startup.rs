//! Start-up and replay.

mod common;

use common::Number;
use ringbus::EventBus;
use std::thread;

/// G3, G4: however small the rings, and however many subscribers share the log.
#[test]
fn backlog_of_100_000_reaches_16_subscribers_with_rings_of_8() {
    const BACKLOG: u64 = 100_000;
    let bus = EventBus::new(BACKLOG as usize);
    for number in 0..BACKLOG {
        bus.publish(Number(number)).unwrap();
    }
    let subscriptions: Vec<_> = (0..16).map(|_| bus.subscribe(8)).collect();
    let readers: Vec<_> = subscriptions
        .into_iter()
        .map(|subscription| {
            thread::spawn(move || {
                for number in 0..BACKLOG {
                    assert_eq!(subscription.recv(), Ok(Number(number)));
                }
                assert_eq!(subscription.dropped(), 0);
            })
        })
        .collect();
    assert_eq!(bus.start(), BACKLOG as usize);
    for reader in readers {
        reader.join().unwrap();
    }
}
