//! The library under the same operations, and what there is to see of it.

mod receiver;
mod requester;

use crate::letter::{Content, Letter, Message, Topic};
use crate::operation::{
    Asking, BusOperation, Operation, Pick, RequestOperation, Subscribing, SubscriptionOperation, Through, Way,
};
use crate::panics::{catch, panic_as_planned};
use crate::picture::{BusPicture, HeardLag, Outcome, Picture, Refusal, SubscriberPicture, Totals};
use receiver::Receiver;
use requester::Requester;
use ringbus::{
    BatchError, BusStats, CancelHandle, EventBus, PublishError, Published, Publisher, StopHandle, WeakEventBus,
};
use std::sync::{Arc, Mutex};

/// A bus with its handles, subscriptions and requests.
pub struct Subject {
    weak: WeakEventBus<Message>,
    buses: Vec<EventBus<Message>>,
    publishers: Vec<Publisher<Message>>,
    /// `None` in the place of one that is gone.
    receivers: Vec<Option<Receiver>>,
    stop_handles: Vec<StopHandle>,
    /// `None` in the place of one that is gone.
    requesters: Vec<Option<Requester>>,
    cancel_handles: Vec<CancelHandle>,
    hooks: usize,
    heard: Arc<Mutex<Vec<HeardLag>>>,
    /// What every event and every filter has a share in.
    copies: Arc<()>,
    filters: Arc<()>,
}

impl Subject {
    pub fn new(startup_capacity: usize) -> Self {
        let bus = EventBus::new(startup_capacity);
        let mut subject = Self {
            weak: bus.downgrade(),
            buses: vec![bus],
            publishers: Vec::new(),
            receivers: Vec::new(),
            stop_handles: Vec::new(),
            requesters: Vec::new(),
            cancel_handles: Vec::new(),
            hooks: 0,
            heard: Arc::default(),
            copies: Arc::default(),
            filters: Arc::default(),
        };
        // No lag goes unheard.
        subject.add_hook(false);
        subject
    }

    /// Does what the operation says, for which there must be what it needs.
    pub fn apply(&mut self, step: usize, operation: &Operation) -> Outcome {
        self.heard.lock().expect("hooks panic outside the lock").clear();
        match operation {
            Operation::Bus(operation) => self.handle(operation),
            Operation::Publish(through, letter) => self.publish(*through, step, *letter),
            Operation::PublishBatch(through, batch) => self.publish_batch(*through, &batch.contents(step)),
            Operation::Subscribe(subscribing) => self.subscribe(subscribing),
            Operation::Subscription(pick, operation) => self.change_subscription(*pick, operation),
            Operation::Receive(pick, way) => self.receive(*pick, *way),
            Operation::Ask(letter, asking) => self.ask(step, *letter, asking),
            Operation::Request(pick, operation) => self.change_request(*pick, operation),
        }
    }

    /// What there is to see by now.
    pub fn picture(&self) -> Picture<usize> {
        let bus = self.weak.upgrade();
        let stats = bus.as_ref().map(EventBus::stats).unwrap_or_default();
        let mut heard = self.heard.lock().expect("hooks panic outside the lock").clone();
        heard.sort();
        Picture {
            bus: bus.map(|bus| BusPicture {
                is_started: bus.is_started(),
                is_closed: bus.is_closed(),
                subscriber_count: bus.subscriber_count(),
                has_subscribers: Topic::ALL.iter().map(|&topic| bus.has_subscribers(topic.event_type())).collect(),
                totals: totals(&stats),
            }),
            subscribers: stats.subscribers.iter().map(subscriber_picture).collect(),
            subscriptions: self
                .receivers
                .iter()
                .map(|receiver| Some(receiver.as_ref()?.picture(&stats.subscribers)))
                .collect(),
            requests: self.requesters.iter().map(|requester| Some(requester.as_ref()?.picture())).collect(),
            heard,
            copies: Arc::strong_count(&self.copies) - 1,
        }
    }

    /// Drops everything, and tells how many events, filters and hooks that leaves behind.
    pub fn leaks(self) -> (usize, usize, usize) {
        let (copies, filters, heard) = (Arc::clone(&self.copies), Arc::clone(&self.filters), Arc::clone(&self.heard));
        drop(self);
        (Arc::strong_count(&copies) - 1, Arc::strong_count(&filters) - 1, Arc::strong_count(&heard) - 1)
    }

    fn bus(&self) -> EventBus<Message> {
        self.weak.upgrade().expect("the reference says that there is a handle")
    }

    fn message(&self, content: Content) -> Message {
        Message::new(content, &self.copies)
    }

    fn handle(&mut self, operation: &BusOperation) -> Outcome {
        match *operation {
            BusOperation::Start => return Outcome::Replayed(self.bus().start()),
            BusOperation::Close => self.bus().close(),
            BusOperation::Clone => self.buses.push(self.bus().clone()),
            BusOperation::Upgrade => {
                let bus = self.weak.upgrade();
                let is_there = bus.is_some();
                self.buses.extend(bus);
                return Outcome::Upgraded(is_there);
            }
            BusOperation::Drop(pick) => drop(self.buses.swap_remove(picked(pick, &self.buses))),
            BusOperation::MakePublisher => self.publishers.push(self.bus().publisher()),
            BusOperation::ClonePublisher(pick) => {
                self.publishers.push(self.publishers[picked(pick, &self.publishers)].clone());
            }
            BusOperation::DropPublisher(pick) => {
                drop(self.publishers.swap_remove(picked(pick, &self.publishers)));
            }
            BusOperation::OnLag { panics } => self.add_hook(panics),
        }
        Outcome::Done
    }

    fn add_hook(&mut self, panics: bool) {
        let (bus, hook, heard) = (self.bus(), self.hooks, Arc::clone(&self.heard));
        // A closed bus takes none.
        self.hooks += usize::from(!bus.is_closed());
        bus.on_lag(move |lag| {
            heard.lock().expect("hooks panic outside the lock").push(HeardLag {
                hook,
                subscriber: lag.subscriber.to_string(),
                event_type: lag.event_type.as_str(),
                dropped: lag.dropped,
            });
            if panics {
                panic_as_planned();
            }
        });
    }

    fn publish(&mut self, through: Through, step: usize, letter: Letter) -> Outcome {
        let content = Content::new(step, letter).sturdy_if(self.bus().is_started());
        let message = self.message(content);
        let result = catch(|| match through {
            Through::Bus(pick) => self.buses[picked(pick, &self.buses)].publish(message),
            Through::Publisher(pick) => {
                let index = picked(pick, &self.publishers);
                self.publishers[index].publish(message)
            }
        });
        result.map_or(Outcome::Panicked, published)
    }

    fn publish_batch(&mut self, through: Through, contents: &[Content]) -> Outcome {
        let messages: Vec<_> = contents.iter().map(|&content| self.message(content)).collect();
        let result: Option<Result<Published, BatchError>> = catch(|| match through {
            Through::Bus(pick) => self.buses[picked(pick, &self.buses)].publish_batch(&messages),
            Through::Publisher(pick) => {
                let index = picked(pick, &self.publishers);
                self.publishers[index].publish_batch(&messages)
            }
        });
        result.map_or(Outcome::Panicked, Outcome::Batch)
    }

    fn subscribe(&mut self, subscribing: &Subscribing) -> Outcome {
        let name = format!("built {}", self.receivers.len());
        let receiver = Receiver::new(&self.bus(), name, subscribing, &self.filters);
        self.stop_handles.push(receiver.stop_handle());
        self.receivers.push(Some(receiver));
        Outcome::Done
    }

    fn change_subscription(&mut self, pick: Pick, operation: &SubscriptionOperation) -> Outcome {
        let index = picked(pick, &self.receivers);
        match operation {
            SubscriptionOperation::Unsubscribe => drop(self.receivers[index].take()),
            SubscriptionOperation::Stop => self.stop_handles[index].stop(),
            SubscriptionOperation::TakeMissed => {
                return Outcome::Missed(present(&mut self.receivers[index]).take_missed());
            }
        }
        Outcome::Done
    }

    fn receive(&mut self, pick: Pick, way: Way) -> Outcome {
        let index = picked(pick, &self.receivers);
        if let Way::IntoIter(few) = way {
            return self.receivers[index].take().expect("the reference says that it is there").receive_and_go(few.0);
        }
        present(&mut self.receivers[index]).receive(way)
    }

    fn ask(&mut self, step: usize, letter: Letter, asking: &Asking) -> Outcome {
        let bus = self.bus();
        let message = self.message(Content::new(step, letter).sturdy_if(bus.is_started()));
        match catch(|| Requester::ask(&bus, message, asking)) {
            None => Outcome::Panicked,
            Some(Err((refusal, message))) => Outcome::Refused(refusal, message.content),
            Some(Ok((requester, cancel_handle))) => {
                self.requesters.push(Some(requester));
                self.cancel_handles.push(cancel_handle);
                Outcome::Asked
            }
        }
    }

    fn change_request(&mut self, pick: Pick, operation: &RequestOperation) -> Outcome {
        let index = picked(pick, &self.requesters);
        let place = &mut self.requesters[index];
        match *operation {
            RequestOperation::Wait => {
                return Outcome::Gathered(place.take().expect("the reference says that it is there").wait());
            }
            RequestOperation::Poll { is_stopped } => {
                return match present(place).poll(is_stopped) {
                    None => Outcome::Pending,
                    Some(gathered) => {
                        *place = None;
                        Outcome::Gathered(gathered)
                    }
                };
            }
            RequestOperation::Cancel => self.cancel_handles[index].cancel(),
            RequestOperation::GiveUp => *place = None,
        }
        Outcome::Done
    }
}

fn picked<T>(pick: Pick, among: &[T]) -> usize {
    pick.of(among.len()).expect("the reference says that there is one")
}

fn present<T>(place: &mut Option<T>) -> &mut T {
    place.as_mut().expect("the reference says that it is there")
}

fn published(result: Result<Published, PublishError<Message>>) -> Outcome {
    match result {
        Ok(published) => Outcome::Published(published),
        Err(PublishError::StartupFull(message)) => Outcome::Refused(Refusal::StartupFull, message.content),
        Err(PublishError::Closed(message)) => Outcome::Refused(Refusal::Closed, message.content),
    }
}

fn totals(stats: &BusStats) -> Totals {
    Totals {
        published: stats.published,
        delivered: stats.delivered,
        dropped: stats.dropped,
        buffered: stats.buffered,
        startup_rejected: stats.startup_rejected,
        late_responses: stats.late_responses,
        requests_in_flight: stats.requests_in_flight,
    }
}

fn subscriber_picture(stats: &ringbus::SubscriberStats) -> SubscriberPicture {
    SubscriberPicture {
        name: stats.name.to_string(),
        capacity: stats.capacity,
        len: stats.len,
        received: stats.received,
        dropped: stats.dropped,
        evicted: stats.evicted,
        filtered: stats.filtered,
        discarded: stats.discarded,
        lossy: stats.lossy,
    }
}
