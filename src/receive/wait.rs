//! What a blocking receive does between its looks.

use crate::event::Event;
use crate::mailbox::options::WaitStrategy;
use crate::park::{LONG_YIELD, Looks};
use crate::receive::Subscription;
use crate::sync::{Deadline, thread};
use std::time::{Duration, Instant};

/// How long a blocking receive waits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    Never,
    After(Duration),
    At(Instant),
}

impl Limit {
    fn deadline(self) -> Deadline {
        match self {
            Self::Never => Deadline::NEVER,
            Self::After(timeout) => Deadline::after(timeout),
            Self::At(instant) => Deadline::at(instant),
        }
    }
}

/// One wait, from the first look that has found nothing. When it is dropped, the mailbox keeps
/// nothing of it.
pub(crate) struct Wait<'a, E: Event + Clone> {
    subscription: &'a Subscription<E>,
    limit: Limit,
    stage: Stage,
}

enum Stage {
    /// It has not looked yet.
    New,
    /// It looks around for a moment, before it parks.
    Looking(Deadline, Looks),
    /// It looks for as long as it takes.
    Busy(Deadline),
    /// It is about to announce that it waits, and to look once more.
    Awake(Deadline),
    /// It has announced that it waits.
    Announced(Deadline),
}

impl<'a, E: Event + Clone> Wait<'a, E> {
    pub(crate) fn new(subscription: &'a Subscription<E>, limit: Limit) -> Self {
        Self { subscription, limit, stage: Stage::New }
    }

    /// The looks that come before it parks.
    fn looks(&self, deadline: Deadline) -> Looks {
        let looks = Looks::begin(deadline);
        let received = self.subscription.mailbox.received();
        match self.subscription.pace.wait_begins(received) {
            Some(moment) => looks.away_first(moment),
            None => looks,
        }
    }

    /// Waits until it is worth another look, after one that has found nothing; returns `false` if
    /// the time is over.
    pub(crate) fn goes_on(&mut self) -> bool {
        let strategy = self.subscription.mailbox.options().wait;
        loop {
            match &mut self.stage {
                Stage::New => {
                    let deadline = self.limit.deadline();
                    if deadline.has_passed() {
                        return false;
                    }
                    self.stage = match strategy {
                        WaitStrategy::Park => Stage::Looking(deadline, self.looks(deadline)),
                        WaitStrategy::Yield | WaitStrategy::Spin => Stage::Busy(deadline),
                    };
                }
                Stage::Looking(deadline, looks) => {
                    if looks.pause() {
                        return true;
                    }
                    self.stage = Stage::Awake(*deadline);
                }
                Stage::Busy(deadline) => {
                    if deadline.has_passed() {
                        return false;
                    }
                    if strategy == WaitStrategy::Spin {
                        std::hint::spin_loop();
                        return true;
                    }
                    if deadline.is_beyond(LONG_YIELD) {
                        thread::yield_now();
                        return true;
                    }
                    self.stage = Stage::Awake(*deadline);
                }
                Stage::Awake(deadline) => {
                    let deadline = *deadline;
                    self.subscription.pace.is_long();
                    self.subscription.begin_wait(&self.subscription.waker.current());
                    self.stage = Stage::Announced(deadline);
                    return true;
                }
                Stage::Announced(deadline) => {
                    let deadline = *deadline;
                    if deadline.has_passed() {
                        return false;
                    }
                    self.stage = Stage::Awake(deadline);
                    // The look before may have run user code, which parks for its own ends, and so
                    // has used up the wake-up of whoever took the announcement meanwhile.
                    if self.subscription.mailbox.is_waiting() {
                        deadline.park();
                        return true;
                    }
                }
            }
        }
    }
}

impl<E: Event + Clone> Drop for Wait<'_, E> {
    fn drop(&mut self) {
        self.subscription.end_wait();
    }
}
