//! What is said at the end of a run, whatever the end.

use std::time::Duration;

use super::before::{about, open, warn};
use super::context::RunContext;
use super::github::{DeploymentHandle, Github, HeadCommit, State, marker};
use super::hurry::TooSlow;
use super::outputs::OutputFiles;
use super::{Reporter, outcome, slack, summary, text};
use crate::config::types::{CommentMode, GithubConfig, LabelAfter, ReportConfig};
use crate::protocol::outcome::Outcome;
use crate::protocol::result::RunResult;
use crate::secret::Redactor;

/// The longest time for GitHub and Slack together.
const BUDGET: Duration = Duration::from_secs(60);

/// The same for a run that was cancelled; [`Reporter::hurry`] says how much of it is left.
const BUDGET_CANCELLED: Duration = Duration::from_secs(5);

/// Tells GitHub and Slack, writes outputs and summary, and prints the outcome last.
///
/// Nothing here fails the run; what cannot be told is a warning. Secrets are taken out of `result`
/// first, and `slack_sent` is filled in. `label` is what the gate looked for.
pub async fn finish(
    config: &ReportConfig,
    context: &RunContext,
    label: Option<(&str, LabelAfter)>,
    deployment: Option<DeploymentHandle>,
    result: &mut RunResult,
    reporter: &Reporter,
    files: &OutputFiles,
) {
    redact(result, reporter.redactor());
    match result.outcome {
        Outcome::Skipped => reporter.notice(&outcome::outcome_line(result)),
        Outcome::Deployed
        | Outcome::Unchanged
        | Outcome::Cancelled
        | Outcome::Failed
        | Outcome::RolledBack
        | Outcome::Stuck => {
            let told = &*result;
            let github = tell_github(config, context, label, deployment, told, reporter);
            let slack = tell_slack(config, context, told, reporter, files);
            let ((), sent) = tokio::join!(Box::pin(github), Box::pin(slack));
            result.slack_sent = sent;
        }
    }
    files.write_outputs(result, reporter);
    let page = summary::summary(result, context, config.language);
    files.write_summary(&page, reporter);
    reporter.note(&outcome::outcome_line(result));
}

async fn tell_github(
    config: &ReportConfig,
    context: &RunContext,
    label: Option<(&str, LabelAfter)>,
    deployment: Option<DeploymentHandle>,
    result: &RunResult,
    reporter: &Reporter,
) {
    let Some(settings) = &config.github else {
        return;
    };
    let Some(github) = open(settings, context, reporter) else {
        return;
    };
    let page = || summary::comment(result, context, config.language);
    let all = async {
        tokio::join!(
            close_deployment(&github, settings, context, deployment, result, reporter),
            comment(&github, settings, context, page, result, reporter),
            remove_label(&github, context, label, reporter),
        )
    };
    let told = reporter.within(budget(result.outcome), Box::pin(all)).await;
    if told.is_err() {
        reporter.warning("GitHub was too slow for the report", "");
    }
}

async fn close_deployment(
    github: &Github,
    settings: &GithubConfig,
    context: &RunContext,
    deployment: Option<DeploymentHandle>,
    result: &RunResult,
    reporter: &Reporter,
) {
    let Some(handle) = deployment else {
        return;
    };
    let log_url = context.run_url();
    let app = context.app.as_ref().map(|app| app.as_str());
    let about = about(settings, app, log_url.as_deref());
    let state = state(result.outcome);
    let line = outcome::outcome_line(result);
    let permission = "deployments: write";
    if let Err(error) = github.set_state(handle, &about, state, &line).await {
        warn(
            reporter,
            "set the deployment's state on GitHub",
            permission,
            &error,
        );
        return;
    }
    if state == State::Success
        && let Err(error) = github.retire_previous(handle, &about).await
    {
        warn(
            reporter,
            "mark the previous deployment as inactive",
            permission,
            &error,
        );
    }
}

async fn comment(
    github: &Github,
    settings: &GithubConfig,
    context: &RunContext,
    page: impl Fn() -> String,
    result: &RunResult,
    reporter: &Reporter,
) {
    let number = match (settings.comment, context.pull_request) {
        (CommentMode::Sticky, Some(number)) => number,
        (CommentMode::Sticky, None) | (CommentMode::Off, _) => return,
    };
    let app = outcome::app(result, context);
    let marker = marker(app.as_deref(), &settings.environment);
    if let Err(error) = github.put_comment(number, &marker, &page()).await {
        warn(
            reporter,
            "comment on the pull request",
            "pull-requests: write",
            &error,
        );
    }
}

async fn remove_label(
    github: &Github,
    context: &RunContext,
    label: Option<(&str, LabelAfter)>,
    reporter: &Reporter,
) {
    let (label, number) = match (label, context.pull_request) {
        (Some((label, LabelAfter::Removed)), Some(number)) => (label, number),
        (Some((_, LabelAfter::Removed)), None) | (Some((_, LabelAfter::Kept)) | None, _) => return,
    };
    if let Err(error) = github.remove_label(number, label).await {
        warn(
            reporter,
            "take the label off",
            "pull-requests: write",
            &error,
        );
    }
}

/// `None` when Slack is not to be told, else whether it took the message.
async fn tell_slack(
    config: &ReportConfig,
    context: &RunContext,
    result: &RunResult,
    reporter: &Reporter,
    files: &OutputFiles,
) -> Option<bool> {
    let settings = config.slack.as_ref()?;
    if !slack::is_wanted(settings.on, result.outcome) {
        return None;
    }
    let all = async {
        // A GitHub that hangs must leave time for the message.
        let commit = head_commit(config, context, reporter.redactor());
        let commit = tokio::time::timeout(budget(result.outcome) / 4, Box::pin(commit)).await;
        let commit = commit.ok().flatten();
        let language = config.language;
        let mut message = slack::message(settings, language, context, commit.as_ref(), result);
        redact_json(&mut message, reporter.redactor());
        files.slack_is_tried(reporter);
        slack::post(&settings.webhook, &message).await
    };
    let (text, hint) = match reporter.within(budget(result.outcome), Box::pin(all)).await {
        Ok(Ok(())) => return Some(true),
        Ok(Err(error)) => {
            let hint = error.hints().first().cloned().unwrap_or_default();
            (error.chain().join(": "), hint)
        }
        Err(TooSlow) => (
            "Slack was too slow for the report".to_owned(),
            String::new(),
        ),
    };
    reporter.warning(&text, &hint);
    Some(false)
}

/// Missing facts only make the message shorter, so there is no warning.
async fn head_commit(
    config: &ReportConfig,
    context: &RunContext,
    redactor: &Redactor,
) -> Option<HeadCommit> {
    let commit = context.commit.as_ref()?;
    let github = Github::new(config.github.as_ref()?, context).ok()??;
    match github.head_commit(commit).await {
        Ok(found) => Some(HeadCommit {
            message: redactor.redact(&found.message),
            author: found.author.map(|author| redactor.redact(&author)),
        }),
        Err(error) => {
            tracing::debug!(%error, "no commit for the message");
            None
        }
    }
}

fn state(outcome: Outcome) -> State {
    match outcome {
        Outcome::Deployed | Outcome::Unchanged => State::Success,
        Outcome::Failed | Outcome::RolledBack => State::Failure,
        Outcome::Skipped | Outcome::Cancelled | Outcome::Stuck => State::Error,
    }
}

fn budget(outcome: Outcome) -> Duration {
    match outcome {
        Outcome::Cancelled => BUDGET_CANCELLED,
        Outcome::Deployed
        | Outcome::Unchanged
        | Outcome::Skipped
        | Outcome::Failed
        | Outcome::RolledBack
        | Outcome::Stuck => BUDGET,
    }
}

/// Takes secrets out of everything in a result that is free text.
fn redact(result: &mut RunResult, redactor: &Redactor) {
    let Some(failed) = &mut result.failure else {
        return;
    };
    let failure = &mut failed.failure;
    for text in failure.chain.iter_mut().chain(&mut failure.hints) {
        *text = redactor.redact(text);
    }
    for line in &mut failure.log_tail {
        // Again after the escapes are gone, which can stand inside a secret.
        let clean = text::printable(&redactor.redact(line));
        *line = redactor.redact(&clean);
    }
}

fn redact_json(value: &mut serde_json::Value, redactor: &Redactor) {
    use serde_json::Value;
    match value {
        Value::String(text) => *text = redactor.redact(text),
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| redact_json(item, redactor)),
        Value::Object(map) => map
            .values_mut()
            .for_each(|item| redact_json(item, redactor)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
