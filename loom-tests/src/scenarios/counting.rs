//! Counts of threads that come and go.

use crate::engine::thread;
use crate::model::Outcomes;
use std::sync::Arc;

#[cfg(not(any(loom, shuttle)))]
use of_a_bus::Count;
#[cfg(any(loom, shuttle))]
use ringbus::internals::WatchedCount as Count;

/// Without an engine that watches, the counts of a bus: the thread ends right after it has
/// published.
#[cfg(not(any(loom, shuttle)))]
mod of_a_bus {
    use crate::token::{Bus, Token, live_bus, publish};

    pub struct Count(Bus);

    impl Count {
        pub fn new() -> Self {
            Self(live_bus())
        }

        pub fn count_and_end(&self) -> usize {
            publish(&self.0, &Token::new(0)).expect("the bus is live");
            0
        }

        pub fn total(&self) -> u64 {
            self.0.stats().published
        }
    }
}

/// Threads that count and end: one may go on where another has ended.
pub fn count_and_end(outcomes: &Outcomes, threads: usize) {
    let count = Arc::new(Count::new());
    let threads: Vec<_> = (0..threads)
        .map(|_| {
            let count = Arc::clone(&count);
            thread::spawn(move || count.count_and_end())
        })
        .collect();
    let counted = threads.len() as u64;
    let stripes: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(count.total(), counted, "what threads have counted that are joined is exact");
    let is_one = stripes.windows(2).all(|pair| pair[0] == pair[1]);
    outcomes.saw(if is_one { "one after the other in one stripe" } else { "side by side" });
}

/// Threads that find no stripe of their own, and count in one that they share.
#[cfg(any(loom, shuttle))]
pub fn count_with_others(outcomes: &Outcomes, threads: usize) {
    let count = Arc::new(Count::new());
    let threads: Vec<_> = (0..threads)
        .map(|_| {
            let count = Arc::clone(&count);
            thread::spawn(move || count.count_with_others())
        })
        .collect();
    let counted = threads.len() as u64;
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(count.total(), counted, "none loses what another one adds");
    outcomes.saw("all counted");
}
