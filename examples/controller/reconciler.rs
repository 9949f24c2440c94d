//! Decides: asks all validators about each configuration, and applies it if enough have answered
//! and none has refused.

use crate::events::{
    ConfigLoaded, ConfigUnreadable, LoadingFinished, RolloutDecided, RolloutFinished, ValidationAsked, Verdict,
};
use ringbus::{
    DynEvent, EventBus, EventKind, GatherError, PublishError, RequestError, RequestId, RequestOptions, RequestResult,
    Subscription,
};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// Subscribes to what is loaded. All of that is replayed, so the smallest ring will do.
pub fn subscribe(bus: &EventBus<DynEvent>) -> Subscription<DynEvent> {
    let loaded = [ConfigLoaded::EVENT_TYPE, ConfigUnreadable::EVENT_TYPE, LoadingFinished::EVENT_TYPE];
    bus.subscriber("reconciler").types(loaded).capacity(1).subscribe()
}

/// Decides until every configuration is decided, or the bus is closed before that. `validation`
/// says whom to ask about each, and how long to wait for how many.
pub fn run(events: &mut Subscription<DynEvent>, bus: &EventBus<DynEvent>, validation: &RequestOptions) {
    let mut reconciler = Reconciler { bus, validation, applied: 0, refused: 0 };
    for event in events {
        match reconciler.hear(&event) {
            Ok(Progress::UnderWay) => {}
            // Closed: somebody else has given up.
            Ok(Progress::Finished) | Err(Closed) => return,
        }
    }
}

enum Progress {
    UnderWay,
    Finished,
}

/// The bus is closed.
struct Closed;

impl<E> From<PublishError<E>> for Closed {
    fn from(_: PublishError<E>) -> Self {
        Self
    }
}

struct Reconciler<'a> {
    bus: &'a EventBus<DynEvent>,
    validation: &'a RequestOptions,
    applied: usize,
    refused: usize,
}

/// What is to become of a configuration.
struct Decision {
    /// Why it is refused; nothing where it is applied.
    reasons: Vec<String>,
    /// What was missing.
    remarks: Vec<String>,
}

impl Reconciler<'_> {
    fn hear(&mut self, event: &DynEvent) -> Result<Progress, Closed> {
        if let Some(config) = event.downcast_ref::<ConfigLoaded>() {
            let decision = self.validate(config)?;
            self.decide(&config.path, decision)?;
        } else if let Some(unreadable) = event.downcast_ref::<ConfigUnreadable>() {
            let reasons = vec![unreadable.reason.clone()];
            self.decide(&unreadable.path, Decision { reasons, remarks: Vec::new() })?;
        } else if event.is::<LoadingFinished>() {
            let (applied, refused) = (self.applied, self.refused);
            self.bus.publish(Arc::new(RolloutFinished { applied, refused, at: SystemTime::now() }))?;
            return Ok(Progress::Finished);
        }
        Ok(Progress::UnderWay)
    }

    /// Asks all validators at once, and waits for enough of them.
    fn validate(&self, config: &ConfigLoaded) -> Result<Decision, Closed> {
        let question = ValidationAsked {
            id: RequestId::unique(),
            path: Arc::clone(&config.path),
            text: Arc::clone(&config.text),
            at: SystemTime::now(),
        };
        let gather = match self.bus.request(Arc::new(question), self.validation.clone()) {
            Ok(gather) => gather,
            Err(RequestError::Closed(_)) => return Err(Closed),
            Err(error) => return Ok(Decision { reasons: vec![error.to_string()], remarks: Vec::new() }),
        };
        match gather.wait() {
            Ok(result) => Ok(Decision { reasons: refusals(&result), remarks: result.errors() }),
            Err(GatherError::Closed { .. }) => Err(Closed),
            // Too few to decide by: what is missing is a reason to refuse, like what the others
            // have found.
            Err(error) => {
                let partial = error.into_partial();
                let mut reasons = refusals(&partial);
                reasons.extend(partial.errors());
                Ok(Decision { reasons, remarks: Vec::new() })
            }
        }
    }

    fn decide(&mut self, path: &Arc<Path>, decision: Decision) -> Result<(), Closed> {
        let Decision { reasons, remarks } = decision;
        let outcome = if reasons.is_empty() {
            self.applied += 1;
            Ok(())
        } else {
            self.refused += 1;
            Err(reasons)
        };
        let path = Arc::clone(path);
        self.bus.publish(Arc::new(RolloutDecided { path, remarks, outcome, at: SystemTime::now() }))?;
        Ok(())
    }
}

/// What the validators that have answered do not like. They answer in any order; the reasons read
/// the same each time.
fn refusals(result: &RequestResult<DynEvent>) -> Vec<String> {
    let mut refusals = Vec::new();
    for verdict in result.responses.iter().filter_map(|response| response.downcast_ref::<Verdict>()) {
        if let Err(reasons) = &verdict.judgement {
            refusals.extend(reasons.iter().map(|reason| format!("{}: {reason}", verdict.validator)));
        }
    }
    refusals.sort();
    refusals
}
