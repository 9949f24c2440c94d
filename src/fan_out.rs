//! One live publish: from the event to the rings and the wake-ups, and then to the lag hooks.

use crate::event::Event;
use crate::event_type::EventType;
use crate::lag::{Lag, LagHook, Ticket};
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
        ticket: None,
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
    mailbox::after_push(fan.interested, panics);
    let lags = fan.ticket.map(|ticket| fan.lags(snapshot, ticket, panics));
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
    ticket: Option<Ticket>,
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
                && self.ticket.is_none()
                && mailbox.options().overflow == Overflow::DropNewest;
            let offered = if is_last { self.event.take()? } else { event.clone() };
            let pushed = mailbox.push(offered);
            self.position += 1;
            match pushed {
                Pushed::Delivered => self.published.delivered += 1,
                Pushed::Evicted(oldest) => {
                    self.published.delivered += 1;
                    mailbox.count_evicted();
                    self.note_loss(mailbox);
                    if needs_drop::<E>() {
                        return Some(oldest);
                    }
                }
                Pushed::Full(refused) => {
                    self.published.dropped += 1;
                    mailbox.count_dropped();
                    self.note_loss(mailbox);
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

    /// Notes that a ring was full, and begins a lag where none is under way.
    #[cold]
    fn note_loss(&mut self, mailbox: &Mailbox<E>) {
        mailbox.note_full();
        if !mailbox.options().lossy && mailbox.episode().is_clear() {
            mailbox.episode().begin(*self.ticket.get_or_insert_with(Ticket::new));
        }
    }

    /// What there is to report, once everybody was served.
    #[cold]
    fn lags(&self, snapshot: &'a Snapshot<E>, ticket: Ticket, panics: &mut Panics) -> Lags<'a, E> {
        let event_type = self.event.as_ref().and_then(|event| panics.catch(|| event.event_type()));
        Lags { interested: self.interested, hooks: &snapshot.hooks, ticket, event_type }
    }
}

/// The lags that one publish began.
pub(crate) struct Lags<'a, E> {
    interested: [&'a [Arc<Mailbox<E>>]; 2],
    hooks: &'a [LagHook],
    ticket: Ticket,
    /// `None` where `event_type` panicked, and that panic is the report.
    event_type: Option<EventType>,
}

impl<E> Lags<'_, E> {
    /// Calls the hooks for every lag.
    #[cold]
    pub(crate) fn report(self, panics: &mut Panics) {
        for mailbox in self.interested.into_iter().flatten() {
            if let (true, Some(event_type)) = (mailbox.episode().report(self.ticket), self.event_type) {
                let lag = Lag { subscriber: Arc::clone(&mailbox.options().name), event_type, dropped: mailbox.lost() };
                self.call_hooks(&lag, panics);
            }
        }
    }

    fn call_hooks(&self, lag: &Lag, panics: &mut Panics) {
        #[cfg(feature = "tracing")]
        panics.catch(|| {
            tracing::warn!(
                subscriber = &*lag.subscriber,
                event_type = lag.event_type.as_str(),
                dropped = lag.dropped,
                "subscriber lags"
            );
        });
        for hook in self.hooks {
            panics.catch(|| (hook.0)(lag));
        }
    }
}
