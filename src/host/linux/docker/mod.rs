//! The Docker engine, through its own socket.
//!
//! `containers`, `incidents`, `images` and `logs` ask; `errors` says what a refusal means.

pub(super) mod containers;
mod errors;
pub(super) mod images;
pub(super) mod incidents;
pub(super) mod logs;
pub(super) mod origin;
pub(super) mod power;

use bollard::Docker;
use bollard::models::LocalNodeState;

use super::super::HostResult;
use super::super::error::{HostError, Trouble};
use super::super::facts::{DockerFacts, LiveRestore};
use crate::clients::docker::errors::status;
use crate::clients::docker::{self, ANSWER, DEFAULT_SOCKET};

/// A client of the engine; nothing is sent yet.
pub(super) fn connect() -> HostResult<Docker> {
    let socket = std::env::var("DOCKER_HOST").unwrap_or_else(|_unset| DEFAULT_SOCKET.to_owned());
    let doing = || format!("reach Docker at `{socket}`");
    if !socket.starts_with("unix://") {
        return Err(HostError::new(Trouble::Refused, doing())
            .because("only a local engine can be used; unset DOCKER_HOST"));
    }
    docker::client(&socket, ANSWER).map_err(|error| errors::host_error(doing(), error))
}

pub(super) async fn facts(docker: &Docker) -> HostResult<DockerFacts> {
    let doing = "ask Docker about itself";
    let version = within(doing, docker.version()).await?;
    let info = within(doing, docker.info()).await?;
    let in_swarm = info
        .swarm
        .and_then(|swarm| swarm.local_node_state)
        .is_some_and(|state| !matches!(state, LocalNodeState::INACTIVE | LocalNodeState::EMPTY));
    let live_restore = match info.live_restore_enabled {
        Some(true) => LiveRestore::On,
        Some(false) | None if in_swarm => LiveRestore::Impossible,
        Some(false) | None => LiveRestore::Off,
    };
    Ok(DockerFacts {
        live_restore,
        platform: platform(version.os.as_deref(), version.arch.as_deref()),
        version: version.version.unwrap_or_default(),
        root: info
            .docker_root_dir
            .unwrap_or_else(|| "/var/lib/docker".to_owned())
            .into(),
    })
}

/// As `linux/amd64`, which is also how an image says it.
fn platform(os: Option<&str>, architecture: Option<&str>) -> String {
    format!(
        "{}/{}",
        os.unwrap_or("unknown"),
        architecture.unwrap_or("unknown")
    )
}

/// The answer of the engine, or an error after [`ANSWER`].
async fn within<T>(
    doing: &str,
    answer: impl Future<Output = Result<T, bollard::errors::Error>>,
) -> HostResult<T> {
    match tokio::time::timeout(ANSWER, answer).await {
        Ok(answer) => answer.map_err(|error| errors::host_error(doing, error)),
        Err(_elapsed) => Err(HostError::new(Trouble::TimedOut, doing)
            .because(format!("Docker did not answer in {} s", ANSWER.as_secs()))),
    }
}

/// The same, but `None` when the engine knows no such thing.
async fn within_or_none<T>(
    doing: &str,
    answer: impl Future<Output = Result<T, bollard::errors::Error>>,
) -> HostResult<Option<T>> {
    let answer = async {
        match answer.await {
            Err(error) if status(&error) == Some(404) => Ok(None),
            other => other.map(Some),
        }
    };
    within(doing, answer).await
}
