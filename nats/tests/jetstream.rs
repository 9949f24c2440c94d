//! A stream of JetStream over a bridge's subjects, as the README says it.

mod harness;

use harness::server::{Server, program};
use harness::{Node, PATIENCE, TICK, TOCK, burst, until};
use ringbus_nats::Json;
use ringbus_nats::async_nats::{self, Client};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Instant;

/// A server with JetStream, whose files are those of this test.
fn server_with_jetstream(test: &str) -> Server {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = std::fs::remove_dir_all(&folder);
    Server::start_with(&program(), &["-js", "-sd", folder.to_str().expect("UTF-8")])
}

async fn ask(client: &Client, what: &str, body: Value) -> Value {
    let answer = client.request(format!("$JS.API.{what}"), body.to_string().into()).await;
    serde_json::from_slice(&answer.expect("JetStream answers").payload).expect("JSON")
}

/// Makes a stream of what is sent to these subjects.
async fn record(client: &Client, subjects: &str) {
    let stream = json!({ "name": "RECORD", "subjects": [subjects], "retention": "limits", "storage": "file" });
    let made = ask(client, "STREAM.CREATE.RECORD", stream).await;
    assert!(made.get("error").is_none(), "{made}");
}

/// Waits until the stream has so many messages of that subject.
async fn until_recorded(client: &Client, subject: &str, count: u64) {
    let begun = Instant::now();
    loop {
        let info = ask(client, "STREAM.INFO.RECORD", json!({ "subjects_filter": subject })).await;
        if info["state"]["subjects"][subject] == count {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{info}");
    }
}

/// The bridge knows nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn stream_records_what_a_bridge_sends() {
    let server = server_with_jetstream("jetstream");
    let from = Node::start(&server.url(), Json, |builder| builder.export([TICK])).await;
    record(from.bridge.client(), "test.all.>").await;
    burst(&from.bus, 1_000);
    until("all were sent", || from.stats().export.sent == 1_000).await;
    until_recorded(from.bridge.client(), "test.all.tick", 1_000).await;
}

/// It hears the questions of bridges, and says that it has recorded them.
#[tokio::test(flavor = "multi_thread")]
async fn stream_of_all_that_is_below_the_prefix_does_no_harm() {
    let server = server_with_jetstream("jetstream-all");
    let operator = async_nats::connect(server.url()).await.expect("connects");
    record(&operator, "test.>").await;
    let first = Node::listening(&server.url()).await;
    let from = Node::start(&server.url(), Json, |builder| builder.import([TOCK]).export([TICK])).await;
    burst(&from.bus, 100);
    first.until_settled_with(&from, 100).await;
    until_recorded(&operator, "test.all.tick", 100).await;
    for node in [&first, &from] {
        assert_eq!(node.stats().import.strangers, 0, "{}", node.stats());
    }
    assert!(from.bridge.shutdown(PATIENCE).await.is_complete);
}
