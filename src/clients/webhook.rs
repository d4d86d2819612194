//! Posting to a messenger's webhook. reqwest is used here and for the client that GitHub shares.
//!
//! The address is the secret: no error carries it. A second try, one, is made after 429 and when there was
//! no connection, because only then nothing was taken; after a 5xx or a timeout a second post could be a
//! second message.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use serde_json::Value;

use super::{http, text};
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::secret::cut::whole_words;

/// A longer wait than this would outlast the time for reports.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Before a second try when no connection was to be had.
const PAUSE: Duration = Duration::from_secs(1);

/// Where to post.
#[derive(Debug, Clone, Copy)]
pub struct Webhook<'a> {
    /// Who answers there, in words.
    pub service: &'a str,
    pub address: &'a Secret,
    /// Whether it must be asked to say what became of the message, as Discord must.
    pub answer: Wanted,
}

/// Whether an answer has to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Unasked,
    /// By `wait=true`.
    ByQuery,
}

/// Posts one message.
pub async fn post(webhook: &Webhook<'_>, message: &Value) -> Result<()> {
    let client = http::client()?;
    let service = webhook.service;
    let pause = match send(&client, webhook, message).await {
        WebhookResponse::Taken => return Ok(()),
        WebhookResponse::Refused(error) => return Err(error),
        WebhookResponse::Busy(pause) if pause > LONGEST_PAUSE => return Err(busy(service, pause)),
        WebhookResponse::Busy(pause) => pause,
        WebhookResponse::Unreached(_error) => PAUSE,
    };
    tokio::time::sleep(pause).await;
    match send(&client, webhook, message).await {
        WebhookResponse::Taken => Ok(()),
        WebhookResponse::Refused(error) | WebhookResponse::Unreached(error) => Err(error),
        WebhookResponse::Busy(pause) => Err(busy(service, pause)),
    }
}

enum WebhookResponse {
    Taken,
    /// It took nothing and says when to come back.
    Busy(Duration),
    /// There was no connection, so nothing was sent.
    Unreached(Error),
    /// It refused the message, or may have taken it.
    Refused(Error),
}

async fn send(client: &reqwest::Client, webhook: &Webhook<'_>, message: &Value) -> WebhookResponse {
    let service = webhook.service;
    let address = webhook.address.expose();
    let request = match webhook.answer {
        Wanted::Unasked => client.post(address),
        Wanted::ByQuery => {
            let before = if address.contains('?') { '&' } else { '?' };
            client.post(format!("{address}{before}wait=true"))
        }
    };
    let answer = match request.json(message).send().await {
        Ok(answer) => answer,
        Err(error) if error.is_connect() => {
            return WebhookResponse::Unreached(unreachable(service, error));
        }
        Err(error) => return WebhookResponse::Refused(unreachable(service, error)),
    };
    let status = answer.status();
    if status.is_success() {
        return WebhookResponse::Taken;
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        let header = answer.headers().get(RETRY_AFTER);
        let header = header.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let body = beginning(answer).await;
        return WebhookResponse::Busy(pause(header, &body));
    }
    let why = text::printable(&beginning(answer).await);
    WebhookResponse::Refused(refused(service, status, &why))
}

/// How long to wait, in whole seconds: Discord says it in its JSON, to the millisecond.
fn pause(header: Option<f64>, body: &str) -> Duration {
    let in_body = || {
        let body: Value = serde_json::from_str(body).ok()?;
        body.get("retry_after")?.as_f64()
    };
    let seconds = header.or_else(in_body).unwrap_or(1.0);
    Duration::try_from_secs_f64(seconds.ceil()).unwrap_or(Duration::MAX)
}

/// The first words of a body: it says why in some, and others may send without end.
async fn beginning(mut answer: reqwest::Response) -> String {
    const ENOUGH: usize = 4096;
    let mut body = Vec::new();
    // One byte more tells that it goes on.
    while body.len() <= ENOUGH
        && let Ok(Some(piece)) = answer.chunk().await
    {
        let room = ENOUGH + 1 - body.len();
        body.extend(piece.iter().take(room));
    }
    whole_words(&String::from_utf8_lossy(&body), ENOUGH)
}

fn unreachable(service: &str, error: reqwest::Error) -> Error {
    Error::usage(format!("cannot post to {service} (`slack-webhook-url`)"))
        .because(error.without_url())
        .hint(format!(
            "check that the runner may reach {service}, through HTTPS_PROXY if need be"
        ))
}

fn refused(service: &str, status: StatusCode, why: &str) -> Error {
    if status.is_server_error() {
        return Error::usage(format!("{service} failed over the message: {status} {why}"))
            .hint("it may have been posted all the same, so it is not sent again");
    }
    let error = Error::usage(format!("{service} refused the message: {status} {why}"));
    match status {
        StatusCode::UNAUTHORIZED
        | StatusCode::NOT_FOUND
        | StatusCode::FORBIDDEN
        | StatusCode::GONE => error.hint(format!(
            "make a new incoming webhook in {service} and put its address into `slack-webhook-url`"
        )),
        StatusCode::BAD_REQUEST => error.hint(
            "is it a webhook of another kind? `slack-format` says what it takes when its address does not",
        ),
        _ => error,
    }
}

fn busy(service: &str, pause: Duration) -> Error {
    let seconds = pause.as_secs();
    Error::usage(format!(
        "{service} takes no message for another {seconds} s"
    ))
    .hint("send fewer messages through this webhook, or use one of its own")
}
