//! The bus's side of a subscription: its ring, its drop counter, its state word and its waker.

pub(crate) mod end;
pub(crate) mod filter;
pub(crate) mod gate;
pub(crate) mod lag;
pub(crate) mod options;
pub(crate) mod ring;
pub(crate) mod state;

use crate::event::Event;
use crate::mailbox::end::{EndState, Ended};
use crate::mailbox::filter::Filter;
use crate::mailbox::gate::Gate;
use crate::mailbox::lag::Episode;
use crate::mailbox::options::{Overflow, Ring, SubscriberOptions};
use crate::mailbox::ring::{Inlet, Lost, Outlet, Slots};
use crate::mailbox::state::{Attention, WaitState, WakerSlot};
use crate::panics::Panics;
use crate::stats::SubscriberStats;
use crate::sync::{Counter, fence};
use crossbeam_utils::CachePadded;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::Waker;

/// Where publishers leave events for one subscriber.
///
/// In the order of the fields, for the caches: what a publish looks at besides the ring, from the
/// filter to the episode, shares one line of 64 bytes, the second behind the ring. (The ring's own
/// lines, aligned to 128, are all even ones; with many subscribers, one more even line would crowd
/// half of a first-level cache and leave the other half empty.)
#[repr(C)]
pub(crate) struct Mailbox<E> {
    /// Events on their way: pushed by publishers, popped by the subscriber through its
    /// [`Outlet`], and out of an array by whoever finds the mailbox sealed as well.
    ring: Inlet<E>,
    /// How to wake the subscriber: put there by it before it waits, and taken by the publisher that
    /// ends the wait.
    waker: WakerSlot,
    /// Whether the bus is closed or the subscriber was stopped, so that no publish that begins now
    /// will deliver here.
    end: EndState,
    /// What the subscriber asked for. Never written again.
    options: SubscriberOptions<E>,
    /// Whether the subscriber waits, or has gone.
    state: WaitState,
    /// Whether the subscriber is losing events, and whether that was reported.
    episode: Episode,
    /// Written by the subscriber for every event, and so on a cache line of their own; by a
    /// publisher only to note a full ring.
    receipts: CachePadded<Receipts>,
    /// Written by publishers, but not on the good path: for what was lost.
    losses: CachePadded<Losses>,
    /// One for each type that the bus retains. Written by publishers of these types.
    gates: Box<[Gate]>,
}

#[derive(Debug, Default)]
struct Receipts {
    /// Events received, replayed ones included.
    received: Counter,
    /// How many events of the start-up log the subscriber has looked at; [`NO_REPLAY`] if it gets
    /// none of them.
    replayed: Counter,
    /// How many retained events, from before its subscription, the subscriber has still to look at.
    retained: Counter,
    /// The highest fill of the ring that the subscriber has seen.
    high_water: Counter,
}

/// More events than a log has.
const NO_REPLAY: usize = usize::MAX;

#[derive(Debug, Default)]
struct Losses {
    dropped: Counter,
    evicted: Counter,
    discarded: Counter,
}

impl<E> Mailbox<E> {
    /// Makes a mailbox, with its ring, whose outlet is for the subscriber alone.
    ///
    /// # Panics
    ///
    /// If there is no memory for the ring.
    pub(crate) fn new(options: SubscriberOptions<E>) -> (Self, Outlet<E>) {
        let (ring, outlet) = ring::new(options.ring(), options.capacity, &options.name);
        let mailbox = Self {
            ring,
            state: WaitState::new(),
            waker: WakerSlot::new(),
            end: EndState::new(),
            episode: Episode::new(),
            gates: Box::default(),
            options,
            receipts: CachePadded::default(),
            losses: CachePadded::default(),
        };
        (mailbox, outlet)
    }

    /// For a bus that retains so many types.
    pub(crate) fn with_gates(self, types: usize) -> Self {
        Self { gates: (0..types).map(|_| Gate::new()).collect(), ..self }
    }

    #[inline]
    pub(crate) fn options(&self) -> &SubscriberOptions<E> {
        &self.options
    }

    #[inline]
    pub(crate) fn episode(&self) -> &Episode {
        &self.episode
    }

    /// Whether the subscriber's filter lets the event pass. Counts it if not. User code.
    #[inline]
    pub(crate) fn accepts(&self, event: &E) -> bool {
        self.options.filter.as_ref().is_none_or(|filter| filter.accepts(event))
    }

    /// The same, which does not count it.
    pub(crate) fn would_accept(&self, event: &E) -> bool {
        self.options.filter.as_ref().is_none_or(|filter| filter.passes(event))
    }

    /// Counts an event that the filter has refused.
    pub(crate) fn count_filtered(&self) {
        if let Some(filter) = &self.options.filter {
            filter.count_refused();
        }
    }

    /// Puts an event into the ring, as the overflow policy has it. For events that are not
    /// [large](crate::event::large::is_large).
    #[inline(always)]
    pub(crate) fn push(&self, event: E) -> Result<(), Lost<E>> {
        self.ring.push(event, || self.evicts())
    }

    /// Whether the oldest event makes room for a new one.
    #[inline]
    pub(crate) fn evicts(&self) -> bool {
        self.options.overflow == Overflow::DropOldest
    }

    /// What publishers push into.
    #[inline]
    pub(crate) fn ring(&self) -> &Inlet<E> {
        &self.ring
    }

    /// Where large events are put.
    pub(crate) fn slots(&self) -> Option<&Slots<E>> {
        self.ring.slots()
    }

    /// Whether a publisher has to fence between its push and its look at the state word: a push
    /// into a lane orders by itself.
    pub(crate) fn needs_fence(&self) -> bool {
        self.options.ring() == Ring::Array
    }

    pub(crate) fn len(&self) -> usize {
        self.ring.len()
    }

    /// Ends the mailbox: no publish that begins after this call will deliver here.
    pub(crate) fn end(&self, ended: Ended) {
        self.end.end(ended);
    }

    #[inline]
    pub(crate) fn ended(&self) -> Option<Ended> {
        self.end.get()
    }

    /// Announces that the subscriber is about to wait; it must look once more afterwards. User
    /// code: the waker's `Clone`, and the `Drop` of the one before.
    pub(crate) fn begin_wait(&self, waker: &Waker) {
        self.waker.set(waker);
        self.state.begin_wait();
    }

    /// Whether nobody has taken the announcement yet.
    pub(crate) fn is_waiting(&self) -> bool {
        self.state.is_waiting()
    }

    /// Takes the announcement back, and the waker out, unless a publisher is about to wake it.
    pub(crate) fn end_wait(&self) -> Option<Waker> {
        if self.state.end_wait() { None } else { self.waker.clear() }
    }

    /// Whether the receiver has something to look after besides its events: an episode under way,
    /// or the end.
    #[inline]
    pub(crate) fn has_news(&self) -> bool {
        !self.episode.is_clear() | self.end.is_ended()
    }

    /// Whether the ring is at most half full.
    pub(crate) fn has_caught_up(&self) -> bool {
        self.ring.len() <= self.options.capacity / 2
    }

    /// Says whether the subscriber reads the start-up log. Before it does, and before anybody else
    /// sees the mailbox.
    pub(crate) fn entitle(&self, gets_replay: bool) {
        self.receipts.replayed.set(if gets_replay { 0 } else { NO_REPLAY as u64 });
    }

    /// Says how many retained events the subscriber is to look at first, and which number the
    /// youngest of them has, or would have. Before anybody else sees the mailbox.
    pub(crate) fn entitle_to_retained(&self, events: usize, youngest: usize) {
        self.receipts.retained.set(events as u64);
        self.gates.iter().for_each(|gate| gate.open_behind(youngest));
    }

    /// How many retained events the subscriber has still to look at, or a few more.
    pub(crate) fn unread_retained(&self) -> usize {
        self.receipts.retained.get() as usize
    }

    /// Notes how many retained events the subscriber has still to look at.
    pub(crate) fn set_unread_retained(&self, events: usize) {
        self.receipts.retained.set(events as u64);
    }

    /// What the events of a retained type, given by its index, pass on their way into the ring.
    pub(crate) fn gate(&self, index: usize) -> Option<&Gate> {
        self.gates.get(index)
    }

    /// How many events of the start-up log the subscriber has looked at.
    pub(crate) fn replayed(&self) -> usize {
        self.receipts.replayed.get() as usize
    }

    /// Notes that the subscriber has looked at another event of the start-up log.
    pub(crate) fn count_replayed(&self) {
        self.receipts.replayed.add_as_owner(1);
    }

    /// Whether it was stopped before the start, so that it receives nothing of the replay, nor
    /// anything else.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.ended() == Some(Ended::Abandon) && self.replayed() == 0
    }

    /// How much of a start-up log of that many events the subscriber has still to look at, or how
    /// many retained events.
    pub(crate) fn unread_replay(&self, log_len: usize) -> usize {
        if self.is_abandoned() { 0 } else { log_len.saturating_sub(self.replayed()) + self.unread_retained() }
    }

    /// Whether there is something that the subscriber has not received, and may still. (What comes
    /// into a sealed ring is discarded.)
    pub(crate) fn has_unread(&self, log_len: usize) -> bool {
        self.unread_replay(log_len) > 0 || self.state.attention() != Attention::Sealed && !self.ring.is_empty()
    }

    /// Declares that the subscriber will receive nothing more but what is in the ring by now.
    pub(crate) fn seal(&self, outlet: &Outlet<E>) {
        outlet.close();
        self.state.seal();
    }

    /// What is left to do when the subscriber has gone for good. Runs the `Drop` of its events and
    /// of its waker.
    pub(crate) fn retire(&self, outlet: &Outlet<E>, panics: &mut Panics) {
        self.seal(outlet);
        self.discard(outlet, panics);
        panics.catch(|| drop(self.waker.clear()));
    }

    /// Empties the ring of a sealed mailbox, for the subscriber. Runs the `Drop` of the events.
    pub(crate) fn discard(&self, outlet: &Outlet<E>, panics: &mut Panics) {
        self.discard_what(|event| outlet.pop_into(&self.ring, event), panics);
    }

    fn discard_what(&self, pop_into: impl Fn(&mut Option<E>) -> bool, panics: &mut Panics) {
        let mut event = None;
        while pop_into(&mut event) {
            self.losses.discarded.add(1);
            panics.catch(|| event = None);
        }
    }

    /// Looks after the subscriber, once something has changed for it and the caller has fenced.
    #[cold]
    fn attend(&self, attention: Attention, panics: &mut Panics) {
        match attention {
            Attention::None => {}
            Attention::Waiting => {
                if self.state.take_waiter() {
                    if let Some(waker) = self.waker.take() {
                        panics.catch(|| waker.wake());
                    }
                }
            }
            // (Nothing comes late into a lane.)
            Attention::Sealed => self.discard_what(|event| self.ring.pop_into(event), panics),
        }
    }

    #[inline]
    pub(crate) fn count_received(&self, events: u64) {
        self.receipts.received.add_as_owner(events);
    }

    #[inline]
    pub(crate) fn received(&self) -> u64 {
        self.receipts.received.get()
    }

    pub(crate) fn count_dropped(&self) {
        self.losses.dropped.add(1);
    }

    pub(crate) fn count_evicted(&self) {
        self.losses.evicted.add(1);
    }

    pub(crate) fn count_discarded(&self) {
        self.losses.discarded.add(1);
    }

    /// Notes how full the ring was, just after an event was taken out.
    pub(crate) fn sample_fill(&self) {
        self.sample_fill_of(self.ring.len() + 1);
    }

    /// Notes how full the ring was.
    pub(crate) fn sample_fill_of(&self, fill: usize) {
        self.receipts.high_water.raise(fill.min(self.options.capacity) as u64);
    }

    /// How many events the subscriber lost to a full ring.
    pub(crate) fn lost(&self) -> u64 {
        self.losses.dropped.get() + self.losses.evicted.get()
    }

    /// The subscriber's row, on a bus whose start-up log has that many events.
    pub(crate) fn stats(&self, log_len: usize) -> SubscriberStats {
        let len = self.ring.len();
        SubscriberStats {
            name: Arc::clone(&self.options.name),
            types: self.options.types.clone(),
            unread_replay: self.unread_replay(log_len),
            capacity: self.options.capacity,
            ring: self.options.ring(),
            len,
            high_water: (self.receipts.high_water.get() as usize).max(len),
            received: self.receipts.received.get(),
            dropped: self.losses.dropped.get(),
            evicted: self.losses.evicted.get(),
            filtered: self.options.filter.as_ref().map_or(0, Filter::refused),
            discarded: self.losses.discarded.get(),
            lossy: self.options.lossy,
            // (A receive that races with the loss may not have seen the episode that it ends.)
            lagging: !self.episode.is_clear() && !self.has_caught_up(),
        }
    }

    /// Notes that the ring was full.
    pub(crate) fn note_full(&self) {
        self.receipts.high_water.raise(self.options.capacity as u64);
    }
}

impl<E: Event> Mailbox<E> {
    /// Whether the subscriber wants this event by type and filter: for the replay, which no route
    /// has sorted. User code.
    pub(crate) fn wants(&self, event: &E) -> bool {
        match &self.options.types {
            Some(types) if !types.contains(&event.event_type()) => false,
            _ => self.accepts(event),
        }
    }
}

/// Stands between the pushes of a publish and its look at the state words: [`after_push`] for each
/// list of mailboxes that it has pushed to.
#[inline]
pub(crate) fn fence_pushes() {
    // ORDERING: SeqCst fence between the pushes and the look at the state words. Pairs with the
    // fences in `WaitState::begin_wait` and `WaitState::seal`, see there: the subscriber finds the
    // event, or is found waiting or gone. Weaker: both can miss, and an event waits for a
    // subscriber that sleeps, or stays behind uncounted.
    // Checked by loom-tests/tests/waiting.rs `parked_subscriber_wakes_for_an_event`.
    fence(SeqCst);
}

/// Wakes the waiting subscribers among those that may have got an event, and empties the sealed
/// mailboxes. Call it once all rings have been pushed to, behind [`fence_pushes`].
#[inline]
pub(crate) fn after_push<E>(mailboxes: &[Arc<Mailbox<E>>], panics: &mut Panics) {
    for mailbox in mailboxes {
        let attention = mailbox.state.attention();
        // Where the ring is empty, the event was filtered out, or received by now: no reason to
        // wake anyone.
        if attention != Attention::None && !mailbox.ring.is_empty() {
            mailbox.attend(attention, panics);
        }
    }
}

/// Wakes every waiting subscriber among `mailboxes`, after something has changed for all of them:
/// the start-up log was closed or one of its slots filled late, or their mailboxes have ended.
pub(crate) fn wake_all<'a, E: 'a>(mailboxes: impl IntoIterator<Item = &'a Arc<Mailbox<E>>>, panics: &mut Panics) {
    // ORDERING: SeqCst fence between that change and the look at the state words. Pairs with the
    // fence in `WaitState::begin_wait`, see there. Weaker: a subscriber that parks meanwhile misses
    // both the change and the wake.
    // Checked by loom-tests/tests/startup.rs `event_published_during_start_is_received_once` and
    // loom-tests/tests/closing.rs `parked_subscriber_wakes_for_close`.
    fence(SeqCst);
    for mailbox in mailboxes {
        mailbox.attend(mailbox.state.attention(), panics);
    }
}

impl<E> fmt::Debug for Mailbox<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("stats", &self.stats(0)).field("state", &self.state).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::offset_of;

    #[test]
    fn what_a_publish_looks_at_shares_a_line() {
        let line = |offset: usize| offset / 64;
        let first = offset_of!(Mailbox<u64>, options.filter);
        let last = offset_of!(Mailbox<u64>, episode);
        assert_eq!(line(first), line(last + size_of::<Episode>() - 1), "{first}, {last}");
        assert_eq!(line(first) % 2, 1, "{first}");
    }
}
