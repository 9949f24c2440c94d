//! The one door to everything concurrent.
//!
//! The rest of the crate takes its atomics, rings, snapshots and parking from here, so that the
//! models in `loom-tests/` run the crate's own code: with `--cfg loom` or `--cfg shuttle` this
//! module hands out doubles (`sync/model.rs`) that the engine of that name can watch, and otherwise
//! the real thing.

#[cfg(any(all(loom, not(feature = "__loom")), all(shuttle, not(feature = "__shuttle")), all(loom, shuttle)))]
compile_error!(
    "`--cfg loom` or `--cfg shuttle` is for the package `loom-tests`, which enables the hidden feature that goes with it"
);

#[cfg(any(loom, shuttle))]
pub(crate) mod model;
mod this_thread;

#[cfg(any(loom, shuttle))]
pub(crate) use self::model::{
    ArcSwap, ArrayQueue, AtomicUsize, Cache, CountWord, DashMap, Deadline, LOOKS_AROUND, OnceLock, RandomState,
    WatchedMutex as Mutex, fence, load_behind_claims, thread, thread_local,
};

#[cfg(shuttle)]
pub(crate) use self::model::SegQueue;
/// Only ever holds what waits to be freed, or what one thread has for itself: loom takes the real
/// one.
#[cfg(not(shuttle))]
pub(crate) use crossbeam_queue::SegQueue;

#[cfg(not(any(loom, shuttle)))]
pub(crate) use self::real::{
    ArcSwap, ArrayQueue, AtomicUsize, Cache, CountWord, DashMap, Deadline, LOOKS_AROUND, Mutex, OnceLock, RandomState,
    fence, load_behind_claims, thread, thread_local,
};

#[cfg(not(any(loom, shuttle)))]
mod real {
    pub(crate) use arc_swap::{ArcSwap, Cache};
    pub(crate) use crossbeam_queue::ArrayQueue;
    pub(crate) use dashmap::DashMap;
    pub(crate) use std::sync::atomic::{AtomicUsize, AtomicUsize as CountWord, fence};

    pub(crate) use std::collections::hash_map::RandomState;
    pub(crate) use std::sync::{Mutex, OnceLock};
    pub(crate) use std::thread_local;

    use std::sync::atomic::Ordering::SeqCst;
    use std::time::{Duration, Instant};

    /// Loads a word behind claims in lanes.
    #[inline(always)]
    pub(crate) fn load_behind_claims(word: &AtomicUsize) -> usize {
        // ORDERING: SeqCst. Pairs with the fence in `WaitState::begin_wait`, see there: the claim
        // comes before this load in the single total order, so if the subscriber has missed the
        // claim, this finds its announcement. Weaker: both can miss.
        word.load(SeqCst)
    }

    pub(crate) mod thread {
        pub(crate) use std::thread::{Thread, ThreadId, current, yield_now};
    }

    /// A moment until which a thread waits, or no such moment.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Deadline(Option<Instant>);

    impl Deadline {
        pub(crate) const NEVER: Self = Self(None);

        /// A time-out too long for the clock to count means: never.
        pub(crate) fn after(timeout: Duration) -> Self {
            Self(Instant::now().checked_add(timeout))
        }

        pub(crate) fn at(instant: Instant) -> Self {
            Self(Some(instant))
        }

        /// The earlier of the two.
        pub(crate) fn or_earlier(self, other: Self) -> Self {
            Self(self.0.into_iter().chain(other.0).min())
        }

        pub(crate) fn has_passed(self) -> bool {
            self.0.is_some_and(|instant| Instant::now() >= instant)
        }

        /// Whether it is further away than `time`.
        pub(crate) fn is_beyond(self, time: Duration) -> bool {
            self.0.is_none_or(|instant| instant.saturating_duration_since(Instant::now()) > time)
        }

        /// Parks this thread until somebody unparks it or the moment has come; may also return for
        /// no reason.
        pub(crate) fn park(self) {
            match self.0 {
                None => std::thread::park(),
                Some(instant) => std::thread::park_timeout(instant.saturating_duration_since(Instant::now())),
            }
        }
    }

    /// Whether a thread looks around for a moment before it parks.
    pub(crate) const LOOKS_AROUND: bool = true;
}

pub(crate) use self::counter::Counter;
pub(crate) use self::this_thread::this_thread;

mod counter {
    use std::sync::atomic::Ordering::Relaxed;

    #[cfg(any(loom, shuttle))]
    use super::model::CountWord as AtomicWord;
    #[cfg(all(not(any(loom, shuttle)), target_has_atomic = "64"))]
    use std::sync::atomic::AtomicU64 as AtomicWord;
    #[cfg(all(not(any(loom, shuttle)), not(target_has_atomic = "64")))]
    use std::sync::atomic::AtomicUsize as AtomicWord;

    /// What the number is kept in.
    #[cfg(all(not(any(loom, shuttle)), target_has_atomic = "64"))]
    type Word = u64;
    #[cfg(any(loom, shuttle, not(target_has_atomic = "64")))]
    type Word = usize;

    /// A number that is counted up on one thread and read on another, for reporting only.
    ///
    /// It orders nothing and nothing waits for it, so the engines do not watch it, except in the
    /// models about counts: that keeps the others small. It is exact whenever the threads that
    /// count have been synchronised with. On a target without atomics of 64 bits it has as many
    /// bits as a pointer, and wraps.
    #[derive(Debug, Default)]
    pub(crate) struct Counter(AtomicWord);

    #[allow(clippy::unnecessary_cast, reason = "a word is not the same on all targets")]
    impl Counter {
        pub(crate) const fn new(value: u64) -> Self {
            Self(AtomicWord::new(value as Word))
        }

        /// One that the engines watch, because what others add must be seen in time.
        pub(crate) fn watched() -> Self {
            #[cfg(any(loom, shuttle))]
            return Self(AtomicWord::watched());
            #[cfg(not(any(loom, shuttle)))]
            Self::new(0)
        }

        /// Adds `amount`, from any thread; returns the number before.
        #[inline]
        pub(crate) fn add(&self, amount: u64) -> u64 {
            // ORDERING: Relaxed. One location, so no addition is lost and no sum is given twice.
            // Who must see what others have added has that from elsewhere (`Gate::is_past`, say).
            self.0.fetch_add(amount as Word, Relaxed) as u64
        }

        /// Adds `amount` without a read-modify-write: for counters that one thread at a time
        /// writes.
        #[inline]
        pub(crate) fn add_as_owner(&self, amount: u64) {
            // ORDERING: Relaxed, twice. The caller is the only writer (it holds the `&mut
            // Publisher` or the `Subscription`, which is not `Sync`, or is the thread that owns the
            // stripe), so nothing can be written between the two.
            self.0.store(self.0.load(Relaxed).wrapping_add(amount as Word), Relaxed);
        }

        /// Sets the number, from the thread that alone writes it.
        #[inline]
        pub(crate) fn set(&self, value: u64) {
            // ORDERING: Relaxed. Read for reporting; who waits for what is reported fences, see
            // `Drains`.
            self.0.store(value as Word, Relaxed);
        }

        /// Adds `amount`, in the cheaper way if the caller is the only writer.
        #[inline]
        pub(crate) fn count(&self, amount: u64, is_owner: bool) {
            if is_owner {
                self.add_as_owner(amount);
            } else {
                self.add(amount);
            }
        }

        /// Raises the number to `value` if it is lower.
        pub(crate) fn raise(&self, value: u64) {
            let value = value as Word;
            // ORDERING: Relaxed. A maximum, read only for reporting; the first load only saves the
            // write.
            if self.0.load(Relaxed) < value {
                // ORDERING: Relaxed. As above; `fetch_max` keeps the higher of two racing values.
                self.0.fetch_max(value, Relaxed);
            }
        }

        #[inline]
        pub(crate) fn get(&self) -> u64 {
            // ORDERING: Relaxed. A counter, read only for reporting.
            self.0.load(Relaxed) as u64
        }
    }
}

/// For tests in which two threads do something at the same moment, again and again.
#[cfg(all(test, not(any(loom, shuttle))))]
pub(crate) mod meeting {
    use super::Counter;

    /// Waits for the other one, without going to sleep.
    pub(crate) fn meet(arrivals: &Counter) {
        let all = (arrivals.add(1) / 2 + 1) * 2;
        let mut looks = 0;
        while arrivals.get() < all {
            looks += 1;
            // More threads than processors must come through as well.
            if looks % 1_024 == 0 { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::Counter;
    use super::meeting::meet;
    use std::thread;

    #[test]
    fn higher_of_two_values_stays_that_raise_a_number_at_once() {
        const ROUNDS: usize = 20_000;
        let arrivals = Counter::new(0);
        let numbers: Vec<_> = (0..ROUNDS).map(|_| Counter::new(0)).collect();
        let raise_all = |value: u64| {
            for number in &numbers {
                meet(&arrivals);
                number.raise(value);
            }
        };
        thread::scope(|scope| {
            scope.spawn(|| raise_all(2));
            raise_all(1);
        });
        assert!(numbers.iter().all(|number| number.get() == 2));
    }
}
