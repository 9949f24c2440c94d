//! The task that publishes what comes in.

use crate::askers::Askers;
use crate::codec::Codec;
use crate::envelope::{Envelope, EnvelopeError, Kind};
use crate::guard::{drop_each, guard};
use crate::node_id::NodeId;
use crate::numbering::{Progress, Verdict};
use crate::origin::publishing;
use crate::presence::Presence;
use crate::question::ended;
use crate::report::Occasional;
use crate::shared::{Imported, Shared};
use crate::stats::Fate;
use crate::subjects::Subjects;
use async_nats::{Client, Message, Subject, Subscriber};
use futures_util::StreamExt;
use futures_util::stream::Peekable;
use ringbus::{BatchError, Event, EventType, WeakEventBus};
use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::time::Duration;
use tracing::{debug, info, warn};

/// Messages looked at in one go, and so events published at a time at most.
const BATCH: usize = 256;

/// The task that publishes what comes in.
pub(crate) struct Importer<E: Event + Clone, C> {
    /// Does not keep the bus open.
    pub(crate) bus: WeakEventBus<E>,
    pub(crate) presence: Presence<E>,
    pub(crate) codec: Arc<C>,
    pub(crate) subjects: Subjects,
    /// What is imported, by name: no stranger can make this grow.
    pub(crate) types: HashMap<&'static str, EventType>,
    /// What came last that was one of those: often, the next one is, too.
    /// (A name of its own: a subject keeps what was read together with it.)
    pub(crate) last: Option<(Box<str>, EventType)>,
    pub(crate) askers: Arc<Askers>,
    pub(crate) shared: Arc<Shared>,
    /// How often to look, before the start, whether the client is still there.
    pub(crate) heartbeat: Duration,
    /// Events that others have sent and that did not arrive.
    pub(crate) missed: Occasional,
}

/// Something for the log.
enum Note {
    Stranger { subject: Subject, error: EnvelopeError },
    Joined { origin: NodeId, before: u64 },
    Codec { origin: NodeId, codec: u8 },
}

/// An event that has come in, in bytes, which are those of its message.
struct Arrival<'a> {
    origin: NodeId,
    event_type: EventType,
    payload: &'a [u8],
}

impl<E: Event + Clone, C: Codec<E>> Importer<E, C> {
    /// Runs until the bus is closed, or the client has ended. What comes before the bus has started
    /// waits with the client.
    pub(crate) async fn run(mut self, client: Client, messages: Peekable<Subscriber>) {
        let is_started = tokio::select! {
            is_started = self.presence.started(&self.bus) => is_started,
            // (Later, the messages end with the client.)
            () = ended(&client, self.heartbeat) => false,
        };
        drop(client);
        if !is_started {
            return;
        }
        let mut messages = messages.ready_chunks(BATCH);
        loop {
            let chunk = tokio::select! {
                biased;
                () = self.presence.closed() => None,
                chunk = messages.next() => chunk,
            };
            let Some(chunk) = chunk else { return };
            self.import(chunk);
        }
    }

    /// Publishes those of these messages that are events for this node.
    fn import(&mut self, chunk: Vec<Message>) {
        let arrivals = self.hear(&chunk);
        let mut run: Vec<E> = Vec::with_capacity(arrivals.len());
        let mut from = None;
        for arrival in arrivals {
            if from.is_some_and(|origin| origin != arrival.origin) {
                self.publish(mem::take(&mut run), from);
            }
            from = Some(arrival.origin);
            match self.read(&arrival) {
                Some(event) => run.push(event),
                None => self.shared.import().add(arrival.origin, Fate { undecodable: 1, ..Fate::default() }),
            }
        }
        self.publish(run, from);
    }

    /// Takes note of the messages' numbers, and picks the events that are to be published.
    fn hear<'a>(&mut self, chunk: &'a [Message]) -> Vec<Arrival<'a>> {
        let now = self.shared.now();
        let shared = Arc::clone(&self.shared);
        let mut imported = shared.import();
        let (mut arrivals, mut notes) = (Vec::with_capacity(chunk.len()), Vec::new());
        arrivals.extend(chunk.iter().filter_map(|message| self.hear_one(message, &mut imported, now, &mut notes)));
        debug_assert!(imported.incoming.holds(), "{:?}", imported.incoming);
        drop(imported);
        // Whoever reads the log may ask for statistics.
        let bridge = self.shared.node;
        for note in notes {
            match note {
                Note::Stranger { subject, error } => {
                    debug!(target: "ringbus_nats", %bridge, %subject, %error, "a message is not of a bridge");
                }
                Note::Joined { origin, before } => {
                    debug!(target: "ringbus_nats", %bridge, %origin, before, "heard another node");
                }
                Note::Codec { origin, codec } => {
                    debug!(target: "ringbus_nats", %bridge, %origin, codec, "an event was written by another codec");
                }
            }
        }
        say_missed(bridge, self.missed.news());
        arrivals
    }

    /// Takes note of one message.
    fn hear_one<'a>(
        &mut self,
        message: &'a Message,
        imported: &mut Imported,
        now: Duration,
        notes: &mut Vec<Note>,
    ) -> Option<Arrival<'a>> {
        let (envelope, payload) = match Envelope::decode(&message.payload) {
            Ok(read) => read,
            Err(_) if self.subjects.is_probe(&message.subject) => return None,
            Err(error) => {
                imported.strangers += 1;
                notes.push(Note::Stranger { subject: message.subject.clone(), error });
                return None;
            }
        };
        let origin = envelope.origin();
        let (Verdict::Deliver(progress) | Verdict::Noted(progress)) = imported.incoming.hear(&envelope, now) else {
            return None;
        };
        match progress {
            Progress::Joined { before, replaced } => {
                if let Some(replaced) = replaced {
                    imported.forget(replaced);
                }
                notes.push(Note::Joined { origin, before });
            }
            Progress::InOrder => {}
            Progress::Gap { missed } => self.missed.add(missed),
        }
        let Kind::Event { codec, destination } = envelope.kind() else { return None };
        let event_type = self.event_type(&message.subject);
        let is_for_us = destination.is_none_or(|node| node == self.shared.node);
        let Some(event_type) = event_type.filter(|_| is_for_us) else {
            imported.add(origin, Fate { skipped: 1, ..Fate::default() });
            return None;
        };
        if codec != C::ID {
            notes.push(Note::Codec { origin, codec });
            imported.add(origin, Fate { undecodable: 1, ..Fate::default() });
            return None;
        }
        Some(Arrival { origin, event_type, payload })
    }

    /// The event type that a message was sent to, if that is imported.
    fn event_type(&mut self, subject: &str) -> Option<EventType> {
        match &self.last {
            Some((last, event_type)) if **last == *subject => Some(*event_type),
            _ => {
                let event_type = self.subjects.event_type(subject, &self.types)?;
                self.last = Some((subject.into(), event_type));
                Some(event_type)
            }
        }
    }

    /// Makes an event of bytes. All of this is user code, which may panic.
    fn read(&self, arrival: &Arrival<'_>) -> Option<E> {
        let Arrival { origin, event_type, payload } = arrival;
        // Out here, a panic does not drop it on its way: that might panic once more, and abort.
        let mut read = None;
        let is_fit = guard(|| {
            let event = match self.codec.decode(*event_type, payload) {
                Ok(event) => read.insert(event),
                Err(error) => {
                    debug!(target: "ringbus_nats", %origin, %event_type, %error, "an event is not imported");
                    return false;
                }
            };
            let its_type = event.event_type();
            if its_type != *event_type {
                debug!(target: "ringbus_nats", %origin, %event_type, %its_type, "an event came as another type");
                return false;
            }
            if let Some(request) = event.as_request() {
                // Before anybody here can answer it.
                self.askers.note(request.request_id(), *origin);
            }
            true
        });
        if is_fit == Some(true) {
            return read;
        }
        if drop_each(read) > 0 || is_fit.is_none() {
            warn!(target: "ringbus_nats", %origin, %event_type, "an event is not imported, because it or its codec has panicked");
        }
        None
    }

    /// Publishes events of one node.
    fn publish(&self, events: Vec<E>, from: Option<NodeId>) {
        let Some(origin) = from.filter(|_| !events.is_empty()) else { return };
        let count = events.len() as u64;
        // User code runs on the way: filters, hooks, wakers, the events' own methods.
        let outcome = guard(|| {
            let bus = self.bus.upgrade()?;
            Some(publishing(&events, origin, || bus.publish_batch(&events)))
        });
        let published = match outcome {
            Some(Some(Ok(_))) => count,
            Some(Some(Err(BatchError { taken, .. }))) => taken as u64,
            Some(None) => 0,
            // A panic goes on after everybody was served.
            None => {
                warn!(target: "ringbus_nats", %origin, "a subscriber has panicked in the publish of imported events");
                count
            }
        };
        if drop_each(events) > 0 {
            warn!(target: "ringbus_nats", %origin, "an imported event has panicked when it was dropped");
        }
        self.shared.import().add(origin, Fate { published, refused: count - published, ..Fate::default() });
    }
}

fn say_missed(bridge: NodeId, missed: Option<u64>) {
    if let Some(missed) = missed {
        warn!(target: "ringbus_nats", %bridge, missed, "events of other nodes did not arrive");
    }
}

impl<E: Event + Clone, C> Drop for Importer<E, C> {
    fn drop(&mut self) {
        say_missed(self.shared.node, self.missed.rest());
        info!(target: "ringbus_nats", bridge = %self.shared.node, "the import ends");
    }
}
