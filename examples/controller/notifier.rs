//! Collects what the operator must be told, asynchronously: a stand-in for a component that would
//! await a network.

use crate::events::{ROLLOUT_REFUSED, RolloutDecided, RolloutFinished};
use ringbus::{DynEvent, EventBus, EventKind, Subscription};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What the operator is told when all is over.
#[derive(Default)]
pub struct Digest {
    /// The numbers of applied and refused configurations; `None` if the roll-out did not come to
    /// its end.
    pub finished: Option<(usize, usize)>,
    /// Each refused configuration, with the reasons.
    pub refusals: Vec<(Arc<Path>, Vec<String>)>,
}

/// Subscribes to bad news and to the end; the ring has room for a refusal per file.
pub fn subscribe(bus: &EventBus<DynEvent>, files: usize) -> Subscription<DynEvent> {
    bus.subscriber("notifier").types([ROLLOUT_REFUSED, RolloutFinished::EVENT_TYPE]).capacity(files + 1).subscribe()
}

/// Collects until the bus is closed, on a runtime of this thread's own.
///
/// # Errors
///
/// Where the runtime cannot be made.
pub fn run(events: &mut Subscription<DynEvent>) -> io::Result<Digest> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    Ok(runtime.block_on(collect(events)))
}

async fn collect(events: &mut Subscription<DynEvent>) -> Digest {
    let mut digest = Digest::default();
    while let Ok(event) = events.recv_async().await {
        if let Some(decided) = event.downcast_ref::<RolloutDecided>() {
            if let Err(reasons) = &decided.outcome {
                digest.refusals.push((Arc::clone(&decided.path), reasons.clone()));
            }
        } else if let Some(finished) = event.downcast_ref::<RolloutFinished>() {
            digest.finished = Some((finished.applied, finished.refused));
        }
    }
    digest
}
