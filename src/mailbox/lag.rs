//! Lag: the moment at which a subscriber begins to lose events, and the hooks that hear of it.

use crate::event::event_type::EventType;
use crate::sync::{AtomicUsize, Counter};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A subscriber has begun to lose events, because its ring was full.
///
/// Given to the hooks of [`EventBus::on_lag`](crate::EventBus::on_lag) once per *episode*: an episode begins with the first
/// event that is lost, and ends with the first that the subscriber receives after it was reported.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lag {
    /// The name of the subscriber.
    pub subscriber: Arc<str>,
    /// The type of the event whose publishing found the ring full.
    pub event_type: EventType,
    /// How many events the subscriber has lost so far, since it subscribed: dropped and evicted ones.
    pub dropped: u64,
}

/// A function that hears of every [`Lag`].
#[derive(Clone)]
pub(crate) struct LagHook(pub(crate) Arc<dyn Fn(&Lag) + Send + Sync>);

impl fmt::Debug for LagHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LagHook(..)")
    }
}

const CLEAR: usize = 0;
const REPORTED: usize = 1;

/// Tells one publish from all others, and within a batch one event from the others: an event that begins an episode signs it with a
/// number of its own, and its publish reports it when the fan-out is done. So no report is lost, doubled or given to another
/// publish, and none needs an allocation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tickets {
    first: NonZeroUsize,
    events: usize,
}

impl Tickets {
    /// Takes numbers for so many events.
    #[cold]
    pub(crate) fn take(events: usize) -> Self {
        static NEXT: Counter = Counter::new(REPORTED as u64 + 1);
        // Where a word has 32 bits the numbers come round one day. An episode may then go unreported; it is counted all the same.
        let first = (NEXT.add(events as u64) as usize).max(REPORTED + 1);
        Self { first: NonZeroUsize::new(first).unwrap_or(NonZeroUsize::MAX), events }
    }
}

/// Whether a subscriber is losing events: `CLEAR`, begun by the event with a certain number, or `REPORTED`.
///
/// | transition | by | from → to |
/// |---|---|---|
/// | [`begin`](Episode::begin) | publisher that lost an event | `CLEAR` → number |
/// | [`report`](Episode::report) | the same publish, after its fan-out | number → `REPORTED` |
/// | [`end`](Episode::end) | subscriber that received an event | `REPORTED` → `CLEAR` |
#[derive(Debug)]
pub(crate) struct Episode(AtomicUsize);

impl Episode {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(CLEAR))
    }

    /// Whether an event lost now would begin an episode.
    pub(crate) fn is_clear(&self) -> bool {
        // ORDERING: Relaxed. Saves the write below in the middle of an episode.
        self.0.load(Relaxed) == CLEAR
    }

    /// Begins an episode, where none is under way, with the event at `index` among those of the tickets.
    pub(crate) fn begin(&self, tickets: Tickets, index: usize) {
        // ORDERING: Relaxed. The word hands nothing over; one winner is all that is asked.
        let _ = self.0.compare_exchange(CLEAR, tickets.first.get().wrapping_add(index), Relaxed, Relaxed);
    }

    /// Marks the episode as reported, where it was begun by an event of these tickets, whose publish so has to report it; returns the
    /// index of that event.
    pub(crate) fn report(&self, tickets: Tickets) -> Option<usize> {
        // ORDERING: Relaxed. Nobody but this publish takes one of its numbers away.
        let number = self.0.load(Relaxed);
        let index = number.checked_sub(tickets.first.get()).filter(|&index| index < tickets.events)?;
        // ORDERING: Relaxed. As in `begin`.
        self.0.compare_exchange(number, REPORTED, Relaxed, Relaxed).ok().map(|_| index)
    }

    /// Ends a reported episode. One that is not reported yet goes on until the next event received.
    #[inline]
    pub(crate) fn end(&self) {
        // ORDERING: Relaxed. The good path reads a word that nobody writes.
        if self.0.load(Relaxed) == REPORTED {
            // ORDERING: Relaxed. Only the subscriber leaves `REPORTED`.
            self.0.swap(CLEAR, Relaxed);
        }
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
        assert_eq!(episode.report(earlier), None);
        assert_eq!(episode.report(later), Some(0));
        assert_eq!(episode.report(later), None);
    }
}
