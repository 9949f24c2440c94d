//! Questions to the server, to know what it has dealt with, and to the client.

use crate::shared::Shared;
use crate::subjects::Subjects;
use async_nats::client::{Request, RequestErrorKind};
use async_nats::connection::State;
use async_nats::{Client, Subject};
use bytes::Bytes;
use futures_util::future::{Either, poll_immediate, select};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::sleep;

/// How long to wait for an answer, before looking around.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// How long to wait for the answer that nobody is there, before something else is asked.
const AT_ONCE: Duration = Duration::from_millis(250);

/// What servers answer themselves, whoever subscribes to everything: the account's statistics.
const STATISTICS: &str = "$SYS.REQ.ACCOUNT.PING.STATZ";

/// Whether the server has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It has: nobody else hears the question.
    Unheard,
    /// It has, and somebody may hear the question: who subscribes to everything (`>`).
    Given,
    /// It may still.
    NotYet,
    /// It cannot: the client has ended.
    Never,
}

/// Asks the server something to which nobody has an answer, so that it says so itself. By then it
/// has dealt with everything that was sent before.
///
/// If somebody subscribes to everything, it says nothing; then it is asked about the account.
///
/// (A flush of the client is no such question: it ends when the bytes are with the kernel.)
pub(crate) async fn ask(shared: &Shared, client: &Client) -> Answer {
    let nobody = request(client, nobody(shared), Answer::Unheard);
    let itself = async {
        sleep(AT_ONCE).await;
        match client.connection_state() {
            State::Connected => request(client, Subject::from_static(STATISTICS), Answer::Given).await,
            _ => Answer::NotYet,
        }
    };
    match select(pin!(nobody), pin!(itself)).await {
        Either::Left((Answer::NotYet, itself)) => itself.await,
        Either::Right((Answer::NotYet, nobody)) => nobody.await,
        Either::Left((answer, _)) | Either::Right((answer, _)) => answer,
    }
}

/// `PREFIX.nobody.NODE`, to which nobody subscribes.
fn nobody(shared: &Shared) -> Subject {
    format!("{}.nobody.{}", shared.prefix, shared.node).into()
}

async fn request(client: &Client, subject: Subject, if_unheard: Answer) -> Answer {
    match client.send_request(subject, Request::new().timeout(Some(ANSWER_WITHIN))).await {
        Ok(_) => Answer::Given,
        Err(error) => match error.kind() {
            RequestErrorKind::NoResponders => if_unheard,
            RequestErrorKind::Other => Answer::Never,
            _ => Answer::NotYet,
        },
    }
}

/// Asks the same, with an answer that goes to a subject which the client hears by its import alone.
/// A server that refuses that subscription tells it to nobody but a callback of the client, and has
/// nowhere to send this answer to. It answers in order, so if a later [question](ask) is
/// [`Answer::Unheard`], this one is answered, or it never will be.
///
/// Says whether the client takes it.
pub(crate) async fn probe(shared: &Shared, client: &Client, subjects: &Subjects) -> bool {
    client.publish_with_reply(nobody(shared), subjects.probe(shared.node), Bytes::new()).await.is_ok()
}

/// Waits until the client has ended, because it has given up to connect or was drained. Looks now
/// and then: it has no way to tell.
pub(crate) async fn ended(client: &Client, every: Duration) {
    // Nothing of this is sent.
    while client.server_pool().await.is_ok() {
        sleep(every).await;
    }
}

/// Whether the client has ended.
pub(crate) async fn has_ended(client: &Client) -> bool {
    // If the client does not take it now, it is there.
    matches!(poll_immediate(client.server_pool()).await, Some(Err(_)))
}

/// How many connections the client has had.
pub(crate) fn connections(client: &Client) -> u64 {
    client.statistics().connects.load(Ordering::Relaxed)
}
