//! `#[derive(Event)]` for [ringbus](https://docs.rs/ringbus), an in-process event bus.
//!
//! Depend on ringbus with the feature `derive`, not on this package: `use ringbus::Event` brings
//! the trait and this macro. [`Event`] describes what the macro does.
#![forbid(unsafe_code)]
#![warn(unreachable_pub)]

mod attribute;
mod case;
mod expand;
mod input;
mod results;

#[cfg(test)]
mod tests;

use crate::input::Input;
use proc_macro2::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements ringbus's `Event`. A struct is one kind of event; in an enum, each variant is one.
///
/// # A struct
///
/// A struct gets `EventKind` as well, so subscribers can ask for it by its Rust type:
///
/// ```
/// use ringbus::{DynEvent, Event, EventBus, EventKind, EventType};
/// use std::sync::Arc;
/// use std::time::SystemTime;
///
/// #[derive(Debug, Event)]
/// #[event("config.loaded")]
/// struct ConfigLoaded {
///     path: String,
///     #[timestamp]
///     at: SystemTime,
/// }
///
/// assert_eq!(ConfigLoaded::EVENT_TYPE, EventType::new("config.loaded"));
///
/// let bus: EventBus<DynEvent> = EventBus::new(0);
/// let loaded = bus.subscribe_to::<ConfigLoaded>(8);
/// bus.start();
/// bus.publish(Arc::new(ConfigLoaded { path: "a.toml".into(), at: SystemTime::now() }))?;
/// assert_eq!(loaded.recv()?.path, "a.toml");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # An enum
///
/// Each variant has a name of its own, and gets a constant of type `EventType`: `Config::LOADED`
/// for `Loaded`, `Config::HTTP_FAILED` for `HttpFailed`. It is as visible as the enum.
///
/// ```
/// use ringbus::{Event, EventBus};
/// use std::path::PathBuf;
/// use std::time::SystemTime;
///
/// #[derive(Clone, Debug, Event)]
/// enum Config {
///     #[event("config.loaded")]
///     Loaded { path: PathBuf, #[timestamp] at: SystemTime },
///     #[event("config.refused")]
///     Refused(String, #[timestamp] SystemTime),
///     #[event("config.forgotten", timestamp = SystemTime::now())]
///     Forgotten,
/// }
///
/// let bus = EventBus::new(0);
/// let bad_news = bus.subscriber("alarm").types([Config::REFUSED, Config::FORGOTTEN]).subscribe();
/// bus.start();
/// bus.publish(Config::Forgotten)?;
/// match bad_news.recv()?.event_type() {
///     Config::FORGOTTEN => {}
///     other => panic!("{other} is another kind"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Requests and responses
///
/// A kind that has a field with `#[request_id]` is a request; one that also has a field with
/// `#[responder]` is a response.
///
/// ```
/// use ringbus::{Event, EventBus, RequestId, RequestOptions};
/// use std::sync::Arc;
/// use std::time::SystemTime;
///
/// #[derive(Clone, Debug, Event)]
/// enum Vote {
///     #[event("vote.called")]
///     Called { #[request_id] id: RequestId, #[timestamp] at: SystemTime },
///     #[event("vote.cast")]
///     Cast { #[request_id] on: RequestId, #[responder] by: Arc<str>, #[timestamp] at: SystemTime }
/// }
///
/// let bus = EventBus::new(0);
/// let calls = bus.subscriber("ada").types([Vote::CALLED]).subscribe();
/// bus.start();
///
/// let (id, at) = (RequestId::unique(), SystemTime::now());
/// let gather = bus.request(Vote::Called { id, at }, RequestOptions::expecting(["ada"]))?;
/// if let Vote::Called { id, at } = calls.recv()? {
///     bus.publish(Vote::Cast { on: id, by: "ada".into(), at })?;
/// }
/// assert_eq!(gather.wait()?.responses.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// In an enum, some kinds may ask, others answer, and the rest do neither. The bus asks
/// `as_request` and `as_response`, which return `Some` for the right variants and `None` for the
/// others.
///
/// `Request` and `Response` themselves are implemented for the whole enum, because a `&dyn Request`
/// that borrows from an event can only be that event. So you can call them on a variant that
/// neither asks nor answers. They do not panic then: `request_id` returns an id that equals no
/// other (`RequestId::unique`), and `responder` an empty name.
///
/// # Attributes
///
/// | attribute | on | means |
/// |---|---|---|
/// | `#[event("config.loaded")]` | a struct, each variant | the name of the kind. Required, not empty, and unique in the enum |
/// | `#[event("…", timestamp = EXPR)]` | a struct, a variant | for a kind that stores no time: an expression of type `SystemTime`, evaluated by each call of `timestamp`. `self` is the event |
/// | `#[event(crate = path)]` | a struct, an enum | the path of ringbus, if it is not `::ringbus` because it is renamed or re-exported |
/// | `#[timestamp]` | a field | a `SystemTime`: when the event occurred |
/// | `#[request_id]` | a field | a `RequestId`: the kind is a request or, with a responder, a response |
/// | `#[responder]` | a field | who answers: `Arc<str>`, `String`, `&'static str`, or anything else that is `AsRef<str>` |
///
/// Every kind has one name and one time, from a field or from an expression.
///
/// # Errors
///
/// A missing, duplicate or misplaced attribute is a compile error at that place, which says what to
/// do. So are
///
/// - two variants whose constants would have the same name,
/// - a variant whose constant would have the name of a variant: `Health::OK` means the variant,
/// - a type with generic parameters, because one name would stand for many types,
/// - a union.
#[proc_macro_derive(Event, attributes(event, timestamp, request_id, responder))]
pub fn derive_event(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let item = parse_macro_input!(item as DeriveInput);
    derive(&item).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// The implementations for an item, or every error in it.
fn derive(item: &DeriveInput) -> syn::Result<TokenStream> {
    Input::parse(item).map(|input| input.expand())
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
