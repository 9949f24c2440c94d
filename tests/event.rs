//! Events, their types and their ids.

use crate::common::{self, EVEN, Gate, Number, ODD, Plain};
use ringbus::{DynEvent, Event, EventBus, EventType, Request, RequestId, Response, TryRecvError, downcast_arc};
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

/// A request and a response at once, so that every method of `Event` has something to say.
#[derive(Debug)]
struct Both {
    id: u64,
}

const BOTH: EventType = EventType::new("both");

impl Event for Both {
    fn event_type(&self) -> EventType {
        BOTH
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.id)
    }

    fn as_request(&self) -> Option<&dyn Request> {
        Some(self)
    }

    fn as_response(&self) -> Option<&dyn Response> {
        Some(self)
    }
}

impl Request for Both {
    fn request_id(&self) -> RequestId {
        RequestId::from(self.id)
    }
}

impl Response for Both {
    fn request_id(&self) -> RequestId {
        RequestId::from(self.id + 1)
    }

    fn responder(&self) -> &str {
        "both"
    }
}

/// API, section 2: constants work as patterns, wherever the name that is matched came from.
#[test]
fn constants_work_as_patterns() {
    fn parity(event_type: EventType) -> Option<u64> {
        match event_type {
            EVEN => Some(0),
            ODD => Some(1),
            _ => None,
        }
    }
    assert_eq!(parity(Number(2).event_type()), Some(0));
    assert_eq!(parity(EventType::new("number.odd")), Some(1));
    assert_eq!(parity(EventType::intern("number.odd")), Some(1));
    assert_eq!(parity(EventType::new("number")), None);
    assert_eq!(parity(EventType::new("")), None);
}

/// API, section 2: a name known at run time makes the same type as the constant, in `==` and as a
/// key.
#[test]
fn interned_type_equals_the_constant() {
    let name: String = ["number", "even"].join(".");
    let interned = EventType::intern(&name);
    assert_eq!(interned, EVEN);
    assert_ne!(interned, ODD);
    assert_eq!(HashMap::from([(EVEN, "found")]).get(&interned), Some(&"found"));
    drop(name);
    assert_eq!(interned.as_str(), "number.even", "the name is kept");
}

/// API, section 2, and G11: each distinct name is kept once, whichever threads intern it how often.
#[test]
fn threads_that_intern_the_same_names_share_them() {
    const THREADS: usize = 4;
    let gate = Arc::new(Gate::new(THREADS));
    let threads = [(); THREADS].map(|()| {
        let gate = Arc::clone(&gate);
        thread::spawn(move || {
            gate.pass();
            (0..500).map(|number| EventType::intern(&format!("shared.{number}"))).collect::<Vec<_>>()
        })
    });
    let types = threads.map(|thread| thread.join().unwrap());
    for (number, event_type) in types[0].iter().enumerate() {
        assert_eq!(event_type.as_str(), format!("shared.{number}"));
    }
    for others in &types[1..] {
        for (one, other) in types[0].iter().zip(others) {
            assert_eq!(one, other);
            assert!(std::ptr::eq(one.as_str(), other.as_str()), "{one} is kept twice");
        }
    }
    assert_eq!(types[0].iter().collect::<HashSet<_>>().len(), 500);
}

/// API, section 2: `Display` is the name, and takes a width; `Debug` says what it is.
#[test]
fn event_type_displays_its_name() {
    assert_eq!(EVEN.to_string(), "number.even");
    assert_eq!(format!("[{EVEN:>13}]"), "[  number.even]");
    assert_eq!(format!("{EVEN:?}"), "EventType(\"number.even\")");
}

/// Takes the one number that an `EventType` hashes.
#[derive(Default)]
struct Catch(u64);

impl Hasher for Catch {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        panic!("the type carries its hash: no string is hashed");
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

fn hash(event_type: EventType) -> u64 {
    let mut hasher = Catch::default();
    event_type.hash(&mut hasher);
    hasher.finish()
}

/// The hash is that of the papers: FNV-1a, whose authors publish these names as test vectors, and
/// then what MurmurHash3 does at its end. (Written down as both give it together.)
#[test]
fn names_hash_as_published() {
    assert_eq!(hash(EventType::new("")), 0xefd0_1f60_ba99_2926);
    assert_eq!(hash(EventType::new("a")), 0x82a2_a958_a9be_ce5b);
    assert_eq!(hash(EventType::new("foobar")), 0x2c22_1949_22d1_672b);
}

/// API, section 2: two names with one and the same hash stay two types, in `==`, in `match` and in
/// the routes. (The pair collides in FNV-1a with 64 bits, whatever is mixed in afterwards.)
#[test]
fn names_whose_hashes_collide_stay_apart() {
    const ONE: EventType = EventType::new("7mohtcOFVz");
    const OTHER: EventType = EventType::new("c1E51sSEyx");
    assert_eq!(hash(ONE), hash(OTHER), "this test needs another pair of names");
    assert_ne!(ONE, OTHER);
    assert!(!matches!(ONE, OTHER));

    let bus = common::new_bus(0);
    bus.start();
    let ones = bus.subscriber("ones").types([ONE]).subscribe();
    assert!(!bus.has_subscribers(OTHER));
    let others = bus.subscriber("others").types([OTHER]).subscribe();
    assert_eq!(bus.publish(Plain(ONE)).unwrap().delivered, 1);
    assert_eq!(ones.try_recv(), Ok(Plain(ONE)));
    assert_eq!(others.try_recv(), Err(TryRecvError::Empty));
    drop(ones);
    assert_eq!(bus.publish(Plain(ONE)).unwrap().delivered, 0);
    assert_eq!(bus.publish(Plain(OTHER)).unwrap().delivered, 1);
    assert_eq!(others.try_recv(), Ok(Plain(OTHER)));
}

fn assert_forwards(event: &impl Event) {
    assert_eq!(event.event_type(), BOTH);
    assert_eq!(event.timestamp(), SystemTime::UNIX_EPOCH + Duration::from_secs(7));
    assert_eq!(event.as_request().expect("a request").request_id(), RequestId::from(7));
    let response = event.as_response().expect("a response");
    assert_eq!((response.request_id(), response.responder()), (RequestId::from(8), "both"));
}

/// API, section 2: an `Arc` around an event is that event in every respect, sized or not, however
/// deep.
#[test]
fn arc_forwards_everything() {
    assert_forwards(&Both { id: 7 });
    assert_forwards(&Arc::new(Both { id: 7 }));
    assert_forwards(&Arc::new(Arc::new(Both { id: 7 })));
    let dynamic: DynEvent = Arc::new(Both { id: 7 });
    assert_forwards(&dynamic);
    let twice: DynEvent = Arc::new(dynamic);
    assert_forwards(&twice);
}

/// API, section 2: an event that says nothing about it is neither a request nor a response.
#[test]
fn plain_event_is_neither_request_nor_response() {
    let event: DynEvent = Arc::new(Number(1));
    assert!(event.as_request().is_none());
    assert!(event.as_response().is_none());
}

/// API, section 2: an event that was wrapped once more is still found.
#[test]
fn downcasting_looks_into_a_dyn_event_inside_a_dyn_event() {
    let inner: DynEvent = Arc::new(Number(7));
    let twice: DynEvent = Arc::new(Arc::new(inner) as DynEvent);
    assert_eq!(twice.downcast_ref::<Number>(), Some(&Number(7)));
    assert!(twice.is::<Number>() && !twice.is::<Both>());
    assert!(twice.downcast_ref::<DynEvent>().is_some(), "an `Arc` inside counts as itself");
}

/// API, section 2: downcasting finds the type that the event has, and no other; an `Arc` inside
/// counts as itself.
#[test]
fn downcasting_finds_the_concrete_type_only() {
    let number: DynEvent = Arc::new(Number(5));
    assert!(number.is::<Number>());
    assert_eq!(number.downcast_ref::<Number>(), Some(&Number(5)));
    assert!(!number.is::<Both>());
    assert!(number.downcast_ref::<Both>().is_none());

    let wrapped: DynEvent = Arc::new(Arc::new(Number(6)));
    assert!(!wrapped.is::<Number>());
    assert_eq!(wrapped.downcast_ref::<Arc<Number>>().map(|inner| **inner), Some(Number(6)));
    assert_eq!(format!("{number:?}"), "Event { event_type: EventType(\"number.odd\"), .. }");
}

/// API, section 2: `downcast_arc` finds what `is` finds, as the very `Arc` that it was, and leaves
/// no share behind.
#[test]
fn arc_downcasts_to_the_arc_that_it_was() {
    let number = Arc::new(Number(7));
    let event: DynEvent = Arc::clone(&number) as DynEvent;
    assert!(Arc::ptr_eq(&downcast_arc::<Number>(event).unwrap(), &number));

    let inner: DynEvent = Arc::clone(&number) as DynEvent;
    let twice: DynEvent = Arc::new(Arc::new(inner) as DynEvent);
    assert!(Arc::ptr_eq(&downcast_arc::<Number>(twice).unwrap(), &number), "it looks inside");
    assert_eq!(Arc::strong_count(&number), 1);

    let wrapped: DynEvent = Arc::new(Arc::clone(&number));
    let inner: Arc<Arc<Number>> = downcast_arc(wrapped).expect("an `Arc` inside counts as itself");
    assert!(Arc::ptr_eq(&*inner, &number));
}

/// API, section 2: what is not of that type comes back as it was.
#[test]
fn event_of_another_type_comes_back_from_downcasting() {
    let event: DynEvent = Arc::new(Number(7));
    let same = downcast_arc::<Both>(Arc::clone(&event)).unwrap_err();
    assert!(Arc::ptr_eq(&same, &event));
    drop(same);

    let twice: DynEvent = Arc::new(Arc::clone(&event));
    let same = downcast_arc::<Both>(Arc::clone(&twice)).unwrap_err();
    assert!(Arc::ptr_eq(&same, &twice), "with all its wrapping");
    drop((same, twice));
    assert_eq!(Arc::strong_count(&event), 1);
}

/// G3 and API, section 2: a bus of `DynEvent` routes, filters and replays by what is inside, and
/// hands out the very event.
#[test]
fn events_of_many_rust_types_share_one_bus() {
    let bus: EventBus<DynEvent> = common::new_bus(4);
    let evens = bus.subscriber("evens").types([EVEN]).subscribe();
    let numbers = bus.subscriber("numbers").filter(|event| event.is::<Number>()).subscribe();
    let one: DynEvent = Arc::new(Number(1));
    bus.publish(Arc::clone(&one)).unwrap();
    bus.publish(Arc::new(Both { id: 0 })).unwrap();
    bus.start();
    bus.publish(Arc::new(Number(2))).unwrap();
    bus.publish(Arc::new(Both { id: 0 })).unwrap();

    assert!(Arc::ptr_eq(&numbers.try_recv().unwrap(), &one));
    assert_eq!(numbers.try_recv().unwrap().downcast_ref(), Some(&Number(2)));
    assert!(numbers.is_empty());
    assert_eq!(evens.try_recv().unwrap().downcast_ref(), Some(&Number(2)));
    assert!(evens.is_empty());
}

/// API, section 2: ids made from numbers, from strings and by `unique` are never equal across the
/// kinds, even where they look alike, and are good keys.
#[test]
fn request_ids_of_different_kinds_are_never_equal() {
    let unique = RequestId::unique();
    let ids = [
        RequestId::from(7),
        RequestId::from("7"),
        RequestId::from(8),
        RequestId::from("8"),
        RequestId::from(unique.to_string()),
        unique.clone(),
    ];
    assert_eq!(ids.iter().cloned().collect::<HashSet<_>>().len(), ids.len());
    assert_eq!(RequestId::from("7"), RequestId::from(String::from("7")));
    assert_eq!(unique, unique.clone());
    assert_eq!(RequestId::from(7).to_string(), "7");
    assert_eq!(RequestId::from("rollout-7").to_string(), "rollout-7");
    assert_eq!(format!("{:?}", RequestId::from("rollout-7")), "RequestId(rollout-7)");
}

/// G8: no two calls of `unique` give the same id, on whichever threads.
#[test]
fn unique_ids_are_unique_across_threads() {
    const THREADS: usize = 4;
    let gate = Arc::new(Gate::new(THREADS));
    let threads = [(); THREADS].map(|()| {
        let gate = Arc::clone(&gate);
        thread::spawn(move || {
            gate.pass();
            (0..1_000).map(|_| RequestId::unique()).collect::<Vec<_>>()
        })
    });
    let ids: HashSet<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert_eq!(ids.len(), THREADS * 1_000);
}
