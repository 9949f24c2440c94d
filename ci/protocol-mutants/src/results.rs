//! What was asked, and what the engines said, `TREE/results.tsv`: bug, engine, verdict, seconds,
//! and the test that noticed.

use crate::engine::Verdict;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// What an engine, or a part of one, said of a bug.
pub struct Answer {
    pub bug: usize,
    pub label: String,
    pub is_noticed: bool,
    pub test: String,
}

/// What was said in this tree; nothing if nobody was asked.
pub fn read(tree: &Path) -> io::Result<Vec<Answer>> {
    let answer = |line: &str| {
        let mut fields = line.split('\t');
        Some(Answer {
            bug: fields.next()?.parse().ok()?,
            label: fields.next()?.to_owned(),
            is_noticed: fields.next()? != Verdict::Lives.name(),
            test: fields.nth(1)?.to_owned(),
        })
    };
    Ok(crate::text_of(&tree.join("results.tsv"))?.lines().filter_map(answer).collect())
}

/// The file, to be continued.
pub fn open(tree: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(tree.join("results.tsv"))
}
