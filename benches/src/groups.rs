//! The work, group by group.

pub mod base;
mod channel;
pub mod churn;
pub mod contention;
pub mod cross;
pub mod fanout;
pub mod filter;
mod kind;
pub mod latency;
pub mod memory;
pub mod overload;
pub mod payload;
pub mod request;
pub mod routing;
pub mod stalled;
pub mod startup;

use crate::measure::Case;

/// A group of cases.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// As it is called on the command line and in tables.
    pub name: &'static str,
    /// What it asks.
    pub question: &'static str,
    /// Seconds that it takes, thoroughly and quickly measured, on two processors.
    pub seconds: [u64; 2],
}

const fn group(name: &'static str, question: &'static str, seconds: [u64; 2]) -> Group {
    Group { name, question, seconds }
}

/// All groups, in the order in which they are run.
pub const GROUPS: [Group; 14] = [
    group("base", "What do the harness, a locked instruction, a fence, and a publish to nobody take?", [2, 1]),
    group("fanout", "What does a publish to 1 to 64 subscribers take, with its receives?", [65, 7]),
    group("payload", "The same with events of 16 bytes to 4 KiB?", [150, 25]),
    group("routing", "What does it take to find those who want an event, among 50 types?", [4, 1]),
    group("filter", "What does it take to ask 8 filters?", [4, 1]),
    group("startup", "What does it take to keep an event before the start, and to start?", [15, 5]),
    group(
        "churn",
        "What does a subscriber take that comes and goes, while others stay, or with many others?",
        [150, 70],
    ),
    group("cross", "How fast do events get from one thread to another?", [60, 40]),
    group("contention", "What do several publishers to the same subscribers take?", [45, 30]),
    group("request", "What does a request of 3 responders take?", [15, 5]),
    group("latency", "How long does a round trip between two threads take?", [100, 28]),
    group("stalled", "What does a subscriber that never reads do to the others?", [15, 8]),
    group("overload", "How long does a publish take while more threads are busy than there are processors?", [140, 30]),
    group("memory", "How many bytes do a bus, a subscriber, a filter and a waiting event take?", [5, 1]),
];

/// Every case that is timed by operation; round trips, stalled subscribers, overload and memory are
/// measured in their own way.
#[must_use]
pub fn cases() -> Vec<Case> {
    let groups: [fn() -> Vec<Case>; 10] = [
        base::cases,
        fanout::cases,
        payload::cases,
        routing::cases,
        filter::cases,
        startup::cases,
        churn::cases,
        cross::cases,
        contention::cases,
        request::cases,
    ];
    groups.iter().flat_map(|cases| cases()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_of_groups_that_are_known_and_in_their_order() {
        let mut groups: Vec<_> = cases().iter().map(|case| case.group).collect();
        groups.dedup();
        let timed = &GROUPS.map(|group| group.name)[..groups.len()];
        assert_eq!(groups, timed);
    }

    #[test]
    fn readme_names_every_group() {
        let readme = include_str!("../README.md");
        for group in GROUPS {
            assert!(readme.contains(&format!("| `{}` |", group.name)), "{}", group.name);
        }
    }
}
