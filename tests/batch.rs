//! Publishing many events at one go.

use crate::common::{
    self, ANSWER, Action, CountingWaker, EVEN, Gate, LANES, Number, ODD, QUESTION, Random, Stamped, Talk, finishes,
    live, numbers, panic_of, poll_next, spawn_sleeper, stats_of,
};
use ringbus::{
    BatchError, BatchErrorKind, Event, EventBus, EventType, Overflow, Published, RequestId, RequestOptions,
    Subscription, WeakEventBus,
};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::thread;
use std::time::SystemTime;

fn outcome(buffered: usize, delivered: usize, dropped: usize) -> Published {
    Published { buffered, delivered, dropped }
}

fn received(subscription: &mut Subscription<Number>) -> Vec<Number> {
    subscription.try_iter().collect()
}

/// G2, G5: every subscriber gets what it wants of a batch, in its order; what is reported are sums,
/// and drops are counted.
#[test]
fn batch_reaches_everyone_in_order() {
    let bus = live();
    let mut all = bus.subscribe(16);
    let mut evens = bus.subscriber("evens").types([EVEN]).capacity(16).subscribe();
    let mut both = bus.subscriber("both").types([ODD, EVEN]).capacity(16).subscribe();
    let mut thirds = bus.subscriber("thirds").filter(|number: &Number| number.0 % 3 == 0).capacity(2).subscribe();
    let mut newest = bus.subscriber("newest").overflow(Overflow::DropOldest).capacity(3).subscribe();

    // 10 + 5 + 10, and of 0, 3, 6, 9 two, and all 10 into a ring of 3.
    assert_eq!(bus.publish_batch(&numbers(0..10)), Ok(outcome(0, 37, 2)));
    assert_eq!(received(&mut all), numbers(0..10));
    assert_eq!(received(&mut evens), [0, 2, 4, 6, 8].map(Number));
    assert_eq!(received(&mut both), numbers(0..10));
    assert_eq!(received(&mut thirds), [0, 3].map(Number));
    assert_eq!(received(&mut newest), numbers(7..10));

    let stats = bus.stats();
    assert_eq!((stats.published, stats.delivered, stats.dropped), (10, 37, 2));
    assert_eq!((thirds.lost(), stats_of(&bus, "thirds").filtered), (2, 6));
    assert_eq!(stats_of(&bus, "newest").evicted, 7);

    assert_eq!(bus.publish_batch(&[]), Ok(Published::default()));
}

/// G2, G5: a `Publisher` does the same, and batches and single events keep their order.
#[test]
fn publisher_keeps_the_order_of_batches_and_events() {
    let bus = common::new_bus(8);
    let mut publisher = bus.publisher();
    let mut all = bus.subscribe(64);
    assert_eq!(publisher.publish_batch(&numbers(0..3)), Ok(outcome(3, 0, 0)));
    bus.start();
    for round in 1..5 {
        let first = 4 * round - 1;
        assert_eq!(publisher.publish_batch(&numbers(first..first + 3)), Ok(outcome(0, 3, 0)));
        assert_eq!(publisher.publish(Number(first + 3)), Ok(outcome(0, 1, 0)));
    }
    let mut later = bus.subscribe(4);
    assert_eq!(publisher.publish_batch(&numbers(19..21)), Ok(outcome(0, 4, 0)));
    assert_eq!(received(&mut all), numbers(0..21));
    assert_eq!(received(&mut later), numbers(19..21));
    drop(publisher);
    assert_eq!((bus.stats().published, bus.stats().delivered), (21, 20));
}

/// G3: a start-up buffer that becomes full says how many events it has taken, and those are
/// replayed.
#[test]
fn full_start_up_buffer_takes_the_beginning_of_a_batch() {
    let bus = common::new_bus(5);
    let mut all = bus.subscribe(1);
    assert_eq!(bus.publish_batch(&numbers(0..3)), Ok(outcome(3, 0, 0)));
    let error = bus.publish_batch(&numbers(3..9)).unwrap_err();
    assert_eq!(error, BatchError { published: outcome(2, 0, 0), taken: 2, kind: BatchErrorKind::StartupFull });
    assert_eq!(
        error.to_string(),
        "after 2 events of the batch, the bus has not started and its start-up buffer is full: call `start`, or make \
         room in `EventBus::new`"
    );
    assert_eq!(bus.stats().startup_rejected, 1);
    bus.start();
    assert_eq!(received(&mut all), numbers(0..5));
}

/// G10: a closed bus takes nothing of a batch.
#[test]
fn closed_bus_takes_no_batch() {
    let bus = live();
    let mut publisher = bus.publisher();
    let mut all = bus.subscribe(8);
    publisher.publish_batch(&numbers(0..2)).unwrap();
    bus.close();
    let closed = BatchError { published: Published::default(), taken: 0, kind: BatchErrorKind::Closed };
    assert_eq!(bus.publish_batch(&numbers(2..4)), Err(closed));
    assert_eq!(publisher.publish_batch(&numbers(2..4)), Err(closed));
    assert_eq!(closed.to_string(), "after 0 events of the batch, the bus is closed");
    assert_eq!(received(&mut all), numbers(0..2));
}

/// G3, G4, G5: a batch that races with the start is received as a whole and in order, be it
/// replayed, live, or both.
#[test]
fn batch_may_straddle_the_start() {
    let mut straddled = 0;
    for round in 0..300 {
        let bus = common::new_bus(64);
        let mut all = bus.subscribe(64);
        let gate = Gate::new(2);
        let published = thread::scope(|scope| {
            let publishing = scope.spawn(|| {
                gate.pass();
                bus.publish_batch(&numbers(0..64)).unwrap()
            });
            gate.pass();
            (0..round % 40).for_each(|_| std::hint::spin_loop());
            bus.start();
            publishing.join().unwrap()
        });
        assert_eq!(published.buffered + published.delivered, 64, "round {round}");
        straddled += usize::from(published.buffered > 0 && published.delivered > 0);
        assert_eq!(received(&mut all), numbers(0..64), "round {round}");
    }
    println!("{straddled} of 300 batches straddled the start");
}

/// G7: a subscriber that waits is woken once for a whole batch, and not at all for one that is not
/// for it.
#[test]
fn batch_wakes_once() {
    let bus = live();
    let mut wakers = Vec::new();
    let mut subscriptions = [
        bus.subscribe(16),
        bus.subscriber("evens").types([EVEN]).subscribe(),
        bus.subscriber("odds").types([ODD]).subscribe(),
    ];
    for subscription in &mut subscriptions {
        let (counter, waker) = CountingWaker::new();
        assert!(poll_next(subscription, &waker).is_pending());
        wakers.push(counter);
    }
    bus.publish_batch(&[2, 4, 6, 8].map(Number)).unwrap();
    assert_eq!(wakers.iter().map(|counter| counter.wakes()).collect::<Vec<_>>(), [1, 1, 0]);
}

/// G7: a parked receiver gets the whole batch.
#[test]
fn parked_receiver_gets_the_whole_batch() {
    let bus = live();
    for round in 0..500 {
        let subscription = bus.subscribe(8);
        let receiving = thread::spawn(move || (0..4).map(|_| subscription.recv().unwrap()).collect::<Vec<_>>());
        bus.publish_batch(&numbers(round..round + 4)).unwrap();
        assert_eq!(finishes(move || receiving.join().unwrap()), numbers(round..round + 4));
    }
}

/// Lags: each subscriber is reported once, with the type of the event that it lost first.
#[test]
fn lag_names_the_event_of_the_batch_that_began_it() {
    let bus = live();
    let reports = Arc::new(Mutex::new(Vec::new()));
    bus.on_lag({
        let reports = Arc::clone(&reports);
        move |lag| reports.lock().unwrap().push((lag.subscriber.to_string(), lag.event_type, lag.lost))
    });
    let one = bus.subscriber("one").capacity(1).subscribe();
    let _two = bus.subscriber("two").capacity(2).subscribe();
    let _odds = bus.subscriber("odds").types([ODD]).capacity(1).subscribe();
    let _lossy = bus.subscriber("lossy").capacity(1).lossy(true).subscribe();
    bus.publish_batch(&numbers(0..4)).unwrap();
    let mut told = std::mem::take(&mut *reports.lock().unwrap());
    told.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [("odds", ODD, 1), ("one", ODD, 3), ("two", EVEN, 2)];
    assert_eq!(told, expected.map(|(name, event_type, dropped)| (name.to_owned(), event_type, dropped)));

    bus.publish_batch(&numbers(4..8)).unwrap();
    assert!(reports.lock().unwrap().is_empty(), "the episodes go on");
    one.try_recv().unwrap();
    bus.publish_batch(&numbers(8..12)).unwrap();
    assert_eq!(*reports.lock().unwrap(), [("one".to_owned(), ODD, 10)]);
}

/// Where clones are counted, a batch is offered in tiles: a lag names the event by its place in the
/// batch, not in its tile.
#[test]
fn lag_names_the_event_of_a_long_batch_that_began_it() {
    const FIRST_LOST: usize = 40;
    let bus: EventBus<Arc<Number>> = common::new_bus(0);
    bus.start();
    let reports = Arc::new(Mutex::new(Vec::new()));
    bus.on_lag({
        let reports = Arc::clone(&reports);
        move |lag| reports.lock().unwrap().push((lag.event_type, lag.lost))
    });
    let _slow = bus.subscribe(FIRST_LOST);
    let events: Vec<_> = (0..70).map(|place| Arc::new(Number(if place == FIRST_LOST { 1 } else { 2 }))).collect();
    bus.publish_batch(&events).unwrap();
    assert_eq!(*reports.lock().unwrap(), [(ODD, 30)]);
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

/// G8: responses in a batch are gathered like any others.
#[test]
fn responses_in_a_batch_are_gathered() {
    let bus = common::new_bus(0);
    let _questions = bus.subscriber("questions").types([QUESTION]).subscribe();
    bus.start();
    let id = RequestId::unique();
    let gather = bus.request(Talk::Question(id.clone()), RequestOptions::expecting(["a", "b"])).unwrap();
    let answers = ["a", "x", "a", "b", "a"].map(|by| Talk::Answer { to: id.clone(), by, value: 0 });
    let listening = bus.subscriber("answers").types([ANSWER]).subscribe();
    assert_eq!(bus.publish_batch(&answers), Ok(outcome(0, 5, 0)));
    let result = gather.wait().unwrap();
    assert_eq!((result.responses.len(), result.duplicates, result.unexpected), (2, 2, 1));
    assert_eq!(bus.publisher().publish_batch(&answers), Ok(outcome(0, 5, 0)));
    assert_eq!(bus.stats().late_responses, 5);
    assert_eq!(listening.len(), 10);
}

/// An event whose clone and type may panic.
struct Fragile {
    number: u64,
    event_type: Arc<Action>,
    clone: Arc<Action>,
}

impl Fragile {
    fn new(number: u64) -> Self {
        Self { number, event_type: Arc::default(), clone: Arc::default() }
    }
}

impl Clone for Fragile {
    fn clone(&self) -> Self {
        self.clone.call();
        Self { number: self.number, event_type: Arc::clone(&self.event_type), clone: Arc::clone(&self.clone) }
    }
}

impl Event for Fragile {
    fn event_type(&self) -> EventType {
        self.event_type.call();
        EVEN
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

fn fragile_numbers(subscription: &mut Subscription<Fragile>) -> Vec<u64> {
    subscription.try_iter().map(|event| event.number).collect()
}

/// G9: user code that panics in the middle of a batch costs one subscriber one event; the first
/// panic resumes when the batch was served.
#[test]
fn panics_cost_one_event_of_one_subscriber() {
    let bus = common::new_bus(0);
    let mut first = bus.subscriber("first").subscribe();
    let mut picky = bus
        .subscriber("picky")
        .filter(|event: &Fragile| if event.number == 2 { panic!("not that one") } else { true })
        .subscribe();
    let mut typed = bus.subscriber("typed").types([EVEN]).subscribe();
    bus.start();
    let batch = [0, 1, 2, 3].map(Fragile::new);
    batch[1].clone.panic_on_call(1, "inimitable");
    batch[3].event_type.panic_on_call(1, "of no type");
    assert_eq!(panic_of(|| bus.publish_batch(&batch)), "inimitable");
    assert_eq!(fragile_numbers(&mut first), [0, 2, 3]);
    assert_eq!(fragile_numbers(&mut picky), [0, 1, 3]);
    assert_eq!(fragile_numbers(&mut typed), [0, 1, 2]);
    let dropped = |name| stats_of(&bus, name).dropped;
    assert_eq!((dropped("first"), dropped("picky"), dropped("typed")), (1, 1, 0));
    assert_eq!((bus.stats().published, bus.stats().delivered, bus.stats().dropped), (4, 9, 2));
}

/// G7, G9: between the pushes of a batch and its wake-ups no user code runs that could get in the
/// way: who waits for an event is woken, although `event_type` panics the next time it is asked.
#[test]
fn panicking_event_type_keeps_nobody_asleep() {
    let bus = common::new_bus(0);
    let mut typed = bus.subscriber("typed").types([EVEN]).subscribe();
    bus.start();
    let (counter, waker) = CountingWaker::new();
    assert!(poll_next(&mut typed, &waker).is_pending());
    let batch = [0, 1].map(Fragile::new);
    batch[0].event_type.panic_on_call(2, "asked too often");
    batch[1].event_type.panic_on_call(1, "of no type");
    assert_eq!(panic_of(|| bus.publish_batch(&batch)), "of no type");
    assert_eq!((typed.len(), counter.wakes()), (1, 1));
}

/// G9: if nobody has asked for certain types, no event is asked for its own, alone or in a
/// batch.
#[test]
fn event_is_not_asked_for_its_type_if_everybody_takes_every_type() {
    let bus = common::new_bus(0);
    let mut all = bus.subscribe(4);
    bus.start();
    let batch = [0, 1].map(Fragile::new);
    batch.iter().for_each(|event| event.event_type.panic_on_call(1, "asked for its type"));
    assert_eq!(bus.publish_batch(&batch).unwrap(), outcome(0, 2, 0));
    let [first, _] = batch;
    assert_eq!(bus.publish(first).unwrap(), outcome(0, 1, 0));
    assert_eq!(fragile_numbers(&mut all), [0, 1, 0]);
}

/// G9: before the start, an event that cannot be cloned is kept for nobody, and the others are.
#[test]
fn batch_in_the_start_up_survives_a_panicking_clone() {
    let bus = common::new_bus(3);
    let mut all = bus.subscribe(4);
    let batch = [0, 1, 2].map(Fragile::new);
    batch[1].clone.panic_on_call(1, "inimitable");
    assert_eq!(panic_of(|| bus.publish_batch(&batch)), "inimitable");
    assert_eq!(bus.start(), 2);
    assert_eq!(fragile_numbers(&mut all), [0, 2]);
}

/// API, section 2: of a batch that the close overtakes, the error says how many were taken before.
#[test]
fn batch_that_straddles_the_close_says_how_far_it_came() {
    let bus = common::new_bus(8);
    let batch = [0, 1, 2, 3].map(Fragile::new);
    batch[2].clone.on_call(1, {
        let bus = bus.clone();
        move || bus.close()
    });
    let error = bus.publish_batch(&batch).unwrap_err();
    assert_eq!((error.kind, error.taken, error.published.buffered), (BatchErrorKind::Closed, 2, 2));
}

/// G7: a batch wakes everybody it has something for, whatever type that is of and wherever it
/// stands in the batch.
#[test]
fn batch_wakes_those_of_every_type() {
    for batch in [[0, 1], [1, 0]] {
        let bus = live();
        let receivers: Vec<_> = [vec![EVEN], vec![ODD], vec![EVEN, ODD]]
            .into_iter()
            .map(|types| {
                let subscription = bus.subscriber("typed").types(types).subscribe();
                spawn_sleeper(move || subscription.recv())
            })
            .collect();
        let universal = bus.subscribe(2);
        let universal = spawn_sleeper(move || universal.recv());
        assert_eq!(bus.publish_batch(&batch.map(Number)).unwrap().delivered, 6);
        let received: Vec<_> = receivers.into_iter().map(|receiver| receiver.join()).collect();
        assert_eq!(received, [Ok(Number(0)), Ok(Number(1)), Ok(Number(batch[0]))]);
        assert_eq!(universal.join(), Ok(Number(batch[0])));
    }
}

/// G7: the same for a batch of as many types as one likes, with some that nobody wants and some
/// that come twice.
#[test]
fn batch_of_many_types_wakes_everybody() {
    #[derive(Clone)]
    struct Typed(usize);
    impl Event for Typed {
        fn event_type(&self) -> EventType {
            EventType::intern(&format!("typed-{}", self.0))
        }

        fn timestamp(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH
        }
    }
    for types in [1, 7, 8, 9, 10, 20] {
        let bus = common::new_bus(0);
        bus.start();
        let receivers: Vec<_> = (0..types)
            .map(|number| {
                let typed = bus.subscriber("typed").types([Typed(number).event_type()]).subscribe();
                spawn_sleeper(move || typed.recv().map(|event: Typed| event.0))
            })
            .collect();
        let batch: Vec<_> = (0..2 * types + 3).map(|number| Typed(number % (types + 3))).collect();
        let wanted = batch.iter().filter(|event| event.0 < types).count();
        assert_eq!(bus.publish_batch(&batch).unwrap().delivered, wanted);
        let received: Vec<_> = receivers.into_iter().map(|receiver| receiver.join()).collect();
        assert!(received.into_iter().eq((0..types).map(Ok)), "{types} types");
    }
}

/// G7: lists of subscribers are told apart by more than those whom they have in common: a batch of
/// two types wakes all who want either, in whichever order they came.
#[test]
fn batch_wakes_those_who_share_a_type_with_others() {
    let wants = [&[EVEN, ODD][..], &[EVEN], &[ODD], &[ODD, EVEN]];
    for first in 0..wants.len() {
        for batch in [[0, 1], [1, 0]] {
            let bus = live();
            let mut receivers: Vec<_> = (first..first + wants.len())
                .map(|place| bus.subscriber("typed").types(wants[place % wants.len()].iter().copied()).subscribe())
                .collect();
            let wakers = receivers.iter_mut().map(|receiver| {
                let (counter, waker) = CountingWaker::new();
                assert!(poll_next(receiver, &waker).is_pending());
                counter
            });
            let wakers: Vec<_> = wakers.collect();
            bus.publish_batch(&batch.map(Number)).unwrap();
            assert!(wakers.iter().all(|counter| counter.wakes() == 1), "from {first}, {batch:?}");
        }
    }
}

/// G2, G5: events of one type come in a row, of any length, between others that somebody, everybody
/// or nobody wants: whoever asked for some types gets those, in the order of the batch.
#[test]
fn batch_of_runs_reaches_whoever_asked_for_them() {
    // By their lanes; nobody asks for the last one.
    let asked: [&[usize]; 6] = [&[0], &[1], &[2], &[0, 1], &[1, 2], &[0, 1, 2]];
    let mut random = Random::new(8);
    for round in 0..200 {
        let bus = common::new_bus(0);
        bus.start();
        let mut subscribers = Vec::new();
        for lanes in asked {
            if random.below(3) > 0 {
                let capacity = 1 + random.below(200) as usize;
                let types = lanes.iter().map(|&lane| LANES[lane]);
                let subscription = bus.subscriber(format!("{lanes:?}")).types(types).capacity(capacity).subscribe();
                subscribers.push((subscription, lanes, capacity));
            }
        }
        let mut batch = Vec::new();
        for _ in 0..1 + random.below(8) {
            let lane = random.below(LANES.len() as u64) as usize;
            for _ in 0..1 + random.below(70) {
                batch.push(Stamped { publisher: 0, sequence: batch.len() as u64, lane });
            }
        }
        let mut published = outcome(0, 0, 0);
        let offered = bus.publish_batch(&batch).unwrap();
        for (subscription, lanes, capacity) in &mut subscribers {
            let wanted: Vec<_> = batch.iter().filter(|event| lanes.contains(&event.lane)).copied().collect();
            let kept = wanted.len().min(*capacity);
            published.delivered += kept;
            published.dropped += wanted.len() - kept;
            assert_eq!(subscription.try_iter().collect::<Vec<_>>(), wanted[..kept], "round {round}, {lanes:?}");
        }
        assert_eq!(offered, published, "round {round}");
    }
}

/// G9: an event that panics when it is asked for its type, between others of one type, costs those
/// who asked for that type this event alone.
#[test]
fn panicking_event_type_within_a_run_costs_one_event() {
    for fragile in 0..4 {
        let bus = common::new_bus(0);
        let mut typed = bus.subscriber("typed").types([EVEN]).subscribe();
        bus.start();
        let batch = [0, 1, 2, 3].map(Fragile::new);
        batch[fragile].event_type.panic_on_call(1, "of no type");
        assert_eq!(panic_of(|| bus.publish_batch(&batch)), "of no type");
        let expected: Vec<_> = (0..4).filter(|&number| number != fragile as u64).collect();
        assert_eq!(fragile_numbers(&mut typed), expected);
    }
}

/// Lags: the same within a run of events of one type.
#[test]
fn lag_names_the_event_of_the_run_that_began_it() {
    let bus = common::new_bus(0);
    bus.start();
    let reports = Arc::<Mutex<Vec<_>>>::default();
    let of_hook = Arc::clone(&reports);
    bus.on_lag(move |lag| of_hook.lock().unwrap().push((lag.subscriber.to_string(), lag.event_type)));
    // Behind 30 of one type come 40 of the other.
    let event = |place| Stamped { publisher: 0, sequence: place, lane: usize::from(place >= 30) };
    let batch: Vec<_> = (0..70).map(event).collect();
    let _first = bus.subscriber("first").types([LANES[0]]).capacity(29).subscribe();
    let _second = bus.subscriber("second").types([LANES[1]]).capacity(39).subscribe();
    let _both = bus.subscriber("both").types([LANES[0], LANES[1]]).capacity(30).subscribe();
    bus.publish_batch(&batch).unwrap();
    let mut reports = reports.lock().unwrap().clone();
    reports.sort_by(|one, other| one.0.cmp(&other.0));
    let expected = [("both", LANES[1]), ("first", LANES[0]), ("second", LANES[1])];
    assert_eq!(reports, expected.map(|(name, event_type)| (name.to_owned(), event_type)));
}

/// API, section 2: each lag is reported by the publish that began it, with the type of the event
/// that was lost, although a waker publishes another batch before that report.
#[test]
fn batches_that_nest_report_their_own_lags() {
    struct Publishes(WeakEventBus<Number>);
    impl Wake for Publishes {
        fn wake(self: Arc<Self>) {
            let bus = self.0.upgrade().unwrap();
            bus.publish_batch(&[100, 102, 104].map(Number)).unwrap();
        }
    }
    // Which event begins the outer lag: the inner batch may use the number of none.
    for (outer, lost) in [([0, 2, 1], EVEN), ([0, 1, 2], ODD), ([1, 3, 5], ODD)] {
        let bus = live();
        let reports = Arc::<Mutex<Vec<_>>>::default();
        let of_hook = Arc::clone(&reports);
        bus.on_lag(move |lag| of_hook.lock().unwrap().push((lag.subscriber.to_string(), lag.event_type)));
        let below = bus.subscriber("outer").capacity(1).filter(|number: &Number| number.0 < 100).subscribe();
        let above = bus.subscriber("inner").capacity(1).filter(|number: &Number| number.0 >= 100).subscribe();
        let mut waits = bus.subscriber("waits").capacity(16).subscribe();
        assert!(poll_next(&mut waits, &Waker::from(Arc::new(Publishes(bus.downgrade())))).is_pending());
        bus.publish_batch(&outer.map(Number)).unwrap();
        let mut reports = reports.lock().unwrap().clone();
        reports.sort_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(reports, [("inner".to_owned(), EVEN), ("outer".to_owned(), lost)], "{outer:?}");
        drop((below, above));
    }
}

/// G8: responses in a batch that is kept until the start are with their requests at once.
#[test]
fn responses_of_a_batch_before_the_start_are_gathered() {
    let bus = common::new_bus::<Talk>(8);
    let ids = [1, 2].map(RequestId::from);
    let ask = |id: &RequestId| bus.request(Talk::Question(id.clone()), RequestOptions::expecting(["a"])).unwrap();
    let gathers = ids.each_ref().map(ask);
    let answer = |to: &RequestId| Talk::Answer { to: to.clone(), by: "a", value: 1 };
    let batch = [answer(&ids[0]), answer(&RequestId::from(3)), answer(&ids[1])];
    assert_eq!(bus.publish_batch(&batch), Ok(outcome(3, 0, 0)));
    for gather in gathers {
        assert_eq!(gather.wait().unwrap().responses.len(), 1);
    }
    assert_eq!(bus.stats().late_responses, 1);
}
