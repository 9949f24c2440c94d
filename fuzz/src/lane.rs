//! A ring of the crate `ringbus-lane` on one thread, compared with a plain queue after each step.

use crate::choice::choice;
use crate::panics::{catch, panic_as_planned};
use arbitrary::Arbitrary;
use ringbus_lane::{Consumer, Producer, PushError, channel_at};
use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt::Debug;
use std::rc::Rc;

/// Bytes that make a value large: a slice of such values is pushed one by one, and not in tiles.
const LARGE: usize = 200;
/// Values of a tile.
const TILE: usize = 32;
/// More producers are not made.
const MOST_PRODUCERS: usize = 4;

choice! {
    /// Where the positions begin: some values before the word changes its sign, or wraps around.
    pub enum Edge {
        Sign,
        Wrap,
    }
}

/// A ring, and what is done with it.
#[derive(Arbitrary, Debug)]
pub struct LaneScenario {
    is_large: bool,
    /// One more is the capacity.
    capacity: u8,
    edge: Edge,
    /// How many values before the edge.
    before: u8,
    operations: Vec<LaneOperation>,
    /// Whether the consumer is dropped before the producers, if both are left.
    consumer_first: bool,
}

/// One step. A producer is chosen by its number, modulo how many there are.
#[derive(Arbitrary, Debug)]
enum LaneOperation {
    Push {
        by: u8,
        drop_panics: bool,
    },
    /// `true` is a value, `false` a hole.
    Batch {
        by: u8,
        places: Vec<bool>,
    },
    /// The clone of that number panics, if there is one.
    Slice {
        by: u8,
        values: u8,
        panics: Option<u8>,
    },
    Pop,
    PopMany {
        max: u8,
    },
    Close,
    CloneProducer {
        of: u8,
    },
    DropProducer {
        which: u8,
    },
    DropConsumer,
}

/// How many values exist, and which clone is to panic.
#[derive(Default)]
struct World {
    alive: Cell<usize>,
    /// The number of the next value.
    next: Cell<usize>,
    /// How many clones may be made until one panics.
    clones: Cell<Option<usize>>,
}

struct Value<const PADDING: usize> {
    number: usize,
    world: Rc<World>,
    drop_panics: bool,
    padding: [u8; PADDING],
}

impl<const PADDING: usize> Value<PADDING> {
    fn new(world: &Rc<World>) -> Self {
        world.alive.set(world.alive.get() + 1);
        let number = world.next.replace(world.next.get() + 1);
        Self { number, world: Rc::clone(world), drop_panics: false, padding: [number as u8; PADDING] }
    }

    /// Its number, if it is whole. It no longer panics.
    fn read(mut self) -> usize {
        self.drop_panics = false;
        assert!(self.padding.iter().all(|byte| *byte == self.number as u8), "value {} is not whole", self.number);
        self.number
    }
}

impl<const PADDING: usize> Clone for Value<PADDING> {
    fn clone(&self) -> Self {
        match self.world.clones.get() {
            Some(0) => panic_as_planned(),
            Some(left) => self.world.clones.set(Some(left - 1)),
            None => {}
        }
        Self::new(&self.world)
    }
}

impl<const PADDING: usize> Drop for Value<PADDING> {
    fn drop(&mut self) {
        self.world.alive.set(self.world.alive.get() - 1);
        if self.drop_panics {
            panic_as_planned();
        }
    }
}

/// What a ring must do.
struct Reference {
    capacity: usize,
    /// The numbers of the values that wait.
    queue: VecDeque<usize>,
    is_closed: bool,
    /// The number of the value whose drop panics, if it waits.
    panics: Option<usize>,
}

impl Reference {
    fn room(&self) -> usize {
        if self.is_closed { 0 } else { self.capacity - self.queue.len() }
    }

    fn pop(&mut self) -> Option<usize> {
        let popped = self.queue.pop_front();
        if popped.is_some() && popped == self.panics {
            self.panics = None;
        }
        popped
    }
}

/// Does with a ring what the scenario says, and fails at the first step after which it is not as a
/// queue would be.
pub fn compare_lane(scenario: &LaneScenario) {
    if scenario.is_large { compare::<LARGE>(scenario) } else { compare::<0>(scenario) }
}

fn compare<const PADDING: usize>(scenario: &LaneScenario) {
    let capacity = 1 + usize::from(scenario.capacity);
    let edge: usize = match scenario.edge {
        // A value is two steps of the word.
        Edge::Sign => 1 << (usize::BITS - 2),
        Edge::Wrap => 1 << (usize::BITS - 1),
    };
    let steps = edge.wrapping_sub(usize::from(scenario.before));
    let world = Rc::<World>::default();
    let (producer, consumer) = channel_at::<Value<PADDING>>(capacity, steps).expect("there is memory");
    let mut ring = Ring {
        world,
        producers: vec![producer],
        consumer: Some(consumer),
        reference: Reference { capacity, queue: VecDeque::new(), is_closed: false, panics: None },
    };
    for (number, operation) in scenario.operations.iter().enumerate() {
        ring.apply(operation, &|what| format!("step {number}: {operation:?}: {what}"));
        ring.check(&|what| format!("after step {number}: {operation:?}: {what}"));
    }
    if scenario.consumer_first {
        ring.drop_consumer();
        ring.producers.clear();
    } else {
        ring.producers.clear();
        ring.check(&|what| format!("when all producers are gone: {what}"));
        ring.drop_consumer();
    }
    assert_eq!(ring.world.alive.get(), 0, "values that are left when all was dropped");
}

/// Both sides.
struct Ring<const PADDING: usize> {
    world: Rc<World>,
    producers: Vec<Producer<Value<PADDING>>>,
    consumer: Option<Consumer<Value<PADDING>>>,
    reference: Reference,
}

/// Says where in the scenario something is wrong.
type Say<'a> = &'a dyn Fn(&str) -> String;

#[track_caller]
fn same<T: PartialEq + Debug>(say: Say<'_>, what: &str, expected: T, seen: T) {
    if expected != seen {
        panic!("{}\n    expected {expected:?}\n    seen     {seen:?}", say(what));
    }
}

impl<const PADDING: usize> Ring<PADDING> {
    fn apply(&mut self, operation: &LaneOperation, say: Say<'_>) {
        match operation {
            LaneOperation::Push { by, drop_panics } => {
                let Some(producer) = pick(&self.producers, *by) else { return };
                let mut value = Value::new(&self.world);
                let number = value.number;
                // Two that panic while the consumer is dropped would end the process.
                value.drop_panics = *drop_panics && self.reference.panics.is_none();
                let panics = value.drop_panics;
                let pushed = match producer.push(value) {
                    Ok(()) => "pushed",
                    Err(error) => {
                        let reason = if let PushError::Full(_) = error { "full" } else { "closed" };
                        same(say, "gives the value back", number, error.into_inner().read());
                        reason
                    }
                };
                let reference = &mut self.reference;
                let expected = match reference.room() {
                    _ if reference.is_closed => "closed",
                    0 => "full",
                    _ => {
                        reference.queue.push_back(number);
                        reference.panics = if panics { Some(number) } else { reference.panics };
                        "pushed"
                    }
                };
                same(say, "pushes", expected, pushed);
            }
            LaneOperation::Batch { by, places } => {
                let Some(producer) = pick(&self.producers, *by) else { return };
                let mut batch: Vec<_> =
                    places.iter().map(|is_there| is_there.then(|| Value::new(&self.world))).collect();
                let mut numbers: Vec<_> = batch.iter().map(|place| place.as_ref().map(|value| value.number)).collect();
                let taken = producer.push_batch(&mut batch);
                let fitting = self.reference.room();
                let expected: Vec<_> = numbers.iter_mut().filter_map(Option::take).take(fitting).collect();
                same(say, "takes", expected.len(), taken);
                same(say, "leaves", numbers, batch.into_iter().map(|place| place.map(Value::read)).collect());
                self.reference.queue.extend(expected);
            }
            LaneOperation::Slice { by, values, panics } => self.push_slice(*by, usize::from(*values), *panics, say),
            LaneOperation::Pop => {
                let Some(consumer) = &self.consumer else { return };
                same(say, "pops", self.reference.pop(), consumer.pop().map(Value::read));
            }
            LaneOperation::PopMany { max } => {
                let Some(consumer) = &self.consumer else { return };
                let mut popped = Vec::new();
                let count = consumer.pop_many(&mut popped, usize::from(*max));
                same(say, "counts", popped.len(), count);
                let expected: Vec<_> = (0..*max).map_while(|_| self.reference.pop()).collect();
                same(say, "pops", expected, popped.into_iter().map(Value::read).collect());
            }
            LaneOperation::Close => {
                let Some(consumer) = &self.consumer else { return };
                consumer.close();
                self.reference.is_closed = true;
            }
            LaneOperation::CloneProducer { of } => {
                let clone = pick(&self.producers, *of).filter(|_| self.producers.len() < MOST_PRODUCERS).cloned();
                self.producers.extend(clone);
            }
            LaneOperation::DropProducer { which } => {
                if !self.producers.is_empty() {
                    self.producers.swap_remove(usize::from(*which) % self.producers.len());
                }
            }
            LaneOperation::DropConsumer => self.drop_consumer(),
        }
    }

    fn push_slice(&mut self, by: u8, count: usize, panics: Option<u8>, say: Say<'_>) {
        let Some(producer) = pick(&self.producers, by) else { return };
        let values: Vec<Value<PADDING>> = (0..count).map(|_| Value::new(&self.world)).collect();
        let first = self.world.next.get();
        self.world.clones.set(panics.map(usize::from));
        let pushed = catch(|| producer.push_slice(&values));
        self.world.clones.set(None);
        drop(values);
        let fitting = self.reference.room().min(count);
        let tile = if PADDING < LARGE { TILE } else { 1 };
        let (expected, kept) = match panics.map(usize::from) {
            Some(panics) if panics < fitting => (None, panics / tile * tile),
            _ => (Some(fitting), fitting),
        };
        same(say, "pushes", expected, pushed);
        same(
            say,
            "clones",
            panics.map_or(fitting, |panics| fitting.min(usize::from(panics))),
            self.world.next.get() - first,
        );
        self.reference.queue.extend(first..first + kept);
    }

    fn drop_consumer(&mut self) {
        let Some(consumer) = self.consumer.take() else { return };
        let is_calm = catch(|| drop(consumer)).is_some();
        assert_eq!(is_calm, self.reference.panics.is_none(), "dropping the consumer hands on the panic of a value");
        self.reference.panics = None;
        self.reference.queue.clear();
        self.reference.is_closed = true;
    }

    /// Compares what both sides say of themselves.
    fn check(&self, say: Say<'_>) {
        let Reference { capacity, queue, is_closed, .. } = &self.reference;
        let expected = (queue.len(), queue.is_empty(), *capacity, *is_closed);
        for end in &self.producers {
            same(say, "a producer says", expected, (end.len(), end.is_empty(), end.capacity(), end.is_closed()));
        }
        if let Some(end) = &self.consumer {
            same(say, "the consumer says", expected, (end.len(), end.is_empty(), end.capacity(), end.is_closed()));
            same(say, "is abandoned", self.producers.is_empty(), end.is_abandoned());
        }
        same(say, "values that exist", queue.len(), self.world.alive.get());
    }
}

fn pick<T>(ends: &[T], number: u8) -> Option<&T> {
    if ends.is_empty() { None } else { ends.get(usize::from(number) % ends.len()) }
}
