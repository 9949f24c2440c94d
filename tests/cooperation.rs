//! Taking turns: a task that always finds something to receive lets its neighbours run, on every
//! kind of runtime.

use crate::common::{
    self, CountingWaker, EVEN, Number, ODD, Talk, answer, finishes, live, panic_of, poll_next, publish, talkative_bus,
};
use async_executor::Executor;
use futures_executor::{LocalPool, block_on};
use futures_util::future::{join, join_all, select};
use futures_util::task::LocalSpawnExt;
use futures_util::{FutureExt, StreamExt};
use ringbus::{EventBus, Gather, RecvError, RequestId, RequestOptions, Subscription};
use std::future::{Future, pending, poll_fn, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::time::timeout;

/// G12: how many events one task receives at most without going back to its executor.
const TURN: usize = 128;

/// How many events the greedy tasks of a test receive. A task that never goes back comes to an end
/// all the same.
const EVENTS: usize = 20 * TURN;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the greedy tasks of a test have received, and what their neighbour saw of it.
#[derive(Default)]
struct Progress {
    received: AtomicUsize,
    /// The most events between two turns of the neighbour.
    longest: AtomicUsize,
}

impl Progress {
    /// Counts an event; says whether to go on.
    fn count(&self) -> bool {
        self.count_many(1)
    }

    /// Counts some events; says whether to go on.
    fn count_many(&self, events: usize) -> bool {
        self.received.fetch_add(events, SeqCst) + events < EVENTS
    }

    fn is_over(&self) -> bool {
        self.received.load(SeqCst) >= EVENTS
    }
}

/// Goes back to the executor once.
async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A task that wants to run between any two turns of the others.
async fn neighbour(progress: Arc<Progress>) {
    let mut before = 0;
    while !progress.is_over() {
        yield_now().await;
        let received = progress.received.load(SeqCst);
        progress.longest.fetch_max(received - before, SeqCst);
        before = received;
    }
}

/// Runs tasks to their end.
type Runtime = fn(Vec<Task>);

const RUNTIMES: [(&str, Runtime); 5] = [
    ("tokio, on the thread that calls", |tasks| {
        Builder::new_current_thread().build().unwrap().block_on(spawn_on_tokio(tasks));
    }),
    ("tokio, on one worker", |tasks| {
        Builder::new_multi_thread().worker_threads(1).build().unwrap().block_on(spawn_on_tokio(tasks));
    }),
    ("smol's executor", |tasks| {
        let executor = Executor::new();
        let spawned: Vec<_> = tasks.into_iter().map(|task| executor.spawn(task)).collect();
        block_on(executor.run(join_all(spawned)));
    }),
    ("a local pool of futures", |tasks| {
        let mut pool = LocalPool::new();
        let spawner = pool.spawner();
        tasks.into_iter().for_each(|task| spawner.spawn_local(task).unwrap());
        pool.run();
    }),
    ("one task of futures", |tasks| {
        // Polls both whenever one was woken. (With more of them, `join_all` would be an executor of
        // its own.)
        let [one, other] = <[Task; 2]>::try_from(tasks).ok().expect("two tasks");
        block_on(join(one, other));
    }),
];

async fn spawn_on_tokio(tasks: Vec<Task>) {
    let spawned: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    for task in spawned {
        task.await.unwrap();
    }
}

/// Runs a greedy task beside a neighbour, on every runtime.
fn assert_cooperates(greedy: fn(Arc<Progress>) -> Task) {
    for (name, run) in RUNTIMES {
        let progress = Arc::new(Progress::default());
        let tasks: Vec<Task> = vec![Box::pin(neighbour(Arc::clone(&progress))), greedy(Arc::clone(&progress))];
        finishes(move || run(tasks));
        assert!(progress.is_over(), "{name}");
        let longest = progress.longest.load(SeqCst);
        assert!(longest <= TURN, "{name}: {longest} events were received without a turn of the neighbour");
    }
}

/// A bus, and subscriptions with an event each, to all events or to those of one type.
fn busy<const N: usize>() -> (EventBus<Number>, [Subscription<Number>; N]) {
    let bus = live();
    let subscriptions = std::array::from_fn(|index| {
        let types = if N == 1 { vec![EVEN, ODD] } else { vec![[EVEN, ODD][index]] };
        bus.subscriber("greedy").types(types).subscribe()
    });
    publish(&bus, 0..N as u64);
    (bus, subscriptions)
}

/// Receives, and publishes the same event anew, so that there is always another one.
async fn receive_greedily(bus: EventBus<Number>, mut subscription: Subscription<Number>, progress: Arc<Progress>) {
    while let Ok(number) = subscription.recv_async().await {
        bus.publish(number).unwrap();
        if !progress.count() {
            break;
        }
    }
}

/// G12: a receiver that finds an event each time.
#[test]
fn receiver_lets_its_neighbours_run() {
    assert_cooperates(|progress| {
        let (bus, [subscription]) = busy();
        Box::pin(receive_greedily(bus, subscription, progress))
    });
}

/// G12: the same for one that reads a replay.
#[test]
fn receiver_of_a_replay_lets_its_neighbours_run() {
    assert_cooperates(|progress| {
        let bus = common::new_bus(EVENTS);
        let mut subscription = bus.subscribe(1);
        publish(&bus, 0..EVENTS as u64);
        bus.start();
        Box::pin(async move { while subscription.recv_async().await.is_ok() && progress.count() {} })
    });
}

/// G12: one that takes many at a time, of a ring that is always full: each of them counts.
#[test]
fn receiver_of_batches_lets_its_neighbours_run() {
    fn greedy<const MAX: usize>(progress: Arc<Progress>) -> Task {
        let bus = live();
        let mut subscription = bus.subscribe(EVENTS);
        publish(&bus, 0..EVENTS as u64);
        Box::pin(async move {
            let mut batch = Vec::new();
            while let Ok(count) = subscription.recv_many_async(&mut batch, MAX).await {
                assert_eq!(count, batch.len());
                bus.publish_batch(&batch).unwrap();
                batch.clear();
                if !progress.count_many(count) {
                    break;
                }
            }
        })
    }
    assert_cooperates(greedy::<{ usize::MAX }>);
    assert_cooperates(greedy::<100>);
    assert_cooperates(greedy::<1>);
}

/// G12: what one receiver takes at a time, and what another takes one by one, is of the same turn.
#[test]
fn batches_and_single_events_share_a_turn() {
    let bus = live();
    let [mut batches, mut singles] = [bus.subscribe(1_000), bus.subscribe(1_000)];
    publish(&bus, 0..1_000);
    let mut turns = Vec::new();
    let mut batch = Vec::new();
    // A thread of its own, on which nobody has received before.
    finishes(move || {
        block_on(async {
            for single in [28, 127, 128] {
                for _ in 0..single {
                    assert!(singles.recv_async().await.is_ok());
                }
                turns.push(batches.recv_many_async(&mut batch, usize::MAX).await.unwrap());
            }
            assert_eq!(turns, [100, 1, 128], "what was left of the turn, or a whole one");
        });
    });
}

/// G12: a receiver that other threads poll, as those of a runtime do, has the turn that is left to
/// it, and not another one for each thread.
#[test]
fn receiver_that_another_thread_polls_next_has_one_turn() {
    let bus = live();
    let mut subscription = bus.subscribe(1_000);
    publish(&bus, 0..1_000);
    for _ in 0..3 {
        let polled = finishes(move || {
            let polls = std::iter::from_fn(|| subscription.recv_async().now_or_never());
            (polls.count(), subscription)
        });
        assert_eq!(polled.0, TURN);
        subscription = polled.1;
    }
}

/// G7, G12: each receiver that is sent back wakes the task: the one before may have been given up
/// since, and would not be polled again.
#[test]
fn every_receiver_that_is_sent_back_wakes_the_task() {
    let bus = live();
    let mut busy: [_; 4] = std::array::from_fn(|_| bus.subscribe(200));
    publish(&bus, 0..200);
    // A thread of its own, on which nobody has received before.
    finishes(move || {
        let (counter, waker) = CountingWaker::new();
        let mut context = Context::from_waker(&waker);
        let [first, second, third, fourth] = &mut busy;
        for _ in 0..TURN {
            assert!(poll_next(first, &waker).is_ready());
        }
        assert!(pin!(first.recv_async()).poll(&mut context).is_pending());
        assert!(pin!(second.recv_many_async(&mut Vec::new(), 1)).poll(&mut context).is_pending());
        assert!(pin!(third.recv_async()).poll(&mut context).is_pending());
        assert!(poll_next(fourth, &waker).is_pending());
        assert_eq!(counter.wakes(), 4);
    });
}

/// G10, G12: who was told `Closed` is told so at once for good, also in a task that has used up its
/// turn.
#[test]
fn closed_is_ready_in_a_turn_that_is_over() {
    let bus = live();
    let [mut closed, mut busy] = [bus.subscribe(1), bus.subscribe(200)];
    closed.stop_handle().stop();
    publish(&bus, 0..200);
    // A thread of its own, on which nobody has received before.
    let test = thread::spawn(move || {
        assert_eq!(closed.recv_async().now_or_never(), Some(Err(RecvError)));
        let received = (0..200).take_while(|_| busy.recv_async().now_or_never().is_some()).count();
        assert_eq!(received, 128);
        assert_eq!(closed.recv_async().now_or_never(), Some(Err(RecvError)));
        assert_eq!(closed.recv_many_async(&mut Vec::new(), 1).now_or_never(), Some(Err(RecvError)));
        assert_eq!(closed.next().now_or_never(), Some(None));
    });
    test.join().unwrap();
}

/// G9, G12: a task is sent back once a turn, also if its waker panics as it is.
#[test]
fn task_whose_waker_panics_as_it_is_sent_back_receives_at_its_next_poll() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("not to be woken");
        }
    }
    let bus = live();
    let mut busy = bus.subscribe(200);
    publish(&bus, 0..200);
    // A thread of its own, on which nobody has received before.
    finishes(move || {
        let waker = Waker::from(Arc::new(Panics));
        for number in 0..TURN as u64 {
            assert_eq!(poll_next(&mut busy, &waker), Poll::Ready(Some(Number(number))));
        }
        assert_eq!(panic_of(|| poll_next(&mut busy, &waker)), "not to be woken");
        assert_eq!(poll_next(&mut busy, &waker), Poll::Ready(Some(Number(TURN as u64))));
    });
}

/// G12: a stream that has an event each time, also where a combinator polls it again and again by
/// itself.
#[test]
fn stream_lets_its_neighbours_run() {
    assert_cooperates(|progress| {
        let (bus, [mut subscription]) = busy();
        Box::pin(async move {
            while let Some(number) = subscription.next().await {
                bus.publish(number).unwrap();
                if !progress.count() {
                    break;
                }
            }
        })
    });
    assert_cooperates(|progress| {
        let (bus, [subscription]) = busy();
        let events = subscription.take_while(move |&number| {
            bus.publish(number).unwrap();
            ready(progress.count())
        });
        Box::pin(events.for_each(|_| ready(())))
    });
}

/// G12: a task that selects among two receivers, each of which finds an event each time.
#[test]
fn task_that_selects_lets_its_neighbours_run() {
    assert_cooperates(|progress| {
        let (bus, [mut evens, mut odds]) = busy();
        Box::pin(async move {
            loop {
                let received = select(evens.recv_async(), odds.recv_async()).await.factor_first().0;
                bus.publish(received.unwrap()).unwrap();
                if !progress.count() {
                    break;
                }
            }
        })
    });
    // In turns: now this one is asked first, now that one.
    assert_cooperates(|progress| {
        let (bus, [mut evens, mut odds]) = busy();
        Box::pin(async move {
            loop {
                let received = tokio::select! {
                    received = evens.recv_async() => received,
                    received = odds.recv_async() => received,
                };
                bus.publish(received.unwrap()).unwrap();
                if !progress.count() {
                    break;
                }
            }
        })
    });
}

/// G12: a task that joins two receivers, each of which finds an event each time.
#[test]
fn task_that_joins_lets_its_neighbours_run() {
    assert_cooperates(|progress| {
        let (bus, [evens, odds]) = busy();
        let [one, other] = [evens, odds].map(|it| receive_greedily(bus.clone(), it, Arc::clone(&progress)));
        Box::pin(async move { _ = join(one, other).await })
    });
}

/// Asks for an answer that is there before anybody waits for it.
fn ask(bus: &EventBus<Talk>, questions: &Subscription<Talk>) -> Gather<Talk> {
    let options = RequestOptions::expecting(["a"]).timeout(Duration::MAX);
    let gather = bus.request(Talk::Question(RequestId::unique()), options).unwrap();
    answer(bus, questions.try_recv().unwrap().id(), "a", 1);
    gather
}

/// G12: a task that asks, and finds the answers there each time.
#[test]
fn requester_lets_its_neighbours_run() {
    assert_cooperates(|progress| {
        let (bus, questions) = talkative_bus();
        Box::pin(async move { while ask(&bus, &questions).until(pending::<()>()).await.is_ok() && progress.count() {} })
    });
    #[cfg(feature = "tokio")]
    assert_cooperates(|progress| {
        let (bus, questions) = talkative_bus();
        Box::pin(async move { while ask(&bus, &questions).await.is_ok() && progress.count() {} })
    });
}

/// G7, G12: a wait that finds nothing uses up nothing of its task's turn: it wakes nobody, however
/// often it is polled.
#[test]
fn requester_that_finds_nothing_is_not_sent_back() {
    // A thread of its own, on which nobody has received before.
    finishes(|| {
        let (bus, _questions) = talkative_bus();
        let id = RequestId::unique();
        let gather = bus.request(Talk::Question(id.clone()), RequestOptions::expecting(["a"])).unwrap();
        let (counter, waker) = CountingWaker::new();
        let mut context = Context::from_waker(&waker);
        let mut waiting = pin!(gather.until(pending::<()>()));
        for _ in 0..2 * TURN {
            assert!(waiting.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(counter.wakes(), 0);
        answer(&bus, &id, "a", 1);
        assert_eq!(counter.wakes(), 1);
        assert!(matches!(waiting.as_mut().poll(&mut context), Poll::Ready(Ok(_))));
    });
}

/// G12: greedy tasks on one thread take turns among themselves as well: when the first one has all
/// its events, the others have had their share.
#[test]
fn greedy_tasks_take_turns() {
    for (name, run) in &RUNTIMES[..4] {
        let counts: [_; 3] = std::array::from_fn(|_| Arc::new(Progress::default()));
        let is_over = Arc::new(AtomicBool::new(false));
        // On a busy machine, the first one could be through before the last one is there.
        let waiting = Arc::new(AtomicUsize::new(counts.len()));
        let tasks = counts.each_ref().map(|progress| {
            let (progress, is_over, waiting) = (Arc::clone(progress), Arc::clone(&is_over), Arc::clone(&waiting));
            let (bus, [mut subscription]) = busy();
            let task: Task = Box::pin(async move {
                waiting.fetch_sub(1, SeqCst);
                while waiting.load(SeqCst) > 0 {
                    yield_now().await;
                }
                while !is_over.load(SeqCst) {
                    bus.publish(subscription.recv_async().await.unwrap()).unwrap();
                    if !progress.count() {
                        is_over.store(true, SeqCst);
                    }
                }
            });
            task
        });
        let run = *run;
        finishes(move || run(tasks.into()));
        let received = counts.map(|progress| progress.received.load(SeqCst));
        assert!(received.iter().all(|&received| received >= EVENTS / 2), "{name}: {received:?}");
    }
}

/// G12: a time-out of tokio fires, although its task finds an event each time.
#[tokio::test]
async fn time_out_fires_beside_a_greedy_receiver() {
    const PLENTY: usize = 10_000_000;
    let (bus, [mut subscription]) = busy();
    let greedy = async {
        for _ in 0..PLENTY {
            bus.publish(subscription.recv_async().await.unwrap()).unwrap();
        }
    };
    assert!(timeout(Duration::from_millis(1), greedy).await.is_err(), "it has received {PLENTY} events");
}
