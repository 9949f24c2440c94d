//! Real threads, which a gate lets go at the same moment: many times.

pub use std::sync::atomic;

use super::{Exploration, setting};
use crate::model::{Model, Outcomes};
use std::cell::RefCell;
use std::hint;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::sync::mpsc;
use std::time::Duration;

/// How many threads do the same, in scenarios where that is open: as many as under shuttle, and on
/// most machines more than cores.
pub const CROWD: usize = 6;

/// A time-out that passes about when the other threads do their part: another one each time, up to
/// the time that it takes to spawn them.
pub fn brief() -> Duration {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    Duration::from_micros(CALLS.fetch_add(7, Relaxed) % 300)
}

/// Runs of each scenario, unless `STRESS_RUNS` says otherwise.
const RUNS: usize = 1_000;

/// A scenario that takes so long hangs.
const HANGS: Duration = Duration::from_secs(60);

/// Nobody sees a real thread park.
pub fn parks() -> Option<usize> {
    None
}

/// Lets every [`brief`] time-out pass: the clock does that here.
pub fn expire() {}

/// Holds the threads of the running scenario until all of them are there, so that none is done
/// before the next begins.
#[derive(Debug, Default)]
struct Gate {
    spawned: AtomicUsize,
    arrived: AtomicUsize,
    is_open: AtomicBool,
}

impl Gate {
    fn pass(&self) {
        self.arrived.fetch_add(1, Release);
        wait_until(|| self.is_open.load(Acquire));
        stagger();
    }

    fn open(&self) {
        wait_until(|| self.arrived.load(Acquire) == self.spawned.load(Relaxed));
        self.is_open.store(true, Release);
    }
}

/// Spins; where there are more threads than cores, the others must have their turn as well.
fn wait_until(condition: impl Fn() -> bool) {
    while !condition() {
        for _ in 0..100 {
            hint::spin_loop();
        }
        std::thread::yield_now();
    }
}

/// Spins for up to some microseconds, another time in each call, so that another thread is the
/// first in each run.
fn stagger() {
    static CALLS: AtomicU64 = AtomicU64::new(1);
    // Multiplied by the golden ratio, consecutive numbers spread evenly (Knuth, TAOCP 6.4).
    let spread = CALLS.fetch_add(1, Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
    for _ in 0..spread {
        hint::spin_loop();
    }
}

thread_local! {
    static GATE: RefCell<Arc<Gate>> = RefCell::default();
}

fn gate() -> Arc<Gate> {
    GATE.with_borrow(Arc::clone)
}

/// Lets the threads that were spawned go, where the one that spawned them takes part. Otherwise,
/// joining does.
pub fn go() {
    gate().open();
    stagger();
}

/// Threads that wait for each other before they begin.
pub mod thread {
    use super::{Arc, Gate, Relaxed, gate};

    pub use std::thread::{Thread, current, park};

    /// A thread that begins when the gate is opened.
    #[derive(Debug)]
    pub struct JoinHandle<T> {
        gate: Arc<Gate>,
        thread: std::thread::JoinHandle<T>,
    }

    impl<T> JoinHandle<T> {
        /// Opens the gate, and waits for the thread to end.
        ///
        /// # Errors
        ///
        /// What the thread panicked with.
        pub fn join(self) -> std::thread::Result<T> {
            self.gate.open();
            self.thread.join()
        }
    }

    /// Spawns a thread that begins when the gate is opened.
    pub fn spawn<T: Send + 'static>(code: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let gate = gate();
        gate.spawned.fetch_add(1, Relaxed);
        let thread = std::thread::spawn({
            let gate = Arc::clone(&gate);
            move || {
                gate.pass();
                code()
            }
        });
        JoinHandle { gate, thread }
    }
}

/// Runs the scenario many times.
///
/// # Panics
///
/// Where a run panics, or hangs.
pub fn explore(model: &Model, scenario: fn(&Outcomes), outcomes: &Outcomes) -> Exploration {
    let runs = setting("STRESS_RUNS", RUNS);
    let (tell, told) = mpsc::channel();
    let runner = std::thread::spawn({
        let outcomes = outcomes.clone();
        move || {
            for _ in 0..runs {
                GATE.set(Arc::default());
                let ended = catch_unwind(AssertUnwindSafe(|| scenario(&outcomes)));
                // A scenario that panics may leave threads in front of its gate.
                go();
                let failed = ended.is_err();
                if tell.send(ended).is_err() || failed {
                    return;
                }
            }
        }
    });
    for run in 0..runs {
        match told.recv_timeout(HANGS) {
            Ok(Ok(())) => {}
            Ok(Err(payload)) => resume_unwind(payload),
            Err(_) => panic!("{}: run {run} hangs", model.name),
        }
    }
    // Gone as well, before the process may end: else it would look like a leak.
    runner.join().expect("its panics were caught");
    // Which outcomes come up is up to the machine.
    Exploration { schedules: runs, method: "real threads".to_owned(), has_floor: false, sees_all: false }
}
