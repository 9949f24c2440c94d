//! The name of a kind of event, with its hash.

use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, PoisonError};

/// The name of a kind of event, such as `config.validated`, by which subscriptions are routed.
///
/// A `Copy` value that carries the hash of its name, computed at compile time if it is a constant,
/// so that publishing hashes no string. Constants work as patterns:
///
/// ```
/// use ringbus::EventType;
///
/// const LOADED: EventType = EventType::new("config.loaded");
/// const REFUSED: EventType = EventType::new("rollout.refused");
///
/// fn is_bad_news(event_type: EventType) -> bool {
///     match event_type {
///         REFUSED => true,
///         LOADED => false,
///         _ => false,
///     }
/// }
/// assert!(is_bad_news(EventType::new("rollout.refused")));
/// assert_eq!(EventType::intern(&format!("config.{}", "loaded")), LOADED);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EventType {
    /// 64 well mixed bits, the same in every process. First, so that the derived comparison looks
    /// at the name only if these agree.
    pub(crate) hash: u64,
    name: &'static str,
}

impl EventType {
    /// Names an event type, and hashes the name: at compile time if this initialises a `const`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { hash: hash(name.as_bytes()), name }
    }

    /// Names an event type by a string that is known only at run time.
    ///
    /// Every distinct name is kept for as long as the process lives, so do not make names from
    /// unbounded input: an [`Interner`](crate::Interner) is for that. Takes a lock and may
    /// allocate: intern when you set up, not for each event.
    #[must_use]
    pub fn intern(name: &str) -> Self {
        static NAMES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        let names = names.get_or_insert_default();
        let name = match names.get(name) {
            Some(known) => known,
            None => {
                let kept: &'static str = Box::leak(Box::from(name));
                names.insert(kept);
                kept
            }
        };
        Self::new(name)
    }

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.name
    }
}

/// So that subscribers may ask for types by name. Hashes the name each time, unlike a constant.
impl From<&'static str> for EventType {
    fn from(name: &'static str) -> Self {
        Self::new(name)
    }
}

impl Hash for EventType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventType").field(&self.name).finish()
    }
}

/// FNV-1a (Fowler, Noll, Vo), 64 bits, then the finaliser of MurmurHash3 (Appleby), because a table
/// takes the low bits.
const fn hash(bytes: &[u8]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut index = 0;
    while index < bytes.len() {
        hash ^= bytes[index] as u64;
        hash = hash.wrapping_mul(0x0000_0100_0000_01b3);
        index += 1;
    }
    finalise(hash)
}

/// Mixes all bits: the finaliser of MurmurHash3.
pub(crate) const fn finalise(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}
