//! Losses in the log: said soon, and not for each event.

use std::mem;
use std::time::{Duration, Instant};

/// How long to wait between two reports.
const PAUSE: Duration = Duration::from_secs(1);

/// A count that is said now and then.
#[derive(Debug, Default)]
pub(crate) struct Occasional {
    unsaid: u64,
    said_at: Option<Instant>,
}

impl Occasional {
    pub(crate) fn add(&mut self, count: u64) {
        self.unsaid = self.unsaid.saturating_add(count);
    }

    /// What has come together since this was last asked, if it is time to say so.
    pub(crate) fn news(&mut self) -> Option<u64> {
        if self.said_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return None;
        }
        let news = self.rest()?;
        self.said_at = Some(Instant::now());
        Some(news)
    }

    /// The same, if nothing more will come.
    pub(crate) fn rest(&mut self) -> Option<u64> {
        Some(mem::take(&mut self.unsaid)).filter(|&unsaid| unsaid > 0)
    }
}
