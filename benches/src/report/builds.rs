//! The default build beside one with `lto = "fat"` and one codegen unit, as users make it.
//!
//! A program is one build or the other, so each case is measured by processes of their own, by
//! turns: default, other, other, default. Both builds have the same sources and do the same work;
//! what is compared are the medians of all samples of one build.

use super::program;
use crate::groups;
use crate::measure::{Effort, Samples, quantile, sample};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write;
use std::time::Duration;

/// The groups that are compared: those in which one thread does all the work, so that the builds
/// differ by more than the scheduler does.
pub const GROUPS: [&str; 4] = ["fanout", "payload", "routing", "filter"];
/// The profile of cargo that `Cargo.toml` has for this.
const LTO: &str = "lto";
const DEFAULT: &str = "release";
/// Whose turn it is.
const TURNS: [&str; 4] = [DEFAULT, LTO, LTO, DEFAULT];

/// One contestant in one case, built in both ways.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Compared {
    /// The group, such as `fanout`.
    pub group: String,
    /// The case, such as `N = 4, 16 bytes`.
    pub case: String,
    /// The contestant, as it stands in tables.
    pub name: String,
    /// The median of its samples in the default build, in nanoseconds per operation.
    pub default: f64,
    /// The same with `lto = "fat"` and one codegen unit.
    pub lto: f64,
}

impl Compared {
    /// What the work takes with `lto` over what it takes by default.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.lto / self.default
    }
}

/// Compares the builds in every case of a group that is wanted.
///
/// # Errors
///
/// If one of them cannot be built or run.
pub fn run(
    effort: Effort,
    wants: impl Fn(&str) -> bool,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Compared>, Box<dyn Error>> {
    for profile in [DEFAULT, LTO] {
        progress(&format!("lto: building with the profile {profile}"));
        program::build(profile, "report")?;
    }
    let cases: Vec<_> =
        groups::cases().into_iter().filter(|case| GROUPS.contains(&case.group) && wants(case.group)).collect();
    let mut compared = Vec::new();
    for (place, case) in cases.iter().enumerate() {
        progress(&format!("lto: {}/{} {}, {}", place + 1, cases.len(), case.group, case.name));
        let mut names = Vec::new();
        let mut samples: HashMap<(String, &str), Vec<f64>> = HashMap::new();
        for profile in TURNS {
            let count = effort.samples.div_ceil(2).to_string();
            let millis = effort.sample_time.as_millis().to_string();
            let text = program::run(profile, "report", &["samples", case.group, &case.name, &count, &millis])?;
            for (name, numbers) in read(&text)? {
                if !names.contains(&name) {
                    names.push(name.clone());
                }
                samples.entry((name, profile)).or_default().extend(numbers);
            }
        }
        compared.extend(names.into_iter().filter_map(|name| {
            let mut median = |profile| Some(quantile(samples.get_mut(&(name.clone(), profile))?, 0.5));
            let (default, lto) = (median(DEFAULT)?, median(LTO)?);
            Some(Compared { group: case.group.to_owned(), case: case.name.clone(), name, default, lto })
        }));
    }
    Ok(compared)
}

/// The other side of [`run`]: samples one case, as `report samples GROUP CASE COUNT MILLIS` is told
/// to.
///
/// # Errors
///
/// If there is no such case, or a number is none.
pub fn samples(mut arguments: impl Iterator<Item = String>) -> Result<String, Box<dyn Error>> {
    let mut next = || arguments.next().ok_or("samples takes a group, a case, a count and milliseconds");
    let (group, name, count, millis) = (next()?, next()?, next()?, next()?);
    let effort = Effort { samples: count.parse()?, sample_time: Duration::from_millis(millis.parse()?) };
    let case = groups::cases().into_iter().find(|case| case.group == group && case.name == name);
    let case = case.ok_or_else(|| format!("there is no case {name} in a group {group}"))?;
    Ok(write(&sample(&case, effort)))
}

type Sent = (String, Vec<f64>);

/// A line for each contestant: its name and its samples, with tabs between them.
fn write(sampled: &[Samples]) -> String {
    let mut text = String::new();
    for samples in sampled {
        text += samples.name;
        for nanos in &samples.nanos {
            let _ = write!(text, "\t{nanos}");
        }
        text += "\n";
    }
    text
}

/// What [`write`] has written: each contestant's name and samples.
fn read(text: &str) -> Result<Vec<Sent>, Box<dyn Error>> {
    let mut sampled = Vec::new();
    for line in text.lines() {
        let mut fields = line.split('\t');
        let name = fields.next().unwrap_or_default().to_owned();
        let nanos: Vec<f64> = fields.map(str::parse).collect::<Result<_, _>>()?;
        if nanos.is_empty() {
            return Err(format!("no samples of {name}").into());
        }
        sampled.push((name, nanos));
    }
    Ok(sampled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_arrive_as_they_were_sent() {
        let of = |name, nanos| Samples { name, nanos, ..Samples::default() };
        let sent = [of("ringbus Publisher", vec![1.5, 0.1 + 0.2]), of("kanal", vec![3.0])];
        let received = read(&write(&sent)).unwrap();
        let expected = sent.map(|samples| (samples.name.to_owned(), samples.nanos));
        assert_eq!(received, expected);
        assert!(read("kanal\n").is_err() && read("kanal\tfast\n").is_err());
    }

    #[test]
    fn every_contestant_of_a_case_is_sampled() {
        let ask = |arguments: [&str; 4]| samples(arguments.map(str::to_owned).into_iter());
        let text = ask(["filter", &groups::filter::cases()[0].name, "3", "1"]).unwrap();
        let sampled = read(&text).unwrap();
        assert!(sampled.iter().all(|(_, nanos)| nanos.len() == 3 && nanos.iter().all(|&nanos| nanos > 0.0)), "{text}");
        assert!(sampled.len() > 2 && sampled[0].0 == "ringbus Publisher", "{text}");
        assert!(ask(["filter", "no such case", "3", "1"]).is_err());
        assert!(ask(["filter", &groups::filter::cases()[0].name, "many", "1"]).is_err());
    }

    #[test]
    fn groups_that_are_compared_are_timed_by_one_thread() {
        for group in GROUPS {
            let cases: Vec<_> = groups::cases().into_iter().filter(|case| case.group == group).collect();
            assert!(!cases.is_empty(), "{group}");
            assert!(cases.iter().all(|case| case.clock == crate::measure::Clock::Thread), "{group}");
        }
    }
}
