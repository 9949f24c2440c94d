//! The ring of the crate `ringbus-lane`, which runs here as it is: its slots are the engine's own
//! cells, so loom reports a value that is written while it is read.

use crate::engine::atomic::{AtomicUsize, Ordering, fence};
use crate::engine::thread::{self, JoinHandle};
use crate::model::Outcomes;
use crate::token::Token;
use ringbus_lane::{Consumer, Producer, PushError, channel};
use std::sync::Arc;

/// Makes a ring whose claims order nothing in the models, see `lane/src/sync.rs`: whatever a value
/// needs has to come from its slot and from the positions.
fn bare_channel(capacity: usize) -> (Producer<Token>, Consumer<Token>, impl Sized) {
    #[cfg(any(loom, shuttle))]
    let bare = ringbus_lane::internals::BareClaims::new();
    #[cfg(not(any(loom, shuttle)))]
    let bare = ();
    let (producer, consumer) = channel(capacity);
    (producer, consumer, bare)
}

/// How a producer looks at the word that says whether the consumer sleeps.
///
/// loom takes a SeqCst load for an Acquire one. Here the claim has a SeqCst fence behind it
/// (`lane/src/sync.rs`), and behind that a relaxed load orders as much, and no more.
const LOOK: Ordering = if cfg!(any(loom, shuttle)) { Ordering::Relaxed } else { Ordering::SeqCst };

/// A last look of a consumer that is about to sleep: whether it found something.
pub type LastLook = fn(&Consumer<Token>) -> bool;

/// Pops a value.
pub fn by_pop(consumer: &Consumer<Token>) -> bool {
    consumer.pop().map(Token::read).is_some()
}

/// Pops what there is.
pub fn by_pop_many(consumer: &Consumer<Token>) -> bool {
    consumer.pop_many(&mut Vec::new(), 2) > 0
}

/// Asks whether the ring is empty.
pub fn by_is_empty(consumer: &Consumer<Token>) -> bool {
    !consumer.is_empty()
}

/// Writes a token and pushes it; gives it back if there is no room.
fn push(producer: &Producer<Token>, token: &Token) -> Result<(), PushError<Token>> {
    token.write();
    producer.push(token.clone())
}

/// How a producer pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// One value after the other.
    OneByOne,
    /// All at once, behind a hole.
    Batch,
}

/// Spawns a thread that pushes tokens of these numbers; returns the numbers of those that were
/// taken.
fn spawn_pushes(producer: &Producer<Token>, numbers: &[usize], way: Way) -> JoinHandle<Vec<usize>> {
    let (producer, numbers) = (producer.clone(), numbers.to_vec());
    thread::spawn(move || match way {
        Way::OneByOne => numbers.into_iter().filter(|number| push(&producer, &Token::new(*number)).is_ok()).collect(),
        Way::Batch => {
            let tokens: Vec<_> = numbers.iter().copied().map(Token::new).collect();
            tokens.iter().for_each(Token::write);
            let mut batch: Vec<_> = [None].into_iter().chain(tokens.into_iter().map(Some)).collect();
            let taken = producer.push_batch(&mut batch);
            numbers[..taken].to_vec()
        }
    })
}

/// Pops at most so many values as pushes of this way bring.
fn pop(consumer: &Consumer<Token>, way: Way) -> Vec<Token> {
    match way {
        Way::OneByOne => [consumer.pop(), consumer.pop()].into_iter().flatten().collect(),
        Way::Batch => {
            let mut popped = Vec::new();
            consumer.pop_many(&mut popped, 1);
            consumer.pop_many(&mut popped, 2);
            popped
        }
    }
}

/// Pops until there is nothing, and returns the numbers.
fn drain(consumer: &Consumer<Token>) -> Vec<usize> {
    std::iter::from_fn(|| consumer.pop()).map(Token::read).collect()
}

/// Producers that push one value each and look whether the consumer sleeps × a consumer that says
/// it sleeps, and looks a last time.
pub fn sleeping(outcomes: &Outcomes, producers: usize, last_look: LastLook) {
    let (producer, consumer) = channel(producers);
    let sleeps = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..producers)
        .map(|number| {
            let (producer, sleeps) = (producer.clone(), Arc::clone(&sleeps));
            thread::spawn(move || {
                push(&producer, &Token::new(number)).expect("there is room for all");
                sleeps.load(LOOK) == 1
            })
        })
        .collect();
    let reader = thread::spawn(move || {
        sleeps.swap(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        (last_look(&consumer), consumer)
    });
    let (found, _consumer) = reader.join().unwrap();
    let seen: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(
        found || seen.iter().all(|seen| *seen),
        "the consumer finds a value, or every producer finds that it sleeps"
    );
    outcomes.saw_if(found && seen.contains(&true), "both");
    outcomes.saw_if(found && !seen.contains(&true), "the value alone");
    outcomes.saw_if(!found, "that it sleeps alone");
}

/// A producer that pushes into a ring for one value, which is full at first × a consumer that pops
/// that value and then sleeps.
pub fn sleeping_in_the_next_lap(outcomes: &Outcomes) {
    let (producer, consumer) = channel(1);
    push(&producer, &Token::new(0)).unwrap();
    let sleeps = Arc::new(AtomicUsize::new(0));
    let pusher = thread::spawn({
        let sleeps = Arc::clone(&sleeps);
        move || (push(&producer, &Token::new(1)).is_ok(), sleeps.load(LOOK) == 1)
    });
    let reader = thread::spawn(move || {
        let first = consumer.pop().map(Token::read);
        sleeps.swap(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        (first, consumer.pop().map(Token::read), consumer)
    });
    let (first, last, _consumer) = reader.join().unwrap();
    let (taken, seen) = pusher.join().unwrap();
    assert_eq!(first, Some(0));
    assert!(last.is_some() <= taken, "what was refused is not popped");
    assert!(!taken || seen || last == Some(1), "the consumer finds the value, or the producer that it sleeps");
    outcomes.saw_if(!taken, "refused");
    outcomes.saw_if(taken && last.is_none(), "that it sleeps alone");
    outcomes.saw_if(last.is_some() && !seen, "the value alone");
}

/// A consumer that pops the one value of a full ring × producers of which one looks how far the
/// consumer is, and the other trusts what it has found.
pub fn known_head(outcomes: &Outcomes) {
    let (producer, consumer, _bare) = bare_channel(1);
    push(&producer, &Token::new(0)).unwrap();
    let threads = [1, 2].map(|number| {
        let producer = producer.clone();
        thread::spawn(move || {
            let taken = push(&producer, &Token::new(number)).is_ok();
            assert!(producer.len() <= 1, "a ring for one value is not told to hold more");
            taken.then_some(number)
        })
    });
    let reader = thread::spawn(move || {
        let first = consumer.pop().map(Token::read);
        (first, consumer)
    });
    let (first, consumer) = reader.join().unwrap();
    let taken: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert_eq!(first, Some(0));
    assert_eq!(drain(&consumer), taken, "what was taken is there: one value at most");
    assert!(taken.len() <= 1, "a ring for one value");
    outcomes.saw_if(taken.is_empty(), "none");
    outcomes.saw_if(taken == [1], "of the first");
    outcomes.saw_if(taken == [2], "of the second");
}

/// A producer × a consumer, lap by lap in a ring that is full at first.
pub fn laps(outcomes: &Outcomes, capacity: usize, way: Way) {
    let (producer, consumer, _bare) = bare_channel(capacity);
    (0..capacity).for_each(|number| push(&producer, &Token::new(number)).unwrap());
    let pusher = spawn_pushes(&producer, &[capacity, capacity + 1], way);
    let reader = thread::spawn(move || (pop(&consumer, way), consumer));
    let (popped, consumer) = reader.join().unwrap();
    let taken: Vec<_> = (0..capacity).chain(pusher.join().unwrap()).collect();
    let early = popped.len();
    let mut numbers: Vec<_> = popped.into_iter().map(Token::read).collect();
    numbers.extend(drain(&consumer));
    assert_eq!(numbers, taken, "what was taken comes out, in order");
    outcomes.saw_if(taken.len() < capacity + 2, "refused");
    outcomes.saw_if(taken.len() == capacity + 2, "all taken");
    outcomes.saw_if(early > capacity, "a later lap was popped");
}

/// Producers of two values each × a consumer.
pub fn order(outcomes: &Outcomes, producers: usize, capacity: usize, way: Way) {
    let (producer, consumer, _bare) = bare_channel(capacity);
    let threads: Vec<_> =
        (0..producers).map(|index| spawn_pushes(&producer, &[2 * index, 2 * index + 1], way)).collect();
    let reader = thread::spawn(move || (pop(&consumer, way), consumer));
    let (popped, consumer) = reader.join().unwrap();
    let taken: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    let early = popped.len();
    let mut numbers: Vec<_> = popped.into_iter().map(Token::read).collect();
    numbers.extend(drain(&consumer));
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, taken, "what was taken comes out, once");
    assert!(taken.len() >= capacity.min(2 * producers), "a ring that has room takes a value");
    for number in 0..producers {
        let own = |other: &usize| other / 2 == number;
        let places: Vec<_> = (0..numbers.len()).filter(|place| own(&numbers[*place])).collect();
        assert!(places.is_sorted_by_key(|place| numbers[*place]), "values of one thread come in its order");
        let together = places.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        assert!(way == Way::OneByOne || together, "nothing comes between the values of a batch");
    }
    outcomes.saw_if(early == 0, "popped afterwards");
    outcomes.saw_if(early > 0, "popped meanwhile");
    outcomes.saw_if(!numbers.is_sorted(), "the second first");
    outcomes.saw_if(taken.len() < 2 * producers, "refused");
}

/// Producers that push and go × a consumer that asks whether all are gone, and pops a last time.
pub fn abandoned(outcomes: &Outcomes, producers: usize) {
    let (producer, consumer, _bare) = bare_channel(producers);
    let threads: Vec<_> = (0..producers).map(|number| spawn_pushes(&producer, &[number], Way::OneByOne)).collect();
    // It goes first: those that push have to be the last.
    drop(producer);
    let reader = thread::spawn(move || {
        let is_abandoned = consumer.is_abandoned();
        (is_abandoned, drain(&consumer), consumer)
    });
    let (was_abandoned, numbers, consumer) = reader.join().unwrap();
    let pushed: usize = threads.into_iter().map(|thread| thread.join().unwrap().len()).sum();
    assert_eq!(pushed, producers, "there is room for all");
    assert!(!was_abandoned || numbers.len() == producers, "an abandoned ring still gives what was pushed");
    assert!(consumer.is_abandoned(), "they are gone");
    assert_eq!(numbers.len() + drain(&consumer).len(), producers, "each once");
    outcomes.saw_if(was_abandoned, "abandoned");
    outcomes.saw_if(!was_abandoned && numbers.is_empty(), "nothing yet");
}

/// A producer of two values × a consumer that closes the ring and pops what is left.
pub fn closing(outcomes: &Outcomes, way: Way) {
    let (producer, consumer, _bare) = bare_channel(2);
    let pusher = spawn_pushes(&producer, &[0, 1], way);
    let closer = thread::spawn(move || {
        consumer.close();
        (drain(&consumer), consumer)
    });
    let (numbers, consumer) = closer.join().unwrap();
    let taken: Vec<_> = pusher.join().unwrap();
    assert_eq!(numbers, taken, "what was taken is popped, what is not is given back");
    assert_eq!(consumer.pop().map(Token::read), None, "and then there is nothing more");
    assert!(matches!(producer.push(Token::new(2)), Err(PushError::Closed(_))), "for good");
    outcomes.saw_if(taken.is_empty(), "refused");
    outcomes.saw_if(taken.len() == 2, "taken");
}

/// Producers of one value × a consumer that is dropped.
pub fn leaving(outcomes: &Outcomes, producers: usize) {
    let (producer, consumer, _bare) = bare_channel(producers);
    let tokens: Vec<_> = (0..producers).map(Token::new).collect();
    let threads: Vec<_> = tokens
        .iter()
        .map(|token| {
            let (producer, token) = (producer.clone(), token.clone());
            thread::spawn(move || push(&producer, &token).is_ok())
        })
        .collect();
    let leaver = thread::spawn(move || drop(consumer));
    leaver.join().unwrap();
    let taken = threads.into_iter().map(|thread| thread.join().unwrap()).filter(|taken| *taken).count();
    assert!(tokens.iter().all(|token| token.copies() == 1), "each was dropped by the consumer, or given back");
    assert!(producer.is_closed(), "the consumer is gone");
    outcomes.saw_if(taken == 0, "given back");
    outcomes.saw_if(taken > 0, "dropped by the consumer");
}

/// A value that comes and goes × a producer that looks how full the ring is.
pub fn fullness(outcomes: &Outcomes) {
    let (producer, consumer, _bare) = bare_channel(2);
    let pusher = spawn_pushes(&producer, &[0], Way::OneByOne);
    let reader = thread::spawn(move || (consumer.pop().map(Token::read), consumer));
    let looker = thread::spawn(move || {
        let len = producer.len();
        let token = Token::new(1);
        token.write();
        (len, producer.push_slice(&[token]))
    });
    let (len, pushed) = looker.join().unwrap();
    let (popped, consumer) = reader.join().unwrap();
    assert_eq!(pusher.join().unwrap(), [0]);
    assert!(len <= 1, "one value was pushed, and {len} are said to wait");
    assert_eq!(pushed, 1, "there is room for two values");
    assert_eq!(drain(&consumer).len() + usize::from(popped.is_some()), 2, "both come out");
    outcomes.saw_if(len == 0 && popped == Some(0), "empty");
    outcomes.saw_if(len == 1, "one value");
}
