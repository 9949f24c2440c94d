//! Publishing and receiving allocate nothing. Each thread counts its own allocations, so that tests
//! do not disturb each other.

mod common;

use common::{ANSWER, CountingWaker, EVEN, Number, ODD, QUESTION, Talk, poll_next};
use ringbus::{DynEvent, Event, EventBus, EventKind, EventType, Overflow, Published, RequestId, RequestOptions};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;
use std::time::SystemTime;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

/// The system's allocator, and a count of what this thread asks of it.
struct CountingAllocator;

fn count(bytes: usize) {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
    BYTES.set(BYTES.get() + bytes as isize);
}

fn count_back(bytes: usize) {
    BYTES.set(BYTES.get() - bytes as isize);
}

// SAFETY: hands everything to `System` as it comes. Counting allocates nothing: the cell is const
// and needs no destructor.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count_back(layout.size());
        count(size);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count_back(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// How often `code` allocates on this thread.
fn allocations(code: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    code();
    ALLOCATIONS.get() - before
}

/// How many bytes more this thread has after `code` than before it.
fn kept(code: impl FnOnce()) -> isize {
    let before = BYTES.get();
    code();
    BYTES.get() - before
}

const EVENTS: u64 = 1_000;

/// A bus with subscribers of every kind, none of which keeps up.
fn busy_bus(startup_capacity: usize) -> (EventBus<Number>, [ringbus::Subscription<Number>; 4]) {
    let bus = common::new_bus(startup_capacity);
    let subscriptions = [
        bus.subscribe(EVENTS as usize),
        bus.subscriber("typed").types([EVEN, ODD]).capacity(16).subscribe(),
        bus.subscriber("filtered").filter(|number: &Number| number.0 % 3 == 0).capacity(16).subscribe(),
        bus.subscriber("oldest").types([ODD]).capacity(16).overflow(Overflow::DropOldest).subscribe(),
    ];
    (bus, subscriptions)
}

/// A thread's first load of an `ArcSwap` registers the thread, which may allocate.
fn warm_up() {
    let bus = common::new_bus(1);
    bus.publish(Number(0)).unwrap();
}

/// The measure itself: it sees an allocation, a growth, and nothing where there is none.
#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(7)))), 1);
    let mut vector = Vec::<u64>::with_capacity(1);
    assert_eq!(allocations(|| vector.extend(std::hint::black_box([1, 2, 3]))), 1);
    assert_eq!(allocations(|| vector.clear()), 0);
    let elsewhere = || drop(std::thread::spawn(|| drop(std::hint::black_box(vec![0; 100]))).join());
    let spawning = allocations(elsewhere);
    assert_eq!(allocations(|| ()), 0, "other threads do not count ({spawning} for the spawning)");
}

/// G1: a live publish allocates nothing, by bus or by `Publisher`, whether it is delivered,
/// filtered out, dropped, evicts, or begins a lag.
#[test]
fn live_publish_allocates_nothing() {
    warm_up();
    let (bus, subscriptions) = busy_bus(0);
    bus.on_lag(|_| ());
    bus.start();
    let mut publisher = bus.publisher();
    publisher.publish(Number(0)).unwrap();
    let mut sum = Published::default();
    let mut add = |published: Published| {
        sum.delivered += published.delivered;
        sum.dropped += published.dropped;
    };
    assert_eq!(allocations(|| (0..EVENTS).for_each(|number| add(bus.publish(Number(number)).unwrap()))), 0);
    assert_eq!(allocations(|| (0..EVENTS).for_each(|number| add(publisher.publish(Number(number)).unwrap()))), 0);
    assert!(sum.delivered > 0 && sum.dropped > 0);
    assert!(subscriptions.iter().all(|subscription| subscription.lost() > 0), "every kind of loss was there");
}

/// G11: publishers may come and go: of one that has gone, its counts stay and no memory does. (What
/// a bus kept of each would be a list that grows, and so allocates, now and then.)
#[test]
fn publishers_that_come_and_go_leave_no_memory() {
    warm_up();
    let bus = common::new_bus::<Number>(0);
    bus.start();
    drop(bus.publisher());
    let each = allocations(|| drop(bus.publisher()));
    let come_and_go = || {
        for number in 0..EVENTS {
            bus.publisher().publish(Number(number)).unwrap();
        }
    };
    assert_eq!(allocations(come_and_go), each * EVENTS);
    assert_eq!(bus.stats().published, EVENTS);
}

/// G11: a bus that is closed keeps nothing of the hooks that come too late.
#[test]
fn hooks_that_come_after_the_close_leave_no_memory() {
    warm_up();
    let bus = common::new_bus::<Number>(0);
    bus.close();
    let add = || _ = bus.on_lag(|_| ());
    add();
    assert_eq!(kept(|| (0..EVENTS).for_each(|_| add())), 0);
}

/// G11: the table of who wants which type shrinks to what it must be for those who are left.
#[test]
fn types_that_nobody_wants_any_more_leave_no_memory() {
    warm_up();
    let bus = common::new_bus::<Number>(0);
    let names: Vec<_> = (0..2_000).map(|number| EventType::intern(&format!("type-{number}"))).collect();
    let _stays = bus.subscriber("stays").types([EVEN]).subscribe();
    let come_and_go = || drop(bus.subscriber("goes").types(names.iter().copied()).subscribe());
    let kept = kept(come_and_go);
    assert!(kept < 500, "{kept} bytes");
}

/// G1: nor does a batch, whatever becomes of its events, before the start and after it.
#[test]
fn batch_allocates_nothing() {
    warm_up();
    let (bus, subscriptions) = busy_bus(EVENTS as usize);
    bus.on_lag(|_| ());
    let mut publisher = bus.publisher();
    let events: Vec<_> = (0..EVENTS / 4).map(Number).collect();
    let mut by_turns = || assert!(bus.publish_batch(&events).is_ok() && publisher.publish_batch(&events).is_ok());
    assert_eq!(allocations(&mut by_turns), 0);
    bus.start();
    by_turns(); // the publisher learns that the bus is live
    assert_eq!(allocations(&mut by_turns), 0);
    assert!(subscriptions[1..].iter().all(|subscription| subscription.lost() > 0));
}

/// G1: nor does a publish before the start, be it accepted or refused.
#[test]
fn buffering_allocates_nothing() {
    warm_up();
    let (bus, _subscriptions) = busy_bus(EVENTS as usize);
    let mut publisher = bus.publisher();
    let by_turns = || {
        for number in 0..EVENTS / 2 {
            bus.publish(Number(number)).unwrap();
            publisher.publish(Number(number)).unwrap();
        }
    };
    assert_eq!(allocations(by_turns), 0);
    assert_eq!(allocations(|| assert!(bus.publish(Number(0)).is_err() && publisher.publish(Number(0)).is_err())), 0);
    assert_eq!(bus.start() as u64, EVENTS);
}

/// G1: a publish that wakes somebody allocates nothing either, nor does waiting once more with the
/// same waker.
#[test]
fn waking_allocates_nothing() {
    warm_up();
    let bus = common::new_bus(0);
    bus.start();
    let mut subscription = bus.subscribe(4);
    let (counter, waker) = CountingWaker::new();
    let rounds = || {
        for number in 0..100 {
            assert!(poll_next(&mut subscription, &waker).is_pending());
            bus.publish(Number(number)).unwrap();
            assert!(poll_next(&mut subscription, &waker).is_ready());
        }
    };
    assert_eq!(allocations(rounds), 0);
    assert_eq!(counter.wakes(), 100);
}

/// Receives `EVENTS` events, in every way that does not wait, and asserts that none of them
/// allocates.
#[track_caller]
fn assert_receiving_allocates_nothing(subscription: &mut ringbus::Subscription<Number>) {
    assert_eq!(subscription.len() as u64, EVENTS);
    let mut next = 0;
    let mut expect = |number: Number| {
        assert_eq!(number, Number(next));
        next += 1;
    };
    assert_eq!(allocations(|| (0..200).for_each(|_| expect(subscription.try_recv().unwrap()))), 0);
    assert_eq!(allocations(|| (0..200).for_each(|_| expect(subscription.recv().unwrap()))), 0);
    assert_eq!(allocations(|| (0..100).for_each(|_| expect(subscription.recv_timeout(common::LONG).unwrap()))), 0);
    let mut batch = Vec::with_capacity(300);
    assert_eq!(allocations(|| assert_eq!(subscription.try_recv_many(&mut batch, 300), 300)), 0);
    batch.drain(..).for_each(&mut expect);
    assert_eq!(allocations(|| assert_eq!(subscription.recv_many(&mut batch, 100), Ok(100))), 0);
    batch.into_iter().for_each(&mut expect);
    assert_eq!(allocations(|| subscription.try_iter().for_each(&mut expect)), 0);
    assert_eq!(next, EVENTS);
    assert_eq!(allocations(|| assert!(subscription.try_recv().is_err())), 0);
}

/// Receiving from the ring allocates nothing, in whichever way (G1 asks it of publishers; a
/// receiver must not wait for an allocator either).
#[test]
fn receiving_allocates_nothing() {
    let bus = common::new_bus(0);
    bus.start();
    let mut subscription = bus.subscribe(EVENTS as usize);
    (0..EVENTS).for_each(|number| assert!(bus.publish(Number(number)).is_ok()));
    assert_receiving_allocates_nothing(&mut subscription);
}

/// Nor does receiving the replay (G3, G11: the log is shared, not copied).
#[test]
fn receiving_the_replay_allocates_nothing() {
    let bus = common::new_bus(EVENTS as usize);
    let mut subscription = bus.subscribe(1);
    (0..EVENTS).for_each(|number| assert!(bus.publish(Number(number)).is_ok()));
    bus.start();
    assert_receiving_allocates_nothing(&mut subscription);
}

/// Nor does receiving one Rust type of many: the `Arc` that was published changes its type.
#[test]
fn receiving_one_type_allocates_nothing() {
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

    let bus: EventBus<DynEvent> = EventBus::new(0);
    bus.start();
    let prices = bus.subscribe_to::<Price>(EVENTS as usize);
    (0..EVENTS).for_each(|number| assert!(bus.publish(Arc::new(Price(number))).is_ok()));
    let mut next = 0;
    let mut expect = |price: Arc<Price>| {
        assert_eq!(price.0, next);
        next += 1;
    };
    assert_eq!(allocations(|| (0..300).for_each(|_| expect(prices.try_recv().unwrap()))), 0);
    assert_eq!(allocations(|| (0..300).for_each(|_| expect(prices.recv().unwrap()))), 0);
    let mut batch = Vec::with_capacity(200);
    assert_eq!(allocations(|| assert_eq!(prices.recv_many(&mut batch, 200), Ok(200))), 0);
    batch.into_iter().for_each(&mut expect);
    assert_eq!(allocations(|| prices.try_iter().for_each(&mut expect)), 0);
    assert_eq!(next, EVENTS);
}

/// G11: starting costs the same, however many events are replayed to however small rings: nothing
/// is copied.
#[test]
fn start_allocates_the_same_for_any_backlog() {
    warm_up();
    let start_with = |backlog: u64| {
        let (bus, _subscriptions) = busy_bus(EVENTS as usize);
        (0..backlog).for_each(|number| assert!(bus.publish(Number(number)).is_ok()));
        allocations(|| assert_eq!(bus.start() as u64, backlog))
    };
    assert_eq!(start_with(1), start_with(EVENTS));
}

/// G1: publishing a response allocates nothing either, be it gathered, a duplicate, unexpected or
/// late, and neither does waking who waits.
#[test]
fn answering_allocates_nothing() {
    warm_up();
    let bus = common::new_bus(0);
    let _questions = bus.subscriber("questions").types([QUESTION]).subscribe();
    let _answers = bus.subscriber("answers").types([ANSWER]).subscribe();
    bus.start();
    let id = RequestId::unique();
    let options = RequestOptions::expecting(["a", "b", "c"]);
    let gather = bus.request(Talk::Question(id.clone()), options).unwrap();
    let (counter, waker) = CountingWaker::new();
    let mut waiting = pin!(gather.until(std::future::pending::<()>()));
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    let reply = |by| drop(bus.publish(Talk::Answer { to: id.clone(), by, value: 0 }));
    assert_eq!(allocations(|| ["a", "a", "b", "x", "c"].into_iter().for_each(reply)), 0);
    assert_eq!(counter.wakes(), 1);
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    assert_eq!(allocations(|| reply("a")), 0, "late");
    assert_eq!(bus.stats().late_responses, 1);
}

/// API, section 2: nor does making a unique id, from the first one on.
#[test]
fn unique_ids_allocate_nothing() {
    assert_eq!(allocations(|| (0..100).for_each(|_| drop(RequestId::unique()))), 0);
}

/// Requests: what a request allocates does not grow with the subscribers.
#[test]
fn request_allocates_the_same_for_any_number_of_subscribers() {
    warm_up();
    let options = RequestOptions::expecting(["a", "b", "c"]);
    let round_with = |subscribers: usize| {
        let bus = common::new_bus(0);
        let _subscriptions: Vec<_> = (0..subscribers).map(|_| bus.subscribe(16)).collect();
        bus.start();
        let mut counts = [0; 2];
        for count in &mut counts {
            *count = allocations(|| {
                let id = RequestId::from(1);
                let gather = bus.request(Talk::Question(id.clone()), options.clone()).unwrap();
                for by in ["a", "b", "c"] {
                    bus.publish(Talk::Answer { to: id.clone(), by, value: 0 }).unwrap();
                }
                drop(gather.wait().unwrap());
            });
        }
        let [first, again] = counts;
        assert!(again <= first, "the first may grow the map");
        again
    };
    let few = round_with(1);
    assert_eq!(few, round_with(100));
    assert!(few <= 4, "the request, its lists, and the registration: {few}");
}

// G1, G14: what a bus retains costs the other types no allocation.
#[test]
fn publishing_other_types_than_the_retained_ones_does_not_allocate() {
    warm_up();
    let bus = EventBus::builder().ring(common::ring()).retain([EVEN]).build();
    bus.start();
    bus.publish(Number(2)).unwrap();
    let late = bus.subscribe(EVENTS as usize);
    let mut publisher = bus.publisher();
    publisher.publish(Number(1)).unwrap();
    let odd = [Number(3), Number(5)];
    let allocated = allocations(|| {
        for _ in 0..10 {
            bus.publish(Number(1)).unwrap();
            publisher.publish(Number(1)).unwrap();
            bus.publish_batch(&odd).unwrap();
            publisher.publish_batch(&odd).unwrap();
        }
        assert_eq!(late.try_iter().count(), 1 + 1 + 60);
    });
    assert_eq!(allocated, 0);
    let publish_retained = || {
        bus.publish(Number(2)).unwrap();
    };
    assert!(allocations(publish_retained) > 0, "a retained one does");
}
