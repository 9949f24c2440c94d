//! Events as bytes.

#[cfg(feature = "json")]
pub(crate) mod json;
#[cfg(feature = "postcard")]
pub(crate) mod postcard;
#[cfg(any(feature = "json", feature = "postcard"))]
pub(crate) mod registry;

use ringbus::EventType;
use std::error::Error;
use std::fmt;

/// Writes events as bytes, and reads them again.
///
/// [`Json`](crate::Json) and [`Postcard`](crate::Postcard) are codecs for every event that serde
/// can write and read, and a [`Registry`](crate::Registry) is one for a bus of
/// [`DynEvent`](ringbus::DynEvent). Requests and responses must carry their id across processes:
/// with ringbus's feature `serde`, a [`RequestId`](ringbus::RequestId) does so by itself; else
/// write [its text](ringbus::RequestId::to_text).
///
/// If a codec fails or panics, that event alone is lost, counted and said in the log, and the
/// bridge goes on.
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventType};
/// # use std::time::SystemTime;
/// use ringbus_nats::{Codec, DecodeError, EncodeError};
///
/// struct Tick(u32);
/// # impl Event for Tick {
/// #     fn event_type(&self) -> EventType { const { EventType::new("tick") } }
/// #     fn timestamp(&self) -> SystemTime { SystemTime::now() }
/// # }
///
/// struct BigEndian;
///
/// impl Codec<Tick> for BigEndian {
///     const ID: u8 = 200;
///
///     fn encode(&self, event: &Tick, out: &mut Vec<u8>) -> Result<(), EncodeError> {
///         out.extend(event.0.to_be_bytes());
///         Ok(())
///     }
///
///     fn decode(&self, _: EventType, bytes: &[u8]) -> Result<Tick, DecodeError> {
///         let bytes = bytes.try_into().map_err(|_| DecodeError::new("a tick has four bytes"))?;
///         Ok(Tick(u32::from_be_bytes(bytes)))
///     }
/// }
/// ```
pub trait Codec<E>: Send + Sync + 'static {
    /// Stands in each message, so that a bridge with another codec skips and counts what it could
    /// not read. Those of this crate are below 100.
    const ID: u8;

    /// Appends the event to `out`, which may hold something already.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] if this event cannot be written.
    fn encode(&self, event: &E, out: &mut Vec<u8>) -> Result<(), EncodeError>;

    /// Reads an event of that type. The bytes are those of a stranger as far as anybody knows.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if they are no such event.
    fn decode(&self, event_type: EventType, bytes: &[u8]) -> Result<E, DecodeError>;

    /// Whether it can write and read events of that type. What it does not know can be neither
    /// exported nor imported: [`connect`](crate::BridgeBuilder::connect) says so. Everything is
    /// known unless the codec says otherwise.
    fn knows(&self, event_type: EventType) -> bool {
        let _ = event_type;
        true
    }
}

/// A format in which serde can write and read: what a [`Registry`](crate::Registry) needs.
#[cfg(any(feature = "json", feature = "postcard"))]
pub trait Format: Send + Sync + 'static {
    /// As [`Codec::ID`].
    const ID: u8;

    /// Appends the value to `out`.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] if the value cannot be written.
    fn write<T: serde::Serialize>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError>;

    /// Reads a value from all of the bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if they are no such value, or more than one.
    fn read<T: serde::de::DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, DecodeError>;
}

/// An event cannot be written as bytes.
#[derive(Debug)]
pub struct EncodeError(Box<dyn Error + Send + Sync>);

impl EncodeError {
    /// Says why.
    pub fn new(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the event cannot be encoded: {}", self.0)
    }
}

impl Error for EncodeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// Bytes are no event of the type that they claim to be.
#[derive(Debug)]
pub struct DecodeError(Box<dyn Error + Send + Sync>);

impl DecodeError {
    /// Says why.
    pub fn new(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the event cannot be decoded: {}", self.0)
    }
}

impl Error for DecodeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
