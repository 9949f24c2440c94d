//! One subscriber's way through the start-up log.

use crate::event::Event;
use crate::event::large::clone_into;
use crate::mailbox::Mailbox;
use crate::publish::startup::StartupLog;
use std::fmt;
use std::sync::Arc;

/// What the replay has for its subscriber next.
#[derive(Debug)]
pub(crate) enum Next {
    /// The bus has not started: nothing yet.
    NotStarted,
    /// The next slot is claimed, and its publisher is still filling it: nothing yet.
    Unfilled,
    /// The next event that the subscriber wants is where it was asked for.
    Event,
    /// The subscriber has seen the whole log.
    Exhausted,
}

/// A share in the start-up log. How far it was read is noted in the mailbox. The last share to go
/// frees the log.
pub(crate) struct Replay<E>(Arc<StartupLog<E>>);

impl<E> Replay<E> {
    pub(crate) fn new(log: Arc<StartupLog<E>>) -> Self {
        Self(log)
    }

    /// Whether the bus has started and the subscriber has looked at every event.
    pub(crate) fn is_read(&self, mailbox: &Mailbox<E>) -> bool {
        self.0.final_len() == Some(mailbox.replayed())
    }

    /// How many events there are, once the bus has started.
    pub(crate) fn len(&self) -> usize {
        self.0.final_len().unwrap_or_default()
    }
}

impl<E: Event + Clone> Replay<E> {
    /// Goes on to the next event that the subscriber wants. User code (filter and `Clone`) runs
    /// here: if it panics, the event counts as discarded, and the next call goes on behind it.
    pub(crate) fn next(&self, mailbox: &Mailbox<E>, into: &mut Option<E>) -> Next {
        let Some(len) = self.0.final_len() else { return Next::NotStarted };
        loop {
            let index = mailbox.replayed();
            if index == len {
                return Next::Exhausted;
            }
            let Some(event) = self.0.get(index) else { return Next::Unfilled };
            // Before any user code, so that none can make the subscriber stumble over this event twice.
            mailbox.count_replayed();
            let discard = DiscardOnPanic(mailbox);
            let is_wanted = mailbox.wants(event);
            if is_wanted {
                clone_into(into, event);
            }
            std::mem::forget(discard);
            if is_wanted {
                return Next::Event;
            }
        }
    }
}

/// Counts an event as discarded when it is dropped, which is when user code unwinds.
struct DiscardOnPanic<'a, E>(&'a Mailbox<E>);

impl<E> Drop for DiscardOnPanic<'_, E> {
    fn drop(&mut self) {
        self.0.count_discarded();
    }
}

impl<E> fmt::Debug for Replay<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Replay").field(&self.0.final_len()).finish()
    }
}
