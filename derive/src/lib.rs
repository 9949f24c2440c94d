//! `#[derive(Event)]` for [ringbus](https://docs.rs/ringbus), an in-process event bus.
//!
//! Depend on ringbus, with its feature `derive`, and not on this package: `use ringbus::Event`
//! brings the trait and this macro. What it does is told at [`Event`].
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

/// Implements ringbus's `Event` for a struct, which is one kind of event, or for an enum, of which
/// each variant is one.
///
/// # A struct
///
/// It gets `EventKind` as well, so that one can subscribe to the Rust type:
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
/// Each variant has a name of its own, and becomes a constant of type `EventType`, as visible as
/// the enum is: `Config::LOADED` for `Loaded`, `Config::HTTP_FAILED` for `HttpFailed`.
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
/// In an enum some kinds may ask, others answer and the rest do neither: `as_request` and
/// `as_response` are `Some` for the right variants, and `None` for the others.
///
/// The traits `Request` and `Response` are implemented for the enum as a whole, so you can call
/// them by hand on a variant that neither asks nor answers. They do not panic then: `request_id` is
/// an id that equals no other (`RequestId::unique`), and `responder` is empty.
///
/// # Attributes
///
/// | attribute | on | means |
/// |---|---|---|
/// | `#[event("config.loaded")]` | a struct, each variant | the name of the kind. Required, not empty, and no other variant's |
/// | `#[event("…", timestamp = EXPR)]` | a struct, a variant | a `SystemTime` to return from `timestamp`, evaluated at each call, for a kind that stores no time. `self` is the event |
/// | `#[event(crate = path)]` | a struct, an enum | where ringbus is, if it is not `::ringbus`: renamed, or reexported |
/// | `#[timestamp]` | a field | a `SystemTime`: when the event occurred |
/// | `#[request_id]` | a field | a `RequestId`: the kind is a request, or with a responder, a response |
/// | `#[responder]` | a field | who answers: `Arc<str>`, `String`, `&'static str`, or what else is `AsRef<str>` |
///
/// Every kind has one name and one time, from a field or from an expression.
///
/// # Errors
///
/// A missing, doubled or misplaced attribute is a compile error at its place, which says what to
/// do. So are:
///
/// - two variants whose constants would have the same name;
/// - a variant whose constant would have the name of a variant, as `Health::OK` means the variant;
/// - a type with parameters, because one name would stand for many types;
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
