//! The names of those who answered and were not asked.

use std::sync::Arc;

/// How many names are kept.
const NAMES: usize = 8;
/// How many bytes of names are kept without an allocation: a publish that answers a request makes
/// none.
const BYTES: usize = 128;

/// The first names among the unexpected responders, each once. Longer ones than usual are
/// allocated.
#[derive(Debug)]
pub(crate) struct Strangers {
    bytes: [u8; BYTES],
    /// Where each name in `bytes` ends.
    ends: [u8; NAMES],
    /// How many names are in `bytes`.
    len: usize,
    /// The names behind those, from the first that did not fit.
    rest: Vec<Arc<str>>,
}

impl Strangers {
    pub(crate) fn new() -> Self {
        Self { bytes: [0; BYTES], ends: [0; NAMES], len: 0, rest: Vec::new() }
    }

    /// Keeps a name, unless it is known or there are enough.
    pub(crate) fn note(&mut self, name: &str) {
        if self.len + self.rest.len() == NAMES || self.iter().any(|known| known == name.as_bytes()) {
            return;
        }
        let start = self.start(self.len);
        match self.bytes.get_mut(start..start + name.len()) {
            Some(room) if self.rest.is_empty() => {
                room.copy_from_slice(name.as_bytes());
                self.ends[self.len] = (start + name.len()) as u8;
                self.len += 1;
            }
            _ => self.rest.push(name.into()),
        }
    }

    /// Where the name at this place begins.
    fn start(&self, place: usize) -> usize {
        place.checked_sub(1).map_or(0, |before| usize::from(self.ends[before]))
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let inline = (0..self.len).map(|place| &self.bytes[self.start(place)..usize::from(self.ends[place])]);
        inline.chain(self.rest.iter().map(|name| name.as_bytes()))
    }

    /// The names, in the order in which they came.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        if self.len == 0 && self.rest.is_empty() {
            return Vec::new();
        }
        self.iter().map(|name| String::from_utf8_lossy(name).into()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_eight_names_are_kept_once_each_however_long() {
        let long = "x".repeat(BYTES - 2);
        let mut strangers = Strangers::new();
        for name in ["a", "ü", "a", "", &long, "b", "c", "ü", "d", "e", "f", "g", "a"] {
            strangers.note(name);
        }
        assert_eq!(*strangers.names(), ["a", "ü", "", &long, "b", "c", "d", "e"].map(Arc::from));
        assert_eq!(
            (strangers.len, strangers.rest.len()),
            (3, 5),
            "what does not fit is allocated, and so is what comes after it"
        );
    }

    #[test]
    fn names_that_fit_exactly_are_kept_without_an_allocation() {
        let mut strangers = Strangers::new();
        let names: Vec<_> = (0..NAMES).map(|name| format!("{name}").repeat(BYTES / NAMES)).collect();
        names.iter().for_each(|name| strangers.note(name));
        assert_eq!((strangers.len, strangers.rest.capacity()), (NAMES, 0));
        assert!(strangers.names().iter().zip(&names).all(|(kept, name)| **kept == **name));
    }
}
