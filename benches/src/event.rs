//! What is published.

use ringbus::{Event, EventType};
use std::hint::black_box;
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

/// An event of so many words of 8 bytes that is copied.
#[derive(Clone, Copy, Debug)]
pub struct Words<const WORDS: usize>(pub [u64; WORDS]);

/// An event of so many words of 8 bytes that is cloned, and that has something to do when it is
/// dropped.
#[derive(Clone, Debug)]
pub struct Dropped<const WORDS: usize>(pub [u64; WORDS]);

impl<const WORDS: usize> Drop for Dropped<WORDS> {
    fn drop(&mut self) {
        // Next to nothing, but the compiler must have it done, once for each event.
        black_box(self.0[0]);
    }
}

/// What every contestant carries.
pub trait Sample: Event + Clone + 'static {
    /// Makes the events of a round.
    fn batch(len: usize) -> Vec<Self>;

    /// What a receiver looks at, so that no contestant gets away with moving nothing.
    fn number(&self) -> u64;
}

macro_rules! event {
    ($event:ty $(, const $parameter:ident)?) => {
        impl$(<const $parameter: usize>)? Event for $event {
            fn event_type(&self) -> EventType {
                SAMPLE
            }

            fn timestamp(&self) -> SystemTime {
                SystemTime::UNIX_EPOCH
            }
        }
    };
}

event!(Small);
event!(Shared);
event!(Words<WORDS>, const WORDS);
event!(Dropped<WORDS>, const WORDS);

impl Sample for Small {
    fn batch(len: usize) -> Vec<Self> {
        (0..len as u64).map(|number| Self { number, payload: !number }).collect()
    }

    fn number(&self) -> u64 {
        self.number
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

impl<const WORDS: usize> Sample for Words<WORDS> {
    fn batch(len: usize) -> Vec<Self> {
        (0..len as u64).map(|number| Self([number; WORDS])).collect()
    }

    fn number(&self) -> u64 {
        self.0[0]
    }
}

impl<const WORDS: usize> Sample for Dropped<WORDS> {
    fn batch(len: usize) -> Vec<Self> {
        (0..len as u64).map(|number| Self([number; WORDS])).collect()
    }

    fn number(&self) -> u64 {
        self.0[0]
    }
}
