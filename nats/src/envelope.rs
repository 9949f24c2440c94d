//! What stands before the payload of each message: who sent it, which number it has, and whom it
//! is for.
//!
//! | bytes | | |
//! |---|---|---|
//! | 0 | version | 1 |
//! | 1 | kind | 1 an event, 2 a heartbeat, 3 a farewell |
//! | 2 | codec | of an event: `Codec::ID`, by which its payload is read; else 0 |
//! | 3 | reserved | 0 |
//! | 4..12 | origin | the sender's [`NodeId`] |
//! | 12..20 | number | of an event: its own, counted from 0; else the number that comes next |
//! | 20..28 | destination | of an event: the only node that it is for, or 0 for all; else 0 |
//! | 28..36 | sent | when, in nanoseconds since 1970 by the sender's clock |
//!
//! Events that go out together may carry the same time, up to 16 of them.
//!
//! Numbers are big endian. The event's type stands in the subject, and whether it asks or answers
//! the event says itself, so neither is here. The payload follows; only an event has one.

use crate::node_id::NodeId;
use std::error::Error;
use std::fmt;

/// The only version there is.
const VERSION: u8 = 1;

const EVENT: u8 = 1;
const HEARTBEAT: u8 = 2;
const FAREWELL: u8 = 3;

/// What every message begins with.
///
/// Whatever can be made can be written, and whatever was written can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Envelope {
    /// What the message is.
    kind: Kind,
    /// Who sent it.
    origin: NodeId,
    /// Of an event its own number, which is never the last one, `u64::MAX`; else the next one.
    number: u64,
    /// When it was sent, in nanoseconds since 1970 by the sender's clock.
    sent_ns: u64,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An event, which has a number of its own. Requests and responses are events.
    Event {
        /// By which codec its payload is read.
        codec: u8,
        /// The only node that it is for, such as the one that asked. `None`: all are.
        destination: Option<NodeId>,
    },
    /// Says which number comes next: the first message of every node, and a sign of life.
    Heartbeat,
    /// Says which number would come next, if the node went on. It is the last message.
    Farewell,
}

impl Envelope {
    /// How many bytes it has.
    pub const LEN: usize = 36;

    /// That of a message. The number is the event's own, or else the one that comes next.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::NoNumberFollows`] if an event has the last number, `u64::MAX`.
    pub const fn new(kind: Kind, origin: NodeId, number: u64, sent_ns: u64) -> Result<Self, EnvelopeError> {
        match kind {
            Kind::Event { .. } if number == u64::MAX => Err(EnvelopeError::NoNumberFollows),
            _ => Ok(Self { kind, origin, number, sent_ns }),
        }
    }

    /// What the message is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Who sent it.
    #[must_use]
    pub const fn origin(&self) -> NodeId {
        self.origin
    }

    /// Of an event its own number; else the one that comes next.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// When it was sent, in nanoseconds since 1970 by the sender's clock.
    #[cfg_attr(not(feature = "__internals"), allow(dead_code, reason = "for people, and for other programs"))]
    #[must_use]
    pub const fn sent_ns(&self) -> u64 {
        self.sent_ns
    }

    /// The number that comes after this message: how many events its origin had sent by then, with
    /// this one.
    #[must_use]
    pub const fn next(&self) -> u64 {
        match self.kind {
            // No overflow: `new` refuses the last number.
            Kind::Event { .. } => self.number + 1,
            Kind::Heartbeat | Kind::Farewell => self.number,
        }
    }

    /// As bytes. The payload of an event comes after them.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::LEN] {
        let (kind, codec, destination) = match self.kind {
            Kind::Event { codec, destination } => (EVENT, codec, destination.map_or(0, NodeId::to_bits)),
            Kind::Heartbeat => (HEARTBEAT, 0, 0),
            Kind::Farewell => (FAREWELL, 0, 0),
        };
        let mut bytes = [0; Self::LEN];
        bytes[..4].copy_from_slice(&[VERSION, kind, codec, 0]);
        for (place, word) in
            bytes[4..].chunks_exact_mut(8).zip([self.origin.to_bits(), self.number, destination, self.sent_ns])
        {
            place.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }

    /// Reads what a message begins with, and gives back the payload that comes after it.
    ///
    /// The bytes may come from anybody: whatever they are, this returns. What it reads,
    /// [`encode`](Self::encode) writes again bit by bit.
    ///
    /// # Errors
    ///
    /// An [`EnvelopeError`] if this is not what a bridge of this version sends. Another version is
    /// told first, because what comes after it may be arranged in another way.
    pub fn decode(message: &[u8]) -> Result<(Self, &[u8]), EnvelopeError> {
        match message.first() {
            Some(&VERSION) | None => {}
            Some(&version) => return Err(EnvelopeError::OtherVersion { version }),
        }
        let Some((head, payload)) = message.split_first_chunk::<{ Self::LEN }>() else {
            return Err(EnvelopeError::TooShort { length: message.len() });
        };
        let [_, kind, codec, reserved] = [head[0], head[1], head[2], head[3]];
        let [origin, number, destination, sent_ns] = [4, 12, 20, 28].map(|at| {
            let bytes = head[at..at + 8].try_into().expect("a word has eight bytes");
            u64::from_be_bytes(bytes)
        });
        if reserved != 0 {
            return Err(EnvelopeError::Reserved { byte: reserved });
        }
        let kind = match kind {
            EVENT => Kind::Event { codec, destination: NodeId::from_bits(destination) },
            HEARTBEAT => Kind::Heartbeat,
            FAREWELL => Kind::Farewell,
            kind => return Err(EnvelopeError::UnknownKind { kind }),
        };
        if !matches!(kind, Kind::Event { .. }) && (codec != 0 || destination != 0 || !payload.is_empty()) {
            return Err(EnvelopeError::MoreThanANumber);
        }
        let origin = NodeId::from_bits(origin).ok_or(EnvelopeError::NoOrigin)?;
        Ok((Self::new(kind, origin, number, sent_ns)?, payload))
    }
}

/// Why a message is not one that a bridge of this version sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// It has fewer bytes than every message has.
    TooShort {
        /// How many it has.
        length: usize,
    },
    /// It was sent by a bridge of another version, or by something else.
    OtherVersion {
        /// Which one it names.
        version: u8,
    },
    /// It is of no kind that this version knows.
    UnknownKind {
        /// Which one it names.
        kind: u8,
    },
    /// A byte that has no meaning in this version has a value.
    Reserved {
        /// Which one; 0 is expected.
        byte: u8,
    },
    /// Its origin is 0, which is nobody.
    NoOrigin,
    /// A heartbeat or a farewell has a codec, a destination or a payload.
    MoreThanANumber,
    /// An event has the number `u64::MAX`, after which there is none.
    NoNumberFollows,
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { length } => {
                write!(f, "the message has {length} bytes, fewer than the {} of an envelope", Envelope::LEN)
            }
            Self::OtherVersion { version } => {
                write!(f, "the envelope is of version {version}, this is version {VERSION}")
            }
            Self::UnknownKind { kind } => write!(f, "messages of kind {kind} are not known"),
            Self::Reserved { byte } => write!(f, "the reserved byte of the envelope is {byte} instead of 0"),
            Self::NoOrigin => f.write_str("the envelope names no origin"),
            Self::MoreThanANumber => f.write_str("a heartbeat or a farewell carries more than a number"),
            Self::NoNumberFollows => write!(f, "no number follows that of the event, {}", u64::MAX),
        }
    }
}

impl Error for EnvelopeError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(bits: u64) -> NodeId {
        NodeId::from_bits(bits).expect("not 0")
    }

    const EVENT_BYTES: [u8; 36] = [
        1, 1, 7, 0, // version, kind, codec, reserved
        0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, // origin
        0, 0, 0, 0, 0, 0, 0x01, 0x00, // number
        0, 0, 0, 0, 0, 0, 0, 0x2a, // destination
        0x10, 0, 0, 0, 0, 0, 0, 0x01, // sent
    ];

    fn event() -> Envelope {
        let kind = Kind::Event { codec: 7, destination: Some(node(42)) };
        Envelope::new(kind, node(0x0102_0304_0506_0708), 256, 0x1000_0000_0000_0001).expect("a number follows")
    }

    /// What other implementations have to write.
    #[test]
    fn envelope_has_these_bytes() {
        assert_eq!(event().encode(), EVENT_BYTES);
        let heartbeat = Envelope::new(Kind::Heartbeat, node(1), 3, 2).expect("any number");
        let mut expected = [0; 36];
        (expected[0], expected[1]) = (1, 2);
        (expected[11], expected[19], expected[35]) = (1, 3, 2);
        assert_eq!(heartbeat.encode(), expected);
        let farewell = Envelope::new(Kind::Farewell, node(1), 3, 2).expect("any number");
        expected[1] = 3;
        assert_eq!(farewell.encode(), expected);
    }

    #[test]
    fn what_follows_the_envelope_is_the_payload() {
        let mut message = EVENT_BYTES.to_vec();
        assert_eq!(Envelope::decode(&message), Ok((event(), &[][..])));
        message.extend(b"payload");
        assert_eq!(Envelope::decode(&message), Ok((event(), &b"payload"[..])));
    }

    #[test]
    fn event_without_destination_is_for_all() {
        let mut message = EVENT_BYTES;
        message[27] = 0;
        let (envelope, _) = Envelope::decode(&message).expect("an event");
        assert_eq!(envelope.kind(), Kind::Event { codec: 7, destination: None });
    }

    /// The message with this byte there.
    fn with(at: usize, byte: u8) -> [u8; 36] {
        let mut message = EVENT_BYTES;
        message[at] = byte;
        message
    }

    #[test]
    fn message_that_is_cut_anywhere_is_refused() {
        for length in 0..Envelope::LEN {
            assert_eq!(Envelope::decode(&EVENT_BYTES[..length]), Err(EnvelopeError::TooShort { length }));
        }
    }

    #[test]
    fn other_versions_are_named_before_anything_else() {
        for version in (0..=u8::MAX).filter(|&version| version != 1) {
            let expected = Err(EnvelopeError::OtherVersion { version });
            assert_eq!(Envelope::decode(&with(0, version)), expected);
            assert_eq!(Envelope::decode(&[version]), expected, "also if it is shorter");
        }
    }

    #[test]
    fn kinds_that_nobody_knows_are_refused() {
        for kind in [0].into_iter().chain(4..=u8::MAX) {
            assert_eq!(Envelope::decode(&with(1, kind)), Err(EnvelopeError::UnknownKind { kind }));
        }
    }

    #[test]
    fn reserved_byte_must_be_zero() {
        for byte in 1..=u8::MAX {
            assert_eq!(Envelope::decode(&with(3, byte)), Err(EnvelopeError::Reserved { byte }));
        }
    }

    #[test]
    fn message_without_origin_is_refused() {
        let mut message = EVENT_BYTES;
        message[4..12].fill(0);
        assert_eq!(Envelope::decode(&message), Err(EnvelopeError::NoOrigin));
    }

    #[test]
    fn heartbeat_and_farewell_carry_nothing_but_a_number() {
        for kind in [Kind::Heartbeat, Kind::Farewell] {
            let bytes = Envelope::new(kind, node(1), 3, 2).expect("any number").encode();
            for at in [2, 20, 27, 36] {
                let mut message = bytes.to_vec();
                message.resize(bytes.len().max(at + 1), 0);
                message[at] = 1;
                assert_eq!(Envelope::decode(&message), Err(EnvelopeError::MoreThanANumber), "{kind:?}, byte {at}");
            }
            assert!(Envelope::decode(&bytes).is_ok());
        }
    }

    #[test]
    fn event_has_a_number_that_another_one_can_follow() {
        let mut message = EVENT_BYTES;
        message[12..20].fill(0xff);
        assert_eq!(Envelope::decode(&message), Err(EnvelopeError::NoNumberFollows));
        message[19] = 0xfe;
        assert_eq!(Envelope::decode(&message).map(|(envelope, _)| envelope.next()), Ok(u64::MAX));
        // Such a heartbeat may be sent.
        assert_eq!(Envelope::new(Kind::Heartbeat, node(1), u64::MAX, 0).map(|it| it.next()), Ok(u64::MAX));
    }

    #[test]
    fn errors_say_what_was_found() {
        let said = |message: &[u8]| Envelope::decode(message).expect_err("refused").to_string();
        assert_eq!(said(&[1; 8]), "the message has 8 bytes, fewer than the 36 of an envelope");
        assert_eq!(said(&with(0, 9)), "the envelope is of version 9, this is version 1");
        assert_eq!(said(&with(1, 9)), "messages of kind 9 are not known");
        assert_eq!(said(&with(3, 9)), "the reserved byte of the envelope is 9 instead of 0");
    }
}
