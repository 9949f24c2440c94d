//! Nothing is lost without being counted, and nothing is counted twice.

use crate::common::{self, Finish, Gate, LANES, Number, Random, Stamped, Token, live, numbers, stats_of, wait_until};
use ringbus::{EventBus, Overflow, PublishError, Publisher, SubscriberStats, Subscription, WaitStrategy};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread;

/// The two ways to publish.
enum Handle {
    Bus(EventBus<Stamped>),
    Publisher(Publisher<Stamped>),
}

impl Handle {
    fn new(bus: &EventBus<Stamped>, number: usize) -> Self {
        if number % 2 == 0 { Self::Bus(bus.clone()) } else { Self::Publisher(bus.publisher()) }
    }

    fn publish(&mut self, event: Stamped) -> Result<ringbus::Published, PublishError<Stamped>> {
        match self {
            Self::Bus(bus) => bus.publish(event),
            Self::Publisher(publisher) => publisher.publish(event),
        }
    }
}

/// What the results of some publishes say, summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    accepted: u64,
    buffered: u64,
    delivered: u64,
    dropped: u64,
    refused: u64,
}

impl Sums {
    fn add(&mut self, result: &Result<ringbus::Published, PublishError<Stamped>>) {
        match result {
            Ok(published) => {
                self.accepted += 1;
                self.buffered += published.buffered as u64;
                self.delivered += published.delivered as u64;
                self.dropped += published.dropped as u64;
            }
            Err(PublishError::StartupFull(_)) => self.refused += 1,
            Err(PublishError::Closed(_)) => {}
        }
    }

    fn merge(mut self, other: Self) -> Self {
        self.accepted += other.accepted;
        self.buffered += other.buffered;
        self.delivered += other.delivered;
        self.dropped += other.dropped;
        self.refused += other.refused;
        self
    }
}

fn passes(event: &Stamped) -> bool {
    event.sequence % 3 != 0
}

/// What one lane's publishes say, and how many of its events the filter of its subscriber takes.
#[derive(Clone, Copy, Debug, Default)]
struct Lane {
    sums: Sums,
    /// Buffered events that pass.
    replayed: u64,
    /// Accepted events that do not pass.
    refused_by_filter: u64,
}

/// One subscriber a lane, so that what a publish reports is about that one alone: both policies,
/// with a filter and without.
fn subscribe_to_lanes(bus: &EventBus<Stamped>) -> [Subscription<Stamped>; LANES.len()] {
    [0, 1, 2, 3].map(|lane| {
        let overflow = if lane % 2 == 0 { Overflow::DropNewest } else { Overflow::DropOldest };
        let wait = if lane < 2 { WaitStrategy::Park } else { WaitStrategy::Yield };
        let subscriber = bus.subscriber(format!("lane {lane}")).types([LANES[lane]]).overflow(overflow).wait(wait);
        if lane < 2 { subscriber.capacity(2).subscribe() } else { subscriber.capacity(1).filter(passes).subscribe() }
    })
}

/// Starts threads that publish `each` events on the lanes by turns, and gives what they were told,
/// by lane.
fn publish_on_lanes(
    bus: &EventBus<Stamped>,
    threads: usize,
    each: u64,
    progress: &Arc<AtomicU64>,
) -> Vec<thread::JoinHandle<[Lane; 4]>> {
    let gate = Arc::new(Gate::new(threads));
    let publishing = (0..threads).map(|publisher| {
        let (mut handle, gate, progress) = (Handle::new(bus, publisher), Arc::clone(&gate), Arc::clone(progress));
        thread::spawn(move || {
            let mut lanes = [Lane::default(); LANES.len()];
            gate.pass();
            for sequence in 0..each {
                let event = Stamped { publisher, sequence, lane: (sequence / 3) as usize % LANES.len() };
                let result = handle.publish(event);
                let lane = &mut lanes[event.lane];
                lane.sums.add(&result);
                if result.is_ok_and(|published| published.buffered == 1) && (event.lane < 2 || passes(&event)) {
                    lane.replayed += 1;
                }
                if result.is_ok() && event.lane >= 2 && !passes(&event) {
                    lane.refused_by_filter += 1;
                }
                progress.fetch_add(1, SeqCst);
            }
            lanes
        })
    });
    publishing.collect()
}

fn join_lanes(publishing: Vec<thread::JoinHandle<[Lane; 4]>>) -> [Lane; 4] {
    publishing.into_iter().fold([Lane::default(); 4], |mut total, thread| {
        for (total, lane) in total.iter_mut().zip(thread.finish()) {
            total.sums = total.sums.merge(lane.sums);
            total.replayed += lane.replayed;
            total.refused_by_filter += lane.refused_by_filter;
        }
        total
    })
}

#[track_caller]
fn assert_conserved(lane: &Lane, stats: &SubscriberStats, received: u64, iteration: u64) {
    let context = format!("{lane:?} {stats:?}, iteration {iteration}");
    assert_eq!(stats.received, received, "{context}");
    assert_eq!(
        lane.sums.delivered + lane.replayed,
        received + stats.len as u64 + stats.evicted + stats.discarded,
        "{context}"
    );
    assert_eq!(lane.sums.dropped, stats.dropped, "{context}");
    assert_eq!(lane.refused_by_filter, stats.filtered, "{context}");
    assert!(stats.high_water <= stats.capacity, "{context}");
}

/// G2, G3: per subscriber, what publishes reported delivered and the replay is what was received,
/// evicted or discarded; what they reported dropped is its drop counter. By bus and `Publisher`,
/// with both policies, with filters, in rings of 1 and 2, with the start and the close under way.
#[test]
fn deliveries_and_receipts_balance_for_each_subscriber() {
    const THREADS: usize = 2;
    const EACH: u64 = 150;
    let mut random = Random::new(3);
    for iteration in 0..60 {
        let bus = common::new_bus(random.below(2 * EACH) as usize);
        let progress = Arc::new(AtomicU64::new(0));
        let reading = subscribe_to_lanes(&bus).map(|subscription| {
            thread::spawn(move || {
                let mut received = 0;
                while subscription.recv().is_ok() {
                    received += 1;
                }
                // It stays alive, so that its statistics do.
                (received, subscription)
            })
        });
        let publishing = publish_on_lanes(&bus, THREADS, EACH, &progress);
        let start = random.below(THREADS as u64 * EACH);
        wait_until(|| progress.load(SeqCst) >= start);
        let replayed = bus.start();
        if iteration % 2 == 0 {
            let close = start + random.below(THREADS as u64 * EACH - start);
            wait_until(|| progress.load(SeqCst) >= close);
            bus.close();
        }
        let lanes = join_lanes(publishing);
        bus.close();
        let reading = reading.map(|reader| reader.finish());
        let stats = bus.stats();
        for (lane, (received, subscription)) in lanes.iter().zip(&reading) {
            let stats = stats_of(&bus, subscription.name());
            assert_conserved(lane, &stats, *received, iteration);
            assert_eq!(stats.len, 0, "nothing is stranded behind `Closed`, iteration {iteration}");
            assert_eq!(subscription.lost(), stats.dropped + stats.evicted);
            assert_eq!(subscription.take_lost(), subscription.lost());
        }
        let sums = lanes.iter().fold(Sums::default(), |sum, lane| sum.merge(lane.sums));
        let counted = Sums {
            accepted: stats.published,
            buffered: stats.buffered,
            delivered: stats.delivered,
            dropped: stats.dropped,
            refused: stats.startup_rejected,
        };
        assert_eq!(counted, sums, "the bus counts what its publishes report, iteration {iteration}");
        assert_eq!(replayed as u64, sums.buffered, "iteration {iteration}");
    }
}

/// G2: the balance holds at every quiescent point, also with events in the rings: here the
/// receivers rest while nobody publishes, round after round.
#[test]
fn balance_holds_whenever_all_is_quiet() {
    let bus = common::new_bus(0);
    bus.start();
    let mut random = Random::new(4);
    let mut subscriptions = subscribe_to_lanes(&bus);
    let mut total = [Lane::default(); 4];
    let mut received = [0; 4];
    let mut queued = 0;
    for round in 0..60 {
        let publishing = publish_on_lanes(&bus, 2, 40, &Arc::default());
        let few = random.below(6);
        let reading = subscriptions.map(|subscription| {
            thread::spawn(move || {
                let mut taken = 0;
                for _ in 0..40 {
                    if taken < few && subscription.try_recv().is_ok() {
                        taken += 1;
                    }
                    thread::yield_now();
                }
                (taken, subscription)
            })
        });
        let lanes = join_lanes(publishing);
        let mut index = 0;
        subscriptions = reading.map(|reader| {
            let (taken, subscription) = reader.finish();
            received[index] += taken;
            total[index].sums = total[index].sums.merge(lanes[index].sums);
            total[index].refused_by_filter += lanes[index].refused_by_filter;
            let stats = stats_of(&bus, subscription.name());
            assert_conserved(&total[index], &stats, received[index], round);
            assert_eq!(stats.len, subscription.len());
            queued += stats.len;
            index += 1;
            subscription
        });
    }
    assert!(queued > 0, "there were rounds in which nothing was received");
}

/// G2: with subscriptions coming and going, the totals of the bus are the sums of what its
/// publishes reported, and keep what departed subscribers and dropped `Publisher`s counted.
#[test]
fn totals_outlive_subscribers_and_publishers() {
    const THREADS: usize = 2;
    const EACH: u64 = 2_000;
    let bus = common::new_bus(0);
    bus.start();
    let progress = Arc::new(AtomicU64::new(0));
    let stays = bus.subscriber("stays").capacity((THREADS as u64 * EACH) as usize).subscribe();
    let first = bus.subscribe(2);
    let publishing = publish_on_lanes(&bus, THREADS, EACH, &progress);
    let leaving = {
        let (bus, progress) = (bus.clone(), Arc::clone(&progress));
        thread::spawn(move || {
            let mut random = Random::new(5);
            wait_until(|| progress.load(SeqCst) > 10);
            drop(first);
            while progress.load(SeqCst) < THREADS as u64 * EACH {
                let overflow = if random.below(2) == 0 { Overflow::DropNewest } else { Overflow::DropOldest };
                let guest =
                    bus.subscriber("guest").capacity(2).types([LANES[random.below(4) as usize]]).overflow(overflow);
                let guest = guest.filter(passes).subscribe();
                for _ in 0..random.below(20) {
                    _ = guest.try_recv();
                    thread::yield_now();
                }
            }
        })
    };
    let sums = join_lanes(publishing).iter().fold(Sums::default(), |sum, lane| sum.merge(lane.sums));
    leaving.finish();
    let stats = bus.stats();
    assert_eq!((stats.published, stats.delivered, stats.dropped), (sums.accepted, sums.delivered, sums.dropped));
    assert_eq!(stats.subscribers.len(), 1);
    assert_eq!(stays.len() as u64, THREADS as u64 * EACH);
    assert!(sums.delivered > stays.len() as u64, "guests got events too");
    drop(stays);
    assert_eq!(bus.stats().delivered, sums.delivered);
}

/// G2: no count is lost between threads that publish at the same time, be they more than there are
/// places to count in, nor between one that ends and the next, which counts in its place.
#[test]
fn totals_are_exact_however_many_threads_publish() {
    const WAVES: u64 = 2;
    const THREADS: usize = 48;
    let each = common::rounds(20_000);
    let bus = common::new_bus(0);
    bus.start();
    let (evicting, full) = (bus.subscriber("evicting").overflow(Overflow::DropOldest).subscribe(), bus.subscribe(1));
    let picky = bus.subscriber("picky").filter(|_| false).subscribe();
    bus.publish(Stamped { publisher: 0, sequence: 0, lane: 0 }).unwrap();
    for _ in 0..WAVES {
        let gate = Arc::new(Gate::new(THREADS));
        let threads = (0..THREADS).map(|publisher| {
            let (bus, gate) = (bus.clone(), Arc::clone(&gate));
            thread::spawn(move || {
                gate.pass();
                for sequence in 0..each {
                    bus.publish(Stamped { publisher, sequence, lane: 0 }).unwrap();
                }
            })
        });
        threads.collect::<Vec<_>>().into_iter().for_each(Finish::finish);
    }
    let events = WAVES * THREADS as u64 * each;
    let stats = bus.stats();
    assert_eq!((stats.published, stats.delivered, stats.dropped), (events + 1, events + 2, events));
    assert_eq!((evicting.len() as u64 + evicting.lost(), full.lost()), (events + 1, events));
    assert_eq!((stats_of(&bus, picky.name()).filtered, picky.len()), (events + 1, 0));
}

/// G2, G11: an event that is delivered to a subscriber while it leaves is not left in its ring,
/// which an idle `Publisher` may keep for long: no copy stays behind. Two threads meet at a gate,
/// round after round, to publish and to unsubscribe.
#[test]
fn event_delivered_to_a_leaving_subscriber_is_not_stranded() {
    let rounds = common::rounds(4_000) as usize;
    let bus = common::new_bus(0);
    bus.start();
    let token = Token(Arc::new(()));
    let gates: Arc<Vec<_>> = Arc::new((0..2 * rounds).map(|_| Gate::new(2)).collect());
    let subscribed = Arc::new(AtomicUsize::new(0));
    let publishing = thread::spawn({
        let (mut publisher, gates, subscribed) = (bus.publisher(), Arc::clone(&gates), Arc::clone(&subscribed));
        let token = token.clone();
        move || {
            let mut random = Random::new(6);
            for round in 0..rounds {
                wait_until(|| subscribed.load(SeqCst) > round);
                // Now it knows the subscriber.
                assert_eq!(publisher.publish(token.clone()).unwrap().delivered, 1);
                gates[2 * round].pass();
                for _ in 0..random.below(40) {
                    std::hint::spin_loop();
                }
                publisher.publish(token.clone()).unwrap();
                gates[2 * round + 1].pass();
            }
            (publisher, token)
        }
    });
    let mut random = Random::new(7);
    for round in 0..rounds {
        let subscription = bus.subscribe(4);
        subscribed.store(round + 1, SeqCst);
        gates[2 * round].pass();
        for _ in 0..random.below(40) {
            std::hint::spin_loop();
        }
        drop(subscription);
        gates[2 * round + 1].pass();
        // The other thread may be at its next wait, and has published nothing since.
        assert_eq!(token.copies(), 1, "only the publisher's own is left, round {round}");
    }
    drop(publishing.finish());
    assert_eq!(token.copies(), 0);
}

/// G2: a subscriber that is stopped while others publish has received, evicted or discarded
/// whatever was delivered to it, and nothing stays in its ring behind `Closed`.
#[test]
fn stop_under_way_conserves_every_delivery() {
    for iteration in 0..200 {
        let bus = common::new_bus(0);
        bus.start();
        let overflow = if iteration % 2 == 0 { Overflow::DropNewest } else { Overflow::DropOldest };
        let subscription = bus
            .subscriber("stopped")
            .capacity(1 + iteration % 3)
            .overflow(overflow)
            .wait(WaitStrategy::Yield)
            .subscribe();
        let stop = subscription.stop_handle();
        let (progress, enough) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let publishing = [0, 1].map(|publisher| {
            let (mut handle, progress, enough) =
                (Handle::new(&bus, publisher), Arc::clone(&progress), Arc::clone(&enough));
            thread::spawn(move || {
                let mut sums = Sums::default();
                for sequence in 0.. {
                    if enough.load(SeqCst) {
                        break;
                    }
                    sums.add(&handle.publish(Stamped { publisher, sequence, lane: 0 }));
                    progress.fetch_add(1, SeqCst);
                }
                sums
            })
        });
        let reading = thread::spawn(move || {
            let mut received = 0;
            while subscription.recv().is_ok() {
                received += 1;
            }
            (received, subscription)
        });
        wait_until(|| progress.load(SeqCst) > iteration % 10);
        stop.stop();
        let (received, subscription) = reading.finish();
        enough.store(true, SeqCst);
        let [one, other] = publishing.map(|thread| thread.finish());
        let lane = Lane { sums: one.merge(other), ..Lane::default() };
        let stats = stats_of(&bus, "stopped");
        assert_conserved(&lane, &stats, received, iteration as u64);
        assert_eq!((stats.len, subscription.try_recv().is_err()), (0, true), "iteration {iteration}");
    }
}

/// G1, G2, G5: with many publishers on one small ring, each event is received once or counted as
/// lost, and each publisher's events come in its order, whatever the policy; the same through
/// `try_recv_many`.
#[test]
fn contended_ring_neither_doubles_nor_reorders() {
    const THREADS: usize = 3;
    const EACH: u64 = 3_000;
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let bus = common::new_bus(0);
        bus.start();
        let subscription = bus.subscriber("small").capacity(4).overflow(overflow).subscribe();
        let publishing = publish_on_lanes(&bus, THREADS, EACH, &Arc::default());
        let reading = thread::spawn(move || {
            let mut next = [0; THREADS];
            let mut batch = Vec::new();
            let mut received = 0;
            while let Ok(first) = subscription.recv() {
                batch.push(first);
                subscription.try_recv_many(&mut batch, 3);
                for event in batch.drain(..) {
                    assert!(event.sequence >= next[event.publisher], "{event:?} came twice or late");
                    next[event.publisher] = event.sequence + 1;
                    received += 1;
                }
            }
            (received, subscription.lost())
        });
        let sums = join_lanes(publishing).iter().fold(Sums::default(), |sum, lane| sum.merge(lane.sums));
        bus.close();
        let (received, lost) = reading.finish();
        assert_eq!(received + lost, THREADS as u64 * EACH, "{overflow:?}");
        assert_eq!(sums.delivered + sums.dropped, THREADS as u64 * EACH, "{overflow:?}");
    }
}

/// API, section 2: a clone of a publisher counts for itself, and each count is in the totals once,
/// whoever goes first.
#[test]
fn clones_of_a_publisher_count_once_each() {
    for clone_goes_first in [false, true] {
        let bus = live();
        let mut publisher = bus.publisher();
        publisher.publish(Number(0)).unwrap();
        let mut clone = publisher.clone();
        assert_eq!(bus.stats().published, 1, "a clone brings no counts with it");
        clone.publish(Number(1)).unwrap();
        clone.publish_batch(&numbers(2..4)).unwrap();
        publisher.publish(Number(4)).unwrap();
        assert_eq!(bus.stats().published, 5);
        let (first, second) = if clone_goes_first { (clone, publisher) } else { (publisher, clone) };
        drop(first);
        assert_eq!(bus.stats().published, 5);
        drop(second);
        assert_eq!(bus.stats().published, 5);
    }
}

/// G2, G11: counts are exact although many threads share some of their copies. Nobody says which
/// do; those who begin to count one after the other take these copies in turn, so two
/// threads with as many between them as there are most likely share one.
#[test]
fn counts_of_threads_that_share_them_are_exact() {
    const SHARED: usize = 8;
    /// More than have copies of their own, and a few times as many as there are for the others.
    const THREADS: usize = 40;
    const EVENTS: u64 = 20_000;
    let bus = live();
    let refuses = bus.subscriber("refuses").filter(|_| false).subscribe();
    let (done, is_done) = mpsc::channel();
    thread::scope(|scope| {
        let threads: [_; THREADS] = std::array::from_fn(|_| {
            let (orders, received) = mpsc::channel::<Arc<Gate>>();
            let (bus, done) = (&bus, done.clone());
            scope.spawn(move || {
                // Takes its copy, and keeps it while it lives.
                bus.publish(Number(0)).unwrap();
                done.send(()).unwrap();
                for gate in received {
                    gate.pass();
                    (0..EVENTS).for_each(|number| assert!(bus.publish(Number(number)).is_ok()));
                    done.send(()).unwrap();
                }
            });
            is_done.recv().unwrap();
            orders
        });
        for (first, second) in threads.iter().zip(&threads[SHARED..]) {
            let gate = Arc::new(Gate::new(2));
            [first, second].into_iter().for_each(|orders| orders.send(Arc::clone(&gate)).unwrap());
            (0..2).for_each(|_| is_done.recv().unwrap());
        }
    });
    let pairs = (THREADS - SHARED) as u64;
    let published = THREADS as u64 + pairs * 2 * EVENTS;
    assert_eq!((bus.stats().published, refuses.stats().filtered), (published, published));
}
