//! Measures ringbus against its peers, and makes tables and charts of the figures: at once, or on
//! another machine and another day.

use ringbus_benches::groups::{self, GROUPS, contention, latency, memory, overload, stalled};
use ringbus_benches::measure::{Case, Effort, measure};
use ringbus_benches::report::figures::Figures;
use ringbus_benches::report::{CaseResult, Results, budget, builds, charts, figure, program, summary, table};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "\
Measures ringbus against its peers, and writes figures, tables and charts.

Usage: report [--quick] [--groups A,B] [--sweep] [--lto] [--figures FILE | --name NAME | --out FOLDER]
       report --draw FILE [--name NAME | --out FOLDER]

  --quick         a fraction of the samples: to see that everything works
  --groups A,B    only these groups
  --sweep         contention with 1 publisher, 2, 3, 4, 6, 8 and so on, to one on each processor
  --lto           fanout, payload, routing and filter once more, beside a build with `lto` and one codegen unit
  --figures FILE  writes the figures into a file, and draws nothing: for a machine without the sources. The program
                  `memory` must lie beside this one there, or the group be left out
  --draw FILE     measures nothing, and draws what is in such a file
  --name NAME     writes into benches/results/NAME: a further run, such as one on other processors
  --out FOLDER    writes into another folder
  -h, --help      shows this text

Without a place, a whole run is written into benches/results, and its tables into README.md and benches/README.md;
one that is quick or lacks groups, into target/report.";

/// What the command line asks for.
#[derive(Debug, Default)]
struct Options {
    is_quick: bool,
    /// `None`: all.
    groups: Option<Vec<String>>,
    sweeps: bool,
    compares_builds: bool,
    /// The file for the figures, if nothing is to be drawn.
    figures: Option<PathBuf>,
    /// The file with the figures, if nothing is to be measured.
    draws: Option<PathBuf>,
    name: Option<String>,
    out: Option<PathBuf>,
    wants_help: bool,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            let mut value = |what| arguments.next().ok_or(format!("{argument} takes {what}"));
            match argument.as_str() {
                "--quick" => options.is_quick = true,
                "--groups" => options.groups = Some(parse_groups(&value("names of groups")?)?),
                "--sweep" => options.sweeps = true,
                "--lto" => options.compares_builds = true,
                "--figures" => options.figures = Some(value("a file")?.into()),
                "--draw" => options.draws = Some(value("a file")?.into()),
                "--name" => options.name = Some(value("a name")?),
                "--out" => options.out = Some(value("a folder")?.into()),
                "-h" | "--help" => options.wants_help = true,
                _ => return Err(format!("unknown option {argument}")),
            }
        }
        let measures = options.is_quick || options.groups.is_some() || options.sweeps || options.compares_builds;
        if options.draws.is_some() && (measures || options.figures.is_some()) {
            return Err("--draw measures nothing".to_owned());
        }
        let places = [options.figures.is_some(), options.name.is_some(), options.out.is_some()];
        if places.into_iter().filter(|is_set| *is_set).count() > 1 {
            return Err("--figures, --name and --out are different places".to_owned());
        }
        Ok(options)
    }

    fn wants(&self, group: &str) -> bool {
        self.groups.as_ref().is_none_or(|groups| groups.iter().any(|wanted| wanted == group))
    }

    fn effort(&self) -> Effort {
        if self.is_quick { Effort::QUICK } else { Effort::FULL }
    }

    /// The cases of a group that is timed by operation.
    fn cases(&self, group: &str, processors: usize) -> Vec<Case> {
        if self.sweeps && group == "contention" {
            return contention::sweep(processors);
        }
        groups::cases().into_iter().filter(|case| case.group == group).collect()
    }

    /// How many seconds it takes, roughly.
    fn estimate(&self) -> u64 {
        let seconds = GROUPS.iter().filter(|group| self.wants(group.name)).map(|group| {
            let again = if self.compares_builds && builds::GROUPS.contains(&group.name) { 3 } else { 1 };
            group.seconds[usize::from(self.is_quick)] * again
        });
        seconds.sum()
    }

    /// What would be missed only after all that was measured.
    fn check(&self) -> Result<(), Box<dyn Error>> {
        if self.wants("memory") && self.draws.is_none() {
            program::check("memory")?;
        }
        if self.compares_builds && !program::has_sources() {
            return Err("--lto builds, and there are no sources here".into());
        }
        if self.figures.is_none() && self.out.is_none() && !program::has_sources() {
            return Err("there are no sources here: --figures says where to write".into());
        }
        if let Some(file) = &self.figures {
            let opened = fs::OpenOptions::new().append(true).create(true).open(file);
            opened.map_err(|error| format!("{}: {error}", file.display()))?;
        }
        Ok(())
    }

    /// Where to write what was made of these figures, and whether that is the published run, which
    /// is replaced by nothing less than a whole run.
    fn folder(&self, figures: &Figures) -> (PathBuf, bool) {
        let is_whole = figures.are_whole(&GROUPS.map(|group| group.name));
        match (&self.out, &self.name) {
            (Some(out), _) => (out.clone(), false),
            (None, Some(name)) => (benches("results").join(name), false),
            (None, None) if is_whole => (benches("results"), true),
            (None, None) => (benches("../target/report"), false),
        }
    }
}

fn parse_groups(names: &str) -> Result<Vec<String>, String> {
    let known = GROUPS.map(|group| group.name);
    let unknown = names.split(',').find(|name| !known.contains(name));
    match unknown {
        Some(name) => Err(format!("there is no group {name}; there are {}", known.join(", "))),
        None => Ok(names.split(',').map(str::to_owned).collect()),
    }
}

/// A path in the folder of this package.
fn benches(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if_eq("samples").is_some() {
        // What --lto calls, in both builds.
        return exit(builds::samples(arguments).map(|text| print!("{text}")));
    }
    let options = match Options::parse(arguments) {
        Ok(options) if options.wants_help => {
            println!("{USAGE}\n\nGroups, and the seconds that they take, thoroughly and quickly measured:\n");
            for group in GROUPS {
                println!("  {:<10} {:>3} {:>3}  {}", group.name, group.seconds[0], group.seconds[1], group.question);
            }
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
    options.check()?;
    let figures = match &options.draws {
        Some(file) => Figures::read(file)?,
        None => take(options)?,
    };
    match &options.figures {
        Some(file) => {
            figures.write(file)?;
            println!("Written to {}; `report --draw` makes tables and charts of it", file.display());
            Ok(())
        }
        None => draw(options, &figures),
    }
}

/// Measures what is wanted. Progress goes to standard error.
fn take(options: &Options) -> Result<Figures, Box<dyn Error>> {
    let begun = Instant::now();
    let effort = options.effort();
    let mut figures = Figures::here(options.is_quick);
    eprintln!("{}", figures.machine.line());
    let builds = if options.compares_builds { ", and the builds" } else { "" };
    eprintln!("This takes about {} min{builds}, on two processors.\n", options.estimate().div_ceil(60));
    let mut progress = |line: &str| eprintln!("[{:>4} s] {line}", begun.elapsed().as_secs());
    for group in GROUPS.iter().filter(|group| options.wants(group.name)) {
        let group_begun = Instant::now();
        let results = &mut figures.results;
        match group.name {
            "latency" => results.latencies = latency::run(effort, &mut progress),
            "stalled" => results.stalled = stalled::run(effort, &mut progress),
            "overload" => results.overload = overload::run(effort, &mut progress),
            "memory" => {
                progress("memory");
                results.memory = memory::read(&program::run("release", "memory", &[])?)?;
            }
            name => take_cases(options.cases(name, figures.machine.usable), effort, results, &mut progress),
        }
        figures.took.push((group.name.to_owned(), group_begun.elapsed().as_secs()));
    }
    if options.compares_builds {
        figures.results.builds = builds::run(effort, |group| options.wants(group), &mut progress)?;
    }
    progress("done");
    Ok(figures)
}

/// Measures cases that are timed by operation.
fn take_cases(cases: Vec<Case>, effort: Effort, results: &mut Results, progress: &mut dyn FnMut(&str)) {
    let count = cases.len();
    for (case, place) in cases.into_iter().zip(1..) {
        let rows = measure(&case, effort);
        let figures: Vec<_> = rows.iter().map(|row| format!("{} {}", row.name, figure(row.nanos))).collect();
        progress(&format!("{} {place}/{count}, {}: {}", case.group, case.name, figures.join(", ")));
        let (group, operation) = (case.group.to_owned(), case.operation.to_owned());
        results.cases.push(CaseResult { group, name: case.name, operation, rows });
    }
}

/// Makes tables and charts, and puts the figures beside them.
fn draw(options: &Options, figures: &Figures) -> Result<(), Box<dyn Error>> {
    let (folder, is_published) = options.folder(figures);
    fs::create_dir_all(&folder)?;
    figures.write(&folder.join("figures.json"))?;
    let verdicts = budget::verdicts(&figures.results);
    let pictures = charts::all(figures);
    fs::write(folder.join("RESULTS.md"), table::report(figures, &verdicts, &pictures))?;
    for picture in &pictures {
        fs::write(folder.join(&picture.file), &picture.svg)?;
    }
    if is_published {
        // The package of the library holds no file of this one.
        fs::copy(folder.join("fanout.svg"), benches("../docs/fanout.svg"))?;
        let tables = summary::tables(figures);
        for page in ["../README.md", "README.md"].map(benches) {
            let filled = summary::fill(&fs::read_to_string(&page)?, &tables)?;
            fs::write(&page, filled)?;
        }
    }
    for verdict in &verdicts {
        let Some((ratio, _)) = verdict.measured else { continue };
        let limit = verdict.limit.map(|limit| format!(" ({limit})")).unwrap_or_default();
        println!("{:<8} {ratio:.2}{limit}  {}", verdict.word().trim_matches('*'), verdict.what);
    }
    println!("\nWritten to {}", folder.join("RESULTS.md").display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<Options, String> {
        Options::parse(arguments.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn groups_are_those_that_are_named() {
        let options = parse("--groups fanout,cross").unwrap();
        assert!(options.wants("fanout") && options.wants("cross") && !options.wants("memory"));
        assert!(parse("--quick").unwrap().wants("memory"));
        assert!(parse("--groups fanout,none").unwrap_err().contains("none"));
        assert!(parse("--groups").is_err() && parse("--only fanout").is_err());
    }

    #[test]
    fn drawing_measures_nothing_and_there_is_one_place() {
        assert!(parse("--draw a.json --out b").is_ok());
        for wrong in
            ["--draw a --quick", "--draw a --figures b", "--draw a --lto", "--name a --out b", "--figures a --out b"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn time_is_that_of_the_groups_that_are_wanted() {
        let seconds = |arguments| parse(arguments).unwrap().estimate();
        assert!(seconds("--groups filter") < seconds("--groups filter --lto"));
        assert!(seconds("--quick") < seconds(""));
        assert_eq!(seconds("--groups base,filter"), seconds("--groups base") + seconds("--groups filter"));
    }

    #[test]
    fn only_a_whole_run_is_published() {
        let all = GROUPS.map(|group| (group.name.to_owned(), 1));
        let whole = Figures { took: all.to_vec(), ..Figures::here(false) };
        let published = |arguments, figures: &Figures| parse(arguments).unwrap().folder(figures).1;
        assert!(published("", &whole) && published("--draw a", &whole));
        assert!(!published("--name other", &whole) && !published("--out a", &whole));
        assert!(!published("", &Figures { took: all[1..].to_vec(), ..Figures::here(false) }));
        assert!(!published("", &Figures { took: all.to_vec(), ..Figures::here(true) }));
    }
}
