//! Where names mean something else than usual, derived code still compiles, and does the same.

#![allow(dead_code, unused_imports, reason = "what only has a confusing name is not used")]

extern crate ringbus as renamed;

use renamed::{EventKind as _, Request as _};

/// A place where everything that generated code could mean means something else.
mod confusing {
    mod ringbus {}
    mod std {}
    mod core {}
    mod alloc {}

    pub struct EventType;
    pub struct RequestId;
    pub struct SystemTime;
    pub struct Clone;
    pub struct AsRef;
    pub struct EventKind;
    pub struct Request;
    pub struct Response;
    pub enum Option {
        Some,
        None,
    }
    pub use self::Option::{None, Some};

    #[derive(::ringbus::Event)]
    pub enum Event {
        #[event("confusing.plain")]
        Plain(#[timestamp] ::std::time::SystemTime),
        #[event("confusing.request", timestamp = ::std::time::SystemTime::UNIX_EPOCH)]
        Request {
            #[request_id]
            self_: ::ringbus::RequestId,
        },
        #[event("confusing.response")]
        Response {
            #[request_id]
            id: ::ringbus::RequestId,
            #[responder]
            responder: ::std::string::String,
            #[timestamp]
            timestamp: ::std::time::SystemTime,
        },
    }

    #[derive(::ringbus::Event)]
    #[event("confusing.struct")]
    pub struct Struct {
        #[request_id]
        pub id: ::ringbus::RequestId,
        #[timestamp]
        pub at: ::std::time::SystemTime,
    }
}

#[test]
fn names_that_mean_something_else_do_not_matter() {
    use renamed::Event;
    let event = confusing::Event::Request { self_: 7.into() };
    assert_eq!(event.as_request().unwrap().request_id(), 7.into());
    assert_eq!(event.event_type(), confusing::Event::REQUEST);
    let (id, at) = (8.into(), std::time::UNIX_EPOCH);
    assert_eq!(confusing::Struct { id, at }.request_id(), 8.into());
}

/// A crate that passes ringbus on.
mod framework {
    pub mod bus {
        pub use ringbus::*;
    }
}

/// Where there is no `ringbus`, but what was passed on.
mod elsewhere {
    use super::framework::bus::{Event, RequestId};
    use std::time::UNIX_EPOCH;

    #[derive(Event)]
    #[event(crate = super::framework::bus)]
    pub enum Moved {
        #[event("moved.plain", timestamp = UNIX_EPOCH)]
        Plain,
        #[event("moved.answer", timestamp = UNIX_EPOCH)]
        Answer(#[request_id] RequestId, #[responder] String),
    }

    #[derive(Event)]
    #[event("moved.struct", timestamp = UNIX_EPOCH, crate = crate::framework::bus)]
    pub struct Inline;

    #[derive(Event)]
    #[event("moved.apart", timestamp = UNIX_EPOCH)]
    #[event(crate = ::ringbus)]
    pub struct Apart;
}

#[test]
fn ringbus_may_be_elsewhere() {
    use renamed::Event;
    assert_eq!(elsewhere::Moved::Plain.event_type(), elsewhere::Moved::PLAIN);
    assert_eq!(elsewhere::Moved::Answer(1.into(), "x".into()).as_response().unwrap().responder(), "x");
    assert_eq!(elsewhere::Inline.event_type().as_str(), "moved.struct");
    assert_eq!(elsewhere::Apart::EVENT_TYPE.as_str(), "moved.apart");
}

/// Types, names and expressions that come through another macro.
macro_rules! event {
    ($struct:ident, $enum:ident, $variant:ident, $name:literal, $time:ty, $id:ty, $by:ty, $now:expr) => {
        #[derive(renamed::Event)]
        #[event($name)]
        struct $struct {
            #[timestamp]
            at: $time,
            #[request_id]
            id: $id,
            #[responder]
            by: $by,
        }

        #[derive(renamed::Event)]
        enum $enum {
            #[event("macro.field")]
            $variant {
                #[timestamp]
                at: $time,
                #[request_id]
                id: $id,
                #[responder]
                by: $by,
            },
            #[event("macro.expression", timestamp = $now)]
            Expression(#[request_id] $id, #[responder] $by),
        }

        #[derive(renamed::Event)]
        #[event("macro.self", timestamp = self.0)]
        struct OfItself(std::time::SystemTime);
    };
}

event!(
    Made,
    Choice,
    Field,
    "macro.struct",
    std::time::SystemTime,
    ringbus::RequestId,
    &'static str,
    std::time::UNIX_EPOCH
);

#[test]
fn macros_may_write_the_derive() {
    use renamed::Event;
    let (at, by) = (std::time::UNIX_EPOCH, "macro");
    let made = Made { at, id: 1.into(), by };
    assert_eq!((made.event_type().as_str(), made.timestamp()), ("macro.struct", at));
    let field = Choice::Field { at, id: 2.into(), by };
    assert_eq!((field.event_type(), field.timestamp()), (Choice::FIELD, at));
    assert_eq!(field.as_response().unwrap().responder(), "macro");
    assert_eq!(Choice::Expression(3.into(), by).timestamp(), at);
    assert_eq!(OfItself(at).timestamp(), at);
}
