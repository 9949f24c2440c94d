//! Decides: applies a configuration that every validator accepted, and refuses the others.

use crate::events::{
    CONFIG_UNREADABLE, ConfigUnreadable, LOADING_FINISHED, LoadingFinished, RolloutDecided, RolloutFinished,
    VERDICT_ACCEPTED, VERDICT_REFUSED, Verdict,
};
use crate::validators;
use ringbus::{DynEvent, EventBus, PublishError, Subscription};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// Subscribes to what decisions are made of; the ring has room for every verdict there can be.
pub fn subscribe(bus: &EventBus<DynEvent>, files: usize) -> Subscription<DynEvent> {
    bus.subscriber("reconciler")
        .types([CONFIG_UNREADABLE, LOADING_FINISHED, VERDICT_ACCEPTED, VERDICT_REFUSED])
        .capacity(files * validators::ALL.len())
        .subscribe()
}

/// Decides until every configuration is decided, or the bus is closed before that.
pub fn run(events: &mut Subscription<DynEvent>, bus: &EventBus<DynEvent>) {
    let mut reconciler = Reconciler { bus, configs: None, open: HashMap::new(), applied: 0, refused: 0 };
    for event in events {
        match reconciler.hear(&event) {
            Ok(Progress::UnderWay) => {}
            // An error says that the bus is closed: somebody else has given up.
            Ok(Progress::Finished) | Err(_) => return,
        }
    }
}

enum Progress {
    UnderWay,
    Finished,
}

struct Reconciler<'a> {
    bus: &'a EventBus<DynEvent>,
    /// How many configurations there are, once the loader has said so.
    configs: Option<usize>,
    /// The configurations that some validator has judged and some other has not.
    open: HashMap<Arc<Path>, Hearing>,
    applied: usize,
    refused: usize,
}

/// What was said about one configuration so far.
struct Hearing {
    awaited: Vec<&'static str>,
    reasons: Vec<String>,
}

impl Hearing {
    fn new() -> Self {
        Self { awaited: validators::ALL.iter().map(|validator| validator.name).collect(), reasons: Vec::new() }
    }

    fn hear(&mut self, verdict: &Verdict) {
        self.awaited.retain(|&name| name != verdict.validator);
        if let Err(reasons) = &verdict.judgement {
            self.reasons.extend(reasons.iter().map(|reason| format!("{}: {reason}", verdict.validator)));
        }
    }
}

impl Reconciler<'_> {
    fn hear(&mut self, event: &DynEvent) -> Result<Progress, PublishError<DynEvent>> {
        if let Some(verdict) = event.downcast_ref::<Verdict>() {
            let hearing = self.open.entry(Arc::clone(&verdict.path)).or_insert_with(Hearing::new);
            hearing.hear(verdict);
            if hearing.awaited.is_empty() {
                let reasons = std::mem::take(&mut hearing.reasons);
                self.open.remove(&verdict.path);
                self.decide(&verdict.path, reasons)?;
            }
        } else if let Some(unreadable) = event.downcast_ref::<ConfigUnreadable>() {
            self.decide(&unreadable.path, vec![unreadable.reason.clone()])?;
        } else if let Some(loading) = event.downcast_ref::<LoadingFinished>() {
            self.configs = Some(loading.configs);
        }
        if self.configs != Some(self.applied + self.refused) {
            return Ok(Progress::UnderWay);
        }
        let (applied, refused) = (self.applied, self.refused);
        self.bus.publish(Arc::new(RolloutFinished { applied, refused, at: SystemTime::now() }))?;
        Ok(Progress::Finished)
    }

    fn decide(&mut self, path: &Arc<Path>, mut reasons: Vec<String>) -> Result<(), PublishError<DynEvent>> {
        let outcome = if reasons.is_empty() {
            self.applied += 1;
            Ok(())
        } else {
            self.refused += 1;
            // The validators answer in any order; the reasons read the same each time.
            reasons.sort();
            Err(reasons)
        };
        self.bus.publish(Arc::new(RolloutDecided { path: Arc::clone(path), outcome, at: SystemTime::now() }))?;
        Ok(())
    }
}
