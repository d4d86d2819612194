//! The new slot's container: is it there, and has anything befallen it?

use std::time::Duration;

use crate::agent::failure::{StepError, StepResult};
use crate::agent::survey::is_running;
use crate::agent::swap::Swap;
use crate::error::Reason;
use crate::host::Host;
use crate::host::facts::{ContainerFacts, Incident, OomKilled, RunState};

/// What a failure shows of the container's log.
pub(super) const LOG_LINES: u16 = 30;
/// The kernel's word on a kill arrives a moment after the death.
const SETTLE: Duration = Duration::from_millis(300);
/// 128 + SIGKILL.
const KILLED: i64 = 137;

/// When it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum During {
    /// Until it is healthy.
    Boot,
    /// While it takes traffic, before commit.
    Bake,
}

pub(super) async fn look<H: Host>(swap: &Swap<'_, H>) -> StepResult<ContainerFacts> {
    let service = &swap.new_slot().service;
    let found = swap
        .host
        .container(&swap.project(), service)
        .await
        .map_err(|error| {
            StepError::host(
                Reason::StartFailed,
                format!("cannot look at slot `{service}`"),
                &error,
            )
        })?;
    found.ok_or_else(|| {
        StepError::new(
            Reason::CrashedAtBoot,
            format!("the container of slot `{service}` is gone"),
        )
        .hint("is another program managing these containers?")
    })
}

/// An error when the container ended, was restarted, or lost a process to the OOM killer.
pub(super) async fn check<H: Host>(
    swap: &Swap<'_, H>,
    container: &ContainerFacts,
    since_ms: u64,
    during: During,
) -> StepResult<()> {
    let incidents = incidents(swap, container, since_ms).await?;
    if is_running(container) && container.restarts == 0 && incidents.is_empty() {
        return Ok(());
    }
    swap.host.sleep(SETTLE).await;
    let container = look(swap).await?;
    let all = self::incidents(swap, &container, since_ms).await?;
    let log = swap
        .host
        .container_log(&container.id, LOG_LINES)
        .await
        .unwrap_or_default();
    let service = &swap.new_slot().service;
    let code = exit_code(&container, &all);
    let limit = container
        .memory_limit
        .map_or("no limit".to_owned(), |bytes| {
            format!("a limit of {} MiB", bytes / (1024 * 1024))
        });
    let error = if is_oom(&container, &all) {
        StepError::new(
            Reason::OomKilled,
            format!("slot `{service}` was killed for using more memory than it may ({limit})"),
        )
        .hint("raise `deploy.resources.limits.memory` of the slot, or make the app use less (for Java: `-XX:MaxRAMPercentage`)")
    } else {
        let code = code.map_or("an unknown exit code".to_owned(), |code| {
            format!("exit code {code}")
        });
        let (reason, when) = match during {
            During::Boot => (Reason::CrashedAtBoot, "while starting"),
            During::Bake => (Reason::BakeFailed, "while it was watched"),
        };
        StepError::new(
            reason,
            format!("slot `{service}` ended {when}, with {code}"),
        )
        .hint("its last lines are in the report; mend what they name and deploy again")
    };
    Err(error.log_tail(log))
}

async fn incidents<H: Host>(
    swap: &Swap<'_, H>,
    container: &ContainerFacts,
    since_ms: u64,
) -> StepResult<Vec<Incident>> {
    swap.host
        .incidents(&container.id, since_ms)
        .await
        .map_err(|error| {
            let service = &swap.new_slot().service;
            StepError::host(
                Reason::StartFailed,
                format!("cannot look at slot `{service}`"),
                &error,
            )
        })
}

fn exit_code(container: &ContainerFacts, incidents: &[Incident]) -> Option<i64> {
    let died = incidents.iter().find_map(|incident| match incident {
        Incident::Died(code) => Some(*code),
        Incident::OutOfMemory | Incident::Restarted => None,
    });
    died.or(match container.run {
        RunState::Ended { code, .. } => Some(code),
        RunState::Running => None,
    })
}

/// Docker's flag, or its event, or a SIGKILL that we did not send to a container with a limit.
fn is_oom(container: &ContainerFacts, incidents: &[Incident]) -> bool {
    let flagged = matches!(
        container.run,
        RunState::Ended {
            oom: OomKilled::Yes,
            ..
        }
    );
    let killed =
        exit_code(container, incidents) == Some(KILLED) && container.memory_limit.is_some();
    flagged || killed || incidents.contains(&Incident::OutOfMemory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(run: RunState) -> ContainerFacts {
        ContainerFacts {
            id: "c".into(),
            state: "x".into(),
            run,
            health: None,
            restarts: 0,
            memory_limit: Some(64),
            image: None,
            release: None,
            pid: None,
            exposed: Vec::new(),
        }
    }

    #[test]
    fn a_kill_for_memory_is_told_from_a_crash() {
        let ended = |code, oom| container(RunState::Ended { code, oom });
        assert!(is_oom(&ended(137, OomKilled::Yes), &[]));
        assert!(is_oom(
            &container(RunState::Running),
            &[Incident::Died(137), Incident::Restarted]
        ));
        assert!(is_oom(
            &container(RunState::Running),
            &[Incident::OutOfMemory, Incident::Died(1)]
        ));
        assert!(!is_oom(&ended(3, OomKilled::No), &[Incident::Died(3)]));
    }
}
