//! What is written by serde, and read again.

use crate::common::{self, EVEN, Number, ODD, live, publish};
use ringbus::{EventType, Interner, RequestId};
use serde::Serialize;
use serde::de::DeserializeSeed;
use serde_json::{Value, from_str, from_value, json, to_string, to_value};

/// API, section 2: ids are their texts, of whichever kind.
#[test]
fn request_ids_are_their_texts() {
    for id in [RequestId::from(7), RequestId::from("a \"quoted\"\nline"), RequestId::unique()] {
        let json = to_string(&id).unwrap();
        assert_eq!(from_str::<String>(&json).unwrap(), id.to_text());
        assert_eq!(from_str::<RequestId>(&json).unwrap(), id);
        // From a string that is not borrowed, too.
        assert_eq!(from_value::<RequestId>(to_value(&id).unwrap()).unwrap(), id);
    }
}

/// API, section 2: what is no id is an error that says so.
#[test]
fn what_is_no_request_id_is_refused() {
    let complaint = |json: &str| from_str::<RequestId>(json).unwrap_err().to_string();
    let message = complaint("\"7\"");
    assert!(message.starts_with("the text of a request id begins with `number:`"), "{message}");
    let message = complaint("7");
    assert!(message.starts_with("invalid type: integer `7`, expected the text of a request id"), "{message}");
}

/// API, section 2: event types are written as their names, and read within the bound of an
/// interner.
#[test]
fn event_types_are_read_within_a_bound() {
    fn read(interner: &mut Interner, json: &str) -> serde_json::Result<EventType> {
        interner.deserialize(&mut serde_json::Deserializer::from_str(json))
    }
    let mut interner = Interner::new(1).knowing([EVEN]);
    let json = to_string(&[EVEN, ODD]).unwrap();
    assert_eq!(json, r#"["number.even","number.odd"]"#);
    assert_eq!(read(&mut interner, "\"number.even\"").unwrap(), EVEN);
    assert_eq!(read(&mut interner, "\"number.\\u006fdd\"").unwrap(), ODD, "not borrowed");
    let message = read(&mut interner, "\"number.neither\"").unwrap_err().to_string();
    assert!(message.starts_with("the name is new, and the interner"), "{message}");
    let message = read(&mut interner, "null").unwrap_err().to_string();
    assert!(message.starts_with("invalid type: null, expected the name of an event type"), "{message}");
}

/// API, section 2: statistics are written field by field.
#[test]
fn statistics_are_their_fields() {
    let bus = live();
    let everything = bus.subscriber("everything").capacity(2).lossy(true).subscribe();
    let _odds = bus.subscriber("odds").capacity(1).types([ODD]).filter(|it: &Number| it.0 > 1).subscribe();
    let _hook = bus.on_lag(|_| {});
    publish(&bus, 0..6);
    assert!(everything.try_recv().is_ok());
    let ring = format!("{:?}", common::ring()).to_lowercase();
    let subscribers = json!([
        {
            "name": "everything", "types": null, "capacity": 2, "ring": ring, "len": 1, "unread_replay": 0, "high_water": 2,
            "received": 1, "dropped": 4, "evicted": 0, "filtered": 0, "discarded": 0, "lossy": true, "lagging": false,
        },
        {
            "name": "odds", "types": ["number.odd"], "capacity": 1, "ring": ring, "len": 1, "unread_replay": 0, "high_water": 1,
            "received": 0, "dropped": 1, "evicted": 0, "filtered": 1, "discarded": 0, "lossy": false, "lagging": true,
        },
    ]);
    let totals = json!({
        "published": 6, "delivered": 3, "dropped": 5, "buffered": 0, "unclaimed": 0, "startup_rejected": 0,
        "late_responses": 0, "requests_in_flight": 0, "subscribers": subscribers,
    });
    assert_eq!(to_value(bus.stats()).unwrap(), totals);
    assert_eq!(to_value(everything.stats()).unwrap(), subscribers[0]);
}

/// API, section 2: a format that writes the number of fields in front is told the right one.
#[test]
fn what_is_written_with_lengths_is_read_again() {
    fn check<T: Serialize>(value: &T) {
        let mut bytes = Vec::new();
        ciborium::into_writer(value, &mut bytes).unwrap();
        let rest = &mut &bytes[..];
        assert_eq!(ciborium::from_reader::<Value, _>(&mut *rest).unwrap(), to_value(value).unwrap());
        assert!(rest.is_empty(), "all that was written was announced");
    }
    let bus = live();
    let one = bus.subscriber("one").types([EVEN, ODD]).subscribe();
    check(&one.stats());
    check(&bus.stats());
    let _others = ["two", "three"].map(|name| bus.subscriber(name).subscribe());
    publish(&bus, 0..2);
    check(&bus.stats());
    check(&EVEN);
    let id = RequestId::unique();
    check(&id);
    let mut bytes = Vec::new();
    ciborium::into_writer(&id, &mut bytes).unwrap();
    assert_eq!(ciborium::from_reader::<RequestId, _>(&bytes[..]).unwrap(), id);
}
