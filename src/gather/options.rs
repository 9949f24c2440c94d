//! What a requester can ask for.

use crate::gather::error::RequestErrorKind;
use std::sync::Arc;
use std::time::Duration;

/// Whose answers a [request](crate::EventBus::request) waits for, and how long.
///
/// Cheap to clone, so a component that asks the same responders again and again keeps one.
///
/// ```
/// use ringbus::RequestOptions;
/// use std::time::Duration;
///
/// let options = RequestOptions::expecting(["basic", "template", "jsonpath"])
///     .timeout(Duration::from_secs(2))           // 10 s unless set
///     .min_responses(2)                          // all three unless set
///     .grace(Duration::from_millis(50));         // none unless set
/// # let _ = options;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "options do nothing until a request is made with them"]
pub struct RequestOptions {
    expected: Arc<[Arc<str>]>,
    /// Whether a name stands among `expected` twice.
    repeats: bool,
    timeout: Duration,
    /// `None`: all that are expected.
    required: Option<usize>,
    grace: Duration,
}

/// How long a request waits unless the requester says otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

impl RequestOptions {
    /// Waits for an answer from each of these responders. A response says
    /// [whose](crate::Response::responder) it is.
    ///
    /// An empty list or a repeated name is an error of the [request](crate::EventBus::request), not
    /// of this call.
    pub fn expecting<N: Into<Arc<str>>>(responders: impl IntoIterator<Item = N>) -> Self {
        let expected: Arc<[Arc<str>]> = responders.into_iter().map(Into::into).collect();
        let mut sorted: Vec<&str> = expected.iter().map(|name| &**name).collect();
        sorted.sort_unstable();
        let repeats = sorted.windows(2).any(|pair| pair[0] == pair[1]);
        Self { expected, repeats, timeout: DEFAULT_TIMEOUT, required: None, grace: Duration::ZERO }
    }

    /// Sets how long to wait, counted from the call of [`request`](crate::EventBus::request), so
    /// work done between asking and waiting counts; 10 seconds unless set. [`Duration::MAX`] waits
    /// for ever.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how many of the expected responders are enough: the request succeeds as soon as that
    /// many have answered. All of them unless set.
    ///
    /// 0, or more than are expected, is an error of the [request](crate::EventBus::request), not of
    /// this call.
    pub fn min_responses(mut self, responses: usize) -> Self {
        self.required = Some(responses);
        self
    }

    /// Sets how long to wait for the rest once [enough](Self::min_responses) have answered, at most
    /// until the timeout; nothing unless set. It begins when the waiting requester sees that there
    /// are enough.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Whether a request can be made with these options.
    pub(crate) fn check(&self) -> Result<(), RequestErrorKind> {
        let (required, expected) = (self.required(), self.expected.len());
        if expected == 0 {
            Err(RequestErrorKind::NoExpectedResponders)
        } else if self.repeats {
            Err(RequestErrorKind::DuplicateResponder)
        } else if required == 0 || required > expected {
            Err(RequestErrorKind::InvalidMinimum { required, expected })
        } else {
            Ok(())
        }
    }

    /// The responders to wait for.
    pub(crate) fn expected(&self) -> &Arc<[Arc<str>]> {
        &self.expected
    }

    /// How many of them are enough.
    pub(crate) fn required(&self) -> usize {
        self.required.unwrap_or(self.expected.len())
    }

    pub(crate) fn timeout_after(&self) -> Duration {
        self.timeout
    }

    /// How long to wait for the rest; `None` for not at all.
    pub(crate) fn grace_after(&self) -> Option<Duration> {
        (!self.grace.is_zero()).then_some(self.grace)
    }
}
