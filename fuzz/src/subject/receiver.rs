//! A subscription, and every way to receive from it.

use crate::bell::Bell;
use crate::letter::{Content, Message};
use crate::operation::{Filter, Options, Subscribing, Way};
use crate::panics::{catch, panic_as_planned};
use crate::picture::{Outcome, SubscriptionCounts, SubscriptionPicture};
use futures_core::Stream;
use ringbus::{EventBus, RecvError, RecvTimeoutError, StopHandle, SubscriberStats, Subscription, TryRecvError};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

pub(super) struct Receiver {
    subscription: Subscription<Message>,
    /// Of the last poll, where that found nothing.
    bell: Arc<Bell>,
}

impl Receiver {
    pub(super) fn new(bus: &EventBus<Message>, name: String, subscribing: &Subscribing, filters: &Arc<()>) -> Self {
        let subscription = match subscribing {
            Subscribing::Plain { capacity } => bus.subscribe(*capacity),
            Subscribing::Built(options) => build(bus, name, options, filters),
        };
        Self { subscription, bell: Arc::default() }
    }

    pub(super) fn stop_handle(&self) -> StopHandle {
        self.subscription.stop_handle()
    }

    pub(super) fn take_missed(&self) -> u64 {
        self.subscription.take_missed()
    }

    pub(super) fn receive(&mut self, way: Way) -> Outcome {
        let subscription = &mut self.subscription;
        match way {
            Way::Try => received(|| subscription.try_recv().map_err(|error| error == TryRecvError::Closed)),
            Way::Blocking => received(|| subscription.recv().map_err(|RecvError| true)),
            Way::Timeout => received(|| subscription.recv_timeout(Duration::ZERO).map_err(is_closed)),
            Way::Deadline => received(|| subscription.recv_deadline(Instant::now()).map_err(is_closed)),
            Way::Future => {
                self.poll(|subscription, context| pin!(subscription.recv_async()).poll(context).map(Result::ok))
            }
            Way::Stream => self.poll(|subscription, context| Pin::new(subscription).poll_next(context)),
            Way::Many(few) => receive_many(subscription, few.0),
            Way::TryIter(few) => collect(few.0, subscription.try_iter()),
            Way::Iter(few) => collect(few.0, subscription.iter()),
            Way::IntoIter(_) => unreachable!("that is `receive_and_go`"),
        }
    }

    /// `into_iter`, which unsubscribes in the end.
    pub(super) fn receive_and_go(self, max: usize) -> Outcome {
        collect(max, self.subscription.into_iter())
    }

    fn poll(
        &mut self,
        poll: impl FnOnce(&mut Subscription<Message>, &mut Context<'_>) -> Poll<Option<Message>>,
    ) -> Outcome {
        let (bell, waker) = Bell::new();
        let polled = catch(|| poll(&mut self.subscription, &mut Context::from_waker(&waker)));
        self.bell = Arc::default();
        match polled {
            None => Outcome::Panicked,
            Some(Poll::Ready(Some(message))) => Outcome::Received(message.content),
            Some(Poll::Ready(None)) => Outcome::Closed,
            Some(Poll::Pending) => {
                self.bell = bell;
                Outcome::NothingNow
            }
        }
    }

    pub(super) fn picture(&self, stats: &[SubscriberStats]) -> SubscriptionPicture<usize> {
        let subscription = &self.subscription;
        let len = subscription.len();
        assert_eq!(subscription.is_empty(), len == 0, "is_empty and len of {}", subscription.name());
        SubscriptionPicture {
            exact: SubscriptionCounts {
                name: subscription.name().to_owned(),
                capacity: subscription.capacity(),
                is_closed: subscription.is_closed(),
                dropped: subscription.dropped(),
            },
            len,
            high_water: stats.iter().find(|stats| &*stats.name == subscription.name()).map(|stats| stats.high_water),
            wakes: self.bell.rings(),
        }
    }
}

fn build(bus: &EventBus<Message>, name: String, options: &Options, filters: &Arc<()>) -> Subscription<Message> {
    let mut builder = bus.subscriber(name).overflow(options.overflow).lossy(options.lossy).wait(options.wait);
    if let Some(capacity) = options.capacity {
        builder = builder.capacity(capacity);
    }
    if !options.types.is_empty() {
        builder = builder.types(options.types.iter().map(|topic| topic.event_type()));
    }
    if let Some(filter) = options.filter {
        let share = Arc::clone(filters);
        builder = builder.filter(move |message| {
            let _ = &share;
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
fn received(receive: impl FnOnce() -> Result<Message, bool>) -> Outcome {
    match catch(receive) {
        None => Outcome::Panicked,
        Some(Ok(message)) => Outcome::Received(message.content),
        Some(Err(true)) => Outcome::Closed,
        Some(Err(false)) => Outcome::NothingNow,
    }
}

fn receive_many(subscription: &mut Subscription<Message>, max: usize) -> Outcome {
    let mut messages = Vec::new();
    let count = catch(|| subscription.recv_many(&mut messages, max));
    Outcome::Collected(messages.iter().map(|message| message.content).collect(), count)
}

fn collect(max: usize, messages: impl Iterator<Item = Message>) -> Outcome {
    let mut contents: Vec<Content> = Vec::new();
    let finished = catch(|| contents.extend(messages.take(max).map(|message| message.content)));
    let count = finished.map(|()| contents.len());
    Outcome::Collected(contents, count)
}
