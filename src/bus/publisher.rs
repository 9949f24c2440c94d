//! A publishing handle that keeps the snapshot at hand.

use crate::bus::core::{Core, Purpose, conclude, publish_large};
use crate::error::{BatchError, PublishError};
use crate::event::Event;
use crate::event::large::is_large;
use crate::panics::Panics;
use crate::publish::dispose;
use crate::publish::snapshot::{CachedSnapshot, Phase, Snapshot};
use crate::stats::{Published, PublisherAccount};
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

/// The fastest way to publish: a handle for one thread, from
/// [`EventBus::publisher`](crate::EventBus::publisher).
///
/// It keeps the last snapshot of the subscribers, and checks with one load whether that is still
/// the current one. Like every [`EventBus`](crate::EventBus) handle, it keeps the bus open.
///
/// Until its next publish, an idle publisher keeps in memory what was there at its last one: the
/// mailboxes and filters of subscribers that have left, and an older event of each retained type.
/// It never drops what they owned: other threads do, see
/// [`filter`](crate::SubscriberBuilder::filter).
///
/// # Examples
///
/// ```
/// # use ringbus::{Event, EventBus, EventType};
/// # #[derive(Clone, Copy, Debug, PartialEq)]
/// # struct Tick(u32);
/// # impl Event for Tick {
/// #     fn event_type(&self) -> EventType { const { EventType::new("tick") } }
/// #     fn timestamp(&self) -> std::time::SystemTime { std::time::SystemTime::now() }
/// # }
/// let bus = EventBus::new(0);
/// let ticks = bus.subscribe(8);
/// bus.start();
/// let mut publisher = bus.publisher();            // one for each thread
/// for number in 0..3 {
///     assert_eq!(publisher.publish(Tick(number))?.delivered, 1);
/// }
/// assert_eq!(ticks.len(), 3);
/// # Ok::<(), ringbus::PublishError<Tick>>(())
/// ```
pub struct Publisher<E> {
    /// The last snapshot seen, if that was a live one: one from before `start` would keep the whole
    /// start-up log.
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
    /// This is compiled into its caller, which saves a tenth of the time to one subscriber, and
    /// takes 1.4 to 2.5 kB of code for each call in your source. If many places publish, let them
    /// call one function of yours.
    ///
    /// # Errors
    ///
    /// [`PublishError::StartupFull`] before `start`, if the start-up buffer is full, and
    /// [`PublishError::Closed`] on a closed bus. Both give the event back.
    ///
    /// # Panics
    ///
    /// As `EventBus::publish`: resumes the first panic of user code, after everybody else has been
    /// served.
    ///
    /// # Progress
    ///
    /// As `EventBus::publish`, with the same exceptions. While the subscribers stay the same, it
    /// does not load the snapshot.
    // By its size alone the compiler would decide from program to program, by how many calls there
    // are.
    #[inline(always)]
    pub fn publish(&mut self, event: E) -> Result<Published, PublishError<E>> {
        if const { is_large::<E>() } {
            publish_large(event, |events, panics| self.publish_all(events, panics))
        } else {
            self.publish_small(event)
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn publish_small(&mut self, event: E) -> Result<Published, PublishError<E>> {
        let mut event = Some(event);
        let mut panics = Panics::default();
        if let Some(live) = &mut self.live {
            if let snapshot @ Snapshot { phase: Phase::Live, .. } = live.load() {
                let offered = self.core.publish_live(snapshot, &mut event, &mut panics);
                self.account.count_live(1, offered);
                dispose(&mut event, &mut panics);
                panics.resume();
                return Ok(offered.into());
            }
        }
        self.publish_uncached(&mut event, panics)
    }

    /// Publishes a batch of events, exactly as
    /// [`EventBus::publish_batch`](crate::EventBus::publish_batch) does.
    ///
    /// # Errors
    ///
    /// As `EventBus::publish_batch`.
    ///
    /// # Panics
    ///
    /// As `EventBus::publish_batch`.
    ///
    /// # Progress
    ///
    /// As [`publish`](Self::publish).
    pub fn publish_batch(&mut self, events: &[E]) -> Result<Published, BatchError> {
        let mut panics = Panics::default();
        let result = self.publish_all(events, &mut panics);
        panics.resume_or(result)
    }

    #[inline]
    fn publish_all(&mut self, events: &[E], panics: &mut Panics) -> Result<Published, BatchError> {
        if let Some(live) = &mut self.live {
            if let snapshot @ Snapshot { phase: Phase::Live, .. } = live.load() {
                let offered = self.core.publish_batch_live(snapshot, events, Purpose::Tell, panics);
                self.account.count_live(events.len(), offered);
                return Ok(offered.into());
            }
        }
        // So that it does not keep what this displaces.
        self.live = None;
        let result = self.core.publish_batch(events, Purpose::Tell, panics);
        self.refresh();
        result
    }

    /// Keeps the present snapshot, if that is a live one.
    fn refresh(&mut self) {
        let is_live = matches!(self.core.cell().load().phase, Phase::Live | Phase::Retaining);
        self.live = is_live.then(|| self.core.cell().cached());
    }

    #[cold]
    fn publish_uncached(&mut self, event: &mut Option<E>, mut panics: Panics) -> Result<Published, PublishError<E>> {
        if let Some(live) = &mut self.live {
            if let snapshot @ Snapshot { phase: Phase::Retaining, .. } = live.load() {
                if self.core.retained_index(event.as_ref(), &mut panics).is_none() {
                    let offered = self.core.publish_live(snapshot, event, &mut panics);
                    self.account.count_live(1, offered);
                    return conclude(Ok(offered.into()), event, panics);
                }
            }
        }
        // So that it does not keep what this displaces.
        self.live = None;
        let result = self.core.publish(event, &mut panics);
        // Not while the bus keeps events: there is nothing to have at hand, and it would cost a
        // load each time.
        if !matches!(result, Ok(Published { buffered: 1, .. })) {
            self.refresh();
        }
        conclude(result, event, panics)
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
        // Nobody else may come or go any more who would.
        self.live = None;
        self.core.cell().sweep();
    }
}

impl<E> fmt::Debug for Publisher<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").finish_non_exhaustive()
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use crate::bus::EventBus;
    use crate::event::DynEvent;

    #[test]
    fn publishers_that_have_gone_leave_nothing_in_the_totals() {
        let bus = EventBus::<DynEvent>::new(0);
        let publisher = bus.publisher();
        let accounts = || publisher.core.totals().accounts();
        assert_eq!(accounts(), 1);
        let others = [bus.publisher(), publisher.clone()];
        assert_eq!(accounts(), 3);
        drop(others);
        assert_eq!(accounts(), 1);
    }
}
