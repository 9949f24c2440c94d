//! The start-up log: what was published before `start`, kept once for all subscribers.

use crate::event::large::{Room, clone_into, is_large};
use crate::panics::Panics;
use crate::sync::{ArrayQueue, AtomicUsize, OnceLock, fence};
use std::mem::needs_drop;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// Bit 0 of [`StartupLog::tail`]: no append succeeds any more, and the length is final.
const CLOSED: usize = 1;
/// What one claimed slot adds to [`StartupLog::tail`].
const ONE: usize = 2;

/// A bounded log that many threads append to until it is closed, and that every entitled subscriber
/// reads from its beginning once it is.
///
/// | `tail` | appends | readers |
/// |---|---|---|
/// | `2 n` | claim slot `n`, then fill it | have nothing to read yet |
/// | `2 n + 1` (closed) | fail | read slots `0..n`; one that is claimed and not yet filled holds them up |
///
/// # Progress
///
/// `append` is lock-free (a claim by compare-and-swap), everything else is wait-free.
#[derive(Debug)]
pub(crate) struct StartupLog<E> {
    /// Slots claimed, times two, plus [`CLOSED`]. Written by publishers and by whoever closes the
    /// log; read by all.
    tail: AtomicUsize,
    slots: Slots<E>,
}

/// Places for events, filled once each, by the publisher that claimed it, and read by every
/// entitled subscriber.
#[derive(Debug)]
enum Slots<E> {
    Small(Box<[OnceLock<E>]>),
    /// Their rooms.
    Large(Box<LargeSlots<E>>),
}

/// For [large](is_large) events, which are cloned to where they belong and not moved from there.
#[derive(Debug)]
struct LargeSlots<E> {
    /// Rooms that are not used yet: as many as there are slots, and one more, so that a publisher
    /// finds one that comes as another one is about to find the log full.
    empty: ArrayQueue<Room<E>>,
    filled: Box<[OnceLock<Room<E>>]>,
}

impl<E> Slots<E> {
    fn new(capacity: usize) -> Self {
        let mut reserved = Vec::<OnceLock<E>>::new();
        if reserved.try_reserve_exact(capacity).is_err() {
            let size = size_of::<E>();
            panic!("no memory for the start-up buffer: {capacity} events of {size} bytes each");
        }
        if is_large::<E>() {
            drop(reserved);
            let empty = ArrayQueue::new(capacity + 1);
            while empty.push(Box::new(None)).is_ok() {}
            let filled = (0..capacity).map(|_| OnceLock::new()).collect();
            return Self::Large(Box::new(LargeSlots { empty, filled }));
        }
        reserved.resize_with(capacity, OnceLock::new);
        Self::Small(reserved.into())
    }

    fn len(&self) -> usize {
        match self {
            Self::Small(slots) => slots.len(),
            Self::Large(slots) => slots.filled.len(),
        }
    }

    /// The event in a slot, unless its publisher is still filling it.
    fn get(&self, index: usize) -> Option<&E> {
        match self {
            Self::Small(slots) => slots[index].get(),
            Self::Large(slots) => (**slots.filled[index].get()?).as_ref(),
        }
    }

    /// Drops the events one by one. User code.
    fn clear(&mut self, panics: &mut Panics) {
        match self {
            Self::Small(slots) => {
                for slot in slots {
                    panics.catch(|| drop(slot.take()));
                }
            }
            Self::Large(slots) => {
                for slot in &mut slots.filled {
                    panics.catch(|| drop(slot.take()));
                }
            }
        }
    }
}

/// An event that was appended.
#[derive(Debug)]
#[must_use = "where the log was closed meanwhile, readers may be waiting for this slot"]
pub(crate) struct Appended<'a, E> {
    slots: &'a Slots<E>,
    index: usize,
    /// The log was closed between the claim and now: readers may have found the slot unfilled, and
    /// parked.
    pub(crate) closed_meanwhile: bool,
}

impl<E> Appended<'_, E> {
    pub(crate) fn event(&self) -> Option<&E> {
        self.slots.get(self.index)
    }
}

/// Why an event was not appended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AppendError {
    /// Every slot is taken.
    Full,
    /// The log is closed.
    Closed,
}

impl<E> StartupLog<E> {
    /// Makes a log with room for so many events.
    ///
    /// # Panics
    ///
    /// If there is no memory for it.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { tail: AtomicUsize::new(0), slots: Slots::new(capacity) }
    }

    /// Claims the next slot and moves the event into it, if there is one. For events that are not
    /// [large](is_large).
    pub(crate) fn append(&self, event: &mut Option<E>) -> Result<Appended<'_, E>, AppendError> {
        let index = self.claim()?;
        if let (Slots::Small(slots), Some(event)) = (&self.slots, event.take()) {
            let filled = slots[index].set(event);
            debug_assert!(filled.is_ok(), "a claimed slot has one owner");
        }
        Ok(self.after_filling(index))
    }

    /// Appends a clone; `None` if `Clone` has panicked. It runs before anything is claimed, so that
    /// no slot stays unfilled.
    pub(crate) fn append_clone(&self, event: &E, panics: &mut Panics) -> Option<Result<Appended<'_, E>, AppendError>>
    where
        E: Clone,
    {
        match &self.slots {
            Slots::Small(_) => {
                if const { is_large::<E>() } {
                    return None;
                }
                let mut copy = None;
                panics.catch(|| clone_into(&mut copy, event))?;
                let appended = self.append(&mut copy);
                panics.catch(|| drop(copy));
                Some(appended)
            }
            Slots::Large(slots) => {
                // All are used, or about to be.
                let Some(mut room): Option<Room<E>> = slots.empty.pop() else { return Some(Err(self.refusal())) };
                let is_cloned = panics.catch(|| clone_into(&mut *room, event)).is_some();
                let claimed = if is_cloned { Some(self.claim()) } else { None };
                if let Some(Ok(index)) = claimed {
                    let filled = slots.filled[index].set(room);
                    debug_assert!(filled.is_ok(), "a claimed slot has one owner");
                    return Some(Ok(self.after_filling(index)));
                }
                panics.catch(|| *room = None);
                // There is place for it.
                let _ = slots.empty.push(room);
                claimed.map(|refused| refused.map(|index| self.after_filling(index)))
            }
        }
    }

    /// Claims the next slot, to be filled by the caller.
    fn claim(&self) -> Result<usize, AppendError> {
        // ORDERING: Relaxed. Only a guess for the compare-and-swap below, except that CLOSED is
        // final once seen, and that a full log was full at some moment of this call.
        let mut tail = self.tail.load(Relaxed);
        loop {
            if tail & CLOSED != 0 {
                return Err(AppendError::Closed);
            }
            let index = tail / ONE;
            if index == self.slots.len() {
                return Err(AppendError::Full);
            }
            // ORDERING: Relaxed on both sides. The word alone decides who owns which slot and
            // whether the log was still open; what the slot holds is handed over by the slot.
            // Appends that follow one another get rising slots because one word has one
            // modification order.
            match self.tail.compare_exchange_weak(tail, tail + ONE, Relaxed, Relaxed) {
                Ok(_) => return Ok(index),
                Err(actual) => tail = actual,
            }
        }
    }

    /// Why nothing can be appended by somebody who has found no room.
    fn refusal(&self) -> AppendError {
        if self.final_len().is_some() { AppendError::Closed } else { AppendError::Full }
    }

    /// Looks whether anybody waits for the slot that was just filled.
    fn after_filling(&self, index: usize) -> Appended<'_, E> {
        // ORDERING: SeqCst fence between filling the slot and looking at CLOSED. Pairs with the
        // fence in `WaitState::begin_wait`, between a reader's WAITING and its last look at the
        // slot, and with the one in `wake_all`, between `close` and its look at the waiting
        // readers. If that reader's look missed the event, then its fence came first, and either
        // this thread sees CLOSED below and wakes it, or whoever closes the log fences later and
        // does. Weaker: the load below could come before the fill, and the reader parks for good.
        // Checked by loom-tests/tests/startup.rs `late_fill_wakes_the_parked_reader`.
        fence(SeqCst);
        // ORDERING: Relaxed. Ordered by the fence.
        let closed_meanwhile = self.tail.load(Relaxed) & CLOSED != 0;
        Appended { slots: &self.slots, index, closed_meanwhile }
    }

    /// Ends all appending and fixes the length. Returns whether this call did.
    pub(crate) fn close(&self) -> bool {
        // ORDERING: Relaxed. Who sees CLOSED learns the final length by the same word, and waiting
        // readers are woken through the fence in `wake_all`.
        self.tail.fetch_or(CLOSED, Relaxed) & CLOSED == 0
    }

    /// How many events the log holds for good; `None` while it is open.
    pub(crate) fn final_len(&self) -> Option<usize> {
        // ORDERING: Relaxed. Closed and the final length are one word; the slots hand over their
        // events themselves.
        let tail = self.tail.load(Relaxed);
        (tail & CLOSED != 0).then_some(tail / ONE)
    }

    /// How many events the log holds by now, those included whose slots are still being filled.
    pub(crate) fn len_so_far(&self) -> usize {
        // ORDERING: Relaxed. An event whose publish has happened before this call has its slot
        // counted, because one word is read coherently; the slots hand over their events
        // themselves.
        self.tail.load(Relaxed) / ONE
    }

    /// The event in a slot, unless its publisher is still filling it.
    pub(crate) fn get(&self, index: usize) -> Option<&E> {
        self.slots.get(index)
    }
}

impl<E> Drop for StartupLog<E> {
    fn drop(&mut self) {
        if needs_drop::<E>() {
            // One by one: an event whose `Drop` panics must not keep the others from being dropped,
            // or abort the process.
            let mut panics = Panics::default();
            self.slots.clear(&mut panics);
            panics.resume();
        }
    }
}
