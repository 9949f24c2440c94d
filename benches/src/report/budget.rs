//! What ringbus may cost, in ratios of medians of one run.

use super::Results;
use super::builds::Compared;
use crate::distribution::{P50, P99};
use crate::groups::{churn, contention, fanout, payload};
use std::fmt;

/// What a ratio may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// No more than this.
    AtMost(f64),
    /// Less than this.
    Below(f64),
}

impl Limit {
    fn allows(self, ratio: f64) -> bool {
        match self {
            Self::AtMost(limit) => ratio <= limit,
            Self::Below(limit) => ratio < limit,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => write!(f, "<= {limit:.2}"),
            Self::Below(limit) => write!(f, "< {limit:.2}"),
        }
    }
}

impl From<f64> for Limit {
    fn from(limit: f64) -> Self {
        Self::AtMost(limit)
    }
}

/// A budget, held against the figures.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What is compared.
    pub what: String,
    /// What the ratio may be; `None` if it is to be as low as the shape allows.
    pub limit: Option<Limit>,
    /// The ratio, and whether it is within the limit.
    pub measured: Option<(f64, bool)>,
}

impl Verdict {
    fn new(what: impl Into<String>, limit: Option<Limit>, ratio: Option<f64>) -> Self {
        // It is judged as it is shown: with two digits.
        let ratio = ratio.map(|ratio| (ratio * 100.0).round() / 100.0);
        let measured = ratio.map(|ratio| (ratio, limit.is_none_or(|limit| limit.allows(ratio))));
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
/// Sizes of events, in bytes, that have budgets.
const SIZES: [usize; 3] = [64, 256, 1024];

/// What was measured, and what became of it so far.
struct Budgets<'a> {
    results: &'a Results,
    verdicts: Vec<Verdict>,
}

impl Budgets<'_> {
    fn add(&mut self, what: impl Into<String>, limit: impl Into<Limit>, ratio: Option<f64>) {
        self.verdicts.push(Verdict::new(what, Some(limit.into()), ratio));
    }

    /// What has no limit.
    fn tell(&mut self, what: impl Into<String>, ratio: Option<f64>) {
        self.verdicts.push(Verdict::new(what, None, ratio));
    }

    /// One contestant against another.
    fn against(&mut self, group: &str, case: &str, ours: &str, theirs: &str, limit: impl Into<Limit>) {
        let measured = self.results.ratio(group, case, ours, theirs);
        self.add(format!("{group}, {case}, {} against {theirs}", short(ours)), limit, measured);
    }

    /// One contestant against whichever of several comes nearest to it, or is ahead by the most.
    fn against_nearest(
        &mut self,
        group: &str,
        case: &str,
        ours: &str,
        theirs: (&str, &[&str]),
        limit: impl Into<Limit>,
    ) {
        let (who, theirs) = theirs;
        let ratios = theirs.iter().filter_map(|peer| Some((*peer, self.results.ratio(group, case, ours, peer)?)));
        let nearest = ratios.max_by(|(_, a), (_, b)| a.total_cmp(b));
        let name = nearest.map_or("every one", |(name, _)| name);
        let what = format!("{group}, {case}, {} against the nearest {who} ({name})", short(ours));
        self.add(what, limit, nearest.map(|(_, ratio)| ratio));
    }

    /// The build with `lto` against the default one, in the case of the group in which one of our
    /// contestants gains least or loses most.
    fn lto(&mut self, group: &str, ours: &[&str], limit: f64) {
        let compared = self.results.builds.iter().filter(|row| row.group == group && ours.contains(&row.name.as_str()));
        let worst = compared.max_by(|a, b| a.ratio().total_cmp(&b.ratio()));
        let case = worst.map_or_else(|| "every case".to_owned(), |row| format!("{}, {}", short(&row.name), row.case));
        let what = format!("{group}, `lto` against the default build, at most ({case})");
        self.add(what, limit, worst.map(Compared::ratio));
    }

    /// A request against the same by hand, with each of these channels for every request.
    fn request(&mut self, case: &str, ours: &str, theirs: &[&str], limit: f64) {
        for peer in theirs {
            let measured = self.results.ratio("request", case, ours, peer);
            let what = format!("request, {case}, {} against {peer} by hand", short(ours));
            self.add(what, limit, measured);
        }
    }

    /// Finding who wants an event, against every map and against a filter of the receivers.
    fn routing(&mut self, ours: &str, limit: f64) {
        let results = self.results;
        for result in results.cases.iter().filter(|result| result.group == "routing") {
            let maps = result.rows.iter().map(|row| row.name.as_str()).filter(|name| name.ends_with("map"));
            for peer in maps {
                let measured = results.ratio("routing", &result.name, ours, peer);
                self.add(format!("routing, {} against {peer}", short(ours)), limit, measured);
            }
            let measured = results.ratio("routing", &result.name, ours, "tokio broadcast filter");
            self.add(format!("routing, {} against tokio broadcast with a filter", short(ours)), 0.1, measured);
        }
    }

    /// Many subscribers that come and go together, and the same by several threads.
    fn crowd(&mut self, who: &str) {
        let [alone, together] =
            churn::THREADS.map(|threads| self.results.nanos("churn", &churn::crowd_name(threads), who));
        for (threads, nanos) in churn::THREADS.into_iter().zip([alone, together]) {
            let (name, who) = (churn::crowd_name(threads), short(who));
            let seconds = nanos.map(|nanos| nanos * churn::CROWD as f64 / 1e9);
            self.add(format!("churn, {name}, {who}, seconds of processor time in sum"), 1.0, seconds);
        }
        let ratio = together.zip(alone).map(|(together, alone)| together / alone);
        let what = format!("churn, {}, {} against one thread", churn::crowd_name(churn::THREADS[1]), short(who));
        self.add(what, 1.0, ratio);
    }

    /// Round trips.
    fn latency(&mut self, ours: &str) {
        for percentile in [P50, P99] {
            let measured = self.results.latency_ratio("parked", ours, "crossbeam-channel", percentile);
            let what = format!("latency, parked, {}, {} against crossbeam-channel", percentile.name, short(ours));
            self.add(what, 1.05, measured);
        }
        let measured = self.results.latency_ratio("spinning", ours, RAW, P50);
        self.add(format!("latency, spinning, p50, {} against raw ArrayQueue", short(ours)), 1.15, measured);
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
            let case = fanout::name(subscribers, payload);
            let measured = results.ratio("fanout", &case, BATCH, "tokio broadcast");
            budgets.tell(format!("fanout, {case}, batch against tokio broadcast"), measured);
        }
    }
    for subscribers in [1, 4] {
        for size in payload::SIZES.into_iter().filter(|size| SIZES.contains(&size.bytes)) {
            budgets.against("payload", &payload::name(subscribers, size, "Copy"), PUBLISHER, RAW, 1.3);
        }
    }
    for group in super::builds::GROUPS {
        budgets.lto(group, &[PUBLISHER, "ringbus EventBus", BATCH], 1.05);
        budgets.lto(group, &[LANES, "ringbus lanes EventBus", LANES_BATCH], 1.05);
    }
    budgets.routing(PUBLISHER, 0.7);
    budgets.latency(PUBLISHER);
    for peer in ["crossbeam-channel try_send", "tokio broadcast"] {
        let measured = results.stalled_ratio(PUBLISHER, peer);
        budgets.tell(format!("stalled, nobody stalls, publish p50, Publisher against {peer}"), measured);
    }
    budgets.request("threads", "ringbus", &["crossbeam-channel"], 1.0);
    budgets.request("tasks", "ringbus .await", &["tokio mpsc"], 1.1);
    budgets.add("start with 100,000 events against 1,000", 2.0, results.start_ratio());
    let idle = results.nanos("base", "no subscriber", PUBLISHER);
    let base = results.nanos("base", "no subscriber", "harness");
    let measured = idle.zip(base).map(|(idle, base)| idle - base);
    budgets.add("publish with no subscriber, Publisher, ns over base", 3.0, measured);
    budgets.crowd(churn::BY_TYPE);
    budgets.crowd(churn::TO_EVERYTHING);
    lanes(&mut budgets);
    budgets.verdicts
}

/// What lanes may cost.
fn lanes(budgets: &mut Budgets<'_>) {
    let peers = ("peer that takes subscribers at run time", &fanout::RUN_TIME_PEERS[..]);
    let [small, _] = fanout::PAYLOADS;
    let limits = [(1, Limit::AtMost(1.1)), (4, Limit::Below(1.0)), (8, Limit::Below(1.0)), (16, Limit::Below(1.0))];
    for (subscribers, limit) in limits {
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
        for size in payload::SIZES.into_iter().filter(|size| SIZES.contains(&size.bytes)) {
            for (peer, limit) in [(RAW, 0.9), ("crossbeam-channel", 0.7), ("tokio broadcast", 1.2)] {
                budgets.against("payload", &payload::name(subscribers, size, "Copy"), LANES, peer, limit);
            }
        }
    }
    for case in ["blocking", "lossless"] {
        // Of a peer that has several ways, the fastest counts.
        for (peer, ways, limit) in [
            ("crossbeam-channel", ["crossbeam-channel", "crossbeam-channel send"], 0.6),
            ("std mpsc", ["std mpsc", "std mpsc send"], 0.6),
            ("crossfire", ["crossfire", "crossfire send"], 1.2),
        ] {
            budgets.against_nearest("cross", case, LANES, (&format!("way of {peer}"), &ways), limit);
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
    budgets.latency(LANES);
    budgets.request("threads", "ringbus lanes", &["crossbeam-channel"], 1.0);
    budgets.request("tasks", "ringbus lanes .await", &["tokio mpsc"], 1.1);
    budgets.routing(LANES, 0.6);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Measured;
    use crate::report::CaseResult;
    use crate::report::builds::Compared;

    /// Results with one case, and what its contestants take.
    fn one_case(group: &str, name: &str, rows: &[(&str, f64)]) -> Results {
        let row = |&(name, nanos): &(&str, f64)| Measured {
            name: name.to_owned(),
            samples: 41,
            nanos,
            quartiles: (nanos, nanos),
            dropped: 0.0,
        };
        let rows = rows.iter().map(row).collect();
        let (group, operation) = (group.to_owned(), "publish".to_owned());
        let case = CaseResult { group, name: name.to_owned(), operation, rows };
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
    fn limit_that_must_be_undercut_is_not_met_by_itself() {
        let of = |lanes| measured(&one_case("fanout", "N = 4, 16 bytes", &[(LANES, lanes), ("kanal", 50.0)]));
        assert_eq!((of(50.0)[0].2, of(49.0)[0].2), ("**missed**", "met"));
        assert_eq!((of(49.9)[0].1, of(49.9)[0].2), (1.0, "**missed**"), "judged as shown");
        assert_eq!(
            (Limit::Below(1.0).to_string(), Limit::AtMost(1.1).to_string()),
            ("< 1.00".into(), "<= 1.10".into())
        );
    }

    #[test]
    fn of_several_ways_to_send_the_fastest_counts() {
        let rows = [(LANES, 12.0), ("crossfire", 20.0), ("crossfire send", 8.0)];
        let verdicts = measured(&one_case("cross", "blocking", &rows));
        assert_eq!(verdicts.len(), 1);
        assert_eq!((verdicts[0].1, verdicts[0].2), (1.5, "**missed**"));
        assert!(verdicts[0].0.ends_with("(crossfire send)"), "{}", verdicts[0].0);
    }

    #[test]
    fn build_is_judged_by_its_worst_case() {
        let row = |case: &str, lto| Compared {
            group: "payload".to_owned(),
            case: case.to_owned(),
            name: PUBLISHER.to_owned(),
            default: 100.0,
            lto,
        };
        let of = |rows| measured(&Results { builds: rows, ..Results::default() });
        let verdicts = of(vec![row("N = 1", 90.0), row("N = 4", 110.0), row("N = 16", 100.0)]);
        let what = "payload, `lto` against the default build, at most (Publisher, N = 4)".to_owned();
        assert_eq!(verdicts, [(what, 1.1, "**missed**")]);
        assert_eq!(of(vec![row("N = 1", 105.0)])[0].2, "met");
    }
}
