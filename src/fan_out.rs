//! One live publish: from the event to the rings and the wake-ups, and then to the lag hooks.

use crate::event::Event;
use crate::event_type::EventType;
use crate::lag::{Lag, Tickets};
use crate::mailbox::{self, Mailbox, Pushed};
use crate::options::Overflow;
use crate::panics::Panics;
use crate::snapshot::Snapshot;
use crate::stats::Published;
use std::mem::needs_drop;
use std::sync::Arc;

/// Offers `event` to every interested subscriber, and wakes those that wait. Takes the event where the last of them can have it
/// itself; with `keeps_event`, all get clones. Returns the lags that began, too, to be reported when everybody was served.
///
/// User code may panic at every turn (`event_type`, a filter, `Clone`, `Drop`, a waker). The one subscriber that
/// it concerns has a drop counted, everybody else is served, and the caller resumes the first panic.
#[inline]
pub(crate) fn fan_out<'a, E: Event + Clone>(
    snapshot: &'a Snapshot<E>,
    event: &mut Option<E>,
    keeps_event: bool,
    panics: &mut Panics,
) -> (Published, Option<Lags<'a, E>>) {
    let routes = &snapshot.routes;
    let typed = match &event {
        Some(event) if routes.has_typed() => panics.catch(|| routes.typed(event.event_type())).unwrap_or_default(),
        _ => &[],
    };
    let mut fan = Fan {
        interested: [routes.universal(), typed],
        position: 0,
        event,
        keeps_event,
        tickets: None,
        published: Published::default(),
    };
    // One guard around the whole loop; it is left and entered again only for what went wrong.
    loop {
        match panics.catch(|| fan.push()) {
            Some(None) => break,
            Some(Some(lost)) => {
                panics.catch(|| drop(lost));
            }
            None => fan.skip_panicked(),
        }
    }
    mailbox::fence_pushes();
    for mailboxes in fan.interested {
        mailbox::after_push(mailboxes, panics);
    }
    let lags = fan.tickets.map(|tickets| {
        // Now: the event may go to the request that it answers.
        let event_type = fan.event.as_ref().and_then(|event| panics.catch(|| event.event_type()));
        Lags { snapshot, tickets, event_type }
    });
    (fan.published, lags)
}

/// How far a fan-out has come.
struct Fan<'a, 'e, E> {
    /// Those that take everything, and those that asked for the type of this event.
    interested: [&'a [Arc<Mailbox<E>>]; 2],
    /// How many of them have been served.
    position: usize,
    /// `None` once the event itself, rather than a clone, went to the last one.
    event: &'e mut Option<E>,
    /// Whether the event itself is needed afterwards, so that the last one gets a clone as well.
    keeps_event: bool,
    /// Signs the lags that this publish began, if it began any.
    tickets: Option<Tickets>,
    published: Published,
}

impl<'a, E: Event + Clone> Fan<'a, '_, E> {
    /// Serves the interested subscribers from `position` on. Returns early with an event that was lost and has a `Drop` to
    /// run. Unwinds only out of a filter or a `Clone`, with `position` still at their subscriber.
    #[inline]
    fn push(&mut self) -> Option<E> {
        let count = self.interested[0].len() + self.interested[1].len();
        while self.position < count {
            let Some(event) = &*self.event else { break };
            let mailbox = self.mailbox();
            if !mailbox.accepts(event) {
                self.position += 1;
                continue;
            }
            // The last one gets the event itself, unless that is needed once more: a lag report names its type.
            let is_last = self.position + 1 == count
                && !self.keeps_event
                && self.tickets.is_none()
                && mailbox.options().overflow == Overflow::DropNewest;
            let offered = if is_last { self.event.take()? } else { event.clone() };
            let pushed = mailbox.push(offered);
            self.position += 1;
            match pushed {
                Pushed::Delivered => self.published.delivered += 1,
                Pushed::Evicted(oldest) => {
                    self.published.delivered += 1;
                    mailbox.count_evicted();
                    note_loss(mailbox, &mut self.tickets, 1, 0);
                    if needs_drop::<E>() {
                        return Some(oldest);
                    }
                }
                Pushed::Full(refused) => {
                    self.published.dropped += 1;
                    mailbox.count_dropped();
                    note_loss(mailbox, &mut self.tickets, 1, 0);
                    if is_last {
                        *self.event = Some(refused);
                    } else if needs_drop::<E>() {
                        return Some(refused);
                    }
                }
            }
        }
        None
    }

    #[inline]
    fn mailbox(&self) -> &'a Mailbox<E> {
        let [universal, typed] = self.interested;
        match universal.get(self.position) {
            Some(mailbox) => mailbox,
            None => &typed[self.position - universal.len()],
        }
    }

    /// Gives up on the subscriber whose filter or `Clone` panicked.
    #[cold]
    fn skip_panicked(&mut self) {
        self.mailbox().count_dropped();
        self.published.dropped += 1;
        self.position += 1;
    }
}

/// Notes that a ring was full, and begins a lag where none is under way, with the event at `index` of so many.
#[cold]
pub(crate) fn note_loss<E>(mailbox: &Mailbox<E>, tickets: &mut Option<Tickets>, events: usize, index: usize) {
    mailbox.note_full();
    if !mailbox.options().lossy && mailbox.episode().is_clear() {
        mailbox.episode().begin(*tickets.get_or_insert_with(|| Tickets::new(events)), index);
    }
}

/// The lags that one publish of one event began.
pub(crate) struct Lags<'a, E> {
    snapshot: &'a Snapshot<E>,
    tickets: Tickets,
    /// `None` where `event_type` panicked, and that panic is the report.
    event_type: Option<EventType>,
}

impl<E> Lags<'_, E> {
    /// Calls the hooks for every lag.
    #[cold]
    pub(crate) fn report(self, panics: &mut Panics) {
        report_lags(self.snapshot, self.tickets, |_, _| self.event_type, panics);
    }
}

/// Calls the hooks for every lag that was begun with these tickets, by an event of the type that `event_type` tells by its index.
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
