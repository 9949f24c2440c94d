//! What a scenario consists of: every public operation of the library.

use crate::choice::choice;
use crate::letter::{Content, Deed, Letter, Responder, Topic, seldom};
use arbitrary::{Arbitrary, Unstructured};
use ringbus::{Overflow, WaitStrategy};
use std::time::Duration;

/// A bus, and what is done with it on one thread.
#[derive(Arbitrary, Debug)]
pub struct Scenario {
    #[arbitrary(with = |bytes: &mut Unstructured<'_>| bytes.int_in_range(0..=6))]
    pub startup_capacity: usize,
    /// Whether its events are of a size at which they are cloned to where they belong.
    #[arbitrary(with = seldom)]
    pub is_large: bool,
    /// The lag hooks that are there from the beginning.
    #[arbitrary(with = few_hooks)]
    pub hooks: Vec<HookDeed>,
    /// In which order everything that is left is dropped in the end.
    #[arbitrary(with = any_order)]
    pub ending: Vec<Leftover>,
    pub operations: Vec<Operation>,
}

choice! {
    /// What a scenario leaves.
    pub enum Leftover {
        Buses,
        Publishers,
        Subscriptions,
        Requests,
        Drains,
        StopHandles,
        CancelHandles,
        HookHandles,
    }
}

fn few_hooks(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Vec<HookDeed>> {
    let count = bytes.int_in_range(0..=2)?;
    (0..count).map(|_| bytes.arbitrary()).collect()
}

fn any_order(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Vec<Leftover>> {
    let mut rest = Leftover::ALL.to_vec();
    let mut order = Vec::new();
    while !rest.is_empty() {
        order.push(rest.remove(bytes.choose_index(rest.len())?));
    }
    Ok(order)
}

#[derive(Arbitrary, Debug)]
pub enum Operation {
    Bus(BusOperation),
    Publish(Through, Letter),
    PublishBatch(Through, Batch),
    Subscribe(Subscribing),
    Subscription(Pick, SubscriptionOperation),
    Receive(Pick, Way),
    Await(Pick, Awaiting),
    Drain(Pick, Draining),
    Ask(Letter, Asking),
    Request(Pick, RequestOperation),
}

/// One of those that there are by then.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Pick(u8);

impl Pick {
    /// The place of it among so many; `None` where there are none.
    pub fn of(self, count: usize) -> Option<usize> {
        usize::from(self.0).checked_rem(count)
    }

    pub fn among<T>(self, candidates: &mut [T]) -> Option<&mut T> {
        let index = self.of(candidates.len())?;
        candidates.get_mut(index)
    }
}

#[derive(Arbitrary, Debug)]
pub enum BusOperation {
    Start,
    Close,
    /// `close_and_drain` within no time.
    CloseAndDrain,
    /// Makes a future of `close_and_drain_async`.
    MakeDrain,
    Clone,
    /// From a weak handle.
    Upgrade,
    Drop(Pick),
    MakePublisher,
    ClonePublisher(Pick),
    DropPublisher(Pick),
    OnLag(HookDeed),
    /// By a handle whose hook may have gone.
    RemoveHook(Pick),
    /// Drops the handle, and leaves the hook.
    ForgetHook(Pick),
}

choice! {
    /// What a lag hook does when it has heard.
    pub enum HookDeed {
        Nothing,
        Panics,
        /// An event of the same type.
        Publishes,
        RemovesItself,
        Closes,
    }
}

/// The handle to publish with.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Through {
    Bus(Pick),
    Publisher(Pick),
}

/// Events in a row: the letters by turns.
#[derive(Arbitrary, Debug)]
pub struct Batch {
    letters: Vec<Letter>,
    #[arbitrary(with = |bytes: &mut Unstructured<'_>| bytes.int_in_range(0..=70))]
    len: usize,
    /// What the event at such an index does, where the bus has not started.
    deed: Option<(Pick, Deed)>,
}

impl Batch {
    /// Which event of the batch does what when it is cloned first.
    pub fn deed(&self, is_starting: bool) -> Option<(usize, Deed)> {
        let count = if self.letters.is_empty() { 0 } else { self.len };
        self.deed.filter(|_| is_starting).and_then(|(pick, deed)| Some((pick.of(count)?, deed)))
    }

    pub fn contents(&self, step: usize) -> Vec<Content> {
        let letters = self.letters.iter().cycle().take(self.len).enumerate();
        letters.map(|(index, &letter)| Content { step, index, letter }).collect()
    }
}

#[derive(Arbitrary, Debug)]
pub enum Subscribing {
    /// By `EventBus::subscribe`.
    Plain {
        #[arbitrary(with = |bytes: &mut Unstructured<'_>| bytes.int_in_range(1..=4))]
        capacity: usize,
    },
    /// By the builder.
    Built(Options),
}

/// What is not set is left to the builder.
#[derive(Arbitrary, Clone, Debug)]
pub struct Options {
    #[arbitrary(with = some_capacity)]
    pub capacity: Option<usize>,
    /// Not set where empty.
    pub types: Vec<Topic>,
    pub filter: Option<Filter>,
    #[arbitrary(with = overflow)]
    pub overflow: Overflow,
    pub lossy: bool,
    #[arbitrary(with = wait_strategy)]
    pub wait: WaitStrategy,
}

/// Small ones, which overflow soon, and one that takes more than a batch hands to a ring at one go.
fn some_capacity(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Option<usize>> {
    bytes.choose(&[None, Some(1), Some(2), Some(3), Some(40)]).copied()
}

fn overflow(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Overflow> {
    bytes.choose(&[Overflow::DropNewest, Overflow::DropOldest]).copied()
}

fn wait_strategy(bytes: &mut Unstructured<'_>) -> arbitrary::Result<WaitStrategy> {
    bytes.choose(&[WaitStrategy::Park, WaitStrategy::Yield, WaitStrategy::Spin]).copied()
}

choice! {
    /// What happens to odd events.
    pub enum Filter {
        RefusesOdd,
        PanicsOnOdd,
    }
}

#[derive(Arbitrary, Debug)]
pub enum SubscriptionOperation {
    Unsubscribe,
    /// By a handle that may have outlived its subscription.
    Stop,
    TakeLost,
}

/// The ways to receive.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Way {
    Try,
    /// `recv`, where it would not wait.
    Blocking,
    /// `recv_timeout` of no time.
    Timeout,
    /// `recv_deadline` of a moment that has passed.
    Deadline,
    /// `recv_async`, polled once and dropped.
    Future(Caller),
    /// As a `Stream`, polled once.
    Stream(Caller),
    /// `try_recv_many` of up to so many.
    Many(Few),
    /// `try_iter` of up to so many.
    TryIter(Few),
    /// `iter` of so many, where it would not wait.
    Iter(Few),
    /// `into_iter` of so many, where it would not wait.
    IntoIter(Few),
}

choice! {
    /// The task that polls, and so the waker.
    pub enum Caller {
        /// The one that polled before.
        Same,
        /// One that has not polled yet.
        Another,
        /// The one that polled before, when its turn is over.
        Tired,
    }
}

/// What is done with a future of `recv_async` that lives for some steps.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Awaiting {
    /// Makes the future where there is none.
    Poll(Caller),
    Drop,
}

choice! {
    /// What is done with a future of `close_and_drain_async`.
    pub enum Draining {
        /// With the waker of the poll before.
        Poll,
        /// With another waker.
        PollElsewhere,
        /// When it is to stop.
        PollStopped,
        Drop,
    }
}

/// Between none and some.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Few(#[arbitrary(with = |bytes: &mut Unstructured<'_>| bytes.int_in_range(0..=5))] pub usize);

/// What a request asks for.
#[derive(Arbitrary, Clone, Debug)]
pub struct Asking {
    pub expected: Vec<Responder>,
    #[arbitrary(with = small_minimum)]
    pub minimum: Option<usize>,
    pub patience: Patience,
    /// Whether there is a grace: the shortest.
    pub has_grace: bool,
}

fn small_minimum(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Option<usize>> {
    Ok(bytes.int_in_range(0_usize..=3)?.checked_sub(1))
}

choice! {
    /// How long a request may take.
    pub enum Patience {
        None,
        Unset,
        Endless,
    }
}

/// The grace of those that have one.
pub const GRACE: Duration = Duration::from_nanos(1);

#[derive(Arbitrary, Debug)]
pub enum RequestOperation {
    /// `wait`, where it returns without anybody else's doing.
    Wait,
    /// `until`, polled once more, with a future that is ready or not.
    Poll {
        is_stopped: bool,
        caller: Caller,
    },
    /// By a handle that may have outlived its request.
    Cancel,
    GiveUp,
}
