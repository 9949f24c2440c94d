//! The task that sends what the bus publishes.

use crate::askers::Askers;
use crate::builder::WhileDisconnected;
use crate::codec::{Codec, EncodeError};
use crate::envelope::Envelope;
use crate::guard::{discard, drop_each, guard};
use crate::node_id::NodeId;
use crate::numbering::Outgoing;
use crate::presence::Presence;
use crate::question::{Answer, ask, connections, has_ended};
use crate::report::Occasional;
use crate::shared::Shared;
use crate::stats::ExportStats;
use async_nats::client::{PublishError, PublishErrorKind};
use async_nats::connection::State;
use async_nats::{Client, Subject};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::poll_immediate;
use ringbus::{Event, EventType, Subscription};
use std::collections::HashMap;
use std::future::pending;
use std::mem;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep, sleep_until};
use tracing::{debug, info, warn};

/// Events taken from the ring at a time.
const BATCH: usize = 256;

/// How long a message may be stuck before the task looks around: whether there still is a
/// connection, and whether it should end. The client has no way to be told.
const LOOK_AROUND: Duration = Duration::from_millis(20);

/// How long the server may take to have everything, if nobody has said how long.
const FAREWELL_WITHIN: Duration = Duration::from_secs(5);

/// Room that a message gets before its length is known, in bytes, at most.
const MOST_EXPECTED: usize = 16 * 1024;

/// The task that sends what the bus publishes.
pub(crate) struct Exporter<E: Event + Clone, C> {
    pub(crate) subscription: Subscription<E>,
    /// Held until the end, if the importer does not hold it.
    pub(crate) presence: Option<Presence<E>>,
    pub(crate) linger: Duration,
    pub(crate) max_age: Option<Duration>,
    pub(crate) writer: Writer<C>,
    pub(crate) line: Line,
}

/// What a shutdown tells the task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop {
    /// By when it must have ended.
    pub(crate) by: Instant,
    /// How many connections there had been when the shutdown began.
    pub(crate) connections: u64,
}

/// Makes messages of events.
pub(crate) struct Writer<C> {
    codec: Arc<C>,
    subjects: HashMap<EventType, Subject>,
    /// Where the last one went: often, the next one goes there, too.
    last: Option<(EventType, Subject)>,
    askers: Arc<Askers>,
    /// Bytes that the next message is expected to have: those of the one before.
    expected: usize,
}

/// Where messages go.
pub(crate) struct Line {
    client: Client,
    shared: Arc<Shared>,
    outgoing: Outgoing,
    heartbeat_subject: Subject,
    heartbeat: Interval,
    while_disconnected: WhileDisconnected,
    /// What a shutdown says, once there is one.
    stop: watch::Receiver<Option<Stop>>,
    stamp: Stamp,
    counts: ExportStats,
    /// Whether something was given up after the shutdown had begun.
    has_given_up: bool,
    /// What the ring has lost.
    lost: Occasional,
    /// How much that was so far, in all.
    lost_so_far: u64,
}

/// How many events that go out together carry the same time, at most, so that not each takes a look
/// at the clock.
const STAMPED_TOGETHER: u32 = 16;

/// The time that goes into the envelopes of events, for as long as none of them waits.
#[derive(Debug, Default)]
struct Stamp {
    ns: u64,
    left: u32,
}

impl Stamp {
    fn next(&mut self) -> u64 {
        if self.left == 0 {
            *self = Self { ns: now_ns(), left: STAMPED_TOGETHER };
        }
        self.left -= 1;
        self.ns
    }

    /// After a wait.
    fn expire(&mut self) {
        self.left = 0;
    }
}

/// Events on their way to the client. If the task is aborted, they are dropped one by one.
struct Batch<E>(Vec<E>);

impl<E> Drop for Batch<E> {
    fn drop(&mut self) {
        drop_each(self.0.drain(..));
    }
}

/// What is to become of an event.
enum Prepared {
    /// It goes to that subject; its message is written, except for the envelope.
    Ready { subject: Subject, destination: Option<NodeId>, message: Vec<u8> },
    /// It answers a request that no other node is known to have made.
    AtHome,
    /// The codec has refused it.
    Unencodable,
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Handed {
    /// The client has it; or it was no message, and is accounted for.
    Over,
    /// It was given up.
    GivenUp,
    /// The client refuses it: it is longer than the server takes.
    Refused,
    /// The client has ended.
    Ended,
}

impl<C> Writer<C> {
    pub(crate) fn new(codec: Arc<C>, subjects: HashMap<EventType, Subject>, askers: Arc<Askers>) -> Self {
        Self { codec, subjects, last: None, askers, expected: 0 }
    }

    /// Where events of that type go, if they are exported.
    fn subject(&mut self, event_type: EventType) -> Option<Subject> {
        match &self.last {
            Some((last, subject)) if *last == event_type => Some(subject.clone()),
            _ => {
                let subject = self.subjects.get(&event_type)?.clone();
                self.last = Some((event_type, subject.clone()));
                Some(subject)
            }
        }
    }

    /// Whether this answers a request that no other node is known to have made. User code.
    fn stays_at_home<E: Event>(&self, event: &E) -> bool {
        let stays =
            guard(|| event.as_response().is_some_and(|response| self.askers.asker(&response.request_id()).is_none()));
        stays.unwrap_or(false)
    }

    /// Writes the message of an event, with room for its envelope. All of this is user code, which
    /// may panic.
    fn prepare<E: Event>(&mut self, event: &E) -> Prepared
    where
        C: Codec<E>,
    {
        let prepared = guard(|| {
            let event_type = event.event_type();
            let mut destination = None;
            if let Some(response) = event.as_response() {
                match self.askers.asker(&response.request_id()) {
                    Some(node) => destination = Some(node),
                    None => return Prepared::AtHome,
                }
            }
            // It had an exported type when it was published; what it says now is its own affair.
            let Some(subject) = self.subject(event_type) else {
                return Prepared::Unencodable;
            };
            let mut message = Vec::with_capacity(self.expected.min(MOST_EXPECTED));
            message.resize(Envelope::LEN, 0);
            let error = match self.codec.encode(event, &mut message) {
                Ok(()) if message.len() >= Envelope::LEN => {
                    return Prepared::Ready { subject, destination, message };
                }
                Ok(()) => EncodeError::new("the codec has taken away what it should append to"),
                Err(error) => error,
            };
            debug!(target: "ringbus_nats", %event_type, %error, "an event is not exported");
            Prepared::Unencodable
        });
        let prepared = prepared.unwrap_or_else(|| {
            warn!(target: "ringbus_nats", "an event is not exported, because it or its codec has panicked");
            Prepared::Unencodable
        });
        if let Prepared::Ready { message, .. } = &prepared {
            self.expected = message.len();
        }
        prepared
    }
}

impl Line {
    pub(crate) fn new(
        client: Client,
        shared: Arc<Shared>,
        outgoing: Outgoing,
        heartbeat_subject: Subject,
        period: Duration,
        while_disconnected: WhileDisconnected,
        stop: watch::Receiver<Option<Stop>>,
    ) -> Self {
        let mut heartbeat = interval(period);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (stamp, counts, lost) = (Stamp::default(), ExportStats::default(), Occasional::default());
        Self {
            client,
            shared,
            outgoing,
            heartbeat_subject,
            heartbeat,
            while_disconnected,
            stop,
            stamp,
            counts,
            has_given_up: false,
            lost,
            lost_so_far: 0,
        }
    }

    fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// By when the task must have ended, once it is to end.
    fn deadline(&self) -> Option<Instant> {
        self.stop.borrow().map(|stop| stop.by)
    }

    fn is_overdue(&self) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= Instant::now())
    }

    /// Whether an event may go to the client now.
    fn may_send(&self) -> bool {
        !self.is_overdue() && (self.while_disconnected == WhileDisconnected::Hold || self.is_connected())
    }

    /// Waits a little for a connection. Says whether one may come.
    async fn wait(&mut self) -> bool {
        tokio::select! {
            _ = self.heartbeat.tick() => self.beat().await != Handed::Ended,
            () = sleep(LOOK_AROUND) => true,
        }
    }

    /// Counts events that are not sent.
    fn give_up(&mut self, events: u64) {
        self.counts.expired += events;
        self.has_given_up |= events > 0 && self.deadline().is_some();
    }

    /// Hands a message to the client. While the client takes none, looks around now and then
    /// whether it is still worth to wait.
    async fn hand_over(&mut self, subject: Subject, message: Bytes, may_wait: impl Fn(&Self) -> bool) -> Handed {
        let mut publishing = pin!(self.client.publish(subject, message));
        // Nearly always there is room, and no timer is needed.
        let mut result = poll_immediate(&mut publishing).await;
        while result.is_none() {
            self.stamp.expire();
            if !may_wait(self) {
                // Nothing of the message is with the client then.
                return Handed::GivenUp;
            }
            tokio::select! {
                published = &mut publishing => result = Some(published),
                () = sleep(LOOK_AROUND) => {}
            }
        }
        handed(result)
    }

    /// Sends the next number, so that those who lost the last events see it. Without a connection
    /// this only finds out whether the client is still there.
    async fn beat(&mut self) -> Handed {
        if !self.is_connected() {
            return if has_ended(&self.client).await { Handed::Ended } else { Handed::GivenUp };
        }
        let message = Bytes::copy_from_slice(&self.outgoing.heartbeat(now_ns()).encode());
        self.hand_over(self.heartbeat_subject.clone(), message, Self::may_send).await
    }

    /// Says farewell, and waits until the server has everything. Says whether it has.
    async fn end(&mut self) -> bool {
        let latest = Instant::now() + FAREWELL_WITHIN;
        // The shutdown may begin meanwhile.
        let deadline = |line: &Self| line.deadline().unwrap_or(latest);
        let message = Bytes::copy_from_slice(&self.outgoing.farewell(now_ns()).encode());
        let may_wait = |line: &Self| Instant::now() < deadline(line);
        if self.hand_over(self.heartbeat_subject.clone(), message, may_wait).await != Handed::Over {
            return false;
        }
        let mut answered = pin!(async {
            loop {
                match ask(&self.shared, &self.client).await {
                    Answer::Unheard | Answer::Given => return true,
                    Answer::NotYet => {}
                    Answer::Never => return false,
                }
            }
        });
        let mut stop = self.stop.clone();
        loop {
            tokio::select! {
                is_with_server = &mut answered => return is_with_server,
                () = sleep_until(deadline(self)) => return false,
                Ok(()) = stop.changed() => {}
            }
        }
    }

    /// Lets others see the counts, and says what the ring has lost since it was last said.
    fn show<E: Event + Clone>(&mut self, subscription: &Subscription<E>) {
        let row = subscription.stats();
        self.counts.ring_dropped = row.lost() + row.discarded;
        let ExportStats { ring_dropped, expired, unencodable, sent, at_home, .. } = self.counts;
        // What was received, less what is not for others, and what got lost before.
        self.counts.offered = row.received - at_home + ring_dropped;
        debug_assert_eq!(self.outgoing.next(), sent);
        debug_assert!(self.counts.offered >= ring_dropped + expired + unencodable + sent);
        *self.shared.export() = self.counts;
        self.lost.add(row.lost() - mem::replace(&mut self.lost_so_far, row.lost()));
        let lost = if self.deadline().is_some() { self.lost.rest() } else { self.lost.news() };
        if let Some(lost) = lost {
            warn!(target: "ringbus_nats", bridge = %self.outgoing.node(), lost, "the export ring is full, events are lost");
        }
    }
}

/// What became of a message that the client was offered. `None`: it has no room.
fn handed(published: Option<Result<(), PublishError>>) -> Handed {
    match published {
        Some(Ok(())) => Handed::Over,
        Some(Err(error)) if error.kind() == PublishErrorKind::Send => Handed::Ended,
        Some(Err(_)) => Handed::Refused,
        None => Handed::GivenUp,
    }
}

/// Nanoseconds since 1970.
fn now_ns() -> u64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX)
}

/// Waits until a presence is closed, if there is one.
async fn closed<E: Event + Clone>(presence: &mut Option<Presence<E>>) {
    match presence {
        Some(presence) => presence.closed().await,
        None => pending().await,
    }
}

impl<E: Event + Clone, C: Codec<E>> Exporter<E, C> {
    /// Runs until the subscription or the client has ended. Says whether the server has everything
    /// that was offered.
    pub(crate) async fn run(mut self) -> bool {
        let mut batch = Batch(Vec::with_capacity(BATCH));
        let mut is_open = true;
        while is_open {
            if self.must_hold() {
                is_open = self.line.wait().await;
                continue;
            }
            is_open = self.take(&mut batch.0).await;
            self.line.stamp.expire();
            // Looked at for each batch, and again whenever the client takes nothing.
            let mut may_send = self.line.may_send();
            batch.0.reverse();
            while let Some(event) = batch.0.pop() {
                match self.export(event, may_send).await {
                    Handed::Over | Handed::Refused => {}
                    Handed::GivenUp => may_send = self.line.may_send(),
                    Handed::Ended => (may_send, is_open) = (false, false),
                }
            }
            self.line.show(&self.subscription);
        }
        info!(target: "ringbus_nats", bridge = %self.line.outgoing.node(), "the export ends");
        self.give_up_rest(&mut batch.0);
        let at_the_end = connections(&self.line.client);
        let is_with_server = self.line.end().await;
        self.line.show(&self.subscription);
        // What is lost with a connection, the server that answers on the next one never had.
        let before = self.line.stop.borrow().map_or(at_the_end, |stop| stop.connections.min(at_the_end));
        is_with_server && connections(&self.line.client) == before && !self.line.has_given_up
    }

    /// If the client has ended, there is something left.
    fn give_up_rest(&mut self, batch: &mut Vec<E>) {
        self.subscription.stop_handle().stop();
        loop {
            let received = guard(|| self.subscription.try_recv_many(batch, BATCH));
            let at_home = batch.iter().filter(|&event| self.writer.stays_at_home(event)).count();
            self.line.counts.at_home += at_home as u64;
            self.line.give_up((batch.len() - at_home) as u64);
            drop_each(batch.drain(..));
            if received == Some(0) {
                return;
            }
        }
    }

    /// Whether what there is should stay in the ring for now.
    fn must_hold(&self) -> bool {
        let line = &self.line;
        line.while_disconnected == WhileDisconnected::Hold && !line.is_connected() && !line.is_overdue()
    }

    /// Waits for events, or until a heartbeat is due. Says whether more may come.
    async fn take(&mut self, batch: &mut Vec<E>) -> bool {
        if !self.linger.is_zero() && self.subscription.is_empty() && self.line.deadline().is_none() {
            // Not parked meanwhile, so that nobody has to wake this task.
            tokio::select! {
                biased;
                _ = self.line.heartbeat.tick() => return self.line.beat().await != Handed::Ended,
                _ = self.line.stop.changed() => {}
                () = sleep(self.linger) => {}
            }
        }
        // (A `Clone` that panics in the replay costs that event alone.)
        let receiving = AssertUnwindSafe(self.subscription.recv_many_async(batch, BATCH)).catch_unwind();
        tokio::select! {
            biased;
            _ = self.line.heartbeat.tick() => self.line.beat().await != Handed::Ended,
            received = receiving => match received {
                Ok(received) => received.is_ok(),
                Err(payload) => {
                    discard(payload);
                    warn!(target: "ringbus_nats", "an event is not exported, because its `Clone` has panicked");
                    true
                }
            },
            // It lets go of its replay. (Once it is closed, so is what is received above.)
            () = closed(&mut self.presence) => true,
        }
    }

    /// Sends an event, if that may be, and counts what became of it.
    async fn export(&mut self, event: E, may_send: bool) -> Handed {
        let prepared = if may_send && !self.is_old(&event) {
            Some(self.writer.prepare(&event))
        } else {
            self.writer.stays_at_home(&event).then_some(Prepared::AtHome)
        };
        if drop_each([event]) > 0 {
            warn!(target: "ringbus_nats", "an event has panicked when it was dropped");
        }
        let counts = &mut self.line.counts;
        let (subject, destination, mut message) = match prepared {
            Some(Prepared::Ready { subject, destination, message }) => (subject, destination, message),
            Some(Prepared::AtHome) => {
                counts.at_home += 1;
                return Handed::Over;
            }
            Some(Prepared::Unencodable) => {
                counts.unencodable += 1;
                return Handed::Over;
            }
            None => {
                self.line.give_up(1);
                return Handed::GivenUp;
            }
        };
        // The number is used up once the client has the message.
        let length = message.len();
        let envelope = self.line.outgoing.event(C::ID, destination, self.line.stamp.next());
        message[..Envelope::LEN].copy_from_slice(&envelope.encode());
        let handed = self.line.hand_over(subject, message.into(), Line::may_send).await;
        let counts = &mut self.line.counts;
        match handed {
            Handed::Over => {
                self.line.outgoing.confirm(&envelope);
                counts.sent += 1;
                counts.bytes += length as u64;
            }
            Handed::Refused => {
                counts.unencodable += 1;
                debug!(target: "ringbus_nats", length, "an event is longer than the server takes");
            }
            Handed::GivenUp | Handed::Ended => {
                self.line.give_up(1);
            }
        }
        handed
    }

    fn is_old(&self, event: &E) -> bool {
        let Some(max_age) = self.max_age else { return false };
        guard(|| event.timestamp().elapsed()).is_some_and(|age| age.is_ok_and(|age| age > max_age))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamp_is_for_a_few_messages_and_ends_with_a_wait() {
        let mut stamp = Stamp::default();
        let before = now_ns();
        let first = stamp.next();
        assert!((before..=now_ns()).contains(&first));
        assert!((1..STAMPED_TOGETHER).all(|_| stamp.next() == first));

        let later = || {
            let now = now_ns();
            while now_ns() == now {}
            now_ns()
        };
        let second = later();
        assert!(stamp.next() >= second);
        let third = later();
        assert!(stamp.next() < third, "it is for more than one");
        stamp.expire();
        assert!(stamp.next() >= third);
    }
}
