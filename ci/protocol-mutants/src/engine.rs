//! Who is asked of a bug: the tests, shuttle, the fuzzer's corpus, and loom.

use crate::reach::Reach;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Programs, each of which may hold many tests.
#[derive(Clone)]
pub struct Engine {
    pub name: String,
    /// The name, and which part of the engine it is.
    pub label: String,
    pub kind: Kind,
    pub commands: Vec<String>,
    /// How long the tests take that are asked.
    seconds: Range<f64>,
}

/// The last engine is asked in parts, by how many seconds its tests take.
pub const PARTS: [f64; 2] = [4.0, 20.0];

/// How to run a command of an engine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As it is.
    Program,
    /// Test by test, as libtest does it.
    Tests,
}

/// What a test says of a bug.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Lives,
    Killed,
    /// Nothing was heard within the limit: a thread sleeps for good, or there is too much to
    /// explore.
    Hangs,
}

impl Verdict {
    pub fn name(self) -> &'static str {
        match self {
            Self::Lives => "lives",
            Self::Killed => "killed",
            Self::Hangs => "hangs",
        }
    }
}

/// The files `engines/*`, in the order of their names: the first line of each is its kind, each
/// further one a command.
pub fn read(tree: &Path) -> io::Result<Vec<Engine>> {
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
        Ok(Engine { label: name.clone(), name, kind, commands, seconds: 0.0..f64::INFINITY })
    };
    paths.iter().map(engine).collect()
}

/// The engines, the last one in parts.
pub fn in_parts(mut engines: Vec<Engine>) -> Vec<Engine> {
    let Some(slow) = engines.pop() else { return engines };
    let mut from = 0.0;
    for to in PARTS {
        engines.push(Engine { label: format!("{}, up to {to} s", slow.name), seconds: from..to, ..slow.clone() });
        from = to;
    }
    engines.push(Engine { seconds: from..f64::INFINITY, ..slow });
    engines
}

impl Engine {
    /// Whether it asks that test of that bug.
    pub fn asks(&self, test: &Reach, bug: usize) -> bool {
        test.engine == self.name && self.seconds.contains(&test.seconds) && test.bugs.contains(&bug)
    }

    /// Asks tests, one after the other, until one notices the bug: what it says, and its name.
    pub fn ask(&self, tree: &Path, tests: &[&Reach], bug: usize) -> (Verdict, String) {
        for test in tests {
            let limit = Duration::from_secs_f64(15.0 + 5.0 * test.seconds);
            let command = one_of(&self.commands[test.program], &test.name);
            let asked = ask(tree, &command, limit, ("RINGBUS_PLANTED", Path::new(&bug.to_string())));
            let verdict = asked.expect("a program can be started");
            if verdict != Verdict::Lives {
                return (verdict, test.name.clone());
            }
        }
        (Verdict::Lives, String::new())
    }
}

/// The tests of a program.
pub fn tests_of(tree: &Path, command: &str) -> io::Result<Vec<String>> {
    let output =
        Command::new("sh").args(["-c", &format!("exec {command} --list --format terse")]).current_dir(tree).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
}

/// The command that runs one test of a program.
pub fn one_of(command: &str, test: &str) -> String {
    if test.is_empty() { command.to_owned() } else { format!("{command} --exact '{test}'") }
}

/// Runs a program until it ends, or its time is over.
pub fn ask(tree: &Path, command: &str, limit: Duration, (name, value): (&str, &Path)) -> io::Result<Verdict> {
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
