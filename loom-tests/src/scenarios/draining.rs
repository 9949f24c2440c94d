//! Closing, and waiting for the rest.

use crate::engine::{Parks, block_on, thread};
use crate::model::Outcomes;
use crate::token::{Token, delivered, live_bus, new_bus, publish, receive_all, spawn_publisher};
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

/// Counts how often it is woken.
#[derive(Default)]
struct WakeCounter(AtomicUsize);

impl WakeCounter {
    fn wakes(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for WakeCounter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Drain × a receiver that takes what it has, and stays.
pub fn drain_receive(outcomes: &Outcomes, is_task: bool) {
    let parks = Parks::begin();
    let bus = live_bus();
    let subscription = bus.subscribe(1);
    publish(&bus, &Token::new(0)).unwrap();
    let reader = thread::spawn(move || (receive_all(&subscription), subscription));
    let drainer = thread::spawn({
        let bus = bus.clone();
        move || {
            if is_task {
                block_on(bus.close_and_drain_async(pending::<()>()))
            } else {
                bus.close_and_drain(Duration::MAX)
            }
        }
    });
    let drained = drainer.join().unwrap();
    assert!(drained.is_complete(), "G7: a drain waits until everything was received");
    let (numbers, subscription) = reader.join().unwrap();
    assert_eq!((numbers, subscription.len()), (vec![0], 0));
    outcomes.saw_if(parks.any(), "somebody parked");
    outcomes.saw_if(parks.none(), "nobody parked");
}

/// Drain of a bus that is closed already × a receiver that takes its one event, and asks for no
/// more.
pub fn drain_take(outcomes: &Outcomes) {
    let parks = Parks::begin();
    let bus = live_bus();
    let subscription = bus.subscribe(1);
    publish(&bus, &Token::new(0)).unwrap();
    bus.close();
    let reader = thread::spawn(move || (subscription.try_recv().map(Token::read), subscription));
    let drainer = thread::spawn({
        let bus = bus.clone();
        move || bus.close_and_drain(Duration::MAX)
    });
    assert!(drainer.join().unwrap().is_complete(), "G7: the last event is what a drain waits for, not `Closed`");
    assert_eq!(reader.join().unwrap().0, Ok(0));
    outcomes.saw_if(parks.any(), "drainer parked");
    outcomes.saw_if(parks.none(), "nobody parked");
}

/// Drain × publish × a subscriber that leaves what it has.
pub fn drain_publish_leave(outcomes: &Outcomes) {
    let bus = live_bus();
    let subscription = bus.subscribe(1);
    let publisher = spawn_publisher(&bus, 0);
    let leaver = thread::spawn(move || drop(subscription));
    let drainer = thread::spawn({
        let bus = bus.clone();
        move || bus.close_and_drain(Duration::MAX)
    });
    let drained = drainer.join().unwrap();
    assert!(drained.is_complete(), "G7: a drain wakes when a subscriber leaves");
    leaver.join().unwrap();
    let outcome = publisher.join().unwrap();
    outcomes.saw_if(outcome.is_err(), "refused");
    outcomes.saw_if(outcome.is_ok() && delivered(&outcome) == 0, "to nobody");
    outcomes.saw_if(delivered(&outcome) == 1, "delivered");
}

/// Drain of a bus that never started × a receiver of its backlog.
pub fn drain_backlog(outcomes: &Outcomes) {
    let bus = new_bus(1);
    let subscription = bus.subscribe(1);
    publish(&bus, &Token::new(0)).unwrap();
    let reader = thread::spawn(move || (receive_all(&subscription), subscription));
    let drainer = thread::spawn({
        let bus = bus.clone();
        move || bus.close_and_drain(Duration::MAX)
    });
    let drained = drainer.join().unwrap();
    let unread = bus.stats().subscribers.iter().map(|stats| stats.unread_replay).sum::<usize>();
    assert!(drained.is_complete() && unread == 0, "G10: the backlog is part of what is waited for");
    assert_eq!(reader.join().unwrap().0, [0]);
    outcomes.saw("drained");
}

/// Two publishes, one on the way of the other, on whose way the bus is closed and a drain begins ×
/// a receiver that seals its ring meanwhile, and stays.
pub fn drain_publish_publish_receive(outcomes: &Outcomes) {
    let bus = live_bus();
    let counter = Arc::new(WakeCounter::default());
    let drain = Arc::new(Mutex::new(None));
    let filter = {
        let (bus, counter, drain) = (bus.downgrade(), Arc::clone(&counter), Arc::clone(&drain));
        move |token: &Token| {
            let bus = bus.upgrade().expect("it is being published to");
            if token.clone().read() == 1 {
                bus.close();
            } else {
                let _ = publish(&bus, &Token::new(1));
                let mut begun = Box::pin(async move { bus.close_and_drain_async(pending::<()>()).await });
                let waker = Waker::from(Arc::clone(&counter));
                let is_over = begun.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
                *drain.lock().unwrap() = Some((begun, is_over));
            }
            true
        }
    };
    let subscription = bus.subscriber("reader").capacity(2).filter(filter).subscribe();
    let publisher = spawn_publisher(&bus, 0);
    let reader = thread::spawn(move || (receive_all(&subscription), subscription));
    let _ = publisher.join().unwrap();
    let (numbers, subscription) = reader.join().unwrap();
    let (drain, is_over) = drain.lock().unwrap().take().expect("the first event was offered");
    assert!(is_over || counter.wakes() > 0, "G7: what comes into a sealed ring is not waited for");
    outcomes.saw_if(is_over, "nothing to wait for");
    outcomes.saw_if(!is_over && numbers.len() == 1, "one event came in time");
    outcomes.saw_if(!is_over && numbers.len() == 2, "both events came in time");
    drop((drain, subscription));
}

/// Drain of a bus that never started × a stop of a receiver that asks for no more, if it need not.
pub fn drain_stop(outcomes: &Outcomes) {
    let bus = new_bus(1);
    let subscription = bus.subscribe(1);
    publish(&bus, &Token::new(0)).unwrap();
    let stop = subscription.stop_handle();
    let stopper = thread::spawn(move || stop.stop());
    bus.close();
    let drainer = thread::spawn({
        let bus = bus.clone();
        move || bus.close_and_drain(Duration::MAX)
    });
    stopper.join().unwrap();
    let is_left = bus.stats().subscribers.iter().any(|stats| stats.unread_replay > 0);
    let numbers = if is_left { receive_all(&subscription) } else { Vec::new() };
    assert!(drainer.join().unwrap().is_complete(), "G7: an abandoned replay is not waited for");
    outcomes.saw(if numbers.is_empty() { "the stop came first" } else { "the close came first" });
}

/// Stop × a start with a publish behind it; then a drain, and one look of the receiver.
pub fn stop_start_publish_drain(outcomes: &Outcomes) {
    let bus = new_bus(1);
    let subscription = bus.subscribe(1);
    let stop = subscription.stop_handle();
    let stopper = thread::spawn(move || stop.stop());
    bus.start();
    let is_delivered = delivered(&publish(&bus, &Token::new(0))) == 1;
    stopper.join().unwrap();
    let counter = Arc::new(WakeCounter::default());
    let waker = Waker::from(Arc::clone(&counter));
    let mut drain = pin!(bus.close_and_drain_async(pending::<()>()));
    let mut look = || drain.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
    let is_over = look();
    let received = subscription.try_recv();
    assert!(is_over || counter.wakes() > 0 && look(), "G7: what an abandoned ring holds is not waited for");
    outcomes.saw_if(received.is_ok(), "received");
    outcomes.saw_if(received.is_err() && is_delivered, "delivered, and discarded");
    outcomes.saw_if(!is_delivered, "not offered");
}
