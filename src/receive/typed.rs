//! Receiving one Rust type from a bus of many.

use crate::error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::event::kind::EventKind;
use crate::event::{DynEvent, downcast_arc};
use crate::receive::Subscription;
use crate::receive::iter::{IntoIter, Iter, Recv, TryIter};
use crate::receive::stop::StopHandle;
use crate::stats::SubscriberStats;
use futures_core::Stream;
use futures_core::stream::FusedStream;
use std::fmt;
use std::future::Future;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Receives those events of a bus of [`DynEvent`] that are a `T`, as `Arc<T>`. From
/// [`EventBus::subscribe_to`](crate::EventBus::subscribe_to) and
/// [`SubscriberBuilder::subscribe_to`](crate::SubscriberBuilder::subscribe_to).
///
/// In every other respect it is a [`Subscription`], and each method does what the one of the same
/// name does there. Receiving allocates and copies nothing: the `Arc` that was published changes
/// its type.
///
/// An event of `T`'s kind that is another Rust type never reaches the ring: the subscriber counts
/// it as [filtered](SubscriberStats::filtered).
pub struct TypedSubscription<T> {
    /// Its filter lets nothing but a `T` pass.
    events: Subscription<DynEvent>,
    kind: PhantomData<fn() -> T>,
}

/// The event as what it is; the filter of its subscription has looked.
fn typed<T: EventKind>(event: DynEvent) -> Arc<T> {
    downcast_arc(event).expect("the filter lets nothing but a `T` pass")
}

impl<T: EventKind> TypedSubscription<T> {
    /// Of a subscription whose filter lets nothing but a `T` pass.
    pub(crate) fn new(events: Subscription<DynEvent>) -> Self {
        Self { events, kind: PhantomData }
    }

    /// Receives an event without waiting. See [`Subscription::try_recv`].
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] if there is none now, [`TryRecvError::Closed`] if no more will come.
    ///
    /// # Panics
    ///
    /// During the replay, resumes a panic of the filter. That event is gone; the next call gives
    /// the next one.
    #[inline]
    pub fn try_recv(&self) -> Result<Arc<T>, TryRecvError> {
        self.events.try_recv().map(typed)
    }

    /// Receives an event, and waits for it as long as it takes. Blocks the thread: in a task, await
    /// [`recv_async`](Self::recv_async). See [`Subscription::recv`].
    ///
    /// # Errors
    ///
    /// [`RecvError`] if no more will come.
    pub fn recv(&self) -> Result<Arc<T>, RecvError> {
        self.events.recv().map(typed)
    }

    /// Receives an event, and gives up after `timeout`. See [`Subscription::recv_timeout`].
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError::TimedOut`] if none came in time, [`RecvTimeoutError::Closed`] if no more
    /// will come.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Arc<T>, RecvTimeoutError> {
        self.events.recv_timeout(timeout).map(typed)
    }

    /// Receives an event, and gives up after `deadline`. See [`Subscription::recv_deadline`].
    ///
    /// # Errors
    ///
    /// As [`recv_timeout`](Self::recv_timeout).
    pub fn recv_deadline(&self, deadline: Instant) -> Result<Arc<T>, RecvTimeoutError> {
        self.events.recv_deadline(deadline).map(typed)
    }

    /// Receives an event in a task, on any runtime. Cancel safe and cooperative. See
    /// [`Subscription::recv_async`].
    ///
    /// # Errors
    ///
    /// The future gives [`RecvError`] if no more will come.
    pub fn recv_async(&mut self) -> Typed<T, Recv<'_, DynEvent>> {
        Typed::new(self.events.recv_async())
    }

    /// Moves up to `max` events into `into`, without waiting, and returns how many; no more than
    /// there were when it began. Returns 0 if there are none now, and also if no more will come.
    /// See [`Subscription::try_recv_many`].
    ///
    /// # Panics
    ///
    /// As [`try_recv`](Self::try_recv); the events before that one are in `into`.
    pub fn try_recv_many(&self, into: &mut Vec<Arc<T>>, max: usize) -> usize {
        // One look at least, because to find nothing may be the end of the replay. One by one into
        // their place: if user code of a replay panics, nothing is lost on the way.
        let before = into.len();
        into.extend(self.try_iter().take(max.min(self.len().max(1))));
        let taken = into.len() - before;
        if taken < max {
            self.events.leave_read_replay();
        }
        taken
    }

    /// Waits for an event as long as it takes, then moves what there is into `into`, up to `max`
    /// events, and returns how many. With a `max` of 0, returns 0 at once. Blocks the thread: in a
    /// task, await [`recv_many_async`](Self::recv_many_async). See [`Subscription::recv_many`].
    ///
    /// # Errors
    ///
    /// [`RecvError`] if no more will come.
    ///
    /// # Panics
    ///
    /// As [`try_recv_many`](Self::try_recv_many).
    pub fn recv_many(&self, into: &mut Vec<Arc<T>>, max: usize) -> Result<usize, RecvError> {
        let Some(more) = max.checked_sub(1) else { return Ok(0) };
        into.push(self.recv()?);
        Ok(1 + self.try_recv_many(into, more))
    }

    /// Receives many events asynchronously, on any runtime, as [`recv_many`](Self::recv_many) does.
    /// Cancel safe and cooperative: takes 128 events at most. See
    /// [`Subscription::recv_many_async`].
    ///
    /// # Errors
    ///
    /// The future gives [`RecvError`] if no more will come.
    ///
    /// # Panics
    ///
    /// As [`try_recv_many`](Self::try_recv_many).
    pub fn recv_many_async<'a>(&'a mut self, into: &'a mut Vec<Arc<T>>, max: usize) -> TypedRecvMany<'a, T> {
        TypedRecvMany { subscription: self, into, max }
    }

    /// Receives what there is, up to `max` events, or makes sure that `waker` is woken when it is
    /// worth another look.
    fn poll_many(&self, into: &mut Vec<Arc<T>>, max: usize, waker: &Waker) -> Poll<Result<usize, RecvError>> {
        let Some(more) = max.checked_sub(1) else { return Poll::Ready(Ok(0)) };
        self.events.poll_recv(waker).map(|received| {
            into.push(typed(received?));
            let rest = self.try_recv_many(into, more.min(self.events.turn.left()));
            self.events.turn.spend(rest);
            Ok(1 + rest)
        })
    }

    /// Iterates over the events, blocks for each, and ends when the subscription is closed. A loop
    /// `for event in &subscription` is the same. See [`Subscription::iter`].
    pub fn iter(&self) -> Typed<T, Iter<'_, DynEvent>> {
        Typed::new(self.events.iter())
    }

    /// Iterates over the events that can be received without waiting. See
    /// [`Subscription::try_iter`].
    pub fn try_iter(&self) -> Typed<T, TryIter<'_, DynEvent>> {
        Typed::new(self.events.try_iter())
    }

    /// Makes a handle that ends this subscription from any thread: the receiver still gets what it
    /// has, and then `Closed`. See [`Subscription::stop_handle`].
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        self.events.stop_handle()
    }

    /// The name, as statistics and lag reports show it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.events.name()
    }

    /// How many events the ring holds.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.events.capacity()
    }

    /// How many events wait to be received. Advisory. While a replay is unread, this is an upper
    /// bound: it counts events of every type. See [`Subscription::len`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether [`len`](Self::len) is 0. Advisory.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether the bus is closed or this subscription was stopped; there may still be events to
    /// receive. Once `true`, always `true`.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.events.is_closed()
    }

    /// How many events this subscriber has lost to a full ring since it subscribed. See
    /// [`Subscription::lost`].
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.events.lost()
    }

    /// How many events this subscriber has lost since the last call of this. See
    /// [`lost`](Self::lost).
    pub fn take_lost(&self) -> u64 {
        self.events.take_lost()
    }

    /// Returns what was counted for this subscription; `filtered` has the events of its kind that
    /// were no `T`. See [`Subscription::stats`].
    #[must_use]
    pub fn stats(&self) -> SubscriberStats {
        self.events.stats()
    }
}

impl<T: EventKind> fmt::Debug for TypedSubscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedSubscription")
            .field("event_type", &T::EVENT_TYPE)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

impl<T: EventKind> IntoIterator for TypedSubscription<T> {
    type Item = Arc<T>;
    type IntoIter = Typed<T, IntoIter<DynEvent>>;

    fn into_iter(self) -> Self::IntoIter {
        Typed::new(self.events.into_iter())
    }
}

impl<'a, T: EventKind> IntoIterator for &'a TypedSubscription<T> {
    type Item = Arc<T>;
    type IntoIter = Typed<T, Iter<'a, DynEvent>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The same for an exclusive reference, because only that may be lent to another thread.
impl<'a, T: EventKind> IntoIterator for &'a mut TypedSubscription<T> {
    type Item = Arc<T>;
    type IntoIter = Typed<T, Iter<'a, DynEvent>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A stream of the events, which ends when the subscription is closed. As that of [`Subscription`].
impl<T: EventKind> Stream for TypedSubscription<T> {
    type Item = Arc<T>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Arc<T>>> {
        Pin::new(&mut self.get_mut().events).poll_next(context).map(|event| event.map(typed))
    }
}

impl<T: EventKind> FusedStream for TypedSubscription<T> {
    fn is_terminated(&self) -> bool {
        self.events.is_terminated()
    }
}

/// An iterator or a future of a [`TypedSubscription`]: gives what the one inside gives, as
/// `Arc<T>`.
#[must_use = "iterators and futures do nothing unless they are used"]
pub struct Typed<T, I> {
    /// Of a subscription whose filter lets nothing but a `T` pass.
    inner: I,
    kind: PhantomData<fn() -> T>,
}

impl<T, I> Typed<T, I> {
    fn new(inner: I) -> Self {
        Self { inner, kind: PhantomData }
    }
}

impl<T: EventKind, I: Iterator<Item = DynEvent>> Iterator for Typed<T, I> {
    type Item = Arc<T>;

    fn next(&mut self) -> Option<Arc<T>> {
        self.inner.next().map(typed)
    }
}

impl<T: EventKind, I: FusedIterator<Item = DynEvent>> FusedIterator for Typed<T, I> {}

impl<T: EventKind, F: Future<Output = Result<DynEvent, RecvError>> + Unpin> Future for Typed<T, F> {
    type Output = Result<Arc<T>, RecvError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.inner).poll(context).map(|received| received.map(typed))
    }
}

impl<T, I: fmt::Debug> fmt::Debug for Typed<T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Typed").field(&self.inner).finish()
    }
}

/// The future of [`TypedSubscription::recv_many_async`]: gives how many events it has received.
#[must_use = "futures do nothing unless polled or awaited"]
pub struct TypedRecvMany<'a, T: EventKind> {
    subscription: &'a mut TypedSubscription<T>,
    into: &'a mut Vec<Arc<T>>,
    max: usize,
}

impl<T: EventKind> Future for TypedRecvMany<'_, T> {
    type Output = Result<usize, RecvError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { subscription, into, max } = &mut *self;
        subscription.poll_many(into, *max, context.waker())
    }
}

impl<T: EventKind> Drop for TypedRecvMany<'_, T> {
    fn drop(&mut self) {
        self.subscription.events.end_wait();
    }
}

impl<T: EventKind> fmt::Debug for TypedRecvMany<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedRecvMany")
            .field("subscription", &self.subscription)
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}
