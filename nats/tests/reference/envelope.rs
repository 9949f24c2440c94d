//! Which bytes are a message, written down in another way than in `Envelope::decode`.

use ringbus_nats::internals::{Envelope, EnvelopeError};

/// The first reason to refuse the bytes, as the table in the source has it.
fn reason(bytes: &[u8]) -> Option<EnvelopeError> {
    let word = |at: usize| bytes[at..].iter().take(8).fold(0_u64, |word, byte| (word << 8) | u64::from(*byte));
    Some(match *bytes {
        [version, ..] if version != 1 => EnvelopeError::OtherVersion { version },
        _ if bytes.len() < 36 => EnvelopeError::TooShort { length: bytes.len() },
        [_, _, _, byte, ..] if byte != 0 => EnvelopeError::Reserved { byte },
        [_, kind, ..] if !(1..=3).contains(&kind) => EnvelopeError::UnknownKind { kind },
        [_, 2 | 3, codec, ..] if codec != 0 || word(20) != 0 || bytes.len() > 36 => EnvelopeError::MoreThanANumber,
        _ if word(4) == 0 => EnvelopeError::NoOrigin,
        [_, 1, ..] if word(12) == u64::MAX => EnvelopeError::NoNumberFollows,
        _ => return None,
    })
}

/// The bytes are refused for the first reason there is, or read in such a way that writing gives
/// the same again.
pub fn check(bytes: &[u8]) {
    match Envelope::decode(bytes) {
        Ok((envelope, payload)) => {
            assert_eq!(reason(bytes), None);
            assert_eq!([&envelope.encode(), payload].concat(), bytes);
        }
        Err(error) => assert_eq!(Some(error), reason(bytes)),
    }
}
