//! One live publish: from the event to the rings, the wake-ups, the request that it answers, and
//! the lag hooks.

pub(crate) mod batch;
pub(crate) mod displaced;
pub(crate) mod drains;
pub(crate) mod hooks;
pub(crate) mod list;
pub(crate) mod retained;
pub(crate) mod routes;
pub(crate) mod snapshot;
pub(crate) mod startup;
pub(crate) mod subscribers;

use crate::event::Event;
use crate::event::event_type::EventType;
use crate::event::large::{clone_into, is_large};
use crate::mailbox::lag::{Lag, Tickets};
use crate::mailbox::ring::Lost;
use crate::mailbox::{self, Mailbox};
use crate::panics::Panics;
use crate::publish::hooks::Hooks;
use crate::publish::list::List;
use crate::publish::snapshot::Snapshot;
use crate::stats::Offered;
use std::iter;
use std::mem::needs_drop;
use std::sync::Arc;

/// Offers the event, which must be there, to every interested subscriber, and wakes those that
/// wait; then runs `then`, which may take it, if it is still there: the last subscriber can have it
/// itself, unless `keeps_event`. The lag reports come last.
///
/// User code may panic at every turn (`event_type`, a filter, `Clone`, `Drop`, a waker). The one
/// subscriber that it concerns has a drop counted, everybody else is served, and the caller resumes
/// the first panic.
#[inline(always)]
pub(crate) fn fan_out<E: Event + Clone>(
    snapshot: &Snapshot<E>,
    event: &mut Option<E>,
    keeps_event: bool,
    panics: &mut Panics,
    then: impl FnOnce(&mut Option<E>, &mut Panics),
) -> Offered {
    let routes = &snapshot.routes;
    if routes.has_long() {
        return fan_out_to_many(snapshot, event, keeps_event, panics, then);
    }
    let typed = match event {
        Some(event) if routes.has_typed() => {
            let typed = || routes.typed(event.event_type()).map_or(&[][..], List::first);
            panics.catch(typed).unwrap_or_default()
        }
        _ => &[],
    };
    // Nearly always one of the lists is empty: the way through the other is the one to be short.
    match (routes.universal().first(), typed) {
        ([], []) => {
            then(event, panics);
            Offered::default()
        }
        (list, []) | ([], list) => fan_out_to(snapshot, iter::empty(), list, event, keeps_event, panics, then),
        (universal, typed) => fan_out_to_both(snapshot, [universal, typed], event, keeps_event, panics, then),
    }
}

// Apart, so that the way through one list stays small.
#[inline(never)]
fn fan_out_to_both<E: Event + Clone>(
    snapshot: &Snapshot<E>,
    [universal, typed]: [&[Arc<Mailbox<E>>]; 2],
    event: &mut Option<E>,
    keeps_event: bool,
    panics: &mut Panics,
    then: impl FnOnce(&mut Option<E>, &mut Panics),
) -> Offered {
    fan_out_to(snapshot, iter::once(universal), typed, event, keeps_event, panics, then)
}

/// The same if some lists are long.
#[inline(never)]
fn fan_out_to_many<E: Event + Clone>(
    snapshot: &Snapshot<E>,
    event: &mut Option<E>,
    keeps_event: bool,
    panics: &mut Panics,
    then: impl FnOnce(&mut Option<E>, &mut Panics),
) -> Offered {
    let routes = &snapshot.routes;
    let typed = event.as_ref().and_then(|event| panics.catch(|| routes.typed(event.event_type())).flatten());
    let mut lists = routes.universal().chunks().chain(typed.into_iter().flat_map(List::chunks));
    let last = lists.next_back().unwrap_or_default();
    fan_out_to(snapshot, lists, last, event, keeps_event, panics, then)
}

/// The same for those on these lists.
#[inline(always)]
fn fan_out_to<'a, E: Event + Clone>(
    snapshot: &Snapshot<E>,
    lists: impl Iterator<Item = &'a [Arc<Mailbox<E>>]> + Clone,
    last_list: &'a [Arc<Mailbox<E>>],
    event: &mut Option<E>,
    keeps_event: bool,
    panics: &mut Panics,
    then: impl FnOnce(&mut Option<E>, &mut Panics),
) -> Offered {
    let mut losses = Losses::new(&snapshot.hooks);
    let (mut rest, mut last) = (last_list, None);
    // The last one can have the event itself. If that has no `Drop`, a clone costs no more than a
    // move.
    if needs_drop::<E>() && !keeps_event {
        if let Some((mailbox, others)) = last_list.split_last() {
            (last, rest) = (Some(mailbox), others);
        }
    }
    if let Some(event) = event {
        for mailbox in lists.clone().flatten() {
            losses.serve(mailbox, event, Place::ONLY, panics);
        }
        for mailbox in rest {
            losses.serve(mailbox, event, Place::ONLY, panics);
        }
    }
    if let Some(mailbox) = last {
        losses.serve_last(mailbox, event, panics);
    }
    snapshot.subscribers.fence_pushes();
    for list in lists.clone() {
        mailbox::after_push(list, panics);
    }
    mailbox::after_push(last_list, panics);
    match losses.tickets {
        None => then(event, panics),
        Some(tickets) => {
            // Asked first: `then` may take the event.
            let event_type = lagging_type(event.as_ref(), panics);
            then(event, panics);
            report_lags(snapshot, tickets, |_, _| event_type, panics);
        }
    }
    let delivered = losses.delivered_of(lists.map(<[_]>::len).sum::<usize>() + last_list.len());
    Offered { delivered, dropped: losses.dropped }
}

/// Drops an event that nobody has taken. User code.
#[inline(always)]
pub(crate) fn dispose<E>(event: &mut Option<E>, panics: &mut Panics) {
    if needs_drop::<E>() && event.is_some() {
        panics.catch(|| *event = None);
    }
}

/// What did not come to a delivery in one publish, of one event or of a batch. A good publish, to
/// subscribers without filters, never writes it.
pub(crate) struct Losses<'a> {
    /// Who hears of lags.
    hooks: &'a Hooks,
    /// Offers that a filter refused.
    pub(crate) filtered: usize,
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

impl<'a> Losses<'a> {
    pub(crate) fn new(hooks: &'a Hooks) -> Self {
        Self { hooks, filtered: 0, dropped: 0, tickets: None }
    }

    /// How many of so many offers have come to a delivery.
    #[inline(always)]
    pub(crate) fn delivered_of(&self, offers: usize) -> usize {
        offers - self.filtered - self.dropped
    }

    /// Offers a mailbox a clone of the event.
    #[inline(always)]
    pub(crate) fn serve<E: Clone>(&mut self, mailbox: &Mailbox<E>, event: &E, place: Place, panics: &mut Panics) {
        if const { is_large::<E>() } {
            return self.serve_large(mailbox, event, place, panics);
        }
        let mut copy = None;
        let is_done = panics.catch(|| {
            if mailbox.accepts(event) {
                // Nothing was there before: so there is no need to look whether to drop it.
                std::mem::forget(copy.replace(event.clone()));
            }
        });
        if self.deliver(mailbox, &mut copy, is_done.is_some(), place) {
            dispose(&mut copy, panics);
        }
        // There is none left: so there is no need to look whether to drop it.
        std::mem::forget(copy);
    }

    /// The same for an event that is better cloned to where it belongs.
    #[inline(never)]
    fn serve_large<E: Clone>(&mut self, mailbox: &Mailbox<E>, event: &E, place: Place, panics: &mut Panics) {
        let Some(slots) = mailbox.slots() else { return };
        match panics.catch(|| mailbox.accepts(event)) {
            Some(true) => {}
            Some(false) => return self.filtered += 1,
            None => return self.drop_one(mailbox),
        }
        let evicts = mailbox.evicts();
        // On a bus that retains types, several publishers may have a room for one and the same
        // event, so that the ring is not full although all rooms are taken.
        let is_retaining = mailbox.gate(0).is_some();
        let room = if is_retaining { slots.room_or_new(evicts) } else { slots.room(evicts) };
        let Some(mut room) = room else {
            return self.lose(mailbox, Lost::Refused(()), place);
        };
        if room.is_some() {
            self.lose(mailbox, Lost::Evicted(()), place);
            panics.catch(|| *room = None);
        }
        if panics.catch(|| clone_into(&mut room, event)).is_none() {
            slots.free(room);
            return self.drop_one(mailbox);
        }
        if let Err(lost) = slots.push(room, evicts) {
            let mut back = self.lose(mailbox, lost, place);
            panics.catch(|| *back = None);
            slots.free(back);
        }
    }

    /// Offers the last mailbox the event itself, unless it is needed once more, because a lag
    /// report names its type, or because another may come back for it. It stays where it is if the
    /// ring was full.
    #[inline(always)]
    fn serve_last<E: Clone>(&mut self, mailbox: &Mailbox<E>, slot: &mut Option<E>, panics: &mut Panics) {
        let is_needed = self.tickets.is_some() || mailbox.evicts();
        if is_needed {
            return self.serve_clone(mailbox, slot, panics);
        }
        match panics.catch(|| slot.as_ref().is_some_and(|event| mailbox.accepts(event))) {
            Some(true) => {
                self.deliver(mailbox, slot, true, Place::ONLY);
            }
            Some(false) => self.filtered += 1,
            None => self.drop_one(mailbox),
        }
    }

    // Apart, so that the way through `serve_last` stays small.
    #[inline(never)]
    fn serve_clone<E: Clone>(&mut self, mailbox: &Mailbox<E>, event: &Option<E>, panics: &mut Panics) {
        if let Some(event) = event {
            self.serve(mailbox, event, Place::ONLY, panics);
        }
    }

    /// Puts an event into the ring of a mailbox that wants it, and puts back what the ring does not
    /// keep: says whether it did. If there is none, the filter has refused it, or not `is_done`,
    /// but panicked, as `Clone` may have.
    #[inline(always)]
    fn deliver<E>(&mut self, mailbox: &Mailbox<E>, event: &mut Option<E>, is_done: bool, place: Place) -> bool {
        match event.take() {
            Some(taken) => match mailbox.push(taken) {
                Ok(()) => false,
                Err(lost) => {
                    *event = Some(self.lose(mailbox, lost, place));
                    true
                }
            },
            None => {
                if is_done {
                    self.filtered += 1;
                } else {
                    self.drop_one(mailbox);
                }
                false
            }
        }
    }

    /// Counts what a full ring has not kept, and gives it back.
    #[cold]
    pub(crate) fn lose<E, T>(&mut self, mailbox: &Mailbox<E>, lost: Lost<T>, place: Place) -> T {
        let back = match lost {
            Lost::Refused(event) => {
                self.drop_one(mailbox);
                event
            }
            Lost::Evicted(oldest) => {
                mailbox.count_evicted();
                oldest
            }
            #[cfg(feature = "lane")]
            Lost::Late(event) => {
                mailbox.count_discarded();
                return event;
            }
        };
        mailbox.note_full();
        if !mailbox.options().lossy && mailbox.episode().is_unreported() {
            if self.hooks.may_listen() {
                let tickets = *self.tickets.get_or_insert_with(|| Tickets::take(place.of));
                mailbox.episode().begin(tickets, place.index);
            } else {
                mailbox.episode().begin_unheard();
                // Its last receive may have come before there was an episode to end.
                if mailbox.has_caught_up() {
                    mailbox.episode().end();
                }
            }
        }
        back
    }

    /// Counts a delivery that failed.
    #[cold]
    pub(crate) fn drop_one<E>(&mut self, mailbox: &Mailbox<E>) {
        mailbox.count_dropped();
        self.dropped += 1;
    }
}

/// The type for the report of the lags that the publish of an event began. If `event_type` panics,
/// that panic is the report.
#[cold]
fn lagging_type<E: Event>(event: Option<&E>, panics: &mut Panics) -> Option<EventType> {
    event.and_then(|event| panics.catch(|| event.event_type()))
}

/// Calls the hooks for every lag that was begun with these tickets, by an event of the type that
/// `event_type` tells by its index.
#[cold]
pub(crate) fn report_lags<E>(
    snapshot: &Snapshot<E>,
    tickets: Tickets,
    event_type: impl Fn(usize, &mut Panics) -> Option<EventType>,
    panics: &mut Panics,
) {
    let report = snapshot.hooks.begin_report(panics);
    for mailbox in snapshot.subscribers.iter() {
        let episode = mailbox.episode();
        let Some(index) = episode.take_report(tickets) else { continue };
        match &report {
            // They have gone since the event was lost.
            None => episode.give_report_back(),
            Some(report) => {
                if let Some(event_type) = event_type(index, panics) {
                    let name = Arc::clone(&mailbox.options().name);
                    report.tell(&Lag { subscriber: name, event_type, lost: mailbox.lost() }, panics);
                }
            }
        }
        // Its last receive may have come before there was a report to end.
        if mailbox.has_caught_up() {
            episode.end();
        }
    }
    drop(report);
    snapshot.hooks.sweep();
}
