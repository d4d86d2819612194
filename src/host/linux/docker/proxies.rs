//! The containers that run an nginx, as the engine describes them.

use std::collections::HashMap;
use std::net::IpAddr;

use bollard::Docker;
use bollard::models::{ContainerInspectResponse, MountPoint};
use bollard::query_parameters::{InspectContainerOptions, ListContainersOptionsBuilder};

use super::super::super::HostResult;
use super::super::super::nginx::{ContainerRole, Mount, MountedFrom, NginxContainer};
use super::{within, within_or_none};

/// A container that runs.
#[derive(Debug)]
pub(in super::super) struct RunningContainer {
    /// Its first process, as the host sees it.
    pub(in super::super) pid: u32,
    pub(in super::super) network: ContainerNetwork,
    pub(in super::super) nginx: NginxContainer,
}

/// Whose network a container is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum ContainerNetwork {
    Own,
    OfHost,
}

/// Every container that runs.
pub(in super::super) async fn running(docker: &Docker) -> HostResult<Vec<RunningContainer>> {
    let doing = "list the containers";
    let options = ListContainersOptionsBuilder::new().build();
    let found = within(doing, docker.list_containers(Some(options))).await?;
    let mut all = Vec::new();
    for id in found.iter().filter_map(|container| container.id.as_deref()) {
        all.extend(find(docker, id).await?);
    }
    Ok(all)
}

/// A container by name or id, `None` when it does not run.
pub(in super::super) async fn find(
    docker: &Docker,
    container: &str,
) -> HostResult<Option<RunningContainer>> {
    let doing = format!("look at the container `{container}`");
    let inspect = docker.inspect_container(container, None::<InspectContainerOptions>);
    let inspected = within_or_none(&doing, inspect).await?;
    Ok(inspected.and_then(read))
}

fn read(container: ContainerInspectResponse) -> Option<RunningContainer> {
    let state = container.state.unwrap_or_default();
    let pid = state.pid.and_then(|pid| u32::try_from(pid).ok());
    let pid = pid.filter(|pid| *pid > 0)?;
    let mode = container.host_config.and_then(|host| host.network_mode);
    let network = match mode.as_deref() {
        Some("host") => ContainerNetwork::OfHost,
        _ => ContainerNetwork::Own,
    };
    let settings = container.network_settings.unwrap_or_default();
    let networks = settings.networks.iter().flat_map(HashMap::values);
    let addresses = networks.filter_map(|network| network.ip_address.as_deref()?.parse().ok());
    let address: Option<IpAddr> = addresses.min();
    let ports = settings.ports.unwrap_or_default();
    let bindings = ports.into_values().flatten().flatten();
    let mut published = bindings.filter_map(|binding| binding.host_port);
    let is_front = network == ContainerNetwork::OfHost
        || published.any(|port| matches!(port.as_str(), "80" | "443"));
    let mounts = container.mounts.unwrap_or_default();
    Some(RunningContainer {
        pid,
        network,
        nginx: NginxContainer {
            name: container.name?.trim_start_matches('/').to_owned(),
            mounts: mounts.into_iter().filter_map(mount).collect(),
            role: if is_front {
                ContainerRole::Front
            } else {
                ContainerRole::Unknown
            },
            address,
        },
    })
}

fn mount(point: MountPoint) -> Option<Mount> {
    let from = match (point.typ.as_deref(), point.source, point.name) {
        (Some("bind"), Some(source), _) => MountedFrom::Host(source.into()),
        (Some("volume"), _, Some(name)) => MountedFrom::Volume(name),
        _ => MountedFrom::Elsewhere,
    };
    Some(Mount {
        from,
        to: point.destination?.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NGINX: &str = r#"{
        "Id": "1", "Name": "/shop-nginx-1", "State": {"Status": "running", "Running": true, "Pid": 4711},
        "HostConfig": {"NetworkMode": "shop_default"},
        "Mounts": [
            {"Type": "bind", "Source": "/home/u/nginx", "Destination": "/etc/nginx/conf.d", "Mode": "rw", "RW": true},
            {"Type": "volume", "Name": "logs", "Source": "/var/lib/docker/volumes/logs/_data", "Destination": "/var/log/nginx"},
            {"Type": "tmpfs", "Source": "", "Destination": "/run"}],
        "NetworkSettings": {"Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "80"}], "443/tcp": null},
            "Networks": {"shop_default": {"IPAddress": "172.18.0.4"}}}}"#;

    fn inspected(json: &str) -> Option<RunningContainer> {
        read(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_container_is_read_with_its_mounts_and_what_it_is_for() {
        let found = inspected(NGINX).unwrap();
        assert_eq!((found.pid, found.network), (4711, ContainerNetwork::Own));
        let nginx = found.nginx;
        assert_eq!(
            (nginx.name.as_str(), nginx.role),
            ("shop-nginx-1", ContainerRole::Front)
        );
        assert_eq!(nginx.address, Some("172.18.0.4".parse().unwrap()));
        let from: Vec<_> = nginx.mounts.into_iter().map(|mount| mount.from).collect();
        assert_eq!(
            from,
            [
                MountedFrom::Host("/home/u/nginx".into()),
                MountedFrom::Volume("logs".to_owned()),
                MountedFrom::Elsewhere
            ]
        );
    }

    #[test]
    fn one_that_publishes_another_port_is_no_front_and_one_that_ended_is_none() {
        let other = NGINX.replace(r#""HostPort": "80""#, r#""HostPort": "8080""#);
        assert_eq!(
            inspected(&other).unwrap().nginx.role,
            ContainerRole::Unknown
        );
        let shared = NGINX.replace("shop_default\"}", "host\"}");
        let shared = shared.replace("172.18.0.4", "");
        let found = inspected(&shared).unwrap();
        assert_eq!(found.network, ContainerNetwork::OfHost);
        assert_eq!(
            (found.nginx.role, found.nginx.address),
            (ContainerRole::Front, None)
        );
        assert!(inspected(&NGINX.replace("4711", "0")).is_none());
    }
}
