//! A scenario and what must come of it.

use crate::engine;
use crate::token;
use ringbus::Ring;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// How far loom explores the schedules of a model.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// All of them.
    Exhaustive,
    /// Those with at most so many preemptions as `LOOM_MAX_PREEMPTIONS` says; 2 where it says
    /// nothing.
    Preemptions,
    /// Those with one preemption less: for models that would take hours.
    FewerPreemptions,
}

/// A scenario, and what must come of it. A model that is green has held its property in every
/// schedule that its engine tried, under loom in at least `floor` schedules, and under loom and
/// shuttle has seen every outcome of `must_see`: loom 0.7 can explore a single schedule and pass
/// (tokio-rs/loom #166).
///
/// With `RINGBUS_PROPERTY_ONLY` set, floors and outcomes are not asserted: what fails then is the
/// property itself. The mutants are run that way.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// The name of the test.
    pub name: &'static str,
    /// How far loom explores.
    pub bound: Bound,
    /// The least number of schedules, with the bound that every run of loom uses, and with arrays;
    /// a quarter of it with lanes.
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
        let Self { name, must_see, .. } = self;
        // (A lane has fewer steps than an array.)
        let floor = if token::ring() == Ring::Array { self.floor } else { self.floor / 4 };
        let outcomes = Outcomes::default();
        let started = Instant::now();
        let exploration = engine::explore(&self, scenario, &outcomes);
        let schedules = exploration.schedules;
        let seen = outcomes.seen();
        println!("{name}: {schedules} schedules, {}, {:.1?}, {seen:?}", exploration.method, started.elapsed());
        if std::env::var_os("RINGBUS_PROPERTY_ONLY").is_some() {
            return;
        }
        assert!(!exploration.has_floor || schedules >= floor, "{name}: {schedules} schedules, fewer than {floor}");
        if exploration.sees_all {
            for outcome in must_see {
                assert!(seen.contains_key(outcome), "{name}: never saw \"{outcome}\", only {seen:?}");
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
