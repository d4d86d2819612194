//! Stops and removes a container by the engine's API: no program has to read the user's compose file for it, which may
//! be broken by then.

use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::{RemoveContainerOptionsBuilder, StopContainerOptionsBuilder};
use tokio::time::timeout;

use super::super::super::HostResult;
use super::super::super::error::{HostError, Trouble};
use super::super::super::facts::ComposeProject;
use super::containers::find;
use super::{errors, within_or_none};
use crate::protocol::ids::ServiceName;

/// What the engine may take beyond the grace that the container has.
const MARGIN: Duration = Duration::from_secs(30);

/// SIGTERM, then SIGKILL after `grace`; none, or one that has ended, is fine.
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
