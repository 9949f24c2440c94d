//! Loom: every schedule within a bound, and every value that a load may return.

pub use loom::sync::atomic;
pub use loom::thread;
pub use ringbus::internals::expire;

use super::Exploration;
use crate::model::{Bound, Model, Outcomes};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How many threads do the same, in scenarios where that is open: with one more and the main one,
/// they are what loom bears.
pub const CROWD: usize = 2;

/// A time-out that passes when [`expire`] is called.
pub fn brief() -> Duration {
    Duration::from_secs(1)
}

/// How often receivers and requesters have parked so far.
pub fn parks() -> Option<usize> {
    Some(ringbus::internals::parks())
}

/// Lets the threads that were spawned go: here they go by themselves.
pub fn go() {}

/// Runs the scenario in every schedule within the bound.
pub fn explore(model: &Model, scenario: fn(&Outcomes), outcomes: &Outcomes) -> Exploration {
    let schedules = Arc::new(AtomicUsize::new(0));
    let mut builder = loom::model::Builder::new();
    builder.max_branches = builder.max_branches.max(50_000);
    match model.bound {
        // Not `None`: with a bound, loom also goes back to where the last preemption could have
        // been, and so sees schedules that its unbounded search takes for equivalent and passes
        // over. No model has a hundred preemptions.
        Bound::Exhaustive => builder.preemption_bound = Some(100),
        Bound::Preemptions | Bound::FewerPreemptions => {
            builder.preemption_bound = builder.preemption_bound.or(Some(2));
        }
    }
    if let Bound::FewerPreemptions = model.bound {
        builder.preemption_bound = builder.preemption_bound.map(|bound| bound.saturating_sub(1));
    }
    let mut method = match model.bound {
        Bound::Exhaustive => "exhaustive".to_owned(),
        Bound::Preemptions | Bound::FewerPreemptions => {
            format!("preemptions = {}", builder.preemption_bound.unwrap_or_default())
        }
    };
    let (counter, outcomes, started) = (Arc::clone(&schedules), outcomes.clone(), Instant::now());
    builder.check(move || {
        counter.fetch_add(1, Relaxed);
        scenario(&outcomes);
    });
    // Loom returns in the same way then.
    let is_cut = builder.max_duration.is_some_and(|most| started.elapsed() >= most);
    if is_cut {
        method += ", cut short";
    }
    Exploration { schedules: schedules.load(Relaxed), method, has_floor: !is_cut, sees_all: !is_cut }
}
