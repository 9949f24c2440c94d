//! What ringbus may cost, in ratios of medians of one run.

use super::Results;
use crate::groups::fanout;

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

/// Every budget.
#[must_use]
pub fn verdicts(results: &Results) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for subscribers in fanout::SUBSCRIBERS {
        for payload in ["16 bytes", "Arc"] {
            let case = format!("N = {subscribers}, {payload}");
            let limit = if subscribers == 1 { 1.6 } else { 1.2 };
            let measured = results.ratio("fanout", &case, PUBLISHER, "raw ArrayQueue");
            verdicts.push(Verdict::new(format!("fanout, {case}, Publisher against raw ArrayQueue"), limit, measured));
        }
    }
    for subscribers in [1, 4] {
        for payload in ["16 bytes", "Arc"] {
            let case = format!("N = {subscribers}, {payload}");
            let ratios = fanout::RUN_TIME_PEERS
                .iter()
                .filter_map(|peer| Some((*peer, results.ratio("fanout", &case, PUBLISHER, peer)?)));
            let nearest = ratios.max_by(|(_, a), (_, b)| a.total_cmp(b));
            let name = nearest.map_or("every peer", |(name, _)| name);
            let what = format!(
                "fanout, {case}, Publisher against the nearest peer that takes subscribers at run time ({name})"
            );
            verdicts.push(Verdict::new(what, 1.0, nearest.map(|(_, ratio)| ratio)));
        }
    }
    for subscribers in [8, 16, 64] {
        for payload in ["16 bytes", "Arc"] {
            let case = format!("N = {subscribers}, {payload}");
            let measured = results.ratio("fanout", &case, BATCH, "tokio broadcast");
            verdicts.push(Verdict::new(format!("fanout, {case}, batch against tokio broadcast"), None, measured));
        }
    }
    for result in results.cases.iter().filter(|result| result.group == "routing") {
        let maps = result.rows.iter().map(|row| row.name).filter(|name| name.ends_with("map"));
        for map in maps {
            let measured = results.ratio("routing", &result.name, PUBLISHER, map);
            verdicts.push(Verdict::new(format!("routing, Publisher against {map}"), 0.7, measured));
        }
        let measured = results.ratio("routing", &result.name, PUBLISHER, "tokio broadcast filter");
        verdicts.push(Verdict::new("routing, Publisher against tokio broadcast with a filter", 0.1, measured));
    }
    for (name, percentile) in [("p50", (|turn| turn.0) as fn(&(f64, f64)) -> f64), ("p99", |turn| turn.1)] {
        let measured = results.latency_ratio("parked", "crossbeam-channel", percentile);
        verdicts.push(Verdict::new(format!("latency, parked, {name}, against crossbeam-channel"), 1.05, measured));
    }
    let measured = results.latency_ratio("spinning", "raw ArrayQueue", |turn| turn.0);
    verdicts.push(Verdict::new("latency, spinning, p50, against raw ArrayQueue", 1.15, measured));
    let measured = results.ratio("request", "threads", "ringbus", "crossbeam-channel");
    verdicts.push(Verdict::new("request, threads, against crossbeam-channel by hand", 1.0, measured));
    let measured = results.ratio("request", "tasks", "ringbus .await", "tokio mpsc");
    verdicts.push(Verdict::new("request, tasks, `.await` against tokio mpsc by hand", 1.1, measured));
    verdicts.push(Verdict::new("start with 100,000 events against 1,000", 2.0, results.start_ratio()));
    let idle = results.nanos("base", "no subscriber", PUBLISHER);
    let base = results.nanos("base", "no subscriber", "harness");
    let measured = idle.zip(base).map(|(idle, base)| idle - base);
    verdicts.push(Verdict::new("publish with no subscriber, Publisher, ns over base", 3.0, measured));
    verdicts
}
