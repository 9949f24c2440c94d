#![allow(unused, reason = "what is refused uses nothing")]

use ringbus::Event;
use std::time::SystemTime;

#[derive(Event)]
enum Config {
    #[event("config.verdict", timestamp = SystemTime::now())]
    Verdict {
        good: bool,
        #[responder]
        by: String,
    },
}

#[derive(Event)]
#[event("answer", timestamp = SystemTime::now())]
struct Answer(#[responder] String);

fn main() {}
