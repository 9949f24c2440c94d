//! Bounded channels, as far as the groups need one: the peers that have one channel for each
//! subscriber.

use crate::event::Sample;
use std::sync::mpsc;

/// A kind of channel.
pub(super) trait Channel {
    /// As it stands in tables.
    const NAME: &'static str;
    /// As it stands in tables where the senders are in a map, by the type of event.
    const MAP_NAME: &'static str;
    /// As it stands in tables where the sender waits for room, as its library has it.
    const SEND_NAME: &'static str;
    /// As it stands in tables where the sender does not wait for room, beside one that does.
    const TRY_SEND_NAME: &'static str;
    /// The sending half.
    type Sender<E: Sample>: Clone + Send + Sync + 'static;
    /// The receiving half.
    type Receiver<E: Sample>: Send + 'static;

    /// Makes a channel.
    fn bounded<E: Sample>(capacity: usize) -> (Self::Sender<E>, Self::Receiver<E>);

    /// Sends an event, and says whether there was room for it.
    fn try_send<E: Sample>(to: &Self::Sender<E>, event: E) -> bool;

    /// Sends an event, and waits until there is room for it.
    fn send<E: Sample>(to: &Self::Sender<E>, event: E);

    /// Receives an event, if there is one.
    fn try_recv<E: Sample>(from: &Self::Receiver<E>) -> Option<E>;

    /// Receives an event, and waits for it.
    fn recv<E: Sample>(from: &Self::Receiver<E>) -> E;
}

macro_rules! channel {
    (
        $peer:ident, $name:literal, $library:ident :: { $bounded:ident, $sender:ident },
        |$to:ident, $event:ident| $try_send:expr, |$from:ident| $try_recv:expr
    ) => {
        pub(super) struct $peer;

        impl Channel for $peer {
            const NAME: &'static str = $name;
            const MAP_NAME: &'static str = concat!($name, " map");
            const SEND_NAME: &'static str = concat!($name, " send");
            const TRY_SEND_NAME: &'static str = concat!($name, " try_send");
            type Sender<E: Sample> = $library::$sender<E>;
            type Receiver<E: Sample> = $library::Receiver<E>;

            fn bounded<E: Sample>(capacity: usize) -> (Self::Sender<E>, Self::Receiver<E>) {
                $library::$bounded(capacity)
            }

            #[inline]
            fn try_send<E: Sample>($to: &Self::Sender<E>, $event: E) -> bool {
                $try_send
            }

            #[inline]
            fn send<E: Sample>(to: &Self::Sender<E>, event: E) {
                assert!(to.send(event).is_ok(), "the receiver is there");
            }

            #[inline]
            fn try_recv<E: Sample>($from: &Self::Receiver<E>) -> Option<E> {
                $try_recv
            }

            #[inline]
            fn recv<E: Sample>(from: &Self::Receiver<E>) -> E {
                from.recv().unwrap()
            }
        }
    };
}

channel! {
    Crossbeam, "crossbeam-channel", crossbeam_channel::{bounded, Sender},
    |to, event| to.try_send(event).is_ok(), |from| from.try_recv().ok()
}
channel! {
    Crossfire, "crossfire", crossfire_mpsc::{bounded, Sender},
    |to, event| to.try_send(event).is_ok(), |from| from.try_recv().ok()
}
channel! {
    Flume, "flume", flume::{bounded, Sender},
    |to, event| to.try_send(event).is_ok(), |from| from.try_recv().ok()
}
channel! {
    Kanal, "kanal", kanal::{bounded, Sender},
    |to, event| to.try_send(event).unwrap_or(false), |from| from.try_recv().ok().flatten()
}
channel! {
    Std, "std mpsc", mpsc::{sync_channel, SyncSender},
    |to, event| to.try_send(event).is_ok(), |from| from.try_recv().ok()
}

/// crossfire has a kind of channel for each number of senders and receivers: this one for many
/// senders, since anybody may publish, and the one receiver that a subscriber is.
pub(super) mod crossfire_mpsc {
    use crossfire::mpsc::{Array, bounded_blocking};

    pub(in crate::groups) type Sender<E> = crossfire::MTx<Array<E>>;
    pub(in crate::groups) type Receiver<E> = crossfire::Rx<Array<E>>;

    /// Makes a channel, once crossfire knows how many processors there are. Its documentation
    /// recommends that: how it waits depends on it.
    pub(in crate::groups) fn bounded<E: 'static>(capacity: usize) -> (Sender<E>, Receiver<E>) {
        crossfire::detect_backoff_cfg();
        bounded_blocking(capacity)
    }
}
