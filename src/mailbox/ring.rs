//! Room for the events of one subscriber.

use crate::event::large::{Room, is_large};
use crate::sync::ArrayQueue;
use std::mem::{MaybeUninit, swap};
use std::sync::atomic::AtomicUsize;

/// What a ring did not keep.
#[derive(Debug)]
pub(crate) enum Lost<T> {
    /// The event itself: the ring was full.
    Refused(T),
    /// An older event, in whose place the new one is now.
    Evicted(T),
}

/// A bounded queue of events: many publishers push, the subscriber pops, and so does whoever evicts
/// or discards.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all are of the larger kind, and a publish must not go through a box"
)]
pub(crate) enum Ring<E> {
    /// The events themselves.
    Small(ArrayQueue<E>),
    /// Their rooms.
    Large(Box<Slots<E>>),
}

impl<E> Ring<E> {
    /// Allocates a ring of so many events.
    ///
    /// # Panics
    ///
    /// If there is no memory for it, and says for whom.
    pub(crate) fn new(capacity: usize, subscriber: &str) -> Self {
        // The queues themselves would abort the process.
        if Vec::<(AtomicUsize, MaybeUninit<E>)>::new().try_reserve_exact(capacity).is_err() {
            let size = size_of::<E>();
            panic!("no memory for the ring of subscriber \"{subscriber}\": {capacity} events of {size} bytes each");
        }
        if is_large::<E>() {
            Self::Large(Box::new(Slots::new(capacity)))
        } else {
            Self::Small(ArrayQueue::new(capacity))
        }
    }

    /// Moves the oldest event into `into`, if there is one; says whether.
    #[inline]
    pub(crate) fn pop_into(&self, into: &mut Option<E>) -> bool {
        match self {
            Self::Small(queue) => {
                // (Or else a large event would have a place on the stack here.)
                if !const { is_large::<E>() } {
                    *into = queue.pop();
                }
            }
            Self::Large(slots) => slots.pop_into(into),
        }
        into.is_some()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Small(queue) => queue.is_empty(),
            Self::Large(slots) => slots.full.is_empty(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Small(queue) => queue.len(),
            Self::Large(slots) => slots.full.len(),
        }
    }
}

/// A queue of large events, which are cloned into their rooms and moved out of them, and never
/// moved in between: what is queued are the rooms.
#[derive(Debug)]
pub(crate) struct Slots<E> {
    /// Rooms with events, in the order of these.
    full: ArrayQueue<Room<E>>,
    /// Empty rooms, except those that somebody is filling or emptying right now. There is one more
    /// than the capacity, so that a publisher finds one while the subscriber empties another.
    free: ArrayQueue<Room<E>>,
}

impl<E> Slots<E> {
    fn new(capacity: usize) -> Self {
        let free = ArrayQueue::new(capacity + 1);
        while free.push(Box::new(None)).is_ok() {}
        Self { full: ArrayQueue::new(capacity), free }
    }

    /// A room to fill: a free one, or else, if it `evicts`, that of the oldest event, which is
    /// still in it. `None` if there is none, because all that are not queued are being filled by
    /// others, who will fill the ring.
    pub(crate) fn room(&self, evicts: bool) -> Option<Room<E>> {
        self.free.pop().or_else(|| if evicts { self.full.pop() } else { None })
    }

    /// Puts a filled room at the end of the queue; gives back one that the queue does not keep, to
    /// be [freed](Self::free).
    pub(crate) fn push(&self, room: Room<E>, evicts: bool) -> Result<(), Lost<Room<E>>> {
        if evicts {
            self.full.force_push(room).map_or(Ok(()), |oldest| Err(Lost::Evicted(oldest)))
        } else {
            self.full.push(room).map_err(Lost::Refused)
        }
    }

    /// Takes back an empty room.
    pub(crate) fn free(&self, room: Room<E>) {
        // There is place for all of them.
        let _ = self.free.push(room);
    }

    fn pop_into(&self, into: &mut Option<E>) {
        *into = None;
        if let Some(mut room) = self.full.pop() {
            swap(&mut *room, into);
            self.free(room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn niche_of_the_queue_says_which_ring_it_is() {
        assert_eq!(size_of::<Ring<u64>>(), size_of::<ArrayQueue<u64>>());
    }
}
