//! The names of event types and requests: equality, hash and display agree, and they work as keys
//! and routes.

use arbitrary::Arbitrary;
use ringbus::{Event, EventBus, EventType, RequestId};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::SystemTime;

/// More names are not looked at: each is compared with each.
const MOST: usize = 8;

/// Event types of these names are equal exactly where the names are, wherever those stand in
/// memory.
pub fn check_event_types(names: &[String]) {
    let names = &names[..names.len().min(MOST)];
    let state = RandomState::new();
    for name in names {
        let event_type = EventType::intern(name);
        assert_eq!(event_type.as_str(), name);
        assert_eq!(event_type.to_string(), *name);
        assert_eq!(format!("{event_type:>9}|{event_type:.2}"), format!("{name:>9}|{name:.2}"));
        assert_eq!(format!("{event_type:?}"), format!("EventType({name:?})"));
        assert!(std::ptr::eq(event_type.as_str(), EventType::intern(name).as_str()), "{name:?} is kept twice");
        let elsewhere = elsewhere(name);
        assert_eq!(event_type, elsewhere);
        assert_eq!(state.hash_one(event_type), state.hash_one(elsewhere), "hashes of {name:?}");
        for other in names {
            assert_eq!(elsewhere == EventType::intern(other), name == other, "{name:?} and {other:?}");
        }
    }
    check_constants(names);
    check_routes(names);
}

/// An event type whose name stands in other memory than the interned one.
fn elsewhere(name: &str) -> EventType {
    let longer = EventType::intern(&format!("{name}?")).as_str();
    EventType::new(&longer[..name.len()])
}

const EMPTY: EventType = EventType::new("");
const LOADED: EventType = EventType::new("config.loaded");

/// Constants as patterns.
fn check_constants(names: &[String]) {
    for name in names {
        let matched = match EventType::intern(name) {
            EMPTY => Some(""),
            LOADED => Some("config.loaded"),
            _ => None,
        };
        assert_eq!(matched, ["", "config.loaded"].into_iter().find(|constant| constant == name));
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Named(EventType);

impl Event for Named {
    fn event_type(&self) -> EventType {
        self.0
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// Whoever asks for one name gets all events of that name and no other. Every second name has two
/// subscribers.
fn check_routes(names: &[String]) {
    let bus = EventBus::new(names.len());
    let wanted: Vec<_> = names.iter().chain(names.iter().step_by(2)).collect();
    let subscribe =
        |name: &&String| bus.subscriber("").capacity(names.len()).types([EventType::intern(name)]).subscribe();
    let subscriptions: Vec<_> = wanted.iter().map(subscribe).collect();
    for is_live in [false, true] {
        for name in names {
            assert!(bus.has_subscribers(elsewhere(name)), "{name:?}");
            let published = bus.publish(Named(elsewhere(name))).expect("there is room");
            let interested = if is_live { count(wanted.iter().copied(), name) } else { 0 };
            assert_eq!((published.delivered, published.dropped), (interested, 0), "{name:?}");
        }
        bus.start();
        for (subscription, name) in subscriptions.iter().zip(&wanted) {
            let received: Vec<_> = std::iter::from_fn(|| subscription.try_recv().ok()).collect();
            assert_eq!(received, vec![Named(elsewhere(name)); count(names, name)]);
        }
    }
    // Longer than every name.
    let unwanted = names.concat() + "?";
    assert!(!bus.has_subscribers(EventType::intern(&unwanted)), "{unwanted:?}");
}

fn count<'a>(names: impl IntoIterator<Item = &'a String>, name: &String) -> usize {
    names.into_iter().filter(|other| *other == name).count()
}

/// What an id is made of.
#[derive(Arbitrary, Clone, Debug, PartialEq, Eq, Hash)]
pub enum IdName {
    Number(u64),
    Text(String),
    Unique,
}

impl IdName {
    fn id(&self) -> RequestId {
        match self {
            Self::Number(number) => RequestId::from(*number),
            Self::Text(text) => RequestId::from(text.as_str()),
            Self::Unique => RequestId::unique(),
        }
    }
}

/// Ids are equal exactly where they are made of the same; unique ones never are.
pub fn check_request_ids(names: &[IdName]) {
    let names = &names[..names.len().min(MOST)];
    let state = RandomState::new();
    let ids: Vec<_> = names.iter().map(IdName::id).collect();
    for (name, id) in names.iter().zip(&ids) {
        let copy = id.clone();
        assert!(copy == *id && state.hash_one(&copy) == state.hash_one(id), "a clone of {id}");
        assert_eq!(format!("{id:?}"), format!("RequestId({id})"));
        // An id that reads the same is another, unless both are texts.
        assert_eq!(*id == RequestId::from(id.to_string()), matches!(name, IdName::Text(_)), "{name:?}");
        match name {
            IdName::Number(number) => assert_eq!(id.to_string(), number.to_string()),
            IdName::Text(text) => {
                assert_eq!(id.to_string(), *text);
                assert_eq!(*id, RequestId::from(text.clone()));
            }
            IdName::Unique => {}
        }
    }
    for (index, (name, id)) in names.iter().zip(&ids).enumerate() {
        for (other_index, (other_name, other)) in names.iter().zip(&ids).enumerate() {
            let is_same = if *name == IdName::Unique { index == other_index } else { name == other_name };
            assert_eq!(id == other, is_same, "{name:?} and {other_name:?}");
            assert!(!is_same || state.hash_one(id) == state.hash_one(other), "hashes of {id}");
        }
    }
    check_keys(names, &ids);
}

/// As keys, they find what was entered last under the same.
fn check_keys(names: &[IdName], ids: &[RequestId]) {
    let places: HashMap<_, _> = ids.iter().zip(0..).collect();
    for (index, (name, id)) in names.iter().zip(ids).enumerate() {
        let last = names.iter().rposition(|other| other == name && *name != IdName::Unique);
        assert_eq!(places.get(id), Some(&last.unwrap_or(index)), "{name:?}");
    }
}
