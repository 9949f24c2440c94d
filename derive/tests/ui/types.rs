use ringbus::{Event, RequestId};
use std::time::SystemTime;

#[derive(Event)]
enum Config {
    #[event("config.loaded")]
    Loaded {
        #[timestamp]
        at: u64,
    },
}

#[derive(Event)]
#[event("tick")]
struct Tick(#[timestamp] Option<SystemTime>);

#[derive(Event)]
#[event("tock", timestamp = 7)]
struct Tock;

#[derive(Event)]
#[event("asked", timestamp = SystemTime::now())]
struct Asked(#[request_id] String);

#[derive(Event)]
enum Answer {
    #[event("answer", timestamp = SystemTime::now())]
    Answer {
        #[request_id]
        to: RequestId,
        #[responder]
        by: u32,
    },
}

fn main() {}
