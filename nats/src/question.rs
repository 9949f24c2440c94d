//! Questions to the server, to know what it has dealt with, and to the client.

use crate::shared::Shared;
use async_nats::client::{Request, RequestErrorKind};
use async_nats::{Client, Subject};
use bytes::Bytes;
use futures_util::future::{Either, poll_immediate, select};
use futures_util::{FutureExt, StreamExt};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::sleep;

/// How long to wait for an answer, before looking around.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// How long to wait for the answer that nobody is there, before something else is asked.
const AT_ONCE: Duration = Duration::from_millis(100);

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
        request(client, Subject::from_static(STATISTICS), Answer::Given).await
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

/// A question whose answer goes to a subject that only an importer may subscribe to. A server that
/// refuses the subscription tells that to nobody but a callback of the client, and then has nowhere
/// to send the answer to.
pub(crate) struct Probe {
    answers: async_nats::Subscriber,
    /// On which connection it was asked.
    connection: u64,
}

impl Probe {
    /// Asks. `None`: the client has ended.
    ///
    /// (No other subscription of this client may match the subject: one of them gets the answer.)
    pub(crate) async fn ask(shared: &Shared, client: &Client, subject: Subject) -> Option<Self> {
        let connection = connection(client);
        let answers = client.subscribe(subject.clone()).await.ok()?;
        client.publish_with_reply(nobody(shared), subject, Bytes::new()).await.ok()?;
        Some(Self { answers, connection })
    }

    /// Whether the subscription was refused, once a later [question](ask) was [`Answer::Unheard`]:
    /// the server answers in order, so it has answered this one, too. `None`: the connection is not
    /// the same any more, so the answer may be lost.
    pub(crate) fn refused(mut self, client: &Client) -> Option<bool> {
        match self.answers.next().now_or_never() {
            Some(Some(_)) => Some(false),
            Some(None) => None,
            None => (connection(client) == self.connection).then_some(true),
        }
    }
}

/// Waits until the client has ended. Looks now and then: it has no way to tell.
pub(crate) async fn ended(client: &Client, every: Duration) {
    while !has_ended(client).await {
        sleep(every).await;
    }
}

/// Whether the client has ended, because it has given up to connect or was drained.
pub(crate) async fn has_ended(client: &Client) -> bool {
    // Nothing of this is sent. If the client does not take it now, it is there.
    matches!(poll_immediate(client.server_pool()).await, Some(Err(_)))
}

/// How many connections the client has had.
fn connection(client: &Client) -> u64 {
    client.statistics().connects.load(Ordering::Relaxed)
}
