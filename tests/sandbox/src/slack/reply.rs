//! How the webhook answers one message.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;

use super::text;
use crate::http::Answer;

/// One scripted reply. A message that breaks Slack's limits is refused whatever the script says,
/// except where the script means that no answer, or no verdict, is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    Ok,
    /// 429 with `Retry-After`.
    RateLimited {
        retry_after_s: u64,
    },
    /// 500: the message may or may not have been posted.
    ServerError,
    /// 400 `invalid_blocks`, however good the message.
    InvalidBlocks,
    /// The verdict, after a while.
    Slow(Duration),
    /// No answer, on a connection that stays open.
    Hang,
    /// The connection is closed without an answer.
    Drop,
}

impl Reply {
    pub(super) fn answer(self, verdict: Result<(), &'static str>) -> Answer {
        match self {
            Self::Ok | Self::Slow(_) | Self::Hang => match verdict {
                Ok(()) => text(200, "ok"),
                Err(error) => text(400, error),
            },
            Self::RateLimited { retry_after_s } => Answer::Reply {
                status: 429,
                headers: vec![("retry-after", retry_after_s.to_string())],
                body: "rate_limited".to_owned(),
            },
            Self::ServerError => text(500, "rollup_error"),
            Self::InvalidBlocks => text(400, "invalid_blocks"),
            Self::Drop => Answer::Gone,
        }
    }

    /// Discord answers in JSON, says how long to wait there alone, and is silent about a message unless it is asked.
    pub(super) fn as_discord(self, verdict: Result<(), &str>, wants_answer: bool) -> Answer {
        let json = |status, body: serde_json::Value| Answer::Reply {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_string(),
        };
        match self {
            Self::Ok | Self::Slow(_) | Self::Hang => match verdict {
                // Without `wait` the message is looked at when nobody listens any more.
                _ if !wants_answer => text(204, ""),
                Ok(()) => json(200, json!({ "id": "1", "type": 0 })),
                Err(word) => json(400, json!({ "code": 50035, "message": word })),
            },
            Self::RateLimited { retry_after_s } => {
                #[expect(clippy::cast_precision_loss, reason = "a few seconds")]
                let seconds = retry_after_s as f64 + 0.35;
                json(
                    429,
                    json!({ "message": "limited", "retry_after": seconds, "global": false }),
                )
            }
            Self::ServerError => json(500, json!({ "code": 0, "message": "500: Internal" })),
            Self::InvalidBlocks => json(
                400,
                json!({ "code": 50035, "message": "Invalid Form Body" }),
            ),
            Self::Drop => Answer::Gone,
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("ok"),
            Self::RateLimited { retry_after_s } => write!(f, "rate-limited:{retry_after_s}"),
            Self::ServerError => f.write_str("server-error"),
            Self::InvalidBlocks => f.write_str("invalid-blocks"),
            Self::Slow(delay) => write!(f, "slow:{}", humantime::format_duration(*delay)),
            Self::Hang => f.write_str("hang"),
            Self::Drop => f.write_str("drop"),
        }
    }
}

impl FromStr for Reply {
    type Err = anyhow::Error;

    /// Reads what `Display` writes: `ok`, `rate-limited:2`, `slow:500ms`, …
    fn from_str(raw: &str) -> anyhow::Result<Self> {
        let (name, value) = raw.split_once(':').unwrap_or((raw, ""));
        Ok(match name {
            "ok" => Self::Ok,
            "rate-limited" => Self::RateLimited {
                retry_after_s: value.parse().context("`rate-limited:SECONDS`")?,
            },
            "server-error" => Self::ServerError,
            "invalid-blocks" => Self::InvalidBlocks,
            "slow" => Self::Slow(humantime::parse_duration(value).context("`slow:DURATION`")?),
            "hang" => Self::Hang,
            "drop" => Self::Drop,
            _ => bail!("`{raw}` is no reply"),
        })
    }
}
