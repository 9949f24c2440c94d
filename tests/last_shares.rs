//! User code that runs when the last share in something goes: the `Drop` of what hooks, filters, wakers and events own.
//! It may panic, and it may run in the middle of anything.

mod common;

use common::{Number, in_own_process};
use ringbus::{Event, EventBus, EventType, RecvTimeoutError, Subscription, TryRecvError, WeakEventBus};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Barrier, Weak, mpsc};
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

/// G7, G9, G10: the hooks go with `close`, and a panic in what they own does not keep it from waking anyone.
#[test]
fn close_ends_every_subscription_although_a_hook_panics_as_it_is_dropped() {
    let bus = EventBus::<Number>::new(0);
    let bomb = Bomb::armed();
    bus.on_lag(move |_| {
        let _ = &bomb;
    });
    let subscription = bus.subscribe(8);
    bus.start();
    assert!(catch_unwind(|| bus.close()).is_err(), "the panic resumes in close");
    assert!(bus.is_closed());
    assert_eq!(subscription.recv_timeout(Duration::MAX), Err(RecvTimeoutError::Closed));
}

/// G9: a publisher that lets go of an old snapshot lets go of the filters of those who have left; a panic there costs nobody an
/// event.
#[test]
fn event_reaches_everyone_although_the_filter_of_one_who_left_panics_as_it_is_dropped() {
    let bus = EventBus::<Number>::new(0);
    bus.start();
    let mut stays = bus.subscribe(8);
    let bomb = Bomb::armed();
    let leaves = bus
        .subscriber("leaves")
        .filter(move |_| {
            let _ = &bomb;
            true
        })
        .subscribe();
    let mut publisher = bus.publisher();
    publisher.publish(Number(1)).unwrap();
    publisher.publish(Number(2)).unwrap();
    drop(leaves);
    let published = catch_unwind(AssertUnwindSafe(|| publisher.publish(Number(3))));
    assert!(published.is_err(), "the publisher held the last share in the filter");
    assert_eq!(stays.try_iter().collect::<Vec<_>>(), [Number(1), Number(2), Number(3)]);
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

fn poll(subscription: &mut Subscription<Number>, waker: &Waker) -> Poll<Result<Number, ringbus::RecvError>> {
    pin!(subscription.recv_async()).poll(&mut Context::from_waker(waker))
}

/// G7, G9: a panic in the `Drop` of one task's waker does not leave the subscription deaf for the next.
#[test]
fn next_waker_is_woken_although_the_one_before_panicked_as_it_was_dropped() {
    let bus = EventBus::<Number>::new(0);
    let mut subscription = bus.subscribe(8);
    bus.start();
    let first = Waker::from(Alarm::new(Some(Bomb::armed())));
    assert!(poll(&mut subscription, &first).is_pending());
    drop(first);
    let alarm = Alarm::new(None);
    let second = Waker::from(Arc::clone(&alarm));
    let replaced = catch_unwind(AssertUnwindSafe(|| poll(&mut subscription, &second)));
    assert!(replaced.is_err(), "the subscription held the last share in the first waker");
    assert!(poll(&mut subscription, &second).is_pending());
    bus.publish(Number(1)).unwrap();
    assert!(alarm.woken.load(Relaxed), "the second waker is woken");
}

/// G11: a task's waker goes with its subscription, also where a publisher still holds the mailbox.
#[test]
fn waker_goes_with_its_subscription() {
    let bus = EventBus::<Number>::new(0);
    bus.start();
    let mut subscription = bus.subscribe(8);
    let mut publisher = bus.publisher();
    publisher.publish(Number(1)).unwrap();
    publisher.publish(Number(2)).unwrap();
    subscription.try_iter().for_each(drop);
    let alarm = Alarm::new(None);
    let weak = Arc::downgrade(&alarm);
    assert!(poll(&mut subscription, &Waker::from(alarm)).is_pending());
    drop(subscription);
    assert!(weak.upgrade().is_none(), "nobody holds the waker");
    publisher.publish(Number(3)).unwrap();
}

/// G11: a bus that was closed before it started keeps nothing of its log once that was read, though its handles are still there.
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
    let bus = EventBus::new(4);
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

/// G10: the last handle closes the bus there and then, also while a subscription is being dropped on another thread.
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
    for round in 0..5_000 {
        let bus = EventBus::<Number>::new(0);
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

/// G9: of two panics at once the first resumes and the second is swallowed, because it would abort the process: where start frees the log.
#[test]
fn two_panics_in_the_log_do_not_abort() {
    in_own_process(module_path!(), "two_panics_in_the_log_do_not_abort", || {
        let bus = EventBus::new(2);
        bus.publish(Explosive::armed()).unwrap();
        bus.publish(Explosive::armed()).unwrap();
        assert!(catch_unwind(|| bus.start()).is_err(), "nobody has subscribed: start frees the log");
        assert!(bus.is_started());
    });
}

/// G9: the same where a subscription takes its ring and the log with it.
#[test]
fn panics_in_the_ring_and_in_the_log_do_not_abort() {
    in_own_process(module_path!(), "panics_in_the_ring_and_in_the_log_do_not_abort", || {
        let bus = EventBus::new(1);
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
        let bus = EventBus::new(0);
        let subscription = bus.subscribe(2);
        bus.start();
        bus.publish(Explosive::armed()).unwrap();
        bus.publish(Explosive::armed()).unwrap();
        assert!(catch_unwind(|| drop(subscription)).is_err());
        assert_eq!(bus.subscriber_count(), 0);
    });
}
