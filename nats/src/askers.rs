//! Who asked.

use crate::node_id::NodeId;
use ringbus::RequestId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many requests are remembered. What answers one that came before so many others is not sent.
const CAPACITY: usize = 16_384;

/// Which requests have come from where, so that an answer goes to the node that asked and to no
/// other. The importer writes it, before it publishes the request, and the exporter reads it.
#[derive(Debug, Default)]
pub(crate) struct Askers(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    askers: HashMap<RequestId, NodeId>,
    /// The oldest first.
    ids: VecDeque<RequestId>,
}

impl Askers {
    /// No code of users runs with the lock held.
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers who asked, and forgets the oldest if there are too many.
    pub(crate) fn note(&self, id: RequestId, asker: NodeId) {
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

    /// Which other node asked; `None` if none did, or if that is forgotten.
    pub(crate) fn asker(&self, id: &RequestId) -> Option<NodeId> {
        self.lock().askers.get(id).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first() {
        let askers = Askers::default();
        let [there, elsewhere] = [7, 8].map(|bits| NodeId::from_bits(bits).expect("not 0"));
        for number in 0..CAPACITY as u64 {
            askers.note(RequestId::from(number), there);
        }
        askers.note(RequestId::from(1), elsewhere);
        assert_eq!(askers.asker(&RequestId::from(0)), Some(there));
        askers.note(RequestId::from("one more"), there);
        assert_eq!(askers.asker(&RequestId::from(0)), None);
        assert_eq!(askers.asker(&RequestId::from(1)), Some(elsewhere), "the last one who used it");
        let known = askers.lock();
        assert_eq!((known.ids.len(), known.askers.len()), (CAPACITY, CAPACITY));
    }
}
