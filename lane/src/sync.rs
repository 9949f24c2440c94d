//! The one door to everything concurrent: `std`, or with `--cfg loom` or `--cfg shuttle` the engine
//! of that name, so that the models run this very code.

#[cfg(any(all(loom, not(feature = "__loom")), all(shuttle, not(feature = "__shuttle")), all(loom, shuttle)))]
compile_error!(
    "`--cfg loom` or `--cfg shuttle` is for the package `loom-tests`, which enables the hidden feature that goes with it"
);

#[cfg(not(any(loom, shuttle)))]
pub(crate) use self::real::{AtomicBool, AtomicUsize, UnsafeCell, Waiting, claim, peek};

#[cfg(any(loom, shuttle))]
pub use self::model::BareClaims;
#[cfg(any(loom, shuttle))]
pub(crate) use self::model::{AtomicBool, AtomicUsize, UnsafeCell, Waiting, claim, peek};

#[cfg(not(any(loom, shuttle)))]
mod real {
    pub(crate) use super::plain::UnsafeCell;
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize};

    use std::sync::atomic::Ordering::{Relaxed, SeqCst};

    /// Moves `word` from `current` to `new`; gives what it is instead, if it is not `current`.
    #[inline(always)]
    pub(crate) fn claim(word: &AtomicUsize, current: usize, new: usize) -> Result<(), usize> {
        // ORDERING: SeqCst. Pairs with the fence of a consumer that is about to sleep, and with the
        // SeqCst load of whoever may have to wake it (crate docs, "Waking the consumer"): the
        // consumer sees the claim, or the other one sees that it sleeps. Weaker: both can miss.
        // (The slot needs nothing of this word: its mark carries the value, and `head` that it is
        // free.) Relaxed on failure: the caller tries again.
        // Checked by loom-tests/tests/lane.rs `sleeping_consumer_is_woken`.
        word.compare_exchange_weak(current, new, SeqCst, Relaxed).map(drop)
    }

    /// Loads a word that is claimed from next.
    #[inline(always)]
    pub(crate) fn peek(word: &AtomicUsize) -> usize {
        // ORDERING: Relaxed. A stale value costs a failed claim.
        word.load(Relaxed)
    }

    /// Waits for a producer that is between claim and fill.
    pub(crate) struct Waiting(crossbeam_utils::Backoff);

    impl Waiting {
        pub(crate) fn new() -> Self {
            Self(crossbeam_utils::Backoff::new())
        }

        pub(crate) fn pause(&self) {
            self.0.snooze();
        }
    }
}

/// The real code on the atomics of an engine.
///
/// loom treats SeqCst accesses as AcqRel ones, but knows SeqCst fences. Here the claim is a
/// relaxed compare-and-swap with a fence behind it, and in front of the fill, so that it orders as
/// much for the pair of the claim and the look at the consumer, and no more.
///
/// For everything else a fence orders too much: it acquires what was loaded before it, and releases
/// what is stored behind it. So models that are not about waking do without it ([`BareClaims`]),
/// and then a claim orders nothing at all.
#[cfg(any(loom, shuttle))]
mod model {
    #[cfg(shuttle)]
    pub(crate) use super::plain::UnsafeCell;
    #[cfg(loom)]
    use loom as engine;
    #[cfg(loom)]
    pub(crate) use loom::cell::UnsafeCell;
    #[cfg(shuttle)]
    use shuttle as engine;

    pub(crate) use engine::sync::atomic::{AtomicBool, AtomicUsize};

    use engine::sync::atomic::fence;
    use std::cell::Cell;
    use std::sync::atomic::Ordering::{Relaxed, SeqCst};

    thread_local! {
        /// Whether there is a fence behind a claim. (An engine runs all threads of a model on one.)
        static FENCED: Cell<bool> = const { Cell::new(true) };
    }

    /// As long as it lives, claims of this model order nothing.
    #[derive(Debug)]
    #[must_use]
    pub struct BareClaims(());

    impl BareClaims {
        /// Takes the fences away.
        #[expect(clippy::new_without_default, reason = "it is there for what it does")]
        pub fn new() -> Self {
            FENCED.set(false);
            Self(())
        }
    }

    impl Drop for BareClaims {
        fn drop(&mut self) {
            FENCED.set(true);
        }
    }

    pub(crate) fn claim(word: &AtomicUsize, current: usize, new: usize) -> Result<(), usize> {
        word.compare_exchange(current, new, Relaxed, Relaxed)?;
        if FENCED.get() {
            fence(SeqCst);
        }
        Ok(())
    }

    /// A read-modify-write: loom remembers one access per word, and the own plain load would hide
    /// another thread's (<https://github.com/tokio-rs/loom/issues/166>).
    pub(crate) fn peek(word: &AtomicUsize) -> usize {
        word.fetch_or(0, Relaxed)
    }

    /// Counts its pauses: a model in which a claim is never filled is to fail, and not to hang.
    pub(crate) struct Waiting(Cell<u32>);

    impl Waiting {
        /// More than it takes in any model.
        const PAUSES: u32 = 10_000;

        pub(crate) fn new() -> Self {
            Self(Cell::new(0))
        }

        pub(crate) fn pause(&self) {
            self.0.set(self.0.get() + 1);
            assert!(self.0.get() < Self::PAUSES, "a claimed slot is never filled");
            engine::thread::yield_now();
        }
    }
}

#[cfg(not(loom))]
mod plain {
    /// `std::cell::UnsafeCell` with the face of loom's.
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        #[inline(always)]
        pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
            read(self.0.get())
        }

        #[inline(always)]
        pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
            write(self.0.get())
        }
    }
}
