//! What is said at the end of a run, whatever the end.

use std::time::Duration;

use super::before::{NOT_AFFECTED, PERMISSION, about, open, too_slow, warn};
use super::context::RunContext;
use super::hurry::TooSlow;
use super::outputs::OutputFiles;
use super::{Reporter, closing, deadlines, outcome, receipt, redact, slack, summary};
use crate::clients::github::{DeploymentHandle, Github, HeadCommit, State, marker};
use crate::config::types::{
    CommentMode, GithubConfig, LabelAfter, Language, LogMode, ReportConfig, SlackField,
};
use crate::protocol::outcome::Outcome;
use crate::protocol::result::RunResult;

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
    redact::result(result, reporter.redactor());
    let line = closing::closing(result, context);
    match result.outcome {
        Outcome::Skipped => reporter.notice(&line),
        Outcome::Deployed
        | Outcome::Unchanged
        | Outcome::Cancelled
        | Outcome::Failed
        | Outcome::RolledBack
        | Outcome::Stuck => {
            let told = &published(result, config.log);
            let github = config.github.as_ref();
            let github = github.and_then(|settings| open(settings, context, reporter));
            let github = github.as_ref();
            let hub = tell_github(github, config, context, label, deployment, told, reporter);
            let slack = tell_slack(github, config, context, told, reporter, files);
            let ((), sent) = tokio::join!(Box::pin(hub), Box::pin(slack));
            result.slack_sent = sent;
        }
    }
    files.write_outputs(result, reporter);
    let page = summary::summary(&published(result, config.log), context, config.language);
    files.write_summary(&page, reporter);
    let english = Language::English;
    let rows = receipt::rows(result, context, english);
    let rows: Vec<String> = rows.iter().map(|row| row.line(english)).collect();
    let mut facts = receipt::facts(result, context, english);
    // The last line says these.
    let lost = receipt::lost(result, english);
    let bad = receipt::bad_answers(result, context, english);
    facts.retain(|fact| Some(fact) != lost.as_ref() && Some(fact) != bad.as_ref());
    reporter.receipt(&rows, &facts);
    reporter.last_line(&line);
}

/// What others read: without the log, when that is to stay in the run's own.
fn published(result: &RunResult, log: LogMode) -> RunResult {
    let mut result = result.clone();
    match (log, &mut result.failure) {
        (LogMode::RunOnly, Some(failed)) => failed.failure.log_tail.clear(),
        (LogMode::RunOnly, None) | (LogMode::Everywhere, _) => {}
    }
    result
}

async fn tell_github(
    github: Option<&Github>,
    config: &ReportConfig,
    context: &RunContext,
    label: Option<(&str, LabelAfter)>,
    deployment: Option<DeploymentHandle>,
    result: &RunResult,
    reporter: &Reporter,
) {
    let (Some(github), Some(settings)) = (github, &config.github) else {
        return;
    };
    let page = || {
        let page = summary::comment(result, context, config.language);
        reporter.redactor().redact(&page)
    };
    let all = async {
        tokio::join!(
            close_deployment(github, settings, context, deployment, result, reporter),
            comment(github, settings, context, page, result, reporter),
            remove_label(github, context, label, reporter),
        )
    };
    let told = reporter.within(budget(result.outcome), Box::pin(all)).await;
    if told.is_err() {
        reporter.warning("GitHub was too slow for the report", NOT_AFFECTED);
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
    let line = reporter
        .redactor()
        .redact(&outcome::outcome_line(result, context));
    if let Err(error) = github.set_state(handle, &about, state, &line).await {
        warn(
            reporter,
            "set the deployment's state on GitHub",
            PERMISSION,
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
            PERMISSION,
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
    github: Option<&Github>,
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
        let asked = head_commit(github, &settings.fields, context, reporter);
        // A GitHub that hangs must leave time for Slack.
        let limit = budget(result.outcome) / 5;
        let commit = match tokio::time::timeout(limit, Box::pin(asked)).await {
            Ok(commit) => commit,
            Err(_elapsed) => {
                too_slow(reporter, HEAD_COMMIT);
                None
            }
        };
        let language = config.language;
        let mut message = slack::message(settings, language, context, commit.as_ref(), result);
        redact::json(&mut message, reporter.redactor());
        files.slack_is_tried(reporter);
        crate::clients::slack::post(&settings.webhook, &message).await
    };
    let (text, hint) = match reporter.within(budget(result.outcome), Box::pin(all)).await {
        Ok(Ok(())) => return Some(true),
        Ok(Err(error)) => {
            let hint = error.hints().first().map_or(NOT_AFFECTED, String::as_str);
            let text = redact::short(&error.chain().join(": "), reporter.redactor());
            (text, hint.to_owned())
        }
        Err(TooSlow) => (
            "Slack was too slow for the report".to_owned(),
            NOT_AFFECTED.to_owned(),
        ),
    };
    reporter.warning(&text, &hint);
    Some(false)
}

const HEAD_COMMIT: &str = "ask GitHub for the commit's message and author";

/// The message and the author; without them the message to Slack is shorter.
async fn head_commit(
    github: Option<&Github>,
    fields: &[SlackField],
    context: &RunContext,
    reporter: &Reporter,
) -> Option<HeadCommit> {
    let told = |field: &SlackField| matches!(field, SlackField::Message | SlackField::Author);
    if !fields.iter().any(told) {
        return None;
    }
    match github?.head_commit(context.commit.as_ref()?).await {
        Ok(found) => {
            let redactor = reporter.redactor();
            Some(HeadCommit {
                message: redactor.redact(&found.message),
                author: found.author.map(|author| redactor.redact(&author)),
            })
        }
        Err(error) => {
            warn(reporter, HEAD_COMMIT, "contents: read", &error);
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
        Outcome::Cancelled => deadlines::REPORTS_CANCELLED,
        Outcome::Deployed
        | Outcome::Unchanged
        | Outcome::Skipped
        | Outcome::Failed
        | Outcome::RolledBack
        | Outcome::Stuck => deadlines::REPORTS,
    }
}
