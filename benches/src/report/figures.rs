//! The figures of one run in a file, from which tables and charts can be drawn again, anywhere.

use super::machine::Machine;
use super::{Results, machine};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fs;
use std::path::Path;

/// All that tables and charts are made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figures {
    /// Where and when they were taken.
    pub machine: Machine,
    /// The crates that took part, with their versions.
    pub versions: Vec<(String, String)>,
    /// Whether it was a quick run, whose figures say little.
    pub is_quick: bool,
    /// The groups that were run, and how many seconds each took.
    pub took: Vec<(String, u64)>,
    /// What was measured.
    pub results: Results,
}

impl Figures {
    /// No figures yet, taken here and now.
    #[must_use]
    pub fn here(is_quick: bool) -> Self {
        let versions = machine::versions();
        Self { machine: Machine::here(), versions, is_quick, took: Vec::new(), results: Results::default() }
    }

    /// Whether these groups are all there, and measured thoroughly: what may be published.
    #[must_use]
    pub fn are_whole(&self, groups: &[&str]) -> bool {
        !self.is_quick && groups.iter().all(|group| self.took.iter().any(|(took, _)| took == group))
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or holds something else.
    pub fn read(path: &Path) -> Result<Self, Box<dyn Error>> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?)
    }

    /// Writes a file.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Box<dyn Error>> {
        // A line for each row, for who compares two files.
        let text = serde_json::to_string(self)?.replace("},{", "},\n{") + "\n";
        Ok(fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::distribution::{Turns, histogram};
    use crate::groups;
    use crate::groups::latency::Latency;
    use crate::groups::memory::Memory;
    use crate::groups::overload::{Load, Overload, Spins};
    use crate::groups::stalled::Stalled;
    use crate::measure::Measured;
    use crate::report::CaseResult;
    use crate::report::builds::Compared;
    use std::time::Duration;

    /// Figures that nobody has measured, with something of each kind: of every case of a group that
    /// is timed by operation, with these contestants, and of the others.
    pub(in crate::report) fn made_up(contestants: &[&str]) -> Figures {
        let named = |number: usize| contestants[number % contestants.len()].to_owned();
        let count = 2 * contestants.len();
        let measured = |name: &&str, nanos: f64| Measured {
            name: (*name).to_owned(),
            samples: 41,
            nanos,
            quartiles: (nanos * 0.9, nanos * 1.1),
            dropped: 0.0,
        };
        let case = |case: crate::measure::Case| CaseResult {
            group: case.group.to_owned(),
            name: case.name,
            operation: case.operation.to_owned(),
            rows: contestants.iter().zip(1..).map(|(name, place)| measured(name, f64::from(place) * 10.1)).collect(),
        };
        let distribution = |longest: u64| {
            let mut turn = histogram();
            (1..=20_000).for_each(|number| turn.record(number * longest / 20_000 + 100).unwrap());
            let mut turns = Turns::default();
            turns.add(&turn);
            turns.summary()
        };
        let latency = |number| Latency {
            case: if number < contestants.len() { "parked" } else { "spinning" }.to_owned(),
            name: named(number),
            round_trip: distribution(3_000 * (number as u64 + 1)),
        };
        let stalled = |number| Stalled {
            name: named(number / 2),
            stalled: number % 2 == 1,
            publish: distribution(700),
            delay: distribution(4_000),
            lost: 0,
            published: 20_000,
            blocked: number == 3,
        };
        let overload = |number| Overload {
            name: named(number),
            case: "1 busy thread a processor".to_owned(),
            load: if number < contestants.len() { Load::Receiving } else { Load::Burning },
            publish: distribution(40_000 * (1 + number as u64 % 3)),
            long: 3,
            spins: Spins { count: 1, longest: Duration::from_millis(2), total: Duration::from_millis(2) },
            running: Duration::from_millis(90),
            lost: 0,
        };
        let memory = |name: &&str| Memory {
            name: (*name).to_owned(),
            bus: 512.0,
            subscriber: 6_000.0,
            filter: None,
            queued: 0.1 + 0.2,
        };
        let compared = |name: &&str| Compared {
            group: "filter".to_owned(),
            case: "all".to_owned(),
            name: (*name).to_owned(),
            default: 10.0,
            lto: 9.0,
        };
        let mut figures = Figures::here(false);
        figures.took = groups::GROUPS.iter().map(|group| (group.name.to_owned(), 7)).collect();
        figures.results = Results {
            cases: groups::cases().into_iter().map(case).collect(),
            latencies: (0..count).map(latency).collect(),
            stalled: (0..count).map(stalled).collect(),
            overload: (0..count).map(overload).collect(),
            memory: contestants.iter().map(memory).collect(),
            builds: contestants.iter().map(compared).collect(),
        };
        figures
    }

    #[test]
    fn figures_are_read_as_they_were_written() {
        let figures = made_up(&["ringbus Publisher", "kanal"]);
        let path = std::env::temp_dir().join(format!("figures-{}.json", std::process::id()));
        figures.write(&path).unwrap();
        let read = Figures::read(&path);
        fs::remove_file(&path).unwrap();
        let [written, read] = [&figures, &read.unwrap()].map(|figures| serde_json::to_string(figures).unwrap());
        assert!(written == read, "{written}\n{read}");
        assert!(Figures::read(&path).unwrap_err().to_string().contains(path.to_str().unwrap()));
    }

    #[test]
    fn whole_figures_have_every_group_and_were_not_quick() {
        let figures = Figures { took: vec![("fanout".to_owned(), 1)], ..made_up(&["kanal"]) };
        assert!(figures.are_whole(&["fanout"]) && !figures.are_whole(&["fanout", "cross"]));
        assert!(!Figures { is_quick: true, ..figures }.are_whole(&["fanout"]));
    }
}
