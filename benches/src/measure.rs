//! Timing contestants by turns.
//!
//! The machine may be shared and noisy, so figures of different moments do not compare. Contestants
//! of one case are therefore sampled in turn, over and over, each time beginning with another; what
//! is reported is each one's median, and ratios of these. Work that one thread does alone is timed
//! by the processor time of that thread, so that what else runs does not count.

use cpu_time::ThreadTime;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// What one round of work came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Operations, as the group counts them.
    pub operations: u64,
    /// Deliveries that were due and lost.
    pub dropped: u64,
    /// What the contestant has timed itself, where a round has parts that do not count. `None`: the
    /// whole round counts.
    pub nanos: Option<u64>,
}

impl Tally {
    /// A round that has lost nothing.
    #[must_use]
    pub fn of(operations: u64) -> Self {
        Self { operations, ..Self::default() }
    }
}

/// Somebody who does the work of a case.
pub struct Contestant {
    /// As it stands in tables.
    pub name: &'static str,
    /// Does one round of the work.
    pub round: Box<dyn FnMut() -> Tally>,
}

impl Contestant {
    /// A contestant that does its work by calling `round`.
    pub fn new(name: &'static str, round: impl FnMut() -> Tally + 'static) -> Self {
        Self { name, round: Box::new(round) }
    }
}

impl std::fmt::Debug for Contestant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contestant").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a sample is timed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The processor time of the calling thread, which does all the work (or times itself).
    Thread,
    /// The wall: several threads are at work.
    Wall,
}

impl Clock {
    /// Runs `code`, and returns what it took.
    pub fn time(self, code: impl FnOnce()) -> Duration {
        match self {
            Self::Thread => {
                let begun = ThreadTime::now();
                code();
                begun.elapsed()
            }
            Self::Wall => {
                let begun = Instant::now();
                code();
                begun.elapsed()
            }
        }
    }
}

/// Contestants for one piece of work, made when it is their turn, because they hold memory and
/// threads.
pub struct Case {
    /// The group, such as `fanout`.
    pub group: &'static str,
    /// What tells it from other cases of the group, such as `N = 4, 16 bytes`.
    pub name: String,
    /// What is counted as an operation.
    pub operation: &'static str,
    /// What it is timed by.
    pub clock: Clock,
    /// Makes the contestants.
    pub contestants: Box<dyn Fn() -> Vec<Contestant>>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("group", &self.group).field("name", &self.name).finish_non_exhaustive()
    }
}

/// How thoroughly to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Samples of each contestant.
    pub samples: usize,
    /// How long one sample takes, at least.
    pub sample_time: Duration,
}

impl Effort {
    /// For a report that is published.
    pub const FULL: Self = Self { samples: 33, sample_time: Duration::from_millis(6) };
    /// To see that everything works, and roughly what it costs.
    pub const QUICK: Self = Self { samples: 9, sample_time: Duration::from_millis(3) };
}

/// What was measured of one contestant in one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Who.
    pub name: String,
    /// How many samples there are.
    pub samples: usize,
    /// The median of its samples, in nanoseconds per operation.
    pub nanos: f64,
    /// The quartiles of its samples, in nanoseconds per operation.
    pub quartiles: (f64, f64),
    /// Deliveries lost per operation, over all samples.
    pub dropped: f64,
}

/// Measures the contestants of a case, by turns.
#[must_use]
pub fn measure(case: &Case, effort: Effort) -> Vec<Measured> {
    sample(case, effort).into_iter().map(Samples::summary).collect()
}

/// Samples the contestants of a case, by turns. Those that have threads are made anew several
/// times, because where the scheduler once puts a thread it tends to stay.
#[must_use]
pub fn sample(case: &Case, effort: Effort) -> Vec<Samples> {
    let generations = match case.clock {
        Clock::Thread => 1,
        Clock::Wall => effort.samples.min(20),
    };
    let effort = Effort { samples: effort.samples.div_ceil(generations), ..effort };
    let mut sampled: Vec<Samples> = Vec::new();
    for _ in 0..generations {
        let mut entries: Vec<Entry> =
            (case.contestants)().into_iter().map(|who| Entry::calibrate(who, effort)).collect();
        let count = entries.len();
        for turn in 0..effort.samples {
            for place in 0..count {
                entries[(turn + place) % count].sample(case.clock);
            }
        }
        sampled.resize_with(count, Samples::default);
        for (all, entry) in sampled.iter_mut().zip(entries) {
            all.name = entry.contestant.name;
            all.nanos.extend(entry.samples);
            all.total.operations += entry.total.operations;
            all.total.dropped += entry.total.dropped;
        }
    }
    sampled
}

/// What was sampled of one contestant in one case.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// Who.
    pub name: &'static str,
    /// Each sample, in nanoseconds per operation.
    pub nanos: Vec<f64>,
    /// Operations and losses of all samples together.
    pub total: Tally,
}

impl Samples {
    fn summary(mut self) -> Measured {
        Measured {
            name: self.name.to_owned(),
            samples: self.nanos.len(),
            nanos: quantile(&mut self.nanos, 0.5),
            quartiles: (quantile(&mut self.nanos, 0.25), quantile(&mut self.nanos, 0.75)),
            dropped: self.total.dropped as f64 / self.total.operations as f64,
        }
    }
}

/// The number below which this share of the numbers lies. Sorts them.
///
/// # Panics
///
/// If there is no number.
#[must_use]
pub fn quantile(numbers: &mut [f64], share: f64) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers[((numbers.len() - 1) as f64 * share).round() as usize]
}

struct Entry {
    contestant: Contestant,
    /// Rounds in a sample.
    rounds: u32,
    samples: Vec<f64>,
    total: Tally,
}

impl Entry {
    /// Warms a contestant up, and finds out how many rounds fill a sample.
    fn calibrate(mut contestant: Contestant, effort: Effort) -> Self {
        let mut rounds = 0;
        let begun = Instant::now();
        while rounds < 3 || begun.elapsed() < effort.sample_time {
            (contestant.round)();
            rounds += 1;
        }
        let round = begun.elapsed() / rounds;
        let rounds = (effort.sample_time.as_nanos() / round.as_nanos().max(1)).clamp(1, 1 << 20) as u32;
        Self { contestant, rounds, samples: Vec::with_capacity(effort.samples), total: Tally::default() }
    }

    fn sample(&mut self, clock: Clock) {
        let mut sum = Tally::default();
        let mut timed = None::<u64>;
        let took = clock.time(|| {
            for _ in 0..self.rounds {
                let tally = (self.contestant.round)();
                sum.operations += tally.operations;
                sum.dropped += tally.dropped;
                if let Some(nanos) = tally.nanos {
                    *timed.get_or_insert(0) += nanos;
                }
            }
        });
        let nanos = timed.unwrap_or(took.as_nanos() as u64);
        self.samples.push(nanos as f64 / sum.operations as f64);
        self.total.operations += sum.operations;
        self.total.dropped += sum.dropped;
    }
}
