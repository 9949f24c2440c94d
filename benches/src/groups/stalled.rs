//! What one subscriber that never reads does to the publisher and to the other subscribers.
//!
//! One thread publishes at a steady pace, far below what any contestant can carry; another polls
//! three healthy subscribers. That is done without and with a fourth subscriber that never reads.

use super::channel::{Channel, Crossbeam, Crossfire, Flume, crossfire_mpsc};
use super::kind::{Arrays, Kind, Lanes};
use super::latency::relax;
use crate::distribution::{Distribution, Turns, histogram};
use crate::event::Small;
use crate::measure::Effort;
use bus::Bus;
use hdrhistogram::Histogram;
use ringbus::Overflow;
use serde::{Deserialize, Serialize};
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::broadcast;

/// What one contestant did, with the stalled subscriber or without.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stalled {
    /// The contestant, as it stands in tables.
    pub name: String,
    /// Whether there was a subscriber that never reads.
    pub stalled: bool,
    /// How long a publish takes. One that was given up is among them.
    pub publish: Distribution,
    /// How long after the beginning of its publish an event is received by each healthy subscriber.
    pub delay: Distribution,
    /// Deliveries to healthy subscribers that were due and lost.
    pub lost: u64,
    /// Events published.
    pub published: u64,
    /// Whether a publish could not go on, and was given up after 100 ms.
    pub blocked: bool,
}

/// Subscribers that read.
const HEALTHY: usize = 3;
/// Events that each subscriber, or the ring that all share, has room for.
const CAPACITY: usize = 1024;
/// From one publish to the next.
const PACE: Duration = Duration::from_micros(5);
/// When a publish is given up.
const GIVE_UP: Duration = Duration::from_millis(100);
/// Events published in a turn.
const EVENTS: u64 = 10_000;

/// Measures all contestants, without and with the stalled subscriber, by turns.
pub fn run(effort: Effort, progress: &mut dyn FnMut(&str)) -> Vec<Stalled> {
    run_turns((effort.samples / 4).max(1), EVENTS, progress)
}

/// What a contestant does when it is its turn: with the stalled subscriber or not, so many events,
/// counted here.
type Play = fn(bool, u64, &mut Turn);

const CONTESTANTS: [(&str, Play); 11] = [
    (Arrays::PUBLISHER, |stalled, events, into| play(ringbus::<Arrays>(stalled, Overflow::DropNewest), events, into)),
    (Lanes::PUBLISHER, |stalled, events, into| play(ringbus::<Lanes>(stalled, Overflow::DropNewest), events, into)),
    (Arrays::PUBLISHER_DROP_OLDEST, |stalled, events, into| {
        play(ringbus::<Arrays>(stalled, Overflow::DropOldest), events, into)
    }),
    ("tokio broadcast", |stalled, events, into| play(tokio(stalled), events, into)),
    (Crossbeam::TRY_SEND_NAME, |stalled, events, into| play(channel_trying::<Crossbeam>(stalled), events, into)),
    (Crossfire::TRY_SEND_NAME, |stalled, events, into| play(channel_trying::<Crossfire>(stalled), events, into)),
    (Flume::TRY_SEND_NAME, |stalled, events, into| play(channel_trying::<Flume>(stalled), events, into)),
    (Crossbeam::SEND_NAME, |stalled, events, into| {
        let send = |to: &crossbeam_channel::Sender<_>, event| to.send_timeout(event, GIVE_UP).is_ok();
        play(channel::<Crossbeam>(stalled, send), events, into);
    }),
    (Crossfire::SEND_NAME, |stalled, events, into| {
        let send = |to: &crossfire_mpsc::Sender<_>, event| to.send_timeout(event, GIVE_UP).is_ok();
        play(channel::<Crossfire>(stalled, send), events, into);
    }),
    ("async-broadcast", |stalled, events, into| play(async_broadcast(stalled), events, into)),
    ("jonhoo's bus", |stalled, events, into| play(jonhoo_bus(stalled), events, into)),
];

fn run_turns(turns: usize, events: u64, progress: &mut dyn FnMut(&str)) -> Vec<Stalled> {
    let mut measured: Vec<_> =
        CONTESTANTS.into_iter().flat_map(|entry| [false, true].map(|stalled| Row::new(entry, stalled))).collect();
    let count = measured.len();
    for number in 0..turns {
        progress(&format!("stalled: turn {} of {turns}", number + 1));
        for place in 0..count {
            let row = &mut measured[(number + place) % count];
            let mut turn = Turn { publish: histogram(), delay: histogram(), lost: 0, published: 0, blocked: false };
            (row.play)(row.total.stalled, events, &mut turn);
            row.add(&turn);
        }
    }
    measured.into_iter().map(Row::finish).collect()
}

/// What was counted in one turn.
struct Turn {
    /// Nanoseconds of the publishes.
    publish: Histogram<u64>,
    /// Nanoseconds from a publish to each of its receipts.
    delay: Histogram<u64>,
    lost: u64,
    published: u64,
    blocked: bool,
}

/// A contestant, with the stalled subscriber or without, and what its turns have come to so far.
struct Row {
    play: Play,
    publish: Turns,
    delay: Turns,
    /// All but the distributions.
    total: Stalled,
}

impl Row {
    fn new((name, play): (&str, Play), stalled: bool) -> Self {
        let total = Stalled {
            name: name.to_owned(),
            stalled,
            publish: Distribution::default(),
            delay: Distribution::default(),
            lost: 0,
            published: 0,
            blocked: false,
        };
        Self { play, publish: Turns::default(), delay: Turns::default(), total }
    }

    fn add(&mut self, turn: &Turn) {
        self.publish.add(&turn.publish);
        self.delay.add(&turn.delay);
        self.total.lost += turn.lost;
        self.total.published += turn.published;
        self.total.blocked |= turn.blocked;
    }

    fn finish(self) -> Stalled {
        Stalled { publish: self.publish.summary(), delay: self.delay.summary(), ..self.total }
    }
}

/// Publishes on this thread and polls on another. The last three receivers are the healthy ones;
/// another, if there is one, is never read. `publish` says whether it could publish.
fn play<P, R>((mut publish, mut receivers): (P, Vec<R>), events: u64, into: &mut Turn)
where
    P: FnMut(Small) -> bool,
    R: FnMut() -> Option<Small> + Send,
{
    let healthy = receivers.split_off(receivers.len() - HEALTHY);
    let is_done = AtomicBool::new(false);
    let epoch = Instant::now();
    let since_epoch = move || epoch.elapsed().as_nanos() as u64;
    let delay = &mut into.delay;
    let mut published = 0;
    let received = thread::scope(|scope| {
        let poller = scope.spawn(|| {
            poll(healthy, &is_done, |event| delay.saturating_record(since_epoch().saturating_sub(event.payload)))
        });
        let mut due = Instant::now();
        for number in 0..events {
            while Instant::now() < due {
                thread::yield_now();
            }
            due = Instant::now() + PACE;
            let begun = since_epoch();
            let is_published = publish(Small { number, payload: begun });
            into.publish.saturating_record(since_epoch() - begun);
            if !is_published {
                into.blocked = true;
                break;
            }
            published += 1;
        }
        // ORDERING: Release. Pairs with the Acquire load in `poll`: who sees it also sees every
        // event. Weaker: events could be taken for lost.
        is_done.store(true, Ordering::Release);
        poller.join().expect("polling does not panic")
    });
    into.published = published;
    into.lost = (published * HEALTHY as u64).saturating_sub(received);
}

/// Receives until everything is published and received, and returns how many events that were.
fn poll<R: FnMut() -> Option<Small>>(mut healthy: Vec<R>, is_done: &AtomicBool, mut record: impl FnMut(Small)) -> u64 {
    let (mut received, mut vain) = (0, 0);
    loop {
        // ORDERING: Acquire. Pairs with the Release store in `play`, which see. Loaded before
        // looking for events.
        let was_done = is_done.load(Ordering::Acquire);
        let before = received;
        for event in healthy.iter_mut().filter_map(|next| next()) {
            record(event);
            received += 1;
        }
        if received > before {
            vain = 0;
        } else if was_done {
            return received;
        } else {
            relax(&mut vain);
        }
    }
}

/// Tries until it succeeds, or until it is time to give up.
fn retry(mut attempt: impl FnMut() -> bool) -> bool {
    let mut begun = None;
    while !attempt() {
        if begun.get_or_insert_with(Instant::now).elapsed() >= GIVE_UP {
            return false;
        }
        thread::yield_now();
    }
    true
}

fn ringbus<K: Kind>(
    stalled: bool,
    overflow: Overflow,
) -> (impl FnMut(Small) -> bool, Vec<impl FnMut() -> Option<Small> + Send>) {
    let bus = K::bus(0);
    let idle = stalled.then(|| bus.subscriber("stalled").capacity(CAPACITY).overflow(overflow).subscribe());
    let healthy = (0..HEALTHY).map(|_| bus.subscribe(CAPACITY));
    let receivers = idle.into_iter().chain(healthy).map(|from| move || from.try_recv().ok()).collect();
    bus.start();
    let mut publisher = bus.publisher();
    (move |event| publisher.publish(event).is_ok(), receivers)
}

fn tokio(stalled: bool) -> (impl FnMut(Small) -> bool, Vec<impl FnMut() -> Option<Small> + Send>) {
    let to = broadcast::Sender::new(CAPACITY);
    let receivers = subscribers(stalled)
        .map(|_| {
            let mut from = to.subscribe();
            move || next_kept(&mut from)
        })
        .collect();
    (move |event| to.send(event).is_ok(), receivers)
}

/// The next event that is there and was not overwritten.
pub(super) fn next_kept(from: &mut broadcast::Receiver<Small>) -> Option<Small> {
    loop {
        match from.try_recv() {
            Ok(event) => return Some(event),
            Err(broadcast::error::TryRecvError::Lagged(_)) => {}
            Err(_) => return None,
        }
    }
}

/// With `send`, which says whether it could go on.
fn channel<C: Channel>(
    stalled: bool,
    send: impl Fn(&C::Sender<Small>, Small) -> bool,
) -> (impl FnMut(Small) -> bool, Vec<impl FnMut() -> Option<Small> + Send>) {
    let (senders, receivers): (Vec<_>, Vec<_>) = subscribers(stalled).map(|_| C::bounded(CAPACITY)).unzip();
    let senders = RwLock::new(senders);
    let publish = move |event| senders.read().unwrap().iter().all(|sender| send(sender, event));
    (publish, receivers.into_iter().map(|from| move || C::try_recv(&from)).collect())
}

/// Whoever has no room loses the event.
fn channel_trying<C: Channel>(stalled: bool) -> (impl FnMut(Small) -> bool, Vec<impl FnMut() -> Option<Small> + Send>) {
    channel::<C>(stalled, |sender, event| {
        C::try_send(sender, event);
        true
    })
}

fn async_broadcast(stalled: bool) -> (impl FnMut(Small) -> bool, Vec<impl FnMut() -> Option<Small> + Send>) {
    let (to, from) = async_broadcast::broadcast(CAPACITY);
    let receivers = subscribers(stalled)
        .map(|_| {
            let mut from = from.new_receiver();
            move || from.try_recv().ok()
        })
        .collect();
    (move |event| retry(|| to.try_broadcast(event).is_ok()), receivers)
}

fn jonhoo_bus(stalled: bool) -> (impl FnMut(Small) -> bool, Vec<impl FnMut() -> Option<Small> + Send>) {
    let mut to = Bus::new(CAPACITY);
    let receivers = subscribers(stalled)
        .map(|_| {
            let mut from = to.add_rx();
            move || from.try_recv().ok()
        })
        .collect();
    (move |event| retry(|| to.try_broadcast(event).is_ok()), receivers)
}

/// The stalled one first, so that a publish that it blocks has reached nobody yet.
fn subscribers(stalled: bool) -> std::ops::Range<usize> {
    0..HEALTHY + usize::from(stalled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stalled_subscriber_blocks_those_that_wait_and_nobody_else() {
        let events = 3 * CAPACITY as u64;
        let measured = run_turns(1, events, &mut |_| {});
        assert_eq!(measured.len(), 2 * CONTESTANTS.len());
        for stalled in measured {
            let waits = [Crossbeam::SEND_NAME, Crossfire::SEND_NAME, "async-broadcast", "jonhoo's bus"]
                .contains(&stalled.name.as_str());
            // Where the machine keeps a healthy one from running for so long, that blocks as well.
            assert!(waits || !stalled.blocked, "{}", stalled.name);
            assert!(stalled.blocked || !(waits && stalled.stalled), "{}", stalled.name);
            assert!(stalled.blocked || stalled.published == events, "{}", stalled.name);
            assert_eq!(stalled.publish.samples, stalled.published + u64::from(stalled.blocked), "{}", stalled.name);
            assert!(stalled.delay.samples + stalled.lost >= stalled.published * HEALTHY as u64, "{}", stalled.name);
        }
    }
}
