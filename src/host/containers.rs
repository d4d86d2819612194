//! Containers of compose projects: the Docker engine and compose.

use std::time::Duration;

use super::HostResult;
use super::facts::{
    ComposeProject, ComposeTool, Composed, ContainerFacts, DockerFacts, Incident, OwnWeights,
    Publisher,
};
use crate::protocol::ids::{ProjectName, ServiceName};
use crate::protocol::logs::LogEnd;

/// A sink for the untrusted lines that a program prints.
pub type OnLine<'a> = &'a mut (dyn FnMut(&str) + 'a);

/// How `compose_up` treats a container that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecreatePolicy {
    /// Keep it when its settings did not change.
    Keep,
    /// Make a new one.
    Fresh,
}

/// What of a container's log is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogRange {
    /// Host time; from the first line if nothing is said.
    pub since_ms: Option<u64>,
    /// The last so many; all of them if nothing is said.
    pub lines: Option<u32>,
    pub end: LogEnd,
}

/// Starts and stops the containers of services, one service at a time and never what it depends on, and tells how they are.
/// Each verb can be repeated: what is so already is fine.
#[expect(
    async_fn_in_trait,
    reason = "used with static dispatch on one thread only"
)]
pub trait Containers {
    /// Facts about the engine; an error when it cannot be used.
    async fn docker(&self) -> HostResult<DockerFacts>;
    /// Which compose is installed; an error when none is.
    async fn compose(&self) -> HostResult<ComposeTool>;
    /// The compose files as compose itself understands them, services of every profile included.
    async fn compose_config(&self, project: &ComposeProject) -> HostResult<Composed>;
    /// Starts services, detached, without what they depend on; `fresh` ones are made anew.
    async fn compose_up(
        &self,
        project: &ComposeProject,
        services: &[ServiceName],
        start: RecreatePolicy,
        on_line: OnLine<'_>,
    ) -> HostResult<()>;
    /// Starts the container of a service as it is; an error when there is none. One that runs is fine.
    async fn container_start(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<()>;
    /// SIGTERM, then SIGKILL after `grace` or its own `stop_grace_period`, the longer one; the container stays, and stays down when the engine or the machine starts again.
    async fn compose_stop(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
        grace: Duration,
    ) -> HostResult<()>;
    /// Removes a service's container, running or not; none is fine.
    async fn compose_remove(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<()>;
    /// The container of a service, `None` when there is none.
    async fn container(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<Option<ContainerFacts>>;
    /// The compose projects that have a container of a service in a project's folder, whatever the project is called: the
    /// one that runs first, then the newest.
    async fn projects_of(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<Vec<ProjectName>>;
    /// The container of compose's that publishes a TCP port of this host, `None` when none that runs does.
    async fn publisher(&self, port: u16) -> HostResult<Option<Publisher>>;
    /// The networks that Docker has, by name.
    async fn networks(&self) -> HostResult<Vec<String>>;
    /// Returns when a container of the service is started after this call; it may never tell.
    async fn container_starts(&self, project: &ComposeProject, service: &ServiceName);
    /// What the running container of a service weighs when processors and disk are shared out; nothing when none runs, or
    /// where that is low already.
    async fn weights(
        &self,
        project: &ComposeProject,
        service: &ServiceName,
    ) -> HostResult<OwnWeights>;
    /// Gives a container that had these low ones, in the kernel alone: one that is started again has its own.
    async fn lower_weights(&self, own: &OwnWeights) -> HostResult<()>;
    /// Gives a container back what it had; what is gone, or as it was, is fine.
    async fn restore_weights(&self, own: &OwnWeights) -> HostResult<()>;
    /// What befell a container since `since_ms` (host time), oldest first. Does not wait.
    async fn incidents(&self, container: &str, since_ms: u64) -> HostResult<Vec<Incident>>;
    /// Hands over what a container printed and, when it is followed, what it goes on to print until it ends, without the
    /// secrets of its environment. Untrusted.
    async fn container_output(
        &self,
        container: &str,
        range: &LogRange,
        on_line: OnLine<'_>,
    ) -> HostResult<()>;
    /// The last lines that a container printed, oldest first, without the secrets of its environment. Untrusted.
    async fn container_log(&self, container: &str, lines: u16) -> HostResult<Vec<String>>;
}
