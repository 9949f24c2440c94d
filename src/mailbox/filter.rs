//! A subscriber's filter.

use crate::stats::stripe::Striped;
use crate::sync::Counter;

/// Decides by the content of an event whether a subscriber wants it, and counts what it does not
/// want.
///
/// (Most subscribers with a filter refuse most events, on the publishers' threads, so a count that
/// all of them share would be most of what the filter costs.)
pub(crate) struct Filter<E> {
    wants: Box<dyn Fn(&E) -> bool + Send + Sync>,
    refused: Box<Striped<Counter>>,
}

impl<E> Filter<E> {
    pub(crate) fn new(wants: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        Self { wants: Box::new(wants), refused: Box::default() }
    }

    /// The same filter, asked only about what passes `first`.
    pub(crate) fn after(self, first: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self
    where
        E: 'static,
    {
        let Self { wants, refused } = self;
        Self { wants: Box::new(move |event| first(event) && wants(event)), refused }
    }

    /// Whether the event passes. Counts it if not. User code.
    #[inline]
    pub(crate) fn accepts(&self, event: &E) -> bool {
        (self.wants)(event) || self.refuse()
    }

    /// Whether the event passes. User code.
    pub(crate) fn passes(&self, event: &E) -> bool {
        (self.wants)(event)
    }

    fn refuse(&self) -> bool {
        self.count_refused();
        false
    }

    /// Counts an event that did not pass.
    pub(crate) fn count_refused(&self) {
        let (refused, is_owned) = self.refused.mine();
        refused.count(1, is_owned);
    }

    /// How many events did not pass.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.iter().map(Counter::get).sum()
    }
}
