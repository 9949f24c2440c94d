//! Why a value could not be pushed.

use std::error::Error;
use std::fmt;

/// Why [`Producer::push`](crate::Producer::push) refused a value. It is given back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PushError<T> {
    /// The ring is full.
    Full(T),
    /// The consumer has closed the ring, or is gone.
    Closed(T),
}

impl<T> PushError<T> {
    /// The value that was not pushed.
    ///
    /// # Examples
    ///
    /// ```
    /// let (producer, consumer) = ringbus_lane::channel(1);
    /// drop(consumer);
    /// assert_eq!(producer.push("late").unwrap_err().into_inner(), "late");
    /// ```
    #[must_use]
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(value) | Self::Closed(value) => value,
        }
    }
}

impl<T> fmt::Debug for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Display for PushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the ring is full",
            Self::Closed(_) => "the consumer has closed the ring or is gone",
        })
    }
}

impl<T> Error for PushError<T> {}
