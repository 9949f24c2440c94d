//! Runs examples as a user runs them: as processes.

use std::collections::HashMap;
use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{LazyLock, Mutex};

/// An example with the feature `derive`, built as this test was: `cargo test` builds examples too,
/// but not if it is told to run certain tests only.
pub fn example(name: &'static str) -> Command {
    static BUILT: LazyLock<Mutex<HashMap<&str, PathBuf>>> = LazyLock::new(Mutex::default);
    Command::new(BUILT.lock().unwrap().entry(name).or_insert_with(|| build(name)))
}

fn build(name: &str) -> PathBuf {
    let test = env::current_exe().expect("the test knows where it is");
    let profile = test.ancestors().nth(2).expect("tests are in target/<profile>/deps");
    // If cargo was told for which platform to build, a directory of its name is in between.
    let is_cross = env::var_os("CARGO_BUILD_TARGET").is_some();
    let target = profile.ancestors().nth(if is_cross { 2 } else { 1 }).expect("profiles are in target");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--offline", "--features", "derive", "--example", name, "--target-dir"]);
    build.arg(target).current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    // With fewer features than the test has, there would be the whole library to build once more.
    for (feature, is_on) in [
        ("lane", cfg!(feature = "lane")),
        ("serde", cfg!(feature = "serde")),
        ("tokio", cfg!(feature = "tokio")),
        ("tracing", cfg!(feature = "tracing")),
    ] {
        if is_on {
            build.args(["--features", feature]);
        }
    }
    assert!(build.status().expect("cargo runs").success(), "the example builds");
    profile.join("examples").join(format!("{name}{}", env::consts::EXE_SUFFIX))
}
