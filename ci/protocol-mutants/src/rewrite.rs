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
    // Those that begin first and end last are outside.
    let mut order: Vec<_> = edits.iter().collect();
    order.sort_by_key(|edit| (edit.bytes.start, usize::MAX - edit.bytes.end));
    let (mut out, mut regions, mut at) = (String::new(), Vec::new(), 0);
    let mut open: Vec<(usize, Vec<(usize, usize, &str)>)> = Vec::new();
    let mut close_until = |position: usize, at: &mut usize, out: &mut String, open: &mut Vec<(usize, Vec<(usize, usize, &str)>)>| {
        while open.last().is_some_and(|(end, _)| *end <= position) {
            let (end, wraps) = open.pop().expect("there is one");
            out.push_str(&text[*at..end]);
            *at = end;
            for (bug, start, behind) in wraps.into_iter().rev() {
                out.push_str(behind);
                regions.push(Region { bug, bytes: start..out.len() });
            }
        }
    };
    let mut alternatives = Vec::new();
    for edit in order {
        close_until(edit.bytes.start, &mut at, &mut out, &mut open);
        out.push_str(&text[at..edit.bytes.start]);
        at = edit.bytes.start;
        let mut wraps = Vec::new();
        for wrap in edit.wraps.iter().filter(|wrap| !left_out.contains(&wrap.bug)) {
            let start = out.len();
            out.push_str(&wrap.before);
            alternatives.push(Region { bug: wrap.bug, bytes: start..out.len() });
            wraps.push((wrap.bug, start, wrap.behind.as_str()));
        }
        open.push((edit.bytes.end, wraps));
    }
    close_until(text.len(), &mut at, &mut out, &mut open);
    out.push_str(&text[at..]);
    regions.extend(alternatives);
    (out, regions)
}
