//! A bus owns a hook that owns the bus.

use ringbus::{Event, EventBus, EventType};
use std::time::SystemTime;

#[derive(Clone)]
struct Nothing;

impl Event for Nothing {
    fn event_type(&self) -> EventType {
        const { EventType::new("nothing") }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

fn main() {
    // On a thread of its own, because a register of this one may still point there at its end.
    let leaks = || {
        let bus = EventBus::<Nothing>::new(0);
        let owned = bus.clone();
        bus.on_lag(move |lag| println!("{lag:?} of {} subscribers", owned.subscriber_count()));
    };
    std::thread::spawn(leaks).join().expect("it only leaks");
}
