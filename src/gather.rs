//! Waiting for the answers to a request.

pub(crate) mod error;
pub(crate) mod options;
pub(crate) mod pending;
pub(crate) mod requests;
pub(crate) mod result;
pub(crate) mod strangers;
#[cfg(feature = "tokio")]
pub(crate) mod timed;

use crate::event::Event;
use crate::event::request::RequestId;
use crate::gather::error::GatherError;
use crate::gather::options::RequestOptions;
use crate::gather::pending::{Ended, Look, Pending};
use crate::gather::requests::{Registration, Requests};
use crate::gather::result::RequestResult;
use crate::panics::Panics;
use crate::park::{Looks, ThreadWaker};
use crate::stats::Published;
use crate::sync::Deadline;
use crate::turn::Turn;
use crate::until::until_stopped;
use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The clock that counts from the request on. Tokio's can be stopped and put forward by a test, and
/// is otherwise the same.
#[cfg(not(feature = "tokio"))]
use std::time::Instant;
#[cfg(feature = "tokio")]
use tokio::time::Instant;

/// A request under way, from [`EventBus::request`](crate::EventBus::request). Dropping it gives the
/// request up.
///
/// Responses are gathered from the moment of the request, also before you wait for them. Wait in
/// one of three ways:
///
/// - [`wait`](Self::wait) blocks this thread.
/// - [`until`](Self::until) is a future for any runtime, and takes another future, such as a sleep,
///   for the timeout.
/// - With the feature `tokio`, `gather.await` keeps the timeout by tokio's clock. (If the compiler
///   says that a `Gather` is not a future, that feature is off.)
///
/// Each gives `Ok` once [enough](RequestOptions::min_responses) responders have answered, and
/// otherwise an error with the responses that arrived. A [`CancelHandle`] ends the wait from
/// elsewhere. A gather does not keep the bus open.
#[must_use = "dropping a gather gives the request up"]
pub struct Gather<E> {
    registration: Registration<E>,
    /// Of the options: how long it may take, from `asked`.
    timeout: Duration,
    /// Of the options: how long to wait for the rest; `None` for not at all.
    pub(crate) grace: Option<Duration>,
    /// When it was made.
    asked: Instant,
    /// What became of the event that asks.
    published: Published,
}

impl<E> Gather<E> {
    /// Registers a request, unless one with that id is under way. The timeout begins here.
    pub(crate) fn open(requests: &Arc<Requests<E>>, id: RequestId, options: &RequestOptions) -> Option<Self> {
        let grace = options.grace_after();
        let pending = Pending::new(Arc::clone(options.expected()), options.required(), grace.is_some());
        Some(Self {
            registration: requests.register(id, pending)?,
            timeout: options.timeout_after(),
            grace,
            asked: Instant::now(),
            published: Published::default(),
        })
    }

    fn pending(&self) -> &Arc<Pending<E>> {
        self.registration.pending()
    }

    /// Notes what became of the event that asks.
    pub(crate) fn set_published(&mut self, published: Published) {
        self.published = published;
    }

    /// How many subscribers have the request, and how many have lost it. If some were
    /// [dropped](Published::dropped), the ring of a responder may have been full: then that
    /// responder was never asked, and will not answer.
    ///
    /// Counts every subscriber that was offered the request, one that only logs it as well as one
    /// that answers it.
    #[must_use]
    pub fn published(&self) -> Published {
        self.published
    }

    /// How many expected responders have answered so far. Advisory: that may have grown by the time
    /// this returns.
    #[must_use]
    pub fn received(&self) -> usize {
        self.pending().received()
    }

    /// Blocks this thread until everybody has answered, or enough have and the grace is over. Ends
    /// early at the timeout, or when the request is [cancelled](Self::cancel_handle) or the bus
    /// closed.
    ///
    /// The thread looks around for some microseconds, and is then parked and uses no CPU. It is
    /// woken when there are enough responses and when all are there, not for each.
    ///
    /// **Not in a task:** this blocks the thread, and with it every task that the thread runs. If
    /// the responders are such tasks, nobody can answer. Await [`until`](Self::until) or the gather
    /// itself there.
    ///
    /// With the feature `tokio`, the time before this call is counted by tokio's clock, which only
    /// a test can make differ from the system's; the time from here on is the system's.
    ///
    /// # Errors
    ///
    /// If fewer have answered than required: [`GatherError::TimedOut`], [`GatherError::Cancelled`]
    /// or [`GatherError::Closed`], with the responses that arrived.
    ///
    /// # Examples
    ///
    /// See [`EventBus::request`](crate::EventBus::request).
    pub fn wait(self) -> Result<RequestResult<E>, GatherError<E>> {
        self.park();
        self.finish_timed_out()
    }

    fn park(&self) {
        if self.pending().look() == Look::Done {
            return;
        }
        let mut deadline = match self.timeout {
            Duration::MAX => Deadline::NEVER,
            timeout => Deadline::after(timeout.saturating_sub(self.asked.elapsed())),
        };
        let mut looks = Looks::begin(deadline);
        while looks.pause() {
            match self.pending().look() {
                Look::Done => return,
                // The grace begins at once.
                Look::Enough => break,
                Look::TooFew => {}
            }
        }
        let waker = ThreadWaker::default().current();
        let mut grace = self.grace;
        loop {
            match self.look_or_wait(&waker) {
                Look::Done => return,
                Look::Enough => {
                    if let Some(grace) = grace.take() {
                        deadline = deadline.or_earlier(Deadline::after(grace));
                    }
                }
                Look::TooFew => {}
            }
            if deadline.has_passed() {
                return;
            }
            deadline.park();
        }
    }

    /// Waits until everybody has answered or enough have, or until `stop` is ready: a sleep of your
    /// runtime, a cancellation token, any future. `stop` replaces the timeout. It replaces the
    /// grace as well: if the options ask for one, the wait for the rest goes on until `stop`.
    ///
    /// The future may be dropped at any time, which gives the request up.
    ///
    /// # Errors
    ///
    /// The future gives [`GatherError::Stopped`], [`GatherError::Cancelled`] or
    /// [`GatherError::Closed`] if fewer have answered than required, with the responses that
    /// arrived.
    ///
    /// # Panics
    ///
    /// The future resumes a panic of `stop`, or of a waker that is dropped; the request is given up
    /// then.
    ///
    /// # Examples
    ///
    /// ```
    /// # use ringbus::{DynEvent, Event, EventBus, EventType, GatherError};
    /// # use ringbus::{Request, RequestId, RequestOptions};
    /// # use std::{sync::Arc, time::{Duration, SystemTime}};
    /// # struct Ping(RequestId);
    /// # impl Event for Ping {
    /// #     fn event_type(&self) -> EventType { const { EventType::new("ping") } }
    /// #     fn timestamp(&self) -> SystemTime { SystemTime::now() }
    /// #     fn as_request(&self) -> Option<&dyn Request> { Some(self) }
    /// # }
    /// # impl Request for Ping { fn request_id(&self) -> RequestId { self.0.clone() } }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// # let bus: EventBus<DynEvent> = EventBus::new(0);
    /// # let _silent = bus.subscribe(1);
    /// # bus.start();
    /// let ping = Arc::new(Ping(RequestId::unique()));
    /// let gather = bus.request(ping, RequestOptions::expecting(["pong"]))?;
    /// match gather.until(tokio::time::sleep(Duration::from_millis(5))).await {
    ///     Ok(result) => println!("{} answered", result.responses.len()),
    ///     Err(GatherError::Stopped { partial }) => {
    ///         assert_eq!(partial.errors(), ["no response from pong"]);
    ///     }
    ///     Err(other) => return Err(other.into()),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn until<S: Future>(self, stop: S) -> Result<RequestResult<E>, GatherError<E>> {
        let mut panics = Panics::default();
        let (turn, gather) = (Turn::default(), &self);
        let look = move |context: &mut Context<'_>| {
            if !turn.begin(context.waker()) || gather.look_or_wait(context.waker()) != Look::Done {
                return Poll::Pending;
            }
            turn.spend(1);
            Poll::Ready(())
        };
        until_stopped(look, stop, &mut panics).await;
        self.finish(panics, |partial| GatherError::Stopped { partial })
    }

    pub(crate) fn look_or_wait(&self, waker: &Waker) -> Look {
        self.pending().look_or_wait(waker)
    }

    /// When the timeout is over; `None` if there is none.
    #[cfg(feature = "tokio")]
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.asked.checked_add(self.timeout)
    }

    pub(crate) fn finish_timed_out(self) -> Result<RequestResult<E>, GatherError<E>> {
        let after = self.timeout;
        self.finish(Panics::default(), |partial| GatherError::TimedOut { after, partial })
    }

    /// Takes what has come. Where that is not enough and nobody has ended the request, `otherwise`
    /// says why the wait ended.
    fn finish(
        self,
        mut panics: Panics,
        otherwise: impl FnOnce(RequestResult<E>) -> GatherError<E>,
    ) -> Result<RequestResult<E>, GatherError<E>> {
        self.pending().end_wait(&mut panics);
        // The request is given up then: its registration drops the responses one by one, and counts
        // them as late.
        panics.resume();
        let (result, ended) = self.pending().take();
        if result.responses.len() >= self.pending().required() {
            Ok(result)
        } else {
            Err(match ended {
                Some(Ended::Closed) => GatherError::Closed { partial: result },
                Some(Ended::Cancelled) => GatherError::Cancelled { partial: result },
                Some(Ended::Taken) | None => otherwise(result),
            })
        }
    }
}

impl<E: Event> Gather<E> {
    /// Makes a handle that ends the wait from any thread.
    #[must_use]
    pub fn cancel_handle(&self) -> CancelHandle {
        let pending: Weak<Pending<E>> = Arc::downgrade(self.pending());
        CancelHandle(pending)
    }
}

impl<E> UnwindSafe for Gather<E> {}
impl<E> RefUnwindSafe for Gather<E> {}

impl<E> fmt::Debug for Gather<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather")
            .field("id", self.registration.id())
            .field("pending", self.pending())
            .field("timeout", &self.timeout)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}

/// Ends the wait for the answers to a request, from any thread: from [`Gather::cancel_handle`].
///
/// Keeps neither the bus nor the request alive.
#[derive(Clone)]
pub struct CancelHandle(Weak<dyn Cancel>);

impl CancelHandle {
    /// Ends the wait: the requester wakes, and gets the responses that arrived. Does nothing if the
    /// request has ended already.
    ///
    /// # Panics
    ///
    /// Resumes the panic of the requester's waker.
    ///
    /// # Progress
    ///
    /// Takes the request's short lock, which no user code runs under.
    pub fn cancel(&self) {
        if let Some(pending) = self.0.upgrade() {
            pending.cancel();
        }
    }
}

impl UnwindSafe for CancelHandle {}
impl RefUnwindSafe for CancelHandle {}

impl fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CancelHandle(..)")
    }
}

/// A request to cancel, whatever the type of its events.
trait Cancel: Send + Sync {
    fn cancel(&self);
}

impl<E: Send + Sync> Cancel for Pending<E> {
    fn cancel(&self) {
        let mut panics = Panics::default();
        self.end(Ended::Cancelled, &mut panics);
        panics.resume();
    }
}
