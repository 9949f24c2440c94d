//! How do I decide something with processes elsewhere? A controller proposes roll-outs, validators
//! in two other processes say yes or no, and one of them is killed on the way.
//!
//! `cargo run --example fleet` starts a server on loopback (that of `ci/setup.sh`, or
//! `NATS_SERVER`) and the validators' processes, first for a bus of an enum, then for one of
//! [`DynEvent`](ringbus::DynEvent).

mod closed;
mod open;
#[path = "../../tests/harness/server.rs"]
#[allow(dead_code)]
mod server;

use ringbus::{Event, EventBus, EventType, RequestId, RequestOptions};
use ringbus_nats::async_nats::ConnectOptions;
use ringbus_nats::{Bridge, Codec};
use serde::{Deserialize, Serialize};
use std::env;
use std::error::Error;
use std::process::{Child, Command};
use std::time::Duration;

/// How long anything may take before this gives up.
const PATIENCE: Duration = Duration::from_secs(30);

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What is to be rolled out.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Rollout {
    version: u32,
    replicas: u32,
}

/// What the processes say to each other. An enum says it, and so do events of several Rust types.
pub(crate) trait Words: Event + Clone {
    /// For the command line of a validator.
    const NAME: &str;
    const READY: EventType;
    const PROPOSED: EventType;
    const VERDICT: EventType;

    fn codec() -> impl Codec<Self>;
    fn ready(validator: &str) -> Self;
    fn proposed(id: RequestId, rollout: Rollout) -> Self;
    fn verdict(on: RequestId, by: &str, refusal: Option<&str>) -> Self;

    fn as_ready(&self) -> Option<&str>;
    fn as_proposed(&self) -> Option<Rollout>;
    fn refusal(&self) -> Option<&str>;
}

/// One validator's opinion.
fn refusal(validator: &str, rollout: Rollout) -> Option<&'static str> {
    match validator {
        "capacity" if rollout.replicas > 10 => Some("there is room for 10"),
        "policy" if rollout.version == 13 => Some("not that number"),
        _ => None,
    }
}

/// A process that validates, until it is killed.
async fn validate<E: Words>(name: &'static str, url: &str) -> Outcome<()> {
    let bus: EventBus<E> = EventBus::new(0);
    let mut proposals = bus.subscriber(name).types([E::PROPOSED]).subscribe();
    bus.start();
    let _bridge = Bridge::builder(&bus, E::codec())
        .prefix("fleet")
        .name(name)
        .import([E::PROPOSED])
        .export([E::READY, E::VERDICT])
        .connect(url, ConnectOptions::new())
        .await?;
    bus.publish(E::ready(name)).map_err(|error| error.to_string())?;
    while let Ok(event) = proposals.recv_async().await {
        if let (Some(request), Some(rollout)) = (event.as_request(), event.as_proposed()) {
            let verdict = E::verdict(request.request_id(), name, refusal(name, rollout));
            bus.publish(verdict).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

/// The process that decides.
struct Controller<E: Words> {
    bus: EventBus<E>,
    bridge: Bridge<E>,
    url: String,
}

/// A validator's process, which ends with this.
struct Validator(Child);

impl Drop for Validator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl<E: Words> Controller<E> {
    async fn start(url: &str) -> Outcome<Self> {
        let bus: EventBus<E> = EventBus::new(0);
        bus.start();
        let bridge = Bridge::builder(&bus, E::codec())
            .prefix("fleet")
            .name("controller")
            .export([E::PROPOSED])
            .import([E::READY, E::VERDICT])
            .connect(url, ConnectOptions::new())
            .await?;
        Ok(Self { bus, bridge, url: url.into() })
    }

    /// Starts a validator, and waits until it says that it is there.
    async fn validator(&self, name: &str) -> Outcome<Validator> {
        let mut arrivals = self.bus.subscriber("arrivals").types([E::READY]).subscribe();
        let child = Command::new(env::current_exe()?).args(["validate", name, E::NAME, &self.url]).spawn()?;
        let child = Validator(child);
        let arrival = tokio::time::timeout(PATIENCE, async {
            loop {
                let event = arrivals.recv_async().await?;
                if event.as_ready() == Some(name) {
                    return Ok::<(), Box<dyn Error>>(());
                }
            }
        });
        arrival.await??;
        Ok(child)
    }

    /// Asks both validators, and says what came of it.
    async fn roll_out(&self, version: u32, replicas: u32) -> Outcome<String> {
        let options = RequestOptions::expecting(["capacity", "policy"]).timeout(Duration::from_secs(2));
        let proposal = E::proposed(RequestId::unique(), Rollout { version, replicas });
        // Nobody here takes the request, but the bridge does.
        let gather = self.bus.request(proposal, options).map_err(|error| error.to_string())?;
        let what = format!("version {version} with {replicas} replicas");
        Ok(match gather.await {
            Ok(result) => {
                let refusals = result.responses.iter().filter_map(|response| {
                    Some(format!("{}: {}", response.as_response()?.responder(), response.refusal()?))
                });
                match refusals.collect::<Vec<_>>() {
                    none if none.is_empty() => format!("{what}: applied"),
                    refusals => format!("{what}: refused, {}", refusals.join("; ")),
                }
            }
            Err(error) => format!("{what}: not applied, {}", error.partial().errors().join("; ")),
        })
    }
}

async fn control<E: Words>(url: &str) -> Outcome<()> {
    println!("\n{}:", E::NAME);
    let controller = Controller::<E>::start(url).await?;
    let (_capacity, policy) = (controller.validator("capacity").await?, controller.validator("policy").await?);
    println!("{}", controller.roll_out(1, 3).await?);
    println!("{}", controller.roll_out(2, 30).await?);
    drop(policy); // SIGKILL
    println!("{}", controller.roll_out(3, 3).await?);
    let _policy = controller.validator("policy").await?;
    println!("{}", controller.roll_out(3, 3).await?);
    let report = controller.bridge.shutdown(Duration::from_secs(5)).await;
    let (sent, is_complete) = (report.stats.export.sent, report.is_complete);
    println!("{sent} events sent, {}", if is_complete { "all with the server" } else { "not all with the server" });
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["validate", name, words, url] => {
            let name = if name == "capacity" { "capacity" } else { "policy" };
            match words {
                closed::Fleet::NAME => validate::<closed::Fleet>(name, url).await,
                _ => validate::<ringbus::DynEvent>(name, url).await,
            }
        }
        _ => {
            let server = server::Server::start();
            println!("a server at {}", server.url());
            control::<closed::Fleet>(&server.url()).await?;
            control::<ringbus::DynEvent>(&server.url()).await
        }
    }
}
