//! What a bridge has counted.

use crate::NodeId;
use crate::numbering::{Balance, Tail};
use std::fmt;

/// Whether a bridge is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BridgeState {
    /// There is a connection, as far as one can know: a line that is cut shows after some
    /// heartbeats.
    Connected,
    /// There is none; the client is trying to connect again.
    Disconnected,
    /// The bridge has ended: by [`shutdown`](crate::Bridge::shutdown), because its bus is closed,
    /// or because the client has given up.
    Ended,
}

impl fmt::Display for BridgeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::Ended => "ended",
        })
    }
}

/// What a bridge has counted since it was connected, from [`Bridge::stats`](crate::Bridge::stats).
///
/// The numbers are samples while events are on their way. Once everything has come to rest, and a
/// heartbeat has passed, they are exact, and these sums hold, to the event:
///
/// - [`offered`](ExportStats::offered) = ring-dropped + expired + unencodable + sent;
/// - for each origin, [`sent`](OriginCounts::sent) = before the join + received + gap;
/// - for each origin, [`received`](OriginCounts::received) = published + refused + undecodable +
///   skipped.
///
/// Its `Display` is a table for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BridgeStats {
    /// The bridge.
    pub node: NodeId,
    /// Whether it is at work.
    pub state: BridgeState,
    /// What it has exported.
    pub export: ExportStats,
    /// What it has imported.
    pub import: ImportStats,
}

impl BridgeStats {
    /// Whether all sums hold. While events are on their way, they may not.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.export.balances()
            && self.import.forgotten.received_balances()
            && self.import.origins.iter().all(|origin| origin.balances())
    }
}

/// What became of the events that a bridge was to export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportStats {
    /// Events published on the bus, of an exported type, that were made here. Without those that
    /// stay [at home](Self::at_home).
    pub offered: u64,
    /// Of these: lost, because the export ring was full.
    pub ring_dropped: u64,
    /// Of these: given up, because there was no connection, or because they were too old, or
    /// because the time for the shutdown was over.
    pub expired: u64,
    /// Of these: refused by the codec, or longer than the server takes.
    pub unencodable: u64,
    /// Of these: handed to the client, which sends them unless the connection breaks. What breaks
    /// with it, the others count as [gap](OriginCounts::gap).
    pub sent: u64,
    /// Responses to requests that no other node has made, as far as is known: an answer goes to the
    /// node that asked, and to no other. The bridge remembers the last 16,384 requests that came
    /// in.
    pub at_home: u64,
    /// How many bytes were sent with events, envelopes included.
    pub bytes: u64,
}

impl ExportStats {
    /// Whether every event is accounted for.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.offered == self.ring_dropped + self.expired + self.unencodable + self.sent
    }
}

/// What became of the messages that came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportStats {
    /// What each node has sent, by its number.
    pub origins: Vec<OriginStats>,
    /// How many nodes were forgotten to make room for others.
    pub forgotten_origins: u64,
    /// Of these: had not said farewell, so that they may have sent more than is known.
    pub forgotten_unknown_tails: u64,
    /// What those had sent.
    pub forgotten: OriginCounts,
    /// Messages on this prefix that no bridge of this version has sent. They are part of no sum.
    pub strangers: u64,
    /// Messages turned away because more nodes were heard at once than a bridge follows.
    pub crowded: u64,
}

/// What became of the events of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OriginStats {
    /// The node.
    pub node: NodeId,
    /// Whether it may have sent more than is known.
    pub tail: Tail,
    /// What became of its events.
    pub counts: OriginCounts,
}

impl std::ops::Deref for OriginStats {
    type Target = OriginCounts;

    fn deref(&self) -> &OriginCounts {
        &self.counts
    }
}

/// What became of the events of a node, or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OriginCounts {
    /// How many it has sent, as far as was heard.
    pub sent: u64,
    /// Of these: sent before the first that was heard of it.
    pub before_join: u64,
    /// Of these: missed, or arrived after a later one.
    pub gap: u64,
    /// Messages discarded because they came after a later one, or twice. Each is in the gap, before
    /// the join, or the copy of one that was received.
    pub late: u64,
    /// Of those sent: arrived in order.
    pub received: u64,
    /// Of those received: published on the bus.
    pub published: u64,
    /// Of those received: refused by the bus, because it was closed.
    pub refused: u64,
    /// Of those received: written by another codec, refused by this one, or not of the type that
    /// they were sent as.
    pub undecodable: u64,
    /// Of those received: for another node, or of a type that is not imported.
    pub skipped: u64,
}

impl OriginCounts {
    /// Whether every event is accounted for.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.sent == self.before_join + self.received + self.gap && self.received_balances()
    }

    fn received_balances(&self) -> bool {
        self.received == self.published + self.refused + self.undecodable + self.skipped
    }

    pub(crate) fn of(balance: Balance, fate: Fate) -> Self {
        let Balance { sent, before_join, received, gap, late } = balance;
        let Fate { published, refused, undecodable, skipped } = fate;
        Self { sent, before_join, gap, late, received, published, refused, undecodable, skipped }
    }
}

/// What became of the events that were received from a node.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fate {
    pub(crate) published: u64,
    pub(crate) refused: u64,
    pub(crate) undecodable: u64,
    pub(crate) skipped: u64,
}

impl Fate {
    pub(crate) fn add(&mut self, other: Self) {
        self.published += other.published;
        self.refused += other.refused;
        self.undecodable += other.undecodable;
        self.skipped += other.skipped;
    }
}

/// What a bridge leaves behind, from [`Bridge::shutdown`](crate::Bridge::shutdown).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Whether everything that was still to be sent is with the server: it has answered after the
    /// last message, and since the shutdown began nothing has expired and no connection has broken.
    pub is_complete: bool,
    /// The final counts.
    pub stats: BridgeStats,
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_complete { "all is with the server\n" } else { "not all is with the server\n" })?;
        self.stats.fmt(f)
    }
}

impl fmt::Display for BridgeStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, state, export, import } = self;
        writeln!(f, "bridge {node}, {state}")?;
        write!(f, "{export}")?;
        if !import.origins.is_empty() || import.forgotten_origins > 0 || import.strangers > 0 || import.crowded > 0 {
            write!(f, "\n{import}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ExportStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offered, ring_dropped, expired, unencodable, sent, at_home, bytes } = self;
        write!(
            f,
            "exported: offered {offered} = ring-dropped {ring_dropped} + expired {expired} + \
             unencodable {unencodable} + sent {sent}; at home {at_home}, {bytes} bytes"
        )
    }
}

const HEAD: [&str; 11] =
    ["origin", "tail", "sent", "before", "received", "gap", "late", "published", "refused", "undecodable", "skipped"];

impl fmt::Display for ImportStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origins, forgotten_origins, forgotten_unknown_tails, forgotten, strangers, crowded } = self;
        let row = |name: String, tail: String, counts: &OriginCounts| {
            let OriginCounts { sent, before_join, gap, late, received, published, refused, undecodable, skipped } =
                *counts;
            let numbers = [sent, before_join, received, gap, late, published, refused, undecodable, skipped];
            [name, tail].into_iter().chain(numbers.map(|number| number.to_string())).collect::<Vec<_>>()
        };
        let mut rows = vec![HEAD.map(String::from).to_vec()];
        for OriginStats { node, tail, counts } in origins {
            rows.push(row(node.to_string(), tail.to_string(), counts));
        }
        if *forgotten_origins > 0 {
            let tail = format!("{forgotten_unknown_tails} unknown");
            rows.push(row(format!("{forgotten_origins} forgotten"), tail, forgotten));
        }
        let widths: Vec<_> =
            (0..HEAD.len()).map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0)).collect();
        for row in rows {
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                match column {
                    0 => write!(f, "{cell:width$}")?,
                    1 => write!(f, "  {cell:width$}")?,
                    _ => write!(f, "  {cell:>width$}")?,
                }
            }
            writeln!(f)?;
        }
        write!(f, "strangers {strangers}, crowded {crowded}")
    }
}

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Open => "open",
            Self::Unknown => "unknown",
            Self::Complete => "complete",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats() -> BridgeStats {
        let node = |bits| NodeId::from_bits(bits).expect("not 0");
        let export =
            ExportStats { offered: 10, ring_dropped: 1, expired: 2, unencodable: 3, sent: 4, ..Default::default() };
        let counts = OriginCounts {
            sent: 1_000,
            before_join: 100,
            received: 890,
            gap: 10,
            late: 1,
            published: 880,
            refused: 4,
            undecodable: 3,
            skipped: 3,
        };
        let origins = vec![OriginStats { node: node(0xa1), tail: Tail::Open, counts }];
        let import = ImportStats { origins, strangers: 5, ..Default::default() };
        BridgeStats { node: node(7), state: BridgeState::Connected, export, import }
    }

    #[test]
    fn stats_are_a_table() {
        assert_eq!(
            stats().to_string(),
            "\
bridge 0000000000000007, connected
exported: offered 10 = ring-dropped 1 + expired 2 + unencodable 3 + sent 4; at home 0, 0 bytes
origin            tail  sent  before  received  gap  late  published  refused  undecodable  skipped
00000000000000a1  open  1000     100       890   10     1        880        4            3        3
strangers 5, crowded 0"
        );
    }

    #[test]
    fn each_sum_is_looked_at() {
        assert!(stats().balances());
        let unbalanced: [fn(&mut BridgeStats); 4] = [
            |stats| stats.export.expired += 1,
            |stats| stats.import.origins[0].counts.gap += 1,
            |stats| stats.import.origins[0].counts.published += 1,
            |stats| stats.import.forgotten.published += 1,
        ];
        for change in unbalanced {
            let mut stats = stats();
            change(&mut stats);
            assert!(!stats.balances(), "{stats}");
        }
    }
}
