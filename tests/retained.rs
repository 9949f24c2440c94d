//! Retained events: what a subscriber gets that comes late.

use crate::common::{
    self, ANSWER, Action, CountingWaker, EVEN, Finish, Gate, LANES, LONG, Number, ODD, Plain, QUESTION, Stamped, Talk,
    Token, answers, numbers, panic_of, poll_next, ring, stats_of,
};
use ringbus::{
    BatchErrorKind, DynEvent, Event, EventBus, EventKind, EventType, Overflow, PublishError, Published, Request,
    RequestError, RequestId, RequestOptions, Response, Subscription, TryRecvError, WeakEventBus,
};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::panic_any;
use std::pin::pin;
use std::rc::Rc;
use std::slice;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, SystemTime};

/// A bus that retains these types and has not started.
fn retaining<E: Event + Clone>(types: impl IntoIterator<Item = EventType>) -> EventBus<E> {
    EventBus::builder().startup_capacity(16).ring(ring()).retain(types).build()
}

/// The same, live.
fn live_retaining<E: Event + Clone>(types: impl IntoIterator<Item = EventType>) -> EventBus<E> {
    let bus = retaining(types);
    bus.start();
    bus
}

fn publish<const N: usize>(bus: &EventBus<Number>, numbers: [u64; N]) {
    for number in numbers {
        bus.publish(Number(number)).unwrap();
    }
}

fn received(subscription: &Subscription<Number>) -> Vec<u64> {
    subscription.try_iter().map(|Number(number)| number).collect()
}

// G14.
#[test]
fn late_subscriber_receives_the_last_event_first_and_then_every_later_one() {
    let bus = live_retaining([EVEN]);
    let early = bus.subscribe(16);
    publish(&bus, [2, 1, 4, 3]);
    let late = bus.subscribe(16);
    publish(&bus, [5, 6, 8]);
    assert_eq!(received(&early), [2, 1, 4, 3, 5, 6, 8]);
    assert_eq!(received(&late), [4, 5, 6, 8]);
    let latest = bus.subscribe(16);
    assert_eq!(received(&latest), [8]);
}

// G14: they need no room in the ring, and come in the order in which they were published.
#[test]
fn retained_events_of_all_types_come_in_order_whatever_the_ring_holds() {
    let bus = live_retaining(LANES);
    let stamped = |lane, sequence| Stamped { publisher: 0, sequence, lane };
    for (sequence, lane) in [3, 0, 2, 0, 1, 3].into_iter().enumerate() {
        bus.publish(stamped(lane, sequence as u64)).unwrap();
    }
    let late = bus.subscribe(1);
    assert_eq!(bus.publish(stamped(0, 6)).unwrap().delivered, 1);
    assert_eq!(bus.publish(stamped(0, 7)).unwrap().dropped, 1);
    assert_eq!((late.len(), late.stats().len, late.stats().unread_replay), (5, 1, 4));
    let all: Vec<_> = late.try_iter().map(|event| (event.lane, event.sequence)).collect();
    assert_eq!(all, [(2, 2), (0, 3), (1, 4), (3, 5), (0, 6)]);
    assert_eq!((late.len(), late.lost(), late.stats().received), (0, 1, 5));
}

// G14: "that it wants".
#[test]
fn subscriber_gets_what_it_wants_of_the_retained_events() {
    let bus = live_retaining([EVEN, ODD]);
    publish(&bus, [2, 3]);
    let odd = bus.subscriber("odd").types([ODD]).subscribe();
    assert_eq!(odd.len(), 1);
    let small = bus.subscriber("small").filter(|Number(number)| *number < 3).subscribe();
    let neither = bus.subscriber("neither").types([EventType::new("neither")]).subscribe();
    let none = bus.subscriber("none").retained(false).subscribe();
    assert_eq!((neither.len(), none.len()), (0, 0));
    publish(&bus, [1]);
    assert_eq!(received(&odd), [3, 1]);
    assert_eq!(received(&small), [2, 1]);
    assert_eq!(stats_of(&bus, "small").filtered, 1);
    assert!(received(&neither).is_empty());
    assert_eq!(received(&none), [1]);
}

#[test]
fn bus_tells_what_it_retains_until_it_is_forgotten() {
    let bus = retaining([EVEN]);
    assert_eq!(bus.retained(EVEN), None);
    publish(&bus, [2, 3, 4, 5]);
    assert_eq!(bus.retained(EVEN), Some(Number(4)), "in the start-up buffer");
    bus.start();
    assert_eq!((bus.retained(EVEN), bus.retained(ODD)), (Some(Number(4)), None));
    publish(&bus, [6, 7]);
    assert_eq!((bus.retained(EVEN), bus.retained(ODD)), (Some(Number(6)), None));
    bus.forget(ODD);
    assert_eq!(bus.retained(EVEN), Some(Number(6)), "another type, and not a retained one");
    bus.forget(EVEN);
    bus.forget(EVEN);
    assert_eq!(bus.retained(EVEN), None);
    let late = bus.subscribe(4);
    publish(&bus, [8]);
    assert_eq!((received(&late), bus.retained(EVEN)), (vec![8], Some(Number(8))));
}

// G14: who has subscribed keeps what it was entitled to.
#[test]
fn forgetting_takes_nothing_from_those_who_have_subscribed() {
    let bus = live_retaining([EVEN]);
    publish(&bus, [2]);
    let late = bus.subscribe(4);
    bus.forget(EVEN);
    assert_eq!(received(&late), [2]);
}

#[test]
fn empty_list_retains_nothing_and_a_type_named_twice_counts_once() {
    let bus = EventBus::builder().retain([ODD]).retain([]).build();
    bus.start();
    publish(&bus, [1]);
    assert_eq!((bus.retained(ODD), bus.subscribe(4).len()), (None, 0));
    let bus = live_retaining([ODD, EVEN, ODD]);
    publish(&bus, [1]);
    let late = bus.subscribe(4);
    assert_eq!((late.len(), received(&late)), (1, vec![1]));
}

// G3, G14: the replay has them all, and nothing comes twice.
#[test]
fn start_replays_to_those_before_it_and_retains_for_those_after_it() {
    let bus = retaining([EVEN]);
    publish(&bus, [2, 4, 1]);
    let early = bus.subscribe(1);
    publish(&bus, [6, 3]);
    assert_eq!(bus.start(), 5);
    let late = bus.subscribe(4);
    assert_eq!((early.len(), late.len()), (5, 1));
    publish(&bus, [8]);
    assert_eq!(received(&early), [2, 4, 1, 6, 3, 8]);
    assert_eq!(received(&late), [6, 8]);
}

// G10, G14: who comes before the start has the replay to read, and no retained events besides.
#[test]
fn subscriber_of_before_the_start_has_nothing_to_read_but_the_replay() {
    let bus = retaining([EVEN, ODD]);
    publish(&bus, [2]);
    let early = bus.subscribe(1);
    assert_eq!((early.len(), early.stats().unread_replay), (0, 0));
    bus.start();
    assert_eq!((early.len(), early.stats().unread_replay), (1, 1));
    assert_eq!(received(&early), [2]);
    assert_eq!((early.len(), early.stats().unread_replay), (0, 0));
    assert!(bus.close_and_drain(Duration::ZERO).is_complete());
}

// G14.
#[test]
fn what_was_forgotten_before_the_start_is_replayed_and_not_retained() {
    let bus = retaining([EVEN, ODD]);
    publish(&bus, [2, 1]);
    bus.forget(EVEN);
    assert_eq!((bus.retained(EVEN), bus.retained(ODD)), (None, Some(Number(1))));
    let early = bus.subscribe(4);
    bus.start();
    let late = bus.subscribe(4);
    assert_eq!((received(&early), received(&late)), (vec![2, 1], vec![1]));
    let bus = retaining([EVEN]);
    publish(&bus, [2]);
    bus.forget(EVEN);
    publish(&bus, [4]);
    bus.start();
    assert_eq!(received(&bus.subscribe(4)), [4]);
    // Also if another type is looked for up to the beginning.
    let bus = retaining([EVEN, ODD]);
    publish(&bus, [2]);
    bus.forget(EVEN);
    bus.start();
    assert_eq!((bus.retained(EVEN), received(&bus.subscribe(4))), (None, vec![]));
}

// G14: also in the midst of a batch, and with a snapshot at hand.
#[test]
fn batches_and_publishers_retain() {
    let bus = retaining([EVEN]);
    bus.publish_batch(&numbers(0..3)).unwrap();
    bus.start();
    let early = bus.subscribe(32);
    let mut publisher = bus.publisher();
    for next in [3, 13] {
        assert_eq!(publisher.publish_batch(&numbers(next..next + 4)).unwrap().delivered, 4);
        for number in next + 4..next + 10 {
            let late = bus.subscribe(4);
            assert_eq!(publisher.publish(Number(number)).unwrap().delivered, 2);
            assert_eq!(received(&late), [(number - 1) / 2 * 2, number]);
        }
    }
    let expected: Vec<_> = [2].into_iter().chain(3..23).collect();
    assert_eq!(received(&early), expected);
    assert_eq!(bus.publish_batch(&numbers(23..30)).unwrap(), Published { buffered: 0, delivered: 7, dropped: 0 });
    assert_eq!((bus.retained(EVEN), early.len()), (Some(Number(28)), 7));
    assert_eq!((bus.stats().published, bus.stats().delivered), (3 + 20 + 7, 20 + 12 + 7));
}

// G2: whichever way they go, among those of a retained type.
#[test]
fn events_that_are_not_retained_count_as_any_others() {
    let bus = live_retaining([EVEN]);
    let small = bus.subscribe(2);
    publish(&bus, [1, 3, 5]);
    assert_eq!((bus.stats().published, bus.stats().delivered, bus.stats().dropped), (3, 2, 1));
    assert_eq!(received(&small), [1, 3]);
    bus.publish_batch(&numbers(7..12)).unwrap();
    assert_eq!((bus.stats().published, bus.stats().delivered, bus.stats().dropped), (8, 4, 4));
}

// G2: who loses a retained event is lagging, as by any other.
#[test]
fn lag_that_a_retained_event_begins_is_reported() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let bus = live_retaining([EVEN]);
        let lags = Arc::<Mutex<Vec<_>>>::default();
        let of_hook = Arc::clone(&lags);
        bus.on_lag(move |lag| of_hook.lock().unwrap().push((lag.subscriber.to_string(), lag.event_type)));
        let small = bus.subscriber("small").capacity(1).overflow(overflow).subscribe();
        publish(&bus, [1, 2, 4]);
        assert_eq!(*lags.lock().unwrap(), [("small".to_owned(), EVEN)]);
        assert!(small.stats().lagging);
        assert_eq!(received(&small).len(), 1);
        assert!(!small.stats().lagging);
        publish(&bus, [1, 2]);
        assert_eq!(lags.lock().unwrap().len(), 2, "another episode");
    }
}

// G8: a response and a request can be retained as any other event.
#[test]
fn retained_responses_answer_and_retained_requests_ask() {
    let bus = live_retaining([QUESTION, ANSWER]);
    let questions = bus.subscriber("questions").types([QUESTION]).subscribe();
    let id = RequestId::unique();
    let options = RequestOptions::expecting(["a", "b"]);
    let gather = bus.request(Talk::Question(id.clone()), options).unwrap();
    assert_eq!(gather.published().delivered, 1);
    common::answer(&bus, &id, "a", 1);
    bus.publish_batch(&[Talk::Answer { to: id.clone(), by: "b", value: 2 }]).unwrap();
    assert_eq!(answers(&gather.wait().unwrap().responses), [("a", 1), ("b", 2)]);
    assert_eq!(questions.try_recv(), Ok(Talk::Question(id.clone())));
    let late = bus.subscribe(4);
    assert_eq!(late.try_recv(), Ok(Talk::Question(id.clone())));
    assert_eq!(late.try_recv(), Ok(Talk::Answer { to: id, by: "b", value: 2 }));
}

/// A request that answers itself.
#[derive(Clone)]
struct Echo(RequestId);

impl Event for Echo {
    fn event_type(&self) -> EventType {
        EVEN
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn as_request(&self) -> Option<&dyn Request> {
        Some(self)
    }

    fn as_response(&self) -> Option<&dyn Response> {
        Some(self)
    }
}

impl Request for Echo {
    fn request_id(&self) -> RequestId {
        self.0.clone()
    }
}

impl Response for Echo {
    fn request_id(&self) -> RequestId {
        self.0.clone()
    }

    fn responder(&self) -> &str {
        "echo"
    }
}

// G8.
#[test]
fn retained_request_that_is_a_response_answers_itself() {
    let bus = live_retaining([EVEN]);
    let _heard = bus.subscribe(4);
    let gather = bus.request(Echo(RequestId::unique()), RequestOptions::expecting(["echo"])).unwrap();
    assert_eq!(gather.wait().unwrap().responses.len(), 1);
}

// G8: a request that nobody gets was not accepted, and so it answers nothing.
#[test]
fn retained_request_that_nobody_gets_answers_nothing() {
    let bus = live_retaining([EVEN]);
    let refused = bus.request(Echo(RequestId::unique()), RequestOptions::expecting(["echo"]));
    assert!(matches!(refused, Err(RequestError::NotDelivered(_))));
    assert_eq!((bus.stats().late_responses, bus.stats().requests_in_flight), (0, 0));
}

#[test]
fn typed_subscription_gets_the_retained_event_of_its_type() {
    struct Leader(u32);
    impl EventKind for Leader {
        const EVENT_TYPE: EventType = EventType::new("leader");
    }
    impl Event for Leader {
        fn event_type(&self) -> EventType {
            Self::EVENT_TYPE
        }
        fn timestamp(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH
        }
    }
    let bus: EventBus<DynEvent> = live_retaining([Leader::EVENT_TYPE]);
    bus.publish(Arc::new(Leader(7))).unwrap();
    bus.publish(Arc::new(Number(1))).unwrap();
    let leaders = bus.subscribe_to::<Leader>(4);
    assert_eq!(leaders.recv().unwrap().0, 7);
    assert!(leaders.is_empty());
}

// G2: an eviction takes an event out of the ring, and none of the retained ones.
#[test]
fn subscriber_that_evicts_keeps_its_retained_event() {
    let bus = live_retaining([EVEN]);
    publish(&bus, [2]);
    let late = bus.subscriber("late").capacity(1).overflow(Overflow::DropOldest).subscribe();
    publish(&bus, [4]);
    let published = bus.publish(Number(6)).unwrap();
    assert_eq!((published.delivered, published.dropped), (1, 0), "who evicts gets the event");
    assert_eq!(received(&late), [2, 6]);
    assert_eq!((late.stats().received, late.stats().evicted), (2, 1));
}

// G10, G11.
#[test]
fn close_lets_go_of_what_is_retained_and_leaves_it_to_those_who_have_subscribed() {
    let event = Token(Arc::new(()));
    let bus = live_retaining([event.event_type()]);
    bus.publish(event.clone()).unwrap();
    let late = bus.subscribe(4);
    bus.close();
    assert!(bus.retained(event.event_type()).is_none());
    bus.forget(event.event_type());
    assert!(matches!(bus.publish(event.clone()), Err(PublishError::Closed(_))));
    assert_eq!(bus.publish_batch(slice::from_ref(&event)).unwrap_err().kind, BatchErrorKind::Closed);
    assert!(late.try_recv().is_ok());
    assert_eq!(late.try_recv().unwrap_err(), TryRecvError::Closed);
    drop(late);
    assert_eq!(event.copies(), 0);
    assert!(bus.subscribe(4).try_recv().is_err());
}

// G9, G10: a close lets go of what is retained, and that may close the bus once more: when that
// call has returned, subscribers are told so, although the first one is still under way.
#[test]
fn retained_event_that_closes_the_bus_as_it_is_dropped_finds_it_closed() {
    struct OnDrop(Box<dyn Fn() + Send + Sync>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    #[derive(Clone)]
    struct Leader(#[allow(dead_code, reason = "only its `Drop` matters")] Arc<OnDrop>);
    impl Event for Leader {
        fn event_type(&self) -> EventType {
            EVEN
        }

        fn timestamp(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH
        }
    }
    thread_local! {
        static OTHER: RefCell<Option<Subscription<Leader>>> = const { RefCell::new(None) };
        static TOLD: Cell<Option<TryRecvError>> = const { Cell::new(None) };
    }
    let bus = live_retaining::<Leader>([EVEN]);
    let weak = bus.downgrade();
    let closes_again = move || {
        weak.upgrade().unwrap().close();
        TOLD.set(OTHER.with_borrow(|other| other.as_ref().unwrap().try_recv().err()));
    };
    assert!(bus.publish(Leader(Arc::new(OnDrop(Box::new(closes_again))))).is_ok());
    OTHER.set(Some(bus.subscriber("other").types([ODD]).subscribe()));
    bus.close();
    assert_eq!(TOLD.get(), Some(TryRecvError::Closed));
}

// G14: whatever was published and forgotten, in whichever order, before the start and after it.
#[test]
fn last_events_are_retained_in_every_sequence_of_six_steps() {
    for sequence in 0..4_u64.pow(6) {
        let bus = retaining([EVEN, ODD]);
        let early = bus.subscribe(8);
        let (mut last, mut published) = ([None, None], Vec::new());
        for step in 0..6 {
            match sequence / 4_u64.pow(step) % 4 {
                parity @ (0 | 1) => {
                    let number = 2 * u64::from(step) + parity;
                    publish(&bus, [number]);
                    last[parity as usize] = Some(number);
                    published.push(number);
                }
                2 => {
                    bus.forget(EVEN);
                    last[0] = None;
                }
                _ => _ = bus.start(),
            }
            let retained = [EVEN, ODD].map(|event_type| bus.retained(event_type).map(|event| event.0));
            assert_eq!(retained, last, "sequence {sequence}, step {step}");
        }
        bus.start();
        let late = bus.subscribe(1);
        last.sort_unstable();
        let expected: Vec<_> = last.into_iter().flatten().collect();
        assert_eq!(late.len(), expected.len(), "sequence {sequence}");
        assert_eq!((received(&late), received(&early)), (expected, published), "sequence {sequence}");
    }
}

// G11: no more than one event of a type is kept.
#[test]
fn nothing_is_kept_but_the_last_event() {
    let event = Token(Arc::new(()));
    let bus = live_retaining([event.event_type()]);
    for _ in 0..100 {
        bus.publish(event.clone()).unwrap();
        assert_eq!(event.copies(), 1);
        bus.publish_batch(slice::from_ref(&event)).unwrap();
        assert_eq!(event.copies(), 1);
        let mut publisher = bus.publisher();
        publisher.publish(event.clone()).unwrap();
        assert_eq!(event.copies(), 1);
        publisher.publish_batch(slice::from_ref(&event)).unwrap();
        assert_eq!(event.copies(), 1);
    }
    drop(bus.subscribe(4));
    assert_eq!(event.copies(), 1);
    let late = bus.subscribe(4);
    assert_eq!(late.try_recv_many(&mut Vec::new(), 4), 1);
    bus.forget(event.event_type());
    assert_eq!(event.copies(), 0, "not by who has received it either");
    drop(late);
    bus.publish(event.clone()).unwrap();
    bus.forget(event.event_type());
    assert_eq!(event.copies(), 0);
    bus.publish(event.clone()).unwrap();
    drop(bus);
    assert_eq!(event.copies(), 0);
}

// G11: nor does a publisher keep what its own event displaces.
#[test]
fn publisher_keeps_nothing_but_the_last_event() {
    let event = Token(Arc::new(()));
    let bus = live_retaining([event.event_type()]);
    let mut publisher = bus.publisher();
    for _ in 0..4 {
        publisher.publish(event.clone()).unwrap();
        assert_eq!(event.copies(), 1);
    }
    for _ in 0..4 {
        publisher.publish_batch(slice::from_ref(&event)).unwrap();
        assert_eq!(event.copies(), 1);
    }
}

// G11: the start-up log goes as without retained events, whichever types have one.
#[test]
fn start_keeps_the_last_event_and_not_the_log() {
    let event = Token(Arc::new(()));
    let token = event.event_type();
    for types in [vec![token], vec![token, EVEN], vec![EVEN, token], vec![EVEN, ODD], vec![]] {
        for case in 0..8 {
            let [forgets, reads, closes] = [1, 2, 4].map(|bit| case & bit != 0);
            let bus = retaining(types.iter().copied());
            for _ in 0..5 {
                bus.publish(event.clone()).unwrap();
            }
            if forgets {
                bus.forget(token);
            }
            let reader = reads.then(|| bus.subscribe(1));
            if closes {
                bus.close();
            } else {
                bus.start();
            }
            assert_eq!(reader.iter().flat_map(Subscription::try_iter).count(), if reads { 5 } else { 0 });
            let is_retained = types.contains(&token) && !forgets && !closes;
            let case = format!("{types:?}, forgets {forgets}, reads {reads}, closes {closes}");
            assert_eq!(event.copies(), usize::from(is_retained), "{case}");
        }
    }
}

// G10: a stop ends what comes, and takes nothing away.
#[test]
fn stopped_subscriber_still_receives_its_retained_event() {
    let bus = live_retaining([EVEN]);
    publish(&bus, [2]);
    let late = bus.subscribe(4);
    publish(&bus, [4]);
    late.stop_handle().stop();
    publish(&bus, [6]);
    assert_eq!(received(&late), [2, 4]);
    assert_eq!(late.try_recv(), Err(TryRecvError::Closed));
}

// G2, G14: what was retained is in the statistics as the replay is.
#[test]
fn unread_retained_events_count_as_unread_replay() {
    let bus = live_retaining([EVEN, ODD]);
    publish(&bus, [1, 2]);
    let late = bus.subscriber("late").subscribe();
    publish(&bus, [3]);
    assert_eq!((stats_of(&bus, "late").unread_replay, stats_of(&bus, "late").len, late.len()), (2, 1, 3));
    let drained = bus.close_and_drain(Duration::ZERO);
    assert_eq!(drained.to_string(), "late has 3 events unread");
    let mut some = Vec::new();
    assert_eq!(late.try_recv_many(&mut some, 2), 2);
    assert_eq!((some, late.stats().unread_replay, late.len()), (vec![Number(1), Number(2)], 0, 1));
    assert_eq!(late.recv(), Ok(Number(3)));
    assert!(bus.close_and_drain(Duration::ZERO).is_complete());
    // Also if there is nothing else.
    let bus = live_retaining([EVEN]);
    publish(&bus, [2]);
    let late = bus.subscriber("late").subscribe();
    assert_eq!(bus.close_and_drain(Duration::ZERO).to_string(), "late has 1 event unread");
    assert_eq!(late.recv(), Ok(Number(2)));
    assert!(bus.close_and_drain(Duration::ZERO).is_complete());
}

// G7.
#[test]
fn retained_event_is_there_for_every_way_to_receive() {
    let bus = live_retaining([EVEN]);
    publish(&bus, [2]);
    assert_eq!(bus.subscribe(4).recv(), Ok(Number(2)));
    assert_eq!(bus.subscribe(4).recv_timeout(LONG), Ok(Number(2)));
    let mut many = Vec::new();
    assert_eq!(bus.subscribe(4).recv_many(&mut many, 4), Ok(1));
    let mut late = bus.subscribe(4);
    assert_eq!(common::poll_next(&mut late, std::task::Waker::noop()), std::task::Poll::Ready(Some(Number(2))));
    let sleeper = common::spawn_sleeper(move || (late.recv(), late.recv()));
    publish(&bus, [4, 5]);
    assert_eq!(sleeper.join(), (Ok(Number(4)), Ok(Number(5))));
}

/// An event whose methods, `Clone` and `Drop` do what a test says.
struct Acting {
    number: u64,
    on_type: Arc<Action>,
    on_clone: Arc<Action>,
    on_drop: Arc<Action>,
}

impl Acting {
    fn new(number: u64) -> Self {
        Self { number, on_type: Arc::default(), on_clone: Arc::default(), on_drop: Arc::default() }
    }
}

impl Clone for Acting {
    fn clone(&self) -> Self {
        self.on_clone.call();
        Self {
            number: self.number,
            on_type: Arc::clone(&self.on_type),
            on_clone: Arc::clone(&self.on_clone),
            on_drop: Arc::clone(&self.on_drop),
        }
    }
}

impl Drop for Acting {
    fn drop(&mut self) {
        self.on_drop.call();
    }
}

impl Event for Acting {
    fn event_type(&self) -> EventType {
        self.on_type.call();
        Number(self.number).event_type()
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

// G9: as for the replay.
#[test]
fn panic_while_a_retained_event_is_received_costs_that_event() {
    let bus = live_retaining([EVEN, ODD]);
    let event = Acting::new(2);
    let on_clone = Arc::clone(&event.on_clone);
    bus.publish(event).unwrap();
    bus.publish(Acting::new(1)).unwrap();
    let late = bus.subscriber("late").subscribe();
    on_clone.panic_on_call(1, "no copy");
    assert_eq!(panic_of(|| late.try_recv()), "no copy");
    assert_eq!(late.try_recv().unwrap().number, 1);
    assert_eq!((stats_of(&bus, "late").discarded, stats_of(&bus, "late").received), (1, 1));
    on_clone.panic_on_call(1, "no copy");
    assert_eq!(panic_of(|| bus.retained(EVEN)), "no copy");
    assert!(bus.retained(EVEN).is_some());
}

// G9: one subscriber loses one event, and the event is retained.
#[test]
fn panic_while_a_retained_event_is_published_costs_one_subscriber() {
    let bus = live_retaining([EVEN]);
    let first = bus.subscriber("first").subscribe();
    let second = bus.subscriber("second").subscribe();
    let event = Acting::new(2);
    event.on_clone.panic_on_call(1, "no copy");
    assert_eq!(panic_of(|| bus.publish(event)), "no copy");
    assert_eq!((first.lost(), first.len(), second.lost(), second.len()), (1, 0, 0, 1));
    assert_eq!((bus.stats().published, bus.stats().delivered, bus.stats().dropped), (1, 1, 1));
    assert_eq!(bus.retained(EVEN).unwrap().number, 2);
    assert_eq!(bus.publish(Acting::new(4)).unwrap().delivered, 2, "the next one comes to both");
}

// G9: the `Drop` of a copy that a full ring has not kept, or of an older one that made room, panics
// once everybody was served.
#[test]
fn panicking_drop_of_a_retained_event_that_is_lost_disturbs_nobody() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let bus = live_retaining([EVEN]);
        let full = bus.subscriber("full").capacity(1).overflow(overflow).subscribe();
        let (first, second) = (Acting::new(1), Acting::new(2));
        let lost = if overflow == Overflow::DropNewest { &second } else { &first };
        let on_drop = Arc::clone(&lost.on_drop);
        bus.publish(first).unwrap();
        let behind = bus.subscribe(4);
        on_drop.panic_on_call(1, "no end");
        assert_eq!(panic_of(|| bus.publish(second)), "no end");
        assert_eq!((full.len(), full.lost(), behind.len()), (1, 1, 1));
        let (delivered, dropped) = if overflow == Overflow::DropNewest { (2, 1) } else { (3, 0) };
        assert_eq!((bus.stats().published, bus.stats().delivered, bus.stats().dropped), (2, delivered, dropped));
    }
}

// G6, G12: nothing is kept of an event whose publish finds the bus closed.
#[test]
fn event_that_closes_the_bus_on_its_way_comes_back() {
    let closing = |bus: &EventBus<Acting>| {
        let event = Acting::new(2);
        let weak = bus.downgrade();
        event.on_type.on_call(1, move || weak.upgrade().unwrap().close());
        event
    };
    let bus = live_retaining([EVEN]);
    let early = bus.subscribe(4);
    let back = bus.publish(closing(&bus));
    assert!(matches!(back, Err(PublishError::Closed(Acting { number: 2, .. }))));
    assert_eq!((early.try_recv().err(), bus.stats().published), (Some(TryRecvError::Closed), 0));

    let bus = live_retaining([EVEN]);
    let mut publisher = bus.publisher();
    publisher.publish(Acting::new(1)).unwrap();
    let back = publisher.publish(closing(&bus));
    assert!(matches!(back, Err(PublishError::Closed(Acting { number: 2, .. }))));

    for before in [0, 1] {
        let bus = live_retaining([EVEN]);
        let early = bus.subscribe(4);
        let batch = if before == 0 { vec![closing(&bus)] } else { vec![Acting::new(1), closing(&bus)] };
        let error = bus.publish_batch(&batch).unwrap_err();
        assert_eq!((error.taken, error.kind), (0, BatchErrorKind::Closed));
        assert_eq!((early.len(), bus.stats().published), (0, 0));
    }
}

// G9: whoever displaces an event is not answerable for its `Drop`.
#[test]
fn panic_of_a_displaced_event_goes_no_further() {
    let bus = live_retaining([EVEN]);
    for displace in
        [|bus: &EventBus<Acting>| drop(bus.publish(Acting::new(4))), |bus: &EventBus<Acting>| bus.forget(EVEN)]
    {
        let event = Acting::new(2);
        let on_drop = Arc::clone(&event.on_drop);
        bus.publish(event).unwrap();
        on_drop.panic_on_call(1, "no end");
        displace(&bus);
        assert!(!on_drop.is_pending());
    }
}

// G5, G9, G14: user code that an event runs may publish others of its type, one on the way of the
// other, or both on the way of the first. They come behind it.
#[test]
fn event_published_by_a_filter_for_another_of_its_type_comes_behind_that() {
    type Next = fn(u64) -> &'static [u64];
    let ways: [Next; 2] = [
        |number| match number {
            2 => &[4],
            4 => &[6],
            _ => &[],
        },
        |number| if number == 2 { &[4, 6] } else { &[] },
    ];
    for next in ways {
        let bus = live_retaining::<Number>([EVEN]);
        let weak = bus.downgrade();
        let nested = Arc::new(Mutex::new(Vec::new()));
        let before = bus.subscriber("before").subscribe();
        let filtering = bus
            .subscriber("filtering")
            .filter({
                let nested = Arc::clone(&nested);
                move |Number(number)| {
                    for &number in next(*number) {
                        let published = weak.upgrade().unwrap().publish(Number(number)).unwrap();
                        nested.lock().unwrap().push(published);
                    }
                    true
                }
            })
            .subscribe();
        let after = bus.subscriber("after").subscribe();
        let small = bus.subscriber("small").capacity(1).subscribe();
        let published = bus.publish(Number(2)).unwrap();
        assert_eq!(published, Published { buffered: 0, delivered: 10, dropped: 2 });
        let left = Published { buffered: 1, delivered: 0, dropped: 0 };
        assert_eq!(*nested.lock().unwrap(), [left, left]);
        for subscription in [before, filtering, after] {
            assert_eq!(received(&subscription), [2, 4, 6]);
        }
        assert_eq!((received(&small), small.lost()), (vec![2], 2));
        assert_eq!(bus.retained(EVEN), Some(Number(6)));
        assert_eq!((bus.stats().published, bus.stats().delivered, bus.stats().dropped), (3, 10, 2));
    }
}

// G6, G14: who comes while an event is on its way gets the one behind it as well.
#[test]
fn subscriber_that_comes_on_the_way_of_an_event_misses_nothing_behind_it() {
    let bus = live_retaining::<Number>([EVEN]);
    let (weak, came) = (bus.downgrade(), Arc::<Mutex<Option<Subscription<Number>>>>::default());
    let coming = Arc::clone(&came);
    let filtering = bus.subscriber("filtering").filter(move |number: &Number| {
        if number.0 == 2 {
            let bus = weak.upgrade().unwrap();
            *coming.lock().unwrap() = Some(bus.subscribe(4));
            bus.publish(Number(4)).unwrap();
        }
        true
    });
    let filtering = filtering.subscribe();
    publish(&bus, [2]);
    let late = came.lock().unwrap().take().unwrap();
    assert_eq!((received(&filtering), received(&late)), (vec![2, 4], vec![2, 4]));
}

// G8, G14: nor does an answer get lost that comes behind another on its way.
#[test]
fn answer_that_is_published_on_the_way_of_another_is_gathered() {
    let bus = live_retaining::<Talk>([ANSWER]);
    let _questions = bus.subscriber("questions").types([QUESTION]).subscribe();
    let id = RequestId::from(1);
    let gather = bus.request(Talk::Question(id.clone()), RequestOptions::expecting(["a", "b"])).unwrap();
    let weak = bus.downgrade();
    let answering = bus.subscriber("answering").filter(move |talk: &Talk| {
        if let Talk::Answer { to, by: "a", .. } = talk {
            common::answer(&weak.upgrade().unwrap(), to, "b", 2);
        }
        true
    });
    let _answering = answering.subscribe();
    common::answer(&bus, &id, "a", 1);
    assert_eq!((gather.received(), bus.stats().late_responses), (2, 0));
    let mut gathered = answers(&gather.wait().unwrap().responses);
    gathered.sort_unstable();
    assert_eq!(gathered, [("a", 1), ("b", 2)]);
}

// G9, G14: an event whose filter has panicked has been offered there, and is not once more by the
// one behind it.
#[test]
fn panic_on_the_way_of_an_event_costs_that_once() {
    let bus = live_retaining::<Number>([EVEN]);
    let (weak, offered) = (bus.downgrade(), Arc::<Mutex<Vec<u64>>>::default());
    let seen = Arc::clone(&offered);
    let failing = bus.subscriber("failing").filter(move |number: &Number| {
        let is_first = {
            let mut seen = seen.lock().unwrap();
            seen.push(number.0);
            seen.len() == 1
        };
        if is_first {
            weak.upgrade().unwrap().publish(Number(4)).unwrap();
            panic_any("no filter");
        }
        true
    });
    let failing = failing.subscribe();
    assert_eq!(panic_of(|| bus.publish(Number(2))), "no filter");
    assert_eq!(*offered.lock().unwrap(), [2, 4]);
    assert_eq!((received(&failing), failing.lost()), (vec![4], 1));
}

// G14: what is published while the start is still at it is the last one, and not what that finds.
#[test]
fn event_published_by_a_waker_of_the_start_is_the_last_one() {
    struct Publishes(WeakEventBus<Number>);
    impl Wake for Publishes {
        fn wake(self: Arc<Self>) {
            self.0.upgrade().unwrap().publish(Number(4)).unwrap();
        }
    }
    let bus = retaining([EVEN]);
    let mut early = bus.subscribe(4);
    assert!(poll_next(&mut early, &Waker::from(Arc::new(Publishes(bus.downgrade())))).is_pending());
    publish(&bus, [2]);
    bus.start();
    assert_eq!(bus.retained(EVEN), Some(Number(4)));
    assert_eq!((received(&early), received(&bus.subscribe(4))), (vec![2, 4], vec![4]));
}

/// Two events of two types, and what makes each of them panic as it is dropped for the next time.
fn two_that_panic() -> ([Acting; 2], impl Fn() + Send + Sync) {
    let events = [1, 2].map(Acting::new);
    let drops = events.each_ref().map(|event| Arc::clone(&event.on_drop));
    (events, move || drops.iter().for_each(|on_drop| on_drop.panic_on_call(1, "no end")))
}

// G9: two panics in a row would abort the process, wherever the last shares are.
#[test]
fn retained_events_that_panic_as_the_bus_is_closed_abort_nothing() {
    common::in_own_process(module_path!(), "retained_events_that_panic_as_the_bus_is_closed_abort_nothing", || {
        let bus = live_retaining::<Acting>([EVEN, ODD]);
        let (events, arm) = two_that_panic();
        events.into_iter().for_each(|event| assert!(bus.publish(event).is_ok()));
        arm();
        bus.close();
    });
}

// G9.
#[test]
fn retained_events_that_panic_as_they_stay_unread_abort_nothing() {
    common::in_own_process(module_path!(), "retained_events_that_panic_as_they_stay_unread_abort_nothing", || {
        let bus = live_retaining::<Acting>([EVEN, ODD]);
        let (events, arm) = two_that_panic();
        events.into_iter().for_each(|event| assert!(bus.publish(event).is_ok()));
        let late = bus.subscribe(4);
        [EVEN, ODD].into_iter().for_each(|event_type| bus.forget(event_type));
        arm();
        assert_eq!(panic_of(|| drop(late)), "no end");
    });
}

// G9.
#[test]
fn retained_events_that_panic_as_they_are_found_in_vain_abort_nothing() {
    common::in_own_process(
        module_path!(),
        "retained_events_that_panic_as_they_are_found_in_vain_abort_nothing",
        || {
            let bus = retaining::<Acting>([EVEN, ODD]);
            let (events, arm) = two_that_panic();
            let weak = bus.downgrade();
            events[1].on_clone.on_call(1, move || {
                let bus = weak.upgrade().unwrap();
                [EVEN, ODD].into_iter().for_each(|event_type| bus.forget(event_type));
                arm();
            });
            events.into_iter().for_each(|event| assert!(bus.publish(event).is_ok()));
            assert_eq!(panic_of(|| bus.start()), "no end");
        },
    );
}

// G14: nor does one who comes in that moment wait for an event that the log does not have.
#[test]
fn subscriber_that_comes_while_the_start_looks_in_vain_has_nothing_to_read() {
    struct Subscribes(WeakEventBus<Number>, Mutex<Option<Subscription<Number>>>);
    impl Wake for Subscribes {
        fn wake(self: Arc<Self>) {
            *self.1.lock().unwrap() = self.0.upgrade().map(|bus| bus.subscribe(4));
        }
    }
    let bus = retaining([ODD]);
    let mut early = bus.subscribe(4);
    let waker = Arc::new(Subscribes(bus.downgrade(), Mutex::new(None)));
    assert!(poll_next(&mut early, &Waker::from(Arc::clone(&waker))).is_pending());
    publish(&bus, [2]);
    bus.start();
    let late = waker.1.lock().unwrap().take().unwrap();
    assert_eq!(late.try_recv(), Err(TryRecvError::Empty));
    assert_eq!((late.len(), late.stats().unread_replay), (0, 0));
}

// G2, G14: if two publishers have asked a filter about an event, it counts as filtered once.
#[test]
fn event_that_two_publishers_offer_is_refused_once() {
    let bus = live_retaining::<Number>([EVEN]);
    let (weak, here) = (bus.downgrade(), thread::current().id());
    let refusing = bus.subscriber("refusing").filter(move |_| {
        if thread::current().id() == here {
            let bus = weak.upgrade().unwrap();
            thread::spawn(move || bus.publish(Number(4)).unwrap()).finish();
        }
        false
    });
    let refusing = refusing.subscribe();
    publish(&bus, [2]);
    assert_eq!((refusing.len(), refusing.stats().filtered), (0, 2));
}

// G9: an event of a batch that cannot be cloned reaches nobody, and the rest of the batch does.
#[test]
fn event_of_a_batch_that_cannot_be_cloned_is_left_out() {
    let bus = live_retaining::<Acting>([EVEN]);
    let all = bus.subscribe(8);
    let batch = [1, 2, 3, 4].map(Acting::new);
    batch[1].on_clone.panic_on_call(1, "no copy");
    assert_eq!(panic_of(|| bus.publish_batch(&batch)), "no copy");
    assert_eq!(all.try_iter().map(|event| event.number).collect::<Vec<_>>(), [1, 3, 4]);
    assert_eq!(bus.retained(EVEN).map(|event| event.number), Some(4));
}

// G9: the copy of an event of a batch whose bus was closed meanwhile may panic as it is dropped:
// the first panic is the one that resumes.
#[test]
fn copy_that_comes_too_late_in_a_batch_may_panic_as_it_is_dropped() {
    let bus = live_retaining::<Acting>([EVEN]);
    let failing = bus.subscriber("failing").filter(|event: &Acting| {
        assert!(event.number % 2 == 0, "no filter");
        true
    });
    let _failing = failing.subscribe();
    let batch = [1, 2].map(Acting::new);
    let (weak, on_drop) = (bus.downgrade(), Arc::clone(&batch[1].on_drop));
    batch[1].on_clone.on_call(1, move || {
        weak.upgrade().unwrap().close();
        on_drop.panic_on_call(1, "no end");
    });
    assert_eq!(panic_of(|| bus.publish_batch(&batch)), "no filter");
    assert!(!batch[1].on_drop.is_pending());
}

// G9: an event that is forgotten on its way may panic as its publish drops it: the first panic is
// the one that resumes.
#[test]
fn event_that_is_forgotten_on_its_way_may_panic_as_it_is_dropped() {
    let bus = live_retaining::<Acting>([EVEN]);
    let weak = bus.downgrade();
    let failing = bus.subscriber("failing").filter(move |_: &Acting| {
        weak.upgrade().unwrap().forget(EVEN);
        panic_any("no filter")
    });
    let _failing = failing.subscribe();
    let event = Acting::new(2);
    let on_drop = Arc::clone(&event.on_drop);
    on_drop.panic_on_call(1, "no end");
    assert_eq!(panic_of(|| bus.publish(event)), "no filter");
    assert!(!on_drop.is_pending());
}

// G9: so may the copy of one in a batch, and the rest of the batch is published all the same.
#[test]
fn copy_that_is_forgotten_on_its_way_in_a_batch_may_panic_as_it_is_dropped() {
    let bus = live_retaining::<Acting>([EVEN]);
    let weak = bus.downgrade();
    let forgetting = bus.subscriber("forgetting").filter(move |event: &Acting| {
        weak.upgrade().unwrap().forget(EVEN);
        event.number % 2 == 1
    });
    let forgetting = forgetting.subscribe();
    let batch = [2, 1].map(Acting::new);
    batch[0].on_drop.panic_on_call(1, "no end");
    assert_eq!(panic_of(|| bus.publish_batch(&batch)), "no end");
    assert_eq!(forgetting.try_iter().map(|event| event.number).collect::<Vec<_>>(), [1]);
    assert_eq!((bus.stats().published, bus.stats().delivered), (2, 1));
}

// G2, G14: to forget an event takes it from nobody whom its publish has still to serve.
#[test]
fn event_that_is_forgotten_on_its_way_still_comes_before_the_next() {
    let bus = live_retaining::<Number>([EVEN]);
    let weak = bus.downgrade();
    let forgetting = bus
        .subscriber("forgetting")
        .filter(move |Number(number)| {
            if *number == 2 {
                let bus = weak.upgrade().unwrap();
                bus.forget(EVEN);
                bus.publish(Number(4)).unwrap();
            }
            true
        })
        .subscribe();
    let behind = bus.subscribe(4);
    assert_eq!(bus.publish(Number(2)).unwrap().delivered, 4);
    assert_eq!((received(&forgetting), received(&behind)), (vec![2, 4], vec![2, 4]));
    assert_eq!(bus.retained(EVEN), Some(Number(4)));
}

// G2, G14: what is published meanwhile of another retained type may overtake, and takes nobody's
// place.
#[test]
fn event_of_another_type_that_overtakes_costs_nobody_the_first() {
    let bus = live_retaining::<Number>([EVEN, ODD]);
    let weak = bus.downgrade();
    let filtering = bus
        .subscriber("filtering")
        .filter(move |Number(number)| {
            if *number == 2 {
                assert_eq!(weak.upgrade().unwrap().publish(Number(3)).unwrap().delivered, 2);
            }
            true
        })
        .subscribe();
    let behind = bus.subscribe(4);
    assert_eq!(bus.publish(Number(2)).unwrap().delivered, 2);
    assert_eq!((received(&filtering), received(&behind)), (vec![3, 2], vec![3, 2]));
}

// G7: a publish wakes those into whose rings it has put an earlier event, also if nobody wants its
// own.
#[test]
fn publish_that_nobody_wants_wakes_those_whom_it_helped_to_an_earlier_event() {
    let bus = live_retaining::<Number>([EVEN]);
    let weak = bus.downgrade();
    let (counter, waker) = common::CountingWaker::new();
    let is_first = AtomicBool::new(true);
    let _helped = bus
        .subscriber("helped")
        .filter(move |_| {
            if is_first.swap(false, SeqCst) {
                let bus = weak.upgrade().unwrap();
                let published = thread::spawn(move || bus.publish(Number(4)).unwrap()).finish();
                assert_eq!((published.delivered, counter.wakes()), (0, 1));
            }
            false
        })
        .subscribe();
    let mut sleeping = bus.subscriber("sleeping").filter(|Number(number)| *number == 2).subscribe();
    assert!(common::poll_next(&mut sleeping, &waker).is_pending());
    assert_eq!(bus.publish(Number(2)).unwrap().delivered, 1);
    assert_eq!(received(&sleeping), [2]);
}

// G2: whoever goes while an event is on its way discards it, and nobody has dropped it.
#[test]
fn event_for_somebody_who_goes_meanwhile_is_delivered_and_discarded() {
    let bus = live_retaining::<Number>([EVEN]);
    let going = Arc::<Mutex<Option<Subscription<Number>>>>::default();
    let _filtering = bus
        .subscriber("filtering")
        .filter({
            let going = Arc::clone(&going);
            move |_| {
                drop(going.lock().unwrap().take());
                true
            }
        })
        .subscribe();
    *going.lock().unwrap() = Some(bus.subscriber("going").subscribe());
    assert_eq!(bus.publish(Number(2)).unwrap(), Published { buffered: 0, delivered: 2, dropped: 0 });
    assert_eq!((bus.stats().delivered, bus.stats().dropped), (2, 0));
}

// G6: "taken" is where to go on.
#[test]
fn batch_whose_bus_is_closed_before_a_retained_event_tells_where_to_go_on() {
    for mut events in [vec![1, 3, 2, 5], vec![2, 1, 3, 4, 5], vec![2, 4, 1]] {
        let bus = live_retaining::<Number>([EVEN]);
        let weak = bus.downgrade();
        let closing = bus
            .subscriber("closing")
            .filter(move |Number(number)| {
                if *number == 1 {
                    weak.upgrade().unwrap().close();
                }
                true
            })
            .subscribe();
        let batch: Vec<_> = events.iter().copied().map(Number).collect();
        let taken = match bus.publish_batch(&batch) {
            Ok(published) => published.delivered,
            Err(error) => {
                assert_eq!((error.kind, error.published.delivered), (BatchErrorKind::Closed, error.taken));
                error.taken
            }
        };
        events.truncate(taken);
        assert_eq!(received(&closing), events);
        assert_eq!(bus.stats().published, taken as u64);
    }
}

// G5, G14: what is published live comes behind what was published before the start.
#[test]
fn retained_events_of_before_the_start_come_first() {
    let bus = retaining(LANES);
    let stamped = |lane, sequence| Stamped { publisher: 0, sequence, lane };
    for (sequence, lane) in [0, 0, 0, 2, 1].into_iter().enumerate() {
        bus.publish(stamped(lane, sequence as u64)).unwrap();
    }
    bus.start();
    bus.publish(stamped(2, 5)).unwrap();
    bus.publish(stamped(3, 6)).unwrap();
    let late: Vec<_> = bus.subscribe(1).try_iter().map(|event| event.sequence).collect();
    assert_eq!(late, [2, 4, 5, 6]);
}

// G14: a start that looks for the last events of the buffer hides none of them meanwhile, and
// brings back none that is forgotten meanwhile.
#[test]
fn event_may_be_read_and_forgotten_while_the_start_looks_for_it() {
    let bus = retaining::<Acting>([EVEN, ODD]);
    let event = Acting::new(2);
    let on_clone = Arc::clone(&event.on_clone);
    bus.publish(event).unwrap();
    bus.publish(Acting::new(1)).unwrap();
    let weak = bus.downgrade();
    let seen = Arc::<Mutex<Vec<_>>>::default();
    let of_clone = Arc::clone(&seen);
    on_clone.on_call(1, move || {
        let bus = weak.upgrade().unwrap();
        let numbers = [EVEN, ODD].map(|event_type| bus.retained(event_type).map(|event| event.number));
        of_clone.lock().unwrap().push(numbers);
        bus.forget(EVEN);
    });
    bus.start();
    assert_eq!(*seen.lock().unwrap(), [[Some(2), Some(1)]]);
    assert!(bus.retained(EVEN).is_none());
    assert_eq!(bus.subscribe(4).try_iter().map(|event| event.number).collect::<Vec<_>>(), [1]);
}

// G9: what the start finds in vain, because it is forgotten meanwhile, may panic as it is dropped:
// the first panic is the one that resumes.
#[test]
fn event_that_is_forgotten_while_the_start_looks_for_it_may_panic_as_it_is_dropped() {
    let bus = retaining::<Acting>([EVEN]);
    let event = Acting::new(2);
    let on_drop = Arc::clone(&event.on_drop);
    event.on_clone.on_call(1, {
        let (weak, on_drop) = (bus.downgrade(), Arc::clone(&on_drop));
        move || {
            weak.upgrade().unwrap().forget(EVEN);
            on_drop.panic_on_call(1, "no end");
        }
    });
    bus.publish(event).unwrap();
    let last = Acting::new(1);
    last.on_type.panic_on_call(1, "no type");
    bus.publish(last).unwrap();
    assert_eq!(panic_of(|| bus.start()), "no type");
    assert!(!on_drop.is_pending());
    assert!(bus.is_started());
}

// G14: who subscribes while the start still looks for the last events gets them in their order.
#[test]
fn who_comes_while_the_start_looks_for_retained_events_gets_them_in_their_order() {
    let bus = retaining::<Acting>([EVEN, ODD]);
    let event = Acting::new(2);
    let on_clone = Arc::clone(&event.on_clone);
    bus.publish(event).unwrap();
    bus.publish(Acting::new(1)).unwrap();
    let weak = bus.downgrade();
    let late = Arc::new(Mutex::new(None));
    let of_clone = Arc::clone(&late);
    on_clone.on_call(1, move || *of_clone.lock().unwrap() = Some(weak.upgrade().unwrap().subscribe(4)));
    bus.start();
    let late = late.lock().unwrap().take().expect("the start clones what it has found");
    assert_eq!(late.try_iter().map(|event| event.number).collect::<Vec<_>>(), [2, 1]);
}

// G9, G14: an event that is asked for its type may receive from the very subscription that looks
// for it: each event comes once.
#[test]
fn event_type_may_receive_from_the_subscription_that_looks_for_it() {
    thread_local! {
        static RECEIVER: RefCell<Option<Rc<Subscription<Acting>>>> = const { RefCell::new(None) };
        static INNER: Cell<Option<u64>> = const { Cell::new(None) };
    }
    let bus = retaining::<Acting>([EVEN, ODD]);
    let events = [2, 1].map(Acting::new);
    let on_type = Arc::clone(&events[1].on_type);
    let (weak, late) = (bus.downgrade(), Arc::new(Mutex::new(None)));
    let of_clone = Arc::clone(&late);
    events[0].on_clone.on_call(1, move || *of_clone.lock().unwrap() = Some(weak.upgrade().unwrap().subscribe(4)));
    events.into_iter().for_each(|event| assert!(bus.publish(event).is_ok()));
    bus.start();
    let late = Rc::new(late.lock().unwrap().take().expect("the start clones what it has found"));
    RECEIVER.set(Some(Rc::clone(&late)));
    on_type.on_call(1, || {
        let receiver = RECEIVER.take().unwrap();
        INNER.set(receiver.try_recv().ok().map(|event| event.number));
    });
    assert_eq!(late.try_iter().map(|event| event.number).collect::<Vec<_>>(), [1]);
    assert_eq!(INNER.take(), Some(2));
    assert_eq!((late.len(), late.stats().received), (0, 2));
}

// G9: once the start has found the last event of each type, it asks none before them for its type.
#[test]
fn start_asks_no_event_for_its_type_that_is_not_the_last_of_any() {
    let bus = retaining([EVEN, ODD]);
    let early = Acting::new(4);
    let on_type = Arc::clone(&early.on_type);
    on_type.panic_on_call(1, "asked for its type");
    for event in [early, Acting::new(2), Acting::new(1)] {
        bus.publish(event).unwrap();
    }
    bus.start();
    let late = bus.subscribe(4);
    assert_eq!(late.try_iter().map(|event| event.number).collect::<Vec<_>>(), [2, 1]);
    assert!(on_type.is_pending());
}

// G14: who does without retained events also does without those that are still on their way when it
// comes. Who takes them gets them once.
#[test]
fn event_that_is_on_its_way_reaches_who_comes_as_a_retained_one_or_not_at_all() {
    let bus = live_retaining::<Number>([EVEN]);
    let weak = bus.downgrade();
    let late = Arc::new(Mutex::new(None));
    let _filtering = bus
        .subscriber("filtering")
        .filter({
            let late = Arc::clone(&late);
            move |_| {
                let bus = weak.upgrade().unwrap();
                let subscribe = || [true, false].map(|retained| bus.subscriber("late").retained(retained).subscribe());
                let is_first = late.lock().unwrap().is_none();
                if is_first {
                    *late.lock().unwrap() = Some(subscribe());
                    thread::spawn(move || bus.publish(Number(4)).unwrap()).finish();
                }
                true
            }
        })
        .subscribe();
    bus.publish(Number(2)).unwrap();
    let late = late.lock().unwrap().take().unwrap();
    assert_eq!(late.each_ref().map(received), [vec![2, 4], vec![4]]);
}

// G9: user code may call back, and everything that it calls comes to an end.
#[test]
fn user_code_of_a_retained_event_may_call_back() {
    let bus = live_retaining::<Acting>([EVEN]);
    let late = bus.subscribe(4);
    let event = Acting::new(2);
    let weak = bus.downgrade();
    event.on_clone.on_call(1, move || {
        let bus = weak.upgrade().unwrap();
        assert_eq!(bus.retained(EVEN).unwrap().number, 2);
        assert_eq!(bus.subscribe(4).try_recv().unwrap().number, 2);
        bus.forget(EVEN);
        bus.publish(Acting::new(1)).unwrap();
        bus.close();
    });
    assert_eq!(bus.publish(event).unwrap().delivered, 1);
    assert_eq!(late.try_iter().map(|event| event.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(late.try_recv().err(), Some(TryRecvError::Closed));
}

/// So large that it is cloned to where it belongs.
#[derive(Clone)]
struct Large(
    u64,
    #[expect(dead_code, reason = "it counts its copies")] Arc<()>,
    #[expect(dead_code, reason = "it is there to be large")] [u8; 4096],
);

impl Event for Large {
    fn event_type(&self) -> EventType {
        EVEN
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

// G2, G14.
#[test]
fn large_events_are_retained_as_small_ones_are() {
    let count = Arc::new(());
    let large = |number| Large(number, Arc::clone(&count), [0; 4096]);
    let bus = retaining([EVEN]);
    bus.publish(large(1)).unwrap();
    bus.publish(large(2)).unwrap();
    bus.start();
    let late = bus.subscriber("late").capacity(2).subscribe();
    let evicting = bus.subscriber("evicting").capacity(2).overflow(Overflow::DropOldest).subscribe();
    let filtering = bus.subscriber("filtering").filter(|event: &Large| event.0 % 2 == 0).subscribe();
    for number in 3..6 {
        bus.publish(large(number)).unwrap();
    }
    let received =
        |subscription: &Subscription<Large>| subscription.try_iter().map(|event| event.0).collect::<Vec<_>>();
    assert_eq!(received(&late), [2, 3, 4]);
    assert_eq!(received(&evicting), [2, 4, 5]);
    assert_eq!(received(&filtering), [2, 4]);
    assert_eq!((late.lost(), evicting.lost(), filtering.stats().filtered), (1, 1, 2));
    assert_eq!(bus.retained(EVEN).unwrap().0, 5);
    drop((late, evicting, filtering));
    assert_eq!(Arc::strong_count(&count), 2);
    drop(bus);
    assert_eq!(Arc::strong_count(&count), 1);
}

// G2, G14: if another publisher has offered an event in the meantime, the room that was filled for
// it is free again.
#[test]
fn large_events_that_others_have_offered_leave_no_room_behind() {
    let bus = live_retaining([EVEN]);
    let (weak, here) = (bus.downgrade(), thread::current().id());
    let helped = bus.subscriber("helped").capacity(4).filter(move |event: &Large| {
        if thread::current().id() == here {
            let (bus, next) = (weak.upgrade().unwrap(), Large(event.0 + 1, Arc::default(), [0; 4096]));
            let publishing = thread::spawn(move || bus.publish(next).map_err(|_| ()).unwrap());
            publishing.join().unwrap();
        }
        true
    });
    let helped = helped.subscribe();
    for number in [2, 4, 6, 8] {
        bus.publish(Large(number, Arc::default(), [0; 4096])).unwrap();
        assert_eq!(helped.try_iter().map(|event| event.0).collect::<Vec<_>>(), [number, number + 1]);
    }
    let publishing =
        thread::spawn(move || [3, 5, 7, 9].map(|number| bus.publish(Large(number, Arc::default(), [0; 4096])).is_ok()));
    assert_eq!(publishing.join().unwrap(), [true; 4]);
    assert_eq!((helped.len(), helped.lost()), (4, 0), "the ring has all of its room");
}

/// A large event whose `Clone` does what a test says.
struct LargeActing(Acting, [u8; 4096]);

impl Clone for LargeActing {
    fn clone(&self) -> Self {
        Self(self.0.clone(), self.1)
    }
}

impl Event for LargeActing {
    fn event_type(&self) -> EventType {
        self.0.event_type()
    }

    fn timestamp(&self) -> SystemTime {
        self.0.timestamp()
    }
}

impl LargeActing {
    fn new(number: u64) -> Self {
        Self(Acting::new(number), [0; 4096])
    }
}

fn large_received(subscription: &Subscription<LargeActing>) -> Vec<u64> {
    subscription.try_iter().map(|event| event.0.number).collect()
}

// G2, G14: while an event is cloned into the last free room, another thread offers it as well, and
// its own event behind it.
#[test]
fn large_events_that_find_no_free_room_are_dropped_or_evict() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let bus = live_retaining([EVEN]);
        let small = bus.subscriber("small").capacity(1).overflow(overflow).subscribe();
        assert_eq!(bus.publish(LargeActing::new(2)).unwrap().delivered, 1);
        let event = LargeActing::new(4);
        let (weak, of_helper) = (bus.downgrade(), Arc::<Mutex<Published>>::default());
        let helper = Arc::clone(&of_helper);
        // The first copy is the one that is retained.
        event.0.on_clone.on_call(2, move || {
            let bus = weak.upgrade().unwrap();
            let publishing = thread::spawn(move || bus.publish(LargeActing::new(6)).map_err(drop).unwrap());
            *helper.lock().unwrap() = publishing.finish();
        });
        let published = bus.publish(event).unwrap();
        let of_each = match overflow {
            Overflow::DropOldest => Published { buffered: 0, delivered: 1, dropped: 0 },
            _ => Published { buffered: 0, delivered: 0, dropped: 1 },
        };
        assert_eq!((published, *of_helper.lock().unwrap()), (of_each, of_each));
        let stats = small.stats();
        if overflow == Overflow::DropOldest {
            assert_eq!((large_received(&small), stats.evicted, stats.dropped), (vec![6], 2, 0));
        } else {
            assert_eq!((large_received(&small), stats.evicted, stats.dropped), (vec![2], 0, 2));
        }
        for number in [8, 10, 12] {
            assert_eq!(bus.publish(LargeActing::new(number)).unwrap().delivered, 1);
            assert_eq!(large_received(&small), [number], "all rooms are there again");
        }
    }
}

// G2, G14: three publishers fill rooms with the same event, of which the ring needs one, and there
// are two.
#[test]
fn large_events_that_others_are_about_to_put_in_as_well_find_room() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let bus = live_retaining([EVEN]);
        let small = bus.subscriber("small").capacity(1).overflow(overflow).subscribe();
        let (event, weak) = (LargeActing::new(2), bus.downgrade());
        let on_clone = Arc::clone(&event.0.on_clone);
        // The first copy is the one that is retained.
        event.0.on_clone.on_call(2, move || {
            let (bus, publishing) = (weak.upgrade().unwrap(), weak.clone());
            on_clone.on_call(1, move || {
                let bus = publishing.upgrade().unwrap();
                thread::spawn(move || bus.publish(LargeActing::new(6)).map_err(drop).unwrap()).finish();
            });
            thread::spawn(move || bus.publish(LargeActing::new(4)).map_err(drop).unwrap()).finish();
        });
        bus.publish(event).unwrap();
        let stats = small.stats();
        let outcome = (large_received(&small), stats.dropped, stats.evicted);
        match overflow {
            Overflow::DropOldest => assert_eq!(outcome, (vec![6], 0, 2)),
            _ => assert_eq!(outcome, (vec![2], 2, 0)),
        }
        for number in [8, 10, 12] {
            assert_eq!(bus.publish(LargeActing::new(number)).unwrap().delivered, 1);
            assert_eq!(large_received(&small), [number]);
        }
    }
}

// G2: nor does an event of another type find the ring full because of that.
#[test]
fn large_event_finds_room_while_others_fill_all_rooms_with_one_event() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let bus = live_retaining([EVEN]);
        // It has a room more than its capacity.
        let wanting = bus.subscriber("wanting").capacity(2).overflow(overflow);
        let wanting = wanting.filter(|event: &LargeActing| [1, 2].contains(&event.0.number)).subscribe();
        let (event, weak) = (LargeActing::new(2), bus.downgrade());
        let publish = move |number| {
            let bus = weak.upgrade().unwrap();
            thread::spawn(move || bus.publish(LargeActing::new(number)).map_err(drop).unwrap()).finish()
        };
        let (publish, on_clone) = (Arc::new(publish), Arc::clone(&event.0.on_clone));
        // The first copy is the one that is retained. Each further one is for a room.
        event.0.on_clone.on_call(2, move || {
            let (inner, of_inner) = (Arc::clone(&publish), Arc::clone(&on_clone));
            on_clone.on_call(1, move || {
                let innermost = Arc::clone(&inner);
                of_inner.on_call(1, move || assert_eq!(innermost(1).delivered, 1));
                inner(6);
            });
            publish(4);
        });
        bus.publish(event).unwrap();
        let stats = wanting.stats();
        assert_eq!((large_received(&wanting), stats.dropped, stats.evicted), (vec![1, 2], 0, 0));
    }
}

/// An event that may be published in every way.
#[derive(Clone)]
struct Ask(Token);

impl Event for Ask {
    fn event_type(&self) -> EventType {
        QUESTION
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn as_request(&self) -> Option<&dyn Request> {
        Some(self)
    }
}

impl Request for Ask {
    fn request_id(&self) -> RequestId {
        RequestId::unique()
    }
}

// G11: also if it was superseded or forgotten on its way, in whichever way it was published.
#[test]
fn event_that_is_the_last_no_more_when_it_arrives_is_not_kept() {
    type Publish = fn(&EventBus<Ask>, Ask);
    let ways: [(&str, Publish); 5] = [
        ("publish", |bus, event| assert!(bus.publish(event).is_ok())),
        ("Publisher::publish", |bus, event| assert!(bus.publisher().publish(event).is_ok())),
        ("publish_batch", |bus, event| assert!(bus.publish_batch(&[event]).is_ok())),
        ("Publisher::publish_batch", |bus, event| assert!(bus.publisher().publish_batch(&[event]).is_ok())),
        ("request", |bus, event| assert!(bus.request(event, RequestOptions::expecting(["a"])).is_ok())),
    ];
    let [event, superseding] = [(), ()].map(|()| Ask(Token(Arc::new(()))));
    for (way, publish) in ways {
        for supersedes in [false, true] {
            let bus = live_retaining([QUESTION]);
            let (weak, next) = (bus.downgrade(), Mutex::new(supersedes.then(|| superseding.clone())));
            let filtering = bus.subscriber("filtering").capacity(2).filter(move |_: &Ask| {
                let (bus, next) = (weak.upgrade().unwrap(), next.lock().unwrap().take());
                match next {
                    Some(next) => publish(&bus, next),
                    None if supersedes => {}
                    None => bus.forget(QUESTION),
                }
                true
            });
            let filtering = filtering.subscribe();
            publish(&bus, event.clone());
            assert_eq!(filtering.try_iter().count(), 1 + usize::from(supersedes), "{way}");
            assert_eq!((event.0.copies(), superseding.0.copies()), (0, usize::from(supersedes)), "{way}");
        }
    }
}

// G2, G9: an event is evicted by one that takes its place, and not by one that cannot be cloned.
#[test]
fn large_event_stays_if_the_one_behind_it_cannot_be_cloned() {
    let bus = live_retaining([EVEN]);
    let latest = bus.subscriber("latest").capacity(1).overflow(Overflow::DropOldest).subscribe();
    let (first, second, third) = (LargeActing::new(2), LargeActing::new(4), LargeActing::new(6));
    let of_second = Arc::clone(&second.0.on_drop);
    // Of each event the first copy is the one that is retained. While the second event is cloned
    // into the last free room, another thread offers it as well, and the third one behind it.
    third.0.on_clone.panic_on_call(2, "no copy");
    let third = Mutex::new(Some(third));
    let (weak, seen) = (bus.downgrade(), Arc::<Mutex<Vec<_>>>::default());
    second.0.on_clone.on_call(2, move || {
        let (bus, third) = (weak.upgrade().unwrap(), third.lock().unwrap().take().unwrap());
        let publishing = thread::spawn(move || panic_of(|| bus.publish(third).map_err(drop)));
        assert_eq!(publishing.finish(), "no copy");
    });
    let on_drop = Arc::clone(&first.0.on_drop);
    bus.publish(first).map_err(drop).unwrap();
    // The copy that is retained goes first, and then the one in the ring.
    let (weak, of_drop) = (bus.downgrade(), Arc::clone(&seen));
    on_drop.on_call(2, move || of_drop.lock().unwrap().push(stats_of(&weak.upgrade().unwrap(), "latest").evicted));
    assert_eq!(bus.publish(second).map_err(drop).unwrap().delivered, 1);
    assert_eq!(*seen.lock().unwrap(), [1], "it is counted before it is dropped");
    let stats = latest.stats();
    assert_eq!((stats.evicted, stats.dropped, large_received(&latest)), (1, 1, vec![4]));
    bus.forget(EVEN);
    assert_eq!(Arc::strong_count(&of_second), 1, "nobody keeps the second one");
    for number in [8, 10, 12] {
        assert_eq!(bus.publish(LargeActing::new(number)).unwrap().delivered, 1);
        assert_eq!((large_received(&latest), latest.stats().evicted), (vec![number], 1));
    }
}

// G9.
#[test]
fn large_event_whose_clone_panics_leaves_its_room() {
    let bus = live_retaining([EVEN]);
    let small = bus.subscriber("small").capacity(1).subscribe();
    for _ in 0..4 {
        let event = LargeActing::new(2);
        event.0.on_clone.panic_on_call(2, "no copy");
        assert_eq!(panic_of(|| bus.publish(event).map_err(drop)), "no copy");
    }
    assert_eq!((small.len(), small.lost()), (0, 4));
    // Also for an event that is not retained.
    for number in [3, 4, 5] {
        assert_eq!(bus.publish(LargeActing::new(number)).unwrap().delivered, 1);
        assert_eq!(large_received(&small), [number]);
    }
}

// G2, G5, G14: whatever races, the events of the type come to everybody in one order, without a
// gap; and what publishes report is what is received.
#[test]
fn racing_publishes_of_a_retained_type_reach_everybody_in_one_order() {
    const PUBLISHERS: usize = 4;
    let bus = live_retaining::<Stamped>([LANES[0]]);
    let events = common::rounds(2_000);
    let total = PUBLISHERS * events as usize;
    let early: Vec<_> = (0..2).map(|_| bus.subscribe(3 * total)).collect();
    let gate = Gate::new(PUBLISHERS + 1);
    let (is_over, delivered) = (AtomicBool::new(false), AtomicU64::new(0));
    let late = thread::scope(|scope| {
        for publisher in 0..PUBLISHERS {
            let (bus, gate, delivered) = (&bus, &gate, &delivered);
            scope.spawn(move || {
                let mut handle = bus.publisher();
                gate.pass();
                for sequence in 0..events {
                    let stamped = |lane| Stamped { publisher, sequence, lane };
                    let published = match sequence % 3 {
                        0 => handle.publish(stamped(0)).unwrap() + bus.publish(stamped(1)).unwrap(),
                        1 => bus.publish(stamped(0)).unwrap() + handle.publish(stamped(1)).unwrap(),
                        _ => bus.publish_batch(&[stamped(0), stamped(1)]).unwrap(),
                    };
                    assert_eq!((published.buffered, published.dropped), (0, 0));
                    delivered.fetch_add(published.delivered as u64, SeqCst);
                }
            });
        }
        let joiner = scope.spawn(|| {
            let mut late = Vec::new();
            gate.pass();
            while !is_over.load(SeqCst) && late.len() < 20 {
                late.push(bus.subscribe(3 * total));
                thread::yield_now();
            }
            late
        });
        let late = joiner.join().unwrap();
        is_over.store(true, SeqCst);
        late
    });
    let mut reported = 0;
    let mut all = |subscription: &Subscription<Stamped>| -> Vec<Stamped> {
        let all: Vec<_> = subscription.try_iter().collect();
        reported += all.len() as u64;
        // G5: the events of one thread in their order, those of both types.
        for publisher in 0..PUBLISHERS {
            let own: Vec<_> = all.iter().filter(|event| event.publisher == publisher).collect();
            assert!(own.is_sorted_by_key(|event| (event.sequence, event.lane)));
        }
        all.into_iter().filter(|event| event.lane == 0).collect()
    };
    let order = all(&early[0]);
    assert_eq!((order.len(), order.last().copied()), (total, bus.retained(LANES[0])));
    assert!(all(&early[1]) == order, "one order for all");
    for late in &late {
        assert!(order.ends_with(&all(late)), "the last one of before, and every later one");
    }
    let retained = reported - delivered.load(SeqCst);
    assert!(retained <= late.len() as u64, "G2: received is what was reported, and one retained event each");
}

// G3, G14: as the bus starts.
#[test]
fn subscriber_that_races_with_start_misses_no_retained_event() {
    for round in 0..common::rounds(200) {
        let bus = retaining::<Number>([EVEN]);
        let gate = Gate::new(3);
        thread::scope(|scope| {
            scope.spawn(|| {
                gate.pass();
                for number in 0..10 {
                    bus.publish(Number(2 * number)).unwrap();
                }
            });
            scope.spawn(|| {
                gate.pass();
                bus.start();
            });
            let late = scope.spawn(|| {
                gate.pass();
                (0..round % 7).for_each(|_| thread::yield_now());
                bus.subscribe(16)
            });
            let late = late.join().unwrap();
            let mut last = None;
            while last != Some(18) {
                let Number(number) = late.recv_timeout(LONG).unwrap();
                assert!(last.is_none_or(|last| number == last + 2), "no gap, none twice: {last:?}, {number}");
                last = Some(number);
            }
            assert_eq!(late.try_recv(), Err(TryRecvError::Empty));
        });
        assert_eq!(bus.retained(EVEN), Some(Number(18)));
    }
}

// G1, G14: a publisher that hangs in user code holds up nobody else of its type.
#[test]
fn publisher_that_is_suspended_halfway_holds_up_nobody() {
    let bus = live_retaining::<Number>([EVEN]);
    let (reached, go_on) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let is_first = AtomicBool::new(true);
    let hanging = bus
        .subscriber("hanging")
        .filter({
            let (reached, go_on) = (Arc::clone(&reached), Arc::clone(&go_on));
            move |Number(number)| {
                if *number == 2 && is_first.swap(false, SeqCst) {
                    reached.store(true, SeqCst);
                    common::wait_until(|| go_on.load(SeqCst));
                }
                true
            }
        })
        .subscribe();
    let behind = bus.subscribe(8);
    let suspended = thread::spawn({
        let bus = bus.clone();
        move || bus.publish(Number(2)).unwrap()
    });
    common::wait_until(|| reached.load(SeqCst));
    assert_eq!(bus.publish(Number(4)).unwrap().delivered, 2);
    assert_eq!((received(&hanging), received(&behind)), (vec![2, 4], vec![2, 4]));
    let late = bus.subscribe(8);
    go_on.store(true, SeqCst);
    assert_eq!(suspended.finish().delivered, 2, "what a helper has delivered is reported by whose it is");
    assert_eq!((received(&hanging), received(&behind), received(&late)), (vec![], vec![], vec![4]));
    assert_eq!((stats_of(&bus, "hanging").filtered, bus.stats().delivered), (0, 4));
}

// G2, G3: who is stopped once the bus has started has the replay and what came live.
#[test]
fn subscriber_stopped_after_the_start_receives_what_it_has() {
    let bus = retaining([EVEN]);
    let [stopped, empty] = [bus.subscribe(4), bus.subscriber("empty").types([ODD]).subscribe()];
    publish(&bus, [2, 4]);
    bus.start();
    publish(&bus, [6, 1]);
    stopped.stop_handle().stop();
    empty.stop_handle().stop();
    publish(&bus, [8, 3]);
    assert_eq!((received(&stopped), received(&empty)), (vec![2, 4, 6, 1], vec![1]));
    assert_eq!(stopped.try_recv(), Err(TryRecvError::Closed));
}

// G7: whoever waits is woken before a lag is reported, and a hook may publish the same type.
#[test]
fn lag_of_a_retained_event_is_reported_when_all_have_been_woken() {
    let bus = live_retaining::<Number>([EVEN]);
    let _full = bus.subscriber("full").capacity(1).subscribe();
    publish(&bus, [1]);
    let mut waiting = bus.subscribe(4);
    let (counter, waker) = CountingWaker::new();
    assert!(poll_next(&mut waiting, &waker).is_pending());
    let (weak, heard) = (bus.downgrade(), Arc::<Mutex<Vec<_>>>::default());
    let hook = Arc::clone(&heard);
    bus.on_lag(move |_| {
        let published = weak.upgrade().unwrap().publish(Number(4)).unwrap();
        hook.lock().unwrap().push((counter.wakes(), published.delivered, published.buffered));
    });
    assert_eq!(bus.publish(Number(2)).unwrap(), Published { buffered: 0, delivered: 1, dropped: 1 });
    assert_eq!(*heard.lock().unwrap(), [(1, 1, 0)]);
    assert_eq!(received(&waiting), [2, 4]);
}

// G8: an answer is with its request before a lag is reported.
#[test]
fn answer_of_a_retained_type_is_gathered_before_a_lag_is_reported() {
    let bus = live_retaining::<Talk>([ANSWER]);
    let _questions = bus.subscriber("questions").types([QUESTION]).subscribe();
    let _full = bus.subscriber("full").types([ANSWER]).capacity(1).subscribe();
    let id = RequestId::from(1);
    let gather = bus.request(Talk::Question(id.clone()), RequestOptions::expecting(["a", "b"])).unwrap();
    common::answer(&bus, &id, "a", 1);
    let weak = bus.downgrade();
    bus.on_lag(move |_| weak.upgrade().unwrap().close());
    common::answer(&bus, &id, "b", 2);
    assert!(bus.is_closed());
    assert_eq!(answers(&gather.wait().unwrap().responses), [("a", 1), ("b", 2)]);
    assert_eq!(bus.stats().late_responses, 0);
}

// G7: an event that comes behind another wakes those who have refused that one.
#[test]
fn event_that_comes_behind_another_wakes_who_refused_that() {
    let bus = live_retaining::<Number>([EVEN]);
    let mut waiting = bus.subscriber("waiting").filter(|Number(number)| *number == 4).subscribe();
    let weak = bus.downgrade();
    let publishing = bus.subscriber("publishing").filter(move |Number(number)| {
        if *number == 2 {
            weak.upgrade().unwrap().publish(Number(4)).unwrap();
        }
        false
    });
    let _publishing = publishing.subscribe();
    let (counter, waker) = CountingWaker::new();
    assert!(poll_next(&mut waiting, &waker).is_pending());
    assert_eq!(bus.publish(Number(2)).unwrap().delivered, 1);
    assert_eq!(counter.wakes(), 1);
    assert_eq!(received(&waiting), [4]);
}

// G11: an event that nobody took and that was forgotten on its way is kept by nobody.
#[test]
fn event_that_is_forgotten_on_its_way_to_nobody_is_let_go_of() {
    let token = Token(Arc::default());
    let bus = live_retaining::<Token>([token.event_type()]);
    let weak = bus.downgrade();
    let forgetting = bus.subscriber("forgetting").filter(move |token: &Token| {
        weak.upgrade().unwrap().forget(token.event_type());
        false
    });
    let _forgetting = forgetting.subscribe();
    assert_eq!(bus.publish(token.clone()).unwrap().delivered, 0);
    assert_eq!(token.copies(), 0);
}

// G8: a request was delivered if somebody took it, and not if somebody took what is published on
// its way.
#[test]
fn request_is_delivered_by_its_own_deliveries_alone() {
    let bus = live_retaining::<Talk>([QUESTION]);
    let (first, second) = (RequestId::from(1), RequestId::from(2));
    let (weak, on_the_way) = (bus.downgrade(), Talk::Question(second.clone()));
    let refusing = bus.subscriber("refusing").filter(move |talk: &Talk| {
        if *talk.id() == RequestId::from(1) {
            weak.upgrade().unwrap().publish(on_the_way.clone()).unwrap();
        }
        false
    });
    let _refusing = refusing.subscribe();
    let taking = bus.subscriber("taking").filter(move |talk: &Talk| *talk.id() == second).subscribe();
    let refused = bus.request(Talk::Question(first.clone()), RequestOptions::expecting(["a"])).unwrap_err();
    assert!(matches!(refused, RequestError::NotDelivered(Talk::Question(id)) if id == first));
    assert_eq!(taking.try_iter().count(), 1);
    assert_eq!((bus.stats().published, bus.stats().delivered), (2, 1));
}

// G12: one turn for the retained events, as for others.
#[test]
fn batch_of_retained_events_takes_one_turn() {
    const TYPES: u64 = 200;
    let types = (0..TYPES).map(|number| EventType::intern(&format!("type-{number}")));
    let bus = live_retaining::<Plain>(types.clone());
    for event_type in types {
        bus.publish(Plain(event_type)).unwrap();
    }
    let [mut late, mut one_by_one] = [bus.subscribe(1), bus.subscribe(1)];
    // Threads of their own, on which nobody has received before.
    let test = thread::spawn(move || {
        let mut batch = Vec::new();
        let context = &mut Context::from_waker(Waker::noop());
        pin!(late.recv_many_async(&mut batch, 1_000)).poll(context)
    });
    assert_eq!(test.join().unwrap(), Poll::Ready(Ok(128)));
    let poll = move |_: &u64| poll_next(&mut one_by_one, Waker::noop()).is_ready();
    let test = thread::spawn(move || (0..TYPES).take_while(poll).count());
    assert_eq!(test.join().unwrap(), 128);
}

// G5, G14: what was retained before the start comes in the order in which it was published, and not
// in that of the types.
#[test]
fn retained_events_of_before_the_start_come_in_their_order() {
    for types in [[EVEN, ODD], [ODD, EVEN]] {
        for order in [[1, 2], [2, 1]] {
            let bus = retaining(types);
            publish(&bus, order);
            bus.start();
            assert_eq!(received(&bus.subscribe(1)), order);
        }
    }
}

// G1, G9: a publish whose event is being cloned holds up no other of its type.
#[test]
fn clone_that_takes_long_holds_up_no_other_publish() {
    let bus = live_retaining::<Acting>([EVEN]);
    let subscription = bus.subscribe(4);
    let event = Acting::new(2);
    let weak = bus.downgrade();
    event.on_clone.on_call(1, move || {
        let bus = weak.upgrade().unwrap();
        let other = thread::spawn(move || bus.publish(Acting::new(4)).map_err(drop).unwrap());
        assert_eq!(other.finish().delivered, 1);
    });
    assert_eq!(bus.publish(event).map_err(drop).unwrap().delivered, 1);
    assert_eq!(subscription.try_iter().map(|event| event.number).collect::<Vec<_>>(), [2, 4]);
}

// G7: a retained event wakes those who asked for everything and those who asked for its type.
#[test]
fn retained_event_wakes_all_who_wait_for_it() {
    let bus = live_retaining::<Number>([EVEN]);
    let [mut all, mut even] = [bus.subscribe(1), bus.subscriber("even").types([EVEN]).subscribe()];
    let [(of_all, all_waker), (of_even, even_waker)] = [CountingWaker::new(), CountingWaker::new()];
    assert!(poll_next(&mut all, &all_waker).is_pending() && poll_next(&mut even, &even_waker).is_pending());
    publish(&bus, [2]);
    assert_eq!((of_all.wakes(), of_even.wakes()), (1, 1));
}

// G9, G11: a publisher that still knows of a forgotten event does not drop it: who comes next does.
#[test]
fn forgotten_event_that_a_publisher_knows_of_is_not_dropped_by_its_publish() {
    let bus = live_retaining::<Acting>([EVEN]);
    let event = Acting::new(2);
    let on_drop = Arc::clone(&event.on_drop);
    bus.publish(event).map_err(drop).unwrap();
    let mut publisher = bus.publisher();
    publisher.publish(Acting::new(1)).map_err(drop).unwrap();
    on_drop.panic_on_call(1, "not here");
    bus.forget(EVEN);
    publisher.publish(Acting::new(1)).map_err(drop).unwrap();
    assert!(on_drop.is_pending());
    drop(bus.subscribe(1));
    assert!(!on_drop.is_pending());
}

// G14: a request that was not delivered stays retained, and reaches who comes later.
#[test]
fn request_that_nobody_took_stays_retained() {
    let bus = live_retaining::<Talk>([QUESTION]);
    let question = Talk::Question(RequestId::from(1));
    let refused = bus.request(question.clone(), RequestOptions::expecting(["a"])).unwrap_err();
    assert!(matches!(refused, RequestError::NotDelivered(back) if back == question));
    assert_eq!(bus.retained(QUESTION), Some(question.clone()));
    assert_eq!(bus.subscribe(1).try_recv(), Ok(question));
}
