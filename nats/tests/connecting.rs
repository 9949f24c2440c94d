//! Bad input, credentials and TLS: B7.

mod harness;

use futures_util::StreamExt;
use harness::server::{Server, free_port, program};
use harness::{Beat, Node, PATIENCE, TICK, TOCK, burst, new_bus, until};
use ringbus::{DynEvent, EventBus, EventType};
use ringbus_nats::async_nats::{self, ConnectErrorKind, ConnectOptions};
use ringbus_nats::{Bridge, BridgeBuilder, ConnectError, Json, Registry, SubjectFault};
use std::future::{Future, poll_fn};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

fn started() -> EventBus<Beat> {
    let bus = new_bus(0);
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
    let bus: EventBus<DynEvent> = new_bus(0);
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

/// A server with a user `shop`, who may do what `permissions` says, and a user `onlooker`, who may
/// do everything.
fn server_for(test: &str, permissions: &str) -> Server {
    let users = format!(
        "users = [{{ user: shop, password: sesame, permissions: {{ {permissions} }} }}, \
         {{ user: onlooker, password: sesame }}]"
    );
    let config = file(test, "server.conf", &format!("authorization {{ {users} }}"));
    Server::start_with(&program(), &["-c", config.to_str().expect("UTF-8")])
}

fn user(name: &str) -> ConnectOptions {
    ConnectOptions::with_user_and_password(name.into(), "sesame".into())
}

/// What the README says that a bridge needs.
const JUST_ENOUGH: &str =
    r#"publish: { allow: ["test.all.>", "test.nobody.>"] }, subscribe: { allow: ["test.all.>", "_INBOX.>"] }"#;

/// Somebody who hears what is sent to `subject`, and the messages. The server knows of it.
async fn onlooker(server: &Server, subject: &str) -> (async_nats::Client, async_nats::Subscriber) {
    let client = user("onlooker").connect(server.url()).await.expect("connects");
    let heard = client.subscribe(subject.to_owned()).await.expect("it is there");
    let mut own = client.subscribe("onlooker.here").await.expect("it is there");
    client.publish("onlooker.here", "".into()).await.expect("it is there");
    own.next().await.expect("the server has dealt with all of this");
    (client, heard)
}

/// Waits until a bridge has asked its question.
async fn until_asked(heard: &mut async_nats::Subscriber) {
    let is_question = |subject: &str| subject.starts_with("test.nobody.");
    while !is_question(&heard.next().await.expect("the onlooker hears everything").subject) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn user_who_may_not_publish_is_told_so() {
    let server = server_for("may-not-publish", r#"publish: { deny: ">" }"#);
    let refusal = builder(&started()).connect(server.url(), user("shop")).await.expect_err("it may not");
    assert!(matches!(refusal, ConnectError::Unanswered { .. }), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn user_who_may_not_subscribe_is_told_so_and_may_export() {
    let permissions = [
        r#"deny: "test.all.>""#,
        r#"allow: ["_INBOX.>", "test.all.tick"]"#,
        r#"allow: ["_INBOX.>", "test.all.*.*"]"#,
        r#"allow: "_INBOX.>""#,
    ];
    for (case, permission) in permissions.into_iter().enumerate() {
        let server = server_for(&format!("may-not-subscribe-{case}"), &format!("subscribe: {{ {permission} }}"));
        let bus = started();
        let refusal = builder(&bus).connect(server.url(), user("shop")).await.expect_err("it may not");
        assert!(
            matches!(&refusal, ConnectError::MayNotSubscribe { subject } if **subject == *"test.all.>"),
            "{permission}: {refusal}"
        );
        let options = user("shop").retry_on_initial_connect();
        let refusal = builder(&bus).connect(server.url(), options).await.expect_err("it may not");
        assert!(matches!(refusal, ConnectError::MayNotSubscribe { .. }), "{permission}: {refusal}");
        let exporting = builder(&bus).import([]).connect(server.url(), user("shop")).await.expect("it may export");
        assert!(exporting.shutdown(PATIENCE).await.is_complete);
    }
}

/// The server does not deliver those, and lets it subscribe.
#[tokio::test(flavor = "multi_thread")]
async fn user_who_may_not_hear_some_types_connects() {
    let server = server_for("may-not-hear-some", r#"subscribe: { deny: ["test.all.*.*", "test.all.secret"] }"#);
    let _bridge = builder(&started()).connect(server.url(), user("shop")).await.expect("it may subscribe");
}

#[tokio::test(flavor = "multi_thread")]
async fn user_who_may_do_what_a_bridge_does_needs_no_more() {
    let server = server_for("just-enough", JUST_ENOUGH);
    let (errors, mut occurred) = tokio::sync::mpsc::unbounded_channel();
    let options = || {
        let errors = errors.clone();
        user("shop").event_callback(move |event| {
            let errors = errors.clone();
            async move {
                if let async_nats::Event::ServerError(_) = event {
                    errors.send(event).expect("the test runs");
                }
            }
        })
    };
    let from = Node::start_with(&server.url(), Json, options(), |builder| builder.export([TICK])).await;
    let to = Node::start_with(&server.url(), Json, options(), |builder| builder.import([TICK])).await;
    burst(&from.bus, 100);
    to.until_settled_with(&from, 100).await;
    assert!(from.bridge.shutdown(PATIENCE).await.is_complete);
    // (If it took long to answer, it was asked what needs one permission more.)
    if let Ok(event) = occurred.try_recv() {
        assert!(event.to_string().contains("$SYS.REQ.ACCOUNT.PING.STATZ"), "{event}");
    }
}

/// The question of such a user is heard, and there is no other that may be asked. Then it is asked
/// once more.
#[tokio::test(flavor = "multi_thread")]
async fn onlooker_who_leaves_is_in_nobodys_way() {
    let server = server_for("onlooker-leaves", JUST_ENOUGH);
    let (client, mut heard) = onlooker(&server, ">").await;
    let bus = started();
    let connect = tokio::spawn(builder(&bus).connect(server.url(), user("shop")));
    until_asked(&mut heard).await;
    until_asked(&mut heard).await;
    client.drain().await.expect("it is there");
    let _bridge = connect.await.expect("no panic").expect("it may");
}

/// An operator who looks on hears all questions to the server, and answers none.
#[tokio::test(flavor = "multi_thread")]
async fn onlooker_who_stays_is_in_nobodys_way() {
    let server = server_for("onlooker-stays", JUST_ENOUGH);
    for subject in [">", "test.>", "*.nobody.*"] {
        let (_client, mut heard) = onlooker(&server, subject).await;
        let from = Node::start_with(&server.url(), Json, user("onlooker"), |builder| builder.export([TICK])).await;
        until_asked(&mut heard).await;
        let to = Node::start_with(&server.url(), Json, user("onlooker"), |builder| builder.import([TICK])).await;
        until_asked(&mut heard).await;
        burst(&from.bus, 100);
        to.until_settled_with(&from, 100).await;
        assert!(from.bridge.shutdown(PATIENCE).await.is_complete, "{subject}");
        assert_eq!(to.stats().import.strangers, 0, "{subject}");
    }
}

/// A prefix below what another prefix imports: its questions are heard there.
#[tokio::test(flavor = "multi_thread")]
async fn prefix_below_another_one_connects() {
    let server = Server::start();
    let above = Node::listening(&server.url()).await;
    let below =
        Node::start(&server.url(), Json, |builder| builder.prefix("test.all").export([TICK]).import([TOCK])).await;
    burst(&below.bus, 10);
    above.until_settled_with(&below, 10).await;
    let skipped = above.origin(below.id()).expect("it was heard").counts.skipped;
    assert_eq!((skipped, above.received.ticks().len()), (10, 0), "its events are those of another prefix");
    assert!(below.bridge.shutdown(PATIENCE).await.is_complete);
}

/// However busy the task is that connects, it sees the answer.
#[tokio::test(flavor = "multi_thread")]
async fn busy_task_may_connect() {
    let server = Server::start();
    for spent in 120..128 {
        let bus = started();
        let mut connecting = Box::pin(builder(&bus).connect(server.url(), ConnectOptions::new()));
        let connected = poll_fn(|context| {
            // What tokio lets a task do before it has to give way.
            for _ in 0..spent {
                let mut consuming = pin!(tokio::task::coop::consume_budget());
                let _ = consuming.as_mut().poll(context);
            }
            connecting.as_mut().poll(context)
        });
        let _bridge = connected.await.expect("it may");
    }
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
