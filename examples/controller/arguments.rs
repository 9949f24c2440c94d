//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

pub const USAGE: &str = "\
Rolls out configurations: loads TOML files, has them validated, and applies those that every validator accepts.

Usage: controller [FILE|DIR ...]

  FILE    a TOML file, whatever its name
  DIR     every *.toml below it, outside target/ and .git/
          Without arguments: every Cargo.toml of this repository.

  -h, --help    shows this text

Exit status: 0 if everything was applied, 1 if anything was refused, 2 if the command line was not understood.";

/// What the command line asks for.
pub enum Command {
    Help,
    /// The files and directories to roll out; none means this repository.
    RollOut(Vec<PathBuf>),
}

/// Reads the command line.
///
/// # Errors
///
/// The first option that is not known.
pub fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Command, String> {
    let mut paths = Vec::new();
    let mut options_ended = false;
    for argument in arguments {
        let is_option = !options_ended && argument.len() > 1 && argument.as_encoded_bytes().starts_with(b"-");
        match argument.to_str() {
            Some("--") if is_option => options_ended = true,
            Some("-h" | "--help") if is_option => return Ok(Command::Help),
            _ if is_option => return Err(format!("unknown option {}", argument.to_string_lossy())),
            _ => paths.push(PathBuf::from(argument)),
        }
    }
    Ok(Command::RollOut(paths))
}
