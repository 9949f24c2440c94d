//! The start-up log: what was published before `start`, kept once for all subscribers.

use crate::panics::Panics;
use crate::sync::{AtomicUsize, OnceLock, fence};
use std::mem::needs_drop;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// Bit 0 of [`StartupLog::tail`]: no append succeeds any more, and the length is final.
const CLOSED: usize = 1;
/// What one claimed slot adds to [`StartupLog::tail`].
const ONE: usize = 2;

/// A bounded log that many threads append to until it is closed, and that every entitled subscriber reads from its
/// beginning once it is.
///
/// | `tail` | appends | readers |
/// |---|---|---|
/// | `2 n` | claim slot `n`, then fill it | have nothing to read yet |
/// | `2 n + 1` (closed) | fail | read slots `0..n`; one that is claimed and not yet filled holds them up |
///
/// Progress: `append` is lock-free (a claim by compare-and-swap), everything else is wait-free.
#[derive(Debug)]
pub(crate) struct StartupLog<E> {
    /// Slots claimed, times two, plus [`CLOSED`]. Written by publishers and by whoever closes the log; read by all.
    tail: AtomicUsize,
    /// Filled once each, by the publisher that claimed it, and read by every entitled subscriber.
    slots: Box<[OnceLock<E>]>,
}

/// An event that was appended.
#[derive(Debug)]
#[must_use = "where the log was closed meanwhile, readers may be waiting for this slot"]
pub(crate) struct Appended<'a, E> {
    slot: &'a OnceLock<E>,
    /// The log was closed between the claim and now: readers may have found the slot unfilled, and parked.
    pub(crate) closed_meanwhile: bool,
}

impl<E> Appended<'_, E> {
    pub(crate) fn event(&self) -> Option<&E> {
        self.slot.get()
    }
}

/// An event that was not appended.
#[derive(Debug)]
pub(crate) enum AppendError<E> {
    /// Every slot is taken.
    Full(E),
    /// The log is closed.
    Closed(E),
}

/// What closing the log found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogClosed {
    /// How many events the log holds for good.
    pub(crate) len: usize,
    /// This call closed it.
    pub(crate) first: bool,
}

impl<E> StartupLog<E> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { tail: AtomicUsize::new(0), slots: (0..capacity).map(|_| OnceLock::new()).collect() }
    }

    /// Claims the next slot and fills it.
    pub(crate) fn append(&self, event: E) -> Result<Appended<'_, E>, AppendError<E>> {
        // ORDERING: Relaxed. Only a guess for the compare-and-swap below, except that CLOSED is final once seen, and
        // that a full log was full at some moment of this call.
        let mut tail = self.tail.load(Relaxed);
        let slot = loop {
            if tail & CLOSED != 0 {
                return Err(AppendError::Closed(event));
            }
            let Some(slot) = self.slots.get(tail / ONE) else {
                return Err(AppendError::Full(event));
            };
            // ORDERING: Relaxed on both sides. The word alone decides who owns which slot and whether the log was still
            // open; what the slot holds is handed over by the slot. Appends that follow one another get rising
            // slots because one word has one modification order.
            match self.tail.compare_exchange_weak(tail, tail + ONE, Relaxed, Relaxed) {
                Ok(_) => break slot,
                Err(actual) => tail = actual,
            }
        };
        let filled = slot.set(event);
        debug_assert!(filled.is_ok(), "a claimed slot has one owner");
        // ORDERING: SeqCst fence between filling the slot and looking at CLOSED. Pairs with the fence in
        // `WaitState::begin_wait`, between a reader's WAITING and its last look at the slot, and with the one in
        // `wake_all`, between `close` and its look at the waiting readers. If that reader's look missed the event, then
        // its fence came first, and either this thread sees CLOSED below and wakes it, or whoever closes the
        // log fences later and does. Weaker: the load below could come before the fill, and the reader parks for good.
        // Checked by loom-tests/tests/startup.rs `late_fill_wakes_the_parked_reader`.
        fence(SeqCst);
        // ORDERING: Relaxed. Ordered by the fence.
        let closed_meanwhile = self.tail.load(Relaxed) & CLOSED != 0;
        Ok(Appended { slot, closed_meanwhile })
    }

    /// Ends all appending and fixes the length.
    pub(crate) fn close(&self) -> LogClosed {
        // ORDERING: Relaxed. Who sees CLOSED learns the final length by the same word, and waiting readers are
        // woken through the fence in `wake_all`.
        let before = self.tail.fetch_or(CLOSED, Relaxed);
        LogClosed { len: before / ONE, first: before & CLOSED == 0 }
    }

    /// How many events the log holds for good; `None` while it is open.
    pub(crate) fn final_len(&self) -> Option<usize> {
        // ORDERING: Relaxed. Closed and the final length are one word; the slots hand over their events themselves.
        let tail = self.tail.load(Relaxed);
        (tail & CLOSED != 0).then_some(tail / ONE)
    }

    /// The event in a slot, unless its publisher is still filling it.
    pub(crate) fn get(&self, index: usize) -> Option<&E> {
        self.slots[index].get()
    }
}

impl<E> Drop for StartupLog<E> {
    fn drop(&mut self) {
        if needs_drop::<E>() {
            // One by one: an event whose `Drop` panics must not keep the others from being dropped, or abort the process.
            let mut panics = Panics::default();
            for slot in &mut self.slots {
                panics.catch(|| drop(slot.take()));
            }
            panics.resume();
        }
    }
}
