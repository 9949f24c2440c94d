//! A request under way, and every way to wait for its answers.

use crate::bell::Bell;
use crate::letter::{Message, Responder};
use crate::operation::{Asking, GRACE, Patience};
use crate::picture::{GatherEnd, Gathered, Refusal, RequestPicture};
use ringbus::{CancelHandle, EventBus, Gather, GatherError, RequestError, RequestOptions, RequestResult};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

pub(super) struct Requester {
    gathering: Gathering,
    /// Of the last poll.
    bell: Arc<Bell>,
}

enum Gathering {
    Gather(Gather<Message>),
    /// Polled at least once. What it is to be stopped by looks at the flag.
    Until {
        future: Pin<Box<dyn Future<Output = GatherResult>>>,
        is_stopped: Arc<AtomicBool>,
    },
    /// In between.
    Moved,
}

type GatherResult = Result<RequestResult<Message>, GatherError<Message>>;

impl Requester {
    pub(super) fn ask(
        bus: &EventBus<Message>,
        message: Message,
        asking: &Asking,
    ) -> Result<(Self, CancelHandle), (Refusal, Message)> {
        let gather = bus.request(message, options(asking)).map_err(|error| (refusal(&error), error.into_inner()))?;
        let cancel_handle = gather.cancel_handle();
        Ok((Self { gathering: Gathering::Gather(gather), bell: Arc::default() }, cancel_handle))
    }

    pub(super) fn wait(self) -> Gathered {
        let Gathering::Gather(gather) = self.gathering else { panic!("the reference waits for a future") };
        gathered(gather.wait())
    }

    /// Polls once more. The result, where there is one.
    pub(super) fn poll(&mut self, is_stopped: bool) -> Option<Gathered> {
        let (bell, waker) = Bell::new();
        self.bell = bell;
        let polled = self.until(is_stopped).poll(&mut Context::from_waker(&waker));
        if let Poll::Ready(result) = polled { Some(gathered(result)) } else { None }
    }

    /// The future that the request is from now on.
    fn until(&mut self, stop: bool) -> Pin<&mut dyn Future<Output = GatherResult>> {
        self.gathering = match std::mem::replace(&mut self.gathering, Gathering::Moved) {
            Gathering::Gather(gather) => {
                let is_stopped = Arc::new(AtomicBool::new(false));
                let flag = Arc::clone(&is_stopped);
                let stop = poll_fn(move |_| if flag.load(Relaxed) { Poll::Ready(()) } else { Poll::Pending });
                Gathering::Until { future: Box::pin(gather.until(stop)), is_stopped }
            }
            until => until,
        };
        let Gathering::Until { future, is_stopped } = &mut self.gathering else { unreachable!("it was just made") };
        is_stopped.store(stop, Relaxed);
        future.as_mut()
    }

    pub(super) fn picture(&self) -> RequestPicture {
        let received = if let Gathering::Gather(gather) = &self.gathering { Some(gather.received()) } else { None };
        RequestPicture { received, wakes: self.bell.rings() }
    }
}

fn options(asking: &Asking) -> RequestOptions {
    let mut options = RequestOptions::expecting(asking.expected.iter().copied().map(Responder::name));
    if let Some(minimum) = asking.minimum {
        options = options.min_responses(minimum);
    }
    if asking.has_grace {
        options = options.grace(GRACE);
    }
    match asking.patience {
        Patience::None => options.timeout(Duration::ZERO),
        Patience::Unset => options,
        Patience::Endless => options.timeout(Duration::MAX),
    }
}

fn refusal(error: &RequestError<Message>) -> Refusal {
    match *error {
        RequestError::NotARequest(_) => Refusal::NotARequest,
        RequestError::NoExpectedResponders(_) => Refusal::NoExpectedResponders,
        RequestError::DuplicateResponder(_) => Refusal::DuplicateResponder,
        RequestError::InvalidMinimum { required, expected, .. } => Refusal::InvalidMinimum { required, expected },
        RequestError::DuplicateId(_) => Refusal::DuplicateId,
        RequestError::NotDelivered(_) => Refusal::NotDelivered,
        RequestError::StartupFull(_) => Refusal::StartupFull,
        RequestError::Closed(_) => Refusal::Closed,
    }
}

fn gathered(result: GatherResult) -> Gathered {
    let (end, result) = match result {
        Ok(result) => (GatherEnd::Enough, result),
        Err(GatherError::TimedOut { after, partial }) => (GatherEnd::TimedOut(after), partial),
        Err(GatherError::Stopped { partial }) => (GatherEnd::Stopped, partial),
        Err(GatherError::Cancelled { partial }) => (GatherEnd::Cancelled, partial),
        Err(GatherError::Closed { partial }) => (GatherEnd::Closed, partial),
    };
    assert_eq!(result.is_complete(), result.missing.is_empty(), "is_complete and missing");
    let sentences: Vec<_> = result.missing.iter().map(|name| format!("no response from {name}")).collect();
    assert_eq!(result.errors(), sentences, "errors and missing");
    Gathered {
        end,
        responses: result.responses.iter().map(|message| message.content).collect(),
        missing: result.missing.iter().map(|name| name.to_string()).collect(),
        duplicates: result.duplicates,
        unexpected: result.unexpected,
    }
}
