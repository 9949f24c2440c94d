//! Where and when the figures were taken.

use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What a reader has to know of the machine and of what ran on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processors, by the names that they give themselves.
    pub processors: String,
    /// The caches of the first of them, from the nearest on.
    pub caches: String,
    /// How many of them this process may use.
    pub usable: usize,
    /// The operating system.
    pub system: String,
    /// The compiler that has built the program.
    pub compiler: String,
    /// The day, in UTC.
    pub date: String,
}

impl Machine {
    /// This machine, now.
    #[must_use]
    pub fn here() -> Self {
        Self {
            processors: processors(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default()),
            caches: caches(Path::new("/sys/devices/system/cpu/cpu0/cache")),
            usable: std::thread::available_parallelism().map_or(1, Into::into),
            system: output("uname", &["-sm"]),
            compiler: env!("COMPILER").to_owned(),
            date: output("date", &["-u", "+%Y-%m-%d"]),
        }
    }

    /// One line.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { processors, caches, usable, system, compiler, date } = self;
        let caches = if caches.is_empty() { String::new() } else { format!(", caches of {caches}") };
        format!("{processors}{caches}, {usable} of them usable; {system}, {compiler}, {date}")
    }

    /// What stands under a chart.
    #[must_use]
    pub fn caption(&self) -> String {
        format!("{}, {}", self.processors, self.date)
    }
}

/// What Linux tells of the processors: how many of which kind, on how many cores.
fn processors(cpuinfo: &str) -> String {
    let mut kinds: Vec<(String, usize)> = Vec::new();
    let mut cores: Vec<(Option<&str>, &str)> = Vec::new();
    let mut is_virtual = false;
    for block in cpuinfo.split("\n\n") {
        let fields = block.lines().filter_map(|line| line.split_once(':'));
        let fields: Vec<_> = fields.map(|(name, value)| (name.trim(), value.trim())).collect();
        let field = |name: &str| fields.iter().find(|field| field.0 == name).map(|field| field.1);
        if field("processor").is_none() {
            continue;
        }
        // A name is not enough: that of a virtual machine's processor may be the same for several
        // generations. Those of Arm have numbers only.
        let details = [("cpu family", "family"), ("model", "model"), ("stepping", "stepping")];
        let details = details.map(|(name, short)| field(name).map(|value| format!("{short} {value}")));
        let details: Vec<_> = details.into_iter().flatten().collect();
        let mut kind = match (field("model name"), field("CPU implementer").zip(field("CPU part"))) {
            (Some(name), _) => name.to_owned(),
            (None, Some((implementer, part))) => format!("implementer {implementer}, part {part}"),
            (None, None) => std::env::consts::ARCH.to_owned(),
        };
        if !details.is_empty() {
            kind += &format!(" ({})", details.join(", "));
        }
        match kinds.iter_mut().find(|(other, _)| *other == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
        if let Some(core) = field("core id").map(|core| (field("physical id"), core))
            && !cores.contains(&core)
        {
            cores.push(core);
        }
        is_virtual |= field("flags").is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor"));
    }
    let kinds: Vec<_> = kinds.into_iter().map(|(kind, count)| format!("{count} × {kind}")).collect();
    let mut text = if kinds.is_empty() { std::env::consts::ARCH.to_owned() } else { kinds.join(" and ") };
    if !cores.is_empty() {
        text += &format!(" on {} cores", cores.len());
    }
    if is_virtual {
        text += " of a virtual machine";
    }
    text
}

/// What Linux tells of the caches for data, in this folder, such as `32K, 1024K, 32768K`.
fn caches(folder: &Path) -> String {
    let read = |index: u32, name: &str| fs::read_to_string(folder.join(format!("index{index}")).join(name)).ok();
    let all = (0..).map_while(|index| Some((read(index, "type")?, read(index, "size")?)));
    let sizes: Vec<_> =
        all.filter(|(kind, _)| kind.trim() != "Instruction").map(|(_, size)| size.trim().to_owned()).collect();
    sizes.join(", ")
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

/// ringbus and the contestants' crates, with the versions that the lock file names.
#[must_use]
pub fn versions() -> Vec<(String, String)> {
    const CRATES: [&str; 12] = [
        "async-broadcast",
        "bus",
        "crossbeam-channel",
        "crossbeam-queue",
        "crossfire",
        "disruptor",
        "flume",
        "kanal",
        "ringbus",
        "ringbus-lane",
        "rtrb",
        "tokio",
    ];
    let mut found = Vec::new();
    let mut lines = include_str!("../../../Cargo.lock").lines();
    while let Some(line) = lines.next() {
        let Some(name) = quoted(line, "name = ").filter(|name| CRATES.contains(name)) else { continue };
        if let Some(version) = lines.next().and_then(|line| quoted(line, "version = ")) {
            found.push((name.to_owned(), version.to_owned()));
        }
    }
    found
}

fn quoted<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?.strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_counted_by_kind_and_core() {
        let block = |number: u32, core: u32| {
            format!(
                "processor\t: {number}\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n\
                 physical id\t: 0\ncore id\t\t: {core}\nflags\t\t: fpu hypervisor sse\n\n"
            )
        };
        assert_eq!(
            processors(&[block(0, 0), block(1, 0), block(2, 1)].concat()),
            "3 × AMD EPYC (family 25, model 17) on 2 cores of a virtual machine"
        );
    }

    #[test]
    fn processors_without_a_name_have_their_numbers() {
        let block =
            |number: u32, part: &str| format!("processor\t: {number}\nCPU implementer\t: 0x41\nCPU part\t: {part}\n\n");
        assert_eq!(
            processors(
                &[block(0, "0xd0c"), block(1, "0xd0c"), block(2, "0xd05"), "Hardware\t: x\n".to_owned()].concat()
            ),
            "2 × implementer 0x41, part 0xd0c and 1 × implementer 0x41, part 0xd05"
        );
        assert_eq!(processors(""), std::env::consts::ARCH);
    }

    #[test]
    fn every_crate_has_a_version() {
        let versions = versions();
        for name in ["crossbeam-channel", "crossfire", "kanal", "ringbus", "tokio"] {
            let is_there = versions.iter().any(|(other, version)| other == name && !version.is_empty());
            assert!(is_there, "{name}: {versions:?}");
        }
    }

    #[test]
    fn machine_knows_what_has_built_it() {
        assert!(Machine::here().compiler.starts_with("rustc "));
    }
}
