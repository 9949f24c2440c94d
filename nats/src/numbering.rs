//! How the messages of a node are numbered, and what a receiver makes of the numbers: what to
//! publish, and what it has missed, to the event.
//!
//! Nothing here sends, waits or looks at a clock. [`Outgoing`] makes the envelopes of a bridge, and
//! [`Incoming`] is fed those that come in, with the time.
//!
//! **The sender** counts its events from 0. Its first message is a heartbeat, the hello: it says
//! that number 0 comes next. Heartbeats go on for as long as the node lives, so that a loss shows
//! although no event follows it. A farewell says that nothing will. Whoever starts anew is another
//! node, with numbers of its own.
//!
//! **The receiver** keeps for each node the number that it expects.
//!
//! | it hears | that | and so |
//! |---|---|---|
//! | the first message of a node | joins it | what came before was sent *before the join*: no loss |
//! | the number that it expects | is in order | it delivers the event |
//! | a higher number | leaves a *gap* | it counts what lies between, once, and goes on from there |
//! | a lower number | is *late*, or came twice | it discards the event, and counts it apart |
//! | a heartbeat that says a higher number | leaves a *gap*, too | that was the end of what was sent, and got lost |
//!
//! So after each message `sent = before_join + received + gap` for each node ([`Balance`]): an
//! event that comes late stays part of the gap (or of what came before the join), and one that
//! comes twice was received once. What is delivered has rising numbers: in order, and at most once.
//!
//! **What cannot be known.** If a node falls silent without a farewell, it may have sent more than
//! was heard of: its [`Tail`] is unknown, until it is heard again.
//!
//! **Bounded memory.** There is room for [`Limits::origins`] nodes. If another one comes, the one
//! that was silent for longest is forgotten, but only after [`Limits::silent_after`]; its balance
//! goes into [`Incoming::forgotten`]. If none was silent for so long, the newcomer is turned away,
//! message by message, and counted, until there is room. What it has sent until then counts as
//! before the join. A forgotten node that speaks again joins anew, as a node that was never heard
//! of. That events are received at most once therefore takes a network that keeps none back for
//! longer than `silent_after`; one that comes later, of a node that was forgotten, counts as new.

use crate::envelope::{Envelope, Kind};
use crate::node_id::NodeId;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Numbers what one bridge sends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Outgoing {
    /// The bridge.
    node: NodeId,
    /// How many events were sent, and so the number of the next one.
    next: u64,
}

impl Outgoing {
    /// Begins to number what that node sends, and gives the hello, which must be its first message:
    /// without it, events that are lost before the first that arrives would count as sent before
    /// the join.
    #[must_use]
    pub fn new(node: NodeId, sent_ns: u64) -> (Self, Envelope) {
        let outgoing = Self { node, next: 0 };
        let hello = outgoing.heartbeat(sent_ns);
        (outgoing, hello)
    }

    /// The node.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// How many events were sent, and so the number of the next one.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The envelope of the next event. Its number is used only when the event was sent, by
    /// [`confirm`](Self::confirm): if it is given up instead, the next one gets this number, and
    /// receivers miss nothing.
    ///
    /// # Panics
    ///
    /// After 2^64 - 1 events, which take 584 years at one per nanosecond.
    #[must_use]
    pub fn event(&self, codec: u8, destination: Option<NodeId>, sent_ns: u64) -> Envelope {
        self.envelope(Kind::Event { codec, destination }, sent_ns)
    }

    /// The message with the envelope that was made last was sent, as far as this side can tell: it
    /// may get lost from now on, and receivers will say so. Whoever sends an event and does not
    /// confirm it loses the next one: receivers discard what has a number that they know.
    pub fn confirm(&mut self, sent: &Envelope) {
        self.next = sent.next();
    }

    /// A heartbeat: it tells those who lost the last events that there were some.
    #[must_use]
    pub fn heartbeat(&self, sent_ns: u64) -> Envelope {
        self.envelope(Kind::Heartbeat, sent_ns)
    }

    /// The last message of a node: it tells how many events there were in all.
    #[must_use]
    pub fn farewell(&self, sent_ns: u64) -> Envelope {
        self.envelope(Kind::Farewell, sent_ns)
    }

    fn envelope(&self, kind: Kind, sent_ns: u64) -> Envelope {
        Envelope::new(kind, self.node, self.next, sent_ns).expect("there are numbers left")
    }
}

/// Follows the numbers of all other nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Incoming {
    /// The node that listens. Its own messages come back to it, and mean nothing.
    own: NodeId,
    limits: Limits,
    /// Who was heard. Ordered, so that strangers who choose their numbers cannot make it slow.
    origins: BTreeMap<NodeId, Origin>,
    /// What became of those that are not there any more.
    forgotten: Forgotten,
    /// How many messages were turned away because there was no room for their origin.
    crowded: u64,
}

/// What [`Incoming`] keeps, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// How many nodes are followed at once.
    pub origins: usize,
    /// After what time without a message a node may be gone: several heartbeats, and longer than
    /// the network keeps a message back.
    pub silent_after: Duration,
}

/// What there is to do about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is an event that was not there before: publish it, if it is for this node.
    Deliver(Progress),
    /// It is a heartbeat or a farewell.
    Noted(Progress),
    /// It is an event that comes after a later one, or once more: discard it.
    Late,
    /// This node has sent it itself: discard it.
    Own,
    /// There is no room for another origin: discard it.
    Crowded,
}

/// Where a message stands among those of its origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Progress {
    /// It is the first one that was heard.
    Joined {
        /// How many events were sent before.
        before: u64,
        /// Which node was forgotten to make room for this one.
        replaced: Option<NodeId>,
    },
    /// Nothing is missing before it.
    InOrder,
    /// Events are missing before it.
    Gap {
        /// How many; at least one.
        missed: u64,
    },
}

/// What became of the events of one node, counted where they arrive:
/// `sent = before_join + received + gap`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Balance {
    /// How many the node has sent, as far as was heard of it.
    pub sent: u64,
    /// Of these: sent before the first message that arrived.
    pub before_join: u64,
    /// Of these: arrived in order.
    pub received: u64,
    /// Of these: did not arrive, or arrived late.
    pub gap: u64,
    /// How many arrivals were discarded, because a later event, or the same, had arrived before.
    /// They are not part of the sum: each is in `gap`, in `before_join`, or the copy of one that
    /// was received.
    pub late: u64,
}

/// Whether more was sent than is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tail {
    /// The node lives, as far as one can know: its next message tells.
    Open,
    /// The node has been silent for ten heartbeats: it may have sent events that nobody will ever
    /// hear of.
    Unknown,
    /// The node has said farewell: this is all that it sent.
    Complete,
}

/// A node, and what became of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OriginReport {
    /// The node.
    pub node: NodeId,
    /// What became of its events.
    pub balance: Balance,
    /// Whether it may have sent more.
    pub tail: Tail,
    /// When it was last heard, by the clock whose time [`Incoming::hear`] was told.
    pub heard_at: Duration,
}

/// The nodes that were forgotten to make room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Forgotten {
    /// How many. One that came back, and was forgotten again, counts twice.
    pub origins: u64,
    /// Of these: had not said farewell, so that their tails are unknown.
    pub unknown_tails: u64,
    /// The sums of their balances. (A stranger who makes numbers up can bring them to `u64::MAX`,
    /// where they stay.)
    pub balance: Balance,
}

impl Incoming {
    /// Nobody was heard yet.
    #[must_use]
    pub fn new(own: NodeId, limits: Limits) -> Self {
        Self { own, limits, origins: BTreeMap::new(), forgotten: Forgotten::default(), crowded: 0 }
    }

    /// Takes note of a message, and says what to do about it. `now` is the time on any clock that
    /// goes forward.
    pub fn hear(&mut self, envelope: &Envelope, now: Duration) -> Verdict {
        let node = envelope.origin();
        if node == self.own {
            return Verdict::Own;
        }
        if let Some(origin) = self.origins.get_mut(&node) {
            return origin.hear(envelope, now);
        }
        let mut replaced = None;
        if self.origins.len() >= self.limits.origins {
            replaced = self.forget_one(now);
            if replaced.is_none() {
                self.crowded += 1;
                return Verdict::Crowded;
            }
        }
        let before = envelope.number();
        let mut origin = Origin::joined(before, now);
        let verdict = origin.hear(envelope, now);
        self.origins.insert(node, origin);
        match verdict {
            Verdict::Deliver(_) => Verdict::Deliver(Progress::Joined { before, replaced }),
            Verdict::Noted(_) => Verdict::Noted(Progress::Joined { before, replaced }),
            other => other,
        }
    }

    /// Forgets the node that was silent for longest, if it was for long enough.
    fn forget_one(&mut self, now: Duration) -> Option<NodeId> {
        let (&node, origin) = self.origins.iter().min_by_key(|(_, origin)| origin.heard_at)?;
        if !origin.is_silent(now, self.limits) {
            return None;
        }
        self.forgotten.origins += 1;
        self.forgotten.unknown_tails += u64::from(!origin.has_ended);
        self.forgotten.balance.add(&origin.balance);
        self.origins.remove(&node);
        Some(node)
    }

    /// The nodes that are followed, by their numbers.
    pub fn origins(&self, now: Duration) -> impl Iterator<Item = OriginReport> {
        let report = move |(&node, origin): (&NodeId, &Origin)| OriginReport {
            node,
            balance: origin.balance,
            tail: origin.tail(now, self.limits),
            heard_at: origin.heard_at,
        };
        self.origins.iter().map(report)
    }

    /// What became of the nodes that are followed no more.
    #[must_use]
    pub fn forgotten(&self) -> Forgotten {
        self.forgotten
    }

    /// How many messages were turned away because there was no room for their origin.
    #[must_use]
    pub fn crowded(&self) -> u64 {
        self.crowded
    }

    /// Whether every balance holds, as it always should.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.origins.values().all(|origin| origin.balance.holds())
    }
}

/// One node, as it was heard.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Origin {
    /// What became of its events. `sent` is also the number that is expected next.
    balance: Balance,
    /// Whether it has said farewell, and nothing that it could not have meant came afterwards.
    has_ended: bool,
    /// When it was last heard.
    heard_at: Duration,
}

impl Origin {
    /// That had sent so many events before it was first heard.
    fn joined(before: u64, now: Duration) -> Self {
        let balance = Balance { sent: before, before_join: before, ..Balance::default() };
        Self { balance, has_ended: false, heard_at: now }
    }

    fn hear(&mut self, envelope: &Envelope, now: Duration) -> Verdict {
        self.heard_at = self.heard_at.max(now);
        let (expected, next) = (self.balance.sent, envelope.next());
        match envelope.kind() {
            Kind::Event { .. } => {
                if next <= expected {
                    self.balance.late += 1;
                    return Verdict::Late;
                }
                self.has_ended = false;
                let progress = self.miss(envelope.number() - expected);
                self.balance.received += 1;
                self.balance.sent = next;
                Verdict::Deliver(progress)
            }
            // One that says less has been overtaken.
            Kind::Heartbeat | Kind::Farewell if next < expected => Verdict::Noted(Progress::InOrder),
            kind @ (Kind::Heartbeat | Kind::Farewell) => {
                self.has_ended = kind == Kind::Farewell || (self.has_ended && next == expected);
                let progress = self.miss(next - expected);
                self.balance.sent = next;
                Verdict::Noted(progress)
            }
        }
    }

    /// Counts what lies between the number that was expected and the one that came.
    fn miss(&mut self, missed: u64) -> Progress {
        self.balance.gap += missed;
        if missed == 0 { Progress::InOrder } else { Progress::Gap { missed } }
    }

    fn is_silent(&self, now: Duration, limits: Limits) -> bool {
        now.saturating_sub(self.heard_at) >= limits.silent_after
    }

    fn tail(&self, now: Duration, limits: Limits) -> Tail {
        if self.has_ended {
            Tail::Complete
        } else if self.is_silent(now, limits) {
            Tail::Unknown
        } else {
            Tail::Open
        }
    }
}

impl Balance {
    /// Whether every event that was sent is accounted for.
    #[must_use]
    pub fn holds(&self) -> bool {
        let sum = self.before_join.checked_add(self.received).and_then(|sum| sum.checked_add(self.gap));
        sum == Some(self.sent)
    }

    /// Adds that of another node.
    pub fn add(&mut self, other: &Self) {
        let Self { sent, before_join, received, gap, late } = self;
        for (sum, summand) in [
            (sent, other.sent),
            (before_join, other.before_join),
            (received, other.received),
            (gap, other.gap),
            (late, other.late),
        ] {
            *sum = sum.saturating_add(summand);
        }
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, before_join, received, gap, late } = self;
        write!(f, "sent {sent} = before the join {before_join} + received {received} + gap {gap}, late {late}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const LIMITS: Limits = Limits { origins: 2, silent_after: Duration::from_secs(10) };

    fn node(bits: u64) -> NodeId {
        NodeId::from_bits(bits).expect("not 0")
    }

    fn incoming() -> Incoming {
        Incoming::new(node(1), LIMITS)
    }

    /// The only origin that is followed.
    fn only(incoming: &Incoming, now: Duration) -> OriginReport {
        let mut origins = incoming.origins(now);
        let origin = origins.next().expect("one");
        assert_eq!(origins.next(), None);
        assert!(incoming.holds());
        origin
    }

    /// A sender that numbers, and the envelopes of its first events.
    fn sent(origin: u64, count: usize) -> (Outgoing, Envelope, Vec<Envelope>) {
        let (mut outgoing, hello) = Outgoing::new(node(origin), 0);
        let events = (0..count).map(|_| send(&mut outgoing)).collect();
        (outgoing, hello, events)
    }

    fn send(outgoing: &mut Outgoing) -> Envelope {
        let event = outgoing.event(7, None, 0);
        outgoing.confirm(&event);
        event
    }

    const FIRST: Progress = Progress::Joined { before: 0, replaced: None };

    #[test]
    fn events_are_numbered_from_zero_and_heartbeats_say_what_comes_next() {
        let (mut outgoing, hello) = Outgoing::new(node(2), 5);
        assert_eq!((hello.kind(), hello.number(), hello.sent_ns()), (Kind::Heartbeat, 0, 5));
        let first = outgoing.event(7, Some(node(3)), 6);
        assert_eq!(first.kind(), Kind::Event { codec: 7, destination: Some(node(3)) });
        assert_eq!((first.origin(), first.number(), first.next(), first.sent_ns()), (node(2), 0, 1, 6));
        outgoing.confirm(&first);
        assert_eq!(send(&mut outgoing).number(), 1);
        assert_eq!((outgoing.next(), outgoing.heartbeat(8).number()), (2, 2));
        let farewell = outgoing.farewell(9);
        assert_eq!((farewell.kind(), farewell.number()), (Kind::Farewell, 2));
    }

    #[test]
    fn event_that_was_given_up_leaves_its_number_to_the_next() {
        let (mut outgoing, _, _) = sent(2, 1);
        assert_eq!(outgoing.event(7, None, 0).number(), 1, "and was not sent");
        assert_eq!(outgoing.heartbeat(0).number(), 1);
        let event = outgoing.event(7, None, 0);
        assert_eq!(event.number(), 1);
        outgoing.confirm(&event);
        outgoing.confirm(&event);
        assert_eq!(outgoing.next(), 2, "to say it twice changes nothing");
    }

    #[test]
    fn what_was_sent_before_the_first_message_is_before_the_join() {
        let (_, hello, events) = sent(2, 3);
        let mut incoming = incoming();
        assert_eq!(incoming.hear(&events[2], SECOND), Verdict::Deliver(Progress::Joined { before: 2, replaced: None }));
        let expected = Balance { sent: 3, before_join: 2, received: 1, ..Balance::default() };
        assert_eq!(only(&incoming, SECOND).balance, expected);
        // It was overtaken.
        assert_eq!(incoming.hear(&hello, SECOND), Verdict::Noted(Progress::InOrder));
        assert_eq!(only(&incoming, SECOND).balance, expected);
        assert_eq!(incoming.hear(&events[0], SECOND), Verdict::Late);
        assert_eq!(only(&incoming, SECOND).balance, Balance { late: 1, ..expected });
    }

    #[test]
    fn jump_is_a_gap_and_what_comes_late_stays_in_it() {
        let (_, hello, events) = sent(2, 4);
        let mut incoming = incoming();
        assert_eq!(incoming.hear(&hello, SECOND), Verdict::Noted(FIRST));
        assert_eq!(incoming.hear(&events[0], SECOND), Verdict::Deliver(Progress::InOrder));
        assert_eq!(incoming.hear(&events[3], SECOND), Verdict::Deliver(Progress::Gap { missed: 2 }));
        assert_eq!(incoming.hear(&events[1], SECOND), Verdict::Late, "overtaken");
        assert_eq!(incoming.hear(&events[3], SECOND), Verdict::Late, "twice");
        let balance = only(&incoming, SECOND).balance;
        assert_eq!(balance, Balance { sent: 4, before_join: 0, received: 2, gap: 2, late: 2 });
        assert_eq!(balance.to_string(), "sent 4 = before the join 0 + received 2 + gap 2, late 2");
    }

    #[test]
    fn heartbeat_tells_of_a_tail_that_was_lost() {
        let (outgoing, hello, events) = sent(2, 3);
        let mut incoming = incoming();
        incoming.hear(&hello, SECOND);
        incoming.hear(&events[0], SECOND);
        assert_eq!(incoming.hear(&outgoing.heartbeat(0), SECOND), Verdict::Noted(Progress::Gap { missed: 2 }));
        assert_eq!(incoming.hear(&outgoing.heartbeat(0), SECOND), Verdict::Noted(Progress::InOrder), "only once");
        assert_eq!(incoming.hear(&events[2], SECOND), Verdict::Late);
        let expected = Balance { sent: 3, before_join: 0, received: 1, gap: 2, late: 1 };
        assert_eq!(only(&incoming, SECOND).balance, expected);
    }

    #[test]
    fn own_messages_mean_nothing() {
        let (_, hello, events) = sent(1, 1);
        let mut incoming = incoming();
        assert_eq!(incoming.hear(&hello, SECOND), Verdict::Own);
        assert_eq!(incoming.hear(&events[0], SECOND), Verdict::Own);
        assert_eq!(incoming.origins(SECOND).count(), 0);
    }

    #[test]
    fn sender_that_starts_anew_is_another_node() {
        let mut incoming = incoming();
        let (_, _, before) = sent(2, 5);
        incoming.hear(&before[4], SECOND);
        let (_, hello, after) = sent(3, 1);
        assert_eq!(incoming.hear(&hello, SECOND), Verdict::Noted(FIRST));
        assert_eq!(incoming.hear(&after[0], SECOND), Verdict::Deliver(Progress::InOrder));
        let sent: Vec<_> = incoming.origins(SECOND).map(|origin| (origin.node, origin.balance.sent)).collect();
        assert_eq!(sent, [(node(2), 5), (node(3), 1)]);
    }

    #[test]
    fn tail_of_a_node_that_falls_silent_is_unknown() {
        let (outgoing, hello, _) = sent(2, 0);
        let mut incoming = incoming();
        incoming.hear(&hello, SECOND);
        let at = |seconds| Duration::from_secs(seconds);
        assert_eq!(only(&incoming, at(10)).tail, Tail::Open);
        assert_eq!(only(&incoming, at(11)).tail, Tail::Unknown);
        incoming.hear(&outgoing.heartbeat(0), at(12));
        assert_eq!(only(&incoming, at(12)).tail, Tail::Open, "it is back");
        // A clock that goes back makes nobody silent.
        incoming.hear(&outgoing.heartbeat(0), SECOND);
        assert_eq!(only(&incoming, at(21)).tail, Tail::Open);
    }

    #[test]
    fn farewell_completes_the_tail() {
        let (outgoing, hello, events) = sent(2, 2);
        let heartbeat = outgoing.heartbeat(0);
        let farewell = outgoing.farewell(0);
        let mut incoming = incoming();
        incoming.hear(&hello, SECOND);
        incoming.hear(&events[0], SECOND);
        assert_eq!(incoming.hear(&farewell, SECOND), Verdict::Noted(Progress::Gap { missed: 1 }));
        // Overtaken by it, or once more.
        incoming.hear(&events[1], SECOND);
        incoming.hear(&hello, SECOND);
        incoming.hear(&heartbeat, SECOND);
        let report = only(&incoming, 60 * SECOND);
        assert_eq!((report.tail, report.balance.sent), (Tail::Complete, 2));
    }

    #[test]
    fn farewell_that_is_not_the_end_completes_nothing() {
        let (mut outgoing, hello, _) = sent(2, 0);
        let farewell = outgoing.farewell(0);
        let event = send(&mut outgoing);
        let mut incoming = incoming();
        incoming.hear(&hello, SECOND);
        incoming.hear(&farewell, SECOND);
        incoming.hear(&event, SECOND);
        assert_eq!(only(&incoming, SECOND).tail, Tail::Open);
        incoming.hear(&farewell, SECOND);
        assert_eq!(only(&incoming, SECOND).tail, Tail::Open, "it says less than was heard");
        incoming.hear(&outgoing.farewell(0), SECOND);
        assert_eq!(only(&incoming, SECOND).tail, Tail::Complete);
        send(&mut outgoing);
        incoming.hear(&outgoing.heartbeat(0), SECOND);
        assert_eq!(only(&incoming, SECOND).tail, Tail::Open);
    }

    #[test]
    fn room_is_made_by_forgetting_who_was_silent_for_longest() {
        let at = |seconds| Duration::from_secs(seconds);
        let mut incoming = incoming();
        let (_, _, of_two) = sent(2, 8);
        let (three, _, of_three) = sent(3, 2);
        let (_, hello_of_four, of_four) = sent(4, 2);
        incoming.hear(&of_two[5], at(2));
        incoming.hear(&of_three[1], at(1));
        incoming.hear(&three.farewell(0), at(1));
        assert_eq!(incoming.hear(&hello_of_four, at(10)), Verdict::Crowded, "9 s are not long enough");
        assert_eq!(incoming.hear(&of_four[0], at(10)), Verdict::Crowded);
        assert_eq!((incoming.crowded(), incoming.forgotten()), (2, Forgotten::default()));
        assert_eq!(
            incoming.hear(&of_four[1], at(11)),
            Verdict::Deliver(Progress::Joined { before: 1, replaced: Some(node(3)) })
        );
        let of_three = Balance { sent: 2, before_join: 1, received: 1, ..Balance::default() };
        assert_eq!(incoming.forgotten(), Forgotten { origins: 1, unknown_tails: 0, balance: of_three });
        let (_, hello_of_five, _) = sent(5, 0);
        let joined = Progress::Joined { before: 0, replaced: Some(node(2)) };
        assert_eq!(incoming.hear(&hello_of_five, at(12)), Verdict::Noted(joined));
        let both = Balance { sent: 8, before_join: 6, received: 2, ..Balance::default() };
        assert_eq!(incoming.forgotten(), Forgotten { origins: 2, unknown_tails: 1, balance: both });
        let followed: Vec<_> = incoming.origins(at(12)).map(|origin| origin.node).collect();
        assert_eq!(followed, [node(4), node(5)]);
        // It comes back, and there is no room for it now.
        assert_eq!(incoming.hear(&of_two[6], at(13)), Verdict::Crowded);
        let joined = Progress::Joined { before: 7, replaced: Some(node(4)) };
        assert_eq!(incoming.hear(&of_two[7], at(30)), Verdict::Deliver(joined), "as a node that was never heard of");
    }

    #[test]
    fn numbers_that_a_stranger_makes_up_keep_the_balance() {
        let mut incoming = incoming();
        let (_, hello, _) = sent(2, 0);
        incoming.hear(&hello, SECOND);
        let kind = Kind::Event { codec: 7, destination: None };
        let last = Envelope::new(kind, node(2), u64::MAX - 1, 0).expect("one follows");
        assert_eq!(incoming.hear(&last, SECOND), Verdict::Deliver(Progress::Gap { missed: u64::MAX - 1 }));
        assert_eq!(incoming.hear(&last, SECOND), Verdict::Late);
        let end = Envelope::new(Kind::Heartbeat, node(3), u64::MAX, 0).expect("any number");
        assert_eq!(incoming.hear(&end, SECOND), Verdict::Noted(Progress::Joined { before: u64::MAX, replaced: None }));
        assert!(incoming.holds());
        for newcomer in [4, 5] {
            let (_, hello, _) = sent(newcomer, 0);
            incoming.hear(&hello, 60 * SECOND);
        }
        assert_eq!(incoming.forgotten().balance.sent, u64::MAX, "it stays there");
    }

    #[test]
    fn balance_that_lacks_an_event_does_not_hold() {
        let balance = Balance { sent: 6, before_join: 1, received: 2, gap: 3, late: 9 };
        assert!(balance.holds());
        for wrong in [
            Balance { sent: 7, ..balance },
            Balance { before_join: 0, ..balance },
            Balance { received: 3, ..balance },
            Balance { gap: u64::MAX, ..balance },
        ] {
            assert!(!wrong.holds(), "{wrong}");
        }
    }
}
