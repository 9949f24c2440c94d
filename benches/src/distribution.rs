//! How long something takes, by percentiles, from the timings of many turns.
//!
//! Every percentile in tables, charts and budgets is made in the same way: it is read in each turn
//! by itself, and the median of the turns is told. So a turn in which the machine did something
//! else, or the scheduler put both threads on one core, moves it little. A turn knows a percentile
//! only if ten of its samples lie above it; what most turns do not know is not told at all.

use crate::measure::quantile;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// A percentile, by the one sample in so many that takes longer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percentile {
    /// As it stands in tables.
    pub name: &'static str,
    /// One sample in so many takes longer.
    pub one_in: f64,
}

/// The median.
pub const P50: Percentile = Percentile { name: "p50", one_in: 2.0 };
/// The 99th percentile.
pub const P99: Percentile = Percentile { name: "p99", one_in: 100.0 };
/// The 99.9th percentile.
pub const P999: Percentile = Percentile { name: "p99.9", one_in: 1_000.0 };

/// Samples above a percentile without which a turn does not know it.
const ABOVE: f64 = 10.0;
/// Where a distribution is read between one power of ten and the next.
const STEPS: [f64; 9] = [1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0];

/// Where distributions are read: as one sample in so many, from the median to one in 10,000.
fn rarities() -> impl Iterator<Item = f64> {
    let decades = [1.0, 10.0, 100.0, 1_000.0].into_iter().flat_map(|decade| STEPS.map(|step| step * decade));
    decades.chain([10_000.0]).filter(|&one_in| one_in >= P50.one_in)
}

/// From one nanosecond to a minute, with three significant digits.
#[must_use]
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are in order")
}

/// What was timed in the turns of one contestant.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    /// For each turn, the nanoseconds at each of the [`rarities`], as far as it knows them.
    turns: Vec<Vec<f64>>,
    /// Samples of all turns.
    samples: u64,
    /// The longest of them, in nanoseconds.
    max: u64,
}

impl Turns {
    /// Adds a turn, by its timings in nanoseconds.
    pub fn add(&mut self, nanos: &Histogram<u64>) {
        let samples = nanos.len();
        let known = rarities().take_while(|one_in| samples as f64 / one_in >= ABOVE);
        self.turns.push(known.map(|one_in| nanos.value_at_quantile(1.0 - 1.0 / one_in) as f64).collect());
        self.samples += samples;
        self.max = self.max.max(nanos.max());
    }

    /// What the turns have in common.
    #[must_use]
    pub fn summary(&self) -> Distribution {
        let point = |(place, one_in)| {
            let mut known: Vec<f64> = self.turns.iter().filter_map(|turn| turn.get(place).copied()).collect();
            (2 * known.len() > self.turns.len()).then(|| Point { one_in, nanos: quantile(&mut known, 0.5) })
        };
        let points = rarities().enumerate().map_while(point).collect();
        Distribution { turns: self.turns.len(), samples: self.samples, points, max: self.max }
    }
}

/// How long something takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// How many turns there were.
    pub turns: usize,
    /// Samples of all turns.
    pub samples: u64,
    /// From the median on, as far as most turns know.
    pub points: Vec<Point>,
    /// The longest sample of all turns, in nanoseconds.
    pub max: u64,
}

/// One sample in so many takes longer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "(f64, f64)", into = "(f64, f64)")]
pub struct Point {
    /// One in so many.
    pub one_in: f64,
    /// Than this, in nanoseconds: the median of the turns.
    pub nanos: f64,
}

impl From<(f64, f64)> for Point {
    fn from((one_in, nanos): (f64, f64)) -> Self {
        Self { one_in, nanos }
    }
}

impl From<Point> for (f64, f64) {
    fn from(point: Point) -> Self {
        (point.one_in, point.nanos)
    }
}

impl Distribution {
    /// A percentile in nanoseconds, the median of the turns. `None` if too few samples exceed it.
    #[must_use]
    pub fn percentile(&self, percentile: Percentile) -> Option<f64> {
        self.points.iter().find(|point| point.one_in == percentile.one_in).map(|point| point.nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A turn whose samples take 1 ns, 2 ns and so on, times a factor.
    fn turn(samples: u64, factor: u64) -> Histogram<u64> {
        let mut nanos = histogram();
        (1..=samples).for_each(|number| nanos.record(number * factor).unwrap());
        nanos
    }

    fn distribution(turns: &[Histogram<u64>]) -> Distribution {
        let mut all = Turns::default();
        turns.iter().for_each(|turn| all.add(turn));
        all.summary()
    }

    #[test]
    fn percentile_is_the_median_of_the_turns() {
        let told = distribution(&[turn(1_000, 1), turn(1_000, 1_000), turn(1_000, 1)]);
        assert_eq!((told.percentile(P50), told.percentile(P99)), (Some(500.0), Some(990.0)));
        assert_eq!((told.turns, told.samples), (3, 3_000));
        assert!(told.max >= 1_000_000, "the longest is that of all turns: {}", told.max);
    }

    #[test]
    fn percentile_needs_ten_samples_above_it_in_most_turns() {
        assert_eq!(distribution(&[turn(999, 1), turn(999, 1)]).percentile(P99), None);
        assert!(distribution(&[turn(1_000, 1)]).percentile(P99).is_some());
        assert_eq!(distribution(&[turn(1_000, 1)]).percentile(P999), None);
        let of = |known: usize| {
            let turns: Vec<_> = (0..4).map(|number| turn(if number < known { 1_000 } else { 500 }, 1)).collect();
            distribution(&turns).percentile(P99)
        };
        assert!(of(3).is_some() && of(2).is_none());
        assert_eq!(distribution(&[]), Distribution::default());
    }

    #[test]
    fn named_percentiles_are_read() {
        for percentile in [P50, P99, P999] {
            assert!(rarities().any(|one_in| one_in == percentile.one_in), "{}", percentile.name);
        }
    }
}
