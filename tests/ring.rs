//! Arrays and lanes side by side: who gets which, and what is particular to lanes.

use crate::common::{
    self, Action, Bulky, Gate, Number, Token, numbers, panic_of, stats_of, subscribe_to_be_told_closed, wait_until,
};
use ringbus::{Event, EventBus, EventType, Overflow, Ring, SubscriberBuilder, Subscription, TryRecvError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::SystemTime;

fn live_with_lanes<E: Event + Clone>() -> EventBus<E> {
    let bus = EventBus::builder().startup_capacity(0).ring(Ring::Lane).build();
    bus.start();
    bus
}

fn received(subscription: &Subscription<Number>) -> Vec<Number> {
    subscription.try_iter().collect()
}

#[test]
fn subscriber_has_the_ring_of_its_bus_unless_it_says_otherwise() {
    let lanes = live_with_lanes::<Number>();
    let arrays: EventBus<Number> = EventBus::builder().build();
    assert_eq!(lanes.subscribe(1).stats().ring, Ring::Lane);
    assert_eq!(lanes.subscriber("array").ring(Ring::Array).subscribe().stats().ring, Ring::Array);
    assert_eq!(arrays.subscribe(1).stats().ring, Ring::Array);
    assert_eq!(arrays.subscriber("lane").ring(Ring::Lane).subscribe().stats().ring, Ring::Lane);
}

/// Publishers evict, and so a lane, which has one consumer, will not do.
#[test]
fn subscriber_that_evicts_gets_an_array_and_the_statistics_say_so() {
    let bus = live_with_lanes();
    let newest = bus.subscriber("newest").capacity(2).overflow(Overflow::DropOldest).ring(Ring::Lane).subscribe();
    assert_eq!(stats_of(&bus, "newest").ring, Ring::Array);
    common::publish(&bus, 0..5);
    assert_eq!(received(&newest), numbers(3..5));
    assert_eq!(newest.stats().evicted, 3);
}

/// The same, in whichever order it is asked for: what was said last counts, and nothing before it.
#[test]
fn subscriber_that_evicts_after_all_or_no_more_has_the_ring_that_goes_with_it() {
    use Overflow::{DropNewest, DropOldest};
    type Build = fn(SubscriberBuilder<Number>) -> SubscriberBuilder<Number>;
    let builds: [(Build, Ring); 6] = [
        (|it| it.ring(Ring::Lane).overflow(DropOldest).overflow(DropNewest), Ring::Lane),
        (|it| it.overflow(DropOldest).ring(Ring::Lane).overflow(DropNewest), Ring::Lane),
        (|it| it.overflow(DropOldest).overflow(DropNewest), Ring::Lane),
        (|it| it.ring(Ring::Array).ring(Ring::Lane), Ring::Lane),
        (|it| it.ring(Ring::Lane).ring(Ring::Array).overflow(DropNewest), Ring::Array),
        (|it| it.overflow(DropNewest).overflow(DropOldest).ring(Ring::Lane), Ring::Array),
    ];
    for (way, (build, ring)) in builds.into_iter().enumerate() {
        let subscription = build(live_with_lanes().subscriber("reader")).subscribe();
        assert_eq!(subscription.stats().ring, ring, "{way}");
    }
}

#[test]
fn builder_sets_the_startup_capacity() {
    let bus = EventBus::builder().startup_capacity(2).ring(Ring::Lane).build();
    assert!(bus.publish(Number(0)).is_ok() && bus.publish(Number(1)).is_ok());
    assert!(bus.publish(Number(2)).is_err(), "there is room for two");
    let default: EventBus<Number> = EventBus::builder().build();
    assert_eq!((0..2_000).take_while(|&n| default.publish(Number(n)).is_ok()).count(), 1_024);
}

/// The capacity holds exactly, though a lane has memory for the next power of two.
#[test]
fn lane_holds_as_many_events_as_its_capacity_says() {
    for capacity in [1, 2, 3, 5, 100] {
        let bus = live_with_lanes();
        let subscription = bus.subscriber("exact").capacity(capacity).subscribe();
        for lap in 0..3 {
            let published: usize = (0..200).map(|n| bus.publish(Number(n)).unwrap().delivered).sum();
            assert_eq!(published, capacity, "in lap {lap}");
            let batch: Vec<_> = numbers(0..200);
            assert_eq!(bus.publish_batch(&batch).unwrap().dropped, 200, "it is full");
            assert_eq!(received(&subscription), numbers(0..capacity as u64));
            assert_eq!(bus.publish_batch(&batch).unwrap().delivered, capacity);
            assert_eq!(received(&subscription), numbers(0..capacity as u64));
        }
    }
}

#[test]
#[should_panic(expected = "no memory for the ring of subscriber \"vast\"")]
fn lane_that_no_memory_is_there_for_says_for_whom() {
    let bus = live_with_lanes::<Number>();
    let _subscription = bus.subscriber("vast").capacity(usize::MAX).subscribe();
}

/// G5: what one thread publishes, singly and in batches, comes in its order, with both rings.
#[test]
fn arrays_and_lanes_get_the_same() {
    let bus = live_with_lanes();
    let lane = bus.subscriber("lane").capacity(1_000).subscribe();
    let array = bus.subscriber("array").capacity(1_000).ring(Ring::Array).subscribe();
    let odd = bus.subscriber("odd").capacity(1_000).types([common::ODD]).subscribe();
    let filtered = bus.subscriber("large").capacity(1_000).filter(|number: &Number| number.0 % 10 == 7).subscribe();
    for chunk in numbers(0..500).chunks(70) {
        bus.publish_batch(chunk).unwrap();
    }
    common::publish(&bus, 500..600);
    assert_eq!(received(&lane), numbers(0..600));
    assert_eq!(received(&array), numbers(0..600));
    assert_eq!(received(&odd), (0..300).map(|n| Number(2 * n + 1)).collect::<Vec<_>>());
    assert_eq!(received(&filtered), (0..60).map(|n| Number(10 * n + 7)).collect::<Vec<_>>());
    assert_eq!(filtered.stats().filtered, 540);
}

/// G7: of a bus that has both, each subscriber wakes, whichever ring it has; the fence that arrays
/// need does not depend on who came last.
#[test]
fn subscribers_that_wait_wake_with_both_rings_whoever_comes_and_goes() {
    for rings in [[Ring::Lane, Ring::Array], [Ring::Array, Ring::Lane], [Ring::Lane, Ring::Lane]] {
        let bus = live_with_lanes::<Number>();
        for ring in [Ring::Array, Ring::Lane] {
            drop(bus.subscriber("passer-by").ring(ring).subscribe());
        }
        let answers = Arc::new(AtomicU64::new(0));
        let waiting: Vec<_> = rings
            .map(|ring| {
                let subscription = bus.subscriber("waits").ring(ring).subscribe();
                let answers = Arc::clone(&answers);
                thread::spawn(move || {
                    for event in &subscription {
                        answers.fetch_add(event.0, SeqCst);
                    }
                })
            })
            .into();
        for turn in 1..=2_000 {
            assert_eq!(bus.publish(Number(1)).unwrap().delivered, 2);
            wait_until(|| answers.load(SeqCst) == 2 * turn);
        }
        bus.close();
        waiting.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

/// G2, G10: what a batch has delivered while the subscription ends is received or discarded, and
/// each event is dropped.
#[test]
fn nothing_is_left_in_a_lane_that_ends_while_batches_race() {
    for round in 0..common::rounds(300) {
        let bus = live_with_lanes();
        let token = Token(Arc::new(()));
        let subscription = bus.subscriber("ends").capacity(64).subscribe();
        let gate = Gate::new(2);
        let received = thread::scope(|scope| {
            let publisher = scope.spawn(|| {
                let batch = vec![token.clone(); 10];
                gate.pass();
                (0..10).map(|_| bus.publish_batch(&batch).unwrap().delivered).sum::<usize>()
            });
            gate.pass();
            let mut received = 0;
            for _ in 0..round % 7 {
                received += u64::from(subscription.try_recv().is_ok());
            }
            if round % 2 == 0 {
                subscription.stop_handle().stop();
                loop {
                    match subscription.try_recv() {
                        Ok(_) => received += 1,
                        Err(TryRecvError::Empty) => {}
                        Err(TryRecvError::Closed) => break,
                    }
                }
            }
            let delivered = publisher.join().unwrap();
            let stats = subscription.stats();
            assert_eq!(stats.received, received);
            assert_eq!(delivered as u64, stats.received + stats.len as u64 + stats.discarded, "in round {round}");
            received
        });
        drop(subscription);
        assert_eq!(token.copies(), 0, "in round {round}, after {received}");
    }
}

/// An event whose `Clone` is the user's.
struct Cloned(u64, Arc<Action>);

impl Clone for Cloned {
    fn clone(&self) -> Self {
        self.1.call();
        Self(self.0, Arc::clone(&self.1))
    }
}

impl Event for Cloned {
    fn event_type(&self) -> EventType {
        const { EventType::new("cloned") }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

fn batch_of(action: &Arc<Action>, events: u64) -> Vec<Cloned> {
    (0..events).map(|number| Cloned(number, Arc::clone(action))).collect()
}

/// G9: a `Clone` that panics in the middle of a batch costs that event, of that subscriber.
#[test]
fn clone_that_panics_in_a_batch_costs_one_event_of_a_lane() {
    for nth in [1, 2, 32, 33, 34, 70] {
        let bus = live_with_lanes();
        let subscription = bus.subscribe(100);
        let action = Arc::new(Action::default());
        let batch = batch_of(&action, 70);
        action.panic_on_call(nth, "clone");
        assert_eq!(panic_of(|| bus.publish_batch(&batch)), "clone");
        let expected: Vec<_> = (0..70).filter(|&number| number + 1 != nth as u64).collect();
        assert_eq!(subscription.try_iter().map(|event| event.0).collect::<Vec<_>>(), expected);
        assert_eq!(subscription.lost(), 1);
        assert_eq!(Arc::strong_count(&action), 71, "only the batch is left");
    }
}

/// G9: events of a batch that find a lane full panic as they are dropped: all others arrive.
#[test]
fn rest_of_a_batch_that_panics_as_it_is_dropped_disturbs_nobody() {
    /// Its clones panic when they are dropped, while it is armed.
    struct Fragile(u64, Arc<AtomicBool>, bool);
    impl Clone for Fragile {
        fn clone(&self) -> Self {
            Self(self.0, Arc::clone(&self.1), true)
        }
    }
    impl Drop for Fragile {
        fn drop(&mut self) {
            assert!(!(self.2 && self.1.load(SeqCst)), "not like this");
        }
    }
    impl Event for Fragile {
        fn event_type(&self) -> EventType {
            const { EventType::new("fragile") }
        }

        fn timestamp(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH
        }
    }
    let bus = live_with_lanes();
    let subscriptions = [4, 2, 4].map(|capacity| bus.subscribe(capacity));
    let is_armed = Arc::new(AtomicBool::new(true));
    let batch: Vec<_> = (0..4).map(|number| Fragile(number, Arc::clone(&is_armed), false)).collect();
    assert_eq!(panic_of(|| bus.publish_batch(&batch)), "not like this");
    is_armed.store(false, SeqCst);
    assert_eq!(subscriptions.each_ref().map(|it| (it.len(), it.lost())), [(4, 0), (2, 2), (4, 0)]);
    for subscription in &subscriptions {
        let expected = 0..subscription.len() as u64;
        assert!(subscription.try_iter().map(|event| event.0).eq(expected));
    }
    assert_eq!(Arc::strong_count(&is_armed), 5, "only the batch is left");
}

/// G2, G10: who leaves while a batch is cloned for it loses nothing by that.
#[test]
fn batch_whose_subscriber_leaves_on_the_way_is_not_dropped() {
    for nth in [1, 20, 40] {
        let bus = live_with_lanes();
        let leaving = std::sync::Mutex::new(Some(bus.subscribe(100)));
        let action = Arc::new(Action::default());
        let batch = batch_of(&action, 40);
        action.on_call(nth, move || drop(leaving.lock().unwrap().take()));
        assert_eq!(bus.publish_batch(&batch).unwrap().dropped, 0);
        assert_eq!(bus.stats().dropped, 0);
        assert_eq!(Arc::strong_count(&action), 41, "only the batch is left");
    }
}

/// G9: user code that runs for a batch may use the very subscription that the batch is for.
#[test]
fn clone_that_receives_and_publishes_does_not_disturb_the_lane() {
    let bus = live_with_lanes();
    let subscription = Arc::new(std::sync::Mutex::new(bus.subscribe(100)));
    let action = Arc::new(Action::default());
    let batch = batch_of(&action, 40);
    let (nested_bus, nested_subscription) = (bus.clone(), Arc::clone(&subscription));
    let quiet = Arc::new(Action::default());
    let received = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&received);
    action.on_call(20, move || {
        assert_eq!(nested_bus.publish(Cloned(100, Arc::clone(&quiet))).unwrap().delivered, 1);
        count.fetch_add(nested_subscription.lock().unwrap().try_iter().count() as u64, SeqCst);
    });
    assert_eq!(bus.publish_batch(&batch).unwrap().delivered, 40);
    let rest = subscription.lock().unwrap().try_iter().count() as u64;
    assert_eq!(received.load(SeqCst) + rest, 41);
}

/// G2, G10: a lane gives back what comes after `Closed`, whatever number of large events that is;
/// none finds it full.
#[test]
fn large_events_that_come_late_are_all_discarded() {
    let bus = live_with_lanes();
    let _subscriptions = subscribe_to_be_told_closed(&bus, 2);
    let token = Token(Arc::new(()));
    let events: Vec<_> = (0..6).map(|_| Bulky::new(&token)).collect();
    assert_eq!(bus.publish_batch(&events).unwrap().delivered, 6);
    let stats = stats_of(&bus, "told");
    assert_eq!((stats.discarded, stats.dropped, stats.high_water), (6, 0, 0));
    assert_eq!(token.copies(), 6);
}
