//! Derived events on a bus: what it does with them is what it does with those written by hand.

use ringbus::{DynEvent, Event, EventBus, EventKind, EventType, GatherError, Overflow, Published, RequestError};
use ringbus::{Request, RequestId, RequestOptions, Response, TryRecvError};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

const NOON: SystemTime = SystemTime::UNIX_EPOCH;

/// How long a test waits for what must happen before it calls it a failure.
const LONG: Duration = Duration::from_secs(10);

fn id(number: u64) -> RequestId {
    RequestId::from(number)
}

#[derive(Clone, Debug, PartialEq, Event)]
enum Talk {
    #[event("talk.remark", timestamp = NOON)]
    Remark(u32),
    #[event("talk.question")]
    Question {
        #[request_id]
        id: RequestId,
        #[timestamp]
        at: SystemTime,
    },
    #[event("talk.answer")]
    Answer {
        #[request_id]
        to: RequestId,
        #[responder]
        by: &'static str,
        #[timestamp]
        at: SystemTime,
    },
}

/// The same by hand.
#[derive(Clone, Debug, PartialEq)]
enum ByHand {
    Remark(u32),
    Question { id: RequestId, at: SystemTime },
    Answer { to: RequestId, by: &'static str, at: SystemTime },
}

impl Event for ByHand {
    fn event_type(&self) -> EventType {
        match self {
            Self::Remark(_) => const { EventType::new("talk.remark") },
            Self::Question { .. } => const { EventType::new("talk.question") },
            Self::Answer { .. } => const { EventType::new("talk.answer") },
        }
    }

    fn timestamp(&self) -> SystemTime {
        match self {
            Self::Remark(_) => NOON,
            Self::Question { at, .. } | Self::Answer { at, .. } => *at,
        }
    }

    fn as_request(&self) -> Option<&dyn Request> {
        if let Self::Question { .. } = self { Some(self) } else { None }
    }

    fn as_response(&self) -> Option<&dyn Response> {
        if let Self::Answer { .. } = self { Some(self) } else { None }
    }
}

impl ByHand {
    fn id(&self) -> RequestId {
        match self {
            Self::Remark(_) => RequestId::unique(),
            Self::Question { id, .. } | Self::Answer { to: id, .. } => id.clone(),
        }
    }
}

impl Request for ByHand {
    fn request_id(&self) -> RequestId {
        self.id()
    }
}

impl Response for ByHand {
    fn request_id(&self) -> RequestId {
        self.id()
    }

    fn responder(&self) -> &str {
        if let Self::Answer { by, .. } = self { by } else { "" }
    }
}

/// An event of the story, to be told as one Rust type or another.
#[derive(Clone, Copy)]
enum Step {
    Remark(u32),
    Question(u64),
    Answer(u64, &'static str),
}

fn derived(step: Step) -> Talk {
    match step {
        Step::Remark(number) => Talk::Remark(number),
        Step::Question(number) => Talk::Question { id: id(number), at: NOON },
        Step::Answer(number, by) => Talk::Answer { to: id(number), by, at: NOON },
    }
}

fn by_hand(step: Step) -> ByHand {
    match step {
        Step::Remark(number) => ByHand::Remark(number),
        Step::Question(number) => ByHand::Question { id: id(number), at: NOON },
        Step::Answer(number, by) => ByHand::Answer { to: id(number), by, at: NOON },
    }
}

/// Everything that a bus says while all that depends on the event happens: replay, routing,
/// filters, overflow, batches, requests and their answers. Events are noted by their type.
fn story<E: Event + Clone>(tell: impl Fn(Step) -> E) -> Vec<String> {
    const REMARK: EventType = EventType::new("talk.remark");
    let mut said = Vec::new();
    let mut note = |what: &str, how: &dyn std::fmt::Debug| said.push(format!("{what}: {how:?}"));

    let bus = EventBus::new(3);
    let everything = bus.subscribe(2);
    let remarks = bus.subscriber("remarks").types([REMARK]).overflow(Overflow::DropOldest).capacity(1).subscribe();
    let questions = bus.subscriber("questions").filter(|event: &E| event.as_request().is_some()).subscribe();
    for step in [Step::Remark(1), Step::Question(2), Step::Answer(2, "ada"), Step::Remark(3)] {
        note("before the start", &bus.publish(tell(step)).map_err(|error| error.into_inner().event_type()));
    }
    note("start", &bus.start());
    for step in [Step::Remark(4), Step::Remark(5), Step::Answer(6, "nobody asked"), Step::Question(7)] {
        note("publish", &bus.publish(tell(step)).map_err(|error| error.into_inner().event_type()));
    }
    note("batch", &bus.publish_batch(&[tell(Step::Remark(8)), tell(Step::Question(9))]));
    for subscription in [&everything, &remarks, &questions] {
        let received = subscription.try_iter().map(|event| (event.event_type(), event.timestamp())).collect::<Vec<_>>();
        note("received", &(received, subscription.lost(), subscription.stats().filtered));
    }

    let options = RequestOptions::expecting(["ada", "bob"]).timeout(LONG);
    let refused = bus.request(tell(Step::Remark(10)), options.clone());
    note("no request", &matches!(refused, Err(RequestError::NotARequest(_))));
    let refused = bus.request(tell(Step::Answer(10, "ada")), options.clone());
    note("nor is this", &matches!(refused, Err(RequestError::NotARequest(_))));
    let gather = bus.request(tell(Step::Question(11)), options.clone()).unwrap_or_else(|error| panic!("{error}"));
    note("asked", &(gather.published(), bus.is_pending(&id(11))));
    for step in [Step::Answer(12, "ada"), Step::Answer(11, "eve"), Step::Answer(11, "ada"), Step::Answer(11, "ada")] {
        bus.publish(tell(step)).unwrap_or_else(|error| panic!("{error}"));
        note("gathered", &gather.received());
    }
    bus.publish(tell(Step::Remark(13))).unwrap_or_else(|error| panic!("{error}"));
    bus.publish(tell(Step::Answer(11, "bob"))).unwrap_or_else(|error| panic!("{error}"));
    let result = gather.wait().unwrap_or_else(|error| panic!("{error}"));
    let by = result.responses.iter().map(|event| event.as_response().expect("a response").responder());
    note("answered by", &by.collect::<Vec<_>>());
    note("others", &(result.duplicates, result.strangers));
    let gather = bus.request(tell(Step::Question(14)), options).unwrap_or_else(|error| panic!("{error}"));
    bus.publish(tell(Step::Answer(14, "bob"))).unwrap_or_else(|error| panic!("{error}"));
    bus.close();
    let error = gather.wait().expect_err("closed");
    note("closed", &(error.to_string(), error.partial().responses.len()));
    note("at the end", &bus.stats());
    said
}

#[test]
fn derived_event_does_what_one_written_by_hand_does() {
    let said = story(derived);
    assert_eq!(said, story(by_hand));
    assert_eq!(said, story(|step| Arc::new(derived(step)) as DynEvent));
    for expected in ["start: 3", "answered by: [\"ada\", \"bob\"]", "no request: true", "nor is this: true"] {
        assert!(said.iter().any(|line| line == expected), "{expected} is not in {said:#?}");
    }
}

/// The constants route, and what arrives has the time that it was given.
#[test]
fn constants_route_derived_events() {
    let bus = EventBus::new(0);
    let questions = bus.subscriber("questions").types([Talk::QUESTION, Talk::ANSWER]).subscribe();
    bus.start();
    assert!(bus.has_subscribers(Talk::ANSWER) && !bus.has_subscribers(Talk::REMARK));
    bus.publish(Talk::Remark(1)).unwrap();
    let at = NOON + Duration::from_secs(1);
    bus.publish(Talk::Question { id: id(1), at }).unwrap();
    assert_eq!(questions.try_recv().unwrap().timestamp(), at);
    assert_eq!(questions.try_recv(), Err(TryRecvError::Empty));
}

#[derive(Debug, Event)]
#[event("config.loaded")]
struct ConfigLoaded {
    path: String,
    #[timestamp]
    at: SystemTime,
}

#[derive(Debug, Event)]
#[event("config.asked", timestamp = NOON)]
struct ConfigAsked(#[request_id] RequestId);

#[derive(Debug, Event)]
#[event("config.verdict", timestamp = NOON)]
struct Verdict {
    #[request_id]
    of: RequestId,
    #[responder]
    by: Arc<str>,
    good: bool,
}

/// The name of `ConfigLoaded`, and nothing else of it.
#[derive(Event)]
#[event("config.loaded", timestamp = NOON)]
struct Impostor;

/// Structs share a bus, and are subscribed to by their Rust type.
#[test]
fn derived_structs_are_received_by_their_type() {
    let bus: EventBus<DynEvent> = EventBus::new(4);
    let loaded = bus.subscribe_to::<ConfigLoaded>(4);
    bus.publish(Arc::new(ConfigAsked(id(1)))).unwrap();
    bus.publish(Arc::new(Impostor)).unwrap();
    bus.publish(Arc::new(ConfigLoaded { path: "a.toml".into(), at: NOON })).unwrap();
    bus.start();
    assert_eq!(bus.publish(Arc::new(Impostor)).unwrap(), Published::default());
    bus.publish(Arc::new(ConfigLoaded { path: "b.toml".into(), at: NOON })).unwrap();
    bus.close();
    assert_eq!(loaded.stats().types.as_deref(), Some(&[ConfigLoaded::EVENT_TYPE][..]));
    let filtered = |loaded: &ringbus::TypedSubscription<ConfigLoaded>| loaded.stats().filtered;
    let first = loaded.recv().unwrap();
    assert_eq!((&*first.path, first.at, filtered(&loaded)), ("a.toml", NOON, 2));
    let paths: Vec<_> = loaded.into_iter().map(|loaded| loaded.path.clone()).collect();
    assert_eq!(paths, ["b.toml"]);
}

/// Requests and responses of several Rust types, with responders that are threads.
#[test]
fn derived_structs_ask_and_answer() {
    let bus: EventBus<DynEvent> = EventBus::new(0);
    let responders = ["ada", "bob"].map(|name| {
        let asked = bus.subscriber(name).subscribe_to::<ConfigAsked>();
        let bus = bus.downgrade();
        thread::spawn(move || {
            for asked in asked {
                let Some(bus) = bus.upgrade() else { return };
                let verdict = Verdict { of: asked.request_id(), by: name.into(), good: name == "ada" };
                bus.publish(Arc::new(verdict)).unwrap();
            }
        })
    });
    bus.start();
    let options = RequestOptions::expecting(["ada", "bob"]).timeout(LONG);
    let result = bus.request(Arc::new(ConfigAsked(RequestId::unique())), options).unwrap().wait().unwrap();
    let mut verdicts: Vec<_> = result
        .responses
        .into_iter()
        .map(|event| {
            let verdict = ringbus::downcast_arc::<Verdict>(event).expect("nothing else answers");
            (verdict.by.to_string(), verdict.good)
        })
        .collect();
    verdicts.sort();
    assert_eq!(verdicts, [("ada".to_owned(), true), ("bob".to_owned(), false)]);

    let nobody = RequestOptions::expecting(["eve"]).timeout(Duration::ZERO);
    let error = bus.request(Arc::new(ConfigAsked(RequestId::unique())), nobody).unwrap().wait().unwrap_err();
    assert!(matches!(&error, GatherError::TimedOut { partial, .. } if partial.missing.len() == 1), "{error}");
    drop(bus);
    responders.into_iter().for_each(|responder| responder.join().unwrap());
}
