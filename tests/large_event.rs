//! Events of a size that a thread's stack hardly holds: every way to publish and to receive them
//! moves them as little as it can.
//!
//! A thread whose stack overflows ends the process, so a failure here shows as a test that is
//! killed by a signal.

use crate::common::{
    self, Action, Bulky, Token, in_own_process, panic_of, spawn_sleeper, stats_of, subscribe_to_be_told_closed,
};
use ringbus::{
    BatchError, BatchErrorKind, Event, EventBus, EventType, Overflow, PublishError, Published, Request, RequestId,
    RequestOptions, Response, Subscription,
};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, SystemTime};

/// What is promised for a thread with a stack of 2 MiB, the default.
const SIZE: usize = if cfg!(debug_assertions) { 128 * 1024 } else { 512 * 1024 };

/// A large event, which may ask and answer.
#[derive(Clone)]
struct Frame([u8; SIZE]);

impl Frame {
    const EMPTY: Self = Self([0; SIZE]);
}

impl Event for Frame {
    fn event_type(&self) -> EventType {
        const { EventType::new("frame") }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn as_request(&self) -> Option<&dyn Request> {
        Some(self)
    }

    fn as_response(&self) -> Option<&dyn Response> {
        (self.0[0] == 1).then_some(self)
    }
}

impl Request for Frame {
    fn request_id(&self) -> RequestId {
        RequestId::from(1)
    }
}

impl Response for Frame {
    fn request_id(&self) -> RequestId {
        RequestId::from(1)
    }

    fn responder(&self) -> &str {
        "camera"
    }
}

/// Runs `code` on a thread with the default stack. (Under a sanitizer, everything on it takes more
/// room.)
fn on_thread<T: Send + 'static>(code: impl FnOnce() -> T + Send + 'static) -> T {
    let megabytes = if common::under_sanitizer() { 16 } else { 2 };
    thread::Builder::new().stack_size(megabytes * 1024 * 1024).spawn(code).unwrap().join().unwrap()
}

/// Waits for a future that is ready.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it is ready"),
    }
}

type Publish = fn(&EventBus<Frame>);

/// Every way to publish one frame.
const PUBLISH: [(&str, Publish); 5] = [
    ("EventBus", |bus| assert!(bus.publish(Frame::EMPTY).is_ok())),
    ("Publisher", |bus| assert!(bus.publisher().publish(Frame::EMPTY).is_ok())),
    ("batch", |bus| assert!(publish_batch(bus).is_ok())),
    ("request", |bus| assert!(bus.request(Frame::EMPTY, RequestOptions::expecting(["camera"])).is_ok())),
    ("response", |bus| {
        let mut frame = Frame::EMPTY;
        frame.0[0] = 1;
        assert!(bus.publish(frame).is_ok());
    }),
];

fn publish_batch(bus: &EventBus<Frame>) -> Result<ringbus::Published, BatchError> {
    let batch = vec![Frame::EMPTY];
    bus.publish_batch(&batch)
}

type Receive = fn(&mut Subscription<Frame>) -> bool;

/// Every way to receive one frame that is there.
const RECEIVE: [(&str, Receive); 12] = [
    ("try_recv", |from| from.try_recv().is_ok()),
    ("recv", |from| from.recv().is_ok()),
    ("recv_timeout", |from| from.recv_timeout(Duration::from_secs(60)).is_ok()),
    ("recv_deadline", |from| from.recv_deadline(std::time::Instant::now() + Duration::from_secs(60)).is_ok()),
    ("try_recv_many", |from| {
        let mut frames = Vec::new();
        from.try_recv_many(&mut frames, 1) == 1
    }),
    ("recv_many", |from| from.recv_many(&mut Vec::new(), 1).is_ok()),
    ("recv_many_async", |from| ready(from.recv_many_async(&mut Vec::new(), 1)).is_ok()),
    ("iter", |from| from.iter().next().is_some()),
    ("try_iter", |from| from.try_iter().next().is_some()),
    ("recv_async", |from| ready(from.recv_async()).is_ok()),
    ("async block", |from| ready(async { from.recv_async().await.is_ok() })),
    ("Stream", |from| {
        let poll = futures_core::Stream::poll_next(pin!(from), &mut Context::from_waker(Waker::noop()));
        matches!(poll, Poll::Ready(Some(_)))
    }),
];

#[test]
fn large_events_are_published_and_received_live() {
    for (how, publish) in PUBLISH {
        let bus = common::new_bus(0);
        // Two of them: the last subscriber is served in another way than the others.
        let [first, second] = [0, 1].map(|_| bus.subscribe(1));
        bus.start();
        println!("publishes by {how}");
        let bus = on_thread(move || {
            publish(&bus);
            bus
        });
        on_thread(move || assert!(first.try_recv().is_ok() && second.try_recv().is_ok()));
        drop(bus);
    }
    for (how, receive) in RECEIVE {
        let bus = common::new_bus(0);
        let mut frames = bus.subscribe(1);
        bus.start();
        on_thread({
            let bus = bus.clone();
            move || bus.publish(Frame::EMPTY).map_err(|_| ()).unwrap()
        });
        println!("receives by {how}");
        on_thread(move || assert!(receive(&mut frames)));
    }
}

#[test]
fn large_responses_are_gathered() {
    for starts_first in [true, false] {
        let bus = common::new_bus(2);
        let _camera = bus.subscribe(2);
        if starts_first {
            bus.start();
        }
        on_thread(move || {
            let gather = bus.request(Frame::EMPTY, RequestOptions::expecting(["camera"])).map_err(|_| ()).unwrap();
            let bus = on_thread(move || {
                PUBLISH.last().unwrap().1(&bus);
                bus
            });
            assert!(gather.wait().is_ok_and(|result| result.responses.len() == 1));
            drop(bus);
        });
    }
}

/// What nobody has received is dropped with its subscription, or evicted.
#[test]
fn large_events_are_discarded_and_evicted() {
    let bus = common::new_bus(0);
    let frames = bus.subscriber("newest").capacity(1).overflow(ringbus::Overflow::DropOldest).subscribe();
    bus.start();
    on_thread(move || (0..3).for_each(|_| PUBLISH[0].1(&bus)));
    assert_eq!((frames.len(), frames.lost()), (1, 2));
    on_thread(move || drop(frames));
}

#[test]
fn large_events_are_kept_and_replayed() {
    for (how, publish) in PUBLISH {
        let bus = common::new_bus(1);
        println!("publishes before start by {how}");
        on_thread(move || publish(&bus));
    }
    for (how, receive) in RECEIVE {
        let bus = common::new_bus(1);
        let mut frames = bus.subscribe(1);
        on_thread({
            let bus = bus.clone();
            move || bus.publish(Frame::EMPTY).map_err(|_| ()).unwrap()
        });
        bus.start();
        println!("receives the replay by {how}");
        on_thread(move || assert!(receive(&mut frames)));
    }
}

/// An event that is large enough for a room, and does as its script says.
struct Heavy {
    number: u64,
    script: Arc<Script>,
    _bulk: [u8; 4096],
}

#[derive(Default)]
struct Script {
    clone: Action,
    drop: Action,
    copies: AtomicUsize,
}

impl Heavy {
    fn new(number: u64) -> (Self, Arc<Script>) {
        let script = Arc::<Script>::default();
        script.copies.fetch_add(1, SeqCst);
        (Self { number, script: Arc::clone(&script), _bulk: [0; 4096] }, script)
    }
}

impl Clone for Heavy {
    fn clone(&self) -> Self {
        self.script.clone.call();
        self.script.copies.fetch_add(1, SeqCst);
        Self { number: self.number, script: Arc::clone(&self.script), _bulk: [0; 4096] }
    }
}

impl Drop for Heavy {
    fn drop(&mut self) {
        self.script.copies.fetch_sub(1, SeqCst);
        self.script.drop.call();
    }
}

impl Event for Heavy {
    fn event_type(&self) -> EventType {
        const { EventType::new("heavy") }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// G1, G2, G9: a large event that is evicted is counted and dropped, once, whether the one that
/// takes its place can be cloned or not, and whether it panics as it goes or not.
#[test]
fn evicted_large_event_goes_once_whatever_panics() {
    for [clone_panics, drop_panics] in [[false, false], [true, false], [false, true], [true, true]] {
        let bus = Arc::new(common::new_bus(0));
        bus.start();
        let latest = bus.subscriber("latest").capacity(1).overflow(Overflow::DropOldest).subscribe();
        let (oldest, of_oldest) = Heavy::new(0);
        bus.publish(oldest).unwrap();
        // The original is gone: the next to be dropped is the one in the ring.
        if drop_panics {
            of_oldest.drop.panic_on_call(1, "as it is dropped");
        }
        // While this one is being cloned, another is published, for which only the room of the
        // oldest is left.
        let (newest, of_newest) = Heavy::new(2);
        let (between, of_between) = Heavy::new(1);
        if clone_panics {
            of_between.clone.panic_on_call(1, "as it is cloned");
        }
        let between = Mutex::new(Some(between));
        let is_panic = Arc::new(AtomicBool::new(false));
        of_newest.clone.on_call(1, {
            let (bus, is_panic) = (Arc::downgrade(&bus), Arc::clone(&is_panic));
            move || {
                let between = between.lock().unwrap().take().expect("once");
                let published = catch_unwind(AssertUnwindSafe(|| bus.upgrade().unwrap().publish(between).is_ok()));
                is_panic.store(published.is_err(), SeqCst);
            }
        });
        assert_eq!(bus.publish(newest).unwrap().delivered, 1);
        assert_eq!(is_panic.load(SeqCst), clone_panics || drop_panics);
        let copies = [&of_oldest, &of_between, &of_newest].map(|script| script.copies.load(SeqCst));
        assert_eq!(copies, [0, 0, 1]);
        let stats = latest.stats();
        let (evicted, dropped) = if clone_panics { (1, 1) } else { (2, 0) };
        assert_eq!((stats.evicted, stats.dropped, stats.len), (evicted, dropped, 1));
        assert_eq!(latest.try_recv().map(|event| event.number), Ok(2));
        // Where the ring is empty, nothing more is evicted.
        bus.publish(Heavy::new(3).0).unwrap();
        assert_eq!(latest.stats().evicted, evicted);
        assert_eq!(latest.try_recv().map(|event| event.number), Ok(3));
    }
}

/// G2, G9: a large event is counted as evicted before it is dropped, as a small one is.
#[test]
fn evicted_large_event_is_counted_before_it_is_dropped() {
    let bus = common::new_bus(0);
    bus.start();
    let _latest = bus.subscriber("latest").capacity(1).overflow(Overflow::DropOldest).subscribe();
    let (oldest, of_oldest) = Heavy::new(0);
    bus.publish(oldest).unwrap();
    // The original is gone: the next to be dropped is the one in the ring.
    let evicted = Arc::new(AtomicUsize::new(0));
    of_oldest.drop.on_call(1, {
        let (bus, evicted) = (bus.downgrade(), Arc::clone(&evicted));
        move || evicted.store(stats_of(&bus.upgrade().unwrap(), "latest").evicted as usize, SeqCst)
    });
    // While this one is being cloned, another is published, for which only the room of the oldest
    // is left.
    let (newest, of_newest) = Heavy::new(2);
    of_newest.clone.on_call(1, {
        let bus = bus.downgrade();
        move || assert_eq!(bus.upgrade().unwrap().publish(Heavy::new(1).0).unwrap().delivered, 1)
    });
    assert_eq!(bus.publish(newest).unwrap().delivered, 1);
    assert!(!of_oldest.drop.is_pending());
    assert_eq!(evicted.load(SeqCst), 1);
}

/// G6, G10: a large event that comes too late for the log, because the bus starts or closes as it
/// is cloned, goes live or is refused; and the reader, which sleeps, is woken for what there is.
#[test]
fn large_event_too_late_for_the_log_goes_live_or_is_refused() {
    /// Starts or closes the bus as it is cloned, which is before it claims a slot.
    struct Late {
        act: Option<Arc<dyn Fn() + Send + Sync>>,
        _bulk: [u8; 4096],
    }
    impl Clone for Late {
        fn clone(&self) -> Self {
            if let Some(act) = &self.act {
                act();
            }
            Self { act: None, _bulk: [0; 4096] }
        }
    }
    impl Event for Late {
        fn event_type(&self) -> EventType {
            const { EventType::new("late") }
        }

        fn timestamp(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH
        }
    }
    for closes in [false, true] {
        let bus = common::new_bus(2);
        let reader = bus.subscribe(1);
        bus.publish(Late { act: None, _bulk: [0; 4096] }).unwrap();
        let reader = spawn_sleeper(move || (reader.recv().is_ok(), reader.recv().is_ok()));
        let act = {
            let bus = bus.downgrade();
            move || {
                let bus = bus.upgrade().unwrap();
                if closes { bus.close() } else { _ = bus.start() }
            }
        };
        let published = bus.publish(Late { act: Some(Arc::new(act)), _bulk: [0; 4096] });
        assert_eq!(published.is_err(), closes);
        assert_eq!(reader.join(), (true, !closes));
    }
}

/// G6: a large event that finds no room in the log, because another is being cloned into the last
/// one, goes live if the bus has started meanwhile.
#[test]
fn large_event_that_finds_no_room_in_a_closed_log_goes_live() {
    /// Does something as it is cloned, or as it is asked whether it is a response, which is before
    /// it needs a room.
    #[derive(Default)]
    struct Late {
        on_clone: Action,
        on_look: Action,
        _bulk: Bulk,
    }
    impl Clone for Late {
        fn clone(&self) -> Self {
            self.on_clone.call();
            Self::default()
        }
    }
    impl Event for Late {
        fn event_type(&self) -> EventType {
            const { EventType::new("late") }
        }

        fn timestamp(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH
        }

        fn as_response(&self) -> Option<&dyn Response> {
            self.on_look.call();
            None
        }
    }
    let bus = common::new_bus(0);
    let reader = bus.subscribe(2);
    let event = Late::default();
    let weak = bus.downgrade();
    event.on_clone.on_call(1, move || {
        let starts = Late::default();
        let bus = weak.clone();
        starts.on_look.on_call(1, move || _ = bus.upgrade().unwrap().start());
        let published = weak.upgrade().unwrap().publish(starts).map_err(|error| error.to_string());
        assert_eq!(published.unwrap().delivered, 1);
    });
    assert!(bus.publish(event).is_ok_and(|published| published.delivered == 1));
    assert_eq!((reader.len(), bus.stats().startup_rejected), (2, 0));
}

/// G3: the start-up buffer has a room for each event, and one more. Who finds all of them being
/// filled, here by publishes further up the stack, is told that it is full.
#[test]
fn large_event_that_finds_all_rooms_being_filled_is_refused() {
    type Publish = Box<dyn Fn() + Send + Sync>;
    let bus = common::new_bus(1);
    let accepted = Arc::<Mutex<Vec<_>>>::default();
    let publish = |number, nested: Option<Publish>| {
        let (event, script) = Heavy::new(number);
        if let Some(nested) = nested {
            script.clone.on_call(1, nested);
        }
        let (bus, accepted, event) = (bus.clone(), Arc::clone(&accepted), Mutex::new(Some(event)));
        Box::new(move || {
            let event = event.lock().unwrap().take().unwrap();
            let is_accepted = match bus.publish(event) {
                Ok(published) => published.buffered == 1,
                Err(PublishError::StartupFull(_)) => false,
                Err(error) => panic!("{error}"),
            };
            accepted.lock().unwrap().push((number, is_accepted));
        })
    };
    let inner = publish(3, None);
    let middle = publish(2, Some(inner));
    publish(1, Some(middle))();
    assert_eq!(*accepted.lock().unwrap(), [(3, false), (2, true), (1, false)]);
    assert!(!bus.is_started(), "who is refused does not take that for a start");
}

/// G9: a panic of user code goes on in the publish of a large event too, whether that has a `Drop`
/// or not, and if the event panics as well as it is dropped, the first panic does.
#[test]
fn panics_resume_from_the_publish_of_a_large_event() {
    type Way = fn(&EventBus<Heavy>, Heavy);
    let ways: [(&str, Way); 2] = [
        ("EventBus", |bus, event| drop(bus.publish(event))),
        ("Publisher", |bus, event| drop(bus.publisher().publish(event))),
    ];
    in_own_process(module_path!(), "panics_resume_from_the_publish_of_a_large_event", || {
        for (name, publish) in ways {
            for is_started in [true, false] {
                let bus = common::new_bus(1);
                let _refuses = bus.subscriber("refuses").filter(|_| panic!("refused")).subscribe();
                let takes = bus.subscribe(1);
                if is_started {
                    bus.start();
                }
                let (event, script) = Heavy::new(0);
                if is_started {
                    // The original: nobody has it.
                    script.drop.panic_on_call(1, "as it is dropped");
                    assert_eq!(panic_of(|| publish(&bus, event)), "refused", "{name}");
                } else {
                    script.clone.panic_on_call(1, "as it is cloned");
                    assert_eq!(panic_of(|| publish(&bus, event)), "as it is cloned", "{name}");
                }
                assert_eq!(takes.len(), usize::from(is_started), "{name}");
            }
        }
        let bus = common::new_bus(0);
        let _refuses = bus.subscriber("refuses").filter(|_: &Bulk| panic!("refused")).subscribe();
        let takes = bus.subscribe(2);
        bus.start();
        assert_eq!(panic_of(|| bus.publish(Bulk([0; 4096])).is_ok()), "refused");
        assert_eq!(panic_of(|| bus.publisher().publish(Bulk([0; 4096])).is_ok()), "refused");
        assert_eq!(takes.len(), 2);
    });
}

/// A large event without a `Drop`.
#[derive(Clone, Copy)]
struct Bulk([u8; 4096]);

impl Default for Bulk {
    fn default() -> Self {
        Self([0; 4096])
    }
}

impl Event for Bulk {
    fn event_type(&self) -> EventType {
        EventType::intern(if self.0[0] == 0 { "bulk" } else { "other bulk" })
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// API, section 2: a large event that is refused is handed back, and counted as any other.
#[test]
fn refused_large_event_is_handed_back() {
    fn refused<E: Event + Clone>(event: impl Fn() -> E) {
        let bus = common::new_bus(1);
        let mut publisher = bus.publisher();
        bus.publish(event()).unwrap();
        assert!(matches!(bus.publish(event()), Err(PublishError::StartupFull(_))));
        assert!(matches!(publisher.publish(event()), Err(PublishError::StartupFull(_))));
        assert_eq!(bus.stats().startup_rejected, 2);
        let BatchError { taken, published, kind } = bus.publish_batch(&[event()]).unwrap_err();
        assert_eq!((taken, published.buffered, kind), (0, 0, BatchErrorKind::StartupFull));
        let reader = bus.subscribe(1);
        bus.start();
        assert_eq!((bus.publish(event()).unwrap().delivered, bus.publish(event()).unwrap().dropped), (1, 1));
        assert_eq!(publisher.publish(event()).unwrap().dropped, 1);
        bus.close();
        assert!(matches!(bus.publish(event()), Err(PublishError::Closed(_))));
        assert!(matches!(publisher.publish(event()), Err(PublishError::Closed(_))));
        assert_eq!((reader.len(), reader.stats().dropped, bus.stats().published), (2, 2, 4));
    }
    refused(|| Heavy::new(0).0);
    refused(|| Bulk([0; 4096]));

    // On a stack that hardly holds one.
    on_thread(|| {
        let bus = common::new_bus::<Frame>(0);
        assert!(bus.publish(Frame::EMPTY).is_err());
    });
    on_thread(|| {
        let bus = common::new_bus::<Frame>(0);
        assert!(bus.publisher().publish(Frame::EMPTY).is_err());
    });
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
/// are, and whether or not something was evicted for them.
#[test]
fn large_events_that_panic_leave_their_rooms() {
    type Publish = fn(&EventBus<Fragile>, bool) -> Published;
    let ways: [Publish; 3] = [
        |bus, panics| bus.publish(Fragile::new(panics)).map_err(|_| ()).unwrap(),
        |bus, panics| bus.publisher().publish(Fragile::new(panics)).map_err(|_| ()).unwrap(),
        |bus, panics| bus.publish_batch(&[Fragile::new(panics)]).unwrap(),
    ];
    for (publish, fill) in ways.into_iter().flat_map(|way| [0, 1, 2].map(|fill| (way, fill))) {
        let bus = common::new_bus(0);
        let keeping = bus.subscribe(2);
        let evicting = bus.subscriber("evicting").capacity(2).overflow(Overflow::DropOldest).subscribe();
        bus.start();
        for _ in 0..fill {
            assert_eq!(publish(&bus, false).delivered, 2);
        }
        for _ in 0..8 {
            assert_eq!(panic_of(|| publish(&bus, true)), "as it is cloned");
        }
        assert_eq!(keeping.try_iter().count(), fill);
        for _ in 0..2 {
            assert_eq!(publish(&bus, false).delivered, 2);
        }
        assert_eq!((keeping.len(), keeping.lost()), (2, 8));
        assert_eq!(publish(&bus, false).dropped, 1, "the other one always takes it");
        assert_eq!((evicting.len(), stats_of(&bus, "evicting").dropped), (2, 8));
    }
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

/// G2, G10: a large event that comes after `Closed` is discarded as any other is.
#[test]
fn large_event_delivered_after_closed_is_discarded() {
    let bus = common::new_bus(0);
    bus.start();
    let _subscriptions = subscribe_to_be_told_closed(&bus, 2);
    let token = Token(Arc::new(()));
    bus.publish(Bulky::new(&token)).map_err(|_| ()).unwrap();
    let stats = stats_of(&bus, "told");
    assert_eq!((stats.received, stats.len, stats.discarded), (0, 0, 1));
    assert_eq!(token.copies(), 0);
}
