//! Prints what is left to say when the roll-out is over.

use crate::console::{printable, say, warn};
use crate::gauge::Counts;
use crate::notifier::Digest;
use ringbus::BusStats;
use std::time::Duration;

/// Prints what the bus has counted, a line for each subscriber: what it received, what it lost, and
/// how full its ring was.
pub fn print_stats(stats: &BusStats) {
    say(format_args!("\n{stats}"));
}

/// Prints what the gauge has seen, which may be less than there was.
pub fn print_gauge(counts: &Counts, stats: &BusStats) {
    let seen: usize = counts.values().sum();
    say(format_args!(""));
    say(format_args!("The gauge saw {seen} of {} events:", stats.published));
    for (event_type, count) in counts {
        say(format_args!("  {event_type:<18}  {count:>8}"));
    }
    say(format_args!(""));
}

/// Prints how many verdicts nobody waited for any more, if there were any.
pub fn print_late(stats: &BusStats) {
    if stats.late_responses > 0 {
        say(format_args!("Verdicts that came too late to count: {}", stats.late_responses));
        say(format_args!(""));
    }
}

/// Prints the last line, and on standard error each reason why a configuration was refused. Returns
/// whether all were applied.
pub fn print_outcome(digest: &Digest, took: Duration) -> bool {
    for (path, reasons) in &digest.refusals {
        for reason in reasons {
            warn(format_args!("refused {}: {}", printable(&path.to_string_lossy()), printable(reason)));
        }
    }
    let Some((applied, refused)) = digest.finished else {
        warn(format_args!("the roll-out did not come to its end"));
        return false;
    };
    say(format_args!("{applied} applied, {refused} refused in {:.1} ms", took.as_secs_f64() * 1e3));
    refused == 0
}
