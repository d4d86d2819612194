//! Posting to an incoming webhook. reqwest is used here and for the client that GitHub shares.
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

/// Posts one message.
pub async fn post(webhook: &Secret, message: &Value) -> Result<()> {
    let client = http::client()?;
    let pause = match send(&client, webhook, message).await {
        SlackResponse::Taken => return Ok(()),
        SlackResponse::Refused(error) => return Err(error),
        SlackResponse::Busy(pause) if pause > LONGEST_PAUSE => return Err(busy(pause)),
        SlackResponse::Busy(pause) => pause,
        SlackResponse::Unreached(_error) => PAUSE,
    };
    tokio::time::sleep(pause).await;
    match send(&client, webhook, message).await {
        SlackResponse::Taken => Ok(()),
        SlackResponse::Refused(error) | SlackResponse::Unreached(error) => Err(error),
        SlackResponse::Busy(pause) => Err(busy(pause)),
    }
}

enum SlackResponse {
    Taken,
    /// Slack took nothing and says when to come back.
    Busy(Duration),
    /// There was no connection, so nothing was sent.
    Unreached(Error),
    /// Slack refused it, or may have taken it.
    Refused(Error),
}

async fn send(client: &reqwest::Client, webhook: &Secret, message: &Value) -> SlackResponse {
    let request = client.post(webhook.expose()).json(message);
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) if error.is_connect() => {
            return SlackResponse::Unreached(unreachable_slack(error));
        }
        Err(error) => return SlackResponse::Refused(unreachable_slack(error)),
    };
    let status = answer.status();
    if status.is_success() {
        return SlackResponse::Taken;
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        let pause = answer.headers().get(RETRY_AFTER);
        let seconds = pause.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        return SlackResponse::Busy(Duration::from_secs(seconds.unwrap_or(1)));
    }
    let why = text::printable(&beginning(answer).await);
    SlackResponse::Refused(refused(status, &why))
}

/// The first words of a body: Slack says why in one, and others may send without end.
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

fn unreachable_slack(error: reqwest::Error) -> Error {
    Error::usage("cannot post to Slack (`slack-webhook-url`)")
        .because(error.without_url())
        .hint("check that the runner may reach Slack, through HTTPS_PROXY if need be")
}

fn refused(status: StatusCode, why: &str) -> Error {
    if status.is_server_error() {
        return Error::usage(format!("Slack failed over the message: {status} {why}"))
            .hint("it may have been posted all the same, so it is not sent again");
    }
    let error = Error::usage(format!("Slack refused the message: {status} {why}"));
    match status {
        StatusCode::NOT_FOUND | StatusCode::FORBIDDEN | StatusCode::GONE => error.hint(
            "make a new incoming webhook in Slack and put its address into `slack-webhook-url`",
        ),
        _ => error,
    }
}

fn busy(pause: Duration) -> Error {
    let seconds = pause.as_secs();
    Error::usage(format!("Slack takes no message for another {seconds} s"))
        .hint("send fewer messages through this webhook, or use one of its own")
}
