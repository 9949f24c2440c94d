//! The result of a request.

use std::fmt;
use std::sync::Arc;

/// The answers to a [request](crate::EventBus::request): enough of them or, inside a
/// [`GatherError`](crate::GatherError), those that arrived.
///
/// A response that was published while the request was under way is in `responses` or counted in
/// `duplicates` or `unexpected`; the others are counted by
/// [`BusStats::late_responses`](crate::BusStats::late_responses).
#[derive(Clone, PartialEq, Eq)]
pub struct RequestResult<E> {
    /// The first response of each expected responder that has answered, in order of arrival.
    pub responses: Vec<E>,
    /// The expected responders that have not answered, in the order in which they were expected.
    pub missing: Vec<Arc<str>>,
    /// How many more responses came from expected responders that had answered already.
    pub duplicates: usize,
    /// How many responses came from responders that were not expected.
    pub unexpected: usize,
    /// The first eight names of unexpected responders. (A name that differs from an expected one by
    /// a capital letter is easily overlooked.)
    pub strangers: Vec<Arc<str>>,
}

impl<E> RequestResult<E> {
    /// Whether every expected responder has answered.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// One phrase for each responder that has not answered, such as `no response from template`,
    /// and one for each of the [strangers](Self::strangers), such as `unexpected response from
    /// Template`.
    #[must_use]
    pub fn errors(&self) -> Vec<String> {
        let missing = self.missing.iter().map(|name| format!("no response from {name}"));
        let strangers = self.strangers.iter().map(|name| format!("unexpected response from {name}"));
        missing.chain(strangers).collect()
    }
}

impl<E> fmt::Debug for RequestResult<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestResult")
            .field("responses", &self.responses.len())
            .field("missing", &self.missing)
            .field("duplicates", &self.duplicates)
            .field("unexpected", &self.unexpected)
            .field("strangers", &self.strangers)
            .finish()
    }
}
