//! An event carries a pointer to what its publisher has freed by the time it is received.

use ringbus::{Event, EventBus, EventType};
use std::time::SystemTime;

#[derive(Clone, Copy)]
struct Borrowed(*const u64);

// SAFETY: none, and that is the bug: nothing keeps alive what the pointer points to.
unsafe impl Send for Borrowed {}
// SAFETY: as above.
unsafe impl Sync for Borrowed {}

impl Event for Borrowed {
    fn event_type(&self) -> EventType {
        const { EventType::new("borrowed") }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

fn main() {
    let bus = EventBus::new(0);
    bus.start();
    let subscription = bus.subscribe(1);
    let owner = Box::new(7);
    bus.publish(Borrowed(&raw const *owner)).expect("the bus is open");
    drop(owner);
    let Borrowed(pointer) = subscription.recv().expect("it was delivered");
    // SAFETY: none, see above.
    println!("received {}", unsafe { *pointer });
}
