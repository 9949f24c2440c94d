//! What the code of users can't do to a bridge, and what users may ask of it: B5, B7.

mod harness;

use futures_util::StreamExt;
use harness::server::Server;
use harness::{Beat, Node, TICK, TOCK, burst, new_bus, until};
use ringbus::{Event, EventBus, EventType, Request, RequestId, RequestOptions, Response};
use ringbus_nats::async_nats::{self, ConnectOptions};
use ringbus_nats::{Bridge, BridgeBuilder, BridgeState, Codec, DecodeError, EncodeError, Json};
use serde::{Deserialize, Serialize};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, SystemTime};

/// What a panic carries, and that panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("dropped");
        }
    }
}

/// Panics on every third event, going out or coming in, with a bomb.
struct Bombing {
    out: bool,
}

impl Codec<Beat> for Bombing {
    const ID: u8 = 1;

    fn encode(&self, event: &Beat, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if self.out && event.number.is_multiple_of(3) {
            std::panic::panic_any(Bomb);
        }
        Codec::<Beat>::encode(&Json, event, out)
    }

    fn decode(&self, event_type: EventType, bytes: &[u8]) -> Result<Beat, DecodeError> {
        let beat: Beat = Codec::<Beat>::decode(&Json, event_type, bytes)?;
        if !self.out && beat.number.is_multiple_of(3) {
            std::panic::panic_any(Bomb);
        }
        Ok(beat)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn decoder_whose_panic_panics_when_it_is_dropped_does_not_end_the_import() {
    let server = Server::start();
    let here = Node::ticking(&server.url()).await;
    let there = Node::start(&server.url(), Bombing { out: false }, |builder| builder.import([TICK])).await;
    there.until_joined(&here).await;
    burst(&here.bus, 9);
    until("the others arrive", || {
        assert_eq!(there.bridge.state(), BridgeState::Connected, "the import has ended");
        there.received.ticks().len() == 6
    })
    .await;
    there.until_settled_with(&here, 9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn encoder_whose_panic_panics_when_it_is_dropped_does_not_end_the_export() {
    let server = Server::start();
    let here = Node::start(&server.url(), Bombing { out: true }, |builder| builder.export([TICK])).await;
    let there = Node::listening(&server.url()).await;
    burst(&here.bus, 9);
    until("all are accounted for", || {
        assert_eq!(here.bridge.state(), BridgeState::Connected, "the export has ended");
        here.stats().export.offered == 9
    })
    .await;
    there.until_settled_with(&here, 9).await;
}

/// An event that panics whenever it is dropped, if it came over the network.
#[derive(Clone, Serialize, Deserialize)]
struct Brittle {
    #[serde(skip, default = "arrived")]
    is_here: bool,
}

fn arrived() -> bool {
    true
}

impl Drop for Brittle {
    fn drop(&mut self) {
        if self.is_here {
            panic!("a Drop that panics");
        }
    }
}

const BRITTLE: EventType = EventType::new("brittle");

impl Event for Brittle {
    fn event_type(&self) -> EventType {
        BRITTLE
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A test that needs a process of its own.
struct Child(std::process::Child);

impl Child {
    /// Starts this program once more, with nothing but that test; `None` if this is that process.
    fn start(test: &str) -> Option<Self> {
        const VARIABLE: &str = "RINGBUS_NATS_TEST";
        if std::env::var(VARIABLE).is_ok_and(|name| name == test) {
            return None;
        }
        let mut command = Command::new(std::env::current_exe().expect("a path"));
        command.args(["--exact", test]).env(VARIABLE, test);
        Some(Self(command.spawn().expect("it starts")))
    }

    async fn succeeds(mut self) {
        let mut status = None;
        until("the other process has ended", || {
            status = self.0.try_wait().expect("it is there");
            status.is_some()
        })
        .await;
        assert!(status.is_some_and(|status| status.success()), "{status:?}");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Two in one batch: the second panics while the first unwinds, unless each is dropped by itself.
#[tokio::test(flavor = "multi_thread")]
async fn imported_events_that_panic_when_they_are_dropped_do_not_abort_the_process() {
    if let Some(child) = Child::start("imported_events_that_panic_when_they_are_dropped_do_not_abort_the_process") {
        return child.succeeds().await;
    }
    let server = Server::start();
    let url = server.url();
    let (here, there) = (new_bus::<Brittle>(0), new_bus::<Brittle>(0));
    here.start();
    // Before its start, what comes in is collected, and then comes as one batch.
    let builder = Bridge::builder(&there, Json).prefix("test").import([BRITTLE]);
    let importing = builder.connect(&*url, ConnectOptions::new()).await.expect("connects");
    let builder = Bridge::builder(&here, Json).prefix("test").heartbeat(Duration::from_millis(200)).export([BRITTLE]);
    let exporting = builder.connect(&*url, ConnectOptions::new()).await.expect("connects");
    for _ in 0..20 {
        here.publish(Brittle { is_here: false }).map(drop).expect("the bus is open");
    }
    until("all are sent", || exporting.stats().export.sent == 20).await;
    there.start();
    until("all are published", || {
        let origins = importing.stats().import.origins;
        origins.first().is_some_and(|origin| origin.published == 20)
    })
    .await;
}

/// An event that came over the network, and panics when it is asked for its type, and again when it
/// is dropped.
#[derive(Clone, Serialize, Deserialize)]
struct Touchy {
    #[serde(skip, default = "arrived")]
    is_here: bool,
}

impl Drop for Touchy {
    fn drop(&mut self) {
        assert!(!self.is_here, "a Drop that panics");
    }
}

const TOUCHY: EventType = EventType::new("touchy");

impl Event for Touchy {
    fn event_type(&self) -> EventType {
        assert!(!self.is_here, "do not ask");
        TOUCHY
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::now()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_event_that_panics_twice_does_not_abort_the_process() {
    if let Some(child) = Child::start("imported_event_that_panics_twice_does_not_abort_the_process") {
        return child.succeeds().await;
    }
    let server = Server::start();
    let url = server.url();
    let (here, there) = (new_bus::<Touchy>(0), new_bus::<Touchy>(0));
    here.start();
    there.start();
    let builder = Bridge::builder(&there, Json).prefix("test").import([TOUCHY]);
    let importing = builder.connect(&*url, ConnectOptions::new()).await.expect("connects");
    let builder = Bridge::builder(&here, Json).prefix("test").export([TOUCHY]);
    let _exporting = builder.connect(&*url, ConnectOptions::new()).await.expect("connects");
    for _ in 0..3 {
        here.publish(Touchy { is_here: false }).map(drop).expect("the bus is open");
    }
    until("all are refused", || {
        assert_eq!(importing.state(), BridgeState::Connected, "the import has ended");
        importing.stats().import.origins.first().is_some_and(|origin| origin.undecodable == 3)
    })
    .await;
}

/// Whether [`Moody`] events panic.
static ARE_MOODY: AtomicBool = AtomicBool::new(false);

/// An event that does not want to be asked for its type.
#[derive(Clone, Serialize, Deserialize)]
struct Moody {
    is_here: bool,
}

const HERE: EventType = EventType::new("moody.here");
const THERE: EventType = EventType::new("moody.there");

impl Event for Moody {
    fn event_type(&self) -> EventType {
        assert!(!self.is_here || !ARE_MOODY.load(SeqCst), "not now");
        if self.is_here { HERE } else { THERE }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// The start-up log is read by the import as well: what panics there is nothing to it.
#[tokio::test(flavor = "multi_thread")]
async fn replay_that_panics_does_not_end_the_import() {
    let server = Server::start();
    let url = server.url();
    let (here, there) = (new_bus::<Moody>(8), new_bus::<Moody>(0));
    there.start();
    for _ in 0..3 {
        here.publish(Moody { is_here: true }).map(drop).expect("there is room");
    }
    let builder = Bridge::builder(&here, Json).prefix("test").import([THERE]);
    let importing = builder.connect(&*url, ConnectOptions::new()).await.expect("connects");
    let builder = Bridge::builder(&there, Json).prefix("test").export([THERE]);
    let exporting = builder.connect(&*url, ConnectOptions::new()).await.expect("connects");
    ARE_MOODY.store(true, SeqCst);
    here.start();
    there.publish(Moody { is_here: false }).map(drop).expect("the bus is open");
    until("it is published here", || {
        assert_eq!(importing.state(), BridgeState::Connected, "the import has ended");
        importing.stats().import.origins.first().is_some_and(|origin| origin.published == 1)
    })
    .await;
    drop(exporting);
}

/// An event that shows how many copies of it there are.
#[derive(Clone)]
struct Counted(Arc<()>);

const COUNTED: EventType = EventType::new("counted");

impl Event for Counted {
    fn event_type(&self) -> EventType {
        COUNTED
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// Writes next to nothing, and reads nothing.
struct OneByte;

impl Codec<Counted> for OneByte {
    const ID: u8 = 200;

    fn encode(&self, event: &Counted, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.push(u8::from(Arc::strong_count(&event.0) > 1));
        Ok(())
    }

    fn decode(&self, _: EventType, _: &[u8]) -> Result<Counted, DecodeError> {
        Err(DecodeError::new("there is nothing to read"))
    }
}

/// A bridge that only exports keeps nothing of the start-up log either, and has nothing unread.
#[tokio::test(flavor = "multi_thread")]
async fn export_lets_go_of_the_replay() {
    let server = Server::start();
    let bus = new_bus::<Counted>(4);
    let token = Arc::new(());
    for _ in 0..4 {
        bus.publish(Counted(Arc::clone(&token))).map(drop).expect("there is room");
    }
    let builder = Bridge::builder(&bus, OneByte).prefix("test").export([COUNTED]);
    let bridge = builder.connect(server.url(), ConnectOptions::new()).await.expect("connects");
    bus.start();
    until("all are sent", || bridge.stats().export.sent == 4).await;
    until("nobody has anything to read", || bus.stats().subscribers.iter().all(|row| row.unread_replay == 0)).await;
    until("nobody keeps anything", || Arc::strong_count(&token) == 1).await;
}

/// A bridge that only exports, too, says so when the client has given up.
#[tokio::test(flavor = "multi_thread")]
async fn export_ends_when_the_client_gives_up() {
    let mut server = Server::start();
    let options = ConnectOptions::new().max_reconnects(1).reconnect_delay_callback(|_| Duration::from_millis(1));
    let here = Node::start_with(&server.url(), Json, options, |builder| builder.export([TICK])).await;
    server.kill();
    until("the bridge has ended", || here.bridge.state() == BridgeState::Ended).await;
}

/// Before the start, nothing that comes in is looked at, so nor is the end of it.
#[tokio::test(flavor = "multi_thread")]
async fn import_ends_when_the_client_gives_up_before_the_start() {
    for exported in [None, Some(TICK)] {
        let mut server = Server::start();
        let options = ConnectOptions::new().max_reconnects(1).reconnect_delay_callback(|_| Duration::from_millis(1));
        let build = |builder: BridgeBuilder<Beat, Json>| builder.import([TOCK]).export(exported);
        let here = Node::on(new_bus(0), &server.url(), Json, options, build).await;
        let somebody = async_nats::connect(server.url()).await.expect("connects");
        somebody.publish("test.all.tock", "something that waits for the start".into()).await.expect("it is there");
        let mut own = somebody.subscribe("somebody").await.expect("it is there");
        somebody.publish("somebody", "".into()).await.expect("it is there");
        own.next().await.expect("the server has dealt with all of this");
        server.kill();
        until("the bridge has ended", || here.bridge.state() == BridgeState::Ended).await;
    }
}

/// And so may the times that are made of it.
#[tokio::test(flavor = "multi_thread")]
async fn heartbeat_may_be_as_rare_as_one_likes() {
    let server = Server::start();
    let here = Node::start(&server.url(), Json, |builder| builder.export([TICK]).heartbeat(Duration::MAX)).await;
    burst(&here.bus, 3);
    until("all are sent", || here.stats().export.sent == 3).await;
}

const ASKED: EventType = EventType::new("asked");
const ANSWERED: EventType = EventType::new("answered");

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Talk {
    id: RequestId,
    is_answer: bool,
}

impl Event for Talk {
    fn event_type(&self) -> EventType {
        if self.is_answer { ANSWERED } else { ASKED }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::now()
    }

    fn as_request(&self) -> Option<&dyn Request> {
        (!self.is_answer).then_some(self)
    }

    fn as_response(&self) -> Option<&dyn Response> {
        self.is_answer.then_some(self)
    }
}

impl Request for Talk {
    fn request_id(&self) -> RequestId {
        self.id.clone()
    }
}

impl Response for Talk {
    fn request_id(&self) -> RequestId {
        self.id.clone()
    }

    fn responder(&self) -> &str {
        "responder"
    }
}

/// Who answers requests of other nodes imports the request and exports the response. Its own
/// requests do not leave it, and neither do the answers to them. B5.
#[tokio::test(flavor = "multi_thread")]
async fn answers_to_requests_that_stay_at_home_stay_at_home() {
    let server = Server::start();
    let url = server.url();
    let connect = async |bus: &EventBus<Talk>, export, import| {
        bus.start();
        let builder = Bridge::builder(bus, Json).prefix("test").heartbeat(Duration::from_millis(200));
        let builder = builder.export([export]).import([import]);
        builder.connect(&*url, ConnectOptions::new()).await.expect("connects")
    };
    let (answering, asking) = (new_bus::<Talk>(0), new_bus::<Talk>(0));
    let requests = answering.subscriber("responder").types([ASKED]).subscribe();
    let responder = answering.downgrade();
    std::thread::spawn(move || {
        for asked in &requests {
            let Some(bus) = responder.upgrade() else { break };
            let _ = bus.publish(Talk { is_answer: true, ..asked });
        }
    });
    let there = connect(&answering, ANSWERED, ASKED).await;
    let here = connect(&asking, ASKED, ANSWERED).await;
    let ask = |bus: &EventBus<Talk>| {
        let options = RequestOptions::expecting(["responder"]).timeout(Duration::from_secs(20));
        bus.request(Talk { id: RequestId::unique(), is_answer: false }, options).expect("somebody takes it")
    };
    ask(&answering).into_future().await.expect("it answers itself");
    ask(&asking).into_future().await.expect("the other one answers");
    until("what was sent has arrived", || {
        let sent = there.stats().export.sent;
        let origins = here.stats().import.origins;
        origins.first().is_some_and(|origin| origin.sent == sent && origin.sent > 0 && origin.balances())
    })
    .await;
    assert_eq!(asking.stats().late_responses, 0, "the answer to the request of another node");
    assert_eq!(there.stats().export.sent, 1);
}

/// A `tracing` subscriber is user code: it may ask the bridge how it does.
struct Curious;

static BRIDGE: OnceLock<Weak<Bridge<Beat>>> = OnceLock::new();

impl tracing::Subscriber for Curious {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "ringbus_nats"
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        if let Some(bridge) = BRIDGE.get().and_then(Weak::upgrade) {
            let _ = bridge.stats();
        }
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn tracing_may_ask_the_bridge_how_it_does() {
    // A subscriber of `tracing` is one for the whole process.
    if let Some(child) = Child::start("tracing_may_ask_the_bridge_how_it_does") {
        return child.succeeds().await;
    }
    tracing::subscriber::set_global_default(Curious).expect("the first one");
    let server = Server::start();
    let there = Node::listening(&server.url()).await;
    let bridge = Arc::new(there.bridge);
    BRIDGE.set(Arc::downgrade(&bridge)).expect("the first one");
    let here = Node::ticking(&server.url()).await;
    burst(&here.bus, 3);
    until("all are received", || there.received.ticks().len() == 3).await;
}
