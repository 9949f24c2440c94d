//! The events of the models about requests: a question, and answers to it.

use crate::engine::{brief, thread};
use crate::token::{Token, new_bus};
use ringbus::{
    Event, EventBus, EventType, Gather, GatherError, PublishError, Published, Request, RequestError, RequestId,
    RequestOptions, RequestResult, Response, Subscription,
};
use std::time::SystemTime;

const QUESTION: EventType = EventType::new("inquiry.question");
const ANSWER: EventType = EventType::new("inquiry.answer");

/// A question, or an answer, which carries a token that must be visible to whoever gets it.
#[derive(Clone, Debug)]
pub enum Inquiry {
    /// Asks.
    Question,
    /// Answers.
    Answer {
        /// Who answers.
        by: &'static str,
        /// What is answered.
        token: Token,
    },
}

impl Event for Inquiry {
    fn event_type(&self) -> EventType {
        match self {
            Self::Question => QUESTION,
            Self::Answer { .. } => ANSWER,
        }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn as_request(&self) -> Option<&dyn Request> {
        if let Self::Question = self { Some(self) } else { None }
    }

    fn as_response(&self) -> Option<&dyn Response> {
        if let Self::Answer { .. } = self { Some(self) } else { None }
    }
}

impl Request for Inquiry {
    fn request_id(&self) -> RequestId {
        RequestId::from(1)
    }
}

impl Response for Inquiry {
    fn request_id(&self) -> RequestId {
        RequestId::from(1)
    }

    fn responder(&self) -> &str {
        if let Self::Answer { by, .. } = self { by } else { "" }
    }
}

/// A bus of inquiries.
pub type Bus = EventBus<Inquiry>;

/// What waiting for the answers gave.
pub type Waited = Result<RequestResult<Inquiry>, GatherError<Inquiry>>;

/// A live bus, and a subscription that takes its questions and nothing else.
pub fn live_bus() -> (Bus, Subscription<Inquiry>) {
    let bus = new_bus(0);
    let questions = bus.subscriber("questions").types([QUESTION]).capacity(2).subscribe();
    bus.start();
    (bus, questions)
}

/// Asks.
pub fn ask(bus: &Bus, expected: &[&'static str]) -> Result<Gather<Inquiry>, RequestError<Inquiry>> {
    bus.request(Inquiry::Question, RequestOptions::expecting(expected.iter().copied()))
}

/// Asks, with a time-out that may pass before the answers come.
pub fn ask_briefly(bus: &Bus, expected: &[&'static str]) -> Result<Gather<Inquiry>, RequestError<Inquiry>> {
    bus.request(Inquiry::Question, RequestOptions::expecting(expected.iter().copied()).timeout(brief()))
}

/// Writes the answer and publishes it.
pub fn answer(bus: &Bus, by: &'static str, token: &Token) -> Result<Published, PublishError<Inquiry>> {
    token.write();
    bus.publish(Inquiry::Answer { by, token: token.clone() })
}

/// Spawns a thread that answers, as the responder of that name.
pub fn spawn_responder(
    bus: &Bus,
    by: &'static str,
    token: &Token,
) -> thread::JoinHandle<Result<Published, PublishError<Inquiry>>> {
    let (bus, token) = (bus.clone(), token.clone());
    thread::spawn(move || answer(&bus, by, &token))
}

/// The numbers of the answers in a result, after checking that each is visible as a whole.
pub fn numbers(result: RequestResult<Inquiry>) -> Vec<usize> {
    let number = |response| match response {
        Inquiry::Answer { token, .. } => token.read(),
        Inquiry::Question => panic!("a question is no answer"),
    };
    result.responses.into_iter().map(number).collect()
}
