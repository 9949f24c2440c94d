#![cfg(loom)]
//! Loom models of ringbus, run on its own code: the scenarios, and what they are run by.
//!
//! A scenario is a plain function that spawns threads, uses the public face of the bus, asserts a property, and notes
//! which outcome it saw. `tests/` says for each how far its schedules are explored, how many there must be at
//! least, and which outcomes must be among them.

pub mod inquiry;
pub mod model;
pub mod scenarios;
pub mod token;
