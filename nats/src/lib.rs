//! Connects the event buses of many processes over NATS.

mod askers;
mod bridge;
mod builder;
mod codec;
mod envelope;
mod error;
mod export;
mod guard;
mod import;
mod node_id;
mod numbering;
mod origin;
mod presence;
mod report;
mod shared;
mod stats;
mod subjects;

// Not for users: for the models, the property tests and the fuzz targets.
#[cfg(feature = "__internals")]
#[doc(hidden)]
pub mod internals;

pub use async_nats;
pub use bridge::Bridge;
pub use builder::{BridgeBuilder, WhileDisconnected};
#[cfg(any(feature = "json", feature = "postcard"))]
pub use codec::Format;
#[cfg(feature = "json")]
pub use codec::json::Json;
#[cfg(feature = "postcard")]
pub use codec::postcard::Postcard;
#[cfg(any(feature = "json", feature = "postcard"))]
pub use codec::registry::Registry;
pub use codec::{Codec, DecodeError, EncodeError};
pub use error::ConnectError;
pub use node_id::NodeId;
pub use numbering::Tail;
pub use origin::origin;
pub use stats::{BridgeState, BridgeStats, ExportStats, ImportStats, OriginCounts, OriginStats, ShutdownReport};
pub use subjects::SubjectFault;
