//! How do I watch a bus in production? By its statistics, which this one serves to Prometheus.
//!
//! ```text
//! cargo run --example metrics --features derive [-- ADDRESS]      127.0.0.1:9184 unless given
//! curl http://127.0.0.1:9184/metrics
//! ```

mod exporter;

use exporter::Exporter;
use ringbus::{Event, EventBus, PublishError};
use std::error::Error;
use std::thread;
use std::time::{Duration, SystemTime};

#[derive(Clone, Debug, Event)]
#[event("tick")]
struct Tick(#[timestamp] SystemTime);

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
            match bus.publish(Tick(SystemTime::now())) {
                Ok(_) => thread::sleep(Duration::from_millis(10)),
                Err(PublishError::StartupFull(_) | PublishError::Closed(_)) => return Ok(()),
            }
        }
    })
}
