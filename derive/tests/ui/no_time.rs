#![allow(unused, reason = "what is refused uses nothing")]

use ringbus::Event;
use std::time::SystemTime;

#[derive(Event)]
enum Config {
    #[event("config.loaded")]
    Loaded { at: SystemTime },
    #[event("config.forgotten")]
    Forgotten,
}

#[derive(Event)]
#[event("tick")]
struct Tick(SystemTime);

fn main() {}
