//! The variables of a workflow in Slack that starts with a webhook: flat, and text alone.
//!
//! Such a webhook takes no message. It starts a workflow, which declares variables and says itself what is posted.
//! Variables that it does not declare are left unread; one that it declares must be there, so that each is always sent.

use serde_json::{Map, Value};

use super::facts::fact;
use super::{Cause, Message, mrkdwn};
use crate::clients::github::HeadCommit;
use crate::config::types::SlackField;
use crate::protocol::result::RunResult;
use crate::report::context::RunContext;
use crate::report::outcome;

/// Names of the variables beside those of `slack-fields`, which are all sent.
pub const VARIABLES: [&str; 10] = [
    "text",
    "title",
    "line",
    "outcome",
    "app",
    "failed_step",
    "cause",
    "hint",
    "run_url",
    "pull_request_url",
];

const MAX_TEXT: usize = 1500;

pub(super) fn render(
    message: &Message<'_>,
    context: &RunContext,
    commit: Option<&HeadCommit>,
    result: &RunResult,
) -> Value {
    let cause = |wanted: fn(&Cause<'_>) -> Option<String>| message.cause.iter().find_map(wanted);
    let step = cause(|line| match line {
        Cause::Step(_, name) => Some((*name).to_owned()),
        Cause::Why(..) | Cause::Cure(..) => None,
    });
    let why = cause(|line| match line {
        Cause::Why(_, why) => Some(why.clone()),
        Cause::Step(..) | Cause::Cure(..) => None,
    });
    let hint = cause(|line| match line {
        Cause::Cure(_, cure) => Some((*cure).to_owned()),
        Cause::Step(..) | Cause::Why(..) => None,
    });
    let values = [
        Some(message.summary()),
        Some(message.title.clone()),
        Some(message.line.clone()),
        Some(result.outcome.to_string()),
        outcome::app(result, context),
        step,
        why,
        hint,
        context.run_url(),
        context.pull_request_url(),
    ];
    let facts = SlackField::ALL.map(|field| {
        let value = fact(field, context, commit, result).map(|fact| fact.text);
        (field.as_str(), value)
    });
    let named = VARIABLES.into_iter().zip(values).chain(facts);
    let variables: Map<String, Value> = named
        .map(|(name, value)| (name.to_owned(), shown(&value.unwrap_or_default()).into()))
        .collect();
    Value::Object(variables)
}

/// The workflow puts it into a message of its own, where nobody is to be called.
fn shown(text: &str) -> String {
    mrkdwn::plain(&text.replace('<', "<\u{200b}"), MAX_TEXT)
}

#[cfg(test)]
#[path = "workflow_tests.rs"]
mod tests;
