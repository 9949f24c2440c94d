//! Event types from names that come from outside.

use crate::common::{EVEN, Number, ODD, live, publish};
use ringbus::{EventType, InternError, Interner};

/// API, section 2: an interner gives the type of the name, which is routed as any other.
#[test]
fn interned_types_are_those_of_their_names() {
    let mut interner = Interner::new(2);
    let even = interner.intern(&String::from("number.even")).unwrap();
    assert_eq!((even, interner.intern("number.odd")), (EVEN, Ok(ODD)));
    let bus = live();
    let evens = bus.subscriber("evens").types([even]).subscribe();
    publish(&bus, 0..3);
    assert_eq!(evens.try_iter().collect::<Vec<_>>(), [Number(0), Number(2)]);
}

/// API, section 2: it keeps as many new names as it was told; what it knows does not count, and
/// what it has accepted stays accepted.
#[test]
fn interner_accepts_so_many_names_and_no_more() {
    let mut interner = Interner::new(2).knowing([EVEN, ODD]);
    for _ in 0..3 {
        assert_eq!(interner.intern("number.even"), Ok(EVEN));
        assert_eq!(interner.intern("number.odd"), Ok(ODD));
    }
    let names = ["one", "two"];
    assert_eq!(names.map(|name| interner.intern(name)), names.map(|name| Ok(EventType::new(name))));
    assert_eq!(interner.intern("three"), Err(InternError::TooManyNames));
    assert_eq!(names.map(|name| interner.intern(name)), names.map(|name| Ok(EventType::new(name))));
    assert_eq!(interner.intern(""), Err(InternError::TooManyNames));

    let mut closed = Interner::new(0).knowing([EVEN]);
    assert_eq!(closed.intern("number.even"), Ok(EVEN));
    assert_eq!(closed.intern("number.odd"), Err(InternError::TooManyNames));
}

/// API, section 2: what it is told to know comes on top of what it knows, told or accepted.
#[test]
fn interner_may_be_told_more() {
    let mut interner = Interner::new(1);
    let one = interner.intern("one").unwrap();
    let mut interner = interner.knowing([EVEN]).knowing([]).knowing([ODD, EVEN]);
    for known in [one, EVEN, ODD] {
        assert_eq!(interner.intern(known.as_str()), Ok(known));
    }
    assert_eq!(interner.intern("two"), Err(InternError::TooManyNames));
}

/// API, section 2: a name that is too long, in bytes, is refused, and takes no other's place.
#[test]
fn interner_refuses_long_names() {
    let longest = "n".repeat(Interner::LONGEST_NAME);
    let too_long = format!("{longest}n");
    let mut interner = Interner::new(1);
    assert_eq!(interner.intern(&too_long), Err(InternError::NameTooLong));
    assert_eq!(interner.intern(&longest).map(EventType::as_str), Ok(&*longest));
    let of_long_letters = "ü".repeat(Interner::LONGEST_NAME / 2 + 1);
    assert_eq!(interner.intern(&of_long_letters), Err(InternError::NameTooLong), "bytes count, not letters");
    let long = EventType::intern(&too_long);
    assert_eq!(Interner::new(0).knowing([long]).intern(&too_long), Ok(long));

    assert_eq!(InternError::NameTooLong.to_string(), "the name is new, and longer than 256 bytes");
    assert_eq!(
        InternError::TooManyNames.to_string(),
        "the name is new, and the interner has accepted as many names as it may"
    );
}
