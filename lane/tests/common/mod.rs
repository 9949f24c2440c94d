//! What the tests share.
#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

/// Counts how often each of some values was dropped.
#[derive(Clone)]
pub struct Ledger(Arc<[AtomicUsize]>);

impl Ledger {
    /// A ledger of so many values.
    pub fn new(values: usize) -> Self {
        Self((0..values).map(|_| AtomicUsize::new(0)).collect())
    }

    /// Makes the value of that number.
    pub fn value(&self, number: usize) -> Counted {
        Counted { number, ledger: self.clone() }
    }

    /// How many values were dropped.
    pub fn dropped(&self) -> usize {
        self.0.iter().map(|count| count.load(Relaxed)).sum()
    }

    /// Whether each value was dropped, and none twice.
    #[track_caller]
    pub fn assert_all_dropped_once(&self) {
        for (number, count) in self.0.iter().enumerate() {
            assert_eq!(count.load(Relaxed), 1, "how often value {number} was dropped");
        }
    }
}

/// A value that counts its `Drop`.
pub struct Counted {
    pub number: usize,
    ledger: Ledger,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.ledger.0[self.number].fetch_add(1, Relaxed);
    }
}

/// Makes threads that arrive here go on together.
#[derive(Default)]
pub struct Gate {
    arrived: AtomicUsize,
}

impl Gate {
    /// Waits until so many threads have arrived, counted over all rounds.
    pub fn pass(&self, expected: usize) {
        self.arrived.fetch_add(1, Relaxed);
        let mut looks = 0_u32;
        while self.arrived.load(Relaxed) < expected {
            looks += 1;
            if looks % 256 == 0 {
                thread::yield_now();
            }
        }
    }
}

/// Numbers that look random and are the same in each run (xorshift; Marsaglia, 2003).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}
