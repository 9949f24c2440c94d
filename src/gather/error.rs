//! What can go wrong with a request.

use crate::gather::result::RequestResult;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// What every error says if the start-up buffer is full.
pub(crate) const STARTUP_FULL: &str =
    "the bus has not started and its start-up buffer is full: call `start`, or make room in `EventBus::new`";

/// Why a request was not made. The event is handed back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum RequestError<E> {
    /// The event's [`as_request`](crate::Event::as_request) says that it is no request.
    NotARequest(E),
    /// The options name no responder to wait for.
    NoExpectedResponders(E),
    /// The options name a responder twice, but each answers only once.
    DuplicateResponder(E),
    /// The options require no response at all, or more than responders are expected.
    InvalidMinimum {
        /// The event that was not published.
        event: E,
        /// How many responses the options require.
        required: usize,
        /// How many responders they expect.
        expected: usize,
    },
    /// A request with the same id is under way.
    DuplicateId(E),
    /// The bus is live, and no subscriber took the request: none is interested, or every ring was
    /// full.
    NotDelivered(E),
    /// The bus has not started, and its start-up buffer is full.
    StartupFull(E),
    /// The bus is closed.
    Closed(E),
}

/// The same without the event.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RequestErrorKind {
    NotARequest,
    NoExpectedResponders,
    DuplicateResponder,
    InvalidMinimum { required: usize, expected: usize },
    DuplicateId,
    NotDelivered,
    StartupFull,
    Closed,
}

impl<E> RequestError<E> {
    #[inline(always)]
    pub(crate) fn new(kind: RequestErrorKind, event: E) -> Self {
        match kind {
            RequestErrorKind::NotARequest => Self::NotARequest(event),
            RequestErrorKind::NoExpectedResponders => Self::NoExpectedResponders(event),
            RequestErrorKind::DuplicateResponder => Self::DuplicateResponder(event),
            RequestErrorKind::InvalidMinimum { required, expected } => {
                Self::InvalidMinimum { event, required, expected }
            }
            RequestErrorKind::DuplicateId => Self::DuplicateId(event),
            RequestErrorKind::NotDelivered => Self::NotDelivered(event),
            RequestErrorKind::StartupFull => Self::StartupFull(event),
            RequestErrorKind::Closed => Self::Closed(event),
        }
    }

    /// The event that was not published.
    #[must_use]
    pub fn into_inner(self) -> E {
        match self {
            Self::NotARequest(event)
            | Self::NoExpectedResponders(event)
            | Self::DuplicateResponder(event)
            | Self::InvalidMinimum { event, .. }
            | Self::DuplicateId(event)
            | Self::NotDelivered(event)
            | Self::StartupFull(event)
            | Self::Closed(event) => event,
        }
    }
}

impl<E> fmt::Debug for RequestError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotARequest(_) => "NotARequest(..)",
            Self::NoExpectedResponders(_) => "NoExpectedResponders(..)",
            Self::DuplicateResponder(_) => "DuplicateResponder(..)",
            Self::InvalidMinimum { required, expected, .. } => {
                return f
                    .debug_struct("InvalidMinimum")
                    .field("required", required)
                    .field("expected", expected)
                    .finish_non_exhaustive();
            }
            Self::DuplicateId(_) => "DuplicateId(..)",
            Self::NotDelivered(_) => "NotDelivered(..)",
            Self::StartupFull(_) => "StartupFull(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<E> fmt::Display for RequestError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotARequest(_) => "the event is not a request",
            Self::NoExpectedResponders(_) => {
                "no responder is expected: name those who answer in `RequestOptions::expecting`"
            }
            Self::DuplicateResponder(_) => "a responder is named twice in `RequestOptions::expecting`",
            Self::InvalidMinimum { required, expected, .. } => {
                return write!(f, "the minimum must be between 1 and {expected} responses, and is {required}");
            }
            Self::DuplicateId(_) => "a request with the same id is under way",
            Self::NotDelivered(_) => "no subscriber took the request: none wants its type, or every ring was full",
            Self::StartupFull(_) => STARTUP_FULL,
            Self::Closed(_) => "the bus is closed",
        })
    }
}

impl<E> Error for RequestError<E> {}

/// Why a request ended with fewer responses than required. Those that arrived are in `partial`.
#[derive(Clone, PartialEq, Eq)]
pub enum GatherError<E> {
    /// The timeout of the request was over.
    TimedOut {
        /// The timeout, counted from the call of [`request`](crate::EventBus::request).
        after: Duration,
        /// The responses that arrived.
        partial: RequestResult<E>,
    },
    /// The future given to [`until`](crate::Gather::until) was ready.
    Stopped {
        /// The responses that arrived.
        partial: RequestResult<E>,
    },
    /// A [`CancelHandle`](crate::CancelHandle) was used.
    Cancelled {
        /// The responses that arrived.
        partial: RequestResult<E>,
    },
    /// The bus was closed.
    Closed {
        /// The responses that arrived.
        partial: RequestResult<E>,
    },
}

impl<E> GatherError<E> {
    /// The responses that arrived.
    #[must_use]
    pub fn partial(&self) -> &RequestResult<E> {
        match self {
            Self::TimedOut { partial, .. }
            | Self::Stopped { partial }
            | Self::Cancelled { partial }
            | Self::Closed { partial } => partial,
        }
    }

    /// The responses that arrived, by value.
    #[must_use]
    pub fn into_partial(self) -> RequestResult<E> {
        match self {
            Self::TimedOut { partial, .. }
            | Self::Stopped { partial }
            | Self::Cancelled { partial }
            | Self::Closed { partial } => partial,
        }
    }
}

impl<E> fmt::Debug for GatherError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, after) = match self {
            Self::TimedOut { after, .. } => ("TimedOut", Some(after)),
            Self::Stopped { .. } => ("Stopped", None),
            Self::Cancelled { .. } => ("Cancelled", None),
            Self::Closed { .. } => ("Closed", None),
        };
        let mut debug = f.debug_struct(name);
        if let Some(after) = after {
            debug.field("after", after);
        }
        debug.field("partial", self.partial()).finish()
    }
}

impl<E> fmt::Display for GatherError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut { after, .. } => write!(f, "the request timed out after {after:?}"),
            Self::Stopped { .. } => f.write_str("the request was stopped"),
            Self::Cancelled { .. } => f.write_str("the request was cancelled"),
            Self::Closed { .. } => f.write_str("the bus was closed during the request"),
        }?;
        for error in self.partial().errors() {
            write!(f, ", {error}")?;
        }
        Ok(())
    }
}

impl<E> Error for GatherError<E> {}
