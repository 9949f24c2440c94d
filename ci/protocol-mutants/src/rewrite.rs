//! From bugs to text.

use std::collections::BTreeSet;
use std::ops::Range;

/// A piece of a source file with something put before and behind it.
#[derive(Debug)]
pub struct Edit {
    pub bytes: Range<usize>,
    /// What is put there, in this order; each bug's part can be left out.
    pub wraps: Vec<Wrap>,
}

/// One bug's part of an edit.
#[derive(Debug)]
pub struct Wrap {
    pub bug: usize,
    pub before: String,
    pub behind: String,
}

/// Which bytes of a rewritten file belong to a bug.
#[derive(Clone, Debug)]
pub struct Region {
    pub bug: usize,
    pub bytes: Range<usize>,
}

/// The text with all of these edits in it but those of the bugs left out; and where each bug is.
pub fn rewrite(text: &str, edits: &[Edit], left_out: &BTreeSet<usize>) -> (String, Vec<Region>) {
    // Those that begin first and end last are outside; no two of them overlap and are not inside
    // one another.
    let mut order: Vec<_> = edits.iter().collect();
    order.sort_by_key(|edit| (edit.bytes.start, usize::MAX - edit.bytes.end));
    let mut writer = Writer { text, left_out, out: String::new(), regions: Vec::new() };
    writer.write(0..text.len(), &order);
    (writer.out, writer.regions)
}

struct Writer<'a> {
    text: &'a str,
    left_out: &'a BTreeSet<usize>,
    out: String,
    regions: Vec<Region>,
}

impl Writer<'_> {
    /// Writes these bytes, with the edits that are inside them.
    fn write(&mut self, bytes: Range<usize>, mut edits: &[&Edit]) {
        let mut at = bytes.start;
        while let [edit, others @ ..] = edits {
            let inside = others.iter().take_while(|other| other.bytes.start < edit.bytes.end).count();
            self.out.push_str(&self.text[at..edit.bytes.start]);
            let wraps: Vec<_> = edit.wraps.iter().filter(|wrap| !self.left_out.contains(&wrap.bug)).collect();
            let starts: Vec<_> = wraps.iter().map(|wrap| self.open(wrap)).collect();
            self.write(edit.bytes.clone(), &others[..inside]);
            for (wrap, start) in wraps.iter().zip(starts).rev() {
                self.out.push_str(&wrap.behind);
                self.regions.push(Region { bug: wrap.bug, bytes: start..self.out.len() });
            }
            at = edit.bytes.end;
            edits = &others[inside..];
        }
        self.out.push_str(&self.text[at..bytes.end]);
    }

    /// Writes what comes before an edit, and returns where that begins.
    fn open(&mut self, wrap: &Wrap) -> usize {
        let start = self.out.len();
        self.out.push_str(&wrap.before);
        self.regions.push(Region { bug: wrap.bug, bytes: start..self.out.len() });
        start
    }
}
