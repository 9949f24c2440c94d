#![allow(unused, reason = "what is refused uses nothing")]

use ringbus::{Event, RequestId};
use std::time::SystemTime;

#[derive(Event)]
#[request_id]
enum Config {
    #[event("config.verdict", timestamp = SystemTime::now())]
    #[responder]
    Verdict(#[request_id] RequestId),
    #[event("config.loaded")]
    Loaded {
        #[event("config.loaded", timestamp = SystemTime::now())]
        at: SystemTime,
        #[timestamp]
        loaded_at: SystemTime,
    },
    #[event("config.asked")]
    Asked(#[request_id = "id"] RequestId, #[timestamp(at)] SystemTime),
}

#[derive(Event)]
#[event("tick")]
#[timestamp]
struct Tick(SystemTime);

fn main() {}
