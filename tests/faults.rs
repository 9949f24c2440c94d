//! Threads that die, stall or panic while others publish at full speed: nobody else loses anything,
//! and nothing stays behind.

use crate::common::{
    self, CountingWaker, EVEN, Finish, Gate, LANES, Random, Sleeper, Stamped, Talk, ThreadProbe, Token, Window,
    poll_next, spawn_sleeper, stats_of, wait_until,
};
use ringbus::{
    Event, EventBus, EventType, Gather, GatherError, Overflow, Published, Publisher, RequestId, RequestOptions,
    Subscription,
};
use std::array;
use std::cell::Cell;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

/// Publishers in each test.
const PUBLISHERS: usize = 2;

/// An event on a lane, of which no copy gets lost unnoticed.
#[derive(Clone, Debug)]
struct Parcel {
    stamp: Stamped,
    #[expect(dead_code, reason = "counted, never read")]
    token: Token,
}

impl Event for Parcel {
    fn event_type(&self) -> EventType {
        self.stamp.event_type()
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// What one publisher was told, by lane: the events that somebody besides the healthy subscriber
/// has got, and how many somebody has lost.
#[derive(Default)]
struct Told {
    published: u64,
    delivered: [Vec<u64>; LANES.len()],
    dropped: [u64; LANES.len()],
}

/// Publishes parcels on the lanes by turns, by bus and by `Publisher`, until it is over. The
/// subscriber that `window` is of gets them all.
fn publish_parcels(
    bus: &EventBus<Parcel>,
    publisher: usize,
    token: &Token,
    window: &Arc<Window>,
    is_over: &Arc<AtomicBool>,
) -> JoinHandle<Told> {
    let (bus, token) = (bus.clone(), token.clone());
    let (window, is_over) = (Arc::clone(window), Arc::clone(is_over));
    thread::spawn(move || {
        let (mut told, mut handle) = (Told::default(), bus.publisher());
        while !is_over.load(SeqCst) {
            window.enter();
            let sequence = told.published;
            let lane = (sequence / 2) as usize % LANES.len();
            let parcel = Parcel { stamp: Stamped { publisher, sequence, lane }, token: token.clone() };
            let result = if sequence % 2 == 0 { bus.publish(parcel) } else { handle.publish(parcel) };
            let Published { delivered, dropped, .. } = result.unwrap();
            if delivered == 2 {
                told.delivered[lane].push(sequence);
            }
            told.dropped[lane] += dropped as u64;
            told.published += 1;
        }
        told
    })
}

/// Receives on a thread until the bus is closed, and checks that every publisher's parcels come
/// without a gap. Gives how many came.
fn read_everything(everything: Subscription<Parcel>, window: &Arc<Window>) -> JoinHandle<[u64; PUBLISHERS]> {
    let window = Arc::clone(window);
    thread::spawn(move || {
        let mut next = [0; PUBLISHERS];
        while let Ok(Parcel { stamp, .. }) = everything.recv() {
            window.leave();
            assert_eq!(stamp.sequence, next[stamp.publisher], "no gap and no repetition");
            next[stamp.publisher] += 1;
        }
        next
    })
}

/// Those of one publisher.
fn sequences(stamps: &[Stamped], publisher: usize) -> Vec<u64> {
    stamps.iter().filter(|stamp| stamp.publisher == publisher).map(|stamp| stamp.sequence).collect()
}

/// G1, G2, G9: one subscriber panics and its subscription goes in the unwinding, one is dropped in
/// mid-stream, and two never read. The healthy one gets every event, and publishers are never held
/// up. Of each publisher's events that were delivered to the dead, they have received the first,
/// without a gap, and all others are freed; to the event, the stalled have what fits and have lost
/// the rest.
#[test]
fn subscribers_that_die_or_stall_cost_nobody_else_anything() {
    const CAPACITY: usize = 4;
    let mut random = Random::new(1);
    for round in 0..30 {
        let bus = common::new_bus(0);
        bus.start();
        let token = Token(Arc::new(()));
        let window = Window::new(1_024);
        let reading = read_everything(bus.subscriber("healthy").capacity(1_024).subscribe(), &window);
        let on_lane = |lane: usize, overflow| {
            bus.subscriber(format!("lane {lane}"))
                .types([LANES[lane]])
                .capacity(CAPACITY)
                .overflow(overflow)
                .subscribe()
        };
        let ends: [fn(Subscription<Parcel>); 2] = [|_subscription| resume_unwind(Box::new("dies")), drop];
        let dying = [0, 1].map(|lane| {
            let (subscription, lifetime, end) = (on_lane(lane, Overflow::DropNewest), 1 + random.below(60), ends[lane]);
            let received = Arc::new(Mutex::new(Vec::new()));
            let thread = thread::spawn({
                let received = Arc::clone(&received);
                move || {
                    for _ in 0..lifetime {
                        let parcel = subscription.recv().unwrap();
                        received.lock().unwrap().push(parcel.stamp);
                    }
                    end(subscription);
                }
            });
            (thread, received)
        });
        let stalled = [on_lane(2, Overflow::DropNewest), on_lane(3, Overflow::DropOldest)];

        let is_over = Arc::<AtomicBool>::default();
        let publishing: [_; PUBLISHERS] =
            array::from_fn(|publisher| publish_parcels(&bus, publisher, &token, &window, &is_over));
        let received = dying.map(|(thread, received)| {
            wait_until(|| thread.is_finished());
            (thread.join().is_err(), received)
        });
        assert!(received[0].0 && !received[1].0, "one has panicked");
        let published = window.published();
        wait_until(|| window.published() > published + 200);
        is_over.store(true, SeqCst);
        let told = publishing.map(Finish::finish);

        let stats = bus.stats();
        assert_eq!(stats.subscribers.len(), 3, "the dead have gone");
        let published: u64 = told.iter().map(|told| told.published).sum();
        let delivered: usize = told.iter().flat_map(|told| &told.delivered).map(Vec::len).sum();
        let dropped: u64 = told.iter().flat_map(|told| told.dropped).sum();
        assert_eq!(
            (stats.published, stats.delivered, stats.dropped),
            (published, published + delivered as u64, dropped),
            "totals keep what the dead have counted, round {round}"
        );
        for (lane, subscription) in [2, 3].into_iter().zip(&stalled) {
            let stats = stats_of(&bus, subscription.name());
            let delivered: usize = told.iter().map(|told| told.delivered[lane].len()).sum();
            let dropped: u64 = told.iter().map(|told| told.dropped[lane]).sum();
            assert_eq!((stats.len, stats.len as u64 + stats.evicted), (CAPACITY, delivered as u64), "round {round}");
            assert_eq!((stats.dropped, stats.discarded, stats.received), (dropped, 0, 0), "round {round}");
        }
        for (publisher, told) in told.iter().enumerate() {
            for (lane, (_, received)) in received.iter().enumerate() {
                let received = sequences(&received.lock().unwrap(), publisher);
                assert!(told.delivered[lane].starts_with(&received), "{received:?}, {:?}", told.delivered[lane]);
            }
        }
        let kept = stalled.map(|subscription| subscription.into_iter());
        bus.close();
        let kept = kept.map(|parcels| parcels.map(|parcel| parcel.stamp).collect::<Vec<_>>());
        for (publisher, told) in told.iter().enumerate() {
            assert!(told.delivered[2].starts_with(&sequences(&kept[0], publisher)), "the first, round {round}");
            assert!(told.delivered[3].ends_with(&sequences(&kept[1], publisher)), "the last, round {round}");
        }
        assert_eq!(reading.finish().to_vec(), told.iter().map(|told| told.published).collect::<Vec<_>>());
        assert_eq!(token.copies(), 0, "no copy is left, round {round}");
    }
}

/// G2, G5, G7: a subscription that goes from thread to thread while others publish misses nothing,
/// gets nothing twice, and keeps the order; whichever thread has it is the one that wakes. Now and
/// then the publishers wait until it sleeps.
#[test]
fn subscription_that_moves_between_threads_misses_nothing() {
    const THREADS: usize = 3;
    let bus = common::new_bus(0);
    bus.start();
    let window = Window::new(64);
    let wanderer = bus.subscriber("wanderer").capacity(64).subscribe();
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..THREADS).map(|_| mpsc::channel::<(Subscription<Stamped>, [u64; PUBLISHERS])>()).unzip();
    senders[0].send((wanderer, [0; PUBLISHERS])).unwrap();
    let moves = Arc::<AtomicU64>::default();
    let next_senders: Vec<_> = senders.into_iter().cycle().skip(1).take(THREADS).collect();
    let receiving = receivers.into_iter().zip(next_senders).map(|(from, to)| {
        let moves = Arc::clone(&moves);
        let window = Arc::clone(&window);
        spawn_sleeper(move || {
            let mut random = Random::new(1);
            while let Ok((subscription, mut next)) = from.recv() {
                for _ in 0..random.below(20) {
                    let Ok(stamp) = subscription.recv() else { return Some(next) };
                    window.leave();
                    assert_eq!(stamp.sequence, next[stamp.publisher], "no gap and no repetition");
                    next[stamp.publisher] += 1;
                }
                moves.fetch_add(1, SeqCst);
                to.send((subscription, next)).ok()?;
            }
            None
        })
    });
    let receiving: Vec<_> = receiving.collect();
    let is_over = Arc::<AtomicBool>::default();
    let publishing: [_; PUBLISHERS] = array::from_fn(|publisher| {
        let (bus, window, is_over) = (bus.clone(), Arc::clone(&window), Arc::clone(&is_over));
        let probes: Vec<_> = receiving.iter().map(|receiver| receiver.probe.clone()).collect();
        thread::spawn(move || {
            let mut sequence = 0;
            while !is_over.load(SeqCst) {
                window.enter();
                bus.publish(Stamped { publisher, sequence, lane: 0 }).unwrap();
                sequence += 1;
                if sequence % 32 == 0 {
                    wait_until(|| probes.iter().all(ThreadProbe::is_asleep));
                }
            }
            sequence
        })
    });
    wait_until(|| moves.load(SeqCst) >= 500);
    is_over.store(true, SeqCst);
    let published = publishing.map(Finish::finish);
    bus.close();
    let received: Vec<_> = receiving.into_iter().filter_map(Sleeper::join).collect();
    assert_eq!(received, [published]);
}

/// Something that goes wrong on one thread, every so many times.
#[derive(Clone, Copy, Default)]
struct Fault {
    /// 0 for never.
    every: u64,
    calls: u64,
}

impl Fault {
    fn happens(&mut self) -> bool {
        self.calls += 1;
        self.every != 0 && self.calls % self.every == 0
    }

    fn count(&self) -> u64 {
        self.calls.checked_div(self.every).unwrap_or(0)
    }
}

/// What goes wrong with events on this thread.
#[derive(Clone, Copy, Default)]
struct Faults {
    clone: Fault,
    drop: Fault,
}

impl Faults {
    /// How many panics there were. Each carries its number.
    fn count(&self) -> u64 {
        self.clone.count() + self.drop.count()
    }
}

thread_local! {
    static FAULTS: Cell<Faults> = const { Cell::new(Faults { clone: NEVER, drop: NEVER }) };
}

const NEVER: Fault = Fault { every: 0, calls: 0 };

fn every(every: u64) -> Fault {
    Fault { every, ..NEVER }
}

fn panic_where(happens: impl FnOnce(&mut Faults) -> bool) {
    let mut faults = FAULTS.get();
    let happens = happens(&mut faults);
    FAULTS.set(faults);
    if happens {
        resume_unwind(Box::new(faults.count()));
    }
}

/// An event whose `Clone` and `Drop` panic now and then, on threads that ask for it.
#[derive(Debug)]
struct Brittle(Token);

impl Clone for Brittle {
    fn clone(&self) -> Self {
        panic_where(|faults| faults.clone.happens());
        Self(self.0.clone())
    }
}

impl Drop for Brittle {
    fn drop(&mut self) {
        panic_where(|faults| faults.drop.happens());
    }
}

impl Event for Brittle {
    fn event_type(&self) -> EventType {
        EVEN
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// Receives on a thread until the bus is closed, and gives how many came.
fn count_received<E: Event + Clone + 'static>(subscription: Subscription<E>) -> JoinHandle<(u64, Subscription<E>)> {
    thread::spawn(move || {
        let mut received = 0;
        while subscription.recv().is_ok() {
            received += 1;
        }
        (received, subscription)
    })
}

/// G2, G9: while several threads publish events whose `Clone` and `Drop` panic now and then, every
/// event that a subscriber does not get is counted as lost by that one alone, the first panic of a
/// publish is the one that its publisher hears of, and no copy is left behind.
#[test]
fn events_that_break_now_and_then_are_lost_one_by_one() {
    const EACH: u64 = 3_000;
    const PUBLISHED: u64 = PUBLISHERS as u64 * EACH;
    let bus = common::new_bus(0);
    bus.start();
    let token = Token(Arc::new(()));
    // Copies are dropped by a publisher where they were evicted and where they were refused.
    let evicting = bus.subscriber("evicting").capacity(2).overflow(Overflow::DropOldest).subscribe();
    let refusing = bus.subscriber("refusing").capacity(2).subscribe();
    let roomy = bus.subscriber("roomy").capacity(PUBLISHED as usize).overflow(Overflow::DropOldest).subscribe();
    // The last one gets the event itself.
    let last = bus.subscriber("last").capacity(PUBLISHED as usize).subscribe();
    let reading = [evicting, refusing].map(count_received);
    let gate = Arc::new(Gate::new(PUBLISHERS));
    let publishing: [_; PUBLISHERS] = array::from_fn(|number| {
        let (bus, token, gate) = (bus.clone(), token.clone(), Arc::clone(&gate));
        thread::spawn(move || {
            let mut publisher = bus.publisher();
            gate.pass();
            FAULTS.set(Faults { clone: every(7), drop: every(5 + number as u64) });
            for sequence in 0..EACH {
                let before = FAULTS.get().count();
                let event = Brittle(token.clone());
                let by_bus = sequence % 2 == 0;
                let publish = || if by_bus { bus.publish(event) } else { publisher.publish(event) };
                match catch_unwind(AssertUnwindSafe(publish)) {
                    Ok(result) => {
                        let Published { delivered, dropped, .. } = result.unwrap();
                        assert_eq!((delivered + dropped, FAULTS.get().count()), (4, before));
                    }
                    Err(payload) => assert_eq!(payload.downcast_ref(), Some(&(before + 1)), "the first resumes"),
                }
            }
            FAULTS.get()
        })
    });
    let publishing = publishing.map(Finish::finish);
    let clones: u64 = publishing.iter().map(|faults| faults.clone.count()).sum();
    let drops: u64 = publishing.iter().map(|faults| faults.drop.count()).sum();
    assert!(clones > 0 && drops > 0, "there were {clones} and {drops} panics");
    let stats = bus.stats();
    assert_eq!((stats.published, stats.delivered + stats.dropped), (PUBLISHED, 4 * PUBLISHED));
    bus.close();
    let [_evicting, refusing] = reading.map(|reader| {
        let (received, subscription) = reader.finish();
        let stats = stats_of(&bus, subscription.name());
        assert_eq!(stats.received, received);
        assert_eq!(received + stats.evicted + stats.dropped, PUBLISHED, "{stats:?}");
        subscription
    });
    for subscription in [&roomy, &last] {
        assert_eq!(subscription.len() as u64 + subscription.lost(), PUBLISHED);
    }
    let full = stats.subscribers.iter().map(|stats| stats.dropped).sum::<u64>() - clones;
    assert!(full > 0 && full <= refusing.lost(), "{full} of the losses were to a full ring");
    drop((roomy, last));
    assert_eq!(token.copies(), 0, "no copy is left");
}

/// G2, G9: a publisher thread that dies in the middle of a batch, because an event breaks, has
/// published the batch but for that one event of one subscriber. What it has counted is kept, and
/// the others go on.
#[test]
fn publisher_that_dies_in_a_batch_costs_one_event() {
    const BATCH: usize = 8;
    const BATCHES: u64 = 200;
    let bus = common::new_bus(0);
    bus.start();
    let token = Token(Arc::new(()));
    let rings = 4 * BATCH * BATCHES as usize;
    let subscriptions = ["one", "other"].map(|name| bus.subscriber(name).capacity(rings).subscribe());
    let gate = Arc::new(Gate::new(3));
    let publishing = [every(777), every(1_234), NEVER].map(|clone| {
        let (mut publisher, token, gate) = (bus.publisher(), token.clone(), Arc::clone(&gate));
        let begun = Arc::<AtomicU64>::default();
        let thread = thread::spawn({
            let begun = Arc::clone(&begun);
            move || {
                let batch: [_; BATCH] = array::from_fn(|_| Brittle(token.clone()));
                gate.pass();
                FAULTS.set(Faults { clone, drop: NEVER });
                for _ in 0..BATCHES {
                    begun.fetch_add(1, SeqCst);
                    assert_eq!(publisher.publish_batch(&batch).unwrap().delivered, 2 * BATCH);
                }
            }
        });
        (thread, begun)
    });
    let mut published = 0;
    for ((thread, begun), dies) in publishing.into_iter().zip([true, true, false]) {
        wait_until(|| thread.is_finished());
        assert_eq!(thread.join().is_err(), dies);
        let batches = begun.load(SeqCst);
        assert_eq!(batches < BATCHES, dies);
        published += batches * BATCH as u64;
    }
    let stats = bus.stats();
    assert_eq!((stats.published, stats.delivered, stats.dropped), (published, 2 * published - 2, 2));
    for subscription in subscriptions {
        assert_eq!(subscription.len() as u64 + subscription.lost(), published);
    }
    assert_eq!(token.copies(), 0);
    assert!(!bus.is_closed());
}

/// G2, G9: hooks that panic while several threads publish: each episode is reported to every hook
/// once, each panic is heard of by the publisher that reported it, and nobody's events are touched.
#[test]
fn hooks_that_panic_under_load_cost_nobody_an_event() {
    const EACH: u64 = 5_000;
    const PUBLISHED: u64 = PUBLISHERS as u64 * EACH;
    let bus = common::new_bus(0);
    bus.start();
    let [panicking, calm] = [(); 2].map(|()| Arc::<AtomicU64>::default());
    bus.on_lag({
        let panicking = Arc::clone(&panicking);
        move |_| {
            panicking.fetch_add(1, SeqCst);
            resume_unwind(Box::new("hook"));
        }
    });
    bus.on_lag({
        let calm = Arc::clone(&calm);
        move |_| _ = calm.fetch_add(1, SeqCst)
    });
    let slow = bus.subscriber("slow").capacity(1).subscribe();
    let roomy = bus.subscriber("roomy").capacity(PUBLISHED as usize).subscribe();
    let reading = thread::spawn({
        let calm = Arc::clone(&calm);
        move || {
            wait_until(|| calm.load(SeqCst) > 0);
            count_received(slow).finish()
        }
    });
    let gate = Arc::new(Gate::new(PUBLISHERS));
    let publishing: [_; PUBLISHERS] = array::from_fn(|number| {
        let (bus, gate) = (bus.clone(), Arc::clone(&gate));
        thread::spawn(move || {
            let mut publisher = bus.publisher();
            gate.pass();
            let mut panics = 0;
            for sequence in 0..EACH {
                let event = common::Number(sequence);
                let publish = || if number == 0 { bus.publish(event) } else { publisher.publish(event) };
                match catch_unwind(AssertUnwindSafe(publish)) {
                    Ok(result) => _ = result.unwrap(),
                    Err(payload) => {
                        assert_eq!(payload.downcast_ref(), Some(&"hook"));
                        panics += 1;
                    }
                }
            }
            panics
        })
    });
    let panics: u64 = publishing.map(Finish::finish).into_iter().sum();
    assert_eq!([panics; 2], [panicking.load(SeqCst), calm.load(SeqCst)]);
    bus.close();
    let (received, slow) = reading.finish();
    assert_eq!((received + slow.lost(), roomy.len() as u64), (PUBLISHED, PUBLISHED));
    let stats = bus.stats();
    assert_eq!((stats.published, stats.delivered, stats.dropped), (PUBLISHED, PUBLISHED + received, slow.lost()));
}

/// A handle that publishes.
enum Handle {
    Bus(#[expect(dead_code, reason = "dropped, never read")] EventBus<Talk>),
    Publisher(#[expect(dead_code, reason = "dropped, never read")] Publisher<Talk>),
}

fn ask(bus: &EventBus<Talk>, id: &RequestId) -> Gather<Talk> {
    let options = RequestOptions::expecting(["a", "b"]).timeout(Duration::MAX);
    bus.request(Talk::Question(id.clone()), options).unwrap()
}

/// G7, G10: the last handle wakes everyone who waits, be it an `EventBus` or a `Publisher`, and
/// whether it is dropped or goes with a thread that panics; before the start and after it.
/// Subscribers have received what was accepted by then, requesters have what was answered, and all
/// are told `Closed`.
#[test]
fn last_handle_wakes_everyone_who_waits() {
    let publishes: [fn(EventBus<Talk>) -> Handle; 2] = [Handle::Bus, |bus| Handle::Publisher(bus.publisher())];
    let goes: [fn(Handle); 2] = [drop, |_handle| resume_unwind(Box::new("dies"))];
    for (is_live, publishes, goes) in [false, true]
        .into_iter()
        .flat_map(|is_live| publishes.map(|publishes| goes.map(|goes| (is_live, publishes, goes))))
        .flatten()
    {
        let bus = common::new_bus(3);
        let receiver = bus.subscribe(4);
        let mut task = bus.subscribe(4);
        let ids = ["answered in part", "not answered"].map(RequestId::from);
        if is_live {
            bus.start();
        }
        let receiver = spawn_sleeper(move || receiver.into_iter().collect::<Vec<_>>());
        let gathers = ids.each_ref().map(|id| ask(&bus, id));
        common::answer(&bus, &ids[0], "a", 1);
        let [blocking, polled] = gathers;
        let blocking = spawn_sleeper(move || blocking.wait());
        let (counter, waker) = CountingWaker::new();
        let context = &mut Context::from_waker(&waker);
        let mut polled = Box::pin(polled.until(pending::<()>()));
        assert!(polled.as_mut().poll(context).is_pending());
        let mut received: Vec<_> = task.try_iter().collect();
        assert!(poll_next(&mut task, &waker).is_pending());
        wait_until(|| receiver.probe.is_asleep());

        let handle = publishes(bus);
        assert_eq!(counter.wakes(), 0);
        _ = thread::spawn(move || goes(handle)).join();

        assert_eq!(counter.wakes(), 2);
        let accepted = vec![
            Talk::Question(ids[0].clone()),
            Talk::Question(ids[1].clone()),
            Talk::Answer { to: ids[0].clone(), by: "a", value: 1 },
        ];
        assert_eq!(receiver.join(), accepted);
        received.extend(task.try_iter());
        assert_eq!(received, accepted);
        assert_eq!(poll_next(&mut task, &waker), Poll::Ready(None));
        for (ended, answered) in [(Poll::Ready(blocking.join()), 1), (polled.as_mut().poll(context), 0)] {
            let Poll::Ready(Err(GatherError::Closed { partial })) = ended else { panic!("{ended:?}") };
            assert_eq!((partial.responses.len(), partial.missing.len()), (answered, 2 - answered));
        }
    }
}

/// G2, G7, G10: where several threads let go of the last handles at the same moment, one of them
/// closes the bus: subscribers get what each has published before, and all who wait wake.
#[test]
fn last_handles_that_go_together_close_the_bus_once() {
    let options = RequestOptions::expecting(["nobody"]).timeout(Duration::MAX);
    for round in 0..150 {
        let bus = common::new_bus(0);
        bus.start();
        let receiver = bus.subscribe(4);
        let gather = bus.request(Talk::Question(RequestId::from(round)), options.clone()).unwrap();
        let waiting = [(); 2].map(|()| Arc::<AtomicBool>::default());
        let receiver = thread::spawn({
            let waiting = Arc::clone(&waiting[0]);
            move || {
                waiting.store(true, SeqCst);
                receiver.into_iter().count()
            }
        });
        let requester = thread::spawn({
            let waiting = Arc::clone(&waiting[1]);
            move || {
                waiting.store(true, SeqCst);
                gather.wait()
            }
        });
        wait_until(|| waiting.iter().all(|waiting| waiting.load(SeqCst)));
        let gate = Arc::new(Gate::new(3));
        let going = [0, 1, 2].map(|number| {
            let (bus, gate) = (bus.clone(), Arc::clone(&gate));
            thread::spawn(move || {
                let event = Talk::Question(RequestId::unique());
                if number == 0 {
                    let mut publisher = bus.publisher();
                    drop(bus);
                    publisher.publish(event).unwrap();
                    gate.pass();
                } else {
                    bus.publish(event).unwrap();
                    gate.pass();
                }
            })
        });
        drop(bus);
        going.into_iter().for_each(Finish::finish);
        assert_eq!(receiver.finish(), 4);
        assert!(matches!(requester.finish(), Err(GatherError::Closed { .. })));
    }
}
