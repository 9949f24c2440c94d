//! Switches the bugs on, one after the other, and asks each engine whether it notices.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// What asks: programs that are run one after the other, each of which may take so long.
struct Engine {
    name: String,
    limit: Duration,
    commands: Vec<String>,
}

/// What an engine says of a bug.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Lives,
    Killed,
    /// Nothing was heard within the limit: a thread sleeps for good, or there is too much to
    /// explore.
    Hangs,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Lives => "lives",
            Self::Killed => "killed",
            Self::Hangs => "hangs",
        }
    }
}

/// Runs the engines with no bug on.
///
/// # Panics
///
/// If one notices something.
pub fn run_none(tree: &Path) -> io::Result<()> {
    for engine in engines(tree)? {
        let (verdict, by) = ask(tree, &engine, "0");
        assert!(verdict == Verdict::Lives, "{} fails as it is: {by}", engine.name);
    }
    Ok(())
}

/// Prints how many bugs of each kind each engine has noticed, and those that nobody has.
pub fn table(tree: &Path) -> io::Result<()> {
    let list = fs::read_to_string(tree.join("planted.tsv"))?;
    let results = fs::read_to_string(tree.join("results.tsv"))?;
    let engines: Vec<_> = engines(tree)?.into_iter().map(|engine| engine.name).collect();
    // Asked and noticed, for each kind and engine; and who was noticed at all.
    let mut counts: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    let kinds: BTreeMap<_, _> = list.lines().filter_map(fields).map(|(bug, _, kind)| (bug, kind)).collect();
    let mut noticed = HashSet::new();
    let mut asked = HashSet::new();
    for (bug, engine, verdict) in results.lines().filter_map(fields) {
        let Some(kind) = kinds.get(bug) else { continue };
        let count = counts.entry((kind, engine)).or_default();
        count.0 += 1;
        asked.insert(bug);
        if verdict != Verdict::Lives.name() {
            count.1 += 1;
            noticed.insert(bug);
        }
    }
    println!("| what was planted | bugs | {} | noticed |", engines.join(" | "));
    println!("|---|--:|{}--:|", "--:|".repeat(engines.len()));
    let names: std::collections::BTreeSet<_> = kinds.values().copied().collect();
    for kind in names {
        let of_kind: Vec<_> = asked.iter().filter(|bug| kinds[*bug] == kind).collect();
        let cells = engines.iter().map(|engine| {
            let (asked, noticed) = counts.get(&(kind, engine.as_str())).copied().unwrap_or_default();
            format!("{noticed} of {asked} | ")
        });
        let alive = of_kind.iter().filter(|bug| noticed.contains(**bug)).count();
        println!("| {kind} | {} | {}{alive} |", of_kind.len(), cells.collect::<String>());
    }
    println!("\nNobody notices:");
    for line in list.lines() {
        let bug = line.split('\t').next().unwrap_or_default();
        if asked.contains(bug) && !noticed.contains(bug) {
            println!("{line}");
        }
    }
    Ok(())
}

/// Runs every bug of the list that is not in `results.tsv` yet through the engines, until one kills
/// it or, if `all`, through all of them. An engine is a file `engines/*`: its first line is a limit
/// in seconds, each further one a command.
pub fn run(tree: &Path, all: bool, jobs: usize) -> io::Result<()> {
    let engines = engines(tree)?;
    let list = fs::read_to_string(tree.join("planted.tsv"))?;
    let results = tree.join("results.tsv");
    let known = fs::read_to_string(&results).unwrap_or_default();
    let mut done: BTreeMap<&str, HashSet<&str>> = BTreeMap::new();
    let mut dead: HashSet<&str> = HashSet::new();
    for (bug, engine, verdict) in known.lines().filter_map(fields) {
        done.entry(bug).or_default().insert(engine);
        if verdict != Verdict::Lives.name() {
            dead.insert(bug);
        }
    }
    let file = Mutex::new(OpenOptions::new().create(true).append(true).open(&results)?);
    let bugs: VecDeque<_> = list.lines().filter_map(|line| line.split('\t').next()).collect();
    let (of, bugs) = (bugs.len(), Mutex::new(bugs));
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let Some((left, bug)) = ({
                        let mut bugs = bugs.lock().expect("nobody panics");
                        bugs.pop_front().map(|bug| (bugs.len(), bug))
                    }) else {
                        return;
                    };
                    let mut is_dead = dead.contains(bug);
                    for engine in &engines {
                        if is_dead && !all {
                            break;
                        }
                        if done.get(bug).is_some_and(|done| done.contains(engine.name.as_str())) {
                            continue;
                        }
                        let started = Instant::now();
                        let (verdict, by) = ask(tree, engine, bug);
                        let seconds = started.elapsed().as_secs_f64();
                        is_dead |= verdict != Verdict::Lives;
                        let line = format!("{bug}\t{}\t{}\t{seconds:.1}\t{by}", engine.name, verdict.name());
                        println!("{}/{of}\t{line}", of - left);
                        writeln!(file.lock().expect("nobody panics"), "{line}").expect("the results can be written");
                    }
                }
            });
        }
    });
    Ok(())
}

fn fields(line: &str) -> Option<(&str, &str, &str)> {
    let mut fields = line.split('\t');
    Some((fields.next()?, fields.next()?, fields.next()?))
}

fn engines(tree: &Path) -> io::Result<Vec<Engine>> {
    let mut paths: Vec<_> =
        fs::read_dir(tree.join("engines"))?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    paths.sort();
    let engine = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path)?;
        let mut lines = text.lines();
        let limit = lines.next().and_then(|line| line.parse().ok()).expect("a limit in seconds");
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.split_once('-').map_or(&*name, |(_, name)| name).to_owned();
        Ok(Engine { name, limit: Duration::from_secs(limit), commands: lines.map(str::to_owned).collect() })
    };
    paths.iter().map(engine).collect()
}

fn ask(tree: &Path, engine: &Engine, bug: &str) -> (Verdict, String) {
    for command in &engine.commands {
        let (verdict, by) = ask_one(tree, command, engine.limit, bug).expect("a program can be started");
        if verdict != Verdict::Lives {
            return (verdict, by);
        }
    }
    (Verdict::Lives, String::new())
}

/// Runs a program until it ends, says that a test has failed, or its time is over.
fn ask_one(tree: &Path, command: &str, limit: Duration, bug: &str) -> io::Result<(Verdict, String)> {
    let mut program = Command::new("sh");
    let log = File::create(tree.join(format!("log-{bug}")))?;
    program
        .args(["-c", &format!("exec {command}")])
        .current_dir(tree)
        .env("RINGBUS_PLANTED", bug)
        .env("RUST_BACKTRACE", "0");
    let mut child = program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn()?;
    let output = child.stdout.take().expect("it is piped");
    let child = Mutex::new(child);
    let (is_over, is_late) = (AtomicBool::new(false), AtomicBool::new(false));
    let mut last = String::new();
    let mut failed = None;
    thread::scope(|scope| {
        let (child, is_over, is_late) = (&child, &is_over, &is_late);
        scope.spawn(move || {
            let end = Instant::now() + limit;
            while !is_over.load(SeqCst) {
                if Instant::now() >= end {
                    is_late.store(true, SeqCst);
                    kill(&mut child.lock().expect("nobody panics"));
                    return;
                }
                thread::sleep(Duration::from_millis(20));
            }
        });
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if line.starts_with("test ") && line.ends_with("FAILED") {
                failed = Some(line.trim_start_matches("test ").trim_end_matches("... FAILED").trim().to_owned());
                kill(&mut child.lock().expect("nobody panics"));
                break;
            }
            last = line;
        }
        is_over.store(true, SeqCst);
    });
    let status = child.lock().expect("nobody panics").wait()?;
    fs::remove_file(tree.join(format!("log-{bug}")))?;
    Ok(match failed {
        Some(test) => (Verdict::Killed, test),
        None if is_late.load(SeqCst) => (Verdict::Hangs, last),
        None if status.success() => (Verdict::Lives, String::new()),
        None => (Verdict::Killed, format!("{status}: {last}")),
    })
}

fn kill(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
}
