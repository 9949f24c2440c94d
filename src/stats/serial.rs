//! Statistics for serde.

use crate::stats::{BusStats, SubscriberStats};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// A struct of its fields, with the feature `serde`.
impl Serialize for BusStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // All of them, so that none is forgotten.
        let Self {
            published,
            delivered,
            dropped,
            buffered,
            unclaimed,
            startup_rejected,
            late_responses,
            requests_in_flight,
            subscribers,
        } = self;
        let mut fields = serializer.serialize_struct("BusStats", 9)?;
        fields.serialize_field("published", published)?;
        fields.serialize_field("delivered", delivered)?;
        fields.serialize_field("dropped", dropped)?;
        fields.serialize_field("buffered", buffered)?;
        fields.serialize_field("unclaimed", unclaimed)?;
        fields.serialize_field("startup_rejected", startup_rejected)?;
        fields.serialize_field("late_responses", late_responses)?;
        fields.serialize_field("requests_in_flight", requests_in_flight)?;
        fields.serialize_field("subscribers", subscribers)?;
        fields.end()
    }
}

/// A struct of its fields, with the feature `serde`.
impl Serialize for SubscriberStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // All of them, so that none is forgotten.
        let Self {
            name,
            types,
            capacity,
            ring,
            len,
            unread_replay,
            high_water,
            received,
            dropped,
            evicted,
            filtered,
            discarded,
            lossy,
            lagging,
        } = self;
        let mut fields = serializer.serialize_struct("SubscriberStats", 14)?;
        fields.serialize_field("name", &**name)?;
        fields.serialize_field("types", &types.as_deref())?;
        fields.serialize_field("capacity", capacity)?;
        fields.serialize_field("ring", ring.name())?;
        fields.serialize_field("len", len)?;
        fields.serialize_field("unread_replay", unread_replay)?;
        fields.serialize_field("high_water", high_water)?;
        fields.serialize_field("received", received)?;
        fields.serialize_field("dropped", dropped)?;
        fields.serialize_field("evicted", evicted)?;
        fields.serialize_field("filtered", filtered)?;
        fields.serialize_field("discarded", discarded)?;
        fields.serialize_field("lossy", lossy)?;
        fields.serialize_field("lagging", lagging)?;
        fields.end()
    }
}
