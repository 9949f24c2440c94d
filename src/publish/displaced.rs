//! What was displaced while somebody still worked on it.

use crate::panics::swallow;
use crate::sync::SegQueue;
use std::sync::Arc;

/// How many entries are looked at for each that comes: more than one, so that they cannot pile up.
const LOOKS: usize = 16;

/// Keeps a share in whatever was displaced from a cell, until nobody else has one.
///
/// A publish works on an old snapshot for as long as it takes, and what only that snapshot still
/// owns is user code: the filter of a subscriber that has left, the events of a log. Because there
/// is a share here, the publish never drops the last one. Whoever displaces something does it, here
/// or when the next one comes.
#[derive(Debug)]
pub(crate) struct Displaced<T>(SegQueue<Arc<T>>);

impl<T> Displaced<T> {
    pub(crate) fn new() -> Self {
        Self(SegQueue::new())
    }

    /// Drops what was displaced, or keeps it if others still work on it. A panic of its user code
    /// goes no further: it is not the caller's.
    pub(crate) fn retire(&self, displaced: Arc<T>) {
        self.drop_or_keep(displaced);
        self.sweep();
    }

    /// Keeps what was displaced, whoever works on it. Runs no user code.
    pub(crate) fn keep(&self, displaced: Arc<T>) {
        self.0.push(displaced);
    }

    /// Drops what nobody works on any more.
    pub(crate) fn sweep(&self) {
        for _ in 0..self.0.len().min(LOOKS) {
            let Some(displaced) = self.0.pop() else { return };
            self.drop_or_keep(displaced);
        }
    }

    fn drop_or_keep(&self, displaced: Arc<T>) {
        // Who finds a single share has it: what was displaced cannot be loaded from its cell again,
        // so nobody can come by another.
        if Arc::strong_count(&displaced) == 1 {
            swallow(|| drop(displaced));
        } else {
            self.0.push(displaced);
        }
    }
}

impl<T> Drop for Displaced<T> {
    fn drop(&mut self) {
        while let Some(displaced) = self.0.pop() {
            swallow(|| drop(displaced));
        }
    }
}
