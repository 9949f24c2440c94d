//! One subscriber's way through the start-up log.

use crate::event::Event;
use crate::mailbox::Mailbox;
use crate::publish::startup::StartupLog;
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

/// What the replay has for its subscriber next.
#[derive(Debug)]
pub(crate) enum Next<E> {
    /// The bus has not started: nothing yet.
    NotStarted,
    /// The next slot is claimed, and its publisher is still filling it: nothing yet.
    Unfilled,
    /// The next event that the subscriber wants.
    Event(E),
    /// The subscriber has seen the whole log.
    Exhausted,
}

/// A share in the start-up log, and how far it was read. The last share to go frees the log.
pub(crate) struct Replay<E> {
    log: Arc<StartupLog<E>>,
    cursor: Cell<usize>,
}

impl<E> Replay<E> {
    pub(crate) fn new(log: Arc<StartupLog<E>>) -> Self {
        Self { log, cursor: Cell::new(0) }
    }

    /// Whether nothing was read yet.
    pub(crate) fn is_untouched(&self) -> bool {
        self.cursor.get() == 0
    }

    /// How many events are left to look at, once the bus has started.
    pub(crate) fn remaining(&self) -> usize {
        self.log.final_len().map_or(0, |len| len - self.cursor.get())
    }
}

impl<E: Event + Clone> Replay<E> {
    /// Goes on to the next event that the subscriber wants. User code (filter and `Clone`) runs here: where it panics, the
    /// event counts as discarded, and the next call goes on behind it.
    pub(crate) fn next(&self, mailbox: &Mailbox<E>) -> Next<E> {
        let Some(len) = self.log.final_len() else { return Next::NotStarted };
        loop {
            let index = self.cursor.get();
            if index == len {
                return Next::Exhausted;
            }
            let Some(event) = self.log.get(index) else { return Next::Unfilled };
            // Before any user code, so that none can make the subscriber stumble over this event twice.
            self.cursor.set(index + 1);
            let discard = DiscardOnPanic(mailbox);
            let wanted = mailbox.wants(event).then(|| event.clone());
            std::mem::forget(discard);
            if let Some(event) = wanted {
                return Next::Event(event);
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
        f.debug_struct("Replay")
            .field("cursor", &self.cursor)
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}
