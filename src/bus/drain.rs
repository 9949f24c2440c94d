//! Closing a bus and waiting for the rest.

use crate::bus::core::Core;
use crate::panics::Panics;
use crate::park::ThreadWaker;
use crate::stats::SubscriberStats;
use crate::sync::Deadline;
use crate::until::until_stopped;
use std::fmt;
use std::future::Future;
use std::task::Context;
use std::time::Duration;

/// Which subscribers of a closed bus had not received everything. From
/// [`EventBus::close_and_drain`](crate::EventBus::close_and_drain).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "some subscribers may not have received everything"]
pub struct Drained {
    /// Their statistics: [`len`](SubscriberStats::len) and
    /// [`unread_replay`](SubscriberStats::unread_replay) say what they had left.
    pub unread: Vec<SubscriberStats>,
}

impl Drained {
    /// Whether every subscriber had received what it had, or had left.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.unread.is_empty()
    }
}

impl fmt::Display for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_complete() {
            return f.write_str("every subscriber has received everything");
        }
        for (index, stats) in self.unread.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            let (unread, plural) = match stats.len + stats.unread_replay {
                1 => (1, ""),
                unread => (unread, "s"),
            };
            write!(f, "{separator}{} has {unread} event{plural} unread", stats.name)?;
        }
        Ok(())
    }
}

impl<E> Core<E> {
    /// Closes the bus, and waits until every subscriber has taken what it had, or left, or `within`
    /// is over.
    pub(crate) fn close_and_drain(&self, within: Duration) -> Drained {
        let deadline = if within == Duration::MAX { Deadline::NEVER } else { Deadline::after(within) };
        self.close();
        let drain = self.cell().drains().begin();
        let waker = ThreadWaker::default().current();
        // What a publish that races with the close delivers behind this look is none of what they
        // had.
        while drain.poll(&waker, || !self.cell().load().has_unread()).is_pending() {
            if deadline.has_passed() {
                return self.undrained();
            }
            deadline.park();
        }
        Drained::default()
    }

    /// The same, until `stop` is ready.
    pub(crate) async fn close_and_drain_async(&self, stop: impl Future) -> Drained {
        let mut panics = Panics::default();
        panics.catch(|| self.close());
        let drain = self.cell().drains().begin();
        let look = |context: &mut Context<'_>| drain.poll(context.waker(), || !self.cell().load().has_unread());
        let is_drained = until_stopped(look, stop, &mut panics).await;
        panics.catch(|| drop(drain));
        panics.resume();
        if is_drained { Drained::default() } else { self.undrained() }
    }

    /// Who has not received everything by now.
    fn undrained(&self) -> Drained {
        let snapshot = self.cell().load();
        let len = snapshot.backlog.len;
        let behind = snapshot.subscribers.iter().filter(|mailbox| mailbox.has_unread(len));
        Drained { unread: behind.map(|mailbox| mailbox.stats(len)).collect() }
    }
}
