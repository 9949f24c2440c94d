//! Connects the event buses of many processes over NATS.

mod envelope;
mod node_id;
mod numbering;

pub use node_id::NodeId;

// Not for users: for the models, the property tests and the fuzz targets.
#[cfg(feature = "__internals")]
#[doc(hidden)]
pub mod internals;
