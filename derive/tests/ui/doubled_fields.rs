#![allow(unused, reason = "what is refused uses nothing")]

use ringbus::{Event, RequestId};
use std::time::SystemTime;

#[derive(Event)]
enum Config {
    #[event("config.ids", timestamp = SystemTime::now())]
    Ids(#[request_id] RequestId, #[request_id] RequestId),
    #[event("config.times")]
    Times {
        #[timestamp]
        begun: SystemTime,
        #[timestamp]
        ended: SystemTime,
    },
    #[event("config.responders", timestamp = SystemTime::now())]
    Responders(#[request_id] RequestId, #[responder] String, #[responder] String),
    #[event("config.field-and-expression", timestamp = SystemTime::now())]
    FieldAndExpression(#[timestamp] SystemTime),
}

fn main() {}
