//! Comings and goings: one more subscriber comes, is sent an event, and goes, while many others
//! stay.
//!
//! The others are idle, and want something else where the contestant knows types. What the coming
//! and going costs is so the cost of changing a list of that length.

use crate::event::{Sample, Small};
use crate::measure::{Case, Clock, Contestant, Tally};
use ringbus::{EventBus, EventType};

/// Subscribers that stay.
pub const STAY: [usize; 3] = [10, 1_000, 20_000];
/// Who come and go in a round, one after another.
const ROUND: u64 = 20;
/// The types among which those who stay are spread.
const TYPES: usize = 2_000;
/// Events that each has room for.
const CAPACITY: usize = 4;

/// One case for each number of subscribers that stay.
#[must_use]
pub fn cases() -> Vec<Case> {
    let of = |stay: usize| Case {
        group: "churn",
        name: name(stay),
        operation: "coming and going",
        clock: Clock::Thread,
        contestants: Box::new(move || {
            vec![ringbus_typed(stay), ringbus_everything(stay), tokio_broadcast(stay), async_broadcast(stay)]
        }),
    };
    STAY.map(of).into()
}

/// What the case is called if so many stay.
#[must_use]
pub fn name(stay: usize) -> String {
    format!("{stay} stay")
}

/// One round: `come_and_go` says whether the one that came got its event.
fn contestant(name: &'static str, mut come_and_go: impl FnMut() -> bool + 'static) -> Contestant {
    Contestant::new(name, move || {
        let received = (0..ROUND).filter(|_| come_and_go()).count() as u64;
        Tally { dropped: ROUND - received, ..Tally::of(ROUND) }
    })
}

/// Each wants one type; those who stay, others than the one that comes.
fn ringbus_typed(stay: usize) -> Contestant {
    let bus = EventBus::new(0);
    bus.start();
    let types: Vec<_> = (0..TYPES).map(|number| EventType::intern(&format!("churn-{number}"))).collect();
    let subscribe = |event_type| bus.subscriber("stays").types([event_type]).capacity(CAPACITY).subscribe();
    let stays: Vec<_> = types.iter().cycle().take(stay).map(|&event_type| subscribe(event_type)).collect();
    let [event] = Small::batch(1)[..] else { unreachable!("it is a batch of one") };
    let event_type = ringbus::Event::event_type(&event);
    contestant("ringbus, by type", move || {
        let _stay = &stays;
        let comes = bus.subscriber("comes").types([event_type]).capacity(CAPACITY).subscribe();
        bus.publish(event).is_ok_and(|published| published.delivered == 1) && comes.try_recv().is_ok()
    })
}

/// Everybody wants everything, so the event goes to all; those who stay lose it when they have no
/// room, as with the peers.
fn ringbus_everything(stay: usize) -> Contestant {
    let bus = EventBus::new(0);
    bus.start();
    let stays: Vec<_> = (0..stay).map(|_| bus.subscriber("stays").lossy(true).capacity(1).subscribe()).collect();
    let [event] = Small::batch(1)[..] else { unreachable!("it is a batch of one") };
    contestant("ringbus, to everything", move || {
        let _stay = &stays;
        let comes = bus.subscriber("comes").capacity(CAPACITY).subscribe();
        bus.publish(event).is_ok() && comes.try_recv().is_ok()
    })
}

fn tokio_broadcast(stay: usize) -> Contestant {
    let (sender, _) = tokio::sync::broadcast::channel(CAPACITY);
    let stays: Vec<_> = (0..stay).map(|_| sender.subscribe()).collect();
    let [event] = Small::batch(1)[..] else { unreachable!("it is a batch of one") };
    contestant("tokio broadcast", move || {
        let _stay = &stays;
        let mut comes = sender.subscribe();
        sender.send(event).is_ok() && comes.try_recv().is_ok()
    })
}

/// Whoever does not receive is overtaken.
fn async_broadcast(stay: usize) -> Contestant {
    let (mut sender, receiver) = async_broadcast::broadcast(CAPACITY);
    sender.set_overflow(true);
    let stays: Vec<_> = (0..stay).map(|_| sender.new_receiver()).collect();
    let [event] = Small::batch(1)[..] else { unreachable!("it is a batch of one") };
    contestant("async-broadcast", move || {
        let _stay = (&stays, &receiver);
        let mut comes = sender.new_receiver();
        sender.try_broadcast(event).is_ok() && comes.try_recv().is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_gets_its_event() {
        for case in cases().into_iter().take(2) {
            for mut contestant in (case.contestants)() {
                assert_eq!((contestant.round)(), Tally::of(ROUND), "{}, {}", case.name, contestant.name);
            }
        }
    }
}
