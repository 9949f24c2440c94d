//! Receiving and waiting on a thread: blocking calls, iterators, batches, stop handles.

use crate::common::{
    self, CountingWaker, EVEN, Finish, LONG, Number, ODD, Talk, Token, answer, live, numbers, poll_next, publish,
    spawn_sleeper, stats_of, talkative_bus, wait_until,
};
use ringbus::{
    EventBus, GatherError, Overflow, RecvError, RecvTimeoutError, RequestId, RequestOptions, RequestResult,
    Subscription, TryRecvError, WaitStrategy,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

type Wait = fn(&mut Subscription<Number>) -> Option<Number>;

/// Every way to wait for an event on a thread.
const WAYS: [Wait; 8] = [
    |subscription| subscription.recv().ok(),
    |subscription| subscription.recv_timeout(LONG).ok(),
    |subscription| subscription.recv_timeout(Duration::MAX).ok(),
    |subscription| subscription.recv_deadline(Instant::now() + LONG).ok(),
    |subscription| {
        let mut into = Vec::new();
        subscription.recv_many(&mut into, 1).ok().and(into.pop())
    },
    |subscription| subscription.iter().next(),
    |subscription| (&*subscription).into_iter().next(),
    |subscription| subscription.into_iter().next(),
];

const STRATEGIES: [WaitStrategy; 3] = [WaitStrategy::Park, WaitStrategy::Yield, WaitStrategy::Spin];

/// G7: where some subscribe to everything and some to a type, an event wakes both kinds, alone or
/// in a batch.
#[test]
fn subscribers_of_both_kinds_wake_for_an_event() {
    for as_batch in [false, true] {
        let bus = live();
        let everything = bus.subscribe(1);
        let evens = bus.subscriber("evens").types([EVEN]).capacity(1).subscribe();
        let receivers = [everything, evens].map(|subscription| spawn_sleeper(move || subscription.recv()));
        if as_batch {
            bus.publish_batch(&[Number(2)]).unwrap();
        } else {
            bus.publish(Number(2)).unwrap();
        }
        for receiver in receivers {
            assert_eq!(receiver.join(), Ok(Number(2)));
        }
    }
}

/// G7: a parked receiver wakes for an event, in whichever way it waits, a time-out without end
/// included.
#[test]
fn parked_receiver_wakes_for_an_event() {
    let bus = live();
    let sleepers = WAYS.map(|wait| {
        let mut subscription = bus.subscribe(1);
        spawn_sleeper(move || wait(&mut subscription))
    });
    assert_eq!(bus.publish(Number(1)).unwrap().delivered, WAYS.len());
    for sleeper in sleepers {
        assert_eq!(sleeper.join(), Some(Number(1)));
    }
}

/// G7: no wake-up is lost, however often two threads hand an event back and forth, each waiting for
/// the other.
#[test]
fn thousands_of_hand_overs_lose_no_wake_up() {
    for (wait, rounds) in STRATEGIES.into_iter().zip([5_000, 1_000, 100]) {
        let bus = live();
        let [pings, pongs] =
            [EVEN, ODD].map(|parity| bus.subscriber("player").types([parity]).wait(wait).capacity(1).subscribe());
        let answering = thread::spawn({
            let bus = bus.clone();
            move || {
                for round in 0..rounds {
                    assert_eq!(pings.recv_timeout(LONG), Ok(Number(2 * round)), "{wait:?}");
                    publish(&bus, 2 * round + 1..2 * round + 2);
                }
            }
        });
        let mut publisher = bus.publisher();
        for round in 0..rounds {
            publisher.publish(Number(2 * round)).unwrap();
            assert_eq!(pongs.recv_timeout(LONG), Ok(Number(2 * round + 1)), "{wait:?}");
        }
        answering.finish();
    }
}

/// API, section 2: a time-out ends a wait, never before its time, whatever the strategy, and costs
/// no event.
#[test]
fn time_out_ends_a_wait_but_not_early() {
    for wait in STRATEGIES {
        let bus = live();
        let subscription = bus.subscriber("patient").wait(wait).subscribe();
        let timeout = Duration::from_millis(20);
        let begin = Instant::now();
        assert_eq!(subscription.recv_timeout(timeout), Err(RecvTimeoutError::TimedOut));
        assert!(Instant::now() >= begin + timeout, "{wait:?}");
        let deadline = Instant::now() + timeout;
        assert_eq!(subscription.recv_deadline(deadline), Err(RecvTimeoutError::TimedOut));
        assert!(Instant::now() >= deadline, "{wait:?}");
        publish(&bus, 0..1);
        assert_eq!(subscription.recv_timeout(LONG), Ok(Number(0)));
    }
}

/// API, section 2: with no time left, a receiver still looks: it gets what is there, or learns that
/// it is closed, and else times out.
#[test]
fn wait_without_time_looks_once() {
    for wait in STRATEGIES {
        let bus = live();
        let past = Instant::now();
        let subscription = bus.subscriber("hasty").wait(wait).subscribe();
        let look: [&dyn Fn(&Subscription<Number>) -> _; 2] =
            [&|it| it.recv_timeout(Duration::ZERO), &|it| it.recv_deadline(past)];
        for look in look {
            assert_eq!(look(&subscription), Err(RecvTimeoutError::TimedOut), "{wait:?}");
            publish(&bus, 7..8);
            assert_eq!(look(&subscription), Ok(Number(7)), "{wait:?}");
        }
        bus.close();
        for look in look {
            assert_eq!(look(&subscription), Err(RecvTimeoutError::Closed), "{wait:?}");
        }
        assert_eq!((subscription.recv(), subscription.iter().next()), (Err(RecvError), None));
    }
}

/// G12, G13: a wait without time announces nothing and takes no waker with it, and one that has
/// come to its end has left none: neither does an event wake anybody then.
#[test]
fn wait_that_is_over_wakes_nobody() {
    type Look = fn(&Subscription<Number>) -> Result<Number, RecvTimeoutError>;
    let looks: [(&str, Look); 3] = [
        ("no time", |it| it.recv_timeout(Duration::ZERO)),
        ("a deadline that is over", |it| it.recv_deadline(Instant::now())),
        ("a moment", |it| it.recv_timeout(Duration::from_micros(200))),
    ];
    for wait in STRATEGIES {
        for (name, look) in looks {
            let bus = live();
            let mut subscription = bus.subscriber("hasty").wait(wait).subscribe();
            let (counter, waker) = CountingWaker::new();
            assert!(poll_next(&mut subscription, &waker).is_pending());
            drop(waker);
            assert_eq!(look(&subscription), Err(RecvTimeoutError::TimedOut));
            assert_eq!(Arc::strong_count(&counter), 1, "{wait:?}, {name}");
            publish(&bus, 0..1);
            assert_eq!((counter.wakes(), look(&subscription)), (0, Ok(Number(0))), "{wait:?}, {name}");
        }
    }
}

/// G13: a wait without time does not sleep, whatever the strategy.
#[cfg(target_os = "linux")]
#[test]
fn wait_without_time_does_not_sleep() {
    const LOOKS: u64 = 1_000;
    for wait in STRATEGIES {
        let bus = live();
        let subscription = bus.subscriber("hasty").wait(wait).subscribe();
        let slept = common::finishes(move || {
            let probe = common::ThreadProbe::current();
            let before = probe.sleeps();
            for _ in 0..LOOKS {
                assert_eq!(subscription.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::TimedOut));
                assert_eq!(subscription.recv_deadline(Instant::now()), Err(RecvTimeoutError::TimedOut));
            }
            probe.sleeps() - before
        });
        // Not 0, because the kernel may have its own reasons.
        assert!(slept < 5, "{wait:?}: it went to sleep {slept} times");
    }
}

/// G7: a receiver that waits by `Yield` or `Spin` finds what is published meanwhile, and the close.
#[test]
fn receivers_that_never_park_see_events_and_close() {
    for wait in [WaitStrategy::Yield, WaitStrategy::Spin] {
        let bus = common::new_bus(10);
        let subscription = bus.subscriber("busy").wait(wait).capacity(100).subscribe();
        let seen = Arc::new(AtomicU64::new(0));
        let reading = thread::spawn({
            let seen = Arc::clone(&seen);
            move || subscription.into_iter().inspect(|_| _ = seen.fetch_add(1, SeqCst)).collect::<Vec<_>>()
        });
        publish(&bus, 0..10);
        bus.start();
        for number in 10..50 {
            wait_until(|| seen.load(SeqCst) == number);
            publish(&bus, number..number + 1);
        }
        bus.close();
        assert_eq!(reading.finish(), numbers(0..50), "{wait:?}");
    }
}

/// G7: a receiver that yields goes to sleep when its time is nearly over, and wakes for an event
/// there as well: it does not sleep on to the end.
#[test]
fn yielding_receiver_that_sleeps_in_the_end_wakes_for_an_event() {
    const TIME: Duration = Duration::from_millis(90);
    let rounds = 2 * LONG.as_millis() as u64 / TIME.as_millis() as u64;
    let bus = live();
    let subscription = bus.subscriber("yielding").wait(WaitStrategy::Yield).subscribe();
    let seen = Arc::new(AtomicU64::new(0));
    let receiving = spawn_sleeper({
        let seen = Arc::clone(&seen);
        move || {
            while seen.load(SeqCst) < rounds {
                if subscription.recv_timeout(TIME).is_ok() {
                    seen.fetch_add(1, SeqCst);
                }
            }
        }
    });
    common::finishes(move || {
        for round in 0..rounds {
            wait_until(|| seen.load(SeqCst) == round && receiving.probe.is_asleep());
            publish(&bus, round..round + 1);
        }
        receiving.join();
    });
}

/// G13 and API, section 2: with less than 100 ms left, a receiver that yields parks, and one that
/// spins goes on.
#[cfg(target_os = "linux")]
#[test]
fn receiver_that_yields_sleeps_if_its_time_is_nearly_over_and_one_that_spins_does_not() {
    const CALLS: u64 = 20;
    for wait in [WaitStrategy::Yield, WaitStrategy::Spin] {
        let bus = live();
        let subscription = bus.subscriber("hasty").wait(wait).subscribe();
        let slept = common::finishes(move || {
            let probe = common::ThreadProbe::current();
            let before = probe.sleeps();
            for _ in 0..CALLS {
                assert_eq!(subscription.recv_timeout(Duration::from_millis(10)), Err(RecvTimeoutError::TimedOut));
            }
            probe.sleeps() - before
        });
        // Not once for each call, because on a busy machine its time may be over before it parks;
        // and not 0, because the kernel may have its own reasons.
        let is_told_to_spin = wait == WaitStrategy::Spin;
        assert!(if is_told_to_spin { slept < 5 } else { slept >= 5 }, "{wait:?}: it went to sleep {slept} times");
    }
}

/// G7: while it is parked, a receiver does not run: neither on an interval of its own nor for
/// events that others get or its filter refuses.
#[cfg(target_os = "linux")]
#[test]
fn parked_receiver_sleeps_through_what_is_not_for_it() {
    let bus = live();
    let witness = bus.subscriber("witness").types([EVEN]).subscribe();
    let sleepers = [|it: &Subscription<Number>| it.recv().ok(), |it: &Subscription<Number>| it.recv_timeout(LONG).ok()]
        .map(|wait| {
            let idle = bus.subscriber("idle").types([ODD]).filter(|number| number.0 > 1_000).subscribe();
            spawn_sleeper(move || wait(&idle))
        });
    let sleeps = || sleepers.each_ref().map(|sleeper| sleeper.probe.sleeps());
    let before = sleeps();
    for _ in 0..50 {
        publish(&bus, 0..20);
        while witness.recv_timeout(Duration::from_millis(4)).is_ok() {}
    }
    for (before, after) in before.into_iter().zip(sleeps()) {
        // Not 0, because the kernel may have its own reasons to put a thread to sleep.
        assert!(after - before < 5, "woken {} times for nothing", after - before);
    }
    publish(&bus, 1_001..1_002);
    for sleeper in sleepers {
        assert_eq!(sleeper.join(), Some(Number(1_001)));
    }
}

/// G7: a receiver that a start wakes for nothing goes on waiting, in each of the ways to wait, and
/// wakes again for an event and for the end.
#[cfg(target_os = "linux")]
#[test]
fn receiver_that_was_woken_for_nothing_wakes_again() {
    type Act = fn(&EventBus<Number>);
    let ends: [(Act, Option<Number>); 2] = [(|bus| publish(bus, 2..3), Some(Number(2))), (EventBus::close, None)];
    for (buffered, (end, received)) in [0, 1].into_iter().flat_map(|buffered| ends.map(|end| (buffered, end))) {
        let bus = common::new_bus(1);
        let sleepers = WAYS.map(|wait| {
            let mut idle = bus.subscriber("idle").types([EVEN]).subscribe();
            spawn_sleeper(move || wait(&mut idle))
        });
        let before = sleepers.each_ref().map(|sleeper| sleeper.probe.sleeps());
        // One that nobody wants.
        publish(&bus, 1..1 + buffered);
        bus.start();
        for (sleeper, before) in sleepers.iter().zip(before) {
            wait_until(|| sleeper.probe.sleeps() > before && sleeper.probe.is_asleep());
        }
        end(&bus);
        for sleeper in sleepers {
            assert_eq!(sleeper.join(), received, "{buffered} buffered");
        }
    }
}

/// G7: events that are filtered out, of another type, or buffered before the start wake nobody; one
/// that is wanted wakes once, and the next ones do not until the receiver waits again.
#[test]
fn only_a_wanted_event_wakes_and_only_once() {
    let bus = common::new_bus(4);
    let mut subscription = bus.subscriber("idle").types([ODD]).filter(|number: &Number| number.0 > 10).subscribe();
    let (counter, waker) = CountingWaker::new();
    let mut publisher = bus.publisher();

    assert!(poll_next(&mut subscription, &waker).is_pending());
    publish(&bus, 11..12);
    publisher.publish(Number(13)).unwrap();
    assert_eq!(counter.wakes(), 0, "buffered");
    bus.start();
    assert_eq!(counter.wakes(), 1, "the replay");
    assert_eq!([subscription.try_recv(), subscription.try_recv()], [Ok(Number(11)), Ok(Number(13))]);

    assert!(poll_next(&mut subscription, &waker).is_pending());
    publish(&bus, 0..10);
    publisher.publish(Number(12)).unwrap();
    publisher.publish(Number(5)).unwrap();
    assert_eq!(counter.wakes(), 1, "not wanted");
    publish(&bus, 15..18);
    publisher.publish(Number(19)).unwrap();
    assert_eq!(counter.wakes(), 2, "awake already");
    assert_eq!(subscription.try_iter().collect::<Vec<_>>(), [15, 17, 19].map(Number));
}

/// API, section 2: `try_iter` ends where there is nothing now, and can go on later; `iter` and
/// `into_iter` end with `Closed`; none takes an event that it does not give.
#[test]
fn iterators_give_every_event_once() {
    let bus = common::new_bus(2);
    let mut subscription = bus.subscribe(16);
    publish(&bus, 0..2);
    bus.start();
    publish(&bus, 2..8);
    assert_eq!(subscription.try_iter().take(3).collect::<Vec<_>>(), numbers(0..3));
    assert_eq!(subscription.iter().take(2).collect::<Vec<_>>(), numbers(3..5));
    assert_eq!(subscription.try_iter().collect::<Vec<_>>(), numbers(5..8));
    assert_eq!(subscription.try_iter().next(), None);
    publish(&bus, 8..12);
    assert_eq!(subscription.try_iter().next(), Some(Number(8)));
    for number in &subscription {
        assert!(!subscription.is_closed(), "it can be used meanwhile");
        if number == Number(9) {
            break;
        }
    }
    assert_eq!(subscription.try_recv(), Ok(Number(10)), "and afterwards");
    let mut both = subscription.iter().zip(subscription.try_iter());
    publish(&bus, 12..14);
    assert_eq!(both.next(), Some((Number(11), Number(12))));
    for number in &mut subscription {
        if number == Number(13) {
            break;
        }
    }
    publish(&bus, 14..16);
    bus.close();
    let mut rest = subscription.into_iter();
    assert_eq!(rest.by_ref().collect::<Vec<_>>(), numbers(14..16));
    assert_eq!(rest.next(), None);
}

/// API, section 2: an iterator that owns the subscription unsubscribes when it is dropped.
#[test]
fn owning_iterator_unsubscribes_when_dropped() {
    let bus = live();
    let mut events = bus.subscribe(2).into_iter();
    publish(&bus, 0..1);
    assert_eq!(events.next(), Some(Number(0)));
    assert_eq!(bus.subscriber_count(), 1);
    drop(events);
    assert_eq!(bus.subscriber_count(), 0);
}

/// G4: `try_recv_many` takes at most `max`, in order, the replay before the ring, and of both in
/// one call; it appends, never waits, and counts as received what it took.
#[test]
fn try_recv_many_takes_the_replay_and_then_the_ring() {
    let bus = common::new_bus(5);
    let subscription = bus.subscriber("reader").types([EVEN, ODD]).subscribe();
    let mut into = vec![Number(100)];
    publish(&bus, 0..5);
    assert_eq!(subscription.try_recv_many(&mut into, 10), 0, "not started");
    bus.start();
    publish(&bus, 5..20);
    assert_eq!(subscription.try_recv_many(&mut into, 0), 0);
    assert_eq!(subscription.try_recv_many(&mut into, 3), 3);
    assert_eq!(subscription.try_recv_many(&mut into, 7), 7);
    assert_eq!(stats_of(&bus, "reader").received, 10);
    assert_eq!(subscription.len(), 10);
    assert_eq!(subscription.try_recv_many(&mut into, usize::MAX), 10);
    assert_eq!(subscription.try_recv_many(&mut into, usize::MAX), 0);
    assert_eq!(into.remove(0), Number(100));
    assert_eq!(into, numbers(0..20));
    assert_eq!(stats_of(&bus, "reader").received, 20);
}

/// G10: `try_recv_many` takes what is left after the close, and then gives 0, for good.
#[test]
fn try_recv_many_drains_a_closed_subscription() {
    let bus = common::new_bus(2);
    let subscription = bus.subscribe(4);
    publish(&bus, 0..2);
    bus.start();
    publish(&bus, 2..6);
    bus.close();
    let mut into = Vec::new();
    assert_eq!(subscription.try_recv_many(&mut into, 4), 4);
    assert_eq!(subscription.try_recv_many(&mut into, 4), 2);
    assert_eq!(subscription.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(subscription.try_recv_many(&mut into, 4), 0);
    assert_eq!(into, numbers(0..6));
}

/// API, section 2: a batch takes no more events than there were when it began: neither what a
/// filter publishes while it looks at the replay, nor what others publish all the time.
#[test]
fn try_recv_many_comes_to_an_end() {
    let bus = common::new_bus(3);
    let weak = bus.downgrade();
    let echo = move |&Number(number): &Number| {
        if number < 100 {
            publish(&weak.upgrade().expect("the test holds it"), number + 100..number + 101);
        }
        true
    };
    let subscription = bus.subscriber("echo").filter(echo).subscribe();
    publish(&bus, 0..3);
    bus.start();
    let mut into = Vec::new();
    assert_eq!(subscription.try_recv_many(&mut into, usize::MAX), 3);
    assert_eq!(into, numbers(0..3));
    assert_eq!(subscription.try_recv_many(&mut into, usize::MAX), 3);
    assert_eq!(into[3..], numbers(100..103));

    const CAPACITY: usize = 4;
    let bus = live();
    let subscription = bus.subscriber("slow").capacity(CAPACITY).overflow(Overflow::DropOldest).subscribe();
    let is_over = Arc::new(AtomicBool::new(false));
    let publishing = thread::spawn({
        let (bus, is_over) = (bus.clone(), Arc::clone(&is_over));
        move || {
            while !is_over.load(SeqCst) {
                publish(&bus, 0..1);
            }
        }
    });
    for _ in 0..10_000 {
        let taken = subscription.try_recv_many(&mut Vec::new(), usize::MAX);
        assert!(taken <= CAPACITY, "{taken} events were taken from a ring of {CAPACITY}");
    }
    is_over.store(true, SeqCst);
    publishing.finish();
}

/// G4, G7: `recv_many` sleeps until there is an event, then takes what there is, at most `max`, and
/// appends it; with a `max` of 0, it only returns.
#[test]
fn recv_many_waits_for_one_event_and_takes_what_there_is() {
    let bus = common::new_bus(4);
    let subscription = bus.subscriber("reader").capacity(8).subscribe();
    assert_eq!(subscription.recv_many(&mut Vec::new(), 0), Ok(0));
    publish(&bus, 0..3);
    let sleeper = spawn_sleeper(move || {
        let mut into = vec![Number(100)];
        (subscription.recv_many(&mut into, 2), into, subscription)
    });
    bus.start();
    let (taken, mut into, subscription) = sleeper.join();
    assert_eq!(taken, Ok(2));
    publish(&bus, 3..5);
    assert_eq!(subscription.recv_many(&mut into, 0), Ok(0));
    assert_eq!((into.len(), subscription.len()), (3, 3), "and takes nothing");
    assert_eq!(subscription.recv_many(&mut into, usize::MAX), Ok(3), "of the replay and of the ring");
    assert_eq!(into.remove(0), Number(100));
    assert_eq!(into, numbers(0..5));
    assert_eq!(stats_of(&bus, "reader").received, 5);

    let sleeper = spawn_sleeper(move || (subscription.recv_many(&mut into, usize::MAX), into));
    publish(&bus, 5..6);
    assert_eq!(sleeper.join(), (Ok(1), numbers(0..6)));
}

/// G7: a subscription that moves to another thread wakes that one: the waker of the thread before
/// is not used again.
#[test]
fn subscription_may_block_on_one_thread_after_another() {
    let bus = live();
    let mut subscription = bus.subscribe(2);
    for number in 0..6 {
        let sleeper = spawn_sleeper(move || (subscription.recv_timeout(LONG), subscription));
        publish(&bus, number..number + 1);
        let received;
        (received, subscription) = sleeper.join();
        assert_eq!(received, Ok(Number(number)));
        // And on this one in between.
        publish(&bus, 100..101);
        assert_eq!(subscription.recv_timeout(LONG), Ok(Number(100)));
        assert_eq!(subscription.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::TimedOut));
    }
}

/// G7: a stray unpark of the thread ends no wait.
#[test]
fn stray_unpark_does_not_end_a_wait() {
    let bus = live();
    let subscription = bus.subscribe(1);
    let sleeper = spawn_sleeper(move || subscription.recv());
    for _ in 0..20 {
        sleeper.thread.thread().unpark();
        wait_until(|| sleeper.probe.is_asleep());
    }
    assert!(!sleeper.thread.is_finished());
    publish(&bus, 3..4);
    assert_eq!(sleeper.join(), Ok(Number(3)));
}

/// API, section 2: stray unparks of the thread prolong no wait: what time there is counts from when
/// it began, however often the thread looks at the clock.
#[test]
fn stray_unparks_prolong_no_wait() {
    const MOMENT: Duration = Duration::from_millis(100);
    let waits: [fn(); 5] = [
        || {
            let bus = live();
            assert_eq!(bus.subscribe(1).recv_timeout(MOMENT), Err(RecvTimeoutError::TimedOut));
        },
        || {
            let bus = live();
            assert_eq!(bus.subscribe(1).recv_deadline(Instant::now() + MOMENT), Err(RecvTimeoutError::TimedOut));
        },
        || {
            let bus = live();
            let _unread = bus.subscribe(1);
            publish(&bus, 0..1);
            assert!(!bus.close_and_drain(MOMENT).is_complete());
        },
        || _ = gather_one_of_two(RequestOptions::expecting(["a", "b"]).timeout(MOMENT)).unwrap_err(),
        || {
            let options = RequestOptions::expecting(["a", "b"]).min_responses(1).timeout(Duration::MAX);
            assert_eq!(gather_one_of_two(options.grace(MOMENT)).unwrap().errors(), ["no response from b"]);
        },
    ];
    for wait in waits {
        let waiting = thread::spawn(wait);
        wait_until(|| {
            waiting.thread().unpark();
            waiting.is_finished()
        });
        waiting.join().unwrap();
    }
}

/// Asks a and b, of whom a answers, and waits on this thread.
fn gather_one_of_two(options: RequestOptions) -> Result<RequestResult<Talk>, GatherError<Talk>> {
    let (bus, _questions) = talkative_bus();
    let id = RequestId::unique();
    let gather = bus.request(Talk::Question(id.clone()), options).unwrap();
    answer(&bus, &id, "a", 0);
    gather.wait()
}

/// G7 and API, section 2: a stop wakes the receiver that waits, from another thread, and ends
/// nothing but that subscription.
#[test]
fn stop_wakes_the_waiting_receiver() {
    for is_live in [true, false] {
        let bus = common::new_bus(1);
        if is_live {
            bus.start();
        }
        let stopped = bus.subscribe(1);
        let stop = stopped.stop_handle();
        let other = bus.subscribe(1);
        let sleeper = spawn_sleeper(move || stopped.recv());
        thread::spawn(move || stop.stop()).join().unwrap();
        assert_eq!(sleeper.join(), Err(RecvError), "live: {is_live}");
        bus.start();
        publish(&bus, 1..2);
        assert!(!other.is_closed());
        assert_eq!(other.try_recv(), Ok(Number(1)));
    }
}

/// G10 and API, section 2: a stopped receiver gets what it has, nothing that is published later,
/// and then `Closed`, for good. Until it is dropped it counts as a subscriber.
#[test]
fn stopped_receiver_drains_what_it_has() {
    let bus = live();
    let mut publisher = bus.publisher();
    let subscription = bus.subscriber("stopped").capacity(4).subscribe();
    let typed = bus.subscriber("stopped too").types([ODD]).subscribe();
    publish(&bus, 0..2);
    publisher.publish(Number(2)).unwrap();
    for stop in [subscription.stop_handle(), typed.stop_handle(), subscription.stop_handle()] {
        stop.stop();
        stop.clone().stop();
    }
    assert!(subscription.is_closed());
    assert_eq!(bus.publish(Number(3)).unwrap().delivered, 0);
    assert_eq!(publisher.publish(Number(5)).unwrap().delivered, 0);
    assert_eq!([subscription.recv(), subscription.recv()], [Ok(Number(0)), Ok(Number(1))]);
    assert_eq!(subscription.iter().collect::<Vec<_>>(), [Number(2)]);
    assert_eq!(typed.try_iter().collect::<Vec<_>>(), [Number(1)]);
    for _ in 0..2 {
        assert_eq!(subscription.try_recv(), Err(TryRecvError::Closed));
        assert_eq!(typed.recv(), Err(RecvError));
        publish(&bus, 6..8);
    }
    assert_eq!(bus.subscriber_count(), 2);
    drop(subscription);
    assert_eq!(bus.subscriber_count(), 1);
}

/// API, section 2: a subscription that was stopped before the bus started is closed at once, and
/// gets neither what was buffered before nor what comes later.
#[test]
fn stop_before_the_start_gives_no_replay() {
    let bus = common::new_bus(4);
    let subscription = bus.subscribe(4);
    publish(&bus, 0..1);
    subscription.stop_handle().stop();
    publish(&bus, 1..2);
    for _ in 0..2 {
        assert_eq!(subscription.try_recv(), Err(TryRecvError::Closed));
        assert!(subscription.is_empty());
        bus.start();
        publish(&bus, 2..3);
    }
}

/// API, section 2: the same if the bus starts between the stop and the receiver's first look.
#[test]
fn stop_before_the_start_holds_when_the_receiver_looks_after_it() {
    let bus = common::new_bus(4);
    let subscription = bus.subscribe(4);
    publish(&bus, 0..1);
    subscription.stop_handle().stop();
    publish(&bus, 1..2);
    bus.start();
    assert_eq!(subscription.len(), 0, "it gets nothing of the replay");
    assert_eq!(subscription.try_recv(), Err(TryRecvError::Closed));
}

/// G10: a bus that is closed before it ever started releases its backlog, and a stop that comes
/// later takes nothing of it away.
#[test]
fn stop_after_the_close_leaves_the_backlog() {
    let bus = common::new_bus(4);
    let subscription = bus.subscribe(4);
    publish(&bus, 0..2);
    bus.close();
    subscription.stop_handle().stop();
    assert_eq!(subscription.iter().collect::<Vec<_>>(), numbers(0..2));
    assert_eq!(subscription.recv(), Err(RecvError));
}

/// G3 and API, section 2: a subscription that is stopped during its replay gets the rest of it, and
/// what is in its ring.
#[test]
fn stop_during_the_replay_leaves_the_rest_of_it() {
    let bus = common::new_bus(4);
    let subscription = bus.subscribe(4);
    publish(&bus, 0..4);
    bus.start();
    publish(&bus, 4..6);
    assert_eq!(subscription.recv(), Ok(Number(0)));
    subscription.stop_handle().stop();
    publish(&bus, 6..7);
    assert_eq!(subscription.iter().collect::<Vec<_>>(), numbers(1..6));
    assert_eq!(subscription.recv(), Err(RecvError));
}

/// G11: a stop handle keeps neither the bus nor the subscription alive, and does nothing where they
/// are gone.
#[test]
fn stop_handle_keeps_nothing_alive() {
    let token = Token(Arc::new(()));
    let bus = common::new_bus(0);
    bus.start();
    let subscription = bus.subscribe(2);
    let stop = subscription.stop_handle();
    bus.publish(token.clone()).unwrap();
    drop(subscription);
    assert_eq!(token.copies(), 0);
    stop.stop();
    let survivor = bus.subscribe(2);
    let stop_survivor = survivor.stop_handle();
    bus.publish(token.clone()).unwrap();
    let weak = bus.downgrade();
    drop(bus);
    assert!(weak.upgrade().is_none());
    stop_survivor.stop();
    stop.stop();
    assert_eq!((survivor.recv().map(drop), survivor.recv().map(drop)), (Ok(()), Err(RecvError)));
}

/// G7: a receiver that gave up waiting leaves no trace that would keep the next one from waking,
/// whatever mixture of ways it waits in.
#[test]
fn given_up_waits_leave_no_trace() {
    let bus = live();
    let mut subscription = bus.subscribe(1);
    for number in 0..20 {
        assert_eq!(subscription.recv_timeout(Duration::from_micros(50)), Err(RecvTimeoutError::TimedOut));
        assert!(poll_next(&mut subscription, Waker::noop()).is_pending());
        let wait = WAYS[number as usize % 5];
        let sleeper = spawn_sleeper(move || (wait(&mut subscription), subscription));
        publish(&bus, number..number + 1);
        let received;
        (received, subscription) = sleeper.join();
        assert_eq!(received, Some(Number(number)));
    }
}

/// API, section 2: a receiver waits as it was told to: one that spins or yields does not go to
/// sleep.
#[cfg(target_os = "linux")]
#[test]
fn receiver_waits_as_it_was_told() {
    use common::ThreadProbe;
    for wait in STRATEGIES {
        let bus = live();
        let subscription = bus.subscriber("waits").wait(wait).subscribe();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            tell.send(ThreadProbe::current()).unwrap();
            drop(tell);
            subscription.recv()
        });
        let probe = told.recv().unwrap();
        if wait == WaitStrategy::Park {
            wait_until(|| probe.is_asleep());
        } else {
            // If it slept, it would do so until there is an event.
            for _ in 0..1_000 {
                wait_until(|| !probe.is_asleep());
                thread::yield_now();
            }
        }
        publish(&bus, 0..1);
        assert_eq!(thread.finish(), Ok(Number(0)), "{wait:?}");
    }
}
