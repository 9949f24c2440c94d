//! Where the event under way was imported from.
//!
//! A bus offers an event to the filters of its subscribers on the thread that publishes it, before
//! `publish` returns. So while a bridge publishes what it has imported, a mark of that thread says
//! where those events lie and from where they came, and the filter of a bridge that exports on the
//! same bus refuses what lies there.
//!
//! The events are known by their addresses, and not by their types or by a flag that is up
//! meanwhile: a filter, a hook or a `Drop` that publishes an event of its own in the midst of this,
//! of the same type or of another, publishes one that lies elsewhere, and that one is exported.

use crate::node_id::NodeId;
use std::cell::Cell;
use std::ops::Range;
use std::ptr;

/// What this thread is publishing for a bridge.
#[derive(Clone, Copy)]
struct Mark {
    /// The address of the first imported event.
    start: usize,
    /// The address behind the last one.
    end: usize,
    /// Which node they came from.
    origin: NodeId,
}

thread_local! {
    /// Set while a bridge publishes.
    static MARK: Cell<Option<Mark>> = const { Cell::new(None) };
}

/// Which node the event under way was imported from; `None` if it was made here.
///
/// For filters of subscribers: a live event is offered to them by the thread that publishes it,
/// and that is the bridge if the event comes from elsewhere. Elsewhere this is `None`: in a thread
/// or a task that receives, say.
///
/// Not for types that the bus retains: of those, whoever publishes one may hand on another's as
/// well, so this may be the wrong node, or `None` for what was imported.
///
/// What a filter or a hook publishes while an imported event is on its way is under way within
/// that, and has the same origin here. (A bridge is not misled by that, and exports it.)
///
/// # Examples
///
/// ```
/// # use ringbus::{DynEvent, EventBus};
/// # let bus: EventBus<DynEvent> = EventBus::new(0);
/// let made_here =
///     bus.subscriber("audit").filter(|_| ringbus_nats::origin().is_none()).subscribe();
/// ```
#[must_use]
pub fn origin() -> Option<NodeId> {
    Some(MARK.get()?.origin)
}

/// Whether a bridge is publishing this very event on this thread.
pub(crate) fn is_imported<E>(event: &E) -> bool {
    // Events without a size have no addresses of their own, and nothing that could tell them apart.
    let has_no_address = const { size_of::<E>() == 0 };
    MARK.get().is_some_and(|mark| has_no_address || (mark.start..mark.end).contains(&ptr::from_ref(event).addr()))
}

/// Calls `publish` while this thread is marked: these events come from that node. Without the mark
/// again after that, also if it panics.
pub(crate) fn publishing<E, R>(events: &[E], origin: NodeId, publish: impl FnOnce() -> R) -> R {
    /// Puts back what was there before.
    struct Unmark(Option<Mark>);

    impl Drop for Unmark {
        fn drop(&mut self) {
            MARK.set(self.0);
        }
    }

    let Range { start, end } = events.as_ptr_range();
    let _unmark = Unmark(MARK.replace(Some(Mark { start: start.addr(), end: end.addr(), origin })));
    publish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;

    fn node() -> NodeId {
        NodeId::from_bits(7).expect("not 0")
    }

    #[test]
    fn only_what_lies_there_is_imported() {
        let events = [1_u32, 2, 3];
        let own = 2_u32;
        assert_eq!(origin(), None);
        publishing(&events[..2], node(), || {
            assert_eq!(origin(), Some(node()));
            assert_eq!(events.each_ref().map(is_imported), [true, true, false]);
            assert!(!is_imported(&own), "an equal event that was made here");
        });
        assert_eq!(origin(), None);
        assert!(!is_imported(&events[0]), "published again, by somebody here");
    }

    #[test]
    fn mark_is_gone_after_a_panic() {
        let panic = catch_unwind(|| publishing(&[1], node(), || panic!("a filter")));
        assert!(panic.is_err());
        assert_eq!(origin(), None);
    }

    #[test]
    fn one_bus_may_feed_another_on_the_same_thread() {
        let (outer, inner) = ([1], [2]);
        let other = NodeId::from_bits(8).expect("not 0");
        publishing(&outer, node(), || {
            publishing(&inner, other, || assert_eq!(origin(), Some(other)));
            assert_eq!(origin(), Some(node()));
            assert!(is_imported(&outer[0]));
        });
    }

    #[test]
    fn events_without_a_size_go_by_the_mark() {
        assert!(!is_imported(&()));
        publishing(&[()], node(), || assert!(is_imported(&())));
    }
}
