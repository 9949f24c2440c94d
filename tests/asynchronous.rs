//! Receiving in tasks: futures and `Stream`, on tokio and without it.

use crate::common::{
    self, CountingWaker, EVEN, Finish, Gate, LONG, Number, ODD, Random, finishes, live, numbers, poll_next, publish,
    spawn_sleeper, wait_until,
};
use futures_util::stream::FusedStream;
use futures_util::{StreamExt, select};
use ringbus::{EventBus, RecvError, RecvTimeoutError, Subscription, TryRecvError, WaitStrategy};
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

/// The simplest runtime there is.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

fn poll_once(subscription: &mut Subscription<Number>, waker: &Waker) -> Poll<Result<Number, RecvError>> {
    pin!(subscription.recv_async()).poll(&mut Context::from_waker(waker))
}

/// G7: without any runtime, a future and a stream sleep until there is an event, and get the
/// replay, live events and the end; whatever the subscription's strategy for blocking calls.
#[test]
fn future_and_stream_need_no_runtime() {
    for wait in [WaitStrategy::Park, WaitStrategy::Spin] {
        let bus = common::new_bus(2);
        let [mut future, stream] = ["future", "stream"].map(|name| bus.subscriber(name).wait(wait).subscribe());
        let awaiting = spawn_sleeper(move || {
            block_on(async {
                let mut received = Vec::new();
                while let Ok(number) = future.recv_async().await {
                    received.push(number);
                }
                received
            })
        });
        let streaming = spawn_sleeper(move || block_on(stream.collect::<Vec<_>>()));
        publish(&bus, 0..2);
        bus.start();
        for number in 2..10 {
            wait_until(|| awaiting.probe.is_asleep() && streaming.probe.is_asleep());
            publish(&bus, number..number + 1);
        }
        bus.close();
        assert_eq!(awaiting.join(), numbers(0..10));
        assert_eq!(streaming.join(), numbers(0..10));
    }
}

/// G7: on one thread, tasks that publish and tasks that receive take turns: none blocks the thread.
#[tokio::test]
async fn tasks_on_one_thread_hand_events_back_and_forth() {
    let bus = live();
    let [mut pings, mut pongs] =
        [EVEN, ODD].map(|parity| bus.subscriber("player").types([parity]).capacity(1).subscribe());
    let answering = tokio::spawn({
        let bus = bus.clone();
        async move {
            while let Ok(Number(ping)) = pings.recv_async().await {
                publish(&bus, ping + 1..ping + 2);
            }
        }
    });
    for round in 0..1_000 {
        publish(&bus, 2 * round..2 * round + 1);
        assert_eq!(pongs.recv_async().await, Ok(Number(2 * round + 1)));
    }
    bus.close();
    answering.await.unwrap();
}

/// G4, G5, G7: on several threads, tasks that wander between them miss neither wake-ups nor events,
/// while blocking threads publish.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_on_several_threads_receive_everything_in_order() {
    const EVENTS: u64 = 2_000;
    let bus = common::new_bus(EVENTS as usize);
    let reading: Vec<_> = (0..4)
        .map(|reader| {
            let mut subscription = bus.subscribe(EVENTS as usize);
            tokio::spawn(async move {
                for number in 0..EVENTS {
                    let received = if (number + reader) % 2 == 0 {
                        subscription.recv_async().await.ok()
                    } else {
                        subscription.next().await
                    };
                    assert_eq!(received, Some(Number(number)));
                }
                assert_eq!(subscription.next().await, None);
            })
        })
        .collect();
    let publishing = thread::spawn({
        let mut publisher = bus.publisher();
        move || {
            for number in 0..EVENTS {
                publisher.publish(Number(number)).unwrap();
                if number % 16 == 0 {
                    thread::yield_now();
                }
            }
        }
    });
    bus.start();
    tokio::task::spawn_blocking(|| publishing.finish()).await.unwrap();
    bus.close();
    for reader in reading {
        reader.await.unwrap();
    }
}

/// API, section 2: a future that is dropped has taken no event, also where it was woken for one
/// already.
#[test]
fn dropped_future_has_taken_no_event() {
    let bus = live();
    let mut subscription = bus.subscribe(2);
    let (counter, waker) = CountingWaker::new();
    drop(subscription.recv_async());
    {
        let mut future = pin!(subscription.recv_async());
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        publish(&bus, 0..2);
        assert_eq!(counter.wakes(), 1);
    }
    assert_eq!(poll_once(&mut subscription, &waker), Poll::Ready(Ok(Number(0))));
    assert_eq!(subscription.try_recv(), Ok(Number(1)));
}

/// API, section 2: a batch waits for one event, and takes what there is, at most `max`, the replay
/// before the ring; with a `max` of 0 it waits for nothing. A future that is dropped has taken
/// nothing.
#[test]
fn recv_many_async_waits_for_one_event_and_takes_what_there_is() {
    fn poll(subscription: &mut Subscription<Number>, into: &mut Vec<Number>, max: usize, waker: &Waker) -> Polled {
        pin!(subscription.recv_many_async(into, max)).poll(&mut Context::from_waker(waker))
    }
    type Polled = Poll<Result<usize, RecvError>>;
    let bus = common::new_bus(3);
    let mut subscription = bus.subscribe(8);
    let (counter, waker) = CountingWaker::new();
    let mut into = vec![Number(100)];
    assert_eq!(poll(&mut subscription, &mut into, 0, &waker), Poll::Ready(Ok(0)));
    publish(&bus, 0..3);
    {
        let mut future = pin!(subscription.recv_many_async(&mut into, 2));
        assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        bus.start();
        assert_eq!(counter.wakes(), 1);
    }
    assert_eq!(into, [Number(100)]);
    publish(&bus, 3..5);
    assert_eq!(poll(&mut subscription, &mut into, 2, &waker), Poll::Ready(Ok(2)));
    assert_eq!(poll(&mut subscription, &mut into, usize::MAX, &waker), Poll::Ready(Ok(3)));
    assert_eq!(into.remove(0), Number(100));
    assert_eq!(into, numbers(0..5));
    assert!(poll(&mut subscription, &mut into, 1, &waker).is_pending());
    bus.close();
    assert_eq!(poll(&mut subscription, &mut into, 0, &waker), Poll::Ready(Ok(0)));
    assert_eq!(poll(&mut subscription, &mut into, 1, &waker), Poll::Ready(Err(RecvError)));
    assert_eq!(into, numbers(0..5));
}

/// G12: what waits and is given up keeps no waker, and so no task: a future of one event or of many
/// that is dropped, with the wakers of one poll or of several; one that was ready; a stream whose
/// event or end has come, or whose subscription a thread has waited on since; a drain.
#[test]
fn wait_that_is_over_keeps_no_waker() {
    type Act = fn(EventBus<Number>, Subscription<Number>, [Waker; 2]) -> (EventBus<Number>, Subscription<Number>);
    let acts: [(&str, Act); 9] = [
        ("a future is dropped", |bus, mut subscription, [waker, _]| {
            assert!(poll_once(&mut subscription, &waker).is_pending());
            (bus, subscription)
        }),
        ("a future is dropped after polls of two tasks", |bus, mut subscription, wakers| {
            let mut future = Box::pin(subscription.recv_async());
            for waker in &wakers {
                assert!(future.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
            }
            drop(future);
            (bus, subscription)
        }),
        ("a future of many is dropped", |bus, mut subscription, [waker, _]| {
            let polled = pin!(subscription.recv_many_async(&mut Vec::new(), 2)).poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending());
            (bus, subscription)
        }),
        ("a future is ready", |bus, mut subscription, wakers| {
            let mut future = subscription.recv_async();
            assert!(Pin::new(&mut future).poll(&mut Context::from_waker(&wakers[0])).is_pending());
            publish(&bus, 0..1);
            let polled = Pin::new(&mut future).poll(&mut Context::from_waker(&wakers[1]));
            assert_eq!(polled, Poll::Ready(Ok(Number(0))));
            // Nor does one that goes on living.
            std::mem::forget(future);
            (bus, subscription)
        }),
        ("a stream has its event", |bus, mut subscription, [waker, _]| {
            assert!(poll_next(&mut subscription, &waker).is_pending());
            publish(&bus, 0..1);
            (bus, subscription)
        }),
        ("a stream has ended", |bus, mut subscription, [waker, _]| {
            assert!(poll_next(&mut subscription, &waker).is_pending());
            bus.close();
            (bus, subscription)
        }),
        ("a thread has waited since", |bus, mut subscription, [waker, _]| {
            assert!(poll_next(&mut subscription, &waker).is_pending());
            assert_eq!(subscription.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::TimedOut));
            (bus, subscription)
        }),
        ("a drain is dropped", |bus, subscription, wakers| {
            publish(&bus, 0..1);
            let mut drain = Box::pin(bus.close_and_drain_async(pending::<()>()));
            for waker in &wakers {
                assert!(drain.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
            }
            drop(drain);
            (bus, subscription)
        }),
        ("a drain is complete", |bus, subscription, wakers| {
            publish(&bus, 0..1);
            let mut drain = Box::pin(bus.close_and_drain_async(pending::<()>()));
            assert!(drain.as_mut().poll(&mut Context::from_waker(&wakers[0])).is_pending());
            assert_eq!(subscription.try_recv(), Ok(Number(0)));
            assert!(drain.as_mut().poll(&mut Context::from_waker(&wakers[1])).is_ready());
            drop(drain);
            (bus, subscription)
        }),
    ];
    for (name, act) in acts {
        let bus = live();
        let subscription = bus.subscribe(1);
        let [(one, first), (other, second)] = [(), ()].map(|()| CountingWaker::new());
        let kept = act(bus, subscription, [first, second]);
        assert_eq!([one, other].map(|counter| Arc::strong_count(&counter)), [1, 1], "{name}");
        drop(kept);
    }
}

/// API, section 2: a subscription is terminated, for `select!` and its like, once it was told
/// `Closed`, in whichever way, and not while there is an event to receive or an end to be told of.
#[test]
fn subscription_is_terminated_once_it_was_told_that_it_is_closed() {
    type Receive = fn(&mut Subscription<Number>) -> Option<Number>;
    let ways: [Receive; 7] = [
        |subscription| subscription.try_recv().ok(),
        |subscription| subscription.recv().ok(),
        |subscription| {
            let mut into = Vec::new();
            subscription.recv_many(&mut into, 2).ok().and(into.pop())
        },
        |subscription| subscription.iter().next(),
        |subscription| block_on(subscription.recv_async()).ok(),
        |subscription| {
            let mut into = Vec::new();
            block_on(subscription.recv_many_async(&mut into, 2)).ok().and(into.pop())
        },
        |subscription| block_on(subscription.next()),
    ];
    for receive in ways {
        let bus = live();
        let mut subscription = bus.subscribe(1);
        publish(&bus, 0..1);
        assert!(!subscription.is_terminated());
        bus.close();
        assert!(!subscription.is_terminated(), "there is an event");
        assert_eq!(receive(&mut subscription), Some(Number(0)));
        assert!(!subscription.is_terminated(), "nobody was told of the end");
        assert_eq!(receive(&mut subscription), None);
        assert!(subscription.is_terminated());
    }
}

/// API, section 2: `select!` of futures takes subscriptions as they are, skips one that is closed,
/// and completes with the last.
#[test]
fn select_takes_subscriptions_until_all_are_closed() {
    let selected = finishes(|| {
        let bus = live();
        let mut evens = bus.subscriber("evens").types([EVEN]).subscribe();
        let mut odds = bus.subscriber("odds").types([ODD]).subscribe();
        let stop = evens.stop_handle();
        let mut selected = Vec::new();
        publish(&bus, 0..4);
        stop.stop();
        block_on(async {
            loop {
                select! {
                    number = evens.select_next_some() => selected.push(number),
                    number = odds.select_next_some() => {
                        selected.push(number);
                        if number == Number(3) {
                            publish(&bus, 4..6);
                            bus.close();
                        }
                    },
                    complete => break,
                }
            }
        });
        selected.sort();
        selected
    });
    assert_eq!(selected, [0, 1, 2, 3, 5].map(Number));
}

/// API, section 2: however often `select!` and time-outs cancel a receiver, it gets every event
/// once, in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_receivers_lose_nothing() {
    const EVENTS: u64 = 2_000;
    let bus = common::new_bus(EVENTS as usize);
    let mut subscription = bus.subscribe(EVENTS as usize);
    let publishing = thread::spawn({
        let bus = bus.clone();
        move || {
            for number in 0..EVENTS {
                if number == EVENTS / 4 {
                    bus.start();
                }
                publish(&bus, number..number + 1);
                if number % 8 == 0 {
                    thread::yield_now();
                }
            }
            bus.close();
        }
    });
    let (mut received, mut cancelled) = (Vec::new(), 0_u64);
    let mut round = 0_u64;
    loop {
        round += 1;
        let result = if round % 3 == 0 {
            tokio::time::timeout(Duration::ZERO, subscription.recv_async()).await.ok()
        } else {
            tokio::select! {
                result = subscription.recv_async() => Some(result),
                () = tokio::task::yield_now() => None,
            }
        };
        match result {
            Some(Ok(number)) => received.push(number),
            Some(Err(RecvError)) => break,
            None => cancelled += 1,
        }
    }
    publishing.finish();
    assert_eq!(received, numbers(0..EVENTS));
    assert!(cancelled > 0, "nothing was cancelled, so nothing was tested");
}

/// G7: an idle task is not polled: once when it begins to wait, and once for the event that it
/// waits for.
#[tokio::test]
async fn idle_task_is_not_polled() {
    let bus = live();
    let mut subscription = bus.subscriber("idle").filter(|number: &Number| number.0 >= 1_000).subscribe();
    let polls = Arc::new(AtomicUsize::new(0));
    let idle = tokio::spawn({
        let polls = Arc::clone(&polls);
        async move {
            let mut future = pin!(subscription.recv_async());
            poll_fn(|context| {
                polls.fetch_add(1, SeqCst);
                future.as_mut().poll(context)
            })
            .await
        }
    });
    while polls.load(SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    for round in 0..100 {
        publish(&bus, round..round + 1);
        tokio::task::yield_now().await;
    }
    assert_eq!(polls.load(SeqCst), 1);
    publish(&bus, 1_000..1_001);
    assert_eq!(idle.await.unwrap(), Ok(Number(1_000)));
    assert_eq!(polls.load(SeqCst), 2);
}

/// Polls a future for one task, then for another; both must wait. Then does what ends the wait.
fn poll_for_both(future: impl Future, tasks: &[Waker; 2], end: impl FnOnce()) {
    let mut future = pin!(future);
    for task in tasks {
        assert!(future.as_mut().poll(&mut Context::from_waker(task)).is_pending());
    }
    end();
}

/// G7: the task that polled last is the one that is woken, whatever it waits for.
#[test]
fn last_waker_is_the_one_that_counts() {
    type Act = fn(&EventBus<Number>, Subscription<Number>, &[Waker; 2]);
    let acts: [(&str, Act); 5] = [
        ("an event", |bus, mut subscription, tasks| {
            poll_for_both(subscription.recv_async(), tasks, || publish(bus, 0..1));
        }),
        ("many events", |bus, mut subscription, tasks| {
            poll_for_both(subscription.recv_many_async(&mut Vec::new(), 2), tasks, || publish(bus, 0..1));
        }),
        ("the next of a stream", |bus, mut subscription, tasks| {
            poll_for_both(subscription.next(), tasks, || publish(bus, 0..1));
        }),
        ("the end", |bus, mut subscription, tasks| {
            poll_for_both(subscription.recv_async(), tasks, || bus.close());
        }),
        ("a drain", |bus, subscription, tasks| {
            publish(bus, 0..1);
            poll_for_both(bus.close_and_drain_async(pending::<()>()), tasks, || {
                assert_eq!(subscription.try_recv(), Ok(Number(0)));
            });
        }),
    ];
    for (name, act) in acts {
        let bus = live();
        let subscription = bus.subscribe(2);
        let [(first, first_waker), (last, last_waker)] = [(), ()].map(|()| CountingWaker::new());
        act(&bus, subscription, &[first_waker, last_waker]);
        assert_eq!((first.wakes(), last.wakes()), (0, 1), "{name}");
    }
}

/// API, section 2: an event that is there is given by the first poll, which asks for no wake-up.
#[test]
fn available_event_is_ready_at_once() {
    let bus = live();
    let mut subscription = bus.subscribe(4);
    let (counter, waker) = CountingWaker::new();
    publish(&bus, 0..2);
    assert_eq!(poll_once(&mut subscription, &waker), Poll::Ready(Ok(Number(0))));
    let stream = Pin::new(&mut subscription).poll_next_unpin(&mut Context::from_waker(&waker));
    assert_eq!(stream, Poll::Ready(Some(Number(1))));
    publish(&bus, 2..3);
    assert_eq!(counter.wakes(), 0);
}

/// G7: blocking and async calls may alternate on one subscription: whoever waits is woken, be it a
/// thread or a task.
#[test]
fn blocking_and_async_calls_may_alternate() {
    let bus = live();
    let mut subscription = bus.subscribe(4);
    for round in 0..10 {
        let first = 3 * round;
        let sleeper = spawn_sleeper(move || {
            let blocking = subscription.recv_timeout(LONG);
            (blocking, block_on(subscription.next()), block_on(subscription.recv_async()), subscription)
        });
        for number in first..first + 3 {
            wait_until(|| sleeper.probe.is_asleep());
            publish(&bus, number..number + 1);
        }
        let (blocking, streamed, awaited, back) = sleeper.join();
        assert_eq!((blocking, streamed, awaited), (Ok(Number(first)), Some(Number(first + 1)), Ok(Number(first + 2))));
        subscription = back;
    }
}

/// G7: a blocking call that need not wait leaves the waker of the task that does where it is.
#[test]
fn blocking_call_that_finds_events_leaves_the_waker_of_a_stream() {
    type Take = fn(&Subscription<Number>) -> bool;
    let ways: [(&str, Take); 3] = [
        ("recv", |it| it.recv().is_ok()),
        ("recv_timeout", |it| it.recv_timeout(LONG).is_ok()),
        ("recv_many", |it| it.recv_many(&mut Vec::new(), 1) == Ok(1)),
    ];
    for (name, take) in ways {
        let bus = live();
        let polled = Arc::new(Mutex::new(bus.subscribe(1)));
        let (counter, waker) = CountingWaker::new();
        assert!(poll_next(&mut polled.lock().unwrap(), &waker).is_pending());
        // Its turn comes once the event is in the ring, and nobody is woken yet.
        let taken = Arc::clone(&polled);
        let _taker = bus.subscriber("taker").types([EVEN]).filter(move |_| !take(&taken.lock().unwrap())).subscribe();
        publish(&bus, 0..1);
        assert_eq!(counter.wakes(), 0, "{name} has taken the event");
        publish(&bus, 1..2);
        assert_eq!(counter.wakes(), 1, "{name}");
    }
}

/// G10: a stopped subscription ends its stream, once it has given what it has, and every later poll
/// says so again.
#[test]
fn stream_ends_for_good() {
    let bus = live();
    let mut subscription = bus.subscribe(4);
    let stop = subscription.stop_handle();
    publish(&bus, 0..2);
    stop.stop();
    assert_eq!(block_on(subscription.by_ref().collect::<Vec<_>>()), numbers(0..2));
    for _ in 0..2 {
        publish(&bus, 2..3);
        assert_eq!(block_on(subscription.next()), None);
        assert_eq!(block_on(subscription.recv_async()), Err(RecvError));
        assert_eq!(subscription.try_recv(), Err(TryRecvError::Closed));
    }
}

/// G7: an event, a start or a close that comes at the very moment at which a task begins to wait is
/// seen by its poll, or wakes it.
#[test]
fn change_that_comes_as_a_task_begins_to_wait_is_not_missed() {
    const ROUNDS: u64 = 3_000;
    let buses: Arc<Vec<_>> = Arc::new((0..ROUNDS).map(|_| common::new_bus(1)).collect());
    let gates: Arc<Vec<_>> = Arc::new((0..2 * ROUNDS).map(|_| Gate::new(2)).collect());
    let changing = thread::spawn({
        let (buses, gates) = (Arc::clone(&buses), Arc::clone(&gates));
        move || {
            let mut random = Random::new(8);
            for (round, bus) in buses.iter().enumerate() {
                gates[2 * round].pass();
                for _ in 0..random.below(30) {
                    std::hint::spin_loop();
                }
                match round % 3 {
                    0 => publish(bus, 1..2),
                    1 => assert_eq!(bus.start(), 1),
                    _ => bus.close(),
                }
                gates[2 * round + 1].pass();
            }
        }
    });
    let mut random = Random::new(9);
    for (round, bus) in buses.iter().enumerate() {
        let mut subscription = bus.subscribe(1);
        match round % 3 {
            0 => _ = bus.start(),
            1 => publish(bus, 1..2),
            _ => {}
        }
        let (counter, waker) = CountingWaker::new();
        gates[2 * round].pass();
        // A change takes effect later than a poll looks.
        for _ in 0..random.below(150) {
            std::hint::spin_loop();
        }
        let mut future = Box::pin(subscription.recv_async());
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        gates[2 * round + 1].pass();
        drop(future);
        assert!(polled.is_ready() || counter.wakes() == 1, "round {round}");
        let expected = if round % 3 == 2 { Err(RecvError) } else { Ok(Number(1)) };
        let received = if let Poll::Ready(received) = polled { received } else { subscription.recv() };
        assert_eq!(received, expected, "round {round}");
    }
    changing.finish();
}
