//! Prints every event as it arrives: the timeline.

use crate::console::{printable, say};
use crate::discovery::Source;
use crate::events::{
    ConfigLoaded, ConfigUnreadable, LoadingFinished, RolloutDecided, RolloutFinished, ValidationAsked, Verdict,
};
use crate::validators;
use ringbus::{DynEvent, EventBus, Subscription};
use std::path::Path;

/// Columns for the path, at most: the timeline should fit into 120.
const WIDEST_PATH: usize = 40;
const AGE_WIDTH: usize = 11;
/// The longest event type, `config.unreadable`.
const TYPE_WIDTH: usize = 17;

/// Subscribes to everything; the ring has room for a question, all verdicts and a decision per
/// file, and the end, so that a terminal of any slowness loses no line.
pub fn subscribe(bus: &EventBus<DynEvent>, files: usize) -> Subscription<DynEvent> {
    bus.subscriber("commentator").capacity(files * (validators::ALL.len() + 2) + 1).subscribe()
}

/// The timeline's layout.
pub struct Timeline {
    path_width: usize,
}

impl Timeline {
    /// Makes the column for paths wide enough for all of them, within reason.
    pub fn new(sources: &[Source]) -> Self {
        let widths = sources.iter().map(|source| source.path.to_string_lossy().chars().count());
        Self { path_width: widths.max().unwrap_or(0).clamp(4, WIDEST_PATH) }
    }

    /// Prints until the bus is closed, and everything said before that is printed.
    pub fn run(&self, events: &mut Subscription<DynEvent>) {
        let width = self.path_width;
        say(format_args!("{:>AGE_WIDTH$}  {:<TYPE_WIDTH$}  {:<width$}  detail", "age", "event", "path"));
        for event in events {
            self.print(&event);
        }
    }

    fn print(&self, event: &DynEvent) {
        let width = self.path_width;
        // A clock that was set back gives no age.
        let age = event.timestamp().elapsed().unwrap_or_default().as_secs_f64() * 1e3;
        let (path, details) = describe(event);
        let path = path.map(|path| self.shorten(path)).unwrap_or_default();
        let mut details = details.iter().map(|detail| printable(detail));
        let detail = details.next().unwrap_or_default();
        let line = format!(
            "{:>AGE_WIDTH$}  {:<TYPE_WIDTH$}  {path:<width$}  {detail}",
            format!("{age:.3} ms"),
            event.event_type()
        );
        say(format_args!("{}", line.trim_end()));
        let indent = AGE_WIDTH + TYPE_WIDTH + width + 6;
        for detail in details {
            say(format_args!("{:indent$}{detail}", ""));
        }
    }

    /// The path, or the end of it that fits: the end tells files apart.
    fn shorten(&self, path: &Path) -> String {
        let path = printable(&path.to_string_lossy());
        let excess = path.chars().count().saturating_sub(self.path_width);
        if excess == 0 {
            return path;
        }
        let end: String = path.chars().skip(excess + 1).collect();
        format!("…{end}")
    }
}

/// What an event is about, and what it says, line by line. An event of a type that is not known
/// here says nothing, and still gets its line: the set of events is open.
fn describe(event: &DynEvent) -> (Option<&Path>, Vec<String>) {
    if let Some(config) = event.downcast_ref::<ConfigLoaded>() {
        (Some(&config.path), vec![format!("{} bytes", config.text.len())])
    } else if let Some(config) = event.downcast_ref::<ConfigUnreadable>() {
        (Some(&config.path), vec![config.reason.clone()])
    } else if let Some(loading) = event.downcast_ref::<LoadingFinished>() {
        (None, vec![format!("configurations: {}", loading.configs)])
    } else if let Some(asked) = event.downcast_ref::<ValidationAsked>() {
        let names: Vec<&str> = validators::names().collect();
        (Some(&asked.path), vec![format!("asks {}", names.join(", "))])
    } else if let Some(verdict) = event.downcast_ref::<Verdict>() {
        let remarks = match &verdict.judgement {
            Ok(remark) => std::slice::from_ref(remark),
            Err(reasons) => reasons,
        };
        (Some(&verdict.path), remarks.iter().map(|remark| format!("{}: {remark}", verdict.validator)).collect())
    } else if let Some(decided) = event.downcast_ref::<RolloutDecided>() {
        let reasons = decided.outcome.as_ref().err().into_iter().flatten();
        (Some(&decided.path), decided.remarks.iter().chain(reasons).cloned().collect())
    } else if let Some(finished) = event.downcast_ref::<RolloutFinished>() {
        (None, vec![format!("{} applied, {} refused", finished.applied, finished.refused)])
    } else {
        (None, Vec::new())
    }
}
