//! What is still to be told about a run that ended before it could tell everything.

use super::before::{open, warn};
use super::context::RunContext;
use super::state::{Left, SlackPost};
use super::{Reporter, deadlines};
use crate::clients::github::{DeploymentHandle, State};
use crate::config::types::ReportConfig;

/// Whom to tell, and the deployment on GitHub when it has no final state yet.
///
/// Without a clear answer it counts as open: a second final state does no harm, a missing one does.
pub async fn owed(
    config: &ReportConfig,
    context: &RunContext,
    left: &Left,
    reporter: &Reporter,
) -> (ReportConfig, Option<DeploymentHandle>) {
    let mut config = config.clone();
    match left.slack {
        SlackPost::Tried => config.slack = None,
        SlackPost::Owed => {}
    }
    let handle = left.saved.github_deployment.map(DeploymentHandle::from_id);
    let (Some(handle), Some(settings)) = (handle, &config.github) else {
        return (config, None);
    };
    let Some(github) = open(settings, context, reporter) else {
        return (config, None);
    };
    let newest = reporter.within(deadlines::POST_LOOK, Box::pin(github.newest_state(handle)));
    let state = match newest.await {
        Ok(Ok(state)) => state,
        Ok(Err(error)) => {
            let what = "look at the deployment on GitHub";
            warn(reporter, what, "deployments: write", &error);
            None
        }
        Err(_slow) => None,
    };
    match state {
        Some(State::Success | State::Failure | State::Error | State::Inactive) => (config, None),
        Some(State::InProgress) | None => (config, Some(handle)),
    }
}
