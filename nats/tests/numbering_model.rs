//! Every interleaving of small worlds in which nodes send, a network loses, copies and reorders,
//! and a bridge listens: the numbering protocol itself, `Outgoing` and `Incoming`, not a copy of
//! it.
//!
//! *Properties*: B2 (every balance holds, and each of its terms is true), B3 (in order, none
//! twice), what is said of tails, and that each verdict is the one which the truth demands. The
//! truth is what the model counts by itself: each message carries, beside its envelope, how many
//! events were sent with it. *Bound*: see each test; within it, the search is exhaustive. What must
//! happen for it to mean anything is checked, too. `ci/mutants.sh` plants the bugs it must notice.

use ringbus_nats::NodeId;
use ringbus_nats::internals::{self, Balance, Envelope, Incoming, Kind, Limits, Outgoing, Progress, Tail, Verdict};
use stateright::{Checker, Expectation, HasDiscoveries, Model, Property};
use std::collections::BTreeMap;
use std::time::Duration;

/// After what time a node may be gone. Time passes only in steps of this length.
const SILENCE: Duration = Duration::from_secs(1);

fn node(bits: u64) -> NodeId {
    internals::node(bits).expect("not 0")
}

/// The listener's own number. The senders' are 1, 2, …
fn listener() -> NodeId {
    node(99)
}

/// How large the world is.
#[derive(Clone, Debug)]
struct World {
    /// How many senders there are at most: processes, or one that is restarted.
    senders: usize,
    /// How many events each sends at most.
    events: u64,
    /// How many heartbeats each sends at most, beside the hello.
    heartbeats: u8,
    /// How many messages the network copies at most.
    copies: u8,
    /// How often the listener starts at most.
    starts: u8,
    /// How many nodes it follows at most.
    room: usize,
    /// How often time passes at most.
    silences: u32,
    /// What must happen, or the world is too small to mean anything.
    must_happen: &'static [Happening],
}

/// Something that is true of some state.
type Happening = (&'static str, fn(&World, &State) -> bool);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    /// Those that have begun. One that crashes sends no more, as one that only waits.
    senders: BTreeMap<NodeId, Sender>,
    /// The messages under way. One that is lost stays here, as one that is late. They have no
    /// order: sorted, so that equal states look equal.
    network: Vec<Message>,
    copies_left: u8,
    starts_left: u8,
    /// How often time has passed.
    silences: u32,
    listener: Option<Listener>,
    /// What the last message did wrong. Nothing follows it.
    fault: Option<Fault>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Sender {
    outgoing: Outgoing,
    /// How many events it has sent, in truth.
    sent: u64,
    heartbeats_left: u8,
    has_said_farewell: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Message {
    envelope: Envelope,
    /// How many events its origin had sent, with this one, in truth.
    sent: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Listener {
    incoming: Incoming,
    /// What it was told of those that it follows, in truth.
    told: BTreeMap<NodeId, Told>,
    /// What it was told of those that it has forgotten.
    forgotten: Vec<Told>,
    /// How many messages it had to turn away.
    crowded: u64,
}

/// What a listener was told of a node since it joined it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Told {
    /// How many events were sent before the first message.
    before: u64,
    /// How many were sent by the last of all messages: the number that is expected.
    sent: u64,
    /// The events that were delivered.
    delivered: Vec<u64>,
    /// How many events were discarded, apart from copies.
    overtaken: u64,
    /// How many events were discarded that were delivered before.
    copies: u64,
    has_said_farewell: bool,
    /// How often time had passed when it was last heard.
    heard_at: u32,
}

/// A verdict that is not the one which the truth demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Fault {
    demanded: Verdict,
    given: Verdict,
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    /// A new node, and its hello.
    Begin,
    SendEvent(NodeId),
    SendHeartbeat(NodeId),
    SayFarewell(NodeId),
    Deliver(Message),
    /// It is delivered, and remains under way.
    DeliverAndCopy(Message),
    /// The listener hears what its own bridge has sent.
    Echo,
    StartListening,
    StopListening,
    /// Time passes. If nodes may be forgotten, whatever is under way is lost: that the network
    /// keeps nothing back for longer is what the protocol builds upon.
    FallSilent,
}

impl State {
    fn sender(&mut self, node: NodeId) -> &mut Sender {
        self.senders.get_mut(&node).expect("it has begun")
    }

    fn send(&mut self, envelope: Envelope) {
        let message = Message { envelope, sent: self.senders[&envelope.origin()].sent };
        let place = self.network.partition_point(|other| *other < message);
        self.network.insert(place, message);
    }

    fn take(&mut self, message: Message) {
        let place = self.network.binary_search(&message).expect("it is under way");
        self.network.remove(place);
    }

    /// The listener hears a message.
    fn hear(&mut self, message: Message, world: &World) {
        let listener = self.listener.as_mut().expect("somebody listens");
        self.fault = listener.hear(message, self.silences, world);
    }

    /// The nodes that the listener follows, if there is one.
    fn told(&self) -> impl Iterator<Item = (&NodeId, &Told)> {
        self.listener.iter().flat_map(|listener| &listener.told)
    }

    /// Whether that is true of a node that is followed.
    fn any(&self, is_so: impl Fn(&Told) -> bool) -> bool {
        self.told().any(|(_, told)| is_so(told))
    }
}

impl Message {
    /// Of an event its number, of others that of the next one, in truth.
    fn number(&self) -> u64 {
        self.sent - u64::from(self.is_event())
    }

    fn is_event(&self) -> bool {
        matches!(self.envelope.kind(), Kind::Event { .. })
    }
}

impl Listener {
    fn new(world: &World) -> Self {
        let limits = Limits { origins: world.room, silent_after: SILENCE };
        Self { incoming: Incoming::new(listener(), limits), told: BTreeMap::new(), forgotten: Vec::new(), crowded: 0 }
    }

    /// The verdict that the truth demands.
    fn demanded(&self, message: Message, silences: u32, world: &World) -> Verdict {
        let number = message.number();
        let verdict = if message.is_event() { Verdict::Deliver } else { Verdict::Noted };
        if let Some(told) = self.told.get(&message.envelope.origin()) {
            return match number.checked_sub(told.sent) {
                None if message.is_event() => Verdict::Late,
                None | Some(0) => verdict(Progress::InOrder),
                Some(missed) => verdict(Progress::Gap { missed }),
            };
        }
        let mut replaced = None;
        if self.told.len() == world.room {
            let oldest = self.told.iter().min_by_key(|(_, told)| told.heard_at);
            let (&oldest, told) = oldest.expect("there is room for one");
            if told.heard_at == silences {
                return Verdict::Crowded;
            }
            replaced = Some(oldest);
        }
        verdict(Progress::Joined { before: number, replaced })
    }

    /// Hears a message, and writes down what is true from then on.
    fn hear(&mut self, message: Message, silences: u32, world: &World) -> Option<Fault> {
        let demanded = self.demanded(message, silences, world);
        let given = self.incoming.hear(&message.envelope, SILENCE * silences);
        let fault = (given != demanded).then_some(Fault { demanded, given });
        let (node, number) = (message.envelope.origin(), message.number());
        match demanded {
            Verdict::Crowded => {
                self.crowded += 1;
                return fault;
            }
            Verdict::Deliver(Progress::Joined { before, replaced })
            | Verdict::Noted(Progress::Joined { before, replaced }) => {
                self.forgotten.extend(replaced.and_then(|replaced| self.told.remove(&replaced)));
                self.told.insert(node, Told { before, sent: before, ..Told::default() });
            }
            _ => {}
        }
        let told = self.told.get_mut(&node).expect("it is followed");
        told.heard_at = silences;
        if message.sent > told.sent {
            (told.sent, told.has_said_farewell) = (message.sent, false);
        }
        told.has_said_farewell |= message.envelope.kind() == Kind::Farewell && message.sent == told.sent;
        if let Verdict::Deliver(_) = given {
            told.delivered.push(number);
        } else if message.is_event() {
            *(if told.delivered.contains(&number) { &mut told.copies } else { &mut told.overtaken }) += 1;
        }
        fault
    }
}

impl Told {
    /// What the balance has to be.
    fn balance(&self) -> Balance {
        let missed = (self.before..self.sent).filter(|number| !self.delivered.contains(number)).count();
        Balance {
            sent: self.sent,
            before_join: self.before,
            received: self.delivered.len() as u64,
            gap: missed as u64,
            late: self.overtaken + self.copies,
        }
    }

    fn tail(&self, silences: u32) -> Tail {
        match silences - self.heard_at {
            _ if self.has_said_farewell => Tail::Complete,
            0 => Tail::Open,
            _ => Tail::Unknown,
        }
    }

    /// Whether events were sent after the last one that was delivered.
    fn lacks_its_end(&self) -> bool {
        self.delivered.last().is_some_and(|last| last + 1 < self.sent)
    }
}

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            senders: BTreeMap::new(),
            network: Vec::new(),
            copies_left: self.copies,
            starts_left: self.starts,
            silences: 0,
            listener: None,
            fault: None,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.fault.is_some() {
            return;
        }
        if state.senders.len() < self.senders {
            actions.push(Action::Begin);
        }
        for (&node, sender) in state.senders.iter().filter(|(_, sender)| !sender.has_said_farewell) {
            if sender.sent < self.events {
                actions.push(Action::SendEvent(node));
            }
            if sender.heartbeats_left > 0 {
                actions.push(Action::SendHeartbeat(node));
            }
            actions.push(Action::SayFarewell(node));
        }
        if state.listener.is_some() {
            let mut messages = state.network.clone();
            messages.dedup();
            for message in messages {
                actions.push(Action::Deliver(message));
                if state.copies_left > 0 {
                    actions.push(Action::DeliverAndCopy(message));
                }
            }
        }
        match &state.listener {
            Some(_) => actions.extend([Action::Echo, Action::StopListening]),
            None if state.starts_left > 0 => actions.push(Action::StartListening),
            None => {}
        }
        if state.silences < self.silences {
            actions.push(Action::FallSilent);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        match action {
            Action::Begin => {
                let number = node(state.senders.len() as u64 + 1);
                let (outgoing, hello) = Outgoing::new(number, 0);
                let (heartbeats_left, has_said_farewell) = (self.heartbeats, false);
                state.senders.insert(number, Sender { outgoing, sent: 0, heartbeats_left, has_said_farewell });
                state.send(hello);
            }
            Action::SendEvent(node) => {
                let sender = state.sender(node);
                // One that is given up leaves no trace.
                let _ = sender.outgoing.event(7, None, 0);
                let envelope = sender.outgoing.event(7, None, 0);
                sender.outgoing.confirm(&envelope);
                sender.sent += 1;
                state.send(envelope);
            }
            Action::SendHeartbeat(node) => {
                let sender = state.sender(node);
                sender.heartbeats_left -= 1;
                let envelope = sender.outgoing.heartbeat(0);
                state.send(envelope);
            }
            Action::SayFarewell(node) => {
                let sender = state.sender(node);
                sender.has_said_farewell = true;
                let envelope = sender.outgoing.farewell(0);
                state.send(envelope);
            }
            Action::Deliver(message) => {
                state.take(message);
                state.hear(message, self);
            }
            Action::DeliverAndCopy(message) => {
                state.copies_left -= 1;
                state.hear(message, self);
            }
            Action::Echo => {
                let (own, _) = Outgoing::new(listener(), 0);
                let now = SILENCE * state.silences;
                let given = state.listener.as_mut()?.incoming.hear(&own.event(7, None, 0), now);
                state.fault = (given != Verdict::Own).then_some(Fault { demanded: Verdict::Own, given });
            }
            Action::StartListening => {
                state.starts_left -= 1;
                state.listener = Some(Listener::new(self));
            }
            Action::StopListening => state.listener = None,
            Action::FallSilent => {
                state.silences += 1;
                if self.senders > self.room {
                    state.network.clear();
                }
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always("B2: every balance holds and is true", |_, state: &State| balances_are_true(state)),
            Property::always("B3: events are delivered in order, none twice", |_, state: &State| {
                state.told().all(|(_, told)| told.delivered.is_sorted_by(|one, next| one < next))
            }),
            Property::always("tails are what they are said to be", |_, state: &State| tails_are_true(state)),
            Property::always("every verdict is the one that the truth demands", |_, state: &State| {
                state.fault.is_none()
            }),
        ];
        properties.extend(self.must_happen.iter().map(|&(name, happens)| Property::sometimes(name, happens)));
        properties
    }
}

fn balances_are_true(state: &State) -> bool {
    state.listener.as_ref().is_none_or(|listener| {
        let incoming = &listener.incoming;
        let mut sums = Balance::default();
        for told in &listener.forgotten {
            sums.add(&told.balance());
        }
        let said = incoming.origins(SILENCE * state.silences).map(|report| (report.node, report.balance));
        incoming.holds()
            && said.eq(listener.told.iter().map(|(&node, told)| (node, told.balance())))
            && incoming.forgotten().balance == sums
            && incoming.crowded() == listener.crowded
    })
}

fn tails_are_true(state: &State) -> bool {
    state.listener.as_ref().is_none_or(|listener| {
        let incoming = &listener.incoming;
        let said = incoming.origins(SILENCE * state.silences).map(|report| (report.node, report.tail, report.heard_at));
        let truth =
            listener.told.iter().map(|(&node, told)| (node, told.tail(state.silences), SILENCE * told.heard_at));
        let unknown_tails = listener.forgotten.iter().filter(|told| !told.has_said_farewell).count();
        said.eq(truth)
            && incoming.forgotten().origins == listener.forgotten.len() as u64
            && incoming.forgotten().unknown_tails == unknown_tails as u64
    })
}

/// Searches the whole world.
fn check(world: World) {
    let properties = world.properties();
    let checker = world.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let found = checker.discoveries();
    let always = properties.iter().filter(|property| property.expectation == Expectation::Always);
    let violated: Vec<_> = always.filter_map(|property| Some((property.name, found.get(property.name)?))).collect();
    for (name, _) in &violated {
        println!("violated: {name}");
    }
    if let Some((_, path)) = violated.first() {
        let last = path.last_state().clone();
        panic!("after {:#?}\nthere is {last:#?}", (*path).clone().into_actions());
    }
    for property in properties.iter().filter(|property| property.expectation == Expectation::Sometimes) {
        assert!(found.contains_key(property.name), "never happened: {}", property.name);
    }
    println!("{} states, all reached within {} steps", checker.unique_state_count(), checker.max_depth());
}

/// One sender, and a listener that comes late and is restarted.
///
/// *Bound*: three events, a hello, a heartbeat and a farewell; one copy; the listener starts twice;
/// time passes once.
#[test]
fn what_the_network_does_is_accounted_for() {
    check(World {
        senders: 1,
        events: 3,
        heartbeats: 1,
        copies: 1,
        starts: 2,
        room: 1,
        silences: 1,
        must_happen: &[
            ("everything arrives", |world, state| state.any(|told| told.delivered.len() as u64 == world.events)),
            ("an event is overtaken", |_, state| state.any(|told| told.overtaken > 0)),
            ("an event comes twice", |_, state| state.any(|told| told.copies > 0)),
            ("a gap between two events", |_, state| {
                state.any(|told| told.delivered.windows(2).any(|pair| pair[0] + 1 < pair[1]))
            }),
            ("a heartbeat tells of a lost tail", |_, state| {
                state.any(|told| told.lacks_its_end() && !told.has_said_farewell)
            }),
            ("a farewell tells of a lost tail", |_, state| {
                state.any(|told| told.lacks_its_end() && told.has_said_farewell)
            }),
            ("nothing but heartbeats arrives", |_, state| {
                state.any(|told| told.delivered.is_empty() && told.before < told.sent)
            }),
            ("a join by an event, after a loss", |_, state| {
                state.any(|told| told.before > 0 && told.delivered.first() == Some(&told.before))
            }),
            ("a join by the last message", |world, state| {
                state.any(|told| told.before == world.events && told.has_said_farewell)
            }),
            ("a tail that nobody will hear of", |_, state| {
                let is_unheard = |(node, told): (&NodeId, &Told)| {
                    told.tail(state.silences) == Tail::Unknown && told.sent < state.senders[node].sent
                };
                state.told().any(is_unheard)
            }),
        ],
    });
}

/// A process that is restarted, or two of them: their numbers have nothing to do with each other.
///
/// *Bound*: two senders, each of one event, a hello and a farewell; one copy; the listener starts
/// twice, and has room for both; time passes once.
#[test]
fn nodes_do_not_disturb_each_other() {
    check(World {
        senders: 2,
        events: 1,
        heartbeats: 0,
        copies: 1,
        starts: 2,
        room: 2,
        silences: 1,
        must_happen: &[
            ("everything arrives", |_, state| {
                state.told().filter(|(_, told)| told.delivered == [0] && told.has_said_farewell).count() == 2
            }),
            ("one loses its event, the other does not", |_, state| {
                state.any(|told| told.balance().gap == 1) && state.any(|told| told.delivered == [0])
            }),
            ("one ends, and the other falls silent", |_, state| {
                let has_one = |tail| state.any(|told| told.tail(state.silences) == tail);
                has_one(Tail::Complete) && has_one(Tail::Unknown)
            }),
        ],
    });
}

/// Nodes that come and go, and a listener that has room for one.
///
/// *Bound*: two senders, each of one event, a hello, a heartbeat and a farewell; the listener
/// starts once; time passes twice.
#[test]
fn nodes_that_are_forgotten_stay_accounted_for() {
    check(World {
        senders: 2,
        events: 1,
        heartbeats: 1,
        copies: 0,
        starts: 1,
        room: 1,
        silences: 2,
        must_happen: &[
            ("a join after messages were turned away", |_, state| {
                let is_crowded = state.listener.as_ref().is_some_and(|listener| listener.crowded > 1);
                is_crowded && state.any(|told| told.before > 0)
            }),
            ("one is forgotten, comes back and delivers", |_, state| {
                let has_come_back =
                    |listener: &Listener| listener.forgotten.len() == 2 && listener.forgotten[0].delivered.is_empty();
                state.listener.as_ref().is_some_and(has_come_back) && state.any(|told| !told.delivered.is_empty())
            }),
            ("one is forgotten whose tail is complete", |_, state| {
                let is_complete = |told: &Told| told.has_said_farewell && told.delivered == [0];
                state.listener.as_ref().is_some_and(|listener| listener.forgotten.iter().any(is_complete))
            }),
        ],
    });
}
