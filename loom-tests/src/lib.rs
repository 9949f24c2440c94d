//! Models of ringbus: the scenarios, and the engines that run them on its own code.
//!
//! A scenario is a plain function that spawns threads, uses the public face of the bus, asserts a
//! property, and notes which outcome it saw. It is written once, and run by three engines: by loom
//! (`--cfg loom`), by shuttle (`--cfg shuttle`), and, without either, by real threads. `tests/`
//! says for each what it must show.

pub mod engine;
pub mod inquiry;
pub mod model;
pub mod scenarios;
pub mod token;
