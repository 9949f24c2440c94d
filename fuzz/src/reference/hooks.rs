//! The lag hooks, and what happens when they hear of a lag.

use super::Reference;
use crate::letter::{Content, Topic};
use crate::operation::{HookDeed, Pick};
use crate::picture::HeardLag;

/// The hooks of a bus and their handles. A hook is known by how many were added before it.
#[derive(Default)]
pub(super) struct Hooks {
    /// Those that hear, in the order in which they came.
    present: Vec<Hook>,
    /// Those that the publish under way tells of its lags.
    told: Vec<Hook>,
    handles: Vec<usize>,
    added: usize,
    is_closed: bool,
    /// How many events the hooks have published in this step.
    pub(super) echoes: usize,
}

#[derive(Clone, Copy)]
struct Hook {
    number: usize,
    deed: HookDeed,
}

impl Hooks {
    /// A closed bus takes none.
    pub(super) fn add(&mut self, deed: HookDeed) {
        let number = self.added;
        self.added += 1;
        self.handles.push(number);
        if !self.is_closed {
            self.present.push(Hook { number, deed });
        }
    }

    /// By its handle, whether or not it is there.
    pub(super) fn remove(&mut self, pick: Pick) -> Option<()> {
        let number = self.handles[pick.of(self.handles.len())?];
        self.remove_numbered(number);
        Some(())
    }

    fn remove_numbered(&mut self, number: usize) {
        self.present.retain(|hook| hook.number != number);
    }

    /// Leaves the hook where it is.
    pub(super) fn forget(&mut self, pick: Pick) -> Option<()> {
        self.handles.swap_remove(pick.of(self.handles.len())?);
        Some(())
    }

    pub(super) fn close(&mut self) {
        self.is_closed = true;
        self.present.clear();
    }

    /// Whether anybody hears of a lag. What a hook publishes is no news to the hooks.
    pub(super) fn are_listening(&self) -> bool {
        !self.present.is_empty() && !self.are_told()
    }

    fn are_told(&self) -> bool {
        !self.told.is_empty()
    }

    /// How many there are. Those that have gone are not kept, not even where they were called.
    pub(super) fn count(&self) -> usize {
        self.present.len()
    }
}

impl Reference {
    /// Reports the lags that began, or that nobody had heard of, to every hook that is there by
    /// now. Says whether one panicked.
    pub(super) fn report_lags(&mut self) -> bool {
        if self.hooks.are_told() {
            return false;
        }
        let mut panicked = false;
        self.hooks.told = self.hooks.present.clone();
        for index in 0..self.subscribers.len() {
            let Some(subscriber) = &mut self.subscribers[index] else { continue };
            let Some(lag) = subscriber.report_lag(self.hooks.are_told()) else { continue };
            panicked |= self.tell(&lag);
            if let Some(subscriber) = &mut self.subscribers[index] {
                subscriber.end_lag_if_caught_up();
            }
        }
        self.hooks.told.clear();
        self.heard.sort();
        panicked
    }

    /// Tells every hook, also where one panics or takes another one away.
    fn tell(&mut self, lag: &HeardLag) -> bool {
        let mut panicked = false;
        for Hook { number, deed } in self.hooks.told.clone() {
            self.heard.push(HeardLag { hook: number, ..lag.clone() });
            match deed {
                HookDeed::Nothing => {}
                HookDeed::Panics => panicked = true,
                HookDeed::Publishes => panicked |= self.echo(lag),
                HookDeed::RemovesItself => self.hooks.remove_numbered(number),
                HookDeed::Closes => self.close(),
            }
        }
        panicked
    }

    /// A hook publishes, which panics where a filter does.
    fn echo(&mut self, lag: &HeardLag) -> bool {
        let echo = Content::echo(self.step, self.hooks.echoes, Topic::named(lag.event_type));
        self.hooks.echoes += 1;
        self.publish_one(echo).panicked
    }
}
