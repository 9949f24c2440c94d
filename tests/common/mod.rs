//! What the tests share.
#![allow(dead_code, reason = "each test file uses its part")]

use ringbus::{Event, EventType};
use std::time::SystemTime;

pub const EVEN: EventType = EventType::new("number.even");
pub const ODD: EventType = EventType::new("number.odd");

/// The plainest event: a number, whose type says whether it is even.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(pub u64);

impl Event for Number {
    fn event_type(&self) -> EventType {
        if self.0 % 2 == 0 { EVEN } else { ODD }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}
