//! Events that ask and events that answer.

use crate::event::Event;
use crate::event::event_type::finalise;
use crate::sync::Counter;
use std::fmt;
use std::hash::Hasher;
use std::sync::Arc;

/// An event that asks: whoever can answer publishes a [`Response`] with the same id.
pub trait Request: Event {
    /// The id that the responses will carry.
    fn request_id(&self) -> RequestId;
}

/// An event that answers a [`Request`].
pub trait Response: Event {
    /// The id of the request that this answers.
    fn request_id(&self) -> RequestId;

    /// The name of the component that answers.
    fn responder(&self) -> &str;
}

/// Ties responses to the request that they answer.
///
/// Made from a number, from a string, or [unique](RequestId::unique) in this process; ids of different kinds are never
/// equal. An id must not be used again while late answers to it may still come.
///
/// ```
/// use ringbus::RequestId;
///
/// assert_eq!(RequestId::from("rollout-7"), RequestId::from(String::from("rollout-7")));
/// assert_ne!(RequestId::from(7), RequestId::from("7"));
/// assert_ne!(RequestId::unique(), RequestId::unique());
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Id);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Id {
    Number(u64),
    Text(Arc<str>),
    Unique(u64),
}

impl RequestId {
    /// An id that nothing else in this process has. Wait-free, allocates nothing.
    #[must_use]
    pub fn unique() -> Self {
        static NEXT: Counter = Counter::new(1);
        Self(Id::Unique(NEXT.add(1)))
    }
}

/// Hashes ids for the map of requests. Those are few and chosen by this process, so speed counts and no key is needed: numbers and words
/// are mixed in by the multiplier of FNV-1a, and the end is the finaliser of MurmurHash3, as for event types.
#[derive(Debug, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x0000_0100_0000_01b3);
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number as u64);
    }

    fn finish(&self) -> u64 {
        finalise(self.0)
    }
}

impl From<u64> for RequestId {
    fn from(number: u64) -> Self {
        Self(Id::Number(number))
    }
}

impl From<&str> for RequestId {
    fn from(text: &str) -> Self {
        Self(Id::Text(Arc::from(text)))
    }
}

impl From<String> for RequestId {
    fn from(text: String) -> Self {
        Self(Id::Text(Arc::from(text)))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Id::Number(number) => write!(f, "{number}"),
            Id::Text(text) => f.write_str(text),
            Id::Unique(number) => write!(f, "unique-{number}"),
        }
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::hash::{BuildHasher, BuildHasherDefault};

    /// The map takes its shard, its bucket and its tag from different bits.
    #[test]
    fn ids_of_every_kind_spread_over_all_bits_of_their_hash() {
        let numbers = (0..1_000_u64).map(RequestId::from);
        let texts = (0..1_000_u64).map(|number| RequestId::from(number.to_string()));
        let unique = (0..1_000).map(|number| RequestId(Id::Unique(number)));
        let build = BuildHasherDefault::<IdHasher>::default();
        let hashes: Vec<_> = numbers.chain(texts).chain(unique).map(|id| build.hash_one(id)).collect();
        assert_eq!(hashes.iter().collect::<HashSet<_>>().len(), hashes.len(), "no two are the same");
        for bit in 0..u64::BITS {
            let set = hashes.iter().filter(|&hash| hash >> bit & 1 == 1).count();
            assert!((1_350..1_650).contains(&set), "bit {bit} is set in {set} of {}", hashes.len());
        }
    }
}
