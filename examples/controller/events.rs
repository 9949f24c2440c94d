//! What the components say to each other: one struct per kind of event, and the names they are
//! routed by.
//!
//! The kinds that have one name are derived, and their [`EVENT_TYPE`](ringbus::EventKind) is it. A
//! verdict and a decision have a name for each outcome, which only they know: so these implement
//! `Event` by hand.

use ringbus::{Event, EventType, RequestId, Response};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

pub const VERDICT_ACCEPTED: EventType = EventType::new("verdict.accepted");
pub const VERDICT_REFUSED: EventType = EventType::new("verdict.refused");
pub const ROLLOUT_APPLIED: EventType = EventType::new("rollout.applied");
pub const ROLLOUT_REFUSED: EventType = EventType::new("rollout.refused");

/// The text of a configuration.
#[derive(Event)]
#[event("config.loaded")]
pub struct ConfigLoaded {
    pub path: Arc<Path>,
    pub text: Arc<str>,
    #[timestamp]
    pub at: SystemTime,
}

/// A configuration that could not be had: missing, no regular file, not UTF-8.
#[derive(Event)]
#[event("config.unreadable")]
pub struct ConfigUnreadable {
    pub path: Arc<Path>,
    pub reason: String,
    #[timestamp]
    pub at: SystemTime,
}

/// Every configuration was reported, one way or the other; so whoever counts knows what to wait
/// for.
#[derive(Event)]
#[event("loading.finished")]
pub struct LoadingFinished {
    pub configs: usize,
    #[timestamp]
    pub at: SystemTime,
}

/// Asks every validator to judge a configuration.
#[derive(Event)]
#[event("validation.asked")]
pub struct ValidationAsked {
    #[request_id]
    pub id: RequestId,
    pub path: Arc<Path>,
    pub text: Arc<str>,
    #[timestamp]
    pub at: SystemTime,
}

/// What a validator says: `Ok` with a remark, or `Err` with every reason to refuse.
pub type Judgement = Result<String, Vec<String>>;

/// One validator's word on one configuration: the answer to [`ValidationAsked`].
pub struct Verdict {
    pub id: RequestId,
    pub validator: &'static str,
    pub path: Arc<Path>,
    pub judgement: Judgement,
    pub at: SystemTime,
}

/// What became of one configuration: applied, or refused for all these reasons.
pub struct RolloutDecided {
    pub path: Arc<Path>,
    /// What was missing although there was enough to decide, such as "no response from policy".
    pub remarks: Vec<String>,
    pub outcome: Result<(), Vec<String>>,
    pub at: SystemTime,
}

/// Every configuration is decided.
#[derive(Event)]
#[event("rollout.finished")]
pub struct RolloutFinished {
    pub applied: usize,
    pub refused: usize,
    #[timestamp]
    pub at: SystemTime,
}

impl Event for Verdict {
    fn event_type(&self) -> EventType {
        if self.judgement.is_ok() { VERDICT_ACCEPTED } else { VERDICT_REFUSED }
    }

    fn timestamp(&self) -> SystemTime {
        self.at
    }

    fn as_response(&self) -> Option<&dyn Response> {
        Some(self)
    }
}

impl Response for Verdict {
    fn request_id(&self) -> RequestId {
        self.id.clone()
    }

    fn responder(&self) -> &str {
        self.validator
    }
}

impl Event for RolloutDecided {
    fn event_type(&self) -> EventType {
        if self.outcome.is_ok() { ROLLOUT_APPLIED } else { ROLLOUT_REFUSED }
    }

    fn timestamp(&self) -> SystemTime {
        self.at
    }
}
