//! What a derived event says about itself.

use ringbus::{DynEvent, Event, EventKind, EventType, Request, RequestId, Response};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const SECOND: Duration = Duration::from_secs(1);

/// A time for each test value, so that a mix-up shows.
fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(second)
}

fn id(number: u64) -> RequestId {
    RequestId::from(number)
}

/// What an event says, as far as the bus asks.
#[derive(Debug, PartialEq)]
struct Said {
    event_type: &'static str,
    timestamp: SystemTime,
    request: Option<RequestId>,
    response: Option<(RequestId, String)>,
}

fn said(event: &dyn Event) -> Said {
    Said {
        event_type: event.event_type().as_str(),
        timestamp: event.timestamp(),
        request: event.as_request().map(Request::request_id),
        response: event.as_response().map(|response| (response.request_id(), response.responder().to_owned())),
    }
}

fn plain(event_type: &'static str, second: u64) -> Said {
    Said { event_type, timestamp: at(second), request: None, response: None }
}

fn asks(event_type: &'static str, second: u64, id: RequestId) -> Said {
    Said { request: Some(id), ..plain(event_type, second) }
}

fn answers(event_type: &'static str, second: u64, to: RequestId, responder: &str) -> Said {
    Said { response: Some((to, responder.to_owned())), ..plain(event_type, second) }
}

/// Kinds with and without fields and names, of every role.
#[derive(Clone, Debug, Event)]
enum Every {
    #[event("every.named")]
    Named {
        #[timestamp]
        at: SystemTime,
        _rest: (),
    },
    #[event("every.alone")]
    Alone(#[timestamp] SystemTime),
    #[event("every.last")]
    Last((), (), #[timestamp] SystemTime),
    #[event("every.middle")]
    Middle((), #[timestamp] SystemTime, ()),
    #[event("every.unit", timestamp = at(4))]
    Unit,
    #[event("every.empty", timestamp = at(5))]
    Empty {},
    #[event("every.tuple", timestamp = { let second = 6; at(second) })]
    Tuple(),
    #[event("every.computed", timestamp = if matches!(self, Self::Computed) { at(20) } else { at(30) } - SECOND)]
    Computed,
    #[event("every.computed-too", timestamp = match self { Self::Unit => at(0), _ => at(20) } + SECOND)]
    ComputedToo,
    #[event("every.asked")]
    Asked {
        #[request_id]
        id: RequestId,
        #[timestamp]
        asked_at: SystemTime,
    },
    #[event("every.asked-too")]
    AskedToo(#[timestamp] SystemTime, #[request_id] RequestId),
    #[event("every.answered")]
    Answered {
        #[responder]
        by: Arc<str>,
        #[request_id]
        to: RequestId,
        #[timestamp]
        at: SystemTime,
    },
    #[event("every.answered-too")]
    AnsweredToo(#[request_id] RequestId, #[timestamp] SystemTime, (), #[responder] String),
    #[event("every.keyword")]
    r#Final {
        #[timestamp]
        r#type: SystemTime,
        #[responder]
        r#fn: &'static str,
        #[request_id]
        r#match: RequestId,
    },
}

#[test]
fn every_shape_of_a_variant_says_what_it_is() {
    for (event, expected) in [
        (Every::Named { at: at(0), _rest: () }, plain("every.named", 0)),
        (Every::Alone(at(1)), plain("every.alone", 1)),
        (Every::Last((), (), at(2)), plain("every.last", 2)),
        (Every::Middle((), at(3), ()), plain("every.middle", 3)),
        (Every::Unit, plain("every.unit", 4)),
        (Every::Empty {}, plain("every.empty", 5)),
        (Every::Tuple(), plain("every.tuple", 6)),
        (Every::Computed, plain("every.computed", 19)),
        (Every::ComputedToo, plain("every.computed-too", 21)),
        (Every::Asked { id: id(7), asked_at: at(7) }, asks("every.asked", 7, id(7))),
        (Every::AskedToo(at(8), id(8)), asks("every.asked-too", 8, id(8))),
        (Every::Answered { by: "ada".into(), to: id(9), at: at(9) }, answers("every.answered", 9, id(9), "ada")),
        (Every::AnsweredToo(id(10), at(10), (), "bob".into()), answers("every.answered-too", 10, id(10), "bob")),
        (Every::Final { r#type: at(11), r#fn: "eve", r#match: id(11) }, answers("every.keyword", 11, id(11), "eve")),
    ] {
        assert_eq!(said(&event), expected);
        assert_eq!(said(&Arc::new(event.clone())), expected);
        let shared: DynEvent = Arc::new(event);
        assert_eq!(said(&*shared), expected);
    }
}

/// The constants are in `match`, in lists and in other constants what hand-written ones are.
#[test]
fn constants_name_the_variants() {
    const NAMES: [EventType; 3] = [Every::ASKED_TOO, Every::UNIT, Every::FINAL];
    assert_eq!(NAMES.map(EventType::as_str), ["every.asked-too", "every.unit", "every.keyword"]);
    assert_eq!(Every::UNIT, EventType::intern("every.unit"));
    let is_question = |event: &Every| matches!(event.event_type(), Every::ASKED | Every::ASKED_TOO);
    assert!(is_question(&Every::AskedToo(at(0), id(0))) && !is_question(&Every::Unit));
}

/// Called by hand on a kind that does neither, `Request` and `Response` do not panic, and say
/// nothing that could be taken for a real request.
#[test]
fn kinds_that_neither_ask_nor_answer_have_an_id_of_their_own() {
    let event = Every::Unit;
    assert_ne!(Request::request_id(&event), Request::request_id(&event));
    assert_ne!(Response::request_id(&event), Request::request_id(&event));
    assert_eq!(event.responder(), "");
    let question = Every::Asked { id: id(1), asked_at: at(0) };
    assert_eq!(Request::request_id(&question), id(1));
    assert_eq!(question.responder(), "", "who asks has not answered");
}

#[derive(Event)]
#[event("struct.unit", timestamp = at(1))]
struct Unit;

#[derive(Event)]
#[event("struct.request")]
struct Question(#[request_id] RequestId, #[timestamp] SystemTime);

#[derive(Event)]
#[event("struct.response")]
struct Answer {
    #[timestamp]
    at: SystemTime,
    #[request_id]
    to: RequestId,
    #[responder]
    by: Cow<'static, str>,
}

/// The expression may ask the event itself.
#[derive(Event)]
#[event("struct.computed", timestamp = at(self.second))]
struct Computed {
    second: u64,
}

#[derive(Event)]
#[event("struct.late", timestamp = match self.0 { 0 => at(9), second => at(second) } + SECOND)]
struct Late(u64);

#[test]
fn structs_say_what_they_are() {
    assert_eq!(said(&Unit), plain("struct.unit", 1));
    assert_eq!(said(&Question(id(2), at(2))), asks("struct.request", 2, id(2)));
    let answer = Answer { at: at(3), to: id(3), by: "ada".into() };
    assert_eq!(said(&answer), answers("struct.response", 3, id(3), "ada"));
    assert_eq!(said(&Computed { second: 4 }), plain("struct.computed", 4));
    assert_eq!(said(&Late(4)), plain("struct.late", 5));
}

#[test]
fn structs_are_one_kind() {
    fn name<T: EventKind>() -> &'static str {
        T::EVENT_TYPE.as_str()
    }
    assert_eq!(name::<Unit>(), "struct.unit");
    assert_eq!(name::<Question>(), "struct.request");
    assert_eq!(name::<Answer>(), "struct.response");
}

/// A responder of any type that is a `str` to others.
#[derive(Debug)]
enum Carrier {
    Lorry,
    Barge,
}

impl AsRef<str> for Carrier {
    fn as_ref(&self) -> &str {
        match self {
            Self::Lorry => "lorry",
            Self::Barge => "barge",
        }
    }
}

/// One that holds its name.
struct Name(String);

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Several kinds whose responders have several types.
#[derive(Event)]
enum Quote {
    #[event("quote.enum", timestamp = at(0))]
    Enum(#[request_id] RequestId, #[responder] Carrier),
    #[event("quote.box", timestamp = at(0))]
    Box(#[request_id] RequestId, #[responder] Box<str>),
    #[event("quote.string", timestamp = at(0))]
    String(#[request_id] RequestId, #[responder] Name),
}

#[test]
fn responder_is_whatever_is_a_str() {
    let quotes = [
        Quote::Enum(id(0), Carrier::Lorry),
        Quote::Enum(id(1), Carrier::Barge),
        Quote::Box(id(2), "train".into()),
        Quote::String(id(3), Name("bicycle".into())),
    ];
    for (quote, (number, by)) in quotes.iter().zip((0..).zip(["lorry", "barge", "train", "bicycle"])) {
        assert_eq!(said(quote), answers(quote.event_type().as_str(), 0, id(number), by));
    }
}
