//! What goes from bus to bus when nothing goes wrong.

mod harness;

use futures_util::StreamExt;
use futures_util::future::poll_immediate;
use harness::server::Server;
use harness::{Beat, Node, OLD, TICK, TOCK, burst, new_bus, publish, rise, until};
use ringbus::EventBus;
use ringbus_nats::async_nats::ConnectOptions;
use ringbus_nats::{Bridge, BridgeState, ConnectError, Json, Tail, WhileDisconnected, async_nats};
use std::pin::pin;
use std::time::{Duration, Instant, SystemTime};
use tokio::task::yield_now;
use tokio::time::timeout;

/// B2, B3.
#[tokio::test(flavor = "multi_thread")]
async fn events_of_one_process_arrive_in_another_in_order_and_once() {
    let server = Server::start();
    let here = Node::ticking(&server.url()).await;
    let there = Node::listening(&server.url()).await;
    burst(&here.bus, 1_000);
    there.until_settled_with(&here, 1_000).await;
    let heard = there.origin(here.id()).expect("it was heard");
    println!("{}\n{}", here.stats(), there.stats());
    assert_eq!((heard.published, heard.gap, heard.before_join), (1_000, 0, 0));
    until("all were received", || there.received.ticks().len() == 1_000).await;
    assert!(rise(&there.received.ticks()));
    assert_eq!(here.bridge.state(), BridgeState::Connected);

    let report = here.bridge.shutdown(Duration::from_secs(10)).await;
    assert!(report.is_complete, "{report}");
    assert_eq!(report.stats.state, BridgeState::Ended);
    let id = report.stats.node;
    until("the farewell was heard", || there.origin(id).is_some_and(|origin| origin.tail == Tail::Complete)).await;
}

/// B4: what comes in does not go out again, and both sides publish.
#[tokio::test(flavor = "multi_thread")]
async fn imported_events_are_not_exported() {
    let server = Server::start();
    let both = |builder: ringbus_nats::BridgeBuilder<Beat, Json>| builder.export([TICK]).import([TICK]);
    let here = Node::start(&server.url(), Json, both).await;
    let there = Node::start(&server.url(), Json, both).await;
    // Publishes a tick of its own within the publish of each tick that is imported.
    let echoing = there.bus.downgrade();
    let _echo = there
        .bus
        .subscriber("echo")
        .filter(move |beat| {
            if beat.number < 1_000_000
                && ringbus_nats::origin().is_some()
                && let Some(bus) = echoing.upgrade()
            {
                publish(&bus, Beat::tick(1_000_000 + beat.number)).expect("the bus is open");
            }
            false
        })
        .subscribe();
    burst(&here.bus, 500);
    there.until_settled_with(&here, 500).await;
    here.until_settled_with(&there, 500).await;
    let heard = here.origin(there.id()).expect("it was heard");
    assert_eq!((heard.published, there.stats().export.sent), (500, 500), "the ones made in the filter, and no others");
    until("all were received", || here.received.ticks().len() == 1_000).await;
    let answers: Vec<_> = here.received.ticks().into_iter().filter(|&number| number >= 1_000_000).collect();
    assert_eq!(answers, (1_000_000..1_000_500).collect::<Vec<_>>());
}

/// B4: whoever publishes a retained event may hand on another's, so imported ones cannot be told.
#[tokio::test(flavor = "multi_thread")]
async fn retained_type_is_exported_or_imported_and_not_both() {
    let server = Server::start();
    let retaining = || {
        let bus = EventBus::builder().ring(harness::ring()).retain([TICK]).build();
        bus.start();
        bus
    };
    let builder = Bridge::builder(&retaining(), Json).prefix("test").export([TICK, TOCK]).import([TICK]);
    let error = builder.connect(server.url(), ConnectOptions::new()).await.expect_err("it would echo");
    assert!(matches!(error, ConnectError::Retained { event_type } if event_type == TICK), "{error}");

    // From before the bridge: it stays here.
    let bus = retaining();
    publish(&bus, Beat::tick(0)).expect("the bus is open");
    let here = Node::on(bus, &server.url(), Json, ConnectOptions::new(), |builder| builder.export([TICK])).await;
    let there = retaining();
    let there = Node::on(there, &server.url(), Json, ConnectOptions::new(), |builder| builder.import([TICK])).await;
    publish(&here.bus, Beat::tick(1)).expect("the bus is open");
    there.until_settled_with(&here, 1).await;
    assert_eq!(here.stats().export.offered, 1);
    until("it is retained there", || there.bus.retained(TICK).is_some_and(|beat| beat.number == 1)).await;
}

/// B6.
#[tokio::test(flavor = "multi_thread")]
async fn events_from_before_the_start_are_exported_and_imports_wait_for_it() {
    let server = Server::start();
    let options = ringbus_nats::async_nats::ConnectOptions::new;
    let bus = new_bus(100);
    burst(&bus, 100);
    let export = |builder: ringbus_nats::BridgeBuilder<Beat, Json>| builder.export([TICK]).import([TOCK]).capacity(8);
    let here = Node::on(bus, &server.url(), Json, options(), export).await;
    let there = Node::start(&server.url(), Json, |builder| builder.import([TICK]).export([TOCK])).await;
    for number in 0..50 {
        publish(&there.bus, Beat::tock(number)).expect("the bus is open");
    }
    let sent = there.bridge.shutdown(Duration::from_secs(10)).await;
    assert!(sent.is_complete && sent.stats.export.sent == 50, "{sent}");

    assert!(here.received.tocks().is_empty(), "the start-up log is full, and they do not need it");
    let there = Node::listening(&server.url()).await;
    assert_eq!(here.bus.start(), 100);
    there.until_settled_with(&here, 100).await;
    until("all were received", || there.received.ticks().len() == 100 && here.received.tocks().len() == 50).await;
    assert!(rise(&there.received.ticks()) && rise(&here.received.tocks()));
    assert_eq!(here.stats().export.sent, 100);
}

/// Types that nobody exports or imports stay where they are, and are counted.
#[tokio::test(flavor = "multi_thread")]
async fn only_the_types_that_were_asked_for_cross() {
    let server = Server::start();
    let here = Node::start(&server.url(), Json, |builder| builder.export([TICK, TOCK])).await;
    let there = Node::listening(&server.url()).await;
    for number in 0..10 {
        publish(&here.bus, Beat::tick(number)).expect("the bus is open");
        publish(&here.bus, Beat::tock(number)).expect("the bus is open");
    }
    there.until_settled_with(&here, 20).await;
    let heard = there.origin(here.id()).expect("it was heard");
    assert_eq!((heard.received, heard.published, heard.skipped), (20, 10, 10));
    assert!(there.received.tocks().is_empty());
}

/// The bridge keeps nothing open, and what is left goes out.
#[tokio::test(flavor = "multi_thread")]
async fn bridge_ends_with_its_bus() {
    let server = Server::start();
    let here = Node::start(&server.url(), Json, |builder| builder.export([TICK]).import([TOCK])).await;
    let there = Node::listening(&server.url()).await;
    burst(&here.bus, 100);
    let Node { bus, bridge, .. } = here;
    drop(bus); // the last one
    until("the bridge has ended", || bridge.state() == BridgeState::Ended).await;
    assert_eq!(bridge.stats().export.sent, 100);
    let is_complete = || there.origin(bridge.node()).is_some_and(|origin| origin.tail == Tail::Complete);
    until("the farewell was heard", is_complete).await;
    until("all were received", || there.received.ticks().len() == 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_too_old_expire() {
    let server = Server::start();
    let build = |builder: ringbus_nats::BridgeBuilder<Beat, Json>| {
        // (A beat that is not of 1970 is of the moment in which it is asked.)
        builder.export([TICK]).max_age(Duration::from_secs(3_600))
    };
    let here = Node::start(&server.url(), Json, build).await;
    let there = Node::listening(&server.url()).await;
    for number in 0..100 {
        let padding = if number % 4 == 0 { OLD.into() } else { String::new() };
        publish(&here.bus, Beat { padding, ..Beat::tick(number) }).expect("the bus is open");
    }
    there.until_settled_with(&here, 100).await;
    assert_eq!((here.stats().export.expired, here.stats().export.sent), (25, 75));
}

/// The envelope: each message says when it was sent, also if one wait after another lies between.
#[tokio::test(flavor = "multi_thread")]
async fn messages_say_when_they_were_sent() {
    let server = Server::start();
    let client = async_nats::connect(server.url()).await.expect("connects");
    let mut messages = client.subscribe(format!("test.all.{TICK}")).await.expect("subscribes");
    client.flush().await.expect("is sent");
    let here = Node::ticking(&server.url()).await;
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    for _ in 0..40 {
        let before = now();
        burst(&here.bus, 1);
        let message = messages.next().await.expect("it is sent");
        let sent = u64::from_be_bytes(message.payload[28..36].try_into().unwrap());
        assert!((before..=now()).contains(&sent), "{before}, {sent}, {}", now());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn export_that_lingers_sends_everything() {
    let server = Server::start();
    let build =
        |builder: ringbus_nats::BridgeBuilder<Beat, Json>| builder.export([TICK]).linger(Duration::from_millis(1));
    let here = Node::start(&server.url(), Json, build).await;
    let there = Node::listening(&server.url()).await;
    for round in 0..20 {
        for number in 0..10 {
            publish(&here.bus, Beat::tick(10 * round + number)).expect("the bus is open");
        }
        until("the round has arrived", || there.received.last_tick() == Some(10 * round + 9)).await;
    }
    there.until_settled_with(&here, 200).await;
    assert!(rise(&there.received.ticks()));
}

/// What cannot be sent in time is counted.
#[tokio::test(flavor = "multi_thread")]
async fn shutdown_ends_in_time_without_a_server() {
    for mode in [WhileDisconnected::Hold, WhileDisconnected::Drop] {
        let mut server = Server::start();
        let build = |builder: ringbus_nats::BridgeBuilder<Beat, Json>| builder.export([TICK]).while_disconnected(mode);
        let here = Node::start(&server.url(), Json, build).await;
        server.kill();
        until("the exporter has noticed", || here.bridge.state() == BridgeState::Disconnected).await;
        burst(&here.bus, 500);
        let report = here.bridge.shutdown(Duration::from_millis(100)).await;
        let export = report.stats.export;
        assert!(!report.is_complete && export.balances(), "{report}");
        // The client may have room for some, and counts as the network.
        assert!(export.offered == 500 && export.sent <= 64, "{report}");
    }
}

/// Also what expires when the shutdown has begun, and a connection comes back before its end.
#[tokio::test]
async fn shutdown_that_gives_events_up_is_not_complete() {
    let mut server = Server::start();
    let here = Node::start(&server.url(), Json, |builder| builder.export([TICK])).await;
    server.kill();
    until("the exporter has noticed", || here.bridge.state() == BridgeState::Disconnected).await;
    burst(&here.bus, 500);
    let mut shutdown = pin!(here.bridge.shutdown(Duration::from_secs(60)));
    assert!(poll_immediate(&mut shutdown).await.is_none());
    // On the only thread: the export task gives up what there is, and then it waits for a server.
    for _ in 0..100 {
        yield_now().await;
    }
    server.restart();
    let report = shutdown.await;
    assert!(report.stats.export.expired > 0 && report.stats.export.balances(), "{report}");
    assert!(!report.is_complete, "{report}");
}

/// Nor does the answer of a server say what one before it has had.
#[tokio::test]
async fn shutdown_whose_connection_breaks_is_not_complete() {
    let mut server = Server::start();
    let here = Node::ticking(&server.url()).await;
    server.freeze();
    burst(&here.bus, 50);
    let mut shutdown = pin!(here.bridge.shutdown(Duration::from_secs(60)));
    // On the only thread: the export task hands over what there is, and asks.
    for _ in 0..100 {
        assert!(poll_immediate(&mut shutdown).await.is_none());
        yield_now().await;
    }
    server.kill();
    server.restart();
    let report = shutdown.await;
    assert!(report.stats.export.sent == 50 && report.stats.export.balances(), "{report}");
    assert!(!report.is_complete, "{report}");
}

/// A shutdown that begins while the export ends with its bus has its own time.
#[tokio::test]
async fn shutdown_behind_a_close_ends_in_time() {
    let server = Server::start();
    let here = Node::ticking(&server.url()).await;
    server.freeze();
    here.bus.close();
    // On the only thread: the export task comes to its end, which without a shutdown takes 5 s.
    for _ in 0..100 {
        yield_now().await;
    }
    let begun = Instant::now();
    let report = here.bridge.shutdown(Duration::from_millis(100)).await;
    assert!(!report.is_complete, "{report}");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    server.thaw();
}

/// Nor does a long nap of the export task hold it up.
#[tokio::test(flavor = "multi_thread")]
async fn shutdown_wakes_a_task_that_lingers() {
    let server = Server::start();
    let build = |builder: ringbus_nats::BridgeBuilder<Beat, Json>| builder.export([TICK]).linger(Duration::MAX);
    let here = Node::start(&server.url(), Json, build).await;
    burst(&here.bus, 3);
    until("all are sent, at a heartbeat if not before", || here.stats().export.sent == 3).await;
    let report = timeout(Duration::from_secs(60), here.bridge.shutdown(Duration::from_secs(50))).await;
    assert!(report.expect("it is over in time").is_complete);
}

/// Numbers that a stranger makes up are counted as what they say, all together as well.
#[tokio::test(flavor = "multi_thread")]
async fn numbers_beyond_all_measure_do_not_end_the_import() {
    let server = Server::start();
    let there = Node::listening(&server.url()).await;
    let stranger = async_nats::connect(server.url()).await.expect("connects");
    for (origin, number) in [(42, 0), (42, u64::MAX - 1), (43, 0), (43, u64::MAX - 1), (44, 7)] {
        stranger.publish("test.all.tick", message(origin, number).into()).await.expect("the client is there");
    }
    until("the last was received", || there.received.last_tick() == Some(7)).await;
    until("all are accounted for", || there.stats().balances()).await;
}

/// What any program may send: an event of that number and origin. (As `src/envelope.rs` says.)
fn message(origin: u64, number: u64) -> Vec<u8> {
    let mut message = vec![1, 1, 1, 0];
    for word in [origin, number, 0, 0] {
        message.extend(word.to_be_bytes());
    }
    message.extend(format!(r#"{{"is_tick":true,"number":{number},"padding":""}}"#).bytes());
    message
}

/// B3, with a network that NATS does not have: messages come late, and twice.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_late_or_twice_is_discarded_and_counted() {
    let server = Server::start();
    let there = Node::listening(&server.url()).await;
    let stranger = async_nats::connect(server.url()).await.expect("connects");
    for number in [3, 4, 4, 7, 5, 3, 8, 1, 6, 9] {
        stranger.publish("test.all.tick", message(42, number).into()).await.expect("the client is there");
    }
    until("all were received", || there.received.last_tick() == Some(9)).await;
    assert_eq!(there.received.ticks(), [3, 4, 7, 8, 9]);
    until("all are accounted for", || there.stats().balances()).await;
    let [origin] = there.stats().import.origins[..] else { panic!("{}", there.stats()) };
    assert_eq!((origin.sent, origin.before_join, origin.received), (10, 3, 5), "{}", there.stats());
    assert_eq!((origin.gap, origin.late), (2, 5), "{}", there.stats());
}
