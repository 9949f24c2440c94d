//! A closed set of events: an enum.

use crate::{Rollout, Words};
use ringbus::{Event, EventType, RequestId};
use ringbus_nats::{Codec, Json};
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

#[derive(Clone, Debug, Event, Serialize, Deserialize)]
pub(crate) enum Fleet {
    #[event("validator.ready")]
    Ready {
        name: String,
        #[timestamp]
        at: SystemTime,
    },
    #[event("rollout.proposed")]
    Proposed {
        #[request_id]
        id: RequestId,
        rollout: Rollout,
        #[timestamp]
        at: SystemTime,
    },
    #[event("rollout.verdict")]
    Verdict {
        #[request_id]
        on: RequestId,
        #[responder]
        by: String,
        refusal: Option<String>,
        #[timestamp]
        at: SystemTime,
    },
}

impl Words for Fleet {
    const NAME: &str = "an enum";
    const READY: EventType = Fleet::READY;
    const PROPOSED: EventType = Fleet::PROPOSED;
    const VERDICT: EventType = Fleet::VERDICT;

    fn codec() -> impl Codec<Self> {
        Json
    }

    fn ready(validator: &str) -> Self {
        Self::Ready { name: validator.into(), at: SystemTime::now() }
    }

    fn proposed(id: RequestId, rollout: Rollout) -> Self {
        Self::Proposed { id, rollout, at: SystemTime::now() }
    }

    fn verdict(on: RequestId, by: &str, refusal: Option<&str>) -> Self {
        Self::Verdict { on, by: by.into(), refusal: refusal.map(String::from), at: SystemTime::now() }
    }

    fn as_ready(&self) -> Option<&str> {
        if let Self::Ready { name, .. } = self { Some(name) } else { None }
    }

    fn as_proposed(&self) -> Option<Rollout> {
        if let Self::Proposed { rollout, .. } = self { Some(*rollout) } else { None }
    }

    fn refusal(&self) -> Option<&str> {
        if let Self::Verdict { refusal, .. } = self { refusal.as_deref() } else { None }
    }
}
