//! One request under way: what has been answered so far.

use crate::event::Event;
use crate::panics::Panics;
use crate::request_result::RequestResult;
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
    /// What had come was taken, or given up.
    Taken,
}

/// What one look at a request under way has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Fewer responses than required.
    Waiting,
    /// As many as required, and not from everybody.
    Enough,
    /// Everybody has answered, or no more answers are taken.
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
/// One short lock decides everything: whether an answer counts, how, and whom that wakes. No user code runs under it: wakers and events
/// are cloned before it is taken, and dropped and woken after it was let go of.
pub(crate) struct Pending<E> {
    /// Whose answers count, each name once.
    expected: Arc<[Arc<str>]>,
    /// How many of them are enough.
    required: usize,
    gathering: Mutex<Gathering<E>>,
}

/// What the lock guards. Written by responders that answer, by the requester, and by who ends the request.
struct Gathering<E> {
    /// The first response of each responder, in order of arrival. Has room for all from the beginning.
    responses: Vec<E>,
    /// Whether each of `expected` has answered.
    answered: Vec<bool>,
    duplicates: usize,
    unexpected: usize,
    /// `None` as long as answers count.
    ended: Option<Ended>,
    /// How to wake the requester, while it waits.
    waker: Option<Waker>,
}

/// Where an answer was put.
enum Placed<E> {
    /// Into the result; where that was the one that was waited for, somebody has to be woken.
    Counted(Option<Waker>),
    /// Nowhere, and counted as a duplicate or as unexpected.
    Stray(E),
    /// Nowhere.
    Late(E),
}

impl<E> Gathering<E> {
    /// Decides about an answer from the responder at this place among those expected, or from none of them.
    fn place(&mut self, responder: Option<usize>, required: usize, event: E) -> Placed<E> {
        if self.ended.is_some() {
            return Placed::Late(event);
        }
        let Some(responder) = responder else {
            self.unexpected += 1;
            return Placed::Stray(event);
        };
        if std::mem::replace(&mut self.answered[responder], true) {
            self.duplicates += 1;
            return Placed::Stray(event);
        }
        self.responses.push(event);
        // The two moments at which the requester would go on; in between it sleeps.
        let is_awaited = self.responses.len() == required || self.responses.len() == self.answered.len();
        Placed::Counted(if is_awaited { self.waker.take() } else { None })
    }

    fn look(&self, required: usize) -> Look {
        if self.ended.is_some() || self.responses.len() == self.answered.len() {
            Look::Done
        } else if self.responses.len() >= required {
            Look::Enough
        } else {
            Look::Waiting
        }
    }
}

impl<E> Pending<E> {
    pub(crate) fn new(expected: Arc<[Arc<str>]>, required: usize) -> Self {
        let gathering = Gathering {
            responses: Vec::with_capacity(expected.len()),
            answered: vec![false; expected.len()],
            duplicates: 0,
            unexpected: 0,
            ended: None,
            waker: None,
        };
        Self { expected, required, gathering: Mutex::new(gathering) }
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

    /// Looks, and registers nobody.
    pub(crate) fn look(&self) -> Look {
        self.gathering().look(self.required)
    }

    /// Looks, and makes sure that `waker` is woken when there is more to see.
    pub(crate) fn look_or_wait(&self, waker: &Waker) -> Look {
        let waker = waker.clone();
        let (look, displaced) = {
            let mut gathering = self.gathering();
            match gathering.look(self.required) {
                Look::Done => (Look::Done, Some(waker)),
                look => (look, gathering.waker.replace(waker)),
            }
        };
        drop(displaced);
        look
    }

    /// Ends the request, where nothing has ended it before, and wakes the requester.
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

    /// Takes what has come, and says what had ended the request before, if anything had. Whatever comes from now on is late.
    pub(crate) fn take(&self) -> (RequestResult<E>, Option<Ended>) {
        let (responses, answered, duplicates, unexpected, ended, waker) = {
            let mut gathering = self.gathering();
            (
                std::mem::take(&mut gathering.responses),
                std::mem::take(&mut gathering.answered),
                gathering.duplicates,
                gathering.unexpected,
                gathering.ended.replace(Ended::Taken),
                gathering.waker.take(),
            )
        };
        drop(waker);
        let missing =
            self.expected.iter().zip(answered).filter(|(_, answered)| !answered).map(|(name, _)| Arc::clone(name));
        (RequestResult { responses, missing: missing.collect(), duplicates, unexpected }, ended)
    }

    /// Drops what has come. Whatever comes from now on is late. User code: the `Drop` of events and of a waker.
    pub(crate) fn give_up(&self, panics: &mut Panics) {
        let (responses, waker) = {
            let mut gathering = self.gathering();
            gathering.ended.get_or_insert(Ended::Taken);
            (std::mem::take(&mut gathering.responses), gathering.waker.take())
        };
        panics.catch(|| drop(waker));
        for response in responses {
            panics.catch(|| drop(response));
        }
    }
}

impl<E: Event> Pending<E> {
    /// Takes an answer. Where the event's `responder` panics, nobody knows whose it is: it counts as unexpected.
    pub(crate) fn answer(&self, event: E, panics: &mut Panics) -> Answered {
        let responder = panics.catch(|| self.responder(&event)).flatten();
        let placed = self.gathering().place(responder, self.required, event);
        match placed {
            Placed::Counted(waker) => {
                if let Some(waker) = waker {
                    panics.catch(|| waker.wake());
                }
                Answered::InTime
            }
            Placed::Stray(event) => {
                panics.catch(|| drop(event));
                Answered::InTime
            }
            Placed::Late(event) => {
                panics.catch(|| drop(event));
                Answered::Late
            }
        }
    }

    /// The place of the event's responder among those expected. User code.
    fn responder(&self, event: &E) -> Option<usize> {
        let responder = event.as_response()?.responder();
        self.expected.iter().position(|expected| **expected == *responder)
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
