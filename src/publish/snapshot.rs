//! The one cell that says who subscribes and how far the bus has come.

use crate::mailbox::Mailbox;
use crate::mailbox::lag::LagHook;
use crate::publish::routes::Routes;
use crate::publish::startup::StartupLog;
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

/// What a publish works on: immutable, and replaced as a whole.
#[derive(Debug)]
pub(crate) struct Snapshot<E> {
    pub(crate) phase: Phase<E>,
    /// Everybody who has subscribed and not yet gone, in that order. Subscribers that were stopped, and those of a closed
    /// bus, stay: a late wake-up must find them.
    pub(crate) subscribers: Box<[Arc<Mailbox<E>>]>,
    pub(crate) routes: Routes<E>,
    pub(crate) hooks: Box<[LagHook]>,
}

impl<E> Snapshot<E> {
    fn in_phase(&self, phase: Phase<E>) -> Self {
        Self { phase, subscribers: self.subscribers.clone(), routes: self.routes.clone(), hooks: self.hooks.clone() }
    }

    fn with_subscribers(&self, subscribers: Box<[Arc<Mailbox<E>>]>) -> Self {
        Self { phase: self.phase.clone(), routes: Routes::new(&subscribers), subscribers, hooks: self.hooks.clone() }
    }
}

/// Holds the current [`Snapshot`]. Each transition is one read-copy-update, whose closure looks at the phase again every time
/// it runs: what it decides is decided for the snapshot that it replaces.
///
/// Progress: `load` is lock-free, and nearly always wait-free; the transitions are lock-free.
/// (Orderings: `ArcSwap::load` acquires what `rcu` released.)
#[derive(Debug)]
pub(crate) struct SnapshotCell<E>(Arc<ArcSwap<Snapshot<E>>>);

impl<E> SnapshotCell<E> {
    pub(crate) fn new(log: StartupLog<E>) -> Self {
        Self(Arc::new(ArcSwap::new(Arc::new(Snapshot {
            phase: Phase::Starting(Arc::new(log)),
            subscribers: Box::default(),
            routes: Routes::new(&[]),
            hooks: Box::default(),
        }))))
    }

    /// A share in the cell that keeps neither it nor the bus.
    pub(crate) fn downgrade(&self) -> WeakCell<E> {
        WeakCell(Arc::downgrade(&self.0))
    }

    pub(crate) fn cached(&self) -> CachedSnapshot<E> {
        CachedSnapshot(Cache::new(Arc::clone(&self.0)))
    }

    #[inline]
    pub(crate) fn load(&self) -> impl Deref<Target = Arc<Snapshot<E>>> + use<E> {
        self.0.load()
    }

    /// Adds a subscriber, unless the bus is closed. Returns the phase that the bus had at that very moment, which is what
    /// entitles the subscriber to the replay.
    pub(crate) fn join(&self, mailbox: &Arc<Mailbox<E>>) -> Phase<E> {
        let before = self.0.rcu(|current| match current.phase {
            Phase::Starting(_) | Phase::Live => {
                let subscribers = current.subscribers.iter().chain([mailbox]).cloned().collect();
                Arc::new(current.with_subscribers(subscribers))
            }
            Phase::Closed(_) => Arc::clone(current),
        });
        before.phase.clone()
    }

    /// Removes a subscriber, in whichever phase.
    pub(crate) fn leave(&self, mailbox: &Arc<Mailbox<E>>) {
        self.0.rcu(|current| {
            let stays = |other: &&Arc<Mailbox<E>>| !Arc::ptr_eq(other, mailbox);
            Arc::new(current.with_subscribers(current.subscribers.iter().filter(stays).cloned().collect()))
        });
    }

    /// Takes the mailboxes that have ended out of the routes, and leaves them among the subscribers.
    pub(crate) fn reroute(&self) {
        self.0.rcu(|current| match current.phase {
            Phase::Starting(_) | Phase::Live => Arc::new(current.with_subscribers(current.subscribers.clone())),
            Phase::Closed(_) => Arc::clone(current),
        });
    }

    /// `Starting → Live`; in any other phase, nothing. The log must be closed. Returns the snapshot before, which may hold the
    /// last share in somebody who has left: user code runs when it is dropped.
    pub(crate) fn go_live(&self) -> Arc<Snapshot<E>> {
        self.0.rcu(|current| match current.phase {
            Phase::Starting(_) => Arc::new(current.in_phase(Phase::Live)),
            Phase::Live | Phase::Closed(_) => Arc::clone(current),
        })
    }

    /// `Starting → Closed`, `Live → Closed`, and lets go of the hooks. The log must not be closed before: a publisher
    /// that finds it closed in the phase `Starting` takes that for a start. Returns the snapshot before, which may hold the
    /// last share in hooks: user code runs when it is dropped.
    pub(crate) fn close(&self) -> Arc<Snapshot<E>> {
        self.0.rcu(|current| {
            let closed = match &current.phase {
                Phase::Starting(log) => Closed::Closing(Arc::clone(log)),
                Phase::Live => Closed::Started,
                Phase::Closed(_) => return Arc::clone(current),
            };
            Arc::new(Snapshot { hooks: Box::default(), ..current.in_phase(Phase::Closed(closed)) })
        })
    }

    /// Lets go of the log of a bus that never started, once it is closed: from now on its readers alone keep it.
    /// Returns the snapshot before, which may hold the last share: user code runs when it is dropped.
    pub(crate) fn release_log(&self) -> Arc<Snapshot<E>> {
        self.0.rcu(|current| match current.phase {
            Phase::Closed(Closed::Closing(_)) => Arc::new(current.in_phase(Phase::Closed(Closed::NeverStarted))),
            _ => Arc::clone(current),
        })
    }

    /// Adds a hook, unless the bus is closed.
    pub(crate) fn add_hook(&self, hook: &LagHook) {
        self.0.rcu(|current| match current.phase {
            Phase::Starting(_) | Phase::Live => {
                let hooks = current.hooks.iter().chain([hook]).cloned().collect();
                Arc::new(Snapshot { hooks, ..current.in_phase(current.phase.clone()) })
            }
            Phase::Closed(_) => Arc::clone(current),
        });
    }
}

/// Finds the cell as long as the bus or a publisher is there. Who upgrades it keeps the cell for a moment, and not the bus: so the
/// bus closes when its last handle goes, and never on a receiver's thread.
pub(crate) struct WeakCell<E>(Weak<ArcSwap<Snapshot<E>>>);

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
pub(crate) struct CachedSnapshot<E>(Cache<Arc<ArcSwap<Snapshot<E>>>, Arc<Snapshot<E>>>);

impl<E> CachedSnapshot<E> {
    #[inline]
    pub(crate) fn load(&mut self) -> &Snapshot<E> {
        self.0.load()
    }
}
