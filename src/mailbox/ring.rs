//! Room for the events of one subscriber: an inlet for its publishers, and an outlet for itself.

use crate::event::large::{Room, is_large};
use crate::mailbox::options::Ring;
use crate::sync::ArrayQueue;
#[cfg(feature = "lane")]
use ringbus_lane::{Consumer, Producer, PushError};
use std::marker::PhantomData;
use std::mem::{MaybeUninit, swap};
use std::sync::atomic::AtomicUsize;

/// What a ring did not keep.
#[derive(Debug)]
pub(crate) enum Lost<T> {
    /// The event itself: the ring was full.
    Refused(T),
    /// An older event, in whose place the new one is now.
    Evicted(T),
    /// The event itself: the subscriber has gone, or was told `Closed`.
    #[cfg(feature = "lane")]
    Late(T),
}

/// Where publishers push: a bounded queue of events.
///
/// The queue itself if it is an array of events that are not large, because nearly all are, and a
/// publish must not go through a pointer; its niche says if it is another one.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "see above")]
pub(crate) enum Inlet<E> {
    Array(ArrayQueue<E>),
    Other(OtherInlet<E>),
}

#[derive(Debug)]
pub(crate) enum OtherInlet<E> {
    /// Of events in rooms.
    Large(Box<Slots<E>>),
    #[cfg(feature = "lane")]
    Lane(Producer<E>),
}

/// Where the subscriber pops.
#[derive(Debug)]
pub(crate) enum Outlet<E> {
    /// From the array of the inlet, which anybody may pop.
    Array(PhantomData<fn() -> E>),
    /// The one end of a lane.
    #[cfg(feature = "lane")]
    Lane(Consumer<E>),
    /// The same, of events in rooms.
    #[cfg(feature = "lane")]
    LargeLane(Consumer<Room<E>>),
}

/// Allocates a ring of so many events.
///
/// # Panics
///
/// If there is no memory for it, and says for whom.
pub(crate) fn new<E>(ring: Ring, capacity: usize, subscriber: &str) -> (Inlet<E>, Outlet<E>) {
    let size = size_of::<E>();
    let no_memory = || -> ! {
        panic!("no memory for the ring of subscriber \"{subscriber}\": {capacity} events of {size} bytes each")
    };
    // The queues themselves would abort the process.
    if Vec::<(AtomicUsize, MaybeUninit<E>)>::new().try_reserve_exact(capacity).is_err() {
        no_memory();
    }
    match ring {
        Ring::Array if is_large::<E>() => {
            let slots = Slots::new(Rooms::Array(ArrayQueue::new(capacity)), capacity);
            (Inlet::Other(OtherInlet::Large(Box::new(slots))), Outlet::Array(PhantomData))
        }
        Ring::Array => (Inlet::Array(ArrayQueue::new(capacity)), Outlet::Array(PhantomData)),
        #[cfg(feature = "lane")]
        Ring::Lane if is_large::<E>() => {
            let Ok((producer, consumer)) = ringbus_lane::try_channel(capacity) else { no_memory() };
            let slots = Slots::new(Rooms::Lane(producer), capacity);
            (Inlet::Other(OtherInlet::Large(Box::new(slots))), Outlet::LargeLane(consumer))
        }
        #[cfg(feature = "lane")]
        Ring::Lane => {
            let Ok((producer, consumer)) = ringbus_lane::try_channel(capacity) else { no_memory() };
            (Inlet::Other(OtherInlet::Lane(producer)), Outlet::Lane(consumer))
        }
    }
}

#[cfg(feature = "lane")]
impl<T> From<PushError<T>> for Lost<T> {
    fn from(error: PushError<T>) -> Self {
        match error {
            PushError::Full(event) => Self::Refused(event),
            PushError::Closed(event) => Self::Late(event),
        }
    }
}

/// What whichever queue it is says.
macro_rules! of_queue {
    ($inlet:expr, $queue:ident => $says:expr) => {
        match $inlet {
            Inlet::Array($queue) => $says,
            Inlet::Other(OtherInlet::Large(slots)) => match &slots.full {
                Rooms::Array($queue) => $says,
                #[cfg(feature = "lane")]
                Rooms::Lane($queue) => $says,
            },
            #[cfg(feature = "lane")]
            Inlet::Other(OtherInlet::Lane($queue)) => $says,
        }
    };
}

impl<E> Inlet<E> {
    /// Puts an event in that is not [large](is_large). In an array, if it `evicts`, the oldest one
    /// makes room.
    #[inline(always)]
    pub(crate) fn push(&self, event: E, evicts: impl FnOnce() -> bool) -> Result<(), Lost<E>> {
        match self {
            Self::Array(queue) => push_to_array(queue, event, evicts()),
            #[cfg(feature = "lane")]
            Self::Other(OtherInlet::Lane(producer)) => Ok(producer.push(event)?),
            Self::Other(OtherInlet::Large(_)) => Err(Lost::Refused(event)),
        }
    }

    /// Takes an event out that is not large, if anybody may.
    #[inline]
    pub(crate) fn pop(&self) -> Option<E> {
        match self {
            Self::Array(queue) => queue.pop(),
            Self::Other(_) => None,
        }
    }

    /// Moves the oldest event into `into`, if there is one and anybody may; says whether.
    #[inline]
    pub(crate) fn pop_into(&self, into: &mut Option<E>) -> bool {
        match self {
            Self::Array(queue) => {
                // (Or else a large event would have a place on the stack here.)
                if !const { is_large::<E>() } {
                    *into = queue.pop();
                }
            }
            Self::Other(OtherInlet::Large(slots)) => {
                let room = match &slots.full {
                    Rooms::Array(full) => full.pop(),
                    #[cfg(feature = "lane")]
                    Rooms::Lane(_) => None,
                };
                slots.empty(room, into);
            }
            #[cfg(feature = "lane")]
            Self::Other(OtherInlet::Lane(_)) => {}
        }
        into.is_some()
    }

    /// Where large events are put.
    pub(crate) fn slots(&self) -> Option<&Slots<E>> {
        match self {
            Self::Other(OtherInlet::Large(slots)) => Some(slots),
            _ => None,
        }
    }

    /// The lane of events that are not large, if it is one.
    #[cfg(feature = "lane")]
    #[inline]
    pub(crate) fn lane(&self) -> Option<&Producer<E>> {
        match self {
            Self::Other(OtherInlet::Lane(producer)) => Some(producer),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        of_queue!(self, queue => queue.is_empty())
    }

    pub(crate) fn len(&self) -> usize {
        of_queue!(self, queue => queue.len())
    }
}

#[inline(always)]
fn push_to_array<T>(queue: &ArrayQueue<T>, event: T, evicts: bool) -> Result<(), Lost<T>> {
    if evicts {
        queue.force_push(event).map_or(Ok(()), |oldest| Err(Lost::Evicted(oldest)))
    } else {
        queue.push(event).map_err(Lost::Refused)
    }
}

impl<E> Outlet<E> {
    /// Takes an event out that is not large.
    #[inline(always)]
    pub(crate) fn pop(&self, inlet: &Inlet<E>) -> Option<E> {
        match self {
            #[cfg(feature = "lane")]
            Self::Lane(consumer) => consumer.pop(),
            _ => inlet.pop(),
        }
    }

    /// Moves the oldest event into `into`, if there is one; says whether.
    #[inline]
    pub(crate) fn pop_into(&self, inlet: &Inlet<E>, into: &mut Option<E>) -> bool {
        match self {
            #[cfg(feature = "lane")]
            Self::Lane(consumer) => {
                if !const { is_large::<E>() } {
                    *into = consumer.pop();
                }
                into.is_some()
            }
            #[cfg(feature = "lane")]
            Self::LargeLane(consumer) => {
                if let Some(slots) = inlet.slots() {
                    slots.empty(consumer.pop(), into);
                }
                into.is_some()
            }
            Self::Array(_) => inlet.pop_into(into),
        }
    }

    /// Moves up to `max` events that are not large into `into`; returns how many.
    #[inline]
    pub(crate) fn pop_many(&self, inlet: &Inlet<E>, into: &mut Vec<E>, max: usize) -> usize {
        match self {
            #[cfg(feature = "lane")]
            Self::Lane(consumer) => consumer.pop_many(into, max),
            _ => {
                let before = into.len();
                into.extend(std::iter::from_fn(|| inlet.pop()).take(max));
                into.len() - before
            }
        }
    }

    /// Lets nothing more be pushed into a lane. (An array takes what comes late, and whoever has
    /// pushed it empties it.)
    pub(crate) fn close(&self) {
        match self {
            #[cfg(feature = "lane")]
            Self::Lane(consumer) => consumer.close(),
            #[cfg(feature = "lane")]
            Self::LargeLane(consumer) => consumer.close(),
            Self::Array(_) => {}
        }
    }
}

/// A queue of large events, which are cloned into their rooms and moved out of them, and never
/// moved in between: what is queued are the rooms.
#[derive(Debug)]
pub(crate) struct Slots<E> {
    /// Rooms with events, in the order of these.
    full: Rooms<E>,
    /// Empty rooms, except those that somebody is filling or emptying right now. There is one more
    /// than the capacity, so that a publisher finds one while the subscriber empties another.
    free: ArrayQueue<Room<E>>,
    capacity: usize,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all are of the larger kind")]
enum Rooms<E> {
    Array(ArrayQueue<Room<E>>),
    #[cfg(feature = "lane")]
    Lane(Producer<Room<E>>),
}

impl<E> Slots<E> {
    fn new(full: Rooms<E>, capacity: usize) -> Self {
        let free = ArrayQueue::new(capacity + 1);
        while free.push(Box::new(None)).is_ok() {}
        Self { full, free, capacity }
    }

    /// A room to fill: a free one, or else, if it `evicts`, that of the oldest event, which is
    /// still in it. `None` if there is none, because all that are not queued are being filled by
    /// others, who will fill the ring.
    pub(crate) fn room(&self, evicts: bool) -> Option<Room<E>> {
        self.free.pop().or_else(|| match &self.full {
            Rooms::Array(full) if evicts => full.pop(),
            _ => None,
        })
    }

    /// A room to fill with an event that others may be about to put in as well, so that not
    /// everybody who fills one will fill the ring: a free one, or else a new one. `None` if the
    /// queue is full, and it does not `evict`.
    pub(crate) fn room_or_new(&self, evicts: bool) -> Option<Room<E>> {
        self.free.pop().or_else(|| (evicts || !self.is_full()).then(|| Box::new(None)))
    }

    fn is_full(&self) -> bool {
        let len = match &self.full {
            Rooms::Array(full) => full.len(),
            #[cfg(feature = "lane")]
            Rooms::Lane(full) => full.len(),
        };
        len == self.capacity
    }

    /// Puts a filled room at the end of the queue; gives back one that the queue does not keep, to
    /// be [freed](Self::free).
    pub(crate) fn push(&self, room: Room<E>, evicts: bool) -> Result<(), Lost<Room<E>>> {
        match &self.full {
            Rooms::Array(full) => push_to_array(full, room, evicts),
            #[cfg(feature = "lane")]
            Rooms::Lane(full) => Ok(full.push(room)?),
        }
    }

    /// Takes back an empty room.
    pub(crate) fn free(&self, room: Room<E>) {
        // There is place for all of them, but for those that were new.
        let _ = self.free.push(room);
    }

    /// Moves the event out of a room, if there is one, and frees it.
    fn empty(&self, room: Option<Room<E>>, into: &mut Option<E>) {
        *into = None;
        if let Some(mut room) = room {
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
        assert_eq!(size_of::<Inlet<u64>>(), size_of::<ArrayQueue<u64>>());
    }
}
