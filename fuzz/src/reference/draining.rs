//! Closing and waiting for the rest.

use super::subscriber::Subscriber;
use super::{Phase, Reference};
use crate::operation::{Draining, Pick};
use crate::picture::{DrainPicture, Outcome, SubscriberPicture};
use std::ops::RangeInclusive;

/// A future that waits until all is received.
#[derive(Default)]
pub(super) struct Drain {
    /// Whether the last poll must have been woken, where it has found something unread.
    is_woken: Option<bool>,
}

impl Drain {
    pub(super) fn picture(&self) -> DrainPicture<RangeInclusive<usize>> {
        let wakes = match self.is_woken {
            None => 0..=0,
            Some(is_woken) => usize::from(is_woken)..=1,
        };
        DrainPicture { wakes, has_waker: self.is_woken.is_some() }
    }
}

impl Reference {
    /// Those of the subscribers that the bus knows who have not received everything.
    fn behind(&self) -> impl Iterator<Item = &Subscriber> {
        let listed = self.subscribers.iter().flatten().filter(|subscriber| subscriber.is_listed);
        listed.filter(|subscriber| subscriber.has_unread(&self.log, self.phase))
    }

    /// Their statistics.
    pub(super) fn unread(&self) -> Vec<SubscriberPicture> {
        self.behind().map(|subscriber| subscriber.stats(&self.log, self.phase)).collect()
    }

    pub(super) fn drain(&mut self, pick: Pick, draining: Draining) -> Option<Outcome> {
        let index = pick.of(self.drains.len())?;
        self.drains[index].as_ref()?;
        if draining != Draining::Drop {
            self.close();
        }
        let unread = self.unread();
        if draining == Draining::Drop {
            self.end_drain(index);
            Some(Outcome::Done)
        } else if draining == Draining::PollStopped || unread.is_empty() {
            self.end_drain(index);
            Some(Outcome::Drained(unread))
        } else {
            self.drains[index] = Some(Drain { is_woken: Some(false) });
            Some(Outcome::Pending)
        }
    }

    /// Its handle may have been the last.
    fn end_drain(&mut self, index: usize) {
        self.drains[index] = None;
        if !self.has_handle() {
            self.close();
        }
    }

    /// G7: who waits until all is received is woken when it is.
    pub(super) fn wake_drains_if_due(&mut self) {
        if self.phase == Phase::Closed && self.behind().next().is_none() {
            for drain in self.drains.iter_mut().flatten() {
                drain.is_woken = drain.is_woken.map(|_| true);
            }
        }
    }
}
