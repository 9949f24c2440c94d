//! Before the bus is live: what it costs to keep an event, and to start with many of them.
//!
//! What is made anew for a round, and what becomes of it afterwards, is not timed.

use super::fanout::{BATCH, drain};
use super::kind::{Arrays, Kind};
use crate::event::{Sample, Small};
use crate::measure::{Case, Clock, Contestant, Tally};
use crossbeam_queue::ArrayQueue;
use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// The numbers of events to start with.
pub const EVENTS: [usize; 2] = [1_000, 100_000];
/// Subscribers to start with.
pub const SUBSCRIBERS: usize = 16;
/// Events in each subscriber's ring on the bus: whatever is replayed needs no room there.
const CAPACITY: usize = 64;

/// A case for publishing, and one for each number of events to start with.
#[must_use]
pub fn cases() -> Vec<Case> {
    let buffering = Case {
        group: "startup",
        name: "buffering".to_owned(),
        operation: "publish",
        clock: Clock::Thread,
        contestants: Box::new(|| {
            vec![ringbus_publisher::<Arrays>(), ringbus_bus::<Arrays>(), mutex_vec(), array_queue()]
        }),
    };
    let start = EVENTS.map(|events| Case {
        group: "startup",
        name: format!("start, {events} events"),
        operation: "start",
        clock: Clock::Thread,
        contestants: Box::new(move || vec![ringbus_start::<Arrays>(events), hand_written_start(events)]),
    });
    [buffering].into_iter().chain(start).collect()
}

/// A contestant that makes something for each round, and keeps a batch of events in it with
/// `publish`, which says whether it was kept.
fn buffering<B>(
    name: &'static str,
    make: impl Fn() -> B + 'static,
    publish: impl Fn(&mut B, Small) -> bool + 'static,
) -> Contestant {
    let batch = Small::batch(BATCH);
    Contestant::new(name, move || {
        let mut buffer = make();
        let mut kept = 0;
        let begun = Instant::now();
        for event in &batch {
            kept += u64::from(publish(&mut buffer, *event));
        }
        let nanos = Some(begun.elapsed().as_nanos() as u64);
        Tally { operations: BATCH as u64, dropped: BATCH as u64 - kept, nanos }
    })
}

fn ringbus_publisher<K: Kind>() -> Contestant {
    let make = || K::bus(BATCH).publisher();
    buffering(K::PUBLISHER, make, |publisher, event| publisher.publish(event).is_ok())
}

fn ringbus_bus<K: Kind>() -> Contestant {
    buffering(K::BUS, || K::bus(BATCH), |bus, event| bus.publish(event).is_ok())
}

/// As a user writes it.
fn mutex_vec() -> Contestant {
    let make = || Arc::new(Mutex::new(Vec::with_capacity(BATCH)));
    buffering("Mutex<Vec>", make, |events, event| {
        events.lock().unwrap().push(event);
        true
    })
}

/// The lock-free floor: a ring, which cannot be read by more than one subscriber.
fn array_queue() -> Contestant {
    buffering("raw ArrayQueue", || ArrayQueue::new(BATCH), |ring, event| ring.push(event).is_ok())
}

/// The call of `start` alone. Afterwards everybody reads the replay, as proof that it is there.
///
/// Before it, the caches are filled with something else: however many events were published,
/// `start` then finds them as cold.
fn ringbus_start<K: Kind>(events: usize) -> Contestant {
    let batch = Small::batch(events);
    let mut something_else = vec![0_u8; 64 << 20];
    Contestant::new(K::NAME, move || {
        let bus = K::bus(events);
        let subscriptions: Vec<_> = (0..SUBSCRIBERS).map(|_| bus.subscribe(CAPACITY)).collect();
        let mut publisher = bus.publisher();
        for event in &batch {
            let _ = publisher.publish(*event);
        }
        something_else.iter_mut().step_by(64).for_each(|byte| *byte = byte.wrapping_add(1));
        let begun = Instant::now();
        black_box(bus.start());
        let nanos = Some(begun.elapsed().as_nanos() as u64);
        let received: u64 = subscriptions.iter().map(|from| drain(|| from.try_recv().ok())).sum();
        Tally { operations: 1, dropped: (events * SUBSCRIBERS) as u64 - received, nanos }
    })
}

/// As a user writes it: what was kept is copied into a channel for each subscriber, which needs
/// room for all of it. The channels stay from round to round, so that their memory is warm.
fn hand_written_start(events: usize) -> Contestant {
    let batch = Small::batch(events);
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..SUBSCRIBERS).map(|_| crossbeam_channel::bounded::<Small>(events)).unzip();
    Contestant::new("Mutex<Vec> into crossbeam-channel", move || {
        let kept = Mutex::new(batch.clone());
        let begun = Instant::now();
        for event in kept.lock().unwrap().drain(..) {
            for sender in &senders {
                let _ = black_box(sender.try_send(event));
            }
        }
        let nanos = Some(begun.elapsed().as_nanos() as u64);
        let received: u64 = receivers.iter().map(|from| drain(|| from.try_recv().ok())).sum();
        Tally { operations: 1, dropped: (events * SUBSCRIBERS) as u64 - received, nanos }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contestant_does_the_whole_work() {
        super::super::fanout::assert_the_whole_work_is_done(cases());
    }
}
