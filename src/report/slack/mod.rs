//! What Slack learns about a run: one message at its end, on success and on failure.

mod fields;
mod message;
mod mrkdwn;

pub use message::{is_wanted, message};
