//! Corners that only a rare order of things reaches: what comes late, long batches of plain events, and typed batches.

mod common;

use common::{Action, Number, ODD, Token, panic_of, publish, stats_of};
use futures_executor::block_on;
use futures_util::{FutureExt, StreamExt};
use ringbus::{
    BatchErrorKind, DynEvent, Event, EventBus, EventKind, EventType, RecvError, RequestId, Ring, Subscription,
    TryRecvError,
};
use std::panic::panic_any;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::SystemTime;

/// Subscribes so that the next publish is delivered to "told" after that was told `Closed`: the filter
/// of another one, whose turn comes first, closes the bus and receives for it.
fn subscribe_to_be_told_closed<E: Event + Clone + 'static>(bus: &EventBus<E>, capacity: usize) -> impl Sized + use<E> {
    let told = Arc::new(Mutex::new(None::<Subscription<E>>));
    let closer = bus
        .subscriber("closer")
        .capacity(1)
        .filter({
            let (bus, told) = (bus.downgrade(), Arc::clone(&told));
            move |_| {
                bus.upgrade().unwrap().close();
                assert!(matches!(told.lock().unwrap().as_ref().unwrap().try_recv(), Err(TryRecvError::Closed)));
                false
            }
        })
        .subscribe();
    *told.lock().unwrap() = Some(bus.subscriber("told").capacity(capacity).subscribe());
    (closer, told)
}

fn live() -> EventBus<Number> {
    let bus = common::new_bus(0);
    bus.start();
    bus
}

/// Where clones are not counted, a batch goes to an array at one go, and to a lane in tiles all the
/// same: a lag names the event by its place in the batch.
#[test]
fn lag_names_the_event_of_a_long_batch_of_plain_events_that_began_it() {
    const FIRST_LOST: usize = 40;
    let bus = live();
    let reports = Arc::new(Mutex::new(Vec::new()));
    bus.on_lag({
        let reports = Arc::clone(&reports);
        move |lag| reports.lock().unwrap().push((lag.event_type, lag.lost))
    });
    let _slow = bus.subscribe(FIRST_LOST);
    let events: Vec<_> = (0..70).map(|place| Number(if place == FIRST_LOST { 1 } else { 2 })).collect();
    bus.publish_batch(&events).unwrap();
    assert_eq!(*reports.lock().unwrap(), [(ODD, 30)]);
}

/// G2, G10: what comes too late found no full ring: it is no lag, and nobody hears of it.
#[test]
fn delivery_after_closed_is_no_lag() {
    let bus = live();
    let _subscriptions = subscribe_to_be_told_closed(&bus, 4);
    publish(&bus, 0..1);
    let stats = stats_of(&bus, "told");
    assert_eq!((stats.discarded, stats.lost(), stats.high_water, stats.lagging), (1, 0, 0, false));
}

/// An event whose `Clone` does as it is told.
struct Acting(Arc<Action>);

impl Clone for Acting {
    fn clone(&self) -> Self {
        self.0.call();
        Self(Arc::clone(&self.0))
    }
}

impl Event for Acting {
    fn event_type(&self) -> EventType {
        const { EventType::new("acting") }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// API, section 2: of a batch that the close overtakes, the error says how many were taken before.
#[test]
fn batch_that_straddles_the_close_says_how_far_it_came() {
    let bus = common::new_bus(8);
    let events: Vec<_> = (0..4).map(|_| Acting(Arc::default())).collect();
    events[2].0.on_call(1, {
        let bus = bus.clone();
        move || bus.close()
    });
    let error = bus.publish_batch(&events).unwrap_err();
    assert_eq!((error.kind, error.taken, error.published.buffered), (BatchErrorKind::Closed, 2, 2));
}

/// An event that is large enough for a room.
#[derive(Clone)]
struct Bulky {
    _token: Token,
    _bulk: [u8; 4096],
}

impl Event for Bulky {
    fn event_type(&self) -> EventType {
        const { EventType::new("bulky") }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// G2, G10: a large event that comes after `Closed` is discarded as any other is.
#[test]
fn large_event_delivered_after_closed_is_discarded() {
    let bus = common::new_bus(0);
    bus.start();
    let _subscriptions = subscribe_to_be_told_closed(&bus, 2);
    let token = Token(Arc::new(()));
    bus.publish(Bulky { _token: token.clone(), _bulk: [0; 4096] }).map_err(|_| ()).unwrap();
    let stats = stats_of(&bus, "told");
    assert_eq!((stats.received, stats.len, stats.discarded), (0, 0, 1));
    assert_eq!(token.copies(), 0);
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

struct Held(#[expect(dead_code, reason = "dropped, never read")] Token);

impl EventKind for Held {
    const EVENT_TYPE: EventType = EventType::new("held");
}

impl Event for Held {
    fn event_type(&self) -> EventType {
        Self::EVENT_TYPE
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// G11: a typed batch that finds nothing behind the replay lets go of the log.
#[test]
fn typed_batch_that_finds_nothing_frees_the_log() {
    let token = Token(Arc::new(()));
    let bus: EventBus<DynEvent> = common::new_bus(2);
    let subscription = bus.subscribe_to::<Held>(1);
    (0..2).for_each(|_| _ = bus.publish(Arc::new(Held(token.clone()))).unwrap());
    bus.start();
    let mut events = Vec::new();
    assert_eq!(subscription.try_recv_many(&mut events, usize::MAX), 2);
    assert_eq!(subscription.try_recv_many(&mut events, usize::MAX), 0);
    events.clear();
    assert_eq!(token.copies(), 0);
}

/// API, section 2: no text makes an id that `unique` gives later, not even the very next one.
#[test]
fn id_that_comes_next_is_not_made_by_its_text() {
    for _ in 0..100 {
        let text = RequestId::unique().to_text();
        let (salt, number) = text.rsplit_once(':').unwrap();
        let next = format!("{salt}:{}", number.parse::<u64>().unwrap() + 1);
        // (Another test may have made it meanwhile; then it does not come again.)
        let early = next.parse::<RequestId>();
        assert_ne!(early, Ok(RequestId::unique()));
    }
}

/// G12: what a typed receiver takes at a time is of the turn of its task.
#[test]
fn typed_batches_and_single_events_share_a_turn() {
    let bus: EventBus<DynEvent> = common::new_bus(0);
    let [mut batches, mut singles] = [1_000, 1_000].map(|capacity| bus.subscribe_to::<Held>(capacity));
    bus.start();
    let token = Token(Arc::new(()));
    (0..1_000).for_each(|_| _ = bus.publish(Arc::new(Held(token.clone()))).unwrap());
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

/// API, section 2: a name of a type, which may come from outside, does not break the table either.
#[test]
fn names_of_types_do_not_break_the_table() {
    let bus = live();
    let odd = bus.subscriber("odd").types([EventType::new("two\nlines\u{1b}[2J")]).capacity(1).subscribe();
    let table = odd.stats().to_string();
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(table.ends_with("  two\u{fffd}lines\u{fffd}[2J"), "{table}");
}

/// A large event whose `Clone` panics when it is told to.
struct Fragile {
    panics: bool,
    _bulk: [u8; 4096],
}

impl Fragile {
    fn new(panics: bool) -> Self {
        Self { panics, _bulk: [0; 4096] }
    }
}

impl Clone for Fragile {
    fn clone(&self) -> Self {
        if self.panics {
            panic_any("as it is cloned");
        }
        Self::new(false)
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

/// G9, G11: large events that panic as they are cloned cost their rings no room, however many there
/// are.
#[test]
fn large_events_that_panic_leave_their_rooms() {
    let bus = common::new_bus(0);
    let subscription = bus.subscribe(2);
    bus.start();
    for _ in 0..4 {
        assert_eq!(panic_of(|| bus.publish(Fragile::new(true)).map_err(|_| ())), "as it is cloned");
    }
    for _ in 0..2 {
        assert_eq!(bus.publish(Fragile::new(false)).map_err(|_| ()).unwrap().delivered, 1);
    }
    assert_eq!((subscription.len(), subscription.lost()), (2, 4));
}

/// G3, G9: nor do they cost the start-up buffer any.
#[test]
fn large_events_that_panic_leave_their_rooms_in_the_buffer() {
    let bus = common::new_bus(2);
    let subscription = bus.subscribe(1);
    for _ in 0..4 {
        assert_eq!(panic_of(|| bus.publish(Fragile::new(true)).map_err(|_| ())), "as it is cloned");
    }
    for _ in 0..2 {
        assert_eq!(bus.publish(Fragile::new(false)).map_err(|_| ()).unwrap().buffered, 1);
    }
    bus.start();
    assert_eq!(subscription.len(), 2);
}

/// G2, G10: a lane gives back what comes after `Closed`, whatever number of large events that is;
/// none finds it full.
#[test]
fn large_events_that_come_late_are_all_discarded() {
    let bus = EventBus::builder().startup_capacity(0).ring(Ring::Lane).build();
    bus.start();
    let _subscriptions = subscribe_to_be_told_closed(&bus, 2);
    let token = Token(Arc::new(()));
    let events: Vec<_> = (0..6).map(|_| Bulky { _token: token.clone(), _bulk: [0; 4096] }).collect();
    assert_eq!(bus.publish_batch(&events).unwrap().delivered, 6);
    let stats = stats_of(&bus, "told");
    assert_eq!((stats.discarded, stats.dropped, stats.high_water), (6, 0, 0));
    assert_eq!(token.copies(), 6);
}

/// G10, G12: who was told `Closed` is told so at once for good, also in a task that has used up its
/// turn.
#[test]
fn closed_is_ready_in_a_turn_that_is_over() {
    let bus = live();
    let [mut closed, mut busy] = [bus.subscribe(1), bus.subscribe(200)];
    closed.stop_handle().stop();
    publish(&bus, 0..200);
    // A thread of its own, on which nobody has received before.
    let test = thread::spawn(move || {
        assert_eq!(closed.recv_async().now_or_never(), Some(Err(RecvError)));
        let received = (0..200).take_while(|_| busy.recv_async().now_or_never().is_some()).count();
        assert_eq!(received, 128);
        assert_eq!(closed.recv_async().now_or_never(), Some(Err(RecvError)));
        assert_eq!(closed.recv_many_async(&mut Vec::new(), 1).now_or_never(), Some(Err(RecvError)));
        assert_eq!(closed.next().now_or_never(), Some(None));
    });
    test.join().unwrap();
}
