//! Judges whether a package states what everybody who builds or ships it needs to know.

use super::Document;
use crate::events::Judgement;
use std::path::Path;
use toml::{Table, Value};

/// What a package has to state, and the keys that do: any one of them.
const REQUIRED: [(&str, &[&str]); 3] = [
    ("`edition`", &["edition"]),
    ("a licence (`license` or `license-file`)", &["license", "license-file"]),
    ("`rust-version`", &["rust-version"]),
];

/// Accepts a package that states its edition, its licence and its oldest compiler; refuses others
/// with all that is missing.
pub fn check(_path: &Path, text: &str) -> Judgement {
    let manifest = match Document::read(text).into_manifest() {
        Ok(manifest) => manifest,
        Err(remark) => return Ok(remark),
    };
    let Some(package) = manifest.get("package").and_then(Value::as_table) else {
        return Ok("a workspace without a package: nothing to state".to_owned());
    };
    let missing: Vec<String> = REQUIRED
        .iter()
        .filter(|(_, keys)| !keys.iter().any(|key| states(package, key)))
        .map(|(what, _)| format!("[package] does not state {what}"))
        .collect();
    if missing.is_empty() { Ok("edition, licence and rust-version stated".to_owned()) } else { Err(missing) }
}

/// Whether the package states this key, itself or by way of its workspace.
fn states(package: &Table, key: &str) -> bool {
    match package.get(key) {
        Some(Value::String(_)) => true,
        Some(value) => value.get("workspace").and_then(Value::as_bool) == Some(true),
        None => false,
    }
}
