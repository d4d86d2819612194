//! What is said at the start of a run, once the gate said yes.

use tokio::time::Instant;

use super::console::random_token;
use super::context::RunContext;
use super::{Reporter, deadlines, redact};
use crate::clients::github::{ApiError, Deployment, DeploymentHandle, Github, State};
use crate::config::types::{GithubConfig, ReportConfig};

/// What a deployment and its states need.
pub(super) const PERMISSION: &str = "deployments: write";

/// Opens a deployment on GitHub. `None` when there is nobody to tell or GitHub would not listen.
pub async fn started(
    config: &ReportConfig,
    context: &RunContext,
    reporter: &Reporter,
) -> Option<DeploymentHandle> {
    let config = config.github.as_ref()?;
    let commit = context.commit.as_ref()?;
    let github = open(config, context, reporter)?;
    let log_url = context.run_url();
    let app = context.app.as_ref().map(|app| app.as_str());
    let about = about(config, app, log_url.as_deref());
    let run = context.run_key().unwrap_or_else(random_token);
    let end = Instant::now() + deadlines::START_REPORTS;
    let create = github.create_deployment(&about, commit, &run);
    let what = "create a deployment on GitHub";
    let handle = match tokio::time::timeout_at(end, Box::pin(create)).await {
        Ok(Ok(handle)) => handle,
        Ok(Err(error)) => {
            warn(reporter, what, PERMISSION, &error);
            return None;
        }
        Err(_elapsed) => {
            too_slow(reporter, what);
            return None;
        }
    };
    // The record is there: its last state can be set whatever becomes of its first.
    let state = github.set_state(handle, &about, State::InProgress, "deploying");
    let what = "say on GitHub that the deployment is in progress";
    match tokio::time::timeout_at(end, Box::pin(state)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn(reporter, what, PERMISSION, &error),
        Err(_elapsed) => too_slow(reporter, what),
    }
    Some(handle)
}

/// The client, or a warning.
pub(super) fn open(
    config: &GithubConfig,
    context: &RunContext,
    reporter: &Reporter,
) -> Option<Github> {
    Github::new(config, context).unwrap_or_else(|error| {
        let hint = error.hints().first().map_or("", String::as_str);
        reporter.warning(&error.chain().join(": "), hint);
        None
    })
}

/// What the deployment record says.
pub(super) fn about<'a>(
    config: &'a GithubConfig,
    app: Option<&'a str>,
    log_url: Option<&'a str>,
) -> Deployment<'a> {
    Deployment {
        environment: &config.environment,
        environment_url: config.environment_url.as_deref(),
        app,
        log_url,
    }
}

/// What a person should know who reads that GitHub or Slack was not told.
pub(super) const NOT_AFFECTED: &str = "the deploy itself is not affected";

pub(super) fn too_slow(reporter: &Reporter, what: &str) {
    reporter.warning(&format!("cannot {what}: it takes too long"), NOT_AFFECTED);
}

/// A warning that names the permission when it is one that lacks.
pub(super) fn warn(reporter: &Reporter, what: &str, permission: &str, error: &ApiError) {
    let hint = match error.status {
        _ if error.is_rate_limit() => {
            format!("GitHub takes no more calls of this token for a while; {NOT_AFFECTED}")
        }
        Some(403 | 404) => {
            format!("add `{permission}` under `permissions:` of the workflow's job; {NOT_AFFECTED}")
        }
        Some(401) => format!("give `github-token` a valid token; {NOT_AFFECTED}"),
        Some(_) | None => NOT_AFFECTED.to_owned(),
    };
    let why = redact::short(&error.to_string(), reporter.redactor());
    reporter.warning(&format!("cannot {what}: {why}"), &hint);
}
