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
    let bus = EventBus::<Nothing>::new(0);
    let owned = bus.clone();
    bus.on_lag(move |lag| println!("{lag:?} of {} subscribers", owned.subscriber_count()));
}
