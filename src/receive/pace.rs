//! Whether a receiver that waits lets the publisher run ahead.
//!
//! A receiver that is faster than its publisher catches up with every event, and then looks at the
//! very slot that the publisher is about to fill. The two move in lockstep, and each event costs a
//! transfer of that slot's cache line there and back, many times what it takes to publish one. If
//! the receiver looks away for a moment instead, it finds many events, and the line of none is in
//! use on the other side.
//!
//! Whether that helps shows only if it is tried: in a dialogue, one event comes after a short wait
//! as well, and the next one never before it is answered. So after some short waits in a row, the
//! receiver looks away once. If many events came, it does so again at its next wait; if not, it
//! takes twice as many short waits until it tries again.

use std::cell::Cell;
use std::time::Duration;

/// Short waits in a row, before the receiver looks away for the first time, or after it has done so
/// with success.
const WAITS: u32 = 16;
/// The same, however often it was in vain.
const MAX_WAITS: u32 = 1_024;
/// If at least so many events came, it was worth it.
const WORTH_IT: u64 = 8;
/// For how long a receiver looks away, at most.
const MOMENT: Duration = Duration::from_micros(2);
/// The same, for each event that fits into its ring. A publisher alone takes five times as long to
/// publish one, so the ring does not run full meanwhile.
const MOMENT_PER_SLOT: Duration = Duration::from_nanos(2);

/// How one subscription has waited so far.
#[derive(Debug)]
pub(crate) struct Pace {
    /// For how long this receiver looks away.
    moment: Duration,
    /// Short waits in a row.
    waits: Cell<u32>,
    /// How many of them it takes until the receiver looks away.
    enough: Cell<u32>,
    /// How many events had been received when it last looked away, unless that was in vain.
    looked_away_at: Cell<Option<u64>>,
}

impl Pace {
    /// For a ring that holds so many events.
    pub(crate) fn new(capacity: usize) -> Self {
        let slots = u32::try_from(capacity).unwrap_or(u32::MAX);
        Self {
            moment: MOMENT_PER_SLOT.saturating_mul(slots).min(MOMENT),
            waits: Cell::new(0),
            enough: Cell::new(WAITS),
            looked_away_at: Cell::new(None),
        }
    }

    /// A wait begins, after so many events were received in all. Returns for how long the receiver
    /// is to look away first.
    pub(crate) fn wait_begins(&self, received: u64) -> Option<Duration> {
        if let Some(before) = self.looked_away_at.take() {
            self.waits.set(0);
            if received.wrapping_sub(before) < WORTH_IT {
                self.enough.set(MAX_WAITS.min(self.enough.get() * 2));
                return None;
            }
            self.enough.set(WAITS);
        } else {
            self.waits.set(self.waits.get() + 1);
            if self.waits.get() < self.enough.get() {
                return None;
            }
        }
        self.looked_away_at.set(Some(received));
        Some(self.moment)
    }

    /// The wait turns out to be a long one.
    pub(crate) fn is_long(&self) {
        self.waits.set(0);
        self.looked_away_at.set(None);
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    /// Waits of one event each, until the receiver looks away; how many there were.
    fn waits_until_it_looks_away(pace: &Pace, received: &mut u64) -> u32 {
        (1..)
            .find(|_| {
                *received += 1;
                pace.wait_begins(*received).is_some()
            })
            .unwrap()
    }

    #[test]
    fn receiver_in_lockstep_looks_away_for_as_long_as_it_is_worth_it() {
        let pace = Pace::new(1_024);
        let mut received = 0;
        assert_eq!(waits_until_it_looks_away(&pace, &mut received), WAITS);
        for _ in 0..100 {
            received += WORTH_IT;
            assert_eq!(pace.wait_begins(received), Some(MOMENT));
        }
        received += WORTH_IT - 1;
        assert_eq!(pace.wait_begins(received), None);
    }

    #[test]
    fn receiver_in_a_dialogue_looks_away_ever_more_seldom() {
        let pace = Pace::new(1_024);
        let mut received = 0;
        let waits: Vec<u32> = (0..10).map(|_| waits_until_it_looks_away(&pace, &mut received)).collect();
        assert_eq!(waits[..4], [WAITS, 2 * WAITS + 1, 4 * WAITS + 1, 8 * WAITS + 1]);
        assert_eq!(waits[9], MAX_WAITS + 1);
    }

    #[test]
    fn receiver_that_waits_long_does_not_look_away() {
        let pace = Pace::new(1_024);
        for received in 0..10 * u64::from(WAITS) {
            assert_eq!(pace.wait_begins(received), None);
            pace.is_long();
        }
    }

    /// G2: what is lost is counted, but a receiver does not let its ring run full.
    #[test]
    fn receiver_looks_away_for_less_than_its_ring_takes_to_fill() {
        assert_eq!(Pace::new(1).moment, MOMENT_PER_SLOT);
        assert_eq!(Pace::new(100).moment, 100 * MOMENT_PER_SLOT);
        assert_eq!(Pace::new(usize::MAX).moment, MOMENT);
    }
}
