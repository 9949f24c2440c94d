//! What was counted.

#[cfg(feature = "serde")]
mod serial;
pub(crate) mod stripe;
mod table;

use crate::event::event_type::EventType;
use crate::mailbox::options::Ring;
use crate::stats::stripe::Striped;
use crate::sync::Counter;
use crossbeam_utils::CachePadded;
use std::ops::{Add, AddAssign};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What became of one publish, or of all events of a batch.
///
/// A publish before `start` is `buffered`. A live one was offered to `delivered + dropped`
/// interested subscribers. This does not say whether a [request](crate::EventBus::request) gathered
/// the event as a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Events kept for the replay: 1 before `start`, 0 after. A batch may straddle the start. (Also
    /// 1 for an event of a [retained](crate::BusBuilder::retain) type that a filter, `Clone` or
    /// `Drop` publishes while it runs for another of that type: the publish of that one publishes
    /// this as well, behind it, and reports its deliveries. A request reports its own alone; the
    /// [statistics](crate::EventBus::stats) count all.)
    pub buffered: usize,
    /// Subscribers in whose ring the event is; of a batch, the sum over its events.
    pub delivered: usize,
    /// Subscribers that wanted the event and lost it: their ring was full, or its `Clone` or their
    /// filter panicked.
    pub dropped: usize,
}

impl AddAssign for Published {
    fn add_assign(&mut self, other: Self) {
        self.buffered += other.buffered;
        self.delivered += other.delivered;
        self.dropped += other.dropped;
    }
}

impl Add for Published {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl Published {
    /// Subscribers in whose ring the event is.
    #[must_use]
    pub const fn delivered(&self) -> usize {
        self.delivered
    }

    /// Subscribers that wanted the event and lost it.
    #[must_use]
    pub const fn dropped(&self) -> usize {
        self.dropped
    }
}

/// What became of a publish on a live bus. (Two words, which functions return in registers;
/// [`Published`] has one too many.)
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Offered {
    pub(crate) delivered: usize,
    pub(crate) dropped: usize,
}

impl Add for Offered {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { delivered: self.delivered + other.delivered, dropped: self.dropped + other.dropped }
    }
}

impl From<Offered> for Published {
    #[inline]
    fn from(Offered { delivered, dropped }: Offered) -> Self {
        Self { buffered: 0, delivered, dropped }
    }
}

/// What a bus has counted since it was made, by [`EventBus::stats`](crate::EventBus::stats).
///
/// The totals are sums over what publishes reported, so they include subscribers that have left.
/// Numbers are exact once you have synchronised with the threads that publish and receive, such as
/// by joining them. Until then they are samples.
///
/// Its `Display` is a table for people; with the feature `serde` it is `Serialize`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BusStats {
    /// Events accepted, before and after `start`, and requests that were offered and that no
    /// subscriber took.
    pub published: u64,
    /// Deliveries into a ring. The replay does not count: it needs no ring.
    pub delivered: u64,
    /// Deliveries that failed, see [`Published::dropped`].
    pub dropped: u64,
    /// Events accepted before `start`.
    pub buffered: u64,
    /// Events accepted before `start` that nobody will receive, because nobody had subscribed when
    /// the bus started, or was closed without a start. (Of those, a later subscriber still receives
    /// what the bus [retains](crate::BusBuilder::retain).)
    pub unclaimed: u64,
    /// Publishes refused because the start-up buffer was full; a batch counts once.
    pub startup_rejected: u64,
    /// Responses that no [result](crate::RequestResult) has or counts: they came when their request
    /// had ended, or answer no request of this bus, or their request was given up. (So are those
    /// whose `request_id` or `Clone` panicked.)
    pub late_responses: u64,
    /// Requests under way: made, and their [`Gather`](crate::Gather) neither used up nor dropped.
    pub requests_in_flight: u64,
    /// The present subscribers, in the order in which they came.
    pub subscribers: Vec<SubscriberStats>,
}

/// What was counted for one subscriber.
///
/// At every quiescent point, what publishes reported delivered to it, plus what it took of the
/// replay and of the retained events, is `received + len + evicted + discarded`.
///
/// Its `Display` is a table of one line; with the feature `serde` it is `Serialize`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriberStats {
    /// The subscriber's name.
    pub name: Arc<str>,
    /// The types that it asked for; `None` for all.
    pub types: Option<Arc<[EventType]>>,
    /// Events its ring can hold.
    pub capacity: usize,
    /// What its events are kept in.
    pub ring: Ring,
    /// Events in its ring now. The unread part of a replay is not in the ring, and not in this
    /// number.
    pub len: usize,
    /// Events of the replay that it has not looked at yet, once the bus has started; or of those
    /// that were [retained](crate::BusBuilder::retain) when it subscribed. An upper bound
    /// for what it will receive of them, because types and filter apply as they are received.
    pub unread_replay: usize,
    /// The highest fill of the ring that was seen, in events; `capacity` once the ring was found
    /// full. The receiver samples it now and then, and whenever it has found the ring empty before.
    /// It may be one too high, if an event arrives in that moment.
    pub high_water: usize,
    /// Events received, replayed ones included.
    pub received: u64,
    /// Events lost because the ring was full, or because `Clone` or the filter panicked.
    pub dropped: u64,
    /// Events that made room for newer ones, with
    /// [`Overflow::DropOldest`](crate::Overflow::DropOldest).
    pub evicted: u64,
    /// Events of a wanted type that the filter refused.
    pub filtered: u64,
    /// Events delivered that nobody will receive: left in the ring when the subscription ended,
    /// delivered too late by a publish that raced with its end, or replayed to a filter or `Clone`
    /// that panicked.
    pub discarded: u64,
    /// Whether the subscriber said that it does not mind losing events.
    pub lossy: bool,
    /// Whether it has lost events and not caught up since, see [`Lag`](crate::Lag). Never for a
    /// lossy one.
    pub lagging: bool,
}

impl SubscriberStats {
    /// Events lost to a full ring: [`dropped`](Self::dropped) and [`evicted`](Self::evicted) ones.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.dropped + self.evicted
    }
}

/// What publishes reported, summed up.
#[derive(Debug, Default)]
pub(crate) struct PublishCounts {
    live: Counter,
    buffered: Counter,
    delivered: Counter,
    dropped: Counter,
    startup_rejected: Counter,
}

impl PublishCounts {
    /// Counts live events, in the cheaper way if the calling thread is the only one that writes
    /// these counts.
    #[inline]
    fn count_live(&self, events: usize, offered: Offered, is_owner: bool) {
        self.live.count(events as u64, is_owner);
        self.delivered.count(offered.delivered as u64, is_owner);
        if offered.dropped != 0 {
            self.dropped.count(offered.dropped as u64, is_owner);
        }
    }

    fn add_all(&self, other: &Self) {
        self.live.add(other.live.get());
        self.buffered.add(other.buffered.get());
        self.delivered.add(other.delivered.get());
        self.dropped.add(other.dropped.get());
        self.startup_rejected.add(other.startup_rejected.get());
    }
}

type OwnedCounts = Arc<CachePadded<PublishCounts>>;

/// The totals of a bus: striped counts for [`EventBus::publish`](crate::EventBus::publish), and
/// counts of its own for each [`Publisher`](crate::Publisher), which need no read-modify-write.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    striped: Striped<PublishCounts>,
    /// Locked by `stats`, and when a publisher is made or dropped. Never by a publish.
    owned: Mutex<Vec<OwnedCounts>>,
}

impl Totals {
    #[inline]
    pub(crate) fn count_live(&self, events: usize, offered: Offered) {
        let (counts, is_owned) = self.striped.mine();
        counts.count_live(events, offered, is_owned);
    }

    pub(crate) fn count_buffered(&self) {
        self.striped.mine().0.buffered.add(1);
    }

    pub(crate) fn count_startup_rejected(&self) {
        self.striped.mine().0.startup_rejected.add(1);
    }

    fn owned(&self) -> MutexGuard<'_, Vec<OwnedCounts>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn open_account(&self) -> PublisherAccount {
        let counts = OwnedCounts::default();
        self.owned().push(Arc::clone(&counts));
        PublisherAccount(counts)
    }

    pub(crate) fn close_account(&self, account: &PublisherAccount) {
        let mut owned = self.owned();
        owned.retain(|counts| !Arc::ptr_eq(counts, &account.0));
        self.striped.mine().0.add_all(&account.0);
    }

    /// How many publishers have an account.
    #[cfg(test)]
    pub(crate) fn accounts(&self) -> usize {
        self.owned().len()
    }

    pub(crate) fn sum(&self, subscribers: Vec<SubscriberStats>) -> BusStats {
        let owned = self.owned();
        let sum = PublishCounts::default();
        for counts in self.striped.iter().chain(owned.iter().map(|counts| &***counts)) {
            sum.add_all(counts);
        }
        BusStats {
            published: sum.live.get() + sum.buffered.get(),
            delivered: sum.delivered.get(),
            dropped: sum.dropped.get(),
            buffered: sum.buffered.get(),
            startup_rejected: sum.startup_rejected.get(),
            subscribers,
            ..BusStats::default()
        }
    }
}

/// The counts of one publisher, which it alone writes.
#[derive(Debug)]
pub(crate) struct PublisherAccount(OwnedCounts);

impl PublisherAccount {
    #[inline]
    pub(crate) fn count_live(&mut self, events: usize, offered: Offered) {
        self.0.count_live(events, offered, true);
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn account_goes_with_its_publisher_and_its_counts_stay() {
        let totals = Totals::default();
        let offered = Offered { delivered: 2, dropped: 1 };
        for publishers in 1..4 {
            let mut account = totals.open_account();
            account.count_live(1, offered);
            totals.close_account(&account);
            let sum = totals.sum(Vec::new());
            assert_eq!((sum.published, sum.delivered, sum.dropped), (publishers, 2 * publishers, publishers));
            assert_eq!(totals.accounts(), 0);
        }
    }
}
