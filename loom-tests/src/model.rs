//! Runs a scenario under loom, and checks that loom has really explored it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// How far the schedules of a model are explored.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// All of them.
    Exhaustive,
    /// Those with at most so many preemptions as `LOOM_MAX_PREEMPTIONS` says; 2 where it says nothing.
    Preemptions,
}

/// A scenario, and what must come of it. A model that is green has held its property in every schedule, in at least
/// `floor` schedules, and has seen every outcome of `must_see`: loom 0.7 can explore a single schedule and pass
/// (tokio-rs/loom #166).
///
/// With `RINGBUS_LOOM_PROPERTY_ONLY` set, floors and outcomes are not asserted: what fails then is the property itself. The
/// mutants are run that way.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// The name of the test.
    pub name: &'static str,
    /// How far to explore.
    pub bound: Bound,
    /// The least number of schedules, with the bound that every run uses.
    pub floor: usize,
    /// Outcomes that some schedule must have.
    pub must_see: &'static [&'static str],
}

impl Model {
    /// Explores the scenario.
    ///
    /// # Panics
    ///
    /// Where the scenario fails in some schedule, or was not explored as it must be.
    pub fn check(self, scenario: fn(&Outcomes)) {
        let outcomes = Outcomes::default();
        let schedules = Arc::new(AtomicUsize::new(0));
        let started = Instant::now();
        let mut builder = loom::model::Builder::new();
        builder.max_branches = builder.max_branches.max(50_000);
        match self.bound {
            // Not `None`: with a bound, loom also goes back to where the last preemption could have been, and so sees schedules
            // that its unbounded search takes for equivalent and passes over. No model has a hundred preemptions.
            Bound::Exhaustive => builder.preemption_bound = Some(100),
            Bound::Preemptions => builder.preemption_bound = builder.preemption_bound.or(Some(2)),
        }
        let preemptions = builder.preemption_bound.unwrap_or_default();
        {
            let outcomes = outcomes.clone();
            let schedules = Arc::clone(&schedules);
            builder.check(move || {
                schedules.fetch_add(1, Relaxed);
                scenario(&outcomes);
            });
        }
        let schedules = schedules.load(Relaxed);
        let seen = outcomes.seen();
        let bound = match self.bound {
            Bound::Exhaustive => "exhaustive".to_owned(),
            Bound::Preemptions => format!("preemptions = {preemptions}"),
        };
        println!("{}: {schedules} schedules, {bound}, {:.1?}, {seen:?}", self.name, started.elapsed());
        if std::env::var_os("RINGBUS_LOOM_PROPERTY_ONLY").is_none() {
            assert!(schedules >= self.floor, "{}: {schedules} schedules, fewer than {}", self.name, self.floor);
            for outcome in self.must_see {
                assert!(seen.contains_key(outcome), "{}: never saw \"{outcome}\", only {seen:?}", self.name);
            }
        }
    }
}

/// Which outcomes the schedules of a model had, and how many of them.
#[derive(Clone, Debug, Default)]
pub struct Outcomes(Arc<Mutex<BTreeMap<&'static str, usize>>>);

impl Outcomes {
    /// Notes an outcome of this schedule.
    pub fn saw(&self, outcome: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(outcome).or_default() += 1;
    }

    /// Notes an outcome of this schedule where `condition` holds.
    pub fn saw_if(&self, condition: bool, outcome: &'static str) {
        if condition {
            self.saw(outcome);
        }
    }

    fn seen(&self) -> BTreeMap<&'static str, usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
