//! What was displaced while somebody still worked on it.

use crate::panics::swallow;
use crate::sync::{Counter, SegQueue};
use std::sync::Arc;

/// How many entries are looked at for each that comes: more than one, so that they cannot pile up.
const LOOKS: usize = 16;

/// Keeps a share in whatever was displaced from a cell, until nobody else has one.
///
/// A publish works on an old snapshot for as long as it takes, and what only that snapshot still
/// owns is user code: the filter of a subscriber that has left, the events of a log. Because there
/// is a share here, the publish never drops the last one. Whoever displaces something does it, here
/// or when the next one comes.
#[derive(Debug)]
pub(crate) struct Displaced<T> {
    kept: SegQueue<Arc<T>>,
    /// How often somebody has begun to sweep.
    sweeps: Counter,
}

impl<T> Displaced<T> {
    pub(crate) fn new() -> Self {
        Self { kept: SegQueue::new(), sweeps: Counter::new(0) }
    }

    /// Drops what was displaced, or keeps it if others still work on it. A panic of its user code
    /// goes no further: it is not the caller's.
    pub(crate) fn retire(&self, displaced: Arc<T>) {
        self.drop_or_keep(displaced);
        self.sweep();
    }

    /// Keeps what was displaced, whoever works on it. Runs no user code.
    pub(crate) fn keep(&self, displaced: Arc<T>) {
        self.kept.push(displaced);
    }

    /// Drops what nobody works on any more.
    pub(crate) fn sweep(&self) {
        let mut begun = self.sweeps.add(1) + 1;
        while self.sweep_once() {
            // Who has begun since then could not see what was in hand here, and it may have been
            // the last one to work on that. (It is seen too late now and then, where processors
            // order weakly; then the next one who comes drops it.)
            let before = std::mem::replace(&mut begun, self.sweeps.get());
            if before == begun {
                return;
            }
        }
    }

    /// Whether something was taken out and kept.
    fn sweep_once(&self) -> bool {
        let mut has_kept = false;
        for _ in 0..self.kept.len().min(LOOKS) {
            let Some(displaced) = self.kept.pop() else { break };
            has_kept |= self.drop_or_keep(displaced);
        }
        has_kept
    }

    /// Whether it was kept.
    fn drop_or_keep(&self, displaced: Arc<T>) -> bool {
        // Who finds a single share has it: what was displaced cannot be loaded from its cell again,
        // so nobody can come by another.
        let is_in_use = Arc::strong_count(&displaced) != 1;
        if is_in_use {
            self.kept.push(displaced);
        } else {
            swallow(|| drop(displaced));
        }
        is_in_use
    }
}

impl<T> Drop for Displaced<T> {
    fn drop(&mut self) {
        while let Some(displaced) = self.kept.pop() {
            swallow(|| drop(displaced));
        }
    }
}

// (Where processors order weakly, something may be left for the next one.)
#[cfg(all(test, target_arch = "x86_64", not(any(loom, shuttle))))]
mod tests {
    use super::*;
    use crate::sync::meeting::meet;
    use std::thread;

    #[test]
    fn two_who_sweep_at_once_leave_nothing_that_nobody_works_on() {
        const ROUNDS: usize = 20_000;
        let (displaced, arrivals) = (Displaced::new(), Counter::new(0));
        let shares: Vec<_> = (0..ROUNDS).map(Arc::new).collect();
        let (works, mut left) = (shares.clone(), 0);
        thread::scope(|scope| {
            scope.spawn(|| {
                for work in works {
                    meet(&arrivals);
                    drop(work);
                    displaced.sweep();
                    meet(&arrivals);
                }
            });
            for share in shares {
                displaced.keep(share);
                meet(&arrivals);
                displaced.sweep();
                meet(&arrivals);
                left += displaced.kept.len();
            }
        });
        assert_eq!(left, 0);
    }
}
