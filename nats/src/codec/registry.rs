//! A codec for events of many Rust types.

use crate::codec::{Codec, DecodeError, EncodeError, Format};
use ringbus::{DynEvent, Event, EventType};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::type_name;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// The codec of a bus of [`DynEvent`]: says which Rust type the events of each type are.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "json")] {
/// use ringbus::{Event, EventType};
/// use ringbus_nats::{Codec, Json, Registry};
/// use serde::{Deserialize, Serialize};
/// use std::{sync::Arc, time::SystemTime};
///
/// const FILLED: EventType = EventType::new("order.filled");
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct OrderFilled { order: u64, at: SystemTime }
///
/// impl Event for OrderFilled {
///     fn event_type(&self) -> EventType { FILLED }
///     fn timestamp(&self) -> SystemTime { self.at }
/// }
///
/// let codec = Registry::new(Json).with::<OrderFilled>([FILLED]);
/// assert!(codec.knows(FILLED));
///
/// let mut bytes = Vec::new();
/// let filled = OrderFilled { order: 7, at: SystemTime::UNIX_EPOCH };
/// codec.encode(&(Arc::new(filled) as _), &mut bytes)?;
/// let event = codec.decode(FILLED, &bytes)?;
/// assert_eq!(event.downcast_ref::<OrderFilled>().map(|event| event.order), Some(7));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Registry<F> {
    format: F,
    /// How the events of each type are written and read.
    types: HashMap<EventType, Methods<F>>,
}

/// How the events of one Rust type are written and read.
struct Methods<F> {
    /// For people.
    name: fn() -> &'static str,
    encode: fn(&F, &dyn Event, &mut Vec<u8>) -> Result<(), EncodeError>,
    decode: fn(&F, &[u8]) -> Result<DynEvent, DecodeError>,
}

impl<F: Format> Registry<F> {
    /// Knows no type yet.
    #[must_use]
    pub fn new(format: F) -> Self {
        Self { format, types: HashMap::new() }
    }

    /// Says that the events of these types are `T`s.
    ///
    /// # Panics
    ///
    /// If one of them is said to be something already.
    #[must_use]
    pub fn with<T: Event + Serialize + DeserializeOwned>(mut self, types: impl IntoIterator<Item = EventType>) -> Self {
        for event_type in types {
            let methods = Methods { name: type_name::<T>, encode: encode::<F, T>, decode: decode::<F, T> };
            if let Some(before) = self.types.insert(event_type, methods) {
                panic!("events of type {event_type} are said to be {} and {}", (before.name)(), type_name::<T>());
            }
        }
        self
    }

    fn methods(&self, event_type: EventType) -> Option<&Methods<F>> {
        self.types.get(&event_type)
    }
}

fn encode<F: Format, T: Event + Serialize>(
    format: &F,
    event: &dyn Event,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let event = event
        .downcast_ref::<T>()
        .ok_or_else(|| EncodeError::new(format!("it is not a {}, as its type says", type_name::<T>())))?;
    format.write(event, out)
}

fn decode<F: Format, T: Event + DeserializeOwned>(format: &F, bytes: &[u8]) -> Result<DynEvent, DecodeError> {
    Ok(Arc::new(format.read::<T>(bytes)?))
}

impl<F: Format> Codec<DynEvent> for Registry<F> {
    const ID: u8 = F::ID;

    fn encode(&self, event: &DynEvent, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let event_type = event.event_type();
        let methods = self
            .methods(event_type)
            .ok_or_else(|| EncodeError::new(format!("the registry has no type {event_type}")))?;
        (methods.encode)(&self.format, &**event, out)
    }

    fn decode(&self, event_type: EventType, bytes: &[u8]) -> Result<DynEvent, DecodeError> {
        let methods = self
            .methods(event_type)
            .ok_or_else(|| DecodeError::new(format!("the registry has no type {event_type}")))?;
        (methods.decode)(&self.format, bytes)
    }

    fn knows(&self, event_type: EventType) -> bool {
        self.types.contains_key(&event_type)
    }
}

impl<F> fmt::Debug for Registry<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types = self.types.iter().map(|(event_type, methods)| (event_type.as_str(), (methods.name)()));
        f.write_str("Registry ")?;
        f.debug_map().entries(types).finish()
    }
}
