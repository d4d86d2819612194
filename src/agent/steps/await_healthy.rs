//! Probes the new slot until it is healthy; gives up at once when its container ends.

use std::time::Duration;

use crate::agent::failure::{StepError, StepResult};
use crate::agent::survey::is_running;
use crate::agent::swap::Swap;
use crate::error::Reason;
use crate::host::Host;
use crate::host::facts::{
    ContainerFacts, ContainerHealth, Incident, OomKilled, Probe, ProbeAnswer, RunState,
};
use crate::protocol::plan::HealthCheck;
use crate::protocol::step::Step;

/// One probe must end before the next deadline is looked at.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
const SAY_EVERY_MS: u64 = 5_000;
const LOG_LINES: u16 = 30;
/// The kernel's word on a kill arrives a moment after the death.
const SETTLE: Duration = Duration::from_millis(300);
/// 128 + SIGKILL.
const KILLED: i64 = 137;

pub(in crate::agent) async fn apply<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let check = &swap.site().health;
    let began = swap.host.elapsed_ms();
    // The container was made a moment ago, by the step before.
    let since_ms = swap.host.now_ms().saturating_sub(60_000);
    let mut good = 0;
    let mut said = began;
    loop {
        swap.go_on()?;
        let container = look(swap).await?;
        ended(swap, &container, since_ms).await?;
        let answer = swap.host.probe(&probe(swap)).await;
        good = if is_good(check, &container, &answer) {
            good + 1
        } else {
            0
        };
        if good >= check.successes {
            // A container that was restarted between two probes is not healthy.
            ended(swap, &look(swap).await?, since_ms).await?;
            swap.healthy_at.set(Some(swap.host.elapsed_ms()));
            return Ok(());
        }
        let now = swap.host.elapsed_ms();
        if u128::from(now.saturating_sub(began)) >= check.timeout.duration().as_millis() {
            return Err(never_healthy(swap, &container, &answer).await);
        }
        if now.saturating_sub(said) >= SAY_EVERY_MS {
            said = now;
            let text = format!("not healthy yet: {answer}");
            swap.events.progress(Step::AwaitHealthy, text).await;
        }
        swap.host.sleep(check.interval.duration()).await;
    }
}

async fn look<H: Host>(swap: &Swap<'_, H>) -> StepResult<ContainerFacts> {
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

fn probe<H: Host>(swap: &Swap<'_, H>) -> Probe {
    Probe {
        address: swap.new_slot().address(),
        host: "localhost".to_owned(),
        path: swap.site().health.path_or_root().to_owned(),
        timeout: PROBE_TIMEOUT,
    }
}

/// With a path only 2xx counts. Without one the container's own check decides, and any answer below 500 shows
/// that the app listens.
fn is_good(check: &HealthCheck, container: &ContainerFacts, answer: &ProbeAnswer) -> bool {
    let ProbeAnswer::Status(status) = answer else {
        return false;
    };
    match (&check.path, container.health) {
        (None, Some(ContainerHealth::Starting | ContainerHealth::Unhealthy)) => false,
        (Some(_), _) | (None, Some(ContainerHealth::Healthy) | None) => check.accepts(*status),
    }
}

/// An error when the container ended, was restarted, or lost a process to the OOM killer.
async fn ended<H: Host>(
    swap: &Swap<'_, H>,
    container: &ContainerFacts,
    since_ms: u64,
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
        StepError::new(
            Reason::CrashedAtBoot,
            format!("slot `{service}` ended while starting, with {code}"),
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

async fn never_healthy<H: Host>(
    swap: &Swap<'_, H>,
    container: &ContainerFacts,
    answer: &ProbeAnswer,
) -> StepError {
    let log = swap
        .host
        .container_log(&container.id, LOG_LINES)
        .await
        .unwrap_or_default();
    let Probe { address, path, .. } = probe(swap);
    StepError::new(
        Reason::NeverHealthy,
        format!(
            "slot `{}` is not healthy after {}: GET http://{address}{path} gives {}",
            swap.new_slot().service,
            swap.site().health.timeout,
            answer,
        ),
    )
    .hint("if the app only needs longer, raise `health-timeout`; if the path is wrong, mend `health-path`")
    .log_tail(log)
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

    fn check(path: Option<&str>) -> HealthCheck {
        HealthCheck {
            path: path.map(str::to_owned),
            timeout: "1s".parse().unwrap(),
            interval: "1s".parse().unwrap(),
            successes: 1,
        }
    }

    #[test]
    fn a_path_wants_2xx_and_no_path_wants_any_sign_of_life() {
        let running = container(RunState::Running);
        let good = |path, status| is_good(&check(path), &running, &ProbeAnswer::Status(status));
        assert!(
            good(Some("/health"), 204)
                && !good(Some("/health"), 302)
                && !good(Some("/health"), 404)
        );
        assert!(good(None, 404) && !good(None, 503));
        let own = ContainerFacts {
            health: Some(ContainerHealth::Starting),
            ..running.clone()
        };
        assert!(!is_good(&check(None), &own, &ProbeAnswer::Status(200)));
        assert!(!is_good(
            &check(None),
            &running,
            &ProbeAnswer::Nothing("connection refused".into())
        ));
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
