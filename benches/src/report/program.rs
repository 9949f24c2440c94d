//! Other programs of this package: what must not be measured by the report itself.
//!
//! If the sources and cargo are there, cargo builds and runs them. On another machine, to which the
//! programs were copied, they are looked for in one folder.

use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
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

/// Whether the sources are there, from which this program was built.
#[must_use]
pub fn has_sources() -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml").is_file()
}

/// Whether cargo can build a program here.
fn can_build() -> bool {
    let version = || Command::new(cargo_path()).arg("--version").stdout(Stdio::null()).status();
    has_sources() && version().is_ok_and(|status| status.success())
}

/// A program of the default build, which can be run if it is there.
///
/// # Errors
///
/// If it is not there, and cannot be built because the sources or cargo are not there either.
pub fn check(program: &str) -> Result<(), Box<dyn Error>> {
    if can_build() || beside(program)?.is_file() {
        return Ok(());
    }
    Err(format!("nothing can be built here, and there is no {}", beside(program)?.display()).into())
}

/// Where a program lies that was copied here together with this one.
fn beside(program: &str) -> Result<PathBuf, Box<dyn Error>> {
    let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    Ok(std::env::current_exe()?.with_file_name(name))
}

/// Runs a program, which is built first if that is possible, and returns what it writes.
///
/// # Errors
///
/// If it cannot be built, fails, or does not write text.
pub fn run(profile: &str, program: &str, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let mut command = if can_build() {
        let mut command = cargo("run", profile, program);
        command.args(["--quiet", "--"]);
        command
    } else {
        Command::new(beside(program)?)
    };
    let output = command.args(arguments).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{program} failed: {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The cargo that has started this program, if one has.
fn cargo(command: &str, profile: &str, program: &str) -> Command {
    let mut cargo = Command::new(cargo_path());
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args([command, "--profile", profile, "--bin", program]);
    cargo
}

fn cargo_path() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
