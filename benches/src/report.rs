//! What becomes of the figures: tables, charts, and the budgets held against them.

pub mod budget;
pub mod builds;
pub mod chart;
pub mod machine;
pub mod program;
pub mod summary;
pub mod table;

use crate::groups::latency::Latency;
use crate::groups::memory::Memory;
use crate::groups::overload::Overload;
use crate::groups::stalled::Stalled;
use crate::measure::Measured;
use builds::Compared;

/// One case, measured.
#[derive(Clone, Debug)]
pub struct CaseResult {
    /// The group, such as `fanout`.
    pub group: &'static str,
    /// The case, such as `N = 4, 16 bytes`.
    pub name: String,
    /// What was counted as an operation.
    pub operation: &'static str,
    /// The contestants, ringbus first.
    pub rows: Vec<Measured>,
}

/// Everything that one run has measured.
#[derive(Debug, Default)]
pub struct Results {
    /// Groups that are timed by operation.
    pub cases: Vec<CaseResult>,
    /// Round trips.
    pub latencies: Vec<Latency>,
    /// What a subscriber that never reads does.
    pub stalled: Vec<Stalled>,
    /// What more busy threads than processors do.
    pub overload: Vec<Overload>,
    /// What everybody keeps in memory.
    pub memory: Vec<Memory>,
    /// Two builds beside each other.
    pub builds: Vec<Compared>,
}

impl Results {
    /// What was measured of a contestant in a case.
    #[must_use]
    pub fn row(&self, group: &str, case: &str, contestant: &str) -> Option<&Measured> {
        let case = self.cases.iter().find(|result| result.group == group && result.name == case)?;
        case.rows.iter().find(|row| row.name == contestant)
    }

    /// The nanoseconds per operation of a contestant in a case.
    #[must_use]
    pub fn nanos(&self, group: &str, case: &str, contestant: &str) -> Option<f64> {
        self.row(group, case, contestant).map(|row| row.nanos)
    }

    /// Who takes part in at least one of these cases, in the order of the first that has them.
    #[must_use]
    pub fn contestants(&self, group: &str, cases: &[String]) -> Vec<&'static str> {
        let mut names = Vec::new();
        for case in self.cases.iter().filter(|result| result.group == group && cases.contains(&result.name)) {
            let new: Vec<_> = case.rows.iter().map(|row| row.name).filter(|name| !names.contains(name)).collect();
            names.extend(new);
        }
        names
    }

    /// What a contestant takes over what another one does.
    #[must_use]
    pub fn ratio(&self, group: &str, case: &str, ours: &str, theirs: &str) -> Option<f64> {
        Some(self.nanos(group, case, ours)? / self.nanos(group, case, theirs)?)
    }

    /// A percentile of the round trips of a contestant over that of another one: of each the median
    /// of the turns, because a turn in which the scheduler has put both threads on one core says
    /// nothing of anybody.
    #[must_use]
    pub fn latency_ratio(
        &self,
        case: &str,
        ours: &str,
        theirs: &str,
        percentile: fn(&(f64, f64)) -> f64,
    ) -> Option<f64> {
        let median = |contestant: &str| {
            let mut turns: Vec<f64> = self.latency(case, contestant)?.medians.iter().map(percentile).collect();
            turns.sort_unstable_by(f64::total_cmp);
            turns.get(turns.len() / 2).copied()
        };
        Some(median(ours)? / median(theirs)?)
    }

    /// The median time of a publish while nobody stalls, over that of another contestant.
    #[must_use]
    pub fn stalled_ratio(&self, ours: &str, theirs: &str) -> Option<f64> {
        let median = |name: &str| {
            let row = self.stalled.iter().find(|row| row.name == name && !row.stalled)?;
            Some(row.publish.value_at_quantile(0.5) as f64)
        };
        Some(median(ours)? / median(theirs)?)
    }

    /// What `start` takes with many events over what it does with few.
    #[must_use]
    pub fn start_ratio(&self) -> Option<f64> {
        let start = |events: usize| self.nanos("startup", &format!("start, {events} events"), "ringbus");
        Some(start(100_000)? / start(1_000)?)
    }

    /// The round trips of a contestant in a case.
    #[must_use]
    pub fn latency(&self, case: &str, contestant: &str) -> Option<&Latency> {
        self.latencies.iter().find(|latency| latency.case == case && latency.name == contestant)
    }
}

/// A number with three digits or so, whatever its size.
#[must_use]
pub fn figure(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}
