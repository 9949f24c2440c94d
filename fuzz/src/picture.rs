//! What there is to see, of the library and of the reference alike.

use crate::letter::Content;
use ringbus::{BatchError, Published};
use std::time::Duration;

/// What an operation returned.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    Done,
    /// The operation went on with a panic of user code.
    Panicked,
    Replayed(usize),
    Upgraded(bool),
    Published(Published),
    Batch(Result<Published, BatchError>),
    /// An event was handed back.
    Refused(Refusal, Content),
    Received(Content),
    NothingNow,
    Closed,
    /// Several events, and how many the call has counted unless it panicked.
    Collected(Vec<Content>, Option<usize>),
    Lost(u64),
    /// Those that have not received everything.
    Drained(Vec<SubscriberPicture>),
    Asked,
    Gathered(Gathered),
    Pending,
}

/// Why an event was not taken.
#[derive(Debug, PartialEq)]
pub enum Refusal {
    StartupFull,
    Closed,
    NotARequest,
    NoExpectedResponders,
    DuplicateResponder,
    InvalidMinimum { required: usize, expected: usize },
    DuplicateId,
    NotDelivered,
}

/// How a request ended.
#[derive(Debug, PartialEq)]
pub struct Gathered {
    pub end: GatherEnd,
    pub responses: Vec<Content>,
    pub missing: Vec<String>,
    pub duplicates: usize,
    pub unexpected: usize,
    pub strangers: Vec<String>,
}

#[derive(Debug, PartialEq)]
pub enum GatherEnd {
    Enough,
    TimedOut(Duration),
    Stopped,
    Cancelled,
    Closed,
}

/// Everything that can be asked of a bus and its subscriptions and requests without changing them.
/// A number that is only promised within bounds is an `N`: one that was seen, or the range that it
/// must be in.
#[derive(Debug)]
pub struct Picture<N> {
    /// `None` once the last handle is gone.
    pub bus: Option<BusPicture>,
    /// Those that the statistics know, in the order in which they came; none once the last handle
    /// is gone.
    pub subscribers: Vec<SubscriberPicture>,
    /// `None` in the place of one that is gone.
    pub subscriptions: Vec<Option<SubscriptionPicture<N>>>,
    /// `None` in the place of one that is gone.
    pub requests: Vec<Option<RequestPicture>>,
    /// `None` in the place of one that is gone.
    pub drains: Vec<Option<DrainPicture<N>>>,
    /// What the lag hooks heard in this step.
    pub heard: Vec<HeardLag>,
    /// How often a task was sent back to its executor in this step.
    pub passes: N,
    /// How many lag hooks there are, wherever.
    pub hooks: usize,
    /// How many filters there are, wherever.
    pub filters: N,
    /// How many copies of events there are, wherever.
    pub copies: N,
}

#[derive(Debug, PartialEq)]
pub struct BusPicture {
    pub is_started: bool,
    pub is_closed: bool,
    pub subscriber_count: usize,
    /// By topic.
    pub has_subscribers: Vec<bool>,
    /// By id.
    pub is_pending: Vec<bool>,
    pub totals: Totals,
}

/// The totals of [`ringbus::BusStats`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    pub published: u64,
    pub delivered: u64,
    pub dropped: u64,
    pub buffered: u64,
    pub unclaimed: u64,
    pub startup_rejected: u64,
    pub late_responses: u64,
    pub requests_in_flight: u64,
}

/// The row of [`ringbus::SubscriberStats`], except what is a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct SubscriberPicture {
    pub name: String,
    pub types: Option<Vec<&'static str>>,
    pub capacity: usize,
    pub len: usize,
    pub unread_replay: usize,
    pub received: u64,
    pub dropped: u64,
    pub evicted: u64,
    pub filtered: u64,
    pub discarded: u64,
    pub lossy: bool,
    pub lagging: bool,
}

#[derive(Debug)]
pub struct SubscriptionPicture<N> {
    /// What it says itself. `None` while a future has it.
    pub own: Option<OwnPicture<N>>,
    /// How often the waker of the last poll that found nothing was woken.
    pub wakes: N,
    /// How often it was woken, and how many clones of it are kept.
    pub wakes_and_keepers: N,
}

#[derive(Debug)]
pub struct OwnPicture<N> {
    pub exact: OwnCounts,
    /// An upper bound while a replay is unread.
    pub len: N,
    /// A sample.
    pub high_water: N,
}

#[derive(Debug, PartialEq)]
pub struct OwnCounts {
    pub row: SubscriberPicture,
    pub is_closed: bool,
    /// As a stream that ends once.
    pub is_terminated: bool,
    pub lost: u64,
}

#[derive(Debug, PartialEq)]
pub struct RequestPicture {
    /// `None` once it is a future.
    pub own: Option<OwnRequestPicture>,
    /// How often the waker of the last poll was woken.
    pub wakes: usize,
    /// How many clones of it are kept.
    pub keepers: usize,
}

#[derive(Debug, PartialEq)]
pub struct OwnRequestPicture {
    pub received: usize,
    pub published: Published,
}

#[derive(Debug)]
pub struct DrainPicture<N> {
    /// How often the waker of the last poll was woken.
    pub wakes: N,
    /// Whether that waker was woken or is kept.
    pub has_waker: bool,
}

/// What one hook heard.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeardLag {
    pub hook: usize,
    pub subscriber: String,
    pub event_type: &'static str,
    pub lost: u64,
}
