//! 8 subscribers that each filter one event out of 8: what it costs to decide by an event's content
//! who gets it.
//!
//! An operation is one publish with its one receive. Rings hold what a round brings, so nobody
//! loses anything.

use super::channel::{Channel, Crossbeam, Crossfire, Flume, Kanal, Std};
use super::fanout::{BATCH, contestant, drain, drain_wanted};
use super::kind::{Arrays, Kind, Lanes};
use crate::event::Small;
use crate::measure::{Case, Clock, Contestant};
use ringbus::{EventBus, Subscription};
use std::sync::RwLock;

/// Subscribers, and of how many events each takes one.
const SUBSCRIBERS: u64 = 8;

/// What a subscriber takes. Boxed, as a filter is that can be chosen at run time.
type Filter = Box<dyn Fn(&Small) -> bool + Send + Sync>;

fn filters() -> impl Iterator<Item = Filter> {
    (0..SUBSCRIBERS).map(|mine| -> Filter { Box::new(move |event| event.number % SUBSCRIBERS == mine) })
}

/// The one case.
#[must_use]
pub fn cases() -> Vec<Case> {
    vec![Case {
        group: "filter",
        name: format!("{SUBSCRIBERS} subscribers to one event in {SUBSCRIBERS}"),
        operation: "publish and its one receive",
        clock: Clock::Thread,
        contestants: Box::new(contestants),
    }]
}

fn contestants() -> Vec<Contestant> {
    vec![
        ringbus_publisher::<Arrays>(),
        ringbus_bus::<Arrays>(),
        ringbus_publisher::<Lanes>(),
        ringbus_bus::<Lanes>(),
        channel::<Crossbeam>(),
        channel::<Crossfire>(),
        channel::<Flume>(),
        channel::<Kanal>(),
        channel::<Std>(),
        tokio_broadcast(),
    ]
}

fn live_bus<K: Kind>() -> (EventBus<Small>, Vec<Subscription<Small>>) {
    let bus = K::bus(0);
    let subscriptions =
        filters().map(|filter| bus.subscriber("subscriber").filter(filter).capacity(BATCH).subscribe()).collect();
    bus.start();
    (bus, subscriptions)
}

fn ringbus_publisher<K: Kind>() -> Contestant {
    let (bus, subscriptions) = live_bus::<K>();
    let mut publisher = bus.publisher();
    let publish = move |event: &Small| publisher.publish(*event).is_ok_and(|published| published.dropped == 0);
    contestant(K::PUBLISHER, 1, publish, subscriptions, |from| drain(|| from.try_recv().ok()))
}

fn ringbus_bus<K: Kind>() -> Contestant {
    let (bus, subscriptions) = live_bus::<K>();
    let publish = move |event: &Small| bus.publish(*event).is_ok_and(|published| published.dropped == 0);
    contestant(K::BUS, 1, publish, subscriptions, |from| drain(|| from.try_recv().ok()))
}

/// As a user writes it: the senders with their filters in a list behind a lock.
fn channel<C: Channel>() -> Contestant {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..SUBSCRIBERS).map(|_| C::bounded(BATCH)).unzip();
    let senders = RwLock::new(filters().zip(senders).collect::<Vec<_>>());
    let publish = move |event: &Small| {
        let senders = senders.read().unwrap();
        let wanting = senders.iter().filter(|(filter, _)| filter(event));
        wanting.fold(true, |fits, (_, sender)| C::try_send(sender, *event) & fits)
    };
    contestant(C::NAME, 1, publish, receivers, |from| drain(|| C::try_recv(from)))
}

/// Has no filters: everybody gets everything, and skips what it does not want.
fn tokio_broadcast() -> Contestant {
    let sender = tokio::sync::broadcast::Sender::new(BATCH);
    let receivers: Vec<_> = filters().map(|filter| (filter, sender.subscribe())).collect();
    let publish = move |event: &Small| sender.send(*event).is_ok();
    contestant("tokio broadcast", 1, publish, receivers, |(filter, from)| drain_wanted(from, &*filter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Sample;

    #[test]
    fn every_contestant_does_the_whole_work() {
        super::super::fanout::assert_the_whole_work_is_done(cases());
    }

    #[test]
    fn every_event_is_for_one_subscriber() {
        for event in Small::batch(BATCH) {
            assert_eq!(filters().filter(|filter| filter(&event)).count(), 1, "{event:?}");
        }
    }
}
