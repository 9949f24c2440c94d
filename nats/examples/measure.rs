//! What does a bridge cost, with either kind of ring, compared with async-nats used by hand? Two
//! processes and a server on loopback; every contestant encodes and decodes the same events, by
//! turns.
//!
//! `cargo run --release --example measure --features postcard`, or one part of it:
//! `-- processes`, `-- publish`, or `-- recording` (by a stream of JetStream, at full speed).

#[path = "../tests/harness/server.rs"]
#[allow(dead_code)]
mod server;

use futures_util::StreamExt;
use ringbus::{Event, EventBus, Publisher, RequestId, RequestOptions, Ring};
use ringbus_nats::async_nats::{self, ConnectOptions};
use ringbus_nats::{Bridge, Codec, Postcard};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::env;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime};

/// For the server module.
const PATIENCE: Duration = Duration::from_secs(30);

/// Turns of each contestant. What is printed are medians, and from the lowest to the highest.
const TURNS: usize = 5;
/// How long a contestant sends at full speed.
const FULL_SPEED: Duration = Duration::from_secs(2);
/// Events a second, and how many, for latencies.
const PACE: (u32, u32) = (5_000, 10_000);
const REQUESTS: usize = 2_000;
const PUBLISHES: usize = 4_000;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[derive(Clone, Debug, Event, Serialize, Deserialize)]
enum Load {
    #[event("sample", timestamp = SystemTime::UNIX_EPOCH)]
    Sample { sent_ns: u64, is_last: bool, padding: Arc<str> },
    #[event("asked", timestamp = SystemTime::UNIX_EPOCH)]
    Asked {
        #[request_id]
        id: RequestId,
    },
    #[event("answered", timestamp = SystemTime::UNIX_EPOCH)]
    Answered {
        #[request_id]
        id: RequestId,
        #[responder]
        by: Arc<str>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Contestant {
    Bridge,
    BridgeWithLanes,
    ByHand,
}

impl Contestant {
    const ALL: [Self; 3] = [Self::Bridge, Self::BridgeWithLanes, Self::ByHand];

    /// What the other process is told.
    fn name(self) -> &'static str {
        match self {
            Self::Bridge => "bridge",
            Self::BridgeWithLanes => "bridge-with-lanes",
            Self::ByHand => "by-hand",
        }
    }

    fn bus(self) -> EventBus<Load> {
        let ring = if self == Self::BridgeWithLanes { Ring::Lane } else { Ring::Array };
        EventBus::builder().ring(ring).startup_capacity(0).build()
    }
}

fn now_ns() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

/// What a sink has received.
#[derive(Debug, Default)]
struct Tally {
    count: u64,
    first: Option<Instant>,
    last: Option<Instant>,
    latencies: Vec<u64>,
}

impl Tally {
    /// Says whether it was the last one.
    fn take(&mut self, event: &Load) -> bool {
        let &Load::Sample { sent_ns, is_last, .. } = event else { return false };
        if !is_last {
            self.count += 1;
            // A look at the clock for each, in each contestant.
            self.latencies.push(now_ns().saturating_sub(sent_ns));
            let now = Instant::now();
            self.first.get_or_insert(now);
            self.last = Some(now);
        }
        is_last && self.count > 0
    }

    /// Count, events a second, and latencies in ns: for the other process.
    fn print(&mut self) {
        let seconds = self.first.zip(self.last).map_or(0.0, |(first, last)| (last - first).as_secs_f64());
        self.latencies.sort_unstable();
        let at = |part: f64| self.latencies[((self.latencies.len() - 1) as f64 * part) as usize];
        println!("{} {} {} {} {}", self.count, self.count as f64 / seconds, at(0.5), at(0.99), at(0.999));
        *self = Self::default();
    }
}

/// The other process: receives, and answers.
async fn sink(contestant: &str, url: &str) -> Outcome<()> {
    match Contestant::ALL.into_iter().find(|one| one.name() == contestant) {
        Some(Contestant::ByHand) => sink_by_hand(url).await,
        Some(bridge) => sink_bridge(bridge.bus(), url).await,
        None => Err(contestant.into()),
    }
}

async fn sink_bridge(bus: EventBus<Load>, url: &str) -> Outcome<()> {
    let mut samples = bus.subscriber("samples").capacity(1 << 13).types([Load::SAMPLE]).subscribe();
    let mut asked = bus.subscriber("asked").types([Load::ASKED]).subscribe();
    bus.start();
    let _bridge = Bridge::builder(&bus, Postcard)
        .import([Load::SAMPLE, Load::ASKED])
        .export([Load::ANSWERED])
        .connect(url, ConnectOptions::new())
        .await?;
    tokio::spawn(async move {
        let (mut tally, mut batch) = (Tally::default(), Vec::new());
        while samples.recv_many_async(&mut batch, 1_024).await.is_ok() {
            for event in batch.drain(..) {
                if tally.take(&event) {
                    tally.print();
                }
            }
        }
    });
    println!("ready");
    while let Ok(event) = asked.recv_async().await {
        if let Load::Asked { id } = event {
            bus.publish(Load::Answered { id, by: "sink".into() }).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

async fn sink_by_hand(url: &str) -> Outcome<()> {
    let client = async_nats::connect(url).await?;
    let mut samples = client.subscribe("hand.sample").await?;
    let mut asked = client.subscribe("hand.asked").await?;
    client.flush().await?;
    tokio::spawn(async move {
        let mut tally = Tally::default();
        while let Some(message) = samples.next().await {
            let event = Postcard.decode(Load::SAMPLE, &message.payload).expect("an event");
            if tally.take(&event) {
                tally.print();
            }
        }
    });
    println!("ready");
    while let Some(message) = asked.next().await {
        let event = Postcard.decode(Load::ASKED, &message.payload).expect("an event");
        if let (Load::Asked { id }, Some(reply)) = (event, message.reply) {
            client.publish(reply, encode(&Load::Answered { id, by: "sink".into() }).into()).await?;
        }
    }
    Ok(())
}

fn encode(event: &Load) -> Vec<u8> {
    let mut bytes = Vec::new();
    Postcard.encode(event, &mut bytes).expect("an event");
    bytes
}

/// The other process, which ends with this.
struct Sink {
    child: Child,
    lines: Receiver<String>,
}

impl Sink {
    fn start(contestant: Contestant, url: &str) -> Outcome<Self> {
        let mut child =
            Command::new(env::current_exe()?).args(["sink", contestant.name(), url]).stdout(Stdio::piped()).spawn()?;
        let out: ChildStdout = child.stdout.take().expect("it is piped");
        let (to, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if to.send(line).is_err() {
                    break;
                }
            }
        });
        let sink = Self { child, lines };
        assert_eq!(sink.lines.recv_timeout(PATIENCE)?, "ready");
        Ok(sink)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The near process: publishes, and asks.
enum Source {
    Bridge { bus: EventBus<Load>, publisher: Publisher<Load>, bridge: Bridge<Load> },
    ByHand(async_nats::Client),
}

/// What came of a turn.
struct Turn {
    sent: u64,
    count: f64,
    rate: f64,
    latencies: [f64; 3],
}

impl Source {
    async fn start(contestant: Contestant, url: &str) -> Outcome<Self> {
        Ok(match contestant {
            Contestant::Bridge | Contestant::BridgeWithLanes => {
                let bus = contestant.bus();
                bus.start();
                let bridge = Bridge::builder(&bus, Postcard)
                    .export([Load::SAMPLE, Load::ASKED])
                    .import([Load::ANSWERED])
                    .capacity(1 << 12)
                    .connect(url, ConnectOptions::new())
                    .await?;
                Self::Bridge { publisher: bus.publisher(), bus, bridge }
            }
            Contestant::ByHand => Self::ByHand(async_nats::connect(url).await?),
        })
    }

    /// Sends one, and waits until there is room for it.
    async fn send(&mut self, event: impl Fn() -> Load) -> Outcome<()> {
        match self {
            Self::Bridge { publisher, .. } => {
                while publisher.publish(event()).map_err(|error| error.to_string())?.dropped > 0 {
                    // The ring is full, and lasts for longer than that.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            Self::ByHand(client) => client.publish("hand.sample", encode(&event()).into()).await?,
        }
        Ok(())
    }

    /// Sends until it is time, at that pace or at full speed, and asks the sink what it has got.
    async fn turn(&mut self, sink: &Sink, size: usize, pace: Option<(u32, u32)>) -> Outcome<Turn> {
        // So that an event has that size in all.
        let padding: Arc<str> = "x".repeat(size - 12).into();
        let sample = |is_last| Load::Sample { sent_ns: now_ns(), is_last, padding: Arc::clone(&padding) };
        let begun = Instant::now();
        let mut sent = 0;
        loop {
            match pace {
                Some((rate, count)) if sent < u64::from(count) => {
                    let due = begun + Duration::from_secs(1) * sent as u32 / rate;
                    while Instant::now() < due {
                        tokio::time::sleep(due.saturating_duration_since(Instant::now())).await;
                    }
                }
                None if begun.elapsed() < FULL_SPEED => {}
                _ => break,
            }
            self.send(|| sample(false)).await?;
            sent += 1;
        }
        let line = loop {
            self.send(|| sample(true)).await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
            if let Ok(line) = sink.lines.try_recv() {
                break line;
            }
        };
        let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let [count, rate, p50, p99, p999] = numbers[..] else { return Err(line.into()) };
        Ok(Turn { sent, count, rate, latencies: [p50, p99, p999] })
    }

    /// Asks once, and waits for the answer.
    async fn ask(&self) -> Outcome<()> {
        let id = RequestId::unique();
        match self {
            Self::Bridge { bus, .. } => {
                let options = RequestOptions::expecting(["sink"]);
                let gather = bus.request(Load::Asked { id }, options).map_err(|error| error.to_string())?;
                gather.await.map_err(|error| error.to_string())?;
            }
            Self::ByHand(client) => {
                let answer = client.request("hand.asked", encode(&Load::Asked { id }).into()).await?;
                Postcard.decode(Load::ANSWERED, &answer.payload).map(drop::<Load>)?;
            }
        }
        Ok(())
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The median, and from where to where.
fn spread(values: &[f64]) -> String {
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), &value| (low.min(value), high.max(value)));
    format!("{:.2} ({low:.2}–{high:.2})", median(values))
}

fn ratios(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect()
}

async fn between_processes(url: &str) -> Outcome<()> {
    let contestants = Contestant::ALL;
    println!("| between two processes | bridge | with lanes | by hand | bridge / by hand | with lanes / by hand |");
    println!("|---|---|---|---|---|---|");
    let line = |what: &str, unit: &str, [bridge, lanes, by_hand]: [&Vec<f64>; 3]| {
        let [one, two, three] = [bridge, lanes, by_hand].map(|values| format!("{:.0}{unit}", median(values)));
        let [arrays, lanes] = [bridge, lanes].map(|values| spread(&ratios(values, by_hand)));
        println!("| {what} | {one} | {two} | {three} | {arrays} | {lanes} |");
    };
    for size in [64, 1_024] {
        let mut rates = [const { Vec::new() }; 3];
        let mut latencies = [const { [const { Vec::new() }; 3] }; 3];
        let mut lost = [0.0; 3];
        for _ in 0..TURNS {
            for (place, contestant) in contestants.into_iter().enumerate() {
                let (sink, mut source) = (Sink::start(contestant, url)?, Source::start(contestant, url).await?);
                let paced = source.turn(&sink, size, Some(PACE)).await?;
                for (all, latency) in latencies[place].iter_mut().zip(paced.latencies) {
                    all.push(latency / 1_000.0);
                }
                let full = source.turn(&sink, size, None).await?;
                rates[place].push(full.rate / 1_000.0);
                lost[place] += (full.sent as f64 - full.count) / TURNS as f64;
                if let Source::Bridge { bridge, .. } = &source {
                    assert_eq!(bridge.stats().export.expired, 0, "the connection broke");
                }
            }
        }
        line(&format!("thousand events/s received, {size} B"), "", rates.each_ref());
        println!("| lost at that speed, {size} B | {:.0} | {:.0} | {:.0} | | |", lost[0], lost[1], lost[2]);
        for (which, name) in ["median", "p99", "p99.9"].into_iter().enumerate() {
            let values = latencies.each_ref().map(|all| &all[which]);
            line(&format!("one-way latency, {name}, {size} B"), " µs", values);
        }
    }
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..TURNS {
        for (place, contestant) in contestants.into_iter().enumerate() {
            let (_sink, source) = (Sink::start(contestant, url)?, Source::start(contestant, url).await?);
            let mut took = Vec::with_capacity(REQUESTS);
            for _ in 0..REQUESTS {
                let begun = Instant::now();
                source.ask().await?;
                took.push(begun.elapsed().as_secs_f64() * 1e6);
            }
            times[place].push(median(&took));
        }
    }
    line("request and answer, median", " µs", times.each_ref());
    Ok(())
}

/// How long a publish takes if whoever receives it has time to park in between, in ns: the median.
fn publish(bus: &EventBus<Load>) -> Outcome<f64> {
    let padding: Arc<str> = "x".repeat(52).into();
    let mut publisher = bus.publisher();
    let mut took = Vec::with_capacity(PUBLISHES);
    for _ in 0..PUBLISHES {
        let event = Load::Sample { sent_ns: 0, is_last: false, padding: Arc::clone(&padding) };
        let begun = Instant::now();
        publisher.publish(event).map_err(|error| error.to_string())?;
        took.push(begun.elapsed().as_secs_f64() * 1e9);
        // Not asleep: a processor that wakes up would be measured.
        while begun.elapsed() < Duration::from_micros(500) {
            std::hint::spin_loop();
        }
    }
    Ok(median(&took))
}

async fn local_publish(url: &str) -> Outcome<()> {
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..TURNS {
        for (place, times) in times.iter_mut().enumerate() {
            let bus: EventBus<Load> = EventBus::new(0);
            bus.start();
            let mut bridge = None;
            match place {
                0 => {}
                1 => {
                    let mut subscription = bus.subscriber("parked").types([Load::SAMPLE]).capacity(1 << 14).subscribe();
                    tokio::spawn(async move { while subscription.recv_async().await.is_ok() {} });
                }
                _ => {
                    let linger = Duration::from_millis(if place == 2 { 0 } else { 1 });
                    let builder = Bridge::builder(&bus, Postcard).export([Load::SAMPLE]).capacity(1 << 14);
                    bridge = Some(builder.linger(linger).connect(url, ConnectOptions::new()).await?);
                }
            }
            let publishing = std::thread::spawn(move || publish(&bus).map_err(|error| error.to_string()));
            times.push(tokio::task::spawn_blocking(|| publishing.join().expect("no panic")).await??);
            drop(bridge);
        }
    }
    println!("\n| a local publish, median | ns | / one parked subscriber, median (from–to) |");
    println!("|---|---|---|");
    let names = ["nobody subscribes", "one parked subscriber", "a bridge", "a bridge that lingers for 1 ms"];
    for (name, values) in names.iter().zip(&times) {
        println!("| {name} | {:.0} | {} |", median(values), spread(&ratios(values, &times[1])));
    }
    Ok(())
}

/// How much of what a bridge sends at full speed has a stream when all is sent, and in the end?
async fn recording() -> Outcome<()> {
    let folder = env::temp_dir().join(format!("ringbus-nats-recording-{}", std::process::id()));
    println!("\n| sent | events/s | recorded when the last was sent | recorded in the end | after |");
    println!("|---|---|---|---|---|");
    for size in [64, 1_024] {
        let store = folder.to_str().ok_or("a folder whose name is no UTF-8")?;
        let server = server::Server::start_with(&server::program(), &["-js", "-sd", store]);
        let client = async_nats::connect(server.url()).await?;
        let ask = async |what: &str, body: Value| -> Outcome<Value> {
            let answer = client.request(format!("$JS.API.{what}"), body.to_string().into()).await?;
            Ok(serde_json::from_slice(&answer.payload)?)
        };
        let subject = format!("ringbus.all.{}", Load::SAMPLE);
        ask("STREAM.CREATE.RECORD", json!({ "name": "RECORD", "subjects": [subject], "storage": "file" })).await?;
        let recorded = async || -> Outcome<u64> {
            let info = ask("STREAM.INFO.RECORD", json!({})).await?;
            info["state"]["messages"].as_u64().ok_or_else(|| info.to_string().into())
        };

        let mut source = Source::start(Contestant::Bridge, &server.url()).await?;
        let padding: Arc<str> = "x".repeat(size - 12).into();
        let (begun, mut published) = (Instant::now(), 0);
        while begun.elapsed() < FULL_SPEED {
            source.send(|| Load::Sample { sent_ns: now_ns(), is_last: false, padding: Arc::clone(&padding) }).await?;
            published += 1;
        }
        let Source::Bridge { bridge, .. } = &source else { return Err("it is a bridge".into()) };
        while bridge.stats().export.sent < published {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        client.flush().await?;
        let (sent, at_once) = (begun.elapsed(), recorded().await?);
        let (mut at_last, mut settled) = (at_once, sent);
        // All are there, or none has come for a second.
        while at_last < published && begun.elapsed() - settled < Duration::from_secs(1) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = recorded().await?;
            if now > at_last {
                (at_last, settled) = (now, begun.elapsed());
            }
        }
        let (rate, after) = (published as f64 / sent.as_secs_f64(), (settled - sent).as_secs_f64());
        println!("| {published} of {size} B | {rate:.0} | {at_once} | {at_last} | {after:.2} s |");
        drop(server);
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [role, contestant, url] = &arguments[..]
        && role == "sink"
    {
        return sink(contestant, url).await;
    }
    let is_asked = |part| arguments.is_empty() || arguments == [part];
    let server = server::Server::start();
    if is_asked("processes") {
        between_processes(&server.url()).await?;
    }
    if is_asked("publish") {
        local_publish(&server.url()).await?;
    }
    if is_asked("recording") {
        recording().await?;
    }
    Ok(())
}
