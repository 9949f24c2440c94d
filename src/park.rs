//! Waking a parked thread the way a task is woken, so that blocking and async receivers share one waker.

use crate::sync::thread::{self, Thread, ThreadId};
use std::cell::RefCell;
use std::sync::Arc;
use std::task::{Wake, Waker};

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
