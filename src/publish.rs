//! One live publish: from the event to the rings, the wake-ups, the request that it answers, and the lag hooks.

pub(crate) mod batch;
pub(crate) mod routes;
pub(crate) mod snapshot;
pub(crate) mod startup;

use crate::event::Event;
use crate::event::event_type::EventType;
use crate::mailbox::lag::{Lag, Tickets};
use crate::mailbox::options::Overflow;
use crate::mailbox::{self, Lost, Mailbox};
use crate::panics::Panics;
use crate::publish::snapshot::Snapshot;
use crate::stats::Offered;
use std::mem::needs_drop;
use std::sync::Arc;

/// Offers `event` to every interested subscriber, and wakes those that wait; then runs `then`, which is told how many have got the event and
/// may take it, if it is still there: the last of them can have it itself, unless `keeps_event`. The lag reports come last.
///
/// User code may panic at every turn (`event_type`, a filter, `Clone`, `Drop`, a waker). The one subscriber that
/// it concerns has a drop counted, everybody else is served, and the caller resumes the first panic.
#[inline(always)]
pub(crate) fn fan_out<E: Event + Clone>(
    snapshot: &Snapshot<E>,
    event: E,
    keeps_event: bool,
    panics: &mut Panics,
    then: impl FnOnce(&mut Option<E>, usize, &mut Panics),
) -> Offered {
    let routes = &snapshot.routes;
    let typed =
        if routes.has_typed() { panics.catch(|| routes.typed(event.event_type())).unwrap_or_default() } else { &[] };
    // Nearly always one of the lists is empty: the way through the other is the one to be short.
    match (routes.universal(), typed) {
        ([], []) => {
            let mut event = Some(event);
            then(&mut event, 0, panics);
            dispose(event, panics);
            Offered::default()
        }
        (list, []) | ([], list) => fan_out_to(snapshot, [list], event, keeps_event, panics, then),
        (universal, typed) => fan_out_to_both(snapshot, [universal, typed], event, keeps_event, panics, then),
    }
}

// Apart, so that the way through one list stays small.
#[inline(never)]
fn fan_out_to_both<E: Event + Clone>(
    snapshot: &Snapshot<E>,
    lists: [&[Arc<Mailbox<E>>]; 2],
    event: E,
    keeps_event: bool,
    panics: &mut Panics,
    then: impl FnOnce(&mut Option<E>, usize, &mut Panics),
) -> Offered {
    fan_out_to(snapshot, lists, event, keeps_event, panics, then)
}

/// The same for those on these lists, none of which is empty.
#[inline(always)]
fn fan_out_to<E: Event + Clone, const N: usize>(
    snapshot: &Snapshot<E>,
    lists: [&[Arc<Mailbox<E>>]; N],
    event: E,
    keeps_event: bool,
    panics: &mut Panics,
    then: impl FnOnce(&mut Option<E>, usize, &mut Panics),
) -> Offered {
    let mut losses = Losses::default();
    let mut others = lists;
    let mut last = None;
    // The last one can have the event itself. Where that has no `Drop`, a clone costs no more than a move.
    if needs_drop::<E>() && !keeps_event {
        if let Some((mailbox, rest)) = others[N - 1].split_last() {
            (last, others[N - 1]) = (Some(mailbox), rest);
        }
    }
    for list in others {
        for mailbox in list {
            losses.serve(mailbox, &event, Place::ONLY, panics);
        }
    }
    let mut event = Some(event);
    if let Some(mailbox) = last {
        losses.serve_last(mailbox, &mut event, panics);
    }
    mailbox::fence_pushes();
    for list in lists {
        mailbox::after_push(list, panics);
    }
    let delivered = losses.delivered_of(lists.iter().map(|list| list.len()).sum());
    match losses.tickets {
        None => then(&mut event, delivered, panics),
        Some(tickets) => {
            // Asked first: `then` may take the event.
            let event_type = lagging_type(event.as_ref(), panics);
            then(&mut event, delivered, panics);
            report_lags(snapshot, tickets, |_, _| event_type, panics);
        }
    }
    dispose(event, panics);
    Offered { delivered, dropped: losses.dropped }
}

/// Drops an event that nobody has taken. User code.
#[inline(always)]
fn dispose<E>(event: Option<E>, panics: &mut Panics) {
    if needs_drop::<E>() && event.is_some() {
        panics.catch(|| drop(event));
    }
}

/// What did not come to a delivery in one publish, of one event or of a batch. A good publish, to subscribers without filters, never
/// writes it.
#[derive(Default)]
pub(crate) struct Losses {
    /// Offers that a filter refused.
    filtered: usize,
    /// Deliveries that failed.
    pub(crate) dropped: usize,
    /// Sign the lags that this publish began, if it began any.
    pub(crate) tickets: Option<Tickets>,
}

/// Which of the events of a publish.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) index: usize,
    /// How many events there are.
    pub(crate) of: usize,
}

impl Place {
    /// The one event of a publish that is no batch.
    const ONLY: Self = Self { index: 0, of: 1 };
}

impl Losses {
    /// How many of so many offers have come to a delivery.
    #[inline(always)]
    pub(crate) fn delivered_of(&self, offers: usize) -> usize {
        offers - self.filtered - self.dropped
    }

    /// Offers a mailbox a clone of the event.
    #[inline(always)]
    pub(crate) fn serve<E: Clone>(&mut self, mailbox: &Mailbox<E>, event: &E, place: Place, panics: &mut Panics) {
        let clone = panics.catch(|| mailbox.accepts(event).then(|| event.clone()));
        if let Some(back) = self.deliver(mailbox, clone, place) {
            dispose(Some(back), panics);
        }
    }

    /// Offers the last mailbox the event itself, unless it is needed once more, because a lag report names its type, or because another may
    /// come back for it. It stays where it is where the ring was full.
    #[inline(always)]
    fn serve_last<E: Clone>(&mut self, mailbox: &Mailbox<E>, event: &mut Option<E>, panics: &mut Panics) {
        let is_needed = self.tickets.is_some() || mailbox.options().overflow == Overflow::DropOldest;
        let itself = panics.catch(|| match &mut *event {
            Some(event) if is_needed => mailbox.accepts(event).then(|| event.clone()),
            event => event.take_if(|event| mailbox.accepts(event)),
        });
        if let Some(back) = self.deliver(mailbox, itself, Place::ONLY) {
            match event {
                None => *event = Some(back),
                Some(_) => dispose(Some(back), panics),
            }
        }
    }

    /// Puts an event into the ring of a mailbox that wants it, and gives back what the ring does not keep. `Some(None)` is an event that
    /// the filter has refused, `None` one for which the filter or `Clone` has panicked.
    #[inline(always)]
    fn deliver<E>(&mut self, mailbox: &Mailbox<E>, event: Option<Option<E>>, place: Place) -> Option<E> {
        match event {
            Some(Some(event)) => match mailbox.push(event) {
                Ok(()) => None,
                Err(lost) => Some(self.lose(mailbox, lost, place)),
            },
            Some(None) => {
                self.filtered += 1;
                None
            }
            None => {
                self.drop_one(mailbox);
                None
            }
        }
    }

    /// Counts what a full ring has not kept, and gives it back.
    #[cold]
    fn lose<E>(&mut self, mailbox: &Mailbox<E>, lost: Lost<E>, place: Place) -> E {
        let back = match lost {
            Lost::Refused(event) => {
                self.drop_one(mailbox);
                event
            }
            Lost::Evicted(oldest) => {
                mailbox.count_evicted();
                oldest
            }
        };
        mailbox.note_full();
        if !mailbox.options().lossy && mailbox.episode().is_clear() {
            let tickets = *self.tickets.get_or_insert_with(|| Tickets::take(place.of));
            mailbox.episode().begin(tickets, place.index);
        }
        back
    }

    /// Counts a delivery that failed.
    #[cold]
    fn drop_one<E>(&mut self, mailbox: &Mailbox<E>) {
        mailbox.count_dropped();
        self.dropped += 1;
    }
}

/// The type for the report of the lags that the publish of an event began. Where `event_type` panics, that panic is the report.
#[cold]
fn lagging_type<E: Event>(event: Option<&E>, panics: &mut Panics) -> Option<EventType> {
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
