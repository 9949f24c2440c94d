//! Event types from names that come from outside.

use crate::event::event_type::EventType;
use std::collections::HashMap;
use std::error::Error;
use std::fmt;

/// Makes event types of names that come from outside, up to a limit.
///
/// [`EventType::intern`] keeps every distinct name for as long as the process lives, so whoever can
/// send it names can fill the memory. An interner accepts the types that it knows, and other names
/// up to its limit; from then on it refuses every new one. Make one for each source that you read
/// from, and keep it as long as you read.
///
/// With the feature `serde`, `&mut Interner` is a `DeserializeSeed` that gives an `EventType`.
/// (`EventType` itself is `Serialize`, and not `Deserialize`: that would have no bound.) Or
/// deserialise the name as a string, and intern it here.
///
/// # Examples
///
/// ```
/// use ringbus::{EventType, InternError, Interner};
///
/// const LOADED: EventType = EventType::new("config.loaded");
///
/// let mut from_network = Interner::new(1).knowing([LOADED]);
/// assert_eq!(from_network.intern("config.loaded"), Ok(LOADED));
/// assert!(from_network.intern("plugin.ready").is_ok(), "the one name there is room for");
/// assert!(from_network.intern("plugin.ready").is_ok(), "which is known from now on");
/// assert_eq!(from_network.intern("plugin.gone"), Err(InternError::TooManyNames));
/// ```
#[derive(Clone, Debug)]
pub struct Interner {
    known: HashMap<&'static str, EventType>,
    /// How many new names it may still accept.
    left: usize,
}

impl Interner {
    /// The longest name that an interner accepts, in bytes, unless it knows the name.
    pub const LONGEST_NAME: usize = 256;

    /// Makes an interner that accepts `limit` names besides those that it [knows](Self::knowing).
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { known: HashMap::new(), left: limit }
    }

    /// Adds types that it knows: they are accepted, and do not count towards the limit.
    #[must_use]
    pub fn knowing(mut self, types: impl IntoIterator<Item = EventType>) -> Self {
        self.known.extend(types.into_iter().map(|event_type| (event_type.as_str(), event_type)));
        self
    }

    /// Returns the event type of that name. A name that is new to this interner counts towards its
    /// limit, and is kept for as long as the process lives.
    ///
    /// # Errors
    ///
    /// [`InternError`] if the name is new, and is too long or one too many. It is not kept then.
    pub fn intern(&mut self, name: &str) -> Result<EventType, InternError> {
        if let Some(&known) = self.known.get(name) {
            return Ok(known);
        }
        if name.len() > Self::LONGEST_NAME {
            return Err(InternError::NameTooLong);
        }
        self.left = self.left.checked_sub(1).ok_or(InternError::TooManyNames)?;
        let event_type = EventType::intern(name);
        self.known.insert(event_type.as_str(), event_type);
        Ok(event_type)
    }
}

/// Why an [`Interner`] refused a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InternError {
    /// It has accepted as many new names as its limit allows.
    TooManyNames,
    /// The name has more than [`Interner::LONGEST_NAME`] bytes.
    NameTooLong,
}

impl fmt::Display for InternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyNames => f.write_str("the name is new, and the interner has accepted as many names as it may"),
            Self::NameTooLong => {
                write!(f, "the name is new, and longer than {} bytes", Interner::LONGEST_NAME)
            }
        }
    }
}

impl Error for InternError {}

#[cfg(feature = "serde")]
mod serial {
    use super::{EventType, Interner};
    use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};
    use serde::ser::{Serialize, Serializer};
    use std::fmt;

    /// As its name, with the feature `serde`. An [`Interner`] makes it again.
    impl Serialize for EventType {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(self.as_str())
        }
    }

    /// Gives the event type of a name, with the feature `serde`.
    impl<'de> DeserializeSeed<'de> for &mut Interner {
        type Value = EventType;

        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<EventType, D::Error> {
            deserializer.deserialize_str(self)
        }
    }

    impl Visitor<'_> for &mut Interner {
        type Value = EventType;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the name of an event type")
        }

        fn visit_str<E: Error>(self, name: &str) -> Result<EventType, E> {
            self.intern(name).map_err(E::custom)
        }
    }
}
