//! Who waits until a closed bus is drained.

use crate::panics::{Panics, swallow};
use crate::sync::{AtomicUsize, Mutex, fence};
use std::ops::DerefMut;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::task::{Poll, Waker};

/// The threads and tasks that wait until all subscribers of a closed bus have taken what they had,
/// or left.
#[derive(Debug)]
pub(crate) struct Drains {
    /// How many wait. Written by those, under the lock; read by subscribers.
    waiting: AtomicUsize,
    /// How to wake them, by number. No user code runs under the lock.
    wakers: Mutex<Wakers>,
}

#[derive(Debug, Default)]
struct Wakers {
    next: usize,
    entries: Vec<(usize, Option<Waker>)>,
}

impl Drains {
    pub(crate) fn new() -> Self {
        Self { waiting: AtomicUsize::new(0), wakers: Mutex::new(Wakers::default()) }
    }

    fn wakers(&self) -> impl DerefMut<Target = Wakers> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a wait.
    pub(crate) fn begin(&self) -> Drain<'_> {
        let mut wakers = self.wakers();
        let number = wakers.next;
        wakers.next += 1;
        wakers.entries.push((number, None));
        // ORDERING: Relaxed. `Drain::poll` fences before it looks, see there.
        self.waiting.fetch_add(1, Relaxed);
        Drain { drains: self, number }
    }

    /// Lets whoever waits look again, once a subscriber has taken the last of what it had, or has
    /// left. A panic of their wakers is not the subscriber's.
    pub(crate) fn notify(&self) {
        // ORDERING: SeqCst fence between the subscriber's last step and its look at `waiting`.
        // Pairs with the fence in `Drain::poll`: either that look finds nothing unread, or this one
        // finds somebody who waits. Weaker: both could miss, and the drain would wait in vain.
        // Checked by loom-tests/tests/draining.rs
        // `drain_wakes_for_a_receiver_that_asks_for_no_more`.
        fence(SeqCst);
        self.notify_fenced();
    }

    /// The same for a subscriber that has fenced since its last step.
    pub(crate) fn notify_fenced(&self) {
        // ORDERING: Relaxed. Ordered by the fence in `notify`, or by that in `WaitState::seal`,
        // which stands as well between the last event or the departure and this look.
        // Checked by loom-tests/tests/draining.rs `drain_wakes_when_the_subscriber_leaves` and
        // `drain_does_not_wait_for_what_comes_into_a_sealed_ring`.
        if self.waiting.load(Relaxed) == 0 {
            return;
        }
        let wakers: Vec<Waker> = self.wakers().entries.iter_mut().filter_map(|(_, waker)| waker.take()).collect();
        for waker in wakers {
            swallow(|| waker.wake());
        }
    }
}

impl Drop for Drains {
    fn drop(&mut self) {
        // Those of waits that were forgotten, which are nobody's any more.
        let entries = std::mem::take(&mut self.wakers().entries);
        for entry in entries {
            swallow(|| drop(entry));
        }
    }
}

/// One wait. Ends when it is dropped, and keeps nothing then.
#[derive(Debug)]
pub(crate) struct Drain<'a> {
    drains: &'a Drains,
    number: usize,
}

impl Drain<'_> {
    /// Looks, and makes sure that `waker` is woken when it is worth another look. User code: the
    /// waker's `Clone` and `Drop`.
    pub(crate) fn poll(&self, waker: &Waker, is_drained: impl Fn() -> bool) -> Poll<()> {
        if is_drained() {
            return Poll::Ready(());
        }
        drop(self.replace(Some(waker.clone())));
        // ORDERING: SeqCst fence between this announcement and the look. Pairs with the fence in
        // `Drains::notify`, see there.
        fence(SeqCst);
        if is_drained() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn replace(&self, waker: Option<Waker>) -> Option<Waker> {
        let mut wakers = self.drains.wakers();
        let entry = wakers.entries.iter_mut().find(|(number, _)| *number == self.number)?;
        std::mem::replace(&mut entry.1, waker)
    }
}

impl Drop for Drain<'_> {
    fn drop(&mut self) {
        let entry = {
            let mut wakers = self.drains.wakers();
            let index = wakers.entries.iter().position(|(number, _)| *number == self.number);
            index.map(|index| wakers.entries.swap_remove(index))
        };
        // ORDERING: Relaxed. A subscriber that sees it too late finds nobody to wake.
        self.drains.waiting.fetch_sub(1, Relaxed);
        let mut panics = Panics::default();
        panics.catch(|| drop(entry));
        panics.resume();
    }
}
