//! What happens to a subscriber that is too slow? It loses its own events and nobody else's, it is
//! told how many, and a hook hears of it once.
//!
//! `cargo run --example slow_subscriber --features derive`

use ringbus::{Event, EventBus, Overflow, Subscription};
use std::time::SystemTime;

#[derive(Clone, Debug, Event)]
#[event("sensor.reading")]
struct Reading {
    value: u32,
    #[timestamp]
    at: SystemTime,
}

/// Receives what is there, and says which values.
fn values(readings: &Subscription<Reading>) -> Vec<u32> {
    readings.try_iter().map(|reading| reading.value).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bus = EventBus::new(0);
    let fast = bus.subscriber("fast").capacity(16).subscribe();
    let slow = bus.subscriber("slow").capacity(4).subscribe(); // keeps the oldest, loses the newest
    let latest = bus.subscriber("latest").capacity(4).overflow(Overflow::DropOldest).subscribe();
    let gauge = bus.subscriber("gauge").capacity(1).lossy(true).subscribe(); // may lose events
    bus.on_lag(|lag| println!("  {} begins to lag with {}", lag.subscriber, lag.event_type));
    bus.start();

    for value in 1..=10 {
        let published = bus.publish(Reading { value, at: SystemTime::now() })?;
        println!("reading {value:>2}: {} delivered, {} dropped", published.delivered, published.dropped);
    }
    println!("\n{}\n", bus.stats());

    println!("fast   received {:?}, lost {}", values(&fast), fast.take_lost());
    println!("slow   received {:?}, lost {}", values(&slow), slow.take_lost());
    println!("latest received {:?}, lost {}", values(&latest), latest.take_lost());
    println!("gauge  received {:?}, lost {}", values(&gauge), gauge.take_lost());

    // They have caught up, so the next loss would be a new episode.
    let stats = bus.stats();
    assert!(stats.subscribers.iter().all(|subscriber| !subscriber.lagging));
    Ok(())
}
