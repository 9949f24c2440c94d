//! Events that ask and events that answer.

pub(crate) mod text;

use crate::event::Event;
use crate::event::event_type::finalise;
use crate::sync::{Counter, RandomState};
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
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
/// Make one from a number, from a string, or [unique](RequestId::unique) in this process; ids of
/// different kinds are never equal. Do not use an id again while late answers to it may still come.
/// To send one to another process and back, use its [text](RequestId::to_text).
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

#[derive(Clone, PartialEq, Eq)]
enum Id {
    Number(u64),
    Text(Arc<str>),
    /// Made by this process.
    Unique(u64),
    /// A unique one of another process, whose salt is another.
    Foreign {
        salt: u64,
        number: u64,
    },
}

impl Hash for Id {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Number(number) => state.write(&number.to_ne_bytes()),
            Self::Text(text) => state.write(text.as_bytes()),
            // By a method of its own: see `IdHasher`.
            Self::Unique(number) => state.write_u64(*number),
            Self::Foreign { salt, number } => {
                state.write(&((u128::from(*salt) << 64) | u128::from(*number)).to_ne_bytes());
            }
        }
    }
}

/// Hashes the ids of requests with a key of its own, because numbers and texts may come from
/// strangers, who must not be able to choose them so that they collide. A unique id is made by this
/// process, one number after the other, and needs no more than to be spread.
#[derive(Debug)]
pub(crate) struct IdHasher {
    key: RandomState,
    hash: u64,
}

impl Hasher for IdHasher {
    /// Hashes the whole of a number or of a text.
    fn write(&mut self, bytes: &[u8]) {
        let mut hasher = self.key.build_hasher();
        hasher.write(bytes);
        self.hash = hasher.finish();
    }

    /// Hashes the whole of a unique id.
    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.hash = finalise(number);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.hash
    }
}

/// Makes [`IdHasher`]s.
#[derive(Clone, Debug, Default)]
pub(crate) struct BuildIdHasher(RandomState);

impl BuildHasher for BuildIdHasher {
    type Hasher = IdHasher;

    #[inline]
    fn build_hasher(&self) -> IdHasher {
        IdHasher { key: self.0.clone(), hash: 0 }
    }
}

/// The number of the next unique id.
static NEXT: Counter = Counter::new(1);

impl RequestId {
    /// An id that nothing else in this process has. Wait-free, allocates nothing.
    #[must_use]
    pub fn unique() -> Self {
        Self(Id::Unique(NEXT.add(1)))
    }

    /// Whether `unique` has made the id with that number. Whoever has that id, or its text, has it
    /// from there, and so finds it made.
    fn has_made(number: u64) -> bool {
        (1..NEXT.get()).contains(&number)
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
            Id::Foreign { salt, number } => write!(f, "unique-{salt:016x}-{number}"),
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

    /// The map takes its shard, its bucket and its tag from different bits.
    #[test]
    fn ids_of_every_kind_spread_over_all_bits_of_their_hash() {
        let numbers = (0..1_000_u64).map(RequestId::from);
        let texts = (0..1_000_u64).map(|number| RequestId::from(number.to_string()));
        let unique = (0..1_000).map(|number| RequestId(Id::Unique(number)));
        let foreign = (0..1_000).map(|number| RequestId(Id::Foreign { salt: number / 10, number: number % 10 }));
        let build = BuildIdHasher::default();
        let hashes: Vec<_> = numbers.chain(texts).chain(unique).chain(foreign).map(|id| build.hash_one(id)).collect();
        assert_eq!(hashes.iter().collect::<HashSet<_>>().len(), hashes.len(), "no two are the same");
        for bit in 0..u64::BITS {
            let set = hashes.iter().filter(|&hash| hash >> bit & 1 == 1).count();
            assert!((1_850..2_150).contains(&set), "bit {bit} is set in {set} of {}", hashes.len());
        }
    }

    #[test]
    fn ids_that_may_come_from_strangers_are_hashed_with_a_key() {
        let [one, other] = [BuildIdHasher::default(), BuildIdHasher::default()];
        for id in [RequestId::from(7), RequestId::from("7"), RequestId(Id::Foreign { salt: 7, number: 7 })] {
            assert_ne!(one.hash_one(&id), other.hash_one(&id));
        }
    }
}
