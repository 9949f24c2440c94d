//! A lag hook: what it notes, and what it does.

use crate::aside;
use crate::letter::{Content, Message, Topic};
use crate::operation::HookDeed;
use crate::panics::panic_as_planned;
use crate::picture::HeardLag;
use ringbus::{EventBus, Lag, LagHook, WeakEventBus};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};

/// What all hooks of a scenario share.
#[derive(Default)]
pub(super) struct Ears {
    heard: Mutex<Vec<HeardLag>>,
    /// The number of the step.
    step: AtomicUsize,
    /// How many events were published by hooks in this step.
    echoes: AtomicUsize,
}

impl Ears {
    /// Forgets what was heard in the step before.
    pub(super) fn begin_step(&self, step: usize) {
        self.heard.lock().expect("hooks panic outside the lock").clear();
        self.step.store(step, Relaxed);
        self.echoes.store(0, Relaxed);
    }

    /// What was heard in this step, in an order that does not depend on that of the reports.
    pub(super) fn heard(&self) -> Vec<HeardLag> {
        let mut heard = self.heard.lock().expect("hooks panic outside the lock").clone();
        heard.sort();
        heard
    }
}

/// A hook in the making.
pub(super) struct Hook<const PADDING: usize> {
    /// How many were added before it.
    pub(super) number: usize,
    pub(super) deed: HookDeed,
    pub(super) bus: WeakEventBus<Message<PADDING>>,
    pub(super) ears: Arc<Ears>,
    /// What the events that it publishes have a share in.
    pub(super) copies: Arc<()>,
}

impl<const PADDING: usize> Hook<PADDING> {
    pub(super) fn add_to(self, bus: &EventBus<Message<PADDING>>) -> LagHook {
        let itself = Arc::new(OnceLock::<LagHook>::new());
        let handle = Arc::clone(&itself);
        let added = bus.on_lag(move |lag| self.hear(lag, &handle));
        itself.get_or_init(|| added.clone());
        added
    }

    fn hear(&self, lag: &Lag, itself: &OnceLock<LagHook>) {
        let heard = HeardLag {
            hook: self.number,
            subscriber: lag.subscriber.to_string(),
            event_type: lag.event_type.as_str(),
            lost: lag.lost,
        };
        self.ears.heard.lock().expect("hooks panic outside the lock").push(heard);
        aside::ask();
        match self.deed {
            HookDeed::Nothing => {}
            HookDeed::Panics => panic_as_planned(),
            HookDeed::Publishes => self.echo(lag),
            HookDeed::RemovesItself => itself.get().expect("it was added").remove(),
            HookDeed::Closes => self.bus().close(),
        }
    }

    fn bus(&self) -> EventBus<Message<PADDING>> {
        self.bus.upgrade().expect("somebody is publishing on it")
    }

    fn echo(&self, lag: &Lag) {
        let echoes = self.ears.echoes.fetch_add(1, Relaxed);
        let content = Content::echo(self.ears.step.load(Relaxed), echoes, Topic::named(lag.event_type.as_str()));
        drop(self.bus().publish(Message::new(content, &self.copies, None)));
    }
}
