//! One bridge for each bus and prefix.

use crate::error::ConnectError;
use crate::node_id::NodeId;
use futures_util::FutureExt;
use ringbus::{Event, EventBus, EventType, Subscription, WeakEventBus};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// A subscription to an event type that nobody publishes. It tells the other bridges of a bus that
/// there is one for this prefix, and this bridge, when the bus starts and when it closes. It costs
/// no publisher anything.
#[derive(Debug)]
pub(crate) struct Presence<E: Event + Clone>(Subscription<E>);

impl<E: Event + Clone> Presence<E> {
    /// # Errors
    ///
    /// [`ConnectError::AlreadyBridged`] if there is a bridge of that prefix on that bus: each would
    /// import what the other has exported, so that everything would come twice.
    /// [`ConnectError::BusClosed`].
    pub(crate) fn claim(bus: &EventBus<E>, prefix: &str, node: NodeId) -> Result<Self, ConnectError> {
        let marker = EventType::intern(&format!("ringbus-nats.{prefix}"));
        let name = format!("bridge {prefix} {node}");
        let presence = Self(bus.subscriber(&*name).capacity(1).types([marker]).subscribe());
        if bus.is_closed() {
            return Err(ConnectError::BusClosed);
        }
        // Who came first has it; so of two that come at once, one does.
        let first = bus.stats().subscribers.into_iter().find(|row| row.types.as_deref() == Some(&[marker]));
        match first {
            Some(first) if *first.name != *name => Err(ConnectError::AlreadyBridged { prefix: prefix.into() }),
            Some(_) | None => Ok(presence),
        }
    }

    /// Waits until the bus has started. Says whether it did: else it is closed.
    pub(crate) async fn started(&mut self, bus: &WeakEventBus<E>) -> bool {
        loop {
            let mut received = pin!(self.0.recv_async());
            let outcome = poll_fn(|context| {
                // Registers for the wake-up first, and looks after that. `start` wakes everybody,
                // also those for whom there is nothing.
                let received = received.poll_unpin(context);
                match bus.upgrade() {
                    None => Poll::Ready(Some(false)),
                    Some(bus) if bus.is_started() => Poll::Ready(Some(true)),
                    Some(_) => received.map(|received| received.is_err().then_some(false)),
                }
            });
            if let Some(is_started) = outcome.await {
                return is_started;
            }
        }
    }

    /// Waits until the bus is closed. May be dropped at any time.
    pub(crate) async fn closed(&mut self) {
        while self.0.recv_async().await.is_ok() {}
    }
}
