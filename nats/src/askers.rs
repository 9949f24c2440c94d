//! Who asked.

use crate::node_id::NodeId;
use ringbus::RequestId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many requests are remembered. An answer that comes after so many later requests goes to all
/// nodes.
const CAPACITY: usize = 16_384;

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// Somebody here.
    Here,
    /// Somebody there.
    Node(NodeId),
}

/// Which requests have come from where, so that an answer goes to the node that asked and to no
/// other. The importer writes it, before it publishes the request, and so does the exporter, for
/// those made here; the exporter reads it.
#[derive(Debug, Default)]
pub(crate) struct Askers(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    askers: HashMap<RequestId, Asker>,
    /// The oldest first.
    ids: VecDeque<RequestId>,
}

impl Askers {
    /// No code of users runs with the lock held.
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers who asked, and forgets the oldest if there are too many.
    pub(crate) fn note(&self, id: RequestId, asker: Asker) {
        let mut known = self.lock();
        if known.askers.insert(id.clone(), asker).is_some() {
            return;
        }
        known.ids.push_back(id);
        if known.ids.len() > CAPACITY
            && let Some(oldest) = known.ids.pop_front()
        {
            known.askers.remove(&oldest);
        }
    }

    /// Who asked; `None` if that is not known, or not any more.
    pub(crate) fn asker(&self, id: &RequestId) -> Option<Asker> {
        self.lock().askers.get(id).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first() {
        let askers = Askers::default();
        let there = Asker::Node(NodeId::from_bits(7).expect("not 0"));
        for number in 0..CAPACITY as u64 {
            askers.note(RequestId::from(number), there);
        }
        askers.note(RequestId::from(1), Asker::Here);
        assert_eq!(askers.asker(&RequestId::from(0)), Some(there));
        askers.note(RequestId::from("one more"), there);
        assert_eq!(askers.asker(&RequestId::from(0)), None);
        assert_eq!(askers.asker(&RequestId::from(1)), Some(Asker::Here), "the last one who used it");
        let known = askers.lock();
        assert_eq!((known.ids.len(), known.askers.len()), (CAPACITY, CAPACITY));
    }
}
