//! One request under way, after the documentation.

use crate::letter::{Content, Id};
use crate::operation::{Asking, Patience};
use crate::picture::{GatherEnd, Gathered, OwnRequestPicture, RequestPicture};
use ringbus::Published;

/// How many names of responders that were not expected a result tells.
const MOST_STRANGERS: usize = 8;

pub(super) struct Request {
    pub(super) id: Id,
    asking: Asking,
    /// Those that have answered, in order.
    answered: Vec<&'static str>,
    pub(super) responses: Vec<Content>,
    duplicates: usize,
    unexpected: usize,
    /// The first names among those, each once.
    strangers: Vec<&'static str>,
    /// What became of the event that asks.
    pub(super) published: Published,
    ended: Option<RequestEnd>,
    /// Whether it was polled.
    pub(super) is_future: bool,
    /// How often the last poll must have been woken.
    pub(super) waits: Option<usize>,
}

/// Why no more answers count.
#[derive(Clone, Copy)]
pub(super) enum RequestEnd {
    Cancelled,
    Closed,
}

impl Request {
    pub(super) fn new(id: Id, asking: &Asking) -> Self {
        Self {
            id,
            asking: asking.clone(),
            answered: Vec::new(),
            responses: Vec::new(),
            duplicates: 0,
            unexpected: 0,
            strangers: Vec::new(),
            published: Published::default(),
            ended: None,
            is_future: false,
            waits: None,
        }
    }

    fn required(&self) -> usize {
        self.asking.minimum.unwrap_or(self.asking.expected.len())
    }

    /// The names of those that are expected.
    fn expected(&self) -> impl Iterator<Item = &'static str> {
        self.asking.expected.iter().map(|responder| responder.name(0))
    }

    /// Whether answers still count.
    pub(super) fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// Each expected responder counts once (G8). Returns whether the answer came in time.
    pub(super) fn take(&mut self, responder: &'static str, content: Content) -> bool {
        if !self.is_open() {
            return false;
        }
        if !self.expected().any(|name| name == responder) {
            self.unexpected += 1;
            if self.strangers.len() < MOST_STRANGERS && !self.strangers.contains(&responder) {
                self.strangers.push(responder);
            }
        } else if self.answered.contains(&responder) {
            self.duplicates += 1;
        } else {
            self.answered.push(responder);
            self.responses.push(content);
            if [self.required(), self.asking.expected.len()].contains(&self.responses.len()) {
                self.wake();
            }
        }
        true
    }

    /// The waiting requester is woken once, and then looks for itself.
    fn wake(&mut self) {
        self.waits = self.waits.map(|_| 1);
    }

    /// What ended it first is what counts.
    pub(super) fn end(&mut self, end: RequestEnd) {
        self.ended.get_or_insert(end);
        self.wake();
    }

    fn has_enough(&self) -> bool {
        self.responses.len() >= self.required()
    }

    fn is_complete(&self) -> bool {
        self.responses.len() == self.asking.expected.len()
    }

    /// Whether there is nothing more to wait for.
    pub(super) fn is_done(&self) -> bool {
        !self.is_open() || self.is_complete() || (self.has_enough() && !self.asking.has_grace)
    }

    /// Whether a wait for it ends without anybody's doing: at once, or by the clock.
    pub(super) fn would_end_alone(&self) -> bool {
        self.is_done() || self.has_enough() || self.asking.patience == Patience::None
    }

    /// How many answers it has or counts.
    pub(super) fn answers(&self) -> usize {
        self.responses.len() + self.duplicates + self.unexpected
    }

    /// Ends the wait, which `otherwise` explains where there are too few and nothing has ended it
    /// before.
    pub(super) fn finish(&self, otherwise: GatherEnd) -> Gathered {
        let missing = self.expected().filter(|name| !self.answered.contains(name));
        Gathered {
            end: match self.ended {
                _ if self.has_enough() => GatherEnd::Enough,
                Some(RequestEnd::Cancelled) => GatherEnd::Cancelled,
                Some(RequestEnd::Closed) => GatherEnd::Closed,
                None => otherwise,
            },
            responses: self.responses.clone(),
            missing: missing.map(str::to_owned).collect(),
            duplicates: self.duplicates,
            unexpected: self.unexpected,
            strangers: self.strangers.iter().map(ToString::to_string).collect(),
        }
    }

    pub(super) fn picture(&self) -> RequestPicture {
        let own = OwnRequestPicture { received: self.responses.len(), published: self.published };
        RequestPicture {
            own: (!self.is_future).then_some(own),
            wakes: self.waits.unwrap_or(0),
            keepers: usize::from(self.waits == Some(0)),
        }
    }
}
