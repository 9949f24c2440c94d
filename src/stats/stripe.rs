//! Which of several copies of a count a thread counts in, so that threads do not fight over a cache line.

use crate::sync::Counter;
use crossbeam_utils::CachePadded;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Stripes that have one owner each, while there are any to be had.
const OWNED: usize = 16;
/// Stripes for all other threads.
const SHARED: usize = 8;
/// All stripes, the owned ones first.
const STRIPES: usize = OWNED + SHARED;

/// Counts, once for each stripe.
#[derive(Debug, Default)]
pub(crate) struct Striped<T>([CachePadded<T>; STRIPES]);

impl<T> Striped<T> {
    /// Those for the calling thread, and whether no other thread counts there, so that it needs no read-modify-write.
    #[inline]
    pub(crate) fn mine(&self) -> (&T, bool) {
        let index = mine();
        (&self.0[index], index < OWNED)
    }

    /// Those for all threads.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|counts| &**counts)
    }
}

/// The stripe of this thread, whatever it counts. It takes one when it first asks, and gives it back when it ends.
#[inline]
fn mine() -> usize {
    thread_local!(static MINE: Claim = Claim::take());
    // A thread that counts once more while it ends has none of its own any more.
    MINE.try_with(|claim| claim.0).unwrap_or(OWNED)
}

/// Which owned stripes have their owner: a bit for each.
///
/// | transition | by | from → to |
/// |---|---|---|
/// | [`take`](Owners::take) | a thread that counts for the first time | the lowest 0 → 1 |
/// | [`give_back`](Owners::give_back) | that thread, when it ends | 1 → 0 |
///
/// (A plain `std` atomic in the models as well, as are the counts: see [`Counter`].)
struct Owners(AtomicUsize);

static OWNERS: Owners = Owners(AtomicUsize::new(0));

impl Owners {
    /// Takes a stripe, where one is free.
    fn take(&self) -> Option<usize> {
        let with_one_more = |taken: usize| Some(taken | (taken + 1)).filter(|taken| *taken < 1 << OWNED);
        // ORDERING: Acquire on success. Pairs with the Release in `give_back`: who takes a stripe goes on from what its last owner has
        // counted. Weaker: an old count could be read and written back, and counts would be lost.
        let before = self.0.fetch_update(Acquire, Relaxed, with_one_more).ok()?;
        Some(before.trailing_ones() as usize)
    }

    fn give_back(&self, index: usize) {
        // ORDERING: Release. Pairs with the Acquire in `take`, see there.
        self.0.fetch_and(!(1 << index), Release);
    }
}

/// A thread's share in the stripes: the index of its own.
struct Claim(usize);

impl Claim {
    #[cold]
    fn take() -> Self {
        static NEXT: Counter = Counter::new(0);
        Self(OWNERS.take().unwrap_or_else(|| OWNED + NEXT.add(1) as usize % SHARED))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.0 < OWNED {
            OWNERS.give_back(self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::thread;

    #[test]
    fn every_stripe_has_one_owner_until_it_is_given_back() {
        let owners = Owners(AtomicUsize::new(0));
        let taken: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..2 * OWNED).map(|_| scope.spawn(|| owners.take())).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(taken.len(), OWNED);
        assert_eq!(taken.into_iter().collect::<HashSet<_>>(), (0..OWNED).collect());
        owners.give_back(5);
        owners.give_back(11);
        assert_eq!([owners.take(), owners.take(), owners.take()], [Some(5), Some(11), None]);
    }

    #[test]
    fn thread_keeps_its_stripe() {
        let first = mine();
        assert!(first < STRIPES, "{first}");
        assert_eq!(mine(), first);
    }
}
