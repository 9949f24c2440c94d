//! What the bus has counted, look by look: rates are differences.

use ringbus::{BusStats, SubscriberStats};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// From one look at the statistics to the next.
pub const INTERVAL: Duration = Duration::from_millis(500);
/// Looks that are remembered: 30 seconds.
pub const LOOKS: usize = 60;

/// The statistics of the last look, and the rates of those before.
pub struct History {
    last: BusStats,
    looked_at: Instant,
    pub published: Series,
    pub delivered: Series,
    pub dropped: Series,
    /// A row for each subscriber that was there, in the order in which they came.
    pub rows: Vec<Row>,
}

/// Events per second at each look, the newest first.
#[derive(Default)]
pub struct Series(VecDeque<u64>);

/// A subscriber, as it was at the last look.
pub struct Row {
    pub stats: SubscriberStats,
    /// Events per second.
    pub received: u64,
    /// Events per second.
    pub lost: u64,
}

impl History {
    pub fn new(stats: BusStats, now: Instant) -> Self {
        let [published, delivered, dropped] = Default::default();
        Self { last: stats, looked_at: now, published, delivered, dropped, rows: Vec::new() }
    }

    /// Remembers what is counted now.
    pub fn look(&mut self, stats: BusStats, now: Instant) {
        let took = now - self.looked_at;
        let rate = |count: u64, before: u64| per_second(count.saturating_sub(before), took);
        self.published.push(rate(stats.published, self.last.published));
        self.delivered.push(rate(stats.delivered, self.last.delivered));
        self.dropped.push(rate(stats.dropped, self.last.dropped));
        self.rows.clear();
        for subscriber in &stats.subscribers {
            // Names tell these subscribers apart. One that was not there has counted from 0.
            let before = self.last.subscribers.iter().find(|before| before.name == subscriber.name);
            self.rows.push(Row {
                received: rate(subscriber.received, before.map_or(0, |before| before.received)),
                lost: rate(subscriber.lost(), before.map_or(0, SubscriberStats::lost)),
                stats: subscriber.clone(),
            });
        }
        (self.last, self.looked_at) = (stats, now);
    }
}

impl Series {
    fn push(&mut self, rate: u64) {
        self.0.truncate(LOOKS - 1);
        self.0.push_front(rate);
    }

    /// The rate of the last look.
    pub fn newest(&self) -> u64 {
        self.0.front().copied().unwrap_or_default()
    }

    /// The rates, the newest first.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        self.0.iter().copied()
    }
}

fn per_second(count: u64, took: Duration) -> u64 {
    (count as f64 / took.as_secs_f64().max(f64::EPSILON)).round() as u64
}
