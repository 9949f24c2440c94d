//! The tables of the READMEs: what people compare.

use super::Results;
use super::budget::{self, Verdict};
use super::figures::Figures;
use super::table::overview_of;
use crate::distribution::{Distribution, P50, P99, P999};
use crate::groups::GROUPS;
use crate::groups::fanout::{self, PAYLOADS, SUBSCRIBERS};
use crate::groups::overload::Load;
use std::fmt::Write;

/// Each table under its name, as pages may show it.
#[must_use]
pub fn tables(figures: &Figures) -> [(&'static str, String); 4] {
    let results = &figures.results;
    [
        ("machine", figures.machine.line() + ".\n"),
        ("times", times(results)),
        ("budgets", missed(results)),
        ("groups", groups(figures)),
    ]
}

/// Nanoseconds as they are in the results: a row for each contestant, a column for each kind of
/// work. `ci/pages.py` holds it against the results.
fn times(results: &Results) -> String {
    const CONTESTANTS: [&str; 14] = [
        "ringbus Publisher",
        "ringbus EventBus",
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
    const COLUMNS: &str = "to 1 | to 4 | to 16 | to 64 | routed | filtered | to a thread | round trip | paced";
    /// What is behind the name of a peer in groups in which it takes part by hand.
    const BY_HAND: [&str; 4] = ["", " map", " filter", " try_send"];
    let plays = |row: &str, name: &str| row.strip_prefix(name).is_some_and(|how| BY_HAND.contains(&how));
    let case = |name: &str, group: &str| {
        let case = results.cases.iter().find(|case| case.group == group)?;
        case.rows.iter().find(|row| plays(&row.name, name)).map(|row| row.nanos)
    };
    let of = |name: &str, group: &str, case: &str| results.row(group, case, name).map(|row| row.nanos);
    let parked = |name: &str| results.latency("parked", name)?.round_trip.percentile(P50);
    let paced = |name: &str| {
        let row = results.stalled.iter().find(|row| !row.stalled && plays(&row.name, name))?;
        row.publish.percentile(P50)
    };
    let mut text = format!("| | {COLUMNS} |\n|---|{}\n", "--:|".repeat(COLUMNS.split('|').count()));
    for name in CONTESTANTS {
        let to_many = [1, 4, 16, 64].map(|n| of(name, "fanout", &fanout::name(n, PAYLOADS[0])));
        let others =
            [case(name, "routing"), case(name, "filter"), of(name, "cross", "blocking"), parked(name), paced(name)];
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
        text += "## Ratios\n\nPublish and receive, event by event, one thread:\n\n";
        text += &fanout(results);
        text += "\nThe time of ringbus (`Publisher`, unless it says otherwise) over that of the peer: less than 1 is faster.\n\n";
        text += &work(results);
        text += "\n";
    }
    if !results.overload.is_empty() {
        text += "## More threads than cores\n\nOne thread publishes every 5 µs while 1, 2 or 4 threads for each core receive and never \
                 rest. Microseconds of a publish: p99.9 (in parentheses, if those threads only burn time and do not touch the \
                 bus), and the longest.\n\n";
        text += &overload(results);
        text += "\n";
    }
    text
}

/// The line after which a table begins, up to its name.
const MARK: &str = "<!-- results: ";
/// The line before which a table ends.
const END: &str = "<!-- end of results -->";

/// Puts tables into a page, wherever it has the lines `<!-- results: NAME -->` and
/// `<!-- end of results -->`.
///
/// # Errors
///
/// If it asks for a table that does not exist, or a place has no end.
pub fn fill(page: &str, tables: &[(&str, String)]) -> Result<String, String> {
    let mut filled = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let _ = writeln!(filled, "{line}");
        let Some(name) = line.strip_prefix(MARK).and_then(|rest| rest.strip_suffix(" -->")) else { continue };
        let (_, table) = tables.iter().find(|table| table.0 == name).ok_or(format!("there is no table {name}"))?;
        // What stands between, up to the end of this place or the beginning of another one.
        if lines.find(|line| *line == END || line.starts_with(MARK)) != Some(END) {
            return Err(format!("the place of the table {name} has no end"));
        }
        let _ = writeln!(filled, "\n{table}\n{END}");
    }
    Ok(filled)
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"))
}

/// Nanoseconds, with every way to publish, because most begin with the bus itself.
fn fanout(results: &Results) -> String {
    const ROWS: [&str; 14] = [
        "ringbus EventBus",
        "ringbus Publisher",
        "ringbus batch",
        "ringbus lanes EventBus",
        "ringbus lanes Publisher",
        "ringbus lanes batch",
        "raw ArrayQueue",
        "crossbeam-channel",
        "crossfire",
        "flume",
        "kanal",
        "std mpsc",
        "tokio broadcast",
        "jonhoo's bus",
    ];
    let [small, _] = PAYLOADS;
    let cases = SUBSCRIBERS.map(|subscribers| (format!("N = {subscribers}"), fanout::name(subscribers, small)));
    let title = "nanoseconds of a publish to N subscribers, with its receives, 16 bytes";
    let known =
        ROWS.into_iter().filter(|name| cases.iter().any(|(_, case)| results.row("fanout", case, name).is_some()));
    overview_of(results, "fanout", title, &cases, &known.collect::<Vec<_>>()).trim_end().to_owned() + "\n"
}

/// Ratios of arrays and of lanes in all kinds of work.
fn work(results: &Results) -> String {
    const CHANNELS: [&str; 5] = ["crossbeam-channel", "crossfire", "flume", "kanal", "std mpsc"];
    let mut text = String::from("| work | against | ringbus | with lanes |\n|---|---|--:|--:|\n");
    let mut row = |work: &str, against: &str, ratios: &dyn Fn(&str) -> Vec<Option<f64>>| {
        let cells = ["ringbus", "ringbus lanes"]
            .map(|kind| ratios(kind).into_iter().map(ratio).collect::<Vec<_>>().join(" / "));
        let _ = writeln!(text, "| {work} | {against} | {} |", cells.join(" | "));
    };
    let case_of = |group: &str| results.cases.iter().find(|case| case.group == group).map_or("", |case| &case.name);
    let of = |group: &str, case: &str, ours: &str, peers: &[&str]| -> Vec<_> {
        peers.iter().map(|peer| results.ratio(group, case, ours, peer)).collect()
    };
    let channels = CHANNELS.join(" / ").replace("-channel", "").replace(" mpsc", "");

    let maps = CHANNELS.map(|name| format!("{name} map"));
    let maps = maps.each_ref().map(String::as_str);
    row("50 types, 32 subscribers to 2 each", &format!("a map of channels: {channels}"), &|kind| {
        of("routing", case_of("routing"), &format!("{kind} Publisher"), &maps)
    });
    row("the same", "tokio broadcast with a filter", &|kind| {
        of("routing", case_of("routing"), &format!("{kind} Publisher"), &["tokio broadcast filter"])
    });
    row(
        "8 subscribers that filter one event out of 8",
        &format!("a list of channels with filters: {channels}"),
        &|kind| of("filter", case_of("filter"), &format!("{kind} Publisher"), &CHANNELS),
    );
    row("the same", "tokio broadcast", &|kind| {
        of("filter", case_of("filter"), &format!("{kind} Publisher"), &["tokio broadcast"])
    });
    for percentile in [P50, P99] {
        row(
            &format!("round trip, both sides parked, {}", percentile.name),
            "crossbeam / crossfire / kanal / tokio broadcast",
            &|kind| {
                let peers = ["crossbeam-channel", "crossfire", "kanal", "tokio broadcast"];
                peers.map(|peer| results.latency_ratio("parked", &format!("{kind} Publisher"), peer, percentile)).into()
            },
        );
    }
    row("round trip, both sides spinning, p50", "raw `ArrayQueue`", &|kind| {
        vec![results.latency_ratio("spinning", &format!("{kind} Publisher"), "raw ArrayQueue", P50)]
    });
    row(
        "one publish every 5 µs to 3 polling readers, p50 of the publish",
        "crossbeam / crossfire / flume `try_send` / tokio broadcast",
        &|kind| {
            let peers = ["crossbeam-channel try_send", "crossfire try_send", "flume try_send", "tokio broadcast"];
            peers.map(|peer| results.stalled_ratio(&format!("{kind} Publisher"), peer)).into()
        },
    );
    row("from thread to thread at full speed, the receiver waits", &format!("{channels} / tokio broadcast"), &|kind| {
        of("cross", "blocking", &format!("{kind} Publisher"), &[&CHANNELS[..], &["tokio broadcast"]].concat())
    });
    row("the same, the receiver polls", "raw `ArrayQueue` / crossbeam / tokio broadcast", &|kind| {
        of(
            "cross",
            "lossless",
            &format!("{kind} Publisher"),
            &["raw ArrayQueue", "crossbeam-channel", "tokio broadcast"],
        )
    });
    row(
        "two publishers to the same 4 subscribers",
        "raw `ArrayQueue` / crossbeam / kanal / tokio broadcast",
        &|kind| {
            let peers = ["raw ArrayQueue", "crossbeam-channel", "kanal", "tokio broadcast"];
            of("contention", "publishers = 2", &format!("{kind} Publisher"), &peers)
        },
    );
    row("request of 3 responders, threads", "by hand, with crossbeam / crossfire", &|kind| {
        of("request", "threads", kind, &["crossbeam-channel", "crossfire"])
    });
    row("the same, tasks, `.await`", "by hand, with tokio mpsc / crossfire", &|kind| {
        of("request", "tasks", &format!("{kind} .await"), &["tokio mpsc", "crossfire"])
    });
    row("a batch of 512 to 8 / 16 / 64 subscribers, 16 bytes", "tokio broadcast", &|kind| {
        let ratio =
            |n| results.ratio("fanout", &fanout::name(n, PAYLOADS[0]), &format!("{kind} batch"), "tokio broadcast");
        [8, 16, 64].map(ratio).into()
    });
    let _ = writeln!(text, "| `start` with 100,000 events | `start` with 1,000 | {} | |", ratio(results.start_ratio()));
    text
}

/// The budgets that are missed.
fn missed(results: &Results) -> String {
    let verdicts = budget::verdicts(results);
    let is_missed = |verdict: &&Verdict| verdict.measured.is_some_and(|(_, is_met)| !is_met);
    if !verdicts.iter().any(|verdict| is_missed(&verdict)) {
        return "None is missed.\n".to_owned();
    }
    let mut text = String::from("| what | budget | measured |\n|---|--:|--:|\n");
    for verdict in verdicts.iter().filter(is_missed) {
        let limit = verdict.limit.map(|limit| limit.to_string()).unwrap_or_default();
        let _ =
            writeln!(text, "| {} | {limit} | {} |", verdict.what, ratio(verdict.measured.map(|measured| measured.0)));
    }
    text
}

/// What each group asks, and how long it took.
fn groups(figures: &Figures) -> String {
    let mut text = String::from("| group | it asks | seconds |\n|---|---|--:|\n");
    for group in GROUPS {
        let took = figures.took.iter().find(|(name, _)| name == group.name);
        let seconds = took.map_or_else(|| "–".to_owned(), |(_, seconds)| seconds.to_string());
        let _ = writeln!(text, "| `{}` | {} | {seconds} |", group.name, group.question);
    }
    text
}

fn overload(results: &Results) -> String {
    let contestants = [
        "ringbus Publisher",
        "ringbus lanes Publisher",
        "ringbus EventBus",
        "raw ArrayQueue",
        "crossbeam-channel",
        "crossfire",
        "tokio broadcast",
    ];
    let cases = results.overload.iter().map(|row| row.case.as_str());
    let mut cases: Vec<&str> = cases.filter(|case| !case.contains(',')).collect();
    cases.dedup();
    let cell = |case: &str, name: &str, load: Load, nanos: fn(&Distribution) -> Option<f64>| {
        let row = results.overload.iter().find(|row| row.case == case && row.name == name && row.load == load);
        row.and_then(|row| nanos(&row.publish)).map_or_else(|| "–".to_owned(), |nanos| micros(nanos / 1e3))
    };
    let names = contestants.join(" | ").replace("ArrayQueue", "`ArrayQueue`");
    let mut text = format!("| | {names} |\n|---|{}\n", "--:|".repeat(contestants.len()));
    for case in &cases {
        let tails = contestants.map(|name| {
            let [receiving, burning] =
                [Load::Receiving, Load::Burning].map(|load| cell(case, name, load, |all| all.percentile(P999)));
            format!("{receiving} ({burning})")
        });
        let _ = writeln!(text, "| {case}, p99.9 | {} |", tails.join(" | "));
    }
    for case in &cases {
        let longest = contestants.map(|name| cell(case, name, Load::Receiving, |all| Some(all.max as f64)));
        let _ = writeln!(text, "| {case}, longest | {} |", longest.join(" | "));
    }
    text
}

/// Microseconds: with a digit below the point if that says something, and commas between thousands.
fn micros(micros: f64) -> String {
    match micros {
        ..10.0 => format!("{micros:.1}"),
        ..1000.0 => format!("{micros:.0}"),
        _ => super::thousands(micros),
    }
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::made_up;
    use super::*;

    #[test]
    fn tables_replace_what_is_between_their_marks() {
        let page = "a\n<!-- results: one -->\nold\n<!-- end of results -->\nb\n<!-- results: two -->\n<!-- end of results -->\n";
        let tables = [("two", "| 2 |\n".to_owned()), ("one", "| 1 |\n".to_owned()), ("three", String::new())];
        let page = fill(page, &tables).unwrap();
        let expected = "a\n<!-- results: one -->\n\n| 1 |\n\n<!-- end of results -->\nb\n<!-- results: two -->\n\n| 2 |\n\n\
                        <!-- end of results -->\n";
        assert_eq!(page, expected);
        assert_eq!(fill(&page, &tables).as_deref(), Ok(expected), "again");
        let other = "no place, but a word on `<!-- results: one -->`\n";
        assert_eq!(fill(other, &tables).as_deref(), Ok(other));
    }

    #[test]
    fn page_that_asks_for_what_is_not_there_is_refused() {
        let tables = [("one", String::new()), ("two", String::new())];
        assert!(fill("<!-- results: three -->\n<!-- end of results -->\n", &tables).is_err());
        let page = "<!-- results: one -->\ntext\n<!-- results: two -->\n<!-- end of results -->\n";
        assert!(fill(page, &tables).unwrap_err().contains("one"), "what is behind its own place is not replaced");
    }

    #[test]
    fn microseconds_are_short() {
        assert_eq!(
            [0.26, 9.94, 42.4, 999.4, 6365.2, 16_007.0].map(micros),
            ["0.3", "9.9", "42", "999", "6,365", "16,007"]
        );
    }

    #[test]
    fn pages_ask_for_tables_that_exist() {
        let tables = tables(&made_up(&["ringbus Publisher", "kanal"]));
        for page in [include_str!("../../../README.md"), include_str!("../../README.md")] {
            fill(page, &tables).unwrap();
        }
    }

    #[test]
    fn peer_that_takes_part_by_hand_has_one_row() {
        use crate::measure::Measured;
        use crate::report::CaseResult;
        let row = |name: &str, nanos| Measured {
            name: name.to_owned(),
            samples: 1,
            nanos,
            quartiles: (nanos, nanos),
            dropped: 0.0,
        };
        let case = |group: &str, name: &str, rows| CaseResult {
            group: group.to_owned(),
            name: name.to_owned(),
            operation: "publish".to_owned(),
            rows,
        };
        let cases = vec![
            case("fanout", &fanout::name(4, PAYLOADS[0]), vec![row("ringbus Publisher", 59.61), row("kanal", 1234.5)]),
            case("routing", "50 types", vec![row("kanal map", 33.71)]),
        ];
        let table = times(&Results { cases, ..Results::default() });
        let rows: Vec<_> = table.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| ringbus Publisher | – | 59.6 | – | – | – | – | – | – | – |",
                "| kanal | – | 1,234 | – | – | 33.7 | – | – | – | – |"
            ]
        );
    }

    #[test]
    fn table_of_deliveries_has_the_bus_itself_beside_the_publisher() {
        let figures = made_up(&["ringbus Publisher", "ringbus EventBus", "kanal"]);
        let table = fanout(&figures.results);
        let rows: Vec<_> = table.lines().skip(2).map(|row| row.split(" | ").next().unwrap()).collect();
        assert_eq!(rows, ["| ringbus EventBus", "| ringbus Publisher", "| kanal"], "{table}");
    }

    #[test]
    fn budgets_that_are_met_are_not_among_those_that_are_missed() {
        let of = |contestants: &[&str]| missed(&made_up(contestants).results);
        let row = "against the nearest way of crossfire (crossfire) | <= 1.20 | 2.00 |";
        assert!(of(&["crossfire", "ringbus lanes Publisher"]).contains(row));
        assert!(!of(&["ringbus lanes Publisher", "crossfire"]).contains("crossfire"));
        assert_eq!(of(&["ringbus Publisher"]), "None is missed.\n");
    }

    #[test]
    fn every_kind_of_work_has_a_ratio_for_arrays_and_one_for_lanes() {
        let figures = made_up(&["ringbus Publisher", "ringbus lanes Publisher", "crossbeam-channel"]);
        let table = work(&figures.results);
        let row = table.lines().find(|row| row.contains("both sides parked, p50")).unwrap();
        assert!(row.ends_with("| 0.35 / – / – / – | 0.67 / – / – / – |"), "{row}");
    }
}
