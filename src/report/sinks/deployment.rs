//! The deployment on GitHub: opened at the start, given its last state at the end.

use tokio::time::{Instant, timeout_at};

use super::{Delivery, Doing, End, Sink, Warning};
use crate::clients::github::{ApiError, Deployment, DeploymentHandle, DeploymentState};
use crate::config::types::GithubConfig;
use crate::protocol::outcome::Outcome;
use crate::report::console::random_token;
use crate::report::{RunReport, deadlines, outcome};

pub(super) struct GithubDeployment<'a>(pub(super) &'a GithubConfig);

impl Sink for GithubDeployment<'_> {
    fn name(&self) -> &'static str {
        "deployment"
    }

    fn service(&self) -> &'static str {
        "GitHub"
    }

    fn started<'a>(&'a self, run: &'a RunReport<'_>) -> Doing<'a, Result<(), Warning>> {
        Box::pin(self.open(run))
    }

    fn is_owed<'a>(&'a self, run: &'a RunReport<'_>) -> Doing<'a, bool> {
        Box::pin(self.is_open(run))
    }

    fn finished<'a>(&'a self, end: &'a End<'_>) -> Doing<'a, Result<Delivery, Warning>> {
        Box::pin(self.close(end))
    }
}

impl GithubDeployment<'_> {
    async fn open(&self, run: &RunReport<'_>) -> Result<(), Warning> {
        let Some(commit) = &run.context.commit else {
            return Ok(());
        };
        let Some(github) = run.github() else {
            return Ok(());
        };
        let log_url = run.context.run_url();
        let about = self.about(run, log_url.as_deref());
        let key = run.context.run_key().unwrap_or_else(random_token);
        let end = Instant::now() + deadlines::START_REPORTS;
        let create = Box::pin(github.create_deployment(&about, commit, &key));
        let handle = before(end, run, "create a deployment on GitHub", create).await?;
        // The record is there: its last state can be set whatever becomes of its first.
        let state =
            Box::pin(github.set_state(handle, &about, DeploymentState::InProgress, "deploying"));
        let what = "say on GitHub that the deployment is in progress";
        let said = before(end, run, what, state).await;
        run.memory.note(run.reporter, |saved| {
            saved.github_deployment = Some(handle.id());
        });
        said
    }

    /// A second final state does no harm, a missing one does.
    async fn is_open(&self, run: &RunReport<'_>) -> bool {
        let (Some(handle), Some(github)) = (handle(run), run.github()) else {
            return false;
        };
        let newest = Box::pin(github.newest_state(handle));
        let state = match run.reporter.within(deadlines::POST_LOOK, newest).await {
            Ok(Ok(state)) => state,
            Ok(Err(error)) => {
                warning(run, "look at the deployment on GitHub", &error).print(run.reporter);
                None
            }
            Err(_slow) => None,
        };
        matches!(state, Some(DeploymentState::InProgress) | None)
    }

    async fn close(&self, end: &End<'_>) -> Result<Delivery, Warning> {
        let run = end.run;
        let (Some(handle), Some(github)) = (handle(run), &end.github) else {
            return Ok(Delivery::NotWanted);
        };
        let log_url = run.context.run_url();
        let about = self.about(run, log_url.as_deref());
        let state = match end.published.outcome {
            Outcome::Deployed | Outcome::Unchanged => DeploymentState::Success,
            Outcome::Failed | Outcome::RolledBack => DeploymentState::Failure,
            Outcome::Skipped | Outcome::Cancelled | Outcome::Stuck => DeploymentState::Error,
        };
        let line = outcome::outcome_line(&end.published, run.context);
        let line = run.reporter.redactor().redact(&line);
        github
            .set_state(handle, &about, state, &line)
            .await
            .map_err(|error| warning(run, "set the deployment's state on GitHub", &error))?;
        if state == DeploymentState::Success {
            let what = "mark the previous deployment as inactive";
            let retired = github.retire_previous(handle, &about).await;
            retired.map_err(|error| warning(run, what, &error))?;
        }
        Ok(Delivery::Yes)
    }

    fn about<'a>(&'a self, run: &'a RunReport<'_>, log_url: Option<&'a str>) -> Deployment<'a> {
        Deployment {
            environment: &self.0.environment,
            environment_url: self.0.environment_url.as_deref(),
            app: run.context.app.as_ref().map(|app| app.as_str()),
            log_url,
        }
    }
}

/// The one that this run opened.
fn handle(run: &RunReport<'_>) -> Option<DeploymentHandle> {
    let id = run.memory.saved().github_deployment;
    id.map(DeploymentHandle::from_id)
}

fn warning(run: &RunReport<'_>, what: &str, error: &ApiError) -> Warning {
    Warning::github(what, "deployments: write", error, run.reporter.redactor())
}

async fn before<T>(
    end: Instant,
    run: &RunReport<'_>,
    what: &str,
    call: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, Warning> {
    match timeout_at(end, call).await {
        Ok(answer) => answer.map_err(|error| warning(run, what, &error)),
        Err(_elapsed) => Err(Warning::slow_call(what)),
    }
}
