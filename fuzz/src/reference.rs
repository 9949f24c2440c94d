//! What a bus has to do, written down as plainly as one thread allows: lists and counters, after
//! the documentation of the library and not after its source. The G-numbers are those of its
//! guarantees.

mod draining;
mod hooks;
mod publishing;
mod receiving;
mod request;
mod requesting;
mod subscriber;

use crate::letter::{Content, Id, Topic};
use crate::operation::{BusOperation, Caller, Operation, Scenario};
use crate::picture::{BusPicture, HeardLag, Outcome, Picture, Totals};
use draining::Drain;
use hooks::Hooks;
use request::{Request, RequestEnd};
use std::ops::RangeInclusive;
use subscriber::Subscriber;

/// A bus with its subscribers and requests.
pub struct Reference {
    phase: Phase,
    /// Also once it is closed.
    is_started: bool,
    startup_capacity: usize,
    /// Whether events are cloned to where they belong even where one is published alone.
    is_large: bool,
    /// What was accepted before the start, for good.
    log: Vec<Content>,
    /// Whether the log may be kept by what worked on the bus as it was released.
    is_log_lingering: bool,
    /// `EventBus` handles.
    buses: usize,
    publishers: usize,
    /// Whether there ever was one, which may keep filters that have gone.
    had_publisher: bool,
    /// `None` in the place of one that has gone.
    subscribers: Vec<Option<Subscriber>>,
    /// How many were named by the bus.
    named: usize,
    /// `None` in the place of one that is gone.
    requests: Vec<Option<Request>>,
    /// Each of which has a handle. `None` in the place of one that is gone.
    drains: Vec<Option<Drain>>,
    hooks: Hooks,
    heard: Vec<HeardLag>,
    /// The number of the step.
    step: usize,
    /// How often a task may have been sent back to its executor in this step, and must have been.
    passes: RangeInclusive<usize>,
    totals: Totals,
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Starting,
    Live,
    Closed,
}

impl Reference {
    pub fn new(scenario: &Scenario) -> Self {
        let mut hooks = Hooks::default();
        scenario.hooks.iter().for_each(|&deed| hooks.add(deed));
        Self {
            phase: Phase::Starting,
            is_started: false,
            startup_capacity: scenario.startup_capacity,
            is_large: scenario.is_large,
            log: Vec::new(),
            is_log_lingering: false,
            buses: 1,
            publishers: 0,
            had_publisher: false,
            subscribers: Vec::new(),
            named: 0,
            requests: Vec::new(),
            drains: Vec::new(),
            hooks,
            heard: Vec::new(),
            step: 0,
            passes: 0..=0,
            totals: Totals::default(),
        }
    }

    /// Does what the operation says, and tells what it has to return; `None` where it makes no
    /// sense now, or would wait for ever.
    pub fn apply(&mut self, step: usize, operation: &Operation) -> Option<Outcome> {
        self.heard.clear();
        self.step = step;
        self.hooks.echoes = 0;
        self.passes = 0..=0;
        let outcome = match operation {
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
        };
        for subscriber in self.subscribers.iter_mut().flatten() {
            subscriber.wake_if_due(&self.log, self.phase);
            subscriber.check_conservation();
        }
        self.wake_drains_if_due();
        outcome
    }

    /// What there is to see by now.
    pub fn picture(&self) -> Picture<RangeInclusive<usize>> {
        let listed = || self.subscribers.iter().flatten().filter(|subscriber| subscriber.is_listed);
        let offered = |&topic: &Topic| listed().any(|subscriber| subscriber.is_offered(topic));
        let bus = self.has_handle().then(|| BusPicture {
            is_started: self.is_started,
            is_closed: self.phase == Phase::Closed,
            subscriber_count: listed().count(),
            has_subscribers: Topic::ALL.iter().map(offered).collect(),
            is_pending: Id::ALL.iter().map(|&id| self.is_pending(id)).collect(),
            totals: Totals { requests_in_flight: self.requests.iter().flatten().count() as u64, ..self.totals.clone() },
        });
        let row = |subscriber: &Subscriber| subscriber.stats(&self.log, self.phase);
        Picture {
            subscribers: if bus.is_some() { listed().map(row).collect() } else { Vec::new() },
            subscriptions: self
                .subscribers
                .iter()
                .map(|subscriber| Some(subscriber.as_ref()?.picture(&self.log, self.phase)))
                .collect(),
            requests: self.requests.iter().map(|request| Some(request.as_ref()?.picture())).collect(),
            drains: self.drains.iter().map(|drain| Some(drain.as_ref()?.picture())).collect(),
            heard: self.heard.clone(),
            passes: self.passes.clone(),
            hooks: self.hooks.count(),
            filters: self.filters(),
            copies: self.copies(),
            bus,
        }
    }

    fn has_handle(&self) -> bool {
        self.buses + self.publishers + self.drains.iter().flatten().count() > 0
    }

    fn is_pending(&self, id: Id) -> bool {
        self.requests.iter().flatten().any(|request| request.id == id && request.is_open())
    }

    /// A filter goes with its subscription, unless a publisher still has the bus as it was before.
    fn filters(&self) -> RangeInclusive<usize> {
        let present = self.subscribers.iter().flatten().filter(|subscriber| subscriber.has_filter()).count();
        let keeps_more = self.had_publisher && self.has_handle();
        present..=if keeps_more { self.subscribers.len() } else { present }
    }

    /// The log is kept until its last reader has come to its end, the rings and requests keep what
    /// they hold, and nothing else does (G11).
    fn copies(&self) -> RangeInclusive<usize> {
        let subscribers = || self.subscribers.iter().flatten();
        let is_log_kept = self.phase == Phase::Starting || subscribers().any(|subscriber| subscriber.reads_log());
        let queued: usize = subscribers().map(|subscriber| subscriber.ring.len()).sum();
        let gathered: usize = self.requests.iter().flatten().map(|request| request.responses.len()).sum();
        let logged = |is_kept| if is_kept { self.log.len() } else { 0 };
        let most = logged(is_log_kept || (self.is_log_lingering && self.has_handle()));
        queued + gathered + logged(is_log_kept)..=queued + gathered + most
    }

    fn handle(&mut self, operation: &BusOperation) -> Option<Outcome> {
        let has_handle = self.has_handle();
        match *operation {
            BusOperation::Upgrade => {
                self.buses += usize::from(has_handle);
                return Some(Outcome::Upgraded(has_handle));
            }
            BusOperation::RemoveHook(pick) => self.hooks.remove(pick)?,
            BusOperation::ForgetHook(pick) => self.hooks.forget(pick)?,
            _ if !has_handle => return None,
            BusOperation::Start => return Some(Outcome::Replayed(self.start())),
            BusOperation::Close => self.close(),
            BusOperation::CloseAndDrain => {
                self.close();
                return Some(Outcome::Drained(self.unread()));
            }
            BusOperation::MakeDrain => self.drains.push(Some(Drain::default())),
            BusOperation::Clone => self.buses += 1,
            BusOperation::Drop(pick) => {
                pick.of(self.buses)?;
                self.buses -= 1;
            }
            BusOperation::MakePublisher => self.add_publisher(),
            BusOperation::ClonePublisher(pick) => {
                pick.of(self.publishers)?;
                self.add_publisher();
            }
            BusOperation::DropPublisher(pick) => {
                pick.of(self.publishers)?;
                self.publishers -= 1;
            }
            BusOperation::OnLag(deed) => self.hooks.add(deed),
        }
        if has_handle && !self.has_handle() {
            self.close();
        }
        Some(Outcome::Done)
    }

    fn add_publisher(&mut self) {
        self.publishers += 1;
        self.had_publisher = true;
    }

    /// Returns how many events somebody will get.
    fn start(&mut self) -> usize {
        if self.phase != Phase::Starting {
            return 0;
        }
        let replayed = self.release();
        self.phase = Phase::Live;
        self.is_started = true;
        replayed
    }

    /// Releases the log to those who are there, and says how many events that are for them.
    fn release(&mut self) -> usize {
        let is_claimed = self.subscribers.iter().flatten().any(|subscriber| !subscriber.is_ended);
        let (claimed, unclaimed) = if is_claimed { (self.log.len(), 0) } else { (0, self.log.len()) };
        self.totals.unclaimed = unclaimed as u64;
        claimed
    }

    /// G10. The requests under way end with what had come.
    fn close(&mut self) {
        if self.phase == Phase::Starting {
            self.release();
        }
        self.phase = Phase::Closed;
        self.is_log_lingering = false;
        self.hooks.close();
        for subscriber in self.subscribers.iter_mut().flatten() {
            subscriber.is_ended = true;
        }
        for request in self.requests.iter_mut().flatten() {
            request.end(RequestEnd::Closed);
        }
    }
}

/// How often a task is sent back that polls once. Whoever has a turn left may have used it up
/// elsewhere.
fn passes(caller: Caller) -> RangeInclusive<usize> {
    usize::from(caller == Caller::Tired)..=1
}
