//! One live publish of many events: to each ring all of them in a row, then one fence and one round of wake-ups.

use crate::event::Event;
use crate::fan_out::{note_loss, report_lags};
use crate::lag::Tickets;
use crate::mailbox::{self, Mailbox, Pushed};
use crate::panics::Panics;
use crate::snapshot::Snapshot;
use crate::stats::Published;
use std::mem::needs_drop;
use std::slice;
use std::sync::Arc;

/// A batch on its way.
pub(crate) struct Batch<'a, E> {
    snapshot: &'a Snapshot<E>,
    events: &'a [E],
    /// Signs the lags that this batch began, if it began any.
    tickets: Option<Tickets>,
    published: Published,
}

impl<'a, E: Event + Clone> Batch<'a, E> {
    pub(crate) fn new(snapshot: &'a Snapshot<E>, events: &'a [E]) -> Self {
        Self { snapshot, events, tickets: None, published: Published::default() }
    }

    /// Offers clones of the events, in their order, to every subscriber that is interested, and wakes those that wait. As for
    /// a single event, user code may panic at every turn.
    pub(crate) fn fan_out(&mut self, panics: &mut Panics) -> Published {
        let (snapshot, events) = (self.snapshot, self.events);
        self.sweep(snapshot.routes.universal(), events, 0, panics);
        // A subscriber has asked for all types or for some, so the two sweeps do not get in each other's way.
        for (index, event) in events.iter().enumerate() {
            self.sweep(self.typed(event, panics), slice::from_ref(event), index, panics);
        }
        mailbox::fence_pushes();
        mailbox::after_push(snapshot.routes.universal(), panics);
        for event in events {
            mailbox::after_push(self.typed(event, panics), panics);
        }
        self.published
    }

    /// Reports the lags that began, if any did.
    pub(crate) fn report_lags(&self, panics: &mut Panics) {
        if let Some(tickets) = self.tickets {
            let event_type = |index: usize, panics: &mut Panics| panics.catch(|| self.events[index].event_type());
            report_lags(self.snapshot, tickets, event_type, panics);
        }
    }

    /// Those that asked for the type of this event.
    fn typed(&self, event: &E, panics: &mut Panics) -> &'a [Arc<Mailbox<E>>] {
        let routes = &self.snapshot.routes;
        if routes.has_typed() { panics.catch(|| routes.typed(event.event_type())).unwrap_or_default() } else { &[] }
    }

    /// Offers every one of these mailboxes every one of these events, the first of which stands at `first` in the batch.
    fn sweep(&mut self, mailboxes: &[Arc<Mailbox<E>>], events: &[E], first: usize, panics: &mut Panics) {
        for mailbox in mailboxes {
            let mut offered = 0;
            while offered < events.len() {
                match panics.catch(|| self.push(mailbox, events, first, &mut offered)) {
                    Some(None) => {}
                    Some(Some(lost)) => {
                        panics.catch(|| drop(lost));
                    }
                    None => {
                        mailbox.count_dropped();
                        self.published.dropped += 1;
                        offered += 1;
                    }
                }
            }
        }
    }

    /// Offers a mailbox the events from `offered` on. Returns early with an event that was lost and has a `Drop` to run.
    /// Unwinds only out of a filter or a `Clone`, with `offered` still at their event.
    #[inline]
    fn push(&mut self, mailbox: &Mailbox<E>, events: &[E], first: usize, offered: &mut usize) -> Option<E> {
        while let Some(event) = events.get(*offered) {
            if !mailbox.accepts(event) {
                *offered += 1;
                continue;
            }
            let pushed = mailbox.push(event.clone());
            let index = first + *offered;
            *offered += 1;
            let lost = match pushed {
                Pushed::Delivered => {
                    self.published.delivered += 1;
                    continue;
                }
                Pushed::Evicted(oldest) => {
                    self.published.delivered += 1;
                    mailbox.count_evicted();
                    oldest
                }
                Pushed::Full(refused) => {
                    self.published.dropped += 1;
                    mailbox.count_dropped();
                    refused
                }
            };
            note_loss(mailbox, &mut self.tickets, self.events.len(), index);
            if needs_drop::<E>() {
                return Some(lost);
            }
        }
        None
    }
}
