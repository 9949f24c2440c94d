//! Start and replay.

use crate::engine::{Parks, block_on, go, thread};
use crate::model::Outcomes;
use crate::token::{
    Token, assert_unshared, delivered, drain, is_buffered, new_bus, publish, receive_all, spawn_publisher,
    spawn_starter, subscribe_with_share,
};

/// One publisher × start × a reader that parks: the event arrives, once.
pub fn publish_start_receive(outcomes: &Outcomes) {
    let parks = Parks::begin();
    let bus = new_bus(1);
    let subscription = bus.subscribe(1);
    let publisher = spawn_publisher(&bus, 0);
    let starter = spawn_starter(&bus);
    let reader = thread::spawn(move || (subscription.recv().map(Token::read), subscription));
    let outcome = publisher.join().unwrap();
    let replayed = starter.join().unwrap();
    let (received, subscription) = reader.join().unwrap();
    assert_eq!(received, Ok(0), "G3: an event accepted during start arrives");
    assert_eq!(replayed == 1, is_buffered(&outcome), "start counts what it replays");
    assert_eq!(drain(&subscription), (vec![], false), "G3: exactly once");
    outcomes.saw(if is_buffered(&outcome) { "replayed" } else { "delivered live" });
    outcomes.saw_if(parks.any(), "reader parked");
}

/// A publisher that fills its slot late × a subscriber that joins, starts the bus and parks in
/// front of that slot.
pub fn late_fill(outcomes: &Outcomes) {
    let parks = Parks::begin();
    let bus = new_bus(1);
    let publisher = spawn_publisher(&bus, 0);
    let reader = thread::spawn({
        let bus = bus.clone();
        move || {
            let subscription = bus.subscribe(1);
            bus.start();
            subscription.recv().map(Token::read)
        }
    });
    let outcome = publisher.join().unwrap();
    let received = reader.join().unwrap();
    assert_eq!(received, Ok(0), "G3, G6: kept for the replay or delivered live, it arrives");
    outcomes.saw(if is_buffered(&outcome) { "replayed" } else { "delivered live" });
    outcomes.saw_if(parks.any(), "reader parked");
}

/// Start and publish × a reader whose filter refuses the replay, and parks for its own ends: what
/// has woken the reader is used up then, and it is woken by the event all the same.
pub fn park_in_filter(outcomes: &Outcomes) {
    let parks = Parks::begin();
    let bus = new_bus(1);
    let parking = bus.subscriber("parking").capacity(1).filter(|token: &Token| {
        let is_replay = token.clone().read() == 0;
        if is_replay {
            thread::current().unpark();
            thread::park();
        }
        !is_replay
    });
    let subscription = parking.subscribe();
    publish(&bus, &Token::new(0)).unwrap();
    let publisher = thread::spawn({
        let bus = bus.clone();
        move || {
            bus.start();
            publish(&bus, &Token::new(1))
        }
    });
    let reader = thread::spawn(move || subscription.recv().map(Token::read));
    assert_eq!(delivered(&publisher.join().unwrap()), 1);
    assert_eq!(reader.join().unwrap(), Ok(1), "G7: what was delivered wakes who waits for it");
    outcomes.saw(if parks.any() { "reader parked" } else { "found at once" });
}

/// Several publishers × start × a reader that looks while they are at it, and once they are done:
/// each event arrives once, the replayed ones first.
pub fn publishers_start(outcomes: &Outcomes, publishers: usize) {
    let bus = new_bus(publishers);
    let subscription = bus.subscribe(publishers);
    let threads: Vec<_> = (0..publishers).map(|number| spawn_publisher(&bus, number)).collect();
    go();
    let replayed = bus.start();
    let (mut numbers, _) = drain(&subscription);
    outcomes.saw_if((1..publishers).contains(&numbers.len()), "read between two of them");
    let buffered: Vec<bool> = threads.into_iter().map(|thread| is_buffered(&thread.join().unwrap())).collect();
    numbers.extend(drain(&subscription).0);
    let in_order_of_arrival: Vec<bool> = numbers.iter().map(|&number| buffered[number]).collect();
    assert!(
        in_order_of_arrival.is_sorted_by_key(|&buffered| !buffered),
        "G4: the replay comes before every live event"
    );
    assert_eq!(replayed, buffered.into_iter().filter(|&buffered| buffered).count(), "start counts what it replays");
    outcomes.saw_if(replayed == 0, "all live");
    outcomes.saw_if((1..publishers).contains(&replayed), "some replayed, some live");
    outcomes.saw_if(replayed == publishers, "all replayed");
    outcomes.saw_if(!numbers.is_sorted(), "received in another order");
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..publishers), "G3: exactly once");
    assert_eq!(drain(&subscription), (vec![], false), "G3: exactly once");
}

/// Subscribe × start × publish: who got the replay has missed nothing since.
pub fn subscribe_start_publish(outcomes: &Outcomes) {
    let bus = new_bus(2);
    publish(&bus, &Token::new(0)).unwrap();
    let publisher = spawn_publisher(&bus, 1);
    let starter = thread::spawn({
        let bus = bus.clone();
        move || {
            bus.start();
            publish(&bus, &Token::new(2))
        }
    });
    go();
    let subscription = bus.subscribe(2);
    let racing = publisher.join().unwrap();
    let after = starter.join().unwrap();
    assert!(!is_buffered(&after), "what is published after start is not buffered");
    let (numbers, _) = drain(&subscription);
    let unread = bus.stats().subscribers[0].unread_replay;
    assert_eq!(unread, 0, "nobody is said to have a replay that it does not get");
    if numbers.first() == Some(&0) {
        let mut rest = numbers[1..].to_vec();
        if is_buffered(&racing) {
            assert_eq!(rest, [1, 2], "G4: the whole replay, then the live events");
            outcomes.saw("before start, two replayed");
        } else {
            outcomes.saw("before start, one replayed");
        }
        rest.sort_unstable();
        assert_eq!(rest, [1, 2], "G3, G6: who gets the replay was there before any live event, and misses none");
    } else {
        assert!(!numbers.contains(&0), "G4: no replayed event behind a live one");
        assert!(!(is_buffered(&racing) && numbers.contains(&1)), "the replay is given as a whole or not at all");
        assert_eq!(numbers.len(), delivered(&racing) + delivered(&after), "G2: what was delivered arrives");
        outcomes.saw("after start");
    }
}

/// Two starts × publish: one of them counts the replay, and when either has returned the bus is
/// live.
pub fn two_starts(outcomes: &Outcomes) {
    let bus = new_bus(2);
    let subscription = bus.subscribe(2);
    publish(&bus, &Token::new(0)).unwrap();
    let publisher = spawn_publisher(&bus, 1);
    let other = spawn_starter(&bus);
    go();
    let here = bus.start();
    assert!(bus.is_started(), "a second start helps the first before it returns");
    assert_eq!(subscription.try_recv().map(Token::read), Ok(0), "what start released can be received at once");
    let there = other.join().unwrap();
    let buffered = is_buffered(&publisher.join().unwrap());
    assert_eq!(here + there, 1 + usize::from(buffered), "exactly one start counts the replay");
    assert_eq!(drain(&subscription), (vec![1], false), "G3: exactly once");
    outcomes.saw(if here == 0 { "the other start was first" } else { "this start was first" });
    outcomes.saw(if buffered { "replayed" } else { "delivered live" });
}

/// A start-up buffer that is full × start.
pub fn full_buffer(outcomes: &Outcomes) {
    let bus = new_bus(1);
    let subscription = bus.subscribe(1);
    publish(&bus, &Token::new(0)).unwrap();
    let publisher = spawn_publisher(&bus, 1);
    let starter = spawn_starter(&bus);
    let outcome = publisher.join().unwrap();
    assert_eq!(starter.join().unwrap(), 1, "start counts what it replays");
    let expected: &[usize] = match outcome {
        Ok(published) => {
            assert_eq!(published.delivered, 1, "a full buffer takes nothing");
            outcomes.saw("delivered live");
            &[0, 1]
        }
        Err(error) => {
            assert_eq!(error.into_inner().read(), 1, "the event is handed back");
            outcomes.saw("handed back");
            &[0]
        }
    };
    assert_eq!(drain(&subscription), (expected.to_vec(), false), "G3: what was accepted arrives, and nothing else");
}

/// Two starts: when either has returned, the backlog can be received; and nothing is kept of a
/// subscriber that leaves.
pub fn second_start(outcomes: &Outcomes) {
    let bus = new_bus(1);
    let (subscription, share) = subscribe_with_share(&bus);
    publish(&bus, &Token::new(0)).unwrap();
    let first = spawn_starter(&bus);
    let second = thread::spawn({
        let bus = bus.clone();
        move || (bus.start(), subscription.try_recv().map(Token::read))
    });
    let here = first.join().unwrap();
    let (there, received) = second.join().unwrap();
    assert_eq!(received, Ok(0), "what start released can be received when it has returned, whoever did the work");
    assert_eq!(here + there, 1, "exactly one start counts the replay");
    assert_unshared(&share);
    outcomes.saw(if here == 1 { "the first was first" } else { "the second was first" });
}

/// Start × a subscriber that receives in batches: it gets the whole replay, in as many as it takes.
pub fn start_receive_many(outcomes: &Outcomes) {
    let bus = new_bus(2);
    let subscription = bus.subscribe(1);
    for number in 0..2 {
        publish(&bus, &Token::new(number)).unwrap();
    }
    let starter = spawn_starter(&bus);
    let mut received = Vec::new();
    let at_first = subscription.try_recv_many(&mut received, 8);
    starter.join().unwrap();
    while subscription.try_recv_many(&mut received, 8) > 0 {}
    let received: Vec<_> = received.into_iter().map(Token::read).collect();
    assert_eq!(received, [0, 1], "G3: the replay is whole, however much of it there was at first");
    outcomes.saw(match at_first {
        0 => "nothing at first",
        1 => "a part of it at first",
        _ => "all of it at first",
    });
}

/// The same with a task that waits, for a start on another thread or in front of a slot that is
/// filled late.
pub fn late_fill_awaited(outcomes: &Outcomes) {
    let bus = new_bus(1);
    let mut subscription = bus.subscribe(1);
    let publisher = spawn_publisher(&bus, 0);
    let starter = spawn_starter(&bus);
    let task = thread::spawn(move || block_on(subscription.recv_async()).map(Token::read));
    let outcome = publisher.join().unwrap();
    starter.join().unwrap();
    assert_eq!(task.join().unwrap(), Ok(0), "G3, G7: kept for the replay or delivered live, it arrives");
    outcomes.saw(if is_buffered(&outcome) { "replayed" } else { "delivered live" });
}

/// A publisher that fills its slot late × a reader that has published as well, closes the bus, so
/// that nothing more comes, and parks in front of that slot: it may be the first of the two, or the
/// last.
pub fn late_fill_among_others(outcomes: &Outcomes) {
    let parks = Parks::begin();
    let bus = new_bus(2);
    let subscription = bus.subscribe(1);
    let publisher = spawn_publisher(&bus, 0);
    let reader = thread::spawn(move || {
        publish(&bus, &Token::new(1)).unwrap();
        bus.close();
        receive_all(&subscription)
    });
    let is_buffered = is_buffered(&publisher.join().unwrap());
    let received = reader.join().unwrap();
    match (&*received, is_buffered) {
        ([0, 1], true) => outcomes.saw("it was the first"),
        ([1, 0], true) => outcomes.saw("it was the last"),
        ([1], false) => outcomes.saw("it was refused"),
        _ => panic!("G3, G7: what was accepted is received, but here {received:?}, accepted: {is_buffered}"),
    }
    outcomes.saw_if(parks.any() && received == [0, 1], "reader parked in front of the first");
    outcomes.saw_if(parks.any() && received == [1, 0], "reader parked in front of the last");
}

/// A start × a subscriber that joins and parks: if it came before, it is woken for its replay.
pub fn start_joiner(outcomes: &Outcomes) {
    let parks = Parks::begin();
    let bus = new_bus(1);
    publish(&bus, &Token::new(0)).unwrap();
    let starter = spawn_starter(&bus);
    let joiner = thread::spawn({
        let bus = bus.clone();
        move || {
            let subscription = bus.subscribe(1);
            // Phases only advance: so it had not started when this subscriber joined, either.
            let is_entitled = !bus.is_started();
            is_entitled.then(|| subscription.recv().map(Token::read))
        }
    });
    starter.join().unwrap();
    match joiner.join().unwrap() {
        Some(received) => {
            assert_eq!(received, Ok(0), "G4, G7: who joins before start gets the replay, and is woken for it");
            outcomes.saw("joined before start");
        }
        None => outcomes.saw("joined after it, or in between"),
    }
    outcomes.saw_if(parks.any(), "joiner parked");
}
