//! Requests among the tasks of a runtime, without the feature `tokio`: `until`, with the runtime's
//! own sleep or token.

use crate::common::{self, LONG, QUESTION, Talk, answer, answers, talkative_bus};
use ringbus::{GatherError, RequestId, RequestOptions};
use std::future::pending;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

fn expecting(responders: &[&'static str]) -> RequestOptions {
    RequestOptions::expecting(responders.iter().copied())
}

/// Answers every question, until the bus is closed.
async fn respond(
    bus: ringbus::WeakEventBus<Talk>,
    mut questions: ringbus::Subscription<Talk>,
    name: &'static str,
) -> u64 {
    let mut answered = 0;
    while let Ok(question) = questions.recv_async().await {
        let Some(bus) = bus.upgrade() else { break };
        answer(&bus, question.id(), name, answered);
        answered += 1;
    }
    answered
}

/// G7, G8: responders and requesters may all be tasks, of one thread or several.
async fn tasks_ask_and_answer(requests: u64) {
    let bus = common::new_bus(0);
    let mut responders = JoinSet::new();
    for name in ["a", "b", "c"] {
        let questions = bus.subscriber(name).types([QUESTION]).subscribe();
        responders.spawn(respond(bus.downgrade(), questions, name));
    }
    bus.start();
    let mut requesters = JoinSet::new();
    for _ in 0..4 {
        let bus = bus.clone();
        requesters.spawn(async move {
            for _ in 0..requests {
                let id = RequestId::unique();
                let gather = bus.request(Talk::Question(id.clone()), expecting(&["a", "b", "c"])).unwrap();
                let result = gather.until(tokio::time::sleep(LONG)).await.unwrap();
                assert!(result.is_complete());
                assert!(result.responses.iter().all(|response| *response.id() == id));
            }
        });
    }
    while let Some(joined) = requesters.join_next().await {
        joined.unwrap();
    }
    assert_eq!(bus.stats().requests_in_flight, 0);
    bus.close();
    while let Some(answered) = responders.join_next().await {
        assert_eq!(answered.unwrap(), 4 * requests);
    }
}

#[tokio::test]
async fn tasks_on_one_thread_ask_and_answer() {
    tasks_ask_and_answer(500).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tasks_on_several_threads_ask_and_answer() {
    tasks_ask_and_answer(500).await;
}

/// G8: a thread may ask tasks, and a task threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_and_tasks_ask_each_other() {
    let bus = common::new_bus(0);
    let asked_tasks = bus.subscriber("task").types([QUESTION]).subscribe();
    let asked_threads = bus.subscriber("thread").types([QUESTION]).subscribe();
    bus.start();
    let task = tokio::spawn(respond(bus.downgrade(), asked_tasks, "task"));
    let thread = std::thread::spawn({
        let bus = bus.downgrade();
        move || {
            for question in asked_threads {
                let Some(bus) = bus.upgrade() else { return };
                answer(&bus, question.id(), "thread", 0);
            }
        }
    });
    let options = expecting(&["task", "thread"]).timeout(LONG);
    let from_task = bus.request(Talk::Question(RequestId::from(1)), options.clone()).unwrap();
    assert!(from_task.until(tokio::time::sleep(LONG)).await.unwrap().is_complete());
    let from_thread = tokio::task::spawn_blocking({
        let bus = bus.clone();
        move || bus.request(Talk::Question(RequestId::from(2)), options).unwrap().wait().unwrap()
    });
    assert!(from_thread.await.unwrap().is_complete());
    bus.close();
    task.await.unwrap();
    tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
}

/// Requests: any future stops the wait: here a token that another task holds.
#[tokio::test]
async fn token_of_another_task_stops_the_wait() {
    let (bus, _questions) = talkative_bus();
    let gather = bus.request(Talk::Question(RequestId::from(1)), expecting(&["a", "b"])).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let waiting = tokio::spawn(gather.until(stopped));
    answer(&bus, &RequestId::from(1), "a", 7);
    stop.send(()).unwrap();
    let Err(GatherError::Stopped { partial }) = waiting.await.unwrap() else { panic!("it was stopped") };
    assert_eq!(answers(&partial.responses), [("a", 7)]);
    assert_eq!(partial.errors(), ["no response from b"]);
}

/// G7: a task that waits for answers is woken when they are complete, and not polled in between.
#[tokio::test]
async fn waiting_task_is_polled_only_for_what_it_waits_for() {
    let (bus, _questions) = talkative_bus();
    let gather = bus.request(Talk::Question(RequestId::from(1)), expecting(&["a", "b", "c"])).unwrap();
    let (tell, mut polls) = mpsc::unbounded_channel();
    let counted_stop = std::future::poll_fn(move |_| -> std::task::Poll<()> {
        tell.send(()).unwrap();
        std::task::Poll::Pending
    });
    let waiting = tokio::spawn(gather.until(counted_stop));
    polls.recv().await.unwrap();
    for name in ["a", "x", "b"] {
        answer(&bus, &RequestId::from(1), name, 0);
        tokio::task::yield_now().await;
    }
    assert!(polls.try_recv().is_err(), "not complete, not woken");
    answer(&bus, &RequestId::from(1), "c", 0);
    assert!(waiting.await.unwrap().unwrap().is_complete());
}

/// G8: an aborted task gives its request up.
#[tokio::test]
async fn aborted_task_gives_its_request_up() {
    let (bus, _questions) = talkative_bus();
    let gather = bus.request(Talk::Question(RequestId::from(1)), expecting(&["a"])).unwrap();
    let waiting = tokio::spawn(gather.until(pending::<()>()));
    tokio::task::yield_now().await;
    assert_eq!(bus.stats().requests_in_flight, 1);
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert_eq!(bus.stats().requests_in_flight, 0);
    answer(&bus, &RequestId::from(1), "a", 0);
    assert_eq!(bus.stats().late_responses, 1);
}

/// G10: closing the bus ends the wait of a task.
#[tokio::test]
async fn close_ends_the_wait_of_a_task() {
    let (bus, _questions) = talkative_bus();
    let gather = bus.request(Talk::Question(RequestId::from(1)), expecting(&["a"])).unwrap();
    let waiting = tokio::spawn(gather.until(tokio::time::sleep(Duration::MAX)));
    tokio::task::yield_now().await;
    bus.close();
    assert!(matches!(waiting.await.unwrap(), Err(GatherError::Closed { .. })));
}
