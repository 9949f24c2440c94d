//! Publishing, one by one and in batches.

use super::subscriber::Offered;
use super::{Phase, Reference};
use crate::letter::{Content, Deed, Letter};
use crate::operation::{Batch, Through};
use crate::picture::{Outcome, Refusal};
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
            Phase::Starting if self.is_large => self.publish_clone(content),
            Phase::Starting => self.buffer(content),
            Phase::Live => {
                let Told { result, panicked } = self.publish_live(&[content]);
                Told { result: Ok(result), panicked }
            }
            Phase::Closed => Told { result: Err(Refusal::Closed), panicked: false },
        }
    }

    /// Publishes an event that is cloned to where it belongs, as those of a batch are.
    pub(super) fn publish_clone(&mut self, content: Content) -> Told<Result<Published, Refusal>> {
        let Told { result, panicked } = self.publish_clones(&[content], None);
        Told { result: result.map_err(|error| refusal(error.kind)), panicked }
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
        let deed = batch.deed(self.phase == Phase::Starting);
        Some(self.publish_clones(&batch.contents(step), deed).outcome(Outcome::Batch))
    }

    /// Publishes events that are cloned: one by one before the start, and what is left when the bus
    /// starts meanwhile at one go.
    fn publish_clones(
        &mut self,
        contents: &[Content],
        deed: Option<(usize, Deed)>,
    ) -> Told<Result<Published, BatchError>> {
        let mut before = Told { result: Published::default(), panicked: false };
        if self.phase != Phase::Starting {
            return self.publish_rest(contents, 0, before);
        }
        for (taken, &content) in contents.iter().enumerate() {
            if let Some((_, deed)) = deed.filter(|(place, _)| *place == taken) {
                self.do_deed(deed);
            }
            // It is cloned before anybody looks whether there is room. One that cannot be cloned
            // counts as taken, and becomes nothing. If it is an answer it is late.
            if content.letter.is_fragile {
                before.panicked = true;
                self.answer(content);
                continue;
            }
            if self.phase != Phase::Starting {
                return self.publish_rest(contents, taken, before);
            }
            match self.buffer(content).result {
                Ok(one) => before.result += one,
                Err(_) => {
                    let error = BatchError { published: before.result, taken, kind: BatchErrorKind::StartupFull };
                    return Told { result: Err(error), panicked: before.panicked };
                }
            }
        }
        Told { result: Ok(before.result), panicked: before.panicked }
    }

    /// Publishes those that were not taken before the start. A closed bus takes none.
    fn publish_rest(
        &mut self,
        contents: &[Content],
        taken: usize,
        before: Told<Published>,
    ) -> Told<Result<Published, BatchError>> {
        let Told { result: published, panicked } = before;
        if self.phase == Phase::Closed && taken < contents.len() {
            let error = BatchError { published, taken, kind: BatchErrorKind::Closed };
            return Told { result: Err(error), panicked };
        }
        // (An empty batch is taken by every bus.)
        let rest = self.publish_live(&contents[taken..]);
        Told { result: Ok(published + rest.result), panicked: panicked | rest.panicked }
    }

    /// What the `Clone` of an event does to the bus. Its publish goes on with the bus as that was
    /// before, and so keeps the log.
    fn do_deed(&mut self, deed: Deed) {
        match deed {
            Deed::Start => {
                self.start();
            }
            Deed::Close => self.close(),
        }
        self.is_log_lingering = true;
    }

    /// To the rings, to the requests, and to the hooks, in this order.
    fn publish_live(&mut self, contents: &[Content]) -> Told<Published> {
        let Told { result, mut panicked } = self.offer(contents);
        for &content in contents {
            panicked |= self.answer(content);
        }
        panicked |= self.report_lags();
        Told { result, panicked }
    }

    /// Offers the events to every subscriber of now (G6), each of which gets them in their order
    /// (G5).
    pub(super) fn offer(&mut self, contents: &[Content]) -> Told<Published> {
        let mut published = Published::default();
        let mut panicked = false;
        let is_heard = self.hooks.are_listening();
        for subscriber in self.subscribers.iter_mut().flatten() {
            for content in contents {
                match subscriber.offer(content, is_heard) {
                    Offered::Unwanted => {}
                    Offered::Delivered => published.delivered += 1,
                    Offered::Full => published.dropped += 1,
                    Offered::Panicked => {
                        published.dropped += 1;
                        panicked = true;
                    }
                }
            }
        }
        self.totals.published += contents.len() as u64;
        self.totals.delivered += published.delivered as u64;
        self.totals.dropped += published.dropped as u64;
        Told { result: published, panicked }
    }

    /// G8: an answer that was published is gathered, or counted by its request or as late. Its
    /// request gets a clone where it can be had. Returns whether that panicked.
    pub(super) fn answer(&mut self, content: Content) -> bool {
        let Some((id, responder)) = content.answer() else { return false };
        let request = self.requests.iter_mut().flatten().find(|request| request.id == id);
        let panicked = request.is_some() && content.letter.is_fragile;
        let is_in_time = !panicked && request.is_some_and(|request| request.take(responder, content));
        self.totals.late_responses += u64::from(!is_in_time);
        panicked
    }
}

fn refusal(kind: BatchErrorKind) -> Refusal {
    match kind {
        BatchErrorKind::StartupFull => Refusal::StartupFull,
        BatchErrorKind::Closed => Refusal::Closed,
    }
}
