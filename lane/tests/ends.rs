//! Closing, leaving, and being left.

mod common;

use common::Ledger;
use ringbus_lane::{PushError, channel};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn closed_ring_gives_what_it_holds_and_takes_no_more() {
    let (producer, consumer) = channel(40);
    producer.push_slice(&[1, 2, 3]);
    consumer.close();
    consumer.close();
    assert_eq!(producer.push(4), Err(PushError::Closed(4)));
    assert_eq!(producer.push_slice(&[4, 5]), 0);
    let mut batch = [Some(4), Some(5)];
    assert_eq!((producer.push_batch(&mut batch), batch), (0, [Some(4), Some(5)]));
    assert_eq!((consumer.pop(), consumer.pop(), consumer.len()), (Some(1), Some(2), 1));
    assert_eq!(producer.push(4), Err(PushError::Closed(4)), "room does not open it again");
    assert_eq!((consumer.pop(), consumer.pop()), (Some(3), None));
    assert!(producer.is_closed() && consumer.is_closed() && producer.clone().is_closed());
}

#[test]
fn full_ring_that_is_closed_says_closed() {
    let (producer, consumer) = channel(1);
    producer.push(1).unwrap();
    assert_eq!(producer.push(2), Err(PushError::Full(2)));
    consumer.close();
    assert_eq!(producer.push(2), Err(PushError::Closed(2)));
}

#[test]
fn dropping_the_consumer_closes_the_ring_and_drops_what_it_holds() {
    let ledger = Ledger::new(5);
    let (producer, consumer) = channel(4);
    (0..4).for_each(|number| assert!(producer.push(ledger.value(number)).is_ok()));
    drop(consumer.pop());
    assert_eq!(ledger.dropped(), 1);
    drop(consumer);
    assert_eq!(ledger.dropped(), 4);
    assert!(producer.is_closed() && producer.is_empty());
    drop(producer.push(ledger.value(4)).unwrap_err());
    ledger.assert_all_dropped_once();
}

#[test]
fn consumer_that_is_dropped_by_a_panic_drops_what_it_holds() {
    for producer_goes_first in [false, true] {
        let ledger = Ledger::new(4);
        let (producer, consumer) = channel(4);
        (0..4).for_each(|number| assert!(producer.push(ledger.value(number)).is_ok()));
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            // What was made last is dropped first.
            let _ends: (Option<_>, _, Option<_>) = match producer_goes_first {
                true => (Some(producer), consumer, None),
                false => (None, consumer, Some(producer)),
            };
            panic!("planned");
        }));
        assert!(unwound.is_err());
        ledger.assert_all_dropped_once();
    }
}

#[test]
fn values_live_until_they_are_popped_if_all_producers_go_first() {
    let ledger = Ledger::new(3);
    let (producer, consumer) = channel(4);
    let second = producer.clone();
    assert!(producer.push(ledger.value(0)).is_ok() && second.push(ledger.value(1)).is_ok());
    drop(producer);
    assert!(!consumer.is_abandoned());
    assert!(second.push(ledger.value(2)).is_ok());
    drop(second);
    assert!(consumer.is_abandoned() && !consumer.is_closed());
    assert_eq!((consumer.len(), ledger.dropped()), (3, 0));
    assert_eq!(consumer.pop().map(|value| value.number), Some(0));
    drop(consumer);
    ledger.assert_all_dropped_once();
}

#[test]
fn ring_is_abandoned_when_the_last_of_many_clones_goes() {
    let (producer, consumer) = channel::<u8>(1);
    let clones: Vec<_> = (0..10).map(|_| producer.clone()).collect();
    drop(producer);
    for clone in clones {
        assert!(!consumer.is_abandoned());
        let again = clone.clone();
        drop(clone);
        assert!(!consumer.is_abandoned());
        drop(again);
    }
    assert!(consumer.is_abandoned());
}

#[test]
fn errors_give_the_value_back_and_say_why() {
    let (producer, consumer) = channel(1);
    producer.push("first").unwrap();
    let full = producer.push("second").unwrap_err();
    assert_eq!((full.to_string().as_str(), format!("{full:?}").as_str()), ("the ring is full", "Full(..)"));
    assert_eq!(full.into_inner(), "second");
    drop(consumer);
    let closed = producer.push("third").unwrap_err();
    assert_eq!(closed.to_string(), "the consumer has closed the ring or is gone");
    assert_eq!((format!("{closed:?}").as_str(), closed.into_inner()), ("Closed(..)", "third"));
}

#[test]
fn ends_say_in_debug_how_full_the_ring_is() {
    let (producer, consumer) = channel(3);
    producer.push(1).unwrap();
    assert_eq!(format!("{producer:?}"), "Producer { len: 1, capacity: 3, is_closed: false }");
    assert_eq!(format!("{consumer:?}"), "Consumer { len: 1, capacity: 3, is_abandoned: false }");
    consumer.close();
    assert_eq!(format!("{producer:?}"), "Producer { len: 1, capacity: 3, is_closed: true }");
    drop(producer);
    assert_eq!(format!("{consumer:?}"), "Consumer { len: 1, capacity: 3, is_abandoned: true }");
}
