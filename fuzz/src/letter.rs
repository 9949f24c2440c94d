//! The events of a scenario: what they say, and the event that carries it over the bus.

use crate::choice::choice;
use crate::panics::panic_as_planned;
use arbitrary::{Arbitrary, Unstructured};
use ringbus::{Event, EventType, Request, RequestId, Response};
use std::fmt;
use std::sync::Arc;
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
    fn request_id(self) -> RequestId {
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
    }
}

impl Responder {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ada => "ada",
            Self::Bob => "bob",
            Self::Eve => "eve",
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

fn seldom(bytes: &mut Unstructured<'_>) -> arbitrary::Result<bool> {
    bytes.ratio(1, 8)
}

/// A letter that was sent: in which step of the scenario, and as which event of its batch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Content {
    pub step: usize,
    pub index: usize,
    pub letter: Letter,
}

impl Content {
    pub fn new(step: usize, letter: Letter) -> Self {
        Self { step, index: 0, letter }
    }

    /// Whether a live bus gives the event itself to one of its subscribers, or clones it for all, is not promised. So an event
    /// that is published alone and live can be cloned.
    pub fn sturdy_if(mut self, is_live: bool) -> Self {
        self.letter.is_fragile &= !is_live;
        self
    }

    pub fn is_odd(&self) -> bool {
        (self.step + self.index) % 2 == 1
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}.{}", self.letter.topic, self.step, self.index)
    }
}

/// The event. Every copy of it is counted by the `Arc`.
pub struct Message {
    pub content: Content,
    copies: Arc<()>,
}

impl Message {
    pub fn new(content: Content, copies: &Arc<()>) -> Self {
        Self { content, copies: Arc::clone(copies) }
    }
}

impl Clone for Message {
    fn clone(&self) -> Self {
        if self.content.letter.is_fragile {
            panic_as_planned();
        }
        Self::new(self.content, &self.copies)
    }
}

impl Event for Message {
    fn event_type(&self) -> EventType {
        self.content.letter.topic.event_type()
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn as_request(&self) -> Option<&dyn Request> {
        self.content.letter.asks.map(|_| self as _)
    }

    fn as_response(&self) -> Option<&dyn Response> {
        self.content.letter.answers.map(|_| self as _)
    }
}

impl Request for Message {
    fn request_id(&self) -> RequestId {
        self.content.letter.asks.expect("it asks").request_id()
    }
}

impl Response for Message {
    fn request_id(&self) -> RequestId {
        self.content.letter.answers.expect("it answers").0.request_id()
    }

    fn responder(&self) -> &str {
        self.content.letter.answers.expect("it answers").1.name()
    }
}
