//! One request under way: what has been answered so far.

use crate::event::Event;
use crate::event::large::clone_into;
use crate::event::request::Response;
use crate::gather::result::RequestResult;
use crate::gather::strangers::Strangers;
use crate::panics::Panics;
use crate::sync::Mutex;
use std::fmt;
use std::sync::{Arc, PoisonError};
use std::task::Waker;

/// Why a request takes no more answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The bus was closed.
    Closed,
    /// It was cancelled.
    Cancelled,
    /// The responses that arrived were taken, or given up.
    Taken,
}

/// What one look at a request under way has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// There are fewer responses than required.
    TooFew,
    /// There are as many as required, and the rest are waited for as well.
    Enough,
    /// There is nothing more to wait for: everybody has answered, or enough and the rest do not
    /// matter, or no more answers are taken.
    Done,
}

/// What became of an event that answers a request.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a late answer has to be counted"]
pub(crate) enum Answered {
    /// It is in the result, or counted there as a duplicate or as unexpected.
    InTime,
    /// It came when no more answers were taken.
    Late,
}

/// What responders and the requester share.
///
/// One short lock decides everything: whether an answer counts, how, and whom that wakes. No user
/// code runs under it: wakers and events are cloned before it is taken, and dropped and woken after
/// it was let go of.
pub(crate) struct Pending<E> {
    /// Whose answers count, each name once.
    expected: Arc<[Arc<str>]>,
    /// How many of them are enough.
    required: usize,
    /// Whether the requester waits for the rest when there are enough.
    wants_rest: bool,
    gathering: Mutex<Gathering<E>>,
}

/// What the lock guards. Written by responders that answer, by the requester, and by who ends the
/// request.
struct Gathering<E> {
    /// The first response of each responder, in order of arrival. Has room for all from the
    /// beginning.
    responses: Vec<E>,
    /// Whether each of `expected` has answered.
    answered: Vec<bool>,
    duplicates: usize,
    unexpected: usize,
    strangers: Strangers,
    /// `None` as long as answers count.
    ended: Option<Ended>,
    /// How to wake the requester, while it waits.
    waker: Option<Waker>,
}

/// Where an answer was put.
enum Placed {
    /// Into the result; if that was the one that was waited for, somebody has to be woken.
    Counted(Option<Waker>),
    /// Nowhere, and counted as a duplicate or as unexpected.
    Stray,
    /// Nowhere.
    Late,
}

impl<E> Gathering<E> {
    /// Decides about an answer of somebody who was not expected, by whatever name.
    fn place_stray(&mut self, name: Option<&str>) -> Placed {
        if self.ended.is_some() {
            return Placed::Late;
        }
        self.unexpected += 1;
        if let Some(name) = name {
            self.strangers.note(name);
        }
        Placed::Stray
    }

    /// Decides about an answer, which must be there, from the responder at this place among those
    /// expected. It is left there unless it is in the result now.
    fn place(&mut self, responder: usize, required: usize, event: &mut Option<E>) -> Placed {
        if self.ended.is_some() {
            return Placed::Late;
        }
        if std::mem::replace(&mut self.answered[responder], true) {
            self.duplicates += 1;
            return Placed::Stray;
        }
        if let Some(event) = event.take() {
            self.responses.push(event);
        }
        // The two moments at which the requester would go on; in between it sleeps.
        let is_awaited = self.responses.len() == required || self.responses.len() == self.answered.len();
        Placed::Counted(if is_awaited { self.waker.take() } else { None })
    }

    fn look(&self, required: usize, wants_rest: bool) -> Look {
        let received = self.responses.len();
        if self.ended.is_some() || received == self.answered.len() || received >= required && !wants_rest {
            Look::Done
        } else if received >= required {
            Look::Enough
        } else {
            Look::TooFew
        }
    }
}

impl<E> Pending<E> {
    /// Shared from the beginning: it is large, and made where it stays.
    pub(crate) fn new(expected: Arc<[Arc<str>]>, required: usize, wants_rest: bool) -> Arc<Self> {
        let gathering = Gathering {
            responses: Vec::with_capacity(expected.len()),
            answered: vec![false; expected.len()],
            duplicates: 0,
            unexpected: 0,
            strangers: Strangers::new(),
            ended: None,
            waker: None,
        };
        Arc::new(Self { expected, required, wants_rest, gathering: Mutex::new(gathering) })
    }

    fn gathering(&self) -> impl std::ops::DerefMut<Target = Gathering<E>> {
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn required(&self) -> usize {
        self.required
    }

    /// How many responses there are so far.
    pub(crate) fn received(&self) -> usize {
        self.gathering().responses.len()
    }

    /// Whether answers still count.
    pub(crate) fn is_open(&self) -> bool {
        self.gathering().ended.is_none()
    }

    /// Looks, and registers nobody.
    pub(crate) fn look(&self) -> Look {
        self.gathering().look(self.required, self.wants_rest)
    }

    /// Looks, and makes sure that `waker` is woken when there is more to see.
    pub(crate) fn look_or_wait(&self, waker: &Waker) -> Look {
        {
            let gathering = self.gathering();
            let look = gathering.look(self.required, self.wants_rest);
            let is_registered = gathering.waker.as_ref().is_some_and(|registered| registered.will_wake(waker));
            if look == Look::Done || is_registered {
                return look;
            }
        }
        let waker = waker.clone();
        let (look, displaced) = {
            let mut gathering = self.gathering();
            // Once more, under the lock that registers: what came in between has found nobody to
            // wake.
            (gathering.look(self.required, self.wants_rest), gathering.waker.replace(waker))
        };
        drop(displaced);
        look
    }

    /// Ends the request, if nothing has ended it before, and wakes the requester.
    pub(crate) fn end(&self, ended: Ended, panics: &mut Panics) {
        let waker = {
            let mut gathering = self.gathering();
            gathering.ended.get_or_insert(ended);
            gathering.waker.take()
        };
        if let Some(waker) = waker {
            panics.catch(|| waker.wake());
        }
    }

    /// Keeps no waker any more. User code: its `Drop`.
    pub(crate) fn end_wait(&self, panics: &mut Panics) {
        let waker = self.gathering().waker.take();
        panics.catch(|| drop(waker));
    }

    /// Takes what has come, and says what had ended the request before, if anything had. Whatever
    /// comes from now on is late.
    pub(crate) fn take(&self) -> (RequestResult<E>, Option<Ended>) {
        let mut gathering = self.gathering();
        let ended = gathering.ended.replace(Ended::Taken);
        let answered = std::mem::take(&mut gathering.answered);
        let mut result = RequestResult {
            responses: std::mem::take(&mut gathering.responses),
            missing: Vec::new(),
            duplicates: std::mem::take(&mut gathering.duplicates),
            unexpected: std::mem::take(&mut gathering.unexpected),
            strangers: gathering.strangers.names(),
        };
        drop(gathering);
        if result.responses.len() < self.expected.len() {
            let pairs = self.expected.iter().zip(answered);
            result.missing.extend(pairs.filter(|(_, answered)| !answered).map(|(name, _)| Arc::clone(name)));
        }
        (result, ended)
    }

    /// Drops what has come, unless it was taken, and returns how many answers that were. Whatever
    /// comes from now on is late. User code: the `Drop` of events and of a waker.
    pub(crate) fn give_up(&self, panics: &mut Panics) -> usize {
        if self.gathering().ended == Some(Ended::Taken) {
            return 0;
        }
        self.end_wait(panics);
        let (taken, _) = self.take();
        let given_up = taken.responses.len() + taken.duplicates + taken.unexpected;
        for response in taken.responses {
            panics.catch(|| drop(response));
        }
        given_up
    }
}

impl<E: Event + Clone> Pending<E> {
    /// Takes a clone of an answer. If `Clone` panics, it is as good as late.
    #[inline(never)]
    pub(crate) fn answer_by_clone(&self, event: &E, panics: &mut Panics) -> Answered {
        let mut answer = None;
        panics.catch(|| clone_into(&mut answer, event));
        let answered = self.answer(&mut answer, panics);
        panics.catch(|| answer = None);
        answered
    }
}

impl<E: Event> Pending<E> {
    /// Takes an answer; one that is missing is late. If the event's `responder` panics, nobody
    /// knows whose it is: it counts as unexpected.
    pub(crate) fn answer(&self, event: &mut Option<E>, panics: &mut Panics) -> Answered {
        let Some(answer) = event else { return Answered::Late };
        let mut responder = None;
        panics.catch(|| responder = answer.as_response().map(Response::responder));
        let expected = responder.and_then(|name| self.expected.iter().position(|expected| **expected == *name));
        let placed = match expected {
            Some(place) => self.gathering().place(place, self.required, event),
            None => self.gathering().place_stray(responder),
        };
        match placed {
            Placed::Counted(waker) => {
                if let Some(waker) = waker {
                    panics.catch(|| waker.wake());
                }
                Answered::InTime
            }
            Placed::Stray => Answered::InTime,
            Placed::Late => Answered::Late,
        }
    }
}

impl<E> fmt::Debug for Pending<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("expected", &self.expected)
            .field("required", &self.required)
            .field("received", &self.received())
            .finish_non_exhaustive()
    }
}
