use ringbus::{DynEvent, Event, EventBus};
use std::time::SystemTime;

#[derive(Event)]
enum Config {
    #[event("config.loaded", timestamp = SystemTime::now())]
    Loaded,
}

fn main() {
    let bus: EventBus<DynEvent> = EventBus::new(0);
    bus.subscribe_to::<Config>(1);
}
