//! What the components say to each other: one struct per kind of event, and the names they are routed by.

use ringbus::{Event, EventType, Request, RequestId, Response};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

pub const CONFIG_LOADED: EventType = EventType::new("config.loaded");
pub const CONFIG_UNREADABLE: EventType = EventType::new("config.unreadable");
pub const LOADING_FINISHED: EventType = EventType::new("loading.finished");
pub const VALIDATION_ASKED: EventType = EventType::new("validation.asked");
pub const VERDICT_ACCEPTED: EventType = EventType::new("verdict.accepted");
pub const VERDICT_REFUSED: EventType = EventType::new("verdict.refused");
pub const ROLLOUT_APPLIED: EventType = EventType::new("rollout.applied");
pub const ROLLOUT_REFUSED: EventType = EventType::new("rollout.refused");
pub const ROLLOUT_FINISHED: EventType = EventType::new("rollout.finished");

/// The text of a configuration.
pub struct ConfigLoaded {
    pub path: Arc<Path>,
    pub text: Arc<str>,
    pub at: SystemTime,
}

/// A configuration that could not be had: missing, no regular file, not UTF-8.
pub struct ConfigUnreadable {
    pub path: Arc<Path>,
    pub reason: String,
    pub at: SystemTime,
}

/// Every configuration was reported, one way or the other; so whoever counts knows what to wait for.
pub struct LoadingFinished {
    pub configs: usize,
    pub at: SystemTime,
}

/// Asks every validator to judge a configuration.
pub struct ValidationAsked {
    pub id: RequestId,
    pub path: Arc<Path>,
    pub text: Arc<str>,
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
pub struct RolloutFinished {
    pub applied: usize,
    pub refused: usize,
    pub at: SystemTime,
}

impl Event for ConfigLoaded {
    fn event_type(&self) -> EventType {
        CONFIG_LOADED
    }

    fn timestamp(&self) -> SystemTime {
        self.at
    }
}

impl Event for ConfigUnreadable {
    fn event_type(&self) -> EventType {
        CONFIG_UNREADABLE
    }

    fn timestamp(&self) -> SystemTime {
        self.at
    }
}

impl Event for LoadingFinished {
    fn event_type(&self) -> EventType {
        LOADING_FINISHED
    }

    fn timestamp(&self) -> SystemTime {
        self.at
    }
}

impl Event for ValidationAsked {
    fn event_type(&self) -> EventType {
        VALIDATION_ASKED
    }

    fn timestamp(&self) -> SystemTime {
        self.at
    }

    fn as_request(&self) -> Option<&dyn Request> {
        Some(self)
    }
}

impl Request for ValidationAsked {
    fn request_id(&self) -> RequestId {
        self.id.clone()
    }
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

impl Event for RolloutFinished {
    fn event_type(&self) -> EventType {
        ROLLOUT_FINISHED
    }

    fn timestamp(&self) -> SystemTime {
        self.at
    }
}
