//! Panics of user code that a scenario asks for.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// What such a panic carries.
struct Planned;

/// Panics, but not by way of the panic hook: libFuzzer's would end the process.
pub fn panic_as_planned() -> ! {
    resume_unwind(Box::new(Planned))
}

/// Runs `code`; `None` where it panicked as planned. Any other panic is a failure.
pub fn catch<T>(code: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(code)) {
        Ok(value) => Some(value),
        Err(payload) if payload.is::<Planned>() => None,
        Err(payload) => resume_unwind(payload),
    }
}
