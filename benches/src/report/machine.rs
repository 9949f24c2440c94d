//! Where and when the figures were taken.

use std::fs;
use std::process::Command;

/// What a reader has to know of the machine and of what ran on it.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The processor, by the name that it gives itself.
    pub processor: String,
    /// Processors that this process may use.
    pub cores: usize,
    /// The operating system.
    pub system: String,
    /// The compiler.
    pub compiler: String,
    /// The commit, with a mark where the files differ from it.
    pub commit: String,
    /// The day, in UTC.
    pub date: String,
}

impl Machine {
    /// This machine, now.
    #[must_use]
    pub fn here() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name| {
            let value = |line: &str| Some(line.strip_prefix(name)?.trim_start().strip_prefix(": ")?.to_owned());
            cpuinfo.lines().find_map(value)
        };
        // Names are not always told apart: that of a virtual machine's processor may be the same for several generations.
        let generation = field("cpu family").zip(field("model"));
        let is_dirty = !output("git", &["status", "--porcelain"]).is_empty();
        Self {
            processor: field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned())
                + &generation.map(|(family, model)| format!(" (family {family}, model {model})")).unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            system: output("uname", &["-sm"]),
            compiler: output("rustc", &["--version"]),
            commit: output("git", &["rev-parse", "--short", "HEAD"]) + if is_dirty { ", with changes" } else { "" },
            date: output("date", &["-u", "+%Y-%m-%d"]),
        }
    }

    /// One line.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { processor, cores, system, compiler, commit, date } = self;
        format!("{processor}, {cores} cores, {system}, {compiler}, ringbus at {commit}, {date}")
    }
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

/// The contestants' crates with the versions that the lock file names.
#[must_use]
pub fn peers() -> Vec<(String, String)> {
    const PEERS: [&str; 10] = [
        "async-broadcast",
        "bus",
        "crossbeam-channel",
        "crossbeam-queue",
        "crossfire",
        "disruptor",
        "flume",
        "kanal",
        "rtrb",
        "tokio",
    ];
    let mut found = Vec::new();
    let mut lines = include_str!("../../../Cargo.lock").lines();
    while let Some(line) = lines.next() {
        let Some(name) = quoted(line, "name = ").filter(|name| PEERS.contains(name)) else { continue };
        if let Some(version) = lines.next().and_then(|line| quoted(line, "version = ")) {
            found.push((name.to_owned(), version.to_owned()));
        }
    }
    found
}

fn quoted<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?.strip_prefix('"')?.strip_suffix('"')
}
