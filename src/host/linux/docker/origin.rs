//! Where containers come from, as compose noted it in their labels, and the networks that there are.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use bollard::Docker;
use bollard::models::ContainerSummary;
use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptions};

use super::super::super::HostResult;
use super::super::super::facts::{ComposeProject, Publisher};
use super::containers::{FOLDER, PROJECT, SERVICE, all};
use super::within;
use crate::protocol::ids::{ProjectName, ServiceName};

const FILES: &str = "com.docker.compose.project.config_files";

/// The projects that have a container of a service in a project's folder.
pub(in super::super) async fn projects_of(
    docker: &Docker,
    project: &ComposeProject,
    service: &ServiceName,
) -> HostResult<Vec<ProjectName>> {
    let found = all(docker, &project.named(None), service).await?;
    let names = found
        .iter()
        .filter_map(|container| label(container, PROJECT)?.parse().ok());
    let mut seen = HashSet::new();
    Ok(names
        .filter(|name: &ProjectName| seen.insert(name.clone()))
        .collect())
}

/// The container of compose's that publishes a TCP port of this host.
pub(in super::super) async fn publisher(
    docker: &Docker,
    port: u16,
) -> HostResult<Option<Publisher>> {
    let doing = format!("look for the container on port {port}");
    let filters = HashMap::from([("publish", vec![format!("{port}/tcp")])]);
    let options = ListContainersOptionsBuilder::new()
        .filters(&filters)
        .build();
    let found = within(&doing, docker.list_containers(Some(options))).await?;
    // An engine may answer with those that expose the port, too.
    let publishes = |container: &&ContainerSummary| {
        let mut ports = container.ports.iter().flatten();
        ports.any(|mapping| mapping.public_port == Some(port))
    };
    Ok(found.iter().find(publishes).and_then(read))
}

/// The networks that there are, by name.
pub(in super::super) async fn networks(docker: &Docker) -> HostResult<Vec<String>> {
    let listed = docker.list_networks(None::<ListNetworksOptions>);
    let found = within("list the networks", listed).await?;
    Ok(found
        .into_iter()
        .filter_map(|network| network.name)
        .collect())
}

fn label<'a>(container: &'a ContainerSummary, name: &str) -> Option<&'a str> {
    container.labels.as_ref()?.get(name).map(String::as_str)
}

fn read(container: &ContainerSummary) -> Option<Publisher> {
    let name = container.names.as_ref()?.first()?;
    let files = label(container, FILES).unwrap_or_default().split(',');
    Some(Publisher {
        container: name.trim_start_matches('/').to_owned(),
        service: label(container, SERVICE)?.to_owned(),
        project: label(container, PROJECT)?.to_owned(),
        folder: label(container, FOLDER).map(PathBuf::from)?,
        files: files
            .filter(|file| !file.is_empty())
            .map(PathBuf::from)
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_compose_noted_is_read_and_other_containers_are_nobodys() {
        let of = |labels: &[(&str, &str)]| ContainerSummary {
            names: Some(vec!["/app-blue-app-1".to_owned()]),
            labels: Some(
                labels
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
            ),
            ..ContainerSummary::default()
        };
        let labels = [
            (SERVICE, "app"),
            (PROJECT, "app-blue"),
            (FOLDER, "/home/u"),
            (FILES, "/home/u/base.yml,/home/u/blue.yml"),
        ];
        let publisher = read(&of(&labels)).unwrap();
        assert_eq!(publisher.container, "app-blue-app-1");
        assert_eq!(
            (publisher.service.as_str(), publisher.project.as_str()),
            ("app", "app-blue")
        );
        assert_eq!(publisher.folder, PathBuf::from("/home/u"));
        assert_eq!(publisher.files.len(), 2);
        assert_eq!(read(&of(&labels[..2])), None);
    }
}
