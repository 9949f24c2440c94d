//! The protocol, for the package's own models, property tests and fuzz targets. No part of the
//! public face.

pub use crate::envelope::{Envelope, EnvelopeError, Kind};
pub use crate::numbering::{Balance, Forgotten, Incoming, Limits, OriginReport, Outgoing, Progress, Tail, Verdict};

use crate::NodeId;

/// The node of that number, if it is not 0.
#[must_use]
pub fn node(bits: u64) -> Option<NodeId> {
    NodeId::from_bits(bits)
}
