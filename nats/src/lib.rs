//! One bus, many processes: connects ringbus event buses over [NATS](https://nats.io).
//!
//! A bridge is an ordinary subscriber that exports, and an ordinary publisher that imports. Between
//! them is a NATS server, with its credentials, TLS, limits and tools. The bridge never slows the
//! local bus down, and it can say of every event what became of it.
//!
//! ```no_run
//! # #[cfg(feature = "json")]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use ringbus::{Event, EventBus, EventType};
//! use ringbus_nats::{Bridge, Json};
//! use serde::{Deserialize, Serialize};
//! use std::time::{Duration, SystemTime};
//!
//! #[derive(Clone, Debug, Serialize, Deserialize)]
//! enum Shop { Ordered { item: u32 }, Shipped { item: u32 } }
//!
//! const ORDERED: EventType = EventType::new("order.placed");
//! const SHIPPED: EventType = EventType::new("order.shipped");
//!
//! impl Event for Shop {
//!     fn event_type(&self) -> EventType {
//!         match self { Shop::Ordered { .. } => ORDERED, Shop::Shipped { .. } => SHIPPED }
//!     }
//!     fn timestamp(&self) -> SystemTime { SystemTime::now() }
//! }
//!
//! let bus = EventBus::new(100);
//! let shipped = bus.subscriber("mailer").types([SHIPPED]).subscribe();
//! let bridge = Bridge::builder(&bus, Json)
//!     .prefix("shop")                                         // subjects are shop.all.TYPE
//!     .export([ORDERED])                                      // what is published here goes out,
//!     .import([SHIPPED])                                      // and this comes in from others
//!     .connect("nats://127.0.0.1", Default::default())
//!     .await?;
//! bus.start();
//! bus.publish(Shop::Ordered { item: 7 })?;                // never waits, whatever the server does
//! println!("{}", bridge.stats());                             // what became of every event
//! println!("{}", bridge.shutdown(Duration::from_secs(5)).await);
//! # Ok(())
//! # }
//! ```
//!
//! # Events as bytes
//!
//! A [`Codec`] writes and reads them. `Json` (feature `json`, on by default) and `Postcard`
//! (feature `postcard`) do so for all events that serde can write and read, and a `Registry` for a
//! bus of [`DynEvent`](ringbus::DynEvent). All nodes of a prefix need the same one: what another
//! has written is skipped and counted.
//!
//! # Requests
//!
//! A request that is exported can be answered by any node that imports it and exports the
//! response; the [`Gather`](ringbus::Gather) names who is missing. The answer goes to the node that
//! asked and to no other. Use [`RequestId::unique`](ringbus::RequestId::unique) ids: those of two
//! processes never meet, where numbers and texts may. The bus of who answers counts the answers as
//! [late](ringbus::BusStats::late_responses), because they belong to no request of its own.
//!
//! # When something breaks
//!
//! Core NATS delivers at most once, and so does the bridge. It does not resend. It counts: each
//! bridge numbers what it sends, and each importer sees from the numbers what it has missed. What
//! happens while there is no connection is given up, unless
//! [`WhileDisconnected::Hold`] keeps it in the ring. Who needs every event has JetStream record
//! `PREFIX.all.>`, see the README.
//!
//! # Guarantees
//!
//! Numbered as in the tests that check them.
//!
//! 1. **Never in the way.** Exporting costs a publisher what any parked subscriber costs; a dead,
//!    slow or frozen server costs it nothing more.
//! 2. **Balance.** The [sums](BridgeStats) hold, to the event, in every fault of the README's
//!    table.
//! 3. **Order, at most once.** Events of one node arrive in its order, and none twice. What arrives
//!    late is discarded and counted.
//! 4. **No echo.** What was imported is not exported, whatever hooks and filters publish meanwhile.
//!    (A type that the bus retains is to be imported or exported, not both. One bridge refuses
//!    both; bridges of two prefixes do not know of each other.)
//! 5. **Requests cross.** A gather completes by answers from any node, and names a dead one as
//!    missing.
//! 6. **Start-up.** Events published before the local start are exported by the replay. Imports
//!    wait for the local start, and need no room in the start-up log.
//! 7. **Secrets and strangers.** Credentials and TLS are the client's. A message that is not ours,
//!    of another version, or that the codec refuses or panics on is counted and skipped; it never
//!    ends the bridge.
//!
//! # Features
//!
//! `json`, on by default: the codec `Json`. `postcard`: the codec `Postcard`. `ring`, on by
//! default: TLS, by ring. (For another provider, turn it off, and
//! [install](async_nats::rustls::crypto::CryptoProvider::install_default) that one first.) Other
//! features of the client (`nkeys`, `websockets`) are turned on by a dependency of your own on
//! `async-nats`, which this crate re-exports.
//!
//! The log: by `tracing`, with the target `ringbus_nats`. Connecting is `info`; what the ring has
//! lost, what others have sent and did not arrive, and panics of user code are `warn`, losses at
//! most once a second; single messages that are skipped are `debug`.
//!
//! # What it does not do
//!
//! It does not store or resend events, order those of different nodes, or discover which nodes
//! there should be. If a node dies, what it had sent and nobody has heard of is
//! [unknown](Tail::Unknown), and said to be.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
// What is there for the package's own tests is public with that feature.
#![cfg_attr(feature = "__internals", warn(unreachable_pub))]

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
mod question;
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
