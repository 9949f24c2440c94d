//! What a listener has to make of messages, written down in another way than in `Incoming`: it
//! keeps everything that it was told, and counts anew each time.

use ringbus_nats::NodeId;
use ringbus_nats::internals::{Balance, Envelope, Forgotten, Incoming, Kind, Limits, Progress, Tail, Verdict};
use std::time::Duration;

/// Follows messages as `Incoming` does.
#[derive(Debug)]
pub struct Reference {
    own: NodeId,
    limits: Limits,
    /// In the order in which they joined.
    followed: Vec<Followed>,
    forgotten: Vec<Followed>,
    crowded: u64,
}

/// Everything that a node was heard to say since it joined, the join included.
#[derive(Debug)]
struct Followed {
    node: NodeId,
    heard: Vec<Heard>,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    kind: Kind,
    number: u64,
    at: Duration,
}

impl Heard {
    fn is_event(self) -> bool {
        matches!(self.kind, Kind::Event { .. })
    }

    /// How many events its origin had sent by then.
    fn sent(self) -> u64 {
        self.number + u64::from(self.is_event())
    }
}

impl Followed {
    /// How many events are known to be sent after the first so many messages.
    fn sent_after(&self, messages: usize) -> u64 {
        let before = self.heard[0].number;
        self.heard[..messages].iter().map(|heard| heard.sent()).max().unwrap_or(before)
    }

    fn verdict(&self, index: usize) -> Verdict {
        let heard = self.heard[index];
        let verdict = if heard.is_event() { Verdict::Deliver } else { Verdict::Noted };
        let expected = self.sent_after(index);
        if heard.number > expected {
            verdict(Progress::Gap { missed: heard.number - expected })
        } else if heard.is_event() && heard.number < expected {
            Verdict::Late
        } else {
            verdict(Progress::InOrder)
        }
    }

    fn balance(&self) -> Balance {
        let verdicts = || (0..self.heard.len()).map(|index| self.verdict(index));
        let missed = |verdict| match verdict {
            Verdict::Deliver(Progress::Gap { missed }) | Verdict::Noted(Progress::Gap { missed }) => missed,
            _ => 0,
        };
        Balance {
            sent: self.sent_after(self.heard.len()),
            before_join: self.heard[0].number,
            received: verdicts().filter(|verdict| matches!(verdict, Verdict::Deliver(_))).count() as u64,
            gap: verdicts().map(missed).sum(),
            late: verdicts().filter(|verdict| *verdict == Verdict::Late).count() as u64,
        }
    }

    fn heard_at(&self) -> Duration {
        self.heard.iter().map(|heard| heard.at).max().expect("it has joined")
    }

    /// Whether a farewell has said the highest number of all.
    fn has_ended(&self) -> bool {
        let sent = self.sent_after(self.heard.len());
        self.heard.iter().any(|heard| heard.kind == Kind::Farewell && heard.number == sent)
    }

    fn tail(&self, now: Duration, limits: Limits) -> Tail {
        let is_silent = now.saturating_sub(self.heard_at()) >= limits.silent_after;
        match (self.has_ended(), is_silent) {
            (true, _) => Tail::Complete,
            (false, true) => Tail::Unknown,
            (false, false) => Tail::Open,
        }
    }
}

impl Reference {
    pub fn new(own: NodeId, limits: Limits) -> Self {
        Self { own, limits, followed: Vec::new(), forgotten: Vec::new(), crowded: 0 }
    }

    pub fn hear(&mut self, envelope: &Envelope, now: Duration) -> Verdict {
        let node = envelope.origin();
        if node == self.own {
            return Verdict::Own;
        }
        let heard = Heard { kind: envelope.kind(), number: envelope.number(), at: now };
        if let Some(followed) = self.followed.iter_mut().find(|followed| followed.node == node) {
            followed.heard.push(heard);
            return followed.verdict(followed.heard.len() - 1);
        }
        let mut replaced = None;
        if self.followed.len() == self.limits.origins {
            self.followed.sort_by_key(|followed| (followed.heard_at(), followed.node));
            match self.followed.first() {
                Some(oldest) if now.saturating_sub(oldest.heard_at()) >= self.limits.silent_after => {
                    replaced = Some(oldest.node);
                    self.forgotten.push(self.followed.remove(0));
                }
                _ => {
                    self.crowded += 1;
                    return Verdict::Crowded;
                }
            }
        }
        self.followed.push(Followed { node, heard: vec![heard] });
        let joined = Progress::Joined { before: heard.number, replaced };
        if heard.is_event() { Verdict::Deliver(joined) } else { Verdict::Noted(joined) }
    }

    /// Whether that has come to the same.
    pub fn assert_agrees(&self, incoming: &Incoming, now: Duration) {
        assert!(incoming.holds(), "the balance of {incoming:#?}");
        let mut expected: Vec<_> = self
            .followed
            .iter()
            .map(|followed| (followed.node, followed.balance(), followed.tail(now, self.limits), followed.heard_at()))
            .collect();
        expected.sort_by_key(|(node, ..)| *node);
        let reports = incoming.origins(now);
        let seen: Vec<_> = reports.map(|report| (report.node, report.balance, report.tail, report.heard_at)).collect();
        assert_eq!(seen, expected);
        let mut forgotten = Forgotten { origins: self.forgotten.len() as u64, ..Forgotten::default() };
        for followed in &self.forgotten {
            forgotten.unknown_tails += u64::from(!followed.has_ended());
            forgotten.balance.add(&followed.balance());
        }
        assert_eq!(incoming.forgotten(), forgotten);
        assert_eq!(incoming.crowded(), self.crowded);
    }
}

/// What is fed to a listener: a message of one of some nodes, some time after the one before.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub message: Envelope,
    pub after: Duration,
}

/// Feeds the steps to `Incoming` and to the reference. They have to agree all the time.
pub fn check(own: NodeId, limits: Limits, steps: impl IntoIterator<Item = Step>) {
    let (mut incoming, mut reference) = (Incoming::new(own, limits), Reference::new(own, limits));
    let mut now = Duration::ZERO;
    for Step { message, after } in steps {
        now = now.saturating_add(after);
        let expected = reference.hear(&message, now);
        assert_eq!(incoming.hear(&message, now), expected, "{message:?} at {now:?}");
        reference.assert_agrees(&incoming, now);
    }
    let later = now.saturating_add(limits.silent_after);
    reference.assert_agrees(&incoming, later);
}
