//! `Clone`s and `Drop`s that panic, or use the ring that they come from.

mod common;

use common::{Counted, Ledger};
use ringbus_lane::{Consumer, Producer, PushError, channel};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};

/// A value of some size whose clones are counted, and one of which panics.
struct Fragile<const SIZE: usize> {
    counted: Counted,
    clones: Rc<Clones>,
    _bulk: [u8; SIZE],
}

struct Clones {
    ledger: Ledger,
    made: Cell<usize>,
    /// The number of the clone that panics.
    panics: usize,
}

impl<const SIZE: usize> Clone for Fragile<SIZE> {
    fn clone(&self) -> Self {
        let number = self.clones.made.get();
        assert!(number != self.clones.panics, "this clone panics");
        self.clones.made.set(number + 1);
        let clones = Rc::clone(&self.clones);
        Self { counted: clones.ledger.value(number), clones, _bulk: [0; SIZE] }
    }
}

/// Pushes a slice of 100 values, of which one cannot be cloned; `tile` are cloned before they are
/// pushed.
fn push_fragile<const SIZE: usize>(panics: usize, tile: usize) {
    let made = Ledger::new(panics + 1);
    let originals = Ledger::new(100);
    let clones = Rc::new(Clones { ledger: made.clone(), made: Cell::new(0), panics });
    let values: Vec<_> = (0..100)
        .map(|number| Fragile::<SIZE> {
            counted: originals.value(number),
            clones: Rc::clone(&clones),
            _bulk: [0; SIZE],
        })
        .collect();
    let (producer, consumer) = channel(128);
    assert!(catch_unwind(AssertUnwindSafe(|| producer.push_slice(&values))).is_err());
    let pushed = panics / tile * tile;
    assert_eq!((consumer.len(), producer.len()), (pushed, pushed), "what was pushed by then stays");
    assert_eq!(made.dropped(), panics - pushed, "what was cloned and not pushed is dropped");
    // The ring works on, for the whole of its capacity.
    let spare = Ledger::new(1);
    let clones = Rc::new(Clones { ledger: spare.clone(), made: Cell::new(0), panics: usize::MAX });
    let more = Fragile { counted: made.value(panics), clones, _bulk: [0; SIZE] };
    assert!(producer.push(more).is_ok());
    for number in (0..pushed).chain([panics]) {
        assert_eq!(consumer.pop().map(|value| value.counted.number), Some(number));
    }
    assert!(consumer.pop().is_none());
    made.assert_all_dropped_once();
    assert_eq!(originals.dropped(), 0, "the values themselves stay where they are");
}

#[test]
fn clone_that_panics_in_a_slice_leaves_what_was_pushed_and_leaks_nothing() {
    for panics in [0, 1, 31, 32, 33, 63, 64, 70, 99] {
        push_fragile::<0>(panics, 32);
        push_fragile::<4096>(panics, 1);
    }
}

/// Pushes slices into rings that have room for a part of them, or for nothing.
fn push_more_than_fits<const SIZE: usize>() {
    for (capacity, before) in [(1, 0), (1, 1), (5, 2), (40, 0), (40, 40)] {
        let ledger = Ledger::new(100);
        let clones = Rc::new(Clones { ledger: ledger.clone(), made: Cell::new(0), panics: usize::MAX });
        let originals = Ledger::new(50);
        let values: Vec<_> = (0..50)
            .map(|number| Fragile::<SIZE> {
                counted: originals.value(number),
                clones: Rc::clone(&clones),
                _bulk: [0; SIZE],
            })
            .collect();
        let (producer, consumer) = channel(capacity);
        assert_eq!(producer.push_slice(&values[..before]), before);
        assert_eq!(producer.push_slice(&values), capacity - before);
        assert_eq!(clones.made.get(), capacity, "no clone is made in vain");
        consumer.close();
        drop(consumer.pop());
        assert_eq!((producer.push_slice(&values), clones.made.get()), (0, capacity), "nor for a closed ring");
    }
}

#[test]
fn slice_clones_no_more_than_fits() {
    push_more_than_fits::<0>();
    push_more_than_fits::<4096>();
}

/// A value whose `Clone` and `Drop` push into and pop from the ring that is there for this thread.
struct Meddler {
    _counted: Counted,
    meddles: bool,
}

struct Ring {
    producer: Producer<Meddler>,
    consumer: Option<Consumer<Meddler>>,
    ledger: Ledger,
    next: Cell<usize>,
}

impl Ring {
    /// The next value, which does nothing more.
    fn value(&self, meddles: bool) -> Meddler {
        Meddler { _counted: self.ledger.value(self.next.replace(self.next.get() + 1)), meddles }
    }
}

thread_local! {
    static RING: RefCell<Option<Rc<Ring>>> = const { RefCell::new(None) };
}

fn ring() -> Option<Rc<Ring>> {
    RING.with_borrow(Clone::clone)
}

/// Pushes a value and pops one, if there is a ring.
fn meddle() {
    if let Some(ring) = ring() {
        drop(ring.producer.push(ring.value(false)));
        let popped = ring.consumer.as_ref().and_then(Consumer::pop);
        drop(popped);
    }
}

impl Clone for Meddler {
    fn clone(&self) -> Self {
        meddle();
        ring().unwrap().value(self.meddles)
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        if self.meddles {
            self.meddles = false;
            meddle();
        }
    }
}

fn with_meddlers(capacity: usize, test: impl FnOnce(&Ring)) {
    let ledger = Ledger::new(2_000);
    let (producer, consumer) = channel(capacity);
    let here = Rc::new(Ring { producer, consumer: Some(consumer), ledger: ledger.clone(), next: Cell::new(0) });
    RING.set(Some(Rc::clone(&here)));
    test(&here);
    RING.set(None);
    let made = here.next.get();
    drop(here);
    assert_eq!(ledger.dropped(), made, "each value was dropped");
    for number in made..2_000 {
        drop(ledger.value(number));
    }
    ledger.assert_all_dropped_once();
}

#[test]
fn clone_and_drop_may_use_the_ring_that_they_go_through() {
    for capacity in [1, 2, 3, 40] {
        with_meddlers(capacity, |ring| {
            let consumer = ring.consumer.as_ref().unwrap();
            let values: Vec<_> = (0..70).map(|_| ring.value(true)).collect();
            for _ in 0..3 {
                let pushed = ring.producer.push_slice(&values);
                assert!(pushed <= 70 && consumer.len() <= capacity);
                drop(consumer.pop());
                let mut popped = Vec::new();
                consumer.pop_many(&mut popped, 3);
                // Each of them pushes and pops, as it is dropped.
                drop(popped);
                drop(ring.producer.push(ring.value(true)));
                assert!(consumer.len() <= capacity);
            }
            let mut batch: Vec<_> = (0..10).map(|_| Some(ring.value(true))).collect();
            ring.producer.push_batch(&mut batch);
        });
    }
}

#[test]
fn slice_is_taken_from_its_front_without_gaps_though_its_clones_make_room() {
    /// Each clone pops a value before.
    struct Popping {
        number: usize,
        consumer: Weak<Consumer<Popping>>,
        popped: Rc<RefCell<Vec<usize>>>,
    }

    impl Clone for Popping {
        fn clone(&self) -> Self {
            let popped = self.consumer.upgrade().and_then(|consumer| consumer.pop());
            self.popped.borrow_mut().extend(popped.map(|value| value.number));
            Self { number: self.number, consumer: Weak::clone(&self.consumer), popped: Rc::clone(&self.popped) }
        }
    }

    for (capacity, before) in [(40, 35), (64, 40), (10, 10), (3, 1)] {
        let (producer, consumer) = channel(capacity);
        let (consumer, popped) = (Rc::new(consumer), Rc::default());
        let value = |number| Popping {
            number,
            consumer: Rc::downgrade(&consumer),
            popped: Rc::<RefCell<Vec<usize>>>::clone(&popped),
        };
        (0..before).for_each(|number| assert!(producer.push(value(number)).is_ok()));
        let values: Vec<_> = (before..before + 100).map(value).collect();
        let pushed = producer.push_slice(&values);
        popped.borrow_mut().extend(std::iter::from_fn(|| consumer.pop()).map(|value| value.number));
        assert_eq!(*popped.borrow(), (0..before + pushed).collect::<Vec<_>>());
    }
}

#[test]
fn slice_counts_what_was_taken_though_its_clones_take_room() {
    /// Each clone pushes a value before, which has no number.
    struct Pushing {
        number: Option<usize>,
        producer: Producer<Pushing>,
    }

    impl Clone for Pushing {
        fn clone(&self) -> Self {
            drop(self.producer.push(Self { number: None, producer: self.producer.clone() }));
            Self { number: self.number, producer: self.producer.clone() }
        }
    }

    for capacity in [1, 7, 8, 10, 15, 16, 100] {
        let (producer, consumer) = channel(capacity);
        let values: Vec<_> =
            (0..8).map(|number| Pushing { number: Some(number), producer: producer.clone() }).collect();
        let pushed = producer.push_slice(&values);
        assert_eq!(pushed, (capacity - capacity.min(8)).min(8), "what its clones have pushed comes first");
        let numbers: Vec<_> = std::iter::from_fn(|| consumer.pop()).filter_map(|value| value.number).collect();
        assert_eq!(numbers, (0..pushed).collect::<Vec<_>>());
    }
}

#[test]
fn drop_of_what_a_dropped_consumer_leaves_may_push_and_is_refused() {
    /// Pushes once more, when it is dropped, and remembers what that gave.
    struct Pushes {
        producer: Producer<Option<Pushes>>,
        refusals: Rc<Cell<usize>>,
    }

    impl Drop for Pushes {
        fn drop(&mut self) {
            assert!(matches!(self.producer.push(None), Err(PushError::Closed(None))));
            self.refusals.set(self.refusals.get() + 1);
        }
    }

    let (producer, consumer) = channel(4);
    let refusals = Rc::new(Cell::new(0));
    for _ in 0..4 {
        let value = Pushes { producer: producer.clone(), refusals: Rc::clone(&refusals) };
        assert!(producer.push(Some(value)).is_ok());
    }
    drop(consumer);
    assert_eq!(refusals.get(), 4);
    assert!(producer.is_empty());
}

#[test]
fn drop_that_panics_while_the_consumer_is_dropped_spares_the_others() {
    /// A value whose drop may panic.
    struct Panics {
        _counted: Counted,
        panics: bool,
    }

    impl Drop for Panics {
        fn drop(&mut self) {
            assert!(!self.panics, "this drop panics");
        }
    }

    for which in 0..5 {
        let ledger = Ledger::new(5);
        let (producer, consumer) = channel(5);
        for number in 0..5 {
            let value = Panics { _counted: ledger.value(number), panics: number == which };
            assert!(producer.push(value).is_ok());
        }
        assert!(catch_unwind(AssertUnwindSafe(|| drop(consumer))).is_err());
        ledger.assert_all_dropped_once();
        assert!(producer.is_closed() && producer.is_empty());
    }
}

#[test]
fn vector_that_cannot_grow_costs_no_value() {
    let (producer, consumer) = channel(4);
    assert_eq!(producer.push_slice(&[(), ()]), 2);
    // A vector of values without a size is full when its length can no longer be counted.
    let mut full = (Box::new([(); usize::MAX - 1]) as Box<[()]>).into_vec();
    assert!(catch_unwind(AssertUnwindSafe(|| consumer.pop_many(&mut full, 4))).is_err());
    assert_eq!((full.len(), consumer.len(), producer.len()), (usize::MAX - 1, 2, 2), "both are still there");
    assert_eq!((consumer.pop(), consumer.pop(), consumer.pop()), (Some(()), Some(()), None));
    assert_eq!(producer.push_slice(&[(); 5]), 4, "the ring has all of its room");
}
