//! The word that says that nothing more will be delivered to a mailbox.

use crate::sync::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Release};

const OPEN: usize = 0;
const ENDED: usize = 1;
const ABANDONED: usize = 2;

/// Why nothing more will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The bus was closed or the subscription stopped: what there is can still be received.
    Drain,
    /// The subscription was stopped before the bus started: it takes no part in the replay.
    Abandon,
}

/// `OPEN`, `ENDED` or `ABANDONED`; only ever raised, by whoever closes the bus or stops the subscription.
#[derive(Debug)]
pub(crate) struct EndState(AtomicUsize);

impl EndState {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(OPEN))
    }

    /// Declares that no publish that begins after this call will deliver. An abandoned mailbox stays abandoned.
    pub(crate) fn end(&self, ended: Ended) {
        let value = match ended {
            Ended::Drain => ENDED,
            Ended::Abandon => ABANDONED,
        };
        // ORDERING: Release. Pairs with the Acquire in `get`: who finds the mailbox ended also finds every event
        // published before, and the start-up log closed. Weaker: a subscriber of a bus that is closed
        // before it started could take the log for one that stays open, and miss the backlog.
        // Checked by loom-tests/tests/closing.rs `backlog_is_released_by_close`.
        self.0.fetch_max(value, Release);
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<Ended> {
        // ORDERING: Acquire. Pairs with the Release in `end`, see there.
        match self.0.load(Acquire) {
            OPEN => None,
            ENDED => Some(Ended::Drain),
            _ => Some(Ended::Abandon),
        }
    }
}
