//! Containers: the engine's part through its socket, compose's through the program.

use std::time::Duration;

use super::super::facts::{
    ComposeProject, ComposeTool, Composed, ContainerFacts, DockerFacts, Incident, OwnWeights,
    Publisher,
};
use super::super::{Clock as _, Containers, HostResult, LogRange, OnLine, RecreatePolicy};
use super::{LinuxHost, docker, weight};
use crate::protocol::ids::{ProjectName, ServiceName};

impl Containers for LinuxHost {
    async fn docker(&self) -> HostResult<DockerFacts> {
        docker::facts(self.engine().await?).await
    }

    async fn compose(&self) -> HostResult<ComposeTool> {
        Ok(self.launcher().await?.tool())
    }

    async fn compose_config(&self, project: &ComposeProject) -> HostResult<Composed> {
        self.launcher().await?.config(project).await
    }

    async fn compose_up(
        &self,
        project: &ComposeProject,
        services: &[ServiceName],
        start: RecreatePolicy,
        on_line: OnLine<'_>,
    ) -> HostResult<()> {
        self.launcher()
            .await?
            .up(project, services, start, on_line)
            .await
    }

    async fn container_start(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<()> {
        docker::power::start(self.engine().await?, project, service).await
    }

    async fn compose_stop(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
        grace: Duration,
    ) -> HostResult<()> {
        docker::power::stop(self.engine().await?, project, service, grace).await
    }

    async fn compose_remove(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<()> {
        docker::power::remove(self.engine().await?, project, service).await
    }

    async fn container(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<Option<ContainerFacts>> {
        docker::containers::find(self.engine().await?, project, service).await
    }

    async fn projects_of(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<Vec<ProjectName>> {
        docker::origin::projects_of(self.engine().await?, project, service).await
    }

    async fn publisher(&self, port: u16) -> HostResult<Option<Publisher>> {
        docker::origin::publisher(self.engine().await?, port).await
    }

    async fn networks(&self) -> HostResult<Vec<String>> {
        docker::origin::networks(self.engine().await?).await
    }

    async fn container_starts(&self, project: &ComposeProject, service: &ServiceName) {
        match self.engine().await {
            Ok(engine) => docker::incidents::start_of(engine, project, service).await,
            Err(_unusable) => std::future::pending().await,
        }
    }

    async fn weights(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<OwnWeights> {
        let engine = self.engine().await?;
        let found = docker::containers::find(engine, project, service).await?;
        match found.and_then(|container| container.pid) {
            Some(pid) => weight::of(pid),
            None => Ok(OwnWeights::default()),
        }
    }

    async fn lower_weights(&self, own: &OwnWeights) -> HostResult<()> {
        weight::lower(own).await
    }

    async fn restore_weights(&self, own: &OwnWeights) -> HostResult<()> {
        weight::restore(own).await
    }

    async fn incidents(&self, container: &str, since_ms: u64) -> HostResult<Vec<Incident>> {
        docker::incidents::of(self.engine().await?, container, since_ms, self.now_ms()).await
    }

    async fn container_output(
        &self,
        container: &str,
        range: &LogRange,
        on_line: OnLine<'_>,
    ) -> HostResult<()> {
        docker::logs::output(self.engine().await?, container, range, on_line).await
    }

    async fn container_log(&self, container: &str, lines: u16) -> HostResult<Vec<String>> {
        docker::logs::last(self.engine().await?, container, lines).await
    }
}
