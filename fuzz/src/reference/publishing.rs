//! Publishing, one by one and in batches.

use super::subscriber::Offered;
use super::{Phase, Reference};
use crate::letter::{Content, Letter};
use crate::operation::{Batch, Through};
use crate::picture::{HeardLag, Outcome, Refusal};
use ringbus::{BatchError, BatchErrorKind, Published};

/// What became of an event or a batch, and whether user code panicked on the way.
pub(super) struct Told<T> {
    pub(super) result: T,
    pub(super) panicked: bool,
}

impl<T> Told<T> {
    pub(super) fn outcome(self, outcome: impl FnOnce(T) -> Outcome) -> Outcome {
        if self.panicked { Outcome::Panicked } else { outcome(self.result) }
    }
}

impl Reference {
    fn is_there(&self, through: Through) -> Option<()> {
        match through {
            Through::Bus(pick) => pick.of(self.buses).map(|_| ()),
            Through::Publisher(pick) => pick.of(self.publishers).map(|_| ()),
        }
    }

    pub(super) fn publish(&mut self, through: Through, step: usize, letter: Letter) -> Option<Outcome> {
        self.is_there(through)?;
        let content = Content::new(step, letter).sturdy_if(self.is_started);
        Some(self.publish_one(content).outcome(|result| match result {
            Ok(published) => Outcome::Published(published),
            Err(refusal) => Outcome::Refused(refusal, content),
        }))
    }

    pub(super) fn publish_one(&mut self, content: Content) -> Told<Result<Published, Refusal>> {
        match self.phase {
            Phase::Starting => self.buffer(content),
            Phase::Live => {
                let Told { result, mut panicked } = self.fan_out(&[content]);
                panicked |= self.answer(content);
                Told { result: Ok(result), panicked }
            }
            Phase::Closed => Told { result: Err(Refusal::Closed), panicked: false },
        }
    }

    /// G3: what is accepted now reaches everybody who subscribes before the start.
    fn buffer(&mut self, content: Content) -> Told<Result<Published, Refusal>> {
        if self.log.len() == self.startup_capacity {
            self.totals.startup_rejected += 1;
            return Told { result: Err(Refusal::StartupFull), panicked: false };
        }
        self.log.push(content);
        self.totals.buffered += 1;
        self.totals.published += 1;
        let panicked = self.answer(content);
        Told { result: Ok(Published { buffered: 1, delivered: 0, dropped: 0 }), panicked }
    }

    pub(super) fn publish_batch(&mut self, through: Through, step: usize, batch: &Batch) -> Option<Outcome> {
        self.is_there(through)?;
        let contents = batch.contents(step);
        let told =
            if self.phase == Phase::Live { self.batch_live(&contents) } else { self.batch_one_by_one(&contents) };
        Some(told.outcome(Outcome::Batch))
    }

    fn batch_live(&mut self, contents: &[Content]) -> Told<Result<Published, BatchError>> {
        let Told { result, mut panicked } = self.fan_out(contents);
        for &content in contents {
            panicked |= self.answer(content);
        }
        Told { result: Ok(result), panicked }
    }

    /// Before the start, and on a closed bus. An event that cannot be cloned counts as taken, and becomes nothing.
    fn batch_one_by_one(&mut self, contents: &[Content]) -> Told<Result<Published, BatchError>> {
        let mut published = Published::default();
        let mut panicked = false;
        for (taken, &content) in contents.iter().enumerate() {
            if content.letter.is_fragile {
                panicked = true;
                continue;
            }
            let kind = match self.publish_one(content).result {
                Ok(one) => {
                    published += one;
                    continue;
                }
                Err(Refusal::StartupFull) => BatchErrorKind::StartupFull,
                Err(_) => BatchErrorKind::Closed,
            };
            return Told { result: Err(BatchError { published, taken, kind }), panicked };
        }
        Told { result: Ok(published), panicked }
    }

    /// Offers the events to every subscriber of now (G6), each of which gets them in their order (G5), and reports the lags that begin.
    pub(super) fn fan_out(&mut self, contents: &[Content]) -> Told<Published> {
        let mut published = Published::default();
        let mut panicked = false;
        let mut lags = Vec::new();
        for subscriber in self.subscribers.iter_mut().flatten() {
            let mut lagging = None;
            for content in contents {
                match subscriber.offer(content) {
                    Offered::Unwanted => {}
                    Offered::Delivered => published.delivered += 1,
                    Offered::Evicted => {
                        published.delivered += 1;
                        lagging = lagging.or(Some(content.letter.topic));
                    }
                    Offered::Full => {
                        published.dropped += 1;
                        lagging = lagging.or(Some(content.letter.topic));
                    }
                    Offered::Panicked => {
                        published.dropped += 1;
                        panicked = true;
                    }
                }
            }
            lags.extend(lagging.and_then(|topic| subscriber.begin_lag(topic)));
        }
        self.totals.published += contents.len() as u64;
        self.totals.delivered += published.delivered as u64;
        self.totals.dropped += published.dropped as u64;
        for lag in lags {
            panicked |= self.report(&lag);
        }
        self.heard.sort();
        Told { result: published, panicked }
    }

    /// Tells every hook, also where one panics.
    fn report(&mut self, lag: &HeardLag) -> bool {
        self.heard.extend((0..self.hooks.len()).map(|hook| HeardLag { hook, ..lag.clone() }));
        self.hooks.contains(&true)
    }

    /// G8: an answer that was published is gathered, or counted by its request or as late. Its request gets a clone where it can
    /// be had. Returns whether that panicked.
    pub(super) fn answer(&mut self, content: Content) -> bool {
        let Some((id, responder)) = content.letter.answers else { return false };
        let request = self.requests.iter_mut().flatten().find(|request| request.id == id);
        let panicked = request.is_some() && content.letter.is_fragile;
        let is_in_time = !panicked && request.is_some_and(|request| request.take(responder, content));
        self.totals.late_responses += u64::from(!is_in_time);
        panicked
    }
}
