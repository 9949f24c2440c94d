//! A bridge at work.

use crate::builder::BridgeBuilder;
use crate::codec::Codec;
use crate::export::Stop;
use crate::node_id::NodeId;
use crate::question::connections;
use crate::shared::Shared;
use crate::stats::{BridgeState, BridgeStats, ShutdownReport};
use async_nats::Client;
use async_nats::connection::State;
use ringbus::{Event, EventBus, StopHandle};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Connects a bus with those of other processes, over NATS.
///
/// An ordinary subscriber exports what is published here, and an ordinary publisher publishes what
/// comes in. Each bridge is a node with a [number of its own](NodeId), and there is one for each
/// bus and prefix.
///
/// Dropping it ends it, and what is in the export ring is not sent: [`shutdown`](Self::shutdown)
/// sends it. A bridge that is dropped is gone when the runtime has dropped its tasks; until then,
/// the bus can have no other one of its prefix. (`shutdown` with no time waits for that.)
///
/// When the bus is closed, the bridge sends what is left and ends. If there is no connection then,
/// the client's own task goes on trying until there is one, or until it has tried `max_reconnects`
/// times, if the options say so.
#[must_use = "dropping a bridge ends it"]
pub struct Bridge<E> {
    shared: Arc<Shared>,
    client: Client,
    /// Tells the export task to end.
    stop: watch::Sender<Option<Stop>>,
    /// What ends the export, and its task, which says whether the server has everything.
    exporter: Option<(StopHandle, JoinHandle<bool>)>,
    importer: Option<JoinHandle<()>>,
    events: PhantomData<fn(E)>,
}

impl<E: Event + Clone> Bridge<E> {
    /// Begins a bridge between this bus and those of other processes.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # #[cfg(feature = "json")]
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ringbus::{Event, EventBus, EventType};
    /// # use std::time::{Duration, SystemTime};
    /// use ringbus_nats::{Bridge, Json};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Clone, Serialize, Deserialize)]
    /// struct Price { cents: u32 }
    ///
    /// const PRICE: EventType = EventType::new("price");
    /// # impl Event for Price {
    /// #     fn event_type(&self) -> EventType { PRICE }
    /// #     fn timestamp(&self) -> SystemTime { SystemTime::now() }
    /// # }
    ///
    /// let bus = EventBus::new(100);
    /// let bridge = Bridge::builder(&bus, Json)
    ///     .prefix("shop")
    ///     .export([PRICE])
    ///     .import([PRICE])
    ///     .connect("nats://127.0.0.1", Default::default())
    ///     .await?;
    /// bus.start();
    /// bus.publish(Price { cents: 95 })?; // to subscribers here, and to the other nodes
    /// println!("{}", bridge.shutdown(Duration::from_secs(5)).await);
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder<C: Codec<E>>(bus: &EventBus<E>, codec: C) -> BridgeBuilder<E, C> {
        BridgeBuilder::new(bus.clone(), codec)
    }
}

impl<E> Bridge<E> {
    pub(crate) fn new(
        shared: Arc<Shared>,
        client: Client,
        stop: watch::Sender<Option<Stop>>,
        exporter: Option<(StopHandle, JoinHandle<bool>)>,
        importer: Option<JoinHandle<()>>,
    ) -> Self {
        Self { shared, client, stop, exporter, importer, events: PhantomData }
    }

    /// The number of this node, by which the others know it.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.shared.node
    }

    /// The connection, for what else there is to say over NATS, and to look at it or to force a
    /// reconnect. Who drains it ends the bridge.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether the bridge is at work. Advisory: it may have changed by the time it is returned.
    #[must_use]
    pub fn state(&self) -> BridgeState {
        let has_ended = self.exporter.as_ref().is_none_or(|(_, task)| task.is_finished())
            && self.importer.as_ref().is_none_or(JoinHandle::is_finished);
        match self.client.connection_state() {
            _ if has_ended => BridgeState::Ended,
            State::Connected => BridgeState::Connected,
            State::Pending | State::Disconnected => BridgeState::Disconnected,
        }
    }

    /// What was counted so far. Takes short locks that no publisher ever takes.
    #[must_use]
    pub fn stats(&self) -> BridgeStats {
        self.shared.stats(self.state())
    }

    /// Ends the bridge in order: takes no new event from the bus, sends what there is, says
    /// farewell, so that the others know that there is nothing more to come, and waits until the
    /// server has it; `within` that time at most. What is left then is counted as
    /// [expired](crate::ExportStats::expired). Imports go on until that is done.
    ///
    /// If this is dropped before it is done, the bridge ends at once.
    pub async fn shutdown(mut self, within: Duration) -> ShutdownReport {
        // Far enough away for whoever says `Duration::MAX`.
        let by = Instant::now() + within.min(Duration::from_secs(365 * 24 * 3_600));
        self.stop.send_replace(Some(Stop { by, connections: connections(&self.client) }));
        let mut is_complete = true;
        if let Some((stop, task)) = &mut self.exporter {
            stop.stop();
            is_complete = task.await.unwrap_or(false);
        }
        if let Some(task) = &mut self.importer {
            task.abort();
            let _ = task.await;
        }
        ShutdownReport { is_complete, stats: self.stats() }
    }
}

impl<E> Drop for Bridge<E> {
    fn drop(&mut self) {
        if let Some((_, task)) = &self.exporter {
            task.abort();
        }
        if let Some(task) = &self.importer {
            task.abort();
        }
    }
}

impl<E> fmt::Debug for Bridge<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge")
            .field("node", &self.shared.node)
            .field("prefix", &self.shared.prefix)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
