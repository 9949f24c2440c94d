//! Requests and their answers.

use loom_tests::engine::CROWD;
use loom_tests::model::{Bound, Model};
use loom_tests::scenarios::requesting;

/// *Property*: G7, G8: all responders that race to complete a request are in the result, and the
/// waiting requester wakes.
///
/// *Threads*: a crowd of responders, requester.
///
/// *Bound*: exhaustive; 79,046 schedules in 9.5 s.
#[test]
fn answers_that_race_complete_a_request() {
    Model {
        name: "answers_that_race_complete_a_request",
        bound: Bound::Exhaustive,
        floor: 39_000,
        must_see: &["in the order of their names", "in another order", "requester parked"],
    }
    .check(|outcomes| requesting::responders(outcomes, CROWD));
}

/// *Property*: G7, G8: a requester that waits wakes for its answer, and finds it.
///
/// *Threads*: responder, requester.
///
/// *Bound*: exhaustive; 45 schedules in less than 0.1 s.
#[test]
fn waiting_requester_wakes_for_its_answer() {
    Model {
        name: "waiting_requester_wakes_for_its_answer",
        bound: Bound::Exhaustive,
        floor: 22,
        must_see: &["requester parked", "found at once"],
    }
    .check(requesting::one_responder);
}

/// *Property*: G7, G8: a response that races with the timeout is in the result or counted late,
/// never both, never neither.
///
/// *Threads*: responder, clock, requester.
///
/// *Bound*: preemptions = 2; 1,245 schedules in 0.5 s.
#[test]
fn response_is_in_the_result_or_late() {
    Model {
        name: "response_is_in_the_result_or_late",
        bound: Bound::Preemptions,
        floor: 620,
        must_see: &["in time", "timed out, and then late", "requester parked"],
    }
    .check(requesting::response_timeout);
}

/// *Property*: G8: a response that races with the timeout is in the partial result or counted late,
/// never both, never neither.
///
/// *Threads*: responder, clock, requester.
///
/// *Bound*: preemptions = 2; 637 schedules in 0.2 s.
#[test]
fn response_is_in_the_partial_result_or_late() {
    Model {
        name: "response_is_in_the_partial_result_or_late",
        bound: Bound::Preemptions,
        floor: 310,
        must_see: &["late", "in the partial result"],
    }
    .check(requesting::partial_timeout);
}

/// *Property*: G7, G8: a cancelled requester wakes; a response that races with it is in the partial
/// result or counted late.
///
/// *Threads*: responder, canceller, requester.
///
/// *Bound*: preemptions = 2; 549 schedules in 0.1 s.
#[test]
fn cancel_ends_the_wait_and_loses_no_response() {
    Model {
        name: "cancel_ends_the_wait_and_loses_no_response",
        bound: Bound::Preemptions,
        floor: 270,
        must_see: &["late", "in the partial result", "requester parked"],
    }
    .check(requesting::response_cancel);
}

/// *Property*: G8: a gather that is dropped while a response arrives leaves neither an entry in the
/// map nor the response, which is counted once.
///
/// *Threads*: responder, requester.
///
/// *Bound*: exhaustive; 213 schedules in 0.1 s.
#[test]
fn given_up_request_leaves_nothing_behind() {
    Model {
        name: "given_up_request_leaves_nothing_behind",
        bound: Bound::Exhaustive,
        floor: 100,
        must_see: &["given up, and perhaps late", "gathered, and given up"],
    }
    .check(requesting::response_drop);
}

/// *Property*: G7, G10: a request that races with close is refused or ends when the bus does.
///
/// *Threads*: requester, closer.
///
/// *Bound*: exhaustive; 1,545 schedules in 0.4 s.
#[test]
fn request_that_races_with_close_ends() {
    Model {
        name: "request_that_races_with_close_ends",
        bound: Bound::Exhaustive,
        floor: 770,
        must_see: &["closed while under way", "refused", "requester parked"],
    }
    .check(requesting::request_close);
}

/// *Property*: G8, G10: a response that races with close counts or is late exactly when its publish
/// was accepted, and the wait ends.
///
/// *Threads*: responder, closer, requester.
///
/// *Bound*: preemptions = 2; 1,618 schedules in 0.4 s.
#[test]
fn response_that_races_with_close_is_gathered_or_late() {
    Model {
        name: "response_that_races_with_close_is_gathered_or_late",
        bound: Bound::Preemptions,
        floor: 800,
        must_see: &["refused", "late", "in the partial result"],
    }
    .check(requesting::response_close);
}

/// *Property*: G7, G8: whoever has received a request finds it under way when it answers.
///
/// *Threads*: responder, requester.
///
/// *Bound*: preemptions = 2; 552 schedules in less than 0.1 s.
#[test]
fn answer_to_a_request_that_was_received_is_gathered() {
    Model {
        name: "answer_to_a_request_that_was_received_is_gathered",
        bound: Bound::Preemptions,
        floor: 270,
        must_see: &["both parked", "one parked", "nobody parked"],
    }
    .check(requesting::receive_and_answer);
}

/// *Property*: G8: of two answers of one responder one counts, and the other is a duplicate or
/// late.
///
/// *Threads*: two threads of a responder, requester.
///
/// *Bound*: preemptions = 2; 875 schedules in 0.2 s.
#[test]
fn responder_that_answers_twice_counts_once() {
    Model {
        name: "responder_that_answers_twice_counts_once",
        bound: Bound::Preemptions,
        floor: 430,
        must_see: &["late", "duplicate", "0 was first", "1 was first"],
    }
    .check(requesting::same_responder_twice);
}

/// *Property*: G7, G8, G9: a requester whom close wakes may give up there and then: whoever wakes
/// holds no lock.
///
/// *Threads*: responder, closer, requester.
///
/// *Bound*: preemptions = 2; 142 schedules in less than 0.1 s.
#[test]
fn requester_may_give_up_as_it_is_woken() {
    Model {
        name: "requester_may_give_up_as_it_is_woken",
        bound: Bound::Preemptions,
        floor: 71,
        must_see: &["answered, and given up", "refused"],
    }
    .check(requesting::wake_gives_up);
}
