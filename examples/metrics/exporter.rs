//! A page of statistics for Prometheus, in its text format (OpenMetrics 1.0), by HTTP.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use ringbus::{BusStats, Event, SubscriberStats, WeakEventBus};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use tiny_http::{Header, Method, Request, Response, Server};

/// Serves `/metrics` from a thread of its own, until it is dropped.
pub struct Exporter {
    server: Arc<Server>,
    address: SocketAddr,
    /// `None` only while it is dropped.
    thread: Option<JoinHandle<()>>,
}

impl Exporter {
    /// Listens on `address`; its port 0 is any that is free. Does not keep the bus open: when it
    /// has gone, the page is empty.
    ///
    /// # Errors
    ///
    /// If it cannot listen there.
    pub fn start<E>(address: &str, bus: WeakEventBus<E>) -> Result<Self, Box<dyn Error + Send + Sync>>
    where
        E: Event + Clone,
    {
        let server = Arc::new(Server::http(address)?);
        let address = server.server_addr().to_ip().ok_or("not an address of the internet protocol")?;
        let mut registry = Registry::default();
        registry.register_collector(Box::new(BusCollector(bus)));
        let thread = thread::spawn({
            let server = Arc::clone(&server);
            move || {
                for request in server.incoming_requests() {
                    // Somebody who has gone meanwhile gets no answer.
                    let _ = answer(request, &registry);
                }
            }
        });
        Ok(Self { server, address, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.server.unblock();
        if let Some(thread) = self.thread.take() {
            // If it has panicked, it has said so.
            let _ = thread.join();
        }
    }
}

fn answer(request: Request, registry: &Registry) -> std::io::Result<()> {
    if request.url() != "/metrics" {
        return request.respond(Response::from_string("only /metrics is here\n").with_status_code(404));
    }
    if !matches!(request.method(), Method::Get | Method::Head) {
        return request.respond(Response::from_string("only to be read\n").with_status_code(405));
    }
    let mut page = String::new();
    if text::encode(&mut page, registry).is_err() {
        return request.respond(Response::from_string("a number is too large\n").with_status_code(500));
    }
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let header = Header::from_bytes("Content-Type", content_type).expect("it is ASCII");
    request.respond(Response::from_string(page).with_header(header))
}

/// Looks at the statistics each time somebody asks.
struct BusCollector<E>(WeakEventBus<E>);

impl<E> fmt::Debug for BusCollector<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BusCollector").field(&self.0).finish()
    }
}

/// A number of the bus: its name, what it is, and which one.
type Total = (&'static str, &'static str, fn(&BusStats) -> u64);

const COUNTERS: [Total; 7] = [
    ("published", "Events accepted", |it| it.published),
    ("delivered", "Deliveries into a ring", |it| it.delivered),
    ("dropped", "Deliveries that failed", |it| it.dropped),
    ("buffered", "Events accepted before the start", |it| it.buffered),
    ("unclaimed", "Events accepted before the start that nobody will receive", |it| it.unclaimed),
    ("startup_rejected", "Events refused because the start-up buffer was full", |it| it.startup_rejected),
    ("late_responses", "Responses that no request waited for", |it| it.late_responses),
];

const GAUGES: [Total; 2] = [
    ("requests_in_flight", "Requests under way", |it| it.requests_in_flight),
    ("subscribers", "Present subscribers", |it| it.subscribers.len() as u64),
];

/// What is counted of subscribers, too.
type Part = (&'static str, &'static str, fn(&SubscriberStats) -> u64);

const SUBSCRIBER_COUNTERS: [Part; 5] = [
    ("received", "Events received", |it| it.received),
    ("dropped", "Events lost because the ring was full, or user code panicked", |it| it.dropped),
    ("evicted", "Events that made room for newer ones", |it| it.evicted),
    ("filtered", "Events that the filter refused", |it| it.filtered),
    ("discarded", "Events that nobody will receive", |it| it.discarded),
];

const SUBSCRIBER_GAUGES: [Part; 5] = [
    ("queued", "Events in the ring", |it| it.len as u64),
    ("capacity", "Events that the ring can hold", |it| it.capacity as u64),
    ("high_water", "Highest fill of the ring", |it| it.high_water as u64),
    ("unread_replay", "Events of the replay that are still to be looked at", |it| it.unread_replay as u64),
    ("lagging", "Whether it has lost events and not caught up since", |it| u64::from(it.lagging)),
];

impl<E: Event + Clone> Collector for BusCollector<E> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(bus) = self.0.upgrade() else { return Ok(()) };
        let stats = bus.stats();
        for (name, help, count) in COUNTERS {
            let metric = ConstCounter::new(count(&stats));
            metric.encode(encoder.encode_descriptor(
                &format!("ringbus_{name}"),
                help,
                None,
                metric.metric_type(),
            )?)?;
        }
        for (name, help, count) in GAUGES {
            let metric = ConstGauge::new(count(&stats));
            metric.encode(encoder.encode_descriptor(
                &format!("ringbus_{name}"),
                help,
                None,
                metric.metric_type(),
            )?)?;
        }
        for part in SUBSCRIBER_COUNTERS {
            encode_part(&mut encoder, part, &stats.subscribers, ConstCounter::new)?;
        }
        for part in SUBSCRIBER_GAUGES {
            encode_part(&mut encoder, part, &stats.subscribers, ConstGauge::new)?;
        }
        Ok(())
    }
}

/// Encodes a number of each subscriber, by name. A page must not say two things of one name, so
/// subscribers that share theirs are added up: the sum says how much was lost, or how many lag.
fn encode_part<M: EncodeMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help, count): Part,
    subscribers: &[SubscriberStats],
    metric: impl Fn(u64) -> M,
) -> fmt::Result {
    let mut sums = BTreeMap::<&str, u64>::new();
    for subscriber in subscribers {
        *sums.entry(&subscriber.name).or_default() += count(subscriber);
    }
    let name = format!("ringbus_subscriber_{name}");
    let mut family = encoder.encode_descriptor(&name, help, None, metric(0).metric_type())?;
    for (subscriber, sum) in sums {
        metric(sum).encode(family.encode_family(&[("subscriber", escape(subscriber))])?)?;
    }
    Ok(())
}

/// The value of a label as it is written between quotes, which the encoder leaves to us.
fn escape(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}
