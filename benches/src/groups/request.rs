//! One requester asks three responders, and waits until all have answered or a timeout is over:
//! ringbus against the same written by hand.
//!
//! Where all are tasks, ringbus lets the others run before it sets a timer, and so needs none here;
//! tokio's `timeout`, by hand, sets one.
//!
//! By hand it is what a user would write who needs the same: each question carries its id and where
//! to answer; answers are told apart by the responder's name, duplicates and strangers are counted,
//! and the result says who is missing.

use super::channel::crossfire_mpsc;
use super::kind::{Arrays, Kind, Lanes};
use crate::measure::{Case, Clock, Contestant, Tally};
use ringbus::{Event, EventBus, EventType, Gather, GatherError, Publisher, Request, RequestId, RequestOptions};
use ringbus::{RequestResult, Response, Subscription};
use std::future::pending;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

/// Requests in a round, one after another.
const REQUESTS: u64 = 20;
/// Who answers.
const RESPONDERS: [&str; 3] = ["basic", "template", "jsonpath"];
/// Never reached.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Questions that a responder has room for.
const CAPACITY: usize = 16;

const QUESTION: EventType = EventType::new("question");
const ANSWER: EventType = EventType::new("answer");

/// Three cases: responders that are threads, tasks on the requester's thread, and tasks on two
/// threads.
#[must_use]
pub fn cases() -> Vec<Case> {
    let of = |name: &str, contestants: fn() -> Vec<Contestant>| Case {
        group: "request",
        name: name.to_owned(),
        operation: "request of 3 responders",
        clock: Clock::Wall,
        contestants: Box::new(contestants),
    };
    vec![
        of("threads", || {
            let by_hand = [by_hand_threads::<Crossbeam>, by_hand_threads::<Crossfire>];
            let by_hand = by_hand.into_iter().flat_map(|peer| ReplyChannel::BOTH.map(peer));
            [ringbus_threads::<Arrays>(), ringbus_threads::<Lanes>()].into_iter().chain(by_hand).collect()
        }),
        of("tasks", || tasks(Tasks::on_one_thread)),
        of("tasks, 2 threads", || tasks(Tasks::on_two_threads)),
    ]
}

fn tasks(make: fn() -> Tasks) -> Vec<Contestant> {
    let by_hand = [by_hand_tasks::<TokioMpsc>, by_hand_tasks::<Crossfire>];
    let by_hand = by_hand.into_iter().flat_map(|peer| ReplyChannel::BOTH.map(|replies| peer(replies, make())));
    [
        ringbus_tasks::<Arrays, _>(Arrays::AWAIT, make(), IntoFuture::into_future),
        ringbus_tasks::<Arrays, _>(Arrays::UNTIL, make(), |gather| gather.until(pending::<()>())),
        ringbus_tasks::<Lanes, _>(Lanes::AWAIT, make(), IntoFuture::into_future),
        ringbus_tasks::<Lanes, _>(Lanes::UNTIL, make(), |gather| gather.until(pending::<()>())),
    ]
    .into_iter()
    .chain(by_hand)
    .collect()
}

/// Responders that are threads, and how to end them.
struct Threads<Q> {
    questions: Q,
    end: fn(&mut Q),
    threads: Vec<JoinHandle<()>>,
}

impl<Q> Drop for Threads<Q> {
    fn drop(&mut self) {
        (self.end)(&mut self.questions);
        self.threads.drain(..).for_each(|thread| thread.join().expect("answering does not panic"));
    }
}

/// A runtime for responders and requester. Its tasks end with it.
struct Tasks {
    runtime: Runtime,
    /// Whether the requester is a task, or runs where the runtime is driven.
    spawns: bool,
}

impl Tasks {
    fn on_one_thread() -> Self {
        Self::on(&mut Builder::new_current_thread(), false)
    }

    fn on_two_threads() -> Self {
        Self::on(Builder::new_multi_thread().worker_threads(2), true)
    }

    fn on(builder: &mut Builder, spawns: bool) -> Self {
        Self { runtime: builder.enable_time().build().expect("there are threads left"), spawns }
    }

    fn run(&self, requester: impl Future<Output = Tally> + Send + 'static) -> Tally {
        if self.spawns {
            self.runtime.block_on(self.runtime.spawn(requester)).expect("asking does not panic")
        } else {
            self.runtime.block_on(requester)
        }
    }
}

/// A round in which so many answers were missing.
fn tally(missing: usize) -> Tally {
    Tally { dropped: missing as u64, ..Tally::of(REQUESTS) }
}

// With ringbus

#[derive(Clone, Debug)]
enum Talk {
    Question(RequestId),
    Answer { id: RequestId, from: &'static str },
}

impl Event for Talk {
    fn event_type(&self) -> EventType {
        match self {
            Self::Question(_) => QUESTION,
            Self::Answer { .. } => ANSWER,
        }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn as_request(&self) -> Option<&dyn Request> {
        if let Self::Question(_) = self { Some(self) } else { None }
    }

    fn as_response(&self) -> Option<&dyn Response> {
        if let Self::Answer { .. } = self { Some(self) } else { None }
    }
}

impl Request for Talk {
    fn request_id(&self) -> RequestId {
        self.id()
    }
}

impl Response for Talk {
    fn request_id(&self) -> RequestId {
        self.id()
    }

    fn responder(&self) -> &str {
        if let Self::Answer { from, .. } = self { from } else { "" }
    }
}

impl Talk {
    fn id(&self) -> RequestId {
        let (Self::Question(id) | Self::Answer { id, .. }) = self;
        id.clone()
    }
}

struct Responder {
    name: &'static str,
    questions: Subscription<Talk>,
    publisher: Publisher<Talk>,
}

fn bus<K: Kind>() -> (EventBus<Talk>, [Responder; 3]) {
    let bus = K::bus(0);
    let responders = RESPONDERS.map(|name| Responder {
        name,
        questions: bus.subscriber(name).types([QUESTION]).capacity(CAPACITY).subscribe(),
        publisher: bus.publisher(),
    });
    bus.start();
    (bus, responders)
}

fn ask(bus: &EventBus<Talk>, options: &RequestOptions) -> Gather<Talk> {
    bus.request(Talk::Question(RequestId::unique()), options.clone()).expect("the responders take it")
}

fn missing(gathered: Result<RequestResult<Talk>, GatherError<Talk>>) -> usize {
    gathered.unwrap_or_else(GatherError::into_partial).missing.len()
}

fn ringbus_threads<K: Kind>() -> Contestant {
    let (bus, responders) = bus::<K>();
    let answer = |Responder { name: from, questions, mut publisher }| {
        thread::spawn(move || {
            while let Ok(Talk::Question(id)) = questions.recv() {
                let _ = publisher.publish(Talk::Answer { id, from });
            }
        })
    };
    let threads = responders.map(answer).into();
    let responders = Threads { questions: bus, end: |bus| bus.close(), threads };
    let options = RequestOptions::expecting(RESPONDERS).timeout(TIMEOUT);
    Contestant::new(K::NAME, move || {
        tally((0..REQUESTS).map(|_| missing(ask(&responders.questions, &options).wait())).sum())
    })
}

fn ringbus_tasks<K: Kind, F>(
    name: &'static str,
    tasks: Tasks,
    wait: impl Fn(Gather<Talk>) -> F + Copy + Send + 'static,
) -> Contestant
where
    F: Future<Output = Result<RequestResult<Talk>, GatherError<Talk>>> + Send,
{
    let (bus, responders) = bus::<K>();
    for Responder { name: from, mut questions, mut publisher } in responders {
        tasks.runtime.spawn(async move {
            while let Ok(Talk::Question(id)) = questions.recv_async().await {
                let _ = publisher.publish(Talk::Answer { id, from });
            }
        });
    }
    let options = RequestOptions::expecting(RESPONDERS).timeout(TIMEOUT);
    Contestant::new(name, move || {
        let (bus, options) = (bus.clone(), options.clone());
        tasks.run(async move {
            let mut lost = 0;
            for _ in 0..REQUESTS {
                lost += missing(wait(ask(&bus, &options)).await);
            }
            tally(lost)
        })
    })
}

// By hand

/// Where answers come in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ReplyChannel {
    /// On a channel made for the request, so that a requester can have several under way.
    PerRequest,
    /// On a channel that the requester keeps (here for a round) and on which it asks one thing at a
    /// time.
    Kept,
}

impl ReplyChannel {
    const BOTH: [Self; 2] = [Self::PerRequest, Self::Kept];

    /// Which of a peer's names it is.
    fn name(self, [per_request, kept]: [&'static str; 2]) -> &'static str {
        match self {
            Self::PerRequest => per_request,
            Self::Kept => kept,
        }
    }
}

struct Question<R> {
    id: u64,
    reply_to: R,
}

struct Answer {
    id: u64,
    from: &'static str,
}

fn expected() -> Arc<[Arc<str>]> {
    RESPONDERS.map(Arc::from).into()
}

/// A request under way.
struct Gathering<'a> {
    id: u64,
    expected: &'a [Arc<str>],
    result: RequestResult<Answer>,
}

impl<'a> Gathering<'a> {
    fn new(id: u64, expected: &'a [Arc<str>]) -> Self {
        let responses = Vec::with_capacity(expected.len());
        Self {
            id,
            expected,
            result: RequestResult {
                responses,
                missing: Vec::new(),
                duplicates: 0,
                unexpected: 0,
                strangers: Vec::new(),
            },
        }
    }

    fn has_answered(&self, name: &str) -> bool {
        self.result.responses.iter().any(|answer| answer.from == name)
    }

    fn accept(&mut self, answer: Answer) {
        if answer.id != self.id {
            // Late: the request that it answers is over.
        } else if !self.expected.iter().any(|name| **name == *answer.from) {
            self.result.unexpected += 1;
        } else if self.has_answered(answer.from) {
            self.result.duplicates += 1;
        } else {
            self.result.responses.push(answer);
        }
    }

    fn is_complete(&self) -> bool {
        self.result.responses.len() == self.expected.len()
    }

    fn finish(mut self) -> RequestResult<Answer> {
        self.result.missing = self.expected.iter().filter(|name| !self.has_answered(name)).cloned().collect();
        self.result
    }
}

/// What can be sent by every channel.
trait Sent: Send + Unpin + 'static {}

impl<T: Send + Unpin + 'static> Sent for T {}

/// A channel between threads, as far as asking by hand needs one.
trait Mail {
    /// As it stands in tables, with a channel for each request, and with one that is kept.
    const NAMES: [&'static str; 2];
    /// The sending half.
    type Sender<T: Sent>: Clone + Sent;
    /// The receiving half.
    type Receiver<T: Sent>: Send + 'static;

    /// Makes a channel with room for so many.
    fn bounded<T: Sent>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>);

    /// Sends, unless the receiver is gone.
    fn send<T: Sent>(to: &Self::Sender<T>, what: T);

    /// Receives, until there is neither anything left nor a sender.
    fn recv<T: Sent>(from: &Self::Receiver<T>) -> Option<T>;

    /// Receives, unless nothing comes until then.
    fn recv_deadline<T: Sent>(from: &Self::Receiver<T>, deadline: Instant) -> Option<T>;
}

struct Crossbeam;

impl Mail for Crossbeam {
    const NAMES: [&'static str; 2] = ["crossbeam-channel", "crossbeam-channel, reply channel kept"];
    type Sender<T: Sent> = crossbeam_channel::Sender<T>;
    type Receiver<T: Sent> = crossbeam_channel::Receiver<T>;

    fn bounded<T: Sent>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        crossbeam_channel::bounded(capacity)
    }

    fn send<T: Sent>(to: &Self::Sender<T>, what: T) {
        let _ = to.send(what);
    }

    fn recv<T: Sent>(from: &Self::Receiver<T>) -> Option<T> {
        from.recv().ok()
    }

    fn recv_deadline<T: Sent>(from: &Self::Receiver<T>, deadline: Instant) -> Option<T> {
        from.recv_deadline(deadline).ok()
    }
}

struct Crossfire;

impl Mail for Crossfire {
    const NAMES: [&'static str; 2] = ["crossfire", "crossfire, reply channel kept"];
    type Sender<T: Sent> = crossfire_mpsc::Sender<T>;
    type Receiver<T: Sent> = crossfire_mpsc::Receiver<T>;

    fn bounded<T: Sent>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        crossfire_mpsc::bounded(capacity)
    }

    fn send<T: Sent>(to: &Self::Sender<T>, what: T) {
        let _ = to.send(what);
    }

    fn recv<T: Sent>(from: &Self::Receiver<T>) -> Option<T> {
        from.recv().ok()
    }

    /// (It has time-outs only.)
    fn recv_deadline<T: Sent>(from: &Self::Receiver<T>, deadline: Instant) -> Option<T> {
        from.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
    }
}

fn by_hand_threads<M: Mail + 'static>(replies: ReplyChannel) -> Contestant {
    let (questions, threads) = RESPONDERS
        .map(|from| {
            let (to, questions) = M::bounded::<Question<M::Sender<Answer>>>(CAPACITY);
            let thread = thread::spawn(move || {
                while let Some(Question { id, reply_to }) = M::recv(&questions) {
                    M::send(&reply_to, Answer { id, from });
                }
            });
            (to, thread)
        })
        .into_iter()
        .unzip();
    let responders = Threads::<Vec<_>> { questions, end: Vec::clear, threads };
    let expected = expected();
    let mut next_id = 0;
    Contestant::new(replies.name(M::NAMES), move || {
        let mut lost = 0;
        let mut channel = M::bounded(RESPONDERS.len());
        for number in 0..REQUESTS {
            if replies == ReplyChannel::PerRequest && number > 0 {
                channel = M::bounded(RESPONDERS.len());
            }
            let (reply_to, answers) = &channel;
            next_id += 1;
            let deadline = Instant::now() + TIMEOUT;
            for questions in &responders.questions {
                M::send(questions, Question { id: next_id, reply_to: reply_to.clone() });
            }
            let mut gathering = Gathering::new(next_id, &expected);
            while !gathering.is_complete() {
                let Some(answer) = M::recv_deadline(answers, deadline) else { break };
                gathering.accept(answer);
            }
            lost += gathering.finish().missing.len();
        }
        tally(lost)
    })
}

/// A channel between tasks, as far as asking by hand needs one.
trait TaskMail {
    /// As it stands in tables, with a channel for each request, and with one that is kept.
    const NAMES: [&'static str; 2];
    /// The sending half.
    type Sender<T: Sent>: Clone + Sync + Sent;
    /// The receiving half.
    type Receiver<T: Sent>: Send + 'static;

    /// Makes a channel with room for so many.
    fn bounded<T: Sent>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>);

    /// Sends, unless the receiver is gone.
    fn send<T: Sent>(to: &Self::Sender<T>, what: T) -> impl Future<Output = ()> + Send;

    /// Receives, until there is neither anything left nor a sender.
    fn recv<T: Sent>(from: &mut Self::Receiver<T>) -> impl Future<Output = Option<T>> + Send;
}

struct TokioMpsc;

impl TaskMail for TokioMpsc {
    const NAMES: [&'static str; 2] = ["tokio mpsc", "tokio mpsc, reply channel kept"];
    type Sender<T: Sent> = mpsc::Sender<T>;
    type Receiver<T: Sent> = mpsc::Receiver<T>;

    fn bounded<T: Sent>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        mpsc::channel(capacity)
    }

    async fn send<T: Sent>(to: &Self::Sender<T>, what: T) {
        let _ = to.send(what).await;
    }

    fn recv<T: Sent>(from: &mut Self::Receiver<T>) -> impl Future<Output = Option<T>> + Send {
        from.recv()
    }
}

impl TaskMail for Crossfire {
    const NAMES: [&'static str; 2] = <Self as Mail>::NAMES;
    type Sender<T: Sent> = crossfire::MAsyncTx<crossfire::mpsc::Array<T>>;
    type Receiver<T: Sent> = crossfire::AsyncRx<crossfire::mpsc::Array<T>>;

    fn bounded<T: Sent>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>) {
        crossfire::detect_backoff_cfg();
        crossfire::mpsc::bounded_async(capacity)
    }

    fn send<T: Sent>(to: &Self::Sender<T>, what: T) -> impl Future<Output = ()> + Send {
        let sent = to.send(what);
        async { _ = sent.await }
    }

    fn recv<T: Sent>(from: &mut Self::Receiver<T>) -> impl Future<Output = Option<T>> + Send {
        let received = from.recv();
        async { received.await.ok() }
    }
}

fn by_hand_tasks<M: TaskMail + 'static>(replies: ReplyChannel, tasks: Tasks) -> Contestant {
    let responders: Arc<[_]> = RESPONDERS
        .map(|from| {
            let (to, mut questions) = M::bounded::<Question<M::Sender<Answer>>>(CAPACITY);
            tasks.runtime.spawn(async move {
                while let Some(Question { id, reply_to }) = M::recv(&mut questions).await {
                    M::send(&reply_to, Answer { id, from }).await;
                }
            });
            to
        })
        .into();
    let expected = expected();
    let mut next_id = 0;
    Contestant::new(replies.name(M::NAMES), move || {
        let (responders, expected, first_id) = (Arc::clone(&responders), Arc::clone(&expected), next_id);
        next_id += REQUESTS;
        tasks.run(async move {
            let mut lost = 0;
            let mut channel = M::bounded(RESPONDERS.len());
            for id in first_id..first_id + REQUESTS {
                if replies == ReplyChannel::PerRequest && id > first_id {
                    channel = M::bounded(RESPONDERS.len());
                }
                let (reply_to, answers) = &mut channel;
                let mut gathering = Gathering::new(id, &expected);
                let gather = async {
                    for questions in &*responders {
                        M::send(questions, Question { id, reply_to: reply_to.clone() }).await;
                    }
                    while !gathering.is_complete() {
                        let Some(answer) = M::recv(answers).await else { break };
                        gathering.accept(answer);
                    }
                };
                let _ = tokio::time::timeout(TIMEOUT, gather).await;
                lost += gathering.finish().missing.len();
            }
            tally(lost)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contestant_gets_all_answers() {
        for case in cases() {
            for mut contestant in (case.contestants)() {
                for _ in 0..3 {
                    assert_eq!((contestant.round)(), Tally::of(REQUESTS), "{}, {}", case.name, contestant.name);
                }
            }
        }
    }

    #[test]
    fn what_is_written_by_hand_tells_answers_apart() {
        let expected = expected();
        let mut gathering = Gathering::new(2, &expected);
        for (id, from) in [(2, "basic"), (2, "basic"), (2, "stranger"), (1, "template"), (2, "jsonpath")] {
            gathering.accept(Answer { id, from });
        }
        assert!(!gathering.is_complete());
        let result = gathering.finish();
        assert_eq!((result.responses.len(), result.duplicates, result.unexpected), (2, 1, 1));
        assert_eq!(result.errors(), ["no response from template"]);
    }
}
