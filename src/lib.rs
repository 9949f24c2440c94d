//! An in-process event bus: publishing never waits, every subscriber has a ring of its own, and
//! events published before the start are replayed to everybody subscribed by then.
//!
//! A **publisher** works on an immutable snapshot of the subscribers and pushes into the ring of
//! each that wants the event. A **subscriber** owns its ring and its drop counter, so a slow one
//! loses only its own events, and knows how many. The **bus** begins in a start-up in which events
//! are kept. It goes live once, when you call [`start`](EventBus::start).
//!
//! ```
//! use ringbus::{Event, EventBus, EventType};
//! use std::time::SystemTime;
//!
//! #[derive(Clone, Copy, Debug, PartialEq)]
//! enum Config { Loaded { version: u32 }, Applied { version: u32 } }
//!
//! const LOADED: EventType = EventType::new("config.loaded");
//! const APPLIED: EventType = EventType::new("config.applied");
//!
//! impl Event for Config {
//!     fn event_type(&self) -> EventType {
//!         match self {
//!             Config::Loaded { .. } => LOADED,
//!             Config::Applied { .. } => APPLIED,
//!         }
//!     }
//!     fn timestamp(&self) -> SystemTime { SystemTime::now() }
//! }
//!
//! let bus = EventBus::new(100);                   // room for 100 events before the start
//! bus.publish(Config::Loaded { version: 1 })?;    // nobody has subscribed yet: kept
//!
//! let everything = bus.subscribe(64);             // a ring of 64 events
//! let applied = bus.subscriber("audit").types([APPLIED]).subscribe();
//! bus.start();                                    // replays to both what each wants
//!
//! // Into two rings, without waiting.
//! let sent = bus.publish(Config::Applied { version: 1 })?;
//! assert_eq!((sent.delivered, sent.dropped), (2, 0));
//! assert_eq!(everything.recv()?, Config::Loaded { version: 1 });
//! assert_eq!(everything.recv()?, Config::Applied { version: 1 });
//! assert_eq!(applied.recv()?, Config::Applied { version: 1 });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! With the feature `derive`, `#[derive(Event)]` writes the `impl` for you.
//!
//! # Which type do I want?
//!
//! | to | use |
//! |---|---|
//! | publish, subscribe, ask and close | an [`EventBus`], cloned for each component |
//! | publish often, from one thread or task | a [`Publisher`], or batches |
//! | publish without keeping the bus open | a [`WeakEventBus`] |
//! | receive events | a [`Subscription`] |
//! | receive one Rust type from a bus of [`DynEvent`] | a [`TypedSubscription`] |
//! | end one subscription from elsewhere | a [`StopHandle`] |
//! | wait for replies | a [`Gather`], and a [`CancelHandle`] to end that wait |
//! | hear of slow subscribers | [`EventBus::on_lag`], and [`EventBus::stats`] |
//!
//! # Events
//!
//! A bus carries one type `E: `[`Event`]` + Clone`: an enum for a closed set of events,
//! [`DynEvent`] for an open one; both are shown at [`Event`]. Subscriptions
//! [choose](SubscriberBuilder) by [`EventType`], which is looked up in a table, and by filter. On a
//! bus of [`DynEvent`] they also choose [by Rust type](EventBus::subscribe_to), and receive
//! `Arc<T>`.
//!
//! # Starting and replay
//!
//! Call [`start`](EventBus::start) once, where the program is wired together, when every component
//! has subscribed. Until then events go to a log that all subscribers share. `start` closes the
//! log. Everyone subscribed by then reads it from its beginning, and its ring after that; whoever
//! subscribes later receives only new events. So a ring of 8 loses none of 100,000 events from
//! before the start, `start` takes as long for one event as for all of them, and the last reader
//! frees the log.
//!
//! # Slow subscribers
//!
//! If a ring is full, its subscriber loses the new event, or with [`Overflow::DropOldest`] the
//! oldest one. Nobody else notices. [`Published`] tells the publisher that the new event was lost,
//! the subscriber's [counters](Subscription::take_lost) tell the subscriber, and the bus calls its
//! [lag hooks](EventBus::on_lag) once per [episode](Lag), which ends when the subscriber has caught
//! up. [Lossy](SubscriberBuilder::lossy) subscribers are counted and never reported.
//!
//! # Choosing a capacity
//!
//! A ring must hold what is published while its subscriber is busy with one event, or is not
//! running: *events per second × longest pause*. At 50,000 events a second, a subscriber that is
//! away for up to 20 ms needs 1,000. Then look at [`high_water`](SubscriberStats::high_water),
//! which says how full the ring became. A ring is allocated when you subscribe: its capacity times
//! the size of an event and 8 bytes more (a lane rounds up to the next power of two). The start-up
//! buffer must hold every event published before the start. If it is too small, a publish returns
//! [`StartupFull`](PublishError::StartupFull) with the event.
//!
//! # Throughput
//!
//! Publish by a [`Publisher`], and publish and receive in batches. With the feature `lane`,
//! [`BusBuilder::ring`] gives subscribers lanes: rings with one consumer, half the atomic
//! read-modify-writes of the default, and no fence. [`Ring`] compares the two.
//!
//! # Large events
//!
//! Every subscriber gets its own clone, so put a large event into an `Arc`. An event of more than
//! 2 KiB is cloned straight into the ring and moved once out of it. A thread with a stack of 2 MiB
//! carries 128 KiB in a debug build, and 512 KiB in a release build.
//!
//! # Requests
//!
//! [`request`](EventBus::request) publishes an event that [asks](Event::as_request), and gathers
//! the events that [answer](Event::as_response) it. Both carry the same id. It takes the first
//! response of each responder that [`RequestOptions`] names, without a subscription; the responses
//! go to subscribers like any event. However the wait ends, the [`Gather`] returns the responses
//! that arrived, and names the responders that did not answer:
//!
//! ```
//! # use ringbus::{DynEvent, Event, EventBus, EventType, Request, RequestId, RequestOptions};
//! # use ringbus::Response;
//! # use std::{sync::Arc, time::{Duration, SystemTime}};
//! # struct Validate(RequestId);
//! # struct Verdict(RequestId, &'static str);
//! # impl Event for Validate {
//! #     fn event_type(&self) -> EventType { const { EventType::new("validate") } }
//! #     fn timestamp(&self) -> SystemTime { SystemTime::now() }
//! #     fn as_request(&self) -> Option<&dyn Request> { Some(self) }
//! # }
//! # impl Request for Validate { fn request_id(&self) -> RequestId { self.0.clone() } }
//! # impl Event for Verdict {
//! #     fn event_type(&self) -> EventType { const { EventType::new("verdict") } }
//! #     fn timestamp(&self) -> SystemTime { SystemTime::now() }
//! #     fn as_response(&self) -> Option<&dyn Response> { Some(self) }
//! # }
//! # impl Response for Verdict {
//! #     fn request_id(&self) -> RequestId { self.0.clone() }
//! #     fn responder(&self) -> &str { self.1 }
//! # }
//! # let bus: EventBus<DynEvent> = EventBus::new(0);
//! # let _validators = bus.subscribe(4);
//! # bus.start();
//! let options = RequestOptions::expecting(["basic", "template", "jsonpath"])
//!     .timeout(Duration::from_millis(10));
//! let id = RequestId::unique();
//! let gather = bus.request(Arc::new(Validate(id.clone())), options)?;
//! # for name in ["basic", "jsonpath"] { bus.publish(Arc::new(Verdict(id.clone(), name)))?; }
//! match gather.wait() {                           // on this thread
//!     Ok(result) => println!("all {} have answered", result.responses.len()),
//!     Err(error) => assert_eq!(error.partial().errors(), ["no response from template"]),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! In a task, `gather.until(stop).await` waits until another future is ready, on any runtime. With
//! the feature `tokio`, `gather.await` keeps the timeout by tokio's clock; without that clock there
//! is no such `await`, so that no timeout is silently ignored. A [`CancelHandle`] ends the wait
//! from elsewhere, and dropping the gather gives the request up.
//!
//! # Closing
//!
//! After [`close`](EventBus::close), or when the last [`EventBus`] and [`Publisher`] is dropped,
//! subscribers receive what they have, and then `Closed`. A [`StopHandle`] closes one subscription;
//! one stopped before the start gets no replay.
//!
//! To shut down, stop those who publish, close and drain, and then join those who receive:
//!
//! ```
//! # use ringbus::{Event, EventBus, EventType};
//! # use std::{thread, time::{Duration, SystemTime}};
//! # #[derive(Clone)]
//! # struct Job;
//! # impl Event for Job {
//! #     fn event_type(&self) -> EventType { const { EventType::new("job") } }
//! #     fn timestamp(&self) -> SystemTime { SystemTime::now() }
//! # }
//! # let bus = EventBus::new(0);
//! let jobs = bus.subscriber("worker").subscribe();
//! bus.start();
//! let worker = thread::spawn(move || {
//!     let mut done = 0;
//!     for _job in &jobs {                         // ends when the bus is closed
//!         done += 1;
//!     }
//!     done
//! });
//! bus.publish(Job)?;
//!
//! let drained = bus.close_and_drain(Duration::from_secs(5));
//! if !drained.is_complete() {
//!     eprintln!("{drained}");                     // worker has 3 events unread
//! }
//! assert_eq!(worker.join().unwrap(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A component that holds an [`EventBus`] and receives until the bus closes waits for itself. Give
//! it a [`WeakEventBus`], or call `close`.
//!
//! # Coming late
//!
//! A bus can [retain](BusBuilder::retain) the last event of some types: who leads, which
//! configuration is in force. Whoever subscribes later receives these first, and then what is
//! published from then on. [`retained`](EventBus::retained) reads such an event,
//! [`forget`](EventBus::forget) lets go of it.
//!
//! # Tasks
//!
//! [`recv_async`](Subscription::recv_async), `Stream` and [`Gather::until`] work on any runtime. A
//! receive that is dropped loses no event, so it fits into `select!`. With tokio:
//!
//! ```
//! # use ringbus::{Event, EventBus, EventType};
//! # use std::time::SystemTime;
//! # #[derive(Clone, Debug)]
//! # struct Job;
//! # impl Event for Job {
//! #     fn event_type(&self) -> EventType { const { EventType::new("job") } }
//! #     fn timestamp(&self) -> SystemTime { SystemTime::now() }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let bus = EventBus::new(0);
//! let mut jobs = bus.subscribe(256);
//! bus.start();
//! let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
//! let worker = tokio::spawn(async move {
//!     loop {
//!         tokio::select! {
//!             job = jobs.recv_async() => match job {
//!                 Ok(job) => println!("{job:?}"),
//!                 Err(_) => break,                // the bus is closed, all is received
//!             },
//!             _ = &mut stopped => break,
//!         }
//!     }
//! });
//! bus.publish(Job)?;                              // never waits: nothing to await
//! # tokio::task::yield_now().await;
//! drop(stop);
//! worker.await?;
//! # Ok(())
//! # }
//! ```
//!
//! At most 128 events are received before a task goes back to its executor, so a busy subscription
//! does not starve timers and neighbours. A [`Subscription`] is `Send` and not `Sync`: hold it by
//! value or `&mut` across an `await`, because a task that holds `&Subscription` there is not
//! `Send`. The blocking calls are for threads: on a current-thread runtime they would also stop the
//! task that they wait for.
//!
//! # Guarantees
//!
//! Tests and models cite these numbers.
//!
//! 1. **Non-blocking.** A publish takes no lock, allocates nothing, and makes no system call unless
//!    a subscriber is parked. (A response takes two short locks while requests are under way. A
//!    publish of a retained type allocates. For what happens once, see [Progress](#progress).)
//! 2. **Conservation.** What publishes report delivered to a subscriber, plus what it takes of the
//!    replay and of the retained events, is what it receives, has queued, evicts or
//!    [discards](SubscriberStats::discarded).
//!    What they report dropped is its drop counter.
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
//! 10. **Close.** Waiting subscribers and requesters wake, events accepted before can still be
//!     received, then `Closed`, for good. (If a racing publish delivers an event too late, it is
//!     counted as discarded.)
//! 11. **Bounded memory.** The start-up buffer, the rings, the current snapshot, and an older one
//!     per publish under way and per idle [`Publisher`]; for each request under way, a place per
//!     responder; an event for each retained type. Nothing grows with traffic.
//! 12. **Cooperative.** A task that always finds an event lets its neighbours run: it receives at
//!     most 128 events before it goes back to its executor, on any runtime. A dropped future keeps
//!     no waker and no event.
//! 13. **Time-outs hold.** A call with a time-out looks at the clock before it spins or yields once
//!     more, and does not yield if its deadline is near. With 0 it only looks.
//! 14. **Retained.** On a bus that retains a type, who subscribes after such an event was published
//!     receives the last one of each retained type that it wants first, whatever its ring holds,
//!     and then every later one: no gap, none twice, and never an older one after a newer.
//!     Publishes of other types pay one look at their type there, and on other buses nothing. (User
//!     code that an event of the type runs may publish another: that comes behind it.)
//!
//! # Features
//!
//! All are off by default.
//!
//! | feature | brings |
//! |---|---|
//! | `derive` | `#[derive(Event)]`, for structs, and for enums whose variants are kinds of events |
//! | `lane` | [`Ring`]`::Lane`, from the crate `ringbus-lane`, which contains ringbus's own unsafe code |
//! | `serde` | statistics, [`EventType`] and [`RequestId`] can be serialised; an [`Interner`] reads event types back |
//! | `tokio` | a [`Gather`] can be awaited, and keeps its timeout by tokio's clock |
//! | `tracing` | a warning when a subscriber begins to lag, and debug events when a bus starts and closes, all with the target `ringbus` |
//!
//! # What it does not do
//!
//! It does not cross process boundaries, store events, or slow publishers down. If every event
//! matters more than the publisher's time, use a bounded channel and wait. For one consumer, a
//! channel is simpler. It does not survive a `fork`: in the child no thread is left to receive.
//!
//! On a target without atomics of 64 bits, counters and [unique](RequestId::unique) ids have 32
//! bits, and wrap.
//!
//! # How it works
//!
//! One [`ArcSwap`](arc_swap::ArcSwap) cell holds a snapshot: the phase (`Starting`, `Live`,
//! `Closed`), the subscribers, and the table that routes event types to them. Each change is one
//! read-copy-update. Every subscriber has a mailbox: an
//! [`ArrayQueue`](crossbeam_queue::ArrayQueue) (or a [lane](Ring)), a drop counter, and a word
//! through which waiting and waking agree. Requests under way are in a
//! [`DashMap`](dashmap::DashMap), by id. The argument for each memory ordering stands beside it in
//! the source, and the models in `loom-tests/` run that very source under loom and shuttle.
//! `ARCHITECTURE.md` is the guide to it.
//!
//! # Progress
//!
//! | operation | progress | stated exceptions |
//! |---|---|---|
//! | publish, alone or in a batch, live | lock-free in practice | a push spins while a receiver is suspended in the middle of a pop on a ring that is full since; with `DropOldest`, also while another publisher is suspended in the middle of an eviction; a thread's first publish registers it, with `arc-swap` and for its counts |
//! | the same, to a [lane](Ring) | lock-free | |
//! | publish of a [retained](BusBuilder::retain) type | lock-free in practice | allocates the new snapshot, and does the rest of the work of others that it finds under way; a push waits while another publisher of the same type is suspended in the middle of its push into the same ring |
//! | `retained`, `forget` | lock-free | before `start`, `retained` looks through the log |
//! | publish, before `start` | lock-free | one that finds `start` halfway finishes it, which allocates the new snapshot |
//! | `try_recv`, `try_recv_many` | lock-free in practice | a pop spins while a publisher is suspended between claiming a slot of the ring and filling it; an unfilled slot of the replay reads as `Empty`; the last receive of a closed bus takes a short lock if somebody [waits for it](EventBus::close_and_drain) |
//! | `recv`, `recv_async`, `Stream` | wait for an event | |
//! | `request`, publish of a response | as publish, and two short locks | a shard of the map of requests, and the request itself; a response takes neither if nothing is under way |
//! | `wait`, `until`, `await` of a gather | wait for the answers | |
//! | `subscribe`, drop, `start`, `stop` | lock-free | copy a part of the list of subscribers |
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
