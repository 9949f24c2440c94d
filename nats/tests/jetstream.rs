//! A stream of JetStream over a bridge's subjects, as the README says it.

mod harness;

use harness::server::{Server, program};
use harness::{Node, TICK, burst, until};
use ringbus_nats::Json;
use serde_json::{Value, json};
use std::path::Path;

/// The bridge knows nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn stream_records_what_a_bridge_sends() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("jetstream");
    let _ = std::fs::remove_dir_all(&folder);
    let server = Server::start_with(&program(), &["-js", "-sd", folder.to_str().expect("UTF-8")]);
    let from = Node::start(&server.url(), Json, |builder| builder.export([TICK])).await;
    let ask = async |what: &str, body: Value| -> Value {
        let answer = from.bridge.client().request(format!("$JS.API.{what}"), body.to_string().into()).await;
        serde_json::from_slice(&answer.expect("JetStream answers").payload).expect("JSON")
    };
    let stream = json!({ "name": "RECORD", "subjects": ["test.all.>"], "retention": "limits", "storage": "file" });
    let made = ask("STREAM.CREATE.RECORD", stream).await;
    assert!(made.get("error").is_none(), "{made}");

    burst(&from.bus, 1_000);
    until("all were sent", || from.stats().export.sent == 1_000).await;
    let begun = std::time::Instant::now();
    loop {
        let info = ask("STREAM.INFO.RECORD", json!({ "subjects_filter": "test.all.tick" })).await;
        if info["state"]["subjects"]["test.all.tick"] == 1_000 {
            break;
        }
        assert!(begun.elapsed() < harness::PATIENCE, "{info}");
    }
}
