//! Who asked.

use crate::node_id::NodeId;
use ringbus::RequestId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many requests are remembered. What answers one that came before so many others is not sent.
const CAPACITY: usize = 16_384;

/// How long all of their ids may be together: a KiB each, and nearly all have far less.
const MOST_BYTES: usize = CAPACITY * 1_024;

/// Which requests have come from where, so that an answer goes to the node that asked and to no
/// other. The importer writes it, before it publishes the request, and the exporter reads it.
#[derive(Debug, Default)]
pub(crate) struct Askers(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    askers: HashMap<RequestId, Asked>,
    /// The oldest first. Those that were asked again later are somewhere behind as well.
    order: VecDeque<(u64, RequestId)>,
    /// How many were noted.
    noted: u64,
    /// What the ids take as text, those in `order`.
    bytes: usize,
}

/// Who asked, and as the how manieth.
#[derive(Debug)]
struct Asked {
    by: NodeId,
    number: u64,
}

impl Known {
    fn forget_oldest(&mut self) {
        let Some((number, id)) = self.order.pop_front() else { return };
        self.bytes -= length_of(&id);
        // If it was asked again since, that is another entry.
        if self.askers.get(&id).is_some_and(|asked| asked.number == number) {
            self.askers.remove(&id);
        }
    }
}

fn length_of(id: &RequestId) -> usize {
    id.to_text().len()
}

impl Askers {
    /// No code of users runs with the lock held.
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers who asked, and forgets the oldest if there are too many, or if they are too long.
    pub(crate) fn note(&self, id: RequestId, asker: NodeId) {
        let length = length_of(&id);
        let mut known = self.lock();
        let number = known.noted;
        known.noted += 1;
        known.bytes += length;
        known.askers.insert(id.clone(), Asked { by: asker, number });
        known.order.push_back((number, id));
        while known.order.len() > CAPACITY || known.bytes > MOST_BYTES {
            known.forget_oldest();
        }
    }

    /// Which other node asked; `None` if none did, or if that is forgotten.
    pub(crate) fn asker(&self, id: &RequestId) -> Option<NodeId> {
        self.lock().askers.get(id).map(|asked| asked.by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes() -> [NodeId; 2] {
        [7, 8].map(|bits| NodeId::from_bits(bits).expect("not 0"))
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let askers = Askers::default();
        let [there, elsewhere] = nodes();
        for number in 0..CAPACITY as u64 - 1 {
            askers.note(RequestId::from(number), there);
        }
        askers.note(RequestId::from(0), elsewhere);
        // (Its first place counts until it is its turn.)
        askers.note(RequestId::from("another"), there);
        for number in 1..CAPACITY as u64 - 1 {
            assert_eq!(askers.asker(&RequestId::from(number)), Some(there));
            askers.note(RequestId::from(format!("another, {number}")), there);
            assert_eq!(askers.asker(&RequestId::from(number)), None);
        }
        assert_eq!(askers.asker(&RequestId::from(0)), Some(elsewhere), "the last one who asked, and when that was");
        askers.note(RequestId::from("one more"), there);
        assert_eq!(askers.asker(&RequestId::from(0)), None);
        let known = askers.lock();
        assert_eq!((known.order.len(), known.askers.len()), (CAPACITY, CAPACITY));
    }

    #[test]
    fn long_ids_are_bounded_together() {
        let askers = Askers::default();
        let [there, _] = nodes();
        let long = "x".repeat(MOST_BYTES / 10);
        for number in 0..40 {
            askers.note(RequestId::from(format!("{long}{number}")), there);
            assert!(askers.lock().bytes <= MOST_BYTES);
        }
        assert!((1..10).contains(&askers.lock().askers.len()));
        askers.note(RequestId::from("x".repeat(2 * MOST_BYTES)), there);
        let known = askers.lock();
        assert_eq!((known.order.len(), known.askers.len(), known.bytes), (0, 0, 0));
    }
}
