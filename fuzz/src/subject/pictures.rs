//! Statistics as the reference has them.

use crate::picture::{SubscriberPicture, Totals};
use ringbus::{BusStats, Drained, SubscriberStats};

pub(super) fn totals(stats: &BusStats) -> Totals {
    Totals {
        published: stats.published,
        delivered: stats.delivered,
        dropped: stats.dropped,
        buffered: stats.buffered,
        unclaimed: stats.unclaimed,
        startup_rejected: stats.startup_rejected,
        late_responses: stats.late_responses,
        requests_in_flight: stats.requests_in_flight,
    }
}

pub(super) fn subscriber_picture(stats: &SubscriberStats) -> SubscriberPicture {
    let names = |types: &[ringbus::EventType]| types.iter().map(|event_type| event_type.as_str()).collect();
    SubscriberPicture {
        name: stats.name.to_string(),
        types: stats.types.as_deref().map(names),
        capacity: stats.capacity,
        len: stats.len,
        unread_replay: stats.unread_replay,
        received: stats.received,
        dropped: stats.dropped,
        evicted: stats.evicted,
        filtered: stats.filtered,
        discarded: stats.discarded,
        lossy: stats.lossy,
        lagging: stats.lagging,
    }
}

/// The rows, which the sentence has to agree with.
pub(super) fn drained_pictures(drained: &Drained) -> Vec<SubscriberPicture> {
    let rows: Vec<_> = drained.unread.iter().map(subscriber_picture).collect();
    assert_eq!(drained.is_complete(), rows.is_empty(), "is_complete and unread");
    let phrases: Vec<_> = rows.iter().map(phrase).collect();
    let sentence =
        if rows.is_empty() { "every subscriber has received everything".to_owned() } else { phrases.join(", ") };
    assert_eq!(drained.to_string(), sentence, "the sentence about {rows:?}");
    rows
}

fn phrase(row: &SubscriberPicture) -> String {
    match row.len + row.unread_replay {
        1 => format!("{} has 1 event unread", row.name),
        unread => format!("{} has {unread} events unread", row.name),
    }
}
