#![allow(unused, reason = "what is refused uses nothing")]

use ringbus::Event;
use std::time::SystemTime;

#[derive(Event)]
#[event("generic", timestamp = SystemTime::now())]
struct Generic<T>(T);

#[derive(Event)]
enum Borrowed<'a> {
    #[event("borrowed", timestamp = SystemTime::now())]
    Borrowed(&'a str),
}

#[derive(Event)]
#[event("union", timestamp = SystemTime::now())]
union Union {
    bits: u32,
}

#[derive(Event)]
enum Never {}

fn main() {}
