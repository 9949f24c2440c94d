//! The end of a bus.

use crate::common::{
    self, CountingWaker, EVEN, Finish, Gate, LONG, Number, Sleeper, Token, finishes, live, numbers, panic_of,
    poll_next, publish, spawn_sleeper, stats_of, subscribe_to_be_told_closed, wait_until,
};
use ringbus::{
    Drained, EventBus, Overflow, PublishError, RecvError, RecvTimeoutError, Subscription, TryRecvError, WaitStrategy,
};
use std::future::{Future, pending, poll_fn, ready};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
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
        assert_eq!(subscription.try_recv_many(&mut Vec::new(), 1), 0);
        assert_eq!(subscription.recv_many(&mut Vec::new(), 1), Err(RecvError));
        assert_eq!((subscription.iter().next(), subscription.try_iter().next()), (None, None));
        let (_, waker) = CountingWaker::new();
        let polled = pin!(subscription.recv_async()).poll(&mut Context::from_waker(&waker));
        assert_eq!(polled, Poll::Ready(Err(RecvError)));
        let (mut into, context) = (Vec::new(), &mut Context::from_waker(&waker));
        let polled = pin!(subscription.recv_many_async(&mut into, 1)).poll(context);
        assert_eq!(polled, Poll::Ready(Err(RecvError)));
        assert!(subscription.is_empty());
    }
}

/// G7, G10: a close wakes everybody who waits, in whichever way and on whichever thread or task,
/// before the start as well as after it.
#[test]
fn close_wakes_everybody_who_waits() {
    for is_live in [true, false] {
        let bus = common::new_bus::<Number>(0);
        if is_live {
            bus.start();
        }
        let ways: [fn(Subscription<Number>) -> bool; 6] = [
            |it| it.recv() == Err(RecvError),
            |it| it.recv_timeout(LONG) == Err(RecvTimeoutError::Closed),
            |it| it.recv_timeout(Duration::MAX) == Err(RecvTimeoutError::Closed),
            |it| it.recv_deadline(Instant::now() + LONG) == Err(RecvTimeoutError::Closed),
            |it| it.recv_many(&mut Vec::new(), 5) == Err(RecvError),
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
        assert!(poll_next(&mut task, &waker).is_pending());

        bus.close();
        assert_eq!(counter.wakes(), 1);
        assert_eq!(poll_next(&mut task, &waker), Poll::Ready(None));
        for sleeper in sleepers {
            assert!(sleeper.join());
        }
        for busy in busy {
            assert_eq!(busy.finish(), Err(RecvError));
        }
    }
}

/// G10: what was accepted before the close is received, the unread replay and the ring alike, and
/// then `Closed`, for good.
#[test]
fn everything_accepted_is_received_and_then_closed() {
    let bus = common::new_bus(2);
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

/// G10: closing a bus that never started releases its backlog, to sleeping subscribers as well,
/// however small their rings.
#[test]
fn close_of_a_bus_that_never_started_releases_the_backlog() {
    let bus = common::new_bus(100);
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

/// G10: subscribing to a closed bus gives a subscription that is closed from the beginning, joins
/// nobody, and gets no backlog.
#[test]
fn subscription_to_a_closed_bus_is_closed() {
    for is_live in [true, false] {
        let bus = common::new_bus(1);
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

/// G10: closing again, by the same or another handle, before or after everything was received,
/// changes nothing.
#[test]
fn second_close_changes_nothing() {
    let bus = common::new_bus(2);
    let mut subscription = bus.subscribe(2);
    publish(&bus, 0..2);
    bus.close();
    bus.clone().close();
    assert_eq!(subscription.iter().collect::<Vec<_>>(), numbers(0..2));
    bus.close();
    assert_closed(&mut subscription);
    assert!(bus.is_closed() && !bus.is_started());
}

/// API, section 2: the last handle that can publish closes the bus when it is dropped, be it an
/// `EventBus` or a `Publisher`, and wakes who waits.
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
    let bus = common::new_bus(2);
    let mut subscription = bus.subscribe(1);
    publish(&bus, 0..2);
    drop(bus);
    assert_eq!(subscription.iter().collect::<Vec<_>>(), numbers(0..2));
    assert_closed(&mut subscription);
}

/// API, section 2: weak handles and subscriptions do not keep a bus open; a weak handle gives the
/// bus back as long as there is one, closed or not.
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

/// G11: an event in a ring that owns the bus keeps it open, and no longer once it was received; a
/// subscription outlives the bus.
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
    let bus = common::new_bus(0);
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

/// G9, G10: a filter may close the bus under the publish that asked it: that one is still delivered
/// to everybody, and it was the last.
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

/// G2, G10: when a filter closes the bus, and a subscriber behind it is told `Closed` before the
/// publish comes to it, the event is counted as delivered and discarded, and nothing follows the
/// `Closed`.
#[test]
fn delivery_after_closed_is_discarded() {
    let bus = common::new_bus(0);
    bus.start();
    let token = Token(Arc::new(()));
    let told = Arc::new(OnceLock::<Mutex<Subscription<Token>>>::new());
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

/// G2, G10: what comes too late found no full ring: it is no lag, and nobody hears of it.
#[test]
fn delivery_after_closed_is_no_lag() {
    let bus = live();
    let _subscriptions = subscribe_to_be_told_closed(&bus, 4);
    publish(&bus, 0..1);
    let stats = stats_of(&bus, "told");
    assert_eq!((stats.discarded, stats.lost(), stats.high_water, stats.lagging), (1, 0, 0, false));
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

/// G2, G10: while publishers race with the close, what they were told was delivered is received,
/// evicted or counted as discarded, and after `Closed` nothing is left anywhere.
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

/// G10: an event whose publish had returned when the close began is never among the discarded, also
/// where the receiver is told about the close at that very moment.
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

/// G10: closes that race with each other and with subscriptions leave nobody behind: whoever got in
/// is woken and closed.
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

/// Runs `close_and_drain` on a thread of its own, which waits by then.
fn spawn_drainer(bus: &EventBus<Number>) -> Sleeper<Drained> {
    let bus = bus.clone();
    spawn_sleeper(move || bus.close_and_drain(Duration::MAX))
}

/// G7, G10: a drain waits until the receiver has taken everything, in whichever way and though it
/// does not ask for the end, and wakes then.
#[test]
fn drain_wakes_when_the_last_event_was_taken() {
    const EVENTS: u64 = 4;
    type Take = fn(&mut Subscription<Number>) -> usize;
    fn take<T, E>(receive: impl Fn() -> Result<T, E>) -> usize {
        (0..EVENTS).filter(|_| receive().is_ok()).count()
    }
    fn poll_all(mut poll: impl FnMut() -> bool) -> usize {
        (0..EVENTS).filter(|_| poll()).count()
    }
    // (A task of its own each time, which has its whole turn.)
    let ways: [(&str, Take); 12] = [
        ("try_recv", |it| take(|| it.try_recv())),
        ("recv", |it| take(|| it.recv())),
        ("recv_timeout", |it| take(|| it.recv_timeout(LONG))),
        ("try_recv_many, bit by bit", |it| it.try_recv_many(&mut Vec::new(), 3) + it.try_recv_many(&mut Vec::new(), 1)),
        ("try_recv_many", |it| it.try_recv_many(&mut Vec::new(), usize::MAX)),
        ("recv_many", |it| it.recv_many(&mut Vec::new(), usize::MAX).unwrap()),
        ("recv_many, one by one", |it| take(|| it.recv_many(&mut Vec::new(), 1))),
        ("recv_many_async", |it| {
            let (_, waker) = CountingWaker::new();
            let context = &mut Context::from_waker(&waker);
            match pin!(it.recv_many_async(&mut Vec::new(), usize::MAX)).poll(context) {
                Poll::Ready(Ok(count)) => count,
                polled => panic!("{polled:?}"),
            }
        }),
        ("iter", |it| it.iter().take(EVENTS as usize).count()),
        ("try_iter", |it| it.try_iter().count()),
        ("recv_async", |it| {
            let (_, waker) = CountingWaker::new();
            let context = &mut Context::from_waker(&waker);
            poll_all(|| matches!(pin!(it.recv_async()).poll(context), Poll::Ready(Ok(_))))
        }),
        ("stream", |it| {
            let (_, waker) = CountingWaker::new();
            poll_all(|| matches!(poll_next(it, &waker), Poll::Ready(Some(_))))
        }),
    ];
    for (name, take) in ways {
        // From the ring; from the replay; from the replay that a close without a start releases.
        for replayed in [0, EVENTS / 2, EVENTS] {
            for is_started in [true, false] {
                // The last receive also ends an episode of lag, if the ring was full.
                for (lags, is_heard) in [(false, false), (true, false), (true, true)] {
                    let bus = common::new_bus(EVENTS as usize);
                    let ring = EVENTS - replayed;
                    let mut subscription = bus.subscribe((ring as usize).max(1));
                    if is_heard {
                        bus.on_lag(|_| {});
                    }
                    publish(&bus, 0..replayed);
                    if is_started || ring > 0 {
                        bus.start();
                        publish(&bus, replayed..EVENTS);
                    }
                    if lags && ring > 0 {
                        assert_eq!(bus.publish(Number(EVENTS)).unwrap().dropped, 1);
                    }
                    let drainer = spawn_drainer(&bus);
                    assert!(bus.is_closed());
                    assert_eq!(take(&mut subscription), EVENTS as usize, "{name}");
                    assert!(drainer.join().is_complete(), "{name}, {replayed} replayed, lags {lags}");
                }
            }
        }
    }
}

/// G7, G10: a drain does not wait for one who leaves, and takes nothing of what it had; one that is
/// stopped still has to take it.
#[test]
fn drain_wakes_when_the_last_subscriber_has_left() {
    let bus = common::new_bus(1);
    let early = bus.subscribe(4);
    publish(&bus, 0..1);
    bus.start();
    let late = bus.subscribe(4);
    let stopped = bus.subscribe(4);
    publish(&bus, 1..2);
    stopped.stop_handle().stop();
    let drainer = spawn_drainer(&bus);
    drop(early);
    assert_eq!(stopped.recv(), Ok(Number(1)));
    assert_eq!(bus.close_and_drain(Duration::ZERO).unread.len(), 1);
    wait_until(|| drainer.probe.is_asleep());
    drop(late);
    assert!(drainer.join().is_complete());
}

/// G10: also if it found the bus open when it began to look.
#[test]
fn drain_wakes_when_the_rest_of_a_replay_is_refused_while_it_begins() {
    let bus = common::new_bus(2);
    publish(&bus, 0..2);
    let (drainer, weak) = (Arc::new(Mutex::new(None)), bus.downgrade());
    let refusing = bus.subscriber("refusing").filter({
        let drainer = Arc::clone(&drainer);
        move |number: &Number| {
            if number.0 == 0 {
                *drainer.lock().unwrap() = weak.upgrade().map(|bus| spawn_drainer(&bus));
            }
            false
        }
    });
    let refusing = refusing.subscribe();
    bus.start();
    assert_eq!(refusing.try_recv(), Err(TryRecvError::Empty));
    let drainer = drainer.lock().unwrap().take().unwrap();
    assert!(drainer.join().is_complete());
}

/// G10: a receiver that wants nothing of a replay takes it all by looking once.
#[test]
fn drain_wakes_when_a_replay_was_refused() {
    let bus = common::new_bus(2);
    let picky = bus.subscriber("picky").filter(|_| false).subscribe();
    publish(&bus, 0..2);
    let drainer = spawn_drainer(&bus);
    assert_eq!(picky.recv(), Err(RecvError));
    assert!(drainer.join().is_complete());
}

/// API, section 2: who had not taken everything is named, with what was left of ring and replay.
/// Without time, a drain only looks; who was stopped before the start gets nothing and is not
/// waited for.
#[test]
fn drain_says_who_has_not_received_everything() {
    let bus = common::new_bus(2);
    let abandoned = bus.subscriber("abandoned").subscribe();
    let slow = bus.subscriber("slow").subscribe();
    publish(&bus, 0..2);
    abandoned.stop_handle().stop();
    bus.start();
    let quick = bus.subscriber("quick").subscribe();
    let lazy = bus.subscriber("lazy").subscribe();
    publish(&bus, 2..3);
    assert_eq!(quick.try_iter().count(), 1);
    let drained = bus.close_and_drain(Duration::ZERO);
    assert!(bus.is_closed() && !drained.is_complete());
    let unread: Vec<_> = drained.unread.iter().map(|it| (&*it.name, it.len, it.unread_replay)).collect();
    assert_eq!(unread, [("slow", 1, 2), ("lazy", 1, 0)]);
    assert_eq!(drained.to_string(), "slow has 3 events unread, lazy has 1 event unread");

    assert_eq!([slow.recv(), slow.recv()], [Ok(Number(0)), Ok(Number(1))]);
    drop(lazy);
    let drained = bus.close_and_drain(Duration::from_millis(1));
    assert_eq!(drained.to_string(), "slow has 1 event unread");
    assert_eq!(slow.recv(), Ok(Number(2)));
    let drained = bus.close_and_drain(Duration::ZERO);
    assert_eq!((drained.to_string(), drained), ("every subscriber has received everything".into(), Drained::default()));
    assert_eq!(abandoned.try_recv(), Err(TryRecvError::Closed));
}

/// G10: the same on a bus that never started: its close releases the replay, which has to be read;
/// and where there is nobody, a drain is complete at once.
#[test]
fn drain_of_a_bus_that_never_started_waits_for_the_replay() {
    let bus = common::new_bus(2);
    let abandoned = bus.subscriber("abandoned").subscribe();
    let reader = bus.subscriber("reader").subscribe();
    publish(&bus, 0..2);
    abandoned.stop_handle().stop();
    let drained = bus.close_and_drain(Duration::ZERO);
    assert_eq!(drained.to_string(), "reader has 2 events unread");
    assert_eq!(drained.unread[0].unread_replay, 2);
    let drainer = spawn_drainer(&bus);
    assert_eq!([reader.recv(), reader.recv()], [Ok(Number(0)), Ok(Number(1))]);
    assert!(drainer.join().is_complete());

    let bus = common::new_bus(1);
    publish(&bus, 0..1);
    assert!(bus.close_and_drain(Duration::MAX).is_complete());
}

/// G7: several drains, of threads and of tasks, wait for the same subscribers, and all wake; one
/// that gave up disturbs none.
#[test]
fn drains_wake_together() {
    let bus = live();
    let subscription = bus.subscribe(2);
    publish(&bus, 0..2);
    let threads = [(), ()].map(|()| spawn_drainer(&bus));
    let (counter, waker) = CountingWaker::new();
    let mut context = Context::from_waker(&waker);
    let [mut task, mut given_up] = [(), ()].map(|()| Box::pin(bus.close_and_drain_async(pending::<()>())));
    assert!(task.as_mut().poll(&mut context).is_pending());
    assert!(given_up.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(given_up);
    assert_eq!(subscription.recv(), Ok(Number(0)));
    assert_eq!(counter.wakes(), 0, "there is another event");
    assert_eq!(subscription.recv(), Ok(Number(1)));
    assert_eq!(counter.wakes(), 1);
    assert!(matches!(task.as_mut().poll(&mut context), Poll::Ready(drained) if drained.is_complete()));
    for thread in threads {
        assert!(thread.join().is_complete());
    }
}

/// API, section 2: a drain of a task begins with its first poll, and ends when its `stop` is ready,
/// if somebody is still behind; a panic of `stop` goes on.
#[test]
fn drain_of_a_task_ends_with_its_stop() {
    let bus = live();
    let subscription = bus.subscriber("slow").subscribe();
    publish(&bus, 0..1);
    let mut context = Context::from_waker(Waker::noop());
    let drain = bus.close_and_drain_async(ready(()));
    assert!(!bus.is_closed());
    let Poll::Ready(drained) = pin!(drain).poll(&mut context) else { panic!("it was stopped") };
    assert!(bus.is_closed());
    assert_eq!(drained.to_string(), "slow has 1 event unread");

    let fails = poll_fn(|_| -> Poll<()> { panic!("cannot be stopped") });
    let mut drain = Box::pin(bus.close_and_drain_async(fails));
    assert_eq!(panic_of(|| drain.as_mut().poll(&mut context)), "cannot be stopped");

    assert_eq!(subscription.recv(), Ok(Number(0)));
    let Poll::Ready(drained) = pin!(bus.close_and_drain_async(ready(()))).poll(&mut context) else { panic!() };
    assert!(drained.is_complete(), "what is complete needs no stop");
}

/// G9: if its `stop` panics, and once more as it is dropped, the first panic goes on.
#[test]
fn stop_of_a_drain_that_panics_twice_tells_the_first_panic() {
    struct Fragile;
    impl Drop for Fragile {
        fn drop(&mut self) {
            panic!("not like this");
        }
    }
    let bus = live();
    let _slow = bus.subscribe(1);
    publish(&bus, 0..1);
    let fragile = Fragile;
    let stop = poll_fn(move |_| -> Poll<()> {
        let _ = &fragile;
        panic!("cannot be stopped")
    });
    let mut drain = Box::pin(bus.close_and_drain_async(stop));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(panic_of(|| drain.as_mut().poll(&mut context)), "cannot be stopped");
}

/// G10, G13: the time of a drain counts from its call, that of the close included: if a waker has
/// used it up, the drain does not wait any more.
#[cfg(target_os = "linux")]
#[test]
fn drain_whose_close_took_all_its_time_does_not_wait() {
    const WITHIN: Duration = Duration::from_millis(5);
    struct TakesLong;
    impl Wake for TakesLong {
        fn wake(self: Arc<Self>) {
            let begun = Instant::now();
            wait_until(|| begun.elapsed() > WITHIN);
        }
    }
    let slept = common::fewest_sleeps(|probe| {
        let bus = live();
        let mut waiting = bus.subscribe(1);
        let _slow = bus.subscriber("slow").subscribe();
        publish(&bus, 1..2);
        assert_eq!(waiting.try_recv(), Ok(Number(1)));
        assert!(poll_next(&mut waiting, &Waker::from(Arc::new(TakesLong))).is_pending());
        let before = probe.sleeps();
        let drained = bus.close_and_drain(WITHIN);
        let slept = probe.sleeps() - before;
        assert_eq!(drained.to_string(), "slow has 1 event unread");
        slept
    });
    assert_eq!(slept, 0);
}

/// G10: what a publish that races with the close delivers behind the look that found everything
/// taken is nothing that a drain of a task would name.
#[test]
fn drain_of_a_task_that_was_complete_stays_so_whatever_comes_late() {
    /// Lets a publish go on as it is dropped, and waits for its end.
    struct Resumes {
        go_on: Arc<AtomicBool>,
        publishing: Option<thread::JoinHandle<()>>,
    }
    impl Drop for Resumes {
        fn drop(&mut self) {
            self.go_on.store(true, SeqCst);
            self.publishing.take().unwrap().finish();
        }
    }
    let bus = live();
    let (reached, go_on) = <(Arc<AtomicBool>, Arc<AtomicBool>)>::default();
    let subscription = bus
        .subscriber("late")
        .filter({
            let (reached, go_on) = (Arc::clone(&reached), Arc::clone(&go_on));
            move |_| {
                reached.store(true, SeqCst);
                wait_until(|| go_on.load(SeqCst));
                true
            }
        })
        .subscribe();
    let publishing = thread::spawn({
        let bus = bus.clone();
        move || publish(&bus, 1..2)
    });
    wait_until(|| reached.load(SeqCst));
    let resumes = Resumes { go_on, publishing: Some(publishing) };
    let stop = poll_fn(move |_| {
        let _ = &resumes;
        Poll::<()>::Pending
    });
    let polled = pin!(bus.close_and_drain_async(stop)).poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Ready(drained) if drained.is_complete()));
    assert_eq!(subscription.recv(), Ok(Number(1)), "it came behind that");
}

/// G7, G10: a drain that races with publishers, receivers and leavers ends, and nobody has anything
/// then.
#[test]
fn drain_beside_publishers_receivers_and_leavers_ends() {
    for round in 0..300 {
        let bus = live();
        let [receiver, leaver] = ["receiver", "leaver"].map(|name| bus.subscriber(name).capacity(4).subscribe());
        let gate = Arc::new(Gate::new(3));
        let publishing = thread::spawn({
            let (bus, gate) = (bus.clone(), Arc::clone(&gate));
            move || {
                gate.pass();
                while bus.publish(Number(1)).is_ok() {}
            }
        });
        let receiving = thread::spawn({
            let gate = Arc::clone(&gate);
            move || {
                gate.pass();
                for _ in 0..round % 8 {
                    _ = leaver.try_recv();
                }
                drop(leaver);
                while receiver.recv().is_ok() {}
                receiver
            }
        });
        gate.pass();
        let drainer = thread::spawn({
            let bus = bus.clone();
            move || bus.close_and_drain(Duration::MAX)
        });
        assert!(drainer.finish().is_complete());
        publishing.finish();
        drop(receiving.finish());
    }
}

/// G7, G10: what comes too late, because its subscriber has been told `Closed` by then, is
/// discarded; a drain that saw it in the ring wakes.
#[test]
fn drain_wakes_when_what_came_too_late_was_discarded() {
    let bus = live();
    let keeper = bus.subscriber("keeper").filter(|number: &Number| number.0 == 0).subscribe();
    publish(&bus, 0..1);
    let (counter, waker) = CountingWaker::new();
    let drain = Arc::new(Mutex::new(Box::pin({
        let bus = bus.clone();
        async move { bus.close_and_drain_async(pending::<()>()).await }
    })));
    let poll = {
        let drain = Arc::clone(&drain);
        move || drain.lock().unwrap().as_mut().poll(&mut Context::from_waker(&waker)).is_pending()
    };
    let told = Arc::new(Mutex::new(None::<Subscription<Number>>));
    let _closer = bus
        .subscriber("closer")
        .filter({
            let (told, poll) = (Arc::clone(&told), poll.clone());
            move |_| {
                assert!(poll(), "it closes the bus, and waits for the keeper");
                assert_eq!(told.lock().unwrap().as_ref().map(Subscription::try_recv), Some(Err(TryRecvError::Closed)));
                false
            }
        })
        .subscribe();
    *told.lock().unwrap() = Some(bus.subscribe(1));
    let (keeper, waits, wakes) = (Mutex::new(keeper), Arc::new(AtomicBool::new(false)), Arc::clone(&counter));
    let _last = bus
        .subscriber("last")
        .filter({
            let waits = Arc::clone(&waits);
            move |_| {
                assert_eq!(keeper.lock().unwrap().try_recv(), Ok(Number(0)));
                assert_eq!(wakes.wakes(), 1);
                waits.store(poll(), SeqCst);
                false
            }
        })
        .subscribe();
    assert_eq!(bus.publish(Number(1)).unwrap().delivered, 1);
    // It may as well have known that nobody would receive that event.
    if waits.load(SeqCst) {
        assert_eq!(counter.wakes(), 2);
        assert!(drain.lock().unwrap().as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }
}

/// G2, G10: what comes between the look of its subscriber that finds nothing and the end that it
/// finds then is received, or discarded, and counted.
#[test]
fn event_that_comes_as_its_subscriber_finds_the_end_is_counted() {
    /// Lets a publish go on, up to the subscriber behind the one that is about to be told `Closed`.
    struct Resumes(Arc<AtomicUsize>);
    impl Wake for Resumes {
        fn wake(self: Arc<Self>) {
            self.0.store(2, SeqCst);
            wait_until(|| self.0.load(SeqCst) == 3);
        }
    }
    let bus = live();
    let keeper = bus.subscriber("keeper").filter(|number: &Number| number.0 == 0).subscribe();
    publish(&bus, 0..1);
    let step = Arc::new(AtomicUsize::new(0));
    let hold = |begin, end| {
        let step = Arc::clone(&step);
        let holding = bus.subscriber("holding").filter(move |_| {
            step.store(begin, SeqCst);
            wait_until(|| step.load(SeqCst) >= end);
            false
        });
        holding.subscribe()
    };
    let _before = hold(1, 2);
    let told = bus.subscribe(1);
    let _behind = hold(3, 4);
    let publishing = thread::spawn({
        let bus = bus.clone();
        move || bus.publish(Number(1)).unwrap()
    });
    wait_until(|| step.load(SeqCst) == 1);
    let waker = Waker::from(Arc::new(Resumes(Arc::clone(&step))));
    let mut drain = Box::pin(bus.close_and_drain_async(pending::<()>()));
    assert!(drain.as_mut().poll(&mut Context::from_waker(&waker)).is_pending(), "it waits for the keeper");
    let received = told.try_recv();
    assert_eq!(step.swap(4, SeqCst), 3);
    assert_eq!(publishing.finish().delivered, 1);
    let stats = told.stats();
    assert_eq!((stats.received, stats.received + stats.discarded), (u64::from(received.is_ok()), 1));
    drop(drain);
    assert_eq!(keeper.try_recv(), Ok(Number(0)));
}

/// API, section 2: a subscription has its own statistics, the same row as its bus while that is
/// there, and also when the bus is closed or gone.
#[test]
fn subscription_knows_its_statistics_without_the_bus() {
    let bus = common::new_bus(2);
    let subscription = bus.subscriber("reader").capacity(2).types([common::EVEN, common::ODD]).subscribe();
    let same = |bus: &EventBus<Number>| {
        let stats = subscription.stats();
        assert_eq!(stats, stats_of(bus, "reader"));
        (stats.len, stats.unread_replay, stats.received, stats.dropped)
    };
    publish(&bus, 0..2);
    assert_eq!(same(&bus), (0, 0, 0, 0), "nothing can be read before the start");
    bus.start();
    assert_eq!(same(&bus), (0, 2, 0, 0));
    publish(&bus, 2..5);
    subscription.recv().unwrap();
    assert_eq!(same(&bus), (2, 1, 1, 1));
    bus.close();
    assert_eq!(same(&bus), (2, 1, 1, 1));
    drop(bus);
    assert_eq!([subscription.recv(), subscription.recv()], [Ok(Number(1)), Ok(Number(2))]);
    let stats = subscription.stats();
    assert_eq!((stats.len, stats.unread_replay, stats.received, stats.lost()), (1, 0, 3, 1));

    let late = live();
    late.close();
    let closed = late.subscriber("late").capacity(3).subscribe();
    assert_eq!((&*closed.stats().name, closed.stats().capacity, closed.stats().received), ("late", 3, 0));
}

/// G2, G7: who is woken because the last event was taken finds it counted as received.
#[test]
fn drain_that_wakes_finds_the_last_event_counted() {
    struct Counts {
        bus: EventBus<Number>,
        received: Mutex<Vec<u64>>,
    }
    impl Wake for Counts {
        fn wake(self: Arc<Self>) {
            self.received.lock().unwrap().push(stats_of(&self.bus, "reader").received);
        }
    }
    for is_replayed in [true, false] {
        let bus = common::new_bus(1);
        let reader = bus.subscriber("reader").subscribe();
        if !is_replayed {
            bus.start();
        }
        publish(&bus, 0..1);
        let counts = Arc::new(Counts { bus: bus.clone(), received: Mutex::default() });
        let waker = Waker::from(Arc::clone(&counts));
        let mut drain = Box::pin(bus.close_and_drain_async(pending::<()>()));
        assert!(drain.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(reader.try_recv(), Ok(Number(0)));
        assert_eq!(*counts.received.lock().unwrap(), [1], "replayed: {is_replayed}");
    }
}

/// G7: the last event of a replay wakes who drains also if its filter panics.
#[test]
fn drain_wakes_when_the_last_of_the_replay_has_panicked() {
    let bus = common::new_bus(1);
    let subscription = bus.subscriber("panics").filter(|_: &Number| panic!("planned")).subscribe();
    bus.publish(Number(0)).unwrap();
    let drainer = thread::spawn({
        let bus = bus.clone();
        move || bus.close_and_drain(Duration::MAX)
    });
    wait_until(|| bus.is_closed() && bus.stats().subscribers[0].unread_replay == 1);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| subscription.try_recv())).is_err());
    assert!(drainer.finish().is_complete());
    drop(subscription);
}

/// G7: the same for the last of the retained events.
#[test]
fn drain_wakes_when_the_last_retained_event_has_panicked() {
    let bus = EventBus::builder().ring(common::ring()).retain([EVEN]).build();
    bus.start();
    bus.publish(Number(0)).unwrap();
    let subscription = bus.subscriber("panics").filter(|_: &Number| panic!("planned")).subscribe();
    let (counter, waker) = CountingWaker::new();
    let mut drain = Box::pin(bus.close_and_drain_async(pending::<()>()));
    assert!(drain.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(panic_of(|| subscription.try_recv()), "planned");
    assert_eq!(counter.wakes(), 1);
    assert!(drain.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    drop(subscription);
}

/// G7, G12: a drain that is given up takes its own place back and no other's, and keeps no waker.
#[test]
fn drain_that_is_given_up_leaves_the_others_waiting() {
    for gives_up in [0, 1, 2] {
        let bus = live();
        let subscription = bus.subscribe(1);
        publish(&bus, 0..1);
        let begin = || {
            let (counter, waker) = CountingWaker::new();
            let mut drain = Box::pin(bus.close_and_drain_async(pending::<()>()));
            assert!(drain.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            (drain, counter)
        };
        let mut drains: Vec<_> = (0..3).map(|_| begin()).collect();
        let (drain, counter) = drains.remove(gives_up);
        drop(drain);
        assert_eq!(Arc::strong_count(&counter), 1, "it keeps no waker");
        // Nor does one that begins then take the place of another.
        drains.push(begin());
        assert_eq!(subscription.recv(), Ok(Number(0)));
        assert_eq!(counter.wakes(), 0);
        for (drain, counter) in &mut drains {
            assert_eq!(counter.wakes(), 1, "{gives_up} was given up");
            assert!(drain.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
        }
    }
}

/// G10: `Closed` is for good, whichever way the next event is asked for, although a publish that
/// raced with the close has yet to take back what it left in the ring.
#[test]
fn nothing_is_received_after_closed_in_any_way() {
    type Ask = fn(&mut Subscription<Token>) -> bool;
    let ways: [(&str, Ask); 7] = [
        ("try_recv", |it| it.try_recv().is_ok()),
        ("recv", |it| it.recv().is_ok()),
        ("recv_timeout", |it| it.recv_timeout(Duration::ZERO).is_ok()),
        ("try_recv_many", |it| it.try_recv_many(&mut Vec::new(), 2) > 0),
        ("recv_many", |it| it.recv_many(&mut Vec::new(), 2).is_ok()),
        ("try_iter", |it| it.try_iter().count() > 0),
        ("stream", |it| matches!(poll_next(it, Waker::noop()), Poll::Ready(Some(_)))),
    ];
    for (name, ask) in ways {
        let bus = common::new_bus(0);
        bus.start();
        let token = Token(Arc::new(()));
        let told = Arc::new(OnceLock::<Mutex<Subscription<Token>>>::new());
        // A filter before it closes the bus, so that it is told so; one behind it comes when the
        // event is in its ring.
        let _closer = bus.subscriber("closer").filter({
            let (bus, told) = (bus.downgrade(), Arc::clone(&told));
            move |_| {
                bus.upgrade().unwrap().close();
                assert_eq!(told.get().unwrap().lock().unwrap().try_recv().err(), Some(TryRecvError::Closed));
                false
            }
        });
        let _closer = _closer.subscribe();
        assert!(told.set(bus.subscriber("told").subscribe().into()).is_ok());
        let _asks = bus.subscriber("asks").filter({
            let told = Arc::clone(&told);
            move |_| {
                assert!(!ask(&mut told.get().unwrap().lock().unwrap()), "{name}");
                false
            }
        });
        let _asks = _asks.subscribe();
        assert_eq!(bus.publish(token.clone()).unwrap().delivered, 1);
        assert_eq!(stats_of(&bus, "told").discarded, 1, "{name}");
        assert_eq!(token.copies(), 0, "{name}");
    }
}

/// G9: whoever waits for a drain may drain the bus once more as it is woken, or give up, itself or
/// another.
#[test]
fn waker_of_a_drain_may_use_the_drains() {
    type Drain = std::pin::Pin<Box<dyn Future<Output = Drained> + Send>>;
    struct Drains {
        bus: EventBus<Number>,
        others: Mutex<Vec<Drain>>,
        wakes: AtomicUsize,
    }
    impl Wake for Drains {
        fn wake(self: Arc<Self>) {
            self.wakes.fetch_add(1, SeqCst);
            assert!(self.bus.close_and_drain(Duration::MAX).is_complete());
            let others = std::mem::take(&mut *self.others.lock().unwrap());
            drop(others);
        }
    }
    finishes(|| {
        let bus = live();
        let subscription = bus.subscribe(1);
        publish(&bus, 0..1);
        let waker = Arc::new(Drains { bus: bus.clone(), others: Mutex::default(), wakes: AtomicUsize::new(0) });
        let begin = || -> Drain {
            let bus = bus.clone();
            let mut drain: Drain = Box::pin(async move { bus.close_and_drain_async(pending::<()>()).await });
            let task = Waker::from(Arc::clone(&waker));
            assert!(drain.as_mut().poll(&mut Context::from_waker(&task)).is_pending());
            drain
        };
        let mut stays = begin();
        let others = (0..2).map(|_| begin()).collect();
        *waker.others.lock().unwrap() = others;
        assert_eq!(subscription.recv(), Ok(Number(0)));
        assert!(waker.wakes.load(SeqCst) > 0, "it was woken");
        assert!(stays.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    });
}

/// G9: a drain whose waker panics costs the receiver no event, and the other drains no wake-up.
#[test]
fn drain_whose_waker_panics_harms_nobody() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("not to be woken");
        }
    }
    type Take = fn(&mut Subscription<Number>) -> usize;
    let ways: [(&str, Take); 4] = [
        ("try_recv", |it| usize::from(it.try_recv().is_ok())),
        ("recv", |it| usize::from(it.recv().is_ok())),
        ("try_recv_many", |it| it.try_recv_many(&mut Vec::new(), 1)),
        ("stream", |it| usize::from(matches!(poll_next(it, Waker::noop()), Poll::Ready(Some(_))))),
    ];
    for (name, take) in ways {
        let bus = live();
        let mut subscription = bus.subscribe(1);
        publish(&bus, 0..1);
        let begin = |waker: &Waker| {
            let mut drain = Box::pin(bus.close_and_drain_async(pending::<()>()));
            assert!(drain.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
            drain
        };
        let fails = begin(&Waker::from(Arc::new(Panics)));
        let (counter, waker) = CountingWaker::new();
        let waits = begin(&waker);
        assert_eq!(take(&mut subscription), 1, "{name}");
        assert_eq!(counter.wakes(), 1, "{name}");
        drop((fails, waits));
    }
}

/// G9: a drain that is given up drops its waker, and a panic of that is the caller's.
#[test]
fn waker_of_a_drain_that_is_given_up_may_panic_as_it_is_dropped() {
    struct Fragile;
    impl Wake for Fragile {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Fragile {
        fn drop(&mut self) {
            panic!("not like this");
        }
    }
    let bus = live();
    let subscription = bus.subscribe(1);
    publish(&bus, 0..1);
    let mut drain = Box::pin(bus.close_and_drain_async(pending::<()>()));
    let fragile = Arc::new(Fragile);
    let weak = Arc::downgrade(&fragile);
    let waker = Waker::from(fragile);
    assert!(drain.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    assert_eq!(weak.strong_count(), 1, "the drain has it");
    assert_eq!(panic_of(|| drop(drain)), "not like this");
    assert_eq!(subscription.recv(), Ok(Number(0)));
}

/// G11: a bus that is closed without a start, and without a subscriber, drops what it kept, and
/// says how much that was.
#[test]
fn backlog_that_nobody_waits_for_goes_with_close() {
    let bus = common::new_bus(2);
    let token = Token(Arc::new(()));
    let early = bus.subscribe(1);
    drop(early);
    bus.publish_batch(&[token.clone(), token.clone()]).unwrap();
    assert_eq!((token.copies(), bus.stats().unclaimed), (2, 0));
    bus.close();
    assert_eq!((token.copies(), bus.stats().unclaimed, bus.stats().buffered), (0, 2, 2));
    assert!(bus.close_and_drain(Duration::MAX).is_complete());
}
