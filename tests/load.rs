//! Many subscribers, and many that come and go.

use crate::common::{
    self, Finish, Gate, LANES, Number, Stamped, Token, Window, numbers, publish, spawn_sleeper, wait_until,
};
use std::array;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;

const PUBLISHERS: usize = 2;

/// G2, G6, G11: while two threads publish at full speed, subscribers come and go 10,000 times. The
/// one who stays misses nothing; totals keep what those who left have counted; and of all that they
/// brought along (their filters, and events in their rings) no more is there at any time than the
/// snapshots at hand can hold, and nothing at the end.
#[test]
fn ten_thousand_subscriptions_come_and_go() {
    const CAPACITY: usize = 1_024;
    // Two at a time in each of these: the current snapshot, the one that takes its place, and two
    // for each publisher, which may be about to change from one to the next.
    const MOST_GUESTS: usize = 2 * (2 + 2 * PUBLISHERS);
    let all_guests = common::rounds(10_000) as usize;
    let bus = common::new_bus(0);
    bus.start();
    let token = Token(Arc::new(()));
    let window = Window::new(CAPACITY);
    let stays = bus.subscriber("stays").capacity(CAPACITY).subscribe();
    let reading = thread::spawn({
        let window = Arc::clone(&window);
        move || {
            let mut received = 0;
            while stays.recv().is_ok() {
                window.leave();
                received += 1;
            }
            received
        }
    });
    let is_over = Arc::<AtomicBool>::default();
    let publishing: [_; PUBLISHERS] = array::from_fn(|number| {
        let (bus, token, window, is_over) = (bus.clone(), token.clone(), Arc::clone(&window), Arc::clone(&is_over));
        thread::spawn(move || {
            let mut publisher = bus.publisher();
            let (mut delivered, mut dropped) = (0, 0);
            while !is_over.load(SeqCst) {
                window.enter();
                let event = token.clone();
                let result = if number == 0 { bus.publish(event) } else { publisher.publish(event) }.unwrap();
                delivered += result.delivered as u64;
                dropped += result.dropped as u64;
            }
            (delivered, dropped, publisher)
        })
    });
    wait_until(|| window.published() > 0);
    let filters = Arc::new(());
    let mut received = 0;
    let mut last_guest = None;
    for number in 0..all_guests {
        let filter = Arc::clone(&filters);
        let accepts_all = move |_: &Token| Arc::strong_count(&filter) > 0;
        let guest = bus.subscriber("guest").capacity(1 + number % 3).filter(accepts_all).subscribe();
        if number % 10 == 0 {
            // Every tenth one stays for an event.
            received += u64::from(guest.recv().is_ok());
        }
        // The one before goes now, so that there are always some.
        last_guest = Some(guest);
        let guests = Arc::strong_count(&filters) - 1;
        assert!(guests <= MOST_GUESTS, "{guests} guests are kept");
    }
    drop(last_guest);
    is_over.store(true, SeqCst);
    let publishing = publishing.map(Finish::finish);
    let (published, delivered) = (window.published(), publishing.iter().map(|told| told.0).sum::<u64>());
    let dropped = publishing.iter().map(|told| told.1).sum::<u64>();
    let stats = bus.stats();
    assert_eq!((stats.published, stats.delivered, stats.dropped), (published, delivered, dropped));
    assert_eq!(stats.subscribers.len(), 1);
    assert!(delivered >= published + received, "what guests have got counts as well");
    assert_eq!(received, all_guests as u64 / 10);
    bus.close();
    assert_eq!(reading.finish(), published, "who stays misses nothing");
    assert_eq!(token.copies(), 0, "no event is left");
    drop(publishing);
    assert_eq!(Arc::strong_count(&filters), 1, "no guest is left");
}

const MANY: usize = 1_000;

/// G2, G5: each of 1,000 subscribers, with and without types and filters, gets all that it wants of
/// two threads that publish at once, in order.
#[test]
fn thousand_subscribers_get_what_they_want_in_order() {
    const EACH: u64 = 100;
    let bus = common::new_bus::<Stamped>(0);
    let wants_lane = |number: usize, lane: usize| number % 2 == 0 || lane == number % LANES.len();
    let wants_sequence = |number: usize, sequence: u64| number % 3 != 0 || sequence % 2 == 0;
    let subscriptions: Vec<_> = (0..MANY)
        .map(|number| {
            let subscriber = bus.subscriber(format!("{number}")).capacity(PUBLISHERS * EACH as usize);
            let subscriber = if number % 2 == 0 { subscriber } else { subscriber.types([LANES[number % LANES.len()]]) };
            if number % 3 == 0 {
                subscriber.filter(move |event| wants_sequence(number, event.sequence)).subscribe()
            } else {
                subscriber.subscribe()
            }
        })
        .collect();
    bus.start();
    let gate = Arc::new(Gate::new(PUBLISHERS));
    let publishing: [_; PUBLISHERS] = array::from_fn(|publisher| {
        let (bus, gate) = (bus.clone(), Arc::clone(&gate));
        thread::spawn(move || {
            gate.pass();
            let lanes = (0..EACH).map(|sequence| (sequence, sequence as usize / 3 % LANES.len()));
            lanes
                .map(|(sequence, lane)| bus.publish(Stamped { publisher, sequence, lane }).unwrap().delivered)
                .sum::<usize>()
        })
    });
    let delivered = publishing.map(Finish::finish).into_iter().sum::<usize>();
    // Unsubscribing is quick from now on: there is no list of subscribers left to copy.
    drop(bus);
    let mut received = 0;
    for (number, subscription) in subscriptions.into_iter().enumerate() {
        let events: Vec<_> = subscription.into_iter().collect();
        received += events.len();
        for publisher in 0..PUBLISHERS {
            let of_publisher = events.iter().filter(|event| event.publisher == publisher).map(|event| event.sequence);
            let wanted = (0..EACH).filter(|&sequence| {
                wants_lane(number, sequence as usize / 3 % LANES.len()) && wants_sequence(number, sequence)
            });
            assert!(of_publisher.eq(wanted), "subscriber {number}");
        }
    }
    assert_eq!(delivered, received);
}

/// G3, G4, G7, G10: 1,000 threads sleep on rings of 1 before the start. It wakes them all for the
/// whole replay, a publish wakes them all, and the close does.
#[test]
fn thousand_sleepers_wake_for_the_start_for_an_event_and_for_the_close() {
    const REPLAYED: u64 = 5;
    let bus = common::new_bus(REPLAYED as usize);
    let received = Arc::<AtomicUsize>::default();
    let sleepers: Vec<_> = (0..MANY)
        .map(|_| {
            let (subscription, received) = (bus.subscribe(1), Arc::clone(&received));
            let count = move |_: &Number| _ = received.fetch_add(1, SeqCst);
            spawn_sleeper(move || subscription.into_iter().inspect(count).collect::<Vec<_>>())
        })
        .collect();
    let fall_asleep = || wait_until(|| sleepers.iter().all(|sleeper| sleeper.probe.is_asleep()));
    publish(&bus, 0..REPLAYED);
    assert_eq!(bus.start(), REPLAYED as usize);
    wait_until(|| received.load(SeqCst) == MANY * REPLAYED as usize);
    fall_asleep();
    assert_eq!(bus.publish(Number(REPLAYED)).unwrap().delivered, MANY);
    wait_until(|| received.load(SeqCst) == MANY * (REPLAYED + 1) as usize);
    fall_asleep();
    bus.close();
    for sleeper in sleepers {
        assert_eq!(sleeper.join(), numbers(0..REPLAYED + 1));
    }
}
