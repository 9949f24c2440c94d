//! Positions count all values that were ever pushed, and wrap around.

mod common;

use common::Random;
use ringbus_lane::{PushError, channel_at};
use std::collections::VecDeque;

/// Where positions pass 0, and where they change sign: in steps, from either side, and by how the
/// steps are turned into positions.
fn beginnings() -> Vec<usize> {
    let edges = [0, usize::MAX / 2 + 1, usize::MAX / 4 + 1, usize::MAX / 4 * 3 + 3];
    edges.into_iter().flat_map(|edge: usize| [1, 4, 9, 33].map(|before| edge.wrapping_sub(before))).collect()
}

#[test]
fn ring_behaves_as_a_queue_where_positions_wrap_around() {
    for steps in beginnings() {
        for capacity in [1, 2, 3, 5, 8, 13] {
            let (producer, consumer) = channel_at(capacity, steps).unwrap();
            let mut queue = VecDeque::new();
            let mut random = Random(steps as u64 | 1);
            let mut next = 0_usize;
            for _ in 0..200 {
                let room = capacity - queue.len();
                let count = random.below(capacity + 3);
                let values: Vec<_> = (next..next + count).collect();
                match random.below(5) {
                    0 => match producer.push(next) {
                        Ok(()) => queue.push_back(next),
                        Err(error) => assert_eq!((error, room), (PushError::Full(next), 0)),
                    },
                    1 => {
                        let mut batch: Vec<_> = values.iter().copied().map(Some).collect();
                        assert_eq!(producer.push_batch(&mut batch), count.min(room));
                        assert_eq!(batch.iter().flatten().count(), count - count.min(room));
                        queue.extend(values.iter().take(room));
                    }
                    2 => {
                        assert_eq!(producer.push_slice(&values), count.min(room));
                        queue.extend(values.iter().take(room));
                    }
                    3 => assert_eq!(consumer.pop(), queue.pop_front()),
                    _ => {
                        let mut popped = Vec::new();
                        assert_eq!(consumer.pop_many(&mut popped, count), count.min(queue.len()));
                        assert_eq!(popped, queue.drain(..count.min(queue.len())).collect::<Vec<_>>());
                    }
                }
                next += count + 1;
                let len = queue.len();
                assert_eq!((producer.len(), consumer.len()), (len, len), "{steps} steps, capacity {capacity}");
                assert_eq!((producer.is_empty(), consumer.is_empty()), (len == 0, len == 0));
            }
        }
    }
}

#[test]
fn ring_is_closed_where_positions_wrap_around() {
    for steps in beginnings() {
        for pushed in 0..12 {
            let (producer, consumer) = channel_at(16, steps).unwrap();
            assert_eq!((0..pushed).filter(|number| producer.push(*number).is_ok()).count(), pushed);
            assert!(!producer.is_closed());
            consumer.close();
            assert_eq!(producer.push(99), Err(PushError::Closed(99)));
            assert_eq!((producer.is_closed(), producer.len(), consumer.len()), (true, pushed, pushed));
            assert_eq!(std::iter::from_fn(|| consumer.pop()).collect::<Vec<_>>(), (0..pushed).collect::<Vec<_>>());
        }
    }
}

#[test]
fn threads_meet_where_positions_wrap_around() {
    for steps in beginnings().into_iter().step_by(3) {
        for capacity in [1, 3] {
            let (producer, consumer) = channel_at(capacity, steps).unwrap();
            let pusher = std::thread::spawn(move || {
                for number in 0..40 {
                    while producer.push(number).is_err() {
                        std::thread::yield_now();
                    }
                }
            });
            for number in 0..40 {
                let value = loop {
                    match consumer.pop() {
                        Some(value) => break value,
                        None => std::thread::yield_now(),
                    }
                };
                assert_eq!(value, number);
            }
            pusher.join().unwrap();
            assert!(consumer.is_empty());
        }
    }
}
