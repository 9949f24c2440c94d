//! The work, group by group.

pub mod base;
mod channel;
pub mod churn;
pub mod contention;
pub mod cross;
pub mod fanout;
pub mod filter;
mod kind;
pub mod latency;
pub mod memory;
pub mod overload;
pub mod payload;
pub mod request;
pub mod routing;
pub mod stalled;
pub mod startup;

use crate::measure::Case;

/// Every case that is timed by operation; round trips, stalled subscribers, overload and memory are
/// measured in their own way.
#[must_use]
pub fn cases() -> Vec<Case> {
    let groups: [fn() -> Vec<Case>; 10] = [
        base::cases,
        fanout::cases,
        payload::cases,
        routing::cases,
        filter::cases,
        startup::cases,
        churn::cases,
        cross::cases,
        contention::cases,
        request::cases,
    ];
    groups.iter().flat_map(|cases| cases()).collect()
}
