#![allow(unused, reason = "what is refused uses nothing")]

use ringbus::Event;
use std::time::SystemTime;

#[derive(Event)]
enum Clash {
    #[event("clash.one", timestamp = SystemTime::now())]
    HttpFailed,
    #[event("clash.other", timestamp = SystemTime::now())]
    HTTPFailed,
}

#[derive(Event)]
enum Health {
    #[event("health.ok", timestamp = SystemTime::now())]
    OK,
    #[event("health.ill", timestamp = SystemTime::now())]
    Ill,
    #[event("health.also-ill", timestamp = SystemTime::now())]
    ILL,
}

#[derive(Event)]
enum Nameless {
    #[event("nameless.one", timestamp = SystemTime::now())]
    __,
}

fn main() {}
