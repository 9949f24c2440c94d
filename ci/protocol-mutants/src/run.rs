//! Switches the bugs on, one after the other, and asks each engine whether it notices.

use crate::reach::{self, Reach};
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::slice;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

/// What asks: programs, each of which may hold many tests.
#[derive(Clone)]
struct Engine {
    name: String,
    kind: Kind,
    commands: Vec<String>,
    /// How long the tests take that are asked.
    seconds: Range<f64>,
}

/// An engine that is slow is asked in parts, by how many seconds its tests take.
const PARTS: [f64; 2] = [4.0, 20.0];

/// How to run a command of an engine.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As it is.
    Program,
    /// Test by test, as libtest does it.
    Tests,
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

/// Runs every test of every engine with no bug on, each in a process of its own, and notes how long
/// it takes and which bugs it reaches: all, if it fails as soon as it is noted. What is noted
/// already is not run again.
///
/// # Panics
///
/// If one fails.
pub fn run_none(tree: &Path, jobs: usize) -> io::Result<()> {
    let known = reach::read(tree)?;
    let list = fs::read_to_string(tree.join("planted.tsv"))?;
    let all: BTreeSet<_> = list.lines().filter_map(|line| line.split('\t').next()?.parse().ok()).collect();
    let mut left = VecDeque::new();
    for engine in engines(tree)? {
        for (program, command) in engine.commands.iter().enumerate() {
            let names = match engine.kind {
                Kind::Program => vec![String::new()],
                Kind::Tests => tests_of(tree, command)?,
            };
            for name in names {
                let test = Reach { engine: engine.name.clone(), program, name, seconds: 0.0, bugs: BTreeSet::new() };
                if !known.iter().any(|known| known.is_of(&test)) {
                    left.push_back((one_of(command, &test.name), test));
                }
            }
        }
    }
    println!("{} tests to run as they are, {} known", left.len(), known.len());
    let (left, file) = (Mutex::new(left), Mutex::new(reach::open(tree)?));
    thread::scope(|scope| {
        for job in 0..jobs {
            let (left, file, all) = (&left, &file, &all);
            scope.spawn(move || {
                let reached = tree.join(format!("reached-{job}"));
                loop {
                    let next = left.lock().expect("nobody panics").pop_front();
                    let Some((command, mut test)) = next else { return };
                    File::create(&reached).expect("the tree can be written");
                    let started = Instant::now();
                    let ask =
                        |how| ask(tree, &command, Duration::from_secs(1800), how).expect("a program can be started");
                    if ask(("RINGBUS_REACHED", &reached)) == Verdict::Lives {
                        test.bugs = reach::bugs(&reached).expect("it was written");
                    } else {
                        // It minds the notes: it counts allocations, or open files.
                        let verdict = ask(("RINGBUS_PLANTED", Path::new("0")));
                        assert!(verdict == Verdict::Lives, "as it is, this {}: {command}", verdict.name());
                        test.bugs = all.clone();
                    }
                    test.seconds = started.elapsed().as_secs_f64();
                    writeln!(file.lock().expect("nobody panics"), "{test}").expect("the tree can be written");
                }
            });
        }
    });
    Ok(())
}

/// Prints how many bugs of each kind each engine has noticed, and those that nobody has.
pub fn table(tree: &Path) -> io::Result<()> {
    let list = fs::read_to_string(tree.join("planted.tsv"))?;
    let results = fs::read_to_string(tree.join("results.tsv"))?;
    let tests = reach::read(tree)?;
    let engines = parts(engines(tree)?);
    // Asked and noticed, for each kind and engine; and who was noticed at all.
    let mut counts: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    let kinds: BTreeMap<_, _> = list.lines().filter_map(fields).map(|(bug, _, kind)| (bug, kind)).collect();
    let mut noticed = HashSet::new();
    let (mut asked, mut left) = (HashSet::new(), HashSet::new());
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
    let last = engines.last().map(|engine| engine.name.as_str()).unwrap_or_default();
    left.extend(asked.iter().filter(|bug| !noticed.contains(**bug)).copied());
    for (bug, engine, _) in results.lines().filter_map(fields) {
        if engine == last {
            left.remove(bug);
        }
    }
    println!("{} of {} bugs were asked, in an order as good as random", asked.len(), kinds.len());
    println!("{} of them are still to be asked of {last}", left.len());
    let names: Vec<_> = engines.iter().map(|engine| engine.name.as_str()).collect();
    println!("| what was planted | bugs | {} | noticed |", names.join(" | "));
    println!("|---|--:|{}--:|", "--:|".repeat(engines.len()));
    let names: BTreeSet<_> = kinds.values().copied().collect();
    for kind in names {
        let of_kind: Vec<_> = asked.iter().filter(|bug| kinds[*bug] == kind).collect();
        let cells = engines.iter().map(|engine| {
            let (asked, noticed) = counts.get(&(kind, engine.name.as_str())).copied().unwrap_or_default();
            format!("{noticed} of {asked} | ")
        });
        let alive = of_kind.iter().filter(|bug| noticed.contains(**bug)).count();
        println!("| {kind} | {} | {}{alive} |", of_kind.len(), cells.collect::<String>());
    }
    println!("\nNobody notices, with the engines that reach it:");
    for line in list.lines() {
        let bug = line.split('\t').next().unwrap_or_default();
        if asked.contains(bug) && !noticed.contains(bug) && !left.contains(bug) {
            let reached = engines.iter().filter(|engine| tests.iter().any(|test| engine.asks(test, bug)));
            println!("{line}\t{}", reached.map(|engine| engine.name.as_str()).collect::<Vec<_>>().join(", "));
        }
    }
    Ok(())
}

/// Asks of every bug of the list that is not in `results.tsv` yet those tests that reach it, the
/// quickest first, until one notices it or, if `all`, one of each engine. An engine is a file
/// `engines/*`: its first line is its kind, each further one a command. The last engine is slow,
/// so each of its parts is asked when what is quicker has been asked of every bug.
pub fn run(tree: &Path, all: bool, jobs: usize) -> io::Result<()> {
    let engines = parts(engines(tree)?);
    let (quick, slow) = engines.split_at(engines.len().saturating_sub(PARTS.len() + 1));
    round(tree, quick, all, jobs)?;
    for part in slow {
        round(tree, slice::from_ref(part), all, jobs)?;
    }
    Ok(())
}

/// The engines, the last one in parts.
fn parts(mut engines: Vec<Engine>) -> Vec<Engine> {
    let Some(slow) = engines.pop() else { return engines };
    let mut from = 0.0;
    for to in PARTS {
        engines.push(Engine { name: format!("{}, up to {to} s", slow.name), seconds: from..to, ..slow.clone() });
        from = to;
    }
    engines.push(Engine { seconds: from..f64::INFINITY, ..slow });
    engines
}

impl Engine {
    /// Whether it asks that test of that bug.
    fn asks(&self, test: &Reach, bug: &str) -> bool {
        let name = self.name.split(',').next().unwrap_or_default();
        self.seconds.contains(&test.seconds) && test.reaches(name, bug)
    }
}

fn round(tree: &Path, engines: &[Engine], all: bool, jobs: usize) -> io::Result<()> {
    let tests = reach::read(tree)?;
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
    let mut bugs: Vec<_> = list.lines().filter_map(|line| line.split('\t').next()).collect();
    // A run that was stopped has asked a fair sample.
    bugs.sort_by_key(|bug| bug.parse::<u64>().unwrap_or(0).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32));
    let (of, bugs) = (bugs.len(), Mutex::new(VecDeque::from(bugs)));
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
                    for engine in engines {
                        if is_dead && !all {
                            break;
                        }
                        if done.get(bug).is_some_and(|done| done.contains(engine.name.as_str())) {
                            continue;
                        }
                        let started = Instant::now();
                        let (verdict, by) = ask_engine(tree, engine, &tests, bug);
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
        let kind = match lines.next() {
            Some("program") => Kind::Program,
            Some("tests") => Kind::Tests,
            other => panic!("{}: no kind of engine: {other:?}", path.display()),
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.split_once('-').map_or(&*name, |(_, name)| name).to_owned();
        let commands = lines.map(str::to_owned).collect();
        Ok(Engine { name, kind, commands, seconds: 0.0..f64::INFINITY })
    };
    paths.iter().map(engine).collect()
}

/// The tests of a program.
fn tests_of(tree: &Path, command: &str) -> io::Result<Vec<String>> {
    let output =
        Command::new("sh").args(["-c", &format!("exec {command} --list --format terse")]).current_dir(tree).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
}

fn one_of(command: &str, test: &str) -> String {
    if test.is_empty() { command.to_owned() } else { format!("{command} --exact '{test}'") }
}

fn ask_engine(tree: &Path, engine: &Engine, tests: &[Reach], bug: &str) -> (Verdict, String) {
    let mut tests: Vec<_> = tests.iter().filter(|test| engine.asks(test, bug)).collect();
    tests.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    for test in tests {
        let limit = Duration::from_secs_f64(15.0 + 5.0 * test.seconds);
        let command = one_of(&engine.commands[test.program], &test.name);
        let asked = ask(tree, &command, limit, ("RINGBUS_PLANTED", Path::new(bug)));
        let verdict = asked.expect("a program can be started");
        if verdict != Verdict::Lives {
            return (verdict, test.name.clone());
        }
    }
    (Verdict::Lives, String::new())
}

/// Runs a program until it ends, or its time is over.
fn ask(tree: &Path, command: &str, limit: Duration, (name, value): (&str, &Path)) -> io::Result<Verdict> {
    let mut program = Command::new("sh");
    program.args(["-c", &format!("exec {command}")]).current_dir(tree).env(name, value).env("RUST_BACKTRACE", "0");
    let mut child = program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(if status.success() { Verdict::Lives } else { Verdict::Killed });
        }
        if Instant::now() >= end {
            kill(&mut child)?;
            return Ok(Verdict::Hangs);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn kill(child: &mut Child) -> io::Result<()> {
    // It may have ended by itself.
    let _ = child.kill();
    child.wait().map(drop)
}
