//! What is said at the start of a run, once the gate said yes.

use std::time::Duration;

use super::Reporter;
use super::context::RunContext;
use super::github::{ApiError, Deployment, DeploymentHandle, Github};
use crate::config::types::{GithubConfig, ReportConfig};

/// The longest time that all of it may take.
const BUDGET: Duration = Duration::from_secs(20);

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
    match tokio::time::timeout(BUDGET, github.start_deployment(&about, commit)).await {
        Ok(Ok(handle)) => Some(handle),
        Ok(Err(error)) => {
            warn(
                reporter,
                "create a deployment on GitHub",
                "deployments: write",
                &error,
            );
            None
        }
        Err(_elapsed) => {
            reporter.warning("GitHub was too slow to create a deployment", "");
            None
        }
    }
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

/// A warning that names the permission when it is one that lacks.
pub(super) fn warn(reporter: &Reporter, what: &str, permission: &str, error: &ApiError) {
    let hint = match error.status {
        Some(403 | 404) => format!("add `{permission}` under `permissions:` of the workflow's job"),
        Some(401) => "give `github-token` a valid token".to_owned(),
        Some(_) | None => String::new(),
    };
    reporter.warning(&format!("cannot {what}: {error}"), &hint);
}
