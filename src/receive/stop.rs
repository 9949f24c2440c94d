//! Ending a subscription from outside.

use crate::mailbox::end::Ended;
use crate::mailbox::{self, Mailbox};
use crate::panics::{Panics, swallow};
use crate::publish::snapshot::{Phase, WeakCell};
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, Weak};

/// Ends a subscription from any thread, from
/// [`Subscription::stop_handle`](crate::Subscription::stop_handle).
///
/// Keeps neither the bus nor the subscription alive.
#[derive(Clone)]
pub struct StopHandle(Arc<dyn Stop>);

impl StopHandle {
    pub(crate) fn new<E: Send + Sync + 'static>(cell: WeakCell<E>, mailbox: Weak<Mailbox<E>>) -> Self {
        Self(Arc::new(Target { cell, mailbox }))
    }

    /// Ends the subscription. Nothing that is published from now on reaches it. Its receiver wakes,
    /// gets what it has, and then `Closed`. A subscription stopped before the bus started gets no
    /// replay. Stopping again does nothing.
    ///
    /// # Panics
    ///
    /// Resumes the panic of the receiver's waker.
    ///
    /// # Progress
    ///
    /// Lock-free, and then a short lock if somebody
    /// [waits for the bus to drain](crate::EventBus::close_and_drain).
    pub fn stop(&self) {
        self.0.stop();
    }
}

impl UnwindSafe for StopHandle {}
impl RefUnwindSafe for StopHandle {}

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
    cell: WeakCell<E>,
    mailbox: Weak<Mailbox<E>>,
}

impl<E: Send + Sync> Stop for Target<E> {
    fn stop(&self) {
        let Some(mailbox) = self.mailbox.upgrade() else { return };
        let mut panics = Panics::default();
        let cell = self.cell.upgrade();
        let is_starting = cell.as_ref().is_some_and(|cell| matches!(cell.load().phase, Phase::Starting(_)));
        mailbox.end(if is_starting { Ended::Abandon } else { Ended::Drain });
        if let Some(cell) = &cell {
            // It stays among the subscribers: while it drains, a late wake-up must find it.
            cell.unroute(&mailbox);
            // Of a bus that is closed meanwhile: nobody waits for its replay any more.
            cell.drains().notify();
        }
        mailbox::wake_all([&mailbox], &mut panics);
        // They may be the last shares by now. What they drop is not the caller's.
        swallow(|| drop(mailbox));
        swallow(|| drop(cell));
        panics.resume();
    }
}
