//! The faults that a bridge survives. Each gives its balance, and panics if it does not hold.

use super::harness::proxy::Proxy;
use super::harness::server::Server;
use super::harness::{Beat, Node, PATIENCE, Pulse, Received, TICK, burst, new_bus, publish, rise, until};
use ringbus::{EventType, Overflow};
use ringbus_nats::async_nats::{self, ConnectOptions};
use ringbus_nats::{
    Bridge, BridgeBuilder, BridgeState, Codec, ConnectError, DecodeError, EncodeError, ExportStats, Json, OriginCounts,
    OriginStats, Tail, WhileDisconnected,
};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// Who sent what to whom, as far as both know. It holds, to the event.
#[derive(Clone, Debug)]
pub struct Balance {
    pub export: ExportStats,
    pub import: OriginCounts,
    pub tail: Tail,
}

/// The balance of an export and of its import, if it holds, and if it is what the test has seen:
/// so many were published, and these were received.
fn balance(published: u64, export: ExportStats, import: OriginStats, received: &[u64]) -> Balance {
    let balance = Balance { export, import: import.counts, tail: import.tail };
    let holds = export.offered == published
        && export.balances()
        && import.counts.balances()
        && import.published == received.len() as u64;
    assert!(holds, "{published} published, {} received, and no balance: {balance}", received.len());
    assert!(rise(received), "out of order, or twice");
    balance
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ExportStats { offered, ring_dropped, expired, unencodable, sent, .. } = self.export;
        let OriginCounts { before_join, received, gap, late, published, refused, undecodable, skipped, .. } =
            self.import;
        write!(
            f,
            "offered {offered} = ring-dropped {ring_dropped} + expired {expired} + unencodable {unencodable} + sent {sent}; \
             heard {} = before the join {before_join} + received {received} + gap {gap} ({late} late), tail {}; \
             received {received} = published {published} + refused {refused} + undecodable {undecodable} + skipped {skipped}",
            self.import.sent, self.tail
        )
    }
}

/// A fault, and how to make it.
#[allow(dead_code, reason = "for the program `balance`")]
pub struct Fault {
    pub name: &'static str,
    pub run: fn() -> Run,
}

/// A fault under way, and what becomes of all events.
type Run = Pin<Box<dyn Future<Output = Vec<Balance>> + Send>>;

macro_rules! faults {
    ($($scenario:ident: $name:literal,)*) => {
        /// All of them, as in the table of the README.
        pub const FAULTS: &[Fault] = &[$(Fault { name: $name, run: || Box::pin($scenario()) },)*];
    };
}

faults! {
    server_killed_and_restarted: "server killed and restarted, `Drop`",
    server_killed_and_restarted_held: "server killed and restarted, `Hold`",
    server_frozen_briefly: "server stopped for 0.4 s",
    server_frozen_for_long: "server stopped for 3 s",
    line_cut_at_exporter: "line cut at the exporter",
    line_cut_at_importer: "line cut at the importer",
    line_cut_at_both: "line cut at both",
    ten_reconnects: "10 forced reconnects",
    small_client_queue: "client queue of 64",
    small_ring_newest: "export ring of 64, newest dropped",
    small_ring_oldest: "export ring of 64, oldest dropped",
    backlog_before_start: "backlog of 10,000 before the start, ring of 8",
    importer_starts_late: "importer starts late",
    sink_comes_back: "sink joins late, is killed, comes back",
    both_publish: "both sides publish",
    messages_too_long: "messages over `max_payload`",
    codec_panics: "codec that panics and refuses",
    garbage: "garbage on our subjects",
    two_bridges: "two bridges with one prefix on one bus",
    node_gone_for_good: "node gone for good",
}

/// Waits until the other node has received something that is published from now on.
async fn until_flows(pulse: &Pulse, to: &Received) {
    let from = pulse.published();
    until("events flow again", || to.last_tick().is_some_and(|last| last >= from)).await;
}

/// Stops the pulse, waits until all is accounted for, and gives the balance.
async fn conclude(pulse: Pulse, from: &Node, to: &Node) -> Vec<Balance> {
    let published = pulse.stop().await;
    vec![settle(published, from, to).await]
}

/// Waits until all is accounted for, and gives the balance.
async fn settle(published: u64, from: &Node, to: &Node) -> Balance {
    to.until_settled_with(from, published).await;
    let origin = to.origin(from.id()).expect("it was heard");
    until("all were received", || to.received.ticks().len() as u64 == origin.published).await;
    balance(published, from.stats().export, origin, &to.received.ticks())
}

async fn killed_and_restarted(mode: WhileDisconnected) -> Vec<Balance> {
    let mut server = Server::start();
    let from =
        Node::start(&server.url(), Json, |builder| builder.export([TICK]).while_disconnected(mode).capacity(1_024))
            .await;
    let to = Node::listening(&server.url()).await;
    let pulse = Pulse::begin(&from.bus, Beat::tick);
    until_flows(&pulse, &to.received).await;
    server.kill();
    until("the exporter has noticed", || from.bridge.state() == BridgeState::Disconnected).await;
    pulse.more(2_000).await;
    server.restart();
    until_flows(&pulse, &to.received).await;
    conclude(pulse, &from, &to).await
}

pub async fn server_killed_and_restarted() -> Vec<Balance> {
    let balances = killed_and_restarted(WhileDisconnected::Drop).await;
    assert!(balances[0].export.expired > 0, "{}", balances[0]);
    balances
}

pub async fn server_killed_and_restarted_held() -> Vec<Balance> {
    let balances = killed_and_restarted(WhileDisconnected::Hold).await;
    let export = balances[0].export;
    assert!(export.expired == 0 && export.ring_dropped > 0, "{}", balances[0]);
    balances
}

async fn frozen(time: Duration) -> Vec<Balance> {
    let server = Server::start();
    let (from, to) = (Node::ticking(&server.url()).await, Node::listening(&server.url()).await);
    let pulse = Pulse::begin(&from.bus, Beat::tick);
    until_flows(&pulse, &to.received).await;
    server.freeze();
    tokio::time::sleep(time).await;
    server.thaw();
    until_flows(&pulse, &to.received).await;
    conclude(pulse, &from, &to).await
}

pub async fn server_frozen_briefly() -> Vec<Balance> {
    frozen(Duration::from_millis(400)).await
}

pub async fn server_frozen_for_long() -> Vec<Balance> {
    frozen(Duration::from_secs(3)).await
}

/// Cuts lines for as long as some events take.
async fn cut(at_exporter: bool, at_importer: bool) -> Vec<Balance> {
    let server = Server::start();
    let lines = [Proxy::start(server.address()).await, Proxy::start(server.address()).await];
    let from = Node::ticking(&lines[0].url()).await;
    let to = Node::listening(&lines[1].url()).await;
    let pulse = Pulse::begin(&from.bus, Beat::tick);
    until_flows(&pulse, &to.received).await;
    let cut = || lines.iter().zip([at_exporter, at_importer]).filter_map(|(line, cut)| cut.then_some(line));
    cut().for_each(Proxy::cut_for_long);
    pulse.more(1_000).await;
    cut().for_each(Proxy::mend);
    until_flows(&pulse, &to.received).await;
    conclude(pulse, &from, &to).await
}

pub async fn line_cut_at_exporter() -> Vec<Balance> {
    let balances = cut(true, false).await;
    assert!(balances[0].export.expired > 0, "{}", balances[0]);
    balances
}

pub async fn line_cut_at_importer() -> Vec<Balance> {
    let balances = cut(false, true).await;
    assert!(balances[0].import.gap > 0, "{}", balances[0]);
    balances
}

pub async fn line_cut_at_both() -> Vec<Balance> {
    let balances = cut(true, true).await;
    assert!(balances[0].export.expired > 0, "{}", balances[0]);
    balances
}

pub async fn ten_reconnects() -> Vec<Balance> {
    let server = Server::start();
    let (from, to) = (Node::ticking(&server.url()).await, Node::listening(&server.url()).await);
    let pulse = Pulse::begin(&from.bus, Beat::tick);
    let connects = |node: &Node| node.bridge.client().statistics().connects.load(std::sync::atomic::Ordering::Relaxed);
    for turn in 0..10 {
        until_flows(&pulse, &to.received).await;
        let node = if turn % 2 == 0 { &from } else { &to };
        let before = connects(node);
        node.bridge.client().force_reconnect().await.expect("the client is there");
        until("it has connected again", || connects(node) > before).await;
    }
    until_flows(&pulse, &to.received).await;
    conclude(pulse, &from, &to).await
}

/// The codec of somebody slow.
struct Slow;

impl Codec<Beat> for Slow {
    const ID: u8 = <Json as Codec<Beat>>::ID;

    fn encode(&self, beat: &Beat, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        Json.encode(beat, out)
    }

    fn decode(&self, event_type: EventType, bytes: &[u8]) -> Result<Beat, DecodeError> {
        std::thread::sleep(Duration::from_micros(200));
        Json.decode(event_type, bytes)
    }
}

pub async fn small_client_queue() -> Vec<Balance> {
    let server = Server::start();
    let from = Node::start(&server.url(), Json, |builder| builder.export([TICK]).capacity(1 << 14)).await;
    let options = ConnectOptions::new().subscription_capacity(64);
    let to = Node::start_with(&server.url(), Slow, options, |builder| builder.import([TICK])).await;
    to.until_joined(&from).await;
    burst(&from.bus, 10_000);
    let balance = settle(10_000, &from, &to).await;
    assert!(balance.import.gap > 0 && balance.export.sent == 10_000, "{balance}");
    vec![balance]
}

async fn small_ring(overflow: Overflow) -> Vec<Balance> {
    let server = Server::start();
    let from = Node::start(&server.url(), Json, |builder| builder.export([TICK]).capacity(64).overflow(overflow)).await;
    let to = Node::listening(&server.url()).await;
    to.until_joined(&from).await;
    // Nothing gets through meanwhile, so that the ring fills.
    server.freeze();
    burst(&from.bus, 200_000);
    server.thaw();
    let balance = settle(200_000, &from, &to).await;
    assert!(balance.export.ring_dropped > 0, "{balance}");
    vec![balance]
}

pub async fn small_ring_newest() -> Vec<Balance> {
    small_ring(Overflow::DropNewest).await
}

pub async fn small_ring_oldest() -> Vec<Balance> {
    small_ring(Overflow::DropOldest).await
}

pub async fn backlog_before_start() -> Vec<Balance> {
    let server = Server::start();
    let to = Node::listening(&server.url()).await;
    let bus = new_bus(10_000);
    burst(&bus, 10_000);
    let build = |builder: BridgeBuilder<Beat, Json>| builder.export([TICK]).capacity(8);
    let from = Node::on(bus, &server.url(), Json, ConnectOptions::new(), build).await;
    from.bus.start();
    let balance = settle(10_000, &from, &to).await;
    assert_eq!(balance.import.published, 10_000, "{balance}");
    vec![balance]
}

pub async fn importer_starts_late() -> Vec<Balance> {
    let server = Server::start();
    let from = Node::ticking(&server.url()).await;
    burst(&from.bus, 1_000);
    until("all were sent", || from.stats().export.sent == 1_000).await;
    let to = Node::listening(&server.url()).await;
    for number in 1_000..2_000 {
        publish(&from.bus, Beat::tick(number)).expect("the bus is open");
    }
    let balance = settle(2_000, &from, &to).await;
    assert_eq!((balance.import.gap, balance.import.published), (0, 1_000), "joining is no loss: {balance}");
    vec![balance]
}

pub async fn sink_comes_back() -> Vec<Balance> {
    let server = Server::start();
    let from = Node::ticking(&server.url()).await;
    let pulse = Pulse::begin(&from.bus, Beat::tick);
    pulse.more(500).await;
    let sink = Node::listening(&server.url()).await;
    until_flows(&pulse, &sink.received).await;
    // Without a shutdown, in the midst of it.
    let Node { bus, bridge, .. } = sink;
    drop(bridge);
    pulse.more(500).await;
    let build = |builder: BridgeBuilder<Beat, Json>| builder.import([TICK]);
    let sink = Node::on(bus, &server.url(), Json, ConnectOptions::new(), build).await;
    let before = sink.received.ticks().len();
    until_flows(&pulse, &sink.received).await;
    let published = pulse.stop().await;
    sink.until_settled_with(&from, published).await;
    let origin = sink.origin(from.id()).expect("it was heard");
    // The witness of its bus has seen both times.
    assert!(rise(&sink.received.ticks()), "out of order, or twice");
    let second = origin.published;
    until("all were received", || {
        let ticks = sink.received.ticks();
        ticks.len() >= before && ticks.iter().filter(|&&tick| tick >= origin.before_join).count() as u64 >= second
    })
    .await;
    let ticks: Vec<_> = sink.received.ticks().into_iter().filter(|&tick| tick >= origin.before_join).collect();
    let balance = balance(published, from.stats().export, origin, &ticks);
    assert!(balance.import.before_join >= 1_000 && balance.import.gap == 0, "{balance}");
    vec![balance]
}

pub async fn both_publish() -> Vec<Balance> {
    let server = Server::start();
    let both = |builder: BridgeBuilder<Beat, Json>| builder.export([TICK]).import([TICK]);
    let here = Node::start(&server.url(), Json, both).await;
    let there = Node::start(&server.url(), Json, both).await;
    // Odd numbers here, even ones there, so that one can tell who made what.
    let pulses = [
        Pulse::begin(&here.bus, |number| Beat::tick(2 * number + 1)),
        Pulse::begin(&there.bus, |number| Beat::tick(2 * number)),
    ];
    for pulse in &pulses {
        pulse.more(2_000).await;
    }
    let [from_here, from_there] = pulses;
    let (from_here, from_there) = (from_here.stop().await, from_there.stop().await);
    there.until_settled_with(&here, from_here).await;
    here.until_settled_with(&there, from_there).await;
    let all = (from_here + from_there) as usize;
    until("all were received", || [&here, &there].iter().all(|node| node.received.ticks().len() == all)).await;
    let of = |node: &Node, rest: u64| -> Vec<u64> {
        node.received.ticks().into_iter().filter(|tick| tick % 2 == rest).collect()
    };
    let origin = |at: &Node, of: &Node| at.origin(of.id()).expect("it was heard");
    vec![
        balance(from_here, here.stats().export, origin(&there, &here), &of(&there, 1)),
        balance(from_there, there.stats().export, origin(&here, &there), &of(&here, 0)),
    ]
}

pub async fn messages_too_long() -> Vec<Balance> {
    let server = Server::start();
    let (from, to) = (Node::ticking(&server.url()).await, Node::listening(&server.url()).await);
    for number in 0..100 {
        // Of the server, 1 MiB at most.
        let padding = if number % 10 == 0 { "x".repeat(1 << 20) } else { String::new() };
        publish(&from.bus, Beat { padding, ..Beat::tick(number) }).expect("the bus is open");
    }
    let balance = settle(100, &from, &to).await;
    assert_eq!((balance.export.unencodable, balance.import.published), (10, 90), "{balance}");
    vec![balance]
}

/// Panics, and refuses, now and then.
struct Moody;

impl Codec<Beat> for Moody {
    const ID: u8 = <Json as Codec<Beat>>::ID;

    fn encode(&self, beat: &Beat, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match beat.number % 10 {
            1 => panic!("the codec panics as it encodes"),
            2 => Err(EncodeError::new("not today")),
            _ => Json.encode(beat, out),
        }
    }

    fn decode(&self, event_type: EventType, bytes: &[u8]) -> Result<Beat, DecodeError> {
        let beat: Beat = Json.decode(event_type, bytes)?;
        match beat.number % 10 {
            3 => panic!("the codec panics as it decodes"),
            4 => Err(DecodeError::new("not today")),
            // Not what it was sent as.
            5 => Ok(Beat { is_tick: false, ..beat }),
            _ => Ok(beat),
        }
    }
}

pub async fn codec_panics() -> Vec<Balance> {
    let server = Server::start();
    let from = Node::start(&server.url(), Moody, |builder| builder.export([TICK])).await;
    let to = Node::start(&server.url(), Moody, |builder| builder.import([TICK])).await;
    burst(&from.bus, 100);
    let balance = settle(100, &from, &to).await;
    let (export, import) = (balance.export, balance.import);
    assert_eq!((export.unencodable, import.undecodable, import.published), (20, 30, 50), "{balance}");
    assert!(to.received.tocks().is_empty());
    vec![balance]
}

pub async fn garbage() -> Vec<Balance> {
    let server = Server::start();
    let (from, to) = (Node::ticking(&server.url()).await, Node::listening(&server.url()).await);
    let stranger = async_nats::connect(server.url()).await.expect("connects");
    let mut newer = vec![2; 100];
    newer[1] = 1;
    let garbage = [&b""[..], b"hello", &[0; 36], &[1; 35], &newer, &[255; 1_000]];
    for round in 0..100 {
        publish(&from.bus, Beat::tick(round)).expect("the bus is open");
        for payload in garbage {
            for subject in ["test.all.tick", "test.all.other", "test.all._heartbeat"] {
                stranger.publish(subject, payload.to_vec().into()).await.expect("the client is there");
            }
        }
    }
    let balance = settle(100, &from, &to).await;
    assert_eq!(balance.import.published, 100, "{balance}");
    let count = 100 * 3 * garbage.len() as u64;
    until("all garbage is counted", || to.stats().import.strangers == count).await;
    assert_eq!(to.stats().import.origins.len(), 1, "{}", to.stats());
    vec![balance]
}

pub async fn two_bridges() -> Vec<Balance> {
    let server = Server::start();
    let both = |builder: BridgeBuilder<Beat, Json>| builder.export([TICK]).import([TICK]);
    let here = Node::start(&server.url(), Json, both).await;
    let there = Node::start(&server.url(), Json, both).await;
    let second = |prefix| {
        let (url, bus) = (server.url(), there.bus.clone());
        async move { both(Bridge::builder(&bus, Json)).prefix(prefix).connect(url, ConnectOptions::new()).await }
    };
    let refused = second("test").await.expect_err("there is one");
    assert!(matches!(refused, ConnectError::AlreadyBridged { .. }), "{refused}");
    // With another prefix it may: what one imports, the other does not export.
    let other = second("test.other").await.expect("another prefix");
    burst(&here.bus, 1_000);
    let balance = settle(1_000, &here, &there).await;
    assert_eq!((there.stats().export.offered, other.stats().export.offered), (0, 0));
    // Once it is gone, another one may come.
    let Node { bus, bridge, .. } = there;
    drop(bridge);
    let begun = std::time::Instant::now();
    while let Err(error) =
        both(Bridge::builder(&bus, Json)).prefix("test").connect(server.url(), ConnectOptions::new()).await
    {
        assert!(begun.elapsed() < PATIENCE, "{error}");
    }
    vec![balance]
}

pub async fn node_gone_for_good() -> Vec<Balance> {
    let server = Server::start();
    let line = Proxy::start(server.address()).await;
    let (from, to) = (Node::ticking(&line.url()).await, Node::listening(&server.url()).await);
    let pulse = Pulse::begin(&from.bus, Beat::tick);
    until_flows(&pulse, &to.received).await;
    line.cut_for_long();
    until("the exporter has noticed", || from.bridge.state() == BridgeState::Disconnected).await;
    let published = pulse.stop().await;
    until("the exporter has counted", || {
        let export = from.stats().export;
        export.offered == published && export.balances()
    })
    .await;
    let (id, export) = (from.id(), from.stats().export);
    drop(from);
    until("its tail is unknown", || to.origin(id).is_some_and(|origin| origin.tail == Tail::Unknown)).await;
    let origin = to.origin(id).expect("it was heard");
    until("all were received", || to.received.ticks().len() as u64 == origin.published).await;
    let balance = balance(published, export, origin, &to.received.ticks());
    assert!(balance.import.sent <= balance.export.sent, "{balance}");
    vec![balance]
}
