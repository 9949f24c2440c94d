//! The contract of waking, on real threads: a producer pushes and then looks, by SeqCst, whether
//! the consumer sleeps; a consumer says that it sleeps, fences, and looks a last time. Never do
//! both miss.
//!
//! That is the litmus test of store buffering. Take the fence out, and it fails, the sooner the
//! less the cores have to do otherwise. The claim's half cannot be taken out on x86-64, where every
//! read-modify-write is a full barrier: for that there are the models.

mod common;

use common::Gate;
use crossbeam_utils::CachePadded;
use ringbus_lane::{Consumer, Producer, channel};
use std::env;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst, fence};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Races of each kind, unless `RINGBUS_LITMUS_ROUNDS` says otherwise.
const ROUNDS: usize = 20_000;

/// Passes some nanoseconds, so that another side is the first from round to round.
fn linger(steps: usize) {
    (0..steps).for_each(|_| std::hint::spin_loop());
}

/// Lets producers that push and look race with a consumer that says it sleeps and looks, each round
/// in a ring of its own.
fn race(producers: usize, push: fn(&Producer<usize>), last_look: fn(&Consumer<usize>) -> bool) {
    // With the threads of another race beside them, these would rarely run at the same time.
    static ALONE: Mutex<()> = Mutex::new(());
    let rounds = env::var("RINGBUS_LITMUS_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().expect("a number"));
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let words: Arc<[CachePadded<AtomicBool>]> = (0..rounds).map(|_| CachePadded::default()).collect();
    let (ends, consumers): (Vec<_>, Vec<_>) = (0..rounds).map(|_| channel(producers)).unzip();
    let ends: Arc<[Producer<usize>]> = ends.into();
    let gate = Arc::new(Gate::default());
    let all = producers + 1;
    let threads: Vec<_> = (0..producers)
        .map(|_| {
            let (words, ends, gate) = (Arc::clone(&words), Arc::clone(&ends), Arc::clone(&gate));
            thread::spawn(move || {
                let round = |round: usize| {
                    // What one side reads is in its cache, where the other side has to fetch it to
                    // write it: so the reads are done long before the writes are seen.
                    assert!(!words[round].load(Relaxed));
                    gate.pass(all * (round + 1));
                    linger(round % 16);
                    push(&ends[round]);
                    words[round].load(SeqCst)
                };
                (0..rounds).map(round).collect::<Vec<_>>()
            })
        })
        .collect();
    let reader = thread::spawn(move || {
        let round = |(round, consumer): (usize, Consumer<usize>)| {
            assert!(consumer.pop().is_none());
            gate.pass(all * (round + 1));
            linger(round / 16 % 16);
            words[round].store(true, Relaxed);
            fence(SeqCst);
            (last_look(&consumer), consumer)
        };
        consumers.into_iter().enumerate().map(round).collect::<Vec<_>>()
    });
    let seen: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    for (round, (found, _)) in reader.join().unwrap().into_iter().enumerate() {
        let all_saw = seen.iter().all(|seen| seen[round]);
        assert!(found || all_saw, "round {round}: the consumer sleeps, a producer has pushed, and nobody wakes it");
    }
}

#[test]
fn consumer_finds_the_value_or_is_found_asleep() {
    race(1, |producer| producer.push(1).unwrap(), |consumer| consumer.pop().is_some());
}

#[test]
fn consumer_that_asks_for_emptiness_is_not_told_too_early() {
    race(1, |producer| assert_eq!(producer.push_slice(&[1]), 1), |consumer| !consumer.is_empty());
}

#[test]
fn consumer_finds_a_value_or_is_found_asleep_by_each_of_two_producers() {
    race(
        2,
        |producer| assert_eq!(producer.push_batch(&mut [None, Some(1)]), 1),
        |consumer| consumer.pop_many(&mut Vec::new(), 2) > 0,
    );
}
