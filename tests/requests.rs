//! Scatter-gather requests: asking several responders, and what comes back.

use crate::common::{
    self, ANSWER, CountingWaker, Finish, Gate, LONG, QUESTION, Talk, Token, answer, answers, finishes, spawn_sleeper,
    talkative_bus, wait_until,
};
use ringbus::{
    CancelHandle, Event, EventBus, EventType, Gather, GatherError, PublishError, Published, Request, RequestError,
    RequestId, RequestOptions, RequestResult, Response, TryRecvError, WeakEventBus,
};
use std::future::{pending, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Long enough for anything, and no `Duration::MAX`: the machinery of time-outs is at work.
fn expecting(responders: &[&'static str]) -> RequestOptions {
    RequestOptions::expecting(responders.iter().copied()).timeout(LONG)
}

/// Asks with a new id.
#[track_caller]
fn ask(bus: &EventBus<Talk>, options: RequestOptions) -> (RequestId, Gather<Talk>) {
    let id = RequestId::unique();
    let gather = bus.request(Talk::Question(id.clone()), options).unwrap();
    (id, gather)
}

fn names(missing: &[Arc<str>]) -> Vec<&str> {
    missing.iter().map(|name| &**name).collect()
}

/// G8: every expected responder is gathered once, in order of arrival; more of them are duplicates,
/// and others unexpected: counted, and nothing more.
#[test]
fn first_answer_of_each_expected_responder_counts() {
    let (bus, questions) = talkative_bus();
    let (id, gather) = ask(&bus, expecting(&["a", "b", "c"]));
    assert_eq!(questions.try_recv(), Ok(Talk::Question(id.clone())));
    for (by, value) in [("c", 1), ("x", 2), ("c", 3), ("a", 4), ("y", 5), ("a", 6), ("c", 7), ("b", 8)] {
        answer(&bus, &id, by, value);
    }
    assert_eq!(gather.received(), 3);
    let result = gather.wait().unwrap();
    assert_eq!(answers(&result.responses), [("c", 1), ("a", 4), ("b", 8)]);
    assert_eq!((result.duplicates, result.unexpected), (3, 2));
    assert!(result.is_complete());
    assert_eq!(names(&result.strangers), ["x", "y"]);
    assert_eq!(result.errors(), ["unexpected response from x", "unexpected response from y"]);
    assert_eq!(bus.stats().late_responses, 0);
    assert_eq!(bus.stats().requests_in_flight, 0);
}

/// G8: duplicates and unexpected answers never complete a request, whatever their number.
#[test]
fn stray_answers_complete_nothing() {
    let (bus, _questions) = talkative_bus();
    let (id, gather) = ask(&bus, expecting(&["a", "b"]).timeout(Duration::ZERO));
    for value in 0..5 {
        answer(&bus, &id, "a", value);
        answer(&bus, &id, "x", value);
    }
    let Err(GatherError::TimedOut { after, partial }) = gather.wait() else { panic!("b has not answered") };
    assert_eq!(after, Duration::ZERO);
    assert_eq!(answers(&partial.responses), [("a", 0)]);
    assert_eq!((partial.duplicates, partial.unexpected), (4, 5));
    assert_eq!(names(&partial.missing), ["b"]);
    assert_eq!(partial.errors(), ["no response from b", "unexpected response from x"]);
    assert!(!partial.is_complete());
}

/// G8: the minimum ends the wait; what comes later is late.
#[test]
fn minimum_is_enough() {
    let (bus, _questions) = talkative_bus();
    let (id, gather) = ask(&bus, expecting(&["a", "b", "c"]).min_responses(2));
    answer(&bus, &id, "b", 0);
    let waiting = spawn_sleeper(move || gather.wait().unwrap());
    answer(&bus, &id, "a", 1);
    let result = waiting.join();
    assert_eq!(answers(&result.responses), [("b", 0), ("a", 1)]);
    assert_eq!(result.errors(), ["no response from c"]);
    answer(&bus, &id, "c", 2);
    assert_eq!(bus.stats().late_responses, 1);
}

/// Requests: the grace waits for the rest, and whoever completes the request ends it.
#[test]
fn grace_waits_for_the_rest() {
    let (bus, _questions) = talkative_bus();
    let (id, gather) = ask(&bus, expecting(&["a", "b", "c"]).min_responses(1).grace(LONG));
    answer(&bus, &id, "a", 0);
    let waiting = spawn_sleeper(move || gather.wait().unwrap());
    answer(&bus, &id, "b", 1);
    answer(&bus, &id, "c", 2);
    assert_eq!(answers(&waiting.join().responses), [("a", 0), ("b", 1), ("c", 2)]);
}

/// Requests: the grace ends by itself, and then the minimum is enough.
#[test]
fn grace_ends() {
    let (bus, _questions) = talkative_bus();
    let (id, gather) = ask(&bus, expecting(&["a", "b"]).min_responses(1).grace(Duration::from_millis(1)));
    answer(&bus, &id, "a", 0);
    let result = finishes(move || gather.wait()).unwrap();
    assert_eq!(answers(&result.responses), [("a", 0)]);
    assert_eq!(result.errors(), ["no response from b"]);
}

/// Requests: the grace does not go on after the timeout. Enough is enough, even then.
#[test]
fn grace_ends_with_the_timeout() {
    let (bus, _questions) = talkative_bus();
    let timeout = Duration::from_millis(1);
    let (id, gather) = ask(&bus, expecting(&["a", "b"]).min_responses(1).grace(Duration::MAX).timeout(timeout));
    answer(&bus, &id, "a", 0);
    assert_eq!(answers(&finishes(move || gather.wait()).unwrap().responses), [("a", 0)]);
}

/// Requests: the timeout counts from the call of `request`, not from that of `wait`; and does not
/// end a wait early.
#[test]
fn timeout_counts_from_the_request() {
    let (bus, _questions) = talkative_bus();
    let timeout = Duration::from_millis(20);
    let begun = Instant::now();
    let (id, gather) = ask(&bus, expecting(&["a", "b"]).timeout(timeout));
    answer(&bus, &id, "a", 0);
    let error = finishes(move || gather.wait()).unwrap_err();
    assert!(begun.elapsed() >= timeout);
    assert_eq!(error.to_string(), "the request timed out after 20ms, no response from b");
}

/// Requests: a wait whose time was over before it began does not sleep.
#[cfg(target_os = "linux")]
#[test]
fn wait_that_begins_too_late_does_not_sleep() {
    let (bus, _questions) = talkative_bus();
    let slept = common::fewest_sleeps(move |probe| {
        let timeout = Duration::from_millis(2);
        let (_, gather) = ask(&bus, expecting(&["a"]).timeout(timeout));
        let asked = Instant::now();
        wait_until(|| asked.elapsed() > timeout);
        let before = probe.sleeps();
        let result = gather.wait();
        let slept = probe.sleeps() - before;
        assert!(matches!(result, Err(GatherError::TimedOut { .. })), "{result:?}");
        slept
    });
    assert_eq!(slept, 0);
}

/// Requests: `Duration::MAX` is no timeout.
#[test]
fn request_without_timeout_waits() {
    let (bus, _questions) = talkative_bus();
    let (id, gather) = ask(&bus, expecting(&["a"]).timeout(Duration::MAX));
    let waiting = spawn_sleeper(move || gather.wait().unwrap());
    answer(&bus, &id, "a", 7);
    assert_eq!(answers(&waiting.join().responses), [("a", 7)]);
}

/// G8: each mistake has an error of its own, that comes at once and gives the event back. Nothing
/// was published, nothing is under way.
#[test]
fn mistakes_are_errors_at_once() {
    let (bus, questions) = talkative_bus();
    let question = || Talk::Question(RequestId::from(1));
    let answer = Talk::Answer { to: RequestId::from(1), by: "a", value: 0 };
    let refused = |event: Talk, options: RequestOptions| bus.request(event, options).unwrap_err();

    assert_eq!(refused(answer.clone(), expecting(&["a"])), RequestError::NotARequest(answer));
    assert_eq!(refused(question(), expecting(&[])), RequestError::NoExpectedResponders(question()));
    assert_eq!(refused(question(), expecting(&["a", "b", "a"])), RequestError::DuplicateResponder(question()));
    for required in [0, 3, usize::MAX] {
        assert_eq!(
            refused(question(), expecting(&["a", "b"]).min_responses(required)),
            RequestError::InvalidMinimum { event: question(), required, expected: 2 }
        );
    }
    assert_eq!(questions.try_recv(), Err(TryRecvError::Empty));
    assert_eq!((bus.stats().published, bus.stats().requests_in_flight), (0, 0));
}

/// G8: an id that is under way is refused, and the request that has it is not disturbed; once that
/// is gone, the id is free.
#[test]
fn id_under_way_is_refused() {
    let (bus, _questions) = talkative_bus();
    let question = Talk::Question(RequestId::from("same"));
    let first = bus.request(question.clone(), expecting(&["a"])).unwrap();
    for _ in 0..3 {
        let error = bus.request(question.clone(), expecting(&["b"])).unwrap_err();
        assert_eq!(error, RequestError::DuplicateId(question.clone()));
    }
    assert_eq!(bus.stats().requests_in_flight, 1);
    answer(&bus, question.id(), "a", 1);
    assert_eq!(answers(&first.wait().unwrap().responses), [("a", 1)]);
    let second = bus.request(question, expecting(&["b"])).unwrap();
    drop(second);
    assert_eq!(bus.stats().requests_in_flight, 0);
}

/// G8: an id is under way for as long as there is a `Gather`, though nothing more can come.
#[test]
fn id_of_a_request_that_has_ended_is_refused_until_its_gather_goes() {
    type End = fn(&EventBus<Talk>, &Gather<Talk>);
    let (bus, _questions) = talkative_bus();
    let question = Talk::Question(RequestId::from("same"));
    let ends: [End; 3] = [
        |bus, _| answer(bus, &RequestId::from("same"), "a", 1),
        |_, gather| gather.cancel_handle().cancel(),
        |_, _| {},
    ];
    for (way, end) in ends.into_iter().enumerate() {
        let timeout = if way == 2 { Duration::ZERO } else { LONG };
        let gather = bus.request(question.clone(), expecting(&["a"]).timeout(timeout)).unwrap();
        end(&bus, &gather);
        let error = bus.request(question.clone(), expecting(&["a"])).unwrap_err();
        assert_eq!(error, RequestError::DuplicateId(question.clone()), "{way}");
        assert_eq!(bus.stats().requests_in_flight, 1, "{way}");
        drop(gather);
        assert_eq!(bus.stats().requests_in_flight, 0, "{way}");
    }
    assert!(bus.request(question, expecting(&["a"])).is_ok());
}

/// G8: a request that no subscriber takes fails at once: nobody there, nobody interested, filtered
/// out, every ring full.
#[test]
fn request_that_nobody_takes_is_handed_back() {
    let bus = common::new_bus(0);
    bus.start();
    let question = |number: u64| Talk::Question(RequestId::from(number));
    let handed_back = |number| {
        let error = bus.request(question(number), expecting(&["a"])).unwrap_err();
        assert_eq!(error, RequestError::NotDelivered(question(number)));
        assert_eq!(bus.stats().requests_in_flight, 0);
    };
    handed_back(0);
    let _answers = bus.subscriber("answers").types([ANSWER]).subscribe();
    let _nothing = bus.subscriber("nothing").filter(|_| false).subscribe();
    handed_back(1);
    let full = bus.subscribe(1);
    let _under_way = bus.request(question(2), expecting(&["a"])).unwrap();
    let error = bus.request(question(3), expecting(&["a"])).unwrap_err();
    assert_eq!(error, RequestError::NotDelivered(question(3)));
    assert_eq!(full.lost(), 1, "G2: the drop is counted all the same");
    assert_eq!(bus.stats().dropped, 1);
    assert_eq!(full.try_recv(), Ok(question(2)));
    // One subscriber that takes it is enough.
    let _roomy = bus.subscribe(8);
    assert!(bus.request(question(4), expecting(&["a"])).is_ok());
}

/// G8: a request made before the start is replayed and can then be answered.
#[test]
fn request_before_the_start_is_answered_after_it() {
    let bus = common::new_bus(4);
    let (id, gather) = ask(&bus, expecting(&["late riser"]));
    let questions = bus.subscribe(1);
    let responder = thread::spawn({
        let bus = bus.clone();
        move || {
            let question = questions.recv().unwrap();
            answer(&bus, question.id(), "late riser", 1);
            question
        }
    });
    let waiting = spawn_sleeper(move || gather.wait().unwrap());
    bus.start();
    assert_eq!(answers(&waiting.join().responses), [("late riser", 1)]);
    assert_eq!(responder.finish(), Talk::Question(id));
}

/// G8: a response that is kept for the replay was accepted, and so is gathered; and is replayed
/// like any event.
#[test]
fn response_before_the_start_is_gathered() {
    let bus = common::new_bus(2);
    let (id, gather) = ask(&bus, expecting(&["a", "b"]));
    answer(&bus, &id, "a", 1);
    let refused = bus.publish(Talk::Answer { to: id.clone(), by: "b", value: 2 });
    assert!(matches!(refused, Err(PublishError::StartupFull(_))), "{refused:?}");
    assert_eq!(gather.received(), 1, "G8: what was refused is not gathered");
    let subscription = bus.subscribe(1);
    bus.start();
    assert_eq!(subscription.try_recv(), Ok(Talk::Question(id.clone())));
    assert!(matches!(subscription.try_recv(), Ok(Talk::Answer { by: "a", .. })));
    answer(&bus, &id, "b", 3);
    assert_eq!(answers(&gather.wait().unwrap().responses), [("a", 1), ("b", 3)]);
    assert_eq!(bus.stats().late_responses, 0, "G8: nor is it late");
}

/// G8: a response that the start-up log refuses answers nothing and is not late, however it is
/// published.
#[test]
fn response_that_is_refused_before_the_start_is_not_gathered() {
    type Publish = fn(&EventBus<Talk>, Talk) -> bool;
    let ways: [Publish; 4] = [
        |bus, event| bus.publish(event).is_err(),
        |bus, event| bus.publisher().publish(event).is_err(),
        |bus, event| bus.publish_batch(&[event]).is_err(),
        |bus, event| bus.publisher().publish_batch(&[event.clone(), event]).is_err_and(|error| error.taken == 0),
    ];
    for (way, publish) in ways.into_iter().enumerate() {
        let bus = common::new_bus(1);
        let (id, gather) = ask(&bus, expecting(&["a"]));
        for to in [id, RequestId::unique()] {
            assert!(publish(&bus, Talk::Answer { to, by: "a", value: 0 }), "{way}");
        }
        assert_eq!((gather.received(), bus.stats().late_responses), (0, 0), "{way}");
    }
}

/// G8: a request that the start-up buffer cannot hold, or a closed bus, is handed back.
#[test]
fn request_that_cannot_be_published_is_handed_back() {
    let bus = common::new_bus(0);
    let question = Talk::Question(RequestId::from(1));
    let error = bus.request(question.clone(), expecting(&["a"])).unwrap_err();
    assert_eq!(error, RequestError::StartupFull(question.clone()));
    bus.close();
    let error = bus.request(question.clone(), expecting(&["a"])).unwrap_err();
    assert_eq!(error, RequestError::Closed(question));
    assert_eq!(bus.stats().requests_in_flight, 0);
}

/// G8: a response reaches its request whatever the rings look like, and subscribers as any event.
#[test]
fn response_is_gathered_whatever_the_rings_look_like() {
    let (bus, _questions) = talkative_bus();
    let full = bus.subscriber("full").types([ANSWER]).capacity(1).subscribe();
    let roomy = bus.subscriber("roomy").types([ANSWER]).subscribe();
    let publish = |id: &RequestId, value| bus.publish(Talk::Answer { to: id.clone(), by: "a", value }).unwrap();

    let (id, gather) = ask(&bus, expecting(&["a"]));
    assert_eq!(publish(&id, 1), Published { buffered: 0, delivered: 2, dropped: 0 });
    assert_eq!(answers(&gather.wait().unwrap().responses), [("a", 1)]);

    let (id, gather) = ask(&bus, expecting(&["a"]));
    assert_eq!(publish(&id, 2), Published { buffered: 0, delivered: 1, dropped: 1 });
    assert_eq!(answers(&gather.wait().unwrap().responses), [("a", 2)]);

    drop((full, roomy));
    let (id, gather) = ask(&bus, expecting(&["a"]));
    assert_eq!(publish(&id, 3), Published::default(), "nobody subscribes to answers");
    assert_eq!(answers(&gather.wait().unwrap().responses), [("a", 3)]);
}

/// Requests: a gather tells what became of the request itself: whose ring was full was never asked,
/// and will not answer.
#[test]
fn gather_tells_who_was_never_asked() {
    let (bus, questions) = talkative_bus();
    let full = bus.subscriber("full").types([QUESTION]).capacity(1).subscribe();
    let (_, first) = ask(&bus, expecting(&["a"]));
    assert_eq!(first.published(), Published { buffered: 0, delivered: 2, dropped: 0 });
    let (id, gather) = ask(&bus, expecting(&["a", "b"]).timeout(Duration::ZERO));
    assert_eq!(gather.published(), Published { buffered: 0, delivered: 1, dropped: 1 });
    answer(&bus, &id, "a", 1);
    assert_eq!(gather.published().dropped(), 1, "whatever comes later");
    let error = gather.wait().unwrap_err();
    assert_eq!(error.partial().errors(), ["no response from b"]);
    assert_eq!((questions.len(), full.lost()), (2, 1));

    let bus = common::new_bus(1);
    let (_, gather) = ask(&bus, expecting(&["a"]));
    assert_eq!(gather.published(), Published { buffered: 1, delivered: 0, dropped: 0 }, "nobody knows yet");
}

/// Requests: the first eight of those who answered unasked are named, once each, in order, by
/// however long a name, and the error says so. An expected responder is no stranger, and who
/// answers after the end is nobody.
#[test]
fn strangers_are_named() {
    const LONG_NAME: &str = concat!(
        "a responder whose name is longer than anybody would have thought, with more to come behind it, and then some more; ",
        "and so on and so forth, until it is clear that no table of short names would have a place for it; and still it is ",
        "not at its end, because there has to be some way to tell it from the other one that is called almost the same"
    );
    let (bus, _questions) = talkative_bus();
    let (id, gather) = ask(&bus, expecting(&["a", "b"]).timeout(Duration::ZERO));
    answer(&bus, &id, "a", 0);
    answer(&bus, &id, "a", 0);
    let strangers = ["A", "", "é", LONG_NAME, "a ", "B", LONG_NAME, "A", "c", "d", "e", "f"];
    for by in strangers {
        answer(&bus, &id, by, 0);
    }
    let error = gather.wait().unwrap_err();
    answer(&bus, &id, "late", 0);
    let partial = error.partial();
    assert_eq!(names(&partial.strangers), ["A", "", "é", LONG_NAME, "a ", "B", "c", "d"]);
    assert_eq!((partial.unexpected, partial.duplicates), (strangers.len(), 1));
    let mut errors = vec!["no response from b".to_owned()];
    errors.extend(partial.strangers.iter().map(|name| format!("unexpected response from {name}")));
    assert_eq!(partial.errors(), errors);
    assert_eq!(error.to_string(), format!("the request timed out after 0ns, {}", errors.join(", ")));
}

/// Requests: however long its name, a stranger is named where there is no other.
#[test]
fn stranger_that_is_alone_is_named() {
    const LONG_NAME: &str = concat!(
        "a responder whose name is longer than anybody would have thought, with more to come behind it, and then some ",
        "more; and so on, until there is no place for it in a table of short names"
    );
    for name in ["", "x", LONG_NAME] {
        let (bus, _questions) = talkative_bus();
        let (id, gather) = ask(&bus, expecting(&["a"]));
        answer(&bus, &id, name, 0);
        answer(&bus, &id, "a", 0);
        assert_eq!(names(&gather.wait().unwrap().strangers), [name]);
    }
}

/// Requests: a responder can ask whether anybody still waits: from the request on, and not after
/// its end, whatever that is. Other ids, and the same id on another bus, do not matter.
#[test]
fn request_is_pending_until_its_end() {
    type End = fn(&EventBus<Talk>, &RequestId, Gather<Talk>);
    let ends: [(&str, End); 6] = [
        ("answered", |bus, id, gather| {
            answer(bus, id, "a", 1);
            assert!(bus.is_pending(id), "nobody has taken the answer");
            gather.wait().unwrap();
        }),
        ("given up", |_, _, gather| drop(gather)),
        ("timed out", |_, _, gather| assert!(gather.wait().is_err())),
        ("cancelled", |bus, id, gather| {
            gather.cancel_handle().cancel();
            assert!(!bus.is_pending(id), "at once");
            assert!(gather.wait().is_err());
        }),
        ("closed", |bus, id, gather| {
            bus.close();
            assert!(!bus.is_pending(id), "at once");
            drop(gather);
        }),
        ("stopped", |_, _, gather| {
            let polled = poll(pin!(gather.until(ready(()))), std::task::Waker::noop());
            assert!(matches!(polled, Poll::Ready(Err(GatherError::Stopped { .. }))));
        }),
    ];
    for (name, end) in ends {
        for is_started in [true, false] {
            let bus = common::new_bus(2);
            let _questions = bus.subscriber("questions").types([QUESTION]).subscribe();
            if is_started {
                bus.start();
            }
            let id = RequestId::from("asked");
            assert!(!bus.is_pending(&id), "{name}: not yet");
            let options = expecting(&["a"]).timeout(Duration::ZERO);
            let gather = bus.request(Talk::Question(id.clone()), options).unwrap();
            assert!(bus.is_pending(&id), "{name}");
            assert!(!bus.is_pending(&RequestId::from("another")) && !common::new_bus::<Talk>(0).is_pending(&id));
            end(&bus, &id, gather);
            assert!(!bus.is_pending(&id), "{name}: not any more");
        }
    }
}

/// G8: ids may come from strangers: 20,000 of them, chosen so that a plain table would have one
/// place for all, are told apart.
#[test]
fn chosen_ids_are_told_apart() {
    let ids = common::rounds(20_000);
    let bus = common::new_bus(0);
    let _questions = bus.subscriber("questions").types([QUESTION]).capacity(3 * ids as usize).subscribe();
    bus.start();
    let chosen: [fn(u64) -> RequestId; 3] = [
        |number| RequestId::from(number << 48),
        |number| RequestId::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        |number| RequestId::from(format!("{number:016x}{:016x}", u64::MAX - number)),
    ];
    for choose in chosen {
        let gathers: Vec<_> = (0..ids)
            .map(|number| bus.request(Talk::Question(choose(number)), expecting(&["a"])).expect("it is its own"))
            .collect();
        assert_eq!(bus.stats().requests_in_flight, ids);
        for number in 0..ids {
            answer(&bus, &choose(number), "a", number);
        }
        for (number, gather) in (0..ids).zip(gathers) {
            assert_eq!(answers(&gather.wait().unwrap().responses), [("a", number)]);
        }
    }
    assert_eq!((bus.stats().late_responses, bus.stats().requests_in_flight), (0, 0));
}

/// G8: a `Publisher` gathers as the bus does.
#[test]
fn publisher_answers_as_well() {
    let (bus, _questions) = talkative_bus();
    let mut publisher = bus.publisher();
    for value in 0..3 {
        let (id, gather) = ask(&bus, expecting(&["a"]));
        publisher.publish(Talk::Answer { to: id, by: "a", value }).unwrap();
        assert_eq!(answers(&gather.wait().unwrap().responses), [("a", value)]);
    }
}

/// G8: a response to a request that has ended, or that never was, is late: with and without other
/// requests under way.
#[test]
fn response_without_a_request_is_late() {
    let (bus, _questions) = talkative_bus();
    answer(&bus, &RequestId::from("never was"), "a", 0);
    assert_eq!(bus.stats().late_responses, 1);

    let (id, gather) = ask(&bus, expecting(&["a"]));
    answer(&bus, &RequestId::from("never was"), "a", 0);
    assert_eq!(bus.stats().late_responses, 2);
    drop(gather);
    answer(&bus, &id, "a", 0);
    assert_eq!(bus.stats().late_responses, 3);

    let (_other, _under_way) = ask(&bus, expecting(&["a"]));
    answer(&bus, &id, "a", 0);
    assert_eq!(bus.stats().late_responses, 4);
}

/// G8: requests that are under way together do not mix up their answers.
#[test]
fn answers_find_their_own_request() {
    let (bus, _questions) = talkative_bus();
    let mut under_way: Vec<_> = (0..100).map(|_| ask(&bus, expecting(&["a", "b"]))).collect();
    assert_eq!(bus.stats().requests_in_flight, 100);
    for (value, (id, _)) in under_way.iter().enumerate() {
        answer(&bus, id, "a", value as u64);
    }
    for (value, (id, _)) in under_way.iter().enumerate().rev() {
        answer(&bus, id, "b", value as u64);
    }
    for (value, (_, gather)) in under_way.drain(..).enumerate() {
        let value = value as u64;
        assert_eq!(answers(&gather.wait().unwrap().responses), [("a", value), ("b", value)]);
    }
    assert_eq!(bus.stats().requests_in_flight, 0);
}

/// G7, G8: a responder that never answers is missing when the time is over.
#[test]
fn responder_that_never_answers_is_missing() {
    let (bus, questions) = talkative_bus();
    let (id, gather) = ask(&bus, expecting(&["mute", "a"]).timeout(Duration::from_millis(5)));
    assert!(questions.try_recv().is_ok(), "it has heard the question");
    answer(&bus, &id, "a", 1);
    let error = finishes(move || gather.wait()).unwrap_err();
    assert_eq!(names(&error.partial().missing), ["mute"]);
    assert_eq!(answers(&error.into_partial().responses), [("a", 1)]);
}

/// G8, G10: a responder that closes the bus instead of answering ends the request, with what had
/// come.
#[test]
fn responder_that_closes_the_bus_ends_the_request() {
    let (bus, questions) = talkative_bus();
    let (id, gather) = ask(&bus, expecting(&["a", "anarchist"]));
    answer(&bus, &id, "a", 1);
    let waiting = spawn_sleeper(move || gather.wait());
    let anarchist = thread::spawn({
        let bus = bus.clone();
        move || {
            questions.recv().unwrap();
            bus.close();
        }
    });
    let Err(GatherError::Closed { partial }) = waiting.join() else { panic!("the bus is closed") };
    anarchist.finish();
    assert_eq!(answers(&partial.responses), [("a", 1)]);
    let refused = bus.publish(Talk::Answer { to: id, by: "anarchist", value: 0 });
    assert!(matches!(refused, Err(PublishError::Closed(_))), "{refused:?}");
    assert_eq!(bus.stats().late_responses, 0, "G8: what was refused is not late");
}

/// G8: where enough had answered before the bus was closed, or the request cancelled, that is a
/// success.
#[test]
fn enough_answers_survive_the_end() {
    let (bus, _questions) = talkative_bus();
    let enough = || expecting(&["a", "b"]).min_responses(1).grace(LONG);
    let (id, cancelled) = ask(&bus, enough());
    answer(&bus, &id, "a", 1);
    cancelled.cancel_handle().cancel();
    assert_eq!(answers(&cancelled.wait().unwrap().responses), [("a", 1)]);

    let (id, closed) = ask(&bus, enough());
    answer(&bus, &id, "a", 2);
    let waiting = spawn_sleeper(move || closed.wait());
    bus.close();
    assert_eq!(answers(&waiting.join().unwrap().responses), [("a", 2)]);
}

/// G10: the last handle closes the bus although a request is under way, and the requester wakes.
#[test]
fn gather_does_not_keep_the_bus_open() {
    let (bus, questions) = talkative_bus();
    let (_, gather) = ask(&bus, expecting(&["a"]));
    let waiting = spawn_sleeper(move || gather.wait());
    drop(bus);
    assert!(matches!(waiting.join(), Err(GatherError::Closed { .. })));
    assert!(questions.try_recv().is_ok(), "what was accepted can still be received");
    assert_eq!(questions.try_recv(), Err(TryRecvError::Closed));
}

/// G10: a request made before the start ends when the bus is closed without one.
#[test]
fn close_before_the_start_ends_a_request() {
    let bus = common::new_bus(1);
    let questions = bus.subscribe(1);
    let (id, gather) = ask(&bus, expecting(&["a"]));
    let waiting = spawn_sleeper(move || gather.wait());
    bus.close();
    assert!(matches!(waiting.join(), Err(GatherError::Closed { .. })));
    assert_eq!(questions.try_recv(), Ok(Talk::Question(id)));
}

/// Requests: cancelling wakes the requester from another thread, works before the wait begins, and
/// does nothing after its end.
#[test]
fn cancel_ends_the_wait() {
    let (bus, _questions) = talkative_bus();
    let (id, gather) = ask(&bus, expecting(&["a", "b"]));
    let handle = gather.cancel_handle();
    answer(&bus, &id, "b", 1);
    let waiting = spawn_sleeper(move || gather.wait());
    thread::spawn({
        let handle = handle.clone();
        move || handle.cancel()
    })
    .finish();
    let Err(GatherError::Cancelled { partial }) = waiting.join() else { panic!("it was cancelled") };
    assert_eq!(answers(&partial.responses), [("b", 1)]);
    assert_eq!(partial.errors(), ["no response from a"]);
    handle.cancel();
    drop(bus);
    handle.cancel();

    let (bus, _questions) = talkative_bus();
    let (id, gather) = ask(&bus, expecting(&["a"]));
    gather.cancel_handle().cancel();
    answer(&bus, &id, "a", 1);
    assert_eq!(bus.stats().late_responses, 1, "G8: a cancelled request takes no more answers");
    assert!(matches!(gather.wait(), Err(GatherError::Cancelled { .. })));
}

/// Requests: who cancels first, or closes first, decides what the requester is told.
#[test]
fn first_end_is_the_one_that_is_told() {
    let (bus, _questions) = talkative_bus();
    let (_, cancelled) = ask(&bus, expecting(&["a"]));
    let (_, closed) = ask(&bus, expecting(&["a"]));
    cancelled.cancel_handle().cancel();
    bus.close();
    closed.cancel_handle().cancel();
    assert!(matches!(cancelled.wait(), Err(GatherError::Cancelled { .. })));
    assert!(matches!(closed.wait(), Err(GatherError::Closed { .. })));
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>, waker: &std::task::Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// Requests: `until` needs no runtime and no clock. `stop` ends it, and the answers do.
#[test]
fn until_ends_with_its_stop_or_its_answers() {
    let (bus, _questions) = talkative_bus();
    let (counter, waker) = CountingWaker::new();

    let (id, gather) = ask(&bus, expecting(&["a", "b"]).timeout(Duration::ZERO));
    let mut waiting = pin!(gather.until(pending::<()>()));
    assert!(poll(waiting.as_mut(), &waker).is_pending(), "the timeout is not looked at");
    answer(&bus, &id, "b", 0);
    assert_eq!(counter.wakes(), 0, "one of two is no reason to wake anyone");
    answer(&bus, &id, "a", 1);
    assert_eq!(counter.wakes(), 1);
    let Poll::Ready(Ok(result)) = poll(waiting.as_mut(), &waker) else { panic!("everybody has answered") };
    assert_eq!(answers(&result.responses), [("b", 0), ("a", 1)]);

    let (id, gather) = ask(&bus, expecting(&["a", "b"]));
    answer(&bus, &id, "a", 2);
    let Poll::Ready(Err(GatherError::Stopped { partial })) = poll(pin!(gather.until(ready("a value"))), &waker) else {
        panic!("`stop` was ready")
    };
    assert_eq!(answers(&partial.responses), [("a", 2)]);
    assert_eq!(bus.stats().requests_in_flight, 0);
}

/// Requests: with a grace, `until` waits for the rest until `stop`, and then the minimum is enough;
/// without one, it is at once.
#[test]
fn until_takes_the_place_of_the_grace() {
    let (bus, _questions) = talkative_bus();
    let (_, waker) = CountingWaker::new();
    let (id, gather) = ask(&bus, expecting(&["a", "b"]).min_responses(1));
    answer(&bus, &id, "a", 0);
    assert!(matches!(poll(pin!(gather.until(pending::<()>())), &waker), Poll::Ready(Ok(_))));

    let stopped = AtomicBool::new(false);
    let stop = std::future::poll_fn(|_| if stopped.load(SeqCst) { Poll::Ready(()) } else { Poll::Pending });
    let (id, gather) = ask(&bus, expecting(&["a", "b"]).min_responses(1).grace(Duration::from_nanos(1)));
    answer(&bus, &id, "a", 0);
    let mut waiting = pin!(gather.until(stop));
    assert!(poll(waiting.as_mut(), &waker).is_pending());
    stopped.store(true, SeqCst);
    let Poll::Ready(Ok(result)) = poll(waiting.as_mut(), &waker) else { panic!("one was enough") };
    assert_eq!(result.errors(), ["no response from b"]);
}

/// G7: the task that polled last is the one that is woken, however much was there when it polled,
/// and when it did so.
#[test]
fn last_task_that_waits_for_answers_is_woken() {
    check_last_task(|gather| Box::pin(async move { drop(gather.until(pending::<()>()).await) }));
}

/// Something that waits for the end of a request.
type Waiting = Pin<Box<dyn Future<Output = ()>>>;

/// Lets one task wait and then another one, and checks that the end wakes the other one alone.
pub(crate) fn check_last_task(wait: fn(Gather<Talk>) -> Waiting) {
    type End = fn(&EventBus<Talk>, &RequestId, &CancelHandle);
    let ends: [End; 3] = [
        |bus, id, _| ["a", "b"].into_iter().for_each(|by| answer(bus, id, by, 0)),
        |_, _, handle| handle.cancel(),
        |bus, _, _| bus.close(),
    ];
    for (way, end) in ends.into_iter().enumerate() {
        for enough in ["never", "at first", "in between", "at last"] {
            let (bus, _questions) = talkative_bus();
            let (id, gather) = ask(&bus, expecting(&["a", "b"]).min_responses(1).timeout(LONG).grace(LONG));
            let answer_if = |moment| _ = (enough == moment).then(|| answer(&bus, &id, "a", 0));
            let handle = gather.cancel_handle();
            let [(first, first_waker), (last, last_waker)] = [(), ()].map(|()| CountingWaker::new());
            let mut waiting = wait(gather);
            answer_if("at first");
            assert!(poll(waiting.as_mut(), &first_waker).is_pending());
            answer_if("in between");
            assert!(poll(waiting.as_mut(), &last_waker).is_pending());
            answer_if("at last");
            if enough == "at last" {
                assert!(poll(waiting.as_mut(), &last_waker).is_pending());
            }
            let before = (first.wakes(), last.wakes());
            end(&bus, &id, &handle);
            assert_eq!(first.wakes(), before.0, "{way}, enough {enough}");
            assert!(last.wakes() > before.1, "{way}, enough {enough}");
            assert!(poll(waiting.as_mut(), &last_waker).is_ready(), "{way}, enough {enough}");
        }
    }
}

/// G8: a future that is dropped gives the request up, before its first poll and after it; a `stop`
/// that panics does so as well.
#[test]
fn dropped_future_gives_the_request_up() {
    let (bus, _questions) = talkative_bus();
    let (_, waker) = CountingWaker::new();
    drop(ask(&bus, expecting(&["a"])).1.until(pending::<()>()));
    assert_eq!(bus.stats().requests_in_flight, 0);
    {
        let (_, gather) = ask(&bus, expecting(&["a"]));
        let mut waiting = pin!(gather.until(pending::<()>()));
        assert!(poll(waiting.as_mut(), &waker).is_pending());
        assert_eq!(bus.stats().requests_in_flight, 1);
    }
    assert_eq!(bus.stats().requests_in_flight, 0);

    let (_, gather) = ask(&bus, expecting(&["a"]));
    let message = common::panic_of(|| {
        let mut waiting = Box::pin(gather.until(std::future::poll_fn(|_| -> Poll<()> { panic!("no stopping me") })));
        poll(waiting.as_mut(), &waker)
    });
    assert_eq!(message, "no stopping me");
    assert_eq!(bus.stats().requests_in_flight, 0);
}

/// G11, G12: a request lets go of the waker that waited for it.
#[test]
fn given_up_wait_keeps_no_waker() {
    let (bus, _questions) = talkative_bus();
    let (counter, waker) = CountingWaker::new();
    let (_, gather) = ask(&bus, expecting(&["a"]));
    let handle = gather.cancel_handle();
    let (last, last_waker) = CountingWaker::new();
    {
        let mut waiting = pin!(gather.until(pending::<()>()));
        assert!(poll(waiting.as_mut(), &waker).is_pending());
        assert_eq!(Arc::strong_count(&counter), 3);
        assert!(poll(waiting.as_mut(), &last_waker).is_pending());
        assert_eq!([&counter, &last].map(Arc::strong_count), [2, 3], "G12: the one of before is not needed");
    }
    assert_eq!([&counter, &last].map(Arc::strong_count), [2, 2]);
    handle.cancel();
    assert_eq!(counter.wakes(), 0);
}

/// G8: ten threads that answer as the same responder at once count once, and the other nine are
/// duplicates.
#[test]
fn ten_threads_of_one_responder_count_once() {
    for round in 0..common::rounds(200) {
        let (bus, _questions) = talkative_bus();
        let (id, gather) = ask(&bus, expecting(&["a", "b"]).timeout(Duration::ZERO));
        let gate = Gate::new(10);
        thread::scope(|scope| {
            for value in 0..10 {
                let (bus, id, gate) = (&bus, &id, &gate);
                scope.spawn(move || {
                    gate.pass();
                    answer(bus, id, "a", value);
                });
            }
        });
        let partial = gather.wait().unwrap_err().into_partial();
        assert_eq!((partial.responses.len(), partial.duplicates), (1, 9), "round {round}");
    }
}

/// G7, G8: ten responders that answer at once complete a request, with a requester that is waiting
/// or about to.
#[test]
fn ten_responders_at_once_complete_a_request() {
    const NAMES: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    for _ in 0..common::rounds(200) {
        let (bus, _questions) = talkative_bus();
        let (id, gather) = ask(&bus, expecting(&NAMES));
        let gate = Arc::new(Gate::new(11));
        let responders = NAMES.map(|name| {
            let (bus, id, gate) = (bus.clone(), id.clone(), Arc::clone(&gate));
            thread::spawn(move || {
                gate.pass();
                answer(&bus, &id, name, 0);
            })
        });
        let requester = thread::spawn(move || {
            gate.pass();
            gather.wait()
        });
        let result = requester.finish().unwrap();
        responders.into_iter().for_each(Finish::finish);
        let mut by: Vec<_> = answers(&result.responses).into_iter().map(|(by, _)| by).collect();
        by.sort_unstable();
        assert_eq!(by, NAMES);
        assert_eq!((result.duplicates, result.unexpected, bus.stats().late_responses), (0, 0, 0));
    }
}

/// An answer whose copies can be counted.
#[derive(Clone, Debug)]
enum Weighty {
    Question,
    Answer {
        by: &'static str,
        #[expect(dead_code, reason = "it is there to be counted")]
        token: Token,
    },
}

impl Event for Weighty {
    fn event_type(&self) -> EventType {
        match self {
            Self::Question => QUESTION,
            Self::Answer { .. } => ANSWER,
        }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn as_request(&self) -> Option<&dyn Request> {
        if let Self::Question = self { Some(self) } else { None }
    }

    fn as_response(&self) -> Option<&dyn Response> {
        if let Self::Answer { .. } = self { Some(self) } else { None }
    }
}

impl Request for Weighty {
    fn request_id(&self) -> RequestId {
        RequestId::from("the only one")
    }
}

impl Response for Weighty {
    fn request_id(&self) -> RequestId {
        RequestId::from("the only one")
    }

    fn responder(&self) -> &str {
        if let Self::Answer { by, .. } = self { by } else { "" }
    }
}

/// G8, G11: a requester that drops its gather while answers arrive leaves nothing behind, and no
/// copy of any answer.
#[test]
fn dropping_the_gather_while_answers_arrive_leaves_nothing() {
    let bus = common::new_bus(0);
    let _questions = bus.subscriber("questions").types([QUESTION]).capacity(512).subscribe();
    bus.start();
    let token = Token(Arc::new(()));
    for round in 0..500 {
        let gather = bus.request(Weighty::Question, expecting(&["a", "b", "c"])).unwrap();
        let gate = Gate::new(3);
        thread::scope(|scope| {
            for by in ["a", "b"] {
                let (bus, gate, token) = (&bus, &gate, token.clone());
                scope.spawn(move || {
                    gate.pass();
                    bus.publish(Weighty::Answer { by, token }).unwrap();
                });
            }
            gate.pass();
            for _ in 0..round % 50 {
                std::hint::spin_loop();
            }
            drop(gather);
        });
        assert_eq!(token.copies(), 0, "round {round}");
        assert_eq!(bus.stats().requests_in_flight, 0);
        assert_eq!(bus.stats().late_responses, 2 * (round + 1), "no result has them, so they are late");
    }
}

/// G8: every accepted response is in a result or counted, whatever the end: in time, twice,
/// unexpected, given up, late.
#[test]
fn every_response_is_in_a_result_or_counted() {
    let (bus, _questions) = talkative_bus();
    let (mut published, mut accounted) = (0, 0);
    for round in 0..60_u64 {
        let (id, gather) = ask(&bus, expecting(&["a", "b"]).timeout(Duration::ZERO));
        for by in ["a", "x", "a", "b", "x", "b"].iter().take(round as usize % 7) {
            answer(&bus, &id, by, 0);
            published += 1;
        }
        let end = |gather: Gather<Talk>| match gather.wait() {
            Ok(result) => result,
            Err(error) => error.into_partial(),
        };
        match round % 5 {
            0 => drop(gather),
            1 => {
                gather.cancel_handle().cancel();
                drop(gather);
            }
            2 => {
                gather.cancel_handle().cancel();
                answer(&bus, &id, "b", 0);
                published += 1;
                let result = end(gather);
                accounted += result.responses.len() + result.duplicates + result.unexpected;
            }
            _ => {
                let result = end(gather);
                accounted += result.responses.len() + result.duplicates + result.unexpected;
            }
        }
        answer(&bus, &id, "a", 0);
        published += 1;
        assert_eq!(accounted as u64 + bus.stats().late_responses, published, "round {round}");
    }
    let (id, gather) = ask(&bus, expecting(&["a", "b"]));
    for by in ["a", "x", "a"] {
        answer(&bus, &id, by, 0);
    }
    bus.close();
    drop(gather);
    assert_eq!(accounted as u64 + bus.stats().late_responses, published + 3, "given up behind the close");
}

/// G8, G11: a result hands out the answers themselves: the requester has the only copy.
#[test]
fn result_holds_the_only_copy() {
    let bus = common::new_bus(0);
    let _questions = bus.subscriber("questions").types([QUESTION]).subscribe();
    bus.start();
    let token = Token(Arc::new(()));
    let gather = bus.request(Weighty::Question, expecting(&["a"])).unwrap();
    bus.publish(Weighty::Answer { by: "a", token: token.clone() }).unwrap();
    let result = gather.wait().unwrap();
    assert_eq!(token.copies(), 1);
    bus.publish(Weighty::Answer { by: "a", token: token.clone() }).unwrap();
    assert_eq!(token.copies(), 1, "nobody keeps a late one");
    drop(result);
    assert_eq!(token.copies(), 0);
}

/// An event that answers one request by making another.
#[derive(Clone, Debug, PartialEq)]
struct CounterQuestion {
    id: u64,
    answers: u64,
}

impl Event for CounterQuestion {
    fn event_type(&self) -> EventType {
        if self.id == 0 { ANSWER } else { QUESTION }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn as_request(&self) -> Option<&dyn Request> {
        Some(self)
    }

    fn as_response(&self) -> Option<&dyn Response> {
        Some(self)
    }
}

impl Request for CounterQuestion {
    fn request_id(&self) -> RequestId {
        RequestId::from(self.id)
    }
}

impl Response for CounterQuestion {
    fn request_id(&self) -> RequestId {
        RequestId::from(self.answers)
    }

    fn responder(&self) -> &str {
        "b"
    }
}

/// G8: an event may answer one request by making another. Where that fails, it was not accepted,
/// and so answers nothing.
#[test]
fn event_may_answer_by_asking() {
    let bus = common::new_bus(0);
    let questions = bus.subscriber("questions").types([QUESTION]).capacity(2).subscribe();
    bus.start();
    let question = |id, answers| CounterQuestion { id, answers };
    let first = bus.request(question(1, 99), expecting(&["b"])).unwrap();
    assert_eq!(bus.stats().late_responses, 1, "it answers nobody");

    let refused = bus.request(question(0, 1), expecting(&["b"])).unwrap_err();
    assert_eq!(refused, RequestError::NotDelivered(question(0, 1)));
    assert_eq!(first.received(), 0);
    assert_eq!(bus.stats().late_responses, 1);

    let second = bus.request(question(2, 1), expecting(&["b"])).unwrap();
    assert_eq!(first.wait().unwrap().responses, [question(2, 1)]);
    assert_eq!(questions.len(), 2);
    // Now the ring is full.
    let refused = bus.request(question(3, 2), expecting(&["b"])).unwrap_err();
    assert_eq!(refused, RequestError::NotDelivered(question(3, 2)));
    assert_eq!((second.received(), bus.stats().late_responses), (0, 1));
    drop(second);
}

/// G8: the same for a request that comes to the start-up log as the bus starts or closes: it is
/// refused as it would be by then, and answers nothing.
#[test]
fn request_that_the_log_turns_away_is_refused_like_any_other() {
    /// Starts or closes its bus as it is cloned, which is before it is put into the log.
    struct Turning {
        question: CounterQuestion,
        act: fn(&EventBus<Turning>),
        bus: WeakEventBus<Turning>,
    }
    impl Clone for Turning {
        fn clone(&self) -> Self {
            (self.act)(&self.bus.upgrade().unwrap());
            Self { question: self.question.clone(), act: |_| (), bus: self.bus.clone() }
        }
    }
    impl Event for Turning {
        fn event_type(&self) -> EventType {
            self.question.event_type()
        }

        fn timestamp(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH
        }

        fn as_request(&self) -> Option<&dyn Request> {
            Some(&self.question)
        }

        fn as_response(&self) -> Option<&dyn Response> {
            Some(&self.question)
        }
    }
    type Act = fn(&EventBus<Turning>);
    let [start, close]: [Act; 2] = [|bus| _ = bus.start(), |bus| bus.close()];
    for (act, has_subscriber) in [(start, false), (start, true), (close, true)] {
        let bus = common::new_bus(2);
        let subscriber = has_subscriber.then(|| bus.subscribe(2));
        let turning =
            |id, answers, act| Turning { question: CounterQuestion { id, answers }, act, bus: bus.downgrade() };
        let first = bus.request(turning(1, 99, |_| ()), expecting(&["b"])).unwrap();
        assert_eq!(first.published().buffered, 1);
        let refused = bus.request(turning(2, 1, act), expecting(&["b"]));
        match (&refused, has_subscriber, bus.is_closed()) {
            (Err(RequestError::NotDelivered(_)), false, false) | (Err(RequestError::Closed(_)), true, true) => {
                assert_eq!(first.received(), 0, "what is not accepted answers nothing");
            }
            (Ok(second), true, false) => {
                assert_eq!((second.published().delivered, first.received()), (1, 1));
            }
            (Ok(_), ..) => panic!("it was accepted"),
            (Err(error), ..) => panic!("{error}"),
        }
        let is_refused = refused.is_err();
        drop(refused);
        assert_eq!(bus.stats().requests_in_flight, 1, "a request that is refused leaves nothing behind");
        drop((first, subscriber));
        assert!(is_refused || has_subscriber);
    }
}

/// G7, G8: 100,000 requests from 4 threads to 3 responder threads: each is answered by all, nothing
/// is late, and nothing stays behind.
#[test]
fn hundred_thousand_requests_leave_nothing_behind() {
    const REQUESTERS: u64 = 4;
    const EACH: u64 = 25_000;
    let bus = common::new_bus(0);
    let responders = ["a", "b", "c"].map(|name| {
        let questions = bus.subscriber(name).types([QUESTION]).capacity(16).subscribe();
        let weak = bus.downgrade();
        thread::spawn(move || {
            let mut answered = 0;
            for question in questions {
                let Some(bus) = weak.upgrade() else { return answered };
                answer(&bus, question.id(), name, answered);
                answered += 1;
            }
            answered
        })
    });
    bus.start();
    // No timeout, which would end a wait that nobody wakes.
    let options = expecting(&["a", "b", "c"]).timeout(Duration::MAX);
    let requesters = [(); REQUESTERS as usize].map(|()| {
        let (bus, options) = (bus.clone(), options.clone());
        thread::spawn(move || {
            for _ in 0..EACH {
                let (id, gather) = ask(&bus, options.clone());
                let result = gather.wait().unwrap();
                assert!(result.responses.iter().all(|response| *response.id() == id), "its own answers");
                assert_eq!((result.duplicates, result.unexpected), (0, 0));
            }
        })
    });
    requesters.into_iter().for_each(|requester| requester.finish_in_steps(|| bus.stats().published));
    let stats = bus.stats();
    assert_eq!((stats.requests_in_flight, stats.late_responses, stats.dropped), (0, 0, 0));
    bus.close();
    assert_eq!(responders.map(Finish::finish), [REQUESTERS * EACH; 3]);
}

/// Errors give back what was handed in, need no `Debug` of the event, and read as phrases.
#[test]
fn errors_of_requests_say_what_they_mean() {
    fn is_error<T: std::error::Error>() {}
    is_error::<RequestError<Opaque>>();
    is_error::<GatherError<Opaque>>();
    struct Opaque;

    let texts = [
        (RequestError::NotARequest(1), "the event is not a request", "NotARequest(..)"),
        (
            RequestError::NoExpectedResponders(1),
            "no responder is expected: name those who answer in `RequestOptions::expecting`",
            "NoExpectedResponders(..)",
        ),
        (
            RequestError::DuplicateResponder(1),
            "a responder is named twice in `RequestOptions::expecting`",
            "DuplicateResponder(..)",
        ),
        (
            RequestError::InvalidMinimum { event: 1, required: 4, expected: 3 },
            "the minimum must be between 1 and 3 responses, and is 4",
            "InvalidMinimum { required: 4, expected: 3, .. }",
        ),
        (RequestError::DuplicateId(1), "a request with the same id is under way", "DuplicateId(..)"),
        (
            RequestError::NotDelivered(1),
            "no subscriber took the request: none wants its type, or every ring was full",
            "NotDelivered(..)",
        ),
        (
            RequestError::StartupFull(1),
            "the bus has not started and its start-up buffer is full: call `start`, or make room in `EventBus::new`",
            "StartupFull(..)",
        ),
        (RequestError::Closed(1), "the bus is closed", "Closed(..)"),
    ];
    for (error, display, debug) in texts {
        assert_eq!((error.to_string().as_str(), format!("{error:?}").as_str()), (display, debug));
        assert_eq!(error.into_inner(), 1);
    }

    let partial = RequestResult {
        responses: vec![Opaque],
        missing: vec!["b".into()],
        duplicates: 2,
        unexpected: 3,
        strangers: vec!["B".into()],
    };
    assert_eq!(
        format!("{partial:?}"),
        "RequestResult { responses: 1, missing: [\"b\"], duplicates: 2, unexpected: 3, strangers: [\"B\"] }"
    );
    let error = GatherError::TimedOut { after: Duration::from_secs(2), partial };
    assert_eq!(error.to_string(), "the request timed out after 2s, no response from b, unexpected response from B");
    assert!(format!("{error:?}").starts_with("TimedOut { after: 2s, partial: RequestResult {"), "{error:?}");
    assert_eq!(error.into_partial().unexpected, 3);
    let none = || RequestResult::<Opaque> {
        responses: vec![],
        missing: vec![],
        duplicates: 0,
        unexpected: 0,
        strangers: vec![],
    };
    assert_eq!(GatherError::Stopped { partial: none() }.to_string(), "the request was stopped");
    assert_eq!(GatherError::Cancelled { partial: none() }.to_string(), "the request was cancelled");
    assert_eq!(GatherError::Closed { partial: none() }.to_string(), "the bus was closed during the request");
}

/// Requests: gathers and handles travel between threads, and options are cheap to reuse.
#[test]
fn gathers_travel() {
    fn travels<T: Send + 'static>(_: &T) {}
    fn is_shared<T: Send + Sync + std::panic::UnwindSafe>(_: &T) {}
    let (bus, _questions) = talkative_bus();
    let options = expecting(&["a"]);
    assert_eq!(options, options.clone());
    assert_ne!(options, expecting(&["b"]));
    let (id, gather) = ask(&bus, options);
    is_shared(&gather);
    is_shared(&gather.cancel_handle());
    assert!(format!("{gather:?}").contains(&format!("RequestId({id})")), "{gather:?}");
    travels(&gather.until(pending::<()>()));
}
