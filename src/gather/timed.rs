//! Awaiting a request on tokio, whose clock keeps the time.

use crate::gather::Gather;
use crate::gather::error::GatherError;
use crate::gather::pending::Look;
use crate::gather::result::RequestResult;
use crate::turn::Turn;
use pin_project_lite::pin_project;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

impl<E> IntoFuture for Gather<E> {
    type Output = Result<RequestResult<E>, GatherError<E>>;
    type IntoFuture = GatherFuture<E>;

    /// As [`wait`](Gather::wait), for a task: timeout and grace are kept by tokio's clock, that of
    /// the runtime in which this is called.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, and in one whose time is not enabled, unless the request has
    /// neither a timeout nor a grace. It panics even if the answers are there already. Use
    /// [`until`](Gather::until) there.
    #[track_caller]
    fn into_future(self) -> GatherFuture<E> {
        let deadline = self.deadline();
        // Made here, so that a missing clock shows every time, and not only if somebody is slow to
        // answer.
        let mut sleep = None;
        if let Some(end) = deadline.or(self.grace.and_then(|grace| Instant::now().checked_add(grace))) {
            sleep = Some(sleep_until(end));
        }
        GatherFuture { deadline, gather: Some(self), turn: Turn::default(), has_yielded: false, sleep }
    }
}

pin_project! {
    /// Awaits the answers to a request. From awaiting a [`Gather`], with the feature `tokio`.
    /// Dropping it gives the request up.
    ///
    /// # Panics
    ///
    /// When polled after it was ready.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled or awaited"]
    pub struct GatherFuture<E> {
        // `None` once it was ready.
        gather: Option<Gather<E>>,
        // When the wait ends at the latest: with the timeout, or with the grace once that runs.
        deadline: Option<Instant>,
        turn: Turn,
        // Whether others were let run before the timer was set: responders that are tasks of this
        // very thread answer meanwhile, and setting a timer costs more than another look.
        has_yielded: bool,
        // The wait for `deadline`, if there is or will be one.
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl<E> GatherFuture<E> {
    /// Polls the wait for the deadline, if there is one.
    fn poll_deadline(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let Some(deadline) = *this.deadline else {
            return Poll::Pending;
        };
        if !std::mem::replace(this.has_yielded, true) {
            // Nobody is let run once it is over. (Later, the timer says so.)
            if deadline <= Instant::now() {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        this.sleep.as_pin_mut().map_or(Poll::Pending, |sleep| sleep.poll(context))
    }

    /// Lets the wait end with the grace, which begins when this is first called: later ends do not
    /// count.
    fn limit_to_grace(self: Pin<&mut Self>, grace: Duration) {
        let this = self.project();
        let end = Instant::now().checked_add(grace);
        *this.deadline = (*this.deadline).into_iter().chain(end).min();
        if let (Some(sleep), Some(deadline)) = (this.sleep.as_pin_mut(), *this.deadline) {
            sleep.reset(deadline);
        }
    }
}

impl<E> Future for GatherFuture<E> {
    type Output = Result<RequestResult<E>, GatherError<E>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let gather = self.gather.as_ref().expect("polled after it was ready");
        if !self.turn.begin(context.waker()) {
            return Poll::Pending;
        }
        match (gather.look_or_wait(context.waker()), gather.grace) {
            (Look::Done, _) => {}
            (Look::Enough, Some(grace)) => {
                self.as_mut().limit_to_grace(grace);
                ready!(self.as_mut().poll_deadline(context));
            }
            (Look::TooFew | Look::Enough, _) => ready!(self.as_mut().poll_deadline(context)),
        }
        self.turn.spend(1);
        let gather = self.project().gather.take().expect("it is there, as above");
        Poll::Ready(gather.finish_timed_out())
    }
}
