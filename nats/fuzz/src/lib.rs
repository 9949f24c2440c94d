//! What the fuzz targets check: `envelope` any bytes, and `numbering` any traffic, against the
//! references that the property tests have, too.
#![forbid(unsafe_code)]

#[path = "../../tests/reference/envelope.rs"]
mod envelope;
#[path = "../../tests/reference/numbering.rs"]
mod numbering;

use arbitrary::Arbitrary;
use numbering::Step;
use ringbus_nats::internals::{self, Envelope, Kind, Limits};
use std::time::Duration;

/// Messages that come to one bridge, which is the node 1.
#[derive(Arbitrary, Debug)]
pub struct Traffic {
    /// How many nodes it follows at once: up to 7.
    room: u8,
    /// After how many seconds a node may be forgotten.
    silent_after: u8,
    messages: Vec<Message>,
}

#[derive(Arbitrary, Debug)]
struct Message {
    kind: MessageKind,
    /// One of 8 nodes.
    origin: u8,
    number: Number,
    /// How many seconds have passed since the one before.
    after: u8,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum MessageKind {
    Event,
    Heartbeat,
    Farewell,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Number {
    /// From 0.
    Small(u8),
    /// Down from `u64::MAX`.
    Large(u8),
    Any(u64),
}

/// More messages are not looked at: the reference counts all of them anew each time.
const MOST: usize = 64;

impl Message {
    /// `None` if there is no such message.
    fn step(&self) -> Option<Step> {
        let kind = match self.kind {
            MessageKind::Event => Kind::Event { codec: 0, destination: None },
            MessageKind::Heartbeat => Kind::Heartbeat,
            MessageKind::Farewell => Kind::Farewell,
        };
        let number = match self.number {
            Number::Small(number) => u64::from(number),
            Number::Large(number) => u64::MAX - u64::from(number),
            Number::Any(number) => number,
        };
        let origin = internals::node(u64::from(self.origin % 8) + 1)?;
        let message = Envelope::new(kind, origin, number, 0).ok()?;
        Some(Step { message, after: Duration::from_secs(self.after.into()) })
    }
}

/// Bytes are refused for the first reason there is, or read.
pub fn check_envelope(bytes: &[u8]) {
    envelope::check(bytes);
}

/// A listener does what the reference does.
pub fn check_numbering(traffic: &Traffic) {
    let limits = Limits {
        origins: usize::from(traffic.room % 8),
        silent_after: Duration::from_secs(traffic.silent_after.into()),
    };
    let own = internals::node(1).expect("not 0");
    numbering::check(own, limits, traffic.messages.iter().take(MOST).filter_map(Message::step));
}
