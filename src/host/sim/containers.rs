//! The containers of the simulated host.

use std::time::Duration;

use super::SimHost;
use super::edits;
use super::world::World;
use crate::host::facts::{
    ComposeProject, ComposeTool, Composed, ContainerFacts, DockerFacts, Incident, OwnWeights,
    Publisher,
};
use crate::host::{Containers, HostResult, LogRange, OnLine, RecreatePolicy};
use crate::protocol::ids::{ProjectName, ServiceName};

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
    async fn compose_config(&self, project: &ComposeProject) -> HostResult<Composed> {
        self.call("compose_config")?;
        let world = self.world.borrow();
        let text = edits::texts(&world, project).concat();
        let yaml = match text.starts_with("name:") && project.name.is_none() {
            true => text,
            false => format!("name: {}\n{text}", edits::name_of(project)),
        };
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
    async fn container_start(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<()> {
        let key = edits::key(project, service);
        let started = self.change("container_start", |world| world.start(&key));
        started.await?
    }
    async fn compose_stop(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
        _: Duration,
    ) -> HostResult<()> {
        self.change("compose_stop", |world| {
            if edits::found(world, project, service).is_some() {
                world.stop(&edits::key(project, service));
            }
        })
        .await
    }
    async fn compose_remove(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<()> {
        let key = edits::key(project, service);
        self.change("compose_remove", |world| {
            if edits::found(world, project, service).is_some() {
                world.stop(&key);
                world.containers.remove(&key);
            }
        })
        .await
    }
    async fn container(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<Option<ContainerFacts>> {
        self.call("container")?;
        let world = self.world.borrow();
        let found = edits::found(&world, project, service);
        Ok(found.map(|container| world.facts(container)))
    }
    async fn projects_of(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<Vec<ProjectName>> {
        self.call("projects_of")?;
        let world = self.world.borrow();
        let names = edits::projects_of(&world, project, service);
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }
    async fn publisher(&self, _: u16) -> HostResult<Option<Publisher>> {
        self.call("publisher")?;
        Ok(self.world.borrow().publisher.clone())
    }
    async fn networks(&self) -> HostResult<Vec<String>> {
        self.call("networks")?;
        Ok(self.world.borrow().networks.clone())
    }
    async fn container_starts(&self, _: &ComposeProject, _: &ServiceName) {
        std::future::pending::<()>().await;
    }
    async fn weights(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<OwnWeights> {
        self.call("weights")?;
        let world = self.world.borrow();
        let running = edits::found(&world, project, service);
        let running = running.filter(|container| container.running && !container.lowered);
        let own = running.map(|_| (edits::key(project, service).into(), "1024".to_owned()));
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
    async fn container_output(
        &self,
        container: &str,
        _: &LogRange,
        on_line: OnLine<'_>,
    ) -> HostResult<()> {
        self.call("container_output")?;
        let world = self.world.borrow();
        let mut all = world.containers.iter();
        if let Some((name, _)) = all.find(|(_, one)| one.id == container) {
            on_line(&format!("said by {name}"));
        }
        Ok(())
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
