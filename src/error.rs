//! What can go wrong, one type per operation.

use crate::gather::error::STARTUP_FULL;
use crate::stats::Published;
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
    // Inlined, because each call that a large event is moved through takes its size of stack in a
    // debug build.
    #[inline(always)]
    pub(crate) fn new(kind: BatchErrorKind, event: E) -> Self {
        match kind {
            BatchErrorKind::StartupFull => Self::StartupFull(event),
            BatchErrorKind::Closed => Self::Closed(event),
        }
    }

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
        match self {
            Self::StartupFull(_) => BatchErrorKind::StartupFull,
            Self::Closed(_) => BatchErrorKind::Closed,
        }
        .fmt(f)
    }
}

impl<E> Error for PublishError<E> {}

/// Why not all events of a batch were published: the first `taken` were, and `published` says what
/// became of them. (Before the start, an event whose `Clone` panics counts as taken, but then the
/// panic resumes instead of this error.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchError {
    /// What became of the events that were taken.
    pub published: Published,
    /// How many events were taken, from the beginning of the batch. The others are
    /// `events[taken..]`.
    pub taken: usize,
    /// Why the others were not.
    pub kind: BatchErrorKind,
}

/// Why a batch was not published as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchErrorKind {
    /// The bus has not started, and its start-up buffer is full.
    StartupFull,
    /// The bus is closed.
    Closed,
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {} events of the batch, {}", self.taken, self.kind)
    }
}

impl fmt::Display for BatchErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StartupFull => STARTUP_FULL,
            Self::Closed => "the bus is closed",
        })
    }
}

impl Error for BatchError {}

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

/// Why [`recv_timeout`](crate::Subscription::recv_timeout) or
/// [`recv_deadline`](crate::Subscription::recv_deadline) gave no event.
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
