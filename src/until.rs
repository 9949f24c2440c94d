//! Waiting in a task, until it is done or another future is ready.

use crate::panics::Panics;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

/// Polls `done` until it is ready, or `stop` is; returns whether `done` was. A panic of either, or
/// of `stop` as it is dropped, ends the wait and is kept in `panics`: so what the caller has to do
/// afterwards is done, and no second panic meets the first.
pub(crate) async fn until_stopped<S: Future>(
    mut done: impl FnMut(&mut Context<'_>) -> Poll<()>,
    stop: S,
    panics: &mut Panics,
) -> bool {
    let mut stop = pin!(Some(stop));
    let is_done = {
        let (waiting, caught) = (&mut stop, &mut *panics);
        poll_fn(move |context| {
            let look = caught.catch(|| match done(context) {
                Poll::Ready(()) => Poll::Ready(true),
                Poll::Pending if waiting.as_mut().as_pin_mut().is_none_or(|stop| stop.poll(context).is_ready()) => {
                    Poll::Ready(false)
                }
                Poll::Pending => Poll::Pending,
            });
            look.unwrap_or(Poll::Ready(false))
        })
        .await
    };
    panics.catch(|| stop.set(None));
    is_done
}
