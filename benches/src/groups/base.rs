//! The harness itself, what the processor takes for the two kinds of instruction that a delivery
//! consists of, and a publish that nobody receives: what is in every figure of the other groups.

use super::fanout::BATCH;
use super::kind::{Arrays, Kind};
use crate::event::{Sample, Small};
use crate::measure::{Case, Clock, Contestant, Tally};
use std::hint::black_box;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicU64, fence};

/// The one case.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![Case {
        group: "base",
        name: "no subscriber".to_owned(),
        operation: "publish",
        clock: Clock::Thread,
        contestants: Box::new(contestants),
    }]
}

fn contestants() -> Vec<Contestant> {
    vec![harness(), read_modify_write(), store_and_fence(), ringbus_publisher::<Arrays>(), ringbus_bus::<Arrays>()]
}

/// A contestant that does this with every event of a batch.
fn contestant(name: &'static str, mut publish: impl FnMut(Small) -> bool + 'static) -> Contestant {
    let batch = Small::batch(BATCH);
    Contestant::new(name, move || {
        for event in &batch {
            black_box(publish(*event));
        }
        Tally::of(BATCH as u64)
    })
}

/// The loop and the event, and no publish.
fn harness() -> Contestant {
    contestant("harness", |event| black_box(event).number != u64::MAX)
}

/// What a push takes once, and a pop.
fn read_modify_write() -> Contestant {
    let word = AtomicU64::new(0);
    contestant("fetch_add", move |event| word.fetch_add(event.number, SeqCst) != u64::MAX)
}

/// What a publish takes once, whoever it is that receives.
fn store_and_fence() -> Contestant {
    let word = AtomicU64::new(0);
    contestant("store and fence", move |event| {
        word.store(event.number, Relaxed);
        fence(SeqCst);
        word.load(Relaxed) != u64::MAX
    })
}

fn ringbus_publisher<K: Kind>() -> Contestant {
    let (bus, _) = K::live(0, BATCH);
    let mut publisher = bus.publisher();
    contestant(K::PUBLISHER, move |event| publisher.publish(event).is_ok_and(|published| published.dropped == 0))
}

fn ringbus_bus<K: Kind>() -> Contestant {
    let (bus, _) = K::live(0, BATCH);
    contestant(K::BUS, move |event| bus.publish(event).is_ok_and(|published| published.dropped == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contestant_does_the_whole_work() {
        super::super::fanout::assert_the_whole_work_is_done(cases());
    }
}
