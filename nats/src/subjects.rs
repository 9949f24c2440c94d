//! Where a bridge sends to and listens.

use crate::node_id::NodeId;
use async_nats::Subject;
use ringbus::EventType;
use std::collections::HashMap;
use std::error::Error;
use std::fmt;

/// The subjects of one prefix. Everything that nodes tell each other is below `PREFIX.all`, so that
/// one subscription gets it in one order: a subscription for each type would mix them up.
#[derive(Clone, Debug)]
pub(crate) struct Subjects {
    /// `PREFIX.all.`
    stem: String,
}

impl Subjects {
    /// # Errors
    ///
    /// What is wrong with the prefix.
    pub(crate) fn new(prefix: &str) -> Result<Self, SubjectFault> {
        check(prefix)?;
        Ok(Self { stem: format!("{prefix}.all.") })
    }

    /// Where events of that type go. The name stays in memory as that of an event type does: so the
    /// task that exports and the client, which has each message for a while, count no shares.
    pub(crate) fn of(&self, event_type: EventType) -> Result<Subject, SubjectFault> {
        check(event_type.as_str())?;
        let name = EventType::intern(&format!("{}{event_type}", self.stem));
        Ok(Subject::from_static(name.as_str()))
    }

    /// Where heartbeats and farewells go. (An event type of that name does no harm: the envelope
    /// says what is what.)
    pub(crate) fn heartbeat(&self) -> Subject {
        Subject::from(format!("{}_heartbeat", self.stem))
    }

    /// Where the answer to a [probe](crate::question::probe) goes.
    pub(crate) fn probe(&self, node: NodeId) -> Subject {
        Subject::from(format!("{}{PROBE}{node}", self.stem))
    }

    /// Whether a message that no bridge has sent is such an answer. (Who records all that is below
    /// the prefix answers everybody's.)
    pub(crate) fn is_probe(&self, subject: &str) -> bool {
        subject.strip_prefix(&self.stem).is_some_and(|rest| rest.starts_with(PROBE))
    }

    /// What a bridge subscribes to.
    pub(crate) fn everything(&self) -> Subject {
        Subject::from(format!("{}>", self.stem))
    }

    /// The event type that a message was sent to, if this is one of those.
    pub(crate) fn event_type(&self, subject: &str, of: &HashMap<&'static str, EventType>) -> Option<EventType> {
        of.get(subject.strip_prefix(&self.stem)?).copied()
    }
}

/// What the subjects of probes begin with, behind the stem.
const PROBE: &str = "_probe.";

/// How long a prefix or an event type may be, in bytes. A server ends a connection on which a line
/// is longer than 4,096, and both are in one line with what the bridge and the client add.
const LONGEST: usize = 1_024;

/// Looks for what a server or the client would refuse, or would understand as a pattern.
fn check(name: &str) -> Result<(), SubjectFault> {
    if name.is_empty() {
        return Err(SubjectFault::Empty);
    }
    if name.len() > LONGEST {
        return Err(SubjectFault::TooLong { bytes: name.len() });
    }
    match name.chars().find(|&char| matches!(char, '*' | '>') || char.is_whitespace() || char.is_control()) {
        Some(char @ ('*' | '>')) => Err(SubjectFault::Wildcard(char)),
        Some(char) => Err(SubjectFault::Blank(char)),
        None if name.split('.').any(str::is_empty) => Err(SubjectFault::EmptyToken),
        None => Ok(()),
    }
}

/// Why a prefix or an event type cannot be part of a NATS subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubjectFault {
    /// It is empty.
    Empty,
    /// It begins or ends with a dot, or has two in a row.
    EmptyToken,
    /// It contains `*` or `>`, which stand for other names.
    Wildcard(char),
    /// It contains a space or a control character.
    Blank(char),
    /// It is longer than 1,024 bytes.
    TooLong {
        /// How long it is.
        bytes: usize,
    },
}

impl fmt::Display for SubjectFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::EmptyToken => f.write_str("there is nothing before, between or after its dots"),
            Self::Wildcard(char) => write!(f, "it contains the wildcard `{char}`"),
            Self::Blank(char) => write!(f, "it contains {char:?}"),
            Self::TooLong { bytes } => write!(f, "it has {bytes} bytes, of {LONGEST}"),
        }
    }
}

impl Error for SubjectFault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_named() {
        for (name, fault) in [
            ("", SubjectFault::Empty),
            (".", SubjectFault::EmptyToken),
            ("a..b", SubjectFault::EmptyToken),
            (".a", SubjectFault::EmptyToken),
            ("a.", SubjectFault::EmptyToken),
            ("a.*", SubjectFault::Wildcard('*')),
            ("a*b", SubjectFault::Wildcard('*')),
            (">", SubjectFault::Wildcard('>')),
            ("a b", SubjectFault::Blank(' ')),
            ("a\r\nPUB b", SubjectFault::Blank('\r')),
            ("a\0", SubjectFault::Blank('\0')),
        ] {
            assert_eq!(check(name), Err(fault), "{name:?}");
        }
        assert_eq!(check(&"a".repeat(LONGEST)), Ok(()));
        assert_eq!(check(&"ä".repeat(LONGEST)), Err(SubjectFault::TooLong { bytes: 2 * LONGEST }));
        for name in ["a", "a.b", "config.validated", "prod-1.shop", "größe"] {
            assert_eq!(check(name), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn type_comes_back_from_its_subject() {
        let subjects = Subjects::new("shop.eu").expect("a prefix");
        let filled = EventType::new("order.filled");
        let types = HashMap::from([(filled.as_str(), filled)]);
        let subject = subjects.of(filled).expect("a type");
        assert_eq!(&*subject, "shop.eu.all.order.filled");
        assert_eq!(subjects.event_type(&subject, &types), Some(filled));
        assert_eq!(subjects.event_type("shop.eu.all.order.refused", &types), None);
        assert_eq!(subjects.event_type("shop.us.all.order.filled", &types), None);
    }
}
