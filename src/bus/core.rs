//! What all handles of one bus share, and what they do with it.

use crate::error::{BatchError, BatchErrorKind, PublishError};
use crate::event::Event;
use crate::gather::error::RequestError;
use crate::gather::requests::Requests;
use crate::mailbox;
use crate::mailbox::end::Ended;
use crate::panics::Panics;
use crate::publish::batch::Batch;
use crate::publish::fan_out;
use crate::publish::snapshot::{Closed, Phase, Snapshot, SnapshotCell};
use crate::publish::startup::{AppendError, StartupLog};
use crate::stats::{BusStats, Offered, Published, Totals};
use crate::sync::Counter;
use std::sync::Arc;

/// The bus itself. Closed when the last handle that publishes lets go of it; subscriptions only know it weakly.
#[derive(Debug)]
pub(crate) struct Core<E> {
    cell: SnapshotCell<E>,
    totals: Totals,
    /// The requests under way. Their gathers share it and do not keep the bus open.
    requests: Arc<Requests<E>>,
    /// How many subscriptions were named by the bus.
    named: Counter,
}

impl<E> Core<E> {
    pub(crate) fn new(startup_capacity: usize) -> Self {
        Self {
            cell: SnapshotCell::new(StartupLog::new(startup_capacity)),
            totals: Totals::default(),
            requests: Arc::new(Requests::new()),
            named: Counter::new(0),
        }
    }

    pub(crate) fn cell(&self) -> &SnapshotCell<E> {
        &self.cell
    }

    pub(crate) fn totals(&self) -> &Totals {
        &self.totals
    }

    pub(crate) fn requests(&self) -> &Arc<Requests<E>> {
        &self.requests
    }

    pub(crate) fn next_name(&self) -> Arc<str> {
        format!("subscriber-{}", self.named.add(1) + 1).into()
    }

    /// Opens the bus: everything that was published so far is released to the subscribers of now. See [`finish_start`].
    ///
    /// [`finish_start`]: Self::finish_start
    pub(crate) fn start(&self) -> usize {
        let Phase::Starting(log) = self.cell.load().phase.clone() else { return 0 };
        // The log first, the cell second: were the cell live first, a publish could reach a ring while another still
        // appends to the log behind it.
        let closed = log.close();
        let mut panics = Panics::default();
        self.finish_start(&mut panics);
        // Where `close` came in between, it was `close` that released the backlog.
        let replayed = if closed.first && self.is_started() { closed.len } else { 0 };
        #[cfg(feature = "tracing")]
        panics.catch(|| tracing::debug!(replayed, "bus started"));
        // Where nobody has subscribed, the last share in the log: user code.
        panics.catch(|| drop(log));
        panics.resume();
        replayed
    }

    pub(crate) fn is_started(&self) -> bool {
        matches!(self.cell.load().phase, Phase::Live | Phase::Closed(Closed::Started))
    }

    /// The second half of [`start`](Self::start), for whoever finds the log closed: the thread that called `start`, a second
    /// one, or a publisher that would otherwise have to wait for them.
    fn finish_start(&self, panics: &mut Panics) {
        let snapshot = self.cell.load();
        if let Phase::Starting(_) = snapshot.phase {
            let before = self.cell.go_live();
            panics.catch(|| drop(before));
        }
        panics.catch(|| drop(snapshot));
        self.wake_all(panics);
    }

    /// Wakes every subscriber of now that waits.
    fn wake_all(&self, panics: &mut Panics) {
        let snapshot = self.cell.load();
        mailbox::wake_all(&snapshot.subscribers, panics);
        // It may hold the last share in what has left meanwhile: user code.
        panics.catch(|| drop(snapshot));
    }

    pub(crate) fn close(&self) {
        let mut panics = Panics::default();
        // The cell first, the log second: a publisher that found the log closed while the cell still said `Starting`
        // would take it for a start, and revive the bus.
        let before = self.cell.close();
        let snapshot = Arc::clone(&*self.cell.load());
        let mut released = None;
        if let Phase::Closed(Closed::Closing(log)) = &snapshot.phase {
            log.close();
            released = Some(self.cell.release_log());
        }
        for mailbox in &snapshot.subscribers {
            mailbox.end(Ended::Drain);
        }
        mailbox::wake_all(&snapshot.subscribers, &mut panics);
        self.requests.close(&mut panics);
        #[cfg(feature = "tracing")]
        panics.catch(|| tracing::debug!(subscribers = snapshot.subscribers.len(), "bus closed"));
        // The last shares in hooks and in the log: user code, which must not come between the steps above.
        panics.catch(|| drop(before));
        panics.catch(|| drop(released));
        panics.catch(|| drop(snapshot));
        panics.resume();
    }

    pub(crate) fn stats(&self) -> BusStats {
        let snapshot = self.cell.load();
        BusStats {
            late_responses: self.requests.late(),
            requests_in_flight: self.requests.in_flight(),
            ..self.totals.sum(snapshot.subscribers.iter().map(|mailbox| mailbox.stats()).collect())
        }
    }
}

/// Whether an event is published for its own sake, or asks.
#[derive(Debug)]
pub(crate) enum Purpose<'a, E> {
    /// Accepted whoever gets it.
    Tell,
    /// Accepted, by a live bus, only if somebody gets it; put back here if nobody does.
    Ask(&'a mut Option<E>),
}

impl<E> Purpose<'_, E> {
    /// Says whether an event that so many have got is accepted by a live bus, and puts it back where it is not.
    #[inline]
    fn conclude(self, event: &mut Option<E>, delivered: usize) -> bool {
        match self {
            Self::Ask(undelivered) if delivered == 0 => {
                *undelivered = event.take();
                false
            }
            Self::Tell | Self::Ask(_) => true,
        }
    }
}

impl<E: Event + Clone> Core<E> {
    /// Publishes, whatever the phase.
    #[inline]
    pub(crate) fn publish(
        &self,
        event: E,
        purpose: Purpose<'_, E>,
        panics: &mut Panics,
    ) -> Result<Published, PublishError<E>> {
        let snapshot = self.cell.load();
        let result = match &snapshot.phase {
            Phase::Live => {
                let offered = self.publish_live(&snapshot, event, purpose, panics);
                self.totals.count_live(1, offered);
                Ok(offered.into())
            }
            Phase::Starting(log) => self.publish_to_log(log, event, purpose, panics),
            Phase::Closed(_) => Err(PublishError::Closed(event)),
        };
        // It may hold the last share in what has left meanwhile: user code.
        panics.catch(|| drop(snapshot));
        result
    }

    /// Publishes an event that asks. The request must be registered by now: answers may come before this returns.
    pub(crate) fn ask(&self, event: E, panics: &mut Panics) -> Result<(), RequestError<E>> {
        let mut undelivered = None;
        match (self.publish(event, Purpose::Ask(&mut undelivered), panics), undelivered) {
            (Ok(_), None) => Ok(()),
            (Ok(_), Some(event)) => Err(RequestError::NotDelivered(event)),
            (Err(PublishError::StartupFull(event)), _) => Err(RequestError::StartupFull(event)),
            (Err(PublishError::Closed(event)), _) => Err(RequestError::Closed(event)),
        }
    }

    /// Keeps an event for the replay; publishes it where it comes too late for that.
    // Apart, so that the publish on a live bus stays small.
    #[inline(never)]
    fn publish_to_log(
        &self,
        log: &StartupLog<E>,
        event: E,
        purpose: Purpose<'_, E>,
        panics: &mut Panics,
    ) -> Result<Published, PublishError<E>> {
        let addressee = self.requests.addressee(&event, panics);
        match log.append(event) {
            Ok(appended) => {
                self.totals.count_buffered();
                if appended.closed_meanwhile {
                    self.wake_for_late_fill(panics);
                }
                let answer =
                    if addressee.is_pending() { panics.catch(|| appended.event().cloned()).flatten() } else { None };
                self.requests.deliver(addressee, answer, panics);
                Ok(Published { buffered: 1, ..Published::default() })
            }
            Err(AppendError::Full(event)) => {
                self.totals.count_startup_rejected();
                Err(PublishError::StartupFull(event))
            }
            // The bus has started or closed, or is about to. Phases only advance: next time it is another one.
            Err(AppendError::Closed(event)) => {
                self.finish_start(panics);
                self.publish(event, purpose, panics)
            }
        }
    }

    /// Publishes on a live bus: to the rings, then to the request that the event answers, then the lag reports. What it
    /// returns is still to be counted.
    // Inlined whatever the compiler thinks of it, as is all that a good publish runs through: what a call returns in memory is read back in
    // other widths, and each time the processor waits for its stores.
    #[inline(always)]
    pub(crate) fn publish_live(
        &self,
        snapshot: &Snapshot<E>,
        event: E,
        purpose: Purpose<'_, E>,
        panics: &mut Panics,
    ) -> Offered {
        if panics.catch(|| event.as_response().is_some()).unwrap_or_default() {
            return self.publish_response(snapshot, event, purpose, panics);
        }
        fan_out(snapshot, event, false, panics, |event, delivered, _| {
            purpose.conclude(event, delivered);
        })
    }

    // Apart, so that the publish of everything else stays small.
    #[inline(never)]
    fn publish_response(
        &self,
        snapshot: &Snapshot<E>,
        event: E,
        purpose: Purpose<'_, E>,
        panics: &mut Panics,
    ) -> Offered {
        let addressee = self.requests.addressee(&event, panics);
        let is_pending = addressee.is_pending();
        fan_out(snapshot, event, is_pending, panics, |event, delivered, panics| {
            // Where it was not accepted it answers nothing either, should it be a response as well.
            if purpose.conclude(event, delivered) {
                let answer = if is_pending { event.take() } else { None };
                self.requests.deliver(addressee, answer, panics);
            }
        })
    }

    /// Publishes many events: on a live bus at one go, before that one by one.
    pub(crate) fn publish_batch(&self, events: &[E], panics: &mut Panics) -> Result<Published, BatchError> {
        let snapshot = self.cell.load();
        let result = match snapshot.phase {
            Phase::Live => {
                let offered = self.publish_batch_live(&snapshot, events, panics);
                self.totals.count_live(events.len(), offered);
                Ok(offered.into())
            }
            Phase::Starting(_) | Phase::Closed(_) => self.publish_one_by_one(events, panics),
        };
        panics.catch(|| drop(snapshot));
        result
    }

    /// Publishes a batch on a live bus, in the order of [`publish_live`](Self::publish_live): the rings, the requests, the lag
    /// reports. What it returns is still to be counted.
    pub(crate) fn publish_batch_live(&self, snapshot: &Snapshot<E>, events: &[E], panics: &mut Panics) -> Offered {
        let mut batch = Batch::new(snapshot, events);
        let offered = batch.fan_out(panics);
        for event in events {
            let addressee = self.requests.addressee(event, panics);
            let answer = if addressee.is_pending() { panics.catch(|| event.clone()) } else { None };
            self.requests.deliver(addressee, answer, panics);
        }
        batch.report_lags(panics);
        offered
    }

    /// Publishes a batch whatever the phase, and in whichever phases that pass meanwhile.
    #[cold]
    fn publish_one_by_one(&self, events: &[E], panics: &mut Panics) -> Result<Published, BatchError> {
        let mut published = Published::default();
        for (taken, event) in events.iter().enumerate() {
            // Cloned before anything is claimed for it. Nobody gets an event that cannot be cloned.
            let Some(event) = panics.catch(|| event.clone()) else { continue };
            match self.publish(event, Purpose::Tell, panics) {
                Ok(one) => published += one,
                Err(error) => {
                    let kind = BatchErrorKind::of(&error);
                    panics.catch(|| drop(error));
                    return Err(BatchError { published, taken, kind });
                }
            }
        }
        Ok(published)
    }

    /// Wakes the readers that may have parked in front of a slot that was filled after the log was closed.
    #[cold]
    fn wake_for_late_fill(&self, panics: &mut Panics) {
        // The cell anew: a subscriber that joined since this publish loaded its snapshot may be waiting too.
        self.wake_all(panics);
    }
}

impl<E> Drop for Core<E> {
    fn drop(&mut self) {
        self.close();
    }
}
