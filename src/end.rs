//! The word that says that nothing more will be delivered to a mailbox.

use crate::sync::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

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
        // ORDERING: Relaxed. Read by `get`. Nobody concludes from this word alone that an event or a closed log would be
        // visible by now: a subscriber that finds it set and nothing to receive seals its ring, fences and looks once
        // more (`WaitState::seal`), and a publish that ended before this call has fenced behind its pushes, so that look
        // finds them. One that finds its log still open waits, and `wake_all` fences before it wakes.
        // Checked by loom-tests/tests/closing.rs `event_published_before_close_is_received` and
        // `backlog_is_released_by_close`.
        self.0.fetch_max(value, Relaxed);
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<Ended> {
        // ORDERING: Relaxed. See `end`.
        match self.0.load(Relaxed) {
            OPEN => None,
            ENDED => Some(Ended::Drain),
            _ => Some(Ended::Abandon),
        }
    }
}
