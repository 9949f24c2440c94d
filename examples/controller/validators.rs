//! The validators: each judges what it is asked about, knows of no other, and answers exactly once.

mod policy;
mod references;
mod syntax;

use crate::events::{Judgement, ValidationAsked, Verdict};
use ringbus::{DynEvent, EventBus, EventKind, Subscription};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};
use toml::{Table, Value};

/// A judge of configurations.
pub struct Validator {
    pub name: &'static str,
    /// Judges the text of the configuration at a path.
    pub check: fn(&Path, &str) -> Judgement,
}

/// Who is asked before a configuration is applied.
pub const ALL: [Validator; 3] = [
    Validator { name: "syntax", check: syntax::check },
    Validator { name: "references", check: references::check },
    Validator { name: "policy", check: policy::check },
];

/// The names by which they answer.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|validator| validator.name)
}

impl Validator {
    /// Subscribes to what this validator is asked; its ring has room for every file, should it be
    /// slow.
    pub fn subscribe(&self, bus: &EventBus<DynEvent>, files: usize) -> Subscription<DynEvent> {
        bus.subscriber(self.name).types([ValidationAsked::EVENT_TYPE]).capacity(files).subscribe()
    }

    /// Judges until the bus is closed, and takes so long for each configuration.
    pub fn run(&self, questions: &mut Subscription<DynEvent>, bus: &EventBus<DynEvent>, takes: Duration) {
        for event in questions {
            let Some(asked) = event.downcast_ref::<ValidationAsked>() else { continue };
            let judgement = (self.check)(&asked.path, &asked.text);
            thread::sleep(takes);
            let verdict = Verdict {
                id: asked.id.clone(),
                validator: self.name,
                path: Arc::clone(&asked.path),
                judgement,
                at: SystemTime::now(),
            };
            if bus.publish(Arc::new(verdict)).is_err() {
                return;
            }
        }
    }
}

/// What the text of a configuration is, as far as the validators beyond `syntax` care.
enum Document {
    Manifest(Table),
    OtherToml,
    NotToml,
}

impl Document {
    fn read(text: &str) -> Self {
        match text.parse::<Table>() {
            // Tables both: other tools have a `[[package]]` of their own.
            Ok(table) if ["package", "workspace"].iter().any(|key| table.get(*key).is_some_and(Value::is_table)) => {
                Self::Manifest(table)
            }
            Ok(_) => Self::OtherToml,
            Err(_) => Self::NotToml,
        }
    }

    /// The manifest, or what to answer where there is none to judge. Text that is not TOML is
    /// accepted: only `syntax` refuses it, so that the user is given one reason and not three.
    fn into_manifest(self) -> Result<Table, String> {
        match self {
            Self::Manifest(table) => Ok(table),
            Self::OtherToml => Err("no cargo manifest: nothing to judge".to_owned()),
            Self::NotToml => Err("not judged: not TOML".to_owned()),
        }
    }
}
