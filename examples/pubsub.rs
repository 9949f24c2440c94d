//! Publishing to many: a subscriber that wants certain events only, and one that is too slow for its small ring.
//!
//! `cargo run --example pubsub`

use ringbus::{Event, EventBus, EventType};
use std::thread;
use std::time::SystemTime;

#[derive(Clone, Debug)]
enum Order {
    Placed,
    Paid { amount: u32 },
}

const PLACED: EventType = EventType::new("order.placed");
const PAID: EventType = EventType::new("order.paid");

impl Event for Order {
    fn event_type(&self) -> EventType {
        match self {
            Order::Placed => PLACED,
            Order::Paid { .. } => PAID,
        }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::now() // a real event keeps the time at which it occurred
    }
}

fn main() {
    let bus = EventBus::new(0); // nothing is published before `start`, so there is nothing to keep
    let accounting = bus.subscriber("accounting").types([PAID]).capacity(16).subscribe();
    let slow = bus.subscriber("slow").capacity(2).subscribe();
    bus.start();

    let accounts = thread::spawn(move || {
        accounting.into_iter().map(|order| if let Order::Paid { amount } = order { amount } else { 0 }).sum::<u32>()
    });
    for amount in [10, 20, 30] {
        for order in [Order::Placed, Order::Paid { amount }] {
            let published = bus.publish(order.clone()).expect("the bus is open");
            println!("{order:?}: {} delivered, {} dropped", published.delivered, published.dropped);
        }
    }
    bus.close(); // both receive what is in their rings, and then `Closed`

    println!("accounting has received {}", accounts.join().expect("it only adds"));
    println!("slow has missed {} orders, and kept {:?}", slow.take_lost(), slow.into_iter().collect::<Vec<_>>());
}
