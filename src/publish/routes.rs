//! Who is interested in what: the table that a publish looks an event type up in.

use crate::event::event_type::EventType;
use crate::mailbox::Mailbox;
use crate::publish::list::List;
use std::sync::Arc;

/// The mailboxes of one snapshot, sorted by what they want.
///
/// A publish finds those interested in O(1), by the hash that the event type carries, and never
/// looks at the others. A change copies the shard of the table that it touches, and shares the rest
/// with the version before.
#[derive(Debug)]
pub(crate) struct Routes<E> {
    /// Subscribers that take events of every type.
    universal: List<E>,
    /// By the upper half of the hash; none, or a power of two.
    shards: Box<[Shard<E>]>,
    /// How many types have a route.
    types: usize,
    /// How many lists [are long](List::is_long): counted here, so that no publish looks at each.
    long: usize,
}

/// Open addressing with linear probing, by the lower half of the hash: a power of two, with a free
/// slot at least.
type Shard<E> = Arc<[Option<Route<E>>]>;

#[derive(Debug)]
struct Route<E> {
    event_type: EventType,
    /// Never empty.
    mailboxes: List<E>,
}

/// How many types a shard has on average, when the table has just grown.
const TYPES_PER_SHARD: usize = 32;

impl<E> Clone for Routes<E> {
    fn clone(&self) -> Self {
        Self { universal: self.universal.clone(), shards: self.shards.clone(), types: self.types, long: self.long }
    }
}

impl<E> Clone for Route<E> {
    fn clone(&self) -> Self {
        Self { event_type: self.event_type, mailboxes: self.mailboxes.clone() }
    }
}

impl<E> Routes<E> {
    pub(crate) fn none() -> Self {
        Self { universal: List::default(), shards: Box::default(), types: 0, long: 0 }
    }

    /// With one more mailbox.
    pub(crate) fn with(&self, mailbox: &Arc<Mailbox<E>>) -> Self {
        self.changed(mailbox, |list| Some(list.with(mailbox)))
    }

    /// Without this mailbox, which may have been taken out before.
    pub(crate) fn without(&self, mailbox: &Arc<Mailbox<E>>) -> Self {
        self.changed(mailbox, |list| list.without(mailbox))
    }

    /// With every list changed that the mailbox is or belongs in, if there is something to
    /// change.
    fn changed(&self, mailbox: &Mailbox<E>, change: impl Fn(&List<E>) -> Option<List<E>>) -> Self {
        let mut routes = self.clone();
        match &mailbox.options().types {
            None => {
                if let Some(list) = change(&self.universal) {
                    routes.long = self.long + usize::from(list.is_long()) - usize::from(self.universal.is_long());
                    routes.universal = list;
                }
            }
            Some(types) => {
                let none = List::default();
                for &event_type in types.iter() {
                    if let Some(mailboxes) = change(routes.typed(event_type).unwrap_or(&none)) {
                        routes.set(Route { event_type, mailboxes });
                    }
                }
            }
        }
        routes
    }

    /// Puts a route in the place of the one of its type, or takes that away if there are no
    /// mailboxes.
    fn set(&mut self, route: Route<E>) {
        let before = self.typed(route.event_type);
        let (had_one, was_long) = (before.is_some(), before.is_some_and(List::is_long));
        self.long = self.long + usize::from(route.mailboxes.is_long()) - usize::from(was_long);
        self.types = self.types + usize::from(!route.mailboxes.is_empty()) - usize::from(had_one);
        let is_large_enough = self.types <= self.shards.len() * 2 * TYPES_PER_SHARD;
        let is_small_enough = self.shards.len() <= 1 || self.types >= self.shards.len() * TYPES_PER_SHARD / 4;
        if is_large_enough && is_small_enough && self.types > 0 {
            let shard = &mut self.shards[shard_of(route.event_type, self.shards.len())];
            *shard = shard_with(shard, route);
        } else {
            let routes = merged(self.shards.iter().flat_map(|shard| shard.iter().flatten()), route);
            self.shards = shards(routes);
        }
    }

    /// The subscribers that take events of every type.
    #[inline]
    pub(crate) fn universal(&self) -> &List<E> {
        &self.universal
    }

    /// Whether any list [is long](List::is_long).
    #[inline]
    pub(crate) fn has_long(&self) -> bool {
        self.long != 0
    }

    /// Whether any subscriber wants certain types only.
    #[inline]
    pub(crate) fn has_typed(&self) -> bool {
        !self.shards.is_empty()
    }

    /// The subscribers that asked for this very type, if there are any.
    #[inline(always)]
    pub(crate) fn typed(&self, event_type: EventType) -> Option<&List<E>> {
        if self.shards.is_empty() {
            return None;
        }
        let shard = &self.shards[shard_of(event_type, self.shards.len())];
        shard[place_of(event_type, shard)].as_ref().map(|route| &route.mailboxes)
    }
}

/// This shard with a route in the place of the one of its type, or without any if it has no
/// mailboxes.
fn shard_with<E>(slots: &[Option<Route<E>>], route: Route<E>) -> Shard<E> {
    let place = place_of(route.event_type, slots);
    let is_there = slots[place].is_some();
    let has_room = || (slots.iter().flatten().count() + 1) * 2 <= slots.len();
    if route.mailboxes.is_empty() || !(is_there || has_room()) {
        return shard(merged(slots.iter().flatten(), route));
    }
    let mut route = Some(route);
    slots.iter().enumerate().map(|(index, slot)| if index == place { route.take() } else { slot.clone() }).collect()
}

/// These routes with this one in the place of that of its type, or without any if it has no
/// mailboxes.
fn merged<'a, E: 'a>(routes: impl Iterator<Item = &'a Route<E>>, route: Route<E>) -> Vec<Route<E>> {
    let mut merged: Vec<_> = routes.filter(|other| other.event_type != route.event_type).cloned().collect();
    if !route.mailboxes.is_empty() {
        merged.push(route);
    }
    merged
}

/// A table of these routes, of as many shards as that takes.
fn shards<E>(routes: Vec<Route<E>>) -> Box<[Shard<E>]> {
    if routes.is_empty() {
        return Box::default();
    }
    let count = routes.len().div_ceil(TYPES_PER_SHARD).next_power_of_two();
    let mut of_shards: Vec<_> = (0..count).map(|_| Vec::new()).collect();
    for route in routes {
        of_shards[shard_of(route.event_type, count)].push(route);
    }
    of_shards.into_iter().map(shard).collect()
}

fn shard<E>(routes: Vec<Route<E>>) -> Shard<E> {
    let size = (routes.len() * 2).next_power_of_two();
    let mut slots: Vec<Option<Route<E>>> = (0..size).map(|_| None).collect();
    for route in routes {
        let place = place_of(route.event_type, &slots);
        slots[place] = Some(route);
    }
    slots.into()
}

#[inline]
fn shard_of(event_type: EventType, shards: usize) -> usize {
    (event_type.hash >> 32) as usize & (shards - 1)
}

/// The slot of a shard in which the route of `event_type` stands or belongs. At least one slot must
/// be free.
#[inline(always)]
fn place_of<E>(event_type: EventType, slots: &[Option<Route<E>>]) -> usize {
    let mask = slots.len() - 1;
    let mut place = event_type.hash as usize & mask;
    while slots[place].as_ref().is_some_and(|route| route.event_type != event_type) {
        place = (place + 1) & mask;
    }
    place
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;
    use crate::mailbox::options::{Ring, SubscriberOptions};
    use std::collections::HashMap;

    fn wants(types: &[EventType]) -> Arc<Mailbox<u64>> {
        let mut options = SubscriberOptions::new("any".into(), Ring::Array);
        (options.types, options.capacity) = (Some(types.into()), 1);
        Arc::new(Mailbox::new(options).0)
    }

    #[test]
    fn every_type_leads_to_those_who_want_it_while_the_table_grows_and_shrinks() {
        let types: Vec<_> = (0..500).map(|number| EventType::intern(&format!("type-{number}"))).collect();
        let mut routes = Routes::none();
        let mut expected = HashMap::<EventType, Vec<_>>::new();
        let mut present = Vec::new();
        for step in 0..3_000_usize {
            let is_coming = step < 1_500 && step % 4 != 3;
            if is_coming {
                let wanted = [types[step * 31 % types.len()], types[(step * 17 + 1) % types.len()]];
                let mailbox = wants(if wanted[0] == wanted[1] { &wanted[..1] } else { &wanted });
                routes = routes.with(&mailbox);
                for event_type in mailbox.options().types.iter().flat_map(|types| types.iter()) {
                    expected.entry(*event_type).or_default().push(Arc::clone(&mailbox));
                }
                present.push(mailbox);
            } else if !present.is_empty() {
                let leaver = present.swap_remove(step * 7_919 % present.len());
                routes = routes.without(&leaver).without(&leaver);
                expected.values_mut().for_each(|list| list.retain(|other| !Arc::ptr_eq(other, &leaver)));
                expected.retain(|_, list| !list.is_empty());
            }
            assert_eq!((routes.types, routes.has_typed()), (expected.len(), !expected.is_empty()));
            assert!(routes.shards.iter().all(|shard| shard.iter().any(Option::is_none)), "a free slot each");
        }
        assert!(present.is_empty() && routes.shards.is_empty());

        let mailboxes: Vec<_> = types.iter().map(|event_type| wants(&[*event_type])).collect();
        let full = mailboxes.iter().fold(Routes::none(), |routes, mailbox| routes.with(mailbox));
        assert!(full.shards.len() >= 4, "{}", full.shards.len());
        for (event_type, mailbox) in types.iter().zip(&mailboxes) {
            let list = full.typed(*event_type).expect("somebody wants it");
            assert!(matches!(list.first(), [only] if Arc::ptr_eq(only, mailbox)) && !list.is_long());
        }
        assert!(full.typed(EventType::intern("nobody's")).is_none() && full.universal().is_empty());
    }

    /// Of three lists, each of which is long at times.
    #[test]
    fn routes_know_whether_a_list_is_long() {
        let types = ["long-1", "long-2"].map(EventType::intern);
        let mut routes = Routes::none();
        let mut present = Vec::new();
        for step in 0..1_800_usize {
            if step < 600 || step % 3 == 0 && step < 1_200 {
                let mut options = SubscriberOptions::new("any".into(), Ring::Array);
                options.capacity = 1;
                options.types = [None, Some(types[..1].into()), Some(types.into())][step % 3].clone();
                let mailbox = Arc::new(Mailbox::<u64>::new(options).0);
                routes = routes.with(&mailbox);
                present.push(mailbox);
            } else if !present.is_empty() {
                let leaver = present.swap_remove(step * 7_919 % present.len());
                routes = routes.without(&leaver).without(&leaver);
            }
            let lists = types.iter().filter_map(|event_type| routes.typed(*event_type)).chain([routes.universal()]);
            assert_eq!(routes.long, lists.filter(|list| list.is_long()).count(), "step {step}");
        }
        assert!(present.is_empty() && !routes.has_long());
    }
}
