//! What becomes of the figures: tables, charts, and the budgets held against them.

pub mod budget;
pub mod builds;
pub mod chart;
pub mod charts;
pub mod figures;
pub mod machine;
pub mod program;
pub mod summary;
pub mod svg;
pub mod table;

use crate::distribution::{P50, Percentile};
use crate::groups::latency::Latency;
use crate::groups::memory::Memory;
use crate::groups::overload::Overload;
use crate::groups::stalled::Stalled;
use crate::measure::Measured;
use builds::Compared;
use serde::{Deserialize, Serialize};

/// One case, measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CaseResult {
    /// The group, such as `fanout`.
    pub group: String,
    /// The case, such as `N = 4, 16 bytes`.
    pub name: String,
    /// What was counted as an operation.
    pub operation: String,
    /// The contestants, ringbus first.
    pub rows: Vec<Measured>,
}

/// Everything that one run has measured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
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
    pub fn contestants(&self, group: &str, cases: &[String]) -> Vec<&str> {
        let mut names = Vec::new();
        for case in self.cases.iter().filter(|result| result.group == group && cases.contains(&result.name)) {
            let new: Vec<_> =
                case.rows.iter().map(|row| row.name.as_str()).filter(|name| !names.contains(name)).collect();
            names.extend(new);
        }
        names
    }

    /// What a contestant takes over what another one does.
    #[must_use]
    pub fn ratio(&self, group: &str, case: &str, ours: &str, theirs: &str) -> Option<f64> {
        Some(self.nanos(group, case, ours)? / self.nanos(group, case, theirs)?)
    }

    /// A percentile of the round trips of a contestant over that of another one.
    #[must_use]
    pub fn latency_ratio(&self, case: &str, ours: &str, theirs: &str, percentile: Percentile) -> Option<f64> {
        let nanos = |contestant: &str| self.latency(case, contestant)?.round_trip.percentile(percentile);
        Some(nanos(ours)? / nanos(theirs)?)
    }

    /// The median time of a publish while nobody stalls, over that of another contestant.
    #[must_use]
    pub fn stalled_ratio(&self, ours: &str, theirs: &str) -> Option<f64> {
        let median = |name: &str| {
            let row = self.stalled.iter().find(|row| row.name == name && !row.stalled)?;
            row.publish.percentile(P50)
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

/// A number with three digits or so, whatever its size, and commas between thousands.
#[must_use]
pub fn figure(number: f64) -> String {
    match number.abs() {
        size if size >= 99.95 => thousands(number),
        size if size >= 9.995 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

/// A whole number with commas between thousands.
fn thousands(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = if number < 0.0 { "-".to_owned() } else { String::new() };
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time in the unit that suits it, with three digits or so.
#[must_use]
pub fn time(nanos: f64) -> String {
    let (unit, name) = match nanos {
        ..999.5 => (1.0, "ns"),
        ..999.5e3 => (1e3, "µs"),
        ..999.5e6 => (1e6, "ms"),
        _ => (1e9, "s"),
    };
    format!("{} {name}", figure(nanos / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_or_so() {
        let figures = [0.0, 1.005, 9.994, 9.996, 42.42, 99.94, 99.96, 999.4, 1_234.0, 1_120_255.0, -1_234.0];
        let expected = ["0.00", "1.00", "9.99", "10.0", "42.4", "99.9", "100", "999", "1,234", "1,120,255", "-1,234"];
        assert_eq!(figures.map(figure), expected);
    }

    #[test]
    fn times_have_the_unit_that_suits_them() {
        let times = [0.5, 999.0, 999.6, 1_670.0, 2e6, 12_345_678.0, 2e9].map(time);
        assert_eq!(times, ["0.50 ns", "999 ns", "1.00 µs", "1.67 µs", "2.00 ms", "12.3 ms", "2.00 s"]);
    }
}
