//! Whatever bytes come in, they are refused or read; and what is written is read again.

#[path = "reference/envelope.rs"]
mod reference;

use proptest::collection::vec;
use proptest::prelude::*;
use reference::check;
use ringbus_nats::internals::{self, Envelope, Kind};

fn envelope() -> impl Strategy<Value = Envelope> {
    let event = (any::<u8>(), any::<u64>()).prop_map(|(codec, destination)| {
        let destination = internals::node(destination);
        Kind::Event { codec, destination }
    });
    let to_all = any::<u8>().prop_map(|codec| Kind::Event { codec, destination: None });
    let kind = prop_oneof![event, to_all, Just(Kind::Heartbeat), Just(Kind::Farewell)];
    (kind, 1..=u64::MAX, 0..u64::MAX, any::<u64>()).prop_map(|(kind, origin, number, sent_ns)| {
        let origin = internals::node(origin).expect("not 0");
        Envelope::new(kind, origin, number, sent_ns).expect("one follows")
    })
}

/// Bytes that are refused, or not, for more reasons than their length and version.
fn nearly_a_message() -> impl Strategy<Value = Vec<u8>> {
    let few = prop_oneof![4 => Just(0_u8), 2 => Just(1_u8), 1 => Just(2_u8), 1 => Just(3_u8), 1 => any::<u8>()];
    let word = prop_oneof![Just(0_u64), Just(1), Just(u64::MAX), any::<u64>()];
    (vec(few, 4), vec(word, 4), vec(any::<u8>(), 0..4), 0..40_usize).prop_map(|(mut bytes, words, payload, length)| {
        bytes[0] = bytes[0].max(1);
        bytes.extend(words.into_iter().flat_map(u64::to_be_bytes));
        bytes.extend(payload);
        // Most of them whole.
        bytes.truncate(if length < 6 { length * 7 } else { bytes.len() });
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_again(envelope in envelope(), payload in vec(any::<u8>(), 0..50)) {
        let is_event = matches!(envelope.kind(), Kind::Event { .. });
        let payload = if is_event { payload } else { Vec::new() };
        let message = [&envelope.encode()[..], &payload].concat();
        prop_assert_eq!(Envelope::decode(&message), Ok((envelope, &payload[..])));
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in vec(any::<u8>(), 0..80)) {
        check(&bytes);
    }

    #[test]
    fn bytes_that_are_nearly_a_message_are_refused_for_the_first_reason(bytes in nearly_a_message()) {
        check(&bytes);
    }

    /// A whole message of which one byte is another.
    #[test]
    fn one_byte_that_is_another_is_noticed(envelope in envelope(), at in 0..36_usize, byte in any::<u8>()) {
        let mut bytes = envelope.encode();
        bytes[at] = byte;
        check(&bytes);
        if let Ok((other, _)) = Envelope::decode(&bytes) {
            prop_assert_eq!(other == envelope, bytes == envelope.encode());
        }
    }
}
