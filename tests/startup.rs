//! Start-up and replay.

use crate::common::{
    self, EVEN, Finish, Gate, Number, ODD, Random, Stamped, Token, poll_next, ring, spawn_sleeper, stats_of, wait_until,
};
use ringbus::{Event, EventBus, EventType, PublishError, Published, Subscription, TryRecvError, WeakEventBus};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::task::{Wake, Waker};
use std::thread;
use std::time::{Duration, SystemTime};

fn numbers(range: std::ops::Range<u64>) -> Vec<Number> {
    range.map(Number).collect()
}

/// G3, G4: however small the rings, and however many subscribers share the log.
#[test]
fn backlog_of_100_000_reaches_16_subscribers_with_rings_of_8() {
    const BACKLOG: u64 = 100_000;
    let bus = common::new_bus(BACKLOG as usize);
    for number in 0..BACKLOG {
        bus.publish(Number(number)).unwrap();
    }
    let subscriptions: Vec<_> = (0..16).map(|_| bus.subscribe(8)).collect();
    let readers: Vec<_> = subscriptions
        .into_iter()
        .map(|subscription| {
            thread::spawn(move || {
                for number in 0..BACKLOG {
                    assert_eq!(subscription.recv(), Ok(Number(number)));
                }
                assert_eq!(subscription.lost(), 0);
            })
        })
        .collect();
    assert_eq!(bus.start(), BACKLOG as usize);
    for reader in readers {
        reader.finish();
    }
}

/// G3: nothing can be received before `start`, and everything that was accepted can be after it.
#[test]
fn events_are_kept_until_the_start() {
    let bus = common::new_bus(4);
    let subscription = bus.subscribe(1);
    for number in 0..4 {
        bus.publish(Number(number)).unwrap();
    }
    assert_eq!(subscription.try_recv(), Err(TryRecvError::Empty));
    assert!(!bus.is_started());
    assert_eq!(bus.start(), 4);
    assert!(bus.is_started());
    assert_eq!(subscription.try_iter().collect::<Vec<_>>(), numbers(0..4));
}

/// G3: an event for which the start-up buffer has no room is handed back, by bus and `Publisher`,
/// and is counted as rejected; what was accepted before it is not disturbed.
#[test]
fn full_start_up_buffer_hands_the_event_back() {
    let bus = common::new_bus(2);
    let subscription = bus.subscribe(8);
    let mut publisher = bus.publisher();
    bus.publish(Number(0)).unwrap();
    publisher.publish(Number(1)).unwrap();
    assert_eq!(bus.publish(Number(2)), Err(PublishError::StartupFull(Number(2))));
    assert_eq!(publisher.publish(Number(3)), Err(PublishError::StartupFull(Number(3))));
    let stats = bus.stats();
    assert_eq!((stats.published, stats.buffered, stats.startup_rejected), (2, 2, 2));
    assert_eq!(bus.start(), 2);
    bus.publish(Number(4)).unwrap();
    assert_eq!(subscription.try_iter().collect::<Vec<_>>(), [Number(0), Number(1), Number(4)]);
}

/// G3: with a capacity of 0 nothing can be published before `start`, and everything after it.
#[test]
fn bus_without_a_start_up_buffer_refuses_until_the_start() {
    let bus = common::new_bus(0);
    let subscription = bus.subscribe(1);
    assert_eq!(bus.publish(Number(1)), Err(PublishError::StartupFull(Number(1))));
    assert_eq!(bus.start(), 0);
    assert!(bus.is_started());
    assert_eq!(bus.publish(Number(2)).unwrap().delivered, 1);
    assert_eq!(subscription.try_recv(), Ok(Number(2)));
}

/// G3: threads that race for the last slots of the buffer get exactly as many as there are, and
/// every accepted event is replayed once.
#[test]
fn racing_publishers_fill_the_buffer_exactly() {
    const THREADS: usize = 4;
    const CAPACITY: usize = 1_000;
    let bus = common::new_bus(CAPACITY);
    let subscription = bus.subscribe(1);
    let gate = Arc::new(Gate::new(THREADS));
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (bus, gate) = (bus.clone(), Arc::clone(&gate));
            thread::spawn(move || {
                gate.pass();
                let mine = (0..CAPACITY).map(|number| Number((number * THREADS + thread) as u64));
                mine.filter(|&number| bus.publish(number).is_ok()).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut accepted: Vec<_> = threads.into_iter().flat_map(|thread| thread.finish()).collect();
    assert_eq!(accepted.len(), CAPACITY);
    assert_eq!(bus.start(), CAPACITY);
    let mut replayed: Vec<_> = subscription.try_iter().collect();
    replayed.sort();
    accepted.sort();
    assert_eq!(replayed, accepted);
}

/// G3: who subscribes between two publishes of the start-up gets what was published before as well.
#[test]
fn subscriber_between_publishes_gets_the_whole_replay() {
    let bus = common::new_bus(3);
    let mut subscriptions = Vec::new();
    for number in 0..3 {
        subscriptions.push(bus.subscribe(1));
        bus.publish(Number(number)).unwrap();
    }
    subscriptions.push(bus.subscribe(1));
    bus.start();
    for subscription in &mut subscriptions {
        assert_eq!(subscription.try_iter().collect::<Vec<_>>(), numbers(0..3), "{}", subscription.name());
    }
}

/// API, section 2: who subscribes after `start` gets live events only.
#[test]
fn subscriber_after_the_start_gets_no_replay() {
    let bus = common::new_bus(2);
    let _early = bus.subscribe(1);
    bus.publish(Number(0)).unwrap();
    bus.start();
    let late = bus.subscribe(4);
    assert_eq!((late.len(), late.try_recv()), (0, Err(TryRecvError::Empty)));
    bus.publish(Number(1)).unwrap();
    assert_eq!(late.try_recv(), Ok(Number(1)));
}

/// G3: types and filter apply to the replay as they do to live events; what the filter refuses is
/// counted alike.
#[test]
fn types_and_filter_apply_to_the_replay() {
    let bus = common::new_bus(10);
    let odds = bus.subscriber("odds").types([ODD]).subscribe();
    let small = bus.subscriber("small").filter(|number: &Number| number.0 < 3).subscribe();
    let both = bus.subscriber("both").types([EVEN]).filter(|number: &Number| number.0 < 3).subscribe();
    for number in 0..10 {
        bus.publish(Number(number)).unwrap();
    }
    bus.start();
    assert_eq!(odds.try_iter().collect::<Vec<_>>(), [1, 3, 5, 7, 9].map(Number));
    assert_eq!(small.try_iter().collect::<Vec<_>>(), [0, 1, 2].map(Number));
    assert_eq!(both.try_iter().collect::<Vec<_>>(), [0, 2].map(Number));
    let counted = |name| (stats_of(&bus, name).received, stats_of(&bus, name).filtered);
    assert_eq!([counted("odds"), counted("small"), counted("both")], [(5, 0), (3, 7), (2, 3)]);
    assert_eq!(bus.stats().delivered, 0, "the replay needs no ring");
}

/// API, section 2: a start that finds nobody to replay to says 0, and the statistics how many
/// events nobody claimed: if nobody has subscribed, or whoever had has left or was stopped. So does
/// the close of a bus that never started. Whoever stays claims the replay, wanted or not.
#[test]
fn replay_that_nobody_claims_is_counted() {
    type Come = fn(&EventBus<Number>) -> Vec<Subscription<Number>>;
    let stopped = |bus: &EventBus<Number>| {
        let subscription = bus.subscribe(4);
        subscription.stop_handle().stop();
        subscription
    };
    let audiences: [(&str, usize, Come); 5] = [
        ("nobody", 3, |_| vec![]),
        ("one who left", 3, |bus| {
            drop(bus.subscribe(4));
            vec![]
        }),
        ("stopped ones", 3, |bus| {
            let subscriptions = vec![bus.subscribe(4), bus.subscribe(4)];
            subscriptions.iter().for_each(|subscription| subscription.stop_handle().stop());
            subscriptions
        }),
        ("one who stays", 0, |bus| vec![bus.subscribe(4)]),
        ("one who wants none of it", 0, |bus| vec![bus.subscriber("picky").filter(|_| false).subscribe()]),
    ];
    for (name, unclaimed, come) in audiences {
        for is_started in [true, false] {
            let bus = common::new_bus(3);
            let mut subscriptions = come(&bus);
            for number in numbers(0..3) {
                bus.publish(number).unwrap();
            }
            subscriptions.push(stopped(&bus));
            assert_eq!(bus.stats().unclaimed, 0, "{name}: nothing is decided yet");
            if is_started {
                assert_eq!(bus.start(), 3 - unclaimed, "{name}");
            } else {
                bus.close();
            }
            // Nor does it matter who comes, goes and publishes later.
            let _late = bus.subscribe(4);
            _ = bus.publish(Number(3));
            drop(subscriptions);
            assert_eq!(bus.start(), 0, "{name}");
            bus.close();
            let stats = bus.stats();
            assert_eq!((stats.unclaimed, stats.buffered), (unclaimed as u64, 3), "{name}, started: {is_started}");
        }
    }
    // Nothing was published, so nothing went unclaimed.
    let bus = common::new_bus::<Number>(3);
    assert_eq!((bus.start(), bus.stats().unclaimed), (0, 0));
}

/// An event whose clone may start the bus, and which counts what is replayed then. Every copy has a
/// share in the count.
struct Starter(Option<WeakEventBus<Starter>>, Arc<AtomicUsize>);

impl Clone for Starter {
    fn clone(&self) -> Self {
        if let Some(bus) = self.0.as_ref().and_then(WeakEventBus::upgrade) {
            self.1.fetch_add(bus.start(), SeqCst);
        }
        Self(None, Arc::clone(&self.1))
    }
}

impl Event for Starter {
    fn event_type(&self) -> EventType {
        ODD
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// API, section 2: of a batch that straddles the start, the events before it are replayed, or
/// unclaimed, and the others are live.
#[test]
fn batch_that_straddles_the_start_is_replayed_in_part() {
    for is_claimed in [true, false] {
        let bus = common::new_bus(8);
        let replayed = Arc::new(AtomicUsize::new(0));
        let mut reader = is_claimed.then(|| bus.subscribe(8));
        let event = |starts: bool| Starter(starts.then(|| bus.downgrade()), Arc::clone(&replayed));
        let published = bus.publish_batch(&[event(false), event(false), event(true), event(false)]).unwrap();
        let readers = usize::from(is_claimed);
        assert_eq!(published, Published { buffered: 2, delivered: 2 * readers, dropped: 0 });
        assert_eq!(replayed.load(SeqCst), 2 * readers);
        assert_eq!(bus.stats().unclaimed, 2 * u64::from(!is_claimed));
        assert_eq!(reader.iter_mut().map(|reader| reader.try_iter().count()).sum::<usize>(), 4 * readers);
    }
}

/// G4: live events wait in the ring until the replay is read, and are lost alone where they find no
/// room.
#[test]
fn live_events_wait_behind_an_unread_replay() {
    let bus = common::new_bus(3);
    let subscription = bus.subscribe(2);
    for number in 0..3 {
        bus.publish(Number(number)).unwrap();
    }
    bus.start();
    let dropped: usize = (3..6).map(|number| bus.publish(Number(number)).unwrap().dropped).sum();
    assert_eq!(dropped, 1);
    assert_eq!(subscription.try_iter().collect::<Vec<_>>(), numbers(0..5));
    assert_eq!(subscription.lost(), 1);
}

/// API, section 2: `start` opens the bus once; a second call changes nothing and says 0.
#[test]
fn second_start_replays_nothing() {
    let bus = common::new_bus(2);
    let subscription = bus.subscribe(2);
    bus.publish(Number(0)).unwrap();
    assert_eq!([bus.start(), bus.start(), bus.clone().start()], [1, 0, 0]);
    assert_eq!(subscription.try_iter().collect::<Vec<_>>(), numbers(0..1));
}

/// API, section 2: of threads that start at once, one is told the length of the replay, and for all
/// of them the bus is open when `start` returns.
#[test]
fn one_of_many_racing_starts_reports_the_replay() {
    const THREADS: usize = 3;
    for _ in 0..200 {
        let bus = common::new_bus(2);
        let subscription = bus.subscribe(4);
        bus.publish(Number(0)).unwrap();
        let gate = Arc::new(Gate::new(THREADS));
        let threads = [(); THREADS].map(|()| {
            let (bus, gate) = (bus.clone(), Arc::clone(&gate));
            thread::spawn(move || {
                gate.pass();
                let replayed = bus.start();
                assert!(bus.is_started());
                assert_eq!(bus.publish(Number(1)).unwrap().buffered, 0);
                replayed
            })
        });
        let mut reports = threads.map(|thread| thread.finish());
        reports.sort();
        assert_eq!(reports, [0, 0, 1]);
        assert_eq!(subscription.len(), 1 + THREADS);
    }
}

/// G10: `start` after `close` does nothing.
#[test]
fn start_after_close_does_nothing() {
    let bus = common::new_bus(2);
    let subscription = bus.subscribe(2);
    bus.publish(Number(0)).unwrap();
    bus.close();
    assert_eq!(bus.start(), 0);
    assert!(!bus.is_started() && bus.is_closed());
    assert_eq!(bus.publish(Number(1)), Err(PublishError::Closed(Number(1))));
    assert_eq!(subscription.iter().collect::<Vec<_>>(), numbers(0..1), "the close has released the backlog");
}

/// G10: a bus that was started stays so when it is closed.
#[test]
fn closed_bus_remembers_that_it_was_started() {
    let bus = common::new_bus::<Number>(0);
    bus.start();
    bus.close();
    assert!(bus.is_started());
}

/// API, section 2: `len` counts the unread part of the replay, once there is one to read, and the
/// ring.
#[test]
fn len_counts_the_unread_replay() {
    let bus = common::new_bus(3);
    let subscription = bus.subscribe(8);
    for number in 0..3 {
        bus.publish(Number(number)).unwrap();
    }
    assert_eq!((subscription.len(), subscription.is_empty()), (0, true));
    bus.start();
    bus.publish(Number(3)).unwrap();
    for left in [4, 3, 2, 1] {
        assert_eq!((subscription.len(), subscription.is_empty()), (left, false));
        subscription.try_recv().unwrap();
    }
    assert_eq!((subscription.len(), subscription.is_empty()), (0, true));
    assert_eq!(stats_of(&bus, "subscriber-1").received, 4);
}

/// G7: subscribers that sleep before the start wake for the replay.
#[test]
fn parked_subscribers_wake_for_the_replay() {
    let bus = common::new_bus(1);
    let sleepers = [bus.subscribe(1), bus.subscribe(1)]
        .map(|subscription| spawn_sleeper(move || subscription.recv_timeout(common::LONG)));
    bus.publish(Number(1)).unwrap();
    bus.start();
    for sleeper in sleepers {
        assert_eq!(sleeper.join(), Ok(Number(1)));
    }
}

/// G9: who is woken by the start finds the bus started, as early as in its waker.
#[test]
fn waker_that_start_wakes_finds_the_bus_started() {
    struct Looks {
        bus: WeakEventBus<Number>,
        is_started: AtomicBool,
    }
    impl Wake for Looks {
        fn wake(self: Arc<Self>) {
            let bus = self.bus.upgrade().unwrap();
            self.is_started.store(bus.is_started(), SeqCst);
            bus.close();
        }
    }
    let bus = common::new_bus(1);
    let mut subscription = bus.subscribe(1);
    let looks = Arc::new(Looks { bus: bus.downgrade(), is_started: AtomicBool::new(false) });
    assert!(poll_next(&mut subscription, &Waker::from(Arc::clone(&looks))).is_pending());
    bus.publish(Number(1)).unwrap();
    assert_eq!(bus.start(), 1, "the close comes behind it");
    assert!(looks.is_started.load(SeqCst));
    assert!(bus.is_started() && bus.is_closed());
    assert_eq!(subscription.recv(), Ok(Number(1)));
}

/// G11: the log is freed with its last reader: at the start or the close where there is none, and
/// otherwise when the last one has read or left it, whatever else of the bus lives on.
#[test]
fn last_reader_frees_the_log() {
    let token = Token(Arc::new(()));
    let filled = || {
        let bus = common::new_bus(100);
        let mut publisher = bus.publisher();
        for _ in 0..10 {
            publisher.publish(token.clone()).unwrap();
        }
        (bus, publisher)
    };

    let (bus, mut publisher) = filled();
    assert_eq!(token.copies(), 10);
    bus.start();
    assert_eq!(token.copies(), 0, "nobody to read it");
    publisher.publish(token.clone()).unwrap();

    let (bus, _publisher) = filled();
    let reader = bus.subscribe(1);
    let leaver = bus.subscribe(1);
    let picky = bus.subscriber("picky").filter(|_| false).subscribe();
    bus.start();
    assert_eq!(reader.try_iter().count(), 10);
    assert_eq!(picky.try_recv().err(), Some(TryRecvError::Empty));
    assert_eq!(leaver.try_recv().map(drop), Ok(()));
    assert_eq!(token.copies(), 10, "one has not read it all");
    drop(leaver);
    assert_eq!(token.copies(), 0);

    let (bus, publisher) = filled();
    drop((bus, publisher));
    assert_eq!(token.copies(), 0, "the bus was never started");

    let (bus, _publisher) = filled();
    let reader = bus.subscribe(1);
    bus.close();
    assert_eq!(reader.try_iter().count(), 10);
    assert_eq!(token.copies(), 0, "the close released it");
}

/// G11: a call that has taken the last of the replay lets go of the log, if it was asked for more.
#[test]
fn batch_that_ends_the_replay_frees_the_log() {
    let token = Token(Arc::new(()));
    let bus = common::new_bus(2);
    let subscription = bus.subscribe(1);
    bus.publish_batch(&[token.clone(), token.clone()]).unwrap();
    bus.start();
    let mut events = Vec::new();
    assert_eq!(subscription.try_recv_many(&mut events, usize::MAX), 2);
    events.clear();
    assert_eq!(token.copies(), 0);
}

/// What one publisher of the race below saw: how many of its events were buffered, and how many
/// went live after that.
struct Sent {
    buffered: u64,
    live: u64,
}

/// Publishes `count` events, alternately by bus and `Publisher`, and checks that no event is
/// buffered behind a live one.
fn send(bus: &EventBus<Stamped>, publisher: usize, count: u64, progress: &AtomicU64) -> Sent {
    let mut handle = bus.publisher();
    let mut sent = Sent { buffered: 0, live: 0 };
    for sequence in 0..count {
        let event = Stamped { publisher, sequence, lane: 0 };
        let published = if sequence % 2 == 0 { bus.publish(event) } else { handle.publish(event) }.unwrap();
        match published.buffered {
            0 => sent.live += 1,
            _ => sent.buffered += 1,
        }
        assert!(published.buffered == 0 || sent.live == 0, "an event was buffered after one was live");
        progress.fetch_add(1, SeqCst);
    }
    sent
}

/// Receives until the end; gives everything, with the number of events that were lost.
fn collect(subscription: Subscription<Stamped>) -> (Vec<Stamped>, u64) {
    let mut received = Vec::new();
    while let Ok(event) = subscription.recv() {
        received.push(event);
    }
    (received, subscription.lost())
}

/// G3, G4, G5: while publishers, subscribers and `start` race, each subscriber of before the start
/// gets the whole replay once, in one order for all, before anything live; then live events in the
/// order of their publisher; and whoever joins in the middle has either the whole replay or nothing
/// of it.
#[test]
fn replay_is_whole_and_first_while_everything_races() {
    const PUBLISHERS: usize = 2;
    const EARLY: usize = 2;
    const EACH: u64 = 40;
    let mut random = Random::new(2);
    let (mut with_replay, mut without) = (0, 0);
    for iteration in 0..250 {
        let bus = common::new_bus(PUBLISHERS * EACH as usize);
        let gate = Arc::new(Gate::new(PUBLISHERS + 2));
        let progress = Arc::new(AtomicU64::new(0));
        let early = [(); EARLY].map(|()| bus.subscribe(2)).map(|subscription| thread::spawn(|| collect(subscription)));
        let publishing: Vec<_> = (0..PUBLISHERS)
            .map(|publisher| {
                let (bus, gate, progress) = (bus.clone(), Arc::clone(&gate), Arc::clone(&progress));
                thread::spawn(move || {
                    gate.pass();
                    send(&bus, publisher, EACH, &progress)
                })
            })
            .collect();
        let joining = {
            let (bus, gate, progress) = (bus.clone(), Arc::clone(&gate), Arc::clone(&progress));
            let moments = [(); 3].map(|()| random.below(PUBLISHERS as u64 * EACH));
            thread::spawn(move || {
                gate.pass();
                moments.map(|moment| {
                    wait_until(|| progress.load(SeqCst) >= moment.min(PUBLISHERS as u64 * EACH));
                    bus.subscribe(4)
                })
            })
        };
        let moment = random.below(PUBLISHERS as u64 * EACH);
        gate.pass();
        wait_until(|| progress.load(SeqCst) >= moment);
        let replayed = bus.start();

        let sent: Vec<_> = publishing.into_iter().map(|thread| thread.finish()).collect();
        let joined = joining.finish();
        bus.close();
        let buffered: u64 = sent.iter().map(|sent| sent.buffered).sum();
        let live: u64 = sent.iter().map(|sent| sent.live).sum();
        assert_eq!(replayed as u64, buffered, "iteration {iteration}");

        let is_replayed = |event: &Stamped| event.sequence < sent[event.publisher].buffered;
        let check_order = |received: &[Stamped]| {
            let mut next = [0; PUBLISHERS];
            for event in received {
                assert!(event.sequence >= next[event.publisher], "{event:?} came twice or late, iteration {iteration}");
                next[event.publisher] = event.sequence + 1;
            }
        };
        let early = early.map(|reader| reader.finish());
        let replay = &early[0].0[..buffered as usize];
        for (received, dropped) in &early {
            check_order(received);
            assert_eq!(&received[..buffered as usize], replay, "one order for all, iteration {iteration}");
            assert!(replay.iter().all(is_replayed), "replay first, iteration {iteration}");
            assert_eq!(received.len() as u64 + dropped, buffered + live, "iteration {iteration}");
        }
        for subscription in joined {
            let (received, _) = collect(subscription);
            check_order(&received);
            if received.iter().any(is_replayed) {
                assert_eq!(
                    &received[..buffered as usize],
                    replay,
                    "the whole replay or nothing, iteration {iteration}"
                );
                with_replay += 1;
            } else {
                without += 1;
            }
        }
    }
    assert!(with_replay > 0 && without > 0, "the race is one: {with_replay} with replay, {without} without");
}

/// G3 and G10: while `start` and `close` race, either of them releases the backlog, once and whole;
/// and `start` says which it was.
#[test]
fn start_and_close_together_release_the_backlog_once() {
    for _ in 0..common::rounds(300) {
        let bus = common::new_bus(10);
        let readers = [bus.subscribe(1), bus.subscribe(1)]
            .map(|subscription| thread::spawn(move || subscription.into_iter().collect::<Vec<_>>()));
        for number in 0..10 {
            bus.publish(Number(number)).unwrap();
        }
        let gate = Arc::new(Gate::new(2));
        let starting = {
            let (bus, gate) = (bus.clone(), Arc::clone(&gate));
            thread::spawn(move || {
                gate.pass();
                bus.start()
            })
        };
        gate.pass();
        bus.close();
        let replayed = starting.finish();
        assert_eq!(replayed, if bus.is_started() { 10 } else { 0 });
        for reader in readers {
            assert_eq!(reader.finish(), numbers(0..10));
        }
    }
}

/// G3: what `publish` accepted while `close` came instead of a start is received by everybody, and
/// what it refused by nobody.
#[test]
fn publishes_that_race_with_a_close_before_the_start_are_replayed_or_refused() {
    for _ in 0..common::rounds(300) {
        let bus = common::new_bus(1_000);
        let reader = bus.subscribe(1);
        let reader = thread::spawn(move || reader.into_iter().collect::<HashSet<_>>());
        let gate = Arc::new(Gate::new(3));
        let so_far = Arc::new(AtomicUsize::new(0));
        let publishing = [0, 1].map(|parity| {
            let (bus, gate, so_far) = (bus.clone(), Arc::clone(&gate), Arc::clone(&so_far));
            thread::spawn(move || {
                gate.pass();
                let mut accepted = Vec::new();
                for number in (parity..).step_by(2).map(Number) {
                    match bus.publish(number) {
                        Ok(published) => assert_eq!((published.buffered, published.delivered), (1, 0)),
                        Err(PublishError::Closed(_)) => break,
                        Err(PublishError::StartupFull(_)) => continue,
                    }
                    accepted.push(number);
                    so_far.fetch_add(1, SeqCst);
                }
                accepted
            })
        });
        gate.pass();
        wait_until(|| so_far.load(SeqCst) > 5);
        bus.close();
        let accepted: HashSet<_> = publishing.into_iter().flat_map(|thread| thread.finish()).collect();
        assert_eq!(reader.finish(), accepted);
        assert_eq!(bus.stats().buffered as usize, accepted.len());
    }
}

/// API, section 2: who was stopped before the start is offered nothing that is published
/// afterwards.
#[test]
fn subscriber_stopped_before_the_start_is_offered_nothing() {
    let bus = common::new_bus(1);
    let stopped = bus.subscriber("stopped").subscribe();
    let typed = bus.subscriber("typed").types([EVEN]).subscribe();
    let stays = bus.subscriber("stays").subscribe();
    stopped.stop_handle().stop();
    typed.stop_handle().stop();
    bus.start();
    assert_eq!(bus.publish(Number(0)).unwrap().delivered, 1);
    assert_eq!(bus.publisher().publish(Number(2)).unwrap().delivered, 1);
    assert_eq!(bus.publish_batch(&numbers(4..6)).unwrap().delivered, 2);
    assert_eq!(stays.len(), 4);
    for name in ["stopped", "typed"] {
        let stats = stats_of(&bus, name);
        assert_eq!((stats.len, stats.discarded), (0, 0), "{name}");
    }
}

/// API, section 2: what became of the backlog is remembered, whoever comes, goes or is stopped
/// after the start, and whatever is retained or forgotten then.
#[test]
fn backlog_is_remembered_whatever_changes_after_the_start() {
    type Change = fn(&EventBus<Number>) -> Option<Subscription<Number>>;
    let changes: [Change; 5] = [
        |bus| {
            drop(bus.subscribe(1));
            None
        },
        |bus| Some(bus.subscribe(1)),
        |bus| {
            let stopped = bus.subscribe(1);
            stopped.stop_handle().stop();
            Some(stopped)
        },
        |bus| {
            bus.publish(Number(4)).unwrap();
            None
        },
        |bus| {
            bus.forget(EVEN);
            None
        },
    ];
    for (types, change) in [&[][..], &[EVEN]].into_iter().flat_map(|types| changes.map(|change| (types, change))) {
        let new_bus = || EventBus::builder().startup_capacity(3).ring(ring()).retain(types.iter().copied()).build();
        let bus = new_bus();
        bus.publish_batch(&numbers(0..3)).unwrap();
        assert_eq!(bus.start(), 0);
        let _other = change(&bus);
        assert_eq!(bus.stats().unclaimed, 3, "nobody was there for them");

        let bus = new_bus();
        let reader = bus.subscriber("reader").subscribe();
        bus.publish_batch(&numbers(0..3)).unwrap();
        assert_eq!(bus.start(), 3);
        let other = change(&bus);
        let stats = stats_of(&bus, "reader");
        assert_eq!((bus.stats().unclaimed, stats.unread_replay), (0, 3));
        let drained = bus.close_and_drain(Duration::ZERO);
        let others = usize::from(other.is_some_and(|other| !other.is_empty()));
        assert_eq!(drained.unread.len(), 1 + others, "{drained}");
        assert_eq!(drained.unread[0].unread_replay, 3);
        let received: Vec<_> = reader.iter().collect();
        assert_eq!((&received[..3], received.len()), (&numbers(0..3)[..], 3 + stats.len));
    }
}

/// G11: who was stopped before the start and is told so keeps nothing of the log.
#[test]
fn subscriber_stopped_before_the_start_keeps_no_event() {
    let bus = common::new_bus(1);
    let token = Token(Arc::new(()));
    let stopped = bus.subscribe(1);
    bus.publish(token.clone()).unwrap();
    stopped.stop_handle().stop();
    assert_eq!(stopped.try_recv().err(), Some(TryRecvError::Closed));
    assert_eq!(token.copies(), 1, "the bus has it until the start");
    assert_eq!(bus.start(), 0);
    assert_eq!(token.copies(), 0);
    drop(stopped);
}

/// G11: a publish that is under way when the bus starts keeps the log; then whoever ends its replay
/// next frees it.
#[test]
fn reader_frees_the_log_that_a_publish_has_kept() {
    let bus = common::new_bus(2);
    let [kept, starts] = [(), ()].map(|()| Arc::new(AtomicUsize::new(0)));
    let reader = bus.subscribe(2);
    assert!(bus.publish(Starter(None, Arc::clone(&kept))).is_ok());
    assert_eq!(bus.publish_batch(&[Starter(Some(bus.downgrade()), starts)]).unwrap().delivered, 1);
    assert!(bus.is_started());
    assert_eq!(Arc::strong_count(&kept), 2);
    drop(reader.try_recv().ok().unwrap());
    drop(reader.try_recv().ok().unwrap());
    assert_eq!(Arc::strong_count(&kept), 1);
}

/// G6: a publish that comes too late for the log goes live, although that log was full.
#[test]
fn publish_too_late_for_a_full_log_goes_live() {
    let bus = common::new_bus(1);
    let reader = bus.subscribe(2);
    let event = |starts: bool| Starter(starts.then(|| bus.downgrade()), Arc::default());
    assert!(bus.publish(event(false)).is_ok());
    let published = bus.publish_batch(&[event(true), event(false)]).unwrap();
    assert_eq!((published.buffered, published.delivered, bus.stats().startup_rejected), (0, 2, 0));
    assert_eq!(std::iter::from_fn(|| reader.try_recv().ok()).count(), 3);
}
