//! Bad input, credentials and TLS: B7.

mod harness;

use futures_util::StreamExt;
use harness::server::{Server, free_port, program};
use harness::{Beat, Node, PATIENCE, TICK, burst, until};
use ringbus::{DynEvent, EventBus, EventType};
use ringbus_nats::async_nats::{self, ConnectErrorKind, ConnectOptions};
use ringbus_nats::{Bridge, BridgeBuilder, ConnectError, Json, Registry, SubjectFault};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

fn started() -> EventBus<Beat> {
    let bus = EventBus::new(0);
    bus.start();
    bus
}

fn builder(bus: &EventBus<Beat>) -> BridgeBuilder<Beat, Json> {
    Bridge::builder(bus, Json).prefix("test").export([TICK]).import([TICK])
}

/// Connects to nobody, for what must be refused before that.
async fn refusal(build: impl FnOnce(BridgeBuilder<Beat, Json>) -> BridgeBuilder<Beat, Json>) -> ConnectError {
    let bus = started();
    let url = format!("nats://127.0.0.1:{}", free_port());
    let refusal = build(builder(&bus)).connect(url, ConnectOptions::new()).await.expect_err("nobody is there");
    assert_eq!(bus.subscriber_count(), 0, "nothing is left behind");
    refusal
}

#[tokio::test]
async fn prefix_that_is_no_subject_is_refused() {
    for (prefix, expected) in [
        ("", SubjectFault::Empty),
        ("a..b", SubjectFault::EmptyToken),
        (".a", SubjectFault::EmptyToken),
        ("a.*", SubjectFault::Wildcard('*')),
        ("a.>", SubjectFault::Wildcard('>')),
        ("a b", SubjectFault::Blank(' ')),
    ] {
        let refusal = refusal(|builder| builder.prefix(prefix)).await;
        assert!(matches!(refusal, ConnectError::Prefix { fault, .. } if fault == expected), "{prefix:?}: {refusal}");
    }
    assert_eq!(
        refusal(|builder| builder.prefix("a..b")).await.to_string(),
        "the prefix \"a..b\" cannot begin a subject: there is nothing before, between or after its dots"
    );
}

#[tokio::test]
async fn event_type_that_is_no_subject_is_refused() {
    const SPACED: EventType = EventType::new("config loaded");
    let exported = refusal(|builder| builder.export([TICK, SPACED])).await;
    let imported = refusal(|builder| builder.import([SPACED])).await;
    for refusal in [exported, imported] {
        let is_spaced = |event_type| event_type == SPACED;
        assert!(
            matches!(refusal, ConnectError::Type { event_type, fault: SubjectFault::Blank(' ') } if is_spaced(event_type)),
            "{refusal}"
        );
    }
}

#[tokio::test]
async fn bridge_with_nothing_to_do_is_refused() {
    let refusal = refusal(|builder| builder.export([]).import([])).await;
    assert!(matches!(refusal, ConnectError::NothingToDo), "{refusal}");
}

#[tokio::test]
async fn type_that_the_codec_does_not_know_is_refused() {
    let bus: EventBus<DynEvent> = EventBus::new(0);
    let codec = Registry::new(Json).with::<Beat>([TICK]);
    let other = EventType::new("other");
    let builder = Bridge::builder(&bus, codec).export([TICK, other]);
    let refusal = builder.connect("nats://127.0.0.1", ConnectOptions::new()).await.expect_err("it is not known");
    assert!(matches!(refusal, ConnectError::UnknownType { event_type } if event_type == other), "{refusal}");
}

#[tokio::test]
async fn closed_bus_is_refused() {
    let bus = started();
    bus.close();
    let refusal = builder(&bus).connect("nats://127.0.0.1", ConnectOptions::new()).await.expect_err("it is closed");
    assert!(matches!(refusal, ConnectError::BusClosed), "{refusal}");
}

#[tokio::test]
async fn address_that_does_not_answer_is_an_error() {
    let nobody = refusal(|builder| builder).await;
    assert!(matches!(&nobody, ConnectError::Nats(error) if error.kind() == ConnectErrorKind::Io), "{nobody}");

    // Takes connections, as a kernel does, and says nothing.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let url = format!("nats://{}", silent.local_addr().expect("it is bound"));
    let options = ConnectOptions::new().connection_timeout(Duration::from_millis(200));
    let silent = builder(&started()).connect(url, options).await.expect_err("it says nothing");
    assert!(matches!(&silent, ConnectError::Nats(error) if error.kind() == ConnectErrorKind::TimedOut), "{silent}");

    let url = "not an address";
    let wrong = builder(&started()).connect(url, ConnectOptions::new()).await.expect_err("it is none");
    assert!(matches!(&wrong, ConnectError::Nats(error) if error.kind() == ConnectErrorKind::ServerParse), "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn server_that_demands_a_password_gets_it_or_refuses_at_once() {
    let server = Server::start_with(&program(), &["--user", "shop", "--pass", "open sesame"]);
    let options = |password: &str| ConnectOptions::with_user_and_password("shop".into(), password.into());
    for options in [options("open barley"), ConnectOptions::new()] {
        let refusal = builder(&started()).connect(server.url(), options).await.expect_err("it is wrong");
        let is_violation =
            matches!(&refusal, ConnectError::Nats(error) if error.kind() == ConnectErrorKind::AuthorizationViolation);
        assert!(is_violation, "{refusal}");
        assert!(!format!("{refusal} {refusal:?}").contains("barley"), "secrets stay secret");
    }
    let from = Node::start_with(&server.url(), Json, options("open sesame"), |builder| builder.export([TICK])).await;
    let to = Node::start_with(&server.url(), Json, options("open sesame"), |builder| builder.import([TICK])).await;
    burst(&from.bus, 100);
    to.until_settled_with(&from, 100).await;
    until("all were received", || to.received.ticks().len() == 100).await;
}

/// A file of the test of that name.
fn file(test: &str, name: &str, content: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(name);
    std::fs::write(&path, content).expect("a file");
    path
}

/// A server with one user, `shop`, who may do what `permissions` says, and that user's options.
fn server_for(test: &str, permissions: &str) -> (Server, ConnectOptions) {
    let users = format!("users = [{{ user: shop, password: sesame, permissions: {{ {permissions} }} }}]");
    let config = file(test, "server.conf", &format!("authorization {{ {users} }}"));
    let server = Server::start_with(&program(), &["-c", config.to_str().expect("UTF-8")]);
    (server, ConnectOptions::with_user_and_password("shop".into(), "sesame".into()))
}

#[tokio::test(flavor = "multi_thread")]
async fn user_who_may_not_publish_is_told_so() {
    let (server, options) = server_for("may-not-publish", r#"publish: { deny: ">" }"#);
    let refusal = builder(&started()).connect(server.url(), options).await.expect_err("it may not");
    assert!(matches!(refusal, ConnectError::Unanswered { .. }), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn user_who_may_not_subscribe_is_told_so_and_may_export() {
    for (case, permission) in
        [r#"deny: "test.all.>""#, r#"allow: ["_INBOX.>", "test.all.tick"]"#, r#"allow: "_INBOX.>""#].iter().enumerate()
    {
        let test = format!("may-not-subscribe-{case}");
        let (server, options) = server_for(&test, &format!("subscribe: {{ {permission} }}"));
        let bus = started();
        let refusal = builder(&bus).connect(server.url(), options.clone()).await.expect_err("it may not");
        assert!(
            matches!(&refusal, ConnectError::MayNotSubscribe { subject } if **subject == *"test.all.>"),
            "{permission}: {refusal}"
        );
        let exporting = builder(&bus).import([]).connect(server.url(), options).await.expect("it may export");
        assert!(exporting.shutdown(PATIENCE).await.is_complete);
    }
}

/// What the README says that a bridge needs.
#[tokio::test(flavor = "multi_thread")]
async fn user_who_may_do_what_a_bridge_does_needs_no_more() {
    let permissions =
        r#"publish: { allow: ["test.all.>", "test.nobody.>"] }, subscribe: { allow: ["test.all.>", "_INBOX.>"] }"#;
    let (server, options) = server_for("just-enough", permissions);
    let from = Node::start_with(&server.url(), Json, options.clone(), |builder| builder.export([TICK])).await;
    let to = Node::start_with(&server.url(), Json, options, |builder| builder.import([TICK])).await;
    burst(&from.bus, 100);
    to.until_settled_with(&from, 100).await;
    assert!(from.bridge.shutdown(PATIENCE).await.is_complete);
}

/// An operator who looks on hears all questions to the server, and answers none.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_subscribes_to_everything_is_in_nobodys_way() {
    let server = Server::start();
    for everything in [">", "test.>", "*.nobody.*"] {
        let onlooker = async_nats::connect(server.url()).await.expect("connects");
        let mut all = onlooker.subscribe(everything).await.expect("it may");
        onlooker.flush().await.expect("it is there");
        let from = Node::ticking(&server.url()).await;
        let to = Node::listening(&server.url()).await;
        burst(&from.bus, 100);
        to.until_settled_with(&from, 100).await;
        assert!(from.bridge.shutdown(PATIENCE).await.is_complete, "{everything}");
        assert!(to.bridge.shutdown(PATIENCE).await.is_complete, "{everything}");
        assert!(all.next().await.is_some(), "it was there: {everything}");
    }
}

/// A prefix below what another prefix imports: its questions are heard there.
#[tokio::test(flavor = "multi_thread")]
async fn prefix_below_another_one_connects() {
    let server = Server::start();
    let above = Node::listening(&server.url()).await;
    let below = Node::start(&server.url(), Json, |builder| builder.prefix("test.all").export([TICK])).await;
    burst(&below.bus, 10);
    assert!(below.bridge.shutdown(PATIENCE).await.is_complete);
    assert!(above.received.ticks().is_empty(), "its events are those of another prefix");
}

#[cfg(feature = "ring")]
#[tokio::test(flavor = "multi_thread")]
async fn events_cross_by_tls_and_only_with_a_certificate_that_is_trusted() {
    let identity = rcgen::generate_simple_self_signed(["localhost".into()]).expect("a certificate");
    let certificate = file("tls", "certificate.pem", &identity.cert.pem());
    let key = file("tls", "key.pem", &identity.signing_key.serialize_pem());
    let arguments = ["--tls", "--tlscert", certificate.to_str().expect("UTF-8"), "--tlskey"];
    let server = Server::start_with(&program(), &[&arguments[..], &[key.to_str().expect("UTF-8")]].concat());
    let url = format!("tls://localhost:{}", server.port);
    let trusting = || ConnectOptions::new().add_root_certificates(certificate.clone());

    let from = Node::start_with(&url, Json, trusting(), |builder| builder.export([TICK])).await;
    let to = Node::start_with(&url, Json, trusting(), |builder| builder.import([TICK])).await;
    burst(&from.bus, 100);
    to.until_settled_with(&from, 100).await;
    until("all were received", || to.received.ticks().len() == 100).await;

    let stranger = rcgen::generate_simple_self_signed(["localhost".into()]).expect("a certificate");
    let other = file("tls", "other.pem", &stranger.cert.pem());
    let options = ConnectOptions::new().add_root_certificates(other);
    let refusal = builder(&started()).connect(url, options).await.expect_err("it is not trusted");
    assert!(matches!(refusal, ConnectError::Nats(_)), "{refusal}");
}

#[cfg(not(feature = "ring"))]
#[tokio::test(flavor = "multi_thread")]
async fn tls_that_is_not_built_in_is_an_error() {
    let refusal = builder(&started()).connect("tls://127.0.0.1", ConnectOptions::new()).await.expect_err("no TLS");
    assert!(matches!(refusal, ConnectError::NoTls), "{refusal}");
}
