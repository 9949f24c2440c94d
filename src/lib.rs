//! An in-process event bus.
#![forbid(unsafe_code)]
#![warn(unreachable_pub)]

mod builder;
mod bus;
mod core;
mod error;
mod event;
mod event_type;
mod fan_out;
mod iter;
mod lag;
mod mailbox;
mod panics;
mod park;
mod publisher;
mod replay;
mod request;
mod routes;
mod snapshot;
mod startup;
mod state;
mod stats;
mod stop;
mod subscription;
mod sync;

#[cfg(loom)]
#[doc(hidden)]
pub mod internals {
    //! What the models in `loom-tests/` need beyond the public face.
    pub use crate::sync::model::expire;
}

pub use builder::{Overflow, SubscriberBuilder, WaitStrategy};
pub use bus::{EventBus, WeakEventBus};
pub use error::{PublishError, RecvError, RecvTimeoutError, TryRecvError};
pub use event::{AsAny, DynEvent, Event};
pub use event_type::EventType;
pub use iter::{IntoIter, Iter, Recv, TryIter};
pub use lag::Lag;
pub use publisher::Publisher;
pub use request::{Request, RequestId, Response};
pub use stats::{BusStats, Published, SubscriberStats};
pub use stop::StopHandle;
pub use subscription::Subscription;
