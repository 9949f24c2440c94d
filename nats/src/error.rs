//! What can go wrong when a bridge is made.

use crate::subjects::SubjectFault;
use ringbus::EventType;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// There is no bridge, from [`BridgeBuilder::connect`](crate::BridgeBuilder::connect).
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The prefix cannot begin a NATS subject.
    Prefix {
        /// The prefix.
        prefix: Box<str>,
        /// What is wrong with it.
        fault: SubjectFault,
    },
    /// An event type that is exported or imported cannot end a NATS subject.
    Type {
        /// The event type.
        event_type: EventType,
        /// What is wrong with it.
        fault: SubjectFault,
    },
    /// The codec does not know an event type that is exported or imported.
    UnknownType {
        /// The event type.
        event_type: EventType,
    },
    /// An event type is exported and imported, and the bus retains it. Whoever publishes such an
    /// event may hand on that of another, so a bridge cannot tell those that it has imported, and
    /// would send them out again.
    Retained {
        /// The event type.
        event_type: EventType,
    },
    /// No event type is exported, and none imported.
    NothingToDo,
    /// There is a bridge with this prefix on this bus; or there was one, and the runtime has not
    /// dropped its tasks yet.
    AlreadyBridged {
        /// The prefix.
        prefix: Box<str>,
    },
    /// The bus is closed.
    BusClosed,
    /// TLS is asked for and not built in.
    NoTls,
    /// The client cannot connect: nobody answers at that address, a password is wrong, a
    /// certificate is not trusted.
    Nats(async_nats::ConnectError),
    /// The client has ended while the bridge was made.
    Lost,
    /// The server does not let the user subscribe to what the other nodes send. (Goes unnoticed if
    /// somebody subscribes to everything below the prefix.)
    MayNotSubscribe {
        /// The subject, with its wildcard.
        subject: Box<str>,
    },
    /// The connection stands, and a question to the server stays unanswered. The user may lack the
    /// permission to publish below the prefix, or to subscribe to answers (`_INBOX.>`). Or somebody
    /// subscribes to everything below the prefix, and the user may not ask
    /// `$SYS.REQ.ACCOUNT.PING.STATZ`.
    Unanswered {
        /// How long it was waited for.
        after: Duration,
    },
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix { prefix, fault } => write!(f, "the prefix {prefix:?} cannot begin a subject: {fault}"),
            Self::Type { event_type, fault } => {
                write!(f, "the event type {:?} cannot end a subject: {fault}", event_type.as_str())
            }
            Self::UnknownType { event_type } => write!(f, "the codec does not know the event type {event_type}"),
            Self::Retained { event_type } => write!(
                f,
                "the bus retains the event type {event_type}, so it can be exported or imported, but not both"
            ),
            Self::NothingToDo => f.write_str("there is nothing to export and nothing to import"),
            Self::AlreadyBridged { prefix } => {
                write!(f, "there is a bridge with the prefix {prefix} on this bus already")
            }
            Self::BusClosed => f.write_str("the bus is closed"),
            Self::NoTls => f.write_str(
                "the server is to be reached by TLS, which is not built in: turn the feature `ring` on, \
                 or install a provider for rustls",
            ),
            Self::Nats(error) => write!(f, "cannot connect to the NATS server: {error}"),
            Self::Lost => f.write_str("the connection was lost before the bridge was made"),
            Self::MayNotSubscribe { subject } => {
                write!(f, "the NATS server does not let this user subscribe to {subject}")
            }
            Self::Unanswered { after } => write!(
                f,
                "the NATS server has not answered within {after:?}: may this user publish below the prefix, and \
                 subscribe to `_INBOX.>`?"
            ),
        }
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Prefix { fault, .. } | Self::Type { fault, .. } => Some(fault),
            Self::Nats(error) => error.source(),
            _ => None,
        }
    }
}
