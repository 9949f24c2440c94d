//! Retained events: the last one of each type that the bus retains, for those who subscribe later.
//!
//! They are part of the snapshot. Publishing such an event *puts* it there, by one
//! read-copy-update that also gives it a number, and then fans it out on that very snapshot.
//! Joining is one read-copy-update too, so it knows exactly what came before it: a subscriber that
//! joins behind number `n` takes the retained events up to `n` from the snapshot that it joined,
//! and everything after `n` comes into its ring.
//!
//! **Order.** Two publishes of one type that race put their events one after the other, and each
//! ring must take them in that order. So a publish first offers the earlier events of its type
//! whose publishes are still *under way*, ring by ring, and then its own: a publisher that is
//! suspended halfway holds up nobody, because the next one does its work. A
//! [`Gate`](crate::mailbox::gate::Gate) for each ring and type sees to it that each event is
//! offered once, by whoever comes first, and that none is offered behind a later one:
//!
//! 1. *None is lost.* A publish visits the rings of all who were subscribed as its event was put.
//!    At each it offers the event, or finds that a helper has.
//! 2. *None comes twice.* The gate refuses what it has let through.
//! 3. *None comes behind a later one.* Who offers `b` was told by the snapshot in which it put `b`
//!    of every earlier event that may not be everywhere yet, and has offered these here before.
//!    What the snapshot does not name is everywhere: [`Entry::finish`] has said so.
//! 4. *None who joins in between misses one, or has it twice.* Its gates begin behind the last
//!    number of the snapshot that it joined.
//!
//! **What is waited for.** Filters and `Clone` run before the gate, so two publishers may run them
//! for the same event and ring, one of them in vain. Inside it is the push and nothing else, and
//! there a second publisher of the same type waits, as it does inside `ArrayQueue::force_push`.
//! Something must give: if `a` was put after `k` and its publish has returned, then whatever its
//! thread publishes next goes into the ring behind `a`, and so `a` must be in there by now, and `k`
//! before it. Nobody but the publisher that pushes `k` can know whether it has come to the push,
//! and a queue offers no push that happens only if another has not.
//!
//! **User code that calls back.** A filter, `Clone` or `Drop` that runs for an event may publish
//! another one of its type. That one is put at once, and left to the publish that it interrupts,
//! which fans it out behind its own: to help that one here would run the same user code for the
//! same event once more, and so on without an end.
//!
//! **Before the start** nothing is put, because the log has all events in their order. Who joins
//! once the bus is live finds the last one of each type there, until `start`, or the publisher that
//! fills the last slot, has looked them up and put them in the place of the log.

use crate::event::Event;
use crate::event::event_type::EventType;
use crate::event::large::{Room, clone_into, is_large};
use crate::mailbox::ring::Lost;
use crate::mailbox::{self, Mailbox};
use crate::panics::{Panics, guarded, swallow};
use crate::publish::list::List;
use crate::publish::snapshot::Snapshot;
use crate::publish::startup::StartupLog;
use crate::publish::{Losses, Place, report_lags};
use crate::stats::Offered;
use crate::sync::{AtomicUsize, Counter, SegQueue, this_thread};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release};

/// The types that a bus retains, each once.
#[derive(Debug)]
pub(crate) struct RetainedTypes {
    types: Box<[EventType]>,
    /// A bit for each, by its hash: most other types are told apart by this alone.
    mask: u64,
}

impl RetainedTypes {
    pub(crate) fn new(types: Vec<EventType>) -> Self {
        let mask = types.iter().fold(0, |mask, event_type| mask | bit_of(*event_type));
        Self { types: types.into(), mask }
    }

    pub(crate) fn len(&self) -> usize {
        self.types.len()
    }

    /// The index of a type, if it is retained.
    #[inline]
    pub(crate) fn index_of(&self, event_type: EventType) -> Option<usize> {
        if self.mask & bit_of(event_type) == 0 {
            return None;
        }
        self.types.iter().position(|other| *other == event_type)
    }

    /// The index of an event's type, if it is retained. User code.
    #[inline]
    pub(crate) fn index_for<E: Event>(&self, event: &E, panics: &mut Panics) -> Option<usize> {
        panics.catch(|| self.index_of(event.event_type())).flatten()
    }
}

#[inline]
fn bit_of(event_type: EventType) -> u64 {
    1 << (event_type.hash & 63)
}

/// What a snapshot of a bus that retains types holds of their events. Immutable, as the snapshot.
#[derive(Debug)]
pub(crate) struct Retained<E> {
    pub(crate) types: Arc<RetainedTypes>,
    /// The number of the event that was put last; before any was, how many the start-up log has.
    pub(crate) youngest: usize,
    /// For each type.
    last: Box<[Last<E>]>,
    /// The events that may not have been offered to everybody yet, in their order.
    under_way: Box<[Put<E>]>,
    /// The start-up log, from the start of the bus until its last events have been looked up.
    pub(crate) log: Option<Arc<StartupLog<E>>>,
}

/// The last event of a type.
#[derive(Debug)]
enum Last<E> {
    /// The last one of the start-up log, not counting so many at its beginning, if there is one.
    InLog { from: usize },
    /// None was published, or it is forgotten.
    Nothing,
    /// This one.
    Is(Put<E>),
}

impl<E> Clone for Last<E> {
    fn clone(&self) -> Self {
        match self {
            Self::InLog { from } => Self::InLog { from: *from },
            Self::Nothing => Self::Nothing,
            Self::Is(put) => Self::Is(put.clone()),
        }
    }
}

/// An event and its number.
#[derive(Debug)]
pub(crate) struct Put<E> {
    pub(crate) number: usize,
    pub(crate) entry: Arc<Entry<E>>,
}

impl<E> Clone for Put<E> {
    fn clone(&self) -> Self {
        Self { number: self.number, entry: Arc::clone(&self.entry) }
    }
}

/// A retained event, and how far its publish has come.
#[derive(Debug)]
pub(crate) struct Entry<E> {
    /// There is one.
    pub(crate) event: Option<E>,
    /// The index of its type.
    index: usize,
    /// Which thread publishes it, by its [number](this_thread).
    publisher: usize,
    /// [`UNDER_WAY`] or [`FINISHED`]. Written by its publisher; read by those who put events.
    state: AtomicUsize,
    /// Into how many rings it has come, and into how many it has not. Written by whoever has
    /// offered it; read by its publisher in the end.
    delivered: Counter,
    dropped: Counter,
    /// What the filters and clones of this event have published of the same type. For its publisher
    /// alone.
    behind: SegQueue<(Arc<Snapshot<E>>, Put<E>)>,
}

/// Not everybody was offered the event.
const UNDER_WAY: usize = 0;
/// Everybody was.
const FINISHED: usize = 1;

impl<E> Drop for Entry<E> {
    fn drop(&mut self) {
        // Where it is, because it may be large.
        guarded(|| self.event = None);
    }
}

impl<E> Entry<E> {
    fn new(event: Option<E>, index: usize) -> Self {
        Self {
            event,
            index,
            publisher: this_thread(),
            state: AtomicUsize::new(UNDER_WAY),
            delivered: Counter::watched(),
            dropped: Counter::watched(),
            behind: SegQueue::new(),
        }
    }

    /// Takes an event, if there is one, to be retained as one of the type of that index.
    pub(crate) fn of(event: &mut Option<E>, index: usize) -> Arc<Self> {
        Arc::new(Self::new(event.take(), index))
    }

    /// The same for a clone; `None` if `Clone` has panicked.
    pub(crate) fn of_clone(event: &E, index: usize, panics: &mut Panics) -> Option<Arc<Self>>
    where
        E: Clone,
    {
        let mut entry = Arc::new(Self::new(None, index));
        // (There is no other share yet.)
        panics.catch(|| Arc::get_mut(&mut entry).map(|entry| clone_into(&mut entry.event, event)))??;
        Some(entry)
    }

    /// Says that everybody was offered the event.
    fn finish(&self) {
        // ORDERING: Release. Pairs with the Acquire in `is_finished`: who finds this event
        // finished, and so does not offer it, comes behind it at every gate. Weaker: it could pass
        // a gate before it, and the event would be refused there as one that comes too late. (loom
        // runs read-modify-writes in the order of their execution and cannot show this one. That it
        // is said too early, it does show: loom-tests/tests/retaining.rs
        // `retained_events_that_race_arrive_in_the_order_in_which_they_were_put`.)
        self.state.store(FINISHED, Release);
    }

    fn is_finished(&self) -> bool {
        // ORDERING: Acquire. Pairs with the Release in `finish`, see there.
        self.state.load(Acquire) == FINISHED
    }
}

impl<E> Retained<E> {
    /// For a bus before its start.
    pub(crate) fn new(types: Arc<RetainedTypes>) -> Self {
        let last = (0..types.len()).map(|_| Last::InLog { from: 0 }).collect();
        Self { types, youngest: 0, last, under_way: Box::default(), log: None }
    }

    /// With these last events, and without what is finished by now and the log, if none of them is
    /// looked for there.
    fn with(&self, last: Box<[Last<E>]>) -> Self {
        let log = self.log.clone().filter(|_| last.iter().any(|last| matches!(last, Last::InLog { .. })));
        let under_way = self.under_way.iter().filter(|put| !put.entry.is_finished()).cloned().collect();
        Self { types: Arc::clone(&self.types), youngest: self.youngest, last, under_way, log }
    }

    /// With one more event, and what that is now.
    pub(crate) fn with_put(&self, entry: &Arc<Entry<E>>) -> (Self, Put<E>) {
        let put = Put { number: self.youngest + 1, entry: Arc::clone(entry) };
        let mut last = self.last.clone();
        last[entry.index] = Last::Is(put.clone());
        let before = self.with(last);
        let under_way = before.under_way.iter().chain([&put]).cloned().collect();
        (Self { youngest: put.number, under_way, ..before }, put)
    }

    /// With the events of this log, which is closed.
    pub(crate) fn released(&self, log: &Arc<StartupLog<E>>) -> Self {
        let youngest = log.final_len().unwrap_or_default();
        let log = (youngest > 0).then(|| Arc::clone(log));
        let last = if log.is_some() { self.last.clone() } else { self.last.iter().map(|_| Last::Nothing).collect() };
        Self { youngest, log, ..self.with(last) }
    }

    /// With what was found in the log in the place of the log.
    pub(crate) fn settled(&self, found: &[Put<E>]) -> Self {
        let mut last = self.last.clone();
        for (index, last) in last.iter_mut().enumerate().filter(|(_, last)| matches!(last, Last::InLog { .. })) {
            let put = found.iter().find(|put| put.entry.index == index);
            *last = put.map_or(Last::Nothing, |put| Last::Is(put.clone()));
        }
        self.with(last)
    }

    /// Without the events of a type so far, of which the log has no more than `logged`.
    pub(crate) fn without(&self, index: usize, logged: Option<usize>) -> Self {
        let mut last = self.last.clone();
        last[index] = logged.map_or(Last::Nothing, |from| Last::InLog { from });
        self.with(last)
    }

    /// Whether there are events that everybody was offered and that are not the last ones any more:
    /// they were superseded or forgotten on their way.
    pub(crate) fn has_leftovers(&self) -> bool {
        let is_last = |put: &Put<E>| matches!(&self.last[put.entry.index], Last::Is(last) if last.number == put.number);
        self.under_way.iter().any(|put| put.entry.is_finished() && !is_last(put))
    }

    /// Without these.
    pub(crate) fn tidied(&self) -> Self {
        self.with(self.last.clone())
    }

    /// How many events there may be of these types, or of all.
    pub(crate) fn count(&self, types: Option<&[EventType]>) -> usize {
        self.wanted(types).filter(|(_, last)| !matches!(last, Last::Nothing)).count()
    }

    /// The last events of those of these types that are retained, or of all.
    fn wanted(&self, types: Option<&[EventType]>) -> impl Iterator<Item = (usize, &Last<E>)> {
        let is_wanted = move |index: usize| types.is_none_or(|types| types.contains(&self.types.types[index]));
        self.last.iter().enumerate().filter(move |(index, _)| is_wanted(*index))
    }

    /// The last event of a type, which may be in this log, or in none. User code.
    pub(crate) fn read(&self, index: usize, log: Option<&StartupLog<E>>) -> Option<E>
    where
        E: Event + Clone,
    {
        match &self.last[index] {
            Last::Nothing => None,
            Last::Is(put) => put.entry.event.clone(),
            Last::InLog { from } => {
                let log = log.or(self.log.as_deref())?;
                let event_type = self.types.types[index];
                // An event whose slot is still being filled is not published yet.
                let events = (*from..log.len_so_far()).rev().filter_map(|slot| log.get(slot));
                // As in `Search::look`, an event that panics is of no type.
                let is_of_type = |event: &&E| {
                    let mut is = false;
                    swallow(|| is = event.event_type() == event_type);
                    is
                };
                events.into_iter().find(is_of_type).cloned()
            }
        }
    }

    /// The last events of these types that are not in the log, in their order.
    pub(crate) fn puts(&self, types: Option<&[EventType]>) -> Vec<Put<E>> {
        let is = |(_, last): (usize, &Last<E>)| if let Last::Is(put) = last { Some(put.clone()) } else { None };
        let mut puts: Vec<_> = self.wanted(types).filter_map(is).collect();
        puts.sort_unstable_by_key(|put| put.number);
        puts
    }

    /// Where in the log the last events of these types are to be looked for.
    pub(crate) fn search(&self, types: Option<&[EventType]>) -> Option<Search<E>> {
        let in_log = |(index, last): (usize, &Last<E>)| match last {
            Last::InLog { from } => Some((self.types.types[index], index, *from)),
            _ => None,
        };
        let sought: Vec<_> = self.wanted(types).filter_map(in_log).collect();
        let log = self.log.as_ref().filter(|_| !sought.is_empty())?;
        Some(Search { log: Arc::clone(log), sought })
    }
}

/// A look for the last events of some types in a log that is closed.
pub(crate) struct Search<E> {
    pub(crate) log: Arc<StartupLog<E>>,
    /// The types, their indexes, and how many events at the beginning of the log do not count.
    sought: Vec<(EventType, usize, usize)>,
}

impl<E: Event> Search<E> {
    /// The slots of the last events and the indexes of their types, in the order of the log; `None`
    /// if a slot that must be looked at is still being filled. User code. An event that panics is
    /// of no type.
    pub(crate) fn look(&self, panics: &mut Panics) -> Option<Vec<(usize, usize)>> {
        let mut sought = self.sought.clone();
        let mut found = Vec::new();
        for slot in (0..self.log.final_len()?).rev() {
            sought.retain(|(_, _, from)| slot >= *from);
            if sought.is_empty() {
                break;
            }
            let event = self.log.get(slot)?;
            let Some(event_type) = panics.catch(|| event.event_type()) else { continue };
            if let Some(place) = sought.iter().position(|(sought, ..)| *sought == event_type) {
                found.push((slot, sought.swap_remove(place).1));
            }
        }
        found.reverse();
        Some(found)
    }

    /// The same, as events by themselves.
    pub(crate) fn look_up(&self, panics: &mut Panics) -> Option<Vec<Put<E>>>
    where
        E: Clone,
    {
        let found = self.look(panics)?;
        let put = |(slot, index)| {
            let entry = Entry::of_clone(self.log.get(slot)?, index, panics)?;
            entry.finish();
            // Below the numbers of what is put on the live bus.
            Some(Put { number: slot + 1, entry })
        };
        Some(found.into_iter().filter_map(put).collect())
    }
}

/// What became of an event that was put.
pub(crate) struct FannedOut {
    pub(crate) own: Offered,
    /// Of those that user code on its way has published and [left behind](Entry::behind) it.
    pub(crate) nested: Offered,
}

/// Offers an event that was put into this snapshot to every subscriber that is interested, behind
/// the earlier ones of its type, and wakes those that wait; then `answer`, then the lag reports, as
/// for any event. User code may panic at every turn. `None` if all but `answer` is left to a
/// publish of this thread which is at it already.
pub(crate) fn fan_out_put<E: Event + Clone>(
    snapshot: Arc<Snapshot<E>>,
    put: Put<E>,
    panics: &mut Panics,
    answer: impl FnOnce(Option<Offered>, &mut Panics),
) -> Option<FannedOut> {
    let index = put.entry.index;
    let retained = snapshot.retained.as_ref()?;
    let earlier = retained.under_way.iter().filter(|other| other.entry.index == index && other.number < put.number);
    // Published by user code that runs for an earlier event, which must not run for that once more.
    let is_interrupted = |other: &&Put<E>| other.entry.publisher == put.entry.publisher && !other.entry.is_finished();
    if let Some(interrupted) = earlier.clone().find(is_interrupted) {
        let interrupted = Arc::clone(&interrupted.entry);
        interrupted.behind.push((snapshot, put));
        answer(None, panics);
        return None;
    }
    let event_type = retained.types.types[index];
    let typed = snapshot.routes.typed(event_type);
    let lists = snapshot.routes.universal().chunks().chain(typed.into_iter().flat_map(List::chunks));
    let mut losses = Losses::new(&snapshot.hooks);
    for mailbox in lists.clone().flatten() {
        for put in earlier.clone().chain([&put]) {
            losses.serve_in_turn(mailbox, put, panics);
        }
    }
    put.entry.finish();
    snapshot.subscribers.fence_pushes();
    for list in lists {
        mailbox::after_push(list, panics);
    }
    let own = Offered { delivered: put.entry.delivered.get() as usize, dropped: put.entry.dropped.get() as usize };
    answer(Some(own), panics);
    if let Some(tickets) = losses.tickets {
        report_lags(&snapshot, tickets, |_, _| Some(event_type), panics);
    }
    let mut nested = Offered::default();
    // (What is published from now on finds this event finished, and is not left here.)
    while let Some((snapshot, put)) = put.entry.behind.pop() {
        if let Some(more) = fan_out_put(snapshot, put, panics, answer_nothing) {
            nested = nested + more.own + more.nested;
        }
    }
    panics.catch(|| drop((snapshot, put)));
    Some(FannedOut { own, nested })
}

/// For an event that was answered when it was left behind another.
fn answer_nothing(_: Option<Offered>, _: &mut Panics) {}

/// What is to be put into a ring.
enum Prepared<T> {
    Ready(T),
    /// The ring is full.
    NoRoom,
    /// The filter has refused it.
    Unwanted,
    /// The filter or `Clone` has panicked.
    Panicked,
}

impl Losses<'_> {
    /// Offers a mailbox an event, unless another publisher has.
    fn serve_in_turn<E: Clone>(&mut self, mailbox: &Mailbox<E>, put: &Put<E>, panics: &mut Panics) {
        let Some(event) = put.entry.event.as_ref() else { return };
        if mailbox.gate(put.entry.index).is_none_or(|gate| gate.is_past(put.number)) {
            return;
        }
        if const { is_large::<E>() } {
            return self.serve_large_in_turn(mailbox, event, put, panics);
        }
        let prepared = match panics.catch(|| mailbox.would_accept(event).then(|| event.clone())) {
            Some(Some(copy)) => Prepared::Ready(copy),
            Some(None) => Prepared::Unwanted,
            None => Prepared::Panicked,
        };
        let back = self.pass_gate(mailbox, put, prepared, |copy| mailbox.push(copy));
        panics.catch(|| drop(back));
    }

    /// The same for an event that is better cloned to where it belongs.
    #[inline(never)]
    fn serve_large_in_turn<E: Clone>(&mut self, mailbox: &Mailbox<E>, event: &E, put: &Put<E>, panics: &mut Panics) {
        let Some(slots) = mailbox.slots() else { return };
        let evicts = mailbox.evicts();
        let prepared = match panics.catch(|| mailbox.would_accept(event)) {
            // (What it evicts is decided behind the gate.)
            Some(true) => match slots.room_or_new(evicts) {
                Some(mut room) => {
                    if panics.catch(|| clone_into(&mut room, event)).is_some() {
                        Prepared::Ready(room)
                    } else {
                        slots.free(room);
                        Prepared::Panicked
                    }
                }
                None => Prepared::NoRoom,
            },
            Some(false) => Prepared::Unwanted,
            None => Prepared::Panicked,
        };
        let back: Option<Room<E>> = self.pass_gate(mailbox, put, prepared, |room| slots.push(room, evicts));
        if let Some(mut back) = back {
            panics.catch(|| *back = None);
            slots.free(back);
        }
    }

    /// Puts into the ring what was prepared, unless another publisher has done so, and counts what
    /// became of it. Gives back what the ring does not keep.
    fn pass_gate<E, T>(
        &mut self,
        mailbox: &Mailbox<E>,
        put: &Put<E>,
        prepared: Prepared<T>,
        push: impl FnOnce(T) -> Result<(), Lost<T>>,
    ) -> Option<T> {
        let Some(gate) = mailbox.gate(put.entry.index).filter(|gate| gate.enter(put.number)) else {
            return if let Prepared::Ready(ready) = prepared { Some(ready) } else { None };
        };
        let entry = &put.entry;
        match prepared {
            Prepared::Ready(ready) => {
                let pushed = push(ready);
                let is_dropped = matches!(pushed, Err(Lost::Refused(_)));
                if is_dropped { &entry.dropped } else { &entry.delivered }.add(1);
                gate.leave(put.number);
                pushed.err().map(|lost| self.lose(mailbox, lost, Place::ONLY))
            }
            Prepared::NoRoom => {
                entry.dropped.add(1);
                gate.leave(put.number);
                self.lose(mailbox, Lost::Refused(()), Place::ONLY);
                None
            }
            Prepared::Unwanted => {
                gate.leave(put.number);
                mailbox.count_filtered();
                None
            }
            Prepared::Panicked => {
                entry.dropped.add(1);
                gate.leave(put.number);
                self.drop_one(mailbox);
                None
            }
        }
    }
}
