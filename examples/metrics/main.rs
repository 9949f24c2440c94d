//! Serves the statistics of a bus to Prometheus.
//!
//! ```text
//! cargo run --example metrics [ADDRESS]      127.0.0.1:9184 unless given
//! curl http://127.0.0.1:9184/metrics
//! ```

mod exporter;

use exporter::Exporter;
use ringbus::{Event, EventBus, EventType, PublishError};
use std::error::Error;
use std::thread;
use std::time::{Duration, SystemTime};

#[derive(Clone, Debug)]
struct Tick;

impl Event for Tick {
    fn event_type(&self) -> EventType {
        const { EventType::new("tick") }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::now() // a real event keeps the time at which it occurred
    }
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let address = std::env::args().nth(1);
    let bus = EventBus::new(0);
    let exporter = Exporter::start(address.as_deref().unwrap_or("127.0.0.1:9184"), bus.downgrade())?;
    println!("http://{}/metrics has the statistics, until this program is interrupted", exporter.address());

    let quick = bus.subscriber("quick").subscribe();
    let slow = bus.subscriber("slow").capacity(8).subscribe();
    bus.start();
    thread::scope(|scope| {
        scope.spawn(move || quick.into_iter().for_each(drop));
        scope.spawn(move || slow.into_iter().for_each(|_| thread::sleep(Duration::from_millis(50))));
        loop {
            match bus.publish(Tick) {
                Ok(_) => thread::sleep(Duration::from_millis(10)),
                Err(PublishError::StartupFull(_) | PublishError::Closed(_)) => return Ok(()),
            }
        }
    })
}
