//! Requests and user code that panics, or calls back into the bus that called it.

use crate::common::{
    self, ANSWER, Action, Finish, LONG, QUESTION, Talk, finishes, in_own_process, panic_of, spawn_sleeper, stats_of,
    talkative_bus,
};
use ringbus::{
    Event, EventBus, EventType, Gather, GatherError, Request, RequestId, RequestOptions, Response, Subscription,
};
use std::future::pending;
use std::panic::panic_any;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, SystemTime};

/// What the copies of one event do when the bus asks them something.
#[derive(Default)]
struct Script {
    as_request: Action,
    as_response: Action,
    request_id: Action,
    responder: Action,
    clone: Action,
    drop: Action,
}

/// A question, or an answer by somebody, that does as its script says.
struct Actor {
    by: Option<&'static str>,
    id: u64,
    script: Arc<Script>,
}

impl Actor {
    fn question() -> (Self, Arc<Script>) {
        Self::new(None)
    }

    fn answer(by: &'static str) -> (Self, Arc<Script>) {
        Self::new(Some(by))
    }

    fn new(by: Option<&'static str>) -> (Self, Arc<Script>) {
        let script = Arc::<Script>::default();
        (Self { by, id: 1, script: Arc::clone(&script) }, script)
    }

    fn question_of(id: u64) -> Self {
        Self { by: None, id, script: Arc::default() }
    }
}

impl Clone for Actor {
    fn clone(&self) -> Self {
        self.script.clone.call();
        Self { by: self.by, id: self.id, script: Arc::clone(&self.script) }
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.script.drop.call();
    }
}

impl Event for Actor {
    fn event_type(&self) -> EventType {
        if self.by.is_none() { QUESTION } else { ANSWER }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn as_request(&self) -> Option<&dyn Request> {
        self.script.as_request.call();
        if self.by.is_none() { Some(self) } else { None }
    }

    fn as_response(&self) -> Option<&dyn Response> {
        self.script.as_response.call();
        if self.by.is_some() { Some(self) } else { None }
    }
}

impl Request for Actor {
    fn request_id(&self) -> RequestId {
        self.script.request_id.call();
        RequestId::from(self.id)
    }
}

impl Response for Actor {
    fn request_id(&self) -> RequestId {
        self.script.request_id.call();
        RequestId::from(self.id)
    }

    fn responder(&self) -> &str {
        self.script.responder.call();
        self.by.unwrap_or_default()
    }
}

fn live() -> (EventBus<Actor>, Subscription<Actor>) {
    let bus = common::new_bus(0);
    let questions = bus.subscriber("questions").types([QUESTION]).subscribe();
    bus.start();
    (bus, questions)
}

fn expecting(responders: &[&'static str]) -> RequestOptions {
    RequestOptions::expecting(responders.iter().copied()).timeout(LONG)
}

fn ask(bus: &EventBus<Actor>, responders: &[&'static str]) -> Gather<Actor> {
    bus.request(Actor::question().0, expecting(responders)).unwrap()
}

fn publish(bus: &EventBus<Actor>, by: &'static str) {
    bus.publish(Actor::answer(by).0).unwrap();
}

/// G9: an answer that panics when it is asked who it is from is nobody's; subscribers get it, and
/// the request goes on.
#[test]
fn panicking_responder_is_unexpected() {
    let (bus, _questions) = live();
    let answers = bus.subscriber("answers").types([ANSWER]).subscribe();
    let gather = ask(&bus, &["a"]);
    let (answer, script) = Actor::answer("a");
    script.responder.panic_on_call(1, "who am I");
    assert_eq!(panic_of(|| bus.publish(answer)), "who am I");
    assert_eq!((answers.len(), gather.received()), (1, 0));
    publish(&bus, "a");
    let result = gather.wait().unwrap();
    assert_eq!((result.responses.len(), result.unexpected, result.duplicates), (1, 1, 0));
}

/// G8, G9: an event that panics when it is asked whether it answers, or what, answers nothing;
/// subscribers get it. Where it said that it is a response, it is late.
#[test]
fn panicking_event_answers_nothing() {
    let (bus, _questions) = live();
    let answers = bus.subscriber("answers").types([ANSWER]).subscribe();
    let gather = ask(&bus, &["a"]);
    let methods: [fn(&Script) -> &Action; 2] = [|script| &script.as_response, |script| &script.request_id];
    for method in methods {
        let (answer, script) = Actor::answer("a");
        method(&script).panic_on_call(1, "ask somebody else");
        assert_eq!(panic_of(|| bus.publish(answer)), "ask somebody else");
    }
    assert_eq!(answers.len(), 2);
    assert_eq!((gather.received(), bus.stats().late_responses), (0, 1));
    publish(&bus, "a");
    assert_eq!(gather.wait().unwrap().responses.len(), 1);
}

/// G9: an event that goes back to its publisher is dropped where user code has panicked meanwhile,
/// and may panic itself: no abort, and the first panic is the one that resumes.
#[test]
fn refused_event_may_panic_as_it_is_dropped() {
    // Nobody takes it: one ring is full, and the filter of the other panics.
    let (bus, _questions) = live();
    drop(_questions);
    let full = bus.subscribe(1);
    publish(&bus, "a");
    let _picky = bus.subscriber("picky").filter(|_| panic!("not that one")).subscribe();
    let (question, script) = Actor::question();
    script.drop.panic_on_call(2, "not like this"); // the copy for the full ring goes first
    assert_eq!(panic_of(|| bus.request(question, expecting(&["a"]))), "not that one");
    assert!(!script.drop.is_pending());
    assert_eq!((full.lost(), bus.stats().requests_in_flight), (1, 0));

    // The start-up buffer is full.
    let bus = common::new_bus(0);
    let by_bus = |question| drop(bus.publish(question));
    let by_publisher = |question| drop(bus.publisher().publish(question));
    let by_request = |question| drop(bus.request(question, expecting(&["a"])));
    let ways: [&dyn Fn(Actor); 3] = [&by_bus, &by_publisher, &by_request];
    for way in ways {
        let (question, script) = Actor::question();
        script.as_response.panic_on_call(1, "ask somebody else");
        script.drop.panic_on_call(1, "not like this");
        assert_eq!(panic_of(|| way(question)), "ask somebody else");
    }
}

/// A waker of which every copy panics as it is dropped, once that is armed.
mod fragile {
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    use std::task::{RawWaker, RawWakerVTable, Waker};

    pub static ARMED: AtomicBool = AtomicBool::new(false);

    static VTABLE: RawWakerVTable = RawWakerVTable::new(
        |data| RawWaker::new(data, &VTABLE),
        |_| (),
        |_| (),
        |_| {
            if ARMED.swap(false, SeqCst) {
                std::panic::panic_any("fragile");
            }
        },
    );

    pub fn waker() -> Waker {
        // SAFETY: the functions do not look at the data.
        unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &VTABLE)) }
    }
}

/// G8, G9: a waker that panics as the wait ends is heard of, and so are no panics of the answers
/// that go with it: no abort. The same where the request is given up.
#[test]
fn waker_may_panic_as_it_is_dropped() {
    let (bus, _questions) = live();
    let task = fragile::waker();
    for ends_by_itself in [true, false] {
        let gather = ask(&bus, &["a", "b"]);
        let (answer, script) = Actor::answer("a");
        script.drop.panic_on_call(1, "not like this");
        bus.publish(answer).unwrap();
        let stopped = std::cell::Cell::new(false);
        let stop = std::future::poll_fn(|_| if stopped.get() { Poll::Ready(()) } else { Poll::Pending });
        let mut waiting = Box::pin(gather.until(stop));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&task)).is_pending());
        stopped.set(true);
        fragile::ARMED.store(true, SeqCst);
        let end = || {
            if ends_by_itself {
                drop(waiting.as_mut().poll(&mut Context::from_waker(&task)));
            } else {
                drop(waiting);
            }
        };
        assert_eq!(panic_of(end), "fragile");
        assert!(!script.drop.is_pending(), "the answer was dropped");
        assert_eq!(bus.stats().requests_in_flight, 0);
    }
}

/// G8, G9: a request that panics at any turn is given up: no entry stays in the map, and its id is
/// free.
#[test]
fn panicking_request_is_given_up() {
    let (bus, _questions) = live();
    let _ask_for_clones = bus.subscribe(64);
    let methods: [fn(&Script) -> &Action; 4] = [
        |script| &script.as_request,
        |script| &script.request_id,
        |script| &script.as_response,
        |script| &script.clone,
    ];
    for method in methods {
        let (question, script) = Actor::question();
        method(&script).panic_on_call(1, "no questions");
        assert_eq!(panic_of(|| bus.request(question, expecting(&["a"]))), "no questions");
        assert_eq!(bus.stats().requests_in_flight, 0);
    }
    let _picky = bus.subscriber("picky").filter(|_| panic!("not that one")).subscribe();
    assert_eq!(panic_of(|| bus.request(Actor::question().0, expecting(&["a"]))), "not that one");
    assert_eq!(bus.stats().requests_in_flight, 0);
}

/// G8, G9: a subscriber whose filter panics for an answer has a drop counted, and the requester
/// gets the answer all the same.
#[test]
fn panicking_filter_keeps_no_answer_from_its_request() {
    let (bus, _questions) = live();
    let gather = ask(&bus, &["a"]);
    let _picky = bus.subscriber("picky").types([ANSWER]).filter(|_| panic!("not that one")).subscribe();
    assert_eq!(panic_of(|| bus.publish(Actor::answer("a").0)), "not that one");
    assert_eq!(stats_of(&bus, "picky").dropped, 1);
    assert_eq!(gather.wait().unwrap().responses.len(), 1);
}

/// G8, G9: an answer that panics when it is copied for a subscriber reaches its request, which
/// needs no copy.
#[test]
fn panicking_clone_keeps_no_answer_from_its_request() {
    let (bus, _questions) = live();
    let gather = ask(&bus, &["a"]);
    let all = bus.subscriber("answers").types([ANSWER]).subscribe();
    let (answer, script) = Actor::answer("a");
    script.clone.panic_on_call(1, "inimitable");
    assert_eq!(panic_of(|| bus.publish(answer)), "inimitable");
    assert_eq!(all.lost(), 1);
    assert_eq!(gather.wait().unwrap().responses.len(), 1);
}

/// G8, G9: before the start, the log has the answer and its request needs a copy: where that
/// panics, the answer is as good as late.
#[test]
fn panicking_clone_before_the_start_makes_an_answer_late() {
    let bus = common::new_bus(2);
    let gather = bus.request(Actor::question().0, expecting(&["a"])).unwrap();
    let (answer, script) = Actor::answer("a");
    script.clone.panic_on_call(1, "inimitable");
    assert_eq!(panic_of(|| bus.publish(answer)), "inimitable");
    assert_eq!((gather.received(), bus.stats().late_responses), (0, 1));
    let everything = bus.subscribe(1);
    assert_eq!(bus.start(), 2);
    assert_eq!(everything.len(), 2, "G3: it was accepted, and is replayed");
}

/// G8, G9: an answer in a batch that cannot be cloned reaches nobody, and is late: before the
/// start, live, and if the bus retains answers.
#[test]
fn answer_of_a_batch_that_cannot_be_cloned_is_late() {
    for (starts, retains) in [(false, false), (true, false), (false, true), (true, true)] {
        let types = if retains { vec![ANSWER] } else { Vec::new() };
        let bus = EventBus::builder().startup_capacity(4).ring(common::ring()).retain(types).build();
        let _questions = bus.subscriber("questions").types([QUESTION]).subscribe();
        if starts {
            bus.start();
        }
        let gather = ask(&bus, &["a", "b"]);
        let batch = ["a", "b"].map(|by| {
            let (answer, script) = Actor::answer(by);
            if by == "a" {
                script.clone.panic_on_call(1, "inimitable");
            }
            answer
        });
        assert_eq!(panic_of(|| bus.publish_batch(&batch)), "inimitable");
        let seen = (gather.received(), bus.stats().late_responses);
        assert_eq!(seen, (1, 1), "started: {starts}, retaining: {retains}");
    }
}

/// G9: duplicates, unexpected and late answers are dropped on the publisher, under no lock: they
/// may panic, and they may use the bus.
#[test]
fn stray_answers_may_panic_as_they_are_dropped() {
    let (bus, _questions) = live();
    let gather = ask(&bus, &["a", "b"]);
    publish(&bus, "a");
    for by in ["a", "x"] {
        let (answer, script) = Actor::answer(by);
        script.drop.panic_on_call(1, "not like this");
        assert_eq!(panic_of(|| bus.publish(answer)), "not like this");
    }
    publish(&bus, "b");
    let result = gather.wait().unwrap();
    assert_eq!((result.responses.len(), result.duplicates, result.unexpected), (2, 1, 1));
    let (answer, script) = Actor::answer("a");
    script.drop.panic_on_call(1, "too late");
    assert_eq!(panic_of(|| bus.publish(answer)), "too late");
    assert_eq!(bus.stats().late_responses, 1);
}

/// G9: the same for the copies that a batch makes: everybody else has what is theirs, and the first
/// panic resumes.
#[test]
fn stray_answers_of_a_batch_may_panic_as_they_are_dropped() {
    let (bus, _questions) = live();
    let everything = bus.subscribe(8);
    let gather = ask(&bus, &["a", "b"]);
    let (answers, scripts): (Vec<_>, Vec<_>) = ["a", "a", "x", "b"].map(Actor::answer).into_iter().unzip();
    for (place, message) in [(1, "a duplicate"), (2, "a stranger")] {
        // Its clone for the request, which is the only one that is dropped.
        scripts[place].drop.panic_on_call(1, message);
    }
    assert_eq!(panic_of(|| bus.publish_batch(&answers)), "a duplicate");
    assert!(scripts.iter().all(|script| !script.drop.is_pending()));
    let result = gather.wait().unwrap();
    assert_eq!((result.responses.len(), result.duplicates, result.unexpected), (2, 1, 1));
    assert_eq!(everything.len(), 5, "the question and four answers");
}

/// G9: a request without a `Drop` goes on with the panic of a filter as well, and is given up.
#[test]
fn panic_resumes_from_a_request_without_a_drop() {
    #[derive(Clone, Copy)]
    struct Plain;
    impl Event for Plain {
        fn event_type(&self) -> EventType {
            QUESTION
        }

        fn timestamp(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH
        }

        fn as_request(&self) -> Option<&dyn Request> {
            Some(self)
        }
    }
    impl Request for Plain {
        fn request_id(&self) -> RequestId {
            RequestId::from(1)
        }
    }
    let bus = common::new_bus(0);
    let refuses = bus.subscriber("refuses").filter(|_| panic!("refused")).subscribe();
    let takes = bus.subscribe(2);
    bus.start();
    assert_eq!(panic_of(|| bus.request(Plain, expecting(&["a"]))), "refused");
    assert_eq!((takes.len(), bus.stats().requests_in_flight), (1, 0));
    drop(refuses);
    assert!(bus.request(Plain, expecting(&["a"])).is_ok(), "its id is free");
}

/// G9: answers that panic as they are dropped with their gather do not keep the others from being
/// dropped, or abort the process; not even while the requester unwinds already.
#[test]
fn given_up_answers_may_panic_as_they_are_dropped() {
    let (bus, _questions) = live();
    let give_up = |gather: Gather<Actor>| {
        for by in ["a", "b"] {
            let (answer, script) = Actor::answer(by);
            script.drop.panic_on_call(1, by);
            bus.publish(answer).unwrap();
        }
        drop(gather);
    };
    assert_eq!(panic_of(|| give_up(ask(&bus, &["a", "b"]))), "a", "the first panic");
    assert_eq!(bus.stats().requests_in_flight, 0);

    let unwinding = || {
        let _gather = ask(&bus, &["a", "b"]);
        for by in ["a", "b"] {
            let (answer, script) = Actor::answer(by);
            script.drop.panic_on_call(1, by);
            bus.publish(answer).unwrap();
        }
        panic!("the requester's own");
    };
    assert_eq!(panic_of(unwinding), "the requester's own");
    assert_eq!(bus.stats().requests_in_flight, 0);
}

/// G8, G9: they count as late all the same.
#[test]
fn given_up_answers_that_panic_are_counted() {
    let (bus, _questions) = live();
    let gather = ask(&bus, &["a", "b"]);
    for by in ["a", "b"] {
        let (answer, script) = Actor::answer(by);
        script.drop.panic_on_call(1, by);
        bus.publish(answer).unwrap();
    }
    assert_eq!(panic_of(|| drop(gather)), "a");
    assert_eq!(bus.stats().late_responses, 2);
}

/// G8, G9: a request that is refused gives up the answers that came meanwhile, and one that panics
/// as it is dropped does not take the place of the first panic.
#[test]
fn answer_to_a_refused_request_may_panic_as_it_is_dropped() {
    let (bus, questions) = live();
    drop(questions);
    let (answer, script) = Actor::answer("a");
    script.drop.panic_on_call(1, "not like this");
    let picky = bus.subscriber("picky").types([QUESTION]).filter({
        let (bus, answer) = (bus.downgrade(), Mutex::new(Some(answer)));
        move |_| {
            let answer = answer.lock().unwrap().take().unwrap();
            bus.upgrade().unwrap().publish(answer).unwrap();
            panic!("not that one")
        }
    });
    let _picky = picky.subscribe();
    assert_eq!(panic_of(|| bus.request(Actor::question().0, expecting(&["a"]))), "not that one");
    assert!(!script.drop.is_pending(), "the answer was dropped");
    assert_eq!((bus.stats().late_responses, bus.stats().requests_in_flight), (1, 0));
}

/// A waker that does something when it wakes.
#[derive(Default)]
struct ActingWaker(Action);

impl Wake for ActingWaker {
    fn wake(self: Arc<Self>) {
        self.0.call();
    }
}

/// G9: a waker that panics does so in who woke it, and the result is there; the other requesters
/// are woken by `close` all the same.
#[test]
fn panicking_waker_harms_no_requester() {
    let (bus, _questions) = live();
    let waker = Arc::<ActingWaker>::default();
    waker.0.panic_on_call(1, "let me sleep");
    let mut waiting = pin!(ask(&bus, &["a"]).until(pending::<()>()));
    let task = Waker::from(Arc::clone(&waker));
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&task)).is_pending());
    assert_eq!(panic_of(|| bus.publish(Actor::answer("a").0)), "let me sleep");
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&task)).is_ready());
}

/// G8, G9: whoever cancels a request hears of the panic of its waker.
#[test]
fn panicking_waker_of_a_cancelled_request_resumes() {
    let (bus, _questions) = live();
    let waker = Arc::<ActingWaker>::default();
    waker.0.panic_on_call(1, "let me sleep");
    let gather = ask(&bus, &["a"]);
    let cancel = gather.cancel_handle();
    let mut waiting = pin!(gather.until(pending::<()>()));
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&Waker::from(waker))).is_pending());
    assert_eq!(panic_of(|| cancel.cancel()), "let me sleep");
    assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
}

/// G9, G10: `close` ends every request although the waker of one panics.
#[test]
fn panicking_waker_does_not_stop_a_close() {
    let (bus, _questions) = talkative_bus();
    let asking = |id: u64| bus.request(Talk::Question(RequestId::from(id)), expecting(&["a"])).unwrap();
    let sleepers: Vec<_> = (0..8)
        .map(|id| {
            let gather = asking(id);
            spawn_sleeper(move || gather.wait())
        })
        .collect();
    let waker = Arc::<ActingWaker>::default();
    waker.0.panic_on_call(1, "let me sleep");
    let mut waiting = pin!(asking(100).until(pending::<()>()));
    let task = Waker::from(waker);
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&task)).is_pending());
    assert_eq!(panic_of(|| bus.close()), "let me sleep");
    for sleeper in sleepers {
        assert!(matches!(sleeper.join(), Err(GatherError::Closed { .. })));
    }
}

/// Everything a bus can be asked for, from inside user code: the same request, another one, the
/// numbers, an answer.
fn use_requests(bus: &EventBus<Actor>, handle: &ringbus::CancelHandle) {
    let refused = bus.request(Actor::question().0, expecting(&["z"]));
    drop(refused);
    drop(bus.publish(Actor::answer("nobody").0));
    drop(bus.stats());
    handle.cancel();
}

/// G9: user code of requests runs under no lock: every call of it may use the whole bus, the very
/// request included.
#[test]
fn user_code_of_requests_may_use_the_whole_bus() {
    type Place = fn(&Script) -> &Action;
    let places: [(&str, Place); 5] = [
        ("as_response", |script| &script.as_response),
        ("request_id", |script| &script.request_id),
        ("responder", |script| &script.responder),
        ("clone", |script| &script.clone),
        ("drop", |script| &script.drop),
    ];
    for (name, place) in places {
        // In time, twice, unexpected.
        for by in ["a", "b", "x"] {
            let called = finishes(move || {
                let (bus, _questions) = live();
                let _answers = bus.subscriber("answers").types([ANSWER]).subscribe();
                let gather = ask(&bus, &["a", "b"]);
                publish(&bus, "b");
                let (answer, script) = Actor::answer(by);
                let calls = Arc::new(AtomicUsize::new(0));
                let action = {
                    let (weak, handle, calls) = (bus.downgrade(), gather.cancel_handle(), Arc::clone(&calls));
                    move || {
                        calls.fetch_add(1, SeqCst);
                        use_requests(&weak.upgrade().unwrap(), &handle);
                    }
                };
                place(&script).on_call(1, action);
                bus.publish(answer).unwrap();
                assert!(gather.wait().is_err() || by == "a");
                drop((bus, _answers, _questions));
                calls.load(SeqCst)
            });
            assert_eq!(called, 1, "{name} of {by}");
        }
    }
}

/// G9: a waker may use the whole bus, its own request included.
#[test]
fn waker_of_a_request_may_use_the_whole_bus() {
    finishes(|| {
        let (bus, _questions) = live();
        let gather = ask(&bus, &["a"]);
        let waker = Arc::<ActingWaker>::default();
        let (weak, handle) = (bus.downgrade(), gather.cancel_handle());
        waker.0.on_call(1, move || use_requests(&weak.upgrade().unwrap(), &handle));
        let task = Waker::from(Arc::clone(&waker));
        let mut waiting = pin!(gather.until(pending::<()>()));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&task)).is_pending());
        publish(&bus, "a");
        assert!(!waker.0.is_pending(), "it was woken");
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&task)).is_ready());
    });
}

/// G8, G9: an answer is with its requester before the lag hooks hear of the subscriber that lost
/// it.
#[test]
fn hook_finds_the_answer_gathered() {
    type Publish = fn(&EventBus<Actor>, &'static str);
    let ways: [(&str, Publish); 2] =
        [("publish", publish), ("a batch", |bus, by| _ = bus.publish_batch(&[Actor::answer(by).0]).unwrap())];
    for (name, publish) in ways {
        let (bus, _questions) = live();
        let gather = Arc::new(Mutex::new(Some(ask(&bus, &["a", "b"]))));
        let slow = bus.subscriber("slow").types([ANSWER]).capacity(1).subscribe();
        let seen = Arc::new(AtomicUsize::new(0));
        bus.on_lag({
            let (gather, seen) = (Arc::clone(&gather), Arc::clone(&seen));
            move |lag| {
                assert_eq!(lag.event_type, ANSWER);
                seen.store(gather.lock().unwrap().as_ref().unwrap().received(), SeqCst);
            }
        });
        publish(&bus, "a");
        publish(&bus, "b");
        assert_eq!((slow.lost(), seen.load(SeqCst)), (1, 2), "{name}");
        let gather = gather.lock().unwrap().take().unwrap();
        assert!(gather.wait().unwrap().is_complete());
    }
}

/// G8, G9: a responder thread that panics half-way is missing, and the others are not.
#[test]
fn responder_thread_that_panics_is_missing() {
    let (bus, questions) = live();
    let gather = bus.request(Actor::question().0, expecting(&["a", "b"]).timeout(Duration::from_millis(50))).unwrap();
    let dying = thread::spawn(move || {
        let _question = questions.recv().unwrap();
        std::panic::resume_unwind(Box::new("dead"));
    });
    assert!(dying.join().is_err());
    let answering = thread::spawn({
        let bus = bus.clone();
        move || publish(&bus, "a")
    });
    answering.finish();
    let error = gather.wait().unwrap_err();
    assert_eq!(error.into_partial().errors(), ["no response from b"]);
    assert_eq!(bus.subscriber_count(), 0, "its subscription has gone with it");
}

/// G9: a waker may use the whole bus, its own request included, as it is dropped: as another takes
/// its place, as the wait ends, and as it is given up.
#[test]
fn waker_of_a_request_may_use_the_whole_bus_as_it_is_dropped() {
    struct Parting(Action);
    impl Wake for Parting {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Parting {
        fn drop(&mut self) {
            self.0.call();
        }
    }
    for ending in ["another waker", "an answer", "given up"] {
        finishes(move || {
            let (bus, _questions) = live();
            let gather = ask(&bus, &["a"]);
            let calls = Arc::new(AtomicUsize::new(0));
            let parting = Parting(Action::default());
            let (weak, handle, counter) = (bus.downgrade(), gather.cancel_handle(), Arc::clone(&calls));
            parting.0.on_call(1, move || {
                counter.fetch_add(1, SeqCst);
                use_requests(&weak.upgrade().unwrap(), &handle);
            });
            let mut waiting = Box::pin(gather.until(pending::<()>()));
            let task = Waker::from(Arc::new(parting));
            assert!(waiting.as_mut().poll(&mut Context::from_waker(&task)).is_pending());
            drop(task);
            assert_eq!(calls.load(SeqCst), 0);
            match ending {
                "another waker" => drop(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop()))),
                "an answer" => publish(&bus, "a"),
                _ => drop(waiting),
            }
            assert_eq!(calls.load(SeqCst), 1, "{ending}");
        });
    }
}

/// G9: a `stop` that panics as it is dropped goes on in the wait, and the request is given up.
#[test]
fn stop_may_panic_as_it_is_dropped() {
    struct Stop;
    impl std::future::Future for Stop {
        type Output = ();

        fn poll(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Pending
        }
    }
    impl Drop for Stop {
        fn drop(&mut self) {
            panic_any("not to be stopped");
        }
    }
    let (bus, _questions) = live();
    let gather = ask(&bus, &["a"]);
    let (answer, script) = Actor::answer("a");
    bus.publish(answer).unwrap();
    let mut waiting = Box::pin(gather.until(Stop));
    let wait = || drop(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())));
    assert_eq!(panic_of(wait), "not to be stopped");
    drop(waiting);
    assert_eq!((Arc::strong_count(&script), bus.stats().requests_in_flight), (1, 0));
    assert_eq!(bus.stats().late_responses, 1, "it is in no result");
}

/// G9: a requester whom `close` wakes may use the whole bus there and then, drop its request or
/// another one, or ask anew.
#[test]
fn waker_may_use_the_requests_that_close_ends() {
    type Gathers = Arc<Mutex<Vec<Gather<Actor>>>>;
    type Act = fn(&EventBus<Actor>, &Gathers);
    let acts: [(&str, Act); 3] = [
        ("drops the others", |_, gathers| gathers.lock().unwrap().clear()),
        ("cancels them", |_, gathers| {
            gathers.lock().unwrap().iter().for_each(|gather| gather.cancel_handle().cancel())
        }),
        ("asks", |bus, _| drop(bus.request(Actor::question().0, expecting(&["z"])))),
    ];
    for (name, act) in acts {
        finishes(move || {
            let bus = common::new_bus(0);
            let _questions = bus.subscriber("questions").capacity(128).subscribe();
            bus.start();
            // With an id of its own each, so that some share a lock of the map.
            let ask = |id: u64| bus.request(Actor::question_of(id), expecting(&["a"])).unwrap();
            let gathers: Gathers = Arc::new(Mutex::new((100..140).map(ask).collect()));
            let waiting: Vec<_> = (0..40).map(|id| Box::pin(ask(id).until(pending::<()>()))).collect();
            let mut waiting = waiting;
            let wakers: Vec<_> = waiting
                .iter_mut()
                .map(|gather| {
                    let waker = Arc::<ActingWaker>::default();
                    let (weak, gathers) = (bus.downgrade(), Arc::clone(&gathers));
                    waker.0.on_call(1, move || act(&weak.upgrade().unwrap(), &gathers));
                    let task = Waker::from(Arc::clone(&waker));
                    assert!(gather.as_mut().poll(&mut Context::from_waker(&task)).is_pending());
                    waker
                })
                .collect();
            bus.close();
            for (waker, gather) in wakers.iter().zip(&mut waiting) {
                assert!(!waker.0.is_pending(), "{name}: it was woken");
                assert!(gather.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready(), "{name}");
            }
            drop((waiting, gathers));
            assert_eq!(bus.stats().requests_in_flight, 0, "{name}");
        });
    }
}

/// G9: a request whose user code panics while its thread unwinds already gives way to that panic.
#[test]
fn requests_on_a_thread_that_unwinds_do_not_abort() {
    const PLACES: [fn(&Script) -> &Action; 3] =
        [|script| &script.clone, |script| &script.as_request, |script| &script.drop];
    struct AtLast<F: FnMut()>(F);
    impl<F: FnMut()> Drop for AtLast<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    /// What a panic may carry.
    struct Payload;
    impl Drop for Payload {
        fn drop(&mut self) {
            panic_any("as the payload is dropped");
        }
    }
    struct PanicsWhenDropped;
    impl Wake for PanicsWhenDropped {
        fn wake(self: Arc<Self>) {
            unreachable!("nobody answers");
        }
    }
    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic_any(Payload);
        }
    }
    in_own_process(module_path!(), "requests_on_a_thread_that_unwinds_do_not_abort", || {
        let (bus, questions) = live();
        let unwinds = || {
            let _at_last = AtLast(|| {
                for place in PLACES {
                    let (question, script) = Actor::question();
                    place(&script).panic_on_call(1, "another one");
                    drop(bus.request(question, expecting(&["a"])));
                    while questions.try_recv().is_ok() {}
                }
                // With a filter whose panic carries something that panics as it is dropped.
                let explodes = bus.subscriber("explodes").filter(|_| panic_any(Payload)).subscribe();
                drop(bus.request(Actor::question().0, expecting(&["a"])));
                let gather = ask(&bus, &["a"]);
                let waker = Waker::from(Arc::new(PanicsWhenDropped));
                let mut waiting = Box::pin(gather.until(pending::<()>()));
                assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                drop(waker);
                drop((waiting, explodes));
                while questions.try_recv().is_ok() {}
                // Given up, with an answer that panics as it is dropped.
                let gather = ask(&bus, &["a"]);
                let (answer, script) = Actor::answer("a");
                bus.publish(answer).unwrap();
                script.drop.panic_on_call(1, "another one");
                drop(gather);
                assert!(!script.drop.is_pending());
            });
            panic_any("the first");
        };
        assert_eq!(panic_of(unwinds), "the first");
        assert_eq!(bus.stats().requests_in_flight, 0);
    });
}
