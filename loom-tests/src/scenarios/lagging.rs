//! Lags, and the hooks that hear of them.

use crate::engine::{go, thread};
use crate::model::Outcomes;
use crate::token::{Bus, Token, assert_unshared, live_bus, publish, spawn_publisher};
use ringbus::{Lag, Subscription};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A bus with one subscriber, whose ring is full.
fn full_bus() -> (Bus, Subscription<Token>) {
    let bus = live_bus();
    let full = bus.subscribe(1);
    publish(&bus, &Token::new(0)).unwrap();
    (bus, full)
}

/// Adds a hook that counts its calls.
fn count_lags(bus: &Bus) -> Arc<AtomicUsize> {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    bus.on_lag(move |_| {
        counter.fetch_add(1, Relaxed);
    });
    calls
}

/// A publish that loses its event × a hook that is added.
pub fn lose_add_hook(outcomes: &Outcomes) {
    let (bus, _full) = full_bus();
    let publisher = spawn_publisher(&bus, 1);
    let adder = thread::spawn({
        let bus = bus.clone();
        move || count_lags(&bus)
    });
    publisher.join().unwrap().unwrap();
    let calls = adder.join().unwrap();
    let early = calls.load(Relaxed);
    publish(&bus, &Token::new(2)).unwrap();
    assert_eq!(
        calls.load(Relaxed),
        1,
        "an episode that no hook has heard of is reported to one that comes later, once"
    );
    outcomes.saw(if early == 1 { "reported as it began" } else { "reported later" });
}

/// A publish that may lose its event × the last receive, which catches up.
pub fn lose_and_catch_up(outcomes: &Outcomes, is_heard: bool) {
    let (bus, full) = full_bus();
    let calls = if is_heard { Some(count_lags(&bus)) } else { None };
    let publisher = spawn_publisher(&bus, 1);
    assert_eq!(full.try_recv().map(Token::read), Ok(0));
    let dropped = publisher.join().unwrap().unwrap().dropped;
    assert!(!full.stats().lagging, "who has caught up lags no more");
    if dropped == 0 {
        outcomes.saw("delivered");
        return;
    }
    // (Neither side fences on its way, so with weak memory both may miss the other: the end of the
    // episode is then left to the next receive.)
    let is_exact = cfg!(shuttle);
    publish(&bus, &Token::new(2)).unwrap();
    assert!(!is_exact || !full.stats().lagging, "nor does who has lost nothing since");
    assert_eq!(publish(&bus, &Token::new(3)).unwrap().dropped, 1);
    if let Some(calls) = calls {
        let is_reported_anew = calls.load(Relaxed) == 2;
        assert!(!is_exact || is_reported_anew, "the next loss begins another episode");
    }
    outcomes.saw("lost");
}

/// Two hooks that are added at once.
pub fn add_two_hooks(outcomes: &Outcomes) {
    let (bus, _full) = full_bus();
    let adders = [0, 1].map(|_| {
        let bus = bus.clone();
        thread::spawn(move || count_lags(&bus))
    });
    let calls = adders.map(|adder| adder.join().unwrap());
    publish(&bus, &Token::new(1)).unwrap();
    assert_eq!(calls.map(|calls| calls.load(Relaxed)), [1, 1], "both hear of the lag");
    outcomes.saw("both");
}

/// A hook that is added × close: the closed bus keeps none.
pub fn add_hook_close(outcomes: &Outcomes) {
    let bus = live_bus();
    let share = Arc::new(());
    let own = |share: &Arc<()>| {
        let kept = Arc::clone(share);
        move |_: &Lag| assert!(Arc::strong_count(&kept) > 1)
    };
    bus.on_lag(own(&share));
    let adder = thread::spawn({
        let (bus, hook) = (bus.clone(), own(&share));
        move || drop(bus.on_lag(hook))
    });
    go();
    bus.close();
    adder.join().unwrap();
    assert_unshared(&share);
    outcomes.saw("none is kept");
}

/// Publishers that lose their events to the same ring.
pub fn lose_at_once(outcomes: &Outcomes, publishers: usize) {
    let (bus, full) = full_bus();
    let calls = count_lags(&bus);
    let threads: Vec<_> = (0..publishers).map(|number| spawn_publisher(&bus, number)).collect();
    for publisher in threads {
        assert_eq!(publisher.join().unwrap().unwrap().dropped, 1);
    }
    assert_eq!((calls.load(Relaxed), full.lost()), (1, publishers as u64), "an episode is reported once");
    outcomes.saw("reported once");
}
