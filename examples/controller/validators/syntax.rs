//! Judges whether a configuration is TOML at all.

use crate::events::Judgement;
use std::path::Path;
use toml::Table;

/// Accepts what the `toml` crate reads; refuses the rest with the line and column of the first
/// error.
pub fn check(_path: &Path, text: &str) -> Judgement {
    match text.parse::<Table>() {
        Ok(_) => Ok("well-formed".to_owned()),
        Err(error) => {
            // `Display` of the error draws a picture of several lines; a reason is one line.
            let message = error.message().replace('\n', ", ");
            Err(vec![match error.span() {
                Some(span) => {
                    let (line, column) = position(text, span.start);
                    format!("line {line}, column {column}: {message}")
                }
                None => message,
            }])
        }
    }
}

/// The line and the column, in characters, both from 1, of a byte of the text.
fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
