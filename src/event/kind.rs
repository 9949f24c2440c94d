//! Types that are one kind of event.

use crate::event::Event;
use crate::event::event_type::EventType;

/// A Rust type whose values are all one kind of event, known at compile time. You can [subscribe to
/// the Rust type](crate::EventBus::subscribe_to), and need not name its kind.
///
/// `EVENT_TYPE` must be what [`event_type`](Event::event_type) returns for every value: subscribers
/// to the Rust type do not receive a value that says something else. An enum with a kind for each
/// variant cannot implement this.
///
/// With the feature `derive`, `#[derive(Event)]` writes it for structs. By hand, no
/// feature is needed:
///
/// ```
/// use ringbus::{Event, EventKind, EventType};
/// use std::time::SystemTime;
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
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not one kind of event: derive `Event` for a struct, or implement `EventKind`",
    label = "not one kind of event",
    note = "an enum has a kind for each variant: subscribe to these by `SubscriberBuilder::types`"
)]
pub trait EventKind: Event {
    /// The kind of event that every value of this type is.
    const EVENT_TYPE: EventType;
}
