//! Who is interested in what: the table that a publish looks an event type up in.

use crate::event::event_type::EventType;
use crate::mailbox::Mailbox;
use std::sync::Arc;

/// The mailboxes of one snapshot, sorted by what they want.
///
/// Built anew whenever the subscribers change, so that a publish finds those interested in O(1), by the hash that the
/// event type carries, and never looks at the others.
#[derive(Debug)]
pub(crate) struct Routes<E> {
    /// Subscribers that take events of every type.
    universal: Box<[Arc<Mailbox<E>>]>,
    /// Open addressing with linear probing; its length is 0 or a power of two at least twice the number of routes.
    table: Box<[Option<Route<E>>]>,
}

#[derive(Debug)]
struct Route<E> {
    event_type: EventType,
    mailboxes: Box<[Arc<Mailbox<E>>]>,
}

impl<E> Clone for Routes<E> {
    fn clone(&self) -> Self {
        let clone_route = |route: &Option<Route<E>>| {
            route.as_ref().map(|route| Route { event_type: route.event_type, mailboxes: route.mailboxes.clone() })
        };
        Self { universal: self.universal.clone(), table: self.table.iter().map(clone_route).collect() }
    }
}

impl<E> Routes<E> {
    /// Sorts the mailboxes; those that have ended get no route.
    pub(crate) fn new(mailboxes: &[Arc<Mailbox<E>>]) -> Self {
        let wanted: usize =
            mailboxes.iter().filter_map(|mailbox| mailbox.options().types.as_ref()).map(|types| types.len()).sum();
        let size = if wanted == 0 { 0 } else { (wanted * 2).next_power_of_two() };
        let mut table: Vec<Option<(EventType, Vec<_>)>> = (0..size).map(|_| None).collect();
        let mut universal = Vec::new();
        for mailbox in mailboxes.iter().filter(|mailbox| mailbox.ended().is_none()) {
            match &mailbox.options().types {
                None => universal.push(Arc::clone(mailbox)),
                Some(types) => {
                    for &event_type in types.iter() {
                        let index = find(event_type, size, |index| table[index].as_ref().map(|route| route.0));
                        let route = table[index].get_or_insert_with(|| (event_type, Vec::new()));
                        route.1.push(Arc::clone(mailbox));
                    }
                }
            }
        }
        let into_route =
            |(event_type, mailboxes): (EventType, Vec<_>)| Route { event_type, mailboxes: mailboxes.into() };
        Self { universal: universal.into(), table: table.into_iter().map(|slot| slot.map(into_route)).collect() }
    }

    /// The subscribers that take events of every type.
    #[inline]
    pub(crate) fn universal(&self) -> &[Arc<Mailbox<E>>] {
        &self.universal
    }

    /// Whether any subscriber wants certain types only.
    #[inline]
    pub(crate) fn has_typed(&self) -> bool {
        !self.table.is_empty()
    }

    /// The subscribers that asked for this very type.
    #[inline]
    pub(crate) fn typed(&self, event_type: EventType) -> &[Arc<Mailbox<E>>] {
        if self.table.is_empty() {
            return &[];
        }
        let index =
            find(event_type, self.table.len(), |index| self.table[index].as_ref().map(|route| route.event_type));
        self.table[index].as_ref().map_or(&[], |route| &route.mailboxes)
    }
}

/// The index in a table of `size` slots at which `event_type` stands or belongs. At least one slot must be free.
#[inline]
fn find(event_type: EventType, size: usize, occupant: impl Fn(usize) -> Option<EventType>) -> usize {
    let mask = size - 1;
    let mut index = event_type.hash as usize & mask;
    while occupant(index).is_some_and(|other| other != event_type) {
        index = (index + 1) & mask;
    }
    index
}
