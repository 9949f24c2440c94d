//! One live publish of many events: to each ring all of them in a row, then one fence and one round of wake-ups.

use crate::event::Event;
use crate::mailbox::{self, Mailbox};
use crate::panics::Panics;
use crate::publish::snapshot::Snapshot;
use crate::publish::{Losses, Place, report_lags};
use crate::stats::Offered;
use std::mem::needs_drop;
use std::slice;
use std::sync::Arc;

/// Events that go to one ring before the next ring's turn, where events have something to count their clones by: few enough for that
/// to stay in the cache, and many enough for the ring to.
const TILE: usize = 32;

/// A batch on its way.
pub(crate) struct Batch<'a, E> {
    snapshot: &'a Snapshot<E>,
    events: &'a [E],
    offers: usize,
    losses: Losses<'a>,
}

impl<'a, E: Event + Clone> Batch<'a, E> {
    pub(crate) fn new(snapshot: &'a Snapshot<E>, events: &'a [E]) -> Self {
        Self { snapshot, events, offers: 0, losses: Losses::new(&snapshot.hooks) }
    }

    /// Offers clones of the events, in their order, to every subscriber that is interested, and wakes those that wait. As for
    /// a single event, user code may panic at every turn.
    pub(crate) fn fan_out(&mut self, panics: &mut Panics) -> Offered {
        let (snapshot, events) = (self.snapshot, self.events);
        let universal = snapshot.routes.universal();
        self.sweep(universal, events, 0, panics);
        // A subscriber has asked for all types or for some, so the two sweeps do not get in each other's way.
        let by_type = if snapshot.routes.has_typed() { events } else { &[] };
        for (index, event) in by_type.iter().enumerate() {
            self.sweep(self.typed(event, panics), slice::from_ref(event), index, panics);
        }
        mailbox::fence_pushes();
        // No user code stands between a push and the look at its mailbox: where types matter, all mailboxes are looked at, rather than asking
        // the events for their types once more.
        if snapshot.routes.has_typed() {
            snapshot.subscribers.chunks().for_each(|chunk| mailbox::after_push(chunk, panics));
        } else {
            mailbox::after_push(universal, panics);
        }
        Offered { delivered: self.losses.delivered_of(self.offers), dropped: self.losses.dropped }
    }

    /// Reports the lags that began, if any did.
    pub(crate) fn report_lags(&self, panics: &mut Panics) {
        if let Some(tickets) = self.losses.tickets {
            let event_type = |index: usize, panics: &mut Panics| panics.catch(|| self.events[index].event_type());
            report_lags(self.snapshot, tickets, event_type, panics);
        }
    }

    /// Those that asked for the type of this event.
    fn typed(&self, event: &E, panics: &mut Panics) -> &'a [Arc<Mailbox<E>>] {
        panics.catch(|| self.snapshot.routes.typed(event.event_type())).unwrap_or_default()
    }

    /// Offers every one of these mailboxes every one of these events, the first of which stands at `first` in the batch.
    fn sweep(&mut self, mailboxes: &[Arc<Mailbox<E>>], events: &[E], first: usize, panics: &mut Panics) {
        let tile = if needs_drop::<E>() { TILE } else { events.len().max(1) };
        self.offers += mailboxes.len() * events.len();
        for (turn, events) in events.chunks(tile).enumerate() {
            for mailbox in mailboxes {
                for (index, event) in events.iter().enumerate() {
                    let place = Place { index: first + turn * tile + index, of: self.events.len() };
                    self.losses.serve(mailbox, event, place, panics);
                }
            }
        }
    }
}
