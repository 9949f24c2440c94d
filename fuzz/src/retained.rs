//! A bus that retains events, on one thread, compared with plain lists after each step.

use crate::choice::choice;
use arbitrary::{Arbitrary, Unstructured};
use ringbus::{
    BatchErrorKind, Event, EventBus, EventType, Overflow, PublishError, Published, Publisher, Ring, StopHandle,
    Subscription, TryRecvError, WeakEventBus,
};
use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// What makes an event a large one.
const LARGE: usize = 2_048;
/// More subscribers are not made.
const MOST_SUBSCRIBERS: usize = 8;

choice! {
    /// The types of the events.
    pub enum Topic {
        Leader,
        Config,
        Beat,
    }
}

impl Topic {
    fn event_type(self) -> EventType {
        match self {
            Self::Leader => const { EventType::new("leader") },
            Self::Config => const { EventType::new("config") },
            Self::Beat => const { EventType::new("beat") },
        }
    }
}

/// A bus, and what is done with it.
#[derive(Arbitrary, Debug)]
pub struct RetainedScenario {
    #[arbitrary(with = |bytes: &mut Unstructured<'_>| bytes.int_in_range(0..=6))]
    startup_capacity: usize,
    is_large: bool,
    /// Some may be named twice.
    retained: Vec<Topic>,
    operations: Vec<RetainedOperation>,
}

/// One step. A subscriber is chosen by its number, modulo how many there are.
#[derive(Arbitrary, Debug)]
enum RetainedOperation {
    Start,
    Close,
    Drain,
    Publish { topic: Topic, by_publisher: bool, aside: Vec<Aside> },
    Batch { topics: Vec<Topic>, by_publisher: bool },
    Subscribe(Wish),
    Receive { by: u8 },
    ReceiveMany { by: u8, max: u8 },
    Stop { whom: u8 },
    Unsubscribe { whom: u8 },
    Forget(Topic),
}

/// What the first filter that sees an event does on the way, of which it does two at most.
#[derive(Arbitrary, Clone, Debug)]
enum Aside {
    Publish(Topic),
    Subscribe(Wish),
    Forget(Topic),
}

/// That for one event, with the numbers that its events will have.
struct Errand<const PADDING: usize> {
    of: Content,
    actions: Vec<Action<PADDING>>,
}

enum Action<const PADDING: usize> {
    Publish(Item<PADDING>),
    Subscribe(Wish),
    Forget(Topic),
}

/// What a subscriber asks for.
#[derive(Arbitrary, Clone, Debug)]
struct Wish {
    /// All types if empty.
    topics: Vec<Topic>,
    only_even: bool,
    /// One more is the capacity.
    #[arbitrary(with = |bytes: &mut Unstructured<'_>| bytes.int_in_range(0..=3))]
    capacity: usize,
    evicts: bool,
    /// Without the retained events.
    without: bool,
}

/// What tells an event: its number, in the order of publication, and its type.
type Content = (usize, Topic);

/// The event. Every copy of it is counted by the `Arc`.
#[derive(Clone)]
struct Item<const PADDING: usize> {
    content: Content,
    _copies: Arc<()>,
    _padding: [u8; PADDING],
}

impl<const PADDING: usize> Event for Item<PADDING> {
    fn event_type(&self) -> EventType {
        self.content.1.event_type()
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    Live,
    Closed,
}

/// What a bus that retains must do.
struct Reference {
    phase: Phase,
    startup_capacity: usize,
    retained: Vec<Topic>,
    log: Vec<Content>,
    /// The retained events, in their order.
    last: Vec<Content>,
    subscribers: Vec<Subscriber>,
}

/// What a subscriber must have.
struct Subscriber {
    wish: Wish,
    /// What comes before anything out of the ring; types and filter are applied as it is received.
    before: VecDeque<Content>,
    ring: VecDeque<Content>,
    is_ended: bool,
    /// Stopped before the start.
    is_abandoned: bool,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    received: u64,
    dropped: u64,
    evicted: u64,
    filtered: u64,
    discarded: u64,
    unread: usize,
    queued: usize,
}

impl Subscriber {
    fn wants_type(&self, topic: Topic) -> bool {
        self.wish.topics.is_empty() || self.wish.topics.contains(&topic)
    }

    fn accepts(&mut self, content: Content) -> bool {
        let accepts = !self.wish.only_even || content.0.is_multiple_of(2);
        self.counts.filtered += u64::from(!accepts);
        accepts
    }

    /// Whether its filter, if it has one, sees an event.
    fn is_asked(&self, content: Content) -> bool {
        !self.is_ended && self.wants_type(content.1)
    }

    fn offer(&mut self, content: Content, published: &mut Published) {
        if !self.is_asked(content) || !self.accepts(content) {
            return;
        }
        if self.ring.len() <= self.wish.capacity {
            self.ring.push_back(content);
        } else if self.wish.evicts {
            self.ring.pop_front();
            self.ring.push_back(content);
            self.counts.evicted += 1;
        } else {
            self.counts.dropped += 1;
            published.dropped += 1;
            return;
        }
        published.delivered += 1;
    }

    fn receive(&mut self, is_starting: bool) -> Result<Content, TryRecvError> {
        while let Some(content) = self.before.pop_front() {
            if self.wants_type(content.1) && self.accepts(content) {
                self.counts.received += 1;
                return Ok(content);
            }
        }
        let end = if self.is_ended && (!is_starting || self.is_abandoned) {
            TryRecvError::Closed
        } else {
            TryRecvError::Empty
        };
        let content = self.ring.pop_front().ok_or(end)?;
        self.counts.received += 1;
        Ok(content)
    }

    fn len(&self) -> usize {
        self.before.len() + self.ring.len()
    }

    fn counts(&self) -> Counts {
        Counts { unread: self.before.len(), queued: self.ring.len(), ..self.counts }
    }
}

impl Reference {
    fn new(scenario: &RetainedScenario) -> Self {
        Self {
            phase: Phase::Starting,
            startup_capacity: scenario.startup_capacity,
            retained: scenario.retained.clone(),
            log: Vec::new(),
            last: Vec::new(),
            subscribers: Vec::new(),
        }
    }

    fn forget(&mut self, topic: Topic) {
        self.last.retain(|(_, other)| *other != topic);
    }

    /// Publishes an event, and does what is to be done on its way; what that reported comes into
    /// `reports`.
    fn publish(
        &mut self,
        content: Content,
        aside: &[(Aside, usize)],
        reports: &mut Vec<Published>,
    ) -> Result<Published, BatchErrorKind> {
        let mut published = Published::default();
        match self.phase {
            Phase::Closed => return Err(BatchErrorKind::Closed),
            Phase::Starting if self.log.len() == self.startup_capacity => return Err(BatchErrorKind::StartupFull),
            Phase::Starting => {
                self.log.push(content);
                published.buffered = 1;
                self.retain(content);
            }
            Phase::Live => {
                self.retain(content);
                let mut behind = Vec::new();
                self.fan_out(content, self.subscribers.len(), aside, reports, &mut published, &mut behind);
                for (content, present) in behind {
                    self.fan_out(content, present, &[], reports, &mut published, &mut Vec::new());
                }
            }
        }
        Ok(published)
    }

    fn retain(&mut self, content: Content) {
        if self.retained.contains(&content.1) {
            self.forget(content.1);
            self.last.push(content);
        }
    }

    /// Offers an event to the subscribers who were `present` when it was published. What is
    /// published on its way of the same type comes `behind` it, if that is retained.
    fn fan_out(
        &mut self,
        content: Content,
        present: usize,
        mut aside: &[(Aside, usize)],
        reports: &mut Vec<Published>,
        published: &mut Published,
        behind: &mut Vec<(Content, usize)>,
    ) {
        // Those to everything come first.
        let mut order: Vec<usize> = (0..present).collect();
        order.sort_by_key(|&index| !self.subscribers[index].wish.topics.is_empty());
        for index in order {
            let subscriber = &self.subscribers[index];
            if !aside.is_empty() && subscriber.wish.only_even && subscriber.is_asked(content) {
                for (action, number) in std::mem::take(&mut aside) {
                    match action {
                        Aside::Forget(topic) => self.forget(*topic),
                        Aside::Subscribe(wish) => self.subscribe(wish.clone()),
                        Aside::Publish(topic) if *topic == content.1 && self.retained.contains(topic) => {
                            self.retain((*number, *topic));
                            behind.push(((*number, *topic), self.subscribers.len()));
                            reports.push(Published { buffered: 1, ..Published::default() });
                        }
                        Aside::Publish(topic) => {
                            let report = self.publish((*number, *topic), &[], &mut Vec::new());
                            reports.push(report.expect("it is live"));
                        }
                    }
                }
            }
            self.subscribers[index].offer(content, published);
        }
    }

    /// Releases the log; returns whether anybody gets it.
    fn release(&mut self) -> bool {
        let mut is_claimed = false;
        for subscriber in self.subscribers.iter_mut().filter(|subscriber| !subscriber.is_abandoned) {
            subscriber.before.extend(&self.log);
            is_claimed = true;
        }
        is_claimed
    }

    fn start(&mut self) -> usize {
        if self.phase != Phase::Starting {
            return 0;
        }
        self.phase = Phase::Live;
        if self.release() { self.log.len() } else { 0 }
    }

    fn close(&mut self) {
        if self.phase == Phase::Starting {
            self.release();
        }
        self.phase = Phase::Closed;
        self.last.clear();
        self.subscribers.iter_mut().for_each(|subscriber| subscriber.is_ended = true);
    }

    fn subscribe(&mut self, wish: Wish) {
        if self.subscribers.len() == MOST_SUBSCRIBERS {
            return;
        }
        let mut subscriber = Subscriber {
            wish,
            before: VecDeque::new(),
            ring: VecDeque::new(),
            is_ended: self.phase == Phase::Closed,
            is_abandoned: false,
            counts: Counts::default(),
        };
        if self.phase == Phase::Live && !subscriber.wish.without {
            let wanted = self.last.iter().filter(|(_, topic)| subscriber.wants_type(*topic));
            subscriber.before = wanted.copied().collect();
        }
        self.subscribers.push(subscriber);
    }

    fn stop(&mut self, whom: usize) {
        let subscriber = &mut self.subscribers[whom];
        subscriber.is_abandoned |= self.phase == Phase::Starting;
        subscriber.is_ended = true;
    }
}

/// Runs the scenario on the library, with each ring, and on the reference.
pub fn compare_retained(scenario: &RetainedScenario) {
    for ring in [Ring::Array, Ring::Lane] {
        if scenario.is_large {
            compare_padded::<LARGE>(scenario, ring);
        } else {
            compare_padded::<0>(scenario, ring);
        }
    }
}

fn compare_padded<const PADDING: usize>(scenario: &RetainedScenario, ring: Ring) {
    let copies = Arc::new(());
    let builder = EventBus::builder().startup_capacity(scenario.startup_capacity).ring(ring);
    let bus = builder.retain(scenario.retained.iter().map(|topic| topic.event_type())).build();
    let mut both = Both::<PADDING> {
        publisher: bus.publisher(),
        bus,
        subscriptions: Vec::new(),
        shared: Arc::default(),
        next: 0,
        copies: Arc::clone(&copies),
        reference: Reference::new(scenario),
    };
    for (step, operation) in scenario.operations.iter().enumerate() {
        let say = |what: &str| format!("{ring:?}, step {step}: {operation:?}\n{what}");
        both.apply(operation, &say);
        both.check(&say);
    }
    drop(both);
    assert_eq!(Arc::strong_count(&copies), 1, "an event is left when all is dropped");
}

type Say<'a> = &'a dyn Fn(&str) -> String;

#[track_caller]
fn same<T: PartialEq + Debug>(say: Say<'_>, what: &str, expected: T, seen: T) {
    assert!(expected == seen, "{}\n    expected {expected:?}\n    seen     {seen:?}", say(what));
}

/// The library and the reference.
struct Both<const PADDING: usize> {
    bus: EventBus<Item<PADDING>>,
    publisher: Publisher<Item<PADDING>>,
    subscriptions: Vec<(Subscription<Item<PADDING>>, StopHandle)>,
    shared: Arc<Mutex<Shared<PADDING>>>,
    /// The number of the next event.
    next: usize,
    copies: Arc<()>,
    reference: Reference,
}

/// What filters find, and leave behind.
#[derive(Default)]
struct Shared<const PADDING: usize> {
    errand: Option<Errand<PADDING>>,
    reports: Vec<Published>,
    came: Vec<Subscription<Item<PADDING>>>,
    /// How many subscriptions there are besides.
    subscriptions: usize,
}

fn subscribe<const PADDING: usize>(
    bus: &EventBus<Item<PADDING>>,
    wish: &Wish,
    shared: &Arc<Mutex<Shared<PADDING>>>,
) -> Subscription<Item<PADDING>> {
    let mut builder = bus.subscriber("any").capacity(wish.capacity + 1).retained(!wish.without);
    if !wish.topics.is_empty() {
        builder = builder.types(wish.topics.iter().map(|topic| topic.event_type()));
    }
    if wish.only_even {
        let (weak, shared) = (bus.downgrade(), Arc::downgrade(shared));
        builder = builder.filter(move |item: &Item<PADDING>| {
            if let Some(shared) = shared.upgrade() {
                run_errand(&weak, item.content, &shared);
            }
            item.content.0.is_multiple_of(2)
        });
    }
    if wish.evicts {
        builder = builder.overflow(Overflow::DropOldest);
    }
    builder.subscribe()
}

fn run_errand<const PADDING: usize>(
    bus: &WeakEventBus<Item<PADDING>>,
    content: Content,
    shared: &Arc<Mutex<Shared<PADDING>>>,
) {
    let errand = shared.lock().expect("nobody panics").errand.take_if(|errand| errand.of == content);
    let (Some(errand), Some(bus)) = (errand, bus.upgrade()) else { return };
    for action in errand.actions {
        match action {
            Action::Forget(topic) => bus.forget(topic.event_type()),
            Action::Subscribe(wish) => {
                let is_room = {
                    let shared = shared.lock().expect("nobody panics");
                    shared.subscriptions + shared.came.len() < MOST_SUBSCRIBERS
                };
                if is_room {
                    let subscription = subscribe(&bus, &wish, shared);
                    shared.lock().expect("nobody panics").came.push(subscription);
                }
            }
            Action::Publish(item) => {
                let report = bus.publish(item).map_err(drop).expect("it is live");
                shared.lock().expect("nobody panics").reports.push(report);
            }
        }
    }
}

impl<const PADDING: usize> Both<PADDING> {
    fn item(&mut self, topic: Topic) -> Item<PADDING> {
        self.next += 1;
        Item { content: (self.next, topic), _copies: Arc::clone(&self.copies), _padding: [0; PADDING] }
    }

    /// The event that is published on the way of another.
    fn errand_item(&mut self, action: &Aside) -> Option<Item<PADDING>> {
        if let Aside::Publish(topic) = action { Some(self.item(*topic)) } else { None }
    }

    fn pick(&self, number: u8) -> Option<usize> {
        usize::from(number).checked_rem(self.subscriptions.len())
    }

    fn apply(&mut self, operation: &RetainedOperation, say: Say<'_>) {
        let is_starting = self.reference.phase == Phase::Starting;
        match operation {
            RetainedOperation::Start => same(say, "replays", self.reference.start(), self.bus.start()),
            RetainedOperation::Close => {
                self.reference.close();
                self.bus.close();
            }
            RetainedOperation::Drain => {
                self.reference.close();
                let unread = self.reference.subscribers.iter().filter(|subscriber| subscriber.len() > 0).count();
                same(say, "has unread", unread, self.bus.close_and_drain(Duration::ZERO).unread.len());
            }
            RetainedOperation::Publish { topic, by_publisher, aside } => {
                let item = self.item(*topic);
                let aside: Vec<_> =
                    aside.iter().take(2).map(|action| (action.clone(), self.errand_item(action))).collect();
                let numbered: Vec<_> = aside
                    .iter()
                    .map(|(action, item)| (action.clone(), item.as_ref().map_or(0, |item| item.content.0)))
                    .collect();
                let actions = aside.into_iter().map(|(action, item)| match (action, item) {
                    (Aside::Subscribe(wish), _) => Action::Subscribe(wish),
                    (Aside::Forget(topic), _) => Action::Forget(topic),
                    (Aside::Publish(_), item) => Action::Publish(item.expect("it was made")),
                });
                let errand = Errand { of: item.content, actions: actions.collect() };
                *self.shared.lock().expect("nobody panics") =
                    Shared { errand: Some(errand), subscriptions: self.subscriptions.len(), ..Shared::default() };
                let mut reports = Vec::new();
                let expected = self.reference.publish(item.content, &numbered, &mut reports);
                let seen = if *by_publisher { self.publisher.publish(item) } else { self.bus.publish(item) };
                let seen = seen.map_err(|error| match error {
                    PublishError::StartupFull(_) => BatchErrorKind::StartupFull,
                    PublishError::Closed(_) => BatchErrorKind::Closed,
                });
                same(say, "publishes", expected, seen);
                let after = std::mem::take(&mut *self.shared.lock().expect("nobody panics"));
                same(say, "publishes on the way", reports, after.reports);
                for subscription in after.came {
                    let stop = subscription.stop_handle();
                    self.subscriptions.push((subscription, stop));
                }
            }
            RetainedOperation::Batch { topics, by_publisher } => {
                let items: Vec<_> = topics.iter().map(|topic| self.item(*topic)).collect();
                let (mut published, mut taken, mut refused) = (Published::default(), 0, None);
                for item in &items {
                    match self.reference.publish(item.content, &[], &mut Vec::new()) {
                        Ok(one) => (published, taken) = (published + one, taken + 1),
                        Err(kind) => {
                            refused = Some(kind);
                            break;
                        }
                    }
                }
                let by_publisher = by_publisher.then_some(&mut self.publisher);
                let seen = by_publisher.map_or_else(|| self.bus.publish_batch(&items), |by| by.publish_batch(&items));
                let seen = match seen {
                    Ok(published) => (published, items.len(), None),
                    Err(error) => (error.published, error.taken, Some(error.kind)),
                };
                same(say, "publishes", (published, taken, refused), seen);
            }
            RetainedOperation::Subscribe(wish) => {
                if self.subscriptions.len() == MOST_SUBSCRIBERS {
                    return;
                }
                let subscription = subscribe(&self.bus, wish, &self.shared);
                let stop = subscription.stop_handle();
                self.subscriptions.push((subscription, stop));
                self.reference.subscribe(wish.clone());
            }
            RetainedOperation::Receive { by } => {
                let Some(by) = self.pick(*by) else { return };
                let expected = self.reference.subscribers[by].receive(is_starting);
                let seen = self.subscriptions[by].0.try_recv().map(|item| item.content);
                same(say, "receives", expected, seen);
            }
            RetainedOperation::ReceiveMany { by, max } => {
                let Some(by) = self.pick(*by) else { return };
                let mut seen = Vec::new();
                let count = self.subscriptions[by].0.try_recv_many(&mut seen, usize::from(*max));
                same(say, "counts", seen.len(), count);
                // No more than there were, but what is not wanted counts for none of these.
                let subscriber = &mut self.reference.subscribers[by];
                let most = usize::from(*max).min(subscriber.len());
                let expected: Vec<_> = (0..most).map_while(|_| subscriber.receive(is_starting).ok()).collect();
                same(say, "receives", expected, seen.into_iter().map(|item| item.content).collect());
            }
            RetainedOperation::Stop { whom } => {
                let Some(whom) = self.pick(*whom) else { return };
                self.subscriptions[whom].1.stop();
                self.reference.stop(whom);
            }
            RetainedOperation::Unsubscribe { whom } => {
                let Some(whom) = self.pick(*whom) else { return };
                self.subscriptions.remove(whom);
                self.reference.subscribers.remove(whom);
            }
            RetainedOperation::Forget(topic) => {
                self.bus.forget(topic.event_type());
                self.reference.forget(*topic);
            }
        }
    }

    /// Compares what both sides say of themselves.
    fn check(&self, say: Say<'_>) {
        for topic in Topic::ALL {
            let expected = self.reference.last.iter().find(|(_, other)| other == topic).copied();
            let seen = self.bus.retained(topic.event_type()).map(|item| item.content);
            same(say, "retains", expected, seen);
        }
        for (subscriber, (subscription, _)) in self.reference.subscribers.iter().zip(&self.subscriptions) {
            same(say, "waits to be received", subscriber.len(), subscription.len());
            let stats = subscription.stats();
            let seen = Counts {
                received: stats.received,
                dropped: stats.dropped,
                evicted: stats.evicted,
                filtered: stats.filtered,
                discarded: stats.discarded,
                unread: stats.unread_replay,
                queued: stats.len,
            };
            same(say, "the statistics", subscriber.counts(), seen);
        }
    }
}
