//! A counting allocator, for test files that make it theirs and have one test only: nothing else
//! may allocate meanwhile.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::Relaxed};

static LIVE_BYTES: AtomicIsize = AtomicIsize::new(0);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, and a count of what it has lent to any thread.
pub struct CountingAllocator;

impl CountingAllocator {
    /// How many bytes are allocated now.
    pub fn live_bytes() -> isize {
        LIVE_BYTES.load(Relaxed)
    }

    /// How many allocations there were so far.
    pub fn allocations() -> usize {
        ALLOCATIONS.load(Relaxed)
    }
}

// SAFETY: hands everything to `System` as it comes; `realloc` and `alloc_zeroed` keep their
// defaults, which come by here.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE_BYTES.fetch_add(layout.size() as isize, Relaxed);
        ALLOCATIONS.fetch_add(1, Relaxed);
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(layout.size() as isize, Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}
