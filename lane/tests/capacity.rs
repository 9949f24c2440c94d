//! How many values fit, and of which size.

use ringbus_lane::{PushError, channel, try_channel};
use std::panic::catch_unwind;

#[test]
fn ring_holds_exactly_its_capacity() {
    for capacity in (1..=70).chain([255, 256, 257, 1_000]) {
        let (producer, consumer) = channel(capacity);
        assert_eq!((producer.capacity(), consumer.capacity()), (capacity, capacity));
        // In each lap, whichever slot it begins with.
        for lap in 0..5 {
            for number in 0..capacity {
                assert_eq!((producer.len(), consumer.len()), (number, number));
                assert_eq!(producer.push((lap, number)), Ok(()), "{number} of {capacity} in lap {lap}");
            }
            assert_eq!(producer.push((lap, capacity)), Err(PushError::Full((lap, capacity))));
            assert_eq!((producer.len(), producer.is_empty()), (capacity, false));
            for number in 0..capacity {
                assert_eq!(consumer.pop(), Some((lap, number)));
            }
            assert_eq!((consumer.pop(), consumer.is_empty(), producer.is_empty()), (None, true, true));
        }
    }
}

#[test]
fn full_ring_has_room_again_after_each_pop() {
    for capacity in 1..20 {
        let (producer, consumer) = channel(capacity);
        for number in 0..capacity {
            producer.push(number).unwrap();
        }
        for number in 0..100 {
            assert!(producer.push(0).is_err());
            assert_eq!(consumer.pop(), Some(number));
            producer.push(number + capacity).unwrap();
        }
    }
}

#[test]
fn batch_gets_as_much_as_fits() {
    for capacity in 1..20 {
        for before in 0..=capacity {
            let (producer, consumer) = channel(capacity);
            assert_eq!(producer.push_slice(&vec![99; before]), before);
            let mut batch: Vec<_> = (0..30).map(Some).collect();
            let fitting = capacity - before;
            assert_eq!(producer.push_batch(&mut batch), fitting);
            assert!(batch[..fitting].iter().all(Option::is_none));
            assert_eq!(batch[fitting..], (fitting..30).map(Some).collect::<Vec<_>>());
            let mut popped = Vec::new();
            assert_eq!(consumer.pop_many(&mut popped, usize::MAX), capacity);
            assert_eq!(popped[before..], (0..fitting).collect::<Vec<_>>());
        }
    }
}

#[test]
fn batch_of_any_length_is_claimed_at_once() {
    for len in [63, 64, 65, 1_000] {
        let (producer, consumer) = channel(1_000);
        let mut batch: Vec<_> = (0..len).map(Some).collect();
        assert_eq!((producer.push_batch(&mut batch), consumer.len()), (len, len));
    }
}

#[test]
fn batch_with_holes_keeps_its_order() {
    let (producer, consumer) = channel(3);
    let mut batch = [None, Some(1), None, None, Some(2), Some(3), None, Some(4)];
    assert_eq!(producer.push_batch(&mut batch), 3);
    assert_eq!(batch, [None, None, None, None, None, None, None, Some(4)]);
    assert_eq!(producer.push_batch(&mut batch), 0, "the ring is full");
    assert_eq!(batch[7], Some(4), "what does not fit stays");
    assert_eq!([consumer.pop(), consumer.pop(), consumer.pop(), consumer.pop()], [Some(1), Some(2), Some(3), None]);
    assert_eq!(producer.push_batch(&mut batch), 1);
    assert_eq!(producer.push_batch(&mut batch), 0, "there is nothing left");
    assert_eq!(producer.push_batch(&mut []), 0);
    assert_eq!([consumer.pop(), consumer.pop()], [Some(4), None]);
}

#[test]
fn slice_gets_as_much_as_fits() {
    // Around the 32 values that are cloned at a time.
    for len in [0, 1, 31, 32, 33, 63, 64, 65, 100] {
        for capacity in [1, 31, 32, 33, 64, 65, 200] {
            let (producer, consumer) = channel(capacity);
            let values: Vec<_> = (0..len).collect();
            let fitting = len.min(capacity);
            assert_eq!(producer.push_slice(&values), fitting, "{len} values into a ring for {capacity}");
            let mut popped = Vec::new();
            assert_eq!(consumer.pop_many(&mut popped, usize::MAX), fitting);
            assert_eq!(popped, values[..fitting]);
        }
    }
}

#[test]
fn pop_many_takes_no_more_than_it_is_told() {
    let (producer, consumer) = channel(10);
    producer.push_slice(&[0, 1, 2, 3, 4]);
    let mut popped = vec![9];
    assert_eq!(consumer.pop_many(&mut popped, 0), 0);
    assert_eq!(consumer.pop_many(&mut popped, 3), 3);
    assert_eq!((popped.as_slice(), consumer.len()), ([9, 0, 1, 2].as_slice(), 2), "it appends");
    assert_eq!(consumer.pop_many(&mut popped, 3), 2);
    assert_eq!(consumer.pop_many(&mut popped, 3), 0);
}

#[test]
fn values_without_a_size_are_counted() {
    let (producer, consumer) = channel(3);
    assert_eq!(producer.push_slice(&[(); 5]), 3);
    assert_eq!(producer.push(()), Err(PushError::Full(())));
    let mut popped = Vec::new();
    assert_eq!((consumer.pop(), consumer.pop_many(&mut popped, usize::MAX), consumer.pop()), (Some(()), 2, None));
}

#[test]
fn large_values_arrive_whole() {
    let value = |number: u64| [number; 512]; // 4 KiB
    let (producer, consumer) = channel(40);
    let values: Vec<_> = (0..50).map(value).collect();
    assert_eq!(producer.push_slice(&values), 40);
    assert_eq!(producer.push(value(50)), Err(PushError::Full(value(50))));
    let mut popped = Vec::new();
    assert_eq!(consumer.pop_many(&mut popped, 30), 30);
    let mut batch: Vec<_> = (50..90).map(value).map(Some).collect();
    assert_eq!(producer.push_batch(&mut batch), 30);
    popped.extend(std::iter::from_fn(|| consumer.pop()));
    let numbers: Vec<_> = (0..40).chain(50..80).map(value).collect();
    assert!(popped == numbers);
}

#[test]
fn ring_of_no_values_cannot_be_made() {
    assert!(catch_unwind(|| channel::<u8>(0)).is_err());
    assert!(catch_unwind(|| try_channel::<u8>(0)).is_err());
}

#[test]
fn ring_that_finds_no_memory_is_an_error() {
    // More than a `Vec` may have, and no power of two behind it. (The allocators of sanitizers end
    // the process if they are asked for a little less.)
    for capacity in [usize::MAX, usize::MAX / 2 + 2, usize::MAX / 2, usize::MAX / 16] {
        assert!(try_channel::<[u8; 64]>(capacity).is_err(), "{capacity} values");
    }
    // Values of no size have a mark of one byte each.
    for capacity in [usize::MAX, usize::MAX / 2 + 2, usize::MAX / 2] {
        assert!(try_channel::<()>(capacity).is_err(), "{capacity} values of no size");
    }
    assert!(catch_unwind(|| channel::<u8>(usize::MAX)).is_err());
}
