//! Shuttle: thousands of random schedules, of more threads than loom bears.

pub use ringbus::internals::expire;
pub use shuttle::sync::atomic;
pub use shuttle::thread;

use super::{Exploration, setting};
use crate::model::{Model, Outcomes};
use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, Runner};
use std::time::Duration;

/// How many threads do the same, in scenarios where that is open: with one more and the main one,
/// eight.
pub const CROWD: usize = 6;

/// A time-out that passes when [`expire`] is called.
pub fn brief() -> Duration {
    Duration::from_secs(1)
}

/// Schedules of each kind, unless `SHUTTLE_SCHEDULES` says otherwise.
const SCHEDULES: usize = 10_000;

/// Where the threads of the second kind of schedule change places, at most.
const CHANGES: usize = 3;

/// How often receivers and requesters have parked so far.
pub fn parks() -> Option<usize> {
    Some(ringbus::internals::parks())
}

/// Lets the threads that were spawned go: here they go by themselves.
pub fn go() {}

/// Runs the scenario in schedules where any thread may come next at any step, and in as many where
/// the threads have priorities that change at a few random steps (probabilistic concurrency
/// testing; Burckhardt et al., ASPLOS 2010). `SHUTTLE_SEED` chooses other ones; `SHUTTLE_REPLAY` is
/// a schedule as a failure prints it, and is run alone.
pub fn explore(_: &Model, scenario: fn(&Outcomes), outcomes: &Outcomes) -> Exploration {
    if let Ok(schedule) = std::env::var("SHUTTLE_REPLAY") {
        let schedules = run(ReplayScheduler::new_from_encoded(&schedule), scenario, outcomes);
        return Exploration { schedules, method: "replay".to_owned(), has_floor: false, sees_all: false };
    }
    let schedules = setting("SHUTTLE_SCHEDULES", SCHEDULES);
    let seed = setting("SHUTTLE_SEED", 1) as u64;
    let random = run(RandomScheduler::new_from_seed(seed, schedules), scenario, outcomes);
    let by_priority = run(PctScheduler::new_from_seed(seed, CHANGES, schedules), scenario, outcomes);
    Exploration {
        schedules: random + by_priority,
        method: format!("random, seed {seed}"),
        has_floor: false,
        sees_all: schedules >= SCHEDULES,
    }
}

fn run(scheduler: impl Scheduler + 'static, scenario: fn(&Outcomes), outcomes: &Outcomes) -> usize {
    let mut config = Config::new();
    // It would tell us, at each ordering that is not SeqCst, that it takes them all for SeqCst.
    config.silence_warnings = true;
    let outcomes = outcomes.clone();
    Runner::new(scheduler, config).run(move || scenario(&outcomes))
}
