//! Lag: a subscriber loses events, and has not caught up since.

use crate::event::event_type::EventType;
use crate::sync::{AtomicUsize, Counter};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A subscriber has begun to lose events, because its ring was full.
///
/// Given to the hooks of [`EventBus::on_lag`](crate::EventBus::on_lag) once per *episode*: an
/// episode begins with the first event that is lost, and ends when the subscriber has caught up,
/// with a receive that leaves its ring at most half full.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lag {
    /// The name of the subscriber.
    pub subscriber: Arc<str>,
    /// The type of the event whose publishing found the ring full.
    pub event_type: EventType,
    /// How many events the subscriber has lost so far, since it subscribed: dropped and evicted
    /// ones.
    pub lost: u64,
}

const CLEAR: usize = 0;
const REPORTED: usize = 1;
const UNHEARD: usize = 2;
/// The first number that a ticket can have.
const FIRST: usize = 3;

/// Tells one publish from all others, and within a batch one event from the others: an event that
/// begins an episode signs it with a number of its own, and its publish reports it when the fan-out
/// is done. So no report is lost, doubled or given to another publish, and none needs an
/// allocation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tickets {
    first: NonZeroUsize,
    events: usize,
}

impl Tickets {
    /// Takes numbers for so many events.
    #[cold]
    pub(crate) fn take(events: usize) -> Self {
        static NEXT: Counter = Counter::new(FIRST as u64);
        // Where a word has 32 bits the numbers come round one day. An episode may then go
        // unreported; it is counted all the same.
        let first = (NEXT.add(events as u64) as usize).max(FIRST);
        Self { first: NonZeroUsize::new(first).unwrap_or(NonZeroUsize::MAX), events }
    }
}

/// Whether a subscriber is losing events: `CLEAR`, begun by the event with a certain number,
/// `REPORTED`, or `UNHEARD`, if nobody was there to hear of it.
///
/// | transition | by | from → to |
/// |---|---|---|
/// | [`begin`](Episode::begin) | publisher that lost an event | `CLEAR`, `UNHEARD` → number |
/// | [`begin_unheard`](Episode::begin_unheard) | the same, if there is nobody to report to | `CLEAR` → `UNHEARD` |
/// | [`take_report`](Episode::take_report) | the publish that began it, after its fan-out | number → `REPORTED` |
/// | [`give_report_back`](Episode::give_report_back) | the same, if nobody has heard the report | `REPORTED` → `UNHEARD` |
/// | [`end`](Episode::end) | subscriber that has caught up | `REPORTED`, `UNHEARD` → `CLEAR` |
#[derive(Debug)]
pub(crate) struct Episode(AtomicUsize);

impl Episode {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(CLEAR))
    }

    /// Whether no episode is under way.
    #[inline]
    pub(crate) fn is_clear(&self) -> bool {
        // ORDERING: Relaxed. The good path of a receive reads a word that nobody writes.
        self.0.load(Relaxed) == CLEAR
    }

    /// Whether an event lost now has to be reported.
    pub(crate) fn is_unreported(&self) -> bool {
        // ORDERING: Relaxed. Saves the write in `begin` in the middle of an episode.
        matches!(self.0.load(Relaxed), CLEAR | UNHEARD)
    }

    /// Begins an episode, or goes on with one that nobody has heard of, with the event at `index`
    /// among those of the tickets.
    pub(crate) fn begin(&self, tickets: Tickets, index: usize) {
        let number = tickets.first.get().wrapping_add(index);
        let sign = |state| matches!(state, CLEAR | UNHEARD).then_some(number);
        // ORDERING: Relaxed. The word hands nothing over; one winner is all that is asked.
        let _ = self.0.fetch_update(Relaxed, Relaxed, sign);
    }

    /// Begins an episode of which nobody hears, unless one is under way.
    pub(crate) fn begin_unheard(&self) {
        // ORDERING: Relaxed. As in `begin`.
        let _ = self.0.compare_exchange(CLEAR, UNHEARD, Relaxed, Relaxed);
    }

    /// Marks the episode as reported, if it was begun by an event of these tickets, whose publish
    /// so has to report it; returns the index of that event.
    pub(crate) fn take_report(&self, tickets: Tickets) -> Option<usize> {
        // ORDERING: Relaxed. Nobody but this publish takes one of its numbers away.
        let number = self.0.load(Relaxed);
        let index = number.checked_sub(tickets.first.get()).filter(|&index| index < tickets.events)?;
        // ORDERING: Relaxed. As in `begin`.
        self.0.compare_exchange(number, REPORTED, Relaxed, Relaxed).ok().map(|_| index)
    }

    /// Says that nobody has heard the report, so that a loss to come is reported.
    pub(crate) fn give_report_back(&self) {
        // ORDERING: Relaxed. As in `begin`.
        let _ = self.0.compare_exchange(REPORTED, UNHEARD, Relaxed, Relaxed);
    }

    /// Ends the episode, unless its report is still to come.
    pub(crate) fn end(&self) {
        let clear = |state| matches!(state, REPORTED | UNHEARD).then_some(CLEAR);
        // ORDERING: Relaxed. As in `begin`.
        let _ = self.0.fetch_update(Relaxed, Relaxed, clear);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn episode_is_reported_by_the_publish_that_began_it_and_by_no_other() {
        let first = NonZeroUsize::new(100).unwrap();
        let (earlier, later) = (Tickets { first, events: 2 }, Tickets { first: first.saturating_add(2), events: 2 });
        let episode = Episode::new();
        episode.begin(later, 0);
        assert_eq!(episode.take_report(earlier), None);
        assert_eq!(episode.take_report(later), Some(0));
        assert_eq!(episode.take_report(later), None);
    }

    #[test]
    fn episode_that_nobody_heard_of_is_begun_again_and_one_that_was_reported_is_not() {
        let tickets = Tickets { first: NonZeroUsize::new(100).unwrap(), events: 1 };
        let episode = Episode::new();
        episode.begin_unheard();
        assert!(episode.is_unreported() && !episode.is_clear());
        episode.begin(tickets, 0);
        episode.end();
        assert_eq!(episode.take_report(tickets), Some(0), "an end does not take the report away");
        assert!(!episode.is_unreported());
        episode.begin_unheard();
        episode.give_report_back();
        assert!(episode.is_unreported());
        episode.end();
        assert!(episode.is_clear());
    }
}
