//! The work of [`fanout`](super::fanout) with events of 16 bytes to 4 KiB: what it costs to carry
//! them.
//!
//! An operation is one publish with its N receives. An event lies in the rings itself, not behind a
//! pointer, so each delivery copies it at least once in and once out. Rings hold the whole batch,
//! so nobody loses anything; with large events they exceed the caches (512 events of 4 KiB are 2
//! MiB for each subscriber).

use super::channel::{Crossbeam, Crossfire, Kanal};
use super::fanout::{array_queue, channel, ringbus_batch, ringbus_bus, ringbus_publisher, tokio_broadcast};
use super::kind::{Arrays, Lanes};
use crate::event::{Dropped, Sample, Words};
use crate::measure::{Case, Clock, Contestant};

/// The numbers of subscribers.
pub const SUBSCRIBERS: [usize; 3] = [1, 4, 16];
/// The sizes of events.
pub const SIZES: [Size; 5] = [
    Size::of::<2>("16 bytes"),
    Size::of::<8>("64 bytes"),
    Size::of::<32>("256 bytes"),
    Size::of::<128>("1 KiB"),
    Size::of::<512>("4 KiB"),
];
/// How events are copied, as it stands in tables.
pub const COPIES: [&str; 2] = ["Copy", "Clone and Drop"];

/// A size of events.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// In bytes.
    pub bytes: usize,
    /// As it stands in tables.
    pub name: &'static str,
    /// Who carries such events to so many subscribers, by how they are copied, as in [`COPIES`].
    contestants: [fn(usize) -> Vec<Contestant>; COPIES.len()],
}

impl Size {
    const fn of<const WORDS: usize>(name: &'static str) -> Self {
        Self {
            bytes: size_of::<Words<WORDS>>(),
            name,
            contestants: [contestants::<Words<WORDS>>, contestants::<Dropped<WORDS>>],
        }
    }
}

/// A case for each number of subscribers, each way of being copied, and each size.
#[must_use]
pub fn cases() -> Vec<Case> {
    let of = |subscribers, copies: usize, size: Size| Case {
        group: "payload",
        name: name(subscribers, size, COPIES[copies]),
        operation: "publish and N receives",
        clock: Clock::Thread,
        contestants: Box::new(move || size.contestants[copies](subscribers)),
    };
    let series = SUBSCRIBERS.iter().flat_map(|&subscribers| [(subscribers, 0), (subscribers, 1)]);
    series.flat_map(|(subscribers, copies)| SIZES.map(|size| of(subscribers, copies, size))).collect()
}

/// What the case is called with so many subscribers, and events of this size that are copied so.
#[must_use]
pub fn name(subscribers: usize, size: Size, copies: &str) -> String {
    format!("N = {subscribers}, {}, {copies}", size.name)
}

fn contestants<E: Sample>(subscribers: usize) -> Vec<Contestant> {
    vec![
        ringbus_publisher::<Arrays, E>(subscribers),
        ringbus_bus::<Arrays, E>(subscribers),
        ringbus_batch::<Arrays, E>(subscribers),
        ringbus_publisher::<Lanes, E>(subscribers),
        ringbus_bus::<Lanes, E>(subscribers),
        ringbus_batch::<Lanes, E>(subscribers),
        array_queue::<E>(subscribers),
        tokio_broadcast::<E>(subscribers),
        channel::<Crossbeam, E>(subscribers),
        channel::<Crossfire, E>(subscribers),
        channel::<Kanal, E>(subscribers),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contestant_does_the_whole_work() {
        super::super::fanout::assert_the_whole_work_is_done(cases());
    }

    #[test]
    fn events_are_of_the_size_they_are_said_to_be() {
        assert_eq!(SIZES.map(|size| size.bytes), [16, 64, 256, 1024, 4096]);
        assert_eq!(size_of::<Dropped<32>>(), 256);
        assert!(std::mem::needs_drop::<Dropped<2>>() && !std::mem::needs_drop::<Words<2>>());
    }
}
