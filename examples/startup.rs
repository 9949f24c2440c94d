//! Starting without losing anything: what is published before anyone listens is replayed, and comes before anything
//! newer.
//!
//! `cargo run --example startup`

use ringbus::{Event, EventBus, EventType, PublishError};
use std::time::SystemTime;

#[derive(Clone, Debug)]
struct Discovered(&'static str);

impl Event for Discovered {
    fn event_type(&self) -> EventType {
        const { EventType::new("device.discovered") }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::now() // a real event keeps the time at which it occurred
    }
}

fn main() -> Result<(), PublishError<Discovered>> {
    let bus = EventBus::new(3); // room for three events before `start`

    // Components come up in any order. This one publishes before anyone has subscribed.
    for device in ["keyboard", "mouse", "screen"] {
        let published = bus.publish(Discovered(device))?;
        println!("{device}: {} buffered", published.buffered);
    }
    if let Err(PublishError::StartupFull(Discovered(device))) = bus.publish(Discovered("printer")) {
        println!("{device}: handed back, because the start-up buffer is full");
    }

    // The replay is read from a log that all subscribers share: a ring of one event is enough for it.
    let devices = bus.subscriber("display").capacity(1).subscribe();
    println!("nothing to receive yet: {:?}", devices.try_recv().err());

    println!("started: {} events replayed", bus.start());
    let published = bus.publish(Discovered("camera"))?;
    println!("camera: {} delivered", published.delivered);
    bus.close();

    for Discovered(device) in devices {
        println!("received {device}");
    }
    Ok(())
}
