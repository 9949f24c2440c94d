//! Retained events while others publish, subscribe, forget and start.

use crate::engine::{go, thread};
use crate::model::Outcomes;
use crate::token::{
    Bus, TOKEN, Token, delivered, drain, is_buffered, publish, receive_all, ring, spawn_publisher, spawn_starter,
};
use ringbus::{EventBus, PublishError};

/// A bus that retains tokens and has not started.
fn retaining_bus(startup_capacity: usize) -> Bus {
    EventBus::builder().startup_capacity(startup_capacity).ring(ring()).retain([TOKEN]).build()
}

/// The same, live.
fn live_bus() -> Bus {
    let bus = retaining_bus(0);
    bus.start();
    bus
}

/// The number of the token that the bus retains.
fn retained(bus: &Bus) -> Option<usize> {
    bus.retained(TOKEN).map(Token::read)
}

/// Publish × subscribe: the subscriber gets the last event of before, and every later one.
pub fn publish_subscribe(outcomes: &Outcomes) {
    let bus = live_bus();
    publish(&bus, &Token::new(0)).unwrap();
    let publisher = thread::spawn({
        let bus = bus.clone();
        move || (publish(&bus, &Token::new(1)), publish(&bus, &Token::new(2)))
    });
    go();
    let late = bus.subscribe(2);
    let (first, second) = publisher.join().unwrap();
    let (numbers, _) = drain(&late);
    match numbers[..] {
        [0, 1, 2] => outcomes.saw("came before both"),
        [1, 2] => outcomes.saw("came between them"),
        [2] => outcomes.saw("came after both"),
        _ => panic!("G14: the last one of before, and every later one, and not {numbers:?}"),
    }
    assert_eq!(
        delivered(&first) + delivered(&second),
        numbers.len() - 1,
        "G2: what is reported is what was in the ring"
    );
    assert_eq!(retained(&bus), Some(2), "the last one is retained");
}

/// Publish × publish by one that receives: both events arrive, in the order in which they were put,
/// and its own is there as soon as it was published.
pub fn publish_publish(outcomes: &Outcomes) {
    let bus = live_bus();
    let subscription = bus.subscribe(2);
    let tokens = [Token::new(1), Token::new(2)];
    let publisher = thread::spawn({
        let (bus, token) = (bus.clone(), tokens[0].clone());
        move || publish(&bus, &token)
    });
    go();
    let own = publish(&bus, &tokens[1]);
    let (mut numbers, _) = drain(&subscription);
    assert!(numbers.contains(&2), "an event that was published can be received");
    let had_both = numbers.len() == 2;
    let other = publisher.join().unwrap();
    numbers.extend(drain(&subscription).0);
    assert_eq!(numbers.len(), 2, "G2, G14: no gap, and none twice");
    assert_eq!(numbers.last().copied(), retained(&bus), "G14: none behind a later one");
    assert_eq!((delivered(&own), delivered(&other)), (1, 1), "each publish reports its own, whoever has offered it");
    // (Loom's double keeps all that was ever current.)
    if !cfg!(loom) {
        // What somebody worked on to the end goes with the next one who comes.
        drop(bus.subscribe(1));
        assert_eq!(tokens.iter().map(Token::copies).sum::<usize>(), 3, "G11: the last one alone is kept");
    }
    outcomes.saw_if(numbers == [1, 2], "put behind the other");
    outcomes.saw_if(numbers == [2, 1], "put before the other");
    outcomes.saw_if(had_both, "both were there at once");
}

/// Publish × publish × subscribe: whoever has subscribed gets the events in one order, and who
/// comes late the last one and those behind it.
pub fn publish_publish_subscribe(outcomes: &Outcomes) {
    let bus = live_bus();
    let early = bus.subscribe(2);
    let joiner = thread::spawn({
        let bus = bus.clone();
        move || bus.subscribe(2)
    });
    let publisher = spawn_publisher(&bus, 2);
    go();
    let own = publish(&bus, &Token::new(1));
    let published = delivered(&own) + delivered(&publisher.join().unwrap());
    let late = joiner.join().unwrap();
    let (order, _) = drain(&early);
    assert_eq!(order.len(), 2, "G2, G14: no gap, and none twice");
    assert_eq!(order.last().copied(), retained(&bus), "G14: none behind a later one");
    let in_ring = late.stats().len;
    let (numbers, _) = drain(&late);
    assert!(!numbers.is_empty() && order.ends_with(&numbers), "G14: {numbers:?} of {order:?}");
    assert_eq!(published, order.len() + in_ring, "G2: what is reported is what was in the rings");
    outcomes.saw_if(order == [1, 2], "first the one");
    outcomes.saw_if(order == [2, 1], "first the other");
    outcomes.saw_if(in_ring == 2, "came before both");
    outcomes.saw_if(in_ring == 1 && numbers.len() == 2, "came between them");
    outcomes.saw_if(in_ring == 0, "came after both");
}

/// Publish × publish × receive: the subscriber that waits wakes for both, whoever has offered them.
pub fn publish_publish_receive(outcomes: &Outcomes) {
    let bus = live_bus();
    let subscription = bus.subscribe(2);
    let publishers = [1, 2].map(|number| spawn_publisher(&bus, number));
    go();
    let first = subscription.recv().unwrap().read();
    let second = subscription.recv().unwrap().read();
    for publisher in publishers {
        publisher.join().unwrap().unwrap();
    }
    assert_eq!(first + second, 3, "G14: no gap, and none twice");
    assert_eq!(Some(second), retained(&bus), "G14: none behind a later one");
    outcomes.saw(if first == 1 { "first the one" } else { "first the other" });
}

/// Publish × forget × subscribe: what is forgotten is what was put before, and nobody's ring.
pub fn publish_forget_subscribe(outcomes: &Outcomes) {
    let bus = live_bus();
    publish(&bus, &Token::new(0)).unwrap();
    let publisher = spawn_publisher(&bus, 1);
    let forgetter = thread::spawn({
        let bus = bus.clone();
        move || bus.forget(TOKEN)
    });
    go();
    let late = bus.subscribe(1);
    let outcome = publisher.join().unwrap();
    forgetter.join().unwrap();
    let (numbers, _) = drain(&late);
    assert!(late.is_empty(), "who has received everything has nothing unread");
    let kept = retained(&bus);
    let in_ring = delivered(&outcome) == 1;
    match (&numbers[..], kept) {
        ([0, 1], _) => outcomes.saw("came before all"),
        ([1], Some(1)) if in_ring => outcomes.saw("came behind the forgetting, before the publish"),
        ([1], _) if !in_ring => outcomes.saw("came behind the publish, before any forgetting of it"),
        ([], None) => outcomes.saw("came behind both, of which the forgetting was the last"),
        _ => panic!("G14: {numbers:?} received, {kept:?} retained, in its ring: {in_ring}"),
    }
    outcomes.saw(if kept.is_some() { "forgotten first" } else { "published first" });
}

/// Start × publish × subscribe: who comes after the start gets the last event, also if that was
/// published before it, or is only on its way into the log.
pub fn start_publish_subscribe(outcomes: &Outcomes) {
    let bus = retaining_bus(2);
    publish(&bus, &Token::new(0)).unwrap();
    let publisher = spawn_publisher(&bus, 1);
    let starter = spawn_starter(&bus);
    go();
    let late = bus.subscribe(1);
    let was_started = bus.is_started();
    let mut numbers = drain(&late).0;
    let outcome = publisher.join().unwrap();
    starter.join().unwrap();
    numbers.extend(drain(&late).0);
    match numbers[..] {
        [0, 1] => outcomes.saw(if is_buffered(&outcome) { "both were replayed" } else { "one was replayed" }),
        [1] => {
            assert!(was_started, "G3: who has subscribed before the start gets the whole replay");
            outcomes.saw(if is_buffered(&outcome) { "the last one of the log" } else { "the first live one" });
        }
        _ => panic!("G14: the last one of before, and every later one, and not {numbers:?}"),
    }
    assert_eq!(retained(&bus), Some(1), "the last one is retained");
    assert_eq!(drain(&bus.subscribe(1)).0, [1], "G14: whoever comes now gets the last one");
}

/// Publish × close × receive: what was put before the close is received, and then `Closed`.
pub fn publish_close_subscribe(outcomes: &Outcomes) {
    let bus = live_bus();
    publish(&bus, &Token::new(0)).unwrap();
    let publisher = thread::spawn({
        let bus = bus.clone();
        move || {
            let outcome = publish(&bus, &Token::new(1));
            bus.close();
            outcome
        }
    });
    go();
    let late = bus.subscribe(1);
    let numbers = receive_all(&late);
    let outcome = publisher.join().unwrap();
    assert!(outcome.is_ok(), "nobody has closed the bus before");
    match numbers[..] {
        [0, 1] => outcomes.saw("came before the publish"),
        [1] => outcomes.saw("came behind it"),
        [] => outcomes.saw("came behind the close"),
        _ => panic!("G10, G14: what was accepted before the close, and not {numbers:?}"),
    }
    assert_eq!((late.len(), late.stats().unread_replay), (0, 0), "nothing is left to receive");
    assert_eq!(retained(&bus), None, "a closed bus retains nothing");
}

/// Publish × close: the event is received before `Closed`, or comes back. The closed bus keeps
/// nothing.
pub fn publish_close(outcomes: &Outcomes) {
    let bus = live_bus();
    let earlier = Token::new(1);
    publish(&bus, &earlier).unwrap();
    let subscription = bus.subscriber("late").retained(false).capacity(1).subscribe();
    let publisher = spawn_publisher(&bus, 0);
    go();
    bus.close();
    let outcome = publisher.join().unwrap();
    // (Loom's double keeps all that was ever current.)
    if !cfg!(loom) && outcome.is_err() {
        // On real threads, a publish that is told `Closed` at once may have held the snapshot
        // before for a moment, and leaves it to whoever comes.
        if !cfg!(shuttle) {
            drop(bus.subscribe(1));
        }
        assert_eq!(earlier.copies(), 1, "G11: a closed bus retains nothing");
    }
    let numbers = receive_all(&subscription);
    match outcome {
        Ok(published) => {
            outcomes.saw("accepted");
            assert_eq!((published.delivered, &numbers[..]), (1, &[0][..]), "G10: what was accepted is received");
        }
        Err(PublishError::Closed(token)) => {
            outcomes.saw("handed back");
            assert_eq!((token.read(), &numbers[..]), (0, &[][..]), "G2: it came back, and nowhere else");
        }
        Err(other) => panic!("a live bus refuses nothing: {other}"),
    }
}

/// Publish × start: whoever comes last of the two replaces the log by its last event, so that
/// nothing else of it is kept.
pub fn start_publish(outcomes: &Outcomes) {
    let bus = retaining_bus(2);
    let first = Token::new(0);
    publish(&bus, &first).unwrap();
    let publisher = spawn_publisher(&bus, 1);
    go();
    bus.start();
    let outcome = publisher.join().unwrap();
    outcomes.saw(if is_buffered(&outcome) { "buffered" } else { "live" });
    assert_eq!(retained(&bus), Some(1), "G14: the last one is retained");
    // Whoever displaces something drops what was displaced before and is no longer in use.
    drop(bus.subscribe(1));
    // (Loom's double keeps all that was ever current.)
    if !cfg!(loom) {
        assert_eq!(first.copies(), 1, "G11: the log is gone");
    }
}

/// Start × forget: whichever comes first, the event is forgotten, and nobody waits for it.
pub fn start_forget(outcomes: &Outcomes) {
    let bus = retaining_bus(1);
    publish(&bus, &Token::new(0)).unwrap();
    let forgetter = thread::spawn({
        let bus = bus.clone();
        move || bus.forget(TOKEN)
    });
    go();
    bus.start();
    let early = bus.subscribe(1);
    forgetter.join().unwrap();
    let late = bus.subscribe(1);
    let (numbers, _) = drain(&early);
    match numbers[..] {
        [0] => outcomes.saw("the start came first"),
        [] => outcomes.saw("forgotten by then"),
        _ => panic!("G14: the last event, or none, and not {numbers:?}"),
    }
    assert!(drain(&late).0.is_empty(), "G14: it is forgotten");
    assert_eq!((early.len(), late.len(), retained(&bus)), (0, 0, None), "nothing is left to receive");
}
