//! Containers of a compose project, found by the labels that compose gives them.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::Docker;
use bollard::models::{
    ContainerInspectResponse, ContainerState, ContainerStateStatusEnum, ContainerSummary,
    ContainerSummaryStateEnum, HealthStatusEnum,
};
use bollard::query_parameters::{InspectContainerOptions, ListContainersOptionsBuilder};

use super::super::super::HostResult;
use super::super::super::facts::{
    ComposeProject, ContainerFacts, ContainerHealth, OomKilled, RunState,
};
use super::images::image_of_container;
use super::{within, within_or_none};
use crate::protocol::ids::ServiceName;

pub(super) const SERVICE: &str = "com.docker.compose.service";
pub(super) const PROJECT: &str = "com.docker.compose.project";
pub(super) const FOLDER: &str = "com.docker.compose.project.working_dir";
const ONE_OFF: &str = "com.docker.compose.oneoff";
const RELEASE: &str = "pct-deploy.release";

/// The container of a service: the running one, else the newest.
pub(in super::super) async fn find(
    docker: &Docker,
    project: &ComposeProject,
    service: &ServiceName,
) -> HostResult<Option<ContainerFacts>> {
    let doing = format!("look for the container of `{service}`");
    let found = all(docker, project, service).await?;
    let Some(id) = found.first().and_then(|container| container.id.as_deref()) else {
        return Ok(None);
    };
    let inspect = docker.inspect_container(id, None::<InspectContainerOptions>);
    // It may be removed between the two calls.
    let Some(container) = within_or_none(&doing, inspect).await? else {
        return Ok(None);
    };
    let image = image_of_container(docker, &container).await?;
    Ok(Some(ContainerFacts {
        image,
        ..facts(container)
    }))
}

/// All containers of a service, the running one first, then the newest.
pub(super) async fn all(
    docker: &Docker,
    project: &ComposeProject,
    service: &ServiceName,
) -> HostResult<Vec<ContainerSummary>> {
    let doing = format!("look for the container of `{service}`");
    let mut labels = vec![format!("{SERVICE}={service}")];
    labels.extend(project.name.iter().map(|name| format!("{PROJECT}={name}")));
    let filters = HashMap::from([("label", labels)]);
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filters)
        .build();
    let mut found = within(&doing, docker.list_containers(Some(options))).await?;
    let folder = project_folder(project);
    found.retain(|container| is_of(container.labels.as_ref(), &folder));
    found.sort_by_key(|container| Reverse((is_running(container), container.created)));
    Ok(found)
}

/// Compose takes the folder of the first file for that of the project.
pub(super) fn project_folder(project: &ComposeProject) -> PathBuf {
    let folder = project.base();
    folder.canonicalize().unwrap_or(folder)
}

pub(super) fn is_of(labels: Option<&HashMap<String, String>>, folder: &Path) -> bool {
    let label = |name| labels.and_then(|labels| labels.get(name));
    // Compose notes the folder as it was typed; a person may have come to it through a link.
    let is_ours = label(FOLDER).map(Path::new).is_some_and(|noted| {
        noted == folder || noted.canonicalize().is_ok_and(|noted| noted == folder)
    });
    is_ours && label(ONE_OFF).is_none_or(|one_off| !one_off.eq_ignore_ascii_case("true"))
}

fn is_running(container: &ContainerSummary) -> bool {
    container.state == Some(ContainerSummaryStateEnum::RUNNING)
}

fn facts(container: ContainerInspectResponse) -> ContainerFacts {
    let (exposed, networks) = (exposed(&container), networks(&container));
    let state = container.state.unwrap_or_default();
    let config = container.config.unwrap_or_default();
    let release = config.labels.and_then(|mut labels| labels.remove(RELEASE));
    let stop_grace = config
        .stop_timeout
        .and_then(|seconds| u64::try_from(seconds).ok());
    let memory = container.host_config.and_then(|host| host.memory);
    ContainerFacts {
        id: container.id.unwrap_or_default(),
        state: state
            .status
            .map(|status| status.to_string())
            .unwrap_or_default(),
        pid: state
            .pid
            .and_then(|pid| pid.try_into().ok())
            .filter(|pid| *pid > 0),
        run: run_state(&state),
        health: health(&state),
        restarts: container
            .restart_count
            .and_then(|count| count.try_into().ok())
            .unwrap_or(0),
        memory_limit: memory
            .and_then(|bytes| u64::try_from(bytes).ok())
            .filter(|bytes| *bytes > 0),
        stop_grace: stop_grace.map(Duration::from_secs),
        image: None,
        release,
        exposed,
        networks,
    }
}

fn networks(container: &ContainerInspectResponse) -> Vec<String> {
    let settings = container.network_settings.as_ref();
    let networks = settings.and_then(|settings| settings.networks.as_ref());
    let mut names: Vec<String> = networks
        .into_iter()
        .flat_map(HashMap::keys)
        .cloned()
        .collect();
    names.sort();
    names
}

fn run_state(state: &ContainerState) -> RunState {
    // A container that waits for its next restart is "running" to the engine, but nothing runs.
    let is_restarting = state.status == Some(ContainerStateStatusEnum::RESTARTING);
    if state.running.unwrap_or(false) && !is_restarting {
        return RunState::Running;
    }
    let oom = if state.oom_killed.unwrap_or(false) {
        OomKilled::Yes
    } else {
        OomKilled::No
    };
    RunState::Ended {
        code: state.exit_code.unwrap_or(0),
        oom,
    }
}

fn health(state: &ContainerState) -> Option<ContainerHealth> {
    match state.health.as_ref()?.status? {
        HealthStatusEnum::STARTING => Some(ContainerHealth::Starting),
        HealthStatusEnum::HEALTHY => Some(ContainerHealth::Healthy),
        HealthStatusEnum::UNHEALTHY => Some(ContainerHealth::Unhealthy),
        HealthStatusEnum::NONE | HealthStatusEnum::EMPTY => None,
    }
}

fn exposed(container: &ContainerInspectResponse) -> Vec<(IpAddr, u16)> {
    let ports = container
        .config
        .as_ref()
        .and_then(|config| config.exposed_ports.as_ref());
    let ports = ports.into_iter().flatten().filter_map(|port| {
        let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
        number.parse::<u16>().ok().filter(|_| protocol == "tcp")
    });
    let networks = container
        .network_settings
        .as_ref()
        .and_then(|all| all.networks.as_ref());
    let addresses: Vec<IpAddr> = networks
        .into_iter()
        .flat_map(HashMap::values)
        .filter_map(|network| network.ip_address.as_deref()?.parse().ok())
        .collect();
    let mut exposed: Vec<_> = ports
        .flat_map(|port| addresses.iter().map(move |address| (*address, port)))
        .collect();
    exposed.sort_unstable();
    // Compose may list a port twice, with and without its protocol.
    exposed.dedup();
    exposed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inspected(json: &str) -> ContainerInspectResponse {
        serde_json::from_str(json).unwrap()
    }

    const RUNNING: &str = r#"{
        "Id": "0a8ffa65", "Created": "2026-11-23T13:52:01.123456789Z", "RestartCount": 2,
        "State": {"Status": "running", "Running": true, "Paused": false, "Restarting": false,
            "OOMKilled": false, "Dead": false, "Pid": 77, "ExitCode": 0, "Error": "",
            "StartedAt": "2026-11-23T13:52:02Z", "FinishedAt": "0001-01-01T00:00:00Z",
            "Health": {"Status": "starting", "FailingStreak": 0, "Log": []}},
        "HostConfig": {"Memory": 536870912},
        "Config": {"Image": "user/app", "ExposedPorts": {"8080": {}, "8080/tcp": {}, "9/udp": {}},
            "Labels": {"pct-deploy.release": "0123456789ab"}},
        "NetworkSettings": {"Networks": {"a_default": {"IPAddress": "172.18.0.3"},
            "b": {"IPAddress": ""}}}}"#;

    #[test]
    fn a_running_container_is_read_in_full() {
        let facts = facts(inspected(RUNNING));
        assert_eq!(facts.state, "running");
        assert_eq!(facts.run, RunState::Running);
        assert_eq!(facts.health, Some(ContainerHealth::Starting));
        assert_eq!((facts.restarts, facts.pid), (2, Some(77)));
        assert_eq!(facts.memory_limit, Some(512 * 1024 * 1024));
        assert_eq!(facts.release.as_deref(), Some("0123456789ab"));
        assert_eq!(facts.exposed, [("172.18.0.3".parse().unwrap(), 8080)]);
        assert_eq!(facts.networks, ["a_default", "b"]);
    }

    #[test]
    fn a_container_between_restarts_does_not_run() {
        let facts = facts(inspected(
            r#"{"Id": "1", "State": {"Status": "restarting", "Running": true, "Restarting": true,
                "OOMKilled": true, "ExitCode": 137}, "HostConfig": {"Memory": 0}}"#,
        ));
        assert_eq!(
            facts.run,
            RunState::Ended {
                code: 137,
                oom: OomKilled::Yes
            }
        );
        assert_eq!(facts.memory_limit, None);
        assert_eq!(facts.health, None);
    }

    #[test]
    fn one_off_containers_and_other_projects_are_not_ours() {
        let of = |folder: &str, one_off: &str| {
            HashMap::from([
                (FOLDER.to_owned(), folder.to_owned()),
                (ONE_OFF.to_owned(), one_off.to_owned()),
            ])
        };
        let folder = Path::new("/home/ec2-user");
        assert!(is_of(Some(&of("/home/ec2-user", "False")), folder));
        assert!(!is_of(Some(&of("/home/ec2-user", "True")), folder));
        assert!(!is_of(Some(&of("/home/other", "False")), folder));
        assert!(!is_of(None, folder));
    }
}
