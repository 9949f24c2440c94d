//! User code that may panic, in a task that must go on.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code of users: codecs, the events' own methods, subscribers' filters. `None` if it
/// panicked, which the panic hook has reported.
///
/// What a task has when it calls this is whole: it changes nothing of its own in there that a panic
/// could leave halfway.
pub(crate) fn guard<T>(code: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(code)).map_err(discard).ok()
}

/// Drops what a panic carries. It is user code as well, whose `Drop` may panic once more: what that
/// leaves is leaked.
pub(crate) fn discard(payload: Box<dyn Any + Send>) {
    if let Err(next) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(next);
    }
}

/// Drops events one by one. (A `Vec` drops the rest while it unwinds, and a second panic there
/// would abort the process.) Says how many have panicked.
pub(crate) fn drop_each<E>(events: impl IntoIterator<Item = E>) -> usize {
    events.into_iter().filter_map(|event| guard(|| drop(event)).is_none().then_some(())).count()
}
