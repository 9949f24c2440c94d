//! How do I carry millions of events a second? With lanes, a publisher of one's own, and batches on
//! both sides.
//!
//! `cargo run --release --example market --features derive,lane`

use ringbus::{Event, EventBus, Ring};
use std::thread;
use std::time::{Instant, SystemTime};

#[derive(Clone, Copy, Debug, Event)]
enum Market {
    #[event("market.quote", timestamp = SystemTime::UNIX_EPOCH)] // the feed has no clock
    Quote { instrument: u32, cents: u32 },
    #[event("market.closed", timestamp = SystemTime::UNIX_EPOCH)]
    Closed,
}

const QUOTES: u32 = 2_000_000;
/// Quotes that the feed publishes at a time.
const BATCH: usize = 64;
/// Quotes that the feed is ahead of the slowest at most, so that nobody loses any.
const AHEAD: usize = 4_096;

/// What a desk made of the quotes.
#[derive(Debug, Default)]
struct Book {
    quotes: u64,
    highest: u32,
}

/// A price that goes up and down.
fn quote(number: u32) -> Market {
    Market::Quote { instrument: number % 8, cents: 10_000 + number.wrapping_mul(2_654_435_761) % 1_000 }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bus: EventBus<Market> = EventBus::builder().startup_capacity(0).ring(Ring::Lane).build();
    let desks: Vec<_> = ["north", "south"]
        .into_iter()
        .map(|name| {
            let quotes = bus.subscriber(name).capacity(2 * AHEAD).subscribe();
            thread::spawn(move || {
                let (mut book, mut events) = (Book::default(), Vec::with_capacity(AHEAD));
                while quotes.recv_many(&mut events, AHEAD).is_ok() {
                    for event in events.drain(..) {
                        if let Market::Quote { cents, .. } = event {
                            book.quotes += 1;
                            book.highest = book.highest.max(cents);
                        }
                    }
                }
                (book, quotes.lost())
            })
        })
        .collect();
    // One that wants a single instrument, and the end of the day.
    let seventh = bus
        .subscriber("seventh")
        .capacity(QUOTES as usize)
        .filter(|event| matches!(event, Market::Quote { instrument: 7, .. } | Market::Closed))
        .subscribe();
    bus.start();

    let mut feed = bus.publisher();
    let begun = Instant::now();
    let numbers: Vec<u32> = (0..QUOTES).collect();
    for (batch, numbers) in numbers.chunks(BATCH).enumerate() {
        let quotes: Vec<_> = numbers.iter().map(|&number| quote(number)).collect();
        feed.publish_batch(&quotes)?;
        // A real feed would not wait; this one shows that nothing need be lost.
        let is_behind = |bus: &EventBus<Market>| {
            bus.stats().subscribers.iter().any(|desk| &*desk.name != "seventh" && desk.len > AHEAD)
        };
        while batch % 16 == 0 && is_behind(&bus) {
            thread::yield_now();
        }
    }
    feed.publish(Market::Closed)?;
    let took = begun.elapsed();
    drop(feed);
    bus.close();

    for desk in desks {
        let (book, lost) = desk.join().expect("it only counts");
        println!("{} quotes, the highest at {} cents, {lost} lost", book.quotes, book.highest);
    }
    println!("{} events of the seventh instrument, or the end", seventh.try_iter().count());
    println!("{:.1} million quotes a second, to three subscribers", f64::from(QUOTES) / took.as_secs_f64() / 1e6);
    Ok(())
}
