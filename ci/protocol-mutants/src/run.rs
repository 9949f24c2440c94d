//! Switches the bugs on, one after the other, and asks each engine whether it notices.

use crate::engine::{self, Engine, Kind, PARTS, Verdict};
use crate::known::{self, Fate};
use crate::planted::{self, Key};
use crate::reach::{self, Reach};
use crate::results;
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::slice;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

/// Runs every test of every engine with no bug on, each in a process of its own, and notes how long
/// it takes and which bugs it reaches: all, if it fails as soon as it is noted. What is noted
/// already is not run again.
///
/// # Panics
///
/// If one fails.
pub fn run_none(tree: &Path, jobs: usize) -> io::Result<()> {
    let known = reach::read(tree)?;
    let all: BTreeSet<_> = planted::read(tree)?.iter().map(|bug| bug.number).collect();
    let mut left = VecDeque::new();
    for engine in engine::read(tree)? {
        for (program, command) in engine.commands.iter().enumerate() {
            let names = match engine.kind {
                Kind::Program => vec![String::new()],
                Kind::Tests => engine::tests_of(tree, command)?,
            };
            for name in names {
                let test = Reach { engine: engine.name.clone(), program, name, seconds: 0.0, bugs: BTreeSet::new() };
                if !known.iter().any(|known| known.is_of(&test)) {
                    left.push_back((engine::one_of(command, &test.name), test));
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
                    let ask = |how| {
                        engine::ask(tree, &command, Duration::from_secs(1800), how).expect("a program can be started")
                    };
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

/// Asks of every bug first the test that is known to notice it. Of those that are left and not
/// argued, it asks all tests that reach them, the quickest first, until one notices. With `all`, it
/// asks of every bug all engines, until one test of each notices. The last two engines are slow, so
/// the one and each part of the other is asked when what is quicker has been asked of every bug.
pub fn run(tree: &Path, all: bool, jobs: usize) -> io::Result<()> {
    let engines = engine::in_parts(engine::read(tree)?);
    let known = known::read()?;
    if !all {
        round(tree, jobs, &engines, |bug| match known.get(bug) {
            Some(Fate::Noticed { engine, test }) => Asked::Test { engine, test },
            _ => Asked::Nobody,
        })?;
    }
    let (quick, slow) = engines.split_at(engines.len().saturating_sub(PARTS.len() + 2));
    for engines in [quick].into_iter().chain(slow.iter().map(slice::from_ref)) {
        round(tree, jobs, engines, |bug| match known.get(bug) {
            _ if all => Asked::Each,
            Some(Fate::Argued(_)) => Asked::Nobody,
            _ => Asked::UntilOneNotices,
        })?;
    }
    Ok(())
}

/// Who is asked of a bug.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked<'a> {
    Nobody,
    /// Nothing is written down if it does not notice.
    Test {
        engine: &'a str,
        test: &'a str,
    },
    UntilOneNotices,
    Each,
}

impl Asked<'_> {
    fn includes(self, test: &Reach) -> bool {
        match self {
            Self::Nobody => false,
            Self::Test { engine, test: name } => (&*test.engine, &*test.name) == (engine, name),
            Self::UntilOneNotices | Self::Each => true,
        }
    }
}

/// Asks these engines of every bug, and writes down what they say.
fn round<'a>(tree: &Path, jobs: usize, engines: &[Engine], who: impl Fn(&Key) -> Asked<'a> + Sync) -> io::Result<()> {
    let tests = reach::read(tree)?;
    let mut bugs = planted::read(tree)?;
    // A run that was stopped has asked a fair sample.
    bugs.sort_by_key(|bug| (bug.number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32));
    let mut asked: BTreeMap<usize, HashSet<String>> = BTreeMap::new();
    let mut noticed = HashSet::new();
    for result in results::read(tree)? {
        if result.is_noticed {
            noticed.insert(result.bug);
        }
        asked.entry(result.bug).or_default().insert(result.label);
    }
    let (of, bugs, file) = (bugs.len(), Mutex::new(VecDeque::from(bugs)), Mutex::new(results::open(tree)?));
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
                    let who = who(&bug.key);
                    let mut is_noticed = noticed.contains(&bug.number);
                    for engine in engines {
                        if is_noticed && who != Asked::Each {
                            break;
                        }
                        if asked.get(&bug.number).is_some_and(|asked| asked.contains(&engine.label)) {
                            continue;
                        }
                        let asks = |test: &&Reach| engine.asks(test, bug.number) && who.includes(test);
                        let mut tests: Vec<_> = tests.iter().filter(asks).collect();
                        tests.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
                        let started = Instant::now();
                        let (verdict, by) = engine.ask(tree, &tests, bug.number);
                        is_noticed |= verdict != Verdict::Lives;
                        if !is_noticed && !matches!(who, Asked::UntilOneNotices | Asked::Each) {
                            continue;
                        }
                        let seconds = started.elapsed().as_secs_f64();
                        let line = format!("{}\t{}\t{}\t{seconds:.1}\t{by}", bug.number, engine.label, verdict.name());
                        println!("{}/{of}\t{line}", of - left);
                        writeln!(file.lock().expect("nobody panics"), "{line}").expect("the results can be written");
                    }
                }
            });
        }
    });
    Ok(())
}
