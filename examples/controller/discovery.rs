//! Finds the configurations, and reads none of them.

use std::collections::HashSet;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A configuration to load, or a place where there may be some and nobody can look.
pub struct Source {
    pub path: Arc<Path>,
    /// Why the directory at `path` cannot be searched. It is rolled out as an unreadable
    /// configuration, so that it fails loudly and not by its absence.
    pub unsearchable: Option<String>,
}

/// Which directories a search enters, and which files it takes.
struct Rules {
    enters: fn(&OsStr) -> bool,
    takes: fn(&Path) -> bool,
}

const TOML_FILES: Rules = Rules {
    enters: |name| name != "target" && name != ".git",
    takes: |path| path.extension().is_some_and(|extension| extension == "toml"),
};

const MANIFESTS: Rules = Rules {
    enters: |name| {
        let name = name.as_encoded_bytes();
        !name.starts_with(b".") && name != b"target" && !name.starts_with(b"target-")
    },
    takes: |path| path.file_name().is_some_and(|name| name == "Cargo.toml"),
};

/// Finds what `paths` name, each once, in their order; within a directory, in the order of the
/// names.
pub fn find(paths: &[PathBuf]) -> Vec<Source> {
    let mut sources = Vec::new();
    for path in paths {
        if path.is_dir() {
            search(path, &TOML_FILES, &mut sources);
        } else {
            // Missing files too: to say so is the loader's business.
            sources.push(Source { path: path.as_path().into(), unsearchable: None });
        }
    }
    let mut known = HashSet::new();
    sources.retain(|source| known.insert(Arc::clone(&source.path)));
    sources
}

/// Finds every manifest of this repository, or of the current directory where the repository is not
/// there any more.
pub fn find_repository() -> Vec<Source> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let current = env::current_dir().unwrap_or_default();
    let mut sources = Vec::new();
    search(if repository.is_dir() { repository } else { &current }, &MANIFESTS, &mut sources);
    for source in &mut sources {
        // Paths are easier to read without what everybody knows.
        if let Ok(relative) = source.path.strip_prefix(&current) {
            source.path = relative.into();
        }
    }
    sources
}

/// Searches `root` and what is below it, not through symbolic links to directories: so it ends.
fn search(root: &Path, rules: &Rules, sources: &mut Vec<Source>) {
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        match entries(&directory) {
            Ok(entries) => {
                let mut below = Vec::new();
                for (path, is_directory) in entries {
                    if is_directory {
                        below.push(path);
                    } else if (rules.takes)(&path) && !path.is_dir() {
                        sources.push(Source { path: path.into(), unsearchable: None });
                    }
                }
                below.retain(|path| path.file_name().is_some_and(rules.enters));
                directories.extend(below.into_iter().rev());
            }
            Err(error) => {
                let reason = format!("cannot search this directory: {error}");
                sources.push(Source { path: directory.into(), unsearchable: Some(reason) });
            }
        }
    }
}

/// The entries of a directory in the order of their names, and whether each is a directory itself.
fn entries(directory: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        // Not that of a link's target: a link is not entered.
        let is_directory = entry.file_type()?.is_dir();
        entries.push((entry.path(), is_directory));
    }
    entries.sort();
    Ok(entries)
}
