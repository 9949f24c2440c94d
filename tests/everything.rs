//! The tests of what the library does. They are one program, which is built and linked once. What
//! counts what its process allocates, or runs an example, is a program of its own.

mod common;

mod asynchronous;
#[cfg(feature = "tokio")]
mod awaiting;
mod batch;
mod closing;
mod conservation;
mod cooperation;
mod event;
mod faults;
mod interner;
mod isolation;
mod large_event;
mod last_shares;
mod load;
mod many;
mod overflow;
mod publish;
mod request_id;
mod request_isolation;
mod request_tasks;
mod requests;
mod retained;
#[cfg(feature = "lane")]
mod ring;
#[cfg(feature = "serde")]
mod serial;
mod startup;
mod stats;
mod typed;
mod waiting;
