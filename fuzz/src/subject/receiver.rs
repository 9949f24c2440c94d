//! A subscription, and every way to receive from it.

use super::pictures::subscriber_picture;
use crate::aside::{self, Asking};
use crate::bell::Poller;
use crate::letter::{Content, Message};
use crate::operation::{Awaiting, Caller, Filter, Options, Subscribing, Way};
use crate::panics::{catch, panic_as_planned};
use crate::picture::{Outcome, OwnCounts, OwnPicture, SubscriptionPicture};
use futures_core::Stream;
use futures_core::stream::FusedStream;
use ringbus::{EventBus, RecvError, RecvTimeoutError, StopHandle, SubscriberStats, Subscription, TryRecvError};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::Poll;
use std::time::{Duration, Instant};

pub(super) struct Receiver<const PADDING: usize> {
    state: State<PADDING>,
    poller: Poller,
}

enum State<const PADDING: usize> {
    Here(Subscription<Message<PADDING>>),
    /// A future of `recv_async` has it, which is dropped when the flag says so.
    Awaited {
        future: Pin<Box<dyn Future<Output = Awaited<PADDING>>>>,
        is_dropped: Arc<AtomicBool>,
    },
    /// In between.
    Moved,
}

/// The subscription that was lent to a future, and what that gave; `None` where it was dropped
/// before.
type Awaited<const PADDING: usize> = (Subscription<Message<PADDING>>, Option<Outcome>);

impl<const PADDING: usize> Receiver<PADDING> {
    pub(super) fn new(
        bus: &EventBus<Message<PADDING>>,
        name: String,
        subscribing: &Subscribing,
        filters: &Arc<()>,
        wakers: &Arc<()>,
    ) -> Self {
        let subscription = match subscribing {
            Subscribing::Plain { capacity } => bus.subscribe(*capacity),
            Subscribing::Built(options) => build(bus, name, options, filters),
        };
        Self { state: State::Here(subscription), poller: Poller::new(wakers) }
    }

    /// The subscription, which the reference says no future has.
    fn subscription(&self) -> &Subscription<Message<PADDING>> {
        let State::Here(subscription) = &self.state else { panic!("the reference forgets a future") };
        subscription
    }

    pub(super) fn stop_handle(&self) -> StopHandle {
        self.subscription().stop_handle()
    }

    pub(super) fn take_lost(&self) -> u64 {
        self.subscription().take_lost()
    }

    pub(super) fn receive(&mut self, way: Way, passes: &mut usize) -> Outcome {
        let State::Here(subscription) = &mut self.state else { panic!("the reference forgets a future") };
        match way {
            Way::Try => received(|| subscription.try_recv().map_err(|error| error == TryRecvError::Closed)),
            Way::Blocking => received(|| subscription.recv().map_err(|RecvError| true)),
            Way::Timeout => received(|| subscription.recv_timeout(Duration::ZERO).map_err(is_closed)),
            Way::Deadline => received(|| subscription.recv_deadline(Instant::now()).map_err(is_closed)),
            Way::Future(caller) => {
                let polled = self.poller.poll(caller, passes, |context| {
                    catch(|| pin!(subscription.recv_async()).poll(context).map(Result::ok))
                });
                self.poller.assert_forgotten();
                outcome(polled)
            }
            Way::Stream(caller) => poll_next(subscription, &mut self.poller, caller, passes),
            Way::Many(few) => receive_many(subscription, few.0),
            Way::TryIter(few) => collect(few.0, subscription.try_iter()),
            Way::Iter(few) => collect(few.0, subscription.iter()),
            Way::IntoIter(_) => unreachable!("that is `receive_and_go`"),
        }
    }

    /// `into_iter`, which unsubscribes in the end.
    pub(super) fn receive_and_go(self, max: usize) -> Outcome {
        let State::Here(subscription) = self.state else { panic!("the reference forgets a future") };
        let collected = collect(max, subscription.into_iter());
        self.poller.assert_forgotten();
        collected
    }

    /// Drops the subscription, and with it the future that has it.
    pub(super) fn unsubscribe(self) {
        drop(self.state);
        self.poller.assert_forgotten();
    }

    pub(super) fn await_event(&mut self, awaiting: Awaiting, passes: &mut usize) -> Outcome {
        let (caller, is_dropped) = match awaiting {
            Awaiting::Poll(caller) => (caller, false),
            Awaiting::Drop => (Caller::Another, true),
        };
        let (mut future, poller) = self.future(is_dropped);
        match poller.poll(caller, passes, |context| Some(future.as_mut().poll(context))) {
            Some(Poll::Ready((subscription, outcome))) => {
                self.state = State::Here(subscription);
                self.poller.assert_forgotten();
                outcome.unwrap_or(Outcome::Done)
            }
            Some(Poll::Pending) | None => Outcome::NothingNow,
        }
    }

    /// The future that has the subscription from now on, and who polls it.
    fn future(&mut self, is_to_be_dropped: bool) -> (Pin<&mut dyn Future<Output = Awaited<PADDING>>>, &mut Poller) {
        self.state = match std::mem::replace(&mut self.state, State::Moved) {
            State::Here(subscription) => {
                let is_dropped = Arc::new(AtomicBool::new(false));
                State::Awaited { future: Box::pin(awaited(subscription, Arc::clone(&is_dropped))), is_dropped }
            }
            awaited => awaited,
        };
        let State::Awaited { future, is_dropped } = &mut self.state else { unreachable!("it was just made") };
        is_dropped.store(is_to_be_dropped, Relaxed);
        (future.as_mut(), &mut self.poller)
    }

    /// What there is to see of it. Its row among the statistics of the bus, if there is one, is the
    /// one that it tells itself.
    pub(super) fn picture(&self, stats: &[SubscriberStats]) -> SubscriptionPicture<usize> {
        let own =
            if let State::Here(subscription) = &self.state { Some(own_picture(subscription, stats)) } else { None };
        let (wakes, keepers) = (self.poller.rings(), self.poller.keepers());
        SubscriptionPicture { own, wakes, wakes_and_keepers: wakes + keepers }
    }
}

fn own_picture<const PADDING: usize>(
    subscription: &Subscription<Message<PADDING>>,
    stats: &[SubscriberStats],
) -> OwnPicture<usize> {
    let (len, row) = (subscription.len(), subscription.stats());
    assert_eq!(subscription.is_empty(), len == 0, "is_empty and len of {}", row.name);
    assert_eq!((subscription.name(), subscription.capacity()), (&*row.name, row.capacity), "a row of its own");
    assert_eq!(row.lost(), subscription.lost(), "what {} has lost", row.name);
    if let Some(listed) = stats.iter().find(|stats| stats.name == row.name) {
        assert_eq!(*listed, row, "the row of the bus and that of the subscription");
    }
    OwnPicture {
        exact: OwnCounts {
            row: subscriber_picture(&row),
            is_closed: subscription.is_closed(),
            is_terminated: subscription.is_terminated(),
            lost: subscription.lost(),
        },
        len,
        high_water: row.high_water,
    }
}

/// Receives an event, unless its future is dropped before. Gives the subscription back.
async fn awaited<const PADDING: usize>(
    mut subscription: Subscription<Message<PADDING>>,
    is_dropped: Arc<AtomicBool>,
) -> Awaited<PADDING> {
    let received = {
        let mut event = pin!(subscription.recv_async());
        poll_fn(|context| {
            if is_dropped.load(Relaxed) {
                return Poll::Ready(None);
            }
            match catch(|| event.as_mut().poll(context).map(Result::ok)) {
                Some(Poll::Pending) => Poll::Pending,
                polled => Poll::Ready(Some(outcome(polled))),
            }
        })
        .await
    };
    (subscription, received)
}

fn poll_next<const PADDING: usize>(
    subscription: &mut Subscription<Message<PADDING>>,
    poller: &mut Poller,
    caller: Caller,
    passes: &mut usize,
) -> Outcome {
    outcome(poller.poll(caller, passes, |context| catch(|| Pin::new(&mut *subscription).poll_next(context))))
}

fn outcome<const PADDING: usize>(polled: Option<Poll<Option<Message<PADDING>>>>) -> Outcome {
    match polled {
        None => Outcome::Panicked,
        Some(Poll::Ready(Some(message))) => Outcome::Received(message.content),
        Some(Poll::Ready(None)) => Outcome::Closed,
        Some(Poll::Pending) => Outcome::NothingNow,
    }
}

fn build<const PADDING: usize>(
    bus: &EventBus<Message<PADDING>>,
    name: String,
    options: &Options,
    filters: &Arc<()>,
) -> Subscription<Message<PADDING>> {
    let mut builder = bus.subscriber(name).overflow(options.overflow).lossy(options.lossy).wait(options.wait);
    if let Some(capacity) = options.capacity {
        builder = builder.capacity(capacity);
    }
    if !options.types.is_empty() {
        builder = builder.types(options.types.iter().map(|topic| topic.event_type()));
    }
    if let Some(filter) = options.filter {
        let share = Asking(Arc::clone(filters));
        builder = builder.filter(move |message| {
            let _ = &share;
            aside::ask();
            match filter {
                _ if !message.content.is_odd() => true,
                Filter::RefusesOdd => false,
                Filter::PanicsOnOdd => panic_as_planned(),
            }
        });
    }
    builder.subscribe()
}

fn is_closed(error: RecvTimeoutError) -> bool {
    error == RecvTimeoutError::Closed
}

/// One event, or whether there was none because none will come.
fn received<const PADDING: usize>(receive: impl FnOnce() -> Result<Message<PADDING>, bool>) -> Outcome {
    match catch(receive) {
        None => Outcome::Panicked,
        Some(Ok(message)) => Outcome::Received(message.content),
        Some(Err(true)) => Outcome::Closed,
        Some(Err(false)) => Outcome::NothingNow,
    }
}

fn receive_many<const PADDING: usize>(subscription: &mut Subscription<Message<PADDING>>, max: usize) -> Outcome {
    let mut messages = Vec::new();
    let count = catch(|| subscription.try_recv_many(&mut messages, max));
    Outcome::Collected(messages.iter().map(|message| message.content).collect(), count)
}

fn collect<const PADDING: usize>(max: usize, messages: impl Iterator<Item = Message<PADDING>>) -> Outcome {
    let mut contents: Vec<Content> = Vec::new();
    let finished = catch(|| contents.extend(messages.take(max).map(|message| message.content)));
    let count = finished.map(|()| contents.len());
    Outcome::Collected(contents, count)
}
