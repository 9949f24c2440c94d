//! Losses in the log: said soon, and not for each event.

use std::time::{Duration, Instant};

/// How long to wait between two reports.
const PAUSE: Duration = Duration::from_secs(1);

/// Says now and then by how much a count has grown.
#[derive(Debug, Default)]
pub(crate) struct Occasional {
    /// What was said so far, in all.
    said: u64,
    /// When that was.
    said_at: Option<Instant>,
}

impl Occasional {
    /// By how much the count has grown since that was last said, if it is time to say so.
    pub(crate) fn news(&mut self, total: u64) -> Option<u64> {
        let news = total.saturating_sub(self.said);
        if news == 0 || self.said_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return None;
        }
        self.said = total;
        self.said_at = Some(Instant::now());
        Some(news)
    }
}
