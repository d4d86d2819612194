//! The containers of the simulated host.

use std::path::Path;
use std::time::Duration;

use super::edits;
use super::{COMPOSE, SimHost};
use crate::host::facts::{
    ComposeProject, ComposeTool, Composed, ContainerFacts, DockerFacts, Incident,
};
use crate::host::{Containers, HostResult, OnLine, RecreatePolicy};
use crate::protocol::ids::ServiceName;

impl Containers for SimHost {
    async fn docker(&self) -> HostResult<DockerFacts> {
        self.call("docker")?;
        let root = match self.faults.docker_is_snap.get() {
            true => "/var/snap/docker/common/var-lib-docker".into(),
            false => "/var/lib/docker".into(),
        };
        Ok(DockerFacts {
            live_restore: self.faults.live_restore(),
            version: "26".into(),
            platform: "linux/amd64".into(),
            root,
        })
    }
    async fn compose(&self) -> HostResult<ComposeTool> {
        self.call("compose").map(|()| ComposeTool::V2)
    }
    async fn compose_config(&self, _: &ComposeProject) -> HostResult<Composed> {
        self.call("compose_config")?;
        let world = self.world.borrow();
        let text = world.files.get(Path::new(COMPOSE));
        let yaml = text.map_or_else(String::new, |text| {
            String::from_utf8_lossy(text).into_owned()
        });
        let unset = world.unset.clone();
        Ok(Composed { yaml, unset })
    }
    async fn compose_up(
        &self,
        project: &ComposeProject,
        services: &[ServiceName],
        _: RecreatePolicy,
        _: OnLine<'_>,
    ) -> HostResult<()> {
        self.change("compose_up", |world| edits::make(world, project, services))
            .await
    }
    async fn container_start(&self, _: &ComposeProject, service: &ServiceName) -> HostResult<()> {
        let started = self.change("container_start", |world| world.start(service.as_str()));
        started.await?
    }
    async fn compose_stop(
        &self,
        _: &ComposeProject,
        service: &ServiceName,
        _: Duration,
    ) -> HostResult<()> {
        self.change("compose_stop", |world| {
            world.stop(service.as_str());
        })
        .await
    }
    async fn compose_remove(&self, _: &ComposeProject, service: &ServiceName) -> HostResult<()> {
        self.change("compose_remove", |world| {
            world.stop(service.as_str());
            world.containers.remove(service.as_str());
        })
        .await
    }
    async fn container(
        &self,
        _: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<Option<ContainerFacts>> {
        self.call("container")?;
        let world = self.world.borrow();
        Ok(world
            .containers
            .get(service.as_str())
            .map(|container| world.facts(container)))
    }
    async fn incidents(&self, _: &str, _: u64) -> HostResult<Vec<Incident>> {
        self.call("incidents").map(|()| Vec::new())
    }
    async fn container_log(&self, _: &str, _: u16) -> HostResult<Vec<String>> {
        self.call("container_log")
            .map(|()| vec!["last words".to_owned()])
    }
}
