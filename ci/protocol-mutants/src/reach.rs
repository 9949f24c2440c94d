//! Which bugs a test reaches, as it was noted with no bug on: a test that does not come to a bug's
//! switch cannot notice the bug, and need not be asked.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

/// A test, and what it reaches.
pub struct Reach {
    pub engine: String,
    /// Which of the engine's commands.
    pub program: usize,
    /// Empty if the program is one test.
    pub name: String,
    /// How long it takes with no bug on.
    pub seconds: f64,
    pub bugs: BTreeSet<usize>,
}

impl Reach {
    pub fn is_of(&self, other: &Self) -> bool {
        (&self.engine, self.program, &self.name) == (&other.engine, other.program, &other.name)
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bugs: Vec<_> = self.bugs.iter().map(usize::to_string).collect();
        write!(f, "{}\t{}\t{}\t{:.2}\t{}", self.engine, self.program, self.name, self.seconds, bugs.join(" "))
    }
}

/// What was noted in this tree; nothing if nothing was.
pub fn read(tree: &Path) -> io::Result<Vec<Reach>> {
    let test = |line: &str| {
        let mut fields = line.split('\t');
        Some(Reach {
            engine: fields.next()?.to_owned(),
            program: fields.next()?.parse().ok()?,
            name: fields.next()?.to_owned(),
            seconds: fields.next()?.parse().ok()?,
            bugs: fields.next()?.split_whitespace().filter_map(|bug| bug.parse().ok()).collect(),
        })
    };
    Ok(crate::text_of(&tree.join("reach.tsv"))?.lines().filter_map(test).collect())
}

/// The file of notes, to be continued.
pub fn open(tree: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(tree.join("reach.tsv"))
}

/// What a program has written of the bugs that it reached.
pub fn bugs(path: &Path) -> io::Result<BTreeSet<usize>> {
    Ok(fs::read_to_string(path)?.lines().filter_map(|line| line.parse().ok()).collect())
}
