//! Ending a subscription from outside.

use crate::core::Core;
use crate::mailbox::Mailbox;
use std::fmt;
use std::sync::{Arc, Weak};

/// Ends a subscription from any thread, from [`Subscription::stop_handle`](crate::Subscription::stop_handle).
///
/// Keeps neither the bus nor the subscription alive.
#[derive(Clone)]
pub struct StopHandle(Arc<dyn Stop>);

impl StopHandle {
    pub(crate) fn new<E: Send + Sync + 'static>(core: Weak<Core<E>>, mailbox: Weak<Mailbox<E>>) -> Self {
        Self(Arc::new(Target { core, mailbox }))
    }

    /// Ends the subscription: nothing that is published from now on will reach it, and its receiver, woken where it
    /// waits, gets what it has and then `Closed`. A subscription stopped before the bus started gets no replay.
    /// Stopping again does nothing.
    ///
    /// Progress: lock-free.
    pub fn stop(&self) {
        self.0.stop();
    }
}

impl fmt::Debug for StopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StopHandle(..)")
    }
}

/// A subscription to stop, whatever the type of its events.
trait Stop: Send + Sync {
    fn stop(&self);
}

struct Target<E> {
    core: Weak<Core<E>>,
    mailbox: Weak<Mailbox<E>>,
}

impl<E: Send + Sync> Stop for Target<E> {
    fn stop(&self) {
        if let Some(mailbox) = self.mailbox.upgrade() {
            Core::stop(&self.core, &mailbox);
        }
    }
}
