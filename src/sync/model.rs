//! Doubles of the concurrent building blocks, on the atomics of loom or of shuttle.
//!
//! Each double is **no stronger than what it replaces**: it gives the orderings that the real crate
//! documents or that its protocol cannot do without, and nothing beyond, so that a bug which needs
//! a reordering can still be found. Values sit in an uncontended `std` mutex that is locked only
//! between two of loom's switching points, so it adds no edge that an engine would see; whether an
//! *event* is visible is checked by the models, whose events carry an atomic of their engine.
//!
//! If a thread loads a word only in order to swap it afterwards, the double loads by a
//! read-modify-write: loom 0.7 remembers one access per word, and a thread's own plain load would
//! hide the other thread's (<https://github.com/tokio-rs/loom/issues/166>). Such a load can only be
//! fresher than the real one, and a stale one would just fail its swap. Loads that decide something
//! by themselves stay plain.
//!
//! Shuttle runs the same doubles. It is sequentially consistent, so it looks through the order of
//! steps only, and finds those that loom passes over.

#[cfg(loom)]
pub(crate) use loom as engine;
#[cfg(shuttle)]
pub(crate) use shuttle as engine;

pub(crate) use engine::sync::Mutex as WatchedMutex;
pub(crate) use engine::sync::atomic::{AtomicBool, AtomicUsize, fence};
pub(crate) use map::DashMap;

use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Double of `std::thread_local!` with a constant: the threads of a model share one thread of the
/// system.
macro_rules! engine_thread_local {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = const { $value:expr };) => {
        $crate::sync::model::engine::thread_local! {
            $(#[$attribute])* static $name: $type = $value;
        }
    };
}
pub(crate) use engine_thread_local as thread_local;

/// In a model, a thread parks at once: to look around would be a schedule like any other.
pub(crate) const LOOKS_AROUND: bool = false;

/// Loads a word behind claims in lanes. loom treats a SeqCst load as an Acquire one, so in the
/// models each claim has a SeqCst fence behind it instead, and this needs to be no more than
/// Relaxed.
pub(crate) fn load_behind_claims(word: &AtomicUsize) -> usize {
    word.load(Relaxed)
}

/// Double of the keyed hasher of `std`: the same in each execution, because an engine repeats them.
pub(crate) type RandomState = std::hash::BuildHasherDefault<std::hash::DefaultHasher>;

/// Double of `SegQueue`: whoever has taken something out may be suspended before it does anything
/// with that.
#[cfg(shuttle)]
#[derive(Debug)]
pub(crate) struct SegQueue<T> {
    queue: crossbeam_queue::SegQueue<T>,
    takes: AtomicUsize,
}

#[cfg(shuttle)]
impl<T> SegQueue<T> {
    pub(crate) fn new() -> Self {
        Self { queue: crossbeam_queue::SegQueue::new(), takes: AtomicUsize::new(0) }
    }

    pub(crate) fn push(&self, value: T) {
        self.queue.push(value);
    }

    pub(crate) fn pop(&self) -> Option<T> {
        let value = self.queue.pop();
        if value.is_some() {
            // Where shuttle may switch to another thread.
            self.takes.fetch_add(1, Relaxed);
        }
        value
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }
}

pub(crate) mod thread {
    pub(crate) use super::engine::thread::{Thread, ThreadId, current, park, yield_now};
}

pub(crate) use time::Deadline;
pub use time::{expire, parks};

mod time {
    use super::thread::{self, Thread};
    use super::{AtomicBool, Mutex, Relaxed, engine, lock};
    use std::cell::Cell;
    use std::time::{Duration, Instant};

    thread_local! {
        static PARKS: Cell<usize> = const { Cell::new(0) };
    }

    /// How often a receiver has parked, in all executions of the models that this thread has run.
    pub fn parks() -> usize {
        PARKS.get()
    }

    engine::lazy_static! {
        static ref CLOCK: Clock = Clock { expired: AtomicBool::new(false), parked: Mutex::new(Vec::new()) };
    }

    /// Neither engine has a clock. In a model, every deadline passes at one moment: when a thread
    /// calls [`expire`], or never.
    struct Clock {
        expired: AtomicBool,
        parked: Mutex<Vec<Thread>>,
    }

    /// Lets every deadline of the running model pass, and wakes the threads that wait for one.
    pub fn expire() {
        CLOCK.expired.swap(true, Relaxed);
        let parked = std::mem::take(&mut *lock(&CLOCK.parked));
        for thread in parked {
            thread.unpark();
        }
    }

    /// Double of the real `Deadline`: an expiry that may or may not have come.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Deadline {
        finite: bool,
    }

    impl Deadline {
        pub(crate) const NEVER: Self = Self { finite: false };

        pub(crate) fn after(timeout: Duration) -> Self {
            Self { finite: timeout < Duration::MAX }
        }

        pub(crate) fn at(_: Instant) -> Self {
            Self { finite: true }
        }

        pub(crate) fn or_earlier(self, other: Self) -> Self {
            Self { finite: self.finite || other.finite }
        }

        pub(crate) fn is_beyond(self, _: Duration) -> bool {
            !self.finite
        }

        pub(crate) fn has_passed(self) -> bool {
            // A read-modify-write: time is never stale.
            self.finite && CLOCK.expired.fetch_or(false, Relaxed)
        }

        pub(crate) fn park(self) {
            if self.finite {
                lock(&CLOCK.parked).push(thread::current());
                if self.has_passed() {
                    return;
                }
            }
            PARKS.set(PARKS.get() + 1);
            thread::park();
        }
    }
}

/// Double of the word of a counter: a plain one, which no engine watches, or one of the engine.
#[derive(Debug)]
pub(crate) enum CountWord {
    Plain(std::sync::atomic::AtomicUsize),
    Watched(AtomicUsize),
}

/// Calls a method of whichever word it is.
macro_rules! of_word {
    ($word:expr, $method:ident($($argument:expr),*)) => {
        match $word {
            CountWord::Plain(word) => word.$method($($argument),*),
            CountWord::Watched(word) => word.$method($($argument),*),
        }
    };
}

impl CountWord {
    pub(crate) const fn new(value: usize) -> Self {
        Self::Plain(std::sync::atomic::AtomicUsize::new(value))
    }

    pub(crate) fn watched() -> Self {
        Self::Watched(AtomicUsize::new(0))
    }

    pub(crate) fn load(&self, order: Ordering) -> usize {
        of_word!(self, load(order))
    }

    pub(crate) fn store(&self, value: usize, order: Ordering) {
        of_word!(self, store(value, order));
    }

    pub(crate) fn fetch_add(&self, amount: usize, order: Ordering) -> usize {
        of_word!(self, fetch_add(amount, order))
    }

    pub(crate) fn fetch_max(&self, value: usize, order: Ordering) -> usize {
        of_word!(self, fetch_max(value, order))
    }

    pub(crate) fn fetch_and(&self, value: usize, order: Ordering) -> usize {
        of_word!(self, fetch_and(value, order))
    }

    pub(crate) fn fetch_update(
        &self,
        on_success: Ordering,
        on_failure: Ordering,
        update: impl FnMut(usize) -> Option<usize>,
    ) -> Result<usize, usize> {
        of_word!(self, fetch_update(on_success, on_failure, update))
    }
}

impl Default for CountWord {
    fn default() -> Self {
        Self::new(0)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Double of `std::sync::OnceLock`: `set` releases, `get` acquires.
#[derive(Debug)]
pub(crate) struct OnceLock<T> {
    filled: AtomicBool,
    value: std::sync::OnceLock<T>,
}

impl<T> OnceLock<T> {
    pub(crate) fn new() -> Self {
        Self { filled: AtomicBool::new(false), value: std::sync::OnceLock::new() }
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        self.value.set(value)?;
        self.filled.store(true, Release);
        Ok(())
    }

    pub(crate) fn take(&mut self) -> Option<T> {
        self.value.take()
    }

    pub(crate) fn get(&self) -> Option<&T> {
        if self.filled.load(Acquire) { self.value.get() } else { None }
    }
}

/// Double of `arc_swap::ArcSwap`: an index into a list that only grows. `load` acquires, `rcu` and
/// `swap` release.
#[derive(Debug)]
pub(crate) struct ArcSwap<T> {
    index: AtomicUsize,
    /// `None` for what a try that failed has made: nobody had its index. Under shuttle also for
    /// what was displaced; under loom a load may still return its index.
    values: Mutex<Vec<Option<Arc<T>>>>,
}

impl<T> ArcSwap<T> {
    pub(crate) fn new(value: Arc<T>) -> Self {
        Self { index: AtomicUsize::new(0), values: Mutex::new(vec![Some(value)]) }
    }

    fn value(&self, index: usize) -> Arc<T> {
        lock(&self.values)[index].clone().expect("it was current")
    }

    pub(crate) fn load(&self) -> Guard<T> {
        Guard(self.value(self.index.load(Acquire)))
    }

    pub(crate) fn swap(&self, new: Arc<T>) -> Arc<T> {
        let new_index = self.push(new);
        let index = self.index.swap(new_index, AcqRel);
        let displaced = self.value(index);
        self.displace(index);
        displaced
    }

    fn displace(&self, index: usize) {
        if cfg!(shuttle) {
            // (Whoever calls has a share.)
            lock(&self.values)[index] = None;
        }
    }

    fn push(&self, value: Arc<T>) -> usize {
        let mut values = lock(&self.values);
        values.push(Some(value));
        values.len() - 1
    }

    pub(crate) fn rcu(&self, mut update: impl FnMut(&Arc<T>) -> Arc<T>) -> Arc<T> {
        let mut index = self.index.fetch_or(0, Acquire);
        let mut current = self.value(index);
        loop {
            let new_index = self.push(update(&current));
            match self.index.compare_exchange(index, new_index, AcqRel, Acquire) {
                Ok(_) => {
                    self.displace(index);
                    return current;
                }
                Err(actual) => index = actual,
            }
            let before = std::mem::replace(&mut current, self.value(index));
            drop(before);
            let failed = lock(&self.values)[new_index].take();
            drop(failed);
        }
    }
}

/// Double of `arc_swap::Guard`.
#[derive(Debug)]
pub(crate) struct Guard<T>(Arc<T>);

impl<T> std::ops::Deref for Guard<T> {
    type Target = Arc<T>;

    fn deref(&self) -> &Arc<T> {
        &self.0
    }
}

/// Double of `arc_swap::Cache`: revalidates by a relaxed load.
#[derive(Debug)]
pub(crate) struct Cache<A, V> {
    source: A,
    index: usize,
    value: V,
}

impl<A, T> Cache<A, Arc<T>>
where
    A: std::ops::Deref<Target = ArcSwap<T>>,
{
    pub(crate) fn new(source: A) -> Self {
        let index = source.index.load(Acquire);
        let value = source.value(index);
        Self { source, index, value }
    }

    pub(crate) fn load(&mut self) -> &Arc<T> {
        if self.source.index.load(Relaxed) != self.index {
            self.index = self.source.index.load(Acquire);
            self.value = self.source.value(self.index);
        }
        &self.value
    }
}

/// Double of `crossbeam_queue::ArrayQueue`: the same bounded multi-producer multi-consumer ring
/// (Vyukov's), with the same stamps and the same orderings, but without the sequentially consistent
/// fences inside `push` and `pop`, which crossbeam does not document and this crate does not count
/// on. Positions count up and never wrap.
#[derive(Debug)]
pub(crate) struct ArrayQueue<T> {
    head: AtomicUsize,
    tail: AtomicUsize,
    slots: Vec<Slot<T>>,
    stored: std::sync::atomic::AtomicUsize,
}

#[derive(Debug)]
struct Slot<T> {
    /// The position this slot can be pushed at, or one more than the position it can be popped at.
    stamp: AtomicUsize,
    value: Mutex<Option<T>>,
}

impl<T> ArrayQueue<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            head: AtomicUsize::new(0),
            tail: AtomicUsize::new(0),
            slots: (0..capacity)
                // Even stamps: free for lap n; odd ones: filled in lap n. So a ring of one slot
                // works.
                .map(|index| Slot { stamp: AtomicUsize::new(index * 2), value: Mutex::new(None) })
                .collect(),
            stored: std::sync::atomic::AtomicUsize::new(0),
        }
    }

    /// For statistics only, and so not watched.
    pub(crate) fn len(&self) -> usize {
        self.stored.load(Relaxed)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.head.load(Acquire) == self.tail.load(Acquire)
    }

    fn slot(&self, position: usize) -> &Slot<T> {
        &self.slots[position % self.slots.len()]
    }

    fn fill(&self, position: usize, value: T) -> Option<T> {
        let slot = self.slot(position);
        let old = lock(&slot.value).replace(value);
        if old.is_none() {
            self.stored.fetch_add(1, Relaxed);
        }
        slot.stamp.store(position * 2 + 1, Release);
        old
    }

    pub(crate) fn push(&self, value: T) -> Result<(), T> {
        let mut tail = self.tail.fetch_or(0, Relaxed);
        loop {
            let stamp = self.slot(tail).stamp.load(Acquire);
            if stamp == tail * 2 {
                match self.tail.compare_exchange(tail, tail + 1, AcqRel, Relaxed) {
                    Ok(_) => {
                        self.fill(tail, value);
                        return Ok(());
                    }
                    Err(actual) => tail = actual,
                }
            } else {
                if stamp < tail * 2 && self.head.load(Relaxed) + self.slots.len() == tail {
                    return Err(value);
                }
                thread::yield_now();
                tail = self.tail.fetch_or(0, Relaxed);
            }
        }
    }

    pub(crate) fn force_push(&self, value: T) -> Option<T> {
        let mut tail = self.tail.fetch_or(0, Relaxed);
        loop {
            let stamp = self.slot(tail).stamp.load(Acquire);
            if stamp == tail * 2 {
                match self.tail.compare_exchange(tail, tail + 1, AcqRel, Relaxed) {
                    Ok(_) => return self.fill(tail, value),
                    Err(actual) => tail = actual,
                }
            } else {
                // The slot still holds the event of one lap ago: take the head away from the
                // consumers, then it is ours.
                if let Some(head) = tail.checked_sub(self.slots.len()) {
                    if stamp == head * 2 + 1 && self.head.compare_exchange(head, head + 1, AcqRel, Relaxed).is_ok() {
                        self.tail.swap(tail + 1, Release);
                        return self.fill(tail, value);
                    }
                }
                thread::yield_now();
                tail = self.tail.fetch_or(0, Relaxed);
            }
        }
    }

    pub(crate) fn pop(&self) -> Option<T> {
        let mut head = self.head.fetch_or(0, Relaxed);
        loop {
            let slot = self.slot(head);
            let stamp = slot.stamp.load(Acquire);
            if stamp == head * 2 + 1 {
                match self.head.compare_exchange(head, head + 1, AcqRel, Relaxed) {
                    Ok(_) => {
                        let value = lock(&slot.value).take();
                        self.stored.fetch_sub(1, Relaxed);
                        slot.stamp.store((head + self.slots.len()) * 2, Release);
                        return value;
                    }
                    Err(actual) => head = actual,
                }
            } else {
                if stamp == head * 2 && self.tail.load(Relaxed) == head {
                    return None;
                }
                thread::yield_now();
                head = self.head.fetch_or(0, Relaxed);
            }
        }
    }
}

mod map {
    use super::engine::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
    use std::hash::{BuildHasher, Hash};
    use std::ops::Deref;
    use std::sync::{Arc, PoisonError};

    const SHARDS: usize = 2;

    type Entries<K, V> = Vec<(K, V)>;
    type Shard<K, V> = RwLock<Entries<K, V>>;

    /// Double of `dashmap::DashMap`: shards behind a lock each, of which an operation takes one,
    /// and a walk one after the other. What it gives out holds its shard as long as the real one
    /// does. (The real locks order their readers as well, like the engine's.)
    pub(crate) struct DashMap<K, V, S> {
        hasher: S,
        shards: [Shard<K, V>; SHARDS],
    }

    impl<K: Eq + Hash, V: Clone, S: BuildHasher> DashMap<K, V, S> {
        pub(crate) fn with_hasher_and_shard_amount(hasher: S, _: usize) -> Self {
            Self { hasher, shards: [(); SHARDS].map(|()| RwLock::new(Vec::new())) }
        }

        fn shard(&self, key: &K) -> &Shard<K, V> {
            &self.shards[self.hasher.hash_one(key) as usize % SHARDS]
        }

        pub(crate) fn entry(&self, key: K) -> Entry<'_, K, V> {
            Entry { entries: write(self.shard(&key)), key }
        }

        pub(crate) fn view<R>(&self, key: &K, look: impl FnOnce(&K, &V) -> R) -> Option<R> {
            let entries = read(self.shard(key));
            entries.iter().find(|(other, _)| other == key).map(|(key, value)| look(key, value))
        }

        pub(crate) fn remove_if(&self, key: &K, condition: impl FnOnce(&K, &V) -> bool) -> Option<(K, V)> {
            let mut entries = write(self.shard(key));
            let index = entries.iter().position(|(other, _)| other == key)?;
            let (key, value) = &entries[index];
            if condition(key, value) { Some(entries.swap_remove(index)) } else { None }
        }

        pub(crate) fn iter(&self) -> impl Iterator<Item = Value<Arc<RwLockReadGuard<'_, Entries<K, V>>>>> {
            self.shards.iter().flat_map(|shard| {
                let entries = Arc::new(read(shard));
                (0..entries.len()).map(move |index| Value { entries: Arc::clone(&entries), index })
            })
        }
    }

    fn read<K, V>(shard: &Shard<K, V>) -> RwLockReadGuard<'_, Entries<K, V>> {
        shard.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write<K, V>(shard: &Shard<K, V>) -> RwLockWriteGuard<'_, Entries<K, V>> {
        shard.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Double of `dashmap::Entry`: holds its shard.
    pub(crate) struct Entry<'a, K, V> {
        entries: RwLockWriteGuard<'a, Entries<K, V>>,
        key: K,
    }

    impl<'a, K: Eq, V> Entry<'a, K, V> {
        pub(crate) fn or_insert_with(
            mut self,
            value: impl FnOnce() -> V,
        ) -> Value<Box<RwLockWriteGuard<'a, Entries<K, V>>>> {
            let present = self.entries.iter().position(|(other, _)| *other == self.key);
            let index = present.unwrap_or_else(|| {
                self.entries.push((self.key, value()));
                self.entries.len() - 1
            });
            Value { entries: Box::new(self.entries), index }
        }
    }

    /// Double of dashmap's references into the map: holds its shard.
    pub(crate) struct Value<G> {
        /// What locks the shard, behind a pointer.
        entries: G,
        index: usize,
    }

    impl<G, K, V> Value<G>
    where
        G: Deref,
        G::Target: Deref<Target = Entries<K, V>>,
    {
        pub(crate) fn value<'a>(&'a self) -> &'a V
        where
            K: 'a,
        {
            &self.entries[self.index].1
        }
    }
}
