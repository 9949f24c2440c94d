//! What can go wrong, one type per operation.

use std::error::Error;
use std::fmt;

/// Why an event was not published. It is handed back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PublishError<E> {
    /// The bus has not started, and its start-up buffer is full.
    StartupFull(E),
    /// The bus is closed.
    Closed(E),
}

impl<E> PublishError<E> {
    /// The event that was not published.
    #[must_use]
    pub fn into_inner(self) -> E {
        match self {
            Self::StartupFull(event) | Self::Closed(event) => event,
        }
    }
}

impl<E> fmt::Debug for PublishError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StartupFull(_) => "StartupFull(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<E> fmt::Display for PublishError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StartupFull(_) => "the start-up buffer is full",
            Self::Closed(_) => "the bus is closed",
        })
    }
}

impl<E> Error for PublishError<E> {}

/// Why [`try_recv`](crate::Subscription::try_recv) gave no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// There is nothing to receive now.
    Empty,
    /// Everything was received, and nothing more will come.
    Closed,
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "there is no event to receive now",
            Self::Closed => "the subscription is closed",
        })
    }
}

impl Error for TryRecvError {}

/// The subscription is closed: everything was received, and nothing more will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecvError;

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the subscription is closed")
    }
}

impl Error for RecvError {}

/// Why [`recv_timeout`](crate::Subscription::recv_timeout) or [`recv_deadline`](crate::Subscription::recv_deadline) gave
/// no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvTimeoutError {
    /// No event came in time.
    TimedOut,
    /// Everything was received, and nothing more will come.
    Closed,
}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimedOut => "no event came in time",
            Self::Closed => "the subscription is closed",
        })
    }
}

impl Error for RecvTimeoutError {}
