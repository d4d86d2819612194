//! How GitHub fails.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;

use super::answer::Reply;

/// One scripted failure. Except for `Slow` and `DropAfter`, the request has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// 403 as a token without the permission gets it.
    Forbidden,
    /// 404 as a private repository gives it to strangers.
    NotFound,
    /// 422 with this message.
    Unprocessable(String),
    /// 429 with `Retry-After`.
    RateLimited { retry_after_s: u64 },
    /// This status of 500 and above.
    ServerError(u16),
    /// The right answer, after a while.
    Slow(Duration),
    /// No answer, on a connection that stays open.
    Hang,
    /// The connection is closed without an answer.
    Drop,
    /// The request takes effect, and then the connection is closed without an answer.
    DropAfter,
}

impl Fault {
    /// The answer of a fault that has one of its own.
    pub(super) fn reply(&self) -> Option<Reply> {
        match self {
            Self::Forbidden => Some(Reply::error(403, "Resource not accessible by integration")),
            Self::NotFound => Some(Reply::not_found()),
            Self::Unprocessable(message) => Some(Reply::error(422, message)),
            Self::RateLimited { retry_after_s } => {
                let message = "You have exceeded a secondary rate limit. \
                     Please wait a few minutes before you try again.";
                let retry_after = ("retry-after", retry_after_s.to_string());
                Some(Reply::error(429, message).header(retry_after))
            }
            Self::ServerError(status) => Some(Reply::json(
                *status,
                json!({"message": "We couldn't respond to your request in time. Sorry about that."}),
            )),
            Self::Slow(_) | Self::Hang | Self::Drop | Self::DropAfter => None,
        }
    }
}

impl FromStr for Fault {
    type Err = anyhow::Error;

    /// Reads `forbidden`, `not-found`, `unprocessable:MESSAGE`, `rate-limited:SECONDS`,
    /// `server-error:STATUS`, `slow:DURATION`, `hang`, `drop` or `drop-after`.
    fn from_str(raw: &str) -> anyhow::Result<Self> {
        let (name, value) = raw.split_once(':').unwrap_or((raw, ""));
        Ok(match name {
            "forbidden" => Self::Forbidden,
            "not-found" => Self::NotFound,
            "unprocessable" => Self::Unprocessable(value.to_owned()),
            "rate-limited" => Self::RateLimited {
                retry_after_s: value.parse().context("`rate-limited:SECONDS`")?,
            },
            "server-error" => {
                let status = value.parse().context("`server-error:STATUS`")?;
                anyhow::ensure!((500..600).contains(&status), "{status} is no server error");
                Self::ServerError(status)
            }
            "slow" => Self::Slow(humantime::parse_duration(value).context("`slow:DURATION`")?),
            "hang" => Self::Hang,
            "drop" => Self::Drop,
            "drop-after" => Self::DropAfter,
            _ => bail!("`{raw}` is no fault"),
        })
    }
}
