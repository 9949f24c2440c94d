//! The command line.

use crate::validators;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

pub const USAGE: &str = "\
Rolls out configurations: loads TOML files, has them validated, and applies those that the validators accept.

Usage: controller [OPTION ...] [FILE|DIR ...]

  FILE            a TOML file, whatever its name
  DIR             every *.toml below it, outside target/ and .git/
                  Without arguments: every Cargo.toml of this repository.

  --slow NAME     a validator (syntax, references, policy) that answers after twice the timeout
  --min NUMBER    how many of the three validators must have answered, and accepted; 3 unless set
  --timeout MS    how long to wait for them, in milliseconds; 1000 unless set
  -h, --help      shows this text

Exit status: 0 if everything was applied, 1 if anything was refused, 2 if the command line was not understood.";

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);

/// What the command line asks for.
pub enum Command {
    Help,
    RollOut(RollOut),
}

/// What to roll out, and how.
pub struct RollOut {
    /// The files and directories to roll out; none means this repository.
    pub paths: Vec<PathBuf>,
    /// The validator that is too slow.
    pub slow: Option<&'static str>,
    /// How many validators must have answered.
    pub min: usize,
    /// How long to wait for them.
    pub timeout: Duration,
}

/// Reads the command line.
///
/// # Errors
///
/// What is wrong with the first option that is not understood.
pub fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Command, String> {
    let mut roll_out = RollOut { paths: Vec::new(), slow: None, min: validators::ALL.len(), timeout: DEFAULT_TIMEOUT };
    let mut options_ended = false;
    while let Some(argument) = arguments.next() {
        let is_option = !options_ended && argument.len() > 1 && argument.as_encoded_bytes().starts_with(b"-");
        match argument.to_str() {
            Some("--") if is_option => options_ended = true,
            Some("-h" | "--help") if is_option => return Ok(Command::Help),
            Some("--slow") if is_option => roll_out.slow = Some(validator(arguments.next().as_deref())?),
            Some("--min") if is_option => roll_out.min = minimum(arguments.next().as_deref())?,
            Some("--timeout") if is_option => roll_out.timeout = milliseconds(arguments.next().as_deref())?,
            _ if is_option => return Err(format!("unknown option {}", argument.to_string_lossy())),
            _ => roll_out.paths.push(PathBuf::from(argument)),
        }
    }
    Ok(Command::RollOut(roll_out))
}

fn validator(value: Option<&OsStr>) -> Result<&'static str, String> {
    let known = validators::names().find(|name| value == Some(OsStr::new(name)));
    known.ok_or_else(|| "--slow takes the name of a validator: syntax, references or policy".to_owned())
}

fn minimum(value: Option<&OsStr>) -> Result<usize, String> {
    let all = validators::ALL.len();
    let number = number(value).filter(|number| (1..=all as u64).contains(number));
    number.map(|number| number as usize).ok_or_else(|| format!("--min takes a number from 1 to {all}"))
}

fn milliseconds(value: Option<&OsStr>) -> Result<Duration, String> {
    // An hour is more than anybody waits for, and far from what a clock cannot count.
    let number = number(value).filter(|number| (1..=3_600_000).contains(number));
    number.map(Duration::from_millis).ok_or_else(|| "--timeout takes a number from 1 to 3600000".to_owned())
}

fn number(value: Option<&OsStr>) -> Option<u64> {
    value?.to_str()?.parse().ok()
}
