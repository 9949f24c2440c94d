//! Subscribing, receiving and unsubscribing.

use super::Reference;
use super::subscriber::{Subscriber, Taken};
use crate::operation::{Pick, Subscribing, SubscriptionOperation, Way};
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
        self.subscribers.push(Some(Subscriber::new(name, subscribing, self.phase)));
        Some(Outcome::Done)
    }

    pub(super) fn change_subscription(&mut self, pick: Pick, operation: &SubscriptionOperation) -> Option<Outcome> {
        let place = pick.among(&mut self.subscribers)?;
        match operation {
            SubscriptionOperation::Unsubscribe => {
                place.take()?;
            }
            SubscriptionOperation::Stop => {
                if let Some(subscriber) = place {
                    subscriber.stop(self.phase);
                }
            }
            SubscriptionOperation::TakeMissed => return Some(Outcome::Missed(place.as_mut()?.take_missed())),
        }
        Some(Outcome::Done)
    }

    pub(super) fn receive(&mut self, pick: Pick, way: Way) -> Option<Outcome> {
        let place = pick.among(&mut self.subscribers)?;
        let subscriber = place.as_mut()?;
        let take = |subscriber: &mut Subscriber| subscriber.take(&self.log, self.phase);
        let waits = |subscriber: &Subscriber, count| {
            let mut trial = subscriber.clone();
            (0..count).any(|_| trial.take(&self.log, self.phase) == Taken::NothingNow)
        };
        Some(match way {
            Way::Try => take(subscriber).into(),
            Way::Blocking if waits(subscriber, 1) => return None,
            Way::Blocking | Way::Timeout | Way::Deadline => {
                subscriber.waits = None;
                take(subscriber).into()
            }
            Way::Future | Way::Stream => {
                subscriber.waits = None;
                let taken = take(subscriber);
                if taken == Taken::NothingNow {
                    subscriber.waits = Some(0);
                }
                taken.into()
            }
            Way::Many(few) | Way::TryIter(few) => collect(few.0, || take(subscriber)),
            Way::Iter(few) | Way::IntoIter(few) if waits(subscriber, few.0) => return None,
            Way::Iter(few) => {
                subscriber.waits = None;
                collect(few.0, || take(subscriber))
            }
            Way::IntoIter(few) => {
                let mut subscriber = place.take()?;
                collect(few.0, || take(&mut subscriber))
            }
        })
    }
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
