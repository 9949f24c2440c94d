//! One subscriber, after the documentation.

use super::Phase;
use crate::letter::{Content, Topic};
use crate::operation::{Filter, Options, Subscribing};
use crate::picture::{HeardLag, Outcome, SubscriberPicture, SubscriptionCounts, SubscriptionPicture};
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
    told_missed: u64,
    is_lagging: bool,
    fill: Fill,
    /// How often the last poll must have been woken, where it found nothing.
    pub(super) waits: Option<usize>,
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
    Delivered,
    /// Delivered in the place of an older one.
    Evicted,
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
            told_missed: 0,
            is_lagging: false,
            fill: Fill::default(),
            waits: None,
        }
    }

    fn wants_type(&self, topic: Topic) -> bool {
        self.options.types.is_empty() || self.options.types.contains(&topic)
    }

    /// Whether an event of this type would be offered to it.
    pub(super) fn is_offered(&self, topic: Topic) -> bool {
        !self.is_ended && self.wants_type(topic)
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

    /// A live event comes.
    pub(super) fn offer(&mut self, content: &Content) -> Offered {
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
            Copied::Yes => self.overflow(content),
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
                Offered::Evicted
            }
        }
    }

    /// What the hooks hear where that was not told since an event was received.
    pub(super) fn begin_lag(&mut self, topic: Topic) -> Option<HeardLag> {
        if self.options.lossy || std::mem::replace(&mut self.is_lagging, true) {
            return None;
        }
        let event_type = topic.event_type().as_str();
        Some(HeardLag { hook: 0, subscriber: self.name.clone(), event_type, dropped: self.lost() })
    }

    fn lost(&self) -> u64 {
        self.dropped + self.evicted
    }

    pub(super) fn take_missed(&mut self) -> u64 {
        let lost = self.lost();
        lost - std::mem::replace(&mut self.told_missed, lost)
    }

    /// One that is stopped before the start gets no replay.
    pub(super) fn stop(&mut self, phase: Phase) {
        self.is_ended = true;
        if phase == Phase::Starting && self.replay == Replay::Unread {
            self.replay = Replay::Forfeited;
        }
    }

    /// The next event: all of the replay (G3), before anything live (G4).
    pub(super) fn take(&mut self, log: &[Content], phase: Phase) -> Taken {
        if self.replay == Replay::Forfeited {
            self.replay = Replay::None;
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
        if self.is_ended { Taken::Closed } else { Taken::NothingNow }
    }

    /// Ends an episode of lag.
    fn receive(&mut self, content: Content) -> Taken {
        self.received += 1;
        self.is_lagging = false;
        Taken::Event(content)
    }

    /// G7: who found nothing is woken when there is something, or nothing more to come.
    pub(super) fn wake_if_due(&mut self, log: &[Content], phase: Phase) {
        if self.waits == Some(0) && matches!(self.clone().take(log, phase), Taken::Event(_) | Taken::Closed) {
            self.waits = Some(1);
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

    pub(super) fn stats(&self) -> SubscriberPicture {
        SubscriberPicture {
            name: self.name.clone(),
            capacity: self.capacity,
            len: self.ring.len(),
            received: self.received,
            dropped: self.dropped,
            evicted: self.evicted,
            filtered: self.filtered,
            discarded: self.discarded,
            lossy: self.options.lossy,
        }
    }

    pub(super) fn picture(
        &self,
        log: &[Content],
        phase: Phase,
        has_stats: bool,
    ) -> SubscriptionPicture<RangeInclusive<usize>> {
        SubscriptionPicture {
            exact: SubscriptionCounts {
                name: self.name.clone(),
                capacity: self.capacity,
                is_closed: self.is_ended,
                dropped: self.lost(),
            },
            len: self.len(log, phase),
            high_water: (has_stats && self.is_listed)
                .then(|| self.fill.sampled.max(self.ring.len())..=self.fill.highest),
            wakes: self.waits.unwrap_or(0)..=1,
        }
    }

    /// What is queued, and once the bus has started at least what the replay has for it, at most what it has at all.
    fn len(&self, log: &[Content], phase: Phase) -> RangeInclusive<usize> {
        let queued = self.ring.len();
        let unread = &log[self.cursor..];
        match self.replay {
            _ if phase == Phase::Starting => queued..=queued,
            Replay::Unread => {
                let mut trial = self.clone();
                let wanted = unread.iter().filter(|content| matches!(trial.copy(content), Copied::Yes)).count();
                queued + wanted..=queued + unread.len()
            }
            Replay::Forfeited | Replay::None => queued..=queued,
        }
    }
}
