//! The example `metrics`: what Prometheus reads is what the bus has counted.

mod common;
#[path = "../examples/metrics/exporter.rs"]
mod exporter;

use common::{EVEN, Number, ODD, finishes, publish};
use exporter::Exporter;
use ringbus::{BusStats, EventBus, Overflow};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

/// Asks the exporter, and gives the lines of the head and the body.
fn ask(exporter: &Exporter, request: &str) -> (Vec<String>, String) {
    let mut stream = TcpStream::connect(exporter.address()).unwrap();
    write!(stream, "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().map(str::to_owned).collect(), body.to_owned())
}

/// What a page says: the type of each metric, and the value of each sample.
#[derive(Debug, Default, PartialEq)]
struct Page {
    types: BTreeMap<String, String>,
    samples: BTreeMap<String, u64>,
}

impl Page {
    fn scrape(exporter: &Exporter) -> Self {
        let (head, body) = ask(exporter, "GET /metrics");
        assert_eq!(head[0], "HTTP/1.1 200 OK");
        let content_type = "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert!(head.iter().any(|line| line == content_type), "{head:?}");
        let mut page = Self::default();
        let mut lines = body.lines().peekable();
        while let Some(line) = lines.next() {
            if let Some(of_metric) = line.strip_prefix("# TYPE ") {
                let (name, kind) = of_metric.split_once(' ').unwrap();
                assert_eq!(page.types.insert(name.to_owned(), kind.to_owned()), None, "one type a metric");
            } else if line == "# EOF" {
                assert_eq!(lines.peek(), None);
            } else if !line.starts_with("# HELP ") {
                let (name, value) = line.rsplit_once(' ').unwrap();
                assert_eq!(page.samples.insert(name.to_owned(), value.parse().unwrap()), None, "one sample a name");
            }
        }
        page
    }

    /// The page about a bus that has counted `stats`, and whose subscribers have these labels.
    fn of(stats: &BusStats, labels: &[&str]) -> Self {
        let mut page = Self::default();
        for (name, value) in [
            ("published", stats.published),
            ("delivered", stats.delivered),
            ("dropped", stats.dropped),
            ("buffered", stats.buffered),
            ("unclaimed", stats.unclaimed),
            ("startup_rejected", stats.startup_rejected),
            ("late_responses", stats.late_responses),
        ] {
            page.add("counter", name, "", value);
        }
        page.add("gauge", "requests_in_flight", "", stats.requests_in_flight);
        page.add("gauge", "subscribers", "", labels.len() as u64);
        for (label, it) in labels.iter().zip(&stats.subscribers) {
            let label = format!("{{subscriber=\"{label}\"}}");
            for (name, value) in [
                ("received", it.received),
                ("dropped", it.dropped),
                ("evicted", it.evicted),
                ("filtered", it.filtered),
                ("discarded", it.discarded),
            ] {
                page.add("counter", &format!("subscriber_{name}"), &label, value);
            }
            for (name, value) in [
                ("queued", it.len as u64),
                ("capacity", it.capacity as u64),
                ("high_water", it.high_water as u64),
                ("unread_replay", it.unread_replay as u64),
                ("lagging", it.lagging.into()),
            ] {
                page.add("gauge", &format!("subscriber_{name}"), &label, value);
            }
        }
        page
    }

    fn add(&mut self, kind: &str, name: &str, label: &str, value: u64) {
        let suffix = if kind == "counter" { "_total" } else { "" };
        self.types.insert(format!("ringbus_{name}"), kind.to_owned());
        self.samples.insert(format!("ringbus_{name}{suffix}{label}"), value);
    }
}

/// API, section 2: the page has each number of the bus and of each subscriber, of the right type,
/// as it is at that moment.
#[test]
fn page_has_the_statistics_of_the_moment() {
    let bus = EventBus::new(2);
    let exporter = Exporter::start("127.0.0.1:0", bus.downgrade()).unwrap();
    let reader = bus.subscriber("reader").types([EVEN, ODD]).subscribe();
    let _evicting = bus.subscriber("evicting").capacity(3).overflow(Overflow::DropOldest).subscribe();
    let _odd = bus.subscriber("a \"quoted\"\n\\name").capacity(1).filter(|it: &Number| it.0 > 2).subscribe();
    let _hook = bus.on_lag(|_| {});
    let labels = ["reader", "evicting", r#"a \"quoted\"\n\\name"#];
    publish(&bus, 0..2);
    assert!(bus.publish(Number(2)).is_err());
    assert_eq!(Page::scrape(&exporter), Page::of(&bus.stats(), &labels));

    bus.start();
    publish(&bus, 0..5);
    assert_eq!(reader.try_iter().count(), 7);
    let page = Page::scrape(&exporter);
    assert_eq!(page, Page::of(&bus.stats(), &labels));
    // Not all of it is 0.
    for (name, value) in [
        ("published_total", 7),
        ("startup_rejected_total", 1),
        ("subscriber_received_total{subscriber=\"reader\"}", 7),
        ("subscriber_evicted_total{subscriber=\"evicting\"}", 2),
        ("subscriber_unread_replay{subscriber=\"evicting\"}", 2),
        ("subscriber_lagging{subscriber=\"evicting\"}", 1),
    ] {
        assert_eq!(page.samples[&format!("ringbus_{name}")], value, "{name}");
    }
}

/// Subscribers of one name are one sample, and a page whose bus has gone is empty.
#[test]
fn page_is_well_formed_whoever_is_there() {
    let bus = EventBus::new(0);
    let exporter = Exporter::start("127.0.0.1:0", bus.downgrade()).unwrap();
    assert_eq!(Page::scrape(&exporter).samples["ringbus_subscribers"], 0);
    let twins = [2, 3].map(|capacity| bus.subscriber("twin").capacity(capacity).subscribe());
    bus.start();
    publish(&bus, 0..1);
    let page = Page::scrape(&exporter);
    assert_eq!(page.samples["ringbus_subscribers"], 2);
    assert_eq!(page.samples["ringbus_subscriber_capacity{subscriber=\"twin\"}"], 5);
    assert_eq!(page.samples["ringbus_subscriber_queued{subscriber=\"twin\"}"], 2);
    drop((bus, twins));
    assert_eq!(Page::scrape(&exporter), Page::default());
}

/// Nothing else is served, and the exporter ends when it is dropped.
#[test]
fn only_the_page_is_served() {
    let bus = EventBus::<Number>::new(0);
    let exporter = Exporter::start("127.0.0.1:0", bus.downgrade()).unwrap();
    assert_eq!(ask(&exporter, "GET /").0[0], "HTTP/1.1 404 Not Found");
    assert_eq!(ask(&exporter, "DELETE /metrics").0[0], "HTTP/1.1 405 Method Not Allowed");
    let (head, body) = ask(&exporter, "HEAD /metrics");
    assert_eq!((head[0].as_str(), body.as_str()), ("HTTP/1.1 200 OK", ""));
    finishes(move || drop(exporter));
}
