//! A bounded lock-free ring of **many producers and one consumer**. A push costs one
//! read-modify-write, a batch of pushes costs one for all of them, and a pop costs none.
//!
//! ```
//! let (producer, consumer) = ringbus_lane::channel(1_024);
//!
//! let threads: Vec<_> = (0..2)
//!     .map(|thread| {
//!         let producer = producer.clone();
//!         std::thread::spawn(move || (0..100).for_each(|n| producer.push((thread, n)).unwrap()))
//!     })
//!     .collect();
//! threads.into_iter().for_each(|thread| thread.join().unwrap());
//!
//! let mut values = Vec::new();
//! assert_eq!(consumer.pop_many(&mut values, usize::MAX), 200); // its position is stored once
//! ```
//!
//! # What it does
//!
//! [`Producer`]s may be cloned and shared; the [`Consumer`] may only be sent, so every method is
//! safe. Nothing waits for room or for values, and nothing wakes anybody: [`push`](Producer::push)
//! gives the value back if the ring is full, [`pop`](Consumer::pop) gives `None` if it is empty.
//! When the consumer is dropped, or [closes](Consumer::close) the ring, pushes give values back for
//! good. Values come out in the order in which they were claimed; those of one thread in its order.
//!
//! # Progress
//!
//! | operation | progress |
//! |---|---|
//! | [`push`](Producer::push), [`push_batch`](Producer::push_batch) | lock-free: one compare-and-swap, repeated only if another producer's has succeeded |
//! | [`push_slice`](Producer::push_slice) | the same, for each 32 values; for each value, if it has more than 128 bytes |
//! | [`pop`](Consumer::pop), [`pop_many`](Consumer::pop_many) | wait-free, except that they wait for a producer that is suspended between claiming a slot and filling it |
//! | dropping the consumer | the same, and it drops what is left |
//!
//! No code of yours runs between a claim and its fill: values are cloned before the claim. So that
//! gap is a few instructions long, and a `Clone` that panics, blocks, or uses this very ring does
//! no harm.
//!
//! # Waking the consumer
//!
//! A wake-up built on a queue usually needs a fence between the push and the look at the sleeper.
//! Here the producer needs none, and that is part of the contract:
//!
//! - A producer pushes, and then loads the word that says whether the consumer sleeps, by
//!   **SeqCst**.
//! - A consumer that is about to sleep writes that word, calls
//!   [`fence(SeqCst)`](std::sync::atomic::fence), and then pops once more (or asks
//!   [`is_empty`](Consumer::is_empty)).
//!
//! Then the consumer finds the value, or the producer finds that it sleeps. The claim of a push is
//! a SeqCst read-modify-write, before the slot is filled; and a claim counts as a value for the
//! consumer, which waits for it. In the terms of C++20: let F be the fence, W the write before it,
//! C the claim, and L the producer's load. If the look behind F misses C, then F comes before C in
//! the single total order of SeqCst operations; C comes before L; and if L missed W, L would come
//! before F: a circle. (Crossbeam's `ArrayQueue` has such an operation inside as well, but promises
//! nothing.)
//!
//! # Where it comes from
//!
//! That producers claim positions, and a slot itself says when it is filled, is from Dmitry
//! Vyukov's [bounded queue][vyukov]; that the consumer takes that mark away again, from
//! [FastForward]; that producers keep what they know of the consumer's position, from
//! [MCRingBuffer][mcring], as in `rtrb`.
//!
//! [FastForward]: https://doi.org/10.1145/1345206.1345215
//! [vyukov]: https://www.1024cores.net/home/lock-free-algorithms/queues/bounded-mpmc-queue
//! [mcring]: https://doi.org/10.1109/IPDPS.2010.5470368

mod error;
mod ring;
mod sync;

pub use crate::error::PushError;
pub use crate::ring::{Consumer, Producer, channel, channel_at, try_channel};

/// For the package `loom-tests` alone.
#[cfg(any(loom, shuttle))]
#[doc(hidden)]
pub mod internals {
    pub use crate::sync::BareClaims;
}
