//! The containers of the simulated host.

use std::path::Path;
use std::time::Duration;

use super::edits;
use super::world::World;
use super::{COMPOSE, SimHost};
use crate::host::facts::{
    ComposeProject, ComposeTool, Composed, ContainerFacts, DockerFacts, Incident, OwnWeights,
};
use crate::host::{Containers, HostResult, OnLine, RecreatePolicy};
use crate::protocol::ids::ServiceName;

impl Containers for SimHost {
    async fn docker(&self) -> HostResult<DockerFacts> {
        self.call("docker")?;
        let root = "/var/lib/docker".into();
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
    async fn container_starts(&self, _: &ComposeProject, _: &ServiceName) {
        std::future::pending().await
    }
    async fn weights(&self, _: &ComposeProject, service: &ServiceName) -> HostResult<OwnWeights> {
        self.call("weights")?;
        let world = self.world.borrow();
        let running = world.containers.get(service.as_str());
        let running = running.filter(|container| container.running && !container.lowered);
        let own = running.map(|_| (service.as_str().into(), "1024".to_owned()));
        Ok(OwnWeights(own.into_iter().collect()))
    }
    async fn lower_weights(&self, own: &OwnWeights) -> HostResult<()> {
        self.change("lower_weights", |world| weigh(world, own, true))
            .await
    }
    async fn restore_weights(&self, own: &OwnWeights) -> HostResult<()> {
        self.change("restore_weights", |world| weigh(world, own, false))
            .await
    }
    async fn incidents(&self, _: &str, _: u64) -> HostResult<Vec<Incident>> {
        self.call("incidents").map(|()| Vec::new())
    }
    async fn container_log(&self, _: &str, _: u16) -> HostResult<Vec<String>> {
        self.call("container_log")
            .map(|()| vec!["last words".to_owned()])
    }
}

/// Changes the weights of the containers that are named.
fn weigh(world: &mut World, own: &OwnWeights, lowered: bool) {
    for (service, _) in &own.0 {
        let name = service.to_str().unwrap_or_default();
        if let Some(container) = world.containers.get_mut(name) {
            container.lowered = lowered;
        }
    }
}
