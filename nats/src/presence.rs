//! One bridge for each bus and prefix.

use crate::error::ConnectError;
use crate::guard::guard;
use crate::node_id::NodeId;
use futures_util::StreamExt;
use ringbus::{Event, EventBus, EventType, Subscription, WeakEventBus};
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

/// A subscription to an event type that nobody publishes. It tells the other bridges of a bus that
/// there is one for this prefix, and this bridge, when the bus starts and when it closes. It costs
/// no publisher anything; but who has it must poll it, because it keeps the replay until then.
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
        poll_fn(|context| {
            loop {
                // Registers for the wake-up first, and looks after that. `start` wakes everybody,
                // also those for whom there is nothing.
                let is_open = self.poll(context);
                match bus.upgrade() {
                    None => return Poll::Ready(false),
                    Some(bus) if bus.is_started() => return Poll::Ready(true),
                    Some(_) => {}
                }
                match is_open {
                    Poll::Ready(true) => {}
                    Poll::Ready(false) => return Poll::Ready(false),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }

    /// Waits until the bus is closed, and lets go of the replay on the way. May be dropped at any
    /// time.
    pub(crate) async fn closed(&mut self) {
        poll_fn(|context| {
            while ready!(self.poll(context)) {}
            Poll::Ready(())
        })
        .await;
    }

    /// Takes the next event, and says whether the subscription is open. To look for it in the
    /// replay is user code: an event that panics there is passed over.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        loop {
            let poll = guard(|| self.0.poll_next_unpin(context).map(|event| event.is_some()));
            if let Some(poll) = poll {
                return poll;
            }
        }
    }
}
