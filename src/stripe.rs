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
        let stripe = Stripe::mine();
        (&self.0[stripe.index], stripe.is_owned)
    }

    /// Those for all threads.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|counts| &**counts)
    }
}

/// Where a thread counts, whatever it counts.
#[derive(Clone, Copy, Debug)]
struct Stripe {
    index: usize,
    is_owned: bool,
}

impl Stripe {
    /// That of this thread, which takes one when it first asks, and gives it back when it ends.
    #[inline]
    fn mine() -> Self {
        thread_local!(static MINE: Claim = Claim::take());
        // A thread that counts once more while it ends has none of its own any more.
        MINE.try_with(|claim| claim.0).unwrap_or(Self { index: OWNED, is_owned: false })
    }
}

/// A bit for every owned stripe that has its owner. (A plain `std` atomic in the models as well, as are the counts: see [`Counter`].)
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// A thread's share in the stripes.
struct Claim(Stripe);

impl Claim {
    #[cold]
    fn take() -> Self {
        let next = |taken: usize| Some(taken | (taken + 1)).filter(|taken| *taken < 1 << OWNED);
        // ORDERING: Acquire on success. Pairs with the Release in `drop`: who takes a stripe goes on from what its last owner has
        // counted. Weaker: an old count could be read and written back, and counts would be lost.
        Self(match TAKEN.fetch_update(Acquire, Relaxed, next) {
            Ok(taken) => Stripe { index: taken.trailing_ones() as usize, is_owned: true },
            Err(_) => {
                static NEXT: Counter = Counter::new(0);
                Stripe { index: OWNED + NEXT.add(1) as usize % SHARED, is_owned: false }
            }
        })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.0.is_owned {
            // ORDERING: Release. Pairs with the Acquire in `take`, see there.
            TAKEN.fetch_and(!(1 << self.0.index), Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::Barrier;
    use std::thread;

    #[test]
    fn no_two_threads_own_a_stripe() {
        const THREADS: usize = 2 * STRIPES;
        let barrier = Barrier::new(THREADS);
        let stripes: Vec<_> = thread::scope(|scope| {
            let look = || {
                let stripe = Stripe::mine();
                barrier.wait();
                stripe
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(look)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let owned: Vec<_> = stripes.iter().filter(|stripe| stripe.is_owned).map(|stripe| stripe.index).collect();
        assert_eq!(owned.iter().collect::<HashSet<_>>().len(), owned.len(), "{owned:?}");
        assert!(owned.iter().all(|index| *index < OWNED), "{owned:?}");
        let mut shared = stripes.iter().filter(|stripe| !stripe.is_owned);
        assert!(shared.all(|stripe| (OWNED..STRIPES).contains(&stripe.index)), "{stripes:?}");
    }

    #[test]
    fn thread_that_ends_gives_its_stripe_back() {
        // More often than there are stripes. (Threads of other tests own a few meanwhile.)
        let owners = (0..4 * STRIPES).filter(|_| thread::spawn(|| Stripe::mine().is_owned).join().unwrap()).count();
        assert!(owners > OWNED, "{owners}");
    }
}
