//! As many subscribers as one likes: lists of them are kept in pieces of 128.

use crate::common::{ANSWER, EVEN, ODD, Talk, ring, talkative_bus};
use futures_core::Stream;
use ringbus::{Event, EventBus, EventType, RequestId, RequestOptions, Subscription};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Wake, Waker};
use std::time::SystemTime;

/// Around the lengths at which a list gets another piece.
const LENGTHS: [usize; 7] = [0, 1, 127, 128, 129, 256, 300];

/// A number, whose type says whether it is even, and a share of something.
#[derive(Clone)]
struct Numbered(u64, #[allow(dead_code, reason = "only its count matters")] Arc<()>);

impl Event for Numbered {
    fn event_type(&self) -> EventType {
        if self.0 % 2 == 0 { EVEN } else { ODD }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// A live bus on which so many want everything, and so many even numbers.
struct Crowd {
    bus: EventBus<Numbered>,
    token: Arc<()>,
    universal: Vec<Subscription<Numbered>>,
    even: Vec<Subscription<Numbered>>,
}

impl Crowd {
    fn new(universal: usize, even: usize, retained: &[EventType]) -> Self {
        let bus = EventBus::builder().ring(ring()).retain(retained.iter().copied()).build();
        bus.start();
        let subscriber = || bus.subscriber("one of many").capacity(8);
        // They come by turns.
        let (mut universals, mut evens) = (Vec::new(), Vec::new());
        for place in 0..universal.max(even) {
            universals.extend((place < universal).then(|| subscriber().subscribe()));
            evens.extend((place < even).then(|| subscriber().types([EVEN]).subscribe()));
        }
        Self { bus, token: Arc::default(), universal: universals, even: evens }
    }

    fn event(&self, number: u64) -> Numbered {
        Numbered(number, Arc::clone(&self.token))
    }

    /// How many want such a number.
    fn due(&self, number: u64) -> usize {
        self.universal.len() + if number % 2 == 0 { self.even.len() } else { 0 }
    }

    /// Publishes these in each way, and checks who got them.
    fn publish_in_each_way(&self) {
        let published = self.bus.publish(self.event(0)).unwrap();
        assert_eq!((published.delivered, published.dropped), (self.due(0), 0));
        let mut publisher = self.bus.publisher();
        assert_eq!(publisher.publish(self.event(1)).unwrap().delivered, self.due(1));
        assert_eq!(publisher.publish(self.event(2)).unwrap().delivered, self.due(2));
        let batch = [3, 4, 6].map(|number| self.event(number));
        let due: usize = batch.iter().map(|event| self.due(event.0)).sum();
        assert_eq!(self.bus.publish_batch(&batch).unwrap().delivered, due);
        drop(batch);
        for (subscriptions, expected) in [(&self.universal, &[0, 1, 2, 3, 4, 6][..]), (&self.even, &[0, 2, 4, 6])] {
            for (place, subscription) in subscriptions.iter().enumerate() {
                let received: Vec<_> = subscription.try_iter().map(|event| event.0).collect();
                assert_eq!(received, expected, "number {place} of {}", subscriptions.len());
            }
        }
    }
}

#[test]
fn everybody_gets_what_they_want_however_many_they_are() {
    for universal in LENGTHS {
        for even in LENGTHS {
            let mut crowd = Crowd::new(universal, even, &[]);
            assert_eq!(crowd.bus.subscriber_count(), universal + even);
            crowd.publish_in_each_way();
            // Some leave, from everywhere.
            for subscriptions in [&mut crowd.universal, &mut crowd.even] {
                let mut place = 0;
                subscriptions.retain(|_| {
                    place += 1;
                    place % 3 != 0
                });
            }
            crowd.publish_in_each_way();
            assert_eq!(Arc::strong_count(&crowd.token), 1, "{universal} and {even}: nobody keeps anything");
        }
    }
}

#[test]
fn everybody_gets_retained_events_however_many_they_are() {
    for (universal, even) in [(129, 0), (0, 129), (300, 300)] {
        let crowd = Crowd::new(universal, even, &[EVEN, ODD]);
        crowd.publish_in_each_way();
        let late: Vec<_> = crowd.bus.subscribe(8).try_iter().map(|event| event.0).collect();
        assert_eq!(late.iter().sum::<u64>(), 6 + 3, "the last of each type: {late:?}");
        crowd.bus.close();
        assert_eq!(Arc::strong_count(&crowd.token), 1, "{universal} and {even}: nobody keeps anything");
    }
}

/// Counts how often it wakes.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

// G7.
#[test]
fn everybody_who_waits_wakes_however_many_they_are() {
    for (universal, even) in [(129, 0), (0, 129), (128, 128), (300, 1), (1, 300), (300, 300)] {
        let mut crowd = Crowd::new(universal, even, &[]);
        for way in 0..3 {
            let wakes = Arc::new(Wakes::default());
            let waker = Waker::from(Arc::clone(&wakes));
            for subscription in crowd.universal.iter_mut().chain(&mut crowd.even) {
                assert!(Pin::new(subscription).poll_next(&mut Context::from_waker(&waker)).is_pending());
            }
            let event = crowd.event(2);
            match way {
                0 => drop(crowd.bus.publish(event)),
                1 => drop(crowd.bus.publisher().publish(event)),
                _ => drop(crowd.bus.publish_batch(&[event])),
            }
            assert_eq!(wakes.0.load(SeqCst), universal + even, "{universal} and {even}, way {way}");
            for subscription in crowd.universal.iter_mut().chain(&mut crowd.even) {
                assert!(subscription.try_recv().is_ok_and(|event| event.0 == 2));
            }
        }
    }
}

// A full ring among many is counted, and the others are served.
#[test]
fn whoever_is_full_among_many_is_the_only_one_to_lose() {
    let crowd = Crowd::new(300, 300, &[]);
    let full: Vec<_> = (0..5).map(|_| crowd.bus.subscriber("full").capacity(1).types([EVEN]).subscribe()).collect();
    for number in [0, 2] {
        let published = crowd.bus.publish(crowd.event(number)).unwrap();
        let lost = if number == 0 { 0 } else { full.len() };
        assert_eq!((published.delivered, published.dropped), (605 - lost, lost));
    }
    assert!(full.iter().all(|subscription| subscription.lost() == 1));
    assert!(crowd.universal.iter().chain(&crowd.even).all(|subscription| subscription.lost() == 0));
}

// Whoever begins to lag is reported, at whichever place, and can lag anew once it has caught up.
#[test]
fn whoever_lags_among_many_is_reported() {
    type Publish = fn(&Crowd, u64) -> usize;
    let ways: [Publish; 3] = [
        |crowd, number| crowd.bus.publish(crowd.event(number)).unwrap().dropped,
        |crowd, number| crowd.bus.publisher().publish(crowd.event(number)).unwrap().dropped,
        |crowd, number| crowd.bus.publish_batch(&[crowd.event(number)]).unwrap().dropped,
    ];
    for before in LENGTHS {
        let crowd = Crowd::new(before, before, &[]);
        let reports = Arc::<AtomicUsize>::default();
        crowd.bus.on_lag({
            let reports = Arc::clone(&reports);
            move |lag| {
                reports.fetch_add(if &*lag.subscriber == "small" { 1 } else { 1_000 }, SeqCst);
            }
        });
        let small = || crowd.bus.subscriber("small").capacity(1);
        let small = [small().subscribe(), small().types([EVEN]).subscribe()];
        for (way, publish) in ways.into_iter().enumerate() {
            assert_eq!((publish(&crowd, 2), publish(&crowd, 4)), (0, 2));
            assert_eq!(reports.load(SeqCst), 2 * (way + 1), "behind {before}, way {way}");
            for subscription in crowd.universal.iter().chain(&crowd.even).chain(&small) {
                subscription.try_iter().for_each(drop);
            }
            assert!(small.iter().all(|subscription| !subscription.stats().lagging));
        }
    }
}

// G8: an answer is gathered, and reaches everybody as well, however many they are.
#[test]
fn answers_are_gathered_however_many_subscribe() {
    type Reply = fn(&EventBus<Talk>, Talk);
    let ways: [Reply; 3] = [
        |bus, answer| assert!(bus.publish(answer).is_ok()),
        |bus, answer| assert!(bus.publisher().publish(answer).is_ok()),
        |bus, answer| assert!(bus.publish_batch(&[answer]).is_ok()),
    ];
    for length in LENGTHS {
        for types in [None, Some([ANSWER])] {
            let (bus, _questions) = talkative_bus();
            let crowd: Vec<_> = (0..length)
                .map(|_| match types {
                    None => bus.subscriber("everything").subscribe(),
                    Some(types) => bus.subscriber("answers").types(types).subscribe(),
                })
                .collect();
            for (number, reply) in ways.into_iter().enumerate() {
                let to = RequestId::from(number as u64);
                let gather = bus.request(Talk::Question(to.clone()), RequestOptions::expecting(["a"])).unwrap();
                reply(&bus, Talk::Answer { to: to.clone(), by: "a", value: 1 });
                assert_eq!(gather.received(), 1, "way {number}, {length} subscribers");
                let is_answer = |talk: Talk| matches!(talk, Talk::Answer { to: id, .. } if id == to);
                assert!(crowd.iter().all(|subscription| subscription.try_iter().any(&is_answer)));
            }
        }
    }
}
