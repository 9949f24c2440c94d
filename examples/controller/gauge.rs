//! Counts events by type: the one subscriber that may lose some, because an estimate is all it is
//! for.

use ringbus::{DynEvent, Event, EventBus, Subscription};
use std::collections::BTreeMap;

/// Events the gauge falls behind by before it loses any. Small, for it does not matter.
const CAPACITY: usize = 8;

/// How many events of each type the gauge has seen, by name.
pub type Counts = BTreeMap<&'static str, usize>;

/// Subscribes to everything, with a ring too small for it.
pub fn subscribe(bus: &EventBus<DynEvent>) -> Subscription<DynEvent> {
    bus.subscriber("gauge").capacity(CAPACITY).lossy(true).subscribe()
}

/// Counts until the bus is closed.
pub fn run(events: &mut Subscription<DynEvent>) -> Counts {
    let mut counts = Counts::new();
    for event in events {
        *counts.entry(event.event_type().as_str()).or_default() += 1;
    }
    counts
}
