//! Asking, and waiting for the answers.

use super::publishing::Told;
use super::request::{Request, RequestEnd};
use super::{Phase, Reference, passes};
use crate::letter::{Content, Letter};
use crate::operation::{Asking, Pick, RequestOperation};
use crate::picture::{GatherEnd, Outcome, Refusal};
use ringbus::Published;
use std::time::Duration;

impl Reference {
    pub(super) fn ask(&mut self, step: usize, letter: Letter, asking: &Asking) -> Option<Outcome> {
        if !self.has_handle() {
            return None;
        }
        let content = Content::new(step, letter).sturdy_if(self.is_started);
        let told = match self.refusal(&content, asking) {
            Some(refusal) => Told { result: Err(refusal), panicked: false },
            None => self.ask_in_earnest(content, asking),
        };
        Some(told.outcome(|result| match result {
            Ok(()) => Outcome::Asked,
            Err(refusal) => Outcome::Refused(refusal, content),
        }))
    }

    /// What is wrong with a request before it is published.
    fn refusal(&self, content: &Content, asking: &Asking) -> Option<Refusal> {
        let Some(id) = content.letter.asks else { return Some(Refusal::NotARequest) };
        let expected = asking.expected.len();
        let required = asking.minimum.unwrap_or(expected);
        let is_repeated = |index: usize| asking.expected[..index].contains(&asking.expected[index]);
        if expected == 0 {
            Some(Refusal::NoExpectedResponders)
        } else if (0..expected).any(is_repeated) {
            Some(Refusal::DuplicateResponder)
        } else if required == 0 || required > expected {
            Some(Refusal::InvalidMinimum { required, expected })
        } else {
            let is_under_way = self.requests.iter().flatten().any(|request| request.id == id);
            is_under_way.then_some(Refusal::DuplicateId)
        }
    }

    /// Publishes a request that is in order. It may answer itself, but not where it is not
    /// accepted.
    fn ask_in_earnest(&mut self, content: Content, asking: &Asking) -> Told<Result<(), Refusal>> {
        self.requests.extend(content.letter.asks.map(|id| Some(Request::new(id, asking))));
        let told = match self.phase {
            Phase::Live => self.ask_live(content),
            Phase::Starting | Phase::Closed => self.publish_clone(content),
        };
        if told.panicked || told.result.is_err() {
            let request = self.requests.pop().flatten();
            self.give_up(request);
        } else if let (Ok(published), Some(Some(request))) = (&told.result, self.requests.last_mut()) {
            request.published = *published;
        }
        Told { result: told.result.map(|_| ()), panicked: told.panicked }
    }

    fn ask_live(&mut self, content: Content) -> Told<Result<Published, Refusal>> {
        let Told { result, mut panicked } = self.offer(&[content]);
        let is_taken = result.delivered > 0;
        panicked |= is_taken && self.answer(content);
        panicked |= self.report_lags();
        Told { result: if is_taken { Ok(result) } else { Err(Refusal::NotDelivered) }, panicked }
    }

    pub(super) fn change_request(&mut self, pick: Pick, operation: &RequestOperation) -> Option<Outcome> {
        let place = pick.among(&mut self.requests)?;
        match *operation {
            RequestOperation::Wait => {
                let request = place.take_if(|request| !request.is_future && request.would_end_alone())?;
                // Whoever has patience and too few would wait longer than a test can.
                Some(Outcome::Gathered(request.finish(GatherEnd::TimedOut(Duration::ZERO))))
            }
            RequestOperation::Poll { is_stopped, caller } => {
                let request = place.as_mut()?;
                request.is_future = true;
                // One that is stopped does not wait for a turn.
                self.passes = if is_stopped { 0..=0 } else { passes(caller) };
                if is_stopped || request.is_done() {
                    return Some(Outcome::Gathered(place.take()?.finish(GatherEnd::Stopped)));
                }
                request.waits = Some(0);
                Some(Outcome::Pending)
            }
            RequestOperation::Cancel => {
                if let Some(request) = place {
                    request.end(RequestEnd::Cancelled);
                }
                Some(Outcome::Done)
            }
            RequestOperation::GiveUp => {
                let request = place.take()?;
                self.give_up(Some(request));
                Some(Outcome::Done)
            }
        }
    }

    /// What had come is as good as late.
    fn give_up(&mut self, request: Option<Request>) {
        self.totals.late_responses += request.map_or(0, |request| request.answers() as u64);
    }
}
