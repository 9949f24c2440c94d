//! A publishing handle that keeps the snapshot at hand.

use crate::bus::core::{Core, Purpose};
use crate::error::{BatchError, PublishError};
use crate::event::Event;
use crate::panics::Panics;
use crate::publish::snapshot::{CachedSnapshot, Phase, Snapshot};
use crate::stats::{Published, PublisherAccount};
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
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
    /// Progress: as `EventBus::publish`, with the same exceptions; while the subscribers stay the same, without its load of
    /// the snapshot.
    ///
    /// Is compiled into its caller, which saves a tenth of the time to one subscriber and takes 1.4 to 2.5 kB of code for each call that is
    /// written: where many places publish, let them call one function of yours.
    ///
    /// # Errors
    ///
    /// [`PublishError::StartupFull`] before `start`, where the start-up buffer is full, and [`PublishError::Closed`] on a
    /// closed bus. Both give the event back.
    ///
    /// # Panics
    ///
    /// As `EventBus::publish`: goes on with the first panic of user code, after everybody else has been served.
    // By its size alone the compiler would decide from program to program, by how many calls there are.
    #[inline(always)]
    pub fn publish(&mut self, event: E) -> Result<Published, PublishError<E>> {
        let mut panics = Panics::default();
        if let Some(live) = &mut self.live {
            // A new snapshot takes the place of one that may hold the last share in what has left since: user code.
            if let Some(snapshot @ Snapshot { phase: Phase::Live, .. }) = panics.catch(|| live.load()) {
                let offered = self.core.publish_live(snapshot, event, Purpose::Tell, &mut panics);
                self.account.count_live(1, offered);
                panics.resume();
                return Ok(offered.into());
            }
        }
        self.publish_uncached(event, panics)
    }

    /// Publishes a batch of events, exactly as [`EventBus::publish_batch`](crate::EventBus::publish_batch) does.
    ///
    /// # Errors
    ///
    /// As `EventBus::publish_batch`.
    ///
    /// # Panics
    ///
    /// As `EventBus::publish_batch`.
    pub fn publish_batch(&mut self, events: &[E]) -> Result<Published, BatchError> {
        let mut panics = Panics::default();
        if let Some(live) = &mut self.live {
            // As in `publish`.
            if let Some(snapshot @ Snapshot { phase: Phase::Live, .. }) = panics.catch(|| live.load()) {
                let offered = self.core.publish_batch_live(snapshot, events, &mut panics);
                self.account.count_live(events.len(), offered);
                panics.resume();
                return Ok(offered.into());
            }
        }
        self.refresh(&mut panics);
        let result = self.core.publish_batch(events, &mut panics);
        panics.resume_or(result)
    }

    /// Keeps the snapshot of now, where that is a live one.
    fn refresh(&mut self, panics: &mut Panics) {
        // What is loaded and what was kept may both be last shares in what has left since: user code.
        panics.catch(|| {
            let is_live = matches!(self.core.cell().load().phase, Phase::Live);
            self.live = is_live.then(|| self.core.cell().cached());
        });
    }

    #[cold]
    fn publish_uncached(&mut self, event: E, mut panics: Panics) -> Result<Published, PublishError<E>> {
        let result = self.core.publish(event, Purpose::Tell, &mut panics);
        // Not while the bus keeps events: there is nothing to have at hand, and it would cost a load each time.
        if !matches!(result, Ok(Published { buffered: 1, .. })) {
            self.refresh(&mut panics);
        }
        panics.resume_or(result)
    }
}

impl<E> UnwindSafe for Publisher<E> {}
impl<E> RefUnwindSafe for Publisher<E> {}

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
