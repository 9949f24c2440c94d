//! How a thread waits: it looks for a moment, and then parks, to be woken the way a task is, so that blocking and async receivers
//! share one waker.

use crate::sync::PARKING_BACKOFFS;
use crate::sync::thread::{self, Thread, ThreadId};
use crossbeam_utils::Backoff;
use std::cell::RefCell;
use std::iter;
use std::sync::Arc;
use std::task::{Wake, Waker};

/// Looks again and again for a moment: what comes before a thread parks. Gives what `look` has found, if anything.
pub(crate) fn look_for_a_moment<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    for backoff in iter::repeat_with(Backoff::new).take(PARKING_BACKOFFS) {
        while !backoff.is_completed() {
            let found = look();
            if found.is_some() {
                return found;
            }
            backoff.snooze();
        }
    }
    None
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The waker of the thread that waits, made when it first does, and again only when another thread waits.
#[derive(Debug, Default)]
pub(crate) struct ThreadWaker(RefCell<Option<(ThreadId, Waker)>>);

impl ThreadWaker {
    pub(crate) fn current(&self) -> Waker {
        let thread = thread::current();
        let mut cached = self.0.borrow_mut();
        match &*cached {
            Some((id, waker)) if *id == thread.id() => waker.clone(),
            _ => {
                let id = thread.id();
                let waker = Waker::from(Arc::new(Unpark(thread)));
                *cached = Some((id, waker.clone()));
                waker
            }
        }
    }
}
