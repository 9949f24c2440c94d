//! The scenarios, by what they put under strain.

pub mod closing;
pub mod counting;
pub mod draining;
pub mod lagging;
pub mod lane;
pub mod large;
pub mod publisher;
pub mod requesting;
pub mod retaining;
pub mod sealing;
pub mod startup;
pub mod subscribing;
pub mod waiting;
