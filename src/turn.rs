//! Taking turns: a task that always finds something goes back to its executor now and then, so that
//! its neighbours run.

use crate::sync::{this_thread, thread_local};
use std::cell::Cell;
use std::task::Waker;

/// How many events a task receives before it is sent back to its executor.
pub(crate) const TURN: usize = 128;

/// The turns of a thread have numbers of so many bits; above them stands the number of the thread.
const TURNS_OF_A_THREAD: u32 = 40;

/// The turn of the task that a thread runs.
#[derive(Debug)]
struct Running {
    /// By what its waker points to.
    task: Cell<usize>,
    /// Which turn it is: no other has this number, on whichever thread. 0 before the first one.
    number: Cell<u64>,
    /// How many events are left of it.
    left: Cell<usize>,
    /// How many receivers it has sent back so far.
    refusals: Cell<usize>,
}

impl Running {
    const fn new() -> Self {
        Self { task: Cell::new(0), number: Cell::new(0), left: Cell::new(0), refusals: Cell::new(0) }
    }

    fn begin_next(&self, task: usize) {
        if self.number.get() == 0 {
            self.number.set((this_thread() as u64) << TURNS_OF_A_THREAD);
        }
        self.task.set(task);
        self.number.set(self.number.get() + 1);
        self.left.set(TURN);
        self.refusals.set(0);
    }
}

thread_local! {
    static RUNNING: Running = const { Running::new() };
}

/// Sends the task of one receiver back to its executor when the turn is over.
///
/// Nobody says on which runtime a task runs, or when the executor polls it anew. But its waker
/// tells it from other tasks, so when another task receives on the same thread, it has a turn of
/// its own. Within a task all receivers share the turn. Once that is used up, it sends every
/// receiver back that asks, and the first of those that is polled again begins the next one: by
/// then the task has been at the executor. (Were there a turn for each receiver, a task that
/// selects among many would hardly ever go back.) If all of those are given up instead, the next
/// turn begins after so many refusals as it has events.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// The turn that has sent this receiver back last; 0 for none.
    passed: Cell<u64>,
}

impl Turn {
    /// Whether the task may receive. If not, it is woken at once and must return `Pending`.
    #[inline]
    pub(crate) fn begin(&self, waker: &Waker) -> bool {
        // A thread that receives while it ends has no turn any more, and no executor.
        RUNNING.try_with(|running| self.begin_within(running, waker)).unwrap_or(true)
    }

    #[inline]
    fn begin_within(&self, running: &Running, waker: &Waker) -> bool {
        let task = waker.data().addr();
        if running.number.get() == 0 || running.task.get() != task {
            running.begin_next(task);
        } else if running.left.get() == 0 {
            if self.passed.get() != running.number.get() && running.refusals.get() < TURN {
                running.refusals.set(running.refusals.get() + 1);
                self.passed.set(running.number.get());
                waker.wake_by_ref();
                return false;
            }
            running.begin_next(task);
        }
        true
    }

    /// How many events the task may still receive in this turn.
    #[inline]
    pub(crate) fn left(&self) -> usize {
        RUNNING.try_with(|running| running.left.get()).unwrap_or(TURN)
    }

    /// Counts what the task has received.
    #[inline]
    pub(crate) fn spend(&self, events: usize) {
        let _ = RUNNING.try_with(|running| running.left.set(running.left.get().saturating_sub(events)));
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;
    use std::thread;

    /// Polls receivers that always find something, each again and again until it is sent back;
    /// gives how many events that were.
    fn poll_once(turns: &[Turn]) -> usize {
        let mut events = 0;
        for turn in turns {
            while turn.begin(Waker::noop()) {
                turn.spend(1);
                events += 1;
            }
        }
        events
    }

    /// G12: however many receivers a task has.
    #[test]
    fn task_receives_one_turn_of_events_between_two_polls() {
        for receivers in [1, 2, 3, 10, 100] {
            let turns: Vec<_> = (0..receivers).map(|_| Turn::default()).collect();
            let events = thread::spawn(move || (0..10).map(|_| poll_once(&turns)).collect::<Vec<_>>()).join().unwrap();
            assert_eq!(events, [TURN; 10], "{receivers} receivers");
        }
    }

    /// G12: a receiver that another thread polls next was not at the executor for that.
    #[test]
    fn turns_of_two_threads_are_not_taken_for_each_other() {
        let turns = [Turn::default()];
        let polls = move || (poll_once(&turns), turns);
        let (first, turns) = thread::spawn(polls).join().unwrap();
        let second = thread::spawn(move || poll_once(&turns)).join().unwrap();
        assert_eq!([first, second], [TURN; 2]);
    }

    /// G12: nobody is sent back for ever because others were given up.
    #[test]
    fn receivers_that_are_polled_once_each_find_something_again() {
        let found = thread::spawn(|| {
            let poll = |_| {
                let turn = Turn::default();
                let begins = turn.begin(Waker::noop());
                turn.spend(usize::from(begins));
                begins
            };
            (0..10 * TURN).map(poll).filter(|&begins| begins).count()
        });
        assert_eq!(found.join().unwrap(), 5 * TURN);
    }
}
