//! The one cell that says who subscribes and how far the bus has come.

use crate::mailbox::Mailbox;
use crate::panics::swallow;
use crate::publish::displaced::Displaced;
use crate::publish::drains::Drains;
use crate::publish::hooks::Hooks;
use crate::publish::retained::{Entry, Put, Retained, RetainedTypes};
use crate::publish::routes::Routes;
use crate::publish::startup::StartupLog;
use crate::publish::subscribers::Subscribers;
use crate::sync::{ArcSwap, Cache};
use std::ops::Deref;
use std::sync::{Arc, Weak};

/// How far the bus has come. Phases only advance: `Starting → Live → Closed`, with `Retaining` in
/// the place of `Live` if the bus retains types, or `Starting → Closed`.
#[derive(Debug)]
pub(crate) enum Phase<E> {
    /// Publishes are kept in the log.
    Starting(Arc<StartupLog<E>>),
    /// Publishes go to the rings.
    Live,
    /// The same, on a bus that retains types: a publish looks first whether its event is of one of
    /// these.
    Retaining,
    /// Publishes fail.
    Closed(Closed<E>),
}

/// How the bus came to be closed.
#[derive(Debug)]
pub(crate) enum Closed<E> {
    /// It was live before.
    Started,
    /// It never started, and the closing of its log is under way: a second `close` helps.
    Closing(Arc<StartupLog<E>>),
    /// It never started, and its log is closed.
    NeverStarted,
}

impl<E> Clone for Phase<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Starting(log) => Self::Starting(Arc::clone(log)),
            Self::Live => Self::Live,
            Self::Retaining => Self::Retaining,
            Self::Closed(Closed::Started) => Self::Closed(Closed::Started),
            Self::Closed(Closed::Closing(log)) => Self::Closed(Closed::Closing(Arc::clone(log))),
            Self::Closed(Closed::NeverStarted) => Self::Closed(Closed::NeverStarted),
        }
    }
}

/// What became of the start-up log, once it was released.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backlog {
    /// How many events it had.
    pub(crate) len: usize,
    /// Whether somebody was there to read them.
    pub(crate) is_claimed: bool,
}

/// What a publish works on: immutable, and replaced as a whole.
#[derive(Debug)]
pub(crate) struct Snapshot<E> {
    pub(crate) phase: Phase<E>,
    /// Everybody who has subscribed and not yet gone, in that order. Subscribers that were stopped,
    /// and those of a closed bus, stay: a late wake-up must find them.
    pub(crate) subscribers: Subscribers<E>,
    pub(crate) routes: Routes<E>,
    pub(crate) backlog: Backlog,
    /// Of a bus that retains types, until it is closed.
    pub(crate) retained: Option<Arc<Retained<E>>>,
    /// Those of the bus; not part of what is replaced.
    pub(crate) hooks: Arc<Hooks>,
}

impl<E> Snapshot<E> {
    /// One without subscribers, and with hooks of its own.
    fn of_nobody(phase: Phase<E>) -> Self {
        Self {
            phase,
            subscribers: Subscribers::none(),
            routes: Routes::none(),
            backlog: Backlog::default(),
            retained: None,
            hooks: Arc::new(Hooks::new()),
        }
    }

    fn in_phase(&self, phase: Phase<E>) -> Self {
        Self {
            phase,
            subscribers: self.subscribers.clone(),
            routes: self.routes.clone(),
            backlog: self.backlog,
            retained: self.retained.clone(),
            hooks: Arc::clone(&self.hooks),
        }
    }

    fn with_subscribers(&self, subscribers: Subscribers<E>, routes: Routes<E>) -> Self {
        let retained = self.retained.clone();
        let hooks = Arc::clone(&self.hooks);
        Self { phase: self.phase.clone(), subscribers, routes, backlog: self.backlog, retained, hooks }
    }

    fn with_retained(&self, retained: Retained<E>) -> Self {
        Self { retained: Some(Arc::new(retained)), ..self.in_phase(self.phase.clone()) }
    }

    /// The next phase of a bus whose log is released to the subscribers of this snapshot.
    fn released(&self, log: &StartupLog<E>, phase: Phase<E>) -> Self {
        let is_claimed = self.subscribers.iter().any(|mailbox| !mailbox.is_abandoned());
        let backlog = Backlog { len: log.final_len().unwrap_or_default(), is_claimed };
        Self { backlog, ..self.in_phase(phase) }
    }

    pub(crate) fn is_started(&self) -> bool {
        matches!(self.phase, Phase::Live | Phase::Retaining | Phase::Closed(Closed::Started))
    }

    /// What is retained, if there is something that need not be.
    fn leftovers(&self) -> Option<&Retained<E>> {
        self.retained.as_deref().filter(|retained| retained.has_leftovers())
    }

    /// Whether a subscriber has not received all that it can.
    pub(crate) fn has_unread(&self) -> bool {
        self.subscribers.iter().any(|mailbox| mailbox.has_unread(self.backlog.len))
    }
}

/// Holds the current [`Snapshot`]. Each transition is one read-copy-update, whose closure looks at
/// the phase again every time it runs: what it decides is decided for the snapshot that it
/// replaces.
///
/// No user code runs in a transition, and none when a snapshot that was loaded is let go of: see
/// [`Displaced`].
///
/// # Progress
///
/// `load` is lock-free, and nearly always wait-free; the transitions are lock-free.
/// (Orderings: `ArcSwap::load` acquires what `rcu` released.)
#[derive(Debug)]
pub(crate) struct SnapshotCell<E>(Arc<Shared<E>>);

#[derive(Debug)]
struct Shared<E> {
    current: ArcSwap<Snapshot<E>>,
    displaced: Displaced<Snapshot<E>>,
    drains: Drains,
}

impl<E> Drop for Shared<E> {
    fn drop(&mut self) {
        // Whose subscriptions have just left may be in it for the last time, and a panic there is
        // not the bus owner's.
        let last = self.current.swap(Arc::new(Snapshot::of_nobody(Phase::Closed(Closed::Started))));
        swallow(|| drop(last));
    }
}

impl<E> SnapshotCell<E> {
    pub(crate) fn new(log: StartupLog<E>, retained: Option<Arc<RetainedTypes>>) -> Self {
        let retained = retained.map(|types| Arc::new(Retained::new(types)));
        let first = Snapshot { retained, ..Snapshot::of_nobody(Phase::Starting(Arc::new(log))) };
        let current = ArcSwap::new(Arc::new(first));
        Self(Arc::new(Shared { current, displaced: Displaced::new(), drains: Drains::new() }))
    }

    /// A share in the cell that keeps neither it nor the bus.
    pub(crate) fn downgrade(&self) -> WeakCell<E> {
        WeakCell(Arc::downgrade(&self.0))
    }

    pub(crate) fn cached(&self) -> CachedSnapshot<E> {
        CachedSnapshot(Cache::new(Source(Arc::clone(&self.0))))
    }

    #[inline]
    pub(crate) fn load(&self) -> impl Deref<Target = Arc<Snapshot<E>>> + use<E> {
        self.0.current.load()
    }

    /// Who waits until the bus is drained.
    pub(crate) fn drains(&self) -> &Drains {
        &self.0.drains
    }

    /// Drops what was displaced and is no longer in use.
    pub(crate) fn sweep(&self) {
        self.0.displaced.sweep();
    }

    /// Replaces the snapshot by what `update` makes of it, if anything.
    fn replace(&self, update: impl FnMut(&Snapshot<E>) -> Option<Snapshot<E>>) {
        match self.swap(update) {
            Some(before) => self.0.displaced.retire(before),
            // Who has closed the bus meanwhile could not drop the snapshot that was looked at here.
            None => self.sweep(),
        }
    }

    /// The same, which returns what `update` tells besides. What it told in tries that failed is
    /// let go of behind the swap, because that may be the last share of something: user code.
    fn replace_and_tell<T>(&self, mut update: impl FnMut(&Snapshot<E>) -> (Option<Snapshot<E>>, T)) -> T {
        let mut told = Vec::new();
        self.replace(|current| {
            let (next, tells) = update(current);
            told.push(tells);
            next
        });
        let last = told.pop();
        swallow(|| drop(told));
        last.expect("it was tried once at least")
    }

    /// The same as `replace`, which leaves it to somebody else to drop what was displaced.
    fn swap(&self, mut update: impl FnMut(&Snapshot<E>) -> Option<Snapshot<E>>) -> Option<Arc<Snapshot<E>>> {
        let mut is_changed = false;
        let before = self.0.current.rcu(|current| {
            let next = update(current);
            is_changed = next.is_some();
            next.map_or_else(|| Arc::clone(current), Arc::new)
        });
        is_changed.then_some(before)
    }

    /// Adds a subscriber, unless the bus is closed. Returns the phase that the bus had at that very
    /// moment, which is what entitles the subscriber to the replay, and if it is entitled to the
    /// events retained by then, these.
    pub(crate) fn join(&self, mailbox: &Arc<Mailbox<E>>) -> (Phase<E>, Option<Arc<Retained<E>>>) {
        self.replace_and_tell(|current| {
            let phase = current.phase.clone();
            // Whatever it says, nobody else sees the mailbox before the swap.
            mailbox.entitle(matches!(phase, Phase::Starting(_)));
            let options = mailbox.options();
            let retained = current.retained.as_ref().filter(|_| matches!(phase, Phase::Retaining));
            let (events, youngest) = retained.map_or((0, 0), |retained| {
                let events = if options.retained { retained.count(options.types.as_deref()) } else { 0 };
                (events, retained.youngest)
            });
            let retained = retained.filter(|_| options.retained).cloned();
            // (It may have been entitled to some, in a try that failed.)
            mailbox.entitle_to_retained(events, youngest);
            let next = match phase {
                Phase::Starting(_) | Phase::Live | Phase::Retaining => {
                    Some(current.with_subscribers(current.subscribers.with(mailbox), current.routes.with(mailbox)))
                }
                Phase::Closed(_) => None,
            };
            (next, (phase, retained))
        })
    }

    /// Puts an event into the snapshot, as the last one of its type. Returns that snapshot, for the
    /// event to be fanned out on, and the event with its number; `None` if the bus is not live.
    pub(crate) fn put(&self, entry: &Arc<Entry<E>>) -> Option<(Arc<Snapshot<E>>, Put<E>)> {
        let (mut done, mut failures) = (None, Vec::new());
        let before = self.0.current.rcu(|current| {
            let next = match (&current.phase, &current.retained) {
                (Phase::Retaining, Some(retained)) => {
                    let (retained, put) = retained.with_put(entry);
                    Some((Arc::new(current.with_retained(retained)), put))
                }
                _ => None,
            };
            let swapped = next.as_ref().map_or_else(|| Arc::clone(current), |(next, _)| Arc::clone(next));
            failures.extend(std::mem::replace(&mut done, next));
            swapped
        });
        // What tries that failed have made, nobody else has seen; it may hold the last share of
        // something. So if the bus turns out to be closed, the publisher can take its event back.
        failures.into_iter().for_each(|failed| swallow(|| drop(failed)));
        match done {
            Some(_) => self.0.displaced.retire(before),
            // As in `replace`.
            None => self.sweep(),
        }
        done
    }

    /// Forgets the last event of a type, given by its index.
    pub(crate) fn forget(&self, index: usize) {
        self.replace(|current| {
            let retained = current.retained.as_ref()?;
            let logged = match &current.phase {
                Phase::Starting(log) => Some(log.len_so_far()),
                Phase::Live | Phase::Retaining | Phase::Closed(_) => None,
            };
            Some(current.with_retained(retained.without(index, logged)))
        });
    }

    /// Lets go of events that were superseded or forgotten on their way to their subscribers, and
    /// have arrived. (What this misses, because it finishes in this very moment, goes with the next
    /// event that is put.)
    pub(crate) fn tidy(&self) {
        if self.load().leftovers().is_some() {
            self.replace(|current| Some(current.with_retained(current.leftovers()?.tidied())));
        }
    }

    /// Replaces the start-up log by the events that were found in it, and lets go of it.
    pub(crate) fn settle(&self, found: &[Put<E>]) {
        self.replace(|current| {
            let retained = current.retained.as_ref().filter(|retained| retained.log.is_some())?;
            Some(current.with_retained(retained.settled(found)))
        });
    }

    /// Removes a subscriber, in whichever phase.
    pub(crate) fn leave(&self, mailbox: &Arc<Mailbox<E>>) {
        self.replace(|current| {
            Some(current.with_subscribers(current.subscribers.without(mailbox), current.routes.without(mailbox)))
        });
    }

    /// Takes a mailbox that has ended out of the routes, and leaves it among the subscribers.
    pub(crate) fn unroute(&self, mailbox: &Arc<Mailbox<E>>) {
        self.replace(|current| match current.phase {
            Phase::Starting(_) | Phase::Live | Phase::Retaining => {
                Some(current.with_subscribers(current.subscribers.clone(), current.routes.without(mailbox)))
            }
            Phase::Closed(_) => None,
        });
    }

    /// `Starting → Live`, or `Retaining`; in any other phase, nothing. The log must be closed. What
    /// that displaces is kept for the next [sweep](Self::sweep), because this may be a publish.
    pub(crate) fn go_live(&self) {
        let before = self.swap(|current| match &current.phase {
            Phase::Starting(log) => Some(match &current.retained {
                None => current.released(log, Phase::Live),
                Some(retained) => {
                    let retained = Some(Arc::new(retained.released(log)));
                    Snapshot { retained, ..current.released(log, Phase::Retaining) }
                }
            }),
            Phase::Live | Phase::Retaining | Phase::Closed(_) => None,
        });
        if let Some(before) = before {
            self.0.displaced.keep(before);
        }
    }

    /// `Starting → Closed`, `Live → Closed`. Forgets what was retained. The log must not be closed
    /// before: a publisher that finds it closed in the phase `Starting` takes that for a start.
    /// Returns whether this call has closed the bus, and the log if it has still to be closed.
    pub(crate) fn close(&self) -> (bool, Option<Arc<StartupLog<E>>>) {
        self.replace_and_tell(|current| {
            let log_to_close = match &current.phase {
                Phase::Starting(log) | Phase::Closed(Closed::Closing(log)) => Some(Arc::clone(log)),
                Phase::Live | Phase::Retaining | Phase::Closed(Closed::Started | Closed::NeverStarted) => None,
            };
            let closed = match &current.phase {
                Phase::Starting(log) => Some(Closed::Closing(Arc::clone(log))),
                Phase::Live | Phase::Retaining => Some(Closed::Started),
                Phase::Closed(_) => None,
            };
            let closed = closed.map(|closed| Snapshot { retained: None, ..current.in_phase(Phase::Closed(closed)) });
            let is_first = closed.is_some();
            (closed, (is_first, log_to_close))
        })
    }

    /// Lets go of the log of a bus that never started, once it is closed: from now on its readers
    /// alone keep it.
    pub(crate) fn release_log(&self) {
        self.replace(|current| match &current.phase {
            Phase::Closed(Closed::Closing(log)) => Some(current.released(log, Phase::Closed(Closed::NeverStarted))),
            _ => None,
        });
    }
}

/// Finds the cell as long as the bus or a publisher is there. Who upgrades it keeps the cell for a
/// moment, and not the bus: so the bus closes when its last handle goes, and never on a receiver's
/// thread.
pub(crate) struct WeakCell<E>(Weak<Shared<E>>);

impl<E> WeakCell<E> {
    pub(crate) fn upgrade(&self) -> Option<SnapshotCell<E>> {
        self.0.upgrade().map(SnapshotCell)
    }
}

impl<E> Clone for WeakCell<E> {
    fn clone(&self) -> Self {
        Self(Weak::clone(&self.0))
    }
}

/// A reader of the cell that keeps the snapshot it saw last, and checks by one relaxed load whether
/// it is the current one.
///
/// Relaxed is enough: a subscription, start or close that happened before the publish is never
/// missed, because one location is read coherently; and about one that races with it, nothing is
/// promised.
pub(crate) struct CachedSnapshot<E>(Cache<Source<E>, Arc<Snapshot<E>>>);

impl<E> CachedSnapshot<E> {
    #[inline]
    pub(crate) fn load(&mut self) -> &Snapshot<E> {
        self.0.load()
    }
}

/// What such a reader looks into.
struct Source<E>(Arc<Shared<E>>);

impl<E> Deref for Source<E> {
    type Target = ArcSwap<Snapshot<E>>;

    #[inline]
    fn deref(&self) -> &ArcSwap<Snapshot<E>> {
        &self.0.current
    }
}
