//! Benchmarks of ringbus against its peers: every contestant does the same work, in one process, by
//! turns, and beside the nanoseconds stands what it has lost, so that nobody wins by losing events.
//!
//! `groups` say what the work is, `measure` times it, and `report` makes tables and charts of the
//! figures; the program `report` does both. `benches/groups.rs` hands the same work to criterion.

pub mod distribution;
pub mod event;
pub mod groups;
pub mod measure;
pub mod report;
