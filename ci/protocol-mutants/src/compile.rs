//! Asks the compiler which bugs it refuses.

use crate::Regions;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::process::Command;

/// The configurations in which the planted tree is built: flags of the compiler, arguments of
/// cargo.
const CONFIGURATIONS: [(&str, &[&str]); 3] = [
    ("", &["--features", "derive,lane,serde,tokio,tracing"]),
    ("--cfg loom", &["-p", "ringbus", "--features", "__loom,lane"]),
    ("--cfg shuttle", &["-p", "ringbus", "--features", "__shuttle,lane"]),
];

/// The bugs that do not compile in some configuration; none once all do.
pub fn refused(tree: &Path, regions: &Regions) -> io::Result<BTreeSet<usize>> {
    let mut refused = BTreeSet::new();
    for (number, (flags, arguments)) in CONFIGURATIONS.into_iter().enumerate() {
        let output = Command::new("cargo")
            .args(["check", "--lib", "--quiet", "--message-format=json"])
            .args(arguments)
            .env("RUSTFLAGS", format!("{flags} --cap-lints=allow -Awarnings"))
            .env("CARGO_TARGET_DIR", tree.join(format!("target/check-{number}")))
            .current_dir(tree)
            .output()?;
        if output.status.success() {
            continue;
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        let found = errors(&messages, tree, regions);
        assert!(
            !found.is_empty(),
            "an error that is no bug's:\n{}{}",
            rendered(&messages),
            String::from_utf8_lossy(&output.stderr)
        );
        refused.extend(found);
        return Ok(refused);
    }
    Ok(refused)
}

fn errors(messages: &str, tree: &Path, regions: &Regions) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    for line in messages.lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
        let message = &message["message"];
        if message["level"] != "error" {
            continue;
        }
        for span in message["spans"].as_array().into_iter().flatten().filter(|span| span["is_primary"] == true) {
            let file = tree.join(span["file_name"].as_str().unwrap_or_default());
            let bytes =
                span["byte_start"].as_u64().unwrap_or(0) as usize..span["byte_end"].as_u64().unwrap_or(0) as usize;
            let of_file = regions.iter().filter(|(path, _)| *path == file).flat_map(|(_, regions)| regions);
            let around = of_file.filter(|region| region.bytes.start <= bytes.start && bytes.end <= region.bytes.end);
            found.extend(around.min_by_key(|region| region.bytes.len()).map(|region| region.bug));
        }
    }
    found
}

fn rendered(messages: &str) -> String {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.filter_map(|line| line["message"]["rendered"].as_str().map(str::to_owned)).collect()
}
