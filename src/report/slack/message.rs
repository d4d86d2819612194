//! The message itself, as Slack's JSON. Pure.
//!
//! The header is a block of the message, so that `text` is only the fallback of notifications; the
//! rest is in one attachment, because only attachments have a colour.

use serde_json::{Value, json};

use super::{fields, mrkdwn};
use crate::clients::github::HeadCommit;
use crate::config::types::{Language, SlackConfig, SlackOn};
use crate::protocol::outcome::Outcome;
use crate::protocol::result::{FailedStage, RunResult};
use crate::report::context::RunContext;
use crate::report::{outcome, receipt};

const MAX_HEADER: usize = 150;
const MAX_SECTION: usize = 3000;
const MAX_FIELDS: usize = 10;

/// All blocks of a message together, as JSON. Slack documents no figure; beyond about 13,000 it
/// answers `msg_blocks_too_long`.
const MAX_BLOCKS_TOTAL: usize = 12_000;

/// What we allow ourselves below Slack's limits, so that the rest has room.
const MAX_LINE: usize = 1500;
const MAX_SMALL: usize = 1500;
const MAX_LOG: usize = 2600;

/// Beside the outcome; the run's page has all.
const MOST_FACTS: usize = 3;

/// Whether a run that ended like this is posted at all.
pub fn is_wanted(on: SlackOn, outcome: Outcome) -> bool {
    match (on, outcome) {
        (_, Outcome::Skipped) => false,
        (SlackOn::Always, _) | (SlackOn::Success, Outcome::Deployed) => true,
        (SlackOn::Failure, Outcome::Failed | Outcome::RolledBack | Outcome::Stuck) => true,
        (SlackOn::Success | SlackOn::Failure, _) => false,
    }
}

/// The message about a run.
pub fn message(
    config: &SlackConfig,
    language: Language,
    context: &RunContext,
    commit: Option<&HeadCommit>,
    result: &RunResult,
) -> Value {
    let title = match &config.title {
        // A title of one's own does not say how it went.
        Some(title) => format!("{} {title}", outcome::mark(result.outcome)),
        None => outcome::title(result, context, language),
    };
    let line = outcome::line(result, context, language);
    let mut parts = vec![(Weight::Must, section(&mrkdwn::escaped(&line, MAX_LINE)))];
    let fields: Vec<Value> = config
        .fields
        .iter()
        .filter_map(|field| {
            let value = fields::value(*field, context, commit, result)?;
            Some(markup(&format!("*{}*\n{value}", field.as_str())))
        })
        .take(2 * MAX_FIELDS)
        .collect();
    for fields in fields.chunks(MAX_FIELDS) {
        let block = json!({ "type": "section", "fields": fields });
        parts.push((Weight::Fields, block));
    }
    if let Some(cause) = result
        .failure
        .as_ref()
        .and_then(|failed| cause(failed, language))
    {
        parts.push((Weight::Must, section(&cause)));
    }
    // The line above says the others.
    let mut facts = receipt::further_facts(result, language);
    facts.truncate(MOST_FACTS);
    parts.extend(small(&facts.join(" · ")).map(|block| (Weight::Facts, block)));
    let links = links(context, language);
    if !links.is_empty() {
        parts.push((Weight::Must, section(&links)));
    }
    // At the end, where Slack folds what is long.
    let log = result
        .failure
        .as_ref()
        .map(|failed| &failed.failure.log_tail);
    if let Some(log) = log.filter(|log| !log.is_empty()) {
        let log = mrkdwn::code_block(log, MAX_LOG);
        parts.push((Weight::Log, section(&log)));
    }
    json!({
        "text": mrkdwn::escaped(&format!("{title} — {line}"), MAX_SECTION),
        "blocks": [{
            "type": "header",
            "text": {
                "type": "plain_text",
                "text": mrkdwn::plain(&title, MAX_HEADER),
                "emoji": true,
            },
        }],
        "attachments": [{
            "color": colour(result.outcome),
            "fallback": mrkdwn::escaped(&line, MAX_SECTION),
            "blocks": fitting(parts),
        }],
    })
}

/// What may be left out when a message is too long, the first first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Log,
    Fields,
    Facts,
    Must,
}

/// The blocks that fit into one message: whole ones are left out until the rest does.
fn fitting(mut parts: Vec<(Weight, Value)>) -> Vec<Value> {
    let long = |(_, block): &(Weight, Value)| mrkdwn::length(&block.to_string());
    while parts.iter().map(long).sum::<usize>() > MAX_BLOCKS_TOTAL {
        let lightest = parts.iter().map(|(weight, _)| *weight).min();
        match lightest {
            Some(Weight::Must) | None => break,
            Some(light) => parts.retain(|(weight, _)| *weight != light),
        }
    }
    parts.into_iter().map(|(_, block)| block).collect()
}

/// A line in small letters.
fn small(line: &str) -> Option<Value> {
    if line.trim().is_empty() {
        return None;
    }
    let text = markup(&mrkdwn::escaped(line, MAX_SMALL));
    Some(json!({ "type": "context", "elements": [text] }))
}

/// What failed, why, and what to do.
fn cause(failed: &FailedStage, language: Language) -> Option<String> {
    let labels = language.words().labels();
    let (step, cause, hint) = (labels.failed_step, labels.cause, labels.what_to_do);
    let mut lines = Vec::new();
    if let Some(name) = &failed.name {
        lines.push(format!("*{step}* `{}`", mrkdwn::escaped(name, 100)));
    }
    let summary = failed.failure.summary();
    if !summary.is_empty() {
        lines.push(format!("*{cause}* {}", mrkdwn::escaped(&summary, 1200)));
    }
    for text in failed.failure.hints.iter().take(3) {
        lines.push(format!("*{hint}* {}", mrkdwn::escaped(text, 300)));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn links(context: &RunContext, language: Language) -> String {
    let labels = language.words().labels();
    let pull_request = context.pull_request.unwrap_or_default();
    let links = [
        (context.run_url(), labels.run.to_owned()),
        (
            context.pull_request_url(),
            format!("{} #{pull_request}", labels.pull_request_link),
        ),
        (context.commit_url(), labels.commit_link.to_owned()),
    ];
    links
        .into_iter()
        .filter_map(|(url, label)| Some(mrkdwn::link(&url?, &label)))
        .collect::<Vec<_>>()
        .join(" · ")
}

fn colour(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Deployed | Outcome::Unchanged => "#2eb67d",
        Outcome::Skipped | Outcome::Cancelled => "#868686",
        Outcome::RolledBack => "#ecb22e",
        Outcome::Failed | Outcome::Stuck => "#e01e5a",
    }
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": markup(text) })
}

/// `verbatim` keeps Slack from finding names and addresses in the text by itself.
fn markup(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
