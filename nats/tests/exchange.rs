//! What goes from bus to bus when nothing goes wrong.

mod harness;

use harness::server::Server;
use harness::{Beat, Node, TICK, TOCK, burst, publish, rise, until};
use ringbus_nats::{BridgeState, Json, Tail};
use std::time::Duration;

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

/// B6.
#[tokio::test(flavor = "multi_thread")]
async fn events_from_before_the_start_are_exported_and_imports_wait_for_it() {
    let server = Server::start();
    let options = ringbus_nats::async_nats::ConnectOptions::new;
    let bus = ringbus::EventBus::new(100);
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
