//! One live publish: from the event to the rings, the wake-ups, the request that it answers, and the lag hooks.

use crate::event::Event;
use crate::event_type::EventType;
use crate::lag::{Lag, Tickets};
use crate::mailbox::{self, Mailbox, Offer};
use crate::options::Overflow;
use crate::panics::Panics;
use crate::snapshot::Snapshot;
use std::mem::needs_drop;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// Offers `event` to every interested subscriber, and wakes those that wait. Takes the event where the last of them can have it
/// itself; with `keeps_event`, all get clones. Returns how many have got it; `losses` has the rest.
///
/// User code may panic at every turn (`event_type`, a filter, `Clone`, `Drop`, a waker). The one subscriber that
/// it concerns has a drop counted, everybody else is served, and the caller resumes the first panic.
#[inline(always)]
pub(crate) fn fan_out<E: Event + Clone>(
    snapshot: &Snapshot<E>,
    event: &mut Option<E>,
    keeps_event: bool,
    losses: &mut Losses,
    panics: &mut Panics,
) -> usize {
    let routes = &snapshot.routes;
    let typed = match &event {
        Some(event) if routes.has_typed() => panics.catch(|| routes.typed(event.event_type())).unwrap_or_default(),
        _ => &[],
    };
    // Nearly always one of the lists is empty: the way through the other is the one to be short.
    let (first, second) = match routes.universal() {
        [] => (typed, &[] as &[_]),
        universal => (universal, typed),
    };
    if first.is_empty() {
        return 0;
    }
    let mut delivered = 0;
    // The last one can have the event itself. Where that has no `Drop`, a clone costs no more than a move.
    let has_last = needs_drop::<E>() && !keeps_event;
    if let Some(event) = &*event {
        let is_last_list = has_last && second.is_empty();
        delivered += losses.serve(but_last(first, is_last_list), event, panics);
        if !second.is_empty() {
            delivered += losses.serve_second(but_last(second, has_last), event, panics);
        }
    }
    if has_last {
        if let Some(mailbox) = second.last().or(first.last()) {
            delivered += losses.serve_last(mailbox, event, panics);
        }
    }
    mailbox::fence_pushes();
    mailbox::after_push(first, panics);
    if !second.is_empty() {
        mailbox::after_push(second, panics);
    }
    delivered
}

/// The mailboxes without their last one, where that is served apart.
#[inline]
fn but_last<E>(mailboxes: &[Arc<Mailbox<E>>], has_last: bool) -> &[Arc<Mailbox<E>>] {
    match mailboxes.split_last() {
        Some((_, others)) if has_last => others,
        _ => mailboxes,
    }
}

/// What went wrong in one publish, of one event or of a batch. Written only where something does.
pub(crate) struct Losses {
    /// How many events there are.
    events: usize,
    /// Deliveries that failed.
    pub(crate) dropped: usize,
    /// Signs the lags that this publish began, if it began any.
    tickets: Option<NonZeroUsize>,
}

impl Losses {
    #[inline]
    pub(crate) fn new(events: usize) -> Self {
        Self { events, dropped: 0, tickets: None }
    }

    /// The tickets with which this publish has begun lags, if it has begun any.
    #[inline]
    pub(crate) fn tickets(&self) -> Option<Tickets> {
        self.tickets.map(|first| Tickets::from(first, self.events))
    }

    /// Offers each of these mailboxes a clone of the event, and returns how many have got it.
    #[inline(always)]
    fn serve<E: Clone>(&mut self, mailboxes: &[Arc<Mailbox<E>>], event: &E, panics: &mut Panics) -> usize {
        let mut delivered = 0;
        for mailbox in mailboxes {
            let offer = panics.catch(|| mailbox.offer(event));
            delivered += self.settle(mailbox, offer, 0, panics);
        }
        delivered
    }

    /// The same, for a list that is nearly always empty.
    #[inline(never)]
    fn serve_second<E: Clone>(&mut self, mailboxes: &[Arc<Mailbox<E>>], event: &E, panics: &mut Panics) -> usize {
        self.serve(mailboxes, event, panics)
    }

    /// Counts what became of the clone of an event that was offered to a mailbox (`None` where the filter or `Clone` has panicked):
    /// returns 1 if it was delivered.
    #[inline(always)]
    pub(crate) fn settle<E>(
        &mut self,
        mailbox: &Mailbox<E>,
        offer: Option<Offer<E>>,
        index: usize,
        panics: &mut Panics,
    ) -> usize {
        match offer {
            Some(Offer::Delivered) => 1,
            Some(Offer::Filtered) => 0,
            lost => {
                let (delivered, lost) = self.lose(mailbox, lost, index);
                if needs_drop::<E>() {
                    panics.catch(|| drop(lost));
                }
                delivered
            }
        }
    }

    /// Offers the last mailbox the event itself, unless it is needed once more, because a lag report names its type. Puts it back where
    /// the ring was full.
    #[inline]
    fn serve_last<E: Clone>(&mut self, mailbox: &Mailbox<E>, event: &mut Option<E>, panics: &mut Panics) -> usize {
        if self.tickets.is_some() || mailbox.options().overflow == Overflow::DropOldest {
            let offer = panics.catch(|| event.as_ref().map_or(Offer::Filtered, |event| mailbox.offer(event)));
            return self.settle(mailbox, offer, 0, panics);
        }
        match panics.catch(|| mailbox.offer_itself(event)) {
            Some(Offer::Delivered) => 1,
            Some(Offer::Filtered) => 0,
            lost => {
                let (delivered, lost) = self.lose(mailbox, lost, 0);
                *event = lost.or(event.take());
                delivered
            }
        }
    }

    /// Counts a loss. Returns 1 if something else was delivered for it, and the event that was lost, if there is one.
    #[cold]
    fn lose<E>(&mut self, mailbox: &Mailbox<E>, offer: Option<Offer<E>>, index: usize) -> (usize, Option<E>) {
        let (delivered, lost) = match offer {
            Some(Offer::Evicted(oldest)) => {
                mailbox.count_evicted();
                (1, Some(oldest))
            }
            Some(Offer::Full(refused)) => {
                mailbox.count_dropped();
                self.dropped += 1;
                (0, Some(refused))
            }
            // No ring was full.
            _ => {
                mailbox.count_dropped();
                self.dropped += 1;
                return (0, None);
            }
        };
        mailbox.note_full();
        if !mailbox.options().lossy && mailbox.episode().is_clear() {
            let first = *self.tickets.get_or_insert_with(|| Tickets::take(self.events));
            mailbox.episode().begin(Tickets::from(first, self.events), index);
        }
        (delivered, lost)
    }
}

/// The type for the report of the lags that the publish of an event began. Where `event_type` panics, that panic is the report.
#[cold]
pub(crate) fn lagging_type<E: Event>(event: Option<&E>, panics: &mut Panics) -> Option<EventType> {
    event.and_then(|event| panics.catch(|| event.event_type()))
}

/// Calls the hooks for every lag that was begun with these tickets, by an event of the type that `event_type` tells by its index.
#[cold]
pub(crate) fn report_lags<E>(
    snapshot: &Snapshot<E>,
    tickets: Tickets,
    event_type: impl Fn(usize, &mut Panics) -> Option<EventType>,
    panics: &mut Panics,
) {
    for mailbox in &snapshot.subscribers {
        let Some(index) = mailbox.episode().report(tickets) else { continue };
        let Some(event_type) = event_type(index, panics) else { continue };
        let lag = Lag { subscriber: Arc::clone(&mailbox.options().name), event_type, dropped: mailbox.lost() };
        #[cfg(feature = "tracing")]
        panics.catch(|| {
            tracing::warn!(
                subscriber = &*lag.subscriber,
                event_type = event_type.as_str(),
                dropped = lag.dropped,
                "subscriber lags"
            );
        });
        for hook in &snapshot.hooks {
            panics.catch(|| (hook.0)(&lag));
        }
    }
}
