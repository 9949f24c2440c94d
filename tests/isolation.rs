//! User code that panics, or calls back into the bus that called it.

use crate::common::{
    self, Action, CountingWaker, EVEN, Finish, LONG, Number, ODD, finishes, in_own_process, panic_of, poll_next,
    spawn_sleeper, stats_of, subscribe_to_be_told_closed,
};
use futures_util::FutureExt;
use futures_util::stream::FusedStream;
use ringbus::{Event, EventBus, EventType, Overflow, Published, Subscription, TryRecvError};
use std::cell::RefCell;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::SystemTime;

/// What the copies of one event do.
#[derive(Default)]
struct Script {
    event_type: Action,
    clone: Action,
    drop: Action,
}

/// An event that does as its script says.
struct Actor {
    number: u64,
    script: Arc<Script>,
}

impl Actor {
    fn new(number: u64) -> (Self, Arc<Script>) {
        let script = Arc::<Script>::default();
        (Self { number, script: Arc::clone(&script) }, script)
    }

    fn quiet(number: u64) -> Self {
        Self::new(number).0
    }
}

impl Clone for Actor {
    fn clone(&self) -> Self {
        self.script.clone.call();
        Self { number: self.number, script: Arc::clone(&self.script) }
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.script.drop.call();
    }
}

impl Event for Actor {
    fn event_type(&self) -> EventType {
        self.script.event_type.call();
        if self.number % 2 == 0 { EVEN } else { ODD }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// A waker that does something when it wakes.
struct ActingWaker(Action);

impl Wake for ActingWaker {
    fn wake(self: Arc<Self>) {
        self.0.call();
    }
}

fn live() -> EventBus<Actor> {
    let bus = common::new_bus(0);
    bus.start();
    bus
}

/// A subscription whose filter lets everything pass, once it has done what the action says.
fn acting_filter(bus: &EventBus<Actor>, name: &str) -> (Subscription<Actor>, Arc<Action>) {
    let action = Arc::<Action>::default();
    let filter = Arc::clone(&action);
    let subscription = bus.subscriber(name).filter(move |_| {
        filter.call();
        true
    });
    (subscription.subscribe(), action)
}

fn received(subscription: &Subscription<Actor>) -> Vec<u64> {
    std::iter::from_fn(|| subscription.try_recv().ok()).map(|event| event.number).collect()
}

/// Lets a task wait on a subscription, with a waker that panics.
fn wait_with_panicking_waker(subscription: &mut Subscription<Actor>, message: &'static str) {
    let waker = Arc::new(ActingWaker(Action::default()));
    waker.0.panic_on_call(1, message);
    let waker = Waker::from(waker);
    assert!(poll_next(subscription, &waker).is_pending());
}

/// G11: of several panics the first resumes, and what the others carried is dropped.
#[test]
fn payloads_of_further_panics_are_dropped() {
    let bus = common::new_bus(0);
    bus.start();
    let token = Arc::new(());
    let _subscriptions = [0, 1, 2].map(|_| {
        let token = Arc::clone(&token);
        bus.subscriber("breaks").filter(move |_: &Number| panic_any(Arc::clone(&token))).subscribe()
    });
    let owned_by_filters = Arc::strong_count(&token);
    let payload = catch_unwind(AssertUnwindSafe(|| bus.publish(Number(0)))).expect_err("three filters panic");
    assert_eq!(Arc::strong_count(&token), owned_by_filters + 1);
    drop(payload);
    assert_eq!(Arc::strong_count(&token), owned_by_filters);
}

/// G9: a filter that panics costs its own subscriber the event, counted; those before and behind it
/// get it, the one who sleeps is woken, the panic resumes in the publisher, and all goes on as
/// before. By bus and by `Publisher`.
#[test]
fn panicking_filter_costs_its_own_subscriber_only() {
    for by_publisher in [false, true] {
        let bus = live();
        let mut publisher = bus.publisher();
        let mut publish = |event| if by_publisher { publisher.publish(event) } else { bus.publish(event) };
        let before = bus.subscribe(4);
        let (panicky, filter) = acting_filter(&bus, "panicky");
        let behind = bus.subscribe(4);
        let sleeper = spawn_sleeper(move || (behind.recv_timeout(LONG).map(|event| event.number), behind));
        let typed = bus.subscriber("typed").types([ODD]).subscribe();

        filter.panic_on_call(1, "filter");
        assert_eq!(panic_of(|| publish(Actor::quiet(1))), "filter");
        let (woken_by, behind) = sleeper.join();
        assert_eq!(woken_by, Ok(1));
        assert_eq!((received(&before), received(&panicky), received(&typed)), (vec![1], vec![], vec![1]));
        assert_eq!((panicky.lost(), panicky.take_lost()), (1, 1));
        let stats = bus.stats();
        assert_eq!((stats.published, stats.delivered, stats.dropped), (1, 3, 1));

        assert_eq!(publish(Actor::quiet(3)).unwrap().delivered, 4);
        assert!([&before, &panicky, &behind, &typed].into_iter().all(|subscription| received(subscription) == [3]));
    }
}

/// G9: where several panic in one publish, each has its drop counted, and the first panic is the
/// one that resumes.
#[test]
fn first_of_several_panics_resumes() {
    let bus = live();
    let [(one, first), (other, second)] = ["one", "other"].map(|name| acting_filter(&bus, name));
    first.panic_on_call(1, "first");
    second.panic_on_call(1, "second");
    let (event, script) = Actor::new(1);
    script.drop.panic_on_call(1, "third");
    assert_eq!(panic_of(|| bus.publish(event)), "first");
    assert_eq!([one.lost(), other.lost()], [1, 1]);
    assert!(!script.drop.is_pending());
}

/// G9: a `Clone` that panics costs the subscriber whose copy it was to be, whichever of them it is.
#[test]
fn panicking_clone_costs_one_subscriber() {
    for unlucky in 0..3 {
        let bus = live();
        let subscriptions = [4, 4, 4, 4].map(|capacity| bus.subscribe(capacity));
        let (event, script) = Actor::new(1);
        script.clone.panic_on_call(unlucky + 1, "clone");
        assert_eq!(panic_of(|| bus.publish(event)), "clone");
        for (index, subscription) in subscriptions.iter().enumerate() {
            let lost = usize::from(index == unlucky);
            assert_eq!((received(subscription).len(), subscription.lost()), (1 - lost, lost as u64));
        }
        assert_eq!(bus.publish(Actor::quiet(2)).unwrap().delivered, 4);
    }
}

/// G9: a panic that costs an event is a drop, and no lag: no ring was full.
#[test]
fn panic_is_no_lag() {
    let bus = live();
    let lags = Arc::new(AtomicUsize::new(0));
    bus.on_lag({
        let lags = Arc::clone(&lags);
        move |_| _ = lags.fetch_add(1, SeqCst)
    });
    let (panicky, filter) = acting_filter(&bus, "panicky");
    filter.panic_on_call(1, "filter");
    panic_of(|| bus.publish(Actor::quiet(1)));
    assert_eq!((panicky.lost(), lags.load(SeqCst)), (1, 0));
}

/// G9: an event that is lost is asked for its type in order to report the lag: if nobody would hear
/// of that, it is not asked.
#[test]
fn lost_event_is_not_asked_for_its_type_if_nobody_hears_of_lags() {
    // A subscriber of `tracing` would, and tests on other threads have some.
    in_own_process(module_path!(), "lost_event_is_not_asked_for_its_type_if_nobody_hears_of_lags", || {
        let bus = live();
        let full = bus.subscribe(1);
        let [first, lost, alone] = [1, 2, 3].map(|number| {
            let (event, script) = Actor::new(number);
            script.event_type.panic_on_call(1, "asked for its type");
            event
        });
        assert_eq!(bus.publish_batch(&[first, lost]).unwrap().dropped, 1);
        assert_eq!(received(&full), [1]);
        bus.publish(Actor::quiet(4)).unwrap();
        assert_eq!(bus.publish(alone).unwrap().dropped, 1);
        assert_eq!((received(&full), full.lost()), (vec![4], 2));
    });
}

/// G9: nobody hears of a lag that begins with an event from inside a hook, and so that event is not
/// asked for its type.
#[test]
fn lost_event_of_a_hook_is_not_asked_for_its_type() {
    let bus = live();
    let [lagging, full] = [1, 2].map(|capacity| bus.subscribe(capacity));
    let (event, script) = Actor::new(3);
    script.event_type.panic_on_call(1, "asked for its type");
    bus.on_lag({
        let (bus, event) = (bus.downgrade(), Mutex::new(Some(event)));
        move |_| {
            let event = event.lock().unwrap().take().unwrap();
            assert_eq!(bus.upgrade().unwrap().publish(event).unwrap().dropped, 2);
        }
    });
    for number in 1..3 {
        bus.publish(Actor::quiet(number)).unwrap();
    }
    assert!(script.event_type.is_pending());
    assert_eq!((received(&lagging), received(&full)), (vec![1], vec![1, 2]));
    assert_eq!((lagging.lost(), full.lost()), (2, 1));
}

/// G9: the `Drop` of an evicted event panics in the publisher that evicted it, after everybody was
/// served; the newer event is in the ring.
#[test]
fn panicking_drop_of_an_evicted_event_disturbs_nobody() {
    let bus = live();
    let full = bus.subscriber("full").capacity(1).overflow(Overflow::DropOldest).subscribe();
    let (evicted, script) = Actor::new(1);
    bus.publish(evicted).unwrap();
    let behind = bus.subscribe(4);
    script.drop.panic_on_call(1, "drop");
    assert_eq!(panic_of(|| bus.publish(Actor::quiet(2))), "drop");
    assert_eq!((received(&full), received(&behind)), (vec![2], vec![2]));
    let stats = stats_of(&bus, "full");
    assert_eq!((stats.evicted, stats.dropped), (1, 0));
    assert_eq!((bus.stats().delivered, bus.stats().dropped), (3, 0));
}

/// G9: so does the `Drop` of a copy for which a ring had no room, in the middle of the subscribers
/// or at their end; the loss is counted once.
#[test]
fn panicking_drop_of_a_refused_event_disturbs_nobody() {
    for full_is_last in [false, true] {
        let bus = live();
        let before = bus.subscribe(4);
        let full = bus.subscriber("full").capacity(1).subscribe();
        let behind = if full_is_last { None } else { Some(bus.subscribe(4)) };
        bus.publish(Actor::quiet(1)).unwrap();
        let (event, script) = Actor::new(2);
        script.drop.panic_on_call(1, "drop");
        assert_eq!(panic_of(|| bus.publish(event)), "drop");
        assert_eq!((received(&full), full.lost()), (vec![1], 1));
        assert_eq!(received(&before), [1, 2]);
        assert!(behind.is_none_or(|behind| received(&behind) == [1, 2]));
        assert_eq!(bus.stats().dropped, 1);
    }
}

/// G9: the `Drop` of an event that nobody wanted, or that was only copied, panics in its publisher,
/// and the publish counts.
#[test]
fn panicking_drop_of_the_original_resumes() {
    let bus = live();
    let (event, script) = Actor::new(1);
    script.drop.panic_on_call(1, "unwanted");
    assert_eq!(panic_of(|| bus.publish(event)), "unwanted");

    let picky =
        bus.subscriber("picky").filter(|event: &Actor| event.number == 2).overflow(Overflow::DropOldest).subscribe();
    let (event, script) = Actor::new(2);
    script.drop.panic_on_call(1, "original");
    assert_eq!(panic_of(|| bus.publisher().publish(event)), "original");
    assert_eq!(received(&picky), [2]);
    assert_eq!((bus.stats().published, bus.stats().delivered), (2, 1));
}

/// G2, G9: an event that nobody takes finds its publish counted as it is dropped, in whichever way
/// it was published.
#[test]
fn event_that_is_dropped_by_its_publish_finds_that_counted() {
    let bus = live();
    let mut publisher = bus.publisher();
    for round in 1..5 {
        let (event, script) = Actor::new(1);
        let (weak, counted) = (bus.downgrade(), Arc::new(AtomicUsize::new(0)));
        let of_drop = Arc::clone(&counted);
        script.drop.on_call(1, move || {
            of_drop.store(weak.upgrade().unwrap().stats().published as usize, SeqCst);
        });
        // The third and the fourth with a snapshot at hand.
        if round == 1 { bus.publish(event) } else { publisher.publish(event) }.unwrap();
        assert_eq!(counted.load(SeqCst), round);
    }
}

/// G9: an `event_type` that panics resumes in the publisher, after those who take every type have
/// got the event: whoever it is that wants to know the type, and however it is published.
#[test]
fn panicking_event_type_does_not_disturb_those_who_take_everything() {
    type Publish = fn(&EventBus<Actor>, Actor) -> Published;
    let ways: [(&str, Publish); 5] = [
        ("publish", |bus, event| bus.publish(event).unwrap()),
        ("Publisher::publish", |bus, event| bus.publisher().publish(event).unwrap()),
        ("Publisher::publish again", |bus, event| {
            let mut publisher = bus.publisher();
            publisher.publish(Actor::quiet(5)).unwrap();
            publisher.publish(event).unwrap()
        }),
        ("publish_batch", |bus, event| bus.publish_batch(&[event]).unwrap()),
        ("Publisher::publish_batch", |bus, event| {
            let mut publisher = bus.publisher();
            publisher.publish(Actor::quiet(5)).unwrap();
            publisher.publish_batch(&[event]).unwrap()
        }),
    ];
    for (name, publish) in ways {
        for (retains, wants) in [(None, Some(ODD)), (Some(EVEN), None), (Some(EVEN), Some(ODD)), (Some(ODD), None)] {
            let case = format!("{name}, retaining {retains:?}, wanted {wants:?}");
            let bus = EventBus::builder().ring(common::ring()).retain(retains).build();
            bus.start();
            let all = bus.subscribe(4);
            let typed = wants.map(|wanted| bus.subscriber("typed").types([wanted]).subscribe());
            let typed_received = || typed.as_ref().map_or(vec![], received);
            let (event, script) = Actor::new(1);
            script.event_type.panic_on_call(1, "event_type");
            assert_eq!(panic_of(|| publish(&bus, event)), "event_type", "{case}");
            assert_eq!(received(&all).last(), Some(&1), "{case}");
            // (Where types are retained it is asked for its type twice, and panics once.)
            assert_eq!(typed_received().contains(&1), retains.is_some() && wants.is_some(), "{case}");
            let delivered = 1 + usize::from(wants.is_some());
            assert_eq!(publish(&bus, Actor::quiet(3)).delivered, delivered, "{case}");
            assert_eq!(typed_received().last(), wants.map(|_| &3), "{case}");
        }
    }
}

/// API of `retained`: an event whose `event_type` panics is of no type, before the start as after
/// it, and hides nothing.
#[test]
fn event_of_no_type_hides_no_retained_one() {
    let bus = EventBus::builder().startup_capacity(4).retain([ODD]).build();
    bus.publish(Actor::quiet(1)).unwrap();
    let (event, script) = Actor::new(3);
    bus.publish(event).unwrap();
    let retained = || bus.retained(ODD).map(|event: Actor| event.number);
    script.event_type.panic_on_call(1, "event_type");
    assert_eq!(retained(), Some(1));
    assert!(!script.event_type.is_pending());
    script.event_type.panic_on_call(1, "event_type");
    assert_eq!(panic_of(|| bus.start()), "event_type");
    assert_eq!(retained(), Some(1));
}

/// API of `Event`: an event is asked for its type while somebody wants certain types only, and not
/// if everybody takes everything.
#[test]
fn event_type_is_not_asked_for_where_everybody_takes_everything() {
    let bus = live();
    let all = bus.subscribe(4);
    drop(bus.subscriber("typed").types([ODD]).subscribe());
    let mut publisher = bus.publisher();
    for by_publisher in [false, true, true] {
        let (event, script) = Actor::new(1);
        script.event_type.panic_on_call(1, "event_type");
        let published = if by_publisher { publisher.publish(event) } else { bus.publish(event) };
        assert_eq!(published.unwrap().delivered, 1);
        assert!(script.event_type.is_pending());
    }
    assert_eq!(received(&all), [1, 1, 1]);
}

/// The same: it is asked for the report of a lag, and not for every loss that follows.
#[test]
fn event_type_is_not_asked_for_while_a_lag_goes_on() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let bus = live();
        let _slow = bus.subscriber("slow").capacity(1).overflow(overflow).subscribe();
        let lags = Arc::new(AtomicUsize::new(0));
        bus.on_lag({
            let lags = Arc::clone(&lags);
            move |_| _ = lags.fetch_add(1, SeqCst)
        });
        for number in 0..2 {
            bus.publish(Actor::quiet(number)).unwrap();
        }
        assert_eq!(lags.load(SeqCst), 1);
        let (event, script) = Actor::new(2);
        script.event_type.panic_on_call(1, "event_type");
        bus.publish(event).unwrap();
        assert!(script.event_type.is_pending(), "{overflow:?}");
        assert_eq!(lags.load(SeqCst), 1);
    }
}

/// G9, G11: if the type of an event cannot be told, that panic is the report of the lag that begins
/// with it. Others are reported: those for which it can be told, and those to come.
#[test]
fn event_type_that_panics_for_a_report_silences_no_other() {
    type Publish = fn(&EventBus<Actor>, Actor);
    let ways: [(Publish, &[&str]); 3] = [
        (|bus, event| _ = bus.publish(event), &[]),
        (|bus, event| _ = bus.publisher().publish(event), &[]),
        (|bus, event| _ = bus.publish_batch(&[event, Actor::quiet(2)]), &["second", "roomy"]),
    ];
    for (way, (publish, beside)) in ways.into_iter().enumerate() {
        let bus = live();
        let [first, second, roomy] = [("first", 1), ("second", 1), ("roomy", 2)]
            .map(|(name, capacity)| bus.subscriber(name).capacity(capacity).subscribe());
        let reports = Arc::new(Mutex::new(Vec::new()));
        bus.on_lag({
            let reports = Arc::clone(&reports);
            move |lag| reports.lock().unwrap().push(lag.subscriber.to_string())
        });
        bus.publish(Actor::quiet(0)).unwrap();
        let (event, script) = Actor::new(1);
        script.event_type.panic_on_call(1, "event_type");
        assert_eq!(panic_of(|| publish(&bus, event)), "event_type");
        assert_eq!(std::mem::take(&mut *reports.lock().unwrap()), beside, "{way}");

        assert_eq!([&first, &second, &roomy].map(received), [vec![0], vec![0], vec![0, 1]], "{way}");
        bus.publish_batch(&[4, 5, 6].map(Actor::quiet)).unwrap();
        assert_eq!(*reports.lock().unwrap(), ["first", "second", "roomy"], "{way}");
    }
}

/// If an event has a `Drop`, the last subscriber gets the event itself: it is cloned for the
/// others.
#[test]
fn last_subscriber_gets_the_event_itself() {
    let bus = live();
    let mut subscriptions = Vec::new();
    let mut publisher = bus.publisher();
    for subscribers in 1..4 {
        subscriptions.push(bus.subscribe(8));
        for by_publisher in [false, true] {
            let (event, script) = Actor::new(1);
            script.clone.panic_on_call(subscribers, "one clone too many");
            let published = if by_publisher { publisher.publish(event) } else { bus.publish(event) };
            assert_eq!(published.unwrap().delivered, subscribers);
        }
    }
}

/// G9: a hook that panics keeps no other hook from its report, and takes nobody's event.
#[test]
fn panicking_hook_does_not_silence_the_others() {
    let bus = live();
    let reports = Arc::new(Mutex::new(Vec::new()));
    bus.on_lag(|lag| panic_any(format!("hook for {}", lag.subscriber)));
    bus.on_lag({
        let reports = Arc::clone(&reports);
        move |lag| reports.lock().unwrap().push((lag.subscriber.to_string(), lag.lost))
    });
    let other = bus.subscribe(4);
    let full = ["one", "two"].map(|name| bus.subscriber(name).capacity(1).subscribe());
    bus.publish(Actor::quiet(1)).unwrap();
    assert_eq!(panic_of(|| bus.publish(Actor::quiet(2))), "hook for one");
    assert_eq!(*reports.lock().unwrap(), [("one".into(), 1), ("two".into(), 1)]);
    assert_eq!(received(&other), [1, 2]);
    assert_eq!(bus.publish(Actor::quiet(3)).unwrap().dropped, 2, "the episode was reported, and goes on");
    drop(full);
}

/// G9: whoever stops a subscriber hears of the panic of its waker.
#[test]
fn panicking_waker_of_a_stopped_subscriber_resumes() {
    let bus = common::new_bus(0);
    bus.start();
    let mut subscription = bus.subscribe(1);
    wait_with_panicking_waker(&mut subscription, "waker");
    assert_eq!(panic_of(|| subscription.stop_handle().stop()), "waker");
    assert_eq!(subscription.try_recv().err(), Some(TryRecvError::Closed));
}

/// G7, G9: a waker that panics keeps nobody else asleep: not when an event comes, at the start, at
/// the close, or when the last handle goes.
#[test]
fn panicking_waker_keeps_nobody_else_asleep() {
    type Wake = fn(EventBus<Actor>);
    let ways: [(&str, Wake); 5] = [
        ("start", |bus| _ = bus.start()),
        ("publish", |bus| {
            bus.start();
            _ = bus.publish(Actor::quiet(1));
        }),
        ("publisher", |bus| {
            bus.start();
            _ = bus.publisher().publish(Actor::quiet(1));
        }),
        ("close", |bus| bus.close()),
        ("last handle", drop),
    ];
    for (way, wake) in ways {
        let bus = common::new_bus(1);
        let keep = (way != "last handle").then(|| bus.clone());
        if way.starts_with("pub") {
            bus.start();
        } else {
            bus.publish(Actor::quiet(1)).unwrap();
        }
        let mut subscriptions = [4, 4, 4].map(|capacity| bus.subscribe(capacity));
        wait_with_panicking_waker(&mut subscriptions[0], way);
        let (counter, waker) = CountingWaker::new();
        for subscription in &mut subscriptions[1..] {
            assert!(poll_next(subscription, &waker).is_pending());
        }
        assert_eq!(panic_of(|| wake(bus)), way);
        assert_eq!(counter.wakes(), 2, "{way}");
        assert!(subscriptions.iter().all(|subscription| received(subscription) == [1]), "{way}");
        drop(keep);
    }
}

/// G9: a filter, `event_type` or `Clone` that panics during the replay does so in the receiver; the
/// event is gone for that one, counted as discarded, and the next call goes on behind it. Other
/// readers of the log are not concerned.
#[test]
fn panic_during_the_replay_costs_one_event_of_one_receiver() {
    let bus = common::new_bus(4);
    let (filtering, filter) = acting_filter(&bus, "filtering");
    let typed = bus.subscriber("typed").types([EVEN, ODD]).subscribe();
    let cloning = bus.subscriber("cloning").subscribe();
    let calm = bus.subscriber("calm").subscribe();
    let mut scripts = Vec::new();
    for number in 0..4 {
        let (event, script) = Actor::new(number);
        bus.publish(event).unwrap();
        scripts.push(script);
    }
    assert_eq!(bus.start(), 4);

    filter.panic_on_call(2, "filter");
    scripts[0].event_type.panic_on_call(1, "event_type");
    assert_eq!(filtering.try_recv().unwrap().number, 0);
    assert_eq!(panic_of(|| filtering.try_recv()), "filter");
    assert_eq!(received(&filtering), [2, 3]);
    assert_eq!(panic_of(|| typed.recv()), "event_type");
    assert_eq!(received(&typed), [1, 2, 3]);
    scripts[3].clone.panic_on_call(1, "clone");
    assert_eq!(panic_of(|| received(&cloning)), "clone");
    assert_eq!(cloning.try_recv().err(), Some(TryRecvError::Empty));
    assert_eq!(received(&calm), [0, 1, 2, 3]);

    for (name, received, discarded) in [("filtering", 3, 1), ("typed", 3, 1), ("cloning", 3, 1), ("calm", 4, 0)] {
        let stats = stats_of(&bus, name);
        assert_eq!((stats.received, stats.discarded, stats.len), (received, discarded, 0), "{name}");
    }
    assert_eq!(bus.publish(Actor::quiet(4)).unwrap().delivered, 4);
    assert_eq!(received(&cloning), [4]);
}

/// G9: the same for a batch, in whichever way it is received: what came before the panic is in the
/// caller's hands, and the next batch goes on behind it.
#[test]
fn panic_during_a_batch_of_the_replay_costs_one_event() {
    type Many = fn(&mut Subscription<Actor>, &mut Vec<Actor>) -> usize;
    let ways: [(&str, Many); 3] = [
        ("try_recv_many", |it, into| it.try_recv_many(into, 10)),
        ("recv_many", |it, into| it.recv_many(into, 10).unwrap()),
        ("recv_many_async", |it, into| it.recv_many_async(into, 10).now_or_never().unwrap().unwrap()),
    ];
    for (name, receive) in ways {
        let bus = common::new_bus(4);
        let mut subscription = bus.subscriber("reader").subscribe();
        for number in 0..4 {
            let (event, script) = Actor::new(number);
            if number == 2 {
                script.clone.panic_on_call(1, "clone");
            }
            bus.publish(event).unwrap();
        }
        bus.start();
        let mut into = Vec::new();
        assert_eq!(panic_of(|| receive(&mut subscription, &mut into)), "clone", "{name}");
        assert_eq!(into.iter().map(|event| event.number).collect::<Vec<_>>(), [0, 1], "{name}");
        assert_eq!(receive(&mut subscription, &mut into), 1, "{name}");
        assert_eq!(into[2].number, 3, "{name}");
        let stats = stats_of(&bus, "reader");
        assert_eq!((stats.received, stats.discarded, stats.len), (3, 1, 0), "{name}");
    }
}

/// G9: where the `Drop` of a replayed event panics as the last reader frees the log, that reader
/// gets the panic, and can go on.
#[test]
fn panicking_drop_in_the_log_hits_its_last_reader() {
    let bus = common::new_bus(3);
    let [first, last] = [bus.subscribe(4), bus.subscribe(4)];
    let (event, script) = Actor::new(1);
    bus.publish(event).unwrap();
    bus.publish(Actor::quiet(2)).unwrap();
    bus.start();
    bus.publish(Actor::quiet(3)).unwrap();
    assert_eq!(received(&first), [1, 2, 3]);
    assert_eq!([last.try_recv(), last.try_recv()].map(|event| event.unwrap().number), [1, 2]);
    script.drop.panic_on_call(1, "drop");
    assert_eq!(panic_of(|| last.try_recv()), "drop");
    assert_eq!(received(&last), [3]);
}

/// G9: the same if a publish that was under way at the start has kept the log until then.
#[test]
fn panicking_drop_in_a_log_that_a_publish_has_kept_hits_its_last_reader() {
    let bus = common::new_bus(1);
    let reader = bus.subscribe(4);
    let (event, script) = Actor::new(1);
    bus.publish(event).unwrap();
    let (starts, start) = Actor::new(2);
    start.clone.on_call(1, {
        let bus = bus.downgrade();
        move || assert_eq!(bus.upgrade().unwrap().start(), 1)
    });
    assert_eq!(bus.publish_batch(&[starts]).unwrap().delivered, 1);
    assert_eq!(reader.try_recv().unwrap().number, 1);
    script.drop.panic_on_call(1, "drop");
    assert_eq!(panic_of(|| reader.try_recv()), "drop");
    assert_eq!(received(&reader), [2]);
}

/// G7, G9: nor does that keep a drain waiting, if it was the end of a replay that the reader has
/// refused.
#[test]
fn drain_wakes_when_the_end_of_the_replay_panics() {
    let bus = common::new_bus(1);
    let reader = bus.subscriber("refuses").filter(|_: &Actor| false).subscribe();
    let (event, script) = Actor::new(1);
    bus.publish(event).unwrap();
    let (counter, waker) = CountingWaker::new();
    let mut drain = Box::pin(bus.close_and_drain_async(pending::<()>()));
    assert!(drain.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    script.drop.panic_on_call(1, "drop");
    assert_eq!(panic_of(|| reader.try_recv()), "drop");
    assert_eq!(counter.wakes(), 1);
    assert!(drain.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    drop(reader);
}

/// G9, G11: where nobody reads such a log, the publish does not drop it: who comes or goes next
/// does, and a panic there is nobody's.
#[test]
fn panicking_drop_in_a_log_that_a_publish_has_kept_is_not_the_publishers() {
    let bus = common::new_bus(1);
    let (event, script) = Actor::new(1);
    bus.publish(event).unwrap();
    let (starts, start) = Actor::new(2);
    start.clone.on_call(1, {
        let bus = bus.downgrade();
        move || assert_eq!(bus.upgrade().unwrap().start(), 0)
    });
    script.drop.panic_on_call(1, "drop");
    assert_eq!(bus.publish_batch(&[starts]).unwrap().delivered, 0);
    assert!(bus.is_started() && script.drop.is_pending());
    drop(bus.subscribe(1));
    assert!(!script.drop.is_pending(), "it is gone now");
}

/// G9: where nobody has subscribed, the `Drop` of a kept event panics in `close`, although a
/// publish has kept the log for a while.
#[test]
fn panicking_drop_in_a_log_that_a_publish_has_kept_hits_close() {
    /// Does something when it is dropped.
    struct Parting(Action);
    impl Drop for Parting {
        fn drop(&mut self) {
            self.0.call();
        }
    }
    let bus = common::new_bus(2);
    let (event, script) = Actor::new(1);
    bus.publish(event).unwrap();
    script.drop.panic_on_call(1, "drop");
    let (enter, entered) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let (late, hold) = Actor::new(2);
    let released = Mutex::new(released);
    hold.clone.on_call(1, move || {
        enter.send(()).unwrap();
        released.lock().unwrap().recv().unwrap();
    });
    let publishing = thread::spawn({
        let bus = bus.clone();
        move || bus.publish_batch(&[late]).is_err()
    });
    entered.recv().unwrap();
    // A hook goes with the close, and lets that publish come to its end.
    let (parting, publishing) = (Parting(Action::default()), Mutex::new(Some(publishing)));
    parting.0.on_call(1, move || {
        release.send(()).unwrap();
        assert!(publishing.lock().unwrap().take().unwrap().finish(), "the bus is closed");
    });
    bus.on_lag(move |_| _ = &parting);
    assert_eq!(panic_of(|| bus.close()), "drop");
    assert!(bus.is_closed());
}

/// G9: the same if the last one to let go of the log was stopped before the start, and is told
/// so.
#[test]
fn panicking_drop_in_the_log_hits_a_stopped_reader() {
    let bus = common::new_bus(1);
    let stopped = bus.subscribe(1);
    let (event, script) = Actor::new(1);
    bus.publish(event).unwrap();
    stopped.stop_handle().stop();
    bus.start();
    script.drop.panic_on_call(1, "drop");
    assert_eq!(panic_of(|| stopped.try_recv()), "drop");
    assert_eq!(stopped.try_recv().err(), Some(TryRecvError::Closed));
}

/// Uses whatever a bus can do that does not end it.
fn use_everything(bus: &EventBus<Actor>) {
    let guest = bus.subscriber("guest").capacity(4).filter(|event| event.number == 100).subscribe();
    bus.publish(Actor::quiet(100)).unwrap();
    bus.publisher().clone().publish(Actor::quiet(100)).unwrap();
    bus.on_lag(|_| ());
    assert_eq!(bus.start(), 0);
    assert!(bus.is_started() && !bus.is_closed() && bus.has_subscribers(ODD));
    assert!(bus.subscriber_count() > bus.subscribe(1).len());
    assert!(format!("{bus:?}").contains("guest"));
    guest.stop_handle().stop();
    assert_eq!(guest.iter().count(), 2);
}

/// Subscribes, and makes an event, so that publishing it runs the action.
type Prepare = Box<dyn Fn(&EventBus<Actor>, Action) -> (Vec<Subscription<Actor>>, Actor) + Send>;

/// G9: user code may use the whole bus from wherever it is called by a publish: no lock is held.
#[test]
fn user_code_may_use_the_whole_bus() {
    let scripted = |event_type: Option<Action>, clone: Option<Action>, drop: Option<Action>| {
        let [event_type, clone, drop] = [event_type, clone, drop].map(Option::unwrap_or_default);
        Actor { number: 1, script: Arc::new(Script { event_type, clone, drop }) }
    };
    let places: [(&str, Prepare); 7] = [
        (
            "filter",
            Box::new(|bus, action| {
                let subscription = bus.subscriber("asks").filter(move |_| {
                    action.call();
                    true
                });
                (vec![subscription.subscribe()], Actor::quiet(1))
            }),
        ),
        (
            "event_type",
            Box::new(move |bus, action| {
                (vec![bus.subscriber("typed").types([ODD]).subscribe()], scripted(Some(action), None, None))
            }),
        ),
        (
            "clone",
            Box::new(move |bus, action| (vec![bus.subscribe(8), bus.subscribe(8)], scripted(None, Some(action), None))),
        ),
        ("drop of the original", Box::new(move |_, action| (vec![], scripted(None, None, Some(action))))),
        (
            "drop of an evicted event",
            Box::new(move |bus, action| {
                let full = bus.subscriber("full").capacity(1).overflow(Overflow::DropOldest).subscribe();
                bus.publish(scripted(None, None, Some(action))).unwrap();
                (vec![full], Actor::quiet(1))
            }),
        ),
        (
            "drop of a refused event",
            Box::new(move |bus, action| {
                let full = bus.subscribe(1);
                bus.publish(Actor::quiet(0)).unwrap();
                (vec![full, bus.subscribe(8)], scripted(None, None, Some(action)))
            }),
        ),
        (
            "waker",
            Box::new(|bus, action| {
                let mut subscription = bus.subscribe(8);
                let waker = Waker::from(Arc::new(ActingWaker(action)));
                assert!(poll_next(&mut subscription, &waker).is_pending());
                (vec![subscription], Actor::quiet(1))
            }),
        ),
    ];
    for (place, prepare) in places {
        finishes(move || {
            let bus = live();
            let done = Arc::new(AtomicUsize::new(0));
            let action = Action::default();
            action.on_call(1, {
                let (bus, done) = (bus.downgrade(), Arc::clone(&done));
                move || {
                    use_everything(&bus.upgrade().expect("the publisher holds it"));
                    done.fetch_add(1, SeqCst);
                }
            });
            let (subscriptions, event) = prepare(&bus, action);
            bus.publish(event).unwrap();
            assert_eq!(done.load(SeqCst), 1, "{place}");
            drop(subscriptions);
        });
    }
}

/// G9: a hook may use the whole bus.
#[test]
fn hook_may_use_the_whole_bus() {
    finishes(|| {
        let bus = live();
        let done = Arc::new(AtomicUsize::new(0));
        bus.on_lag({
            let (bus, done) = (bus.downgrade(), Arc::clone(&done));
            move |_| {
                use_everything(&bus.upgrade().expect("the publisher holds it"));
                done.fetch_add(1, SeqCst);
            }
        });
        let _full = bus.subscribe(1);
        bus.publish(Actor::quiet(1)).unwrap();
        bus.publish(Actor::quiet(2)).unwrap();
        assert_eq!(done.load(SeqCst), 1);
    });
}

/// G9: the filter and the `Clone` that run in the receiver during the replay may use the whole bus
/// as well.
#[test]
fn user_code_of_the_replay_may_use_the_whole_bus() {
    finishes(|| {
        let bus = common::new_bus(2);
        let (subscription, filter) = acting_filter(&bus, "asks");
        let (event, script) = Actor::new(1);
        bus.publish(event).unwrap();
        bus.start();
        let done = Arc::new(AtomicUsize::new(0));
        for action in [&*filter, &script.clone] {
            let (bus, done) = (bus.downgrade(), Arc::clone(&done));
            action.on_call(1, move || {
                use_everything(&bus.upgrade().expect("the test holds it"));
                done.fetch_add(1, SeqCst);
            });
        }
        assert_eq!(subscription.try_recv().unwrap().number, 1);
        assert_eq!(done.load(SeqCst), 2);
        assert_eq!(received(&subscription), [100; 4], "what was published meanwhile comes after it");
    });
}

/// G4, G9: a `Clone` may receive from the very subscription that it is replayed to, to the end:
/// each event comes once.
#[test]
fn clone_may_receive_from_its_own_subscription() {
    thread_local! {
        static RECEIVER: RefCell<Option<Rc<Subscription<Actor>>>> = const { RefCell::new(None) };
        static INNER: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
    }
    let bus = common::new_bus(3);
    let subscription = Rc::new(bus.subscribe(4));
    RECEIVER.set(Some(Rc::clone(&subscription)));
    let (event, script) = Actor::new(0);
    bus.publish(event).unwrap();
    bus.publish(Actor::quiet(1)).unwrap();
    bus.publish(Actor::quiet(2)).unwrap();
    bus.start();
    bus.publish(Actor::quiet(3)).unwrap();
    script.clone.on_call(1, || {
        let receiver = RECEIVER.take().unwrap();
        INNER.set(received(&receiver));
    });
    assert_eq!(subscription.try_recv().unwrap().number, 0);
    assert_eq!(INNER.take(), [1, 2, 3]);
    assert_eq!(subscription.try_recv().err(), Some(TryRecvError::Empty));
    assert!(subscription.is_empty());
    assert_eq!(stats_of(&bus, "subscriber-1").received, 4);
}

/// G9, G11: if it takes just the rest of the replay, the next look lets go of the log.
#[test]
fn clone_that_receives_the_rest_of_the_replay_keeps_none_of_it() {
    thread_local! {
        static RECEIVER: RefCell<Option<Rc<Subscription<Actor>>>> = const { RefCell::new(None) };
    }
    let bus = common::new_bus(3);
    let subscription = Rc::new(bus.subscribe(4));
    RECEIVER.set(Some(Rc::clone(&subscription)));
    let (event, script) = Actor::new(0);
    bus.publish(event).unwrap();
    bus.publish(Actor::quiet(1)).unwrap();
    bus.publish(Actor::quiet(2)).unwrap();
    bus.start();
    script.clone.on_call(1, || {
        let receiver = RECEIVER.take().unwrap();
        assert_eq!(receiver.try_recv_many(&mut Vec::new(), 2), 2);
    });
    assert_eq!(subscription.try_recv().unwrap().number, 0);
    assert_eq!(subscription.try_recv().err(), Some(TryRecvError::Empty));
    assert_eq!(Arc::strong_count(&script), 1, "nobody has the event any more");
}

/// G9, G10: a filter that runs for the last event of the replay may close the bus, and receive to
/// the end: who was told `Closed` is told nothing else any more.
#[test]
fn filter_that_is_told_closed_leaves_it_at_that() {
    thread_local! {
        static RECEIVER: RefCell<Option<Rc<Subscription<Number>>>> = const { RefCell::new(None) };
    }
    for refuses in [false, true] {
        let bus = common::new_bus(1);
        let weak = bus.downgrade();
        let filtering = bus.subscriber("filtering").filter(move |_: &Number| {
            if let Some(receiver) = RECEIVER.take() {
                weak.upgrade().unwrap().close();
                assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
            }
            !refuses
        });
        let filtering = Rc::new(filtering.subscribe());
        bus.publish(Number(0)).unwrap();
        bus.start();
        RECEIVER.set(Some(Rc::clone(&filtering)));
        let received = filtering.try_recv();
        assert_eq!(received, if refuses { Err(TryRecvError::Closed) } else { Ok(Number(0)) });
        for _ in 0..2 {
            assert_eq!(filtering.try_recv(), Err(TryRecvError::Closed));
            assert!(filtering.is_terminated());
        }
    }
}

/// G9: a replayed event that its subscriber does not want is not cloned.
#[test]
fn replayed_event_that_is_not_wanted_is_not_cloned() {
    let bus = common::new_bus(1);
    let picky = bus.subscriber("picky").filter(|_| false).subscribe();
    let typed = bus.subscriber("typed").types([EVEN]).subscribe();
    let (event, script) = Actor::new(1);
    bus.publish(event).unwrap();
    bus.start();
    script.clone.panic_on_call(1, "clone");
    for subscription in [picky, typed] {
        assert_eq!(subscription.try_recv().err(), Some(TryRecvError::Empty));
    }
    assert!(script.clone.is_pending());
}

/// G4, G9: so may a filter, although it refuses what it was called for: each event comes once, and
/// what is refused counts once.
#[test]
fn filter_that_refuses_may_receive_from_its_own_subscription() {
    type Receive = fn(&Subscription<Number>) -> Vec<Number>;
    let ways: [(&str, Receive); 2] = [
        ("one", |it| it.try_recv().into_iter().collect()),
        ("all", |it| std::iter::from_fn(|| it.try_recv().ok()).collect()),
    ];
    thread_local! {
        static RECEIVER: RefCell<Option<Rc<Subscription<Number>>>> = const { RefCell::new(None) };
        static INNER: RefCell<Vec<Number>> = const { RefCell::new(Vec::new()) };
    }
    for (name, receive) in ways {
        for called_at in 0..6 {
            let bus = common::new_bus(6);
            let picky = bus.subscriber("picky").filter(move |number: &Number| {
                if number.0 == called_at {
                    if let Some(receiver) = RECEIVER.take() {
                        INNER.set(receive(&receiver));
                    }
                }
                number.0 % 2 == 1
            });
            let picky = Rc::new(picky.subscribe());
            for number in 0..6 {
                bus.publish(Number(number)).unwrap();
            }
            bus.start();
            RECEIVER.set(Some(Rc::clone(&picky)));
            let mut numbers: Vec<_> = std::iter::from_fn(|| picky.try_recv().ok()).collect();
            numbers.extend(INNER.take());
            numbers.sort();
            assert_eq!(numbers, [1, 3, 5].map(Number), "{name}, called at {called_at}");
            let stats = stats_of(&bus, "picky");
            assert_eq!(
                (stats.received, stats.filtered, stats.unread_replay),
                (3, 3, 0),
                "{name}, called at {called_at}"
            );
        }
    }
}

/// G5, G9: publishes may nest, each inside the filter of the one before, deeper than arc-swap has
/// fast slots: every event is delivered once.
#[test]
fn publishes_may_nest_deeply() {
    const DEPTH: u64 = 30;
    finishes(|| {
        let bus = live();
        let nesting = bus.subscriber("nesting").filter({
            let bus = bus.downgrade();
            move |event: &Actor| {
                if event.number < DEPTH {
                    let bus = bus.upgrade().expect("the publisher holds it");
                    assert_eq!(bus.publish(Actor::quiet(event.number + 1)).unwrap().delivered, 2);
                }
                true
            }
        });
        let nesting = nesting.subscribe();
        let behind = bus.subscribe(256);
        assert_eq!(bus.publish(Actor::quiet(0)).unwrap().delivered, 2);
        for subscription in [nesting, behind] {
            let mut numbers = received(&subscription);
            numbers.sort();
            assert_eq!(numbers, (0..=DEPTH).collect::<Vec<_>>());
        }
    });
}

/// G9: a subscription may be dropped by its own filter, by that of another, and by a `Clone` on its
/// way to it; what is then delivered to it is discarded, and the others get theirs.
#[test]
fn subscription_may_be_dropped_by_user_code_under_way() {
    finishes(|| {
        let bus = live();
        let (own, own_filter) = acting_filter(&bus, "own");
        let behind = bus.subscribe(4);
        let stays = bus.subscribe(4);
        let (event, script) = Actor::new(1);
        let hold = |subscription: Subscription<Actor>| {
            let held = Mutex::new(Some(subscription));
            move || drop(held.lock().unwrap().take().expect("dropped once"))
        };
        own_filter.on_call(1, hold(own));
        script.clone.on_call(2, hold(behind));
        assert_eq!(bus.publish(event).unwrap().delivered, 3);
        assert_eq!(bus.subscriber_count(), 1);
        assert_eq!(received(&stays), [1]);
        assert_eq!(Arc::strong_count(&script), 1, "no copy is left in the rings of those who went");
        assert_eq!(bus.publish(Actor::quiet(2)).unwrap().delivered, 1);
    });
}

/// What is published while a subscription drops what is in its ring does not come to it any more.
#[test]
fn events_left_in_the_ring_are_dropped_once_their_subscriber_has_left() {
    let bus = live();
    let leaves = bus.subscribe(4);
    let (event, script) = Actor::new(1);
    bus.publish(event).unwrap();
    let seen = Arc::<Mutex<Option<_>>>::default();
    script.drop.on_call(1, {
        let (bus, seen) = (bus.clone(), Arc::clone(&seen));
        move || {
            let published = bus.publish(Actor::quiet(2)).unwrap();
            *seen.lock().unwrap() = Some((bus.subscriber_count(), published.delivered));
        }
    });
    drop(leaves);
    assert_eq!(*seen.lock().unwrap(), Some((0, 0)));
}

/// API, section 2: a stop ends the subscription before it wakes the receiver: what the waker
/// publishes does not come to it any more.
#[test]
fn waker_of_a_stopped_subscriber_publishes_past_it() {
    let bus = live();
    let mut stopped = bus.subscribe(4);
    let waker = Arc::new(ActingWaker(Action::default()));
    let delivered = Arc::<Mutex<Option<_>>>::default();
    waker.0.on_call(1, {
        let (bus, delivered) = (bus.clone(), Arc::clone(&delivered));
        move || *delivered.lock().unwrap() = Some(bus.publish(Actor::quiet(1)).unwrap().delivered)
    });
    assert!(poll_next(&mut stopped, &Waker::from(waker)).is_pending());
    stopped.stop_handle().stop();
    assert_eq!(*delivered.lock().unwrap(), Some(0));
    assert_eq!(stopped.try_recv().err(), Some(TryRecvError::Closed));
}

/// G9: dropping a subscription drops everything in its ring, though one `Drop` after the other
/// panics; the first panic resumes, and the bus is without that subscriber.
#[test]
fn panicking_drops_do_not_stop_an_unsubscription() {
    let bus = live();
    let subscription = bus.subscribe(4);
    let scripts = ["first", "second", "third"].map(|message| {
        let (event, script) = Actor::new(1);
        bus.publish(event).unwrap();
        script.drop.panic_on_call(1, message);
        script
    });
    assert_eq!(panic_of(|| drop(subscription)), "first");
    assert!(scripts.iter().all(|script| !script.drop.is_pending() && Arc::strong_count(script) == 1));
    assert_eq!(bus.subscriber_count(), 0);
    assert_eq!(bus.publish(Actor::quiet(2)).unwrap().delivered, 0);
}

/// G9: the same on a thread that is unwinding already: no second panic aborts the process.
#[test]
fn unsubscription_while_unwinding_does_not_abort() {
    in_own_process(module_path!(), "unsubscription_while_unwinding_does_not_abort", || {
        let bus = live();
        let subscription = bus.subscribe(4);
        let scripts = ["first", "second"].map(|message| {
            let (event, script) = Actor::new(1);
            bus.publish(event).unwrap();
            script.drop.panic_on_call(1, message);
            script
        });
        let message = panic_of(|| {
            let _subscription = subscription;
            panic!("outer");
        });
        assert_eq!(message, "outer");
        assert!(scripts.iter().all(|script| !script.drop.is_pending()));
    });
}

/// G9: the same where events in the start-up log panic, which goes with its last reader.
#[test]
fn log_freed_while_unwinding_does_not_abort() {
    in_own_process(module_path!(), "log_freed_while_unwinding_does_not_abort", || {
        let bus = common::new_bus(1);
        let subscription = bus.subscribe(4);
        let (event, script) = Actor::new(1);
        bus.publish(event).unwrap();
        bus.start();
        script.drop.panic_on_call(1, "drop");
        let message = panic_of(|| {
            let _subscription = subscription;
            panic!("outer");
        });
        assert_eq!(message, "outer");
        assert!(!script.drop.is_pending());
    });
}

/// G9: and where one event in the ring and one in the log panic, as a subscription that never read
/// its replay is dropped.
#[test]
fn panicking_drops_in_ring_and_log_do_not_abort() {
    in_own_process(module_path!(), "panicking_drops_in_ring_and_log_do_not_abort", || {
        let bus = common::new_bus(1);
        let subscription = bus.subscribe(4);
        let scripts = ["log", "ring"].map(|message| {
            let (event, script) = Actor::new(1);
            bus.publish(event).unwrap();
            script.drop.panic_on_call(1, message);
            bus.start();
            script
        });
        assert_eq!(panic_of(|| drop(subscription)), "ring");
        assert!(scripts.iter().all(|script| !script.drop.is_pending()));
    });
}

/// G9: publishing and closing on a thread that is unwinding serve everybody, and swallow the panics
/// of others.
#[test]
fn publish_and_close_while_unwinding_do_not_abort() {
    struct Last(EventBus<Actor>);
    impl Drop for Last {
        fn drop(&mut self) {
            assert!(thread::panicking());
            assert_eq!(self.0.publish(Actor::quiet(1)).unwrap().delivered, 2);
        }
    }
    in_own_process(module_path!(), "publish_and_close_while_unwinding_do_not_abort", || {
        let bus = live();
        let (panicky, filter) = acting_filter(&bus, "panicky");
        filter.panic_on_call(1, "filter");
        let behind = bus.subscribe(4);
        let mut waiting = bus.subscribe(4);
        wait_with_panicking_waker(&mut waiting, "waker");
        let last = Last(bus);
        let message = panic_of(move || {
            let _last = last;
            panic!("outer");
        });
        assert_eq!(message, "outer");
        assert_eq!((received(&panicky), panicky.lost()), (vec![], 1));
        assert_eq!((received(&behind), received(&waiting)), (vec![1], vec![1]));
        assert!(behind.is_closed());
    });
}

/// G9: where the subscriber that a panic hits is gone, or the payload of a second panic would panic
/// itself when dropped, the publish still ends with the first panic.
#[test]
fn payload_that_panics_when_dropped_does_no_harm() {
    struct Payload;
    impl Drop for Payload {
        fn drop(&mut self) {
            panic!("payload");
        }
    }
    in_own_process(module_path!(), "payload_that_panics_when_dropped_does_no_harm", || {
        let bus = live();
        let [(_one, first), (_other, second)] = ["one", "other"].map(|name| acting_filter(&bus, name));
        let behind = bus.subscribe(1);
        first.panic_on_call(1, "first");
        second.on_call(1, || panic_any(Payload));
        assert_eq!(panic_of(|| bus.publish(Actor::quiet(1))), "first");
        assert_eq!(received(&behind), [1]);
    });
}

/// G2, G9: what came too late for its subscriber is counted as discarded, all of it, although some
/// of it panics as it is dropped.
#[test]
fn discarded_events_that_panic_are_counted() {
    let bus = live();
    let told = Arc::new(Mutex::new(None::<Subscription<Actor>>));
    // On the way to the rings: it closes the bus, and lets the subscriber behind it be told so.
    let closer = bus.subscriber("closer").filter({
        let (bus, told) = (bus.downgrade(), Arc::clone(&told));
        move |_| {
            bus.upgrade().unwrap().close();
            let told = told.lock().unwrap();
            assert_eq!(told.as_ref().unwrap().try_recv().err(), Some(TryRecvError::Closed));
            false
        }
    });
    let _closer = closer.subscribe();
    *told.lock().unwrap() = Some(bus.subscriber("told").capacity(4).subscribe());
    let (events, scripts): (Vec<_>, Vec<_>) = (0..3).map(Actor::new).unzip();
    // The clones in the ring are the first to be dropped.
    scripts[1].drop.panic_on_call(1, "as it is discarded");
    assert_eq!(panic_of(|| bus.publish_batch(&events)), "as it is discarded");
    let stats = stats_of(&bus, "told");
    assert_eq!((stats.received, stats.len, stats.discarded), (0, 0, 3));
}

/// G2, G9: such an event is counted by the time it is dropped.
#[test]
fn discarded_event_finds_itself_counted_as_it_is_dropped() {
    let bus = live();
    let _subscriptions = subscribe_to_be_told_closed(&bus, 1);
    let (event, script) = Actor::new(1);
    let (weak, counted) = (bus.downgrade(), Arc::new(AtomicUsize::new(0)));
    let of_drop = Arc::clone(&counted);
    script.drop.on_call(1, move || {
        of_drop.store(stats_of(&weak.upgrade().unwrap(), "told").discarded as usize, SeqCst);
    });
    assert_eq!(bus.publish(event).unwrap().delivered, 1);
    assert_eq!(counted.load(SeqCst), 1);
}
