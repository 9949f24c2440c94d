//! What a bus has to do, written down as plainly as one thread allows: lists and counters, after the documentation of the
//! library and not after its source. The G-numbers are those of its guarantees.

mod publishing;
mod receiving;
mod request;
mod requesting;
mod subscriber;

use crate::letter::{Content, Topic};
use crate::operation::{BusOperation, Operation};
use crate::picture::{BusPicture, HeardLag, Outcome, Picture, Totals};
use request::{Request, RequestEnd};
use std::ops::RangeInclusive;
use subscriber::Subscriber;

/// A bus with its subscribers and requests.
pub struct Reference {
    phase: Phase,
    /// Also once it is closed.
    is_started: bool,
    startup_capacity: usize,
    /// What was accepted before the start, for good.
    log: Vec<Content>,
    /// `EventBus` handles.
    buses: usize,
    publishers: usize,
    /// `None` in the place of one that has gone.
    subscribers: Vec<Option<Subscriber>>,
    /// How many were named by the bus.
    named: usize,
    /// `None` in the place of one that is gone.
    requests: Vec<Option<Request>>,
    /// Whether each of the lag hooks panics. One that does not is there from the beginning.
    hooks: Vec<bool>,
    heard: Vec<HeardLag>,
    totals: Totals,
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Starting,
    Live,
    Closed,
}

impl Reference {
    pub fn new(startup_capacity: usize) -> Self {
        Self {
            phase: Phase::Starting,
            is_started: false,
            startup_capacity,
            log: Vec::new(),
            buses: 1,
            publishers: 0,
            subscribers: Vec::new(),
            named: 0,
            requests: Vec::new(),
            hooks: vec![false],
            heard: Vec::new(),
            totals: Totals::default(),
        }
    }

    /// Does what the operation says, and tells what it has to return; `None` where it makes no sense now, or would wait for ever.
    pub fn apply(&mut self, step: usize, operation: &Operation) -> Option<Outcome> {
        self.heard.clear();
        let outcome = match operation {
            Operation::Bus(operation) => self.handle(operation),
            Operation::Publish(through, letter) => self.publish(*through, step, *letter),
            Operation::PublishBatch(through, batch) => self.publish_batch(*through, step, batch),
            Operation::Subscribe(subscribing) => self.subscribe(subscribing),
            Operation::Subscription(pick, operation) => self.change_subscription(*pick, operation),
            Operation::Receive(pick, way) => self.receive(*pick, *way),
            Operation::Ask(letter, asking) => self.ask(step, *letter, asking),
            Operation::Request(pick, operation) => self.change_request(*pick, operation),
        };
        for subscriber in self.subscribers.iter_mut().flatten() {
            subscriber.wake_if_due(&self.log, self.phase);
            subscriber.check_conservation();
        }
        outcome
    }

    /// What there is to see by now.
    pub fn picture(&self) -> Picture<RangeInclusive<usize>> {
        let listed = || self.subscribers.iter().flatten().filter(|subscriber| subscriber.is_listed);
        let bus = self.has_handle().then(|| BusPicture {
            is_started: self.is_started,
            is_closed: self.phase == Phase::Closed,
            subscriber_count: listed().count(),
            has_subscribers: Topic::ALL
                .iter()
                .map(|&topic| listed().any(|subscriber| subscriber.is_offered(topic)))
                .collect(),
            totals: Totals { requests_in_flight: self.requests.iter().flatten().count() as u64, ..self.totals.clone() },
        });
        Picture {
            subscribers: if bus.is_some() { listed().map(Subscriber::stats).collect() } else { Vec::new() },
            subscriptions: self
                .subscribers
                .iter()
                .map(|subscriber| Some(subscriber.as_ref()?.picture(&self.log, self.phase, bus.is_some())))
                .collect(),
            requests: self.requests.iter().map(|request| Some(request.as_ref()?.picture())).collect(),
            heard: self.heard.clone(),
            copies: self.copies(),
            bus,
        }
    }

    fn has_handle(&self) -> bool {
        self.buses + self.publishers > 0
    }

    /// The log is kept until its last reader has come to its end, the rings and requests keep what they hold, and nothing else
    /// does (G11).
    fn copies(&self) -> usize {
        let subscribers = || self.subscribers.iter().flatten();
        let is_log_kept = self.phase == Phase::Starting || subscribers().any(|subscriber| subscriber.reads_log());
        let logged = if is_log_kept { self.log.len() } else { 0 };
        let queued: usize = subscribers().map(|subscriber| subscriber.ring.len()).sum();
        let gathered: usize = self.requests.iter().flatten().map(|request| request.responses.len()).sum();
        logged + queued + gathered
    }

    fn handle(&mut self, operation: &BusOperation) -> Option<Outcome> {
        let has_handle = self.has_handle();
        match *operation {
            BusOperation::Upgrade => {
                self.buses += usize::from(has_handle);
                return Some(Outcome::Upgraded(has_handle));
            }
            _ if !has_handle => return None,
            BusOperation::Start => return Some(Outcome::Replayed(self.start())),
            BusOperation::Close => self.close(),
            BusOperation::Clone => self.buses += 1,
            BusOperation::Drop(pick) => {
                pick.of(self.buses)?;
                self.buses -= 1;
            }
            BusOperation::MakePublisher => self.publishers += 1,
            BusOperation::ClonePublisher(pick) => {
                pick.of(self.publishers)?;
                self.publishers += 1;
            }
            BusOperation::DropPublisher(pick) => {
                pick.of(self.publishers)?;
                self.publishers -= 1;
            }
            BusOperation::OnLag { panics } => {
                if self.phase != Phase::Closed {
                    self.hooks.push(panics);
                }
            }
        }
        if !self.has_handle() {
            self.close();
        }
        Some(Outcome::Done)
    }

    fn start(&mut self) -> usize {
        if self.phase != Phase::Starting {
            return 0;
        }
        self.phase = Phase::Live;
        self.is_started = true;
        self.log.len()
    }

    /// G10. The requests under way end with what had come.
    fn close(&mut self) {
        self.phase = Phase::Closed;
        self.hooks.clear();
        for subscriber in self.subscribers.iter_mut().flatten() {
            subscriber.is_ended = true;
        }
        for request in self.requests.iter_mut().flatten() {
            request.end(RequestEnd::Closed);
        }
    }
}
