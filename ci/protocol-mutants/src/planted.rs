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
    pub kind: String,
    pub what: String,
    /// What names it as long as nobody edits the line: lines move.
    pub key: Key,
}

/// File, kind, what, and the how manieth of those.
pub type Key = (String, String, String, usize);

/// The list, as it was planted.
pub fn read(tree: &Path) -> io::Result<Vec<Planted>> {
    let mut seen: HashMap<_, usize> = HashMap::new();
    let mut planted = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        let number = fields.next()?.parse().ok()?;
        let (place, kind, what) = (fields.next()?, fields.next()?, fields.next()?);
        let file = place.split(':').next()?.to_owned();
        let nth = seen.entry((file.clone(), kind.clone(), what.clone())).or_default();
        *nth += 1;
        let key = (file, kind.clone(), what.clone(), *nth);
        Some(Planted { number, place, kind, what, key })
    };
    Ok(fs::read_to_string(tree.join("planted.tsv"))?.lines().filter_map(&mut planted).collect())
}
