//! The kinds of bus that ringbus has, each a contestant of its own.

use crate::event::Sample;
use ringbus::{Event, EventBus, Ring, Subscription};

/// A kind of bus, and what its contestants are called.
///
/// To add one is a line with `kind!` here, and a line in each group that it takes part in.
pub(super) trait Kind {
    /// As it stands in tables if there is one contestant.
    const NAME: &'static str;
    /// Publishing by a [`Publisher`](ringbus::Publisher).
    const PUBLISHER: &'static str;
    /// The same, if the receiver spins while it waits.
    const PUBLISHER_SPIN: &'static str;
    /// The same, if a full ring loses its oldest event.
    const PUBLISHER_DROP_OLDEST: &'static str;
    /// Publishing by the [`EventBus`].
    const BUS: &'static str;
    /// Publishing and receiving many events at a time.
    const BATCH: &'static str;
    /// Receiving many events at a time.
    const MANY: &'static str;
    /// Awaiting a request.
    const AWAIT: &'static str;
    /// Waiting for a request until something else happens.
    const UNTIL: &'static str;

    /// Makes a bus that keeps so many events before its start.
    fn bus<E: Event + Clone>(startup_capacity: usize) -> EventBus<E>;

    /// A live bus with so many subscribers to everything.
    fn live<E: Sample>(subscribers: usize, capacity: usize) -> (EventBus<E>, Vec<Subscription<E>>) {
        let bus = Self::bus(0);
        let subscriptions = (0..subscribers).map(|_| bus.subscribe(capacity)).collect();
        bus.start();
        (bus, subscriptions)
    }
}

macro_rules! kind {
    ($(#[$attribute:meta])* $kind:ident, $name:literal, |$startup_capacity:ident| $bus:expr) => {
        $(#[$attribute])*
        pub(super) struct $kind;

        impl Kind for $kind {
            const NAME: &'static str = $name;
            const PUBLISHER: &'static str = concat!($name, " Publisher");
            const PUBLISHER_SPIN: &'static str = concat!($name, " Publisher, Spin");
            const PUBLISHER_DROP_OLDEST: &'static str = concat!($name, " Publisher, DropOldest");
            const BUS: &'static str = concat!($name, " EventBus");
            const BATCH: &'static str = concat!($name, " batch");
            const MANY: &'static str = concat!($name, " try_recv_many");
            const AWAIT: &'static str = concat!($name, " .await");
            const UNTIL: &'static str = concat!($name, " until (no timeout)");

            fn bus<E: Event + Clone>($startup_capacity: usize) -> EventBus<E> {
                $bus
            }
        }
    };
}

kind!(
    /// A ring for each subscriber that is an `ArrayQueue`: the default.
    Arrays,
    "ringbus",
    |startup_capacity| EventBus::new(startup_capacity)
);

kind!(
    /// A lane for each subscriber.
    Lanes,
    "ringbus lanes",
    |startup_capacity| EventBus::builder().startup_capacity(startup_capacity).ring(Ring::Lane).build()
);
