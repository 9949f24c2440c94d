//! What is published.

use ringbus::{Event, EventType};
use std::sync::Arc;
use std::time::SystemTime;

/// The type of events of which there is one type only.
pub const SAMPLE: EventType = EventType::new("benchmark.sample");

/// A 16-byte event that is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Small {
    /// Tells the events of a round apart.
    pub number: u64,
    /// Something to carry.
    pub payload: u64,
}

/// An event of some size that is shared.
#[derive(Clone, Debug)]
pub struct Shared(pub Arc<[u64; 16]>);

/// What every contestant carries.
pub trait Sample: Event + Clone + 'static {
    /// Makes the events of a round.
    fn batch(len: usize) -> Vec<Self>;

    /// What a receiver looks at, so that no contestant gets away with moving nothing.
    fn number(&self) -> u64;
}

impl Event for Small {
    fn event_type(&self) -> EventType {
        SAMPLE
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

impl Sample for Small {
    fn batch(len: usize) -> Vec<Self> {
        (0..len as u64).map(|number| Self { number, payload: !number }).collect()
    }

    fn number(&self) -> u64 {
        self.number
    }
}

impl Event for Shared {
    fn event_type(&self) -> EventType {
        SAMPLE
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

impl Sample for Shared {
    fn batch(len: usize) -> Vec<Self> {
        (0..len as u64).map(|number| Self(Arc::new([number; 16]))).collect()
    }

    fn number(&self) -> u64 {
        self.0[0]
    }
}
