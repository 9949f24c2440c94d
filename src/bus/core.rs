//! What all handles of one bus share, and what they do with it.

use crate::error::{BatchError, BatchErrorKind, PublishError};
use crate::event::Event;
use crate::event::event_type::EventType;
use crate::gather::pending::Answered;
use crate::gather::requests::{Addressee, Requests};
use crate::mailbox;
use crate::mailbox::end::Ended;
use crate::mailbox::options::Ring;
use crate::panics::Panics;
use crate::publish::batch::Batch;
use crate::publish::retained::{Entry, FannedOut, RetainedTypes, fan_out_put};
use crate::publish::snapshot::{Backlog, Phase, Snapshot, SnapshotCell};
use crate::publish::startup::{AppendError, Appended, StartupLog};
use crate::publish::{dispose, fan_out};
use crate::stats::{BusStats, Offered, Published, Totals};
use crate::sync::Counter;
use std::mem::needs_drop;
use std::slice;
use std::sync::Arc;

/// The bus itself. Closed when the last handle that publishes lets go of it; subscriptions only
/// know it weakly.
#[derive(Debug)]
pub(crate) struct Core<E> {
    cell: SnapshotCell<E>,
    totals: Totals,
    /// The requests under way. Their gathers share it and do not keep the bus open.
    requests: Arc<Requests<E>>,
    /// How many subscriptions were named by the bus.
    named: Counter,
    /// What subscribers get unless they say otherwise.
    ring: Ring,
    /// Which types are retained, if any.
    retained: Option<Arc<RetainedTypes>>,
}

impl<E> Core<E> {
    pub(crate) fn new(startup_capacity: usize, ring: Ring, retained: Vec<EventType>) -> Self {
        let retained = (!retained.is_empty()).then(|| Arc::new(RetainedTypes::new(retained)));
        Self {
            cell: SnapshotCell::new(StartupLog::new(startup_capacity), retained.clone()),
            totals: Totals::default(),
            requests: Arc::new(Requests::new()),
            named: Counter::new(0),
            ring,
            retained,
        }
    }

    pub(crate) fn ring(&self) -> Ring {
        self.ring
    }

    /// Whether the last event of this type is kept.
    pub(crate) fn retains(&self, event_type: EventType) -> bool {
        self.retained.as_ref().is_some_and(|types| types.index_of(event_type).is_some())
    }

    /// How many types are retained.
    pub(crate) fn retained_types(&self) -> usize {
        self.retained.as_ref().map_or(0, |types| types.len())
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

    /// Opens the bus: everything that was published so far is released to the present subscribers.
    /// See [`finish_start`].
    ///
    /// [`finish_start`]: Self::finish_start
    pub(crate) fn start(&self) -> usize
    where
        E: Event + Clone,
    {
        let Phase::Starting(log) = self.cell.load().phase.clone() else { return 0 };
        // The log first, the cell second: were the cell live first, a publish could reach a ring
        // while another still appends to the log behind it.
        let is_first = log.close();
        let mut panics = Panics::default();
        self.finish_start(&mut panics);
        let replayed = match &*self.cell.load() {
            // If `close` came in between, it was `close` that released the backlog.
            snapshot if is_first && snapshot.is_started() && snapshot.backlog.is_claimed => snapshot.backlog.len,
            _ => 0,
        };
        if is_first {
            #[cfg(feature = "tracing")]
            panics.catch(|| tracing::debug!(target: "ringbus", replayed, "bus started"));
        }
        self.settle_retained(&mut panics);
        self.cell.sweep();
        // If nobody has subscribed, the last share in the log: user code.
        panics.catch(|| drop(log));
        panics.resume();
        replayed
    }

    /// Forgets the last event of a type, if that is retained.
    pub(crate) fn forget(&self, event_type: EventType) {
        if let Some(index) = self.retained.as_ref().and_then(|types| types.index_of(event_type)) {
            self.cell.forget(index);
        }
    }

    pub(crate) fn is_started(&self) -> bool {
        self.cell.load().is_started()
    }

    /// The second half of [`start`](Self::start), for whoever finds the log closed: the thread that
    /// called `start`, a second one, or a publisher that would otherwise have to wait for them.
    fn finish_start(&self, panics: &mut Panics) {
        // (Let go of before the swap, so that it does not keep what that displaces.)
        let is_starting = matches!(self.cell.load().phase, Phase::Starting(_));
        if is_starting {
            self.cell.go_live();
        }
        self.wake_all(panics);
    }

    /// Wakes every present subscriber that waits.
    fn wake_all(&self, panics: &mut Panics) {
        mailbox::wake_all(self.cell.load().subscribers.iter(), panics);
    }

    pub(crate) fn close(&self) {
        let mut panics = Panics::default();
        // The cell first, the log second: a publisher that found the log closed while the cell
        // still said `Starting` would take it for a start, and revive the bus.
        let (is_first, log) = self.cell.close();
        if let Some(log) = &log {
            log.close();
            self.cell.release_log();
        }
        let snapshot = self.cell.load();
        for mailbox in snapshot.subscribers.iter() {
            mailbox.end(Ended::Drain);
        }
        mailbox::wake_all(snapshot.subscribers.iter(), &mut panics);
        self.requests.close(&mut panics);
        if is_first {
            #[cfg(feature = "tracing")]
            panics.catch(|| tracing::debug!(target: "ringbus", subscribers = snapshot.subscribers.len(), "bus closed"));
        }
        snapshot.hooks.close(&mut panics);
        drop(snapshot);
        self.cell.sweep();
        // If nobody has subscribed, the last share in the log: user code.
        panics.catch(|| drop(log));
        panics.resume();
    }

    pub(crate) fn stats(&self) -> BusStats {
        let snapshot = self.cell.load();
        let Backlog { len, is_claimed } = snapshot.backlog;
        BusStats {
            unclaimed: if is_claimed { 0 } else { len as u64 },
            late_responses: self.requests.late(),
            requests_in_flight: self.requests.in_flight(),
            ..self.totals.sum(snapshot.subscribers.iter().map(|mailbox| mailbox.stats(len)).collect())
        }
    }
}

/// Whether events are published for their own sake, or ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Accepted whoever gets it.
    Tell,
    /// Accepted, by a live bus, only if somebody gets it.
    Ask,
}

/// Ends a publish: drops the event if nobody has taken it, or hands it back if it was refused, and
/// resumes the first panic.
#[inline]
pub(crate) fn conclude<E>(
    result: Result<Published, BatchErrorKind>,
    event: &mut Option<E>,
    mut panics: Panics,
) -> Result<Published, PublishError<E>> {
    match result {
        Ok(published) => {
            dispose(event, &mut panics);
            panics.resume();
            Ok(published)
        }
        Err(kind) => refuse(kind, event.take(), panics),
    }
}

#[cold]
#[inline(never)]
fn refuse<E>(kind: BatchErrorKind, event: Option<E>, panics: Panics) -> Result<Published, PublishError<E>> {
    let event = event.expect("nobody takes an event that is refused");
    panics.resume_or(Err(PublishError::new(kind, event)))
}

/// Publishes a large event, of which everybody gets a clone by `lend`: it stays where its publisher
/// has put it.
#[inline(never)]
pub(crate) fn publish_large<E>(
    event: E,
    lend: impl FnOnce(&[E], &mut Panics) -> Result<Published, BatchError>,
) -> Result<Published, PublishError<E>> {
    let mut panics = Panics::default();
    if const { needs_drop::<E>() } {
        let mut event = Some(event);
        let result = lend(event.as_slice(), &mut panics).map_err(|error| error.kind);
        return conclude(result, &mut event, panics);
    }
    let result = lend(slice::from_ref(&event), &mut panics);
    panics.resume();
    match result {
        Ok(published) => Ok(published),
        Err(error) => Err(PublishError::new(error.kind, event)),
    }
}

// In what follows an event travels as `&mut Option<E>`: it stays where its publisher has put it
// until somebody takes it, because each move of a large one costs time, and in a debug build,
// stack.
impl<E: Event + Clone> Core<E> {
    /// Publishes on a live bus; on another, leaves the event alone. What nobody has taken is still
    /// there afterwards.
    #[inline]
    pub(crate) fn publish_if_live(&self, event: &mut Option<E>, panics: &mut Panics) -> Option<Offered> {
        let snapshot = self.cell.load();
        let Phase::Live = snapshot.phase else { return None };
        let offered = self.publish_live(&snapshot, event, panics);
        self.totals.count_live(1, offered);
        Some(offered)
    }

    /// Publishes, whatever the phase. What nobody has taken is still there afterwards.
    pub(crate) fn publish(&self, event: &mut Option<E>, panics: &mut Panics) -> Result<Published, BatchErrorKind> {
        let snapshot = self.cell.load();
        match &snapshot.phase {
            Phase::Live => {
                let offered = self.publish_live(&snapshot, event, panics);
                self.totals.count_live(1, offered);
                Ok(offered.into())
            }
            Phase::Retaining => match self.retained_index(event.as_ref(), panics) {
                None => {
                    let offered = self.publish_live(&snapshot, event, panics);
                    self.totals.count_live(1, offered);
                    Ok(offered.into())
                }
                Some(index) => {
                    // So that it does not keep what this displaces.
                    drop(snapshot);
                    self.publish_retained(event, index, panics)
                }
            },
            Phase::Starting(log) => self.publish_to_log(log, event, panics),
            Phase::Closed(_) => Err(BatchErrorKind::Closed),
        }
    }

    /// The index of an event's type among the retained ones, if it is one.
    #[inline]
    pub(crate) fn retained_index(&self, event: Option<&E>, panics: &mut Panics) -> Option<usize> {
        self.retained.as_ref()?.index_for(event?, panics)
    }

    /// Publishes an event of a retained type, given by its index, on a live bus.
    #[inline(never)]
    fn publish_retained(
        &self,
        event: &mut Option<E>,
        index: usize,
        panics: &mut Panics,
    ) -> Result<Published, BatchErrorKind> {
        let addressee = event.as_ref().map_or(Addressee::Nobody, |event| self.requests.addressee(event, panics));
        let entry = Entry::of(event, index);
        let published = self.publish_entry(entry.clone(), addressee, Purpose::Tell, panics);
        if published.is_err() {
            // It was put nowhere, so this is the only share.
            *event = Arc::into_inner(entry).and_then(|mut entry| entry.event.take());
        } else {
            panics.catch(|| drop(entry));
        }
        published
    }

    /// Retains an event and publishes it.
    fn publish_entry(
        &self,
        entry: Arc<Entry<E>>,
        addressee: Addressee<E>,
        purpose: Purpose,
        panics: &mut Panics,
    ) -> Result<Published, BatchErrorKind> {
        let Some((snapshot, put)) = self.cell.put(&entry) else {
            // In a batch, the last share in the copy of the event: user code.
            panics.catch(|| drop(entry));
            return Err(BatchErrorKind::Closed);
        };
        let answer = |offered: Option<Offered>, panics: &mut Panics| {
            // If it was not accepted it answers nothing either.
            if purpose == Purpose::Tell || offered.is_none_or(|offered| offered.delivered > 0) {
                self.requests.deliver(addressee, panics, |pending, panics| {
                    entry.event.as_ref().map_or(Answered::Late, |event| pending.answer_by_clone(event, panics))
                });
            }
        };
        let published = match fan_out_put(snapshot, put, panics, answer) {
            Some(FannedOut { own, nested }) => {
                self.cell.tidy();
                self.totals.count_live(1, own + nested);
                match purpose {
                    Purpose::Tell => (own + nested).into(),
                    Purpose::Ask => own.into(),
                }
            }
            // A publish that is under way further up the stack does it, and counts it.
            None => {
                self.totals.count_live(1, Offered::default());
                Published { buffered: 1, ..Published::default() }
            }
        };
        panics.catch(|| drop(entry));
        Ok(published)
    }

    /// The last event of a type, if that is retained. User code.
    pub(crate) fn retained(&self, event_type: EventType) -> Option<E> {
        let index = self.retained.as_ref()?.index_of(event_type)?;
        let snapshot = self.cell.load();
        let log = if let Phase::Starting(log) = &snapshot.phase { Some(&**log) } else { None };
        snapshot.retained.as_ref()?.read(index, log)
    }

    /// Looks up the retained events among those of before the start, so that nobody needs the log
    /// for them. If one is still on its way into the log, whoever publishes that does it.
    fn settle_retained(&self, panics: &mut Panics) {
        let search = self.cell.load().retained.as_ref().and_then(|retained| retained.search(None));
        let Some(search) = search else { return };
        if let Some(found) = search.look_up(panics) {
            self.cell.settle(&found);
            panics.catch(|| drop(found));
        }
        panics.catch(|| drop(search));
    }

    /// Keeps an event for the replay; publishes it if it comes too late for that.
    // Apart, so that the publish on a live bus stays small.
    #[inline(never)]
    fn publish_to_log(
        &self,
        log: &StartupLog<E>,
        event: &mut Option<E>,
        panics: &mut Panics,
    ) -> Result<Published, BatchErrorKind> {
        let addressee = event.as_ref().map_or(Addressee::Nobody, |event| self.requests.addressee(event, panics));
        match log.append(event) {
            Ok(appended) => Ok(self.after_append(appended, addressee, panics)),
            Err(AppendError::Full) => {
                self.totals.count_startup_rejected();
                Err(BatchErrorKind::StartupFull)
            }
            // The bus has started or closed, or is about to. Phases only advance: next time it is
            // another one.
            Err(AppendError::Closed) => {
                self.finish_start(panics);
                self.publish(event, panics)
            }
        }
    }

    /// What is left to do for an event that is kept for the replay.
    fn after_append(&self, appended: Appended<'_, E>, addressee: Addressee<E>, panics: &mut Panics) -> Published {
        self.totals.count_buffered();
        if appended.closed_meanwhile {
            self.wake_for_late_fill(panics);
            self.settle_retained(panics);
        }
        self.requests.deliver(addressee, panics, |pending, panics| {
            appended.event().map_or(Answered::Late, |event| pending.answer_by_clone(event, panics))
        });
        Published { buffered: 1, ..Published::default() }
    }

    /// Publishes on a live bus: to the rings, then to the request that the event answers, then the
    /// lag reports. What it returns is still to be counted.
    // Inlined whatever the compiler thinks of it, as is all that a good publish runs through: what
    // a call returns in memory is read back in other widths, and each time the processor waits for
    // its stores.
    #[inline(always)]
    pub(crate) fn publish_live(&self, snapshot: &Snapshot<E>, event: &mut Option<E>, panics: &mut Panics) -> Offered {
        let is_response = |event: &Option<E>| event.as_ref().is_some_and(|event| event.as_response().is_some());
        if panics.catch(|| is_response(event)).unwrap_or_default() {
            return self.publish_response(snapshot, event, panics);
        }
        fan_out(snapshot, event, false, panics, |_, _| ())
    }

    // Apart, so that the publish of everything else stays small.
    #[inline(never)]
    fn publish_response(&self, snapshot: &Snapshot<E>, event: &mut Option<E>, panics: &mut Panics) -> Offered {
        let addressee = event.as_ref().map_or(Addressee::Nobody, |event| self.requests.addressee(event, panics));
        fan_out(snapshot, event, addressee.is_pending(), panics, |event, panics| {
            self.requests.deliver(addressee, panics, |pending, panics| pending.answer(event, panics));
        })
    }

    /// Publishes many events: on a live bus at one go, before that one by one.
    pub(crate) fn publish_batch(
        &self,
        events: &[E],
        purpose: Purpose,
        panics: &mut Panics,
    ) -> Result<Published, BatchError> {
        let snapshot = self.cell.load();
        match snapshot.phase {
            Phase::Live => {
                let offered = self.publish_batch_live(&snapshot, events, purpose, panics);
                self.totals.count_live(events.len(), offered);
                Ok(offered.into())
            }
            Phase::Retaining => {
                drop(snapshot);
                self.publish_batch_retaining(events, purpose, panics)
            }
            Phase::Starting(ref log) => self.publish_batch_to_log(log, events, purpose, panics),
            Phase::Closed(_) if events.is_empty() => Ok(Published::default()),
            Phase::Closed(_) => {
                Err(BatchError { published: Published::default(), taken: 0, kind: BatchErrorKind::Closed })
            }
        }
    }

    /// Publishes a batch on a live bus that retains types: what lies between events of these goes
    /// at one go, and these one by one.
    #[cold]
    fn publish_batch_retaining(
        &self,
        events: &[E],
        purpose: Purpose,
        panics: &mut Panics,
    ) -> Result<Published, BatchError> {
        let mut published = Published::default();
        let mut taken = 0;
        while taken < events.len() {
            let rest = &events[taken..];
            let next = rest.iter().enumerate();
            let next = next.map(|(place, event)| (place, self.retained_index(Some(event), panics)));
            let next = next.into_iter().find_map(|(place, index)| Some((place, index?)));
            let plain = &rest[..next.map_or(rest.len(), |(place, _)| place)];
            if !plain.is_empty() {
                let snapshot = self.cell.load();
                let Phase::Retaining = snapshot.phase else {
                    return Err(BatchError { published, taken, kind: BatchErrorKind::Closed });
                };
                let offered = self.publish_batch_live(&snapshot, plain, purpose, panics);
                self.totals.count_live(plain.len(), offered);
                published += offered.into();
                taken += plain.len();
            }
            if let Some((place, index)) = next {
                let event = &rest[place];
                let addressee = self.requests.addressee(event, panics);
                match Entry::of_clone(event, index, panics) {
                    Some(entry) => match self.publish_entry(entry, addressee, purpose, panics) {
                        Ok(one) => published += one,
                        Err(kind) => return Err(BatchError { published, taken, kind }),
                    },
                    // Nobody gets an event that cannot be cloned.
                    None => self.requests.deliver(addressee, panics, |_, _| Answered::Late),
                }
                taken += 1;
            }
        }
        Ok(published)
    }

    /// Publishes a batch on a live bus, in the order of [`publish_live`](Self::publish_live): the
    /// rings, the requests, the lag reports. What it returns is still to be counted.
    pub(crate) fn publish_batch_live(
        &self,
        snapshot: &Snapshot<E>,
        events: &[E],
        purpose: Purpose,
        panics: &mut Panics,
    ) -> Offered {
        let mut batch = Batch::new(snapshot, events);
        let offered = batch.fan_out(panics);
        for event in events {
            let addressee = self.requests.addressee(event, panics);
            // If it was not accepted it answers nothing either.
            if purpose == Purpose::Tell || offered.delivered > 0 {
                self.requests.deliver(addressee, panics, |pending, panics| pending.answer_by_clone(event, panics));
            }
        }
        batch.report_lags(panics);
        offered
    }

    /// Keeps the events of a batch for the replay, and publishes those that come too late for that.
    #[cold]
    fn publish_batch_to_log(
        &self,
        log: &StartupLog<E>,
        events: &[E],
        purpose: Purpose,
        panics: &mut Panics,
    ) -> Result<Published, BatchError> {
        let mut published = Published::default();
        for (taken, event) in events.iter().enumerate() {
            let addressee = self.requests.addressee(event, panics);
            let Some(appended) = log.append_clone(event, panics) else {
                // Nobody gets an event that cannot be cloned.
                self.requests.deliver(addressee, panics, |_, _| Answered::Late);
                continue;
            };
            match appended {
                Ok(appended) => published += self.after_append(appended, addressee, panics),
                Err(AppendError::Full) => {
                    self.totals.count_startup_rejected();
                    return Err(BatchError { published, taken, kind: BatchErrorKind::StartupFull });
                }
                // As in `publish_to_log`: the rest goes to the bus as it is by now.
                Err(AppendError::Closed) => {
                    self.finish_start(panics);
                    return match self.publish_batch(&events[taken..], purpose, panics) {
                        Ok(rest) => Ok(published + rest),
                        Err(error) => Err(BatchError {
                            published: published + error.published,
                            taken: taken + error.taken,
                            kind: error.kind,
                        }),
                    };
                }
            }
        }
        Ok(published)
    }

    /// Wakes the readers that may have parked in front of a slot that was filled after the log was
    /// closed.
    #[cold]
    fn wake_for_late_fill(&self, panics: &mut Panics) {
        // The cell anew: a subscriber that joined since this publish loaded its snapshot may be
        // waiting too.
        self.wake_all(panics);
    }
}

impl<E> Drop for Core<E> {
    fn drop(&mut self) {
        self.close();
    }
}
