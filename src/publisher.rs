//! A publishing handle that keeps the snapshot at hand.

use crate::core::Core;
use crate::error::PublishError;
use crate::event::Event;
use crate::snapshot::{CachedSnapshot, Phase};
use crate::stats::{Published, PublisherAccount};
use std::fmt;
use std::sync::Arc;

/// The fastest way to publish: a handle for one thread, from [`EventBus::publisher`](crate::EventBus::publisher).
///
/// It keeps the last snapshot of the subscribers and checks with one load whether it is still the current one; in
/// between, an idle publisher keeps that snapshot's memory alive, and with it the mailboxes and hooks of those who
/// have left since. Like every [`EventBus`](crate::EventBus) handle, it keeps the bus open.
pub struct Publisher<E> {
    /// The last snapshot seen, where that was a live one: one from before `start` would keep the whole start-up log.
    live: Option<CachedSnapshot<E>>,
    account: PublisherAccount,
    core: Arc<Core<E>>,
}

impl<E: Event + Clone> Publisher<E> {
    pub(crate) fn new(core: Arc<Core<E>>) -> Self {
        Self { live: None, account: core.totals().open_account(), core }
    }

    /// Publishes an event, exactly as [`EventBus::publish`](crate::EventBus::publish) does.
    ///
    /// Progress: lock-free as far as the rings are (see the [crate documentation](crate#progress)); makes no system call
    /// unless a subscriber is parked, and allocates nothing.
    ///
    /// # Errors
    ///
    /// [`PublishError::StartupFull`] before `start`, where the start-up buffer is full, and [`PublishError::Closed`] on a
    /// closed bus. Both give the event back.
    #[inline]
    pub fn publish(&mut self, event: E) -> Result<Published, PublishError<E>> {
        if let Some(live) = &mut self.live {
            let snapshot = live.load();
            if let Phase::Live = snapshot.phase {
                return Core::publish_live(snapshot, event, |published| self.account.count_live(published));
            }
        }
        self.publish_uncached(event)
    }

    #[cold]
    fn publish_uncached(&mut self, event: E) -> Result<Published, PublishError<E>> {
        let is_live = matches!(self.core.cell().load().phase, Phase::Live);
        self.live = is_live.then(|| self.core.cell().cached());
        self.core.publish(event)
    }
}

impl<E: Event + Clone> Clone for Publisher<E> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.core))
    }
}

impl<E> Drop for Publisher<E> {
    fn drop(&mut self) {
        self.core.totals().close_account(&self.account);
    }
}

impl<E> fmt::Debug for Publisher<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").finish_non_exhaustive()
    }
}
