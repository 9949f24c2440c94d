//! What is published: the trait [`Event`], and [`DynEvent`] for an open set of event types.

pub(crate) mod event_type;
pub(crate) mod interner;
pub(crate) mod kind;
pub(crate) mod large;
pub(crate) mod request;

use crate::event::event_type::EventType;
use crate::event::request::{Request, Response};
use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// The way from a `dyn Event` back to its concrete type; implemented for every type that can be an
/// event.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event: it has no known size",
    label = "not an event",
    note = "an event is a sized type: implement `Event` for one that holds this one in a `Box` or an `Arc`"
)]
pub trait AsAny: Any + Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<T: Any + Send + Sync> AsAny for T {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

/// Something that happened, to be published on an [`EventBus`](crate::EventBus).
///
/// A bus carries one Rust type `E: Event + Clone`. It may have either of two shapes. (Both are
/// written by hand here; with the feature `derive`, `#[derive(Event)]` writes the implementations.)
///
/// A **closed set** is an enum. Nothing is allocated for an event, and subscribers match on it:
///
/// ```
/// use ringbus::{Event, EventBus, EventType};
/// use std::time::SystemTime;
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// enum Door { Opened, Closed }
///
/// impl Event for Door {
///     fn event_type(&self) -> EventType {
///         match self {
///             Door::Opened => const { EventType::new("door.opened") },
///             Door::Closed => const { EventType::new("door.closed") },
///         }
///     }
///     fn timestamp(&self) -> SystemTime { SystemTime::now() }
/// }
///
/// let bus = EventBus::new(16);
/// let doors = bus.subscribe(8);
/// bus.start();
/// bus.publish(Door::Opened)?;
/// assert_eq!(doors.try_recv(), Ok(Door::Opened));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// An **open set** is [`DynEvent`]: components bring types of their own, and subscribers
/// [downcast](trait.Event.html#method.downcast_ref) to those that they know, or
/// [subscribe to one](crate::EventBus::subscribe_to):
///
/// ```
/// use ringbus::{DynEvent, Event, EventBus, EventType};
/// use std::{sync::Arc, time::SystemTime};
///
/// struct ConfigLoaded { path: String, at: SystemTime }
///
/// impl Event for ConfigLoaded {
///     fn event_type(&self) -> EventType { const { EventType::new("config.loaded") } }
///     fn timestamp(&self) -> SystemTime { self.at }
/// }
///
/// let bus: EventBus<DynEvent> = EventBus::new(16);
/// let events = bus.subscribe(8);
/// bus.start();
/// bus.publish(Arc::new(ConfigLoaded { path: "a.toml".into(), at: SystemTime::now() }))?;
///
/// let event = events.recv()?;
/// let loaded = event.downcast_ref::<ConfigLoaded>().expect("it is one");
/// assert_eq!(loaded.path, "a.toml");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Large events
///
/// Every subscriber gets its own clone, so put a large event into an `Arc`. An event of more than
/// 2 KiB is cloned straight into the ring and moved once out of it. A thread with a stack of 2 MiB
/// carries 128 KiB in a debug build, and 512 KiB in a release build.
///
/// # What is no event
///
/// The compiler refuses a type that does not implement this trait, and says so:
///
/// ```compile_fail,E0277
/// use ringbus::EventBus;
///
/// #[derive(Clone)]
/// struct Opened;
///
/// // `Opened` is not an event: implement or derive `Event`
/// let bus: EventBus<Opened> = EventBus::new(0);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event: implement or derive `Event`",
    label = "not an event",
    note = "a bus carries a type that is `ringbus::Event` and `Clone`, or `DynEvent`, an `Arc` of any event"
)]
pub trait Event: AsAny + Send + Sync {
    /// The kind of event, by which it is routed. Asked on every publish while any subscriber wants
    /// certain types only, so return a constant.
    fn event_type(&self) -> EventType;

    /// When the event occurred.
    fn timestamp(&self) -> SystemTime;

    /// This event as a request, if it is one.
    ///
    /// **Override this in every request type.** The default says that the event is no request, and
    /// [`EventBus::request`](crate::EventBus::request) then refuses it.
    fn as_request(&self) -> Option<&dyn Request> {
        None
    }

    /// This event as a response, if it is one.
    ///
    /// **Override this in every response type.** The default says that the event is no response,
    /// and the requester then never gets it.
    fn as_response(&self) -> Option<&dyn Response> {
        None
    }
}

/// An event of any type, shared: what an [`EventBus`](crate::EventBus) carries if components bring
/// types of their own.
///
/// It downcasts to the type that the `Arc` was made of; an `Arc` of an `Arc<T>` downcasts to that
/// `Arc<T>`. If a `DynEvent` was wrapped in another one by mistake, as by `Arc::new(event)`, it
/// downcasts to what is inside.
pub type DynEvent = Arc<dyn Event>;

impl<E: Event + ?Sized> Event for Arc<E> {
    fn event_type(&self) -> EventType {
        (**self).event_type()
    }

    fn timestamp(&self) -> SystemTime {
        (**self).timestamp()
    }

    fn as_request(&self) -> Option<&dyn Request> {
        (**self).as_request()
    }

    fn as_response(&self) -> Option<&dyn Response> {
        (**self).as_response()
    }
}

impl dyn Event {
    /// The event as a `T`, if it is one.
    ///
    /// (Call it on the event, not `as_any` on an `Arc`: that is about the `Arc`.)
    #[must_use]
    pub fn downcast_ref<T: Event>(&self) -> Option<&T> {
        let any = self.as_any();
        any.downcast_ref().or_else(|| any.downcast_ref::<DynEvent>()?.downcast_ref())
    }

    /// Whether the event is a `T`.
    #[must_use]
    pub fn is<T: Event>(&self) -> bool {
        self.downcast_ref::<T>().is_some()
    }
}

/// The event as an `Arc<T>`, if it is a `T`; otherwise the event itself.
///
/// As [`downcast_ref`](trait.Event.html#method.downcast_ref), but you can keep the `Arc<T>`.
/// Nothing is allocated or copied. It finds a `T` if [`is`](trait.Event.html#method.is) says so.
///
/// # Errors
///
/// The event as it was handed in, if it is not a `T`.
///
/// # Examples
///
/// ```
/// use ringbus::{DynEvent, Event, EventType, downcast_arc};
/// use std::{sync::Arc, time::SystemTime};
///
/// struct Tick;
///
/// impl Event for Tick {
///     fn event_type(&self) -> EventType { const { EventType::new("tick") } }
///     fn timestamp(&self) -> SystemTime { SystemTime::now() }
/// }
///
/// let event: DynEvent = Arc::new(Tick);
/// let tick: Arc<Tick> = downcast_arc(event).expect("it is one");
/// # drop(tick);
/// ```
pub fn downcast_arc<T: Event>(event: DynEvent) -> Result<Arc<T>, DynEvent> {
    let any = (*event).as_any();
    if any.is::<T>() {
        return Ok(event.into_any().downcast().expect("it is a `T`"));
    }
    match any.downcast_ref::<DynEvent>() {
        Some(inner) => downcast_arc(Arc::clone(inner)).map_err(|_| event),
        None => Err(event),
    }
}

impl fmt::Debug for dyn Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("event_type", &self.event_type()).finish_non_exhaustive()
    }
}
