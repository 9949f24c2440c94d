//! What a subscriber asks for.

use crate::core::Core;
use crate::event::Event;
use crate::event_type::EventType;
use crate::subscription::Subscription;
use std::fmt;
use std::sync::Arc;

/// What happens to an event for which a subscriber's ring has no room. Other subscribers are not affected either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// The event that finds no room is lost to this subscriber; its publish reports it as dropped.
    #[default]
    DropNewest,
    /// The oldest event in the ring makes room. The publish reports a delivery, and the eviction is counted for the
    /// subscriber. The evicted event's `Drop` runs on the publisher's thread.
    DropOldest,
}

/// How the blocking calls of a subscription wait. The async ones always wait for a wake-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WaitStrategy {
    /// Spins for a moment, then parks the thread. Uses no CPU while parked; the publisher that ends the wait makes a system call.
    #[default]
    Park,
    /// Gives the processor to other threads between looks. Uses all the CPU it gets.
    Yield,
    /// Looks without a pause. The lowest latency, for the price of a core.
    Spin,
}

/// Events a ring holds unless the subscriber says otherwise.
const DEFAULT_CAPACITY: usize = 256;

type Filter<E> = Box<dyn Fn(&E) -> bool + Send + Sync>;

pub(crate) struct SubscriberOptions<E> {
    pub(crate) name: Arc<str>,
    pub(crate) capacity: usize,
    /// Wanted types without repetition; `None` for all.
    pub(crate) types: Option<Vec<EventType>>,
    pub(crate) filter: Option<Filter<E>>,
    pub(crate) overflow: Overflow,
    pub(crate) lossy: bool,
    pub(crate) wait: WaitStrategy,
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
            .finish()
    }
}

/// A subscription in the making, from [`EventBus::subscriber`](crate::EventBus::subscriber). Keeps the bus open until it is
/// used or dropped.
///
/// ```
/// # use ringbus::{DynEvent, Event, EventBus, EventType, Overflow};
/// # let bus: EventBus<DynEvent> = EventBus::new(16);
/// let verdicts = bus
///     .subscriber("reconciler")
///     .capacity(64)
///     .types([EventType::new("verdict.accepted"), EventType::new("verdict.refused")])
///     .filter(|event| event.as_response().is_none())
///     .overflow(Overflow::DropOldest)
///     .subscribe();
/// assert_eq!(verdicts.capacity(), 64);
/// ```
#[must_use = "nothing is subscribed until `subscribe` is called"]
pub struct SubscriberBuilder<E> {
    core: Arc<Core<E>>,
    options: SubscriberOptions<E>,
}

impl<E: Event + Clone> SubscriberBuilder<E> {
    pub(crate) fn new(core: Arc<Core<E>>, name: Arc<str>) -> Self {
        let options = SubscriberOptions {
            name,
            capacity: DEFAULT_CAPACITY,
            types: None,
            filter: None,
            overflow: Overflow::default(),
            lossy: false,
            wait: WaitStrategy::default(),
        };
        Self { core, options }
    }

    /// Sets how many events the ring holds; 256 unless set. Its memory is allocated when subscribing.
    ///
    /// # Panics
    ///
    /// Where `capacity` is 0.
    pub fn capacity(mut self, capacity: usize) -> Self {
        assert!(capacity > 0, "the ring of subscriber \"{}\" needs a capacity of at least 1 event", self.options.name);
        self.options.capacity = capacity;
        self
    }

    /// Asks for events of these types only. Replaces what was set before; a [`filter`](Self::filter) applies in addition.
    ///
    /// Publishing an event of another type costs nothing for this subscriber.
    ///
    /// # Panics
    ///
    /// Where the list is empty: such a subscriber would never receive anything.
    pub fn types(mut self, types: impl IntoIterator<Item = EventType>) -> Self {
        let mut distinct = Vec::new();
        for event_type in types {
            if !distinct.contains(&event_type) {
                distinct.push(event_type);
            }
        }
        assert!(!distinct.is_empty(), "the list of types of subscriber \"{}\" is empty", self.options.name);
        self.options.types = Some(distinct);
        self
    }

    /// Asks only for events that pass `filter`. Replaces what was set before; [`types`](Self::types) apply in addition.
    ///
    /// The filter runs on the publishing thread for live events, and on the receiving one for the replay, under no lock; it
    /// should be quick. A publish under way may still call it for a moment after the subscription was dropped.
    ///
    /// Where it panics for a live event, that is lost to this subscriber and counted as dropped, the others get it, and then
    /// the panic resumes in the publisher. Where it panics for a replayed one, that counts as discarded, and the panic
    /// goes through the receiving call.
    pub fn filter(mut self, filter: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        self.options.filter = Some(Box::new(filter));
        self
    }

    /// Sets what happens when the ring is full; [`Overflow::DropNewest`] unless set.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.options.overflow = overflow;
        self
    }

    /// Says that losing events is all right: they are counted, and never reported to [`on_lag`](crate::EventBus::on_lag).
    pub fn lossy(mut self, lossy: bool) -> Self {
        self.options.lossy = lossy;
        self
    }

    /// Sets how the blocking calls wait; [`WaitStrategy::Park`] unless set.
    pub fn wait(mut self, wait: WaitStrategy) -> Self {
        self.options.wait = wait;
        self
    }

    /// Subscribes.
    ///
    /// Every publish that happens after this has returned is offered. Before `start`, the subscription is
    /// also entitled to the whole replay. On a closed bus, the subscription is closed from the beginning.
    ///
    /// Progress: lock-free; copies the list of subscribers.
    #[must_use = "dropping the subscription unsubscribes"]
    pub fn subscribe(self) -> Subscription<E> {
        Core::subscribe(&self.core, self.options)
    }
}

impl<E> fmt::Debug for SubscriberBuilder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SubscriberBuilder").field(&self.options).finish()
    }
}
