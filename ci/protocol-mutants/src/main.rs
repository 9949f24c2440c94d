//! Plants bugs into the protocol of ringbus, all of them at once, each behind a switch: the
//! environment says at run time which one is on. So they are built once for each engine, instead of
//! once for each bug.
//!
//! ```text
//! protocol-mutants plant TREE
//! protocol-mutants run TREE [--all] [JOBS]
//! protocol-mutants run TREE --none [JOBS]
//! protocol-mutants table TREE
//! protocol-mutants note TREE
//! ```
//!
//! TREE is a copy of the project. Its `src/` is rewritten, and `TREE/planted.tsv` lists the bugs.
//! Bugs that do not compile are left out: the compiler is asked, in
//! each configuration, until it is content.
//!
//! A run with no bug on notes which bugs each test reaches, so a bug is asked only of tests that
//! can notice it. `known.tsv`, beside this program, says what earlier runs found: `note` writes it,
//! and its lines with `argued` say why nobody has to notice that bug.
//!
//! What is planted, wherever it can be: each ordering one step weaker; each fence, wake-up or other
//! statement left out; each two neighbours of a block the other way round; each condition, and each
//! of its parts, always true or never, unless the compiler decides it; each other comparison turned
//! round; each read-copy-update split into a load and a store.

mod compile;
mod engine;
mod known;
mod plant;
mod planted;
mod reach;
mod results;
mod rewrite;
mod run;
mod table;

use crate::plant::Bug;
use crate::rewrite::Region;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs, io, process};

/// What is no part of the protocol, or no part of the library.
const LEFT_ALONE: [&str; 9] =
    ["sync", "sync.rs", "lib.rs", "planted.rs", "builder.rs", "options.rs", "event", "event.rs", "typed.rs"];

fn main() -> io::Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["plant", tree] => plant(Path::new(tree)),
        ["table", tree] => {
            if !table::print(Path::new(tree))? {
                process::exit(1);
            }
            Ok(())
        }
        ["note", tree] => table::note(Path::new(tree)),
        ["run", tree, ref rest @ ..] => {
            let jobs = rest.iter().find_map(|word| word.parse().ok()).unwrap_or(1);
            if rest.contains(&"--none") {
                run::run_none(Path::new(tree), jobs)
            } else {
                run::run(Path::new(tree), rest.contains(&"--all"), jobs)
            }
        }
        _ => panic!("plant TREE, run TREE [--all] [JOBS], run TREE --none [JOBS], table TREE, or note TREE"),
    }
}

/// What a file holds; nothing if there is none.
fn text_of(path: &Path) -> io::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        text => text,
    }
}

fn plant(tree: &Path) -> io::Result<()> {
    let sources = sources(&tree.join("src"))?;
    fs::write(tree.join("src/planted.rs"), include_str!("switch.rs.txt"))?;
    let lib = tree.join("src/lib.rs");
    let text = fs::read_to_string(&lib)?;
    if !text.contains("mod planted;") {
        fs::write(&lib, format!("{text}\npub(crate) mod planted;\n"))?;
    }
    let (mut bugs, mut edits) = (Vec::new(), Vec::new());
    for (path, text) in &sources {
        edits.push(plant::plant(path, text, &mut bugs));
    }
    println!("{} bugs in {} files", bugs.len(), sources.len());
    let mut left_out = BTreeSet::new();
    loop {
        let mut regions = Vec::new();
        for ((path, text), edits) in sources.iter().zip(&edits) {
            let (planted, of_file) = rewrite::rewrite(text, edits, &left_out);
            fs::write(path, planted)?;
            regions.push((path.clone(), of_file));
        }
        let refused = compile::refused(tree, &regions)?;
        if refused.is_empty() {
            break;
        }
        println!("{} do not compile", refused.len());
        left_out.extend(refused);
    }
    bugs.retain(|bug| !left_out.contains(&bug.number));
    let list: String = bugs.iter().map(|bug| format!("{}\n", line(tree, bug))).collect();
    fs::write(tree.join("planted.tsv"), list)?;
    println!("{} bugs planted", bugs.len());
    Ok(())
}

fn line(tree: &Path, bug: &Bug) -> String {
    let path = bug.path.strip_prefix(tree).unwrap_or(&bug.path).display();
    format!("{}\t{path}:{}\t{}\t{}", bug.number, bug.line, bug.kind, bug.what)
}

/// The files of the protocol, with what is in them, always in the same order.
fn sources(folder: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    let mut paths: Vec<_> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    paths.sort();
    let mut sources = Vec::new();
    for path in paths {
        if LEFT_ALONE.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        if path.is_dir() {
            sources.extend(self::sources(&path)?);
        } else {
            let text = fs::read_to_string(&path)?;
            sources.push((path, text));
        }
    }
    Ok(sources)
}

/// A file as it was rewritten: which bytes of it belong to which bug.
type Regions = Vec<(PathBuf, Vec<Region>)>;
