//! How a thread waits: it looks around for a moment, and then parks, to be woken the way a task is,
//! so that blocking and async receivers share one waker.

use crate::sync::thread::{self, Thread, ThreadId};
use crate::sync::{Deadline, LOOKS_AROUND};
use crossbeam_utils::Backoff;
use std::cell::RefCell;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

/// How often a thread backs off, from spinning to yielding, before it parks. A receiver of
/// crossbeam-channel does it twice as well (once before it registers, and once after). With less, a
/// requester and its responders park between any two turns, and wake-ups come to be most of what a
/// request takes.
const BACKOFFS: usize = 2;

/// After how long it parks however often it has backed off. On busy processors a single yield takes
/// longer than this.
const LONG_MOMENT: Duration = Duration::from_micros(100);

/// After how long it parks if it only spins: about as long as it takes to park and to be woken.
const MOMENT: Duration = Duration::from_micros(10);

/// For how long a thread may be gone that yields on a busy machine, where others use up their time
/// slices first. A call whose deadline is nearer than that does not yield.
pub(crate) const LONG_YIELD: Duration = Duration::from_millis(100);

/// The pauses between the looks that a thread takes before it parks. The clock is looked at before
/// each.
pub(crate) struct Looks {
    end: Deadline,
    yields: bool,
    /// Until when it looks away first.
    away: Option<Deadline>,
    backoff: Backoff,
    /// How often it may still back off from the beginning.
    backoffs: usize,
}

impl Looks {
    /// Begins, for a thread that waits until `deadline`.
    pub(crate) fn begin(deadline: Deadline) -> Self {
        let yields = deadline.is_beyond(LONG_YIELD);
        Self {
            end: Deadline::after(if yields { LONG_MOMENT } else { MOMENT }).or_earlier(deadline),
            yields,
            away: None,
            backoff: Backoff::new(),
            backoffs: BACKOFFS,
        }
    }

    /// The same, and looks away for `moment` first.
    pub(crate) fn away_first(self, moment: Duration) -> Self {
        Self { away: Some(Deadline::after(moment).or_earlier(self.end)), ..self }
    }

    /// Pauses before another look; returns `false` at once if it is time to park.
    pub(crate) fn pause(&mut self) -> bool {
        if !LOOKS_AROUND || self.end.has_passed() {
            return false;
        }
        if let Some(end) = self.away.take() {
            while !end.has_passed() {
                std::hint::spin_loop();
            }
            return true;
        }
        if self.backoff.is_completed() {
            self.backoffs -= 1;
            if self.backoffs == 0 {
                return false;
            }
            self.backoff.reset();
        }
        if self.yields {
            self.backoff.snooze();
        } else {
            self.backoff.spin();
        }
        true
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The waker of the thread that waits, made when it first does, and again only when another thread
/// waits.
#[derive(Debug, Default)]
pub(crate) struct ThreadWaker(RefCell<Option<(ThreadId, Waker)>>);

impl ThreadWaker {
    pub(crate) fn current(&self) -> Waker {
        let thread = thread::current();
        let mut cached = self.0.borrow_mut();
        match &*cached {
            Some((id, waker)) if *id == thread.id() => waker.clone(),
            _ => {
                let id = thread.id();
                let waker = Waker::from(Arc::new(Unpark(thread)));
                *cached = Some((id, waker.clone()));
                waker
            }
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;
    use std::time::Instant;

    /// G13: a thread that yields on a busy machine may be gone for longer than its call has time.
    #[test]
    fn call_whose_deadline_is_near_does_not_yield() {
        assert!(Looks::begin(Deadline::NEVER).yields);
        assert!(Looks::begin(Deadline::after(LONG_YIELD * 100)).yields);
        assert!(!Looks::begin(Deadline::after(LONG_YIELD / 2)).yields);
    }

    /// G13: the clock is looked at before each pause.
    #[test]
    fn call_whose_deadline_has_passed_does_not_pause() {
        assert!(!Looks::begin(Deadline::at(Instant::now())).pause());
    }

    #[test]
    fn thread_that_looks_away_does_so_once_and_not_behind_its_deadline() {
        let begun = Instant::now();
        let moment = Duration::from_millis(1);
        let mut looks = Looks::begin(Deadline::NEVER);
        looks.end = Deadline::NEVER;
        let mut looks = looks.away_first(moment);
        assert!(looks.pause());
        assert!(begun.elapsed() >= moment);
        assert!(looks.away.is_none());

        let mut looks = Looks::begin(Deadline::after(moment)).away_first(Duration::MAX);
        looks.pause();
    }

    /// After so many, or by the clock. (By that, a thread that is held up may not even begin.)
    #[test]
    fn looks_end() {
        let pauses = |mut looks: Looks| std::iter::from_fn(|| looks.pause().then_some(())).count();
        let unlimited = Looks { end: Deadline::NEVER, ..Looks::begin(Deadline::NEVER) };
        assert!(pauses(unlimited) > 1);
        pauses(Looks::begin(Deadline::after(LONG_YIELD / 2)));
    }

    /// G13: nor does it when it has spun for a while.
    #[test]
    fn call_whose_deadline_is_near_never_comes_to_yield() {
        let mut looks = Looks::begin(Deadline::after(LONG_YIELD / 2));
        looks.end = Deadline::NEVER;
        assert!((0..100).all(|_| looks.pause()));
        assert!(!looks.backoff.is_completed());
    }
}
