//! The word by which a subscriber that waits and the publishers that wake it agree.

use crate::sync::{AtomicUsize, fence};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

const IDLE: usize = 0;
const WAITING: usize = 1;
const SEALED: usize = 2;

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

/// `IDLE`, `WAITING` or `SEALED`.
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

    /// Announces that the subscriber is about to wait. It must have registered its waker before, and must look at
    /// everything it could receive once more afterwards.
    pub(crate) fn begin_wait(&self) {
        // ORDERING: Release. Pairs with the Acquire in `take_waiter`: who takes the waiter finds the waker that was
        // registered before. Weaker: `wake` could miss the waker, and the subscriber would sleep for good. (loom
        // runs read-modify-writes in the order of their execution and cannot show this one.)
        self.0.swap(WAITING, Release);
        // ORDERING: SeqCst fence between WAITING and the subscriber's last look. Pairs with the fences in `fence_pushes`,
        // `wake_all` and `StartupLog::append`, which stand between a change and the look at this word: one of the two
        // fences comes first, so either the subscriber sees the change or the other side sees WAITING. Weaker:
        // both could miss, and the subscriber sleeps over an event.
        // Checked by loom-tests/tests/waiting.rs `parked_subscriber_wakes_for_an_event`.
        fence(SeqCst);
    }

    /// Takes the announcement back.
    pub(crate) fn end_wait(&self) {
        // ORDERING: Relaxed. Saves a publisher a needless wake-up, nothing more. A swap would undo SEALED.
        let _ = self.0.compare_exchange(WAITING, IDLE, Relaxed, Relaxed);
    }

    /// What the mailbox needs. The caller has fenced since its change.
    #[inline]
    pub(crate) fn attention(&self) -> Attention {
        // ORDERING: Relaxed. Ordered after the caller's change by the caller's SeqCst fence, see `begin_wait` and `seal`.
        match self.0.load(Relaxed) {
            IDLE => Attention::None,
            WAITING => Attention::Waiting,
            _ => Attention::Sealed,
        }
    }

    /// Makes the caller the one that wakes the subscriber, where it still waits.
    pub(crate) fn take_waiter(&self) -> bool {
        // ORDERING: Acquire on success. Pairs with the Release in `begin_wait`, see there.
        self.0.compare_exchange(WAITING, IDLE, Acquire, Relaxed).is_ok()
    }

    /// Declares that nothing pushed from now on will be received. The caller empties the ring afterwards; a publisher
    /// that pushes too late for that sees `SEALED` and empties it itself.
    pub(crate) fn seal(&self) {
        // ORDERING: Relaxed. The word carries nothing but itself.
        self.0.swap(SEALED, Relaxed);
        // ORDERING: SeqCst fence between SEALED and the last draining of the ring. Pairs with the fence in `fence_pushes`,
        // between a push and the look at this word: either the draining finds the event or the publisher finds SEALED.
        // Weaker: an event that was reported delivered stays in the ring, uncounted.
        // Checked by loom-tests/tests/sealing.rs `nothing_delivered_is_stranded_by_an_unsubscription`.
        fence(SeqCst);
    }
}
