//! Asking several components at once: what came in time, and who is missing.
//!
//! `cargo run --example request`

use ringbus::{Event, EventBus, EventType, Request, RequestId, RequestOptions, Response};
use std::thread;
use std::time::{Duration, SystemTime};

/// An enum of everything that is said. `as_request` and `as_response` tell the bus which of it asks, and which answers.
#[derive(Clone, Debug)]
enum Talk {
    QuoteWanted { id: RequestId, tonnes: u32 },
    Quote { id: RequestId, carrier: &'static str, price: u32 },
}

const QUOTE_WANTED: EventType = EventType::new("quote.wanted");
const QUOTE: EventType = EventType::new("quote");

impl Event for Talk {
    fn event_type(&self) -> EventType {
        match self {
            Talk::QuoteWanted { .. } => QUOTE_WANTED,
            Talk::Quote { .. } => QUOTE,
        }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::now() // a real event keeps the time at which it occurred
    }

    fn as_request(&self) -> Option<&dyn Request> {
        if let Talk::QuoteWanted { .. } = self { Some(self) } else { None }
    }

    fn as_response(&self) -> Option<&dyn Response> {
        if let Talk::Quote { .. } = self { Some(self) } else { None }
    }
}

impl Talk {
    fn id(&self) -> RequestId {
        let (Talk::QuoteWanted { id, .. } | Talk::Quote { id, .. }) = self;
        id.clone()
    }
}

impl Request for Talk {
    fn request_id(&self) -> RequestId {
        self.id()
    }
}

impl Response for Talk {
    fn request_id(&self) -> RequestId {
        self.id()
    }

    fn responder(&self) -> &str {
        if let Talk::Quote { carrier, .. } = self { carrier } else { "" }
    }
}

fn print_quotes(quotes: &[Talk]) {
    for quote in quotes {
        if let Talk::Quote { carrier, price, .. } = quote {
            println!("  {carrier}: {price}");
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bus = EventBus::new(0);
    // Each carrier is a thread that answers what it hears.
    let mut carriers = Vec::new();
    for (carrier, price, thinks) in [("lorry", 90, 1), ("barge", 40, 20), ("railway", 60, 300)] {
        let wanted = bus.subscriber(carrier).types([QUOTE_WANTED]).subscribe();
        let bus = bus.downgrade(); // so that the bus closes when `main` lets go of it
        carriers.push(thread::spawn(move || {
            for event in wanted {
                let (Talk::QuoteWanted { id, tonnes }, Some(bus)) = (event, bus.upgrade()) else { return };
                thread::sleep(Duration::from_millis(thinks));
                let _ = bus.publish(Talk::Quote { id, carrier, price: price * tonnes });
            }
        }));
    }
    bus.start();

    let everybody = RequestOptions::expecting(["lorry", "barge", "railway"]);
    let ask = |options| bus.request(Talk::QuoteWanted { id: RequestId::unique(), tonnes: 3 }, options);

    println!("All three, within 100 ms:");
    let error = ask(everybody.clone().timeout(Duration::from_millis(100)))?.wait().expect_err("the railway thinks");
    println!("  {error}; what had come:");
    print_quotes(&error.into_partial().responses);

    println!("Any two of them:");
    let result = ask(everybody.clone().min_responses(2))?.wait()?;
    print_quotes(&result.responses);
    println!("  {}", result.errors().join(", "));

    println!("All three, within the ten seconds that a request waits unless told otherwise:");
    print_quotes(&ask(everybody)?.wait()?.responses);
    println!("Meanwhile, {} quotes came too late for their requests.", bus.stats().late_responses);

    drop(bus);
    carriers.into_iter().for_each(|carrier| carrier.join().expect("it only quotes"));
    Ok(())
}
