//! The bus as its users hold it.

pub(crate) mod builder;
pub(crate) mod core;
pub(crate) mod drain;
pub(crate) mod publisher;

use crate::bus::builder::{BusBuilder, SubscriberBuilder};
use crate::bus::core::{Core, Purpose, conclude, publish_large};
use crate::bus::drain::Drained;
use crate::bus::publisher::Publisher;
use crate::error::{BatchError, BatchErrorKind, PublishError};
use crate::event::event_type::EventType;
use crate::event::kind::EventKind;
use crate::event::large::is_large;
use crate::event::request::{Request, RequestId};
use crate::event::{DynEvent, Event};
use crate::gather::Gather;
use crate::gather::error::{RequestError, RequestErrorKind};
use crate::gather::options::RequestOptions;
use crate::mailbox::lag::Lag;
use crate::panics::Panics;
use crate::publish::dispose;
use crate::publish::hooks::LagHook;
use crate::publish::snapshot::Phase;
use crate::receive::Subscription;
use crate::receive::typed::TypedSubscription;
use crate::stats::{BusStats, Published};
use std::fmt;
use std::future::Future;
use std::mem::needs_drop;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::slice;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A handle to an event bus. It is cheap to clone: give one to each component.
///
/// Events published before [`start`](Self::start) are kept. `start` replays them to everyone
/// subscribed by then; from then on events go straight into the subscribers' rings. The bus ends
/// with [`close`](Self::close), or when the last `EventBus` and [`Publisher`] is dropped.
///
/// ```
/// use ringbus::{Event, EventBus, EventType};
/// use std::time::SystemTime;
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// struct Tick(u32);
///
/// impl Event for Tick {
///     fn event_type(&self) -> EventType { const { EventType::new("tick") } }
///     fn timestamp(&self) -> SystemTime { SystemTime::now() }
/// }
///
/// let bus = EventBus::new(100);
/// bus.publish(Tick(1))?;                 // nobody has subscribed yet: kept
/// let ticks = bus.subscribe(8);
/// assert_eq!(bus.start(), 1);            // replayed to `ticks`
/// bus.publish(Tick(2))?;                 // delivered at once
/// assert_eq!(ticks.recv()?, Tick(1));
/// assert_eq!(ticks.recv()?, Tick(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Which handle do I want?
///
/// | to | hold | keeps the bus open |
/// |---|---|---|
/// | publish, subscribe, ask and close | an `EventBus`, a clone for each component | yes |
/// | publish often, from one thread or task | a [`Publisher`] | yes |
/// | publish without keeping the bus open | a [`WeakEventBus`] | no |
/// | receive | a [`Subscription`] | no |
/// | end one subscription from elsewhere | its [`StopHandle`](crate::StopHandle) | no |
/// | wait for the answers to a request | its [`Gather`] | no |
/// | end that wait from elsewhere | its [`CancelHandle`](crate::CancelHandle) | no |
/// | take a lag hook away again | its [`LagHook`] | no |
///
/// **A component that holds an `EventBus` and receives until the bus closes waits for itself**: its
/// own handle keeps the bus open, so it never hears `Closed`, and whoever joins it hangs. Either
/// call [`close`](Self::close), which works however many handles there are, or give such a
/// component a [`WeakEventBus`]:
///
/// ```
/// # use ringbus::{Event, EventBus, EventType};
/// # use std::time::SystemTime;
/// # #[derive(Clone, Copy, Debug, PartialEq)]
/// # enum Ball { Ping, Pong }
/// # impl Event for Ball {
/// #     fn event_type(&self) -> EventType {
/// #         match self {
/// #             Ball::Ping => const { EventType::new("ping") },
/// #             Ball::Pong => const { EventType::new("pong") },
/// #         }
/// #     }
/// #     fn timestamp(&self) -> SystemTime { SystemTime::now() }
/// # }
/// # let bus = EventBus::new(0);
/// # let pongs = bus.subscriber("pongs").types([EventType::new("pong")]).subscribe();
/// let pings = bus.subscriber("player").types([EventType::new("ping")]).subscribe();
/// # bus.start();
/// let player = std::thread::spawn({
///     let bus = bus.downgrade(); // with `bus.clone()`, `join` below would never return
///     move || {
///         for _ in &pings {
///             let Some(bus) = bus.upgrade() else { break };
///             let _ = bus.publish(Ball::Pong);
///         }
///     }
/// });
/// bus.publish(Ball::Ping)?;
/// # assert_eq!(pongs.recv(), Ok(Ball::Pong));
/// drop(bus); // the last one: the bus closes
/// player.join().unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// To end a program in order, see [`close_and_drain`](Self::close_and_drain) and the example
/// `shutdown`.
pub struct EventBus<E> {
    core: Arc<Core<E>>,
}

impl<E: Event + Clone> EventBus<E> {
    /// Makes a bus that can keep `startup_capacity` events until [`start`](Self::start). Choose
    /// room for all that are published before it; one too many is refused. With 0, nothing can be
    /// published before `start`.
    ///
    /// The memory is allocated here, and freed when the last subscriber has read the replay.
    ///
    /// # Panics
    ///
    /// If there is no memory for so many events.
    #[must_use]
    pub fn new(startup_capacity: usize) -> Self {
        Self::builder().startup_capacity(startup_capacity).build()
    }

    /// Begins a bus with options.
    pub fn builder() -> BusBuilder<E> {
        BusBuilder::new()
    }

    pub(crate) fn of(core: Core<E>) -> Self {
        Self { core: Arc::new(core) }
    }

    /// Starts the bus: replays every event published so far to the present subscribers. From now on
    /// events go straight into the rings. Call it once, when every component has subscribed.
    ///
    /// Returns how many events are replayed: 0 if nobody has subscribed, or if the bus was started
    /// or closed before. Kept events that nobody will receive are counted as
    /// [`unclaimed`](BusStats::unclaimed).
    ///
    /// Other threads may publish, subscribe, receive, start and close meanwhile, and nothing is
    /// lost or reordered: each subscriber gets the whole replay, in the order in which the events
    /// were accepted, and then live events.
    ///
    /// # Panics
    ///
    /// Resumes the panic of a subscriber's waker, after all have been woken; or, if nobody has
    /// subscribed, of an event's `Drop`. On a bus that retains types, also that of an event's
    /// `event_type` or `Clone`; what cannot be cloned then is not retained.
    ///
    /// # Progress
    ///
    /// Lock-free. It takes the same time however many events are replayed, and nobody waits for it.
    /// (A bus that retains types looks for the last event of each, from the end of the log on.)
    /// The last reader of the log frees it, in time proportional to its capacity, or `start` itself
    /// if nobody has subscribed. If a publish still uses the log then, the next thread that
    /// subscribes, leaves or ends its replay frees it: a publish never does.
    pub fn start(&self) -> usize {
        self.core.start()
    }

    /// Whether the bus was started. Stays `false` if the bus was closed first.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.core.is_started()
    }

    /// Publishes an event to every subscriber that wants it. Never waits: if a ring is full, that
    /// subscriber alone loses an event, and the result and its drop counter say so.
    ///
    /// Before [`start`](Self::start) the event is kept for the replay. Every subscriber receives
    /// the events of one thread in the order in which it published them. A [`Publisher`] does the
    /// same faster.
    ///
    /// If the bus [retains](BusBuilder::retain) the event's type, the event first takes the place
    /// of the last one of that type.
    ///
    /// # Errors
    ///
    /// [`PublishError::StartupFull`] before `start`, if the start-up buffer is full, and
    /// [`PublishError::Closed`] on a closed bus. Both give the event back.
    ///
    /// # Panics
    ///
    /// Resumes the first panic of the user code that it ran (filters, hooks, wakers, the event's
    /// own methods), after every other subscriber has been served and woken.
    ///
    /// # Progress
    ///
    /// Lock-free as far as the rings are (see [the table](crate#progress)). Takes no lock,
    /// allocates nothing, and makes no system call unless a subscriber is parked. The exceptions:
    ///
    /// - A [response](Event::as_response) takes two short locks while requests are under way.
    /// - An event of a [retained](BusBuilder::retain) type allocates a new snapshot.
    /// - A thread's first publish registers the thread, with `arc-swap` and for its counts.
    /// - A publish that finds `start` halfway finishes it, which allocates a snapshot.
    /// - If a thread is suspended in the middle of freeing the very slot that is needed,
    ///   crossbeam's ring yields, by a system call.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventBus, EventType};
    /// # #[derive(Clone, Copy, Debug, PartialEq)]
    /// # struct Tick(u32);
    /// # impl Event for Tick {
    /// #     fn event_type(&self) -> EventType { const { EventType::new("tick") } }
    /// #     fn timestamp(&self) -> std::time::SystemTime { std::time::SystemTime::now() }
    /// # }
    /// let bus = EventBus::new(0);
    /// let ticks = bus.subscribe(1);
    /// bus.start();
    /// let first = bus.publish(Tick(1)).unwrap();
    /// assert_eq!((first.delivered, first.dropped), (1, 0));
    /// let second = bus.publish(Tick(2)).unwrap();          // the ring is full
    /// assert_eq!((second.delivered, second.dropped), (0, 1));
    /// assert_eq!(ticks.take_lost(), 1);
    ///
    /// bus.close();
    /// assert_eq!(bus.publish(Tick(3)).unwrap_err().into_inner(), Tick(3));
    /// ```
    #[inline]
    pub fn publish(&self, event: E) -> Result<Published, PublishError<E>> {
        if const { is_large::<E>() } {
            publish_large(event, |events, panics| self.core.publish_batch(events, Purpose::Tell, panics))
        } else {
            self.publish_small(event)
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn publish_small(&self, event: E) -> Result<Published, PublishError<E>> {
        let mut event = Some(event);
        let mut panics = Panics::default();
        let Some(offered) = self.core.publish_if_live(&mut event, &mut panics) else {
            return self.publish_not_live(&mut event, panics);
        };
        dispose(&mut event, &mut panics);
        panics.resume();
        Ok(offered.into())
    }

    #[cold]
    #[inline(never)]
    fn publish_not_live(&self, event: &mut Option<E>, mut panics: Panics) -> Result<Published, PublishError<E>> {
        let result = self.core.publish(event, &mut panics);
        conclude(result, event, panics)
    }

    /// Publishes a batch of events: each subscriber gets clones of those that it wants, in their
    /// order. The whole batch costs one check of the snapshot, one fence and one round of wake-ups.
    /// The result has the sums over the events.
    ///
    /// Before [`start`](Self::start) the events are kept one by one, so a batch may straddle the
    /// start.
    ///
    /// # Errors
    ///
    /// [`BatchError`] if the start-up buffer becomes full, or the bus is closed. It says how many
    /// events of the batch were taken before that, and what became of them. A live bus takes all
    /// or, once it is closed, none; but one that [retains](BusBuilder::retain) types may be closed
    /// in the middle of a batch. (An empty batch is always taken.)
    ///
    /// # Panics
    ///
    /// As [`publish`](Self::publish), after the whole batch was served. An event whose `Clone`
    /// panics reaches nobody if the bus has not started, or if it retains the event's type.
    ///
    /// # Progress
    ///
    /// As [`publish`](Self::publish), with the same exceptions.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventBus, EventType};
    /// # #[derive(Clone, Copy, Debug, PartialEq)]
    /// # struct Tick(u32);
    /// # impl Event for Tick {
    /// #     fn event_type(&self) -> EventType { const { EventType::new("tick") } }
    /// #     fn timestamp(&self) -> std::time::SystemTime { std::time::SystemTime::now() }
    /// # }
    /// let bus = EventBus::new(0);
    /// let ticks = bus.subscribe(2);
    /// bus.start();
    /// let published = bus.publish_batch(&[Tick(1), Tick(2), Tick(3)])?;
    /// assert_eq!((published.delivered, published.dropped), (2, 1));
    /// let mut received = Vec::new();
    /// assert_eq!(ticks.try_recv_many(&mut received, 10), 2);
    /// assert_eq!(received, [Tick(1), Tick(2)]);
    /// # Ok::<(), ringbus::BatchError>(())
    /// ```
    pub fn publish_batch(&self, events: &[E]) -> Result<Published, BatchError> {
        let mut panics = Panics::default();
        let result = self.core.publish_batch(events, Purpose::Tell, &mut panics);
        panics.resume_or(result)
    }

    /// Makes a handle that publishes faster. Keep one in each thread that publishes often.
    ///
    /// # Progress
    ///
    /// Takes a short lock that no publish ever takes.
    #[must_use]
    pub fn publisher(&self) -> Publisher<E> {
        Publisher::new(Arc::clone(&self.core))
    }

    /// Subscribes to every event, with a ring of `capacity` events ([how
    /// many?](SubscriberBuilder::capacity)), under a name like `subscriber-1`. To choose a name,
    /// event types or options, use [`subscriber`](Self::subscriber).
    ///
    /// # Panics
    ///
    /// If `capacity` is 0, or there is no memory for so many events.
    #[must_use = "dropping the subscription unsubscribes"]
    pub fn subscribe(&self, capacity: usize) -> Subscription<E> {
        self.subscriber(self.core.next_name()).capacity(capacity).subscribe()
    }

    /// Begins a subscription with options, under a name that statistics and lag reports show.
    pub fn subscriber(&self, name: impl Into<Arc<str>>) -> SubscriberBuilder<E> {
        SubscriberBuilder::new(Arc::clone(&self.core), name.into())
    }

    /// Asks several responders at once: publishes `event`, which must be a
    /// [request](Event::as_request), and gathers the [responses](Event::as_response) that carry its
    /// id.
    ///
    /// The requester needs no subscription: responses go straight to its [`Gather`], whatever the
    /// rings look like, and to subscribers like any event. The first response of each expected
    /// responder counts. Further ones are counted as duplicates, and those of other responders as
    /// unexpected, with the first of their names. [`Gather::published`] says how many subscribers
    /// the request has reached, and how many it has not.
    ///
    /// Before [`start`](Self::start), the request is kept like any event, and can be answered once
    /// it was replayed. Its timeout runs meanwhile.
    ///
    /// Do not use an id again while late answers to it may come.
    /// [`RequestId::unique`](crate::RequestId::unique) never repeats one.
    ///
    /// A request of a type that the bus [retains](BusBuilder::retain) stays retained whatever comes
    /// of it, also if it was `NotDelivered`, until it is [forgotten](Self::forget).
    ///
    /// # Errors
    ///
    /// All come at once, and give the event back:
    ///
    /// - [`NotARequest`](RequestError::NotARequest): the event is no request.
    /// - [`NoExpectedResponders`](RequestError::NoExpectedResponders),
    ///   [`DuplicateResponder`](RequestError::DuplicateResponder),
    ///   [`InvalidMinimum`](RequestError::InvalidMinimum): the options make no sense.
    /// - [`DuplicateId`](RequestError::DuplicateId): there still is a [`Gather`] of a request with
    ///   that id.
    /// - [`NotDelivered`](RequestError::NotDelivered): the bus is live, and no subscriber took the
    ///   request.
    /// - [`StartupFull`](RequestError::StartupFull), [`Closed`](RequestError::Closed): as for
    ///   `publish`.
    ///
    /// # Panics
    ///
    /// As `publish`. The request is given up then.
    ///
    /// # Progress
    ///
    /// As [`publish`](Self::publish), and two short locks: that of a shard of the map of requests,
    /// here and when the gather is dropped, and the request's own. Allocates a place for each
    /// expected responder.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{Event, EventBus, EventType, Request, RequestId, RequestOptions, Response};
    /// use std::time::{Duration, SystemTime};
    ///
    /// #[derive(Clone)]
    /// enum Vote { Called(RequestId), Cast { on: RequestId, by: &'static str } }
    ///
    /// impl Event for Vote {
    ///     fn event_type(&self) -> EventType {
    ///         match self {
    ///             Vote::Called(_) => const { EventType::new("vote.called") },
    ///             Vote::Cast { .. } => const { EventType::new("vote.cast") },
    ///         }
    ///     }
    ///     fn timestamp(&self) -> SystemTime { SystemTime::now() }
    ///     fn as_request(&self) -> Option<&dyn Request> {
    ///         if let Vote::Called(_) = self { Some(self) } else { None }
    ///     }
    ///     fn as_response(&self) -> Option<&dyn Response> {
    ///         if let Vote::Cast { .. } = self { Some(self) } else { None }
    ///     }
    /// }
    /// impl Request for Vote {
    ///     fn request_id(&self) -> RequestId { self.id() }
    /// }
    /// impl Response for Vote {
    ///     fn request_id(&self) -> RequestId { self.id() }
    ///     fn responder(&self) -> &str { if let Vote::Cast { by, .. } = self { by } else { "" } }
    /// }
    /// impl Vote {
    ///     fn id(&self) -> RequestId {
    ///         let (Vote::Called(id) | Vote::Cast { on: id, .. }) = self;
    ///         id.clone()
    ///     }
    /// }
    ///
    /// let bus = EventBus::new(0);
    /// let calls = bus.subscriber("ada").types([EventType::new("vote.called")]).subscribe();
    /// bus.start();
    /// let responder = std::thread::spawn({
    ///     let bus = bus.clone();
    ///     move || {
    ///         let Ok(Vote::Called(id)) = calls.recv() else { return };
    ///         let _ = bus.publish(Vote::Cast { on: id, by: "ada" });
    ///     }
    /// });
    ///
    /// let options = RequestOptions::expecting(["ada", "bob"]).timeout(Duration::from_millis(20));
    /// let gather = bus.request(Vote::Called(RequestId::unique()), options)?;
    /// # responder.join().unwrap();
    /// let error = gather.wait().unwrap_err();
    /// assert_eq!(error.to_string(), "the request timed out after 20ms, no response from bob");
    /// assert_eq!(error.partial().responses.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn request(&self, event: E, options: RequestOptions) -> Result<Gather<E>, RequestError<E>> {
        let mut panics = Panics::default();
        if const { needs_drop::<E>() } {
            let mut event = Some(event);
            let result = event.as_ref().map(|event| self.ask(event, &options, &mut panics));
            return conclude_request(result, &mut event, panics);
        }
        let result = self.ask(&event, &options, &mut panics);
        match panics.resume_or(result) {
            Ok(gather) => Ok(gather),
            Err(kind) => Err(RequestError::new(kind, event)),
        }
    }

    /// Makes a request of an event that stays where it is.
    fn ask(&self, event: &E, options: &RequestOptions, panics: &mut Panics) -> Result<Gather<E>, RequestErrorKind> {
        let Some(Some(id)) = panics.catch(|| event.as_request().map(Request::request_id)) else {
            return Err(RequestErrorKind::NotARequest);
        };
        options.check()?;
        let mut gather = Gather::open(self.core.requests(), id, options).ok_or(RequestErrorKind::DuplicateId)?;
        // It is registered by now: answers may come before the publish returns.
        let error = match self.core.publish_batch(slice::from_ref(event), Purpose::Ask, panics) {
            Ok(Published { buffered: 0, delivered: 0, .. }) => RequestErrorKind::NotDelivered,
            Ok(published) => {
                gather.set_published(published);
                return Ok(gather);
            }
            Err(BatchError { kind: BatchErrorKind::StartupFull, .. }) => RequestErrorKind::StartupFull,
            Err(BatchError { kind: BatchErrorKind::Closed, .. }) => RequestErrorKind::Closed,
        };
        panics.catch(|| drop(gather));
        Err(error)
    }

    /// Whether a request with that id is under way and still takes answers. A responder can use
    /// this to skip work that nobody waits for. Advisory: the request may have ended by the time
    /// this returns.
    ///
    /// # Progress
    ///
    /// One load while no request is under way; otherwise two short locks, as for a response.
    #[must_use]
    pub fn is_pending(&self, id: &RequestId) -> bool {
        self.core.requests().is_pending(id)
    }

    /// How many subscriptions there are. Advisory: that may have changed by the time this returns.
    #[must_use]
    pub fn subscriber_count(&self) -> usize {
        self.core.cell().load().subscribers.len()
    }

    /// Whether any subscription would be offered an event of this type, filters aside. A publisher
    /// can use this to skip making an event that nobody wants. Advisory; `false` on a closed bus.
    ///
    /// Publish responses whatever this says: a [request](Self::request) that waits for one has no
    /// subscription, and does not count.
    #[must_use]
    pub fn has_subscribers(&self, event_type: EventType) -> bool {
        let snapshot = self.core.cell().load();
        let routes = &snapshot.routes;
        let is_closed = matches!(snapshot.phase, Phase::Closed(_));
        !is_closed && (!routes.universal().is_empty() || routes.typed(event_type).is_some())
    }

    /// Returns the last event of a type that the bus [retains](BusBuilder::retain). `None` if none
    /// was published or it was [forgotten](Self::forget), if the type is not retained, and if the
    /// bus is closed.
    ///
    /// Before [`start`](Self::start), this looks through the start-up buffer, from its end.
    ///
    /// # Panics
    ///
    /// Resumes a panic of the event's `Clone`. An event of before the start whose `event_type`
    /// panics is of no type.
    ///
    /// # Progress
    ///
    /// Lock-free.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventBus, EventType};
    /// # use std::time::SystemTime;
    /// # #[derive(Clone, Debug, PartialEq)]
    /// # struct Leader(&'static str);
    /// # impl Event for Leader {
    /// #     fn event_type(&self) -> EventType { LEADER }
    /// #     fn timestamp(&self) -> SystemTime { SystemTime::now() }
    /// # }
    /// const LEADER: EventType = EventType::new("leader");
    ///
    /// let bus = EventBus::builder().retain([LEADER]).build();
    /// assert_eq!(bus.retained(LEADER), None);
    /// bus.publish(Leader("a"))?;
    /// bus.start();
    /// assert_eq!(bus.retained(LEADER), Some(Leader("a")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn retained(&self, event_type: EventType) -> Option<E> {
        self.core.retained(event_type)
    }

    /// Whether the bus [retains](BusBuilder::retain) this type. For companions such as
    /// `ringbus-nats`.
    #[doc(hidden)]
    #[must_use]
    pub fn retains(&self, event_type: EventType) -> bool {
        self.core.retains(event_type)
    }

    /// Forgets the last event of a type that the bus [retains](BusBuilder::retain): later
    /// subscribers do not get it, present ones do. (Before `start` it still is in the replay.) If
    /// the type is not retained, or the bus is closed, this does nothing.
    ///
    /// If nobody else needs the event any more it is dropped here, and a panic of its `Drop` goes
    /// no further than the panic hook. Otherwise it is dropped later, as described for
    /// [filters](SubscriberBuilder::filter).
    ///
    /// # Progress
    ///
    /// Lock-free.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventBus, EventType};
    /// # use std::time::SystemTime;
    /// # #[derive(Clone, Debug, PartialEq)]
    /// # struct Leader(&'static str);
    /// # impl Event for Leader {
    /// #     fn event_type(&self) -> EventType { LEADER }
    /// #     fn timestamp(&self) -> SystemTime { SystemTime::now() }
    /// # }
    /// const LEADER: EventType = EventType::new("leader");
    ///
    /// let bus = EventBus::builder().retain([LEADER]).build();
    /// bus.start();
    /// bus.publish(Leader("a"))?;
    /// bus.forget(LEADER); // it has resigned
    /// assert_eq!(bus.retained(LEADER), None);
    /// assert!(bus.subscribe(8).is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn forget(&self, event_type: EventType) {
        self.core.forget(event_type);
    }

    /// Returns what was counted so far.
    ///
    /// # Progress
    ///
    /// Takes a short lock that no publish ever takes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventBus, EventType};
    /// # #[derive(Clone, Copy, Debug, PartialEq)]
    /// # struct Tick(u32);
    /// # impl Event for Tick {
    /// #     fn event_type(&self) -> EventType { const { EventType::new("tick") } }
    /// #     fn timestamp(&self) -> std::time::SystemTime { std::time::SystemTime::now() }
    /// # }
    /// let bus = EventBus::new(0);
    /// let worker = bus.subscriber("worker").capacity(4).subscribe();
    /// bus.start();
    /// bus.publish(Tick(1)).unwrap();
    /// let stats = bus.stats();
    /// assert_eq!((stats.published, stats.subscribers[0].len), (1, 1));
    /// println!("{stats}");                                 // a table, a row for each subscriber
    /// # drop(worker);
    /// ```
    #[must_use]
    pub fn stats(&self) -> BusStats {
        self.core.stats()
    }

    /// Calls `hook` when a subscriber begins to lose events: once per [episode](Lag), not once per
    /// event, and never for [lossy](SubscriberBuilder::lossy) subscribers. [`LagHook::remove`]
    /// takes the hook away again; dropping the handle does not. On a closed bus, this does nothing.
    ///
    /// The hook runs on the thread whose publish found the ring full, after that publish has served
    /// everybody, and under no lock; so it may call back into the bus. What a hook publishes, on
    /// whichever bus, runs no hooks: an episode that begins there is reported with the next loss.
    ///
    /// A hook that owns an `EventBus` keeps the bus open. Let it own a [`WeakEventBus`], or call
    /// [`close`](Self::close), which drops the hooks.
    ///
    /// What a hook owns is dropped by `remove` or `close`. If a publish is calling the hook
    /// meanwhile, that publish drops it at its very end, and a panic there goes no further than the
    /// panic hook.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventBus, EventType};
    /// # #[derive(Clone, Copy, Debug, PartialEq)]
    /// # struct Tick(u32);
    /// # impl Event for Tick {
    /// #     fn event_type(&self) -> EventType { const { EventType::new("tick") } }
    /// #     fn timestamp(&self) -> std::time::SystemTime { std::time::SystemTime::now() }
    /// # }
    /// let bus = EventBus::new(0);
    /// let slow = bus.subscriber("slow").capacity(1).subscribe();
    /// bus.start();
    /// let hook = bus.on_lag(|lag| eprintln!("{} is losing events", lag.subscriber));
    /// for n in 1..=5 {
    ///     bus.publish(Tick(n)).unwrap();                   // slow is losing events: said once
    /// }
    /// hook.remove();
    /// assert_eq!(slow.lost(), 4);
    /// ```
    pub fn on_lag(&self, hook: impl Fn(&Lag) + Send + Sync + 'static) -> LagHook {
        self.core.cell().load().hooks.add(hook)
    }

    /// Closes the bus, for good. Publishing fails from now on. Subscribers wake, receive what was
    /// accepted before, and then `Closed`; if the bus never started, they receive what was kept
    /// until now. Requests under way end with the responses that arrived. Closing again does
    /// nothing.
    ///
    /// A publish that races with this may report deliveries that come too late to be received. They
    /// are counted as [discarded](crate::SubscriberStats::discarded).
    ///
    /// # Panics
    ///
    /// Resumes the panic of a waker, of what a hook owns, or of the `Drop` of an event that was
    /// kept for the replay, after all have been woken.
    ///
    /// # Progress
    ///
    /// Lock-free, and then a short lock for each shard of the map of requests and for each request.
    pub fn close(&self) {
        self.core.close();
    }

    /// Closes the bus, and waits until every subscriber has received what it had, or has left, but
    /// no longer than `within`. Returns who has not. [`Duration::MAX`] waits for ever.
    ///
    /// The thread is parked meanwhile and uses no CPU. A subscriber that has received its last
    /// event may still be at work on it. A subscription that nobody reads, or that the calling
    /// thread itself should read, is waited for in vain; so is one that does not ask again after
    /// its last event, if there are events in the replay behind that which it does not want, or if
    /// it took that event in the very moment of the close.
    ///
    /// # Panics
    ///
    /// As [`close`](Self::close).
    ///
    /// # Examples
    ///
    /// To shut a program down, stop those who publish, close and drain, and then join those who
    /// receive:
    ///
    /// ```
    /// # use ringbus::{Event, EventBus, EventType};
    /// # use std::{thread, time::{Duration, SystemTime}};
    /// # #[derive(Clone)]
    /// # struct Job;
    /// # impl Event for Job {
    /// #     fn event_type(&self) -> EventType { const { EventType::new("job") } }
    /// #     fn timestamp(&self) -> SystemTime { SystemTime::now() }
    /// # }
    /// # let bus = EventBus::new(0);
    /// let jobs = bus.subscriber("worker").subscribe();
    /// bus.start();
    /// let worker = thread::spawn(move || {
    ///     let mut done = 0;
    ///     for _job in &jobs {                         // ends when the bus is closed
    ///         done += 1;
    ///     }
    ///     done
    /// });
    /// bus.publish(Job)?;
    ///
    /// let drained = bus.close_and_drain(Duration::from_secs(5));
    /// if !drained.is_complete() {
    ///     eprintln!("{drained}");                     // worker has 3 events unread
    /// }
    /// assert_eq!(worker.join().unwrap(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// If a subscriber does not read, the result says which:
    ///
    /// ```
    /// # use ringbus::{Event, EventBus, EventType};
    /// # use std::time::Duration;
    /// # #[derive(Clone, Copy, Debug, PartialEq)]
    /// # struct Tick(u32);
    /// # impl Event for Tick {
    /// #     fn event_type(&self) -> EventType { const { EventType::new("tick") } }
    /// #     fn timestamp(&self) -> std::time::SystemTime { std::time::SystemTime::now() }
    /// # }
    /// let bus = EventBus::new(0);
    /// let ticks = bus.subscriber("worker").subscribe();
    /// let stuck = bus.subscriber("stuck").subscribe();
    /// bus.start();
    /// bus.publish(Tick(1))?;
    /// let worker = std::thread::spawn(move || ticks.into_iter().count());
    ///
    /// let drained = bus.close_and_drain(Duration::from_millis(50));
    /// assert!(!drained.is_complete());
    /// assert_eq!(drained.to_string(), "stuck has 1 event unread");
    /// assert_eq!(worker.join().unwrap(), 1);
    /// # drop(stuck);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close_and_drain(&self, within: Duration) -> Drained {
        self.core.close_and_drain(within)
    }

    /// As [`close_and_drain`](Self::close_and_drain), for a task, on any runtime. Waits no longer
    /// than until `stop` is ready, such as a sleep. Closes the bus when it is first polled.
    ///
    /// # Panics
    ///
    /// As `close`, and resumes a panic of `stop`.
    pub async fn close_and_drain_async(&self, stop: impl Future) -> Drained {
        self.core.close_and_drain_async(stop).await
    }

    /// Whether the bus is closed. Once `true`, always `true`.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.core.cell().load().phase, Phase::Closed(_))
    }

    /// Makes a handle that does not keep the bus open: for hooks, filters and events, and for
    /// components that receive until the bus closes.
    #[must_use]
    pub fn downgrade(&self) -> WeakEventBus<E> {
        WeakEventBus { core: Arc::downgrade(&self.core) }
    }
}

impl EventBus<DynEvent> {
    /// Subscribes to the events that are a `T`, and receives them as `Arc<T>`: with a ring of
    /// `capacity` events, under a name like `subscriber-1`. Events of other kinds cost nothing for
    /// this subscriber. To choose a name or options, use [`SubscriberBuilder::subscribe_to`].
    ///
    /// # Panics
    ///
    /// If `capacity` is 0, or there is no memory for so many events.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::{DynEvent, Event, EventBus, EventKind, EventType};
    /// use std::{sync::Arc, time::SystemTime};
    ///
    /// struct ConfigLoaded { path: String, at: SystemTime }
    ///
    /// impl EventKind for ConfigLoaded {
    ///     const EVENT_TYPE: EventType = EventType::new("config.loaded");
    /// }
    ///
    /// impl Event for ConfigLoaded {
    ///     fn event_type(&self) -> EventType { Self::EVENT_TYPE }
    ///     fn timestamp(&self) -> SystemTime { self.at }
    /// }
    ///
    /// let bus: EventBus<DynEvent> = EventBus::new(0);
    /// let loaded = bus.subscribe_to::<ConfigLoaded>(8);
    /// bus.start();
    /// bus.publish(Arc::new(ConfigLoaded { path: "a.toml".into(), at: SystemTime::now() }))?;
    ///
    /// let event: Arc<ConfigLoaded> = loaded.recv()?;
    /// assert_eq!(event.path, "a.toml");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "dropping the subscription unsubscribes"]
    pub fn subscribe_to<T: EventKind>(&self, capacity: usize) -> TypedSubscription<T> {
        self.subscriber(self.core.next_name()).capacity(capacity).subscribe_to()
    }
}

// No panic of user code leaves the bus in a state that anyone could see.
impl<E> UnwindSafe for EventBus<E> {}
impl<E> RefUnwindSafe for EventBus<E> {}
impl<E> UnwindSafe for WeakEventBus<E> {}
impl<E> RefUnwindSafe for WeakEventBus<E> {}

impl<E> Clone for EventBus<E> {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core) }
    }
}

impl<E> fmt::Debug for EventBus<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBus").field("stats", &self.core.stats()).finish_non_exhaustive()
    }
}

/// A handle that does not keep the bus open, from [`EventBus::downgrade`].
///
/// For hooks, filters and events that need the bus: the bus holds them, so with an [`EventBus`] of
/// their own they would keep it open for ever. And for a component that receives until the bus
/// closes, see [which handle to hold](EventBus#which-handle-do-i-want).
///
/// Upgrade it for each use, and drop the `EventBus` before you wait for the next event.
pub struct WeakEventBus<E> {
    core: Weak<Core<E>>,
}

impl<E: Event + Clone> WeakEventBus<E> {
    /// Returns the bus, unless the last `EventBus` and [`Publisher`] is gone.
    #[must_use]
    pub fn upgrade(&self) -> Option<EventBus<E>> {
        self.core.upgrade().map(|core| EventBus { core })
    }
}

impl<E> Clone for WeakEventBus<E> {
    fn clone(&self) -> Self {
        Self { core: Weak::clone(&self.core) }
    }
}

impl<E> fmt::Debug for WeakEventBus<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakEventBus").finish_non_exhaustive()
    }
}

/// Ends a request: drops the event, or hands it back if it was refused, and resumes the first
/// panic, whereupon the request is given up.
#[inline(never)]
fn conclude_request<E>(
    result: Option<Result<Gather<E>, RequestErrorKind>>,
    event: &mut Option<E>,
    mut panics: Panics,
) -> Result<Gather<E>, RequestError<E>> {
    // Not left to the unwinding, where a panic of its own would abort the process.
    if matches!(result, Some(Ok(_))) || panics.will_resume() {
        panics.catch(|| *event = None);
    }
    match (panics.resume_or(result), event.take()) {
        (Some(Ok(gather)), _) => Ok(gather),
        (Some(Err(kind)), Some(event)) => Err(RequestError::new(kind, event)),
        (None, _) | (_, None) => unreachable!("there is an event, and only a request that was made takes it"),
    }
}
