//! The receiving side of a subscription.

pub(crate) mod iter;
pub(crate) mod pace;
pub(crate) mod replay;
pub(crate) mod stop;
pub(crate) mod typed;
pub(crate) mod wait;

use crate::error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::event::Event;
use crate::event::large::is_large;
use crate::mailbox::Mailbox;
use crate::mailbox::ring::Outlet;
use crate::panics::{Panics, swallow};
use crate::park::ThreadWaker;
use crate::publish::drains::Drains;
use crate::publish::snapshot::WeakCell;
use crate::receive::iter::{Iter, Recv, RecvMany, TryIter};
use crate::receive::pace::Pace;
use crate::receive::replay::{Next, Replay};
use crate::receive::stop::StopHandle;
use crate::receive::wait::{Limit, Wait};
use crate::stats::SubscriberStats;
use crate::turn::Turn;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// Receives events. Unsubscribes when dropped.
///
/// A subscription made before [`start`](crate::EventBus::start) first gives the whole replay, from
/// a log that all subscribers share, and then the events in its ring; one made later begins with
/// what the bus [retains](crate::BusBuilder::retain), and then the ring. It belongs to one thread
/// or task at a time: it is `Send`, and neither `Sync` nor `Clone`.
///
/// **Falling behind.** When the ring is full, this subscriber loses events and nobody else does.
/// [`lost`](Self::lost) and [`take_lost`](Self::take_lost) count them, and the bus tells its [lag
/// hooks](crate::EventBus::on_lag). Receiving does not report them: call `take_lost` if it matters.
///
/// **Closing.** After the bus is closed or this subscription is [stopped](Self::stop_handle), you
/// can still receive the events accepted before; then every call says `Closed`, for good.
///
/// **Waiting.** The blocking calls wait as the [`WaitStrategy`](crate::WaitStrategy) says. The
/// async ones work [in any task](#in-a-task).
///
/// | takes | never waits | blocks the thread | in a task |
/// |---|---|---|---|
/// | one event | [`try_recv`] | [`recv`], [`recv_timeout`], [`recv_deadline`] | [`recv_async`] |
/// | many | [`try_recv_many`] | [`recv_many`] | [`recv_many_async`] |
/// | all, one by one | [`try_iter`] | [`iter`], `for event in &events` | as a `Stream` |
///
/// [`try_recv`]: Self::try_recv
/// [`recv`]: Self::recv
/// [`recv_timeout`]: Self::recv_timeout
/// [`recv_deadline`]: Self::recv_deadline
/// [`recv_async`]: Self::recv_async
/// [`try_recv_many`]: Self::try_recv_many
/// [`recv_many`]: Self::recv_many
/// [`recv_many_async`]: Self::recv_many_async
/// [`try_iter`]: Self::try_iter
/// [`iter`]: Self::iter
///
/// ```
/// # use ringbus::{Event, EventBus, EventType};
/// # #[derive(Clone, Copy, Debug, PartialEq)]
/// # struct Tick(u32);
/// # impl Event for Tick {
/// #     fn event_type(&self) -> EventType { const { EventType::new("tick") } }
/// #     fn timestamp(&self) -> std::time::SystemTime { std::time::SystemTime::now() }
/// # }
/// # use std::time::Duration;
/// # use ringbus::RecvTimeoutError;
/// let bus = EventBus::new(0);
/// let ticks = bus.subscribe(8);
/// bus.start();
/// bus.publish_batch(&[Tick(1), Tick(2), Tick(3), Tick(4)])?;
///
/// assert_eq!(ticks.try_recv(), Ok(Tick(1)));            // never waits
/// assert_eq!(ticks.recv(), Ok(Tick(2)));                // waits as long as it takes
/// let mut rest = Vec::new();
/// assert_eq!(ticks.recv_many(&mut rest, 100), Ok(2));   // waits for one, takes all
/// let timeout = Duration::from_millis(1);
/// assert_eq!(ticks.recv_timeout(timeout), Err(RecvTimeoutError::TimedOut));
///
/// bus.close();
/// assert!(ticks.recv().is_err());                       // closed, all is received
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # In a task
///
/// The async calls and `Stream` work on any runtime. A future that is dropped loses no event, so it
/// fits into `select!`. With tokio:
///
/// ```
/// # use ringbus::{Event, EventBus, EventType};
/// # use std::time::SystemTime;
/// # #[derive(Clone, Debug)]
/// # struct Job;
/// # impl Event for Job {
/// #     fn event_type(&self) -> EventType { const { EventType::new("job") } }
/// #     fn timestamp(&self) -> SystemTime { SystemTime::now() }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let bus = EventBus::new(0);
/// let mut jobs = bus.subscribe(256);
/// bus.start();
/// let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
/// let worker = tokio::spawn(async move {
///     loop {
///         tokio::select! {
///             job = jobs.recv_async() => match job {
///                 Ok(job) => println!("{job:?}"),
///                 Err(_) => break,                // the bus is closed, all is received
///             },
///             _ = &mut stopped => break,
///         }
///     }
/// });
/// bus.publish(Job)?;                              // never waits: nothing to await
/// # tokio::task::yield_now().await;
/// drop(stop);
/// worker.await?;
/// # Ok(())
/// # }
/// ```
///
/// A task receives at most 128 events before it goes back to its executor, so a busy subscription
/// does not starve timers and neighbours. (A combinator that gives its futures wakers of its own,
/// as `select_all` of the crate `futures` does, makes a task of each.)
///
/// Hold a subscription by value or `&mut` across an `await`: it is not `Sync`, so a task that holds
/// `&Subscription` there is not `Send`. The blocking calls are for threads: on a current-thread
/// runtime they would also stop the task that they wait for.
///
/// # Progress
///
/// `try_recv` and `try_recv_many` are lock-free, except that they spin while a publisher is
/// suspended between claiming a slot of the ring and filling it. The other receiving calls wait for
/// an event. The [table](crate#progress) has the details.
pub struct Subscription<E: Event + Clone> {
    cell: WeakCell<E>,
    mailbox: Arc<Mailbox<E>>,
    outlet: Outlet<E>,
    stage: Cell<Stage>,
    /// Until the replay is read. Borrowed shared while user code runs.
    replay: RefCell<Option<Replay<E>>>,
    /// What `take_lost` has told already.
    told_lost: Cell<u64>,
    /// With how many events received the fill of the ring is sampled again. (To count pops down in
    /// this word, and so to write it for each, would make a pop take half as long again.)
    sample_at: Cell<u64>,
    waker: ThreadWaker,
    pace: Pace,
    /// Whether a waker was left with the mailbox.
    waits: Cell<bool>,
    turn: Turn,
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

/// Looks after the news when it is dropped, also if user code unwinds: what has panicked may have
/// been the last of the replay.
struct NotifyOnDrop<'a, E: Event + Clone>(&'a Subscription<E>);

impl<E: Event + Clone> Drop for NotifyOnDrop<'_, E> {
    fn drop(&mut self) {
        self.0.look_after_news();
    }
}

/// Pops between two samples of the ring's fill, while the ring does not run empty.
const POPS_BETWEEN_SAMPLES: u64 = 32;

impl<E: Event + Clone> Subscription<E> {
    pub(crate) fn new(
        cell: WeakCell<E>,
        mailbox: Arc<Mailbox<E>>,
        outlet: Outlet<E>,
        replay: Option<Replay<E>>,
    ) -> Self {
        Self {
            pace: Pace::new(mailbox.options().capacity),
            cell,
            mailbox,
            outlet,
            stage: Cell::new(if replay.is_some() { Stage::Replay } else { Stage::Ring }),
            replay: RefCell::new(replay),
            told_lost: Cell::new(0),
            sample_at: Cell::new(0),
            waker: ThreadWaker::default(),
            waits: Cell::new(false),
            turn: Turn::default(),
        }
    }

    /// Receives an event without waiting.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] if there is none now, [`TryRecvError::Closed`] if no more will come.
    ///
    /// # Panics
    ///
    /// During the replay, resumes a panic of the filter, of `Clone` or of `event_type`. That event
    /// is gone; the next call gives the next one. Who is the last to have read the replay drops its
    /// events, and resumes a panic of their `Drop`: nothing is gone then.
    #[inline(always)]
    pub fn try_recv(&self) -> Result<E, TryRecvError> {
        if !const { is_large::<E>() } && self.stage.get() == Stage::Ring {
            if let Some(event) = self.pop() {
                self.count_received(1);
                return Ok(event);
            }
            self.sample_at.set(0);
            if self.mailbox.ended().is_none() {
                return Err(TryRecvError::Empty);
            }
        }
        let mut event = None;
        self.try_recv_into(&mut event)?;
        event.ok_or(TryRecvError::Empty)
    }

    // Below here an event is received into a place that the caller has, because each move of a
    // large one costs time, and in a debug build, stack.

    /// Receives an event in whichever stage.
    fn try_recv_into(&self, event: &mut Option<E>) -> Result<(), TryRecvError> {
        // Before looking for events: whatever was published before the end is then found below.
        let ended = self.mailbox.ended();
        if self.stage.get() == Stage::Replay {
            if self.mailbox.is_abandoned() {
                return self.abandon();
            }
            match self.next_replayed(event) {
                Next::Event => {
                    self.count_received(1);
                    return Ok(());
                }
                Next::NotStarted | Next::Unfilled => return Err(TryRecvError::Empty),
                Next::Exhausted => {
                    // Of a bus that was closed meanwhile it may have refused the last events.
                    let notify = NotifyOnDrop(self);
                    self.leave_replay();
                    drop(notify);
                }
            }
        }
        if self.stage.get() == Stage::Finished {
            return Err(TryRecvError::Closed);
        }
        if self.pop_into(event) {
            self.count_received(1);
            Ok(())
        } else if ended.is_some() {
            self.finish(event)
        } else {
            Err(TryRecvError::Empty)
        }
    }

    fn next_replayed(&self, event: &mut Option<E>) -> Next {
        let notify = NotifyOnDrop(self);
        let next = match &*self.replay.borrow() {
            Some(replay) => replay.next(&self.mailbox, event),
            None => Next::Exhausted,
        };
        std::mem::forget(notify);
        next
    }

    /// Lets go of a replay that was read to its end, as another look would.
    fn leave_read_replay(&self) {
        if self.replay.borrow().as_ref().is_some_and(|replay| replay.is_read(&self.mailbox)) {
            self.leave_replay();
        }
    }

    #[cold]
    fn leave_replay(&self) {
        // User code that ran for the replay may have received on this very subscription, and come
        // further.
        if self.stage.get() == Stage::Replay {
            self.stage.set(Stage::Ring);
        }
        // If user code on this thread is at it further up the stack, the share goes with the
        // subscription.
        let replay = self.replay.try_borrow_mut().map(|mut replay| replay.take());
        // The log may be kept only by a snapshot that nobody uses any more.
        if let Some(cell) = self.cell.upgrade() {
            cell.sweep();
            swallow(|| drop(cell));
        }
        // Outside the borrow: the last share drops the events.
        drop(replay);
    }

    /// Seals the mailbox, and looks into the ring once more before it says `Closed`: a publisher
    /// that pushed before it could see the seal has left its event there.
    #[cold]
    fn finish(&self, event: &mut Option<E>) -> Result<(), TryRecvError> {
        if self.stage.get() == Stage::Ring {
            self.mailbox.seal(&self.outlet);
            self.stage.set(Stage::Sealed);
            // Nobody waits for what is left: this may be the last call.
            self.notify_drains(Drains::notify_fenced);
            if self.pop_into(event) {
                self.count_received(1);
                return Ok(());
            }
        }
        self.stage.set(Stage::Finished);
        Err(TryRecvError::Closed)
    }

    /// Ends a subscription that was stopped before the bus started. What a start that races with it
    /// puts into the ring must not be received, because the replay would be missing before it.
    #[cold]
    fn abandon(&self) -> Result<(), TryRecvError> {
        let mut panics = Panics::default();
        self.stage.set(Stage::Finished);
        panics.catch(|| self.leave_replay());
        self.mailbox.seal(&self.outlet);
        self.mailbox.discard(&self.outlet, &mut panics);
        self.notify_drains(Drains::notify);
        panics.resume();
        Err(TryRecvError::Closed)
    }

    #[inline(always)]
    fn pop(&self) -> Option<E> {
        let event = self.outlet.pop(self.mailbox.ring())?;
        self.sample_fill();
        Some(event)
    }

    fn pop_into(&self, event: &mut Option<E>) -> bool {
        let is_there = self.outlet.pop_into(self.mailbox.ring(), event);
        if is_there {
            self.sample_fill();
        } else {
            self.sample_at.set(0);
        }
        is_there
    }

    /// Notes how full the ring was, now and then.
    #[inline(always)]
    fn sample_fill(&self) {
        let received = self.mailbox.received();
        if received >= self.sample_at.get() {
            self.mailbox.sample_fill();
            self.sample_at.set(received + POPS_BETWEEN_SAMPLES);
        }
    }

    #[inline(always)]
    fn count_received(&self, events: u64) {
        self.mailbox.count_received(events);
        if self.mailbox.has_news() {
            self.look_after_news();
        }
    }

    /// What is to be done after a receive, now and then.
    #[cold]
    fn look_after_news(&self) {
        if !self.mailbox.episode().is_clear() && self.mailbox.has_caught_up() {
            self.mailbox.episode().end();
        }
        if self.mailbox.ended().is_some() && self.is_empty() {
            self.notify_drains(Drains::notify);
        }
    }

    /// Lets those look who wait until this subscriber has received everything.
    fn notify_drains(&self, notify: fn(&Drains)) {
        if let Some(cell) = self.cell.upgrade() {
            notify(cell.drains());
            swallow(|| drop(cell));
        }
    }

    /// Receives an event, and waits for it as long as it takes.
    ///
    /// **Not in a task:** this blocks the thread, and with it every task that the thread runs, on a
    /// current-thread runtime perhaps the one that would publish. Await
    /// [`recv_async`](Self::recv_async) there.
    ///
    /// # Errors
    ///
    /// [`RecvError`] if no more will come.
    pub fn recv(&self) -> Result<E, RecvError> {
        self.recv_within(Limit::Never, RecvError, RecvError)
    }

    /// Receives an event, and gives up after `timeout`. With 0, it only looks; [`Duration::MAX`]
    /// waits for ever.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError::TimedOut`] if none came in time, [`RecvTimeoutError::Closed`] if no more
    /// will come.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<E, RecvTimeoutError> {
        self.recv_within(Limit::After(timeout), RecvTimeoutError::TimedOut, RecvTimeoutError::Closed)
    }

    /// Receives an event, and gives up after `deadline`.
    ///
    /// # Errors
    ///
    /// As [`recv_timeout`](Self::recv_timeout).
    pub fn recv_deadline(&self, deadline: Instant) -> Result<E, RecvTimeoutError> {
        self.recv_within(Limit::At(deadline), RecvTimeoutError::TimedOut, RecvTimeoutError::Closed)
    }

    /// Receives an event, or one of two errors.
    #[inline(always)]
    fn recv_within<R>(&self, limit: Limit, timed_out: R, closed: R) -> Result<E, R> {
        let mut event = None;
        let looked = if const { is_large::<E>() } {
            self.try_recv_into(&mut event)
        } else {
            match self.try_recv() {
                Ok(event) => return Ok(event),
                Err(error) => Err(error),
            }
        };
        match looked {
            Err(TryRecvError::Empty) if !self.wait_into(&mut event, limit) => Err(timed_out),
            _ => event.ok_or(closed),
        }
    }

    /// Waits for an event, or for the end, after a look that has found nothing; returns `false` if
    /// the time is over.
    fn wait_into(&self, event: &mut Option<E>, limit: Limit) -> bool {
        let mut wait = Wait::new(self, limit);
        loop {
            let goes_on = wait.goes_on();
            // Also if the time is over: what came until then has come in time.
            if self.try_recv_into(event) != Err(TryRecvError::Empty) {
                return true;
            }
            if !goes_on {
                return false;
            }
        }
    }

    /// Receives an event, or makes sure that `waker` is woken when it is worth another look.
    pub(crate) fn poll_recv(&self, waker: &Waker) -> Poll<Result<E, RecvError>> {
        let mut event = None;
        self.poll_into(&mut event, waker).map(|()| event.ok_or(RecvError))
    }

    /// The same, into a place that the caller has; it stays empty at the end.
    pub(crate) fn poll_into(&self, event: &mut Option<E>, waker: &Waker) -> Poll<()> {
        self.poll_look(waker, || self.try_recv_into(event))
            .map(|received| self.turn.spend(usize::from(received.is_ok())))
    }

    /// Looks, and if there is nothing, makes sure that `waker` is woken when it is worth another
    /// look.
    #[inline(always)]
    fn poll_look<T>(
        &self,
        waker: &Waker,
        mut look: impl FnMut() -> Result<T, TryRecvError>,
    ) -> Poll<Result<T, RecvError>> {
        // What is closed stays so, however often it is polled.
        if self.stage.get() != Stage::Finished && !self.turn.begin(waker) {
            return Poll::Pending;
        }
        let mut received = look();
        if let Err(TryRecvError::Empty) = received {
            self.begin_wait(waker);
            received = look();
            if let Err(TryRecvError::Empty) = received {
                return Poll::Pending;
            }
        }
        self.end_wait();
        Poll::Ready(received.map_err(|_| RecvError))
    }

    /// Whether the subscriber was told that it is closed.
    pub(crate) fn is_finished(&self) -> bool {
        self.stage.get() == Stage::Finished
    }

    /// Announces that somebody waits; who does must look once more.
    fn begin_wait(&self, waker: &Waker) {
        self.waits.set(true);
        self.mailbox.begin_wait(waker);
    }

    /// Takes the announcement back, if there is one, and keeps no waker. A panic of the waker's
    /// `Drop` goes no further: there may be an event on its way to the caller.
    pub(crate) fn end_wait(&self) {
        if self.waits.replace(false) {
            self.forget_waker();
        }
    }

    #[cold]
    fn forget_waker(&self) {
        swallow(|| drop(self.mailbox.end_wait()));
    }

    /// Receives an event in a task, on any runtime. Cancel safe: a future that is dropped has taken
    /// no event, and keeps no waker.
    ///
    /// Cooperative: after 128 events on one thread, it is once not ready although there is an
    /// event, and wakes its task at once. So `now_or_never` may find nothing: use
    /// [`try_recv`](Self::try_recv) for that.
    ///
    /// # Errors
    ///
    /// The future gives [`RecvError`] if no more will come.
    pub fn recv_async(&mut self) -> Recv<'_, E> {
        Recv::new(self)
    }

    /// Moves up to `max` events into `into` without waiting, and returns how many. Costs less than
    /// as many [`try_recv`](Self::try_recv).
    ///
    /// It takes no more events than there were when it began, so it ends however quickly others
    /// publish. It returns 0 if there are none now, and also if no more will come: only
    /// [`try_recv`](Self::try_recv) tells which. ([`is_closed`](Self::is_closed) may turn `true`
    /// while an event accepted before is still to be received.)
    ///
    /// # Panics
    ///
    /// As [`try_recv`](Self::try_recv). Events received before the panic are in `into`, and the
    /// next call gives the next ones.
    pub fn try_recv_many(&self, into: &mut Vec<E>, max: usize) -> usize {
        // One look at least, because to find nothing may be the end of the replay.
        let asked = max;
        let max = asked.min(self.len().max(1));
        let mut taken = 0;
        // The replay, and the rest of a sealed ring, event by event; so are large events.
        while taken < max && (const { is_large::<E>() } || self.stage.get() != Stage::Ring) {
            if self.try_recv_one(into).is_err() {
                return taken;
            }
            taken += 1;
        }
        if taken < asked {
            self.leave_read_replay();
        }
        let replayed = taken;
        if taken < max {
            let fill = self.mailbox.len();
            taken += self.outlet.pop_many(self.mailbox.ring(), into, max - taken);
            if taken > replayed {
                self.mailbox.sample_fill_of(fill);
            }
        }
        self.sample_at.set(0);
        if taken > replayed {
            self.count_received((taken - replayed) as u64);
        }
        taken
    }

    /// Waits for an event as long as it takes, then moves what there is into `into`, up to `max`
    /// events, and returns how many. With a `max` of 0, returns 0 at once.
    ///
    /// **Not in a task:** see [`recv`](Self::recv).
    ///
    /// # Errors
    ///
    /// [`RecvError`] if no more will come.
    ///
    /// # Panics
    ///
    /// As [`try_recv_many`](Self::try_recv_many).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventBus, EventType};
    /// # use std::time::SystemTime;
    /// # #[derive(Clone, Debug, PartialEq)]
    /// # struct Tick(u64);
    /// # impl Event for Tick {
    /// #     fn event_type(&self) -> EventType { const { EventType::new("tick") } }
    /// #     fn timestamp(&self) -> SystemTime { SystemTime::now() }
    /// # }
    /// let bus = EventBus::new(0);
    /// let ticks = bus.subscribe(8);
    /// bus.start();
    /// bus.publish_batch(&[Tick(1), Tick(2), Tick(3)])?;
    /// bus.close();
    ///
    /// let mut batch = Vec::new();
    /// assert_eq!(ticks.recv_many(&mut batch, 2), Ok(2));
    /// assert_eq!(ticks.recv_many(&mut batch, 2), Ok(1));
    /// assert_eq!(batch, [Tick(1), Tick(2), Tick(3)]);
    /// assert!(ticks.recv_many(&mut batch, 2).is_err(), "closed");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv_many(&self, into: &mut Vec<E>, max: usize) -> Result<usize, RecvError> {
        if max == 0 {
            return Ok(0);
        }
        let mut received = self.try_recv_some(into, max);
        if received == Err(TryRecvError::Empty) {
            let mut wait = Wait::new(self, Limit::Never);
            while received == Err(TryRecvError::Empty) && wait.goes_on() {
                received = self.try_recv_some(into, max);
            }
        }
        received.map_err(|_| RecvError)
    }

    /// Moves what there is into `into`, up to `max` events, or says why there is nothing.
    fn try_recv_some(&self, into: &mut Vec<E>, max: usize) -> Result<usize, TryRecvError> {
        match self.try_recv_many(into, max) {
            0 => self.try_recv_one(into).map(|()| 1),
            taken => Ok(taken),
        }
    }

    /// Moves an event into `into`. Apart, so that no more than one large event is on the stack.
    #[inline(never)]
    fn try_recv_one(&self, into: &mut Vec<E>) -> Result<(), TryRecvError> {
        let mut event = None;
        self.try_recv_into(&mut event)?;
        into.extend(event);
        Ok(())
    }

    /// Receives many events asynchronously, on any runtime: waits for one, and takes what there is
    /// then, up to `max` events, as [`recv_many`](Self::recv_many) does. With a `max` of 0, the
    /// future gives 0 at once. Cancel safe: a future that is dropped has taken no event, and keeps
    /// no waker.
    ///
    /// Cooperative, as [`recv_async`](Self::recv_async) is: every event counts towards the 128
    /// after which a task goes back to its executor. So one call takes 128 at most.
    ///
    /// # Errors
    ///
    /// The future gives [`RecvError`] if no more will come.
    ///
    /// # Panics
    ///
    /// As [`try_recv_many`](Self::try_recv_many).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventBus, EventType};
    /// # use std::time::SystemTime;
    /// # #[derive(Clone, Debug, PartialEq)]
    /// # struct Tick(u64);
    /// # impl Event for Tick {
    /// #     fn event_type(&self) -> EventType { const { EventType::new("tick") } }
    /// #     fn timestamp(&self) -> SystemTime { SystemTime::now() }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bus = EventBus::new(0);
    /// let mut ticks = bus.subscribe(8);
    /// bus.start();
    /// bus.publish_batch(&[Tick(1), Tick(2), Tick(3)])?;
    /// bus.close();
    ///
    /// let (mut batch, mut sizes) = (Vec::new(), Vec::new());
    /// while let Ok(size) = ticks.recv_many_async(&mut batch, 2).await {
    ///     sizes.push(size);
    ///     batch.clear(); // once it is written to somewhere
    /// }
    /// assert_eq!(sizes, [2, 1]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn recv_many_async<'a>(&'a mut self, into: &'a mut Vec<E>, max: usize) -> RecvMany<'a, E> {
        RecvMany::new(self, into, max)
    }

    /// Receives what there is, up to `max` events, or makes sure that `waker` is woken when it is
    /// worth another look.
    pub(crate) fn poll_many(&self, into: &mut Vec<E>, max: usize, waker: &Waker) -> Poll<Result<usize, RecvError>> {
        if max == 0 {
            return Poll::Ready(Ok(0));
        }
        self.poll_look(waker, || self.try_recv_some(into, max.min(self.turn.left()))).map(|received| {
            self.turn.spend(received.unwrap_or_default());
            received
        })
    }

    /// Iterates over the events, blocks for each, and ends when the subscription is closed. A loop
    /// `for event in &subscription` is the same. The subscription can be used meanwhile and
    /// afterwards.
    ///
    /// **Not in a task:** see [`recv`](Self::recv).
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{Event, EventBus, EventType};
    /// # use std::time::SystemTime;
    /// # #[derive(Clone, Debug, PartialEq)]
    /// # struct Tick(u64);
    /// # impl Event for Tick {
    /// #     fn event_type(&self) -> EventType { const { EventType::new("tick") } }
    /// #     fn timestamp(&self) -> SystemTime { SystemTime::now() }
    /// # }
    /// let bus = EventBus::new(0);
    /// let ticks = bus.subscribe(8);
    /// bus.start();
    /// bus.publish_batch(&[Tick(1), Tick(2)])?;
    /// bus.close();
    ///
    /// for Tick(number) in &ticks {
    ///     println!("tick {number}, and {} events behind it", ticks.len());
    /// }
    /// assert_eq!(ticks.stats().received, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&self) -> Iter<'_, E> {
        Iter::new(self)
    }

    /// Iterates over the events that can be received without waiting.
    pub fn try_iter(&self) -> TryIter<'_, E> {
        TryIter::new(self)
    }

    /// Makes a handle that ends this subscription from any thread: the receiver still gets what it
    /// has, and then `Closed`.
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

    /// How many events wait to be received: those in the ring, and those of the replay (once the
    /// bus has started) or of the retained events that are unread. Advisory; and an upper bound
    /// while some of these are unread, because types and filter apply to them as they are received.
    #[must_use]
    pub fn len(&self) -> usize {
        self.mailbox.unread_replay(self.log_len()) + self.mailbox.len()
    }

    /// How many events there are to be replayed, once the bus has started; 0 once they were.
    fn log_len(&self) -> usize {
        self.replay.borrow().as_ref().map_or(0, Replay::log_len)
    }

    /// Whether [`len`](Self::len) is 0. Advisory.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the bus is closed or this subscription was stopped; there may still be events to
    /// receive. Once `true`, always `true`.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.mailbox.ended().is_some()
    }

    /// How many events this subscriber has lost to a full ring since it subscribed. This is the sum
    /// of `dropped` and `evicted` in its [statistics](crate::SubscriberStats): new events that
    /// found no room, and old ones that made room, with
    /// [`Overflow::DropOldest`](crate::Overflow::DropOldest). (Events lost to a panic of its filter
    /// or of `Clone` count as dropped.)
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.mailbox.lost()
    }

    /// How many events this subscriber has lost since the last call of this. See
    /// [`lost`](Self::lost).
    pub fn take_lost(&self) -> u64 {
        let lost = self.mailbox.lost();
        lost - self.told_lost.replace(lost)
    }

    /// Returns what was counted for this subscription: its row in
    /// [`EventBus::stats`](crate::EventBus::stats). Works also when the bus is closed or gone.
    #[must_use]
    pub fn stats(&self) -> SubscriberStats {
        self.mailbox.stats(self.log_len())
    }
}

impl<E: Event + Clone> Drop for Subscription<E> {
    fn drop(&mut self) {
        let mut panics = Panics::default();
        let cell = self.cell.upgrade();
        if let Some(cell) = &cell {
            cell.leave(&self.mailbox);
        }
        self.mailbox.retire(&self.outlet, &mut panics);
        panics.catch(|| drop(self.replay.take()));
        if let Some(cell) = cell {
            cell.sweep();
            cell.drains().notify_fenced();
            swallow(|| drop(cell));
        }
        panics.resume();
        // What is left is dropped behind this: the mailbox, and if this is the last share, the
        // filter.
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
            .field("lost", &self.lost())
            .finish_non_exhaustive()
    }
}
