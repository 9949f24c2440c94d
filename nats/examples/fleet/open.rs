//! An open set of events: one Rust type for each, and a registry that says which.

use crate::{Rollout, Words};
use ringbus::{DynEvent, Event, EventKind, EventType, RequestId};
use ringbus_nats::{Codec, Json, Registry};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::SystemTime;

#[derive(Debug, Event, Serialize, Deserialize)]
#[event("validator.ready")]
struct Ready {
    name: String,
    #[timestamp]
    at: SystemTime,
}

#[derive(Debug, Event, Serialize, Deserialize)]
#[event("rollout.proposed")]
struct Proposed {
    #[request_id]
    id: RequestId,
    rollout: Rollout,
    #[timestamp]
    at: SystemTime,
}

#[derive(Debug, Event, Serialize, Deserialize)]
#[event("rollout.verdict")]
struct Verdict {
    #[request_id]
    on: RequestId,
    #[responder]
    by: String,
    refusal: Option<String>,
    #[timestamp]
    at: SystemTime,
}

impl Words for DynEvent {
    const NAME: &str = "events of any Rust type";
    const READY: EventType = Ready::EVENT_TYPE;
    const PROPOSED: EventType = Proposed::EVENT_TYPE;
    const VERDICT: EventType = Verdict::EVENT_TYPE;

    fn codec() -> impl Codec<Self> {
        Registry::new(Json)
            .with::<Ready>([Self::READY])
            .with::<Proposed>([Self::PROPOSED])
            .with::<Verdict>([Self::VERDICT])
    }

    fn ready(validator: &str) -> Self {
        Arc::new(Ready { name: validator.into(), at: SystemTime::now() })
    }

    fn proposed(id: RequestId, rollout: Rollout) -> Self {
        Arc::new(Proposed { id, rollout, at: SystemTime::now() })
    }

    fn verdict(on: RequestId, by: &str, refusal: Option<&str>) -> Self {
        Arc::new(Verdict { on, by: by.into(), refusal: refusal.map(String::from), at: SystemTime::now() })
    }

    fn as_ready(&self) -> Option<&str> {
        Some(&self.downcast_ref::<Ready>()?.name)
    }

    fn as_proposed(&self) -> Option<Rollout> {
        Some(self.downcast_ref::<Proposed>()?.rollout)
    }

    fn refusal(&self) -> Option<&str> {
        self.downcast_ref::<Verdict>()?.refusal.as_deref()
    }
}
