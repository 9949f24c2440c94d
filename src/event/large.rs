//! Events of a size that matters.

/// Whether events are so large that each move of one costs more than everything else, and a few of
/// them more stack than a thread has. They are cloned to where they belong, and handed on by
/// reference.
pub(crate) const fn is_large<E>() -> bool {
    size_of::<E>() > 2_048
}

/// Clones an event to where it belongs. User code. Apart, because the copies that a debug build
/// makes meanwhile are gone when this returns.
#[inline(never)]
pub(crate) fn clone_into<E: Clone>(slot: &mut Option<E>, event: &E) {
    *slot = Some(event.clone());
}

/// A place for a large event, allocated beforehand.
pub(crate) type Room<E> = Box<Option<E>>;
