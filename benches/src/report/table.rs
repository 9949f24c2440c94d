//! The figures as Markdown.

use super::budget::Verdict;
use super::builds::Compared;
use super::charts::Picture;
use super::figures::Figures;
use super::{CaseResult, Results, figure, summary, thousands};
use crate::distribution::{Distribution, P50, P99, P999, Percentile};
use crate::groups::latency::Latency;
use crate::groups::memory::{self, Memory};
use crate::groups::overload::Overload;
use crate::groups::stalled::Stalled;
use crate::groups::{GROUPS, fanout, payload};
use std::fmt::Write;

/// The percentiles that are told of every distribution that has enough samples.
const PERCENTILES: [Percentile; 3] = [P50, P99, P999];

/// The whole report.
#[must_use]
pub fn report(figures: &Figures, verdicts: &[Verdict], pictures: &[Picture]) -> String {
    let results = &figures.results;
    let mut text = String::from("# Results\n\n");
    let _ = writeln!(text, "{}.\n", figures.machine.line());
    let versions: Vec<_> = figures.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let _ = writeln!(text, "{}.\n", versions.join(", "));
    let took: u64 = figures.took.iter().map(|(_, seconds)| seconds).sum();
    let groups: Vec<_> = figures.took.iter().map(|(group, seconds)| format!("{group} {seconds}")).collect();
    let _ = writeln!(text, "Measured in {took} s: {}.\n", groups.join(", "));
    text += "Only ratios travel: nanoseconds are those of this machine, which other work may share. \
             Contestants of a case are sampled by turns in one process. A figure is the median of its \
             samples, *quartiles* are those of the samples, and *ratio* is to the first row. A percentile \
             is read in each turn, and the median of the turns is told; it is missing if fewer than 10 \
             samples of a turn exceed it. *Max* is the longest sample of all turns. What was lost stands \
             beside what it took.\n\n";
    if figures.is_quick {
        text += "**A quick run, to see that everything works: its figures are no ground for conclusions.**\n\n";
    }
    text += &budgets(verdicts);
    text += &summary::ratios(results);
    for group in GROUPS {
        let tables = group_tables(results, group.name);
        if tables.is_empty() {
            continue;
        }
        let _ = writeln!(text, "## {}\n\n{}\n", group.name, group.question);
        for picture in pictures.iter().filter(|picture| picture.group == group.name) {
            let _ = writeln!(text, "![{}]({})\n", picture.title, picture.file);
        }
        text += &tables;
    }
    text += &builds_table(&results.builds);
    text
}

/// All tables of a group; nothing if it was not measured.
fn group_tables(results: &Results, group: &str) -> String {
    let cases = || results.cases.iter().filter(|case| case.group == group).map(case_table);
    match group {
        "fanout" => fanout_overview(results) + &folded("Each case, with quartiles and losses", cases()),
        "payload" => payload_overview(results) + &folded("Each case, with quartiles and losses", cases()),
        "contention" => contention_overview(results) + &folded("Each case, with quartiles and losses", cases()),
        "latency" => latency_tables(&results.latencies),
        "stalled" => stalled_tables(&results.stalled),
        "overload" => overload_tables(&results.overload),
        "memory" => memory_table(&results.memory),
        _ => cases().collect(),
    }
}

/// Tables that are shown to who asks for them.
fn folded(summary: &str, tables: impl Iterator<Item = String>) -> String {
    let tables: String = tables.collect();
    if tables.is_empty() {
        return tables;
    }
    format!("<details>\n<summary>{summary}</summary>\n\n{tables}</details>\n\n")
}

/// Several cases in one table: a row for each contestant, a column for each case, with its heading.
/// What is marked with a star has lost events.
fn overview(results: &Results, group: &str, title: &str, cases: &[(String, String)]) -> String {
    let names: Vec<_> = cases.iter().map(|(_, case)| case.clone()).collect();
    let contestants = results.contestants(group, &names);
    overview_of(results, group, title, cases, &contestants)
}

/// The same of some contestants.
pub(super) fn overview_of(
    results: &Results,
    group: &str,
    title: &str,
    cases: &[(String, String)],
    contestants: &[&str],
) -> String {
    if contestants.is_empty() {
        return String::new();
    }
    let columns: Vec<_> = cases.iter().map(|(column, _)| column.as_str()).collect();
    let mut text = format!("| {title} | {} |\n|---|{}\n", columns.join(" | "), "--:|".repeat(columns.len()));
    for contestant in contestants {
        let cells: Vec<_> = cases
            .iter()
            .map(|(_, case)| match results.row(group, case, contestant) {
                Some(row) => figure(row.nanos) + if row.dropped == 0.0 { "" } else { " *" },
                None => "–".to_owned(),
            })
            .collect();
        let _ = writeln!(text, "| {} | {} |", escaped(contestant), cells.join(" | "));
    }
    text + "\n"
}

fn fanout_overview(results: &Results) -> String {
    let tables = fanout::PAYLOADS.map(|payload| {
        let cases =
            fanout::SUBSCRIBERS.map(|subscribers| (format!("N = {subscribers}"), fanout::name(subscribers, payload)));
        overview(results, "fanout", payload, &cases)
    });
    titled("Nanoseconds of a publish with its N receives:", &tables.concat())
}

fn payload_overview(results: &Results) -> String {
    let mut tables = String::new();
    for subscribers in payload::SUBSCRIBERS {
        for copies in payload::COPIES {
            let cases = payload::SIZES.map(|size| (size.name.to_owned(), payload::name(subscribers, size, copies)));
            tables += &overview(results, "payload", &format!("N = {subscribers}, {copies}"), &cases);
        }
    }
    titled("Nanoseconds of a publish with its N receives, by the size of an event and how it is copied:", &tables)
}

fn contention_overview(results: &Results) -> String {
    let cases = results.cases.iter().filter(|case| case.group == "contention");
    let cases: Vec<_> = cases.map(|case| (case.name.replace("publishers = ", ""), case.name.clone())).collect();
    let table = overview(results, "contention", "publishers", &cases);
    titled("Nanoseconds from one publish of anybody to the next, with 4 receives:", &table)
}

/// Tables with a line above, if there are any.
fn titled(title: &str, tables: &str) -> String {
    if tables.is_empty() { String::new() } else { format!("{title}\n\n{tables}") }
}

/// The budgets, and what was measured: nothing where that was none of them.
#[must_use]
pub fn budgets(verdicts: &[Verdict]) -> String {
    if verdicts.iter().all(|verdict| verdict.measured.is_none()) {
        return String::new();
    }
    let count = |word: &str| verdicts.iter().filter(|verdict| verdict.word() == word).count();
    let mut text = format!(
        "## Budgets\n\nRatios of medians: {} met, {} missed.\n\n| what | budget | measured | |\n|---|--:|--:|---|\n",
        count("met"),
        count("**missed**")
    );
    for verdict in verdicts {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            verdict.what,
            verdict.limit.map_or_else(|| "as low as it gets".to_owned(), |limit| limit.to_string()),
            verdict.measured.map_or_else(|| "not measured".to_owned(), |(figure, _)| format!("{figure:.2}")),
            verdict.word()
        );
    }
    text + "\n"
}

/// A name that Markdown does not take for HTML, such as `Mutex<Vec>`.
fn escaped(name: &str) -> String {
    name.replace('<', "\\<")
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
            escaped(&row.name),
            figure(row.nanos),
            figure(low),
            figure(high),
            row.nanos / first,
            if row.dropped == 0.0 { "0".to_owned() } else { format!("{:.3}", row.dropped) },
        );
    }
    text + "\n"
}

/// What every percentile is, as far as it is known, and the longest.
fn percentiles(distribution: &Distribution) -> String {
    let known =
        PERCENTILES.map(|percentile| distribution.percentile(percentile).map_or_else(|| "–".to_owned(), figure));
    format!("{} | {}", known.join(" | "), figure(distribution.max as f64))
}

fn latency_tables(latencies: &[Latency]) -> String {
    let mut text = String::new();
    let mut case = "";
    for Latency { case: of, name, round_trip } in latencies {
        if of != case {
            case = of;
            let _ = write!(
                text,
                "### latency: {case}\n\nRound trips between two threads, in nanoseconds.\n\n\
                 | contestant | turns | round trips | p50 | p99 | p99.9 | max |\n|---|--:|--:|--:|--:|--:|--:|\n"
            );
        }
        let Distribution { turns, samples, .. } = round_trip;
        let _ = writeln!(text, "| {name} | {turns} | {} | {} |", figure(*samples as f64), percentiles(round_trip));
        if latencies.iter().rfind(|row| row.case == *case).is_some_and(|last| last.name == *name) {
            text += "\n";
        }
    }
    text
}

fn stalled_tables(stalled: &[Stalled]) -> String {
    if stalled.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "Three subscribers read, and with \"yes\" one more never does. Nanoseconds of a publish, and from a publish \
         to its receipt by those who read; and what those have lost.\n\n\
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
            figure(row.published as f64),
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
        "Nanoseconds of a publish: the other threads *receive*, or they *burn* time and touch nothing, and the \
         publisher empties the rings itself. *Long* are publishes of more than 100 µs, of a million. Most of them were \
         suspended; those that were running for more than 250 µs have *spun*, because they had to wait for a suspended \
         receiver: how many have, for how long at the most, and what part of the publisher's processor time that was \
         in all.\n\n",
    );
    let mut case = "";
    for row in overload {
        if row.case != case {
            if !case.is_empty() {
                text += "\n";
            }
            case = &row.case;
            let _ = write!(
                text,
                "### overload: {case}\n\n\
                 | contestant | threads | publishes | p50 | p99 | p99.9 | max | long | spun | longest, ms | part | lost per publish |\n\
                 |---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n"
            );
        }
        let publishes = row.publish.samples as f64;
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {:.2} % | {:.3} |",
            row.name,
            row.load.name(),
            figure(publishes),
            percentiles(&row.publish),
            figure(row.long as f64 * 1e6 / publishes),
            row.spins.count,
            figure(row.spins.longest.as_secs_f64() * 1e3),
            row.spins.total.as_secs_f64() * 100.0 / row.running.as_secs_f64(),
            row.lost as f64 / publishes,
        );
    }
    text + "\n"
}

fn memory_table(rows: &[Memory]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "Bytes that are allocated, and those of the handle: for a bus without subscribers, for one more subscriber with room \
         for {} events of 16 bytes, for its filter, and for an event that waits for it. Those that share one ring have it in the bus.\n\n\
         | contestant | bus | subscriber | filter | waiting event |\n|---|--:|--:|--:|--:|\n",
        memory::CAPACITY
    );
    for Memory { name, bus, subscriber, filter, queued } in rows {
        let filter = filter.map_or_else(|| "–".to_owned(), thousands);
        let (bus, subscriber) = (thousands(*bus), thousands(*subscriber));
        let _ = writeln!(text, "| {name} | {bus} | {subscriber} | {filter} | {queued:.1} |");
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
    use super::super::figures::tests::made_up;
    use super::super::{budget, charts};
    use super::*;
    use crate::measure::Measured;

    #[test]
    fn overview_has_a_row_for_each_contestant_and_a_column_for_each_case() {
        let row = |name: &str, nanos, dropped| Measured {
            name: str::to_owned(name),
            samples: 41,
            nanos,
            quartiles: (nanos, nanos),
            dropped,
        };
        let case = |name: &str, rows| CaseResult {
            group: "fanout".to_owned(),
            name: name.to_owned(),
            operation: "publish".to_owned(),
            rows,
        };
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

    #[test]
    fn every_group_has_its_section_and_every_chart_its_place() {
        let figures = made_up(&["ringbus Publisher", "ringbus lanes Publisher", "kanal", "ringbus, by type"]);
        let pictures = charts::all(&figures);
        let text = report(&figures, &budget::verdicts(&figures.results), &pictures);
        for group in GROUPS {
            assert_eq!(text.matches(&format!("\n## {}\n", group.name)).count(), 1, "{}", group.name);
        }
        for picture in pictures {
            assert!(text.contains(&format!("]({})\n", picture.file)), "{}", picture.file);
        }
        assert!(text.contains("\n## lto\n") && text.contains("\n## Budgets\n"));
        assert!(!text.contains("NaN") && !text.contains("\n\n\n"), "{text}");
    }

    #[test]
    fn what_was_not_measured_has_no_section() {
        let mut figures = made_up(&["kanal"]);
        figures.results.cases.retain(|case| case.group == "filter");
        figures.results = Results { cases: figures.results.cases, ..Results::default() };
        let text = report(&figures, &budget::verdicts(&figures.results), &[]);
        let sections: Vec<_> = text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(sections, ["## filter"]);
    }

    #[test]
    fn name_with_brackets_is_no_html() {
        let figures = made_up(&["Mutex<Vec>"]);
        let text = report(&figures, &[], &[]);
        assert!(text.contains("| Mutex\\<Vec> |") && !text.contains("| Mutex<Vec> | 10.1"), "{text}");
    }

    #[test]
    fn percentile_that_is_not_known_is_missing() {
        assert_eq!(percentiles(&Distribution::default()), "– | – | – | 0.00");
    }
}
