//! What a subscriber can ask for.

use crate::event::event_type::EventType;
use crate::mailbox::filter::Filter;
use crate::panics::drop_guarded;
use std::fmt;
use std::sync::Arc;

/// What happens if a subscriber's ring is full. Other subscribers are not affected either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// The event that finds no room is lost to this subscriber; its publish reports it as dropped.
    #[default]
    DropNewest,
    /// The oldest event in the ring makes room. The publish reports a delivery, and the eviction is
    /// counted for the subscriber. The evicted event's `Drop` runs on the publisher's thread. (If
    /// the event is [large](crate::Event#large-events), and other publishers fill all the room
    /// there is just then, the new event is dropped instead.)
    DropOldest,
}

/// The kind of ring that keeps a subscriber's events.
///
/// | | [`Array`](Self::Array) | `Lane` |
/// |---|---|---|
/// | made of | `crossbeam_queue::ArrayQueue` | `ringbus_lane`, with the cargo feature `lane` |
/// | read-modify-writes per event | two: one to push, one to pop | one to push; one per 32 events of a batch, if they have up to 128 bytes and go to subscribers to everything |
/// | fence per publish | one | none, if all subscribers have lanes |
/// | memory for | its capacity | the next power of two |
/// | `unsafe` code | crossbeam's | ringbus's own, all of it in one file |
///
/// All guarantees hold for both. Take lanes if throughput counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ring {
    /// A queue of many producers and many consumers.
    #[default]
    Array,
    /// A queue of many producers and one consumer. With [`Overflow::DropOldest`], where publishers
    /// pop as well, the subscriber gets an array nevertheless;
    /// [`SubscriberStats::ring`](crate::SubscriberStats::ring) says so.
    #[cfg(feature = "lane")]
    Lane,
}

impl Ring {
    /// Its name in texts.
    #[cfg(feature = "serde")]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Array => "array",
            #[cfg(feature = "lane")]
            Self::Lane => "lane",
        }
    }
}

/// How the blocking calls of a subscription wait. The async ones always wait for a wake-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WaitStrategy {
    /// Looks around for some microseconds, then parks the thread. Uses no CPU while parked; the
    /// publisher that ends the wait makes a system call.
    ///
    /// If events stream in at full speed, it lets the publisher run ahead: it looks away for two
    /// microseconds at a time, or less if the ring is small, so that the ring does not run full.
    /// Both sides are several times as fast then, and an event may be received that much later.
    #[default]
    Park,
    /// Gives the processor to other threads between looks. Uses all the CPU it gets. On busy
    /// processors a thread that yields may be gone for many milliseconds, so a call whose deadline
    /// is less than 100 ms away parks instead.
    Yield,
    /// Looks without a pause. The lowest latency, for the price of a core. (A time-out comes late
    /// if the system gives the core to somebody else meanwhile.)
    Spin,
}

/// Events a ring holds unless the subscriber says otherwise.
const DEFAULT_CAPACITY: usize = 256;

/// In the order of the fields: what a publish looks at comes last, see
/// [`Mailbox`](crate::mailbox::Mailbox).
#[repr(C)]
pub(crate) struct SubscriberOptions<E> {
    pub(crate) name: Arc<str>,
    /// Wanted types without repetition; `None` for all.
    pub(crate) types: Option<Arc<[EventType]>>,
    pub(crate) capacity: usize,
    pub(crate) filter: Option<Filter<E>>,
    pub(crate) overflow: Overflow,
    pub(crate) lossy: bool,
    pub(crate) wait: WaitStrategy,
    pub(crate) ring: Ring,
    /// Whether the subscriber gets the retained events of before its subscription.
    pub(crate) retained: bool,
}

impl<E> SubscriberOptions<E> {
    pub(crate) fn new(name: Arc<str>, ring: Ring) -> Self {
        Self {
            name,
            capacity: DEFAULT_CAPACITY,
            types: None,
            filter: None,
            overflow: Overflow::default(),
            lossy: false,
            wait: WaitStrategy::default(),
            ring,
            retained: true,
        }
    }
}

impl<E> SubscriberOptions<E> {
    /// What the events are kept in: publishers that evict the oldest one need an array.
    pub(crate) fn ring(&self) -> Ring {
        match self.overflow {
            Overflow::DropNewest => self.ring,
            Overflow::DropOldest => Ring::Array,
        }
    }
}

impl<E> Drop for SubscriberOptions<E> {
    fn drop(&mut self) {
        drop_guarded(self.filter.take());
    }
}

impl<E> fmt::Debug for SubscriberOptions<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriberOptions")
            .field("name", &self.name)
            .field("capacity", &self.capacity)
            .field("types", &self.types)
            .field("filter", &self.filter.is_some())
            .field("overflow", &self.overflow)
            .field("lossy", &self.lossy)
            .field("wait", &self.wait)
            .field("ring", &self.ring)
            .field("retained", &self.retained)
            .finish()
    }
}
