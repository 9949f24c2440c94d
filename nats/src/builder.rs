//! Making a bridge.

use crate::askers::Askers;
use crate::bridge::Bridge;
use crate::codec::Codec;
use crate::error::ConnectError;
use crate::export::{Exporter, Line, Writer};
use crate::import::Importer;
use crate::node_id::NodeId;
use crate::numbering::{Limits, Outgoing};
use crate::origin::is_imported;
use crate::presence::Presence;
use crate::question::{Answer, ask, connections, probe};
use crate::report::Occasional;
use crate::shared::Shared;
use crate::subjects::Subjects;
use async_nats::connection::State;
use async_nats::{Client, ConnectOptions, ServerAddr, Subscriber, ToServerAddrs};
use bytes::Bytes;
use futures_util::stream::Peekable;
use futures_util::{FutureExt, StreamExt};
use ringbus::{Event, EventBus, EventType, Overflow};
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::unconstrained;
use tokio::time::Instant;

/// What becomes of the events to export while there is no connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhileDisconnected {
    /// They are taken from the ring and given up, and counted as
    /// [expired](crate::ExportStats::expired): once there is a connection again, what is sent is
    /// new, but for up to 64 messages that the client had already.
    #[default]
    Drop,
    /// They stay in the ring, which keeps as many as it can, and are sent when there is a
    /// connection again. What finds the ring full is counted as
    /// [ring-dropped](crate::ExportStats::ring_dropped).
    Hold,
}

/// Commands that the client may have before it; more would only wait longer, and get lost together
/// if the connection breaks.
const CLIENT_CAPACITY: usize = 64;

/// How long the server may leave the first question unanswered.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The longest time between heartbeats: as good as never.
const RAREST: Duration = Duration::from_secs(24 * 3_600);

/// How many nodes are followed at once.
const ORIGINS: usize = 4_096;

/// A bridge in the making, from [`Bridge::builder`].
#[must_use = "there is no bridge until `connect` is awaited"]
pub struct BridgeBuilder<E, C> {
    bus: EventBus<E>,
    codec: C,
    options: Options,
}

/// What the methods of the builder set.
#[derive(Clone, Debug)]
struct Options {
    prefix: String,
    name: Option<String>,
    export: Vec<EventType>,
    import: Vec<EventType>,
    capacity: usize,
    overflow: Overflow,
    while_disconnected: WhileDisconnected,
    linger: Duration,
    heartbeat: Duration,
    max_age: Option<Duration>,
}

impl<E, C> BridgeBuilder<E, C> {
    pub(crate) fn new(bus: EventBus<E>, codec: C) -> Self {
        let options = Options {
            prefix: "ringbus".into(),
            name: None,
            export: Vec::new(),
            import: Vec::new(),
            capacity: 4_096,
            overflow: Overflow::DropNewest,
            while_disconnected: WhileDisconnected::Drop,
            linger: Duration::ZERO,
            heartbeat: Duration::from_secs(1),
            max_age: None,
        };
        Self { bus, codec, options }
    }

    /// Sets what all subjects begin with, so that several applications can share a server: events
    /// go to `PREFIX.all.TYPE`. `ringbus` unless set; dots are fine, but a prefix that begins with
    /// another one and `.all` is below what that imports. At most 1,024 bytes. The subjects of what
    /// is exported stay in memory, as event types do, so do not make prefixes from unbounded input.
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.options.prefix = prefix.into();
        self
    }

    /// Names the subscription that exports, for statistics and reports of lag, and the connection;
    /// `nats PREFIX` unless set.
    pub fn name(mut self, name: &str) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// Says which events go to the other nodes: those of these types that are published here. What
    /// a bridge has imported is not exported, unless the bus retains its type and the bridges have
    /// two prefixes. Replaces what was set before; nothing unless set.
    pub fn export(mut self, types: impl IntoIterator<Item = EventType>) -> Self {
        self.options.export = types.into_iter().collect();
        self
    }

    /// Says which events of other nodes are published here. Replaces what was set before; nothing
    /// unless set.
    ///
    /// Who answers requests of other nodes imports the request and exports the response; who asks,
    /// the other way round.
    pub fn import(mut self, types: impl IntoIterator<Item = EventType>) -> Self {
        self.options.import = types.into_iter().collect();
        self
    }

    /// Sets how many events may wait to be exported: the capacity of the subscription's ring; 4,096
    /// unless set.
    ///
    /// # Panics
    ///
    /// If `capacity` is 0.
    pub fn capacity(mut self, capacity: usize) -> Self {
        assert!(capacity > 0, "a bridge needs room for at least 1 event");
        self.options.capacity = capacity;
        self
    }

    /// Sets which events are lost if that ring is full; [`Overflow::DropNewest`] unless set.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.options.overflow = overflow;
        self
    }

    /// Sets what becomes of events while there is no connection; [`WhileDisconnected::Drop`] unless
    /// set.
    pub fn while_disconnected(mut self, while_disconnected: WhileDisconnected) -> Self {
        self.options.while_disconnected = while_disconnected;
        self
    }

    /// Lets the export task sleep for so long, and up to a tick of the timer, when it has found
    /// nothing, before it parks. Who publishes meanwhile need not wake it, which makes bursts
    /// cheaper for publishers; the price is that delay. Zero, and so off, unless set.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.options.linger = linger;
        self
    }

    /// Sets how often the bridge says how many events it has sent, so that the loss of the last
    /// ones is seen, and how often the client asks whether the server is there; 1 s unless set. A
    /// line that is cut without a sign is noticed after three times that.
    ///
    /// # Panics
    ///
    /// If it is zero.
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        assert!(!heartbeat.is_zero(), "a heartbeat needs some time");
        self.options.heartbeat = heartbeat.min(RAREST);
        self
    }

    /// Gives up events whose [timestamp](Event::timestamp) is older than that when their turn
    /// comes, and counts them as [expired](crate::ExportStats::expired). Not unless set.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.options.max_age = Some(max_age);
        self
    }
}

impl<E: Event + Clone, C: Codec<E>> BridgeBuilder<E, C> {
    /// Connects, and begins to export and to import. Returns when the server has answered: who
    /// publishes after that is heard by every node that was connected to it by then. (The servers
    /// of a cluster tell each other a little later.)
    ///
    /// If the bus has not started, events published before the start are exported by the replay,
    /// and what comes in waits with the client until the start, so that it needs no room in the
    /// start-up log.
    ///
    /// Credentials, TLS, timeouts and the limit of messages that wait to be imported
    /// (`subscription_capacity`) are the client's, by `options`. The bridge itself sets
    /// `client_capacity` (64), `ping_interval` (the [heartbeat](Self::heartbeat)), `no_echo`,
    /// `skip_subject_validation` (it has checked them) and the connection's `name`. With
    /// `retry_on_initial_connect`, this waits for the server as long as it takes, and a wrong
    /// password is no error any more: leave it off.
    ///
    /// The tasks run on the runtime of tokio that this is awaited on. The bus stays open no longer
    /// than without a bridge.
    ///
    /// # Errors
    ///
    /// A [`ConnectError`], and nothing is left behind: the prefix or an event type is no subject,
    /// the codec does not know a type, there is nothing to do, the bus is closed or has a bridge
    /// with this prefix, the server is not there, refuses the credentials, does not let the user
    /// hear the others, or does not answer.
    ///
    /// # Panics
    ///
    /// Outside a runtime of tokio; if there is no memory for the ring; and if a callback of the
    /// options panics.
    pub async fn connect(self, url: impl ToServerAddrs, options: ConnectOptions) -> Result<Bridge<E>, ConnectError> {
        let Self { bus, codec, options: settings } = self;
        let subjects = Subjects::new(&settings.prefix)
            .map_err(|fault| ConnectError::Prefix { prefix: settings.prefix.as_str().into(), fault })?;
        let mut subject_of = HashMap::new();
        for &event_type in settings.export.iter().chain(&settings.import) {
            let subject = subjects.of(event_type).map_err(|fault| ConnectError::Type { event_type, fault })?;
            subject_of.insert(event_type, subject);
            if !codec.knows(event_type) {
                return Err(ConnectError::UnknownType { event_type });
            }
            if bus.retains(event_type) && settings.export.contains(&event_type) && settings.import.contains(&event_type)
            {
                return Err(ConnectError::Retained { event_type });
            }
        }
        if subject_of.is_empty() {
            return Err(ConnectError::NothingToDo);
        }
        let node = NodeId::random();
        let presence = Presence::claim(&bus, &settings.prefix, node)?;
        let name = settings.name.clone().unwrap_or_else(|| format!("nats {}", settings.prefix));
        let limits = Limits { origins: ORIGINS, silent_after: 10 * settings.heartbeat };
        let shared = Arc::new(Shared::new(node, &settings.prefix, limits));

        let options = options
            .client_capacity(CLIENT_CAPACITY)
            .ping_interval(settings.heartbeat)
            .no_echo()
            .skip_subject_validation(true)
            .name(&name);
        let client = connect_client(url, options).await?;
        let mut messages = match settings.import.is_empty() {
            true => None,
            false => Some(client.subscribe(subjects.everything()).await.map_err(|_| ConnectError::Lost)?.peekable()),
        };
        let (outgoing, hello) = Outgoing::new(node, 0);
        if !settings.export.is_empty() {
            let hello = Bytes::copy_from_slice(&hello.encode());
            client.publish(subjects.heartbeat(), hello).await.map_err(|_| ConnectError::Lost)?;
        }
        wait_for_answer(&shared, &client, &subjects, messages.as_mut()).await?;

        let (codec, askers) = (Arc::new(codec), Arc::new(Askers::default()));
        let (stop, stopped) = watch::channel(None);
        let mut presence = Some(presence);
        // Before anything comes in that somebody here might answer.
        let subscription = (!settings.export.is_empty()).then(|| {
            bus.subscriber(&*name)
                .capacity(settings.capacity)
                .overflow(settings.overflow)
                .types(settings.export.iter().copied())
                // What was published before this bridge was there may have been imported by
                // another.
                .retained(false)
                .filter(|event| !is_imported(event))
                .subscribe()
        });
        let importer = messages.map(|messages| {
            let importer = Importer {
                bus: bus.downgrade(),
                presence: presence.take().expect("nobody has it yet"),
                codec: Arc::clone(&codec),
                subjects: subjects.clone(),
                types: settings.import.iter().map(|&event_type| (event_type.as_str(), event_type)).collect(),
                last: None,
                askers: Arc::clone(&askers),
                shared: Arc::clone(&shared),
                heartbeat: settings.heartbeat,
                missed: Occasional::default(),
            };
            tokio::spawn(importer.run(client.clone(), messages))
        });
        let exporter = subscription.map(|subscription| {
            let stop_handle = subscription.stop_handle();
            let line = Line::new(
                client.clone(),
                Arc::clone(&shared),
                outgoing,
                subjects.heartbeat(),
                settings.heartbeat,
                settings.while_disconnected,
                stopped,
            );
            let exporter = Exporter {
                subscription,
                presence,
                linger: settings.linger,
                max_age: settings.max_age,
                writer: Writer::new(codec, subject_of, askers),
                line,
            };
            (stop_handle, tokio::spawn(exporter.run()))
        });
        let server = client.server_info();
        tracing::info!(
            target: "ringbus_nats",
            bridge = %node,
            name,
            prefix = settings.prefix,
            server = server.server_name,
            version = server.version,
            "connected"
        );
        Ok(Bridge::new(shared, client, stop, exporter, importer))
    }
}

async fn connect_client(url: impl ToServerAddrs, options: ConnectOptions) -> Result<Client, ConnectError> {
    let failed = |error: std::io::Error| {
        ConnectError::Nats(async_nats::ConnectError::with_source(async_nats::ConnectErrorKind::ServerParse, error))
    };
    let addresses: Vec<ServerAddr> = url.to_server_addrs().map_err(failed)?.collect();
    // Without a provider of its own, rustls panics when it is first needed.
    let has_tls = cfg!(feature = "ring") || async_nats::rustls::crypto::CryptoProvider::get_default().is_some();
    if !has_tls && addresses.iter().any(|address| matches!(address.scheme(), "tls" | "wss")) {
        return Err(ConnectError::NoTls);
    }
    match AssertUnwindSafe(options.connect(addresses)).catch_unwind().await {
        Ok(connected) => connected.map_err(ConnectError::Nats),
        // The same, if it is the server that insists.
        Err(_) if !has_tls => Err(ConnectError::NoTls),
        // A callback of the options.
        Err(payload) => resume_unwind(payload),
    }
}

/// Waits until the server has answered. By then it has dealt with the subscription. Fails if it has
/// refused it, unless somebody subscribes to everything: then that cannot be told.
async fn wait_for_answer(
    shared: &Shared,
    client: &Client,
    subjects: &Subjects,
    mut messages: Option<&mut Peekable<Subscriber>>,
) -> Result<(), ConnectError> {
    let mut asked_at = Instant::now();
    let mut refusals = 0;
    loop {
        let connection = connections(client);
        if client.connection_state() != State::Connected {
            asked_at = Instant::now();
        }
        if messages.is_some() && !probe(shared, client, subjects).await {
            return Err(ConnectError::Lost);
        }
        let answer = ask(shared, client).await;
        // Whatever has come: it came by the subscription.
        let hears = messages.as_deref_mut().is_none_or(has_come);
        match answer {
            Answer::Given => return Ok(()),
            Answer::Unheard if hears => return Ok(()),
            // On another connection, the answer to the probe may be lost.
            Answer::Unheard if connections(client) == connection => refusals += 1,
            Answer::Never => return Err(ConnectError::Lost),
            Answer::NotYet if client.connection_state() != State::Connected => asked_at = Instant::now(),
            Answer::Unheard | Answer::NotYet => {}
        }
        // Twice, because somebody may have heard the probe, and left before the question.
        if refusals == 2 {
            return Err(ConnectError::MayNotSubscribe { subject: subjects.everything().as_str().into() });
        }
        if asked_at.elapsed() >= ANSWER_WITHIN {
            return Err(ConnectError::Unanswered { after: asked_at.elapsed() });
        }
    }
}

/// Whether a message has come. It stays where it is.
fn has_come(messages: &mut Peekable<Subscriber>) -> bool {
    // However much this task has done before: else tokio may say that there is none.
    unconstrained(Pin::new(messages).peek()).now_or_never().flatten().is_some()
}

impl<E, C> fmt::Debug for BridgeBuilder<E, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BridgeBuilder").field(&self.options).finish()
    }
}
