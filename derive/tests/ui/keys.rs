#![allow(unused, reason = "what is refused uses nothing")]

use ringbus::Event;
use std::time::SystemTime;

#[derive(Event)]
enum Config {
    #[event("config.loaded", colour = "red")]
    Loaded,
    #[event("config.refused", timestamp = SystemTime::now(), timestamp = SystemTime::now())]
    Refused,
    #[event("config.applied", timestamp = SystemTime::now(), crate = ringbus)]
    Applied,
    #[event("config.asked", timestamp)]
    Asked,
}

#[derive(Event)]
#[event(crate = ringbus, crate = ::ringbus)]
enum Twice {
    #[event("twice", timestamp = SystemTime::now())]
    Twice,
}

#[derive(Event)]
#[event(timestamp = SystemTime::now())]
enum OnTheEnum {
    #[event("config.loaded")]
    Loaded,
}

fn main() {}
