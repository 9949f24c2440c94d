//! Counts what everybody keeps in memory: a program of its own, because it has another allocator.
//!
//! `report` runs it, and makes a table of what it writes.

use ringbus_benches::groups::memory;

#[path = "../../../tests/common/memory.rs"]
#[expect(dead_code, reason = "the tests of the library also count allocations")]
mod counting;

use counting::CountingAllocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn main() {
    print!("{}", memory::write(&memory::run(CountingAllocator::live_bytes)));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The only test here: another one would allocate meanwhile.
    #[test]
    fn whoever_has_a_ring_keeps_as_much_as_it_holds() {
        let rows = memory::run(CountingAllocator::live_bytes);
        let ring = (memory::CAPACITY * 16) as f64;
        for row in &rows {
            let (of_all, of_each) = (row.bus + row.queued * ring / 16.0, row.subscriber + row.queued * ring / 16.0);
            assert!(of_all >= ring || of_each >= ring, "nowhere are there 256 events of 16 bytes: {row:?}");
            assert!(row.subscriber < 10.0 * ring && row.queued >= 0.0 && row.bus > 0.0, "{row:?}");
        }
        // The thread that runs the tests may allocate meanwhile, but not always.
        let again = || memory::run(CountingAllocator::live_bytes);
        assert!((0..5).any(|_| again() == again()), "{:?}", again());
    }
}
