//! The requests under way, by id, and how a response finds its own.

use crate::event::Event;
use crate::event::request::{BuildIdHasher, RequestId};
use crate::gather::pending::{Answered, Ended, Pending};
use crate::panics::Panics;
use crate::sync::{AtomicUsize, Counter, DashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Whom an event answers.
pub(crate) enum Addressee<E> {
    /// It is no response.
    Nobody,
    /// A request under way.
    Pending(Arc<Pending<E>>),
    /// A request that is not under way: not any more, or not on this bus.
    Gone,
}

impl<E> Addressee<E> {
    pub(crate) fn is_pending(&self) -> bool {
        matches!(self, Self::Pending(_))
    }
}

/// How many locks the map has. More threads than that would have to ask or answer in the same few
/// nanoseconds to feel it, and the default, four for each processor, is memory for every bus that
/// never asks.
const SHARDS: usize = 16;

/// The requests under way.
///
/// # Progress
///
/// A response takes two short locks, that of a shard of the map and that of its
/// [`Pending`]; none if nothing is under way. No lock of the map is held while user code runs or
/// anybody is woken.
pub(crate) struct Requests<E> {
    /// An entry lives exactly as long as its [`Registration`].
    pending: DashMap<RequestId, Arc<Pending<E>>, BuildIdHasher>,
    /// How many registrations there are. Written by requesters, read by whoever publishes a
    /// response.
    in_flight: AtomicUsize,
    /// Responses that came too late, or to no request at all, or whose request was given up.
    late: Counter,
}

impl<E> Requests<E> {
    pub(crate) fn new() -> Self {
        Self {
            pending: DashMap::with_hasher_and_shard_amount(BuildIdHasher::default(), SHARDS),
            in_flight: AtomicUsize::new(0),
            late: Counter::new(0),
        }
    }

    /// Enters a request, unless one with that id is under way.
    pub(crate) fn register(self: &Arc<Self>, id: RequestId, pending: Arc<Pending<E>>) -> Option<Registration<E>> {
        // ORDERING: Relaxed. Whoever answers this request has received it, and the ring or the log
        // that handed it over makes this addition visible to its load in `is_any_under_way`. A
        // response that nobody's request has caused may miss it, and is late.
        // Checked by loom-tests/tests/requesting.rs
        // `answer_to_a_request_that_was_received_is_gathered`.
        self.in_flight.fetch_add(1, Relaxed);
        let registration = Registration { requests: Arc::clone(self), id: id.clone(), pending };
        let is_new = {
            let entry = self.pending.entry(id).or_insert_with(|| Arc::clone(&registration.pending));
            Arc::ptr_eq(entry.value(), &registration.pending)
        };
        // Where the entry is another's, dropping the registration lowers the count again and leaves
        // the map alone.
        is_new.then_some(registration)
    }

    /// Finds out whom an event answers. User code: `as_response`, and if any request is under way,
    /// `request_id`. A response whose id cannot be had answers nothing that is known.
    #[inline]
    pub(crate) fn addressee(&self, event: &E, panics: &mut Panics) -> Addressee<E>
    where
        E: Event,
    {
        let mut is_response = false;
        let id = panics.catch(|| {
            let response = event.as_response()?;
            is_response = true;
            self.is_any_under_way().then(|| response.request_id())
        });
        match id.flatten() {
            Some(id) => self.find(&id).map_or(Addressee::Gone, Addressee::Pending),
            None if is_response => Addressee::Gone,
            None => Addressee::Nobody,
        }
    }

    #[inline]
    fn is_any_under_way(&self) -> bool {
        // ORDERING: Relaxed. See `register`.
        self.in_flight.load(Relaxed) != 0
    }

    // Apart, so that the publish of everything else stays small.
    #[inline(never)]
    fn find(&self, id: &RequestId) -> Option<Arc<Pending<E>>> {
        self.pending.view(id, |_, pending| Arc::clone(pending))
    }

    /// Gives an event that was accepted to the request that it answers, by `answer`, or counts it
    /// as late.
    #[inline]
    pub(crate) fn deliver(
        &self,
        addressee: Addressee<E>,
        panics: &mut Panics,
        answer: impl FnOnce(&Pending<E>, &mut Panics) -> Answered,
    ) {
        let is_late = match addressee {
            Addressee::Nobody => false,
            Addressee::Pending(pending) => answer(&pending, panics) == Answered::Late,
            Addressee::Gone => true,
        };
        if is_late {
            self.late.add(1);
        }
    }

    /// Whether a request with that id is under way, and still takes answers.
    pub(crate) fn is_pending(&self, id: &RequestId) -> bool {
        self.is_any_under_way() && self.find(id).is_some_and(|pending| pending.is_open())
    }

    /// Ends every request under way, and wakes who waits for it.
    pub(crate) fn close(&self, panics: &mut Panics) {
        // Whatever `in_flight` says: one whose publish still found the bus open is in the map,
        // because the locks of the map order that entry before this walk or this walk before that
        // publish. The count promises nothing of the kind.
        // Checked by loom-tests/tests/requesting.rs `request_that_races_with_close_ends`.
        let pending: Vec<_> = self.pending.iter().map(|entry| Arc::clone(entry.value())).collect();
        for pending in pending {
            pending.end(Ended::Closed, panics);
        }
    }

    pub(crate) fn in_flight(&self) -> u64 {
        // ORDERING: Relaxed. Read for reporting.
        self.in_flight.load(Relaxed) as u64
    }

    pub(crate) fn late(&self) -> u64 {
        self.late.get()
    }
}

impl<E> fmt::Debug for Requests<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requests")
            .field("in_flight", &self.in_flight())
            .field("late", &self.late())
            .finish_non_exhaustive()
    }
}

/// A request's place in the map, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Registration<E> {
    requests: Arc<Requests<E>>,
    id: RequestId,
    pending: Arc<Pending<E>>,
}

impl<E> Registration<E> {
    pub(crate) fn id(&self) -> &RequestId {
        &self.id
    }

    pub(crate) fn pending(&self) -> &Arc<Pending<E>> {
        &self.pending
    }
}

impl<E> Drop for Registration<E> {
    fn drop(&mut self) {
        // Its own entry only: a second request with the same id is refused by dropping its
        // registration.
        self.requests.pending.remove_if(&self.id, |_, pending| Arc::ptr_eq(pending, &self.pending));
        // ORDERING: Relaxed. See `register`; who reads the lower count too early or too late finds
        // no entry, and both mean late.
        self.requests.in_flight.fetch_sub(1, Relaxed);
        let mut panics = Panics::default();
        let given_up = self.pending.give_up(&mut panics);
        self.requests.late.add(given_up as u64);
        panics.resume();
    }
}
