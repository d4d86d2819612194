//! What a channel learns about a run: one message at its end, on success and on failure. Pure.
//!
//! [`Message`] says what is told, once; each kind of receiver has a renderer that knows its JSON, its markup and its
//! limits.

mod attachments;
mod discord;
mod facts;
mod markdown;
mod mrkdwn;
mod parts;
#[cfg(test)]
#[path = "sample_tests.rs"]
mod samples;
mod slack;
mod workflow;

use serde_json::Value;

use super::context::RunContext;
use super::{outcome, receipt};
use crate::clients::github::HeadCommit;
use crate::config::types::{Language, MessageFormat, SlackConfig, SlackOn};
use crate::protocol::outcome::Outcome;
use crate::protocol::result::{FailedStage, RunResult};
use facts::MessageFact;
pub use workflow::VARIABLES as WORKFLOW_VARIABLES;

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

/// The message about a run, as the receiver takes it.
pub fn message(
    config: &SlackConfig,
    language: Language,
    context: &RunContext,
    commit: Option<&HeadCommit>,
    result: &RunResult,
) -> Value {
    let message = Message::about(config, language, context, commit, result);
    match config.format {
        MessageFormat::Slack => slack::render(&message),
        MessageFormat::Workflow => workflow::render(&message, context, commit, result),
        MessageFormat::Mattermost => attachments::render(&message),
        MessageFormat::Discord => discord::render(&message),
    }
}

/// What is told. Holds text of others, not escaped yet.
struct Message<'a> {
    title: String,
    /// How it ended, in one sentence.
    line: String,
    outcome: Outcome,
    facts: Vec<MessageFact>,
    cause: Vec<Cause<'a>>,
    /// What else is worth a line in small letters.
    further: String,
    links: Vec<Link>,
    log: &'a [String],
}

/// A line about what failed: its label, and the text behind it.
enum Cause<'a> {
    Step(&'static str, &'a str),
    Why(&'static str, String),
    Cure(&'static str, &'a str),
}

struct Link {
    label: String,
    url: String,
}

impl<'a> Message<'a> {
    fn about(
        config: &SlackConfig,
        language: Language,
        context: &RunContext,
        commit: Option<&HeadCommit>,
        result: &'a RunResult,
    ) -> Self {
        let title = match &config.title {
            // A title of one's own does not say how it went.
            Some(title) => format!("{} {title}", outcome::mark(result.outcome)),
            None => outcome::title(result, context, language),
        };
        let told = |field| facts::fact(field, context, commit, result);
        let mut further = receipt::further_facts(result, language);
        further.truncate(MOST_FACTS);
        let failed = result.failure.as_ref();
        Self {
            title,
            line: outcome::line(result, context, language),
            outcome: result.outcome,
            facts: config.fields.iter().copied().filter_map(told).collect(),
            cause: failed.map_or_else(Vec::new, |failed| cause(failed, language)),
            further: further.join(" · "),
            links: links(context, language),
            log: failed.map_or(&[], |failed| &failed.failure.log_tail),
        }
    }

    /// For notifications, where there is room for a line.
    fn summary(&self) -> String {
        format!("{} — {}", self.title, self.line)
    }
}

/// What failed, why, and what to do.
fn cause(failed: &FailedStage, language: Language) -> Vec<Cause<'_>> {
    let labels = language.words().labels();
    let mut lines = Vec::new();
    if let Some(name) = &failed.name {
        lines.push(Cause::Step(labels.failed_step, name));
    }
    let summary = failed.failure.summary();
    if !summary.is_empty() {
        lines.push(Cause::Why(labels.cause, summary));
    }
    let hints = failed.failure.hints.iter().take(3);
    lines.extend(hints.map(|hint| Cause::Cure(labels.what_to_do, hint)));
    lines
}

fn links(context: &RunContext, language: Language) -> Vec<Link> {
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
    let known = |(url, label): (Option<String>, _)| url.map(|url| Link { label, url });
    links.into_iter().filter_map(known).collect()
}

/// Red, green and blue.
fn colour(outcome: Outcome) -> u32 {
    match outcome {
        Outcome::Deployed | Outcome::Unchanged => 0x2e_b6_7d,
        Outcome::Skipped | Outcome::Cancelled => 0x86_86_86,
        Outcome::RolledBack => 0xec_b2_2e,
        Outcome::Failed | Outcome::Stuck => 0xe0_1e_5a,
    }
}

/// What may be left out when a message is too long, the first first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Log,
    Fields,
    Facts,
    Must,
}

/// Leaves out what is lightest until the rest fits.
fn fit<T>(parts: &mut Vec<(Weight, T)>, most: usize, long: impl Fn(&T) -> usize) {
    while parts.iter().map(|(_, part)| long(part)).sum::<usize>() > most {
        match parts.iter().map(|(weight, _)| *weight).min() {
            Some(Weight::Must) | None => return,
            Some(light) => parts.retain(|(weight, _)| *weight != light),
        }
    }
}

/// Slack and Discord count UTF-16 units; who counts characters counts no more.
fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}
