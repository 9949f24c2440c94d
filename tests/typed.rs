//! Subscriptions to one Rust type on a bus of many.

use crate::common::{self, CountingWaker, LONG, panic_of, spawn_sleeper};
use futures_executor::block_on;
use futures_util::stream::FusedStream;
use futures_util::{FutureExt, StreamExt};
use ringbus::{DynEvent, Event, EventBus, EventKind, EventType};
use ringbus::{RecvError, RecvTimeoutError, TryRecvError, TypedSubscription};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::Context;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// An event of a Rust type that is one kind.
#[derive(Debug, PartialEq)]
struct Price(u64);

impl EventKind for Price {
    const EVENT_TYPE: EventType = EventType::new("price");
}

impl Event for Price {
    fn event_type(&self) -> EventType {
        Self::EVENT_TYPE
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// An event of any kind, so also of that of `Price`.
struct Stranger(EventType);

impl Event for Stranger {
    fn event_type(&self) -> EventType {
        self.0
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

fn live() -> EventBus<DynEvent> {
    let bus = common::new_bus(0);
    bus.start();
    bus
}

fn publish(bus: &EventBus<DynEvent>, prices: impl IntoIterator<Item = u64>) {
    for price in prices {
        bus.publish(Arc::new(Price(price))).unwrap();
    }
}

/// What strangers say under the name of a price, and a price's own kind under another name.
fn publish_strangers(bus: &EventBus<DynEvent>) {
    for event_type in [Price::EVENT_TYPE, EventType::new("cost")] {
        bus.publish(Arc::new(Stranger(event_type))).unwrap();
    }
}

fn values(prices: impl IntoIterator<Item = Arc<Price>>) -> Vec<u64> {
    prices.into_iter().map(|price| price.0).collect()
}

/// API, section 2: what is received is the very `Arc` that was published, and nothing of another
/// type.
#[test]
fn typed_subscription_receives_the_very_events_of_its_type() {
    let bus = live();
    let prices = bus.subscribe_to::<Price>(8);
    let published = Arc::new(Price(7));
    publish_strangers(&bus);
    assert_eq!(bus.publish(Arc::clone(&published) as DynEvent).unwrap().delivered, 1);
    let received: Arc<Price> = prices.try_recv().unwrap();
    assert!(Arc::ptr_eq(&received, &published));
    assert_eq!(Arc::strong_count(&published), 2, "no share is left behind");
    assert_eq!(prices.try_recv(), Err(TryRecvError::Empty));
}

/// G2: an event of the kind that is another Rust type is counted as filtered, live and in a replay;
/// one of another kind is not even looked at.
#[test]
fn another_type_of_the_same_kind_is_counted_as_filtered() {
    let bus: EventBus<DynEvent> = common::new_bus(8);
    let prices = bus.subscribe_to::<Price>(8);
    publish_strangers(&bus);
    publish(&bus, [1]);
    bus.start();
    assert_eq!(values(prices.try_recv()), [1]);
    assert_eq!(prices.stats().filtered, 1);
    let delivered = bus.publish(Arc::new(Stranger(Price::EVENT_TYPE))).unwrap().delivered;
    assert_eq!(delivered, 0, "it never reaches the ring");
    publish_strangers(&bus);
    publish(&bus, [2]);
    assert_eq!(values(prices.try_recv()), [2]);
    let stats = prices.stats();
    assert_eq!((stats.filtered, stats.received, stats.lost(), stats.discarded), (3, 2, 0, 0));
    assert_eq!(stats.types.as_deref(), Some(&[Price::EVENT_TYPE][..]));
}

/// API, section 2: an event that was wrapped once more is received as what is inside.
#[test]
fn event_that_was_wrapped_again_is_received() {
    let bus = live();
    let prices = bus.subscribe_to::<Price>(8);
    let inner: DynEvent = Arc::new(Price(3));
    bus.publish(Arc::new(inner)).unwrap();
    assert_eq!(values(prices.try_recv()), [3]);
}

/// G3, G4: the whole replay comes first, however small the ring.
#[test]
fn typed_subscription_reads_the_replay_first() {
    let bus: EventBus<DynEvent> = common::new_bus(100);
    let prices = bus.subscribe_to::<Price>(1);
    publish(&bus, 0..10);
    publish_strangers(&bus);
    bus.start();
    publish(&bus, [10]);
    assert_eq!(values(prices.try_iter()), Vec::from_iter(0..=10));
}

/// API, section 2: the builder's other options apply; its types give way, and its filter is asked
/// about nothing but what has the type.
#[test]
fn options_of_the_builder_apply() {
    let bus = live();
    let asked = Arc::new(AtomicUsize::new(0));
    let even = bus
        .subscriber("even")
        .capacity(2)
        .types([EventType::new("cost")])
        .filter({
            let asked = Arc::clone(&asked);
            move |event: &DynEvent| {
                asked.fetch_add(1, SeqCst);
                event.downcast_ref::<Price>().expect("no stranger comes here").0 % 2 == 0
            }
        })
        .subscribe_to::<Price>();
    publish_strangers(&bus);
    publish(&bus, 0..6);
    assert_eq!((even.name(), even.capacity(), even.len()), ("even", 2, 2));
    assert_eq!(values(even.try_iter()), [0, 2]);
    assert_eq!(asked.load(SeqCst), 6);
    let stats = even.stats();
    assert_eq!((stats.filtered, stats.dropped), (4, 1), "a stranger and three odd ones, and 4 found no room");
    assert_eq!((even.lost(), even.take_lost(), even.take_lost()), (1, 1, 0));
}

/// G9: what a filter owns goes with the subscription.
#[test]
fn filter_goes_with_the_subscription() {
    let bus = live();
    let owned = Arc::new(());
    let prices = bus
        .subscriber("owner")
        .filter({
            let owned = Arc::clone(&owned);
            move |_| Arc::strong_count(&owned) > 0
        })
        .subscribe_to::<Price>();
    assert_eq!(Arc::strong_count(&owned), 2);
    drop(prices);
    assert_eq!(Arc::strong_count(&owned), 1);
    assert_eq!(bus.subscriber_count(), 0);
}

/// API, section 2: every blocking call receives, times out and says `Closed`.
#[test]
fn every_blocking_call_receives() {
    let bus = live();
    let prices = bus.subscribe_to::<Price>(16);
    publish(&bus, 0..8);
    assert_eq!(values(prices.recv()), [0]);
    assert_eq!(values(prices.recv_timeout(LONG)), [1]);
    assert_eq!(values(prices.recv_deadline(Instant::now() + LONG)), [2]);
    assert_eq!(values(prices.iter().take(1)), [3]);
    let mut received = Vec::new();
    assert_eq!(prices.recv_many(&mut received, 2), Ok(2));
    assert_eq!(prices.try_recv_many(&mut received, 1), 1);
    assert_eq!(prices.recv_many(&mut received, 0), Ok(0));
    assert_eq!(prices.try_recv_many(&mut received, 9), 1);
    assert_eq!(prices.try_recv_many(&mut received, 9), 0);
    assert_eq!(values(received), [4, 5, 6, 7]);
    assert!(prices.is_empty() && !prices.is_closed());
    assert_eq!(prices.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::TimedOut));
    assert_eq!(prices.recv_deadline(Instant::now()), Err(RecvTimeoutError::TimedOut));

    publish(&bus, [8, 9]);
    bus.close();
    assert!(prices.is_closed());
    for price in &prices {
        assert!(price.0 >= 8);
    }
    assert_eq!(prices.recv(), Err(RecvError));
    assert_eq!(prices.recv_many(&mut Vec::new(), 9), Err(RecvError));
    assert_eq!(prices.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(prices.recv_timeout(LONG), Err(RecvTimeoutError::Closed));
    assert_eq!(prices.recv_deadline(Instant::now() + LONG), Err(RecvTimeoutError::Closed));
    assert_eq!(prices.stats().received, 10);
}

/// G7: a receiver that waits is woken by an event of its type.
#[test]
fn waiting_receiver_is_woken_by_its_type() {
    let bus = live();
    let prices = bus.subscribe_to::<Price>(8);
    let receiver = spawn_sleeper(move || values(prices));
    publish_strangers(&bus);
    publish(&bus, [1, 2]);
    bus.close();
    assert_eq!(receiver.join(), [1, 2], "and the iterator that owns the subscription ends");
}

/// API, section 2: a stopped one gets what it has, and then `Closed`.
#[test]
fn stop_handle_ends_a_typed_subscription() {
    let bus = live();
    let prices = bus.subscribe_to::<Price>(8);
    publish(&bus, [1]);
    prices.stop_handle().stop();
    publish(&bus, [2]);
    assert_eq!(values(prices.recv()), [1]);
    assert_eq!(prices.recv(), Err(RecvError));
}

/// G7, G12: the future is woken by an event, gives it, and keeps nothing if it is dropped.
#[test]
fn future_receives_and_keeps_nothing() {
    let bus = live();
    let mut prices = bus.subscribe_to::<Price>(8);
    let (counter, waker) = CountingWaker::new();
    let context = &mut Context::from_waker(&waker);
    let mut future = prices.recv_async();
    assert!(future.poll_unpin(context).is_pending());
    publish(&bus, [1]);
    assert_eq!(counter.wakes(), 1);
    assert!(matches!(future.poll_unpin(context), std::task::Poll::Ready(Ok(price)) if price.0 == 1));
    drop(future);

    let mut future = prices.recv_async();
    assert!(future.poll_unpin(context).is_pending());
    drop(future);
    assert_eq!(Arc::strong_count(&counter), 2, "the waker and this: no other is kept");
    publish(&bus, [2]);
    assert_eq!(values(prices.recv_async().now_or_never().unwrap()), [2]);
    bus.close();
    assert_eq!(prices.recv_async().now_or_never(), Some(Err(RecvError)));
}

/// G7, G12: a batch is waited for, is no longer than a task may receive in one turn, and a future
/// that is dropped keeps nothing.
#[test]
fn batch_is_awaited() {
    let bus = live();
    let mut prices = bus.subscribe_to::<Price>(500);
    let (counter, waker) = CountingWaker::new();
    let context = &mut Context::from_waker(&waker);
    let mut received = Vec::new();
    let mut future = prices.recv_many_async(&mut received, 3);
    assert!(future.poll_unpin(context).is_pending());
    publish(&bus, 0..4);
    assert!(counter.wakes() > 0);
    assert_eq!(future.now_or_never(), Some(Ok(3)));
    assert_eq!(prices.recv_many_async(&mut received, 0).now_or_never(), Some(Ok(0)));
    assert_eq!(prices.recv_many_async(&mut received, 3).now_or_never(), Some(Ok(1)));
    drop(prices.recv_many_async(&mut received, 3));

    let mut future = prices.recv_many_async(&mut received, 3);
    assert!(future.poll_unpin(context).is_pending());
    drop(future);
    assert_eq!(Arc::strong_count(&counter), 2, "the waker and this: no other is kept");

    publish(&bus, 4..404);
    bus.close();
    let sizes = block_on(async {
        let mut sizes = Vec::new();
        while let Ok(size) = prices.recv_many_async(&mut received, 1_000).await {
            sizes.push(size);
        }
        sizes
    });
    assert!(sizes.iter().all(|&size| size <= 128), "{sizes:?}");
    assert_eq!(values(received), Vec::from_iter(0..404));
}

/// API, section 2: the stream gives the same, and is fused.
#[test]
fn stream_receives_and_ends() {
    let bus = live();
    let mut prices = bus.subscribe_to::<Price>(8);
    publish(&bus, 0..3);
    assert_eq!(prices.next().now_or_never().flatten().unwrap().0, 0);
    bus.close();
    assert!(!prices.is_terminated());
    let rest = block_on((&mut prices).collect::<Vec<_>>());
    assert_eq!(values(rest), [1, 2]);
    assert!(prices.is_terminated());
}

/// G9: if the filter panics in the middle of a batch of the replay, what was received before is
/// there.
#[test]
fn panic_in_a_batch_loses_one_event() {
    let bus: EventBus<DynEvent> = common::new_bus(8);
    let prices = bus
        .subscriber("panics")
        .filter(|event: &DynEvent| {
            assert!(event.downcast_ref::<Price>().is_some_and(|price| price.0 != 2), "it is two");
            true
        })
        .subscribe_to::<Price>();
    publish(&bus, 0..5);
    bus.start();
    let received = Mutex::new(Vec::new());
    assert_eq!(panic_of(|| prices.try_recv_many(&mut received.lock().unwrap(), 9)), "it is two");
    let mut received = received.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    assert_eq!(prices.try_recv_many(&mut received, 9), 2);
    assert_eq!(values(received), [0, 1, 3, 4]);
}

/// G11: a typed batch that finds nothing behind the replay lets go of the log.
#[test]
fn typed_batch_that_finds_nothing_frees_the_log() {
    let price = Arc::new(Price(1));
    let bus: EventBus<DynEvent> = common::new_bus(2);
    let subscription = bus.subscribe_to::<Price>(1);
    (0..2).for_each(|_| _ = bus.publish(price.clone()).unwrap());
    bus.start();
    let mut events = Vec::new();
    assert_eq!(subscription.try_recv_many(&mut events, usize::MAX), 2);
    assert_eq!(subscription.try_recv_many(&mut events, usize::MAX), 0);
    events.clear();
    assert_eq!(Arc::strong_count(&price), 1);
}

/// G12: what a typed receiver takes at a time is of the turn of its task.
#[test]
fn typed_batches_and_single_events_share_a_turn() {
    let bus = live();
    let [mut batches, mut singles] = [1_000, 1_000].map(|capacity| bus.subscribe_to::<Price>(capacity));
    publish(&bus, 0..1_000);
    // A thread of its own, on which nobody has received before.
    let turns = thread::spawn(move || {
        block_on(async {
            let (mut turns, mut batch) = (Vec::new(), Vec::new());
            for single in [28, 127, 128] {
                for _ in 0..single {
                    assert!(singles.recv_async().await.is_ok());
                }
                turns.push(batches.recv_many_async(&mut batch, usize::MAX).await.unwrap());
            }
            turns
        })
    });
    assert_eq!(turns.join().unwrap(), [100, 1, 128], "what was left of the turn, or a whole one");
}

/// API, section 2: a typed subscription, and what comes of it, goes to another thread whatever its
/// type is; it says what it is.
#[test]
fn typed_subscription_is_send_and_says_what_it_is() {
    fn assert_send<T: Send + Unpin>(_: &T) {}
    let bus = live();
    let mut prices = bus.subscriber("board").subscribe_to::<Price>();
    assert_send::<TypedSubscription<Price>>(&prices);
    assert_send(&prices.recv_async());
    let shown = format!("{prices:?}");
    assert!(shown.starts_with("TypedSubscription { event_type: EventType(\"price\"), events: Subscription"), "{shown}");
    assert!(format!("{:?}", prices.iter()).starts_with("Typed(Iter("));
}

/// G11: a replay that a batch has read to its end is let go of, unless the batch is full.
#[test]
fn replay_that_a_batch_has_read_is_let_go_of() {
    let bus = common::new_bus(4);
    let [all, one] = [bus.subscribe_to::<Price>(4), bus.subscribe_to::<Price>(4)];
    let price = Arc::new(Price(1));
    bus.publish(Arc::clone(&price) as DynEvent).unwrap();
    bus.start();
    let mut batch = Vec::new();
    assert_eq!((one.try_recv_many(&mut batch, 1), all.try_recv_many(&mut batch, 8)), (1, 1));
    batch.clear();
    assert_eq!(Arc::strong_count(&price), 2, "one has not looked further");
    drop(one);
    assert_eq!(Arc::strong_count(&price), 1);
    drop(all);
}
