//! The list of what was planted, `TREE/planted.tsv`: number, place, kind, and what.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

/// A bug of the list.
pub struct Planted {
    pub number: usize,
    /// `src/bus.rs:12`.
    pub place: String,
    pub key: Key,
}

/// What names a bug as long as nobody edits its line: lines move.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub file: String,
    pub kind: String,
    pub what: String,
    /// The how manieth of those.
    pub nth: usize,
}

/// The list, as it was planted.
pub fn read(tree: &Path) -> io::Result<Vec<Planted>> {
    let mut seen: HashMap<_, usize> = HashMap::new();
    let mut planted = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        let number = fields.next()?.parse().ok()?;
        let place = fields.next()?;
        let file = place.split(':').next()?.to_owned();
        let mut key = Key { file, kind: fields.next()?, what: fields.next()?, nth: 0 };
        let nth = seen.entry(key.clone()).or_default();
        *nth += 1;
        key.nth = *nth;
        Some(Planted { number, place, key })
    };
    Ok(fs::read_to_string(tree.join("planted.tsv"))?.lines().filter_map(&mut planted).collect())
}
