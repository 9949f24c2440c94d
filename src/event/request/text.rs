//! Ids of requests as text, to travel to other processes and home again.

use super::{Id, RequestId};
use crate::sync::RandomState;
use std::error::Error;
use std::fmt;
use std::hash::BuildHasher;
use std::str::FromStr;
use std::sync::OnceLock;

const NUMBER: &str = "number:";
const TEXT: &str = "text:";
const UNIQUE: &str = "unique:";

/// How many hexadecimal digits a salt has.
const SALT_DIGITS: usize = 16;

/// Tells the unique ids of this process from those of others: drawn when it is first needed, and
/// the same from then on.
fn own_salt() -> u64 {
    static SALT: OnceLock<u64> = OnceLock::new();
    // Two keys of which the standard library draws at random, so that a hash of nothing will do.
    *SALT.get_or_init(|| RandomState::default().hash_one(()))
}

/// The text form of an id.
struct Text<'a>(&'a Id);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (salt, number) = match self.0 {
            Id::Number(number) => return write!(f, "{NUMBER}{number}"),
            Id::Text(text) => return write!(f, "{TEXT}{text}"),
            Id::Unique(number) => (own_salt(), *number),
            Id::Foreign { salt, number } => (*salt, *number),
        };
        write!(f, "{UNIQUE}{salt:0SALT_DIGITS$x}:{number}")
    }
}

impl RequestId {
    /// Writes the id as text, to send it to another process or to keep it; [`parse`](str::parse)
    /// makes an equal id again. Every id has a text of its own. ([`Display`](fmt::Display) is for
    /// people: it shows `7` for the number and for the text.)
    ///
    /// A unique id that has travelled to another process equals none that is made there, and when
    /// it comes home, it equals the one that has left: a random number of 64 bits, which each
    /// process draws once, travels with it. (A process that forks afterwards shares it with its
    /// child.) An id is no secret: whoever sees one can answer in its name.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbus::RequestId;
    ///
    /// assert_eq!(RequestId::from(7).to_text(), "number:7");
    /// assert_eq!(RequestId::from("rollout 7").to_text(), "text:rollout 7");
    ///
    /// let id = RequestId::unique();
    /// let sent = id.to_text(); // such as "unique:5f2b9c0d1e6a7384:42"
    /// assert_eq!(sent.parse(), Ok(id));
    /// ```
    #[must_use]
    pub fn to_text(&self) -> String {
        Text(&self.0).to_string()
    }
}

/// Makes an id of [its text](RequestId::to_text).
impl FromStr for RequestId {
    type Err = ParseRequestIdError;

    /// # Errors
    ///
    /// [`ParseRequestIdError`] if the text is not one that `to_text` writes; a number with a sign
    /// or with leading zeros is not.
    fn from_str(text: &str) -> Result<Self, ParseRequestIdError> {
        if let Some(text) = text.strip_prefix(TEXT) {
            return Ok(Self::from(text));
        }
        if let Some(number) = text.strip_prefix(NUMBER) {
            return parse_number(number).map(Self::from).ok_or(ParseRequestIdError(Reason::Number));
        }
        let unique = text.strip_prefix(UNIQUE).ok_or(ParseRequestIdError(Reason::Kind))?;
        let (salt, number) = parse_unique(unique).ok_or(ParseRequestIdError(Reason::Unique))?;
        match salt == own_salt() {
            true if Self::has_made(number) => Ok(Self(Id::Unique(number))),
            true => Err(ParseRequestIdError(Reason::NeverMade)),
            false => Ok(Self(Id::Foreign { salt, number })),
        }
    }
}

fn parse_unique(text: &str) -> Option<(u64, u64)> {
    let (salt, number) = text.split_once(':')?;
    let is_salt = salt.len() == SALT_DIGITS && salt.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let salt = is_salt.then(|| u64::from_str_radix(salt, 16).ok())??;
    Some((salt, parse_number(number)?))
}

/// Parses a number that is written in the one way in which it is here.
fn parse_number(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    is_plain.then(|| text.parse().ok())?
}

/// A text is not that of a [`RequestId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseRequestIdError(Reason);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Kind,
    Number,
    Unique,
    NeverMade,
}

impl fmt::Display for ParseRequestIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = match self.0 {
            Reason::Kind => "the text of a request id begins with `number:`, `text:` or `unique:`",
            Reason::Number => "what follows `number:` is not a plain number of at most 64 bits",
            Reason::Unique => "what follows `unique:` is not 16 hexadecimal digits, a colon and a plain number",
            Reason::NeverMade => "a unique request id of this process that it has not made",
        };
        f.write_str(message)
    }
}

impl Error for ParseRequestIdError {}

#[cfg(feature = "serde")]
mod serial {
    use super::{RequestId, Text};
    use serde::de::{Deserialize, Deserializer, Error, Visitor};
    use serde::ser::{Serialize, Serializer};
    use std::fmt;

    /// As [its text](RequestId::to_text), with the feature `serde`.
    impl Serialize for RequestId {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(&Text(&self.0))
        }
    }

    /// From [its text](RequestId::to_text), with the feature `serde`.
    impl<'de> Deserialize<'de> for RequestId {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_str(IdVisitor)
        }
    }

    struct IdVisitor;

    impl Visitor<'_> for IdVisitor {
        type Value = RequestId;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the text of a request id")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<RequestId, E> {
            text.parse().map_err(E::custom)
        }
    }
}
