//! Other programs of this package: what must not be measured by the report itself.

use std::error::Error;
use std::process::{Command, Stdio};

/// Builds a program of this package with a profile of cargo.
///
/// # Errors
///
/// If it cannot be built.
pub fn build(profile: &str, program: &str) -> Result<(), Box<dyn Error>> {
    let status = cargo("build", profile, program).stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("cargo could not build {program}: {status}").into()) }
}

/// Builds a program if it is not built yet, runs it, and returns what it writes.
///
/// # Errors
///
/// If it cannot be built, fails, or does not write text.
pub fn run(profile: &str, program: &str, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let output =
        cargo("run", profile, program).args(["--quiet", "--"]).args(arguments).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{program} failed: {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The cargo that has started this program, if one has.
fn cargo(command: &str, profile: &str, program: &str) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args([command, "--profile", profile, "--bin", program]);
    cargo
}
