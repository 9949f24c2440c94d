//! What the tests share.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod example;
pub mod memory;

use futures_util::StreamExt;
use ringbus::{
    Event, EventBus, EventType, Request, RequestId, Response, Ring, SubscriberStats, Subscription, TryRecvError,
};
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::process::Command;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

/// A bus whose subscribers have the rings that `RINGBUS_RING` names: `array`, which it is unless
/// set, or `lane`, if the feature of that name is on. So each test takes both.
pub fn new_bus<E: Event + Clone>(startup_capacity: usize) -> EventBus<E> {
    EventBus::builder().startup_capacity(startup_capacity).ring(ring()).build()
}

/// The ring that `RINGBUS_RING` names.
pub fn ring() -> Ring {
    match env::var("RINGBUS_RING").as_deref() {
        Err(_) | Ok("array") => Ring::Array,
        #[cfg(feature = "lane")]
        Ok("lane") => Ring::Lane,
        Ok(other) => panic!("RINGBUS_RING={other}: no such ring, or its feature is off"),
    }
}

/// Whether a sanitizer runs the tests.
pub fn under_sanitizer() -> bool {
    env::var_os("RINGBUS_UNDER_SANITIZER").is_some()
}

/// So many rounds; a tenth of them under a sanitizer, which takes about ten times as long for each.
pub fn rounds(all: u64) -> u64 {
    if under_sanitizer() { all / 10 } else { all }
}

pub const EVEN: EventType = EventType::new("number.even");
pub const ODD: EventType = EventType::new("number.odd");

/// The plainest event: a number, whose type says whether it is even.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(pub u64);

impl Event for Number {
    fn event_type(&self) -> EventType {
        if self.0 % 2 == 0 { EVEN } else { ODD }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// The types of [`Stamped`] events, one a lane.
pub const LANES: [EventType; 4] = [
    EventType::new("stamped.lane-0"),
    EventType::new("stamped.lane-1"),
    EventType::new("stamped.lane-2"),
    EventType::new("stamped.lane-3"),
];

/// An event that says who published it, and as which of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamped {
    pub publisher: usize,
    pub sequence: u64,
    pub lane: usize,
}

impl Event for Stamped {
    fn event_type(&self) -> EventType {
        LANES[self.lane]
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// An event whose type is its only content.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plain(pub EventType);

impl Event for Plain {
    fn event_type(&self) -> EventType {
        self.0
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// An event that can be counted from outside: every copy of it holds the token.
#[derive(Clone, Debug)]
pub struct Token(pub Arc<()>);

impl Token {
    /// How many copies there are besides this one.
    pub fn copies(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

impl Event for Token {
    fn event_type(&self) -> EventType {
        const { EventType::new("token") }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// An event that is large enough for a room, and knows how many copies of it there are.
#[derive(Clone)]
pub struct Bulky {
    _token: Token,
    _bulk: [u8; 4096],
}

impl Bulky {
    pub fn new(token: &Token) -> Self {
        Self { _token: token.clone(), _bulk: [0; 4096] }
    }
}

impl Event for Bulky {
    fn event_type(&self) -> EventType {
        const { EventType::new("bulky") }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

pub const QUESTION: EventType = EventType::new("talk.question");
pub const ANSWER: EventType = EventType::new("talk.answer");

/// Questions and answers, the plainest events that ask and answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Talk {
    Question(RequestId),
    Answer { to: RequestId, by: &'static str, value: u64 },
}

impl Talk {
    pub fn id(&self) -> &RequestId {
        let (Self::Question(id) | Self::Answer { to: id, .. }) = self;
        id
    }
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
        self.id().clone()
    }
}

impl Response for Talk {
    fn request_id(&self) -> RequestId {
        self.id().clone()
    }

    fn responder(&self) -> &str {
        if let Self::Answer { by, .. } = self { by } else { "" }
    }
}

/// A live bus, and a subscription that takes its questions and nothing else.
pub fn talkative_bus() -> (EventBus<Talk>, Subscription<Talk>) {
    let bus = new_bus(0);
    let questions = bus.subscriber("questions").types([QUESTION]).subscribe();
    bus.start();
    (bus, questions)
}

/// Publishes an answer.
#[track_caller]
pub fn answer(bus: &EventBus<Talk>, to: &RequestId, by: &'static str, value: u64) {
    bus.publish(Talk::Answer { to: to.clone(), by, value }).unwrap();
}

/// What was answered, and by whom, in order.
pub fn answers(responses: &[Talk]) -> Vec<(&'static str, u64)> {
    let answer = |talk: &Talk| match talk {
        Talk::Answer { by, value, .. } => (*by, *value),
        Talk::Question(id) => panic!("{id} is a question"),
    };
    responses.iter().map(answer).collect()
}

/// How long a test waits for what must happen before it calls it a failure. No test gets anywhere
/// near.
pub const LONG: Duration = Duration::from_secs(60);

/// Waits until `condition` holds, and fails where it never does.
#[track_caller]
pub fn wait_until(mut condition: impl FnMut() -> bool) {
    let give_up = Instant::now() + LONG;
    while !condition() {
        assert!(Instant::now() < give_up, "waited too long for a condition");
        thread::yield_now();
    }
}

/// Lets a number of threads go at the same moment. They spin, so that none is late by a wake-up.
pub struct Gate {
    missing: AtomicUsize,
}

impl Gate {
    pub fn new(threads: usize) -> Self {
        Self { missing: AtomicUsize::new(threads) }
    }

    pub fn pass(&self) {
        self.missing.fetch_sub(1, SeqCst);
        let mut looks = 0;
        while self.missing.load(SeqCst) != 0 {
            looks += 1;
            // More threads than processors must come through as well.
            if looks % 64 == 0 { thread::yield_now() } else { std::hint::spin_loop() }
        }
    }
}

/// Counts how often it is woken.
#[derive(Debug, Default)]
pub struct CountingWaker(AtomicUsize);

impl CountingWaker {
    pub fn new() -> (Arc<Self>, Waker) {
        let counter = Arc::<Self>::default();
        (Arc::clone(&counter), Waker::from(counter))
    }

    pub fn wakes(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for CountingWaker {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Polls a subscription as a stream: if there is nothing to receive, it keeps the waker. (The
/// future of `recv_async` keeps it until it is dropped, so a test would have to hold on to that.)
pub fn poll_next<E: Event + Clone>(subscription: &mut Subscription<E>, waker: &Waker) -> Poll<Option<E>> {
    subscription.poll_next_unpin(&mut Context::from_waker(waker))
}

/// Something that happens on one of the next calls, once.
#[derive(Default)]
pub struct Action {
    countdown: AtomicUsize,
    code: Mutex<Option<Box<dyn Fn() + Send + Sync>>>,
}

impl Action {
    pub fn on_call(&self, nth: usize, code: impl Fn() + Send + Sync + 'static) {
        *self.code.lock().unwrap() = Some(Box::new(code));
        self.countdown.store(nth, SeqCst);
    }

    pub fn panic_on_call(&self, nth: usize, message: &'static str) {
        self.on_call(nth, move || panic_any(message));
    }

    pub fn is_pending(&self) -> bool {
        self.countdown.load(SeqCst) != 0
    }

    pub fn call(&self) {
        if self.countdown.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)) == Ok(1) {
            let code = self.code.lock().unwrap().take();
            code.expect("an action that counts down has code")();
        }
    }
}

/// What the kernel knows of one thread. Elsewhere than on Linux, nothing: every thread then counts
/// as asleep.
#[derive(Clone, Debug)]
pub struct ThreadProbe(#[cfg(target_os = "linux")] std::path::PathBuf);

impl ThreadProbe {
    /// Of the thread that calls.
    pub fn current() -> Self {
        #[cfg(target_os = "linux")]
        return Self(std::path::Path::new("/proc").join(std::fs::read_link("/proc/thread-self").unwrap()));
        #[cfg(not(target_os = "linux"))]
        return Self();
    }

    /// Of the main thread, on which the harness waits for its tests.
    pub fn of_the_harness() -> Self {
        #[cfg(target_os = "linux")]
        return Self(format!("/proc/self/task/{}", std::process::id()).into());
        #[cfg(not(target_os = "linux"))]
        return Self();
    }

    /// Whether the thread sleeps, or has ended.
    pub fn is_asleep(&self) -> bool {
        #[cfg(target_os = "linux")]
        return match std::fs::read_to_string(self.0.join("stat")) {
            // The state follows the name, which stands in parentheses.
            Ok(stat) => stat.rsplit_once(") ").unwrap().1.starts_with('S'),
            Err(_) => true,
        };
        #[cfg(not(target_os = "linux"))]
        return true;
    }

    /// How often the thread has gone to sleep so far.
    #[cfg(target_os = "linux")]
    pub fn sleeps(&self) -> u64 {
        let status = std::fs::read_to_string(self.0.join("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
        line.trim().parse().unwrap()
    }
}

/// How often a thread sleeps in `code`, which counts it by the probe of its thread: the fewest of
/// ten calls, because the kernel has reasons of its own at times, such as a page fault while
/// another thread maps memory.
#[cfg(target_os = "linux")]
pub fn fewest_sleeps(mut code: impl FnMut(&ThreadProbe) -> u64 + Send + 'static) -> u64 {
    finishes(move || (0..10).map(|_| code(&ThreadProbe::current())).min().unwrap())
}

/// A thread that was seen asleep in what it was given to do (or has ended already).
pub struct Sleeper<T> {
    pub thread: JoinHandle<T>,
    pub probe: ThreadProbe,
}

impl<T> Sleeper<T> {
    #[track_caller]
    pub fn join(self) -> T {
        self.thread.finish()
    }
}

/// Joins a thread that must not hang: a lost wake-up fails the test, rather than block it for good.
pub trait Finish {
    type Output;

    fn finish(self) -> Self::Output;

    /// The same for a thread with much to do: it must not stand still, by what counts its steps.
    fn finish_in_steps(self, steps: impl Fn() -> u64) -> Self::Output;
}

impl<T> Finish for JoinHandle<T> {
    type Output = T;

    #[track_caller]
    fn finish(self) -> T {
        wait_until(|| self.is_finished());
        self.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))
    }

    #[track_caller]
    fn finish_in_steps(self, steps: impl Fn() -> u64) -> T {
        while !self.is_finished() {
            let before = steps();
            wait_until(|| self.is_finished() || steps() != before);
        }
        self.finish()
    }
}

/// Runs something that blocks on a thread of its own, and returns once that thread sleeps.
pub fn spawn_sleeper<T: Send + 'static>(code: impl FnOnce() -> T + Send + 'static) -> Sleeper<T> {
    let (tell, told) = std::sync::mpsc::channel();
    let thread = thread::spawn(move || {
        tell.send(ThreadProbe::current()).unwrap();
        drop(tell);
        code()
    });
    let probe = told.recv().unwrap();
    wait_until(|| probe.is_asleep());
    Sleeper { thread, probe }
}

/// Runs something that must not hang, and fails where it does.
#[track_caller]
pub fn finishes<T: Send + 'static>(code: impl FnOnce() -> T + Send + 'static) -> T {
    thread::spawn(code).finish()
}

/// Runs the code of the test `name` of `module` in a process of its own, which must survive: a
/// panic too many would abort it, and all tests with it.
#[track_caller]
pub fn in_own_process(module: &str, name: &str, code: impl FnOnce()) {
    const CHILD: &str = "RINGBUS_TEST_CHILD";
    if env::var_os(CHILD).is_some() {
        return code();
    }
    // Where several of these files make one program, the module is part of the name.
    let test = module.split_once("::").map_or(name.to_owned(), |(_, module)| format!("{module}::{name}"));
    let program = env::current_exe().expect("the test knows where it is");
    let child = Command::new(program).args([&test, "--exact"]).env(CHILD, "1").output().expect("it can be run");
    let told = String::from_utf8_lossy(&child.stdout);
    let complaint = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && told.contains("1 passed"), "{}\n{told}\n{complaint}", child.status);
}

/// The message of the panic that `code` must end in.
#[track_caller]
pub fn panic_of<T>(code: impl FnOnce() -> T) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(code)) else { panic!("this had to panic") };
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => payload.downcast::<&str>().expect("a message").to_string(),
    }
}

/// What was counted for the subscriber of that name.
#[track_caller]
pub fn stats_of<E: Event + Clone>(bus: &EventBus<E>, name: &str) -> SubscriberStats {
    bus.stats().subscribers.into_iter().find(|stats| &*stats.name == name).expect("it subscribes")
}

/// Pseudo-random numbers (Marsaglia's xorshift64), the same in every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}

/// A bus that has started.
pub fn live() -> EventBus<Number> {
    let bus = new_bus(0);
    bus.start();
    bus
}

/// Publishes numbers.
pub fn publish(bus: &EventBus<Number>, numbers: std::ops::Range<u64>) {
    for number in numbers {
        bus.publish(Number(number)).unwrap();
    }
}

/// The numbers of a range, as events.
pub fn numbers(range: std::ops::Range<u64>) -> Vec<Number> {
    range.map(Number).collect()
}

/// Subscribes so that the next publish is delivered to "told" after that was told `Closed`: the
/// filter of another one, whose turn comes first, closes the bus and receives for it.
pub fn subscribe_to_be_told_closed<E: Event + Clone + 'static>(
    bus: &EventBus<E>,
    capacity: usize,
) -> impl Sized + use<E> {
    let told = Arc::new(Mutex::new(None::<Subscription<E>>));
    let closer = bus
        .subscriber("closer")
        .capacity(1)
        .filter({
            let (bus, told) = (bus.downgrade(), Arc::clone(&told));
            move |_| {
                bus.upgrade().unwrap().close();
                assert!(matches!(told.lock().unwrap().as_ref().unwrap().try_recv(), Err(TryRecvError::Closed)));
                false
            }
        })
        .subscribe();
    *told.lock().unwrap() = Some(bus.subscriber("told").capacity(capacity).subscribe());
    (closer, told)
}

/// Keeps publishers from running further ahead of a reader than its ring can hold: at full speed,
/// and the reader has nothing to lose.
pub struct Window {
    capacity: u64,
    published: AtomicU64,
    received: AtomicU64,
}

impl Window {
    pub fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self { capacity: capacity as u64, published: AtomicU64::new(0), received: AtomicU64::new(0) })
    }

    /// Waits until there is room for one more event, which the caller then has to publish.
    pub fn enter(&self) {
        let number = self.published.fetch_add(1, SeqCst);
        wait_until(|| number < self.received.load(SeqCst) + self.capacity);
    }

    /// Makes room, for an event that the reader has received.
    pub fn leave(&self) {
        self.received.fetch_add(1, SeqCst);
    }

    /// How many events were published, or are about to be.
    pub fn published(&self) -> u64 {
        self.published.load(SeqCst)
    }
}
