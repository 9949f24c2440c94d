//! What everybody keeps in memory: bytes for a bus, for a subscriber, for a filter, and for an
//! event that waits.
//!
//! Every subscriber has room for 256 events of 16 bytes; if all share one ring, that ring belongs
//! to the bus. A figure is what is on the heap, and the handle that the user holds. `jonhoo's bus`
//! is missing, because it brings a thread, and `disruptor`, because it takes no subscribers at run
//! time.
//!
//! Allocations can only be counted by the allocator of a program, and what counts them would slow
//! down everything else, so the program `memory` does that and nothing else.

use super::channel::{Channel, Crossbeam, Crossfire, Flume, Kanal, Std};
use super::kind::{Arrays, Kind, Lanes};
use crate::event::{Sample, Small};
use crossbeam_queue::ArrayQueue;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::sync::{Arc, RwLock};

/// Events that a subscriber has room for.
pub const CAPACITY: usize = 256;
/// Of how many buses, and of how many subscribers of one bus, a figure is the mean.
const COUNT: usize = 64;

/// What one contestant keeps, in bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// The contestant, as it stands in tables.
    pub name: String,
    /// For a bus without subscribers.
    pub bus: f64,
    /// For one more subscriber.
    pub subscriber: f64,
    /// For a filter of a subscriber, which has 8 bytes of its own. `None` if there are none.
    pub filter: Option<f64>,
    /// For an event that waits at one subscriber.
    pub queued: f64,
}

/// Tells how many bytes are allocated.
pub type LiveBytes = fn() -> isize;

/// Measures everybody.
#[must_use]
pub fn run(live_bytes: LiveBytes) -> Vec<Memory> {
    vec![
        ringbus::<Arrays>(live_bytes),
        ringbus::<Lanes>(live_bytes),
        array_queue(live_bytes),
        tokio_broadcast(live_bytes),
        async_broadcast(live_bytes),
        channel::<Crossbeam>(live_bytes),
        channel::<Crossfire>(live_bytes),
        channel::<Flume>(live_bytes),
        channel::<Kanal>(live_bytes),
        channel::<Std>(live_bytes),
    ]
}

/// Makes as many as a figure is the mean of, and says what each takes.
fn each<T>(live_bytes: LiveBytes, mut make: impl FnMut() -> T) -> (f64, Vec<T>) {
    // What is made once for all is none of them.
    drop(make());
    let before = live_bytes();
    let mut made = Vec::with_capacity(COUNT);
    made.extend((0..COUNT).map(|_| make()));
    ((live_bytes() - before) as f64 / COUNT as f64, made)
}

/// Publishes as many events as the subscribers have room for, and says what each takes at each.
fn queued(live_bytes: LiveBytes, mut publish: impl FnMut(Small)) -> f64 {
    let events = Small::batch(CAPACITY);
    let before = live_bytes();
    events.iter().copied().for_each(&mut publish);
    (live_bytes() - before) as f64 / (CAPACITY * COUNT) as f64
}

fn ringbus<K: Kind>(live_bytes: LiveBytes) -> Memory {
    let bus = || {
        let bus = K::bus::<Small>(0);
        bus.start();
        bus
    };
    let (of_bus, _) = each(live_bytes, bus);
    let filtered = bus();
    let (of_filtered, _) = each(live_bytes, || {
        let mine = filtered.subscriber_count() as u64;
        let subscriber = filtered.subscriber("subscriber").capacity(CAPACITY);
        subscriber.filter(move |event: &Small| event.number != mine).subscribe()
    });
    let plain = bus();
    let (of_subscriber, subscriptions) =
        each(live_bytes, || plain.subscriber("subscriber").capacity(CAPACITY).subscribe());
    let mut publisher = plain.publisher();
    let queued = queued(live_bytes, |event| {
        let published = publisher.publish(event);
        assert!(published.is_ok_and(|published| published.delivered == COUNT), "everybody has room");
    });
    drop(subscriptions);
    Memory {
        name: K::NAME.to_owned(),
        bus: of_bus,
        subscriber: of_subscriber,
        filter: Some(of_filtered - of_subscriber),
        queued,
    }
}

/// Those that have a list of senders behind a lock, and a channel for each subscriber.
fn list<S, R>(
    name: &str,
    live_bytes: LiveBytes,
    channel: impl Fn() -> (S, R),
    send: impl Fn(&S, Small) -> bool,
) -> Memory {
    let list = || RwLock::new(Vec::<S>::new());
    let (bus, _) = each(live_bytes, list);
    let senders = list();
    let (subscriber, receivers) = each(live_bytes, || {
        let (to, from) = channel();
        senders.write().unwrap().push(to);
        from
    });
    // That of the one which was made in vain.
    senders.write().unwrap().remove(0);
    let queued = queued(live_bytes, |event| {
        assert!(senders.read().unwrap().iter().all(|to| send(to, event)), "everybody has room");
    });
    drop(receivers);
    Memory { name: name.to_owned(), bus, subscriber, filter: None, queued }
}

fn channel<C: Channel>(live_bytes: LiveBytes) -> Memory {
    list(C::NAME, live_bytes, || C::bounded(CAPACITY), C::try_send)
}

fn array_queue(live_bytes: LiveBytes) -> Memory {
    let ring = || {
        let ring = Arc::new(ArrayQueue::new(CAPACITY));
        (Arc::clone(&ring), ring)
    };
    list("raw ArrayQueue", live_bytes, ring, |ring, event| ring.push(event).is_ok())
}

fn tokio_broadcast(live_bytes: LiveBytes) -> Memory {
    let bus = || tokio::sync::broadcast::Sender::<Small>::new(CAPACITY);
    let (of_bus, _) = each(live_bytes, bus);
    let sender = bus();
    let (subscriber, receivers) = each(live_bytes, || sender.subscribe());
    let queued = queued(live_bytes, |event| assert!(sender.send(event).is_ok(), "there are receivers"));
    drop(receivers);
    Memory { name: "tokio broadcast".to_owned(), bus: of_bus, subscriber, filter: None, queued }
}

fn async_broadcast(live_bytes: LiveBytes) -> Memory {
    let bus = || {
        let (sender, receiver) = async_broadcast::broadcast::<Small>(CAPACITY);
        // Without one, it is closed.
        (sender, receiver.deactivate())
    };
    let (of_bus, _) = each(live_bytes, bus);
    let (sender, _inactive) = bus();
    let (subscriber, receivers) = each(live_bytes, || sender.new_receiver());
    let queued = queued(live_bytes, |event| assert!(sender.try_broadcast(event).is_ok(), "everybody has room"));
    drop(receivers);
    Memory { name: "async-broadcast".to_owned(), bus: of_bus, subscriber, filter: None, queued }
}

/// A line for each contestant, with tabs between its figures: what the program `memory` writes.
#[must_use]
pub fn write(rows: &[Memory]) -> String {
    let line = |Memory { name, bus, subscriber, filter, queued }: &Memory| {
        let filter = filter.map_or_else(|| "-".to_owned(), |filter| filter.to_string());
        format!("{name}\t{bus}\t{subscriber}\t{filter}\t{queued}\n")
    };
    rows.iter().map(line).collect()
}

/// What [`write()`] has written.
///
/// # Errors
///
/// If it is something else.
pub fn read(text: &str) -> Result<Vec<Memory>, Box<dyn Error>> {
    let row = |line: &str| -> Result<Memory, Box<dyn Error>> {
        let [name, bus, subscriber, filter, queued] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("not five figures: {line}").into());
        };
        let filter = if filter == "-" { None } else { Some(filter.parse()?) };
        let (bus, subscriber, queued) = (bus.parse()?, subscriber.parse()?, queued.parse()?);
        Ok(Memory { name: name.to_owned(), bus, subscriber, filter, queued })
    };
    text.lines().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_arrive_as_they_were_written() {
        let row = Memory { name: "ringbus".to_owned(), bus: 1.0, subscriber: 4.5, filter: Some(0.1), queued: 0.0 };
        let rows = [row.clone(), Memory { name: "raw ArrayQueue".to_owned(), filter: None, ..row }];
        assert_eq!(read(&write(&rows)).unwrap(), rows);
        assert!(read("ringbus\t1\t2\n").is_err() && read("ringbus\t1\t2\tx\t3\n").is_err());
    }
}
