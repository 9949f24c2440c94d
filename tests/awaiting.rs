//! Requests that are awaited, with the feature `tokio`, whose clock these tests stop and put
//! forward.

use crate::common::{Talk, answer, answers, panic_of, talkative_bus};
use ringbus::{EventBus, Gather, GatherError, RequestId, RequestOptions};
use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::{Instant, advance};

const ID: u64 = 1;
const HOUR: Duration = Duration::from_secs(3_600);

fn expecting(responders: &[&'static str]) -> RequestOptions {
    RequestOptions::expecting(responders.iter().copied())
}

fn ask(bus: &EventBus<Talk>, options: RequestOptions) -> Gather<Talk> {
    bus.request(Talk::Question(RequestId::from(ID)), options).unwrap()
}

fn reply(bus: &EventBus<Talk>, by: &'static str) {
    answer(bus, &RequestId::from(ID), by, 0);
}

/// Requests: an awaited gather gives the result when it is complete.
#[tokio::test(start_paused = true)]
async fn awaited_request_completes() {
    let (bus, mut questions) = talkative_bus();
    let responder = tokio::spawn({
        let bus = bus.clone();
        async move {
            questions.recv_async().await.unwrap();
            for by in ["b", "a"] {
                tokio::time::sleep(Duration::from_secs(4)).await;
                reply(&bus, by);
            }
        }
    });
    let begun = Instant::now();
    let result = ask(&bus, expecting(&["a", "b"])).await.unwrap();
    assert_eq!(answers(&result.responses), [("b", 0), ("a", 0)]);
    assert_eq!(begun.elapsed(), Duration::from_secs(8), "within the ten seconds of the default");
    responder.await.unwrap();
}

/// Requests: the timeout is kept by tokio's clock, to the millisecond.
#[tokio::test(start_paused = true)]
async fn timeout_is_kept_by_the_clock_of_tokio() {
    let (bus, _questions) = talkative_bus();
    for (options, after) in [
        (expecting(&["a", "b"]), Duration::from_secs(10)),
        (expecting(&["a", "b"]).timeout(HOUR), HOUR),
        (expecting(&["a", "b"]).timeout(Duration::ZERO), Duration::ZERO),
    ] {
        let begun = Instant::now();
        let gather = ask(&bus, options);
        reply(&bus, "b");
        let Err(GatherError::TimedOut { after: told, partial }) = gather.await else { panic!("a is missing") };
        let took = begun.elapsed();
        assert_eq!(told, after);
        assert!(took >= after && took <= after + Duration::from_millis(1), "{took:?} of {after:?}");
        assert_eq!(partial.errors(), ["no response from a"]);
        assert_eq!(answers(&partial.responses), [("b", 0)]);
    }
}

/// Requests: the timeout counts from the call of `request`, by that clock too.
#[tokio::test(start_paused = true)]
async fn timeout_counts_from_the_request() {
    let (bus, _questions) = talkative_bus();
    let gather = ask(&bus, expecting(&["a"]));
    advance(Duration::from_secs(7)).await;
    let begun = Instant::now();
    assert!(matches!(gather.await, Err(GatherError::TimedOut { .. })));
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(3) && took <= Duration::from_millis(3_001), "{took:?}");

    let gather = ask(&bus, expecting(&["a"]));
    advance(HOUR).await;
    let begun = Instant::now();
    assert!(matches!(gather.await, Err(GatherError::TimedOut { .. })));
    assert_eq!(begun.elapsed(), Duration::ZERO, "it was over before it was awaited");
}

/// G13: a timeout that is over ends the wait at the first look, which lets nobody else run before.
#[tokio::test(start_paused = true)]
async fn timeout_that_is_over_is_not_waited_for() {
    let (bus, _questions) = talkative_bus();
    for timeout in [Duration::ZERO, HOUR] {
        let gather = ask(&bus, expecting(&["a"]).timeout(timeout));
        advance(timeout).await;
        let poll = pin!(gather.into_future()).poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(poll, Poll::Ready(Err(GatherError::TimedOut { .. }))), "{timeout:?}");
    }
}

/// Requests: without a timeout, an awaited request waits as long as it takes.
#[tokio::test(start_paused = true)]
async fn request_without_timeout_waits() {
    let (bus, _questions) = talkative_bus();
    let waiting = tokio::spawn(ask(&bus, expecting(&["a"]).timeout(Duration::MAX)).into_future());
    tokio::time::sleep(1_000 * HOUR).await;
    assert!(!waiting.is_finished());
    reply(&bus, "a");
    assert!(waiting.await.unwrap().unwrap().is_complete());
}

/// Requests: the grace begins with the minimum, waits for the rest, and never goes on after the
/// timeout.
#[tokio::test(start_paused = true)]
async fn grace_is_kept_by_the_clock_of_tokio() {
    let (bus, _questions) = talkative_bus();
    let seconds = Duration::from_secs;
    // When a answers, the grace, when the wait ends.
    for (first, grace, end) in [(2, 3, 5), (2, 100, 10), (9, 3, 10), (0, 4, 4)] {
        let begun = Instant::now();
        let gather = ask(&bus, expecting(&["a", "b"]).min_responses(1).grace(seconds(grace)));
        let responder = tokio::spawn({
            let bus = bus.clone();
            async move {
                tokio::time::sleep(seconds(first)).await;
                reply(&bus, "a");
            }
        });
        let result = gather.await.unwrap();
        let took = begun.elapsed();
        assert_eq!(result.errors(), ["no response from b"]);
        let exact = took >= seconds(end) && took <= seconds(end) + Duration::from_millis(2);
        assert!(exact, "{first}, {grace}: {took:?}, not {end} s");
        responder.await.unwrap();
    }
}

/// Requests: without a timeout, a grace ends nothing until there are enough, however short it is.
#[tokio::test(start_paused = true)]
async fn grace_without_a_timeout_begins_with_the_minimum() {
    let (bus, _questions) = talkative_bus();
    let grace = Duration::from_secs(1);
    let options = expecting(&["a", "b"]).min_responses(1).timeout(Duration::MAX).grace(grace);
    let waiting = tokio::spawn(ask(&bus, options).into_future());
    tokio::time::sleep(HOUR).await;
    assert!(!waiting.is_finished());
    let begun = Instant::now();
    reply(&bus, "a");
    assert_eq!(waiting.await.unwrap().unwrap().errors(), ["no response from b"]);
    let took = begun.elapsed();
    assert!(took >= grace && took <= grace + Duration::from_millis(2), "{took:?}");
}

/// Requests: the grace begins once, however often the task is polled for something else; and never
/// goes on after the timeout.
#[tokio::test(start_paused = true)]
async fn grace_does_not_begin_anew_when_something_else_is_polled() {
    let (bus, _questions) = talkative_bus();
    let seconds = Duration::from_secs;
    // The timeout, the grace, when the wait ends.
    for (timeout, grace, end) in [(Duration::MAX, 3, 3), (HOUR, 3, 3), (seconds(5), 3, 3), (seconds(2), 3, 2)] {
        let options = expecting(&["a", "b"]).min_responses(1).timeout(timeout).grace(seconds(grace));
        let mut waiting = pin!(ask(&bus, options).into_future());
        reply(&bus, "a");
        let (begun, mut ticks) = (Instant::now(), 0);
        let result = loop {
            tokio::select! {
                result = &mut waiting => break result.unwrap(),
                () = tokio::time::sleep(Duration::from_millis(100)) => ticks += 1,
            }
            assert!(begun.elapsed() < seconds(60), "{timeout:?}, {grace}: it never ends");
        };
        assert_eq!(result.errors(), ["no response from b"]);
        let took = begun.elapsed();
        let exact = took >= seconds(end) && took <= seconds(end) + Duration::from_millis(2);
        assert!(exact && ticks > 10, "{timeout:?}, {grace}: {took:?}, not {end} s; {ticks} ticks");
    }
}

/// G7: the task that polled last is the one that is woken, by tokio's clock too.
#[tokio::test(start_paused = true)]
async fn last_task_that_awaits_answers_is_woken() {
    crate::requests::check_last_task(|gather| Box::pin(async move { drop(gather.await) }));
}

/// Requests: the rest that comes within the grace ends it.
#[tokio::test(start_paused = true)]
async fn rest_within_the_grace_ends_the_wait() {
    let (bus, _questions) = talkative_bus();
    let gather = ask(&bus, expecting(&["a", "b"]).min_responses(1).grace(HOUR).timeout(HOUR));
    reply(&bus, "a");
    let responder = tokio::spawn({
        let bus = bus.clone();
        async move {
            tokio::time::sleep(Duration::from_secs(60)).await;
            reply(&bus, "b");
        }
    });
    let begun = Instant::now();
    assert!(gather.await.unwrap().is_complete());
    assert_eq!(begun.elapsed(), Duration::from_secs(60));
    responder.await.unwrap();
}

/// Requests: cancelling and closing end the wait of a task.
#[tokio::test(start_paused = true)]
async fn cancel_and_close_end_the_wait() {
    let (bus, _questions) = talkative_bus();
    let gather = ask(&bus, expecting(&["a"]));
    let handle = gather.cancel_handle();
    let waiting = tokio::spawn(gather.into_future());
    tokio::task::yield_now().await;
    handle.cancel();
    assert!(matches!(waiting.await.unwrap(), Err(GatherError::Cancelled { .. })));

    let waiting = tokio::spawn(ask(&bus, expecting(&["a"])).into_future());
    tokio::task::yield_now().await;
    bus.close();
    assert!(matches!(waiting.await.unwrap(), Err(GatherError::Closed { .. })));
    assert_eq!(bus.stats().requests_in_flight, 0);
}

/// G8: a future that is dropped, as `select!` does it, gives the request up.
#[tokio::test(start_paused = true)]
async fn dropped_future_gives_the_request_up() {
    let (bus, _questions) = talkative_bus();
    tokio::select! {
        _ = ask(&bus, expecting(&["a"])).into_future() => panic!("nobody answers"),
        () = tokio::time::sleep(Duration::from_secs(1)) => {}
    }
    assert_eq!(bus.stats().requests_in_flight, 0);
}

/// Requests: without a clock a gather is not awaited, whether or not the answers are there by then.
#[test]
fn without_a_clock_no_timeout_is_awaited() {
    let clockless = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for place in ["outside a runtime", "in a runtime without time"] {
        for is_answered in [false, true] {
            for options in [expecting(&["a"]), expecting(&["a"]).timeout(Duration::MAX).grace(HOUR)] {
                let (bus, _questions) = talkative_bus();
                let gather = ask(&bus, options);
                if is_answered {
                    reply(&bus, "a");
                }
                let message = match place {
                    "outside a runtime" => panic_of(|| gather.into_future()),
                    _ => clockless.block_on(async { panic_of(|| gather.into_future()) }),
                };
                assert!(message.contains("reactor") || message.contains("timers are disabled"), "{place}: {message}");
                assert_eq!(bus.stats().requests_in_flight, 0, "the request is given up");
            }
        }
    }
}

/// Requests: no timeout, no clock; and a future that was ready is not polled again.
#[test]
fn request_without_a_timeout_is_awaited_anywhere() {
    let (bus, _questions) = talkative_bus();
    let mut context = Context::from_waker(Waker::noop());
    let mut future = pin!(ask(&bus, expecting(&["a"]).timeout(Duration::MAX)).into_future());
    assert!(future.as_mut().poll(&mut context).is_pending());
    reply(&bus, "a");
    assert!(matches!(future.as_mut().poll(&mut context), Poll::Ready(Ok(_))));
    assert_eq!(panic_of(|| future.as_mut().poll(&mut context)), "polled after it was ready");
}
