//! What ringbus may cost, in ratios of medians of one run.

use super::Results;
use crate::groups::{contention, fanout, payload};

/// A budget, held against the figures.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What is compared.
    pub what: String,
    /// The ratio that may not be exceeded; `None` where it is to be as low as the shape allows.
    pub limit: Option<f64>,
    /// The ratio, and whether it is within the limit.
    pub measured: Option<(f64, bool)>,
}

impl Verdict {
    fn new(what: impl Into<String>, limit: impl Into<Option<f64>>, ratio: Option<f64>) -> Self {
        let limit = limit.into();
        let measured = ratio.map(|ratio| (ratio, limit.is_none_or(|limit| ratio <= limit)));
        Self { what: what.into(), limit, measured }
    }

    /// How it came out.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (self.measured, self.limit) {
            (Some((_, true)), Some(_)) => "met",
            (Some((_, false)), _) => "**missed**",
            _ => "",
        }
    }
}

const PUBLISHER: &str = "ringbus Publisher";
const BATCH: &str = "ringbus batch";
const LANES: &str = "ringbus lanes Publisher";
const LANES_BATCH: &str = "ringbus lanes batch";
const RAW: &str = "raw ArrayQueue";

/// What was measured, and what became of it so far.
struct Budgets<'a> {
    results: &'a Results,
    verdicts: Vec<Verdict>,
}

impl Budgets<'_> {
    fn add(&mut self, what: impl Into<String>, limit: impl Into<Option<f64>>, ratio: Option<f64>) {
        self.verdicts.push(Verdict::new(what, limit, ratio));
    }

    /// One contestant against another.
    fn against(&mut self, group: &str, case: &str, ours: &str, theirs: &str, limit: impl Into<Option<f64>>) {
        let measured = self.results.ratio(group, case, ours, theirs);
        self.add(format!("{group}, {case}, {} against {theirs}", short(ours)), limit, measured);
    }

    /// One contestant against whichever of several comes nearest to it, or is ahead by the most.
    fn against_nearest(&mut self, group: &str, case: &str, ours: &str, theirs: (&str, &[&str]), limit: f64) {
        let (who, theirs) = theirs;
        let ratios = theirs.iter().filter_map(|peer| Some((*peer, self.results.ratio(group, case, ours, peer)?)));
        let nearest = ratios.max_by(|(_, a), (_, b)| a.total_cmp(b));
        let name = nearest.map_or("every one", |(name, _)| name);
        let what = format!("{group}, {case}, {} against the nearest {who} ({name})", short(ours));
        self.add(what, limit, nearest.map(|(_, ratio)| ratio));
    }

    /// The build with `lto` against the default one, in the case of the group that gains least or
    /// loses most.
    fn lto(&mut self, group: &str, ours: &str, limit: f64) {
        let compared = self.results.builds.iter().filter(|row| row.group == group && row.name == ours);
        let worst = compared.max_by(|a, b| a.ratio().total_cmp(&b.ratio()));
        let case = worst.map_or("every case", |row| &row.case);
        let what = format!("{group}, {}, `lto` against the default build, at most ({case})", short(ours));
        self.add(what, limit, worst.map(super::builds::Compared::ratio));
    }
}

/// A contestant of ringbus, without that it is one.
fn short(contestant: &str) -> &str {
    contestant.strip_prefix("ringbus ").unwrap_or(contestant)
}

/// Every budget.
#[must_use]
pub fn verdicts(results: &Results) -> Vec<Verdict> {
    let mut budgets = Budgets { results, verdicts: Vec::new() };
    for subscribers in fanout::SUBSCRIBERS {
        for payload in fanout::PAYLOADS {
            let limit = if subscribers == 1 { 1.6 } else { 1.2 };
            budgets.against("fanout", &fanout::name(subscribers, payload), PUBLISHER, RAW, limit);
        }
    }
    for subscribers in [1, 4] {
        for payload in fanout::PAYLOADS {
            let peers = ("peer that takes subscribers at run time", &fanout::RUN_TIME_PEERS[..]);
            budgets.against_nearest("fanout", &fanout::name(subscribers, payload), PUBLISHER, peers, 1.0);
        }
    }
    for subscribers in [8, 16, 64] {
        for payload in fanout::PAYLOADS {
            budgets.against("fanout", &fanout::name(subscribers, payload), BATCH, "tokio broadcast", None);
        }
    }
    for subscribers in [1, 4] {
        for size in payload::SIZES.into_iter().filter(|size| [64, 256, 1024].contains(&size.bytes)) {
            budgets.against("payload", &payload::name(subscribers, size, "Copy"), PUBLISHER, RAW, 1.3);
        }
    }
    for group in super::builds::GROUPS {
        budgets.lto(group, PUBLISHER, 1.05);
    }
    for result in results.cases.iter().filter(|result| result.group == "routing") {
        let maps = result.rows.iter().map(|row| row.name).filter(|name| name.ends_with("map"));
        for map in maps {
            let measured = results.ratio("routing", &result.name, PUBLISHER, map);
            budgets.add(format!("routing, Publisher against {map}"), 0.7, measured);
        }
        let measured = results.ratio("routing", &result.name, PUBLISHER, "tokio broadcast filter");
        budgets.add("routing, Publisher against tokio broadcast with a filter", 0.1, measured);
    }
    for (name, percentile) in [("p50", (|turn| turn.0) as fn(&(f64, f64)) -> f64), ("p99", |turn| turn.1)] {
        let measured = results.latency_ratio("parked", PUBLISHER, "crossbeam-channel", percentile);
        budgets.add(format!("latency, parked, {name}, against crossbeam-channel"), 1.05, measured);
    }
    let measured = results.latency_ratio("spinning", PUBLISHER, RAW, |turn| turn.0);
    budgets.add("latency, spinning, p50, against raw ArrayQueue", 1.15, measured);
    for peer in ["crossbeam-channel try_send", "tokio broadcast"] {
        let measured = results.stalled_ratio(PUBLISHER, peer);
        budgets.add(format!("stalled, nobody stalls, publish p50, Publisher against {peer}"), None, measured);
    }
    let measured = results.ratio("request", "threads", "ringbus", "crossbeam-channel");
    budgets.add("request, threads, against crossbeam-channel by hand", 1.0, measured);
    let measured = results.ratio("request", "tasks", "ringbus .await", "tokio mpsc");
    budgets.add("request, tasks, `.await` against tokio mpsc by hand", 1.1, measured);
    budgets.add("start with 100,000 events against 1,000", 2.0, results.start_ratio());
    let idle = results.nanos("base", "no subscriber", PUBLISHER);
    let base = results.nanos("base", "no subscriber", "harness");
    let measured = idle.zip(base).map(|(idle, base)| idle - base);
    budgets.add("publish with no subscriber, Publisher, ns over base", 3.0, measured);
    lanes(&mut budgets);
    budgets.verdicts
}

/// What lanes may cost.
fn lanes(budgets: &mut Budgets<'_>) {
    let peers = ("peer that takes subscribers at run time", &fanout::RUN_TIME_PEERS[..]);
    let [small, _] = fanout::PAYLOADS;
    for (subscribers, limit) in [(1, 1.1), (4, 1.0), (8, 1.0), (16, 1.0)] {
        budgets.against_nearest("fanout", &fanout::name(subscribers, small), LANES, peers, limit);
    }
    for (peer, limit) in [("tokio broadcast", 1.3), ("jonhoo's bus", 1.5)] {
        budgets.against("fanout", &fanout::name(64, small), LANES, peer, limit);
    }
    for subscribers in fanout::SUBSCRIBERS {
        for payload in fanout::PAYLOADS {
            budgets.against_nearest("fanout", &fanout::name(subscribers, payload), LANES_BATCH, peers, 0.6);
        }
    }
    for subscribers in [1, 4] {
        for size in payload::SIZES.into_iter().filter(|size| [64, 256, 1024].contains(&size.bytes)) {
            for (peer, limit) in [(RAW, 0.9), ("crossbeam-channel", 0.7), ("tokio broadcast", 1.2)] {
                budgets.against("payload", &payload::name(subscribers, size, "Copy"), LANES, peer, limit);
            }
        }
    }
    for case in ["blocking", "lossless"] {
        for (peer, limit) in [("crossbeam-channel", 0.6), ("std mpsc", 0.6), ("crossfire", 1.2)] {
            budgets.against("cross", case, LANES, peer, limit);
        }
    }
    for publishers in [2, 4] {
        for (peer, limit) in [(RAW, 0.9), ("tokio broadcast", 1.0)] {
            budgets.against("contention", &contention::name(publishers), LANES, peer, limit);
        }
    }
    for (peer, limit) in [("crossbeam-channel try_send", 1.0), ("tokio broadcast", 1.3)] {
        let measured = budgets.results.stalled_ratio(LANES, peer);
        budgets.add(format!("stalled, nobody stalls, publish p50, lanes Publisher against {peer}"), limit, measured);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Measured;
    use crate::report::CaseResult;
    use crate::report::builds::Compared;

    /// Results with one case, and what its contestants take.
    fn one_case(group: &'static str, name: &str, rows: &[(&'static str, f64)]) -> Results {
        let row = |&(name, nanos)| Measured { name, nanos, quartiles: (nanos, nanos), dropped: 0.0 };
        let rows = rows.iter().map(row).collect();
        let case = CaseResult { group, name: name.to_owned(), operation: "publish", rows };
        Results { cases: vec![case], ..Results::default() }
    }

    /// The verdicts of what was measured.
    fn measured(results: &Results) -> Vec<(String, f64, &'static str)> {
        let verdicts = verdicts(results).into_iter();
        verdicts.filter_map(|verdict| Some((verdict.what.clone(), verdict.measured?.0, verdict.word()))).collect()
    }

    #[test]
    fn payloads_may_take_little_more_than_bare_rings() {
        let case = "N = 4, 256 bytes, Copy";
        let of = |publisher| measured(&one_case("payload", case, &[(PUBLISHER, publisher), (RAW, 100.0)]));
        let what = format!("payload, {case}, Publisher against raw ArrayQueue");
        assert_eq!(of(130.0), [(what.clone(), 1.3, "met")]);
        assert_eq!(of(131.0), [(what, 1.31, "**missed**")]);
    }

    #[test]
    fn peer_that_is_ahead_by_the_most_is_the_nearest() {
        let rows = [(PUBLISHER, 12.0), (RAW, 11.0), ("kanal", 10.0), ("crossfire", 8.0), ("flume", 24.0)];
        let verdicts = measured(&one_case("fanout", "N = 1, 16 bytes", &rows));
        let (what, ratio, word) = verdicts.last().unwrap();
        assert!(what.ends_with("(crossfire)"), "{what}");
        assert_eq!((*ratio, *word), (1.5, "**missed**"));
    }

    #[test]
    fn build_is_judged_by_its_worst_case() {
        let row = |case: &str, lto| Compared {
            group: "payload",
            case: case.to_owned(),
            name: PUBLISHER.to_owned(),
            default: 100.0,
            lto,
        };
        let of = |rows| measured(&Results { builds: rows, ..Results::default() });
        let verdicts = of(vec![row("N = 1", 90.0), row("N = 4", 110.0), row("N = 16", 100.0)]);
        let what = "payload, Publisher, `lto` against the default build, at most (N = 4)".to_owned();
        assert_eq!(verdicts, [(what, 1.1, "**missed**")]);
        assert_eq!(of(vec![row("N = 1", 105.0)])[0].2, "met");
    }
}
