//! Making a bus, and subscribing, step by step.

use crate::bus::EventBus;
use crate::bus::core::Core;
use crate::event::event_type::EventType;
use crate::event::kind::EventKind;
use crate::event::{DynEvent, Event};
use crate::mailbox::Mailbox;
use crate::mailbox::end::Ended;
use crate::mailbox::filter::Filter;
use crate::mailbox::options::{Overflow, Ring, SubscriberOptions, WaitStrategy};
use crate::panics::{drop_guarded, swallow};
use crate::publish::snapshot::Phase;
use crate::receive::Subscription;
use crate::receive::replay::Replay;
use crate::receive::typed::TypedSubscription;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// Makes a bus with options. From [`EventBus::builder`].
///
/// ```
/// # use ringbus::{DynEvent, EventBus};
/// let bus: EventBus<DynEvent> = EventBus::builder().startup_capacity(100).build();
/// ```
///
/// With the cargo feature `lane`, the rings of all subscribers can be lanes:
///
/// ```
/// # #[cfg(feature = "lane")] {
/// use ringbus::{DynEvent, EventBus, Ring};
///
/// let bus: EventBus<DynEvent> = EventBus::builder().ring(Ring::Lane).build();
/// # }
/// ```
#[derive(Clone)]
#[must_use = "there is no bus until `build` is called"]
pub struct BusBuilder<E> {
    startup_capacity: usize,
    ring: Ring,
    /// Without repetition.
    retained: Vec<EventType>,
    events: PhantomData<fn() -> E>,
}

/// Events a start-up buffer holds unless the builder says otherwise.
const DEFAULT_STARTUP_CAPACITY: usize = 1_024;

impl<E: Event + Clone> BusBuilder<E> {
    pub(crate) fn new() -> Self {
        Self {
            startup_capacity: DEFAULT_STARTUP_CAPACITY,
            ring: Ring::default(),
            retained: Vec::new(),
            events: PhantomData,
        }
    }

    /// Sets how many events may be published before [`start`](EventBus::start); 1,024 unless set.
    /// One too many is [refused](crate::PublishError::StartupFull).
    pub fn startup_capacity(mut self, startup_capacity: usize) -> Self {
        self.startup_capacity = startup_capacity;
        self
    }

    /// Sets which kind of ring subscribers get, unless they [choose](SubscriberBuilder::ring) one;
    /// [`Ring::Array`] unless set.
    pub fn ring(mut self, ring: Ring) -> Self {
        self.ring = ring;
        self
    }

    /// Retains the last event of each of these types: a later subscriber receives it first, and
    /// then what is published from then on. Use it for what a late component must know: who leads,
    /// which configuration is in force.
    ///
    /// [`EventBus::retained`] reads such an event, and [`EventBus::forget`] lets go of it. A
    /// subscriber [can do without](SubscriberBuilder::retained). Replaces what was set before; none
    /// are retained unless set, or if the list is empty. A type named twice counts once.
    ///
    /// Retain types that change now and then: publishing one allocates, and copies a small part of
    /// the snapshot. On such a bus, publishing other types costs one look at their type. On other
    /// buses it costs nothing.
    ///
    /// If user code that such an event runs publishes another one of its type, that comes behind
    /// it. Its publish returns at once, as if the event were
    /// [buffered](crate::Published::buffered), and the publish that it interrupts delivers it and
    /// reports its deliveries (a request, its own alone). Until that returns, other events may
    /// overtake it, and a close may lose it. (In a batch, a request or a
    /// [large event](crate::Event#large-events), `Clone` runs first: what that publishes comes
    /// before.)
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventBus, EventType};
    /// # use std::time::SystemTime;
    /// # #[derive(Clone, Debug, PartialEq)]
    /// # enum Cluster { Leader(&'static str), Beat }
    /// # impl Event for Cluster {
    /// #     fn event_type(&self) -> EventType {
    /// #         match self {
    /// #             Cluster::Leader(_) => LEADER,
    /// #             Cluster::Beat => const { EventType::new("beat") },
    /// #         }
    /// #     }
    /// #     fn timestamp(&self) -> SystemTime { SystemTime::now() }
    /// # }
    /// const LEADER: EventType = EventType::new("leader");
    ///
    /// let bus = EventBus::builder().retain([LEADER]).build();
    /// bus.start();
    /// bus.publish(Cluster::Leader("a"))?;
    /// bus.publish(Cluster::Leader("b"))?;
    /// bus.publish(Cluster::Beat)?;
    ///
    /// let late = bus.subscribe(8);
    /// bus.publish(Cluster::Leader("c"))?;
    /// assert_eq!(late.try_recv(), Ok(Cluster::Leader("b"))); // the last one of before
    /// assert_eq!(late.try_recv(), Ok(Cluster::Leader("c"))); // and every later one
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retain(mut self, types: impl IntoIterator<Item = EventType>) -> Self {
        self.retained.clear();
        for event_type in types {
            if !self.retained.contains(&event_type) {
                self.retained.push(event_type);
            }
        }
        self
    }

    /// Makes the bus. The memory of its start-up buffer is allocated here.
    ///
    /// # Panics
    ///
    /// If there is no memory for the start-up buffer.
    #[must_use]
    pub fn build(self) -> EventBus<E> {
        EventBus::of(Core::new(self.startup_capacity, self.ring, self.retained))
    }
}

impl<E> fmt::Debug for BusBuilder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusBuilder")
            .field("startup_capacity", &self.startup_capacity)
            .field("ring", &self.ring)
            .field("retained", &self.retained)
            .finish()
    }
}

/// Subscribes with options. From [`EventBus::subscriber`](crate::EventBus::subscriber). Keeps the
/// bus open until it is used or dropped.
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
        let options = SubscriberOptions::new(name, core.ring());
        Self { core, options }
    }

    /// Sets how many events the ring holds; 256 unless set.
    ///
    /// The ring must hold what is published while the subscriber is busy with one event, or is not
    /// running: *events per second × longest pause*. At 50,000 events a second, a subscriber that
    /// is away for up to 20 ms needs 1,000. Then look at
    /// [`high_water`](crate::SubscriberStats::high_water), which says how full the ring became.
    ///
    /// The ring is allocated when you subscribe: its capacity times the size of an event and 8
    /// bytes more. (A lane rounds up to the next power of two.)
    ///
    /// # Panics
    ///
    /// If `capacity` is 0.
    pub fn capacity(mut self, capacity: usize) -> Self {
        assert!(capacity > 0, "the ring of subscriber \"{}\" needs a capacity of at least 1 event", self.options.name);
        self.options.capacity = capacity;
        self
    }

    /// Asks for events of these types only. Replaces what was set before; a
    /// [`filter`](Self::filter) applies in addition.
    ///
    /// Publishing an event of another type costs nothing for this subscriber. Use constants if you
    /// can: the compiler does not check a name.
    ///
    /// ```
    /// # use ringbus::{DynEvent, EventBus, EventType};
    /// # let bus: EventBus<DynEvent> = EventBus::new(0);
    /// const LOADED: EventType = EventType::new("config.loaded");
    ///
    /// let by_constant = bus.subscriber("loader").types([LOADED]).subscribe();
    /// let by_name = bus.subscriber("audit").types(["config.loaded", "config.gone"]).subscribe();
    /// # assert_eq!(by_name.stats().types.unwrap()[0], LOADED);
    /// # assert_eq!(by_constant.stats().types.unwrap().len(), 1);
    /// ```
    ///
    /// # Panics
    ///
    /// If the list is empty: such a subscriber would never receive anything.
    pub fn types<T: Into<EventType>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        let mut distinct = Vec::new();
        for event_type in types.into_iter().map(Into::into) {
            if !distinct.contains(&event_type) {
                distinct.push(event_type);
            }
        }
        assert!(!distinct.is_empty(), "the list of types of subscriber \"{}\" is empty", self.options.name);
        self.options.types = Some(distinct.into());
        self
    }

    /// Asks only for events that pass `filter`. Replaces what was set before;
    /// [`types`](Self::types) apply in addition.
    ///
    /// The filter runs on the publishing thread for live events, and on the receiving one for the
    /// replay. It runs under no lock, and should be quick. What it refuses is counted, for which
    /// each filter takes 3 KiB. If threads publish a [retained](BusBuilder::retain) type at the
    /// same time, two of them may ask it about one event, and either answer may count: let it
    /// depend on the event alone.
    ///
    /// If it panics for a live event, this subscriber loses that event, which counts as dropped;
    /// the others get it, and then the panic resumes in the publisher. If it panics for a replayed
    /// event, that counts as discarded, and the panic resumes in the receiving call.
    ///
    /// What the filter owns is dropped with the subscription, by the same thread. A publish under
    /// way may still call the filter for a moment. If one does, or an idle
    /// [`Publisher`](crate::Publisher) keeps an older snapshot, the filter is dropped later: by the
    /// next thread that subscribes, unsubscribes, stops a subscription, receives the last event of
    /// its replay, drops a publisher, or starts or closes the bus; never by a publish, unless that
    /// is of a [retained](BusBuilder::retain) type. A panic as it is dropped there goes no further
    /// than the panic hook.
    pub fn filter(mut self, filter: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        drop_guarded(self.options.filter.replace(Filter::new(filter)));
        self
    }

    /// Sets what happens if the ring is full; [`Overflow::DropNewest`] unless set.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.options.overflow = overflow;
        self
    }

    /// Sets whether losing events is all right; `false` unless set. If it is, lost events are
    /// counted, but never reported to [`on_lag`](crate::EventBus::on_lag).
    pub fn lossy(mut self, lossy: bool) -> Self {
        self.options.lossy = lossy;
        self
    }

    /// Sets how the blocking calls wait; [`WaitStrategy::Park`] unless set.
    pub fn wait(mut self, wait: WaitStrategy) -> Self {
        self.options.wait = wait;
        self
    }

    /// Sets the kind of ring; that of the [bus](BusBuilder::ring) unless set.
    pub fn ring(mut self, ring: Ring) -> Self {
        self.options.ring = ring;
        self
    }

    /// Sets whether the subscription begins with the events that the bus
    /// [retains](BusBuilder::retain); `true` unless set. Has no effect before `start`: the replay
    /// has them all.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventBus, EventType};
    /// # use std::time::SystemTime;
    /// # #[derive(Clone, Debug, PartialEq)]
    /// # struct Leader(&'static str);
    /// # impl Event for Leader {
    /// #     fn event_type(&self) -> EventType { const { EventType::new("leader") } }
    /// #     fn timestamp(&self) -> SystemTime { SystemTime::now() }
    /// # }
    /// let bus = EventBus::builder().retain([EventType::new("leader")]).build();
    /// bus.start();
    /// bus.publish(Leader("a"))?;
    /// let changes = bus.subscriber("changes").retained(false).subscribe();
    /// bus.publish(Leader("b"))?;
    /// assert_eq!(changes.try_recv(), Ok(Leader("b")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retained(mut self, retained: bool) -> Self {
        self.options.retained = retained;
        self
    }

    /// Subscribes.
    ///
    /// Every publish that happens after this has returned is offered. Before `start`, the
    /// subscription also gets the whole replay; after it, the last event of each type that it wants
    /// and the bus [retains](BusBuilder::retain), in the order in which they were published.
    ///
    /// On a closed bus, the subscription is closed from the beginning, and neither the bus's count
    /// of subscribers nor its statistics have it.
    ///
    /// # Panics
    ///
    /// If there is no memory for a ring of that capacity. The message names the subscriber, and
    /// nothing is subscribed.
    ///
    /// # Progress
    ///
    /// Lock-free. Copies a small part of the list of subscribers and, if this one takes every type,
    /// the list of those that do.
    #[must_use = "dropping the subscription unsubscribes"]
    pub fn subscribe(self) -> Subscription<E> {
        let cell = self.core.cell();
        let (mailbox, outlet) = Mailbox::new(self.options);
        let mailbox = Arc::new(mailbox.with_gates(self.core.retained_types()));
        let (phase, retained) = cell.join(&mailbox);
        let replay = match phase {
            Phase::Starting(log) => Some(Replay::of_log(log)),
            Phase::Live | Phase::Retaining => {
                retained.as_ref().and_then(|retained| Replay::of_retained(retained, &mailbox))
            }
            Phase::Closed(_) => {
                mailbox.end(Ended::Drain);
                None
            }
        };
        swallow(|| drop(retained));
        Subscription::new(cell.downgrade(), mailbox, outlet, replay)
    }
}

impl SubscriberBuilder<DynEvent> {
    /// [Subscribes](Self::subscribe) to the events that are a `T`, and receives them as `Arc<T>`.
    /// Replaces [`types`](Self::types). A [`filter`](Self::filter) applies in addition, and sees
    /// only `T`s.
    ///
    /// An event of `T`'s kind that is another Rust type is refused, and counted as
    /// [filtered](crate::SubscriberStats::filtered). A `T` whose own
    /// [`event_type`](Event::event_type) is not [`EventKind::EVENT_TYPE`] is not received either.
    ///
    /// # Panics
    ///
    /// As [`subscribe`](Self::subscribe).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{DynEvent, Event, EventBus, EventKind, EventType, Overflow};
    /// # use std::{sync::Arc, time::SystemTime};
    /// # struct Price { cents: u32 }
    /// # impl EventKind for Price { const EVENT_TYPE: EventType = EventType::new("price"); }
    /// # impl Event for Price {
    /// #     fn event_type(&self) -> EventType { Self::EVENT_TYPE }
    /// #     fn timestamp(&self) -> SystemTime { SystemTime::now() }
    /// # }
    /// let bus: EventBus<DynEvent> = EventBus::new(0);
    /// let prices = bus.subscriber("board").overflow(Overflow::DropOldest).subscribe_to::<Price>();
    /// bus.start();
    /// bus.publish(Arc::new(Price { cents: 95 }))?;
    /// assert_eq!(prices.recv()?.cents, 95);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "dropping the subscription unsubscribes"]
    pub fn subscribe_to<T: EventKind>(mut self) -> TypedSubscription<T> {
        let is_one = |event: &DynEvent| event.is::<T>();
        self.options.filter = Some(match self.options.filter.take() {
            Some(filter) => filter.after(is_one),
            None => Filter::new(is_one),
        });
        TypedSubscription::new(self.types([T::EVENT_TYPE]).subscribe())
    }
}

impl<E> fmt::Debug for SubscriberBuilder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SubscriberBuilder").field(&self.options).finish()
    }
}
