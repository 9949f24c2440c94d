//! Everything at once, for long: memory ends where it began, and every event is accounted for. A
//! counting allocator of its own, and one test: nothing else may allocate meanwhile.
//!
//! The environment variable `RINGBUS_SOAK_EVENTS` says how many events to publish;
//! `RINGBUS_UNDER_SANITIZER` that memory is not the program's alone.

mod common;

use common::memory::CountingAllocator;
use common::{Finish, Gate, LANES, LONG, QUESTION, Random, Talk, ThreadProbe, stats_of, wait_until};
use dashmap::DashMap;
use ringbus::{
    Event, EventBus, EventType, Overflow, Published, Publisher, Request, RequestId, RequestOptions, Response,
    Subscription,
};
use std::array;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::SystemTime;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Threads that a bus is kept busy by.
const THREADS: usize = 8;

/// What travels: news on a lane, of which every copy has memory of its own, and questions and
/// answers.
#[derive(Clone)]
enum Message {
    News(usize, #[expect(dead_code, reason = "owned, never read")] Box<[u64; 8]>),
    Talk(Talk),
}

impl Message {
    fn news(lane: usize) -> Self {
        Self::News(lane, Box::default())
    }
}

impl Event for Message {
    fn event_type(&self) -> EventType {
        match self {
            Self::News(lane, _) => LANES[*lane],
            Self::Talk(talk) => talk.event_type(),
        }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn as_request(&self) -> Option<&dyn Request> {
        if let Self::Talk(talk) = self { talk.as_request() } else { None }
    }

    fn as_response(&self) -> Option<&dyn Response> {
        if let Self::Talk(talk) = self { talk.as_response() } else { None }
    }
}

/// Starts a thread that waits at the gate. By then it is known to arc-swap, which keeps a record
/// for each thread of the moment in which there are most of them: so there are as many in every
/// round.
fn spawn<T: Send + 'static>(
    bus: &EventBus<Message>,
    gate: &Arc<Gate>,
    code: impl FnOnce(&EventBus<Message>) -> T + Send + 'static,
) -> JoinHandle<T> {
    let (bus, gate) = (bus.clone(), Arc::clone(gate));
    thread::spawn(move || {
        _ = bus.subscriber_count();
        gate.pass();
        code(&bus)
    })
}

/// Publishes so many events on the lanes by turns: by bus, or by `Publisher`, and then one by one
/// and in batches. Gives what it was told, by lane.
fn publish(
    bus: &EventBus<Message>,
    mut publisher: Option<Publisher<Message>>,
    events: u64,
) -> [Published; LANES.len()] {
    const BATCH: usize = 4;
    let mut told = [Published::default(); LANES.len()];
    let (mut published, mut turn) = (0, 0);
    while published < events {
        let lane = turn % LANES.len();
        let (result, count) = match &mut publisher {
            None => (bus.publish(Message::news(lane)).unwrap(), 1),
            Some(publisher) if events - published < BATCH as u64 || turn / LANES.len() % 2 == 0 => {
                (publisher.publish(Message::news(lane)).unwrap(), 1)
            }
            Some(publisher) => {
                let batch: [_; BATCH] = array::from_fn(|_| Message::news(lane));
                (publisher.publish_batch(&batch).unwrap(), BATCH as u64)
            }
        };
        told[lane] += result;
        published += count;
        turn += 1;
    }
    told
}

/// Receives until the bus is closed, and rests after each event. Gives how many came.
fn read(subscription: Subscription<Message>, rest: impl Fn()) -> (u64, Subscription<Message>) {
    let mut received = 0;
    while subscription.recv().is_ok() {
        received += 1;
        rest();
    }
    (received, subscription)
}

/// Answers every question, and gives how many there were.
fn respond(bus: &EventBus<Message>, questions: Subscription<Message>, name: &'static str) -> u64 {
    let mut answered = 0;
    for message in questions {
        let Message::Talk(question) = message else { panic!("it asked for questions") };
        bus.publish(Message::Talk(Talk::Answer { to: question.id().clone(), by: name, value: 0 })).unwrap();
        answered += 1;
    }
    answered
}

const RESPONDERS: [&str; 2] = ["a", "b"];

/// Asks so many questions one after the other, and gives every fifth up, but not the last: then all
/// have been answered when this returns. Gives how many answers it has got.
fn ask(bus: &EventBus<Message>, questions: u64) -> u64 {
    let options = RequestOptions::expecting(RESPONDERS).timeout(LONG);
    let mut answers = 0;
    for number in 0..questions {
        let gather = bus.request(Message::Talk(Talk::Question(RequestId::unique())), options.clone()).unwrap();
        if number % 5 != 0 || number + 1 == questions {
            answers += gather.wait().unwrap().responses.len() as u64;
        }
    }
    answers
}

fn guest(bus: &EventBus<Message>) -> Subscription<Message> {
    bus.subscriber("guest").types([LANES[3]]).capacity(4).subscribe()
}

/// Subscribes again and again, receives a little and leaves, until it is over. Gives how many
/// events the guests have received: those of the first, who stays to the end, at least.
fn come_and_go(bus: &EventBus<Message>, first: Subscription<Message>, is_over: &AtomicBool) -> u64 {
    let mut random = Random::new(1);
    let mut received = 0;
    while !is_over.load(SeqCst) {
        let guest = guest(bus);
        for _ in 0..random.below(8) {
            received += u64::from(guest.try_recv().is_ok());
            thread::yield_now();
        }
    }
    received + first.try_iter().count() as u64
}

/// The whole life of a bus that is kept busy from all sides, and the balance at its end. Gives how
/// many bytes were allocated when all was over and the bus still there.
fn live_and_close(events: u64) -> isize {
    const BACKLOG: usize = 64;
    let questions = events / 40;
    let bus = common::new_bus(BACKLOG);
    let on_lane = |lane: usize, capacity, overflow| {
        bus.subscriber(format!("lane {lane}")).types([LANES[lane]]).capacity(capacity).overflow(overflow).subscribe()
    };
    let (steady, slow) = (on_lane(0, 1_024, Overflow::DropNewest), on_lane(1, 8, Overflow::DropNewest));
    let stalled = on_lane(2, 8, Overflow::DropOldest);
    let asked = RESPONDERS.map(|name| (name, bus.subscriber(name).types([QUESTION]).capacity(16).subscribe()));
    for _ in 0..BACKLOG {
        bus.publish(Message::news(0)).unwrap();
    }
    assert_eq!(bus.start(), BACKLOG);

    let gate = Arc::new(Gate::new(THREADS));
    let is_over = Arc::<AtomicBool>::default();
    let reading = [
        spawn(&bus, &gate, |_| read(steady, || ())),
        spawn(&bus, &gate, |_| read(slow, || (0..20).for_each(|_| thread::yield_now()))),
    ];
    let guests = spawn(&bus, &gate, {
        let (first, is_over) = (guest(&bus), Arc::clone(&is_over));
        move |bus| come_and_go(bus, first, &is_over)
    });
    let responding = asked.map(|(name, questions)| spawn(&bus, &gate, move |bus| respond(bus, questions, name)));
    let asking = spawn(&bus, &gate, move |bus| ask(bus, questions));
    let publishing = [None, Some(bus.publisher())]
        .map(|publisher| spawn(&bus, &gate, move |bus| publish(bus, publisher, events / 2)));

    let told = publishing.map(Finish::finish).into_iter().reduce(|mut told, other| {
        told.iter_mut().zip(other).for_each(|(told, other)| *told += other);
        told
    });
    let gathered = asking.finish();
    is_over.store(true, SeqCst);
    let guests_received = guests.finish();
    bus.close();
    let [(steady, _steady), (slow, _slow)] = reading.map(Finish::finish);
    let answered = responding.map(Finish::finish);

    let told = told.unwrap();
    let stats = bus.stats();
    for (lane, (received, replayed)) in [(steady, BACKLOG as u64), (slow, 0), (0, 0)].into_iter().enumerate() {
        let stats = stats_of(&bus, &format!("lane {lane}"));
        let accounted = stats.received + stats.len as u64 + stats.evicted + stats.discarded;
        assert_eq!(stats.received, received, "{stats:?}");
        assert_eq!(accounted, told[lane].delivered as u64 + replayed, "{stats:?}");
        assert_eq!(stats.dropped, told[lane].dropped as u64, "{stats:?}");
    }
    assert!(0 < guests_received && guests_received <= told[3].delivered as u64, "{guests_received}");
    assert_eq!(answered, [questions; RESPONDERS.len()], "G8: each was asked everything");
    let answers: u64 = answered.iter().sum();
    assert_eq!(gathered + stats.late_responses, answers, "G8: an answer is in a result, or late");
    assert_eq!(stats.requests_in_flight, 0);
    let delivered: usize = told.iter().map(|told| told.delivered).sum();
    let dropped: usize = told.iter().map(|told| told.dropped).sum();
    assert_eq!(stats.published, BACKLOG as u64 + events / 2 * 2 + questions + answers);
    assert_eq!((stats.delivered, stats.dropped), (delivered as u64 + 2 * questions, dropped as u64));
    drop(stats);
    let live = CountingAllocator::live_bytes();
    drop(stalled);
    live
}

/// Lets as many threads as a round has wait for a lock of a `DashMap` at the same moment: the first
/// ones that do bring a table for their queues, which the process keeps.
fn contend() {
    let map = DashMap::new();
    let held = map.entry(());
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..THREADS)
            .map(|_| {
                let (tell, told) = mpsc::channel();
                scope.spawn(|| {
                    let tell = tell;
                    tell.send(ThreadProbe::current()).unwrap();
                    _ = map.get(&());
                });
                told.recv().unwrap()
            })
            .collect();
        wait_until(|| waiting.iter().all(ThreadProbe::is_asleep));
        held.insert(());
    });
}

/// How much of the process is in memory, in KiB. Under a sanitizer that is mostly the sanitizer's
/// own, and tells nothing.
#[cfg(target_os = "linux")]
fn resident_memory() -> u64 {
    if common::under_sanitizer() {
        return 0;
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim_end_matches("kB").trim().parse().unwrap()
}

#[cfg(not(target_os = "linux"))]
fn resident_memory() -> u64 {
    0
}

/// G2, G8, G11: events by all ways to publish, questions and answers, with subscribers that keep
/// up, lag, never read, and come and go: to the event, what publishes reported is what was
/// received, queued, evicted or discarded. A bus needs no more memory for many events than for few,
/// and gives all of it back, to the byte; and the process has as much of it as before, give or take
/// what the system's allocator keeps.
#[test]
fn memory_ends_where_it_began() {
    const ROUNDS: u64 = 3;
    let events = std::env::var("RINGBUS_SOAK_EVENTS").map_or_else(
        |_| if cfg!(debug_assertions) { 800_000 } else { 4_000_000 },
        |events| events.parse().expect("RINGBUS_SOAK_EVENTS is a number"),
    );
    // It allocates for a test that it has begun already.
    wait_until(|| ThreadProbe::of_the_harness().is_asleep());
    contend();
    let busy_before = live_and_close(events / 20);
    let (live, allocations) = (CountingAllocator::live_bytes(), CountingAllocator::allocations());
    let resident = resident_memory();
    for round in 0..ROUNDS {
        let grown = live_and_close(events / ROUNDS) - busy_before;
        // The map of requests may have grown for one that came at a bad moment.
        assert!(grown < 16 * 1_024, "{grown} bytes more than after few events, round {round}");
        assert_eq!(CountingAllocator::live_bytes(), live, "all memory is given back, round {round}");
    }
    let allocations = CountingAllocator::allocations() - allocations;
    assert!(allocations as u64 > events / 2, "the measure: events do allocate, {allocations} times here");
    let grown = resident_memory().saturating_sub(resident);
    assert!(grown < 4 * 1_024, "{grown} KiB more than the {resident} before");
    println!("{allocations} allocations, {grown} KiB more than {resident}");
}
