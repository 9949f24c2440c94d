//! What the tasks of a bridge and its handle share.

use crate::node_id::NodeId;
use crate::numbering::{Incoming, Limits};
use crate::stats::{BridgeState, BridgeStats, ExportStats, Fate, ImportStats, OriginCounts, OriginStats};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What the tasks of a bridge and its handle share. No lock of it is held across an `await` or
/// while code of users runs, and no publisher ever takes one.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) node: NodeId,
    pub(crate) prefix: Box<str>,
    /// The time of [`Incoming`] counts from here.
    made_at: Instant,
    /// Written by the exporter.
    export: Mutex<ExportStats>,
    /// Written by the importer.
    import: Mutex<Imported>,
}

/// What has come in.
#[derive(Debug)]
pub(crate) struct Imported {
    pub(crate) incoming: Incoming,
    /// What became of what was received from each node that is followed.
    fates: BTreeMap<NodeId, Fate>,
    /// The same of those that are followed no more.
    forgotten: Fate,
    pub(crate) strangers: u64,
}

impl Imported {
    /// Adds to what became of the events of a node.
    pub(crate) fn add(&mut self, node: NodeId, fate: Fate) {
        self.fates.entry(node).or_default().add(fate);
    }

    /// A node is followed no more.
    pub(crate) fn forget(&mut self, node: NodeId) {
        if let Some(fate) = self.fates.remove(&node) {
            self.forgotten.add(fate);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(node: NodeId, prefix: &str, limits: Limits) -> Self {
        let import = Imported {
            incoming: Incoming::new(node, limits),
            fates: BTreeMap::new(),
            forgotten: Fate::default(),
            strangers: 0,
        };
        Self {
            node,
            prefix: prefix.into(),
            made_at: Instant::now(),
            export: Mutex::default(),
            import: Mutex::new(import),
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.made_at.elapsed()
    }

    pub(crate) fn export(&self) -> MutexGuard<'_, ExportStats> {
        lock(&self.export)
    }

    pub(crate) fn import(&self) -> MutexGuard<'_, Imported> {
        lock(&self.import)
    }

    pub(crate) fn stats(&self, state: BridgeState) -> BridgeStats {
        let export = *self.export();
        let import = self.import();
        let origins = import.incoming.origins(self.now()).map(|origin| OriginStats {
            node: origin.node,
            tail: origin.tail,
            counts: OriginCounts::of(origin.balance, import.fates.get(&origin.node).copied().unwrap_or_default()),
        });
        let forgotten = import.incoming.forgotten();
        let import = ImportStats {
            origins: origins.collect(),
            forgotten_origins: forgotten.origins,
            forgotten_unknown_tails: forgotten.unknown_tails,
            forgotten: OriginCounts::of(forgotten.balance, import.forgotten),
            strangers: import.strangers,
            crowded: import.incoming.crowded(),
        };
        BridgeStats { node: self.node, state, export, import }
    }
}
