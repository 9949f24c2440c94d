//! One request under way: what has been answered so far.

use crate::event::Event;
use crate::gather::result::RequestResult;
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
    /// What had come was taken, or given up.
    Taken,
}

/// What one look at a request under way has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// There are fewer responses than required.
    TooFew,
    /// There are as many as required, and the rest are waited for as well.
    Enough,
    /// There is nothing more to wait for: everybody has answered, or enough and the rest do not matter, or no more answers are
    /// taken.
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
    /// Whether the requester waits for the rest when there are enough.
    wants_rest: bool,
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
    pub(crate) fn new(expected: Arc<[Arc<str>]>, required: usize, wants_rest: bool) -> Self {
        let gathering = Gathering {
            responses: Vec::with_capacity(expected.len()),
            answered: vec![false; expected.len()],
            duplicates: 0,
            unexpected: 0,
            ended: None,
            waker: None,
        };
        Self { expected, required, wants_rest, gathering: Mutex::new(gathering) }
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
            // Once more, under the lock that registers: what came in between has found nobody to wake.
            (gathering.look(self.required, self.wants_rest), gathering.waker.replace(waker))
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
    /// User code: the `Drop` of a waker.
    pub(crate) fn take(&self, panics: &mut Panics) -> (RequestResult<E>, Option<Ended>) {
        let (taken, ended) = self.finish();
        panics.catch(|| drop(taken.waker));
        let pairs = self.expected.iter().zip(taken.answered);
        let result = RequestResult {
            responses: taken.responses,
            missing: pairs.filter(|(_, answered)| !answered).map(|(name, _)| Arc::clone(name)).collect(),
            duplicates: taken.duplicates,
            unexpected: taken.unexpected,
        };
        (result, ended)
    }

    /// Drops what has come and was not taken, and returns how many answers that were. Whatever comes from now on is late. User
    /// code: the `Drop` of events and of a waker.
    pub(crate) fn give_up(&self, panics: &mut Panics) -> usize {
        let (taken, _) = self.finish();
        let given_up = taken.responses.len() + taken.duplicates + taken.unexpected;
        panics.catch(|| drop(taken.waker));
        for response in taken.responses {
            panics.catch(|| drop(response));
        }
        given_up
    }

    /// Takes everything out, and says what had ended the request before.
    fn finish(&self) -> (Gathering<E>, Option<Ended>) {
        let mut taken = std::mem::replace(
            &mut *self.gathering(),
            Gathering {
                responses: Vec::new(),
                answered: Vec::new(),
                duplicates: 0,
                unexpected: 0,
                ended: Some(Ended::Taken),
                waker: None,
            },
        );
        let ended = taken.ended.take();
        (taken, ended)
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
