//! What the fuzz targets check. `operations` runs a [`Scenario`] on the library and on a plain
//! sequential [`reference`], and compares the two after each step; `lane` does the same with a ring
//! of `ringbus-lane`, and `retained` with a bus that retains events; the other targets check the
//! names of event types and requests.
#![forbid(unsafe_code)]

mod aside;
mod bell;
mod choice;
mod comparison;
mod lane;
mod letter;
pub mod names;
mod operation;
mod panics;
mod picture;
mod reference;
mod retained;
mod subject;
mod turn;

pub use comparison::compare;
pub use lane::{LaneScenario, compare_lane};
pub use operation::Scenario;
pub use retained::{RetainedScenario, compare_retained};
