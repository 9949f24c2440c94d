//! The word by which a subscriber that waits and the publishers that wake it agree, and the waker
//! that goes with it.

use crate::panics::drop_guarded;
use crate::sync::{AtomicUsize, Mutex, fence, load_behind_claims};
use std::ops::DerefMut;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::task::Waker;

const IDLE: usize = 0;
/// Bit 0: the subscriber waits.
const WAITING: usize = 0b01;
/// Bit 1: the subscriber is gone, or was told `Closed`. Never cleared.
const SEALED: usize = 0b10;

/// What a publisher has to do for a mailbox after it has pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attention {
    /// Nothing: the subscriber is awake and will look by itself.
    None,
    /// The subscriber waits.
    Waiting,
    /// The subscriber receives nothing more but what it finds in the ring when it seals it.
    Sealed,
}

/// `IDLE`, or `WAITING`, or `SEALED`, which stays whatever else is done.
///
/// | transition | by | from → to |
/// |---|---|---|
/// | [`begin_wait`](WaitState::begin_wait) | subscriber | `IDLE`, `WAITING` → `WAITING` |
/// | [`end_wait`](WaitState::end_wait) | subscriber | `WAITING` → `IDLE` |
/// | [`take_waiter`](WaitState::take_waiter) | publisher | `WAITING` → `IDLE` |
/// | [`seal`](WaitState::seal) | subscriber | any → `SEALED`, for good |
#[derive(Debug)]
pub(crate) struct WaitState(AtomicUsize);

impl WaitState {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(IDLE))
    }

    /// Announces that the subscriber is about to wait. It must have put its waker into the slot
    /// before, and must look at everything it could receive once more afterwards.
    pub(crate) fn begin_wait(&self) {
        // ORDERING: Release. Pairs with the Acquire in `take_waiter`: who takes the waiter finds
        // the slot unlocked, and the waker in it. Weaker: it could find the lock still held, and
        // the subscriber would sleep for good. (The other way round, what was pushed before an
        // earlier announcement was taken is found by the look that follows: the fences see to that.
        // loom runs read-modify-writes in the order of their execution and cannot show this one.)
        // A bit is set, rather than the word: user code that runs as the waker is cloned may have
        // received up to `Closed`.
        self.0.fetch_or(WAITING, Release);
        // ORDERING: SeqCst fence between WAITING and the subscriber's last look. Pairs with the
        // fences in `fence_pushes`, `wake_all` and `StartupLog::after_filling`, which stand between
        // a change and the look at this word: one of the two fences comes first, so either the
        // subscriber sees the change or the other side sees WAITING. And with the SeqCst claims of
        // pushes into lanes, behind which `load_behind_claims` looks at this word. Weaker: both
        // could miss, and the subscriber sleeps over an event.
        // Checked by loom-tests/tests/waiting.rs `parked_subscriber_wakes_for_an_event`.
        fence(SeqCst);
    }

    /// Whether the announcement stands: nobody has taken it since, and the next one who does will
    /// wake the subscriber.
    pub(crate) fn is_waiting(&self) -> bool {
        // ORDERING: Relaxed. Who has used up the wake-up of a publisher on this thread is ordered
        // behind it, and so behind `take_waiter`. A wake-up that is still to come ends the park.
        // Checked by loom-tests/tests/startup.rs `filter_that_parks_takes_no_wake_up_away`.
        self.0.load(Relaxed) == WAITING
    }

    /// Takes the announcement back. Returns whether a publisher has taken it before, which takes
    /// the waker as well.
    pub(crate) fn end_wait(&self) -> bool {
        // ORDERING: Relaxed. Saves a publisher a needless wake-up, nothing more. A swap would undo
        // SEALED.
        self.0.compare_exchange(WAITING, IDLE, Relaxed, Relaxed) == Err(IDLE)
    }

    /// What the mailbox needs. The caller has fenced since its change.
    #[inline]
    pub(crate) fn attention(&self) -> Attention {
        // ORDERING: SeqCst. Ordered after the caller's change by the caller's SeqCst fence, see
        // `begin_wait` and `seal`; or behind pushes into lanes alone, whose claims are SeqCst, by
        // this load's being SeqCst as well (crate docs of `ringbus-lane`, "Waking the consumer").
        // Checked by loom-tests/tests/waiting.rs `parked_subscriber_wakes_for_an_event`.
        match load_behind_claims(&self.0) {
            IDLE => Attention::None,
            WAITING => Attention::Waiting,
            _ => Attention::Sealed,
        }
    }

    /// Makes the caller the one that wakes the subscriber, if it still waits.
    pub(crate) fn take_waiter(&self) -> bool {
        // ORDERING: Acquire on success. Pairs with the Release in `begin_wait`, see there.
        self.0.compare_exchange(WAITING, IDLE, Acquire, Relaxed).is_ok()
    }

    /// Declares that nothing pushed from now on will be received. The caller empties the ring
    /// afterwards; a publisher that pushes too late for that sees `SEALED` and empties it itself.
    pub(crate) fn seal(&self) {
        // ORDERING: Relaxed. The word carries nothing but itself.
        self.0.fetch_or(SEALED, Relaxed);
        // ORDERING: SeqCst fence between SEALED and the last draining of the ring. Pairs with the
        // fence in `fence_pushes`, between a push and the look at this word: either the draining
        // finds the event or the publisher finds SEALED. Weaker: an event that was reported
        // delivered stays in the ring, uncounted.
        // Checked by loom-tests/tests/sealing.rs
        // `nothing_delivered_is_stranded_by_an_unsubscription`.
        fence(SeqCst);
    }
}

/// How to wake the subscriber, while it waits.
///
/// The subscriber locks it, and whoever has [taken the waiter](WaitState::take_waiter) tries to: a
/// publisher never waits here. If the slot is in use then, either the subscriber has given up
/// waiting, or it is about to announce itself anew and to look once more. No user code runs under
/// the lock: wakers are cloned before it, and dropped and woken after it.
#[derive(Debug)]
pub(crate) struct WakerSlot(Mutex<Option<Waker>>);

impl WakerSlot {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(None))
    }

    fn lock(&self) -> impl DerefMut<Target = Option<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a waker in. User code: clones it, and drops the one before.
    pub(crate) fn set(&self, waker: &Waker) {
        let waker = waker.clone();
        let displaced = self.lock().replace(waker);
        drop(displaced);
    }

    /// Takes the waker out, for the subscriber, which does not wait any more.
    pub(crate) fn clear(&self) -> Option<Waker> {
        self.lock().take()
    }

    /// Takes the waker out, for the publisher that has taken the waiter.
    pub(crate) fn take(&self) -> Option<Waker> {
        self.0.try_lock().ok()?.take()
    }
}

impl Drop for WakerSlot {
    fn drop(&mut self) {
        drop_guarded(self.clear());
    }
}
