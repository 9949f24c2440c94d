//! The library under the same operations, and what there is to see of it.

mod drain;
mod lag_hook;
mod pictures;
mod receiver;
mod requester;

use crate::aside;
use crate::letter::{Content, Id, Letter, Message, PlannedDeed, Topic};
use crate::operation::{
    Asking, Awaiting, Batch, BusOperation, Draining, HookDeed, Leftover, Operation, Pick, RequestOperation, Scenario,
    Subscribing, SubscriptionOperation, Through, Way,
};
use crate::panics::catch;
use crate::picture::{BusPicture, Outcome, Picture, Refusal};
use drain::Drain;
use lag_hook::{Ears, Hook};
use pictures::{drained_pictures, subscriber_picture, totals};
use receiver::Receiver;
use requester::Requester;
use ringbus::{
    BatchError, CancelHandle, EventBus, LagHook, PublishError, Published, Publisher, Ring, StopHandle, WeakEventBus,
};
use std::sync::Arc;
use std::time::Duration;

/// A bus with its handles, subscriptions and requests.
pub struct Subject<const PADDING: usize> {
    weak: WeakEventBus<Message<PADDING>>,
    buses: Vec<EventBus<Message<PADDING>>>,
    publishers: Vec<Publisher<Message<PADDING>>>,
    /// `None` in the place of one that is gone.
    receivers: Vec<Option<Receiver<PADDING>>>,
    stop_handles: Vec<StopHandle>,
    /// `None` in the place of one that is gone.
    requesters: Vec<Option<Requester<PADDING>>>,
    cancel_handles: Vec<CancelHandle>,
    /// `None` in the place of one that is gone.
    drains: Vec<Option<Drain>>,
    /// How many hooks were added.
    hooks: usize,
    hook_handles: Vec<LagHook>,
    ears: Arc<Ears>,
    /// How often a task was sent back in this step.
    passes: usize,
    shares: Shares,
}

/// What all things of a kind have a share in, by which they are counted.
#[derive(Clone, Default)]
struct Shares {
    copies: Arc<()>,
    filters: Arc<()>,
    wakers: Arc<()>,
}

/// What is left behind when all was dropped.
#[derive(Debug, Default, PartialEq)]
pub struct Leaks {
    events: usize,
    filters: usize,
    hooks: usize,
    wakers: usize,
}

/// How many others have a share.
fn others<T>(share: &Arc<T>) -> usize {
    Arc::strong_count(share) - 1
}

impl<const PADDING: usize> Subject<PADDING> {
    pub fn new(scenario: &Scenario, ring: Ring) -> Self {
        let bus = EventBus::builder().startup_capacity(scenario.startup_capacity).ring(ring).build();
        let mut subject = Self {
            weak: bus.downgrade(),
            buses: vec![bus],
            publishers: Vec::new(),
            receivers: Vec::new(),
            stop_handles: Vec::new(),
            requesters: Vec::new(),
            cancel_handles: Vec::new(),
            drains: Vec::new(),
            hooks: 0,
            hook_handles: Vec::new(),
            ears: Arc::default(),
            passes: 0,
            shares: Shares::default(),
        };
        let weak = subject.weak.clone();
        aside::begin(move || {
            if let Some(bus) = weak.upgrade() {
                Id::ALL.iter().for_each(|&id| _ = bus.is_pending(&id.request_id()));
            }
        });
        scenario.hooks.iter().for_each(|&deed| subject.add_hook(deed));
        subject
    }

    /// Does what the operation says, for which there must be what it needs.
    pub fn apply(&mut self, step: usize, operation: &Operation) -> Outcome {
        self.ears.begin_step(step);
        self.passes = 0;
        match operation {
            Operation::Bus(operation) => self.handle(operation),
            Operation::Publish(through, letter) => self.publish(*through, step, *letter),
            Operation::PublishBatch(through, batch) => self.publish_batch(*through, step, batch),
            Operation::Subscribe(subscribing) => self.subscribe(subscribing),
            Operation::Subscription(pick, operation) => self.change_subscription(*pick, operation),
            Operation::Receive(pick, way) => self.receive(*pick, *way),
            Operation::Await(pick, awaiting) => self.await_event(*pick, *awaiting),
            Operation::Drain(pick, draining) => self.drain(*pick, *draining),
            Operation::Ask(letter, asking) => self.ask(step, *letter, asking),
            Operation::Request(pick, operation) => self.change_request(*pick, operation),
        }
    }

    /// What there is to see by now.
    pub fn picture(&self) -> Picture<usize> {
        let bus = self.weak.upgrade();
        let stats = bus.as_ref().map(EventBus::stats).unwrap_or_default();
        Picture {
            bus: bus.map(|bus| BusPicture {
                is_started: bus.is_started(),
                is_closed: bus.is_closed(),
                subscriber_count: bus.subscriber_count(),
                has_subscribers: Topic::ALL.iter().map(|&topic| bus.has_subscribers(topic.event_type())).collect(),
                is_pending: Id::ALL.iter().map(|&id| bus.is_pending(&id.request_id())).collect(),
                totals: totals(&stats),
            }),
            subscribers: stats.subscribers.iter().map(subscriber_picture).collect(),
            subscriptions: self
                .receivers
                .iter()
                .map(|receiver| Some(receiver.as_ref()?.picture(&stats.subscribers)))
                .collect(),
            requests: self.requesters.iter().map(|requester| Some(requester.as_ref()?.picture())).collect(),
            drains: self.drains.iter().map(|drain| Some(drain.as_ref()?.picture())).collect(),
            heard: self.ears.heard(),
            passes: self.passes,
            hooks: others(&self.ears),
            filters: others(&self.shares.filters),
            copies: others(&self.shares.copies) - others(&self.ears),
        }
    }

    /// Drops everything in this order, and tells what that leaves behind.
    pub fn leaks(mut self, ending: &[Leftover]) -> Leaks {
        for leftover in ending {
            match leftover {
                Leftover::Buses => self.buses.clear(),
                Leftover::Publishers => self.publishers.clear(),
                Leftover::Subscriptions => self.receivers.drain(..).flatten().for_each(Receiver::unsubscribe),
                Leftover::Requests => self.requesters.drain(..).flatten().for_each(Requester::give_up),
                Leftover::Drains => self.drains.drain(..).flatten().for_each(Drain::give_up),
                Leftover::StopHandles => self.stop_handles.clear(),
                Leftover::CancelHandles => self.cancel_handles.clear(),
                Leftover::HookHandles => self.hook_handles.clear(),
            }
        }
        let (shares, ears) = (self.shares.clone(), Arc::clone(&self.ears));
        drop(self);
        aside::end();
        Leaks {
            events: others(&shares.copies),
            filters: others(&shares.filters),
            hooks: others(&ears),
            wakers: others(&shares.wakers),
        }
    }

    fn bus(&self) -> EventBus<Message<PADDING>> {
        self.weak.upgrade().expect("the reference says that there is a handle")
    }

    fn message(&self, content: Content) -> Message<PADDING> {
        Message::new(content, &self.shares.copies, None)
    }

    fn handle(&mut self, operation: &BusOperation) -> Outcome {
        match *operation {
            BusOperation::Start => return Outcome::Replayed(self.bus().start()),
            BusOperation::Close => self.bus().close(),
            BusOperation::CloseAndDrain => {
                return Outcome::Drained(drained_pictures(&self.bus().close_and_drain(Duration::ZERO)));
            }
            BusOperation::MakeDrain => self.drains.push(Some(Drain::new(self.bus(), &self.shares.wakers))),
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
            BusOperation::OnLag(deed) => self.add_hook(deed),
            BusOperation::RemoveHook(pick) => self.hook_handles[picked(pick, &self.hook_handles)].remove(),
            BusOperation::ForgetHook(pick) => {
                drop(self.hook_handles.swap_remove(picked(pick, &self.hook_handles)));
            }
        }
        Outcome::Done
    }

    fn add_hook(&mut self, deed: HookDeed) {
        let hook = Hook {
            number: self.hooks,
            deed,
            bus: self.weak.clone(),
            ears: Arc::clone(&self.ears),
            copies: Arc::clone(&self.shares.copies),
        };
        self.hooks += 1;
        self.hook_handles.push(hook.add_to(&self.bus()));
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

    fn publish_batch(&mut self, through: Through, step: usize, batch: &Batch) -> Outcome {
        let bus = self.bus();
        let deed = batch.deed(!bus.is_started() && !bus.is_closed());
        drop(bus);
        let message = |(index, content)| {
            let planned = deed.filter(|(place, _)| *place == index);
            let planned = planned.map(|(_, deed)| PlannedDeed::new(deed, self.weak.clone()));
            Message::new(content, &self.shares.copies, planned)
        };
        let messages: Vec<_> = batch.contents(step).into_iter().enumerate().map(message).collect();
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
        let receiver = Receiver::new(&self.bus(), name, subscribing, &self.shares.filters, &self.shares.wakers);
        self.stop_handles.push(receiver.stop_handle());
        self.receivers.push(Some(receiver));
        Outcome::Done
    }

    fn change_subscription(&mut self, pick: Pick, operation: &SubscriptionOperation) -> Outcome {
        let index = picked(pick, &self.receivers);
        match operation {
            SubscriptionOperation::Unsubscribe => taken(&mut self.receivers[index]).unsubscribe(),
            SubscriptionOperation::Stop => self.stop_handles[index].stop(),
            SubscriptionOperation::TakeLost => {
                return Outcome::Lost(present(&mut self.receivers[index]).take_lost());
            }
        }
        Outcome::Done
    }

    fn receive(&mut self, pick: Pick, way: Way) -> Outcome {
        let index = picked(pick, &self.receivers);
        if let Way::IntoIter(few) = way {
            return taken(&mut self.receivers[index]).receive_and_go(few.0);
        }
        present(&mut self.receivers[index]).receive(way, &mut self.passes)
    }

    fn await_event(&mut self, pick: Pick, awaiting: Awaiting) -> Outcome {
        let index = picked(pick, &self.receivers);
        present(&mut self.receivers[index]).await_event(awaiting, &mut self.passes)
    }

    fn drain(&mut self, pick: Pick, draining: Draining) -> Outcome {
        let index = picked(pick, &self.drains);
        let place = &mut self.drains[index];
        if draining == Draining::Drop {
            taken(place).give_up();
            return Outcome::Done;
        }
        let outcome = present(place).poll(draining, &mut self.passes);
        if outcome != Outcome::Pending {
            *place = None;
        }
        outcome
    }

    fn ask(&mut self, step: usize, letter: Letter, asking: &Asking) -> Outcome {
        let bus = self.bus();
        let message = self.message(Content::new(step, letter).sturdy_if(bus.is_started()));
        match catch(|| Requester::ask(&bus, message, asking, &self.shares.wakers)) {
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
                return Outcome::Gathered(taken(place).wait());
            }
            RequestOperation::Poll { is_stopped, caller } => {
                return match present(place).poll(is_stopped, caller, &mut self.passes) {
                    None => Outcome::Pending,
                    Some(gathered) => {
                        *place = None;
                        Outcome::Gathered(gathered)
                    }
                };
            }
            RequestOperation::Cancel => self.cancel_handles[index].cancel(),
            RequestOperation::GiveUp => taken(place).give_up(),
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

fn taken<T>(place: &mut Option<T>) -> T {
    place.take().expect("the reference says that it is there")
}

fn published<const PADDING: usize>(result: Result<Published, PublishError<Message<PADDING>>>) -> Outcome {
    match result {
        Ok(published) => Outcome::Published(published),
        Err(PublishError::StartupFull(message)) => Outcome::Refused(Refusal::StartupFull, message.content),
        Err(PublishError::Closed(message)) => Outcome::Refused(Refusal::Closed, message.content),
    }
}
