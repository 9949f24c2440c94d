//! User code that runs when the last share in something goes: the `Drop` of what hooks, filters,
//! wakers and events own. It may panic, and it may run in the middle of anything.

use crate::common::{
    self, Action, CountingWaker, Finish, Number, Talk, Token, answer, finishes, in_own_process, live, numbers,
    panic_of, poll_next, publish, spawn_sleeper, talkative_bus,
};
use ringbus::{
    Event, EventBus, EventType, LagHook, Publisher, RecvError, RecvTimeoutError, RequestId, RequestOptions,
    Subscription, TryRecvError, WeakEventBus,
};
use std::any::Any;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Barrier, Mutex, Weak, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, SystemTime};

/// Panics when it is dropped, once.
struct Bomb(AtomicBool);

impl Bomb {
    fn armed() -> Self {
        Self(AtomicBool::new(true))
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(!self.0.swap(false, Relaxed), "a bomb went off");
    }
}

/// An event with a bomb; its clones share it.
#[derive(Clone)]
struct Explosive(#[expect(dead_code, reason = "dropped, never read")] Arc<Bomb>);

impl Explosive {
    fn armed() -> Self {
        Self(Arc::new(Bomb::armed()))
    }
}

impl Event for Explosive {
    fn event_type(&self) -> EventType {
        const { EventType::new("explosive") }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// The same, and large enough for a room.
#[derive(Clone)]
struct LargeExplosive(Explosive, #[expect(dead_code, reason = "it is there to be large")] [u8; 4096]);

impl Event for LargeExplosive {
    fn event_type(&self) -> EventType {
        self.0.event_type()
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// A filter that lets everything pass, and owns something.
fn filter_that_owns<E, T: Send + Sync + 'static>(owned: T) -> impl Fn(&E) -> bool + Send + Sync + 'static {
    move |_| {
        let _ = &owned;
        true
    }
}

/// Adds a hook that owns something.
fn hook_that_owns<E: Event + Clone, T: Send + Sync + 'static>(bus: &EventBus<E>, owned: T) -> LagHook {
    bus.on_lag(move |_| _ = &owned)
}

/// Subscribes with a bomb in the filter.
fn bombed<E: Event + Clone>(bus: &EventBus<E>) -> Subscription<E> {
    bus.subscriber("bombed").capacity(4).filter(filter_that_owns(Bomb::armed())).subscribe()
}

/// G7, G9, G10: the hooks go with `close`, and a panic in what they own does not keep it from
/// waking anyone.
#[test]
fn close_ends_every_subscription_although_a_hook_panics_as_it_is_dropped() {
    let bus = common::new_bus::<Number>(0);
    hook_that_owns(&bus, Bomb::armed());
    let subscription = bus.subscribe(8);
    bus.start();
    assert!(catch_unwind(|| bus.close()).is_err(), "the panic resumes in close");
    assert!(bus.is_closed());
    assert_eq!(subscription.recv_timeout(Duration::MAX), Err(RecvTimeoutError::Closed));
}

/// G9: of several panics in one close the first resumes.
#[test]
fn close_resumes_the_panic_of_a_waker_and_not_that_of_a_hook_behind_it() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("not to be woken");
        }
    }
    let bus = live();
    hook_that_owns(&bus, Bomb::armed());
    let mut subscription = bus.subscribe(1);
    assert!(poll_next(&mut subscription, &Waker::from(Arc::new(Panics))).is_pending());
    assert_eq!(panic_of(|| bus.close()), "not to be woken");
    assert!(subscription.is_closed());
}

/// A live bus, a subscriber that stays, and a publisher that keeps the snapshot in which the filter
/// of one who has left holds `owned`.
fn publisher_after_a_departure<T: Send + Sync + 'static>(
    owned: T,
) -> (EventBus<Number>, Subscription<Number>, Publisher<Number>) {
    let bus = common::new_bus::<Number>(0);
    bus.start();
    let stays = bus.subscribe(8);
    let leaves = bus.subscriber("leaves").filter(filter_that_owns(owned)).subscribe();
    let mut publisher = bus.publisher();
    publisher.publish(Number(1)).unwrap();
    publisher.publish(Number(2)).unwrap();
    drop(leaves);
    (bus, stays, publisher)
}

/// G9: a publisher that lets go of an old snapshot drops nothing of those who have left: who comes
/// or goes next does, or who closes the bus. A panic there is nobody's.
#[test]
fn publish_does_not_drop_the_filter_of_one_who_left() {
    let (bus, stays, mut publisher) = publisher_after_a_departure(Bomb::armed());
    assert_eq!(publisher.publish(Number(3)).unwrap().delivered, 1);
    assert_eq!(stays.try_iter().collect::<Vec<_>>(), [Number(1), Number(2), Number(3)]);
    drop(bus.subscribe(1));
    bus.close();
}

/// G11: what such a snapshot still held is dropped by the next who comes, goes or is stopped, and
/// by `close`.
#[test]
fn filter_of_one_who_left_is_dropped_by_who_comes_or_goes_next() {
    type Act = fn(&EventBus<Number>, Subscription<Number>);
    let actors: [(&str, Act); 4] = [
        ("comes", |bus, _| drop(bus.subscribe(1))),
        ("goes", |_, stays| drop(stays)),
        ("is stopped", |_, stays| stays.stop_handle().stop()),
        ("closes", |bus, _| bus.close()),
    ];
    for (name, act) in actors {
        let token = Arc::new(());
        let (bus, stays, mut publisher) = publisher_after_a_departure(Arc::clone(&token));
        assert_eq!(Arc::strong_count(&token), 2, "the publisher works on the snapshot of before");
        publisher.publish(Number(3)).unwrap();
        assert_eq!(Arc::strong_count(&token), 2, "a publish drops nothing");
        act(&bus, stays);
        assert_eq!(Arc::strong_count(&token), 1, "who {name} has dropped it");
    }
}

/// G7, G9: a stop wakes its receiver, although it drops the filter of one who has left, and that
/// panics.
#[test]
fn stop_wakes_its_receiver_although_the_filter_of_one_who_left_panics() {
    let bomb = Arc::new(Bomb::armed());
    let (_bus, stays, mut publisher) = publisher_after_a_departure(Arc::clone(&bomb));
    publisher.publish(Number(3)).unwrap();
    assert_eq!(stays.try_iter().count(), 3);
    let stop = stays.stop_handle();
    let sleeper = spawn_sleeper(move || stays.recv());
    let weak = Arc::downgrade(&bomb);
    drop(bomb);
    stop.stop();
    assert_eq!(sleeper.join(), Err(RecvError));
    assert!(weak.upgrade().is_none(), "it was dropped here");
}

/// G7, G9, G11: threads that come and go beside somebody whose filters and hooks panic as they are
/// dropped never hear of it, nobody stays behind, and who is stopped is woken.
#[test]
fn panics_of_others_reach_no_innocent_thread() {
    /// Panics when it is dropped, without a message of the panic hook.
    struct QuietBomb;
    impl Drop for QuietBomb {
        fn drop(&mut self) {
            resume_unwind(Box::new("a quiet bomb"));
        }
    }
    let bus = live();
    let is_over = Arc::new(AtomicBool::new(false));
    let guilty = thread::spawn({
        let (bus, is_over) = (bus.clone(), Arc::clone(&is_over));
        move || {
            while !is_over.load(Relaxed) {
                let builder = bus.subscriber("guilty").capacity(1).filter(filter_that_owns(QuietBomb));
                _ = catch_unwind(AssertUnwindSafe(|| drop(builder.subscribe())));
                let hook = hook_that_owns(&bus, QuietBomb);
                _ = catch_unwind(|| hook.remove());
            }
        }
    });
    for round in 0..common::rounds(30_000) {
        let mut innocent = bus.subscriber("innocent").capacity(1).subscribe();
        bus.on_lag(|_| ()).remove();
        if round % 2 == 0 {
            let (counter, waker) = CountingWaker::new();
            assert!(poll_next(&mut innocent, &waker).is_pending());
            innocent.stop_handle().stop();
            assert_eq!(counter.wakes(), 1, "round {round}");
        }
    }
    is_over.store(true, Relaxed);
    guilty.finish();
    assert_eq!(bus.stats().subscribers, []);
    assert_eq!(bus.publish(Number(1)).unwrap().delivered, 0);
}

/// Notes if it is dropped while somebody has the lock, who would then wait for it in vain.
struct LocksAsItGoes {
    lock: Arc<Mutex<()>>,
    is_deadlocked: Arc<AtomicBool>,
}

impl Drop for LocksAsItGoes {
    fn drop(&mut self) {
        self.is_deadlocked.fetch_or(self.lock.try_lock().is_err(), Relaxed);
    }
}

/// G9: a subscriber that leaves in the middle of a publish, or while a publisher is idle, has a
/// filter that locks what the publishing thread holds. No publish drops it, so there is no
/// deadlock.
#[test]
fn filter_of_one_who_left_may_lock_what_a_publisher_holds() {
    type Publish = fn(&EventBus<Number>, &mut Publisher<Number>);
    let ways: [(&str, Publish); 4] = [
        ("bus", |bus, _| assert_eq!(bus.publish(Number(1)).unwrap().dropped, 0)),
        ("batch", |bus, _| assert_eq!(bus.publish_batch(&numbers(1..3)).unwrap().dropped, 0)),
        ("publisher", |_, publisher| assert_eq!(publisher.publish(Number(1)).unwrap().dropped, 0)),
        ("its batch", |_, publisher| assert_eq!(publisher.publish_batch(&numbers(1..3)).unwrap().dropped, 0)),
    ];
    for (name, publish) in ways {
        for in_the_middle in [true, false] {
            let bus = live();
            let (lock, is_deadlocked) = <(Arc<Mutex<()>>, Arc<AtomicBool>)>::default();
            let owned = LocksAsItGoes { lock: Arc::clone(&lock), is_deadlocked: Arc::clone(&is_deadlocked) };
            let is_gone = Arc::new(());
            let owned = (owned, Arc::clone(&is_gone));
            let leaves = bus.subscriber("leaves").filter(filter_that_owns(owned)).subscribe();
            let leaves = Arc::new(Mutex::new(Some(leaves)));
            let leave = Arc::new(Action::default());
            let leaving = Arc::clone(&leave);
            let _witness = bus
                .subscriber("witness")
                .filter(move |_| {
                    leaving.call();
                    true
                })
                .subscribe();
            let mut publisher = bus.publisher();
            publish(&bus, &mut publisher);
            // On another thread: who leaves is not the one who publishes.
            let go = move || {
                finishes({
                    let leaves = leaves.lock().unwrap().take();
                    move || drop(leaves)
                })
            };
            if in_the_middle {
                leave.on_call(1, go)
            } else {
                go()
            }
            {
                let _held = lock.lock().unwrap();
                publish(&bus, &mut publisher);
                publish(&bus, &mut publisher);
            }
            assert_eq!(bus.subscriber_count(), 1, "it has left");
            assert!(!is_deadlocked.load(Relaxed), "{name}, in the middle: {in_the_middle}");
            drop(bus.subscribe(1));
            assert_eq!(Arc::strong_count(&is_gone), 1, "G11: {name}, in the middle: {in_the_middle}");
        }
    }
}

/// G9: who takes a hook away hears of the panic of what it owns, the other hooks stay.
#[test]
fn removing_a_hook_resumes_its_own_panic() {
    let bus = live();
    let _slow = bus.subscribe(1);
    let calls = Arc::new(AtomicUsize::new(0));
    let count = |calls: &Arc<AtomicUsize>| {
        let calls = Arc::clone(calls);
        move |_: &ringbus::Lag| _ = calls.fetch_add(1, Relaxed)
    };
    bus.on_lag(count(&calls));
    let hook = hook_that_owns(&bus, Bomb::armed());
    bus.on_lag(count(&calls));
    assert_eq!(panic_of(|| hook.remove()), "a bomb went off");
    hook.remove();
    publish(&bus, 0..2);
    assert_eq!(calls.load(Relaxed), 2);
}

/// G9: a hook that was taken away while it was called is dropped at the end of the publish that
/// called it, and its panic there is nobody's.
#[test]
fn panic_of_a_hook_that_was_called_as_it_was_removed_is_nobodys() {
    let bus = live();
    let slow = bus.subscribe(1);
    let itself = Arc::new(Mutex::new(None::<LagHook>));
    let bomb = Arc::new(Bomb::armed());
    let hook = bus.on_lag({
        let (itself, bomb) = (Arc::clone(&itself), Arc::clone(&bomb));
        move |_| {
            let _ = &bomb;
            itself.lock().unwrap().take().expect("it is called once").remove();
        }
    });
    *itself.lock().unwrap() = Some(hook);
    let weak = Arc::downgrade(&bomb);
    drop(bomb);
    publish(&bus, 0..2);
    assert!(weak.upgrade().is_none());
    assert_eq!(slow.try_recv(), Ok(Number(0)));
    publish(&bus, 2..4);
}

/// A waker that panics when it is dropped, if it is armed, and notes whether it was woken.
struct Alarm {
    woken: AtomicBool,
    #[expect(dead_code, reason = "dropped, never read")]
    bomb: Option<Bomb>,
}

impl Alarm {
    fn new(bomb: Option<Bomb>) -> Arc<Self> {
        Arc::new(Self { woken: AtomicBool::new(false), bomb })
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Relaxed);
    }
}

/// G7, G9: a panic in the `Drop` of one task's waker does not leave the subscription deaf for the
/// next.
#[test]
fn next_waker_is_woken_although_the_one_before_panicked_as_it_was_dropped() {
    let bus = common::new_bus::<Number>(0);
    let mut subscription = bus.subscribe(8);
    bus.start();
    let first = Waker::from(Alarm::new(Some(Bomb::armed())));
    assert!(poll_next(&mut subscription, &first).is_pending());
    drop(first);
    let alarm = Alarm::new(None);
    let second = Waker::from(Arc::clone(&alarm));
    let replaced = catch_unwind(AssertUnwindSafe(|| poll_next(&mut subscription, &second)));
    assert!(replaced.is_err(), "the subscription held the last share in the first waker");
    assert!(poll_next(&mut subscription, &second).is_pending());
    bus.publish(Number(1)).unwrap();
    assert!(alarm.woken.load(Relaxed), "the second waker is woken");
}

/// G7, G9: a panic in the `Drop` of a waker that is not needed any more costs no event, and no
/// wake-up.
#[test]
fn waker_that_panics_as_it_is_dropped_costs_no_event() {
    type Act = fn(&EventBus<Number>, &mut Subscription<Number>);
    let acts: [(&str, Act); 4] = [
        ("a future is dropped", |_, subscription| {
            let waker = Waker::from(Alarm::new(Some(Bomb::armed())));
            let mut future = Box::pin(subscription.recv_async());
            assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            drop(waker);
        }),
        ("a time-out is over", |_, subscription| {
            leave_bomb(subscription);
            assert_eq!(subscription.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::TimedOut));
        }),
        ("it is woken", |bus, subscription| {
            leave_bomb(subscription);
            assert_eq!(panic_of(|| bus.publish(Number(1))), "a bomb went off");
            assert_eq!(subscription.recv(), Ok(Number(1)));
        }),
        ("the next waker comes", |_, subscription| {
            leave_bomb(subscription);
            assert_eq!(panic_of(|| poll_next(subscription, Waker::noop())), "a bomb went off");
        }),
    ];
    for (name, act) in acts {
        let bus = live();
        let mut subscription = bus.subscribe(8);
        act(&bus, &mut subscription);
        let (counter, waker) = CountingWaker::new();
        assert!(poll_next(&mut subscription, &waker).is_pending(), "{name}");
        publish(&bus, 2..3);
        assert_eq!((counter.wakes(), subscription.try_recv()), (1, Ok(Number(2))), "{name}");
    }
}

/// Leaves a waker with a subscription that panics when it is dropped.
fn leave_bomb(subscription: &mut Subscription<Number>) {
    assert!(poll_next(subscription, &Waker::from(Alarm::new(Some(Bomb::armed())))).is_pending());
}

/// A waker that panics when it is cloned.
mod uncloneable {
    use std::task::{RawWaker, RawWakerVTable, Waker};

    static VTABLE: RawWakerVTable =
        RawWakerVTable::new(|_| std::panic::panic_any("not to be cloned"), |_| (), |_| (), |_| ());

    pub fn waker() -> Waker {
        // SAFETY: the functions do not look at the data.
        unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &VTABLE)) }
    }
}

/// G7, G9: a waker that cannot be cloned panics in the poll, and leaves nothing behind: neither in
/// a subscription nor in a drain.
#[test]
fn waker_that_panics_as_it_is_cloned_leaves_nothing_behind() {
    let bus = live();
    let mut subscription = bus.subscribe(8);
    let task = uncloneable::waker();
    assert_eq!(panic_of(|| poll_next(&mut subscription, &task)), "not to be cloned");
    let mut future = Box::pin(subscription.recv_async());
    assert_eq!(panic_of(|| future.as_mut().poll(&mut Context::from_waker(&task))), "not to be cloned");
    drop(future);
    let (counter, waker) = CountingWaker::new();
    assert!(poll_next(&mut subscription, &waker).is_pending());
    publish(&bus, 1..2);
    assert_eq!(counter.wakes(), 1);

    let drained = {
        let mut drain = Box::pin(bus.close_and_drain_async(pending::<()>()));
        assert_eq!(panic_of(|| drain.as_mut().poll(&mut Context::from_waker(&task))), "not to be cloned");
        drop(drain);
        let drainer = spawn_sleeper(move || bus.close_and_drain(Duration::MAX));
        assert_eq!(subscription.recv(), Ok(Number(1)));
        drainer.join()
    };
    assert!(drained.is_complete());
}

/// Requests: a poll that finds its answers leaves no waker behind, and so clones none.
#[test]
fn request_that_is_answered_needs_no_waker() {
    let (bus, _questions) = talkative_bus();
    let id = RequestId::from(1);
    let gather = bus.request(Talk::Question(id.clone()), RequestOptions::expecting(["a"])).unwrap();
    answer(&bus, &id, "a", 0);
    let task = uncloneable::waker();
    let polled = pin!(gather.until(pending::<()>())).poll(&mut Context::from_waker(&task));
    assert!(matches!(polled, Poll::Ready(Ok(_))));
}

/// G9, G12: a drain that has nothing to wait for needs no waker, and so does not clone one.
#[test]
fn drain_that_has_nothing_to_wait_for_clones_no_waker() {
    let bus = live();
    let _has_read_everything = bus.subscribe(1);
    let mut drain = Box::pin(bus.close_and_drain_async(pending::<()>()));
    let drained = drain.as_mut().poll(&mut Context::from_waker(&uncloneable::waker()));
    assert!(matches!(drained, Poll::Ready(drained) if drained.is_complete()));
}

/// A waker that does something when it is cloned, once; every copy of it has a share.
mod acting {
    use super::Action;
    use std::sync::Arc;
    use std::task::{RawWaker, RawWakerVTable, Waker};

    static VTABLE: RawWakerVTable = RawWakerVTable::new(
        |data| {
            // SAFETY: the data is that of an `Arc<Action>` of which this copy has a share.
            let action = unsafe {
                Arc::increment_strong_count(data.cast::<Action>());
                &*data.cast::<Action>()
            };
            action.call();
            RawWaker::new(data, &VTABLE)
        },
        // SAFETY: as above; the share goes with the copy.
        |data| unsafe { Arc::decrement_strong_count(data.cast::<Action>()) },
        |_| (),
        // SAFETY: as above; the share goes with the copy.
        |data| unsafe { Arc::decrement_strong_count(data.cast::<Action>()) },
    );

    pub fn waker(action: &Arc<Action>) -> Waker {
        let data = Arc::into_raw(Arc::clone(action)).cast();
        // SAFETY: the functions take the data for what it is, and are thread-safe, as an
        // `Arc<Action>` is.
        unsafe { Waker::from_raw(RawWaker::new(data, &VTABLE)) }
    }
}

/// G12: a receive keeps no waker when it has ended, although the bus was closed, and the subscriber
/// told so, while the waker was being cloned.
#[test]
fn waker_that_closes_the_bus_as_it_is_cloned_is_not_kept() {
    for is_told in [false, true] {
        let bus = live();
        let mut subscription = bus.subscribe(1);
        let stats = subscription.stop_handle();
        let action = Arc::<Action>::default();
        let task = acting::waker(&action);
        action.on_call(1, {
            let bus = bus.downgrade();
            move || {
                let bus = bus.upgrade().unwrap();
                bus.close();
                if is_told {
                    stats.stop();
                }
            }
        });
        let mut receive = Box::pin(subscription.recv_async());
        let received = receive.as_mut().poll(&mut Context::from_waker(&task));
        assert!(matches!(received, Poll::Ready(Err(RecvError))), "it looks once more, and is told");
        drop(receive);
        drop(task);
        assert_eq!(Arc::strong_count(&action), 1, "nobody keeps it");
        assert_eq!(subscription.try_recv(), Err(TryRecvError::Closed));
    }
}

/// G7, G12: a poll finds an event that comes while its waker is cloned, from wherever it comes, and
/// keeps no waker, not even that of a stream, which nobody drops.
#[test]
fn waker_that_brings_an_event_as_it_is_cloned_is_not_kept() {
    type Happen = fn(&EventBus<Number>);
    // (With an event in the start-up log, unless it is started.)
    let happenings: [(&str, bool, Happen); 4] = [
        ("publish", true, |bus| publish(bus, 0..1)),
        ("start", false, |bus| assert_eq!(bus.start(), 1)),
        ("close", false, EventBus::close),
        ("start and close", false, |bus| {
            bus.start();
            bus.close();
        }),
    ];
    type Receive = fn(&mut Subscription<Number>, &Waker) -> Option<Number>;
    let ways: [(&str, Receive); 3] = [
        ("stream", |it, waker| if let Poll::Ready(event) = poll_next(it, waker) { event } else { None }),
        ("recv_async", |it, waker| match pin!(it.recv_async()).poll(&mut Context::from_waker(waker)) {
            Poll::Ready(event) => event.ok(),
            Poll::Pending => None,
        }),
        ("recv_many_async", |it, waker| {
            let mut events = Vec::new();
            let polled = pin!(it.recv_many_async(&mut events, 8)).poll(&mut Context::from_waker(waker));
            assert_eq!(polled, Poll::Ready(Ok(1)));
            events.pop()
        }),
    ];
    for (way, receive) in ways {
        for (what, is_started, happen) in happenings {
            let bus = common::new_bus(1);
            let mut subscription = bus.subscribe(1);
            if is_started {
                bus.start();
            } else {
                publish(&bus, 0..1);
            }
            let action = Arc::<Action>::default();
            let task = acting::waker(&action);
            action.on_call(1, {
                let bus = bus.clone();
                move || happen(&bus)
            });
            assert_eq!(receive(&mut subscription, &task), Some(Number(0)), "{way}, {what}");
            drop(task);
            assert_eq!(Arc::strong_count(&action), 1, "nobody keeps it: {way}, {what}");
        }
    }
}

/// A waker that drops the subscription that it wakes.
struct Leaves(Mutex<Option<Subscription<Number>>>);

impl Wake for Leaves {
    fn wake(self: Arc<Self>) {
        let subscription = self.0.lock().unwrap().take();
        drop(subscription);
    }
}

/// G9: a stop whose wake-up drops the subscription has the last share in what the filter owns: a
/// panic there goes no further.
#[test]
fn stop_that_drops_the_filter_last_does_not_panic() {
    let bus = live();
    let owned = Arc::new(Bomb::armed());
    let mut subscription = bus.subscriber("leaves").filter(filter_that_owns(Arc::clone(&owned))).subscribe();
    let stop = subscription.stop_handle();
    let waker = Arc::new(Leaves(Mutex::new(None)));
    assert!(poll_next(&mut subscription, &Waker::from(Arc::clone(&waker))).is_pending());
    *waker.0.lock().unwrap() = Some(subscription);
    drop(owned);
    stop.stop();
    assert!(waker.0.lock().unwrap().is_none(), "it was woken");
    assert_eq!(bus.subscriber_count(), 0);
}

/// G11: a close whose wake-up drops a subscription drops what its filter owns.
#[test]
fn close_drops_the_filter_of_one_who_leaves_as_it_is_woken() {
    let bus = live();
    let owned = Arc::new(());
    let mut subscription = bus.subscriber("leaves").filter(filter_that_owns(Arc::clone(&owned))).subscribe();
    let waker = Arc::new(Leaves(Mutex::new(None)));
    assert!(poll_next(&mut subscription, &Waker::from(Arc::clone(&waker))).is_pending());
    *waker.0.lock().unwrap() = Some(subscription);
    bus.close();
    assert_eq!(bus.subscriber_count(), 0);
    assert_eq!(Arc::strong_count(&owned), 1);
}

/// G11: a task's waker goes with its subscription, also where a publisher still holds the mailbox.
#[test]
fn waker_goes_with_its_subscription() {
    let bus = common::new_bus::<Number>(0);
    bus.start();
    let mut subscription = bus.subscribe(8);
    let mut publisher = bus.publisher();
    publisher.publish(Number(1)).unwrap();
    publisher.publish(Number(2)).unwrap();
    subscription.try_iter().for_each(drop);
    let alarm = Alarm::new(None);
    let weak = Arc::downgrade(&alarm);
    assert!(poll_next(&mut subscription, &Waker::from(alarm)).is_pending());
    drop(subscription);
    assert!(weak.upgrade().is_none(), "nobody holds the waker");
    publisher.publish(Number(3)).unwrap();
}

/// G11: a bus that was closed before it started keeps nothing of its log once that was read, though
/// its handles are still there.
#[test]
fn log_of_a_bus_that_never_started_is_freed_when_it_was_read() {
    #[derive(Clone)]
    struct Tracked(Arc<()>);
    impl Event for Tracked {
        fn event_type(&self) -> EventType {
            const { EventType::new("tracked") }
        }

        fn timestamp(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH
        }
    }
    let bus = common::new_bus(4);
    let subscription = bus.subscribe(4);
    let tracked = Arc::new(());
    let weak: Weak<()> = Arc::downgrade(&tracked);
    bus.publish(Tracked(tracked)).unwrap();
    bus.close();
    let received = subscription.recv().expect("G10: the backlog is released");
    assert_eq!(Arc::strong_count(&received.0), 2, "one in the log, one here");
    drop(received);
    assert_eq!(subscription.try_recv().err(), Some(TryRecvError::Closed));
    assert!(weak.upgrade().is_none(), "the last reader frees the log");
    assert!(!bus.is_started());
}

/// G10: the last handle closes the bus there and then, also while a subscription is being dropped
/// on another thread.
#[test]
fn last_handle_closes_the_bus_at_once_while_a_subscription_goes() {
    let gate = Arc::new(Barrier::new(2));
    let (sender, receiver) = mpsc::sync_channel::<Subscription<Number>>(1);
    let leaver = thread::spawn({
        let gate = Arc::clone(&gate);
        move || {
            for subscription in receiver {
                gate.wait();
                drop(subscription);
                gate.wait();
            }
        }
    });
    for round in 0..common::rounds(5_000) {
        let bus = common::new_bus::<Number>(0);
        bus.start();
        let stays = bus.subscribe(1);
        let weak: WeakEventBus<Number> = bus.downgrade();
        sender.send(bus.subscribe(1)).unwrap();
        gate.wait();
        for _ in 0..round % 500 {
            std::hint::spin_loop();
        }
        drop(bus);
        assert_eq!(stays.try_recv(), Err(TryRecvError::Closed), "round {round}");
        assert!(weak.upgrade().is_none(), "round {round}");
        gate.wait();
    }
    drop(sender);
    leaver.join().unwrap();
}

/// G9: of two panics at once the first resumes and the second is swallowed, because it would abort
/// the process: where start frees the log.
#[test]
fn two_panics_in_the_log_do_not_abort() {
    in_own_process(module_path!(), "two_panics_in_the_log_do_not_abort", || {
        let bus = common::new_bus(2);
        bus.publish(Explosive::armed()).unwrap();
        bus.publish(Explosive::armed()).unwrap();
        assert!(catch_unwind(|| bus.start()).is_err(), "nobody has subscribed: start frees the log");
        assert!(bus.is_started());

        let bus = common::new_bus(2);
        for _ in 0..2 {
            bus.publish(LargeExplosive(Explosive::armed(), [0; 4096])).map_err(drop).unwrap();
        }
        assert!(catch_unwind(|| bus.start()).is_err(), "the same with large events");
        assert!(bus.is_started());
    });
}

/// G9: the same where a subscription takes its ring and the log with it.
#[test]
fn panics_in_the_ring_and_in_the_log_do_not_abort() {
    in_own_process(module_path!(), "panics_in_the_ring_and_in_the_log_do_not_abort", || {
        let bus = common::new_bus(1);
        bus.publish(Explosive::armed()).unwrap();
        let subscription = bus.subscribe(1);
        bus.start();
        bus.publish(Explosive::armed()).unwrap();
        assert!(catch_unwind(|| drop(subscription)).is_err());
        assert_eq!(bus.subscriber_count(), 0);
    });
}

/// G9: the same for two events in one ring.
#[test]
fn two_panics_in_the_ring_do_not_abort() {
    in_own_process(module_path!(), "two_panics_in_the_ring_do_not_abort", || {
        let bus = common::new_bus(0);
        let subscription = bus.subscribe(2);
        bus.start();
        bus.publish(Explosive::armed()).unwrap();
        bus.publish(Explosive::armed()).unwrap();
        assert!(catch_unwind(|| drop(subscription)).is_err());
        assert_eq!(bus.subscriber_count(), 0);

        // And if the bus has gone before, with the last of a replay as well.
        let bus = common::new_bus(1);
        let subscription = bus.subscribe(2);
        bus.publish(Explosive::armed()).unwrap();
        bus.start();
        bus.publish(Explosive::armed()).unwrap();
        bus.publish(Explosive::armed()).unwrap();
        drop(bus);
        assert!(catch_unwind(|| drop(subscription)).is_err());
    });
}

/// What panics more than once as it is dropped, if everything is as it should not be; and whether
/// the first panic is the caller's.
const DOUBLES: [(&str, bool, fn()); 11] = [
    ("filters of two that have left, and a publish", false, || {
        let bus = live();
        let leavers = [bombed(&bus), bombed(&bus)];
        let mut publisher = bus.publisher();
        for number in numbers(0..2) {
            publisher.publish(number).unwrap();
        }
        drop(leavers);
        publisher.publish(Number(2)).unwrap();
        drop(bus.subscribe(1));
    }),
    ("filters of two that leave together", true, || {
        let bus = live();
        drop([bombed(&bus), bombed(&bus)]);
    }),
    ("hooks at the close", true, || {
        let bus = live();
        _ = [(), ()].map(|()| hook_that_owns(&bus, Bomb::armed()));
        bus.close();
    }),
    ("a hook that is taken away", true, || {
        let bus = live();
        hook_that_owns(&bus, Bomb::armed()).remove();
    }),
    ("hooks, as the last handle goes", true, || {
        let bus = live();
        _ = [(), ()].map(|()| hook_that_owns(&bus, Bomb::armed()));
        drop(bus);
    }),
    ("an event in the ring, and the filter", true, || {
        let bus = common::new_bus(0);
        bus.start();
        let subscription = bombed(&bus);
        bus.publish(Explosive::armed()).unwrap();
        drop(subscription);
    }),
    ("an event in the log, and the filter", true, || {
        let bus = common::new_bus(1);
        bus.publish(Explosive::armed()).unwrap();
        let subscription = bombed(&bus);
        bus.start();
        drop(subscription);
    }),
    ("a waker, and the filter", true, || {
        let bus = live();
        let mut subscription = bombed(&bus);
        leave_bomb(&mut subscription);
        drop(subscription);
    }),
    ("wakers of two drains that are given up", true, || {
        let bus = live();
        let _unread = bus.subscribe(1);
        publish(&bus, 0..1);
        let drains = [(), ()].map(|()| {
            let mut drain = Box::pin(bus.close_and_drain_async(pending::<()>()));
            let task = Waker::from(Alarm::new(Some(Bomb::armed())));
            assert!(drain.as_mut().poll(&mut Context::from_waker(&task)).is_pending());
            drain
        });
        drop(drains);
    }),
    ("a builder that is dropped with the last share in the bus", true, || {
        let bus = live();
        hook_that_owns(&bus, Bomb::armed());
        let builder = bus.subscriber("never").filter(filter_that_owns(Bomb::armed()));
        drop(bus);
        drop(builder);
    }),
    ("a filter that another replaces", true, || {
        let bus = live();
        let builder = bus.subscriber("of two minds").filter(filter_that_owns(Bomb::armed()));
        drop(builder.filter(filter_that_owns(Bomb::armed())));
    }),
];

/// G9: the same for whatever else a user hands over: filters, hooks, wakers, events.
#[test]
fn two_panics_at_once_do_not_abort() {
    in_own_process(module_path!(), "two_panics_at_once_do_not_abort", || {
        for (name, is_resumed, act) in DOUBLES {
            eprintln!("{name}:");
            assert_eq!(catch_unwind(act).is_err(), is_resumed, "{name}");
        }
    });
}

/// G9: an event that nobody takes and that panics as it is dropped, after a filter has: the
/// filter's panic resumes.
#[test]
fn event_and_filter_that_panic_in_one_publish_do_not_abort() {
    type Way = fn(&EventBus<Explosive>, &mut Publisher<Explosive>);
    let ways: [(&str, Way); 3] = [
        ("EventBus", |bus, _| drop(bus.publish(Explosive::armed()))),
        ("Publisher", |_, publisher| drop(publisher.publish(Explosive::armed()))),
        ("a batch", |bus, _| {
            let events = [Explosive::armed(), Explosive::armed()];
            let published = catch_unwind(AssertUnwindSafe(|| bus.publish_batch(&events)));
            // One by one, or two bombs would go off at once.
            events.into_iter().for_each(|event| assert!(catch_unwind(AssertUnwindSafe(|| drop(event))).is_err()));
            published.unwrap_or_else(|payload| resume_unwind(payload)).unwrap();
        }),
    ];
    in_own_process(module_path!(), "event_and_filter_that_panic_in_one_publish_do_not_abort", || {
        for (name, publish) in ways {
            let bus = common::new_bus(0);
            bus.start();
            let refuses = bus.subscriber("refuses").filter(|_| panic!("refused")).subscribe();
            let mut publisher = bus.publisher();
            // The second time, the publisher has the snapshot at hand.
            for _ in 0..2 {
                assert_eq!(panic_of(|| publish(&bus, &mut publisher)), "refused", "{name}");
            }
            drop(refuses);
        }
    });
}

/// G9: the same on a thread that unwinds already: that panic goes on, and the others no further.
#[test]
fn panics_on_a_thread_that_unwinds_do_not_abort() {
    struct AtLast(fn());
    impl Drop for AtLast {
        fn drop(&mut self) {
            self.0();
        }
    }
    in_own_process(module_path!(), "panics_on_a_thread_that_unwinds_do_not_abort", || {
        for (name, _, act) in DOUBLES {
            eprintln!("{name}:");
            let unwinds = || {
                let _at_last = AtLast(act);
                panic_any("the first");
            };
            assert_eq!(panic_of(unwinds), "the first", "{name}");
        }
    });
}

/// G11: what a panic drops leaves nothing behind: no event in a ring, in the log or among those
/// that are retained, nor what filters and hooks own.
#[test]
fn what_a_panic_drops_goes_as_a_whole() {
    for case in 0..8 {
        let [starts, closes, bus_goes_last] = [1, 2, 4].map(|bit| case & bit != 0);
        let token = Token(Arc::new(()));
        let unwinds = || {
            let bus = EventBus::builder().startup_capacity(4).ring(common::ring()).retain([token.event_type()]).build();
            let [of_filter, of_hook] = [token.clone(), token.clone()];
            let hook = bus.on_lag(move |_| _ = &of_hook);
            let reader = bus.subscriber("reader").capacity(2).filter(move |_| of_filter.copies() > 0).subscribe();
            let mut publisher = bus.publisher();
            bus.publish(token.clone()).unwrap();
            publisher.publish(token.clone()).unwrap();
            if starts {
                bus.start();
                bus.publish_batch(&[token.clone(), token.clone(), token.clone()]).unwrap();
                publisher.publish(token.clone()).unwrap();
            }
            let late = bus.subscribe(4);
            if closes {
                bus.close();
            }
            let mut handles: Vec<Box<dyn Any>> =
                vec![Box::new(bus), Box::new(hook), Box::new(reader), Box::new(publisher), Box::new(late)];
            if bus_goes_last {
                handles.reverse();
            }
            panic_any("planned");
        };
        assert_eq!(panic_of(unwinds), "planned");
        assert_eq!(token.copies(), 0, "started {starts}, closed {closes}, bus last {bus_goes_last}");
    }
}

/// G11: what a filter owns goes with its subscription, whatever handles of it or of the bus are
/// left.
#[test]
fn filter_goes_with_its_subscription_whatever_handles_are_left() {
    let bus = live();
    let owned = Arc::new(());
    let subscription = bus.subscriber("gone").filter(filter_that_owns(Arc::clone(&owned))).subscribe();
    let (stop, weak, idle) = (subscription.stop_handle(), bus.downgrade(), bus.publisher());
    publish(&bus, 0..1);
    let stats = subscription.stats();
    drop(subscription);
    assert_eq!(Arc::strong_count(&owned), 1);
    stop.stop();
    drop((stop, weak, idle, stats));
}

/// G11: what is displaced and no longer used is dropped, although something older is still in use.
#[test]
fn filter_is_dropped_behind_one_that_is_still_kept() {
    let [kept, dropped] = [(), ()].map(Arc::new);
    let (bus, _stays, publisher) = publisher_after_a_departure(Arc::clone(&kept));
    let leaves = bus.subscriber("leaves").filter(filter_that_owns(Arc::clone(&dropped))).subscribe();
    drop(leaves);
    assert_eq!([&kept, &dropped].map(Arc::strong_count), [2, 1]);
    drop(bus.subscribe(1));
    assert_eq!([&kept, &dropped].map(Arc::strong_count), [2, 1]);
    drop(publisher);
    assert_eq!([&kept, &dropped].map(Arc::strong_count), [1, 1]);
}

/// G11: the same, if both were in use when they were displaced.
#[test]
fn filter_that_was_kept_is_dropped_behind_one_that_still_is() {
    let [kept, dropped] = [(), ()].map(Arc::new);
    let (bus, _stays, publisher) = publisher_after_a_departure(Arc::clone(&kept));
    let leaves = bus.subscriber("leaves").filter(filter_that_owns(Arc::clone(&dropped))).subscribe();
    let mut other = bus.publisher();
    other.publish(Number(3)).unwrap();
    drop(leaves);
    assert_eq!([&kept, &dropped].map(Arc::strong_count), [2, 2]);
    other.publish(Number(3)).unwrap();
    let _comes = bus.subscribe(1);
    assert_eq!([&kept, &dropped].map(Arc::strong_count), [2, 1]);
    drop(publisher);
}

/// G9, G11: filters of so many who have left that the bus still has some as it goes: a panic there
/// is not that of its owner.
#[test]
fn panic_of_a_filter_that_goes_with_the_bus_is_nobodys() {
    // More than are looked at as a bus is closed.
    const DEPTH: u64 = 50;
    finishes(|| {
        let bus = live();
        // The last filter to go has the last share.
        let bomb = Arc::new(Bomb::armed());
        let weak = Arc::downgrade(&bomb);
        let (bomb, leaves) = (Mutex::new(Some(bomb)), Mutex::new(None::<Subscription<Number>>));
        let nesting = bus.subscriber("nesting").filter({
            let bus = bus.downgrade();
            move |&Number(number)| {
                // From now on, the publish under way alone keeps this one's filter.
                let left = leaves.lock().unwrap().take();
                drop(left);
                let bus = bus.upgrade().expect("the publisher holds it");
                if number < DEPTH {
                    let owned = bomb.lock().unwrap().clone();
                    let next = bus.subscriber("leaves").filter(filter_that_owns(owned)).subscribe();
                    *leaves.lock().unwrap() = Some(next);
                    bus.publish(Number(number + 1)).unwrap();
                } else {
                    *bomb.lock().unwrap() = None;
                }
                true
            }
        });
        let nesting = nesting.subscribe();
        publish(&bus, 0..1);
        assert_eq!((nesting.len() as u64, bus.subscriber_count()), (DEPTH + 1, 1));
        assert_eq!(weak.strong_count() as u64, DEPTH, "nobody has dropped any of them");
        drop(bus);
        assert_eq!(weak.strong_count(), 0);
    });
}

/// G11: a publisher that goes lets go of its snapshot first, and then drops what nobody uses any
/// more.
#[test]
fn publisher_that_goes_drops_what_only_it_has_kept() {
    let owned = Arc::new(());
    let (_bus, _stays, publisher) = publisher_after_a_departure(Arc::clone(&owned));
    assert_eq!(Arc::strong_count(&owned), 2, "its snapshot has the filter");
    drop(publisher);
    assert_eq!(Arc::strong_count(&owned), 1);
}

/// G11: an idle publisher keeps nothing of the start-up, whichever way it has published before.
#[test]
fn idle_publisher_keeps_no_event_of_the_start_up() {
    type Publish = fn(&mut Publisher<Token>, Token);
    let ways: [(&str, Publish); 3] = [
        ("publish", |publisher, token| _ = publisher.publish(token).unwrap()),
        ("a batch", |publisher, token| _ = publisher.publish_batch(&[token]).unwrap()),
        ("a publish that is refused", |publisher, token| {
            publisher.publish(token.clone()).unwrap();
            assert!(publisher.publish(token).is_err());
        }),
    ];
    for (name, publish) in ways {
        for is_started in [true, false] {
            let bus = common::new_bus(1);
            let token = Token(Arc::new(()));
            let reader = bus.subscribe(1);
            let mut publisher = bus.publisher();
            publish(&mut publisher, token.clone());
            if is_started {
                bus.start();
            } else {
                bus.close();
            }
            drop(reader.recv().unwrap());
            assert!(reader.try_recv().is_err());
            assert_eq!(token.copies(), 0, "{name}, started: {is_started}");
            drop(publisher);
        }
    }
}

/// G7, G9: who leaves wakes those who drain, although an event in its ring or in its replay panics
/// as it is dropped.
#[test]
fn drain_wakes_although_an_event_panics_as_the_last_subscriber_leaves() {
    for is_started in [true, false] {
        let bus = common::new_bus(1);
        let subscription = bus.subscribe(1);
        if is_started {
            bus.start();
        }
        bus.publish(Explosive::armed()).unwrap();
        let (counter, waker) = CountingWaker::new();
        let mut context = Context::from_waker(&waker);
        let mut drain = Box::pin(bus.close_and_drain_async(pending::<()>()));
        assert!(drain.as_mut().poll(&mut context).is_pending());
        assert_eq!(panic_of(|| drop(subscription)), "a bomb went off");
        assert_eq!(counter.wakes(), 1, "started: {is_started}");
        assert!(drain.as_mut().poll(&mut context).is_ready());
    }
}

/// G11: a filter goes with its subscription although a publish was at work on it, if that has ended
/// before the events are gone that were in the ring, or in the replay.
#[test]
fn filter_goes_with_its_subscription_although_a_publish_ends_only_then() {
    /// An event that does something when it is dropped, once.
    #[derive(Clone)]
    struct Acting(Arc<Action>);
    impl Drop for Acting {
        fn drop(&mut self) {
            self.0.call();
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
    for is_replayed in [false, true] {
        let bus = common::new_bus(1);
        if !is_replayed {
            bus.start();
        }
        let owned = Arc::new(());
        let leaves = bus.subscriber("leaves").filter(filter_that_owns(Arc::clone(&owned))).subscribe();
        let action = Arc::<Action>::default();
        bus.publish(Acting(Arc::clone(&action))).unwrap();
        bus.start();
        let (enter, entered) = mpsc::channel();
        let (release, released) = mpsc::channel();
        let released = Mutex::new(released);
        let _holds = bus
            .subscriber("holds")
            .filter(move |_| {
                enter.send(()).unwrap();
                released.lock().unwrap().recv().unwrap();
                true
            })
            .subscribe();
        let publishing = thread::spawn({
            let bus = bus.clone();
            move || bus.publish(Acting(Arc::default())).is_ok()
        });
        entered.recv().unwrap();
        let publishing = Mutex::new(Some(publishing));
        action.on_call(1, move || {
            release.send(()).unwrap();
            assert!(publishing.lock().unwrap().take().unwrap().finish());
        });
        drop(leaves);
        assert!(!action.is_pending());
        assert_eq!(Arc::strong_count(&owned), 1, "in the replay: {is_replayed}");
    }
}

/// Begins a drain with this waker, and forgets it, so that the bus has the waker to its end.
fn forget_drain(bus: &EventBus<Number>, waker: Waker) {
    /// Where they are, so that the leak sanitizer does not take them for lost.
    static FORGOTTEN: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    let mut drain = Box::pin(bus.close_and_drain_async(pending::<()>()));
    assert!(drain.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    FORGOTTEN.lock().unwrap().push(std::ptr::from_ref(&*drain).cast::<()>() as usize);
    std::mem::forget(drain);
}

/// Drops the last handle of a bus when it is woken or dropped, and leaves a bomb in the bus, which
/// goes off in the hands of whoever is still at work there.
struct Demolition(Mutex<Option<EventBus<Number>>>);

impl Demolition {
    fn of(bus: EventBus<Number>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(bus))))
    }

    fn begin(&self) {
        let Some(bus) = self.0.lock().unwrap().take() else { return };
        forget_drain(&bus, Waker::from(Alarm::new(Some(Bomb::armed()))));
    }
}

impl Wake for Demolition {
    fn wake(self: Arc<Self>) {
        self.begin();
    }
}

impl Drop for Demolition {
    fn drop(&mut self) {
        self.begin();
    }
}

/// G9: who has the last share in what the handles of a bus have shared, because they went while it
/// was at work there, hears of no panic of what somebody else has left in it.
#[test]
fn last_share_in_a_bus_that_went_meanwhile_panics_nobody() {
    type Act = fn();
    let acts: [(&str, Act); 4] = [
        ("who stops", || {
            let bus = live();
            let _unread = bus.subscribe(1);
            publish(&bus, 0..1);
            let mut stopped = bus.subscribe(1);
            let stop = stopped.stop_handle();
            assert!(poll_next(&mut stopped, &Waker::from(Demolition::of(bus))).is_pending());
            stop.stop();
        }),
        ("who ends its replay", || {
            let bus = common::new_bus(1);
            let reader = bus.subscribe(1);
            publish(&bus, 0..1);
            bus.start();
            let leaves = bus.subscriber("leaves").filter(filter_that_owns(Demolition::of(bus.clone()))).subscribe();
            let leaves = Mutex::new(Some(leaves));
            let leave = move |_: &Number| {
                drop(leaves.lock().unwrap().take());
                true
            };
            let _witness = bus.subscriber("witness").filter(leave).subscribe();
            publish(&bus, 1..2);
            drop(bus);
            assert_eq!(reader.try_recv(), Ok(Number(0)));
            assert!(!reader.is_closed());
            assert_eq!(reader.try_recv(), Ok(Number(1)));
            assert!(reader.is_closed(), "it has dropped the filter of the one who left");
        }),
        ("who takes its last event", || {
            let bus = live();
            let (_unread, last) = (bus.subscribe(1), bus.subscribe(1));
            publish(&bus, 0..1);
            forget_drain(&bus.clone(), Waker::from(Demolition::of(bus)));
            assert_eq!(last.try_recv(), Ok(Number(0)));
        }),
        ("who leaves", || {
            let bus = live();
            let (_unread, leaves) = (bus.subscribe(1), bus.subscribe(1));
            publish(&bus, 0..1);
            forget_drain(&bus.clone(), Waker::from(Demolition::of(bus)));
            drop(leaves);
        }),
    ];
    for (name, act) in acts {
        assert!(catch_unwind(act).is_ok(), "{name}");
    }
}

/// G9: nor does who drops the last handle, if nobody is at work.
#[test]
fn panic_of_a_waker_that_goes_with_the_bus_is_nobodys() {
    let bus = live();
    let _unread = bus.subscribe(1);
    publish(&bus, 0..1);
    let alarm = Alarm::new(Some(Bomb::armed()));
    let weak = Arc::downgrade(&alarm);
    forget_drain(&bus, Waker::from(alarm));
    assert_eq!(weak.strong_count(), 1, "the bus has it");
    assert!(catch_unwind(AssertUnwindSafe(|| drop(bus))).is_ok());
    assert_eq!(weak.strong_count(), 0);
}
