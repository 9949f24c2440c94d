//! Writes to the terminal without ever panicking: `println!` does, when somebody pipes the output
//! to `head`.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the output could not be written, other than because its reader has gone.
static OUTPUT_FAILED: AtomicBool = AtomicBool::new(false);

/// Writes a line to standard output. A reader that has seen enough is no error; the first other
/// failure is reported.
pub fn say(line: fmt::Arguments<'_>) {
    let Err(error) = writeln!(io::stdout(), "{line}") else { return };
    // ORDERING: Relaxed. A flag; `output_failed` reads it after the threads that write have been
    // joined.
    if error.kind() != ErrorKind::BrokenPipe && !OUTPUT_FAILED.swap(true, Ordering::Relaxed) {
        warn(format_args!("cannot write the output: {error}"));
    }
}

/// Writes a line to standard error. Where even that fails, there is nobody left to tell.
pub fn warn(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "controller: {line}");
}

/// Whether a line could not be written.
pub fn output_failed() -> bool {
    // ORDERING: Relaxed. See `say`.
    OUTPUT_FAILED.load(Ordering::Relaxed)
}

/// The text on one line, without control characters: file names and configurations may hold any,
/// and a terminal obeys them.
pub fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}
