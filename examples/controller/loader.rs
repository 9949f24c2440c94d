//! Loads the configurations, and says on the bus what became of each.

use crate::discovery::Source;
use crate::events::{ConfigLoaded, ConfigUnreadable, LoadingFinished};
use ringbus::{DynEvent, EventBus, PublishError};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// Bytes of a file beyond which it is no configuration, but a mistake that would fill the memory.
const LARGEST_CONFIG: u64 = 16 << 20;

/// How many events [`run`] publishes: what a bus that has not started must be able to keep.
pub fn events(files: usize) -> usize {
    files + 1
}

/// Loads every source.
///
/// # Errors
///
/// Where the bus takes no more events.
pub fn run(sources: &[Source], bus: &EventBus<DynEvent>) -> Result<(), PublishError<DynEvent>> {
    for source in sources {
        let text = match &source.unsearchable {
            Some(reason) => Err(reason.clone()),
            None => read(&source.path),
        };
        let (path, at) = (Arc::clone(&source.path), SystemTime::now());
        let event: DynEvent = match text {
            Ok(text) => Arc::new(ConfigLoaded { path, text: text.into(), at }),
            Err(reason) => Arc::new(ConfigUnreadable { path, reason, at }),
        };
        bus.publish(event)?;
    }
    bus.publish(Arc::new(LoadingFinished { configs: sources.len(), at: SystemTime::now() }))?;
    Ok(())
}

/// The text of a file, or why it cannot be had.
fn read(path: &Path) -> Result<String, String> {
    let cannot_read = |error| format!("cannot read this file: {error}");
    // Before opening it: to open a FIFO waits for somebody who writes.
    if !fs::metadata(path).map_err(cannot_read)?.is_file() {
        return Err("not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    // One byte more than allowed tells that there is more; a length asked beforehand would not,
    // where a file grows.
    File::open(path).and_then(|file| file.take(LARGEST_CONFIG + 1).read_to_end(&mut bytes)).map_err(cannot_read)?;
    if bytes.len() as u64 > LARGEST_CONFIG {
        return Err(format!("larger than {} MiB", LARGEST_CONFIG >> 20));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|&&byte| byte == b'\n').count();
        format!("not UTF-8: line {line}, byte {} of the file", valid.len() + 1)
    })
}
