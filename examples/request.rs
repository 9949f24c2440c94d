//! How do I ask several components at once? By a request, which gives what came in time, and who is
//! missing.
//!
//! `cargo run --example request --features derive`

use ringbus::{Event, EventBus, RequestId, RequestOptions};
use std::thread;
use std::time::{Duration, SystemTime};

/// Everything that is said. A field with `#[request_id]` makes a kind ask, and one with
/// `#[responder]` beside it makes it answer.
#[derive(Clone, Debug, Event)]
enum Talk {
    #[event("quote.wanted")]
    QuoteWanted {
        #[request_id]
        id: RequestId,
        tonnes: u32,
        #[timestamp]
        at: SystemTime,
    },
    #[event("quote")]
    Quote {
        #[request_id]
        id: RequestId,
        #[responder]
        carrier: &'static str,
        price: u32,
        #[timestamp]
        at: SystemTime,
    },
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
        let wanted = bus.subscriber(carrier).types([Talk::QUOTE_WANTED]).subscribe();
        let bus = bus.downgrade(); // so that the bus closes when `main` lets go of it
        carriers.push(thread::spawn(move || {
            for event in wanted {
                let (Talk::QuoteWanted { id, tonnes, .. }, Some(bus)) = (event, bus.upgrade()) else { return };
                thread::sleep(Duration::from_millis(thinks));
                let (price, at) = (price * tonnes, SystemTime::now());
                let _ = bus.publish(Talk::Quote { id, carrier, price, at });
            }
        }));
    }
    bus.start();

    let everybody = RequestOptions::expecting(["lorry", "barge", "railway"]);
    let ask = |options| {
        let wanted = Talk::QuoteWanted { id: RequestId::unique(), tonnes: 3, at: SystemTime::now() };
        bus.request(wanted, options)
    };

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
