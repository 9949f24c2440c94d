//! Full rings: who loses what, who counts it, and who hears of it.

use crate::common::{self, EVEN, Finish, Gate, Number, ODD, Token, numbers, poll_next, stats_of};
use ringbus::{EventBus, EventType, Lag, LagHook, Overflow, Subscription, TryRecvError};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::thread;
use std::time::Duration;

fn live() -> EventBus<Number> {
    let bus = common::new_bus(0);
    bus.start();
    bus
}

fn publish(bus: &EventBus<Number>, numbers: std::ops::Range<u64>) -> (usize, usize) {
    let results = numbers.map(|number| bus.publish(Number(number)).unwrap());
    results.fold((0, 0), |(delivered, dropped), result| (delivered + result.delivered, dropped + result.dropped))
}

fn received(subscription: &mut Subscription<Number>) -> Vec<u64> {
    subscription.try_iter().map(|number| number.0).collect()
}

/// What a lag hook was told: the subscriber, the type, and the number of events lost so far.
type Reports = Arc<Mutex<Vec<(String, EventType, u64)>>>;

fn record_lags(bus: &EventBus<Number>) -> Reports {
    let reports = Reports::default();
    let hook = Arc::clone(&reports);
    bus.on_lag(move |lag| hook.lock().unwrap().push((lag.subscriber.to_string(), lag.event_type, lag.lost)));
    reports
}

fn take(reports: &Reports) -> Vec<(String, EventType, u64)> {
    std::mem::take(&mut reports.lock().unwrap())
}

/// G1 and G2: with `DropNewest`, the default, a full ring keeps what it has; the publish reports
/// the drop, and the counters agree.
#[test]
fn drop_newest_keeps_the_oldest() {
    let bus = live();
    let mut subscription = bus.subscriber("slow").capacity(3).subscribe();
    assert_eq!(publish(&bus, 0..10), (3, 7));
    assert_eq!(subscription.lost(), 7);
    assert_eq!(received(&mut subscription), [0, 1, 2]);
    assert_eq!(publish(&bus, 10..12), (2, 0), "there is room again");
    let stats = stats_of(&bus, "slow");
    assert_eq!((stats.dropped, stats.evicted, stats.received, stats.len, stats.high_water), (7, 0, 3, 2, 3));
}

/// G1 and G2: with `DropOldest`, a full ring makes room; every publish reports a delivery, and the
/// counters tell the evictions.
#[test]
fn drop_oldest_keeps_the_newest() {
    let bus = live();
    let mut subscription = bus.subscriber("slow").capacity(3).overflow(Overflow::DropOldest).subscribe();
    assert_eq!(publish(&bus, 0..10), (10, 0));
    assert_eq!(subscription.lost(), 7);
    assert_eq!(received(&mut subscription), [7, 8, 9]);
    let stats = stats_of(&bus, "slow");
    assert_eq!((stats.dropped, stats.evicted, stats.received, stats.len, stats.high_water), (0, 7, 3, 0, 3));
}

/// G1: a full ring costs its own subscriber, and no other, whatever the policies and whoever comes
/// first.
#[test]
fn slow_subscriber_loses_only_its_own_events() {
    let bus = live();
    let mut first = bus.subscribe(100);
    let slow = bus.subscribe(1);
    let slow_too = bus.subscriber("oldest").capacity(1).overflow(Overflow::DropOldest).subscribe();
    let mut typed = bus.subscriber("typed").types([EVEN, ODD]).subscribe();
    let slow_typed = bus.subscriber("last").types([EVEN, ODD]).capacity(1).subscribe();
    assert_eq!(publish(&bus, 0..100), (100 + 1 + 100 + 100 + 1, 99 + 99));
    assert_eq!(received(&mut first), (0..100).collect::<Vec<_>>());
    assert_eq!(received(&mut typed), (0..100).collect::<Vec<_>>());
    assert_eq!([first.lost(), typed.lost()], [0, 0]);
    assert_eq!(
        [slow.try_recv(), slow_too.try_recv(), slow_typed.try_recv()],
        [Ok(Number(0)), Ok(Number(99)), Ok(Number(0))]
    );
}

/// API, section 2: `take_lost` tells what was lost since it was last asked, by refusal or eviction,
/// and leaves `dropped` alone.
#[test]
fn take_lost_counts_since_it_was_last_asked() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let bus = live();
        let subscription = bus.subscriber("slow").capacity(1).overflow(overflow).subscribe();
        assert_eq!(subscription.take_lost(), 0);
        publish(&bus, 0..5);
        assert_eq!((subscription.take_lost(), subscription.take_lost()), (4, 0));
        publish(&bus, 5..7);
        subscription.try_recv().unwrap();
        publish(&bus, 7..8);
        assert_eq!((subscription.take_lost(), subscription.lost()), (2, 6));
    }
}

/// G11: an evicted event is gone at once, and a refused one too.
#[test]
fn lost_events_are_freed_at_once() {
    let bus = common::new_bus(0);
    bus.start();
    let token = Token(Arc::new(()));
    let _newest = bus.subscriber("newest").capacity(2).subscribe();
    let _oldest = bus.subscriber("oldest").capacity(2).overflow(Overflow::DropOldest).subscribe();
    for _ in 0..10 {
        bus.publish(token.clone()).unwrap();
    }
    assert_eq!(token.copies(), 4);
}

/// API, section 2: a lag is reported once per episode, with the subscriber, the type and the losses
/// so far; an episode ends with a receive that leaves the ring at most half full, in whichever way,
/// and the next loss begins another.
#[test]
fn lag_is_reported_once_per_episode() {
    let bus = live();
    let reports = record_lags(&bus);
    let mut slow = bus.subscriber("slow").capacity(2).subscribe();
    publish(&bus, 0..2);
    assert_eq!(take(&reports), []);
    publish(&bus, 2..3);
    assert_eq!(take(&reports), [("slow".into(), EVEN, 1)]);
    publish(&bus, 3..9);
    assert_eq!(take(&reports), [], "still the same episode");
    assert_eq!(slow.try_recv_many(&mut Vec::new(), 0), 0);
    publish(&bus, 9..10);
    assert_eq!(take(&reports), [], "to receive nothing ends none");

    let mut lost = 8;
    let receive: [fn(&mut Subscription<Number>) -> bool; 5] = [
        |subscription| subscription.try_recv().is_ok(),
        |subscription| subscription.recv().is_ok(),
        |subscription| subscription.try_recv_many(&mut Vec::new(), 1) == 1,
        |subscription| subscription.iter().next().is_some(),
        |subscription| subscription.recv_timeout(common::LONG).is_ok(),
    ];
    for receive in receive {
        assert!(receive(&mut slow));
        publish(&bus, 11..12);
        assert_eq!(take(&reports), [], "there was room");
        publish(&bus, 13..16);
        assert_eq!(take(&reports), [("slow".into(), ODD, lost + 1)]);
        lost += 3;
    }
    assert_eq!(slow.lost(), lost);
}

/// API, section 2: an eviction is a loss like any other, and begins an episode; so does a loss by
/// an event that a `Publisher` publishes.
#[test]
fn eviction_is_reported_as_lag() {
    let bus = live();
    let reports = record_lags(&bus);
    let slow = bus.subscriber("oldest").capacity(1).overflow(Overflow::DropOldest).subscribe();
    publish(&bus, 0..5);
    assert_eq!(take(&reports), [("oldest".into(), ODD, 1)]);
    slow.try_recv().unwrap();
    let mut publisher = bus.publisher();
    publisher.publish(Number(6)).unwrap();
    publisher.publish(Number(8)).unwrap();
    assert_eq!(take(&reports), [("oldest".into(), EVEN, 5)]);
}

/// API, section 2: the losses of lossy subscribers are counted, and never reported; those of others
/// beside them are.
#[test]
fn lossy_subscriber_is_never_reported() {
    let bus = live();
    let reports = record_lags(&bus);
    let lossy = bus.subscriber("lossy").capacity(1).lossy(true).subscribe();
    let lossy_too = bus.subscriber("lossy too").capacity(1).lossy(true).overflow(Overflow::DropOldest).subscribe();
    publish(&bus, 0..5);
    assert_eq!(take(&reports), []);
    assert_eq!([lossy.lost(), lossy_too.lost()], [4, 4]);
    assert!(stats_of(&bus, "lossy").lossy);
    let _strict = bus.subscriber("strict").capacity(1).lossy(true).lossy(false).subscribe();
    publish(&bus, 0..5);
    assert_eq!(take(&reports).len(), 1);
}

/// API, section 2: every subscriber that begins to lag by one and the same publish is reported, and
/// those that do not are not.
#[test]
fn all_that_begin_to_lag_at_once_are_reported() {
    let bus = live();
    let reports = record_lags(&bus);
    let slow = ["a", "b", "c"].map(|name| bus.subscriber(name).capacity(1).subscribe());
    let _fast = bus.subscriber("fast").subscribe();
    let _typed = bus.subscriber("typed").types([ODD]).capacity(1).subscribe();
    publish(&bus, 1..2);
    slow[1].try_recv().unwrap();
    publish(&bus, 3..4);
    let expected = ["a", "c", "typed"].map(|name| (name.to_string(), ODD, 1));
    assert_eq!(take(&reports), expected);
    publish(&bus, 5..6);
    assert_eq!(take(&reports), [("b".to_string(), ODD, 1)]);
}

/// API, section 2: a lag is reported whoever else got the event, and in whichever order they
/// subscribed; so also where the last one took the event itself rather than a copy.
#[test]
fn lag_is_reported_beside_subscribers_that_keep_up() {
    for (slow_overflow, last_overflow) in [
        (Overflow::DropNewest, Overflow::DropNewest),
        (Overflow::DropOldest, Overflow::DropNewest),
        (Overflow::DropNewest, Overflow::DropOldest),
    ] {
        let bus = live();
        let reports = record_lags(&bus);
        let _first = bus.subscribe(8);
        let _slow = bus.subscriber("slow").capacity(1).overflow(slow_overflow).subscribe();
        let _last = bus.subscriber("last").capacity(8).overflow(last_overflow).subscribe();
        publish(&bus, 0..2);
        assert_eq!(take(&reports), [("slow".into(), ODD, 1)], "{slow_overflow:?} before {last_overflow:?}");
    }
}

/// API, section 2: a further hook adds to those before, and is called after them; a hook added in
/// an episode hears of the next.
#[test]
fn hooks_add_up() {
    let bus = live();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let add = |name: &'static str| {
        let calls = Arc::clone(&calls);
        bus.on_lag(move |lag| calls.lock().unwrap().push((name, lag.lost)));
    };
    let slow = bus.subscribe(1);
    add("first");
    add("second");
    publish(&bus, 0..2);
    add("third");
    publish(&bus, 2..4);
    assert_eq!(*calls.lock().unwrap(), [("first", 1), ("second", 1)]);
    slow.try_recv().unwrap();
    publish(&bus, 4..6);
    assert_eq!(calls.lock().unwrap()[2..], [("first", 4), ("second", 4), ("third", 4)]);
}

/// G1: hooks run when everybody has got the event, those behind the slow one included.
#[test]
fn hooks_run_after_everybody_was_served() {
    let bus = live();
    let _slow = bus.subscribe(1);
    let late = bus.subscribe(8);
    let seen = Arc::new(Mutex::new(None));
    bus.on_lag({
        let (bus, seen) = (bus.downgrade(), Arc::clone(&seen));
        move |_| *seen.lock().unwrap() = bus.upgrade().map(|bus| stats_of(&bus, "subscriber-2").len)
    });
    publish(&bus, 0..2);
    assert_eq!(*seen.lock().unwrap(), Some(2));
    assert_eq!(late.len(), 2);
}

/// G9: a hook may publish, also to the subscriber that lags, which is not reported again for it;
/// and may subscribe.
#[test]
fn hook_may_publish_and_subscribe() {
    let bus = live();
    let reports = record_lags(&bus);
    let _slow = bus.subscriber("slow").types([EVEN]).capacity(1).subscribe();
    let odds = bus.subscriber("odds").types([ODD]).subscribe();
    let joined = Arc::new(Mutex::new(Vec::new()));
    bus.on_lag({
        let (bus, joined) = (bus.downgrade(), Arc::clone(&joined));
        move |lag| {
            let bus = bus.upgrade().expect("the publisher holds it");
            assert_eq!(bus.publish(Number(2 * lag.lost + 1)).unwrap().delivered, 1);
            assert_eq!(bus.publish(Number(100)).unwrap().dropped, 1);
            joined.lock().unwrap().push(bus.subscribe(4));
        }
    });
    publish(&bus, 0..1);
    bus.publisher().publish(Number(2)).unwrap();
    assert_eq!(odds.try_recv(), Ok(Number(3)));
    assert_eq!(take(&reports), [("slow".into(), EVEN, 1)]);
    assert_eq!(publish(&bus, 5..6), (2, 0), "the one who joined in the hook is there");
    assert_eq!(joined.lock().unwrap()[0].try_recv(), Ok(Number(5)));
}

/// G9: a hook may drop the very subscription that lags, and one that does not.
#[test]
fn hook_may_drop_subscriptions() {
    let bus = live();
    let held = Arc::new(Mutex::new(vec![bus.subscribe(1), bus.subscribe(8)]));
    let stays = bus.subscribe(8);
    bus.on_lag({
        let held = Arc::clone(&held);
        move |_| drop(std::mem::take(&mut *held.lock().unwrap()))
    });
    assert_eq!(publish(&bus, 0..3), (3 + 2 + 1, 1));
    assert_eq!(bus.subscriber_count(), 1);
    assert_eq!(stays.len(), 3);
}

/// G9 and G10: a hook may close the bus: what was published until then can be received, then
/// `Closed`.
#[test]
fn hook_may_close_the_bus() {
    let bus = live();
    let mut slow = bus.subscribe(1);
    bus.on_lag({
        let bus = bus.downgrade();
        move |_| bus.upgrade().expect("the publisher holds it").close()
    });
    assert_eq!(publish(&bus, 0..2), (1, 1));
    assert!(bus.publish(Number(2)).is_err());
    assert_eq!(received(&mut slow), [0]);
    assert_eq!(slow.try_recv(), Err(TryRecvError::Closed));
}

/// G11: `close` drops the hooks, so that one that owns the bus no longer keeps it alive; and on a
/// closed bus none is kept.
#[test]
fn close_drops_the_hooks() {
    // One that is live, and two that never started.
    for bus in [live(), common::new_bus::<Number>(0), common::new_bus(1)] {
        let token = Arc::new(());
        let hook = |token: &Arc<()>| {
            let (owned, token) = (bus.clone(), Arc::clone(token));
            move |_: &ringbus::Lag| drop((owned.clone(), Arc::clone(&token)))
        };
        bus.on_lag(hook(&token));
        assert_eq!(Arc::strong_count(&token), 2);
        bus.close();
        assert_eq!(Arc::strong_count(&token), 1);
        bus.on_lag(hook(&token));
        assert_eq!(Arc::strong_count(&token), 1);
        let weak = bus.downgrade();
        drop(bus);
        assert!(weak.upgrade().is_none());
    }
}

/// API, section 2: publishers that lose events at the same moment begin one episode between them,
/// and it is reported once.
#[test]
fn racing_publishers_report_one_episode_once() {
    const THREADS: usize = 3;
    for _ in 0..common::rounds(200) {
        let bus = live();
        let reports = record_lags(&bus);
        let slow = bus.subscriber("slow").capacity(1).subscribe();
        for episode in 1..=2 {
            publish(&bus, 0..1);
            let gate = Arc::new(Gate::new(THREADS));
            let threads = [(); THREADS].map(|()| {
                let (bus, gate) = (bus.clone(), Arc::clone(&gate));
                thread::spawn(move || {
                    gate.pass();
                    assert_eq!(publish(&bus, 0..5), (0, 5));
                })
            });
            for thread in threads {
                thread.finish();
            }
            assert_eq!(take(&reports).len(), 1, "episode {episode}");
            assert_eq!(slow.lost(), episode * THREADS as u64 * 5);
            slow.try_recv().unwrap();
        }
    }
}

/// API, section 2: `high_water` is the highest fill seen when the receiver finds its ring filled
/// anew, and the capacity where it overflowed.
#[test]
fn high_water_follows_the_fill_of_the_ring() {
    let bus = live();
    let mut subscription = bus.subscriber("reader").capacity(16).subscribe();
    let high_water = || stats_of(&bus, "reader").high_water;
    assert_eq!(high_water(), 0);
    publish(&bus, 0..5);
    assert_eq!(high_water(), 5);
    received(&mut subscription);
    publish(&bus, 0..3);
    received(&mut subscription);
    assert_eq!(high_water(), 5, "a lower fill does not lower it");
    publish(&bus, 0..9);
    assert_eq!(subscription.try_recv_many(&mut Vec::new(), 100), 9);
    assert_eq!(high_water(), 9);
}

/// The same: whichever event gets lost, and however it was published.
#[test]
fn high_water_is_the_capacity_once_the_ring_was_full() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        for (in_batch, lossy) in [(false, false), (false, true), (true, false), (true, true)] {
            let bus = live();
            let reader = bus.subscriber("reader").capacity(16).overflow(overflow).lossy(lossy);
            let mut subscription = reader.subscribe();
            // The first receive sees two; it overflows before the next look.
            publish(&bus, 0..2);
            subscription.try_recv().unwrap();
            if in_batch {
                bus.publish_batch(&numbers(0..17)).unwrap();
            } else {
                publish(&bus, 0..17);
            }
            received(&mut subscription);
            let counted = (subscription.lost(), subscription.stats().high_water);
            assert_eq!(counted, (2, 16), "{overflow:?}, {in_batch}, {lossy}");
        }
    }
}

/// API, section 2: it is sampled by the first receive after the ring was found empty, in whichever
/// way that was.
#[test]
fn high_water_is_sampled_behind_every_look_that_finds_nothing() {
    type Look = fn(&mut Subscription<Number>) -> bool;
    let looks: [(&str, Look); 4] = [
        ("try_recv", |it| it.try_recv().is_err()),
        ("recv_timeout", |it| it.recv_timeout(Duration::from_millis(1)).is_err()),
        ("try_recv_many", |it| it.try_recv_many(&mut Vec::new(), 9) == 0),
        ("stream", |it| poll_next(it, Waker::noop()).is_pending()),
    ];
    for (name, finds_nothing) in looks {
        let bus = live();
        let mut subscription = bus.subscriber("reader").capacity(16).subscribe();
        publish(&bus, 0..1);
        subscription.try_recv().unwrap();
        assert!(finds_nothing(&mut subscription), "{name}");
        publish(&bus, 0..9);
        subscription.try_recv().unwrap();
        assert_eq!(stats_of(&bus, "reader").high_water, 9, "{name}");
    }
}

/// API, section 2: it is sampled now and then as well, for a receiver that never finds its ring
/// empty.
#[test]
fn high_water_is_sampled_while_the_ring_does_not_run_empty() {
    let bus = live();
    let subscription = bus.subscriber("reader").capacity(1_024).subscribe();
    publish(&bus, 0..2);
    for filled in [200, 400] {
        subscription.try_recv().unwrap();
        publish(&bus, 0..filled);
        while subscription.len() > 1 {
            subscription.try_recv().unwrap();
        }
        let high_water = stats_of(&bus, "reader").high_water;
        assert!(high_water > filled as usize - 50, "{high_water} of {filled}");
    }
}

/// API, section 2: a steadily slow subscriber is reported once, for as long as it has not caught
/// up: with a receive that leaves its ring at most half full. The statistics say that it lags, and
/// how much it has lost.
#[test]
fn steadily_slow_subscriber_is_reported_once_until_it_has_caught_up() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        for (capacity, receives) in [(1, 1), (2, 1), (3, 2), (8, 4), (9, 5)] {
            let bus = live();
            let reports = record_lags(&bus);
            let slow = bus.subscriber("slow").capacity(capacity).overflow(overflow).subscribe();
            let lags_and_lost = || (stats_of(&bus, "slow").lagging, stats_of(&bus, "slow").lost());
            // Fills the ring again, and one event more.
            let overfill = |room: usize| _ = publish(&bus, 0..room as u64 + 1);
            let context = format!("{overflow:?}, {capacity}");
            assert_eq!(lags_and_lost(), (false, 0), "{context}");
            overfill(capacity);
            assert_eq!(lags_and_lost(), (true, 1), "{context}");
            let mut lost = 1;
            for episode in 1..=3 {
                for behind in (1..receives).flat_map(|behind| [behind; 10]) {
                    assert_eq!(slow.try_iter().take(behind).count(), behind);
                    overfill(behind);
                    lost += 1;
                    assert_eq!(lags_and_lost(), (true, lost), "{context}");
                }
                assert_eq!(take(&reports).len(), 1, "{context}, episode {episode}");
                assert_eq!(slow.try_iter().take(receives).count(), receives);
                assert_eq!(lags_and_lost(), (false, lost), "{context}: it has caught up");
                overfill(receives);
                lost += 1;
            }
            assert_eq!(slow.lost(), lost);
        }
    }
}

/// API, section 2: a batch that is received ends an episode as single events do.
#[test]
fn batch_that_is_received_ends_an_episode() {
    let bus = live();
    let reports = record_lags(&bus);
    let slow = bus.subscribe(8);
    publish(&bus, 0..9);
    assert_eq!(slow.try_recv_many(&mut Vec::new(), 3), 3);
    publish(&bus, 0..4);
    assert_eq!(take(&reports).len(), 1, "five were left");
    assert_eq!(slow.try_recv_many(&mut Vec::new(), 4), 4);
    publish(&bus, 0..5);
    assert_eq!(take(&reports).len(), 1, "four were left");
}

/// API, section 2: an episode that nobody has heard of is reported with the next loss, once, to a
/// hook that was added meanwhile. To lose events without a hook is to lag as well; never so for a
/// lossy subscriber.
#[test]
fn hook_added_during_an_episode_hears_of_the_next_loss() {
    let bus = live();
    let _slow = bus.subscriber("slow").capacity(2).subscribe();
    let _lossy = bus.subscriber("lossy").capacity(2).lossy(true).subscribe();
    publish(&bus, 0..5);
    assert_eq!([stats_of(&bus, "slow").lagging, stats_of(&bus, "lossy").lagging], [true, false]);
    let reports = record_lags(&bus);
    assert_eq!(take(&reports), []);
    publish(&bus, 5..6);
    assert_eq!(take(&reports), [("slow".into(), ODD, 4)]);
    publish(&bus, 6..9);
    assert_eq!(take(&reports), []);
}

/// Counts the calls of a hook.
fn count_lags(bus: &EventBus<Number>) -> (Arc<AtomicUsize>, LagHook) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let hook = bus.on_lag(move |_| _ = counter.fetch_add(1, SeqCst));
    (calls, hook)
}

/// G9: a hook that publishes, on its own bus and on another, is not called for what that loses: one
/// publish calls each hook at most once for each subscriber. What began to lag meanwhile is
/// reported with the next loss.
#[test]
fn hook_that_publishes_does_not_call_itself() {
    const SUBSCRIBERS: usize = 10;
    let [bus, other] = [live(), live()];
    let subscriptions: Vec<_> =
        [&bus, &other].iter().flat_map(|bus| [(); SUBSCRIBERS].map(|()| bus.subscribe(1))).collect();
    let catch_up = move |subscriptions: &Mutex<Vec<Subscription<Number>>>| {
        subscriptions.lock().unwrap().iter_mut().for_each(|slow| slow.try_iter().for_each(drop));
    };
    let subscriptions = Arc::new(Mutex::new(subscriptions));
    let calls = [&bus, &other].map(|listened_to| {
        let calls = Arc::new(AtomicUsize::new(0));
        let (counter, subscriptions) = (Arc::clone(&calls), Arc::clone(&subscriptions));
        let buses = [bus.downgrade(), other.downgrade()];
        listened_to.on_lag(move |_| {
            // So that a failure does not go on until the stack is full.
            if counter.fetch_add(1, SeqCst) < 10 * SUBSCRIBERS {
                // Each of them begins to lag anew.
                catch_up(&subscriptions);
                for bus in &buses {
                    publish(&bus.upgrade().expect("the test holds it"), 0..2);
                }
            }
        });
        calls
    });
    let take = || calls.each_ref().map(|calls| calls.swap(0, SeqCst));
    publish(&bus, 0..2);
    assert_eq!(take(), [SUBSCRIBERS, 0]);
    assert!(bus.stats().subscribers.iter().all(|stats| stats.lagging));
    // The last call has let the others catch up, and lag unheard.
    publish(&other, 0..1);
    let [_, heard] = take();
    assert!((1..=SUBSCRIBERS).contains(&heard), "{heard}");
    catch_up(&subscriptions);
    publish(&bus, 0..2);
    assert_eq!(take(), [SUBSCRIBERS, 0], "as before");
}

/// API, section 2: a hook that was taken away is not called any more and is dropped there and then;
/// the others stay. To take it away again, by this handle or a clone, does nothing, and dropping
/// the handle does not take it away.
#[test]
fn removed_hook_is_not_called_and_is_dropped() {
    let bus = live();
    let slow = bus.subscribe(1);
    let overfill = || {
        while slow.try_recv().is_ok() {}
        publish(&bus, 0..2);
    };
    let owned = Arc::new(());
    let removed = bus.on_lag({
        let owned = Arc::clone(&owned);
        move |_| panic!("removed, and called: {owned:?}")
    });
    let (first, first_hook) = count_lags(&bus);
    let (second, second_hook) = count_lags(&bus);
    drop(second_hook);
    removed.remove();
    assert_eq!(Arc::strong_count(&owned), 1);
    overfill();
    assert_eq!([&first, &second].map(|calls| calls.load(SeqCst)), [1, 1]);
    removed.clone().remove();
    first_hook.clone().remove();
    first_hook.remove();
    overfill();
    assert_eq!([&first, &second].map(|calls| calls.load(SeqCst)), [1, 2]);
    assert_eq!([first, second].map(|calls| Arc::strong_count(&calls)), [1, 2], "one is there no more");
}

/// API, section 2: a hook may take away itself and others, one that was called before it and one
/// that would be called after it; and a handle may be used on a bus that is closed or gone.
#[test]
fn hook_may_be_removed_from_anywhere() {
    let bus = live();
    let slow = bus.subscribe(1);
    let handles = Arc::new(Mutex::new(Vec::<LagHook>::new()));
    let (before, before_hook) = count_lags(&bus);
    let (during, during_hook) = {
        let (calls, handles) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&handles));
        let counter = Arc::clone(&calls);
        let hook = bus.on_lag(move |_| {
            counter.fetch_add(1, SeqCst);
            handles.lock().unwrap().iter().for_each(LagHook::remove);
        });
        (calls, hook)
    };
    let (after, after_hook) = count_lags(&bus);
    let (stays, stays_hook) = count_lags(&bus);
    *handles.lock().unwrap() = vec![before_hook, during_hook, after_hook];
    for round in 1..=2 {
        publish(&bus, 0..2);
        slow.try_recv().unwrap();
        let called = [&before, &during, &stays].map(|calls| calls.load(SeqCst));
        assert_eq!(called, [1, 1, round]);
        assert!(after.load(SeqCst) <= 1, "it may be called once more, by the publish under way");
    }
    bus.on_lag(|_| ());
    assert_eq!([&before, &during, &after].map(Arc::strong_count), [1, 1, 1], "G11");
    bus.close();
    stays_hook.remove();
    drop(bus);
    stays_hook.remove();
    assert_eq!(Arc::strong_count(&stays), 1);
}

/// G11: `close` drops the hooks, although an idle `Publisher` keeps a snapshot from before.
#[test]
fn close_drops_the_hooks_beside_an_idle_publisher() {
    let bus = live();
    let _slow = bus.subscribe(1);
    let (calls, _hook) = count_lags(&bus);
    let mut publisher = bus.publisher();
    for number in 0..3 {
        publisher.publish(Number(number)).unwrap();
    }
    assert_eq!((calls.load(SeqCst), Arc::strong_count(&calls)), (1, 2));
    bus.close();
    assert_eq!(Arc::strong_count(&calls), 1);
    drop(publisher);
}

/// G9, G11: hooks that come and go while publishers lose events are called for whole reports only,
/// and none stays behind.
#[test]
fn hooks_come_and_go_beside_publishers() {
    let bus = live();
    let slow = bus.subscribe(1);
    let gate = Arc::new(Gate::new(2));
    let is_over = Arc::new(AtomicUsize::new(0));
    let publishing = thread::spawn({
        let (bus, gate, is_over) = (bus.clone(), Arc::clone(&gate), Arc::clone(&is_over));
        move || {
            gate.pass();
            while is_over.load(SeqCst) == 0 {
                publish(&bus, 0..2);
                while slow.try_recv().is_ok() {}
            }
        }
    });
    gate.pass();
    let owned = Arc::new(());
    for _ in 0..common::rounds(2_000) {
        let owned = Arc::clone(&owned);
        bus.on_lag(move |lag: &Lag| assert!(lag.lost > 0 && Arc::strong_count(&owned) > 1)).remove();
    }
    is_over.store(1, SeqCst);
    publishing.finish();
    bus.on_lag(|_| ());
    assert_eq!(Arc::strong_count(&owned), 1);
}

/// API, section 2: a lag that nobody heard of, because the hook went between the loss and the
/// report, is reported to the next hook with the next loss.
#[test]
fn lag_whose_hook_went_before_the_report_is_still_to_be_heard_of() {
    struct Removes(LagHook);
    impl Wake for Removes {
        fn wake(self: Arc<Self>) {
            self.0.remove();
        }
    }
    for batch in [false, true] {
        let bus = live();
        let slow = bus.subscriber("slow").capacity(1).subscribe();
        publish(&bus, 0..1);
        let (unheard, hook) = count_lags(&bus);
        let mut waits = bus.subscriber("waits").capacity(4).subscribe();
        assert!(poll_next(&mut waits, &Waker::from(Arc::new(Removes(hook)))).is_pending());
        // It loses the event; the waker takes the hook away; and then the lag is to be reported.
        if batch {
            bus.publish_batch(&[Number(1), Number(2)]).unwrap();
        } else {
            publish(&bus, 1..2);
        }
        assert_eq!((unheard.load(SeqCst), slow.stats().lagging), (0, true));
        let reports = record_lags(&bus);
        assert_eq!(take(&reports), []);
        publish(&bus, 3..4);
        assert_eq!(take(&reports), [("slow".into(), ODD, 2 + u64::from(batch))]);
        publish(&bus, 4..5);
        assert_eq!((take(&reports), slow.stats().lagging), (vec![], true));
        slow.try_recv().unwrap();
        assert!(!slow.stats().lagging);
    }
}

/// API, section 2: a lag is reported also where the event has a `Drop`, and so goes to the last
/// subscriber itself.
#[test]
fn lag_of_an_event_that_the_last_subscriber_has_is_reported() {
    for (capacity, overflow) in [(8, Overflow::DropNewest), (1, Overflow::DropOldest), (1, Overflow::DropNewest)] {
        let bus = common::new_bus(0);
        bus.start();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let of_hook = Arc::clone(&heard);
        bus.on_lag(move |lag| of_hook.lock().unwrap().push((lag.subscriber.to_string(), lag.event_type)));
        let _slow = bus.subscriber("slow").capacity(1).subscribe();
        let _last = bus.subscriber("last").capacity(capacity).overflow(overflow).lossy(true).subscribe();
        let token = Token(Arc::new(()));
        for _ in 0..3 {
            bus.publish(token.clone()).unwrap();
        }
        let event_type = EventType::new("token");
        assert_eq!(*heard.lock().unwrap(), [("slow".to_owned(), event_type)], "{capacity} {overflow:?}");
        assert!(!stats_of(&bus, "last").lagging);
        bus.close();
        drop((_slow, _last));
        assert_eq!(token.copies(), 0);
    }
}

/// API, section 2: an episode whose subscriber has caught up before it could be reported is
/// reported, and over.
#[test]
fn episode_that_is_over_before_its_report_is_reported_once() {
    struct CatchesUp(Arc<Mutex<Subscription<Number>>>);
    impl Wake for CatchesUp {
        fn wake(self: Arc<Self>) {
            self.0.lock().unwrap().try_iter().for_each(drop);
        }
    }
    for batch in [false, true] {
        let bus = live();
        let reports = record_lags(&bus);
        let slow = Arc::new(Mutex::new(bus.subscriber("slow").capacity(2).subscribe()));
        publish(&bus, 0..2);
        let mut waits = bus.subscriber("waits").capacity(4).subscribe();
        let waker = Waker::from(Arc::new(CatchesUp(Arc::clone(&slow))));
        assert!(poll_next(&mut waits, &waker).is_pending());
        // The slow one loses an event; the waker lets it catch up; and then its lag is reported.
        if batch {
            bus.publish_batch(&[Number(2)]).unwrap();
        } else {
            publish(&bus, 2..3);
        }
        assert_eq!(take(&reports), [("slow".into(), EVEN, 1)]);
        assert!(!stats_of(&bus, "slow").lagging, "it has caught up");
        publish(&bus, 3..6);
        assert_eq!(take(&reports), [("slow".into(), ODD, 2)], "another episode");
    }
}

/// API, section 2: an episode ends when the ring is at most half full, whatever its capacity.
#[test]
fn episode_ends_at_half_of_every_capacity() {
    for capacity in [1, 2, 3, 4, 5, 64] {
        let bus = live();
        let reports = record_lags(&bus);
        let slow = bus.subscriber("slow").capacity(capacity).subscribe();
        for episode in 1..=2 {
            while slow.len() < capacity {
                publish(&bus, 0..1);
            }
            publish(&bus, 0..2);
            assert_eq!(take(&reports).len(), 1, "episode {episode} with {capacity}");
            while slow.len() > capacity / 2 {
                assert!(stats_of(&bus, "slow").lagging, "{} of {capacity}", slow.len());
                slow.try_recv().unwrap();
            }
            assert!(!stats_of(&bus, "slow").lagging, "{} of {capacity}", slow.len());
        }
    }
}

/// G11: a hook that comes to a bus that is closed, or goes with it, is dropped there and then.
#[test]
fn closed_bus_keeps_no_hook() {
    let bus = live();
    let owned = Arc::new(());
    bus.close();
    let of_hook = Arc::clone(&owned);
    let hook = bus.on_lag(move |_| _ = &of_hook);
    assert_eq!(Arc::strong_count(&owned), 1);
    hook.remove();
}

/// API, section 2: what `take_lost` tells while events are being lost adds up to all that was lost.
#[test]
fn losses_that_race_with_take_lost_are_told_once() {
    let events = common::rounds(1_000_000);
    let bus = live();
    let slow = bus.subscribe(1);
    let gate = Arc::new(Gate::new(2));
    let publishing = thread::spawn({
        let (bus, gate) = (bus.clone(), Arc::clone(&gate));
        move || {
            gate.pass();
            publish(&bus, 0..events)
        }
    });
    gate.pass();
    let mut told = 0;
    while told < events / 2 {
        told += slow.take_lost();
    }
    publishing.finish();
    told += slow.take_lost();
    assert_eq!((told, slow.take_lost()), (events - 1, 0));
    assert_eq!(slow.lost(), events - 1);
}

/// What is reported to `tracing`.
#[cfg(feature = "tracing")]
mod tracing_events {
    use super::*;
    use std::thread::ThreadId;
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Level, Metadata, Subscriber};

    /// What was heard: the target and the level.
    type Heard = Arc<Mutex<Vec<(String, Level)>>>;

    /// Hears of what one thread reports, and runs code for each warning.
    struct Listener {
        thread: ThreadId,
        heard: Heard,
        on_warning: Box<dyn Fn() + Send + Sync>,
    }

    impl Listener {
        fn new(on_warning: impl Fn() + Send + Sync + 'static) -> (Self, Heard) {
            let heard = Heard::default();
            let listener =
                Self { thread: thread::current().id(), heard: Arc::clone(&heard), on_warning: Box::new(on_warning) };
            (listener, heard)
        }
    }

    impl Subscriber for Listener {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.is_event()
        }

        fn event(&self, event: &Event<'_>) {
            let metadata = event.metadata();
            if thread::current().id() == self.thread {
                self.heard.lock().unwrap().push((metadata.target().to_owned(), *metadata.level()));
                if *metadata.level() == Level::WARN {
                    (self.on_warning)();
                }
            }
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    /// API, section 2: a start, a lag and a close are reported with the target `ringbus`, and once.
    #[test]
    fn everything_is_reported_once_with_one_target() {
        // What other threads report decides in `tracing` whether this one is asked at all.
        common::in_own_process(module_path!(), "everything_is_reported_once_with_one_target", || {
            let (listener, heard) = Listener::new(|| ());
            tracing::subscriber::set_global_default(listener).unwrap();
            let bus = live();
            let _slow = bus.subscribe(1);
            publish(&bus, 0..4);
            bus.start();
            bus.close();
            bus.close();
            drop(bus);
            let expected = [Level::DEBUG, Level::WARN, Level::DEBUG].map(|level| ("ringbus".to_owned(), level));
            assert_eq!(*heard.lock().unwrap(), expected);
        });
    }

    /// G9: a layer that publishes what it hears does not multiply itself, nor the hooks.
    #[test]
    fn layer_that_publishes_does_not_multiply_itself() {
        const SUBSCRIBERS: usize = 10;
        // The layer is one for the whole process, because one for a part of it is never called by
        // itself.
        common::in_own_process(module_path!(), "layer_that_publishes_does_not_multiply_itself", || {
            let bus = live();
            let subscriptions = [(); SUBSCRIBERS].map(|()| bus.subscribe(1));
            let subscriptions = Arc::new(Mutex::new(subscriptions));
            let (calls, _hook) = count_lags(&bus);
            let times = AtomicUsize::new(0);
            let (listener, heard) = Listener::new({
                let bus = bus.downgrade();
                move || {
                    if times.fetch_add(1, SeqCst) < 10 * SUBSCRIBERS {
                        subscriptions.lock().unwrap().iter_mut().for_each(|slow| slow.try_iter().for_each(drop));
                        publish(&bus.upgrade().expect("the test holds it"), 0..2);
                    }
                }
            });
            tracing::subscriber::set_global_default(listener).unwrap();
            publish(&bus, 0..2);
            assert_eq!((heard.lock().unwrap().len(), calls.load(SeqCst)), (SUBSCRIBERS, SUBSCRIBERS));
        });
    }
}
