//! Which of several copies of a count a thread counts in, so that threads do not fight over a cache
//! line.

use crate::sync::{CountWord as Word, Counter};
use crossbeam_utils::CachePadded;
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
    /// Those for the calling thread, and whether no other thread counts there, so that it needs no
    /// read-modify-write.
    #[inline]
    pub(crate) fn mine(&self) -> (&T, bool) {
        self.at(mine())
    }

    #[inline]
    fn at(&self, stripe: usize) -> (&T, bool) {
        (&self.0[stripe], stripe < OWNED)
    }

    /// Those for all threads.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|counts| &**counts)
    }
}

/// The stripe of this thread, whatever it counts. It takes one when it first asks, and gives it
/// back when it ends.
#[inline]
fn mine() -> usize {
    static OWNERS: Owners = Owners::new();
    thread_local!(static MINE: Claim<'static> = Claim::take(&OWNERS));
    // A thread that counts once more while it ends has none of its own any more.
    MINE.try_with(|claim| claim.stripe).unwrap_or(OWNED)
}

/// Which owned stripes have their owner: a bit for each.
///
/// | transition | by | from → to |
/// |---|---|---|
/// | [`take`](Owners::take) | a thread that counts for the first time | the lowest 0 → 1 |
/// | [`give_back`](Owners::give_back) | that thread, when it ends | 1 → 0 |
#[derive(Debug)]
struct Owners(Word);

impl Owners {
    const fn new() -> Self {
        Self(Word::new(0))
    }

    /// Takes a stripe, if one is free.
    fn take(&self) -> Option<usize> {
        let with_one_more = |taken: usize| Some(taken | (taken + 1)).filter(|taken| *taken < 1 << OWNED);
        // ORDERING: Acquire on success. Pairs with the Release in `give_back`: who takes a stripe
        // goes on from what its last owner has counted. Weaker: an old count could be read and
        // written back, and counts would be lost.
        // Checked by loom-tests/tests/counting.rs `counts_survive_the_thread_that_made_them`.
        let before = self.0.fetch_update(Acquire, Relaxed, with_one_more).ok()?;
        Some(before.trailing_ones() as usize)
    }

    fn give_back(&self, stripe: usize) {
        // ORDERING: Release. Pairs with the Acquire in `take`, see there.
        self.0.fetch_and(!(1 << stripe), Release);
    }
}

/// A thread's share in the stripes: its own, or one of those that are shared.
#[derive(Debug)]
struct Claim<'a> {
    owners: &'a Owners,
    stripe: usize,
}

impl<'a> Claim<'a> {
    #[cold]
    fn take(owners: &'a Owners) -> Self {
        static NEXT: Counter = Counter::new(0);
        let stripe = owners.take().unwrap_or_else(|| OWNED + NEXT.add(1) as usize % SHARED);
        Self { owners, stripe }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if self.stripe < OWNED {
            self.owners.give_back(self.stripe);
        }
    }
}

/// What a model counts with: as threads do, but watched by the engine.
#[cfg(any(loom, shuttle))]
#[derive(Debug)]
pub struct WatchedCount {
    owners: Owners,
    counts: Striped<Counter>,
}

#[cfg(any(loom, shuttle))]
#[allow(clippy::new_without_default, reason = "for the models alone")]
impl WatchedCount {
    /// Nothing was counted yet.
    #[must_use]
    pub fn new() -> Self {
        let counts = std::array::from_fn(|_| CachePadded::new(Counter::watched()));
        Self { owners: Owners(Word::watched()), counts: Striped(counts) }
    }

    /// Counts as a thread does that ends at once; returns its stripe.
    pub fn count_and_end(&self) -> usize {
        let claim = Claim::take(&self.owners);
        self.count_at(claim.stripe);
        claim.stripe
    }

    /// Counts as a thread does that has found no stripe of its own.
    pub fn count_with_others(&self) {
        self.count_at(OWNED);
    }

    fn count_at(&self, stripe: usize) {
        let (counter, is_owner) = self.counts.at(stripe);
        counter.count(1, is_owner);
    }

    /// What was counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().map(Counter::get).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::OnceCell;
    use std::collections::HashSet;
    use std::sync::mpsc;
    use std::thread;

    #[test]
    fn every_stripe_has_one_owner_until_it_is_given_back() {
        let owners = Owners::new();
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
    fn threads_that_find_no_stripe_of_their_own_share_others() {
        let owners = Owners::new();
        let owned: Vec<_> = (0..OWNED).map(|_| Claim::take(&owners)).collect();
        let shared: HashSet<_> = (0..SHARED).map(|_| Claim::take(&owners).stripe).collect();
        assert_eq!(shared, (OWNED..STRIPES).collect(), "one after the other, and none that has an owner");
        drop(owned);
        assert_eq!(Claim::take(&owners).stripe, 0, "given back");
    }

    /// A thread-local value that looks for its stripe once more when it is dropped.
    struct Last(mpsc::Sender<usize>);

    impl Drop for Last {
        fn drop(&mut self) {
            let _ = self.0.send(mine());
        }
    }

    #[test]
    fn thread_that_counts_while_it_ends_owns_no_stripe() {
        thread_local!(static LAST: OnceCell<Last> = const { OnceCell::new() });
        let (sender, stripes) = mpsc::channel();
        let first = thread::spawn(move || {
            // Made first, and so dropped last.
            LAST.with(|last| last.set(Last(sender)).ok().unwrap());
            mine()
        });
        assert!(first.join().unwrap() < OWNED);
        assert_eq!(stripes.recv(), Ok(OWNED), "that of its own was given back");
    }

    #[test]
    fn thread_keeps_its_stripe() {
        let first = mine();
        assert!(first < STRIPES, "{first}");
        assert_eq!(mine(), first);
    }
}
