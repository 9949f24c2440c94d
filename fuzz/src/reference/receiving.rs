//! Subscribing, receiving and unsubscribing.

use super::subscriber::{Subscriber, Taken, Waits};
use super::{Phase, Reference};
use crate::letter::Content;
use crate::operation::{Awaiting, Pick, Subscribing, SubscriptionOperation, Way};
use crate::picture::Outcome;

impl Reference {
    pub(super) fn subscribe(&mut self, subscribing: &Subscribing) -> Option<Outcome> {
        if !self.has_handle() {
            return None;
        }
        let name = match subscribing {
            Subscribing::Plain { .. } => {
                self.named += 1;
                format!("subscriber-{}", self.named)
            }
            Subscribing::Built(_) => format!("built {}", self.subscribers.len()),
        };
        // Whoever comes drops it, but nobody comes to a closed bus.
        self.is_log_lingering &= self.phase == Phase::Closed;
        self.subscribers.push(Some(Subscriber::new(name, subscribing, self.phase)));
        Some(Outcome::Done)
    }

    pub(super) fn change_subscription(&mut self, pick: Pick, operation: &SubscriptionOperation) -> Option<Outcome> {
        let place = pick.among(&mut self.subscribers)?;
        match operation {
            SubscriptionOperation::Unsubscribe => {
                place.take()?;
                self.is_log_lingering = false;
            }
            SubscriptionOperation::Stop => {
                if let Some(subscriber) = place {
                    subscriber.stop(self.phase);
                }
            }
            SubscriptionOperation::TakeLost => {
                let subscriber = place.as_mut().filter(|subscriber| !subscriber.is_awaited)?;
                return Some(Outcome::Lost(subscriber.take_lost()));
            }
        }
        Some(Outcome::Done)
    }

    pub(super) fn receive(&mut self, pick: Pick, way: Way) -> Option<Outcome> {
        let Self { subscribers, log, phase, is_large, .. } = self;
        let (log, phase) = (log.as_slice(), *phase);
        let place = pick.among(subscribers)?;
        let subscriber = place.as_mut().filter(|subscriber| !subscriber.is_awaited)?;
        let take = |subscriber: &mut Subscriber| subscriber.take(log, phase);
        let waits = |subscriber: &Subscriber, count| {
            let mut trial = subscriber.clone();
            (0..count).any(|_| take(&mut trial) == Taken::NothingNow)
        };
        Some(match way {
            Way::Try => take(subscriber).into(),
            Way::Blocking if waits(subscriber, 1) => return None,
            Way::Blocking | Way::Timeout | Way::Deadline => {
                subscriber.may_forget_waker();
                take(subscriber).into()
            }
            Way::Future(caller) => {
                self.passes = subscriber.passes(caller);
                let taken = poll(subscriber, log, phase);
                subscriber.waits = Waits::No;
                taken.into()
            }
            Way::Stream(caller) => {
                self.passes = subscriber.passes(caller);
                poll(subscriber, log, phase).into()
            }
            Way::Many(few) => {
                // No more than there was when it began, and one look at least.
                let most = few.0.min(subscriber.unread(log, phase).max(1));
                let outcome =
                    collect(most, || if *is_large { take(subscriber) } else { subscriber.take_of_many(log, phase) });
                if matches!(&outcome, Outcome::Collected(events, Some(_)) if events.len() < few.0) {
                    subscriber.leave_read_replay(log, phase);
                }
                outcome
            }
            Way::TryIter(few) => collect(few.0, || take(subscriber)),
            Way::Iter(few) | Way::IntoIter(few) if waits(subscriber, few.0) => return None,
            Way::Iter(few) => {
                subscriber.may_forget_waker();
                collect(few.0, || take(subscriber))
            }
            Way::IntoIter(few) => {
                let mut subscriber = place.take()?;
                self.is_log_lingering = false;
                collect(few.0, || take(&mut subscriber))
            }
        })
    }

    /// A future that has the subscription until it is ready or dropped.
    pub(super) fn await_event(&mut self, pick: Pick, awaiting: Awaiting) -> Option<Outcome> {
        let Self { subscribers, log, phase, .. } = self;
        let subscriber = pick.among(subscribers)?.as_mut()?;
        let Awaiting::Poll(caller) = awaiting else {
            if !std::mem::take(&mut subscriber.is_awaited) {
                return None;
            }
            subscriber.waits = Waits::No;
            return Some(Outcome::Done);
        };
        self.passes = subscriber.passes(caller);
        let taken = poll(subscriber, log, *phase);
        subscriber.is_awaited = taken == Taken::NothingNow;
        Some(taken.into())
    }
}

/// Polls once, and leaves a waker where there is nothing.
fn poll(subscriber: &mut Subscriber, log: &[Content], phase: Phase) -> Taken {
    let taken = subscriber.take(log, phase);
    subscriber.waits = if taken == Taken::NothingNow { Waits::Yes { is_woken: false } } else { Waits::No };
    taken
}

/// Takes up to `max` events.
fn collect(max: usize, mut take: impl FnMut() -> Taken) -> Outcome {
    let mut events = Vec::new();
    while events.len() < max {
        match take() {
            Taken::Event(content) => events.push(content),
            Taken::NothingNow | Taken::Closed => break,
            Taken::Panicked => return Outcome::Collected(events, None),
        }
    }
    let count = events.len();
    Outcome::Collected(events, Some(count))
}
