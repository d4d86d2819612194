//! Starts, stops and removes a container by the engine's API: no program has to read the user's compose file for it, which may
//! be broken by then.

use std::time::Duration;

use bollard::Docker;
use bollard::models::{ContainerUpdateBody, RestartPolicy, RestartPolicyNameEnum};
use bollard::query_parameters::{
    InspectContainerOptions, RemoveContainerOptionsBuilder, StartContainerOptions,
    StopContainerOptionsBuilder,
};
use tokio::time::timeout;

use super::super::super::HostResult;
use super::super::super::error::{HostError, Trouble};
use super::super::super::facts::ComposeProject;
use super::containers::find;
use super::{errors, within, within_or_none};
use crate::clients::docker::errors::status;
use crate::protocol::ids::ServiceName;

/// What the engine may take beyond the grace that the container has.
const MARGIN: Duration = Duration::from_secs(30);

/// Starts the container that there is, with the settings that it was made with; one that runs is fine.
pub(in super::super) async fn start(
    docker: &Docker,
    project: &ComposeProject,
    service: &ServiceName,
) -> HostResult<()> {
    let doing = format!("start the container of `{service}`");
    let Some(container) = find(docker, project, service).await? else {
        return Err(HostError::new(Trouble::Missing, doing).because("it is gone"));
    };
    let starting = docker.start_container(&container.id, None::<StartContainerOptions>);
    within(&doing, async {
        match starting.await {
            Err(error) if is_over(&error) && status(&error) == Some(304) => Ok(()),
            other => other,
        }
    })
    .await
}

/// Docker starts a container with `restart: always` when it starts itself, also one that was stopped, and one with `on-failure`
/// that a SIGTERM ended with a code of its own. `unless-stopped` is the same but for that, so nothing has to be put back.
async fn hold_down(docker: &Docker, id: &str) -> Result<(), bollard::errors::Error> {
    let found = docker.inspect_container(id, None::<InspectContainerOptions>);
    let policy = found
        .await?
        .host_config
        .and_then(|host| host.restart_policy);
    let comes_back = policy.and_then(|policy| policy.name).is_some_and(|name| {
        matches!(
            name,
            RestartPolicyNameEnum::ALWAYS | RestartPolicyNameEnum::ON_FAILURE
        )
    });
    if !comes_back {
        return Ok(());
    }
    let unless_stopped = RestartPolicy {
        name: Some(RestartPolicyNameEnum::UNLESS_STOPPED),
        maximum_retry_count: None,
    };
    let update = ContainerUpdateBody {
        restart_policy: Some(unless_stopped),
        ..ContainerUpdateBody::default()
    };
    docker.update_container(id, update).await
}

/// SIGTERM, then SIGKILL after `grace`, or after what the container's own settings give it if that is longer; none, or one that has ended, is fine.
pub(in super::super) async fn stop(
    docker: &Docker,
    project: &ComposeProject,
    service: &ServiceName,
    grace: Duration,
) -> HostResult<()> {
    let doing = format!("stop `{service}`");
    let Some(container) = find(docker, project, service).await? else {
        return Ok(());
    };
    // Recovery stops what comes back all the same: an engine that cannot do this is no reason to let it run.
    drop(
        within(
            "keep a stopped container down",
            hold_down(docker, &container.id),
        )
        .await,
    );
    let grace = grace.max(container.stop_grace.unwrap_or_default());
    let seconds = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
    let options = StopContainerOptionsBuilder::new().t(seconds).build();
    let stopping = docker.stop_container(&container.id, Some(options));
    match timeout(grace.saturating_add(MARGIN), stopping).await {
        Ok(Err(error)) if is_over(&error) => Ok(()),
        Ok(ended) => ended.map_err(|error| errors::host_error(&doing, error)),
        Err(_elapsed) => Err(HostError::new(Trouble::TimedOut, doing)
            .because("Docker did not end the container in time")),
    }
}

/// Ended already, or gone.
fn is_over(error: &bollard::errors::Error) -> bool {
    matches!(
        error,
        bollard::errors::Error::DockerResponseServerError {
            status_code: 304 | 404,
            ..
        }
    )
}

/// Removes the container, running or not; none is fine. Its named volumes stay.
pub(in super::super) async fn remove(
    docker: &Docker,
    project: &ComposeProject,
    service: &ServiceName,
) -> HostResult<()> {
    // There may be one more: what an interrupted `up` left behind.
    while let Some(container) = find(docker, project, service).await? {
        let options = RemoveContainerOptionsBuilder::new().force(true).build();
        let removing = docker.remove_container(&container.id, Some(options));
        let doing = format!("remove the container of `{service}`");
        within_or_none(&doing, removing).await?;
    }
    Ok(())
}
