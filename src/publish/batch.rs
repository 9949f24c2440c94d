//! One live publish of many events: to each ring all of them in a row, then one fence and one round
//! of wake-ups.

use crate::event::Event;
#[cfg(feature = "lane")]
use crate::mailbox::ring::Lost;
use crate::mailbox::{self, Mailbox};
use crate::panics::Panics;
use crate::publish::list::List;
use crate::publish::snapshot::Snapshot;
use crate::publish::{Losses, Place, report_lags};
use crate::stats::Offered;
#[cfg(feature = "lane")]
use ringbus_lane::Producer;
use std::mem::needs_drop;
use std::ops::Range;
use std::ptr;
use std::sync::Arc;

/// Events that go to one ring before the next ring's turn, if events have something to count their
/// clones by: few enough for that to stay in the cache, and many enough for the ring to.
const TILE: usize = 32;

/// Whether a tile of such events may lie on the stack.
#[cfg(feature = "lane")]
const fn fits_a_tile<E>() -> bool {
    size_of::<E>() <= 128
}

/// Whether these are one and the same list, or none.
fn same<E>(one: Option<&List<E>>, other: Option<&List<E>>) -> bool {
    one.map(ptr::from_ref) == other.map(ptr::from_ref)
}

/// A batch on its way.
pub(crate) struct Batch<'a, E> {
    snapshot: &'a Snapshot<E>,
    events: &'a [E],
    offers: usize,
    losses: Losses<'a>,
}

impl<'a, E: Event + Clone> Batch<'a, E> {
    pub(crate) fn new(snapshot: &'a Snapshot<E>, events: &'a [E]) -> Self {
        Self { snapshot, events, offers: 0, losses: Losses::new(&snapshot.hooks) }
    }

    /// Offers clones of the events, in their order, to every subscriber that is interested, and
    /// wakes those that wait. As for a single event, user code may panic at every turn.
    pub(crate) fn fan_out(&mut self, panics: &mut Panics) -> Offered {
        let (snapshot, events) = (self.snapshot, self.events);
        let universal = snapshot.routes.universal();
        for list in universal.chunks() {
            self.sweep(list, events, 0, panics);
        }
        // A subscriber has asked for all types or for some, so the two sweeps do not get in each
        // other's way.
        let mut pushed = Lists::none();
        if snapshot.routes.has_typed() {
            self.sweep_by_type(&mut pushed, panics);
        }
        snapshot.subscribers.fence_pushes();
        // (The events are not asked for their types once more: that is user code, which might
        // answer something else.)
        match pushed.noted() {
            Some(lists) => {
                universal.chunks().for_each(|list| mailbox::after_push(list, panics));
                lists.iter().for_each(|list| mailbox::after_push(list, panics));
            }
            None => snapshot.subscribers.chunks().for_each(|chunk| mailbox::after_push(chunk, panics)),
        }
        Offered { delivered: self.losses.delivered_of(self.offers), dropped: self.losses.dropped }
    }

    /// Reports the lags that began, if any did.
    pub(crate) fn report_lags(&self, panics: &mut Panics) {
        if let Some(tickets) = self.losses.tickets {
            let event_type = |index: usize, panics: &mut Panics| panics.catch(|| self.events[index].event_type());
            report_lags(self.snapshot, tickets, event_type, panics);
        }
    }

    /// Offers the events to those that asked for their types: a run of events that go to the same
    /// subscribers at once.
    fn sweep_by_type(&mut self, pushed: &mut Lists<'a, E>, panics: &mut Panics) {
        let events = self.events;
        let (mut first, mut list) = (0, None);
        for (index, event) in events.iter().enumerate() {
            let next = self.typed(event, panics);
            if !same(next, list) {
                self.sweep_run(list, first..index, pushed, panics);
                first = index;
            }
            list = next;
        }
        self.sweep_run(list, first..events.len(), pushed, panics);
    }

    fn sweep_run(
        &mut self,
        list: Option<&'a List<E>>,
        run: Range<usize>,
        pushed: &mut Lists<'a, E>,
        panics: &mut Panics,
    ) {
        for chunk in list.into_iter().flat_map(List::chunks) {
            self.sweep(chunk, &self.events[run.clone()], run.start, panics);
            pushed.note(chunk);
        }
    }

    /// Those that asked for the type of this event.
    fn typed(&self, event: &E, panics: &mut Panics) -> Option<&'a List<E>> {
        panics.catch(|| self.snapshot.routes.typed(event.event_type())).flatten()
    }

    /// Offers every one of these mailboxes every one of these events, the first of which stands at
    /// `first` in the batch.
    fn sweep(&mut self, mailboxes: &[Arc<Mailbox<E>>], events: &[E], first: usize, panics: &mut Panics) {
        let tile = if needs_drop::<E>() { TILE } else { events.len().max(1) };
        self.offers += mailboxes.len() * events.len();
        for (turn, events) in events.chunks(tile).enumerate() {
            for mailbox in mailboxes {
                let first = first + turn * tile;
                #[cfg(feature = "lane")]
                if let Some(lane) = mailbox.ring().lane().filter(|_| const { fits_a_tile::<E>() }) {
                    self.sweep_into(lane, mailbox, events, first, panics);
                    continue;
                }
                for (index, event) in events.iter().enumerate() {
                    self.losses.serve(mailbox, event, self.place(first + index), panics);
                }
            }
        }
    }

    /// Offers a mailbox with a lane every one of these events: a tile of clones at a time, so that
    /// the lane is claimed from once for all of them.
    #[cfg(feature = "lane")]
    fn sweep_into(
        &mut self,
        lane: &Producer<E>,
        mailbox: &Mailbox<E>,
        events: &[E],
        first: usize,
        panics: &mut Panics,
    ) {
        let mut tile = [const { None }; TILE];
        for (turn, events) in events.chunks(TILE).enumerate() {
            let (mut next, mut wanted) = (0, 0);
            // Goes on behind an event that panics.
            while next < events.len() {
                let rest = next;
                let is_done = panics.catch(|| {
                    for (event, place) in events[rest..].iter().zip(&mut tile[rest..]) {
                        next += 1;
                        if mailbox.accepts(event) {
                            *place = Some(event.clone());
                            wanted += 1;
                        } else {
                            self.losses.filtered += 1;
                        }
                    }
                });
                if is_done.is_none() {
                    self.losses.drop_one(mailbox);
                }
            }
            if lane.push_batch(&mut tile[..events.len()]) < wanted {
                self.lose_rest(lane, mailbox, &mut tile, first + turn * TILE, panics);
            }
        }
    }

    /// Counts what a lane has not kept, and drops it. User code.
    #[cfg(feature = "lane")]
    #[cold]
    fn lose_rest(
        &mut self,
        lane: &Producer<E>,
        mailbox: &Mailbox<E>,
        tile: &mut [Option<E>],
        first: usize,
        panics: &mut Panics,
    ) {
        let is_closed = lane.is_closed();
        for (index, event) in tile.iter_mut().enumerate().filter_map(|(index, place)| Some((index, place.take()?))) {
            let lost = if is_closed { Lost::Late(event) } else { Lost::Refused(event) };
            let event = self.losses.lose(mailbox, lost, self.place(first + index));
            panics.catch(|| drop(event));
        }
    }

    fn place(&self, index: usize) -> Place {
        Place { index, of: self.events.len() }
    }
}

/// How many lists of subscribers a batch remembers.
const LISTS: usize = 8;

/// The lists of subscribers that a batch has pushed to, as long as they are few.
struct Lists<'a, E> {
    lists: [&'a [Arc<Mailbox<E>>]; LISTS],
    /// How many there are; more than [`LISTS`] for too many.
    len: usize,
}

impl<'a, E> Lists<'a, E> {
    fn none() -> Self {
        Self { lists: [&[]; LISTS], len: 0 }
    }

    fn note(&mut self, list: &'a [Arc<Mailbox<E>>]) {
        if self.len > LISTS || self.lists.iter().any(|other| ptr::eq(*other, list)) {
            return;
        }
        if let Some(place) = self.lists.get_mut(self.len) {
            *place = list;
        }
        self.len += 1;
    }

    /// All of them; `None` if they were too many.
    fn noted(&self) -> Option<&[&'a [Arc<Mailbox<E>>]]> {
        self.lists.get(..self.len)
    }
}
