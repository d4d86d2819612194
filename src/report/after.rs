//! What is said at the end of a run, whatever the end.

use std::time::Duration;

use super::before::{about, open, warn};
use super::context::RunContext;
use super::github::{DeploymentHandle, Github, HeadCommit, State, marker};
use super::outputs::OutputFiles;
use super::{Reporter, outcome, receipt, redact, slack, summary};
use crate::config::types::{CommentMode, GithubConfig, LabelAfter, Language, ReportConfig};
use crate::protocol::outcome::Outcome;
use crate::protocol::result::RunResult;
use crate::secret::Redactor;

/// The longest time for GitHub and Slack together.
const BUDGET: Duration = Duration::from_secs(60);

/// The same for a run that was cancelled: GitHub's runner kills it 7.5 s after the first signal.
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
    redact::result(result, reporter.redactor());
    let line = outcome::outcome_line(result, context);
    match result.outcome {
        Outcome::Skipped => reporter.notice(&line),
        Outcome::Deployed
        | Outcome::Unchanged
        | Outcome::Cancelled
        | Outcome::Failed
        | Outcome::RolledBack
        | Outcome::Stuck => {
            let told = &*result;
            let github = tell_github(config, context, label, deployment, told, reporter);
            let slack = tell_slack(config, context, told, reporter);
            let ((), sent) = tokio::join!(Box::pin(github), Box::pin(slack));
            result.slack_sent = sent;
        }
    }
    files.write_outputs(result, reporter);
    let page = summary::summary(result, context, config.language);
    files.write_summary(&page, reporter);
    for row in receipt::rows(result, context, Language::English) {
        reporter.note(&row.line(Language::English));
    }
    for fact in receipt::facts(result, context, Language::English) {
        reporter.note(&fact);
    }
    reporter.note(&line);
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
    let page = || {
        let page = summary::comment(result, context, config.language);
        reporter.redactor().redact(&page)
    };
    let all = async {
        tokio::join!(
            close_deployment(&github, settings, context, deployment, result, reporter),
            comment(&github, settings, context, page, result, reporter),
            remove_label(&github, context, label, reporter),
        )
    };
    let told = tokio::time::timeout(budget(result.outcome), Box::pin(all)).await;
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
    let line = reporter
        .redactor()
        .redact(&outcome::outcome_line(result, context));
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
) -> Option<bool> {
    let settings = config.slack.as_ref()?;
    if !slack::is_wanted(settings.on, result.outcome) {
        return None;
    }
    let all = async {
        let commit = head_commit(config, context, reporter.redactor()).await;
        let language = config.language;
        let mut message = slack::message(settings, language, context, commit.as_ref(), result);
        redact::json(&mut message, reporter.redactor());
        slack::post(&settings.webhook, &message).await
    };
    let (text, hint) = match tokio::time::timeout(budget(result.outcome), Box::pin(all)).await {
        Ok(Ok(())) => return Some(true),
        Ok(Err(error)) => {
            let hint = error.hints().first().cloned().unwrap_or_default();
            (error.chain().join(": "), hint)
        }
        Err(_elapsed) => (
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
