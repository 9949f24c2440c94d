//! The word that says that nothing more will be delivered to a mailbox.

use crate::sync::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

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

/// `OPEN`, `ENDED` or `ABANDONED`; only ever raised, by whoever closes the bus or stops the
/// subscription.
#[derive(Debug)]
pub(crate) struct EndState(AtomicUsize);

impl EndState {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(OPEN))
    }

    /// Declares that no publish that begins after this call will deliver. An abandoned mailbox
    /// stays abandoned.
    pub(crate) fn end(&self, ended: Ended) {
        let value = match ended {
            Ended::Drain => ENDED,
            Ended::Abandon => ABANDONED,
        };
        // ORDERING: Release. Pairs with the Acquire in `get`: a subscriber that finds the mailbox
        // ended finds in its ring whatever was published before this call. Weaker: it could miss an
        // event, seal the ring, and lose the event to whoever ended the mailbox, who empties a
        // sealed ring (`Mailbox::attend`), before it looks once more.
        // Checked by loom-tests/tests/closing.rs
        // `event_published_elsewhere_before_close_is_received`. (A thread that has published itself
        // has fenced since.)
        self.0.fetch_max(value, Release);
    }

    /// Whether nothing more will come: for a receiver that has just got an event, and tells who
    /// drains if it was the last.
    #[inline]
    pub(crate) fn is_ended(&self) -> bool {
        // ORDERING: Relaxed. Hands nothing over; a receiver that goes on looks by `get`. One that
        // takes its last event in the very moment of the close and never comes back may miss the
        // end here, and the drain learns of it when its time is over.
        self.0.load(Relaxed) != OPEN
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
