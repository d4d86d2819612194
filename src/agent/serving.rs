//! Sees to it that a slot that is to serve alone does serve: whoever stops the other one asks here first.

use std::time::Duration;

use super::events::Events;
use super::failure::{HostResultExt as _, StepResult, StepResultExt as _};
use super::reach;
use super::survey::is_running;
use super::wait::Wait;
use crate::error::{Failure, Reason};
use crate::host::Host;
use crate::host::facts::{ComposeProject, Probe, ProbeAnswer};
use crate::protocol::plan::HealthCheck;
use crate::protocol::slot::SlotService;
use crate::protocol::step::Step;

const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// A slot, and what it takes to start it.
#[derive(Debug)]
pub(super) struct Serving<'a> {
    pub(super) slot: &'a SlotService,
    pub(super) project: ComposeProject,
    pub(super) health: &'a HealthCheck,
}

impl Serving<'_> {
    /// Starts its container, as it is, when that does not run. Docker does so itself after a crash, but not after
    /// `docker kill` or `docker stop`, and `restart: on-failure` not after a boot.
    pub(super) async fn start_if_down<H: Host>(&self, host: &H) -> StepResult<()> {
        let (service, name) = (&self.slot.service, self.slot.name());
        let found = host.container(&self.project, service).await;
        let found = found.during(
            Reason::StartFailed,
            format_args!("cannot look at the live slot `{name}`"),
        )?;
        if found.as_ref().is_some_and(is_running) {
            return Ok(());
        }
        // As it is: the user's files may say something else by now, and nobody has asked for that to go live.
        let started = host.container_start(&self.project, service).await;
        started
            .during(
                Reason::StartFailed,
                format_args!("cannot start the live slot `{name}`"),
            )
            .hint(self.look())
    }

    /// Returns when it is healthy: at once when all is well, after a start and a wait when not. An error after the
    /// health check's deadline.
    pub(super) async fn ensure<H: Host>(
        &self,
        host: &H,
        events: &Events<'_, H>,
        step: Step,
    ) -> StepResult<()> {
        let name = self.slot.name();
        let (most, pause) = (self.health.timeout, self.health.interval);
        let mut wait = Wait::new(host, most.duration(), pause.duration());
        loop {
            let container = reach::container(host, &self.project, self.slot).await;
            let address = reach::health_address(self.slot, container.as_ref());
            let probe = Probe::of_health(address, self.health, PROBE_TIMEOUT);
            let answer = host.probe(&probe).await;
            match answer {
                ProbeAnswer::Status(status) if self.health.accepts(status) => return Ok(()),
                ProbeAnswer::Status(_) | ProbeAnswer::Nothing(_) => {}
            }
            if wait.is_over() {
                let what = format!("the live slot `{name}` is not healthy after {most}: {answer}");
                return Err(Failure::new(Reason::NeverHealthy, what).hint(self.look()));
            }
            let text = format_args!("waiting for `{name}` to be healthy ({answer})");
            wait.speak(events, step, text).await;
            self.start_if_down(host).await?;
            wait.pause().await;
        }
    }

    fn look(&self) -> String {
        format!("look at it on the host: `{}`", self.slot.compose("logs"))
    }
}
