//! What people look at first: the table of the README, and ratios.

use super::Results;
use crate::groups::fanout::{self, PAYLOADS, SUBSCRIBERS};
use crate::groups::overload::Load;
use std::fmt::Write;

const PUBLISHER: &str = "ringbus Publisher";
const BUS: &str = "ringbus EventBus";
/// The peers that deliveries are compared with.
const PEERS: [&str; 8] = [
    "raw ArrayQueue",
    "crossbeam-channel",
    "crossfire",
    "flume",
    "kanal",
    "std mpsc",
    "tokio broadcast",
    "jonhoo's bus",
];

/// Who is in the table of the README, if it was measured.
const CONTESTANTS: [&str; 14] = [
    PUBLISHER,
    BUS,
    "ringbus batch",
    "ringbus lanes Publisher",
    "ringbus lanes batch",
    "crossbeam-channel",
    "crossfire",
    "flume",
    "kanal",
    "std mpsc",
    "tokio broadcast",
    "async-broadcast",
    "jonhoo's bus",
    "disruptor",
];
/// What is behind the name of a peer in groups in which it takes part by hand.
const BY_HAND: [&str; 4] = ["", " map", " filter", " try_send"];

/// The tables of the README, each under its name. `ci/pages.py` holds them against the results.
#[must_use]
pub fn tables(results: &Results) -> [(&'static str, String); 1] {
    [("times", times(results))]
}

/// Nanoseconds as they are in the results: a row for each contestant, a column for each kind of
/// work.
fn times(results: &Results) -> String {
    let plays = |row: &str, name: &str| row.strip_prefix(name).is_some_and(|how| BY_HAND.contains(&how));
    let case = |name: &str, group: &str| {
        let case = results.cases.iter().find(|case| case.group == group)?;
        case.rows.iter().find(|row| plays(row.name, name)).map(|row| row.nanos)
    };
    let [small, _] = PAYLOADS;
    let fanout = |name: &str, n: usize| results.nanos("fanout", &fanout::name(n, small), name);
    let parked = |name: &str| Some(results.latency("parked", name)?.nanos.value_at_quantile(0.5) as f64);
    let paced = |name: &str| {
        let row = results.stalled.iter().find(|row| !row.stalled && plays(row.name, name))?;
        Some(row.publish.value_at_quantile(0.5) as f64)
    };
    let columns = ["to 1", "to 4", "to 16", "to 64", "routed", "filtered", "to a thread", "round trip", "paced"];
    let mut text = format!("| | {} |\n|---|{}\n", columns.join(" | "), "--:|".repeat(columns.len()));
    for name in CONTESTANTS {
        let to_many = [1, 4, 16, 64].map(|n| fanout(name, n));
        let others = [
            case(name, "routing"),
            case(name, "filter"),
            results.nanos("cross", "blocking", name),
            parked(name),
            paced(name),
        ];
        let nanos: Vec<_> = to_many.into_iter().chain(others).collect();
        if nanos.iter().any(Option::is_some) {
            let cells: Vec<_> = nanos.iter().map(|nanos| nanos.map_or_else(|| "–".to_owned(), super::figure)).collect();
            let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
        }
    }
    text
}

/// The time of ringbus over that of its peers, for the groups that were measured.
#[must_use]
pub fn ratios(results: &Results) -> String {
    let mut text = String::new();
    if results.cases.iter().any(|case| case.group == "fanout") {
        text += "## Ratios\n\nThe time of ringbus over that of the peer: less than 1 is faster. Publish and receive, event by event, one \
                 thread:\n\n";
        text += &fanout(results);
        text += "\n`Publisher`, unless it says otherwise:\n\n";
        text += &work(results);
        text += "\n";
    }
    if !results.overload.is_empty() {
        text += "## More threads than cores\n\nOne thread publishes every 5 µs while 1, 2 or 4 threads for each core receive and never rest. \
                 Microseconds of a publish: p99.9 (in parentheses, if those threads only burn time and do not touch the bus), and the \
                 longest.\n\n";
        text += &overload(results);
        text += "\n";
    }
    text
}

/// Puts a table into a page, between the comments `<!-- results: NAME -->` and `<!-- end of results -->`.
///
/// # Errors
///
/// If the page lacks them.
pub fn put(page: &str, name: &str, table: &str) -> Result<String, String> {
    let mark = format!("<!-- results: {name} -->\n");
    let end = "<!-- end of results -->\n";
    let lacks = || format!("the page lacks a place for the table {name}");
    let (before, rest) = page.split_once(&mark).ok_or_else(lacks)?;
    let (old, after) = rest.split_once(end).ok_or_else(lacks)?;
    if old.contains("<!-- results: ") {
        // The end of another table: what stands between is not to be replaced.
        return Err(lacks());
    }
    Ok(format!("{before}{mark}\n{table}\n{end}{after}"))
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"))
}

/// Both ways to publish, because most begin with the bus itself.
fn fanout(results: &Results) -> String {
    let mut text = format!(
        "| subscribers, event: `Publisher` / `EventBus` against | {} |\n|---|",
        PEERS.join(" | ").replace("ArrayQueue", "`ArrayQueue`")
    );
    text += &"--:|".repeat(PEERS.len());
    for subscribers in SUBSCRIBERS {
        for payload in PAYLOADS {
            let case = fanout::name(subscribers, payload);
            let ratios = PEERS
                .map(|peer| [PUBLISHER, BUS].map(|ours| ratio(results.ratio("fanout", &case, ours, peer))).join(" / "));
            let _ = write!(text, "\n| {subscribers}, {payload} | {} |", ratios.join(" | "));
        }
    }
    text + "\n"
}

fn work(results: &Results) -> String {
    let case_of = |group: &str| results.cases.iter().find(|case| case.group == group).map_or("", |case| &case.name);
    let ratios = |group: &str, case: &str, ours: &str, peers: &[&str]| {
        let ratios: Vec<_> = peers.iter().map(|peer| ratio(results.ratio(group, case, ours, peer))).collect();
        ratios.join(" / ")
    };
    let batch = |payload: &str| {
        let cases = [8, 16, 64].map(|subscribers| format!("N = {subscribers}, {payload}"));
        cases.map(|case| ratio(results.ratio("fanout", &case, "ringbus batch", "tokio broadcast"))).join(" / ")
    };
    let (routing, filter) = (case_of("routing"), case_of("filter"));
    let channels = ["crossbeam-channel", "crossfire", "flume", "kanal", "std mpsc"];
    let rows = [
        (
            "routing, 50 types and 32 subscribers to 2 each, against a hand-written map of crossbeam / crossfire / flume / kanal / std channels",
            ratios(
                "routing",
                routing,
                PUBLISHER,
                &channels.map(|name| format!("{name} map")).each_ref().map(String::as_str),
            ),
        ),
        (
            "the same against tokio broadcast with a filter",
            ratios("routing", routing, PUBLISHER, &["tokio broadcast filter"]),
        ),
        (
            "8 subscribers that filter one event out of 8 each, against a hand-written list of those channels with filters",
            ratios("filter", filter, PUBLISHER, &channels),
        ),
        ("the same against tokio broadcast", ratios("filter", filter, PUBLISHER, &["tokio broadcast"])),
        (
            "round trip, both sides parked, p50 / p99, against crossbeam-channel",
            [|turn: &(f64, f64)| turn.0, |turn: &(f64, f64)| turn.1]
                .map(|percentile| ratio(results.latency_ratio("parked", PUBLISHER, "crossbeam-channel", percentile)))
                .join(" / "),
        ),
        (
            "round trip, both sides spinning, p50, against raw `ArrayQueue`",
            ratio(results.latency_ratio("spinning", PUBLISHER, "raw ArrayQueue", |turn| turn.0)),
        ),
        (
            "one publisher and one receiver, both flat out, no loss, each library's own blocking receive, against crossbeam / crossfire / flume / kanal / std channels",
            ratios("cross", "blocking", PUBLISHER, &channels),
        ),
        ("the same against tokio broadcast", ratios("cross", "blocking", PUBLISHER, &["tokio broadcast"])),
        (
            "the same if the receiver polls, against raw `ArrayQueue` / crossbeam-channel / tokio broadcast",
            ratios("cross", "lossless", PUBLISHER, &["raw ArrayQueue", "crossbeam-channel", "tokio broadcast"]),
        ),
        (
            "two publishers, both flat out, to 4 subscribers, against raw `ArrayQueue` / crossbeam-channel / tokio broadcast / kanal",
            ratios(
                "contention",
                "publishers = 2",
                PUBLISHER,
                &["raw ArrayQueue", "crossbeam-channel", "tokio broadcast", "kanal"],
            ),
        ),
        (
            "request of 3 responder threads, against crossbeam-channel by hand",
            ratios("request", "threads", "ringbus", &["crossbeam-channel"]),
        ),
        (
            "request of 3 responder tasks, `.await`, against tokio mpsc by hand",
            ratios("request", "tasks", "ringbus .await", &["tokio mpsc"]),
        ),
        ("a batch of 512 to 8 / 16 / 64 subscribers, 16 bytes, against tokio broadcast", batch("16 bytes")),
        ("the same with an `Arc`", batch("Arc")),
        ("`start` with 100,000 events, against 1,000", ratio(results.start_ratio())),
    ];
    let mut text = String::from("| work | ringbus over peer |\n|---|--:|\n");
    for (what, ratio) in rows {
        let _ = writeln!(text, "| {what} | {ratio} |");
    }
    text
}

fn overload(results: &Results) -> String {
    let contestants =
        ["ringbus Publisher", "ringbus EventBus", "raw ArrayQueue", "crossbeam-channel", "tokio broadcast"];
    let mut cases: Vec<&str> = results.overload.iter().map(|row| row.case).filter(|case| !case.contains(',')).collect();
    cases.dedup();
    let cell = |case: &str, name: &str, load: Load, percentile: f64| {
        let row = results.overload.iter().find(|row| row.case == case && row.name == name && row.load == load);
        let nanos = row.map(|row| row.publish.value_at_percentile(percentile));
        nanos.map_or_else(|| "–".to_owned(), |nanos| micros(nanos as f64 / 1e3))
    };
    let names = contestants.join(" | ").replace("ArrayQueue", "`ArrayQueue`");
    let mut text = format!("| | {names} |\n|---|{}\n", "--:|".repeat(contestants.len()));
    for case in &cases {
        let tails = contestants.map(|name| {
            format!("{} ({})", cell(case, name, Load::Receiving, 99.9), cell(case, name, Load::Burning, 99.9))
        });
        let _ = writeln!(text, "| {case}, p99.9 | {} |", tails.join(" | "));
    }
    for case in &cases {
        let longest = contestants.map(|name| cell(case, name, Load::Receiving, 100.0));
        let _ = writeln!(text, "| {case}, longest | {} |", longest.join(" | "));
    }
    text
}

/// Microseconds: with one digit below the point where that says something, and a comma where there are thousands.
fn micros(micros: f64) -> String {
    match micros {
        ..10.0 => format!("{micros:.1}"),
        ..1000.0 => format!("{micros:.0}"),
        _ => format!("{},{:03}", micros as u64 / 1000, micros as u64 % 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_replaces_what_is_between_its_marks() {
        let page = "a\n<!-- results: one -->\nold\n<!-- end of results -->\nb\n<!-- results: two -->\n<!-- end of results -->\n";
        let page = put(page, "one", "| 1 |\n").unwrap();
        let page = put(&page, "two", "| 2 |\n").unwrap();
        let expected = "a\n<!-- results: one -->\n\n| 1 |\n\n<!-- end of results -->\nb\n<!-- results: two -->\n\n| 2 |\n\n\
                        <!-- end of results -->\n";
        assert_eq!(page, expected);
        assert_eq!(put(&page, "one", "| 1 |\n").as_deref(), Ok(expected), "again");
        assert!(put(&page, "three", "").is_err());
    }

    #[test]
    fn table_does_not_replace_what_is_behind_its_own_place() {
        let page = "<!-- results: one -->\ntext\n<!-- results: two -->\n<!-- end of results -->\n";
        assert!(put(page, "one", "").is_err());
        assert!(put(page, "two", "").is_ok());
    }

    #[test]
    fn microseconds_are_short() {
        assert_eq!(
            [0.26, 9.94, 42.4, 999.4, 6365.2, 16_007.0].map(micros),
            ["0.3", "9.9", "42", "999", "6,365", "16,007"]
        );
    }

    #[test]
    fn readme_has_a_place_for_every_table() {
        let readme = include_str!("../../../README.md");
        for (name, table) in tables(&Results::default()) {
            put(readme, name, &table).unwrap();
        }
    }

    #[test]
    fn peer_that_takes_part_by_hand_has_one_row() {
        use crate::measure::Measured;
        use crate::report::CaseResult;
        let row = |name, nanos| Measured { name, nanos, quartiles: (nanos, nanos), dropped: 0.0 };
        let case = |group, name: &str, rows| CaseResult { group, name: name.to_owned(), operation: "publish", rows };
        let cases = vec![
            case("fanout", "N = 4, 16 bytes", vec![row(PUBLISHER, 59.61), row("kanal", 1234.5)]),
            case("routing", "50 types", vec![row("kanal map", 33.71)]),
        ];
        let table = times(&Results { cases, ..Results::default() });
        let rows: Vec<_> = table.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| ringbus Publisher | – | 59.6 | – | – | – | – | – | – | – |",
                "| kanal | – | 1234 | – | – | 33.7 | – | – | – | – |"
            ]
        );
    }
}
