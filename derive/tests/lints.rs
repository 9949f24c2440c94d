//! Lints that a crate may have on do not complain about what is generated.

#![deny(
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::absolute_paths,
    clippy::missing_inline_in_public_items,
    deprecated,
    missing_copy_implementations,
    missing_debug_implementations,
    nonstandard_style,
    rust_2018_idioms,
    unreachable_pub,
    unused,
    unused_qualifications,
    let_underscore_drop,
    single_use_lifetimes
)]
#![allow(clippy::redundant_pub_crate, reason = "contradicts `unreachable_pub`")]
#![forbid(unsafe_code)]

use std::time::SystemTime;

/// Events that others see.
pub mod public {
    use ringbus::{Event, RequestId};
    use std::sync::Arc;
    use std::time::SystemTime;

    /// Has a constant for each variant, which has documentation.
    #[derive(Clone, Debug, Event)]
    #[non_exhaustive]
    pub enum Config {
        /// Plain.
        #[event("config.loaded")]
        Loaded {
            /// When.
            #[timestamp]
            at: SystemTime,
        },
        /// A request.
        #[event("config.asked")]
        Asked {
            /// Which.
            #[request_id]
            id: RequestId,
            /// When.
            #[timestamp]
            at: SystemTime,
        },
        /// A response.
        #[event("config.verdict", timestamp = SystemTime::now())]
        Verdict(#[request_id] RequestId, #[responder] Arc<str>),
        /// A kind that nobody should use any more.
        #[deprecated]
        #[event("config.old")]
        Old(#[timestamp] SystemTime),
    }

    /// One kind.
    #[derive(Clone, Copy, Debug, Event)]
    #[event("tick", timestamp = SystemTime::now())]
    pub struct Tick;
}

/// Events of the crate.
pub(crate) mod private {
    use ringbus::Event;
    use std::time::SystemTime;

    #[derive(Debug, Event)]
    pub(crate) enum Seen {
        #[event("seen.once")]
        Once(#[timestamp] SystemTime),
        #[event("seen.twice")]
        Twice(#[timestamp] SystemTime),
    }

    #[derive(Debug, Event)]
    pub(super) enum Single {
        #[event("single.only")]
        Only(#[timestamp] SystemTime),
    }
}

#[test]
fn constants_are_as_visible_as_the_enum() {
    let names = [public::Config::LOADED, public::Config::ASKED, public::Config::VERDICT];
    assert_eq!(names.map(ringbus::EventType::as_str), ["config.loaded", "config.asked", "config.verdict"]);
    assert_eq!([private::Seen::ONCE, private::Seen::TWICE].map(|name| name.as_str().len()), [9, 10]);
    assert_eq!(private::Single::ONLY.as_str(), "single.only");
    let now = SystemTime::now();
    for event in [private::Seen::Once(now), private::Seen::Twice(now)] {
        assert_eq!(ringbus::Event::timestamp(&event), now);
    }
    assert_eq!(ringbus::Event::timestamp(&private::Single::Only(now)), now);
}
