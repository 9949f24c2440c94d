//! What a listener makes of messages agrees with a reference, whatever comes.

#[path = "reference/numbering.rs"]
mod reference;

use proptest::collection::vec;
use proptest::prelude::*;
use reference::Step;
use ringbus_nats::internals::{self, Envelope, Kind, Limits};
use std::time::Duration;

/// Few nodes, of which the first is the listener, and numbers that are near each other or at their
/// end.
fn message() -> impl Strategy<Value = Envelope> {
    let kind = prop_oneof![
        6 => Just(Kind::Event { codec: 7, destination: None }),
        2 => Just(Kind::Heartbeat),
        1 => Just(Kind::Farewell),
    ];
    let number = prop_oneof![40 => 0..12_u64, 1 => (u64::MAX - 3)..u64::MAX];
    (kind, 1..6_u64, number).prop_map(|(kind, origin, number)| {
        let origin = internals::node(origin).expect("not 0");
        Envelope::new(kind, origin, number, 0).expect("one follows")
    })
}

fn step() -> impl Strategy<Value = Step> {
    (message(), 0..4_u64).prop_map(|(message, after)| Step { message, after: Duration::from_secs(after) })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn listener_does_what_the_reference_does(
        steps in vec(step(), 0..60),
        origins in 0..5_usize,
        silent_after in 0..12_u64,
    ) {
        let limits = Limits { origins, silent_after: Duration::from_secs(silent_after) };
        reference::check(internals::node(1).expect("not 0"), limits, steps);
    }
}
