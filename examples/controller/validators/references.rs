//! Judges whether every path that a manifest names exists.

use super::Document;
use crate::events::Judgement;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The tables of dependencies: of a package, of its targets, and of a workspace.
const DEPENDENCIES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
/// The arrays of tables that describe one compilation target each.
const TARGETS: [&str; 4] = ["bin", "example", "test", "bench"];
/// What begins a pattern in the members of a workspace.
const GLOB_CHARACTERS: [char; 3] = ['*', '?', '['];

/// Accepts a manifest whose paths all exist; refuses the others with each path that does not.
pub fn check(path: &Path, text: &str) -> Judgement {
    let manifest = match Document::read(text).into_manifest() {
        Ok(manifest) => manifest,
        Err(remark) => return Ok(remark),
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let references = references(&manifest);
    let missing: Vec<String> = references.iter().filter_map(|reference| reference.missing_below(folder)).collect();
    match (missing.is_empty(), references.len()) {
        (false, _) => Err(missing),
        (true, 0) => Ok("names no path".to_owned()),
        (true, 1) => Ok("names 1 path, which exists".to_owned()),
        (true, count) => Ok(format!("names {count} paths, which exist")),
    }
}

/// What there has to be at a path.
enum Wanted {
    File,
    Directory,
    /// A directory with a `Cargo.toml`.
    Package,
}

/// A path that a manifest names.
struct Reference {
    /// Where in the manifest, such as `dependencies.serde.path`.
    place: String,
    path: PathBuf,
    wanted: Wanted,
}

impl Reference {
    /// The reason to refuse, where the path, seen from `folder`, does not lead to what is wanted.
    fn missing_below(&self, folder: &Path) -> Option<String> {
        let target = folder.join(&self.path);
        let (exists, complaint) = match self.wanted {
            Wanted::File => (target.is_file(), "is no file"),
            Wanted::Directory => (target.is_dir(), "is no directory"),
            Wanted::Package => (target.join("Cargo.toml").is_file(), "holds no Cargo.toml"),
        };
        (!exists).then(|| format!("{}: `{}` {complaint}", self.place, self.path.display()))
    }
}

/// Every path that a manifest names, in no order that matters.
fn references(manifest: &Table) -> Vec<Reference> {
    let mut found = Vec::new();
    dependency_tables(manifest, "", &mut found);
    for (target, table) in tables_in(manifest.get("target")) {
        dependency_tables(table, &format!("target.{target}."), &mut found);
    }
    for (registry, table) in tables_in(manifest.get("patch")) {
        dependencies(table, &format!("patch.{registry}"), &mut found);
    }
    if let Some(library) = table(manifest, "lib") {
        file(library, "lib", "path", &mut found);
    }
    for kind in TARGETS {
        for target in manifest.get(kind).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table) {
            file(target, kind, "path", &mut found);
        }
    }
    if let Some(package) = table(manifest, "package") {
        described(package, "package", &mut found);
        file(package, "package", "build", &mut found);
        if let Some(root) = package.get("workspace").and_then(Value::as_str) {
            add("package.workspace".to_owned(), root, Wanted::Package, &mut found);
        }
    }
    if let Some(workspace) = table(manifest, "workspace") {
        dependency_tables(workspace, "workspace.", &mut found);
        if let Some(package) = table(workspace, "package") {
            described(package, "workspace.package", &mut found);
        }
        members(workspace, "members", &mut found);
        members(workspace, "default-members", &mut found);
    }
    found
}

fn table<'a>(table: &'a Table, key: &str) -> Option<&'a Table> {
    table.get(key)?.as_table()
}

/// The entries of a table that are tables themselves.
fn tables_in(value: Option<&Value>) -> impl Iterator<Item = (&String, &Table)> {
    let entries = value.and_then(Value::as_table).into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key, value.as_table()?)))
}

fn add(place: String, path: &str, wanted: Wanted, found: &mut Vec<Reference>) {
    found.push(Reference { place, path: PathBuf::from(path), wanted });
}

/// A key whose value, where it is a string, names a file. (`build = false` and `readme.workspace =
/// true` name none.)
fn file(table: &Table, place: &str, key: &str, found: &mut Vec<Reference>) {
    if let Some(path) = table.get(key).and_then(Value::as_str) {
        add(format!("{place}.{key}"), path, Wanted::File, found);
    }
}

/// The files by which a package describes itself.
fn described(package: &Table, place: &str, found: &mut Vec<Reference>) {
    file(package, place, "readme", found);
    file(package, place, "license-file", found);
}

fn dependency_tables(parent: &Table, prefix: &str, found: &mut Vec<Reference>) {
    for kind in DEPENDENCIES {
        if let Some(table) = table(parent, kind) {
            dependencies(table, &format!("{prefix}{kind}"), found);
        }
    }
}

fn dependencies(table: &Table, place: &str, found: &mut Vec<Reference>) {
    for (name, dependency) in table {
        if let Some(path) = dependency.get("path").and_then(Value::as_str) {
            add(format!("{place}.{name}.path"), path, Wanted::Package, found);
        }
    }
}

fn members(workspace: &Table, key: &str, found: &mut Vec<Reference>) {
    for member in workspace.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        let place = format!("workspace.{key}");
        match member.find(GLOB_CHARACTERS) {
            None => add(place, member, Wanted::Package, found),
            // A pattern may match nothing; the directory in which it looks has to be there.
            Some(pattern) => {
                let directory = member[..pattern].rfind('/').map_or(".", |slash| &member[..=slash]);
                add(format!("{place} `{member}`"), directory, Wanted::Directory, found);
            }
        }
    }
}
