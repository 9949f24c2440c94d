//! The word by which the events of one retained type come into one ring in their order.

use crate::sync::{AtomicUsize, LOOKS_AROUND, thread};
use std::hint::spin_loop;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Bit 0: somebody is putting an event into the ring.
const TAKEN: usize = 1;
/// What the number of an event is multiplied by.
const ONE: usize = 2;

/// How often a publisher looks at a gate that is taken before it gives the processor away.
const LOOKS: usize = 64;

/// Lets the events of one retained type into one ring, each once, in the order of their numbers.
///
/// | word | meaning | [`enter`](Gate::enter) with a number up to `n` | with a higher one |
/// |---|---|---|---|
/// | `2 n` | event `n` has been offered | refuses | takes the gate |
/// | `2 n + 1` (taken) | a publisher is about to offer the next event | refuses | waits for [`leave`](Gate::leave) |
///
/// Between `enter` and `leave` a publisher does nothing but put an event into the ring: it runs no
/// user code there.
#[derive(Debug)]
pub(crate) struct Gate(AtomicUsize);

impl Gate {
    /// A gate that lets every event in.
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Lets only events in with a number above this one. Before anybody else sees the mailbox.
    pub(crate) fn open_behind(&self, number: usize) {
        // ORDERING: Relaxed. Nobody else sees the gate before `SnapshotCell::join` has put the
        // mailbox into the cell, which releases it.
        self.0.store(number * ONE, Relaxed);
    }

    /// Whether the event of this number has been offered to the ring already.
    pub(crate) fn is_past(&self, number: usize) -> bool {
        // ORDERING: Acquire. Pairs with the Release in `leave`: who does not offer an event because
        // another publisher has done it finds that event in the ring when it looks whom to wake,
        // and counts what became of it. Weaker: the counts and the event could be missing still.
        // (What is missed there, the other publisher wakes for; the counts are not watched by
        // loom.)
        self.0.load(Acquire) / ONE >= number
    }

    /// Takes the gate for the event of this number; `false` if that was offered already. A
    /// publisher that finds the gate taken waits for the one that took it, for as long as a push
    /// takes.
    pub(crate) fn enter(&self, number: usize) -> bool {
        let mut looks = 0;
        // ORDERING: Acquire, here and below. Pairs with the Release in `leave`, as in `is_past`.
        let mut word = self.0.load(Acquire);
        while word / ONE < number {
            if word & TAKEN == 0 {
                // ORDERING: Acquire on success. Pairs with the Release in `leave`: this publisher's
                // push comes behind the push of the event before it. Weaker: the ring could take
                // them the other way round. (loom runs read-modify-writes in the order of their
                // execution and cannot show this one.)
                match self.0.compare_exchange_weak(word, word | TAKEN, Acquire, Acquire) {
                    Ok(_) => return true,
                    Err(actual) => word = actual,
                }
            } else {
                looks += 1;
                if LOOKS_AROUND && looks % LOOKS != 0 {
                    spin_loop()
                } else {
                    thread::yield_now()
                }
                // ORDERING: Acquire. As above.
                word = self.0.load(Acquire);
            }
        }
        false
    }

    /// Gives the gate back once the event of this number was offered.
    pub(crate) fn leave(&self, number: usize) {
        // ORDERING: Release. Pairs with the Acquire loads in `is_past` and `enter`, see there:
        // whoever sees that the event was offered sees what became of it.
        // (The event that is pushed here is handed over by the ring, and that nobody overtakes it
        // is checked by loom-tests/tests/retaining.rs
        // `retained_events_that_race_arrive_in_the_order_in_which_they_were_put`.)
        // A swap, for the models: loom orders a plain store too weakly against the
        // compare-and-swaps of others (tokio-rs/loom #282).
        self.0.swap(number * ONE, Release);
    }
}
