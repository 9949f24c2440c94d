//! The events of a scenario: what they say, and the event that carries it over the bus.

use crate::aside::{self, Asking};
use crate::choice::choice;
use crate::panics::panic_as_planned;
use arbitrary::{Arbitrary, Unstructured};
use ringbus::{Event, EventType, Request, RequestId, Response, WeakEventBus};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

choice! {
    /// The types that events have.
    pub enum Topic {
        Loaded,
        Checked,
        Applied,
    }
}

impl Topic {
    pub fn event_type(self) -> EventType {
        match self {
            Self::Loaded => const { EventType::new("loaded") },
            Self::Checked => const { EventType::new("checked") },
            Self::Applied => EventType::intern("applied"),
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Self {
        let is_it = |topic: &&Self| topic.event_type().as_str() == name;
        *Self::ALL.iter().find(is_it).expect("there are no other types")
    }
}

choice! {
    /// The ids of requests.
    pub enum Id {
        Number,
        /// The same in words, which is another id.
        Text,
        Name,
    }
}

impl Id {
    pub fn request_id(self) -> RequestId {
        match self {
            Self::Number => RequestId::from(7),
            Self::Text => RequestId::from("7"),
            Self::Name => RequestId::from(String::from("rollout")),
        }
    }
}

choice! {
    /// Who answers.
    pub enum Responder {
        Ada,
        Bob,
        Eve,
        /// Somebody else for each event of a batch, some of them with long names.
        Crowd,
    }
}

/// The names of the crowd: more than a result tells, and longer ones than a publish keeps without
/// allocating.
static CROWD: LazyLock<[String; 11]> = LazyLock::new(|| std::array::from_fn(|index| "crowd".repeat(1 + index * 4)));

impl Responder {
    /// The name in the event of a batch that stands at this index.
    pub fn name(self, index: usize) -> &'static str {
        match self {
            Self::Ada => "ada",
            Self::Bob => "bob",
            Self::Eve => "eve",
            Self::Crowd => &CROWD[index % CROWD.len()],
        }
    }
}

/// What an event says.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letter {
    pub topic: Topic,
    pub asks: Option<Id>,
    pub answers: Option<(Id, Responder)>,
    /// Whether its `Clone` panics.
    #[arbitrary(with = seldom)]
    pub is_fragile: bool,
}

pub fn seldom(bytes: &mut Unstructured<'_>) -> arbitrary::Result<bool> {
    bytes.ratio(1, 8)
}

/// A letter that was sent: in which step of the scenario, and as which event of its batch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Content {
    pub step: usize,
    pub index: usize,
    pub letter: Letter,
}

/// The index of the first event that a hook publishes in a step: higher than those of a batch.
const FIRST_ECHO: usize = 100;

impl Content {
    pub fn new(step: usize, letter: Letter) -> Self {
        Self { step, index: 0, letter }
    }

    /// What a hook publishes in this step when it hears of a lag that an event of this topic began,
    /// after so many others.
    pub fn echo(step: usize, echoes: usize, topic: Topic) -> Self {
        let letter = Letter { topic, asks: None, answers: None, is_fragile: false };
        Self { step, index: FIRST_ECHO + echoes, letter }
    }

    /// Whether a live bus gives the event itself to one of its subscribers, or clones it for all,
    /// is not promised. So an event that is published alone and live can be cloned.
    pub fn sturdy_if(mut self, is_live: bool) -> Self {
        self.letter.is_fragile &= !is_live;
        self
    }

    pub fn is_odd(&self) -> bool {
        (self.step + self.index) % 2 == 1
    }

    /// Which request it answers, and by which name.
    pub fn answer(&self) -> Option<(Id, &'static str)> {
        self.letter.answers.map(|(id, responder)| (id, responder.name(self.index)))
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}.{}", self.letter.topic, self.step, self.index)
    }
}

choice! {
    /// What the first `Clone` of an event does to the bus.
    pub enum Deed {
        Start,
        Close,
    }
}

/// A deed that is done once.
pub struct PlannedDeed<const PADDING: usize> {
    deed: Deed,
    bus: WeakEventBus<Message<PADDING>>,
    is_done: AtomicBool,
}

impl<const PADDING: usize> PlannedDeed<PADDING> {
    pub fn new(deed: Deed, bus: WeakEventBus<Message<PADDING>>) -> Arc<Self> {
        Arc::new(Self { deed, bus, is_done: AtomicBool::new(false) })
    }

    fn do_once(&self) {
        if self.is_done.swap(true, Relaxed) {
            return;
        }
        let bus = self.bus.upgrade().expect("somebody is publishing on it");
        match self.deed {
            Deed::Start => {
                bus.start();
            }
            Deed::Close => bus.close(),
        }
    }
}

/// The event. Every copy of it is counted by the `Arc`.
pub struct Message<const PADDING: usize> {
    pub content: Content,
    copies: Asking,
    deed: Option<Arc<PlannedDeed<PADDING>>>,
    /// Makes it large.
    _padding: [u8; PADDING],
}

impl<const PADDING: usize> Message<PADDING> {
    pub fn new(content: Content, copies: &Arc<()>, deed: Option<Arc<PlannedDeed<PADDING>>>) -> Self {
        Self { content, copies: Asking(Arc::clone(copies)), deed, _padding: [0; PADDING] }
    }
}

impl<const PADDING: usize> Clone for Message<PADDING> {
    fn clone(&self) -> Self {
        if let Some(deed) = &self.deed {
            deed.do_once();
        }
        if self.content.letter.is_fragile {
            panic_as_planned();
        }
        aside::ask();
        Self::new(self.content, &self.copies.0, self.deed.clone())
    }
}

impl<const PADDING: usize> Event for Message<PADDING> {
    fn event_type(&self) -> EventType {
        self.content.letter.topic.event_type()
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn as_request(&self) -> Option<&dyn Request> {
        aside::ask();
        self.content.letter.asks.map(|_| self as _)
    }

    fn as_response(&self) -> Option<&dyn Response> {
        aside::ask();
        self.content.letter.answers.map(|_| self as _)
    }
}

impl<const PADDING: usize> Request for Message<PADDING> {
    fn request_id(&self) -> RequestId {
        aside::ask();
        self.content.letter.asks.expect("it asks").request_id()
    }
}

impl<const PADDING: usize> Response for Message<PADDING> {
    fn request_id(&self) -> RequestId {
        aside::ask();
        self.content.answer().expect("it answers").0.request_id()
    }

    fn responder(&self) -> &str {
        aside::ask();
        self.content.answer().expect("it answers").1
    }
}
