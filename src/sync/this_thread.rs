//! Numbers for threads.

use crate::sync::{Counter, thread_local};
use std::cell::Cell;

thread_local! {
    /// The number of this thread, once it has one.
    static NUMBER: Cell<usize> = const { Cell::new(0) };
}

/// A number that no other thread has.
pub(crate) fn this_thread() -> usize {
    static THREADS: Counter = Counter::new(0);
    let number_of = |number: &Cell<usize>| {
        if number.get() == 0 {
            number.set(THREADS.add(1) as usize + 1);
        }
        number.get()
    };
    NUMBER.try_with(number_of).unwrap_or_default()
}
