//! Requests and their answers.

use crate::engine::{Parks, expire, thread};
use crate::inquiry::{Waited, answer, ask, ask_briefly, live_bus, numbers, spawn_responder};
use crate::model::Outcomes;
use crate::token::{Token, spawn_closer};
use ringbus::{GatherError, RequestError};
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

/// Several responders race to complete a request × a requester that parks.
pub fn responders(outcomes: &Outcomes, responders: usize) {
    let parks = Parks::begin();
    let (bus, _questions) = live_bus();
    let names = &["a", "b", "c", "d", "e", "f"][..responders];
    let gather = ask(&bus, names).unwrap();
    let threads: Vec<_> =
        (0..responders).map(|number| spawn_responder(&bus, names[number], &Token::new(number))).collect();
    let requester = thread::spawn(move || gather.wait());
    for responder in threads {
        responder.join().unwrap().unwrap();
    }
    let result = requester.join().unwrap().expect("everybody has answered");
    assert!(result.is_complete(), "G8: each expected responder is in the result");
    let mut numbers = numbers(result);
    outcomes.saw(if numbers.is_sorted() { "in the order of their names" } else { "in another order" });
    outcomes.saw_if(parks.any(), "requester parked");
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..responders), "G8: each response is in the result, once");
    assert_eq!(bus.stats().late_responses, 0, "G8: what is in the result is not late");
    assert_eq!(bus.stats().requests_in_flight, 0, "G8: nothing stays behind");
}

/// The only responder × a requester that parks: woken once, when the answer is there to be taken.
pub fn one_responder(outcomes: &Outcomes) {
    let parks = Parks::begin();
    let (bus, _questions) = live_bus();
    let gather = ask(&bus, &["a"]).unwrap();
    let responder = spawn_responder(&bus, "a", &Token::new(0));
    let requester = thread::spawn(move || gather.wait());
    responder.join().unwrap().unwrap();
    let result = requester.join().unwrap().expect("everybody has answered");
    assert_eq!(numbers(result), [0], "G7, G8: a waiting requester wakes for its answer");
    outcomes.saw_if(parks.any(), "requester parked");
    outcomes.saw_if(parks.none(), "found at once");
}

/// Response × timeout, where the response is all that was expected.
pub fn response_timeout(outcomes: &Outcomes) {
    let parks = Parks::begin();
    let (bus, _questions) = live_bus();
    let gather = ask_briefly(&bus, &["a"]).unwrap();
    let token = Token::new(0);
    let responder = spawn_responder(&bus, "a", &token);
    let clock = thread::spawn(expire);
    let requester = thread::spawn(move || gather.wait());
    responder.join().unwrap().unwrap();
    clock.join().unwrap();
    let late = bus.stats().late_responses;
    match requester.join().unwrap() {
        Ok(result) => {
            assert_eq!((numbers(result), late), (vec![0], 0), "G8: in the result, and not late");
            outcomes.saw("in time");
        }
        Err(GatherError::TimedOut { partial, .. }) => {
            assert_eq!(partial.errors(), ["no response from a"]);
            // Counted by the time its publish has returned, if it is late at all.
            assert_eq!(bus.stats().late_responses, 1, "G8: not in the result, so late");
            outcomes.saw("timed out, and then late");
        }
        Err(other) => panic!("G8: nobody ended this request: {other}"),
    }
    outcomes.saw_if(parks.any(), "requester parked");
    assert_eq!(token.copies(), 1, "nothing keeps a response");
}

/// Response × timeout, where another response is missing: the partial result has it, or it is late.
pub fn partial_timeout(outcomes: &Outcomes) {
    let (bus, _questions) = live_bus();
    let gather = ask_briefly(&bus, &["a", "b"]).unwrap();
    let responder = spawn_responder(&bus, "a", &Token::new(0));
    let clock = thread::spawn(expire);
    let requester = thread::spawn(move || gather.wait());
    responder.join().unwrap().unwrap();
    clock.join().unwrap();
    let error = requester.join().unwrap().expect_err("one is missing");
    let late = bus.stats().late_responses as usize;
    let gathered = numbers(error.into_partial()).len();
    assert_eq!(gathered + late, 1, "G8: a response is in the result or late, never both, never neither");
    outcomes.saw(if late == 1 { "late" } else { "in the partial result" });
}

/// Response × cancel.
pub fn response_cancel(outcomes: &Outcomes) {
    let parks = Parks::begin();
    let (bus, _questions) = live_bus();
    let gather = ask(&bus, &["a", "b"]).unwrap();
    let handle = gather.cancel_handle();
    let responder = spawn_responder(&bus, "a", &Token::new(0));
    let canceller = thread::spawn(move || handle.cancel());
    let requester = thread::spawn(move || gather.wait());
    responder.join().unwrap().unwrap();
    canceller.join().unwrap();
    let Err(GatherError::Cancelled { partial }) = requester.join().unwrap() else {
        panic!("G8: a cancelled request says so")
    };
    let late = bus.stats().late_responses as usize;
    let gathered = numbers(partial).len();
    assert_eq!(gathered + late, 1, "G8: a response is in the result or late, never both, never neither");
    outcomes.saw(if late == 1 { "late" } else { "in the partial result" });
    outcomes.saw_if(parks.any(), "requester parked");
}

/// Response × drop of the gather: the map forgets the request, and nobody keeps the response.
pub fn response_drop(outcomes: &Outcomes) {
    let (bus, _questions) = live_bus();
    let gather = ask(&bus, &["a"]).unwrap();
    let token = Token::new(0);
    let responder = spawn_responder(&bus, "a", &token);
    let requester = thread::spawn(move || {
        let received = gather.received();
        drop(gather);
        received
    });
    responder.join().unwrap().unwrap();
    let received = requester.join().unwrap();
    assert_eq!(token.copies(), 1, "G8: a response that nobody will take is dropped");
    assert_eq!(bus.stats().late_responses, 1, "G8: a response that no result has is counted, once");
    assert_eq!(bus.stats().requests_in_flight, 0, "G8: nothing stays behind");
    assert!(ask(&bus, &["a"]).is_ok(), "G8: the map has forgotten the request, so its id is free");
    outcomes.saw(if received == 1 { "gathered, and given up" } else { "given up, and perhaps late" });
}

/// Request and wait × close.
pub fn request_close(outcomes: &Outcomes) {
    let parks = Parks::begin();
    let (bus, _questions) = live_bus();
    let requester = thread::spawn({
        let bus = bus.clone();
        move || ask(&bus, &["a"]).map(|gather| gather.wait())
    });
    let closer = spawn_closer(&bus);
    closer.join().unwrap();
    match requester.join().unwrap() {
        Ok(Err(GatherError::Closed { partial })) => {
            assert_eq!(partial.errors(), ["no response from a"]);
            outcomes.saw("closed while under way");
        }
        Err(RequestError::Closed(_)) => outcomes.saw("refused"),
        other => panic!("G10: a request on a bus that is closed ends: {other:?}"),
    }
    outcomes.saw_if(parks.any(), "requester parked");
    assert_eq!(bus.stats().requests_in_flight, 0, "G8: nothing stays behind");
}

/// Response × close, with a requester that waits: what was accepted counts or is late, and the wait
/// ends.
pub fn response_close(outcomes: &Outcomes) {
    let (bus, _questions) = live_bus();
    let gather = ask(&bus, &["a", "b"]).unwrap();
    let responder = spawn_responder(&bus, "a", &Token::new(0));
    let closer = spawn_closer(&bus);
    let requester = thread::spawn(move || gather.wait());
    let accepted = responder.join().unwrap().is_ok();
    closer.join().unwrap();
    let Err(GatherError::Closed { partial }) = requester.join().unwrap() else { panic!("G10: close ends a request") };
    let late = bus.stats().late_responses as usize;
    let gathered = numbers(partial).len();
    assert_eq!(gathered + late, usize::from(accepted), "G8: gathered or late exactly when it was accepted");
    outcomes.saw_if(!accepted, "refused");
    outcomes.saw_if(late == 1, "late");
    outcomes.saw_if(gathered == 1, "in the partial result");
}

/// Request × a responder that receives it and answers.
pub fn receive_and_answer(outcomes: &Outcomes) {
    let parks = Parks::begin();
    let (bus, questions) = live_bus();
    let responder = thread::spawn({
        let bus = bus.clone();
        move || {
            questions.recv().expect("the bus is open");
            answer(&bus, "a", &Token::new(0)).unwrap();
        }
    });
    let requester = thread::spawn({
        let bus = bus.clone();
        move || ask(&bus, &["a"]).unwrap().wait()
    });
    responder.join().unwrap();
    let result = requester.join().unwrap().expect("everybody has answered");
    assert_eq!(numbers(result), [0], "G8: whoever has received the request finds it under way");
    assert_eq!(bus.stats().late_responses, 0, "G8: an answer in time is not late");
    outcomes.saw_if(parks.count() == Some(2), "both parked");
    outcomes.saw_if(parks.count() == Some(1), "one parked");
    outcomes.saw_if(parks.none(), "nobody parked");
}

/// Two answers of one responder × a requester that takes the result: one counts, the other is a
/// duplicate or late.
pub fn same_responder_twice(outcomes: &Outcomes) {
    let (bus, _questions) = live_bus();
    let gather = ask(&bus, &["a"]).unwrap();
    let responders = [0, 1].map(|number| spawn_responder(&bus, "a", &Token::new(number)));
    let requester = thread::spawn(move || gather.wait());
    for responder in responders {
        responder.join().unwrap().unwrap();
    }
    let result = requester.join().unwrap().expect("everybody has answered");
    let late = bus.stats().late_responses as usize;
    assert_eq!(result.duplicates + late, 1, "G8: one of two answers is a duplicate or late");
    outcomes.saw(if late == 1 { "late" } else { "duplicate" });
    let numbers = numbers(result);
    assert_eq!(numbers.len(), 1, "G8: a responder counts once");
    outcomes.saw(if numbers == [0] { "0 was first" } else { "1 was first" });
}

/// Close × a responder, where the requester gives up as soon as it is woken, on the thread that
/// wakes it: neither holds a lock by then.
pub fn wake_gives_up(outcomes: &Outcomes) {
    let (bus, _questions) = live_bus();
    let gives_up = Arc::new(GivesUp::default());
    let mut waiting = Box::pin(ask(&bus, &["a", "b"]).unwrap().until(pending::<()>()));
    let waker = Waker::from(Arc::clone(&gives_up));
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    *gives_up.waiting.lock().unwrap() = Some(waiting);
    let responder = spawn_responder(&bus, "a", &Token::new(0));
    let closer = spawn_closer(&bus);
    let accepted = responder.join().unwrap().is_ok();
    closer.join().unwrap();
    assert!(gives_up.waiting.lock().unwrap().is_none(), "G7: close wakes who waits for answers");
    assert_eq!(bus.stats().late_responses, u64::from(accepted), "G8: no result has it");
    assert_eq!(bus.stats().requests_in_flight, 0, "G8: nothing stays behind");
    outcomes.saw(if accepted { "answered, and given up" } else { "refused" });
}

/// Drops the request that it waits for when it is woken.
#[derive(Default)]
struct GivesUp {
    waiting: Mutex<Option<Pin<Box<dyn Future<Output = Waited> + Send>>>>,
}

impl Wake for GivesUp {
    fn wake(self: Arc<Self>) {
        let waiting = self.waiting.lock().unwrap().take();
        drop(waiting);
    }
}
