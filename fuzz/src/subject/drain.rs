//! Closing a bus and waiting for the rest, as a future.

use super::pictures::drained_pictures;
use crate::bell::Poller;
use crate::letter::Message;
use crate::operation::{Caller, Draining};
use crate::picture::{DrainPicture, Outcome};
use ringbus::{Drained, EventBus};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::Poll;

pub(super) struct Drain {
    /// Has a handle of the bus.
    future: Pin<Box<dyn Future<Output = Drained>>>,
    is_stopped: Arc<AtomicBool>,
    poller: Poller,
}

impl Drain {
    pub(super) fn new<const PADDING: usize>(bus: EventBus<Message<PADDING>>, wakers: &Arc<()>) -> Self {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&is_stopped);
        let stop = poll_fn(move |_| if flag.load(Relaxed) { Poll::Ready(()) } else { Poll::Pending });
        let future = Box::pin(async move { bus.close_and_drain_async(stop).await });
        Self { future, is_stopped, poller: Poller::new(wakers) }
    }

    /// Polls once more.
    pub(super) fn poll(&mut self, draining: Draining, passes: &mut usize) -> Outcome {
        let caller = if draining == Draining::PollElsewhere { Caller::Another } else { Caller::Same };
        self.is_stopped.store(draining == Draining::PollStopped, Relaxed);
        let Self { future, poller, .. } = self;
        match poller.poll(caller, passes, |context| Some(future.as_mut().poll(context))) {
            Some(Poll::Ready(drained)) => Outcome::Drained(drained_pictures(&drained)),
            Some(Poll::Pending) | None => Outcome::Pending,
        }
    }

    /// Drops the future.
    pub(super) fn give_up(self) {
        drop(self.future);
        self.poller.assert_forgotten();
    }

    pub(super) fn picture(&self) -> DrainPicture<usize> {
        let (wakes, keepers) = (self.poller.rings(), self.poller.keepers());
        DrainPicture { wakes, has_waker: wakes + keepers == 1 }
    }
}
