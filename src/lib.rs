//! An in-process event bus: publishing never waits, every subscriber has a ring of its own, and
//! events published before the start are replayed to everybody subscribed by then.
//!
//! A **publisher** reads an immutable snapshot of the subscribers and pushes into the ring of each
//! that wants the event. A **subscriber** owns its ring and its drop counter, so a slow one loses
//! only its own events, and knows how many. The **bus** keeps events until you call
//! [`start`](EventBus::start), once.
//!
//! ```
//! use ringbus::{Event, EventBus, EventType};
//! use std::time::SystemTime;
//!
//! #[derive(Clone, Copy, Debug, PartialEq)]
//! enum Config { Loaded(u32), Applied(u32) }       // the version
//!
//! const LOADED: EventType = EventType::new("config.loaded");
//! const APPLIED: EventType = EventType::new("config.applied");
//!
//! impl Event for Config {                         // or #[derive(Event)], with a feature
//!     fn event_type(&self) -> EventType {
//!         match self { Config::Loaded(_) => LOADED, Config::Applied(_) => APPLIED }
//!     }
//!     fn timestamp(&self) -> SystemTime { SystemTime::now() }
//! }
//!
//! let bus = EventBus::new(100);                   // room for 100 events before the start
//! bus.publish(Config::Loaded(1))?;                // nobody has subscribed yet: kept
//! let everything = bus.subscribe(64);             // a ring of 64 events
//! let applied = bus.subscriber("audit").types([APPLIED]).subscribe();
//! bus.start();                                    // replays to both what each wants
//!
//! let sent = bus.publish(Config::Applied(1))?;    // into two rings, without waiting
//! assert_eq!((sent.delivered, sent.dropped), (2, 0));
//! assert_eq!(everything.recv()?, Config::Loaded(1));
//! assert_eq!(everything.recv()?, Config::Applied(1));
//! assert_eq!(applied.recv()?, Config::Applied(1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | to | see |
//! |---|---|
//! | define events: an enum, or any types as [`DynEvent`] | [`Event`] |
//! | publish, start, close; choose a handle | [`EventBus`] |
//! | publish faster | [`Publisher`], [batches](EventBus::publish_batch), [lanes](Ring) |
//! | choose events, a capacity, what happens if a ring is full | [`SubscriberBuilder`] |
//! | receive: in a thread, in a task, many at a time | [`Subscription`] |
//! | receive one Rust type from a bus of [`DynEvent`] | [`TypedSubscription`] |
//! | give the last event to whoever comes late | [`BusBuilder::retain`] |
//! | see who is slow | [`EventBus::on_lag`], [`EventBus::stats`] |
//!
//! **Start** the bus where the program is wired together, when every component has subscribed.
//! Until then events go to one log, which everyone subscribed by then reads before its ring; so a
//! ring of 8 loses none of 100,000 such events. Later subscribers receive only new ones. See
//! [`EventBus::start`].
//!
//! **Slow subscribers.** If a ring is full, its subscriber loses the new event, or with
//! [`Overflow::DropOldest`] the oldest one. Nobody else notices. [`Published`] tells the publisher,
//! [`take_lost`](Subscription::take_lost) tells the subscriber, and a hook of
//! [`on_lag`](EventBus::on_lag) hears of it once per [episode](Lag).
//!
//! **Requests.** [`request`](EventBus::request) publishes an event and gathers the answers of the
//! responders that you name. However the wait ends, the [`Gather`] returns the responses that
//! arrived, and names the responders that did not answer.
//!
//! **Tasks.** [`recv_async`](Subscription::recv_async), `Stream` and [`Gather::until`] work on any
//! runtime and fit into `select!`. Publishing has nothing to await. See
//! [`Subscription`](Subscription#in-a-task).
//!
//! **Closing.** After [`close`](EventBus::close), or when the last [`EventBus`] and [`Publisher`]
//! is dropped, subscribers receive what they have, and then `Closed`. To shut a program down, see
//! [`close_and_drain`](EventBus::close_and_drain).
//!
//! # Guarantees
//!
//! 1. **Non-blocking.** A publish takes no lock, allocates nothing, and makes no system call unless
//!    a subscriber is parked. [`publish`](EventBus::publish) lists the exceptions.
//! 2. **Conservation.** What publishes report delivered to a subscriber, plus what it takes of the
//!    replay and of the retained events, is what it receives, has queued, evicts or
//!    [discards](SubscriberStats::discarded). What they report dropped is its drop counter.
//! 3. **Nothing lost at start.** An event accepted before `start` reaches everyone who has
//!    subscribed by then and wants it, once.
//! 4. **Replay first.** A subscriber receives the whole replay, in the order in which it was
//!    accepted, before any live event.
//! 5. **Order.** If publish A returns before publish B begins, every subscriber sees A before B.
//! 6. **No gap at subscribe.** Every publish that happens after `subscribe` returned is offered.
//! 7. **No lost wake-up.** A waiting subscriber wakes for what it waits for. Parked or async it
//!    uses no CPU; nothing polls.
//! 8. **Requests.** Each expected responder counts once. A response whose publish was accepted is
//!    in the result, or counted as duplicate, unexpected or late, whatever the rings look like.
//!    Errors carry the partial result, and nothing stays behind.
//! 9. **Isolation.** Your code runs under no lock and may call back into the bus. If it panics, one
//!    subscriber loses one event, the others are served, and then the panic resumes in the
//!    publisher. If something that a subscriber handed over panics when it is dropped, only the
//!    thread that drops the subscription sees that panic.
//! 10. **Close.** Waiting subscribers and requesters wake. Events accepted before can still be
//!     received, then `Closed`, for good.
//! 11. **Bounded memory.** The start-up buffer, the rings, the retained events, a place for each
//!     responder of a request under way, the current snapshot, and an older one per publish under
//!     way and per idle [`Publisher`]. Nothing grows with traffic.
//! 12. **Cooperative.** On any runtime, a task receives at most 128 events before it goes back to
//!     its executor, so its neighbours run. A dropped future keeps no waker and no event.
//! 13. **Time-outs hold.** A call with a time-out looks at the clock before it spins or yields once
//!     more, and does not yield if its deadline is near. With 0 it only looks.
//! 14. **Retained.** Who subscribes to a [retained](BusBuilder::retain) type after such an event
//!     was published receives the last one first, whatever its ring holds, and then every later
//!     one: no gap, none twice, and never an older one after a newer.
//!
//! # Features
//!
//! | feature (all are off by default) | brings |
//! |---|---|
//! | `derive` | `#[derive(Event)]`, for structs, and for enums whose variants are kinds of events |
//! | `lane` | [`Ring`]`::Lane`, from the crate `ringbus-lane`, which contains ringbus's own unsafe code |
//! | `serde` | statistics, [`EventType`] and [`RequestId`] can be serialised; an [`Interner`] reads event types back |
//! | `tokio` | a [`Gather`] can be awaited, and keeps its timeout by tokio's clock |
//! | `tracing` | a warning when a subscriber begins to lag, and debug events when a bus starts and closes, all with the target `ringbus` |
//!
//! # What it does not do
//!
//! It does not cross process boundaries (the crate `ringbus-nats` does), store events, or slow
//! publishers down. If every event matters more than the publisher's time, use a bounded channel
//! and wait. For one consumer, a channel is simpler. It does not survive a `fork`. On a target
//! without atomics of 64 bits, counters and [unique](RequestId::unique) ids have 32 bits, and wrap.
//!
//! # Progress
//!
//! | operation | progress | stated exceptions |
//! |---|---|---|
//! | publish, alone or in a batch, live | lock-free in practice | a push spins while a receiver is suspended in the middle of a pop on a ring that has filled up since; with `DropOldest`, also while another publisher is suspended in the middle of an eviction; a thread's first publish registers it, with `arc-swap` and for its counts |
//! | the same, to a [lane](Ring) | lock-free | |
//! | publish of a [retained](BusBuilder::retain) type | lock-free in practice | allocates the new snapshot, and finishes what others of its kind have under way; a push waits while another publisher of the same type is suspended in the middle of its push into the same ring |
//! | `retained`, `forget` | lock-free | before `start`, `retained` looks through the log |
//! | publish, before `start` | lock-free | one that finds `start` halfway finishes it, which allocates the new snapshot |
//! | `try_recv`, `try_recv_many` | lock-free in practice | a pop spins while a publisher is suspended between claiming a slot of the ring and filling it; an unfilled slot of the replay reads as `Empty`; the last receive of a closed bus takes a short lock if somebody [waits for it](EventBus::close_and_drain) |
//! | `recv`, `recv_async`, `Stream` | wait for an event | |
//! | `request`, publish of a response | as publish, and two short locks | a shard of the map of requests, and the request itself; a response takes neither if nothing is under way |
//! | `wait`, `until`, `await` of a gather | wait for the answers | |
//! | `subscribe`, `start` | lock-free | copy a part of the list of subscribers |
//! | `stop`, drop of a subscription | the same, and then short locks | one if somebody [waits for the bus to drain](EventBus::close_and_drain); a drop, that of its own waker, which whoever wakes it holds for a moment |
//! | `close` | lock-free, and then short locks | one for each shard of the map of requests, and for each request under way |
//! | `publisher`, `stats`, drop of a [`Publisher`] | short lock | never taken by a publish |
//!
//! *In practice*: `crossbeam`'s `ArrayQueue` makes everybody progress except while a thread is
//! preempted at one of the points named; by the letter of the definition it is not lock-free.
//! Loading the snapshot is always lock-free, and nearly always wait-free.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![warn(unreachable_pub)]

mod bus;
mod error;
mod event;
mod gather;
mod mailbox;
mod panics;
mod park;
mod publish;
mod receive;
mod stats;
mod sync;
mod turn;
mod until;

#[cfg(any(loom, shuttle))]
#[doc(hidden)]
pub mod internals {
    //! What the models in `loom-tests/` need beyond the public face.
    pub use crate::stats::stripe::WatchedCount;
    pub use crate::sync::model::{expire, parks};
}

pub use bus::builder::{BusBuilder, SubscriberBuilder};
pub use bus::drain::Drained;
pub use bus::publisher::Publisher;
pub use bus::{EventBus, WeakEventBus};
pub use error::{BatchError, BatchErrorKind, PublishError, RecvError, RecvTimeoutError, TryRecvError};
pub use event::event_type::EventType;
pub use event::interner::{InternError, Interner};
pub use event::kind::EventKind;
pub use event::request::text::ParseRequestIdError;
pub use event::request::{Request, RequestId, Response};
pub use event::{AsAny, DynEvent, Event, downcast_arc};
pub use gather::error::{GatherError, RequestError};
pub use gather::options::RequestOptions;
pub use gather::result::RequestResult;
#[cfg(feature = "tokio")]
pub use gather::timed::GatherFuture;
pub use gather::{CancelHandle, Gather};
pub use mailbox::lag::Lag;
pub use mailbox::options::{Overflow, Ring, WaitStrategy};
pub use publish::hooks::LagHook;
pub use receive::Subscription;
pub use receive::iter::{IntoIter, Iter, Recv, RecvMany, TryIter};
pub use receive::stop::StopHandle;
pub use receive::typed::{Typed, TypedRecvMany, TypedSubscription};
#[cfg(feature = "derive")]
pub use ringbus_derive::Event;
pub use stats::{BusStats, Published, SubscriberStats};

// Its example derives.
#[cfg(all(doctest, feature = "derive"))]
#[doc = include_str!("../README.md")]
struct Readme;
