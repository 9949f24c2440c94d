//! Measures everything, and writes the report.
//!
//! `cargo run --release -p ringbus-benches --bin report -- [--quick] [--only GROUP] [--out FOLDER]`

use ringbus_benches::groups::{self, latency, overload, stalled};
use ringbus_benches::measure::{Effort, measure};
use ringbus_benches::report::machine::Machine;
use ringbus_benches::report::{CaseResult, Results, budget, chart, figure, summary, table};
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "\
Measures ringbus against its peers, and writes tables and charts.

Usage: report [--quick] [--only GROUP] [--out FOLDER]

  --quick         a fraction of the samples: to see that everything works
  --only GROUP    one group: base, fanout, routing, filter, startup, cross, contention, request, latency, stalled
                  or overload
  --out FOLDER    where to write; target/report unless set. Without any of these, benches/results and the tables of README.md
  -h, --help      shows this text";

/// What the command line asks for.
#[derive(Default)]
struct Options {
    is_quick: bool,
    only: Option<String>,
    out: Option<PathBuf>,
    wants_help: bool,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => options.is_quick = true,
                "--only" => options.only = Some(arguments.next().ok_or("--only takes a group")?),
                "--out" => options.out = Some(arguments.next().ok_or("--out takes a folder")?.into()),
                "-h" | "--help" => options.wants_help = true,
                _ => return Err(format!("unknown option {argument}")),
            }
        }
        Ok(options)
    }

    fn wants(&self, group: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == group)
    }

    /// What is published is replaced by nothing less than a whole run.
    fn is_for_publication(&self) -> bool {
        !self.is_quick && self.only.is_none() && self.out.is_none()
    }

    fn folder(&self) -> PathBuf {
        let folder = if self.is_for_publication() { "results" } else { "../target/report" };
        self.out.clone().unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder))
    }
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) if options.wants_help => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Ok(options) => options,
        Err(reason) => {
            eprintln!("report: {reason}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("report: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let effort = if options.is_quick { Effort::QUICK } else { Effort::FULL };
    let machine = Machine::here();
    println!("{}\n", machine.line());
    let mut results = Results::default();

    let cases: Vec<_> = groups::cases().into_iter().filter(|case| options.wants(case.group)).collect();
    let count = cases.len();
    for (place, case) in cases.into_iter().enumerate() {
        let rows = measure(&case, effort);
        let figures: Vec<_> = rows.iter().map(|row| format!("{} {}", row.name, figure(row.nanos))).collect();
        println!(
            "[{:>4} s] {}/{count} {}, {}: {}",
            begun.elapsed().as_secs(),
            place + 1,
            case.group,
            case.name,
            figures.join(", ")
        );
        results.cases.push(CaseResult { group: case.group, name: case.name, operation: case.operation, rows });
    }
    let mut progress = |line: &str| println!("[{:>4} s] {line}", begun.elapsed().as_secs());
    if options.wants("latency") {
        results.latencies = latency::run(effort, &mut progress);
    }
    if options.wants("stalled") {
        results.stalled = stalled::run(effort, &mut progress);
    }
    if options.wants("overload") {
        results.overload = overload::run(effort, &mut progress);
    }

    let verdicts = budget::verdicts(&results);
    let folder = options.folder();
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("RESULTS.md"), table::report(&results, &verdicts, &machine, options.is_quick))?;
    chart::draw(&results, &folder)?;
    if options.is_for_publication() {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../README.md");
        let mut readme = fs::read_to_string(&path)?;
        for (name, table) in summary::tables(&results) {
            readme = summary::put(&readme, name, &table)?;
        }
        fs::write(path, readme)?;
    }
    println!();
    for verdict in verdicts.iter().filter(|verdict| verdict.measured.is_some()) {
        let (ratio, _) = verdict.measured.unwrap_or_default();
        let limit = verdict.limit.map(|limit| format!(" of {limit:.2}")).unwrap_or_default();
        println!("{:<8} {ratio:.2}{limit}  {}", verdict.word().trim_matches('*'), verdict.what);
    }
    println!("\nWritten to {} in {} s", folder.join("RESULTS.md").display(), begun.elapsed().as_secs());
    Ok(())
}
