//! The example `fleet`, run as a user runs it: processes on a server.

use std::env;
use std::process::Command;

/// The example, built as this test was.
fn fleet() -> Command {
    let test = env::current_exe().expect("the test knows where it is");
    let profile = test.ancestors().nth(2).expect("tests are in target/<profile>/deps");
    let is_cross = env::var_os("CARGO_BUILD_TARGET").is_some();
    let target = profile.ancestors().nth(if is_cross { 2 } else { 1 }).expect("profiles are in target");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--offline", "--example", "fleet", "--target-dir"]).arg(target);
    build.current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    // What cargo says to a test about its package. The build script of a dependency (ring) would
    // take note of it, and begin anew. What cargo itself goes by stays: with another profile, there
    // would be all dependencies to build once more.
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(|name| name.starts_with("CARGO_"))) {
        let is_setting = ["CARGO_HOME", "CARGO_INCREMENTAL", "CARGO_BUILD_", "CARGO_PROFILE_"]
            .iter()
            .any(|setting| name.to_str().is_some_and(|name| name.starts_with(setting)));
        if !is_setting {
            build.env_remove(name);
        }
    }
    // With other features, there would be the whole package to build once more.
    for (feature, is_on) in [("postcard", cfg!(feature = "postcard")), ("__internals", cfg!(feature = "__internals"))] {
        if is_on {
            build.args(["--features", feature]);
        }
    }
    assert!(build.status().expect("cargo runs").success(), "the example builds");
    Command::new(profile.join("examples").join(format!("fleet{}", env::consts::EXE_SUFFIX)))
}

const DECISIONS: &str = "\
version 1 with 3 replicas: applied
version 2 with 30 replicas: refused, capacity: there is room for 10
version 3 with 3 replicas: not applied, no response from policy
version 3 with 3 replicas: applied
4 events sent, all with the server
";

#[test]
fn rollouts_are_decided_by_processes_elsewhere_and_a_dead_one_is_named() {
    let run = fleet().output().expect("the example runs");
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{out}{err}");
    let (_, decisions) = out.split_once("\n\n").expect("the server's address stands before");
    assert_eq!(decisions, format!("an enum:\n{DECISIONS}\nevents of any Rust type:\n{DECISIONS}"));
}
