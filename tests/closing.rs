//! The end of a bus.

mod common;

use common::{
    CountingWaker, Finish, Gate, LONG, Number, Token, live, numbers, publish, spawn_sleeper, stats_of, wait_until,
};
use ringbus::{
    EventBus, Overflow, PublishError, RecvError, RecvTimeoutError, Subscription, TryRecvError, WaitStrategy,
};
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

/// Asserts that a subscription says `Closed` in every way there is, and goes on saying so.
#[track_caller]
fn assert_closed(subscription: &mut Subscription<Number>) {
    for _ in 0..2 {
        assert!(subscription.is_closed());
        assert_eq!(subscription.try_recv(), Err(TryRecvError::Closed));
        assert_eq!(subscription.recv(), Err(RecvError));
        assert_eq!(subscription.recv_timeout(Duration::MAX), Err(RecvTimeoutError::Closed));
        assert_eq!(subscription.recv_deadline(Instant::now()), Err(RecvTimeoutError::Closed));
        assert_eq!(subscription.recv_many(&mut Vec::new(), 1), 0);
        assert_eq!((subscription.iter().next(), subscription.try_iter().next()), (None, None));
        let (_, waker) = CountingWaker::new();
        let polled = pin!(subscription.recv_async()).poll(&mut Context::from_waker(&waker));
        assert_eq!(polled, Poll::Ready(Err(RecvError)));
        assert!(subscription.is_empty());
    }
}

/// G7, G10: a close wakes everybody who waits, in whichever way and on whichever thread or task, before the start as well as after it.
#[test]
fn close_wakes_everybody_who_waits() {
    for is_live in [true, false] {
        let bus = EventBus::<Number>::new(0);
        if is_live {
            bus.start();
        }
        let ways: [fn(Subscription<Number>) -> bool; 5] = [
            |it| it.recv() == Err(RecvError),
            |it| it.recv_timeout(LONG) == Err(RecvTimeoutError::Closed),
            |it| it.recv_timeout(Duration::MAX) == Err(RecvTimeoutError::Closed),
            |it| it.recv_deadline(Instant::now() + LONG) == Err(RecvTimeoutError::Closed),
            |it| it.into_iter().next().is_none(),
        ];
        let sleepers = ways.map(|wait| {
            let subscription = bus.subscribe(1);
            spawn_sleeper(move || wait(subscription))
        });
        let busy = [WaitStrategy::Yield, WaitStrategy::Spin].map(|wait| {
            let subscription = bus.subscriber("busy").wait(wait).subscribe();
            thread::spawn(move || subscription.recv())
        });
        let mut task = bus.subscribe(1);
        let (counter, waker) = CountingWaker::new();
        let mut context = Context::from_waker(&waker);
        assert!(pin!(task.recv_async()).poll(&mut context).is_pending());

        bus.close();
        assert_eq!(counter.wakes(), 1);
        assert_eq!(pin!(task.recv_async()).poll(&mut context), Poll::Ready(Err(RecvError)));
        for sleeper in sleepers {
            assert!(sleeper.join());
        }
        for busy in busy {
            assert_eq!(busy.finish(), Err(RecvError));
        }
    }
}

/// G10: what was accepted before the close is received, the unread replay and the ring alike, and then `Closed`, for good.
#[test]
fn everything_accepted_is_received_and_then_closed() {
    let bus = EventBus::new(2);
    let mut publisher = bus.publisher();
    let mut early = bus.subscribe(4);
    publish(&bus, 0..2);
    bus.start();
    let mut late = bus.subscribe(4);
    publish(&bus, 2..3);
    publisher.publish(Number(3)).unwrap();
    bus.close();
    assert!(bus.is_closed() && early.is_closed());
    assert_eq!(bus.publish(Number(4)), Err(PublishError::Closed(Number(4))));
    assert_eq!(publisher.publish(Number(5)), Err(PublishError::Closed(Number(5))));
    assert_eq!(early.len(), 4);
    assert_eq!(early.iter().collect::<Vec<_>>(), numbers(0..4));
    assert_eq!(late.iter().collect::<Vec<_>>(), numbers(2..4));
    assert_closed(&mut early);
    assert_closed(&mut late);
    assert_eq!(bus.stats().published, 4);
}

/// G10: closing a bus that never started releases its backlog, to sleeping subscribers as well, however small their rings.
#[test]
fn close_of_a_bus_that_never_started_releases_the_backlog() {
    let bus = EventBus::new(100);
    let sleeper = {
        let subscription = bus.subscribe(1);
        spawn_sleeper(move || subscription.into_iter().collect::<Vec<_>>())
    };
    let mut waits_not = bus.subscribe(1);
    publish(&bus, 0..100);
    bus.close();
    assert_eq!(sleeper.join(), numbers(0..100));
    assert_eq!(waits_not.try_iter().collect::<Vec<_>>(), numbers(0..100));
    assert_closed(&mut waits_not);
    assert!(bus.stats().subscribers.iter().all(|stats| stats.discarded == 0));
}

/// G10: subscribing to a closed bus gives a subscription that is closed from the beginning, joins nobody, and gets no backlog.
#[test]
fn subscription_to_a_closed_bus_is_closed() {
    for is_live in [true, false] {
        let bus = EventBus::new(1);
        if is_live {
            bus.start();
        } else {
            publish(&bus, 0..1);
        }
        bus.close();
        let mut subscription = bus.subscriber("late").capacity(3).subscribe();
        assert_closed(&mut subscription);
        assert_eq!((subscription.name(), subscription.capacity()), ("late", 3));
        subscription.stop_handle().stop();
        assert_eq!(bus.subscriber_count(), 0);
        drop(subscription);
    }
}

/// G10: closing again, by the same or another handle, before or after everything was received, changes nothing.
#[test]
fn second_close_changes_nothing() {
    let bus = EventBus::new(2);
    let mut subscription = bus.subscribe(2);
    publish(&bus, 0..2);
    bus.close();
    bus.clone().close();
    assert_eq!(subscription.iter().collect::<Vec<_>>(), numbers(0..2));
    bus.close();
    assert_closed(&mut subscription);
    assert!(bus.is_closed() && !bus.is_started());
}

/// API, section 2: the last handle that can publish closes the bus when it is dropped, be it an `EventBus` or a `Publisher`, and
/// wakes who waits.
#[test]
fn last_publishing_handle_closes_the_bus() {
    let bus = live();
    let clone = bus.clone();
    let mut publisher = bus.publisher();
    let sleeper = {
        let subscription = bus.subscribe(2);
        spawn_sleeper(move || subscription.into_iter().collect::<Vec<_>>())
    };
    let mut subscription = bus.subscribe(2);
    drop(bus);
    publish(&clone, 0..1);
    drop(clone);
    assert!(!subscription.is_closed());
    publisher.publish(Number(1)).unwrap();
    drop(publisher);
    assert_eq!(sleeper.join(), numbers(0..2));
    assert_eq!(subscription.iter().collect::<Vec<_>>(), numbers(0..2));
    assert_closed(&mut subscription);

    let bus = live();
    let publisher = bus.publisher();
    let mut subscription = bus.subscribe(2);
    drop(publisher);
    assert!(!subscription.is_closed());
    drop(bus);
    assert_closed(&mut subscription);
}

/// G10: a bus that never started and loses its last handle releases its backlog as well.
#[test]
fn last_handle_of_a_bus_that_never_started_releases_the_backlog() {
    let bus = EventBus::new(2);
    let mut subscription = bus.subscribe(1);
    publish(&bus, 0..2);
    drop(bus);
    assert_eq!(subscription.iter().collect::<Vec<_>>(), numbers(0..2));
    assert_closed(&mut subscription);
}

/// API, section 2: weak handles and subscriptions do not keep a bus open; a weak handle gives the bus back as long as there is one, closed or not.
#[test]
fn weak_handles_and_subscriptions_do_not_keep_the_bus_open() {
    let bus = live();
    let weak = bus.downgrade();
    let mut subscription = bus.subscribe(2);
    let again = weak.clone().upgrade().expect("the bus is there");
    drop(bus);
    publish(&again, 0..1);
    drop(again);
    assert!(weak.upgrade().is_none());
    assert_eq!(subscription.iter().collect::<Vec<_>>(), numbers(0..1));
    assert_closed(&mut subscription);

    let bus = live();
    let weak = bus.downgrade();
    bus.close();
    assert!(weak.upgrade().expect("closed, and still there").is_closed());
    drop(bus);
    assert!(weak.upgrade().is_none());
}

/// G11: an event in a ring that owns the bus keeps it open, and no longer once it was received; a subscription outlives the bus.
#[test]
fn queued_event_that_owns_the_bus_keeps_it_open() {
    #[derive(Clone)]
    struct Owner(#[allow(dead_code, reason = "owned")] Arc<OnceLock<EventBus<Owner>>>);
    impl ringbus::Event for Owner {
        fn event_type(&self) -> ringbus::EventType {
            common::ODD
        }
        fn timestamp(&self) -> std::time::SystemTime {
            std::time::SystemTime::UNIX_EPOCH
        }
    }
    let bus = EventBus::new(0);
    bus.start();
    let subscription = bus.subscribe(2);
    let weak = bus.downgrade();
    let owned = Arc::new(OnceLock::new());
    bus.publish(Owner(Arc::clone(&owned))).unwrap();
    assert!(owned.set(bus).is_ok());
    drop(owned);
    assert!(weak.upgrade().is_some());
    assert!(subscription.try_recv().is_ok());
    assert!(weak.upgrade().is_none());
    assert_eq!(subscription.recv().err(), Some(RecvError));
}

/// G9, G10: a filter may close the bus under the publish that asked it: that one is still delivered to everybody, and it was the last.
#[test]
fn filter_may_close_the_bus() {
    let bus = live();
    let weak = bus.downgrade();
    let close = move |_: &Number| {
        weak.upgrade().expect("the publisher holds it").close();
        true
    };
    let mut before = bus.subscribe(2);
    let mut closer = bus.subscriber("closer").filter(close).subscribe();
    let mut after = bus.subscribe(2);
    assert_eq!(bus.publish(Number(1)).unwrap().delivered, 3);
    assert_eq!(bus.publish(Number(2)), Err(PublishError::Closed(Number(2))));
    for subscription in [&mut before, &mut closer, &mut after] {
        assert_eq!(subscription.iter().collect::<Vec<_>>(), numbers(1..2));
        assert_closed(subscription);
    }
}

/// G2, G10: when a filter closes the bus, and a subscriber behind it is told `Closed` before the publish comes to it, the event is counted as
/// delivered and discarded, and nothing follows the `Closed`.
#[test]
fn delivery_after_closed_is_discarded() {
    let bus = EventBus::new(0);
    bus.start();
    let token = Token(Arc::new(()));
    let told = Arc::new(OnceLock::<std::sync::Mutex<Subscription<Token>>>::new());
    let _closer = bus
        .subscriber("closer")
        .filter({
            let (bus, told) = (bus.downgrade(), Arc::clone(&told));
            move |_| {
                bus.upgrade().unwrap().close();
                let told = told.get().unwrap().lock().unwrap();
                assert_eq!(told.try_recv().err(), Some(TryRecvError::Closed));
                false
            }
        })
        .subscribe();
    assert!(told.set(bus.subscriber("told").subscribe().into()).is_ok());
    let _behind = bus.subscribe(1);
    assert_eq!(bus.publish(token.clone()).unwrap().delivered, 2);
    let subscription = told.get().unwrap().lock().unwrap();
    assert_eq!(subscription.try_recv().err(), Some(TryRecvError::Closed));
    assert!(subscription.is_empty());
    let stats = stats_of(&bus, "told");
    assert_eq!((stats.received, stats.len, stats.discarded), (0, 0, 1));
    assert_eq!(token.copies(), 1, "only the one behind has it");
}

/// G10: who has left a closed bus is no longer counted, and who has not is.
#[test]
fn closed_bus_keeps_its_subscribers_until_they_leave() {
    let bus = live();
    let stays = bus.subscribe(1);
    let leaves = bus.subscribe(1);
    publish(&bus, 0..1);
    bus.close();
    assert_eq!(bus.subscriber_count(), 2);
    drop(leaves);
    assert_eq!(bus.subscriber_count(), 1);
    assert_eq!(&*bus.stats().subscribers[0].name, stays.name());
}

/// G2, G10: while publishers race with the close, what they were told was delivered is received, evicted or counted as discarded, and after
/// `Closed` nothing is left anywhere.
#[test]
fn publishes_that_race_with_the_close_are_conserved() {
    for iteration in 0..300 {
        let overflow = if iteration % 2 == 0 { Overflow::DropNewest } else { Overflow::DropOldest };
        let bus = live();
        let capacity = 1 + iteration % 4;
        let subscription =
            bus.subscriber("reader").capacity(capacity).overflow(overflow).wait(WaitStrategy::Spin).subscribe();
        let gate = Arc::new(Gate::new(3));
        let begun = Arc::new(AtomicUsize::new(0));
        let publishing = {
            let (bus, gate, begun) = (bus.clone(), Arc::clone(&gate), Arc::clone(&begun));
            thread::spawn(move || {
                let mut publisher = bus.publisher();
                publisher.publish(Number(0)).unwrap();
                gate.pass();
                let (mut delivered, mut dropped) = (1, 0);
                for number in 1.. {
                    match if iteration % 3 == 0 {
                        bus.publish(Number(number))
                    } else {
                        publisher.publish(Number(number))
                    } {
                        Ok(published) => {
                            delivered += published.delivered as u64;
                            dropped += published.dropped as u64;
                        }
                        Err(error) => {
                            assert_eq!(error, PublishError::Closed(Number(number)));
                            break;
                        }
                    }
                    begun.fetch_add(1, SeqCst);
                }
                (delivered, dropped)
            })
        };
        let reading = {
            let gate = Arc::clone(&gate);
            thread::spawn(move || {
                gate.pass();
                let mut received = 0;
                let mut last = None;
                while let Ok(number) = subscription.recv() {
                    assert!(last < Some(number));
                    last = Some(number);
                    received += 1;
                }
                (received, subscription)
            })
        };
        gate.pass();
        wait_until(|| begun.load(SeqCst) >= iteration % 7);
        bus.close();
        let (delivered, dropped) = publishing.finish();
        let (received, mut subscription) = reading.finish();
        let stats = stats_of(&bus, "reader");
        assert_eq!(stats.received, received);
        assert_eq!(stats.len, 0, "nothing is stranded, iteration {iteration}");
        assert_eq!(delivered, received + stats.evicted + stats.discarded, "iteration {iteration}");
        assert_eq!((stats.dropped, bus.stats().delivered, bus.stats().dropped), (dropped, delivered, dropped));
        assert_closed(&mut subscription);
    }
}

/// G10: an event whose publish had returned when the close began is never among the discarded, also where the receiver is told about the
/// close at that very moment.
#[test]
fn event_published_before_the_close_is_received() {
    for iteration in 0..200 {
        let bus = live();
        let subscription = bus.subscriber("reader").wait(WaitStrategy::Spin).subscribe();
        let go = Arc::new(AtomicBool::new(false));
        let reading = {
            let go = Arc::clone(&go);
            thread::spawn(move || {
                go.store(true, SeqCst);
                subscription.into_iter().collect::<Vec<_>>()
            })
        };
        wait_until(|| go.load(SeqCst));
        let count = iteration % 3 + 1;
        publish(&bus, 0..count);
        bus.close();
        assert_eq!(reading.finish(), numbers(0..count), "iteration {iteration}");
    }
}

/// G10: closes that race with each other and with subscriptions leave nobody behind: whoever got in is woken and closed.
#[test]
fn racing_closes_and_subscriptions_all_end_closed() {
    for _ in 0..100 {
        let bus = live();
        let gate = Arc::new(Gate::new(4));
        let threads = [0, 1, 2, 3].map(|role| {
            let (bus, gate) = (bus.clone(), Arc::clone(&gate));
            thread::spawn(move || {
                gate.pass();
                if role < 2 {
                    bus.close();
                    assert!(bus.is_closed());
                } else {
                    assert_eq!(bus.subscribe(1).recv_timeout(LONG), Err(RecvTimeoutError::Closed));
                }
            })
        });
        for thread in threads {
            thread.finish();
        }
        assert_eq!(bus.subscriber_count(), 0);
    }
}
