//! What one subscriber receives before anything out of its ring: its way through the start-up log,
//! or through the retained events.

use crate::event::Event;
use crate::event::large::clone_into;
use crate::mailbox::Mailbox;
use crate::panics::Panics;
use crate::publish::retained::{Put, Retained, Search};
use crate::publish::startup::StartupLog;
use std::cell::{Cell, OnceCell};
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

/// The events of before. How far they were read is noted in the mailbox.
pub(crate) enum Replay<E> {
    /// All of the start-up log, for who has subscribed before the start. The last share to go frees
    /// the log.
    Log(Arc<StartupLog<E>>),
    /// The last one of each retained type, for who has come later.
    Retained(Box<Shelf<E>>),
}

/// The retained events that one subscriber gets.
pub(crate) struct Shelf<E> {
    /// What to look for in the start-up log, if the bus has not done so yet.
    search: Option<Search<E>>,
    /// The slots of the log in which it was found.
    slots: OnceCell<Vec<usize>>,
    /// Those of later, in their order.
    puts: Vec<Put<E>>,
    /// How many were looked at.
    position: Cell<usize>,
}

impl<E> Shelf<E> {
    /// How many there are, once the log was looked through.
    fn len(&self) -> usize {
        self.slots.get().map_or(0, Vec::len) + self.puts.len()
    }

    /// The event at a place, after the log was looked through.
    fn get(&self, position: usize) -> Option<&E> {
        let slots = self.slots.get()?;
        match slots.get(position) {
            Some(slot) => self.search.as_ref()?.log.get(*slot),
            None => self.puts.get(position - slots.len())?.entry.event.as_ref(),
        }
    }
}

impl<E> Replay<E> {
    pub(crate) fn of_log(log: Arc<StartupLog<E>>) -> Self {
        Self::Log(log)
    }

    /// Of what the subscriber of that mailbox wants by its types; `None` if there is nothing.
    pub(crate) fn of_retained(retained: &Retained<E>, mailbox: &Mailbox<E>) -> Option<Self> {
        let types = mailbox.options().types.as_deref();
        let (search, puts) = (retained.search(types), retained.puts(types));
        let slots = if search.is_none() { OnceCell::from(Vec::new()) } else { OnceCell::new() };
        let is_empty = search.is_none() && puts.is_empty();
        (!is_empty).then(|| Self::Retained(Box::new(Shelf { search, slots, puts, position: Cell::new(0) })))
    }

    /// Whether the bus has started and the subscriber has looked at every event.
    pub(crate) fn is_read(&self, mailbox: &Mailbox<E>) -> bool {
        match self {
            Self::Log(log) => log.final_len() == Some(mailbox.replayed()),
            Self::Retained(_) => mailbox.unread_retained() == 0,
        }
    }

    /// How many events of the start-up log there are, once the bus has started.
    pub(crate) fn log_len(&self) -> usize {
        match self {
            Self::Log(log) => log.final_len().unwrap_or_default(),
            Self::Retained(_) => 0,
        }
    }
}

impl<E: Event + Clone> Replay<E> {
    /// Goes on to the next event that the subscriber wants. User code (filter and `Clone`) runs
    /// here: if it panics, the event counts as discarded, and the next call goes on behind it.
    pub(crate) fn next(&self, mailbox: &Mailbox<E>, into: &mut Option<E>) -> Next {
        loop {
            // It counts as looked at before any user code, so that none can make the subscriber
            // stumble over this event twice.
            let event = match self {
                Self::Log(log) => {
                    let Some(len) = log.final_len() else { return Next::NotStarted };
                    let index = mailbox.replayed();
                    if index == len {
                        return Next::Exhausted;
                    }
                    let Some(event) = log.get(index) else { return Next::Unfilled };
                    mailbox.count_replayed();
                    event
                }
                Self::Retained(shelf) => {
                    if !shelf.look_through_log() {
                        return Next::Unfilled;
                    }
                    let position = shelf.position.get();
                    mailbox.set_unread_retained(shelf.len().saturating_sub(position + 1));
                    let Some(event) = shelf.get(position) else { return Next::Exhausted };
                    shelf.position.set(position + 1);
                    event
                }
            };
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

impl<E: Event> Shelf<E> {
    /// Finds what is in the start-up log, if that is still to be done; `false` if an event is on
    /// its way there that may be one of those. User code, whose panic goes on.
    fn look_through_log(&self) -> bool {
        let (Some(search), None) = (&self.search, self.slots.get()) else { return true };
        let mut panics = Panics::default();
        let found = search.look(&mut panics);
        let is_done = found.is_some();
        if let Some(found) = found {
            // If user code has received on this very subscription meanwhile, it has done it.
            let _ = self.slots.set(found.into_iter().map(|(slot, _)| slot).collect());
        }
        panics.resume_or(is_done)
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
        match self {
            Self::Log(log) => f.debug_tuple("Log").field(&log.final_len()).finish(),
            Self::Retained(shelf) => f.debug_tuple("Retained").field(&shelf.position.get()).finish(),
        }
    }
}
