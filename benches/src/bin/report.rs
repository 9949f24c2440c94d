//! Measures everything, and writes the report.
//!
//! `cargo run --release -p ringbus-benches --bin report -- [--quick] [--only GROUP] [--sweep] [--lto] [--out FOLDER]`

use ringbus_benches::groups::{self, contention, latency, memory, overload, stalled};
use ringbus_benches::measure::{Case, Effort, measure};
use ringbus_benches::report::machine::Machine;
use ringbus_benches::report::{CaseResult, Results, budget, builds, chart, figure, program, summary, table};
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "\
Measures ringbus against its peers, and writes tables and charts.

Usage: report [--quick] [--only GROUP] [--sweep] [--lto] [--out FOLDER]

  --quick         a fraction of the samples: to see that everything works
  --only GROUP    one group: base, fanout, payload, routing, filter, startup, churn, cross, contention, request,
                  latency, stalled, overload or memory
  --sweep         contention with 1 publisher, 2, 3, 4, 6, 8 and so on, to one on each processor
  --lto           fanout, payload, routing and filter once more, beside a build with `lto` and one codegen unit
  --out FOLDER    where to write; target/report unless set. Without --quick, --only and --out: benches/results, and the
                  table and the chart of README.md
  -h, --help      shows this text";

/// What the command line asks for.
#[derive(Default)]
struct Options {
    is_quick: bool,
    only: Option<String>,
    sweeps: bool,
    compares_builds: bool,
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
                "--sweep" => options.sweeps = true,
                "--lto" => options.compares_builds = true,
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

    /// The cases that are timed by operation, of the groups that are wanted.
    fn cases(&self, machine: &Machine) -> Vec<Case> {
        let mut cases = groups::cases();
        if self.sweeps {
            let place = cases.iter().position(|case| case.group == "contention").unwrap_or(cases.len());
            cases.retain(|case| case.group != "contention");
            cases.splice(place..place, contention::sweep(machine.usable));
        }
        cases.retain(|case| self.wants(case.group));
        cases
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
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if_eq("samples").is_some() {
        // What --lto calls, in both builds.
        return exit(builds::samples(arguments).map(|text| print!("{text}")));
    }
    let options = match Options::parse(arguments) {
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
    exit(run(&options))
}

fn exit(outcome: Result<(), Box<dyn Error>>) -> ExitCode {
    match outcome {
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

    let cases = options.cases(&machine);
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
    if options.wants("memory") {
        progress("memory");
        results.memory = memory::read(&program::run("release", "memory", &[])?)?;
    }
    if options.compares_builds {
        results.builds = builds::run(effort, |group| options.wants(group), &mut progress)?;
    }

    let verdicts = budget::verdicts(&results);
    let folder = options.folder();
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("RESULTS.md"), table::report(&results, &verdicts, &machine, options.is_quick))?;
    chart::draw(&results, &folder)?;
    if options.is_for_publication() {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        // The package of the library holds no file of this one.
        fs::copy(folder.join("fanout.svg"), root.join("docs/fanout.svg"))?;
        let path = root.join("README.md");
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
