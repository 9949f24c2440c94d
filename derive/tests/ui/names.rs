#![allow(unused, reason = "what is refused uses nothing")]

use ringbus::Event;
use std::time::SystemTime;

#[derive(Event)]
enum Config {
    #[event("", timestamp = SystemTime::now())]
    Empty,
    LoadedFromHTTP(#[timestamp] SystemTime),
    #[event("config.two", "config.names", timestamp = SystemTime::now())]
    Two,
    #[event(config.bare, timestamp = SystemTime::now())]
    Bare,
    #[event(42, timestamp = SystemTime::now())]
    Number,
    #[event]
    Nothing,
}

#[derive(Event)]
enum Doubled {
    #[event("config.loaded", timestamp = SystemTime::now())]
    Loaded,
    #[event("config.loaded", timestamp = SystemTime::now())]
    LoadedAgain,
}

#[derive(Event)]
struct ConfigLoaded(#[timestamp] SystemTime);

#[derive(Event)]
#[event("config")]
enum OnTheEnum {
    #[event("config.loaded", timestamp = SystemTime::now())]
    Loaded,
}

fn main() {}
