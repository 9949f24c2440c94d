//! What all handles of one bus share, and what they do with it.

use crate::end::Ended;
use crate::error::{PublishError, RequestError};
use crate::event::Event;
use crate::fan_out::{FannedOut, fan_out};
use crate::mailbox;
use crate::panics::Panics;
use crate::requests::Requests;
use crate::snapshot::{Closed, Phase, Snapshot, SnapshotCell};
use crate::startup::{AppendError, StartupLog};
use crate::stats::{BusStats, Published, Totals};
use crate::sync::Counter;
use std::mem::needs_drop;
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
        if let Phase::Starting(_) = self.cell.load().phase {
            self.cell.go_live();
        }
        mailbox::wake_all(&self.cell.load().subscribers, panics);
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

/// What a publish came to.
pub(crate) struct Offered<E> {
    pub(crate) published: Published,
    /// The event itself, where nobody got it: certain for a live publish that was not delivered.
    rest: Option<E>,
}

impl<E> Offered<E> {
    /// What is reported, after dropping the rest: user code.
    #[inline]
    pub(crate) fn settle(self, panics: &mut Panics) -> Published {
        if needs_drop::<E>() && self.rest.is_some() {
            panics.catch(|| drop(self.rest));
        }
        self.published
    }
}

/// Whether an event is published for its own sake, or asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Accepted whoever gets it.
    Tell,
    /// Accepted, by a live bus, only if somebody gets it.
    Ask,
}

impl<E: Event + Clone> Core<E> {
    /// Publishes, whatever the phase.
    pub(crate) fn publish(&self, event: E, panics: &mut Panics) -> Result<Published, PublishError<E>> {
        let offered = self.offer(event, Purpose::Tell, panics)?;
        Ok(offered.settle(panics))
    }

    /// Publishes an event that asks. The request must be registered by now: answers may come before this returns.
    pub(crate) fn ask(&self, event: E, panics: &mut Panics) -> Result<(), RequestError<E>> {
        match self.offer(event, Purpose::Ask, panics) {
            Ok(Offered { published: Published { buffered: 0, delivered: 0, .. }, rest: Some(event) }) => {
                Err(RequestError::NotDelivered(event))
            }
            Ok(offered) => {
                offered.settle(panics);
                Ok(())
            }
            Err(PublishError::StartupFull(event)) => Err(RequestError::StartupFull(event)),
            Err(PublishError::Closed(event)) => Err(RequestError::Closed(event)),
        }
    }

    fn offer(&self, event: E, purpose: Purpose, panics: &mut Panics) -> Result<Offered<E>, PublishError<E>> {
        let snapshot = self.cell.load();
        let result = self.offer_on(&snapshot, event, purpose, panics);
        // It may hold the last share in what has left meanwhile: user code.
        panics.catch(|| drop(snapshot));
        result
    }

    fn offer_on(
        &self,
        snapshot: &Snapshot<E>,
        event: E,
        purpose: Purpose,
        panics: &mut Panics,
    ) -> Result<Offered<E>, PublishError<E>> {
        let log = match &snapshot.phase {
            Phase::Live => {
                let offered = self.offer_live(snapshot, event, purpose, panics);
                self.totals.count_live(offered.published);
                return Ok(offered);
            }
            Phase::Closed(_) => return Err(PublishError::Closed(event)),
            Phase::Starting(log) => log,
        };
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
                Ok(Offered { published: Published { buffered: 1, ..Published::default() }, rest: None })
            }
            Err(AppendError::Full(event)) => {
                self.totals.count_startup_rejected();
                Err(PublishError::StartupFull(event))
            }
            Err(AppendError::Closed(event)) => self.offer_behind_log(event, purpose, panics),
        }
    }

    /// Publishes on a live bus: to the rings, then to the request that the event answers, then the lag reports. What it
    /// returns is still to be counted.
    #[inline]
    pub(crate) fn offer_live(
        &self,
        snapshot: &Snapshot<E>,
        event: E,
        purpose: Purpose,
        panics: &mut Panics,
    ) -> Offered<E> {
        let addressee = self.requests.addressee(&event, panics);
        let FannedOut { published, mut event, lags } = fan_out(snapshot, event, addressee.is_pending(), panics);
        // An event that asks may answer as well; not if it goes back to its publisher.
        if purpose == Purpose::Tell || published.delivered > 0 {
            let answer = if addressee.is_pending() { event.take() } else { None };
            self.requests.deliver(addressee, answer, panics);
        }
        if let Some(lags) = lags {
            lags.report(panics);
        }
        Offered { published, rest: event }
    }

    /// Wakes the readers that may have parked in front of a slot that was filled after the log was closed.
    #[cold]
    fn wake_for_late_fill(&self, panics: &mut Panics) {
        // The cell anew: a subscriber that joined since this publish loaded its snapshot may be waiting too.
        mailbox::wake_all(&self.cell.load().subscribers, panics);
    }

    /// Publishes an event that came too late for the log: the bus has started or closed, or is about to.
    #[cold]
    fn offer_behind_log(&self, event: E, purpose: Purpose, panics: &mut Panics) -> Result<Offered<E>, PublishError<E>> {
        self.finish_start(panics);
        let snapshot = self.cell.load();
        debug_assert!(!matches!(snapshot.phase, Phase::Starting(_)), "phases only advance");
        self.offer_on(&snapshot, event, purpose, panics)
    }
}

impl<E> Drop for Core<E> {
    fn drop(&mut self) {
        self.close();
    }
}
