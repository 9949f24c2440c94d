//! The receiving side of a subscription.

pub(crate) mod iter;
pub(crate) mod replay;
pub(crate) mod stop;

use crate::error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::event::Event;
use crate::mailbox::Mailbox;
use crate::mailbox::end::Ended;
use crate::mailbox::options::WaitStrategy;
use crate::panics::Panics;
use crate::park::{self, ThreadWaker};
use crate::publish::snapshot::WeakCell;
use crate::receive::iter::{Iter, Recv, TryIter};
use crate::receive::replay::{Next, Replay};
use crate::receive::stop::StopHandle;
use crate::sync::{Deadline, thread};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// Receives events. Unsubscribes when dropped.
///
/// A subscription made before [`start`](crate::EventBus::start) first gives the whole replay, from a log that all subscribers
/// share, and then what came into its ring; one made later begins with the ring. It belongs to one thread or task at a
/// time: it is `Send`, and neither `Sync` nor `Clone`.
///
/// **Falling behind.** When the ring is full, this subscriber loses events and nobody else does. They are counted by
/// [`dropped`](Self::dropped) and [`take_missed`](Self::take_missed), and the bus says so to its
/// [lag hooks](crate::EventBus::on_lag). Receiving never reports them in between: ask `take_missed` where it matters.
///
/// **Closing.** After the bus is closed or this subscription is [stopped](Self::stop_handle), what was accepted before can
/// still be received, and then every call says `Closed`, for good.
///
/// **Waiting.** The blocking calls wait as the [`WaitStrategy`] says; the async ones and `Stream` work on any runtime. Dropping one
/// of their futures loses no event.
///
/// Progress: `try_recv` is lock-free, except that it spins while a publisher is suspended between claiming a slot of
/// the ring and filling it.
pub struct Subscription<E: Event + Clone> {
    cell: WeakCell<E>,
    mailbox: Arc<Mailbox<E>>,
    stage: Cell<Stage>,
    /// Until the replay is read. Borrowed shared while user code runs.
    replay: RefCell<Option<Replay<E>>>,
    /// What `take_missed` has told already.
    told_missed: Cell<u64>,
    /// With how many events received the fill of the ring is sampled again. (To count pops down in this word, and so to write it for each, would
    /// make a pop take half as long again.)
    sample_at: Cell<u64>,
    waker: ThreadWaker,
}

/// Where the next event comes from. Stages only advance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// From the start-up log.
    Replay,
    /// From the ring.
    Ring,
    /// From what was in the ring when it was sealed.
    Sealed,
    /// From nowhere: the subscriber was told `Closed`.
    Finished,
}

/// Pops between two samples of the ring's fill, while the ring does not run empty.
const POPS_BETWEEN_SAMPLES: u64 = 32;

impl<E: Event + Clone> Subscription<E> {
    pub(crate) fn new(cell: WeakCell<E>, mailbox: Arc<Mailbox<E>>, replay: Option<Replay<E>>) -> Self {
        Self {
            cell,
            mailbox,
            stage: Cell::new(if replay.is_some() { Stage::Replay } else { Stage::Ring }),
            replay: RefCell::new(replay),
            told_missed: Cell::new(0),
            sample_at: Cell::new(0),
            waker: ThreadWaker::default(),
        }
    }

    /// Receives an event, without waiting.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] where there is none now, [`TryRecvError::Closed`] where none will come any more.
    ///
    /// # Panics
    ///
    /// During the replay, goes on with a panic of the filter or of `Clone`. That event is gone; the next call
    /// gives the next one.
    #[inline(always)]
    pub fn try_recv(&self) -> Result<E, TryRecvError> {
        if self.stage.get() == Stage::Ring {
            if let Some(event) = self.pop() {
                self.count_received(1);
                return Ok(event);
            }
            if self.mailbox.ended().is_none() {
                return Err(TryRecvError::Empty);
            }
        }
        self.try_recv_in_stages()
    }

    /// Receives an event in whichever stage.
    fn try_recv_in_stages(&self) -> Result<E, TryRecvError> {
        // Before looking for events: whatever was published before the end is then found below.
        let ended = self.mailbox.ended();
        if self.stage.get() == Stage::Replay {
            if self.is_abandoned(ended) {
                return self.abandon();
            }
            match self.next_replayed() {
                Next::Event(event) => {
                    self.count_received(1);
                    return Ok(event);
                }
                Next::NotStarted | Next::Unfilled => return Err(TryRecvError::Empty),
                Next::Exhausted => self.leave_replay(),
            }
        }
        if self.stage.get() == Stage::Finished {
            return Err(TryRecvError::Closed);
        }
        match self.pop() {
            Some(event) => {
                self.count_received(1);
                Ok(event)
            }
            None if ended.is_some() => self.finish(),
            None => Err(TryRecvError::Empty),
        }
    }

    fn next_replayed(&self) -> Next<E> {
        match &*self.replay.borrow() {
            Some(replay) => replay.next(&self.mailbox),
            None => Next::Exhausted,
        }
    }

    /// Whether it was stopped before the start, so that it receives nothing of the replay, nor anything else.
    fn is_abandoned(&self, ended: Option<Ended>) -> bool {
        ended == Some(Ended::Abandon) && self.replay.borrow().as_ref().is_some_and(Replay::is_untouched)
    }

    #[cold]
    fn leave_replay(&self) {
        // User code that ran for the replay may have received on this very subscription, and come further.
        if self.stage.get() == Stage::Replay {
            self.stage.set(Stage::Ring);
        }
        // Where user code on this thread is at it further up the stack, the share goes with the subscription.
        let replay = self.replay.try_borrow_mut().map(|mut replay| replay.take());
        // Outside the borrow: the last share drops the events.
        drop(replay);
    }

    /// Seals the mailbox, and looks into the ring once more before it says `Closed`: a publisher that pushed before it
    /// could see the seal has left its event there.
    #[cold]
    fn finish(&self) -> Result<E, TryRecvError> {
        if self.stage.get() == Stage::Ring {
            self.mailbox.seal();
            self.stage.set(Stage::Sealed);
            if let Some(event) = self.pop() {
                self.count_received(1);
                return Ok(event);
            }
        }
        self.stage.set(Stage::Finished);
        Err(TryRecvError::Closed)
    }

    /// Ends a subscription that was stopped before the bus started. What a start that races with it puts into the ring must
    /// not be received, because the replay would be missing before it.
    #[cold]
    fn abandon(&self) -> Result<E, TryRecvError> {
        let mut panics = Panics::default();
        self.stage.set(Stage::Finished);
        panics.catch(|| self.leave_replay());
        self.mailbox.seal();
        self.mailbox.discard(&mut panics);
        panics.resume();
        Err(TryRecvError::Closed)
    }

    #[inline(always)]
    fn pop(&self) -> Option<E> {
        let Some(event) = self.mailbox.pop() else {
            self.sample_at.set(0);
            return None;
        };
        let received = self.mailbox.received();
        if received >= self.sample_at.get() {
            self.mailbox.sample_fill();
            self.sample_at.set(received + POPS_BETWEEN_SAMPLES);
        }
        Some(event)
    }

    #[inline(always)]
    fn count_received(&self, events: u64) {
        self.mailbox.count_received(events);
        self.mailbox.episode().end();
    }

    /// Receives an event, and waits for it as long as it takes.
    ///
    /// # Errors
    ///
    /// [`RecvError`] where none will come any more.
    pub fn recv(&self) -> Result<E, RecvError> {
        self.wait_until(Deadline::NEVER).map_err(|_| RecvError)
    }

    /// Receives an event, and gives up soon after `timeout`, at the earliest after a short spin. [`Duration::MAX`] waits for ever.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError::TimedOut`] where none came in time, [`RecvTimeoutError::Closed`] where none will come any more.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<E, RecvTimeoutError> {
        self.wait_until(Deadline::after(timeout))
    }

    /// Receives an event, and gives up soon after `deadline`.
    ///
    /// # Errors
    ///
    /// As [`recv_timeout`](Self::recv_timeout).
    pub fn recv_deadline(&self, deadline: Instant) -> Result<E, RecvTimeoutError> {
        self.wait_until(Deadline::at(deadline))
    }

    fn wait_until(&self, deadline: Deadline) -> Result<E, RecvTimeoutError> {
        match self.mailbox.options().wait {
            WaitStrategy::Park => self.park_until(deadline),
            WaitStrategy::Yield => self.look_until(deadline, thread::yield_now),
            WaitStrategy::Spin => self.look_until(deadline, std::hint::spin_loop),
        }
    }

    /// Looks again and again.
    fn look_until(&self, deadline: Deadline, pause: impl Fn()) -> Result<E, RecvTimeoutError> {
        loop {
            match self.try_recv() {
                Ok(event) => return Ok(event),
                Err(TryRecvError::Closed) => return Err(RecvTimeoutError::Closed),
                Err(TryRecvError::Empty) if deadline.has_passed() => return Err(RecvTimeoutError::TimedOut),
                Err(TryRecvError::Empty) => pause(),
            }
        }
    }

    /// Looks for a moment, and then parks between looks.
    fn park_until(&self, deadline: Deadline) -> Result<E, RecvTimeoutError> {
        let received = park::look_for_a_moment(|| match self.try_recv() {
            Ok(event) => Some(Ok(event)),
            Err(TryRecvError::Closed) => Some(Err(RecvTimeoutError::Closed)),
            Err(TryRecvError::Empty) => None,
        });
        if let Some(received) = received {
            return received;
        }
        let waker = self.waker.current();
        loop {
            if let Poll::Ready(received) = self.poll_recv(&waker) {
                return received.map_err(|RecvError| RecvTimeoutError::Closed);
            }
            if deadline.has_passed() {
                self.mailbox.end_wait();
                return Err(RecvTimeoutError::TimedOut);
            }
            deadline.park();
        }
    }

    /// Receives an event, or makes sure that `waker` is woken when it is worth another look.
    pub(crate) fn poll_recv(&self, waker: &Waker) -> Poll<Result<E, RecvError>> {
        let first = self.try_recv();
        let received = match first {
            Err(TryRecvError::Empty) => {
                self.mailbox.begin_wait(waker);
                let second = self.try_recv();
                if let Err(TryRecvError::Empty) = second {
                    return Poll::Pending;
                }
                self.mailbox.end_wait();
                second
            }
            first => first,
        };
        Poll::Ready(received.map_err(|_| RecvError))
    }

    /// Receives an event asynchronously, on any runtime. Cancel safe: a future that is dropped has taken no event.
    ///
    /// # Errors
    ///
    /// The future gives [`RecvError`] where no event will come any more.
    pub fn recv_async(&mut self) -> Recv<'_, E> {
        Recv::new(self)
    }

    /// Moves up to `max` events into `into`, without waiting, and returns how many. Costs less than as many `try_recv`.
    ///
    /// Gives 0 where there are none now, and also where none will come any more: only [`try_recv`](Self::try_recv) tells which.
    /// ([`is_closed`](Self::is_closed) may turn `true` while an event accepted before is still to be received.)
    pub fn recv_many(&mut self, into: &mut Vec<E>, max: usize) -> usize {
        let mut taken = 0;
        // The replay, and the rest of a sealed ring, event by event.
        while taken < max && self.stage.get() != Stage::Ring {
            let Ok(event) = self.try_recv() else { return taken };
            into.push(event);
            taken += 1;
        }
        let replayed = taken;
        // The first pop samples the fill of the ring for all that follow.
        self.sample_at.set(0);
        while taken < max {
            let popped = if taken == replayed { self.pop() } else { self.mailbox.pop() };
            let Some(event) = popped else {
                self.sample_at.set(0);
                break;
            };
            into.push(event);
            taken += 1;
        }
        if taken > replayed {
            self.count_received((taken - replayed) as u64);
        }
        taken
    }

    /// The events as a blocking iterator, which ends when the subscription is closed.
    pub fn iter(&mut self) -> Iter<'_, E> {
        Iter::new(self)
    }

    /// The events that can be received without waiting, as an iterator.
    pub fn try_iter(&mut self) -> TryIter<'_, E> {
        TryIter::new(self)
    }

    /// A handle that ends this subscription from any thread: the receiver still gets what it has, and then `Closed`.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle::new(self.cell.clone(), Arc::downgrade(&self.mailbox))
    }

    /// The name, as statistics and lag reports show it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.mailbox.options().name
    }

    /// How many events the ring holds.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.mailbox.options().capacity
    }

    /// How many events wait to be received: those in the ring, and the unread part of the replay once the bus has started.
    /// Advisory; and an upper bound while a replay is unread, because types and filter apply to it as it is received.
    #[must_use]
    pub fn len(&self) -> usize {
        if self.is_abandoned(self.mailbox.ended()) {
            return 0;
        }
        let unread = self.replay.borrow().as_ref().map_or(0, Replay::remaining);
        unread + self.mailbox.len()
    }

    /// Whether [`len`](Self::len) is 0. Advisory.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the bus is closed or this subscription was stopped; there may still be events to receive. Once `true`, always
    /// `true`.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.mailbox.ended().is_some()
    }

    /// How many events this subscriber has lost to a full ring since it subscribed: newest ones that found no room, or with
    /// [`Overflow::DropOldest`](crate::Overflow::DropOldest) oldest ones that made room; so this is `dropped + evicted` of the
    /// [statistics](crate::SubscriberStats). (Events lost to a panic of its filter or of `Clone` count as well.)
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.mailbox.lost()
    }

    /// How many events this subscriber has lost since it last asked. See [`dropped`](Self::dropped).
    pub fn take_missed(&self) -> u64 {
        let lost = self.mailbox.lost();
        lost - self.told_missed.replace(lost)
    }
}

impl<E: Event + Clone> Drop for Subscription<E> {
    fn drop(&mut self) {
        let mut panics = Panics::default();
        let cell = self.cell.upgrade();
        if let Some(cell) = &cell {
            cell.leave(&self.mailbox);
        }
        self.mailbox.retire(&mut panics);
        // These may be last shares: user code.
        panics.catch(|| drop(cell));
        panics.catch(|| drop(self.replay.take()));
        panics.resume();
    }
}

impl<E: Event + Clone> UnwindSafe for Subscription<E> {}
impl<E: Event + Clone> RefUnwindSafe for Subscription<E> {}

impl<E: Event + Clone> fmt::Debug for Subscription<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("name", &self.name())
            .field("stage", &self.stage.get())
            .field("len", &self.len())
            .field("dropped", &self.dropped())
            .finish_non_exhaustive()
    }
}
