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
//! Clone or share the [`Producer`], and send the [`Consumer`] to the thread or task that pops. It
//! can be neither shared nor cloned, so every method is safe.
//!
//! Nothing waits for room or for values, and nothing wakes anybody: [`push`](Producer::push) gives
//! the value back if the ring is full, and [`pop`](Consumer::pop) returns `None` if it is empty.
//! Values come out in the order in which they were claimed: those of one thread in its order, and
//! if one push returns before another begins, its value comes first.
//!
//! After the consumer [closes](Consumer::close) the ring or is dropped, every push gives its value
//! back.
//!
//! # Progress
//!
//! | operation | progress |
//! |---|---|
//! | [`push`](Producer::push), [`push_batch`](Producer::push_batch) | lock-free: one compare-and-swap, repeated only if another producer was faster |
//! | [`push_slice`](Producer::push_slice) | the same, once per 32 values; once per value if a value has more than 128 bytes |
//! | [`pop`](Consumer::pop), [`pop_many`](Consumer::pop_many) | wait-free, except that they wait for a producer that is suspended between claiming a slot and filling it |
//! | dropping the consumer | the same; it drops the values that are left |
//!
//! Claiming and filling are a few instructions apart. No code of yours runs in between, because
//! values are cloned before: a `Clone` may panic, block, or use the same ring.
//!
//! # Waking the consumer
//!
//! A queue whose consumer sleeps has a classic race: the producer pushes and finds nobody asleep,
//! while the consumer finds nothing and falls asleep. Usually each side needs a fence. Here only
//! the consumer does, and that is part of the contract:
//!
//! - A producer pushes, and then loads the word that says whether the consumer sleeps, with
//!   **SeqCst**.
//! - A consumer that is about to sleep writes that word, calls
//!   [`fence(SeqCst)`](std::sync::atomic::fence), and then pops once more (or asks
//!   [`is_empty`](Consumer::is_empty)).
//!
//! Then the consumer finds the value, or the producer finds that it sleeps.
//!
//! Why: a push claims its slot by a SeqCst read-modify-write before it fills it, and the consumer
//! waits for a claimed slot as if the value was there. In the terms of C++20, let F be the fence, W
//! the write before it, C the claim, and L the producer's load. If the look after F misses C, then
//! F comes before C in the single total order of SeqCst operations. C comes before L. If L missed
//! W, L would come before F: a circle. (Crossbeam's `ArrayQueue` has such an operation inside as
//! well, but promises nothing.)
//!
//! # Where it comes from
//!
//! - Producers claim positions, and each slot says whether it is filled: Dmitry Vyukov's
//!   [bounded queue][vyukov].
//! - The consumer clears that mark: [FastForward].
//! - Producers remember the last position of the consumer that they saw: [MCRingBuffer][mcring],
//!   as in `rtrb`.
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
