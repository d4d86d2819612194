//! A service that must run to its end before the new slot starts (`service_completed_successfully`): a migration, say.
//!
//! It is part of `start_slot`: it runs once in a container of the new release's image, and one that is still at work when the
//! run is undone is stopped. What it did to a database is not undone.

use std::time::Duration;

use super::container::LOG_LINES;
use crate::agent::failure::{HostResultExt as _, StepResult};
use crate::agent::swap::Swap;
use crate::agent::wait::Wait;
use crate::error::{Failure, Reason};
use crate::host::facts::{ComposeProject, RunState};
use crate::host::{Host, RecreatePolicy};
use crate::protocol::ids::ServiceName;
use crate::protocol::step::Step;

/// A migration of a large table takes its time.
const DEADLINE: Duration = Duration::from_secs(15 * 60);
const POLL: Duration = Duration::from_millis(250);

/// Runs it to its end. Fails unless that is 0, and after 15 minutes.
pub(super) async fn run<H: Host>(
    swap: &Swap<'_, H>,
    project: &ComposeProject,
    service: &ServiceName,
) -> StepResult<()> {
    let (host, events) = (swap.host, swap.events);
    let text = format!("running `{service}` to its end first");
    events.progress(Step::StartSlot, text).await;
    let mut lines = Vec::new();
    let services = std::slice::from_ref(service);
    let started = host
        .compose_up(project, services, RecreatePolicy::Fresh, &mut |line| {
            lines.push(line.to_owned());
        })
        .await;
    events.output("compose", lines).await;
    let cannot = || format!("cannot run `{service}`, which the slots depend on");
    started.during(Reason::StartFailed, cannot())?;
    let mut wait = Wait::new(host, DEADLINE, POLL);
    loop {
        swap.go_on()?;
        let found = host.container(project, service).await;
        let Some(container) = found.during(Reason::StartFailed, cannot())? else {
            let what = format!("the container of `{service}` is gone");
            return Err(Failure::new(Reason::StartFailed, what));
        };
        let what = match container.run {
            RunState::Ended { code: 0, .. } => return Ok(()),
            RunState::Ended { code, .. } => format!("`{service}` ended with exit code {code}"),
            RunState::Running if wait.is_over() => {
                format!(
                    "`{service}` is not done after {} minutes",
                    DEADLINE.as_secs() / 60
                )
            }
            RunState::Running => {
                let text = format_args!("waiting for {service} to end");
                wait.speak(events, Step::StartSlot, text).await;
                wait.pause().await;
                continue;
            }
        };
        let log = host.container_log(&container.id, LOG_LINES).await;
        return Err(Failure::new(Reason::StartFailed, what)
            .hint("the slots depend on it with `service_completed_successfully`: it must end with 0; its last lines are in the log below")
            .log_tail(log.unwrap_or_default()));
    }
}

/// Stops one that is still at work; one that ended stays, for whoever wants to read its log.
pub(super) async fn end<H: Host>(
    swap: &Swap<'_, H>,
    project: &ComposeProject,
    service: &ServiceName,
) -> StepResult<()> {
    let grace = swap.site().stop_timeout.duration();
    let stopped = swap.host.compose_stop(project, service, grace).await;
    stopped.during(Reason::UndoFailed, format_args!("cannot stop `{service}`"))
}
