//! What a run has found: a table, what nobody has noticed, and `known.tsv` for the next run.

use crate::engine;
use crate::known::{self, Fate};
use crate::planted::{self, Planted};
use crate::reach;
use crate::results;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;
use std::path::Path;

/// Prints how many bugs of each kind each engine has noticed, and those that nobody has noticed and
/// no reason is given for. Whether there are none of those, and every bug was asked.
pub fn print(tree: &Path) -> io::Result<bool> {
    let bugs = planted::read(tree)?;
    let known = known::read()?;
    let engines = engine::in_parts(engine::read(tree)?);
    let last = engines.last().map(|engine| engine.label.as_str()).unwrap_or_default();
    let (mut asked_last, mut noticed) = (HashSet::new(), HashMap::new());
    let results = results::read(tree)?;
    for answer in &results {
        if answer.is_noticed {
            noticed.entry(answer.bug).or_insert(answer.label.as_str());
        }
        if answer.label == last {
            asked_last.insert(answer.bug);
        }
    }
    let is_argued = |bug: &Planted| matches!(known.get(&bug.key), Some(Fate::Argued(_)));
    let column = |bug: &Planted| match noticed.get(&bug.number) {
        Some(label) => label,
        None if is_argued(bug) => "argued",
        None if asked_last.contains(&bug.number) => "nobody",
        None => "still to be asked",
    };
    let labels = engines.iter().map(|engine| engine.label.as_str());
    let columns: Vec<_> = labels.chain(["argued", "nobody", "still to be asked"]).collect();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for bug in &bugs {
        *counts.entry((&bug.key.kind, column(bug))).or_default() += 1;
    }
    println!("| what was planted | bugs | {} |", columns.join(" | "));
    println!("|---|--:|{}", "--:|".repeat(columns.len()));
    let kinds: BTreeSet<_> = bugs.iter().map(|bug| bug.key.kind.as_str()).collect();
    for kind in kinds {
        let row: Vec<_> = columns.iter().map(|column| counts.get(&(kind, column)).copied().unwrap_or(0)).collect();
        let cells: String = row.iter().map(|count| format!(" {count} |")).collect();
        println!("| {kind} | {} |{cells}", row.iter().sum::<usize>());
    }
    println!("\nNobody has noticed, with the engines that reach it:");
    let tests = reach::read(tree)?;
    let left: Vec<_> = bugs.iter().filter(|bug| ["nobody", "still to be asked"].contains(&column(bug))).collect();
    for bug in &left {
        let reached = engines.iter().filter(|engine| tests.iter().any(|test| engine.asks(test, bug.number)));
        let reached: Vec<_> = reached.map(|engine| engine.label.as_str()).collect();
        println!("{}\t{}\t{}\t{}\t{}", bug.number, bug.place, bug.key.kind, bug.key.what, reached.join(", "));
    }
    Ok(left.is_empty())
}

/// Writes down who has noticed which bug, and keeps the reasons for those that nobody has to
/// notice. What is no longer planted goes.
pub fn note(tree: &Path) -> io::Result<()> {
    let before = known::read()?;
    let engines = engine::in_parts(engine::read(tree)?);
    let mut noticed = HashMap::new();
    for answer in results::read(tree)? {
        let engine = engines.iter().find(|engine| engine.label == answer.label);
        if let (true, Some(engine)) = (answer.is_noticed, engine) {
            noticed.entry(answer.bug).or_insert(Fate::Noticed { engine: engine.name.clone(), test: answer.test });
        }
    }
    let fate = |bug: &Planted| noticed.get(&bug.number).or(before.get(&bug.key)).cloned();
    let known = planted::read(tree)?.into_iter().filter_map(|bug| Some((bug.key.clone(), fate(&bug)?))).collect();
    known::write(&known)
}
