//! The figures as Markdown.

use super::budget::Verdict;
use super::builds::Compared;
use super::machine::{Machine, peers};
use super::{CaseResult, Results, figure, summary};
use crate::groups::latency::Latency;
use crate::groups::memory::{self, Memory};
use crate::groups::overload::Overload;
use crate::groups::stalled::Stalled;
use crate::groups::{fanout, payload};
use hdrhistogram::Histogram;
use std::fmt::Write;

/// The percentiles that are told of every histogram.
pub const PERCENTILES: [(&str, f64); 3] = [("p50", 50.0), ("p99", 99.0), ("p99.9", 99.9)];

/// The whole report.
#[must_use]
pub fn report(results: &Results, verdicts: &[Verdict], machine: &Machine, is_quick: bool) -> String {
    let mut text = String::from("# Results\n\n");
    let _ = writeln!(text, "{}.\n", machine.line());
    let versions: Vec<_> = peers().into_iter().map(|(name, version)| format!("{name} {version}")).collect();
    let _ = writeln!(text, "Peers: {}.\n", versions.join(", "));
    text += "Only ratios travel: nanoseconds are those of this machine, which other work may share. Contestants of a case are sampled by \
             turns in one process, and each figure is the median of its samples; *quartiles* are those of the samples, *ratio* is to the \
             first row. What was lost stands beside what it took.\n\n";
    if is_quick {
        text += "**A quick run, to see that everything works: its figures are no ground for conclusions.**\n\n";
    }
    text += &budgets(verdicts);
    text += &summary::ratios(results);
    let mut group = "";
    for case in &results.cases {
        if case.group != group {
            group = case.group;
            let _ = writeln!(text, "## {group}\n");
            match group {
                "fanout" => text += &fanout_overview(results),
                "payload" => text += &payload_overview(results),
                "contention" => text += &contention_overview(results),
                "routing" => text += "![Routing](routing.svg)\n\n",
                "request" => text += "![Requests](request.svg)\n\n",
                _ => {}
            }
        }
        text += &case_table(case);
    }
    text += &latency_tables(&results.latencies);
    text += &stalled_tables(&results.stalled);
    text += &overload_tables(&results.overload);
    text += &memory_table(&results.memory);
    text += &builds_table(&results.builds);
    text
}

/// Several cases in one table: a row for each contestant, a column for each case, with its heading.
/// What is marked with a star has lost events.
fn overview(results: &Results, group: &str, title: &str, cases: &[(String, String)]) -> String {
    let names: Vec<_> = cases.iter().map(|(_, case)| case.clone()).collect();
    let contestants = results.contestants(group, &names);
    if contestants.is_empty() {
        return String::new();
    }
    let columns: Vec<_> = cases.iter().map(|(column, _)| column.as_str()).collect();
    let mut text = format!("| {title} | {} |\n|---|{}\n", columns.join(" | "), "--:|".repeat(columns.len()));
    for contestant in contestants {
        let cells: Vec<_> = names
            .iter()
            .map(|case| match results.row(group, case, contestant) {
                Some(row) => figure(row.nanos) + if row.dropped == 0.0 { "" } else { " *" },
                None => "–".to_owned(),
            })
            .collect();
        let _ = writeln!(text, "| {contestant} | {} |", cells.join(" | "));
    }
    text + "\n"
}

fn fanout_overview(results: &Results) -> String {
    let mut text =
        String::from("![Deliveries by subscribers](fanout.svg)\n\nNanoseconds of a publish with its N receives:\n\n");
    for payload in fanout::PAYLOADS {
        let cases =
            fanout::SUBSCRIBERS.map(|subscribers| (format!("N = {subscribers}"), fanout::name(subscribers, payload)));
        text += &overview(results, "fanout", payload, &cases);
    }
    text
}

fn payload_overview(results: &Results) -> String {
    let charts = payload::SUBSCRIBERS.map(|n| format!("![By the size of events, N = {n}](payload-{n}.svg)\n"));
    let mut text = charts.concat() + "\nNanoseconds of a publish with its N receives:\n\n";
    for subscribers in payload::SUBSCRIBERS {
        for copies in payload::COPIES {
            let cases = payload::SIZES.map(|size| (size.name.to_owned(), payload::name(subscribers, size, copies)));
            text += &overview(results, "payload", &format!("N = {subscribers}, {copies}"), &cases);
        }
    }
    text
}

fn contention_overview(results: &Results) -> String {
    let cases = results.cases.iter().filter(|case| case.group == "contention");
    let cases: Vec<_> = cases.map(|case| (case.name.replace("publishers = ", ""), case.name.clone())).collect();
    String::from(
        "![Publishes by publishers](contention.svg)\n\nNanoseconds from one publish of anybody to the next, with 4 receives:\n\n",
    ) + &overview(results, "contention", "publishers", &cases)
}

/// The budgets, and what was measured: nothing where that was none of them.
#[must_use]
pub fn budgets(verdicts: &[Verdict]) -> String {
    if verdicts.iter().all(|verdict| verdict.measured.is_none()) {
        return String::new();
    }
    let mut text = String::from("## Budgets\n\n| what | budget | measured | |\n|---|---|---|---|\n");
    for verdict in verdicts {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            verdict.what,
            verdict.limit.map_or_else(|| "as low as it gets".to_owned(), |limit| format!("<= {limit:.2}")),
            verdict.measured.map_or_else(|| "not measured".to_owned(), |(figure, _)| format!("{figure:.2}")),
            verdict.word()
        );
    }
    text + "\n"
}

fn case_table(case: &CaseResult) -> String {
    let mut text = format!("### {}: {}\n\nOperation: {}.\n\n", case.group, case.name, case.operation);
    text += "| contestant | ns per operation | quartiles | ratio | lost per operation |\n|---|--:|--:|--:|--:|\n";
    let first = case.rows.first().map_or(f64::NAN, |row| row.nanos);
    for row in &case.rows {
        let (low, high) = row.quartiles;
        let _ = writeln!(
            text,
            "| {} | {} | {}–{} | {:.2} | {} |",
            row.name,
            figure(row.nanos),
            figure(low),
            figure(high),
            row.nanos / first,
            if row.dropped == 0.0 { "0".to_owned() } else { format!("{:.3}", row.dropped) },
        );
    }
    text + "\n"
}

fn percentiles(histogram: &Histogram<u64>) -> String {
    let mut cells: Vec<_> =
        PERCENTILES.iter().map(|&(_, percentile)| figure(histogram.value_at_percentile(percentile) as f64)).collect();
    cells.push(figure(histogram.max() as f64));
    cells.join(" | ")
}

fn latency_tables(latencies: &[Latency]) -> String {
    let mut text = String::new();
    let mut case = "";
    for latency in latencies {
        if latency.case != case {
            if case.is_empty() {
                text += "## latency\n\nRound trips between two threads, in nanoseconds, of all turns together. \
                         (Budgets and ratios compare medians over the turns: one in which both threads were on one core says nothing of anybody.)\n";
            }
            case = latency.case;
            let _ = write!(
                text,
                "\n### latency: {case}\n\n![Round trips, {case}](latency-{case}.svg)\n\n\
                 | contestant | round trips | p50 | p99 | p99.9 | max |\n|---|--:|--:|--:|--:|--:|\n"
            );
        }
        let _ = writeln!(text, "| {} | {} | {} |", latency.name, latency.nanos.len(), percentiles(&latency.nanos));
    }
    text + "\n"
}

fn stalled_tables(stalled: &[Stalled]) -> String {
    if stalled.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "## stalled\n\nThree subscribers read, and with \"yes\" one more never does. Nanoseconds of a publish, and from a publish to its \
         receipt by those who read; and what those have lost. (Losses and tails also have in them what the machine did meanwhile; the chart \
         has the median of the turns.)\n\n![A stalled subscriber](stalled.svg)\n\n\
         | contestant | stalled | publish p50 | p99 | p99.9 | max | delay p50 | p99 | p99.9 | max | published | lost by readers | |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n",
    );
    for row in stalled {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            row.name,
            if row.stalled { "yes" } else { "no" },
            percentiles(&row.publish),
            percentiles(&row.delay),
            row.published,
            row.lost,
            if row.blocked { "**blocked, given up**" } else { "" },
        );
    }
    text + "\n"
}

fn overload_tables(overload: &[Overload]) -> String {
    if overload.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "## overload\n\nNanoseconds of a publish while more threads are busy than there are processors: they *receive*, or they *burn* time and \
         touch nothing, and the publisher empties the rings itself. *Long* are publishes of more than 100 µs, of a million. Most of them \
         were suspended; those that were running for more than 250 µs have *spun*, because they had to wait for a suspended \
         receiver: how many have, for how long at the most, and what part of the publisher's processor time that was in all.\n\n\
         ![Publishing under overload](overload.svg)\n",
    );
    let mut case = "";
    for row in overload {
        if row.case != case {
            case = row.case;
            let _ = write!(
                text,
                "\n### overload: {case}\n\n\
                 | contestant | threads | publishes | p50 | p99 | p99.9 | max | long | spun | longest, ms | part | lost per publish |\n\
                 |---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n"
            );
        }
        let publishes = row.publish.len();
        let _ = writeln!(
            text,
            "| {} | {} | {publishes} | {} | {} | {} | {} | {:.2} % | {:.3} |",
            row.name,
            row.load.name(),
            percentiles(&row.publish),
            figure(row.long as f64 * 1e6 / publishes as f64),
            row.spins.count,
            figure(row.spins.longest.as_secs_f64() * 1e3),
            row.spins.total.as_secs_f64() * 100.0 / row.running.as_secs_f64(),
            row.lost as f64 / publishes as f64,
        );
    }
    text + "\n"
}

fn memory_table(rows: &[Memory]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "## memory\n\nBytes that are allocated, and those of the handle: for a bus without subscribers, for one more subscriber with room \
         for {} events of 16 bytes, for its filter, and for an event that waits for it. Those that share one ring have it in the bus.\n\n\
         | contestant | bus | subscriber | filter | waiting event |\n|---|--:|--:|--:|--:|\n",
        memory::CAPACITY
    );
    for Memory { name, bus, subscriber, filter, queued } in rows {
        let filter = filter.map_or_else(|| "–".to_owned(), |filter| format!("{filter:.0}"));
        let _ = writeln!(text, "| {name} | {bus:.0} | {subscriber:.0} | {filter} | {queued:.1} |");
    }
    text + "\n"
}

fn builds_table(compared: &[Compared]) -> String {
    if compared.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "## lto\n\nNanoseconds per operation in the default build (`release`), and in one with `lto = \"fat\"` and one codegen unit. Each case \
         was measured by processes of their own, by turns: default, other, other, default.\n\n\
         | group | case | contestant | default | lto | ratio |\n|---|---|---|--:|--:|--:|\n",
    );
    for row in compared {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {:.2} |",
            row.group,
            row.case,
            row.name,
            figure(row.default),
            figure(row.lto),
            row.ratio()
        );
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Measured;

    #[test]
    fn overview_has_a_row_for_each_contestant_and_a_column_for_each_case() {
        let row = |name, nanos, dropped| Measured { name, nanos, quartiles: (nanos, nanos), dropped };
        let case = |name: &str, rows| CaseResult { group: "fanout", name: name.to_owned(), operation: "publish", rows };
        let cases = vec![
            case("N = 1", vec![row("ringbus Publisher", 10.0, 0.0), row("kanal", 12.0, 0.5)]),
            case("N = 4", vec![row("ringbus Publisher", 40.0, 0.0), row("flume", 99.5, 0.0)]),
        ];
        let results = Results { cases, ..Results::default() };
        let columns = ["1", "4"].map(|n| (n.to_owned(), format!("N = {n}")));
        assert_eq!(
            overview(&results, "fanout", "Arc", &columns),
            "| Arc | 1 | 4 |\n|---|--:|--:|\n| ringbus Publisher | 10.0 | 40.0 |\n| kanal | 12.0 * | – |\n| flume | – | 99.5 |\n\n"
        );
        assert_eq!(overview(&results, "payload", "Copy", &columns), "");
    }
}
