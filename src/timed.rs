//! Awaiting a request on tokio, whose clock keeps the time.

use crate::error::GatherError;
use crate::gather::Gather;
use crate::pending::Look;
use crate::request_result::RequestResult;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::time::{Instant, Sleep, sleep_until};

impl<E> IntoFuture for Gather<E> {
    type Output = Result<RequestResult<E>, GatherError<E>>;
    type IntoFuture = GatherFuture<E>;

    /// As [`wait`](Gather::wait), for a task: timeout and grace are kept by tokio's clock.
    fn into_future(self) -> GatherFuture<E> {
        GatherFuture { deadline: self.tokio_deadline, gather: Some(self), is_in_grace: false, sleep: None }
    }
}

/// Awaits the answers to a request. From awaiting a [`Gather`], with the feature `tokio`. Dropping it gives the request up.
///
/// # Panics
///
/// When polled after it was ready; and outside a tokio runtime with its time enabled, where a timeout or a grace has to be waited for.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled or awaited"]
pub struct GatherFuture<E> {
    /// `None` once it was ready.
    gather: Option<Gather<E>>,
    /// When the wait ends at the latest: that of the timeout, or of the grace once it runs.
    deadline: Option<Instant>,
    is_in_grace: bool,
    /// The wait for `deadline`. Made when there is something to wait for.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<E> GatherFuture<E> {
    /// Polls the wait for the deadline, if there is one.
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else { return Poll::Pending };
        self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline))).as_mut().poll(context)
    }

    fn begin_grace(&mut self, grace: std::time::Duration) {
        self.is_in_grace = true;
        let end = Instant::now().checked_add(grace);
        self.deadline = self.deadline.into_iter().chain(end).min();
        if let (Some(sleep), Some(deadline)) = (&mut self.sleep, self.deadline) {
            sleep.as_mut().reset(deadline);
        }
    }
}

impl<E> Future for GatherFuture<E> {
    type Output = Result<RequestResult<E>, GatherError<E>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let gather = this.gather.as_ref().expect("polled after it was ready");
        match (gather.look_or_wait(context.waker()), gather.grace) {
            (Look::Done, _) => {}
            (Look::Enough, Some(grace)) if !this.is_in_grace => {
                this.begin_grace(grace);
                ready!(this.poll_deadline(context));
            }
            (Look::TooFew | Look::Enough, _) => ready!(this.poll_deadline(context)),
        }
        let gather = this.gather.take().expect("it is there, as above");
        Poll::Ready(gather.finish_timed_out())
    }
}
