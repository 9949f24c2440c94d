//! A waker that counts, and whoever polls with it.

use crate::aside;
use crate::operation::Caller;
use crate::turn;
use std::mem::replace;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};

/// What wakers are made of.
struct Bell {
    rings: AtomicUsize,
    /// By which all bells are counted.
    _share: Arc<()>,
}

impl Bell {
    fn new(shares: &Arc<()>) -> Arc<Self> {
        Arc::new(Self { rings: AtomicUsize::new(0), _share: Arc::clone(shares) })
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rings.fetch_add(1, Relaxed);
        aside::ask();
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        aside::ask();
    }
}

/// Polls a future or a stream, and hears how often its waker is woken after that.
pub struct Poller {
    bell: Arc<Bell>,
    /// How often it had been rung when it was last handed over.
    rung_before: usize,
    shares: Arc<()>,
}

impl Poller {
    pub fn new(shares: &Arc<()>) -> Self {
        Self { bell: Bell::new(shares), rung_before: 0, shares: Arc::clone(shares) }
    }

    /// How often the waker of the last poll was woken since.
    pub fn rings(&self) -> usize {
        self.bell.rings.load(Relaxed) - self.rung_before
    }

    /// How many clones of that waker are kept.
    pub fn keepers(&self) -> usize {
        Arc::strong_count(&self.bell) - 1
    }

    /// Fails where the waker is kept although nobody waits any more.
    pub fn assert_forgotten(&self) {
        assert_eq!(self.keepers(), 0, "a waker is kept that nobody waits with");
    }

    /// Polls; if the turn of the task is over, notes it in `passes` and polls once more, as an
    /// executor would. `None` where `poll` panicked.
    pub fn poll<T>(
        &mut self,
        caller: Caller,
        passes: &mut usize,
        mut poll: impl FnMut(&mut Context<'_>) -> Option<Poll<T>>,
    ) -> Option<Poll<T>> {
        let new = if caller == Caller::Another { Bell::new(&self.shares) } else { Arc::clone(&self.bell) };
        let before = Self { bell: replace(&mut self.bell, new), rung_before: 0, shares: Arc::clone(&self.shares) };
        if caller == Caller::Tired {
            turn::use_up(&Waker::from(Arc::clone(&self.bell)));
        }
        let mut polled = self.poll_once(&mut poll);
        if matches!(polled, Some(Poll::Pending)) && self.rings() > 0 {
            *passes += 1;
            polled = self.poll_once(&mut poll);
            assert!(!matches!(polled, Some(Poll::Pending)) || self.rings() == 0, "a task is sent back twice");
        }
        if caller == Caller::Another {
            before.assert_forgotten();
        }
        drop(before);
        if !matches!(polled, Some(Poll::Pending)) {
            self.assert_forgotten();
        }
        polled
    }

    fn poll_once<T>(&mut self, poll: impl FnOnce(&mut Context<'_>) -> Option<Poll<T>>) -> Option<Poll<T>> {
        self.rung_before = self.bell.rings.load(Relaxed);
        let waker = Waker::from(Arc::clone(&self.bell));
        poll(&mut Context::from_waker(&waker))
    }
}
