//! Requests whose answers come from other nodes: B5.

mod harness;

use harness::server::Server;
use harness::{new_bus, until};
use ringbus::{
    DynEvent, Event, EventBus, EventType, Gather, GatherError, Request, RequestId, RequestOptions, Response,
    Subscription,
};
use ringbus_nats::async_nats::ConnectOptions;
use ringbus_nats::{Bridge, BridgeState, Json, Registry};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

const ASKED: EventType = EventType::new("rollout.asked");
const ACCEPTED: EventType = EventType::new("verdict.accepted");
const REFUSED: EventType = EventType::new("verdict.refused");

#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    id: RequestId,
}

#[derive(Debug, Serialize, Deserialize)]
struct Verdict {
    on: RequestId,
    by: String,
    accepts: bool,
}

impl Event for Asked {
    fn event_type(&self) -> EventType {
        ASKED
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::now()
    }

    fn as_request(&self) -> Option<&dyn Request> {
        Some(self)
    }
}

impl Request for Asked {
    fn request_id(&self) -> RequestId {
        self.id.clone()
    }
}

impl Event for Verdict {
    fn event_type(&self) -> EventType {
        if self.accepts { ACCEPTED } else { REFUSED }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::now()
    }

    fn as_response(&self) -> Option<&dyn Response> {
        Some(self)
    }
}

impl Response for Verdict {
    fn request_id(&self) -> RequestId {
        self.on.clone()
    }

    fn responder(&self) -> &str {
        &self.by
    }
}

/// A node of a bus of events of any type, that may ask, and that answers by these names.
struct Node {
    bus: EventBus<DynEvent>,
    bridge: Bridge<DynEvent>,
}

impl Node {
    async fn start(url: &str, responders: &[&'static str]) -> Self {
        let bus: EventBus<DynEvent> = new_bus(0);
        for &responder in responders {
            let requests = bus.subscriber(responder).types([ASKED]).subscribe();
            let bus = bus.downgrade();
            thread::spawn(move || {
                for event in &requests {
                    let Some(asked) = event.downcast_ref::<Asked>() else { panic!("not what it says: {event:?}") };
                    let accepts = responder != "sceptic";
                    let verdict = Verdict { on: asked.id.clone(), by: responder.into(), accepts };
                    let Some(bus) = bus.upgrade() else { break };
                    let _ = bus.publish(Arc::new(verdict));
                }
            });
        }
        bus.start();
        let types = [ASKED, ACCEPTED, REFUSED];
        let codec = Registry::new(Json).with::<Asked>([ASKED]).with::<Verdict>([ACCEPTED, REFUSED]);
        let bridge = Bridge::builder(&bus, codec)
            .prefix("test")
            .heartbeat(Duration::from_millis(200))
            .export(types)
            .import(types)
            .connect(url, ConnectOptions::new())
            .await
            .expect("connects");
        Self { bus, bridge }
    }

    fn ask(&self, responders: &[&'static str]) -> Gather<DynEvent> {
        let options = RequestOptions::expecting(responders.iter().copied()).timeout(Duration::from_secs(20));
        self.bus.request(Arc::new(Asked { id: RequestId::unique() }), options).expect("somebody takes it")
    }

    fn watch(&self) -> Subscription<DynEvent> {
        self.bus.subscriber("watch").types([ACCEPTED, REFUSED]).capacity(4_096).subscribe()
    }
}

fn names(responses: &[DynEvent]) -> Vec<&str> {
    let mut names: Vec<_> = responses.iter().filter_map(|event| Some(event.as_response()?.responder())).collect();
    names.sort_unstable();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn gather_completes_by_answers_of_other_nodes() {
    let server = Server::start();
    let url = server.url();
    let asker = Node::start(&url, &["local"]).await;
    let (one, other) = (Node::start(&url, &["basic"]).await, Node::start(&url, &["sceptic", "template"]).await);
    let bystander = Node::start(&url, &[]).await;
    let watch = bystander.watch();
    for _ in 0..20 {
        let result = asker.ask(&["local", "basic", "sceptic", "template"]).await.expect("all answer");
        assert_eq!(names(&result.responses), ["basic", "local", "sceptic", "template"]);
        let refusals = result.responses.iter().filter_map(|event| event.downcast_ref::<Verdict>());
        assert_eq!(refusals.filter(|verdict| !verdict.accepts).count(), 1, "Rust types survive the journey");
        assert_eq!((result.duplicates, result.unexpected), (0, 0));
    }
    // Answers go to their asker alone: nobody else receives one, or counts one as late.
    until("all was heard", || {
        [(&one, 20), (&other, 40)].into_iter().all(|(node, sent)| {
            let origins = bystander.bridge.stats().import.origins;
            let heard = origins.into_iter().find(|origin| origin.node == node.bridge.node());
            heard.is_some_and(|heard| heard.sent == sent && heard.skipped == sent && heard.balances())
        })
    })
    .await;
    assert!(watch.is_empty());
    assert_eq!((asker.bus.stats().late_responses, bystander.bus.stats().late_responses), (0, 0));
    until("the local answers stay at home, and the requests are sent", || {
        let export = asker.bridge.stats().export;
        (export.at_home, export.sent) == (20, 20)
    })
    .await;
}

/// What would not have been sent is not lost when it can't be sent.
#[tokio::test(flavor = "multi_thread")]
async fn local_answers_stay_at_home_without_a_server_as_well() {
    let mut server = Server::start();
    let asker = Node::start(&server.url(), &["local"]).await;
    server.kill();
    until("it is noticed", || asker.bridge.state() == BridgeState::Disconnected).await;
    for _ in 0..3 {
        asker.ask(&["local"]).await.expect("it answers");
    }
    until("the requests are given up, and the answers stay", || {
        let export = asker.bridge.stats().export;
        (export.offered, export.expired, export.at_home) == (3, 3, 3)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_node_is_named_as_missing() {
    let server = Server::start();
    let url = server.url();
    let asker = Node::start(&url, &[]).await;
    let (_alive, dead) = (Node::start(&url, &["alive"]).await, Node::start(&url, &["dead"]).await);
    asker.ask(&["alive", "dead"]).await.expect("both answer");
    drop(dead);
    let gather = asker.ask(&["alive", "dead"]);
    until("the living one has answered", || gather.received() == 1).await;
    let error = gather.until(async {}).await.expect_err("one is dead");
    let GatherError::Stopped { partial } = error else { panic!("{error}") };
    assert_eq!(partial.errors(), ["no response from dead"]);
    assert_eq!(names(&partial.responses), ["alive"]);
}

/// Both ask at the same time, and both answer: the ids of one are never those of the other.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_ask_each_other_get_their_own_answers() {
    let server = Server::start();
    let url = server.url();
    let (here, there) = (Node::start(&url, &["here"]).await, Node::start(&url, &["there"]).await);
    for _ in 0..50 {
        let (one, other) = (here.ask(&["here", "there"]), there.ask(&["here", "there"]));
        let (one, other) = tokio::join!(one.into_future(), other.into_future());
        for result in [one, other] {
            let result = result.expect("both answer");
            assert_eq!(names(&result.responses), ["here", "there"]);
            assert_eq!((result.duplicates, result.unexpected), (0, 0));
        }
    }
    // For the bus of who answers, its own answers belong to no request. (It counts them behind the
    // fan-out, when they may be there already.)
    until("both have counted", || [&here, &there].iter().all(|node| node.bus.stats().late_responses == 50)).await;
}
