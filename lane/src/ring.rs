//! The ring and its two ends. All unsafe code of the project is in this file.
//!
//! **Positions** count the values that were ever pushed, in steps of [`STEP`], and wrap around with
//! the word. `tail` is the next one to be claimed, `head` the next one to be popped: what lies
//! between them is claimed. A slot is used by the positions that are equal modulo their number.
//!
//! **A slot** belongs to the producer that has claimed its position, until it is marked as filled;
//! then to the consumer, until it stores a `head` behind it; and then to nobody, until it is
//! claimed for a later lap. The consumer takes the mark away before that.
//!
//! That the consumer writes to each slot is also what makes a stream from thread to thread fast. If
//! it only read, its core would keep a copy of the line, and each producer would have to wait until
//! that is gone: 12 to 56 ns a push instead of 4 to 17, on the processors that were measured.
//!
//! No code of the user runs between a claim and its fill: values are cloned before, and dropped
//! after. So every claim is filled soon.

use crate::error::PushError;
use crate::sync::{AtomicBool, AtomicUsize, UnsafeCell, Waiting, claim, peek};
use crossbeam_utils::CachePadded;
use std::cell::Cell;
use std::collections::TryReserveError;
use std::fmt;
use std::mem::MaybeUninit;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// From one position to the next.
const STEP: usize = 2;
/// Bit 0 of `tail`: nothing more can be claimed. Never cleared.
const CLOSED: usize = 1;
/// How far ahead of its own slot a producer asks for memory, in bytes.
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = 512;

/// What producers and consumer share.
struct Ring<T> {
    /// Written by producers.
    claims: CachePadded<Claims>,
    /// The next position to be popped. Written by the consumer, read by producers that seem to find
    /// no room.
    head: CachePadded<AtomicUsize>,
    /// As many as the next power of two of the capacity.
    slots: Box<[Slot<T>]>,
    /// How many values fit, which may be fewer than there are slots, in steps.
    span: usize,
    /// How many producers there are.
    producers: AtomicUsize,
}

/// The words that a push writes, on a line of their own.
struct Claims {
    /// The next position to be claimed, and [`CLOSED`].
    tail: AtomicUsize,
    /// A value that `head` has had; it only moves forward. Producers look here first, and so leave
    /// the consumer's line alone for about a lap.
    known_head: AtomicUsize,
}

struct Slot<T> {
    /// Whether a value lies here. Set by producers, cleared by the consumer.
    is_filled: AtomicBool,
    value: UnsafeCell<MaybeUninit<T>>,
}

impl<T> Slot<T> {
    /// Has the memory of a later slot brought to this core, so that who fills it need not wait.
    /// Only an advice, and known on x86-64 alone.
    #[inline(always)]
    fn ask_ahead(&self) {
        #[cfg(target_arch = "x86_64")]
        if const { size_of::<Self>() <= AHEAD / 4 } {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let ahead = std::ptr::from_ref(self).wrapping_byte_add(AHEAD);
            // SAFETY: whatever the address is, the instruction changes nothing and cannot fault.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(ahead.cast()) };
        }
    }
}

/// Why nothing was claimed.
enum Refusal {
    Full,
    Closed,
}

// SAFETY: the ring hands each value from the thread that pushes it to the one that pops it, and
// never gives out references to one. (Positions keep the two apart, see above.)
unsafe impl<T: Send> Send for Ring<T> {}
// SAFETY: as above. What is shared otherwise are atomics.
unsafe impl<T: Send> Sync for Ring<T> {}

// No code of the user runs while the ring is in the middle of anything, so a panic leaves it whole.
impl<T> UnwindSafe for Ring<T> {}
impl<T> RefUnwindSafe for Ring<T> {}

impl<T> Ring<T> {
    /// Makes a ring that begins at `position`.
    fn new(capacity: usize, position: usize) -> Result<Self, TryReserveError> {
        assert!(capacity > 0, "a ring of no values: the capacity must be 1 or more");
        let mut slots = Vec::new();
        // (More than half the address space is refused by `Vec`.)
        let len = capacity.checked_next_power_of_two().unwrap_or(usize::MAX);
        slots.try_reserve_exact(len)?;
        slots.extend(
            (0..len).map(|_| Slot { is_filled: AtomicBool::new(false), value: UnsafeCell::new(MaybeUninit::uninit()) }),
        );
        Ok(Self {
            claims: CachePadded::new(Claims {
                tail: AtomicUsize::new(position),
                known_head: AtomicUsize::new(position),
            }),
            head: CachePadded::new(AtomicUsize::new(position)),
            slots: slots.into_boxed_slice(),
            span: capacity * STEP,
            producers: AtomicUsize::new(1),
        })
    }

    #[inline(always)]
    fn slots(&self) -> Slots<'_, T> {
        Slots(&self.slots)
    }

    fn capacity(&self) -> usize {
        self.span / STEP
    }

    /// How far one can claim from `tail` on, if `head` is the next position to be popped. Too far
    /// if `tail` is older than `head`: a claim from there fails.
    #[inline(always)]
    fn room(&self, tail: usize, head: usize) -> isize {
        self.span as isize - tail.wrapping_sub(head) as isize
    }

    /// Claims up to `wanted` positions in a row, of which there is at least one, and no more than
    /// the capacity: as many as there is room for. Returns the first, and how many.
    #[inline(always)]
    fn claim(&self, wanted: usize) -> Result<(usize, usize), Refusal> {
        let mut tail = peek(&self.claims.tail);
        loop {
            if tail & CLOSED != 0 {
                return Err(Refusal::Closed);
            }
            // ORDERING: Acquire. Pairs with the Release in `look_for_room`: who takes over what
            // another producer knows of `head` has, like it, the consumer's reads behind it.
            // Weaker: it could write into a slot that is being read.
            // Checked by loom-tests/tests/lane.rs `known_head_carries_the_reads_of_the_consumer`.
            let known_head = self.claims.known_head.load(Acquire);
            let mut room = self.room(tail, known_head);
            if room < (wanted * STEP) as isize {
                room = self.look_for_room(tail, known_head);
                if room <= 0 {
                    return Err(Refusal::Full);
                }
            }
            let claimed = (wanted * STEP).min(room as usize);
            match claim(&self.claims.tail, tail, tail.wrapping_add(claimed)) {
                Ok(()) => return Ok((tail, claimed / STEP)),
                Err(other) => tail = other,
            }
        }
    }

    /// How far one can claim from `tail` on, by the newest `head`; the one that was known is not
    /// far enough.
    #[cold]
    fn look_for_room(&self, tail: usize, known_head: usize) -> isize {
        // ORDERING: Acquire. Pairs with the Release in `Consumer::leave`: what the consumer has
        // read, it has read before its slot is written anew. Weaker: a value could be overwritten
        // while it is moved out.
        // Checked by loom-tests/tests/lane.rs `slot_is_not_written_while_it_is_read`.
        let head = self.head.load(Acquire);
        if head != known_head {
            // ORDERING: Release. Pairs with the Acquire in `claim`, see there. Relaxed on failure:
            // another producer was faster. A plain store could bring an old value back, however
            // long this thread was suspended; half the positions later, a full ring would look as
            // if it had room. (Where words have 32 bits, that takes seconds.)
            _ = self.claims.known_head.compare_exchange(known_head, head, Release, Relaxed);
        }
        self.room(tail, head)
    }

    /// The next position to be claimed.
    #[inline]
    fn tail(&self) -> usize {
        // ORDERING: Relaxed. What is claimed is looked at by its mark; who has acquired a mark, as
        // `pop_many` has, sees the claim that came before it. A consumer that is about to sleep has
        // fenced, see the crate docs, "Waking the consumer".
        self.claims.tail.load(Relaxed) & !CLOSED
    }

    /// How many values are claimed and not yet popped, when `head` is the next to be popped, or
    /// was.
    fn len(&self, head: usize) -> usize {
        self.tail().wrapping_sub(head).min(self.span) / STEP
    }

    /// The next position to be popped, for producers.
    fn head(&self) -> usize {
        // ORDERING: Acquire. Pairs with the Release in `Consumer::leave`: a `tail` that is loaded
        // next is no older than this `head`. Weaker: a ring that is nearly empty could look full,
        // and `push_slice` push nothing.
        // Checked by loom-tests/tests/lane.rs `ring_with_room_does_not_look_full`.
        self.head.load(Acquire)
    }

    fn is_closed(&self) -> bool {
        // ORDERING: Relaxed. The bit carries nothing but itself: who comes too late fails to claim.
        self.claims.tail.load(Relaxed) & CLOSED != 0
    }
}

/// The slots of a ring, as a loop holds them: behind each atomic, the compiler would look up anew
/// where they are.
struct Slots<'a, T>(&'a [Slot<T>]);

impl<T> Clone for Slots<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Slots<'_, T> {}

impl<'a, T> Slots<'a, T> {
    /// The slot that this position uses.
    #[inline(always)]
    fn of(self, position: usize) -> &'a Slot<T> {
        let index = (position / STEP) & (self.0.len() - 1);
        // SAFETY: the number of slots is a power of two, so the index is less than it.
        unsafe { self.0.get_unchecked(index) }
    }

    /// Writes a value where it was claimed, for the consumer to find.
    ///
    /// # Safety
    ///
    /// The caller has claimed `position`, and does not fill it twice.
    #[inline(always)]
    unsafe fn fill(self, position: usize, value: T) {
        let slot = self.of(position);
        slot.value.with_mut(|place| {
            // SAFETY: the position is the caller's. Whoever had the slot before is done with it:
            // there was room, so the consumer had stored a `head` behind the position one lap ago,
            // and `claim` has acquired that. The consumer reads nothing before the mark below.
            unsafe { (*place).write(value) };
        });
        // ORDERING: Release. Pairs with the Acquire in `is_filled`: who sees the mark sees the
        // value. Weaker: the consumer could move out a value that is half written.
        // Checked by loom-tests/tests/lane.rs `values_arrive_whole_and_in_order`.
        slot.is_filled.store(true, Release);
        slot.ask_ahead();
    }

    /// Whether the value of this position lies in its slot.
    #[inline(always)]
    fn is_filled(self, position: usize) -> bool {
        // ORDERING: Acquire. Pairs with the Release in `fill`, see there.
        self.of(position).is_filled.load(Acquire)
    }

    /// Moves a value out of its slot, and takes the mark away.
    ///
    /// # Safety
    ///
    /// The caller is the consumer, has seen that the position [is filled](Self::is_filled), and
    /// does not take its value twice.
    #[inline(always)]
    unsafe fn take(self, position: usize) -> T {
        let slot = self.of(position);
        // ORDERING: Relaxed. The Release store of a `head` behind the position, see
        // `Consumer::leave`, comes after it, and so does the mark of the next value. Later: it
        // could take away the mark of a value that was pushed meanwhile.
        // Checked by loom-tests/tests/lane.rs `slot_is_not_written_while_it_is_read`.
        slot.is_filled.store(false, Relaxed);
        slot.value.with(|place| {
            // SAFETY: it was filled, and acquired by its mark. Nobody writes here before the
            // consumer has stored a `head` behind the position.
            unsafe { (*place).assume_init_read() }
        })
    }
}

/// Makes a ring of `capacity` values, and returns its two ends.
///
/// It holds exactly that many. Its memory is rounded up to the next power of two.
///
/// # Panics
///
/// If the capacity is 0, or there is no memory for so many values.
///
/// # Examples
///
/// ```
/// let (producer, consumer) = ringbus_lane::channel(2);
/// producer.push("first").unwrap();
/// producer.push("second").unwrap();
/// assert_eq!(producer.push("third").unwrap_err().into_inner(), "third"); // it is full
/// assert_eq!(consumer.pop(), Some("first"));
/// ```
#[must_use]
pub fn channel<T>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    try_channel(capacity).unwrap_or_else(|_| panic!("no memory for {capacity} values of {} bytes each", size_of::<T>()))
}

/// As [`channel`], but returns an error if there is no memory for so many values.
///
/// # Errors
///
/// [`TryReserveError`] if there is no memory for the ring.
///
/// # Panics
///
/// If the capacity is 0.
///
/// # Examples
///
/// ```
/// assert!(ringbus_lane::try_channel::<[u8; 1_000]>(usize::MAX / 2).is_err());
/// ```
pub fn try_channel<T>(capacity: usize) -> Result<(Producer<T>, Consumer<T>), TryReserveError> {
    channel_at(capacity, 0)
}

/// A ring whose positions begin at so many steps, to be tried where they wrap around.
#[doc(hidden)]
pub fn channel_at<T>(capacity: usize, steps: usize) -> Result<(Producer<T>, Consumer<T>), TryReserveError> {
    let position = steps.wrapping_mul(STEP);
    let ring = Arc::new(Ring::new(capacity, position)?);
    let producer = Producer { ring: Arc::clone(&ring) };
    Ok((producer, Consumer { ring, head: Cell::new(position) }))
}

/// Pushes values into a ring, from [`channel`]. Clones push into the same ring.
///
/// # Progress
///
/// Pushing is lock-free: a producer tries again only if another one has succeeded.
pub struct Producer<T> {
    ring: Arc<Ring<T>>,
}

impl<T> Producer<T> {
    /// Pushes a value, with one read-modify-write.
    ///
    /// # Errors
    ///
    /// [`PushError::Full`] if there is no room, [`PushError::Closed`] if the consumer has closed
    /// the ring or is gone. Both give the value back.
    #[inline(always)]
    pub fn push(&self, value: T) -> Result<(), PushError<T>> {
        match self.ring.claim(1) {
            Ok((position, _)) => {
                // SAFETY: it was claimed just now.
                unsafe { self.ring.slots().fill(position, value) };
                Ok(())
            }
            Err(Refusal::Full) => Err(PushError::Full(value)),
            Err(Refusal::Closed) => Err(PushError::Closed(value)),
        }
    }

    /// Takes values out of `values` and pushes them in their order, as many as fit, with one
    /// read-modify-write for all. Returns how many. Those that do not fit stay where they are.
    ///
    /// They stay together: no value of another producer comes between them.
    ///
    /// # Examples
    ///
    /// ```
    /// let (producer, consumer) = ringbus_lane::channel(2);
    /// let mut values = [Some('a'), None, Some('b'), Some('c')];
    /// assert_eq!(producer.push_batch(&mut values), 2);
    /// assert_eq!(values, [None, None, None, Some('c')]);
    /// assert_eq!([consumer.pop(), consumer.pop()], [Some('a'), Some('b')]);
    /// ```
    pub fn push_batch(&self, values: &mut [Option<T>]) -> usize {
        let wanted = values.iter().flatten().take(self.capacity()).count();
        if wanted == 0 {
            return 0;
        }
        let Ok((first, claimed)) = self.ring.claim(wanted) else { return 0 };
        let slots = self.ring.slots();
        for (index, value) in values.iter_mut().filter_map(Option::take).take(claimed).enumerate() {
            // SAFETY: so many were claimed, and each index comes once. There are as many values:
            // `values` is borrowed, so nobody has taken any since they were counted.
            unsafe { slots.fill(first.wrapping_add(index * STEP), value) };
        }
        claimed
    }

    /// Pushes clones of the values, in their order, as many as fit. Returns how many.
    ///
    /// It clones and pushes at most 32 values at a time, and values of more than 128 bytes one by
    /// one, so values of other producers may come between these portions.
    ///
    /// # Panics
    ///
    /// If `Clone` does. What was pushed before stays in the ring, which goes on working.
    ///
    /// # Examples
    ///
    /// ```
    /// let (producer, consumer) = ringbus_lane::channel(3);
    /// assert_eq!(producer.push_slice(&[1, 2, 3, 4]), 3);
    /// assert_eq!(consumer.pop(), Some(1));
    /// ```
    pub fn push_slice(&self, values: &[T]) -> usize
    where
        T: Clone,
    {
        // As much as may lie on the stack.
        if size_of::<T>() > 128 {
            return values.iter().take_while(|value| self.has_room() && self.push((*value).clone()).is_ok()).count();
        }
        let mut tile = [const { None }; 32];
        let mut pushed = 0;
        for values in values.chunks(tile.len()) {
            let room = self.ring.capacity() - self.len();
            let fitting = if self.is_closed() { &[] } else { &values[..room.min(values.len())] };
            for (place, value) in tile.iter_mut().zip(fitting) {
                *place = Some(value.clone());
            }
            let fitted = self.push_batch(&mut tile[..fitting.len()]);
            pushed += fitted;
            if fitted < values.len() {
                break;
            }
        }
        pushed
    }

    /// Whether a value would fit now. Advisory.
    fn has_room(&self) -> bool {
        !self.is_closed() && self.len() < self.ring.capacity()
    }

    /// How many values the ring holds at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// How many values wait to be popped. Advisory.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.len(self.ring.head())
    }

    /// Whether no value waits to be popped. Advisory, but `false` for certain while a value that
    /// this producer has pushed is in the ring.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the consumer has closed the ring or is gone. Once `true`, always `true`.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.ring.is_closed()
    }
}

impl<T> Clone for Producer<T> {
    fn clone(&self) -> Self {
        // ORDERING: Relaxed. There is one producer already, so the number is not 0.
        self.ring.producers.fetch_add(1, Relaxed);
        Self { ring: Arc::clone(&self.ring) }
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        // ORDERING: Release. Pairs with the Acquire in `Consumer::is_abandoned`: who sees that the
        // last producer is gone sees all that it has pushed. Weaker: a consumer could end before it
        // has popped that.
        // Checked by loom-tests/tests/lane.rs `abandoned_ring_still_gives_what_was_pushed`.
        self.ring.producers.fetch_sub(1, Release);
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_closed", &self.is_closed())
            .finish()
    }
}

/// Pops values from a ring, from [`channel`]. Dropping it closes the ring and drops the values that
/// are left.
///
/// It can be sent to another thread, but neither shared nor cloned.
///
/// # Progress
///
/// Popping is wait-free, except that it waits while the producer of the next value is suspended
/// between claiming the slot and filling it, a few instructions apart.
pub struct Consumer<T> {
    ring: Arc<Ring<T>>,
    /// The next position to be popped, as in the ring.
    head: Cell<usize>,
}

impl<T> Consumer<T> {
    /// Pops the oldest value, if there is one, without a read-modify-write.
    ///
    /// If a producer is just pushing that value, this waits for it.
    #[inline(always)]
    pub fn pop(&self) -> Option<T> {
        let (slots, head) = (self.ring.slots(), self.head.get());
        if !slots.is_filled(head) && !self.comes(head) {
            return None;
        }
        // SAFETY: it is filled. This is the consumer: there is one for a ring, and it is not
        // `Sync`. `leave` goes on to the next position.
        let value = unsafe { slots.take(head) };
        self.leave(head);
        Some(value)
    }

    /// Waits until the value of this position is there, if it is claimed; says whether.
    #[cold]
    fn comes(&self, head: usize) -> bool {
        if self.ring.tail() == head {
            return false;
        }
        let waiting = Waiting::new();
        while !self.ring.slots().is_filled(head) {
            waiting.pause();
        }
        true
    }

    /// Gives the slots up to this position, whose value was taken, back to the producers.
    #[inline(always)]
    fn leave(&self, taken: usize) {
        let head = taken.wrapping_add(STEP);
        self.head.set(head);
        // ORDERING: Release. Pairs with the Acquires in `look_for_room` and `Ring::head`, see
        // there.
        self.ring.head.store(head, Release);
    }

    /// Moves up to `max` values to the end of `into`, and returns how many.
    ///
    /// This is faster than as many calls of [`pop`](Self::pop), because it stores its position once
    /// for all. If a producer is just pushing the first value, it waits for that one, and for no
    /// other.
    ///
    /// # Panics
    ///
    /// If `into` cannot grow. No value is lost: the next one can still be popped.
    ///
    /// # Examples
    ///
    /// ```
    /// let (producer, consumer) = ringbus_lane::channel(8);
    /// producer.push_slice(&[1, 2, 3]);
    /// let mut values = Vec::new();
    /// assert_eq!(consumer.pop_many(&mut values, 2), 2);
    /// assert_eq!(consumer.pop_many(&mut values, 2), 1);
    /// assert_eq!(values, [1, 2, 3]);
    /// ```
    #[inline]
    pub fn pop_many(&self, into: &mut Vec<T>, max: usize) -> usize {
        let (slots, first) = (self.ring.slots(), self.head.get());
        if max == 0 || !slots.is_filled(first) && !self.comes(first) {
            return 0;
        }
        // (This sees the claim of the first one, which came before its mark.)
        let max = max.min(self.len());
        // Before a value is taken: a vector that cannot grow panics, and would drop it.
        into.reserve(max);
        let before = into.len();
        let mut next = first;
        for place in into.spare_capacity_mut().iter_mut().take(max) {
            if !slots.is_filled(next) {
                break;
            }
            // SAFETY: it is filled, this is the consumer, and `leave` goes on behind it: nothing
            // unwinds before that.
            place.write(unsafe { slots.take(next) });
            next = next.wrapping_add(STEP);
        }
        let taken = next.wrapping_sub(first) / STEP;
        // SAFETY: so many places behind the others were written.
        unsafe { into.set_len(before + taken) };
        self.leave(next.wrapping_sub(STEP));
        taken
    }

    /// Closes the ring, for good: every later push gives its value back. Values that were pushed
    /// before can still be popped.
    ///
    /// # Examples
    ///
    /// ```
    /// let (producer, consumer) = ringbus_lane::channel(8);
    /// producer.push(1).unwrap();
    /// consumer.close();
    /// assert_eq!(producer.push(2), Err(ringbus_lane::PushError::Closed(2)));
    /// assert_eq!([consumer.pop(), consumer.pop()], [Some(1), None]);
    /// ```
    pub fn close(&self) {
        // ORDERING: Relaxed. Claims and the closing are read-modify-writes of one word, so each
        // claim came before, and this consumer finds it, or fails.
        // Checked by loom-tests/tests/lane.rs `closed_ring_keeps_or_gives_back`.
        self.ring.claims.tail.fetch_or(CLOSED, Relaxed);
    }

    /// How many values the ring holds at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// How many values wait to be popped. Those that are just being pushed count.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.len(self.head.get())
    }

    /// Whether no value waits to be popped, and none is just being pushed.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether [`close`](Self::close) was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.ring.is_closed()
    }

    /// Whether all producers are gone. Once it is `true`, nothing more will be pushed: pop what is
    /// left, and stop.
    ///
    /// # Examples
    ///
    /// Ask before the pop. If you asked after it, a value pushed in between would be missed:
    ///
    /// ```
    /// let (producer, consumer) = ringbus_lane::channel(8);
    /// std::thread::spawn(move || producer.push(1).unwrap());
    /// loop {
    ///     let is_last = consumer.is_abandoned();
    ///     match consumer.pop() {
    ///         Some(value) => assert_eq!(value, 1),
    ///         None if is_last => break,
    ///         None => std::thread::yield_now(),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        // ORDERING: Acquire. Pairs with the Release in `Producer::drop`, see there.
        self.ring.producers.load(Acquire) == 0
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        /// Drops what is left, also when the `Drop` of a value unwinds.
        struct Rest<'a, T>(&'a Consumer<T>);

        impl<T> Drop for Rest<'_, T> {
            fn drop(&mut self) {
                while self.0.pop().is_some() {}
            }
        }

        self.close();
        let rest = Rest(self);
        while rest.0.pop().is_some() {}
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_abandoned", &self.is_abandoned())
            .finish()
    }
}
