//! What earlier runs found, `known.tsv`: which test has noticed each bug, or why nobody has to. A
//! bug is asked of that test first, and what is argued is asked of nobody. So a run that finds
//! nothing new takes minutes, and a bug without a line here is what it has to look into.

use crate::planted::Key;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/known.tsv");
/// Stands for the engine if nobody notices the bug.
const ARGUED: &str = "argued";

/// What is known of a bug.
#[derive(Clone)]
pub enum Fate {
    Noticed {
        engine: String,
        test: String,
    },
    /// Nobody notices it, for this reason.
    Argued(String),
}

/// What is known; nothing if there is no file.
pub fn read() -> io::Result<BTreeMap<Key, Fate>> {
    let text = crate::text_of(Path::new(PATH))?;
    let fate = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        let (file, kind, nth) = (fields.next()?, fields.next()?, fields.next()?.parse().ok()?);
        let (what, engine, last) = (fields.next()?, fields.next()?, fields.next()?);
        let fate = if engine == ARGUED { Fate::Argued(last) } else { Fate::Noticed { engine, test: last } };
        Some((Key { file, kind, what, nth }, fate))
    };
    Ok(text.lines().filter_map(fate).collect())
}

pub fn write(known: &BTreeMap<Key, Fate>) -> io::Result<()> {
    let line = |(Key { file, kind, what, nth }, fate): (&Key, &Fate)| {
        let (engine, last) = match fate {
            Fate::Noticed { engine, test } => (engine.as_str(), test),
            Fate::Argued(reason) => (ARGUED, reason),
        };
        format!("{file}\t{kind}\t{nth}\t{what}\t{engine}\t{last}\n")
    };
    fs::write(PATH, known.iter().map(line).collect::<String>())
}
