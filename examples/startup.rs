//! What becomes of events that are published before anyone listens? They are kept, replayed to
//! everyone who is there at the start, and come before anything newer.
//!
//! `cargo run --example startup --features derive`

use ringbus::{Event, EventBus, PublishError};
use std::time::SystemTime;

#[derive(Clone, Debug, Event)]
#[event("device.discovered")]
struct Discovered {
    device: &'static str,
    #[timestamp]
    at: SystemTime,
}

impl Discovered {
    fn now(device: &'static str) -> Self {
        Self { device, at: SystemTime::now() }
    }
}

fn main() -> Result<(), PublishError<Discovered>> {
    let bus = EventBus::new(3); // room for three events before `start`

    // Components come up in any order. This one publishes before anyone has subscribed.
    for device in ["keyboard", "mouse", "screen"] {
        let published = bus.publish(Discovered::now(device))?;
        println!("{device}: {} buffered", published.buffered);
    }
    if let Err(PublishError::StartupFull(refused)) = bus.publish(Discovered::now("printer")) {
        println!("{}: handed back, because the start-up buffer is full", refused.device);
    }

    // The replay is read from a log that all subscribers share: a ring of one event is enough for
    // it.
    let devices = bus.subscriber("display").capacity(1).subscribe();
    println!("nothing to receive yet: {:?}", devices.try_recv().err());

    println!("started: {} events replayed", bus.start());
    let published = bus.publish(Discovered::now("camera"))?;
    println!("camera: {} delivered", published.delivered);
    bus.close();

    for discovered in devices {
        println!("received {}", discovered.device);
    }
    Ok(())
}
