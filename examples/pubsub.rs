//! How do I publish to many, of whom each wants something else? By event types, and a ring for
//! each: one subscriber wants certain events only, and one is too slow for its small ring.
//!
//! `cargo run --example pubsub`
//!
//! Here `Event` is implemented by hand, which is what `#[derive(Event)]` writes, constants
//! included; the other examples derive it.

use ringbus::{Event, EventBus, EventType};
use std::thread;
use std::time::SystemTime;

#[derive(Clone, Debug)]
enum Order {
    Placed { at: SystemTime },
    Paid { amount: u32, at: SystemTime },
}

impl Order {
    const PLACED: EventType = EventType::new("order.placed");
    const PAID: EventType = EventType::new("order.paid");
}

impl Event for Order {
    fn event_type(&self) -> EventType {
        match self {
            Self::Placed { .. } => Self::PLACED,
            Self::Paid { .. } => Self::PAID,
        }
    }

    /// When it occurred, which may be long before anybody receives it.
    fn timestamp(&self) -> SystemTime {
        match self {
            Self::Placed { at } | Self::Paid { at, .. } => *at,
        }
    }
}

/// The amount that was paid, if something was.
fn amount(order: &Order) -> u32 {
    if let Order::Paid { amount, .. } = order { *amount } else { 0 }
}

fn main() {
    let bus = EventBus::new(0); // nothing is published before `start`, so there is nothing to keep
    let accounting = bus.subscriber("accounting").types([Order::PAID]).capacity(16).subscribe();
    let slow = bus.subscriber("slow").capacity(2).subscribe();
    bus.start();

    let accounts = thread::spawn(move || accounting.iter().map(|order| amount(&order)).sum::<u32>());
    for paid in [10, 20, 30] {
        let at = SystemTime::now();
        for order in [Order::Placed { at }, Order::Paid { amount: paid, at }] {
            let event_type = order.event_type();
            let published = bus.publish(order).expect("the bus is open");
            println!("{event_type:<12}  {} delivered, {} dropped", published.delivered, published.dropped);
        }
    }
    bus.close(); // both receive what is in their rings, and then `Closed`

    println!("accounting has received {}", accounts.join().expect("it only adds"));
    let kept: Vec<_> = slow.iter().map(|order| order.event_type()).collect();
    println!("slow has missed {} orders, and kept {} and {}", slow.take_lost(), kept[0], kept[1]);
}
