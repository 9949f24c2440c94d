//! Publishing: what it reports, whom it reaches, and in which order.

use crate::common::{self, EVEN, Finish, Gate, LONG, Number, ODD, Plain, Random, stats_of, wait_until};
use ringbus::{Event, EventBus, EventType, PublishError, Published, RecvError, RecvTimeoutError, TryRecvError};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::SystemTime;

fn live<E: Event + Clone>() -> EventBus<E> {
    let bus = common::new_bus(0);
    bus.start();
    bus
}

fn outcome(buffered: usize, delivered: usize, dropped: usize) -> Published {
    Published { buffered, delivered, dropped }
}

/// An event without `Debug`, which counts how often it was cloned.
struct Counted(Arc<AtomicUsize>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, SeqCst);
        Self(Arc::clone(&self.0))
    }
}

impl Event for Counted {
    fn event_type(&self) -> EventType {
        ODD
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// An event that is large, as events go.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Large([u8; 4_096]);

impl Event for Large {
    fn event_type(&self) -> EventType {
        ODD
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// G2 and API, section 2: a publish reports 1 buffered before `start`, and after it one delivery or
/// drop for every interested subscriber and nothing for the others. The two ways to publish agree.
#[test]
fn publish_reports_what_became_of_the_event() {
    let bus = common::new_bus(2);
    let mut publisher = bus.publisher();
    let all = bus.subscribe(8);
    let odds = bus.subscriber("odds").types([ODD]).capacity(1).subscribe();
    assert_eq!(bus.publish(Number(1)), Ok(outcome(1, 0, 0)));
    assert_eq!(publisher.publish(Number(2)), Ok(outcome(1, 0, 0)));
    bus.start();
    assert_eq!(bus.publish(Number(3)), Ok(outcome(0, 2, 0)));
    assert_eq!(publisher.publish(Number(4)), Ok(outcome(0, 1, 0)));
    let full = bus.publish(Number(5)).unwrap();
    assert_eq!((full.delivered(), full.dropped()), (1, 1));
    assert_eq!(publisher.publish(Number(7)), Ok(outcome(0, 1, 1)));
    drop((all, odds));
    assert_eq!(bus.publish(Number(9)), Ok(outcome(0, 0, 0)));

    let stats = bus.stats();
    assert_eq!((stats.published, stats.buffered, stats.delivered, stats.dropped), (7, 2, 5, 2));
}

/// Who publishes in a loop sums up what became of it.
#[test]
fn outcomes_add_up() {
    let mut sum = outcome(1, 2, 3);
    sum += outcome(10, 20, 30);
    assert_eq!(sum, outcome(11, 22, 33));
    assert_eq!((sum.delivered(), sum.dropped()), (22, 33));
}

/// API, section 2: a subscriber that asked for other types is not touched by an event: it gets no
/// copy, its filter is not asked, and nothing is counted for it.
#[test]
fn event_touches_no_subscriber_of_another_type() {
    let bus = live();
    let asked = Arc::new(AtomicUsize::new(0));
    let others: Vec<_> = (0..50)
        .map(|number| {
            let asked = Arc::clone(&asked);
            let filter = move |_: &Counted| asked.fetch_add(1, SeqCst) < usize::MAX;
            bus.subscriber(format!("even-{number}")).types([EVEN]).filter(filter).subscribe()
        })
        .collect();
    let odds = [(); 3].map(|()| bus.subscriber("odd").types([ODD]).subscribe());
    let clones = Arc::new(AtomicUsize::new(0));
    assert_eq!(bus.publish(Counted(Arc::clone(&clones))).unwrap(), outcome(0, 3, 0));
    assert!(clones.load(SeqCst) <= 3, "an event is cloned for those that get it, and for nobody else");
    assert_eq!(asked.load(SeqCst), 0);
    assert!(odds.iter().all(|subscription| subscription.len() == 1));
    assert!(others.iter().all(|subscription| subscription.is_empty()));
    assert!(bus.stats().subscribers.iter().all(|stats| stats.filtered == 0));
}

/// API, section 2: `types` and `filter` must both agree; what the filter refuses is counted as
/// filtered, and is neither delivered nor dropped.
#[test]
fn types_and_filter_must_both_agree() {
    let bus = live();
    let picky = bus.subscriber("picky").types([ODD]).filter(|number: &Number| number.0 > 10).subscribe();
    for (number, delivered) in [(2, 0), (12, 0), (1, 0), (11, 1)] {
        assert_eq!(bus.publish(Number(number)), Ok(outcome(0, delivered, 0)), "{number}");
    }
    assert_eq!(picky.try_recv(), Ok(Number(11)));
    assert_eq!(picky.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(stats_of(&bus, "picky").filtered, 1, "of the wanted type, only 1 was refused");
}

/// API, section 2: `types` replaces the types set before, `filter` the filter set before.
#[test]
fn later_types_and_filter_replace_earlier_ones() {
    let bus = live();
    let subscription = bus
        .subscriber("changed its mind")
        .types([ODD])
        .filter(|_| false)
        .types([EVEN])
        .filter(|number: &Number| number.0 != 4)
        .subscribe();
    for number in 0..6 {
        bus.publish(Number(number)).unwrap();
    }
    assert_eq!([subscription.try_recv(), subscription.try_recv()], [Ok(Number(0)), Ok(Number(2))]);
    assert!(subscription.is_empty());
}

/// G2: a type that is named twice is one wish: the event comes once.
#[test]
fn type_named_twice_delivers_once() {
    let bus = live();
    let subscription = bus.subscriber("stammerer").types([ODD, EVEN, ODD, ODD]).subscribe();
    assert_eq!(bus.publish(Number(1)), Ok(outcome(0, 1, 0)));
    assert_eq!(subscription.try_recv(), Ok(Number(1)));
    assert!(subscription.is_empty());
}

/// API, section 2: a subscriber that could never receive anything, by an empty list of types or a
/// ring of 0, is refused by a panic that names it, and does not join.
#[test]
fn subscriber_that_could_never_receive_is_refused() {
    let bus = live::<Number>();
    let message = common::panic_of(|| bus.subscriber("picky").types::<EventType>([]));
    assert!(message.contains("picky"), "{message}");
    let message = common::panic_of(|| bus.subscriber("tiny").capacity(0));
    assert!(message.contains("tiny"), "{message}");
    common::panic_of(|| bus.subscribe(0));
    assert_eq!(bus.subscriber_count(), 0);
}

/// API, section 2: a ring for which there is no memory is a panic that says whose it is and how
/// large, and nobody joins; a start-up buffer likewise. Nothing was allocated by then, so the
/// process goes on.
#[test]
fn ring_that_no_memory_can_hold_is_refused() {
    /// An event without size: only absurd numbers of it are too many.
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Nothing;
    impl Event for Nothing {
        fn event_type(&self) -> EventType {
            ODD
        }

        fn timestamp(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH
        }
    }
    fn refuse<E: Event + Clone + std::fmt::Debug + PartialEq>(event: E, capacities: &[usize]) {
        for &capacity in capacities {
            let bus = live();
            let message = common::panic_of(|| bus.subscriber("greedy").capacity(capacity).subscribe());
            let expected = format!("no memory for the ring of subscriber \"greedy\": {capacity} events of ");
            assert!(message.starts_with(&expected), "{message}");
            let message = common::panic_of(|| bus.subscribe(capacity));
            assert!(message.contains("\"subscriber-1\""), "{message}");
            assert_eq!(bus.subscriber_count(), 0);
            let modest = bus.subscribe(1);
            assert_eq!(bus.publish(event.clone()), Ok(outcome(0, 1, 0)));
            assert_eq!(modest.try_recv(), Ok(event.clone()));
        }
    }
    const HALF: usize = usize::MAX / 2;
    refuse(Number(1), &[usize::MAX, HALF + 1, HALF, 1 << (usize::BITS - 4)]);
    refuse(Nothing, &[usize::MAX, HALF + 1, HALF, 1 << (usize::BITS - 4)]);
    refuse(Large([7; 4_096]), &[usize::MAX, HALF + 1, 1 << (usize::BITS - 4)]);
    for capacity in [usize::MAX, HALF] {
        let message = common::panic_of(|| common::new_bus::<Number>(capacity));
        assert!(message.starts_with(&format!("no memory for the start-up buffer: {capacity} events of ")), "{message}");
        let message = common::panic_of(|| common::new_bus::<Large>(capacity));
        assert!(message.starts_with("no memory for the start-up buffer: "), "{message}");
    }
}

/// API, section 2: the routes find exactly the interested subscribers among a thousand types,
/// however they fall into the table, and still do after half of the subscribers have left.
#[test]
fn thousand_types_are_told_apart() {
    const TYPES: usize = 1_000;
    let types: Vec<_> = (0..TYPES).map(|number| EventType::intern(&format!("many.{number}"))).collect();
    let strangers: Vec<_> = (0..TYPES).map(|number| EventType::intern(&format!("stranger.{number}"))).collect();
    let bus = live();
    let mut random = Random::new(1);
    let mut subscribers: Vec<_> = (0..100)
        .map(|number| {
            let mut wanted = vec![false; TYPES];
            for _ in 0..30 {
                wanted[random.below(TYPES as u64) as usize] = true;
            }
            let list = (0..TYPES).filter(|&index| wanted[index]).map(|index| types[index]);
            (bus.subscriber(format!("{number}")).types(list).subscribe(), wanted)
        })
        .collect();
    for round in 0..2 {
        for (index, &event_type) in types.iter().enumerate() {
            let interested = subscribers.iter().filter(|(_, wanted)| wanted[index]).count();
            assert_eq!(bus.has_subscribers(event_type), interested > 0, "round {round}, {event_type}");
            assert_eq!(bus.publish(Plain(event_type)), Ok(outcome(0, interested, 0)), "round {round}, {event_type}");
        }
        for &event_type in &strangers {
            assert!(!bus.has_subscribers(event_type));
            assert_eq!(bus.publish(Plain(event_type)), Ok(outcome(0, 0, 0)));
        }
        for (subscription, wanted) in &mut subscribers {
            let expected: Vec<_> = (0..TYPES).filter(|&index| wanted[index]).map(|index| Plain(types[index])).collect();
            assert_eq!(subscription.try_iter().collect::<Vec<_>>(), expected);
        }
        let mut keep = false;
        subscribers.retain(|_| {
            keep = !keep;
            keep
        });
    }
}

/// API, section 2: `has_subscribers` looks at types, not at filters; it forgets those that left or
/// were stopped, and is false once the bus is closed.
#[test]
fn has_subscribers_follows_who_would_be_offered_the_type() {
    let bus = common::new_bus::<Number>(0);
    assert!(!bus.has_subscribers(ODD));
    let odds = bus.subscriber("odds").types([ODD]).filter(|_| false).subscribe();
    assert!(bus.has_subscribers(ODD), "before the start as well");
    assert!(!bus.has_subscribers(EVEN));
    bus.start();
    assert!(bus.has_subscribers(ODD) && !bus.has_subscribers(EVEN));
    odds.stop_handle().stop();
    assert!(!bus.has_subscribers(ODD));
    let all = bus.subscribe(1);
    assert!(bus.has_subscribers(ODD) && bus.has_subscribers(EVEN));
    drop(all);
    assert!(!bus.has_subscribers(EVEN));
    let _all = bus.subscribe(1);
    bus.close();
    assert!(!bus.has_subscribers(EVEN));
}

/// API, section 2: subscriptions without a name are numbered from 1, as only they are; names need
/// not be unique, and statistics list the subscribers in the order in which they came.
#[test]
fn nameless_subscriptions_are_numbered() {
    let bus = common::new_bus::<Number>(0);
    let first = bus.subscribe(3);
    let named = bus.subscriber("reader").subscribe();
    let second = bus.subscribe(4);
    drop(first);
    let third = bus.clone().subscribe(5);
    let again = bus.subscriber(String::from("reader")).subscribe();
    assert_eq!(
        [second.name(), third.name(), named.name(), again.name()],
        ["subscriber-2", "subscriber-3", "reader", "reader"]
    );
    assert_eq!(bus.subscriber_count(), 4);
    assert_eq!([named.capacity(), second.capacity()], [256, 4]);
    let listed: Vec<_> = bus.stats().subscribers.iter().map(|stats| (stats.name.to_string(), stats.capacity)).collect();
    let expected = [("reader", 256), ("subscriber-2", 4), ("subscriber-3", 5), ("reader", 256)];
    assert_eq!(listed, expected.map(|(name, capacity)| (name.to_string(), capacity)));
}

/// G6: a `Publisher` that has published before sees every later subscription and unsubscription,
/// and the close, and counts on where it was when it is cloned or dropped.
#[test]
fn publisher_sees_what_changes_after_its_first_publish() {
    let bus = common::new_bus(1);
    let mut publisher = bus.publisher();
    assert_eq!(publisher.publish(Number(0)), Ok(outcome(1, 0, 0)));
    assert_eq!(publisher.publish(Number(1)), Err(PublishError::StartupFull(Number(1))));
    bus.start();
    assert_eq!(publisher.publish(Number(1)), Ok(outcome(0, 0, 0)));
    let one = bus.subscribe(8);
    assert_eq!(publisher.publish(Number(2)), Ok(outcome(0, 1, 0)));
    let other = bus.subscriber("other").types([ODD]).subscribe();
    assert_eq!(publisher.publish(Number(3)), Ok(outcome(0, 2, 0)));
    drop(one);
    let mut copy = publisher.clone();
    drop(publisher);
    assert_eq!(copy.publish(Number(5)), Ok(outcome(0, 1, 0)));
    assert_eq!([other.try_recv(), other.try_recv()], [Ok(Number(3)), Ok(Number(5))]);
    bus.close();
    assert_eq!(copy.publish(Number(7)), Err(PublishError::Closed(Number(7))));

    let stats = bus.stats();
    assert_eq!((stats.published, stats.buffered, stats.delivered, stats.startup_rejected), (5, 1, 4, 1));
}

/// G6: whatever one thread subscribes is seen by the next publish of another, through a `Publisher`
/// as through a bus; and whatever it has dropped is not.
#[test]
fn subscription_is_offered_the_next_event_of_any_thread() {
    let rounds = common::rounds(2_000);
    let bus = live();
    let turn = Arc::new(AtomicU64::new(0));
    let publishing = thread::spawn({
        let (bus, turn, mut publisher) = (bus.clone(), Arc::clone(&turn), bus.publisher());
        move || {
            for round in 0..rounds {
                // Two turns a round: while the other thread subscribes, and after it has dropped
                // the subscription.
                for (wanted, delivered) in [(2 * round + 1, 1), (2 * round + 2, 0)] {
                    wait_until(|| turn.load(SeqCst) == 2 * wanted - 1);
                    let number = Number(2 * round);
                    let result = if round % 3 == 0 { bus.publish(number) } else { publisher.publish(number) };
                    assert_eq!(result, Ok(outcome(0, delivered, 0)), "round {round}");
                    turn.store(2 * wanted, SeqCst);
                }
            }
        }
    });
    let hand_over = |turns: u64| {
        turn.store(2 * turns - 1, SeqCst);
        wait_until(|| turn.load(SeqCst) == 2 * turns || publishing.is_finished());
    };
    for round in 0..rounds {
        let subscription = bus.subscriber("guest").types([EVEN]).capacity(1).subscribe();
        hand_over(2 * round + 1);
        assert_eq!(subscription.try_recv(), Ok(Number(2 * round)));
        drop(subscription);
        hand_over(2 * round + 2);
    }
    publishing.finish();
}

/// G5: events are received in the order of their publishes where one had returned before the next
/// began, though two threads take turns, by bus and by `Publisher`, and the bus starts in the
/// middle.
#[test]
fn events_of_threads_that_take_turns_arrive_in_order() {
    const EVENTS: u64 = 4_000;
    let bus = common::new_bus(EVENTS as usize);
    let turn = Arc::new(AtomicU64::new(0));
    let readers =
        [bus.subscribe(EVENTS as usize), bus.subscriber("typed").types([ODD, EVEN]).subscribe()].map(|subscription| {
            thread::spawn(move || {
                let mut last = None;
                let mut received = 0;
                for number in subscription {
                    assert!(last < Some(number), "{number:?} after {last:?}");
                    last = Some(number);
                    received += 1;
                }
                received
            })
        });
    let publishing = [0, 1].map(|parity| {
        let (bus, turn, mut publisher) = (bus.clone(), Arc::clone(&turn), bus.publisher());
        thread::spawn(move || {
            for number in (parity..EVENTS).step_by(2) {
                wait_until(|| turn.load(SeqCst) == number);
                if parity == 0 { publisher.publish(Number(number)) } else { bus.publish(Number(number)) }.unwrap();
                turn.store(number + 1, SeqCst);
            }
        })
    });
    wait_until(|| turn.load(SeqCst) >= EVENTS / 2);
    bus.start();
    for thread in publishing {
        thread.finish();
    }
    bus.close();
    let [all, _] = readers.map(|reader| reader.finish());
    assert_eq!(all, EVENTS, "its ring had room for everything");
}

/// G5: events that one thread publishes alternately through its `Publisher` and through the bus
/// arrive in its order.
#[test]
fn publisher_and_bus_of_one_thread_keep_its_order() {
    let bus = live();
    let mut publisher = bus.publisher();
    let subscription = bus.subscribe(100);
    for number in 0..100 {
        if number % 3 == 0 { bus.publish(Number(number)) } else { publisher.publish(Number(number)) }.unwrap();
    }
    assert_eq!(subscription.try_iter().collect::<Vec<_>>(), (0..100).map(Number).collect::<Vec<_>>());
}

/// G1 and G2: threads that publish at once disturb each other neither in the rings nor in the
/// counts.
#[test]
fn simultaneous_publishes_are_all_delivered_and_counted() {
    const THREADS: u64 = 4;
    const EACH: u64 = 500;
    let bus = live();
    let subscription = bus.subscribe((THREADS * EACH) as usize);
    let gate = Arc::new(Gate::new(THREADS as usize));
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (bus, gate, mut publisher) = (bus.clone(), Arc::clone(&gate), bus.publisher());
            thread::spawn(move || {
                gate.pass();
                for number in thread * EACH..(thread + 1) * EACH {
                    let result =
                        if number % 2 == 0 { bus.publish(Number(number)) } else { publisher.publish(Number(number)) };
                    assert_eq!(result, Ok(outcome(0, 1, 0)));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.finish();
    }
    let mut received: Vec<_> = subscription.try_iter().collect();
    received.sort();
    assert_eq!(received, (0..THREADS * EACH).map(Number).collect::<Vec<_>>());
    let stats = bus.stats();
    assert_eq!((stats.published, stats.delivered, stats.dropped), (THREADS * EACH, THREADS * EACH, 0));
}

/// API, section 2: errors give the very event back, and need no `Debug` of it, neither to be
/// unwrapped nor as `dyn Error`.
#[test]
fn errors_give_the_event_back_and_need_no_debug() {
    let bus = common::new_bus(1);
    let clones = Arc::new(AtomicUsize::new(0));
    bus.publish(Counted(Arc::clone(&clones))).unwrap();
    let refused = Arc::new(AtomicUsize::new(0));
    let error = bus.publish(Counted(Arc::clone(&refused))).unwrap_err();
    assert!(matches!(error, PublishError::StartupFull(_)));
    assert_eq!(format!("{error:?}"), "StartupFull(..)");
    assert!(Arc::ptr_eq(&error.into_inner().0, &refused));

    bus.close();
    let error = bus.publish(Counted(Arc::clone(&refused))).unwrap_err();
    assert!(matches!(error, PublishError::Closed(_)));
    assert_eq!(format!("{error:?}"), "Closed(..)");
    let error: Box<dyn Error> = Box::new(error);
    assert!(Arc::ptr_eq(&error.downcast::<PublishError<Counted>>().unwrap().into_inner().0, &refused));
    assert_eq!(refused.load(SeqCst), 0, "given back, not cloned");
    let everything = format!("{bus:?} {:?} {:?} {:?}", bus.publisher(), bus.subscribe(1), bus.subscriber("any"));
    assert!(everything.contains("subscriber-1"), "{everything}");
}

/// API, section 2: every error is a `std::error::Error` whose text is a lower-case phrase without a
/// full stop.
#[test]
fn errors_display_as_lower_case_phrases() {
    const STARTUP_FULL: &str =
        "the bus has not started and its start-up buffer is full: call `start`, or make room in `EventBus::new`";
    let errors: [(Box<dyn Error>, &str); 7] = [
        (Box::new(PublishError::StartupFull(Number(0))), STARTUP_FULL),
        (Box::new(PublishError::Closed(Number(0))), "the bus is closed"),
        (Box::new(TryRecvError::Empty), "there is no event to receive now"),
        (Box::new(TryRecvError::Closed), "the subscription is closed"),
        (Box::new(RecvError), "the subscription is closed"),
        (Box::new(RecvTimeoutError::TimedOut), "no event came in time"),
        (Box::new(RecvTimeoutError::Closed), "the subscription is closed"),
    ];
    for (error, text) in errors {
        assert_eq!(error.to_string(), text);
    }
}

/// G11: nothing grows with traffic: what was received or dropped is gone, and no copy stays behind
/// in the bus.
#[test]
fn no_copy_of_an_event_stays_behind() {
    let bus = live();
    let mut publisher = bus.publisher();
    let token = common::Token(Arc::new(()));
    let slow = bus.subscriber("slow").capacity(2).subscribe();
    let readers = [bus.subscribe(4), bus.subscriber("never").filter(|_| false).subscribe(), bus.subscribe(1)];
    for _ in 0..100 {
        bus.publish(token.clone()).unwrap();
        publisher.publish(token.clone()).unwrap();
        while readers.iter().any(|reader| reader.try_recv().is_ok()) {}
        assert!(token.copies() <= 2, "only what the slow subscriber has not received");
    }
    assert_eq!(slow.recv_timeout(LONG).map(drop), Ok(()));
    assert_eq!(token.copies(), 1);
    drop(slow);
    assert_eq!(token.copies(), 0, "unsubscribing empties the ring, though the publisher still knows it");
}

/// API, section 2: names are for people. Two subscribers of one name are two, and one of them
/// comes, goes and is stopped without the other.
#[test]
fn subscribers_of_one_name_are_two() {
    let bus = live();
    let subscribe = || bus.subscriber("twin").capacity(4).subscribe();
    let [stays, leaves, stopped] = [subscribe(), subscribe(), subscribe()];
    assert_eq!(bus.publish(Number(0)).unwrap().delivered, 3);
    drop(leaves);
    assert_eq!((bus.subscriber_count(), bus.publish(Number(1)).unwrap().delivered), (2, 2));
    stopped.stop_handle().stop();
    assert_eq!((bus.subscriber_count(), bus.publish(Number(2)).unwrap().delivered), (2, 1));
    assert_eq!(stays.len(), 3);
}
