//! Two threads count in the same place, with nothing between them that orders one after the other.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

struct Racy(UnsafeCell<u64>);

// SAFETY: none, and that is the bug: nothing keeps two threads from writing at once.
unsafe impl Sync for Racy {}

impl Racy {
    fn count(&self) {
        // SAFETY: none, see above.
        unsafe { *self.0.get() += 1 }
    }
}

fn main() {
    let counter = Racy(UnsafeCell::new(0));
    // Threads that do not overlap hide their race: they start from a gate, and several times.
    for _ in 0..20 {
        let missing = AtomicUsize::new(2);
        let race = || {
            missing.fetch_sub(1, Relaxed);
            while missing.load(Relaxed) != 0 {
                thread::yield_now();
            }
            counter.count();
        };
        thread::scope(|scope| {
            scope.spawn(race);
            scope.spawn(race);
        });
    }
    println!("counted to {}", counter.0.into_inner());
}
