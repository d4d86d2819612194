//! The new slot's container: is it there, and has anything befallen it?

use std::time::Duration;

use crate::agent::failure::{HostResultExt as _, StepResult};
use crate::agent::survey::is_running;
use crate::agent::swap::Swap;
use crate::error::{Failure, Reason};
use crate::host::Host;
use crate::host::facts::{ContainerFacts, Incident, OomKilled, RunState};
use crate::protocol::ids::SlotName;

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
    let (slot, project) = (swap.new_slot(), swap.project(swap.begun.slot));
    let found = swap.host.container(&project, &slot.service).await.during(
        Reason::StartFailed,
        format_args!("cannot look at slot `{}`", slot.name()),
    )?;
    found.ok_or_else(|| {
        Failure::new(
            Reason::CrashedAtBoot,
            format!("the container of slot `{}` is gone", slot.name()),
        )
        .hint("is another program managing these containers?")
    })
}

/// The new slot's peak of memory, for the receipt.
pub(super) async fn note_memory<H: Host>(swap: &Swap<'_, H>) {
    if let Ok(container) = look(swap).await {
        note_memory_of(swap, &container).await;
    }
}

async fn note_memory_of<H: Host>(swap: &Swap<'_, H>, container: &ContainerFacts) {
    if let Some(pid) = container.pid {
        swap.receipt.borrow_mut().slot_memory_bytes = swap.host.group_memory_peak(pid).await;
    }
}

/// Keeps what only the container knows, before it is removed: the end of its log, and its peak of memory.
pub(super) async fn keep_last_lines<H: Host>(swap: &Swap<'_, H>) {
    let Ok(container) = look(swap).await else {
        return;
    };
    note_memory_of(swap, &container).await;
    if let Ok(lines) = swap.host.container_log(&container.id, LOG_LINES).await {
        swap.last_lines.replace(lines);
    }
}

/// An error when the container ended, was restarted, or lost a process to the OOM killer.
pub(super) async fn check<H: Host>(
    swap: &Swap<'_, H>,
    container: &ContainerFacts,
    since_ms: u64,
    during: During,
) -> StepResult<()> {
    let incidents = incidents(swap, container, since_ms).await?;
    let counted = oom_kills(swap, container).await;
    if is_running(container) && container.restarts == 0 && incidents.is_empty() && counted == 0 {
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
    let slot = &swap.new_slot().name();
    let cause = cause(
        &container,
        &all,
        counted.max(oom_kills(swap, &container).await),
    );
    Err(told(slot, &container, cause, during).log_tail(log))
}

/// What the kernel has counted in the group of a container that runs.
async fn oom_kills<H: Host>(swap: &Swap<'_, H>, container: &ContainerFacts) -> u64 {
    match container.pid {
        Some(pid) => swap.host.group_oom_kills(pid).await.unwrap_or_default(),
        None => 0,
    }
}

/// What ended a container, or something in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TerminationCause {
    /// The kernel, for lack of memory: its first process.
    NoMemory,
    /// The kernel, for lack of memory: a process in it; it goes on.
    NoMemoryInside,
    /// `docker kill`, or whatever else has Docker send a SIGKILL.
    Docker,
    /// A SIGKILL of somebody else.
    SigKill,
    /// Itself, or a signal that it could have handled.
    Ended(Option<i64>),
}

/// Only the kernel's own word makes it a lack of memory: a flag or an event of Docker's, which come from its counters, or the
/// counter of the group itself. A code of 137 alone says SIGKILL and no more.
fn cause(container: &ContainerFacts, incidents: &[Incident], counted: u64) -> TerminationCause {
    let flagged = matches!(
        container.run,
        RunState::Ended {
            oom: OomKilled::Yes,
            ..
        }
    );
    let no_memory = flagged || counted > 0 || incidents.contains(&Incident::OutOfMemory);
    let code = exit_code(container, incidents);
    match code {
        // Who did it last is told by Docker; what the kernel did to a child before is another matter.
        Some(KILLED) if incidents.contains(&Incident::KilledThroughDocker) => {
            TerminationCause::Docker
        }
        Some(_) if no_memory => TerminationCause::NoMemory,
        None if no_memory => TerminationCause::NoMemoryInside,
        Some(KILLED) => TerminationCause::SigKill,
        other => TerminationCause::Ended(other),
    }
}

fn told(
    slot: &SlotName,
    container: &ContainerFacts,
    cause: TerminationCause,
    during: During,
) -> Failure {
    let (reason, when) = match during {
        During::Boot => (Reason::CrashedAtBoot, "while starting"),
        During::Bake => (Reason::BakeFailed, "while it was watched"),
    };
    let limit = container
        .memory_limit
        .map_or("no limit".to_owned(), |bytes| {
            format!("limit {} MiB", bytes / (1024 * 1024))
        });
    let memory = "raise `deploy.resources.limits.memory` of the slot, or make the app use less (for Java: `-XX:MaxRAMPercentage`)";
    match cause {
        TerminationCause::NoMemory => Failure::new(
            Reason::OomKilled,
            format!("slot `{slot}` was killed by the kernel {when}: out of memory ({limit})"),
        )
        .hint(memory),
        TerminationCause::NoMemoryInside => Failure::new(
            Reason::OomKilled,
            format!("a process in slot `{slot}` was killed by the kernel {when}: out of memory ({limit})"),
        )
        .hint(memory),
        TerminationCause::Docker => Failure::new(
            Reason::Killed,
            format!("slot `{slot}` was killed through Docker {when}"),
        )
        .hint("somebody ran `docker kill`, or a `docker stop` or `docker rm -f` that did not wait; deploy again"),
        TerminationCause::SigKill => Failure::new(
            Reason::Killed,
            format!("slot `{slot}` was killed by SIGKILL {when}, by a process in the container or on the host"),
        )
        .hint("neither Docker nor the kernel's count for its memory knows of it; when the whole machine ran out of memory, `sudo dmesg | grep -i oom` says so"),
        TerminationCause::Ended(code) => Failure::new(
            reason,
            format!("slot `{slot}` ended {when}, with {}", ended_with(code)),
        )
        .hint("its last lines are in the log below; fix what they name and deploy again"),
    }
}

fn ended_with(code: Option<i64>) -> String {
    match code {
        None => "an unknown exit code".to_owned(),
        Some(143) => "exit code 143 (SIGTERM)".to_owned(),
        Some(130) => "exit code 130 (SIGINT)".to_owned(),
        Some(139) => "exit code 139 (SIGSEGV)".to_owned(),
        Some(134) => "exit code 134 (SIGABRT)".to_owned(),
        Some(code) => format!("exit code {code}"),
    }
}

async fn incidents<H: Host>(
    swap: &Swap<'_, H>,
    container: &ContainerFacts,
    since_ms: u64,
) -> StepResult<Vec<Incident>> {
    swap.host.incidents(&container.id, since_ms).await.during(
        Reason::StartFailed,
        format_args!("cannot look at slot `{}`", swap.new_slot().name()),
    )
}

fn exit_code(container: &ContainerFacts, incidents: &[Incident]) -> Option<i64> {
    let died = incidents.iter().find_map(|incident| match incident {
        Incident::Died(code) => Some(*code),
        _ => None,
    });
    died.or(match container.run {
        RunState::Ended { code, .. } => Some(code),
        RunState::Running => None,
    })
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
            stop_grace: None,
            image: None,
            release: None,
            pid: None,
            addresses: Vec::new(),
            exposed: Vec::new(),
            networks: Vec::new(),
        }
    }

    fn ended(code: i64, oom: OomKilled) -> ContainerFacts {
        container(RunState::Ended { code, oom })
    }

    #[test]
    fn three_deaths_by_sigkill_have_three_words() {
        let died = Incident::Died(137);
        let by_docker = [Incident::KilledThroughDocker, died];
        let killed = ended(137, OomKilled::No);
        assert_eq!(cause(&killed, &by_docker, 0), TerminationCause::Docker);
        assert_eq!(
            cause(&killed, &[died], 0),
            TerminationCause::SigKill,
            "a limit proves nothing"
        );
        assert_eq!(
            cause(&ended(137, OomKilled::Yes), &[died], 0),
            TerminationCause::NoMemory
        );
        let by_kernel = [Incident::OutOfMemory, died];
        assert_eq!(cause(&killed, &by_kernel, 0), TerminationCause::NoMemory);
        let words = [
            TerminationCause::Docker,
            TerminationCause::SigKill,
            TerminationCause::NoMemory,
        ]
        .map(|cause| {
            let error = told(&"web-1".parse().unwrap(), &killed, cause, During::Bake);
            (error.reason, error.chain.concat())
        });
        let reasons = words.each_ref().map(|(reason, _)| *reason);
        assert_eq!(reasons, [Reason::Killed, Reason::Killed, Reason::OomKilled]);
        assert!(words[0].1.contains("through Docker while"), "{words:?}");
        assert!(words[1].1.contains("by SIGKILL"), "{words:?}");
        assert!(words[2].1.contains("out of memory"), "{words:?}");
    }

    #[test]
    fn a_child_that_the_kernel_killed_is_told_from_the_first_process() {
        let running = container(RunState::Running);
        assert_eq!(
            cause(&running, &[Incident::OutOfMemory], 0),
            TerminationCause::NoMemoryInside
        );
        assert_eq!(
            cause(&running, &[], 1),
            TerminationCause::NoMemoryInside,
            "the counter alone"
        );
        let then = [Incident::OutOfMemory, Incident::Died(1)];
        assert_eq!(cause(&running, &then, 0), TerminationCause::NoMemory);
        // The kernel took a child long ago; a person killed the rest.
        let later = [
            Incident::OutOfMemory,
            Incident::KilledThroughDocker,
            Incident::Died(137),
        ];
        assert_eq!(
            cause(&ended(137, OomKilled::Yes), &later, 0),
            TerminationCause::Docker
        );
    }

    #[test]
    fn a_restart_after_a_kill_and_a_crash_are_told_as_they_were() {
        let restarted = [Incident::Died(137), Incident::Restarted];
        assert_eq!(
            cause(&container(RunState::Running), &restarted, 0),
            TerminationCause::SigKill
        );
        let crash = cause(&ended(3, OomKilled::No), &[Incident::Died(3)], 0);
        assert_eq!(crash, TerminationCause::Ended(Some(3)));
        assert_eq!(ended_with(Some(143)), "exit code 143 (SIGTERM)");
    }
}
