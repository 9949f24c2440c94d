//! Events one after the other: iterators, futures and a stream.

use crate::error::RecvError;
use crate::event::Event;
use crate::receive::Subscription;
use futures_core::Stream;
use futures_core::stream::FusedStream;
use std::fmt;
use std::future::Future;
use std::iter::FusedIterator;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A blocking iterator, which ends when the subscription is closed. From [`Subscription::iter`].
#[derive(Debug)]
pub struct Iter<'a, E: Event + Clone>(&'a Subscription<E>);

impl<'a, E: Event + Clone> Iter<'a, E> {
    pub(crate) fn new(subscription: &'a Subscription<E>) -> Self {
        Self(subscription)
    }
}

impl<E: Event + Clone> Iterator for Iter<'_, E> {
    type Item = E;

    fn next(&mut self) -> Option<E> {
        self.0.recv().ok()
    }
}

impl<E: Event + Clone> FusedIterator for Iter<'_, E> {}

/// An iterator that ends when there is nothing to receive without waiting. From
/// [`Subscription::try_iter`].
#[derive(Debug)]
pub struct TryIter<'a, E: Event + Clone>(&'a Subscription<E>);

impl<'a, E: Event + Clone> TryIter<'a, E> {
    pub(crate) fn new(subscription: &'a Subscription<E>) -> Self {
        Self(subscription)
    }
}

impl<E: Event + Clone> Iterator for TryIter<'_, E> {
    type Item = E;

    fn next(&mut self) -> Option<E> {
        self.0.try_recv().ok()
    }
}

/// A blocking iterator that owns the subscription, and ends when that is closed.
#[derive(Debug)]
pub struct IntoIter<E: Event + Clone>(Subscription<E>);

impl<E: Event + Clone> Iterator for IntoIter<E> {
    type Item = E;

    fn next(&mut self) -> Option<E> {
        self.0.recv().ok()
    }
}

impl<E: Event + Clone> FusedIterator for IntoIter<E> {}

impl<E: Event + Clone> IntoIterator for Subscription<E> {
    type Item = E;
    type IntoIter = IntoIter<E>;

    fn into_iter(self) -> IntoIter<E> {
        IntoIter(self)
    }
}

impl<'a, E: Event + Clone> IntoIterator for &'a Subscription<E> {
    type Item = E;
    type IntoIter = Iter<'a, E>;

    fn into_iter(self) -> Iter<'a, E> {
        self.iter()
    }
}

/// The same for an exclusive reference, because only that may be lent to another thread.
impl<'a, E: Event + Clone> IntoIterator for &'a mut Subscription<E> {
    type Item = E;
    type IntoIter = Iter<'a, E>;

    fn into_iter(self) -> Iter<'a, E> {
        self.iter()
    }
}

/// The future of [`Subscription::recv_async`]: gives an event.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled or awaited"]
pub struct Recv<'a, E: Event + Clone>(&'a mut Subscription<E>);

impl<'a, E: Event + Clone> Recv<'a, E> {
    pub(crate) fn new(subscription: &'a mut Subscription<E>) -> Self {
        Self(subscription)
    }
}

impl<E: Event + Clone> Future for Recv<'_, E> {
    type Output = Result<E, RecvError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_recv(context.waker())
    }
}

impl<E: Event + Clone> Drop for Recv<'_, E> {
    fn drop(&mut self) {
        self.0.end_wait();
    }
}

/// The future of [`Subscription::recv_many_async`]: gives how many events it has received.
#[must_use = "futures do nothing unless polled or awaited"]
pub struct RecvMany<'a, E: Event + Clone> {
    subscription: &'a mut Subscription<E>,
    into: &'a mut Vec<E>,
    max: usize,
}

impl<'a, E: Event + Clone> RecvMany<'a, E> {
    pub(crate) fn new(subscription: &'a mut Subscription<E>, into: &'a mut Vec<E>, max: usize) -> Self {
        Self { subscription, into, max }
    }
}

impl<E: Event + Clone> Future for RecvMany<'_, E> {
    type Output = Result<usize, RecvError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { subscription, into, max } = &mut *self;
        subscription.poll_many(into, *max, context.waker())
    }
}

impl<E: Event + Clone> Drop for RecvMany<'_, E> {
    fn drop(&mut self) {
        self.subscription.end_wait();
    }
}

impl<E: Event + Clone> fmt::Debug for RecvMany<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvMany")
            .field("subscription", &self.subscription)
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}

/// A stream of the events, which ends when the subscription is closed.
///
/// A stream is not told when the future that polls it is dropped. So it keeps the waker of the last
/// poll until an event wakes that, another poll or wait replaces it, or the subscription is
/// dropped. [`recv_async`](Subscription::recv_async) keeps none.
impl<E: Event + Clone> Stream for Subscription<E> {
    type Item = E;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<E>> {
        let mut event = None;
        self.poll_into(&mut event, context.waker()).map(|()| event)
    }
}

impl<E: Event + Clone> FusedStream for Subscription<E> {
    /// Whether this subscription has been told that it is closed.
    fn is_terminated(&self) -> bool {
        self.is_finished()
    }
}
