//! The one cell that says who subscribes and how far the bus has come.

use crate::mailbox::Mailbox;
use crate::mailbox::end::Ended;
use crate::panics::swallow;
use crate::publish::displaced::Displaced;
use crate::publish::drains::Drains;
use crate::publish::hooks::Hooks;
use crate::publish::routes::Routes;
use crate::publish::startup::StartupLog;
use crate::publish::subscribers::Subscribers;
use crate::sync::{ArcSwap, Cache};
use std::ops::Deref;
use std::sync::{Arc, Weak};

/// How far the bus has come. Phases only advance: `Starting → Live → Closed`, or `Starting → Closed`.
#[derive(Debug)]
pub(crate) enum Phase<E> {
    /// Publishes are kept in the log.
    Starting(Arc<StartupLog<E>>),
    /// Publishes go to the rings.
    Live,
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
    /// Everybody who has subscribed and not yet gone, in that order. Subscribers that were stopped, and those of a closed
    /// bus, stay: a late wake-up must find them.
    pub(crate) subscribers: Subscribers<E>,
    pub(crate) routes: Routes<E>,
    pub(crate) backlog: Backlog,
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
            hooks: Arc::new(Hooks::new()),
        }
    }

    fn in_phase(&self, phase: Phase<E>) -> Self {
        Self {
            phase,
            subscribers: self.subscribers.clone(),
            routes: self.routes.clone(),
            backlog: self.backlog,
            hooks: Arc::clone(&self.hooks),
        }
    }

    fn with_subscribers(&self, subscribers: Subscribers<E>, routes: Routes<E>) -> Self {
        Self { phase: self.phase.clone(), subscribers, routes, backlog: self.backlog, hooks: Arc::clone(&self.hooks) }
    }

    /// The next phase of a bus whose log is released to the subscribers of this snapshot.
    fn released(&self, log: &StartupLog<E>, phase: Phase<E>) -> Self {
        let is_claimed = self.subscribers.iter().any(|mailbox| mailbox.ended() != Some(Ended::Abandon));
        let backlog = Backlog { len: log.final_len().unwrap_or_default(), is_claimed };
        Self { backlog, ..self.in_phase(phase) }
    }

    pub(crate) fn is_started(&self) -> bool {
        matches!(self.phase, Phase::Live | Phase::Closed(Closed::Started))
    }

    /// Whether a subscriber has not received all that it can.
    pub(crate) fn has_unread(&self) -> bool {
        self.subscribers.iter().any(|mailbox| mailbox.has_unread(self.backlog.len))
    }
}

/// Holds the current [`Snapshot`]. Each transition is one read-copy-update, whose closure looks at the phase again every time
/// it runs: what it decides is decided for the snapshot that it replaces.
///
/// No user code runs in a transition, and none when a snapshot that was loaded is let go of: see
/// [`Displaced`].
///
/// Progress: `load` is lock-free, and nearly always wait-free; the transitions are lock-free.
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
    pub(crate) fn new(log: StartupLog<E>) -> Self {
        let current = ArcSwap::new(Arc::new(Snapshot::of_nobody(Phase::Starting(Arc::new(log)))));
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
        if let Some(before) = self.swap(update) {
            self.0.displaced.retire(before);
        }
    }

    /// The same, which leaves it to somebody else to drop what was displaced.
    fn swap(&self, mut update: impl FnMut(&Snapshot<E>) -> Option<Snapshot<E>>) -> Option<Arc<Snapshot<E>>> {
        let mut is_changed = false;
        let before = self.0.current.rcu(|current| {
            let next = update(current);
            is_changed = next.is_some();
            next.map_or_else(|| Arc::clone(current), Arc::new)
        });
        is_changed.then_some(before)
    }

    /// Adds a subscriber, unless the bus is closed. Returns the phase that the bus had at that very moment, which is what
    /// entitles the subscriber to the replay.
    pub(crate) fn join(&self, mailbox: &Arc<Mailbox<E>>) -> Phase<E> {
        let mut phase = Phase::Live;
        self.replace(|current| {
            phase = current.phase.clone();
            // Whatever it says, nobody else sees the mailbox before the swap.
            mailbox.entitle(matches!(phase, Phase::Starting(_)));
            match phase {
                Phase::Starting(_) | Phase::Live => {
                    Some(current.with_subscribers(current.subscribers.with(mailbox), current.routes.with(mailbox)))
                }
                Phase::Closed(_) => None,
            }
        });
        phase
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
            Phase::Starting(_) | Phase::Live => {
                Some(current.with_subscribers(current.subscribers.clone(), current.routes.without(mailbox)))
            }
            Phase::Closed(_) => None,
        });
    }

    /// `Starting → Live`; in any other phase, nothing. The log must be closed. What that displaces
    /// is kept for the next [sweep](Self::sweep), because this may be a publish.
    pub(crate) fn go_live(&self) {
        let before = self.swap(|current| match &current.phase {
            Phase::Starting(log) => Some(current.released(log, Phase::Live)),
            Phase::Live | Phase::Closed(_) => None,
        });
        if let Some(before) = before {
            self.0.displaced.keep(before);
        }
    }

    /// `Starting → Closed`, `Live → Closed`. The log must not be closed before: a publisher that
    /// finds it closed in the phase `Starting` takes that for a start. Returns the log if it has
    /// still to be closed.
    pub(crate) fn close(&self) -> Option<Arc<StartupLog<E>>> {
        let mut log_to_close = None;
        self.replace(|current| {
            log_to_close = match &current.phase {
                Phase::Starting(log) | Phase::Closed(Closed::Closing(log)) => Some(Arc::clone(log)),
                Phase::Live | Phase::Closed(Closed::Started | Closed::NeverStarted) => None,
            };
            let closed = match &current.phase {
                Phase::Starting(log) => Closed::Closing(Arc::clone(log)),
                Phase::Live => Closed::Started,
                Phase::Closed(_) => return None,
            };
            Some(current.in_phase(Phase::Closed(closed)))
        });
        log_to_close
    }

    /// Lets go of the log of a bus that never started, once it is closed: from now on its readers alone keep it.
    pub(crate) fn release_log(&self) {
        self.replace(|current| match &current.phase {
            Phase::Closed(Closed::Closing(log)) => Some(current.released(log, Phase::Closed(Closed::NeverStarted))),
            _ => None,
        });
    }
}

/// Finds the cell as long as the bus or a publisher is there. Who upgrades it keeps the cell for a moment, and not the bus: so the
/// bus closes when its last handle goes, and never on a receiver's thread.
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

/// A reader of the cell that keeps the snapshot it saw last, and checks by one relaxed load whether it is the current one.
///
/// Relaxed is enough: a subscription, start or close that happened before the publish is never missed, because
/// one location is read coherently; and about one that races with it, nothing is promised.
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
