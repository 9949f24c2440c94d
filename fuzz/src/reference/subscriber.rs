//! One subscriber, after the documentation.

use super::{Phase, passes};
use crate::letter::{Content, Topic};
use crate::operation::{Caller, Filter, Options, Subscribing};
use crate::picture::{HeardLag, Outcome, OwnCounts, OwnPicture, SubscriberPicture, SubscriptionPicture};
use ringbus::{Overflow, WaitStrategy};
use std::collections::VecDeque;
use std::ops::RangeInclusive;

/// What the builder takes where nothing else is said.
const DEFAULT_CAPACITY: usize = 256;

#[derive(Clone)]
pub(super) struct Subscriber {
    name: String,
    capacity: usize,
    options: Options,
    /// Whether the bus knows it. One that came when the bus was closed is closed and unknown.
    pub(super) is_listed: bool,
    /// Stopped, or the bus is closed: nothing more is delivered.
    pub(super) is_ended: bool,
    replay: Replay,
    /// How far the log was read.
    cursor: usize,
    pub(super) ring: VecDeque<Content>,
    /// What publishes reported delivered to it.
    delivered: u64,
    /// What it took of the replay.
    replayed: u64,
    received: u64,
    dropped: u64,
    evicted: u64,
    filtered: u64,
    discarded: u64,
    told_lost: u64,
    lag: LagState,
    fill: Fill,
    /// Whether it was told that it is closed.
    is_finished: bool,
    /// Whether a future has it.
    pub(super) is_awaited: bool,
    pub(super) waits: Waits,
}

/// How far an episode of lag has come.
#[derive(Clone, Copy, PartialEq)]
enum LagState {
    /// There is none.
    Clear,
    /// Nobody has heard of it.
    Unheard,
    /// It is to be reported by the publish under way, which has lost an event of this type.
    Due(Topic),
    Reported,
}

/// Whether the waker of the last poll that found nothing is with the bus.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Waits {
    No,
    /// It was, or it must have been woken.
    Yes {
        is_woken: bool,
    },
    /// It was, and a blocking receive may have taken it away.
    Perhaps,
}

/// What the log has for a subscriber.
#[derive(Clone, Copy, PartialEq)]
enum Replay {
    /// It came before the start, and has not come to the end of the log.
    Unread,
    /// It came before the start and was stopped before it, which it has not found out yet.
    Forfeited,
    /// Nothing, or nothing more.
    None,
}

/// How full the ring has been.
#[derive(Clone, Default)]
struct Fill {
    /// By what was received after the ring had been found empty.
    sampled: usize,
    highest: usize,
    found_empty: bool,
}

/// What becomes of an event that is offered.
pub(super) enum Offered {
    Unwanted,
    /// Also where it took the place of an older one.
    Delivered,
    Full,
    Panicked,
}

/// What a receiving call finds.
#[derive(PartialEq)]
pub(super) enum Taken {
    Event(Content),
    NothingNow,
    Closed,
    Panicked,
}

impl From<Taken> for Outcome {
    fn from(taken: Taken) -> Self {
        match taken {
            Taken::Event(content) => Self::Received(content),
            Taken::NothingNow => Self::NothingNow,
            Taken::Closed => Self::Closed,
            Taken::Panicked => Self::Panicked,
        }
    }
}

/// Whether a subscriber gets a copy of an event.
enum Copied {
    Yes,
    No,
    Panicked,
}

impl Subscriber {
    pub(super) fn new(name: String, subscribing: &Subscribing, phase: Phase) -> Self {
        let options = match subscribing {
            Subscribing::Plain { capacity } => Options {
                capacity: Some(*capacity),
                types: Vec::new(),
                filter: None,
                overflow: Overflow::DropNewest,
                lossy: false,
                wait: WaitStrategy::Park,
            },
            Subscribing::Built(options) => options.clone(),
        };
        Self {
            name,
            capacity: options.capacity.unwrap_or(DEFAULT_CAPACITY),
            options,
            is_listed: phase != Phase::Closed,
            is_ended: phase == Phase::Closed,
            replay: if phase == Phase::Starting { Replay::Unread } else { Replay::None },
            cursor: 0,
            ring: VecDeque::new(),
            delivered: 0,
            replayed: 0,
            received: 0,
            dropped: 0,
            evicted: 0,
            filtered: 0,
            discarded: 0,
            told_lost: 0,
            lag: LagState::Clear,
            fill: Fill::default(),
            is_finished: false,
            is_awaited: false,
            waits: Waits::No,
        }
    }

    fn wants_type(&self, topic: Topic) -> bool {
        self.options.types.is_empty() || self.options.types.contains(&topic)
    }

    /// Whether an event of this type would be offered to it.
    pub(super) fn is_offered(&self, topic: Topic) -> bool {
        !self.is_ended && self.wants_type(topic)
    }

    pub(super) fn has_filter(&self) -> bool {
        self.options.filter.is_some()
    }

    /// By type, then by filter, then by `Clone`.
    fn copy(&mut self, content: &Content) -> Copied {
        if !self.wants_type(content.letter.topic) {
            return Copied::No;
        }
        match self.options.filter {
            Some(Filter::RefusesOdd) if content.is_odd() => {
                self.filtered += 1;
                Copied::No
            }
            Some(Filter::PanicsOnOdd) if content.is_odd() => Copied::Panicked,
            _ if content.letter.is_fragile => Copied::Panicked,
            _ => Copied::Yes,
        }
    }

    /// A live event comes. Where it is lost, somebody hears of that or not.
    pub(super) fn offer(&mut self, content: &Content, is_heard: bool) -> Offered {
        if self.is_ended {
            return Offered::Unwanted;
        }
        match self.copy(content) {
            Copied::No => Offered::Unwanted,
            Copied::Panicked => {
                self.dropped += 1;
                Offered::Panicked
            }
            Copied::Yes if self.ring.len() < self.capacity => {
                self.delivered += 1;
                self.ring.push_back(*content);
                self.fill.highest = self.fill.highest.max(self.ring.len());
                Offered::Delivered
            }
            Copied::Yes => {
                self.begin_lag(content.letter.topic, is_heard);
                self.overflow(content)
            }
        }
    }

    fn overflow(&mut self, content: &Content) -> Offered {
        self.fill.sampled = self.capacity;
        match self.options.overflow {
            Overflow::DropNewest => {
                self.dropped += 1;
                Offered::Full
            }
            Overflow::DropOldest => {
                self.ring.pop_front();
                self.ring.push_back(*content);
                self.delivered += 1;
                self.evicted += 1;
                Offered::Delivered
            }
        }
    }

    /// An event is lost to a full ring. It begins an episode, or goes on with one that nobody has
    /// heard of.
    fn begin_lag(&mut self, topic: Topic, is_heard: bool) {
        if !self.options.lossy && matches!(self.lag, LagState::Clear | LagState::Unheard) {
            self.lag = if is_heard { LagState::Due(topic) } else { LagState::Unheard };
        }
    }

    /// What the hooks hear from the publish under way, unless nobody listens any more.
    pub(super) fn report_lag(&mut self, is_heard: bool) -> Option<HeardLag> {
        let LagState::Due(topic) = self.lag else { return None };
        if !is_heard {
            self.lag = LagState::Unheard;
            return None;
        }
        self.lag = LagState::Reported;
        let event_type = topic.event_type().as_str();
        Some(HeardLag { hook: 0, subscriber: self.name.clone(), event_type, lost: self.lost() })
    }

    pub(super) fn end_lag_if_caught_up(&mut self) {
        if self.ring.len() <= self.capacity / 2 {
            self.lag = LagState::Clear;
        }
    }

    fn lost(&self) -> u64 {
        self.dropped + self.evicted
    }

    pub(super) fn take_lost(&mut self) -> u64 {
        let lost = self.lost();
        lost - std::mem::replace(&mut self.told_lost, lost)
    }

    /// One that is stopped before the start gets no replay.
    pub(super) fn stop(&mut self, phase: Phase) {
        self.is_ended = true;
        if phase == Phase::Starting && self.replay == Replay::Unread {
            self.replay = Replay::Forfeited;
        }
    }

    /// How often a task is sent back that polls it. What has ended goes on saying so, whatever the
    /// turn.
    pub(super) fn passes(&self, caller: Caller) -> RangeInclusive<usize> {
        if self.is_finished { 0..=0 } else { passes(caller) }
    }

    /// How many events there are to be received at most.
    pub(super) fn unread(&self, log: &[Content], phase: Phase) -> usize {
        self.ring.len() + self.unread_replay(log, phase).len()
    }

    /// Lets go of a replay of which it has looked at every event.
    pub(super) fn leave_read_replay(&mut self, log: &[Content], phase: Phase) {
        if self.replay == Replay::Unread && phase != Phase::Starting && self.cursor == log.len() {
            self.replay = Replay::None;
        }
    }

    /// As one of many, for which nobody is told that it is closed once the replay is read.
    pub(super) fn take_of_many(&mut self, log: &[Content], phase: Phase) -> Taken {
        let told_closed = self.is_finished;
        let read_replay = self.replay == Replay::None;
        let taken = self.take(log, phase);
        if read_replay {
            self.is_finished = told_closed;
        }
        taken
    }

    /// The next event: all of the replay (G3), before anything live (G4).
    pub(super) fn take(&mut self, log: &[Content], phase: Phase) -> Taken {
        if self.replay == Replay::Forfeited {
            self.replay = Replay::None;
            self.is_finished = true;
            return Taken::Closed;
        }
        if self.replay == Replay::Unread {
            if phase == Phase::Starting {
                return Taken::NothingNow;
            }
            if let Some(taken) = self.take_replayed(log) {
                return taken;
            }
        }
        self.take_live()
    }

    fn take_replayed(&mut self, log: &[Content]) -> Option<Taken> {
        while let Some(content) = log.get(self.cursor) {
            self.cursor += 1;
            match self.copy(content) {
                Copied::No => {}
                Copied::Yes => {
                    self.replayed += 1;
                    return Some(self.receive(*content));
                }
                Copied::Panicked => {
                    self.replayed += 1;
                    self.discarded += 1;
                    return Some(Taken::Panicked);
                }
            }
        }
        self.replay = Replay::None;
        None
    }

    fn take_live(&mut self) -> Taken {
        let len = self.ring.len();
        if let Some(content) = self.ring.pop_front() {
            if std::mem::take(&mut self.fill.found_empty) {
                self.fill.sampled = self.fill.sampled.max(len);
            }
            return self.receive(content);
        }
        self.fill.found_empty = true;
        self.is_finished |= self.is_ended;
        if self.is_ended { Taken::Closed } else { Taken::NothingNow }
    }

    /// Ends an episode of lag once the ring is at most half full.
    fn receive(&mut self, content: Content) -> Taken {
        self.received += 1;
        self.end_lag_if_caught_up();
        Taken::Event(content)
    }

    /// A blocking receive takes the place of the poll before, where it has to look twice.
    pub(super) fn may_forget_waker(&mut self) {
        if self.waits != Waits::No {
            self.waits = Waits::Perhaps;
        }
    }

    /// G7: who found nothing is woken when there is something, or nothing more to come.
    pub(super) fn wake_if_due(&mut self, log: &[Content], phase: Phase) {
        let waits = self.waits == Waits::Yes { is_woken: false };
        if waits && matches!(self.clone().take(log, phase), Taken::Event(_) | Taken::Closed) {
            self.waits = Waits::Yes { is_woken: true };
        }
    }

    /// G2. So the library's counts, which have to equal these, add up as well.
    pub(super) fn check_conservation(&self) {
        let accounted = self.received + self.ring.len() as u64 + self.evicted + self.discarded;
        assert_eq!(self.delivered + self.replayed, accounted, "the reference itself has lost or made up an event");
    }

    /// Whether the log is kept for it.
    pub(super) fn reads_log(&self) -> bool {
        self.replay != Replay::None
    }

    pub(super) fn stats(&self, log: &[Content], phase: Phase) -> SubscriberPicture {
        SubscriberPicture {
            name: self.name.clone(),
            types: self.types(),
            capacity: self.capacity,
            len: self.ring.len(),
            unread_replay: self.unread_replay(log, phase).len(),
            received: self.received,
            dropped: self.dropped,
            evicted: self.evicted,
            filtered: self.filtered,
            discarded: self.discarded,
            lossy: self.options.lossy,
            lagging: self.lag != LagState::Clear,
        }
    }

    /// Whether it has not received everything.
    pub(super) fn has_unread(&self, log: &[Content], phase: Phase) -> bool {
        self.unread(log, phase) > 0
    }

    /// Those that were asked for, each once.
    fn types(&self) -> Option<Vec<&'static str>> {
        let mut types = Vec::new();
        for topic in &self.options.types {
            let name = topic.event_type().as_str();
            if !types.contains(&name) {
                types.push(name);
            }
        }
        (!types.is_empty()).then_some(types)
    }

    /// What it has not looked at of the log, once that was released.
    fn unread_replay<'a>(&self, log: &'a [Content], phase: Phase) -> &'a [Content] {
        if self.replay == Replay::Unread && phase != Phase::Starting { &log[self.cursor..] } else { &[] }
    }

    pub(super) fn picture(&self, log: &[Content], phase: Phase) -> SubscriptionPicture<RangeInclusive<usize>> {
        let own = || OwnPicture {
            exact: OwnCounts {
                row: self.stats(log, phase),
                is_closed: self.is_ended,
                is_terminated: self.is_finished,
                lost: self.lost(),
            },
            len: self.len(log, phase),
            high_water: self.fill.sampled.max(self.ring.len())..=self.fill.highest,
        };
        let (wakes, wakes_and_keepers) = match self.waits {
            Waits::No => (0..=0, 0..=0),
            Waits::Yes { is_woken } => (usize::from(is_woken)..=1, 1..=1),
            Waits::Perhaps => (0..=1, 0..=1),
        };
        SubscriptionPicture { own: (!self.is_awaited).then(own), wakes, wakes_and_keepers }
    }

    /// What is queued, and at least what the replay has for it, at most what it has at all.
    fn len(&self, log: &[Content], phase: Phase) -> RangeInclusive<usize> {
        let queued = self.ring.len();
        let unread = self.unread_replay(log, phase);
        let mut trial = self.clone();
        let wanted = unread.iter().filter(|content| matches!(trial.copy(content), Copied::Yes)).count();
        queued + wanted..=queued + unread.len()
    }
}
