//! Panics of user code, kept until the bus has finished what it was doing.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The first panic of the user code that one operation ran: the operation goes on for everybody
/// else, and [resumes](Panics::resume) it at its end, on each of its ways out: dropping this would
/// drop what the panic carries, which is user code as well.
#[derive(Debug, Default)]
#[must_use = "a panic of user code must be resumed"]
pub(crate) struct Panics(Option<Box<dyn Any + Send>>);

impl Panics {
    /// Runs `code`; `None` if it panicked.
    #[inline(always)]
    pub(crate) fn catch<T>(&mut self, code: impl FnOnce() -> T) -> Option<T> {
        // Unwind safety: what the bus shares with `code` stays whole at every point at which user
        // code can unwind.
        match catch_unwind(AssertUnwindSafe(code)) {
            Ok(value) => Some(value),
            Err(payload) => {
                self.keep(payload);
                None
            }
        }
    }

    #[cold]
    fn keep(&mut self, payload: Box<dyn Any + Send>) {
        match self.0 {
            None => self.0 = Some(payload),
            Some(_) => discard(payload),
        }
    }

    /// Whether [`resume`](Self::resume) will not return. (It has to be called either way.)
    pub(crate) fn will_resume(&self) -> bool {
        self.0.is_some() && !std::thread::panicking()
    }

    /// Hands `value` on, or [resumes](Self::resume) after dropping it: an event on its way back to
    /// its publisher must not be dropped by the unwinding, where a panic of its own would abort the
    /// process.
    #[inline(always)]
    pub(crate) fn resume_or<T>(self, value: T) -> T {
        match self.0 {
            None => value,
            Some(payload) => resume(payload, value),
        }
    }

    /// Resumes the first panic, if there was one. While this thread unwinds already it is
    /// swallowed, because a second one would abort the process.
    #[inline(always)]
    pub(crate) fn resume(self) {
        self.resume_or(());
    }
}

/// Runs code of somebody whom the calling thread has nothing to do with: a panic there was reported
/// by the panic hook, and goes no further.
pub(crate) fn swallow(code: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(code)) {
        discard(payload);
    }
}

/// Drops what a user handed over, in the `Drop` of what owns it. If this thread unwinds already, a
/// panic goes no further, because it would abort the process: so of several things that are dropped
/// in a row and panic, the first is resumed.
pub(crate) fn drop_guarded<T>(owned: T) {
    guarded(|| drop(owned));
}

/// The same, where it is: in a place of its owner, which `clear` empties.
pub(crate) fn guarded(clear: impl FnOnce()) {
    if std::thread::panicking() {
        swallow(clear);
    } else {
        clear();
    }
}

/// Resumes a panic, unless this thread unwinds already. Apart, so that a publish without one stays
/// small.
#[cold]
#[inline(never)]
fn resume<T>(payload: Box<dyn Any + Send>, value: T) -> T {
    if std::thread::panicking() {
        discard(payload);
        return value;
    }
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        discard(second);
    }
    resume_unwind(payload)
}

/// Drops a payload that nobody will see. It is user code as well, whose `Drop` may panic once more:
/// what that leaves is leaked.
#[cold]
#[inline(never)]
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(next) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(next);
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;
    use std::panic::panic_any;

    /// What panics when it is dropped, with another one.
    struct Panicking;

    impl Drop for Panicking {
        fn drop(&mut self) {
            panic_any(Self);
        }
    }

    #[test]
    fn payload_that_panics_when_dropped_is_swallowed() {
        swallow(|| panic_any(Panicking));
    }

    #[test]
    fn first_payload_is_resumed_whatever_the_others_do() {
        let mut panics = Panics::default();
        panics.catch(|| panic_any(1));
        panics.catch(|| panic_any(Panicking));
        let payload = catch_unwind(AssertUnwindSafe(|| panics.resume_or(Panicking))).map(std::mem::forget).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&1));
    }
}
