//! A request under way, and every way to wait for its answers.

use crate::bell::Poller;
use crate::letter::Message;
use crate::operation::{Asking, Caller, GRACE, Patience};
use crate::picture::{GatherEnd, Gathered, OwnRequestPicture, Refusal, RequestPicture};
use ringbus::{CancelHandle, EventBus, Gather, GatherError, RequestError, RequestOptions, RequestResult};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;

pub(super) struct Requester<const PADDING: usize> {
    gathering: Gathering<PADDING>,
    poller: Poller,
}

enum Gathering<const PADDING: usize> {
    Gather(Gather<Message<PADDING>>),
    /// Polled at least once. What it is to be stopped by looks at the flag.
    Until {
        future: Pin<Box<dyn Future<Output = GatherResult<PADDING>>>>,
        is_stopped: Arc<AtomicBool>,
    },
    /// In between.
    Moved,
}

type GatherResult<const PADDING: usize> = Result<RequestResult<Message<PADDING>>, GatherError<Message<PADDING>>>;

impl<const PADDING: usize> Requester<PADDING> {
    pub(super) fn ask(
        bus: &EventBus<Message<PADDING>>,
        message: Message<PADDING>,
        asking: &Asking,
        wakers: &Arc<()>,
    ) -> Result<(Self, CancelHandle), (Refusal, Message<PADDING>)> {
        let gather = bus.request(message, options(asking)).map_err(|error| (refusal(&error), error.into_inner()))?;
        let cancel_handle = gather.cancel_handle();
        Ok((Self { gathering: Gathering::Gather(gather), poller: Poller::new(wakers) }, cancel_handle))
    }

    pub(super) fn wait(self) -> Gathered {
        let Gathering::Gather(gather) = self.gathering else { panic!("the reference waits for a future") };
        gathered(gather.wait())
    }

    /// Polls once more. The result, where there is one.
    pub(super) fn poll(&mut self, is_stopped: bool, caller: Caller, passes: &mut usize) -> Option<Gathered> {
        let (mut future, poller) = self.until(is_stopped);
        match poller.poll(caller, passes, |context| Some(future.as_mut().poll(context))) {
            Some(Poll::Ready(result)) => Some(gathered(result)),
            Some(Poll::Pending) | None => None,
        }
    }

    /// Drops the request.
    pub(super) fn give_up(self) {
        drop(self.gathering);
        self.poller.assert_forgotten();
    }

    /// The future that the request is from now on, and who polls it.
    fn until(&mut self, stop: bool) -> (Pin<&mut dyn Future<Output = GatherResult<PADDING>>>, &mut Poller) {
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
        (future.as_mut(), &mut self.poller)
    }

    pub(super) fn picture(&self) -> RequestPicture {
        let own = match &self.gathering {
            Gathering::Gather(gather) => {
                Some(OwnRequestPicture { received: gather.received(), published: gather.published() })
            }
            Gathering::Until { .. } | Gathering::Moved => None,
        };
        RequestPicture { own, wakes: self.poller.rings(), keepers: self.poller.keepers() }
    }
}

fn options(asking: &Asking) -> RequestOptions {
    let mut options = RequestOptions::expecting(asking.expected.iter().map(|responder| responder.name(0)));
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

fn refusal<const PADDING: usize>(error: &RequestError<Message<PADDING>>) -> Refusal {
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

fn gathered<const PADDING: usize>(result: GatherResult<PADDING>) -> Gathered {
    let (end, result) = match result {
        Ok(result) => (GatherEnd::Enough, result),
        Err(GatherError::TimedOut { after, partial }) => (GatherEnd::TimedOut(after), partial),
        Err(GatherError::Stopped { partial }) => (GatherEnd::Stopped, partial),
        Err(GatherError::Cancelled { partial }) => (GatherEnd::Cancelled, partial),
        Err(GatherError::Closed { partial }) => (GatherEnd::Closed, partial),
    };
    assert_eq!(result.is_complete(), result.missing.is_empty(), "is_complete and missing");
    let missing = result.missing.iter().map(|name| format!("no response from {name}"));
    let strangers = result.strangers.iter().map(|name| format!("unexpected response from {name}"));
    assert_eq!(result.errors(), missing.chain(strangers).collect::<Vec<_>>(), "errors, missing and strangers");
    Gathered {
        end,
        responses: result.responses.iter().map(|message| message.content).collect(),
        missing: result.missing.iter().map(|name| name.to_string()).collect(),
        duplicates: result.duplicates,
        unexpected: result.unexpected,
        strangers: result.strangers.iter().map(|name| name.to_string()).collect(),
    }
}
