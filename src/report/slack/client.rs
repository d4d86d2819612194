//! Posting to an incoming webhook. reqwest is used here and for the client that GitHub shares.
//!
//! The address is the secret: no error carries it. Only 429 is tried again, because only then Slack
//! says that it took nothing; after a 5xx or a timeout a second post could be a second message.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::report::{http, text};
use crate::secret::Secret;

/// A longer wait than this would outlast the time for reports.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Posts one message.
pub async fn post(webhook: &Secret, message: &Value) -> Result<()> {
    let client = http::client()?;
    match send(&client, webhook, message).await? {
        Answer::Taken => Ok(()),
        Answer::Refused(error) => Err(error),
        Answer::Later(pause) if pause > LONGEST_PAUSE => Err(busy(pause)),
        Answer::Later(pause) => {
            tokio::time::sleep(pause).await;
            match send(&client, webhook, message).await? {
                Answer::Taken => Ok(()),
                Answer::Refused(error) => Err(error),
                Answer::Later(pause) => Err(busy(pause)),
            }
        }
    }
}

enum Answer {
    Taken,
    Later(Duration),
    Refused(Error),
}

async fn send(client: &reqwest::Client, webhook: &Secret, message: &Value) -> Result<Answer> {
    let answer = client
        .post(webhook.expose())
        .json(message)
        .send()
        .await
        .map_err(unreachable_slack)?;
    let status = answer.status();
    if status.is_success() {
        return Ok(Answer::Taken);
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        let pause = answer.headers().get(RETRY_AFTER);
        let seconds = pause.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        return Ok(Answer::Later(Duration::from_secs(seconds.unwrap_or(1))));
    }
    let why = answer.text().await.unwrap_or_default();
    let why = text::cut(&text::printable(&why), 200);
    Ok(Answer::Refused(refused(status, &why)))
}

fn unreachable_slack(error: reqwest::Error) -> Error {
    Error::usage("cannot post to Slack (`slack-webhook-url`)")
        .because(error.without_url())
        .hint("check that the runner may reach Slack, through HTTPS_PROXY if need be")
}

fn refused(status: StatusCode, why: &str) -> Error {
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
