//! The turn of a task: how many events it receives before it is sent back to its executor.

use futures_core::Stream;
use ringbus::{Event, EventBus, EventType};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;

/// How many events a whole turn has.
const TURN: usize = 128;

#[derive(Clone)]
struct Tick;

impl Event for Tick {
    fn event_type(&self) -> EventType {
        const { EventType::new("tick") }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// Receives on a bus of its own until the task with this waker is sent back: so its turn is over.
pub fn use_up(waker: &Waker) {
    let bus = EventBus::new(TURN + 1);
    bus.publish_batch(&[const { Tick }; TURN + 1]).expect("there is room");
    let mut ticks = bus.subscribe(1);
    bus.start();
    let mut context = Context::from_waker(waker);
    let mut received = 0;
    while let Poll::Ready(tick) = Pin::new(&mut ticks).poll_next(&mut context) {
        assert!(tick.is_some(), "there are events");
        received += 1;
        assert!(received <= TURN, "a turn is longer than it may be");
    }
}
