//! Starts the idle slot with the new release, in a container of its own making.

use crate::agent::docker;
use crate::agent::failure::{HostResultExt as _, StepResult, StepResultExt as _};
use crate::agent::journal::entry::PreImage;
use crate::agent::steps::{container, drain_old, one_shot, weight};
use crate::agent::swap::Swap;
use crate::error::Reason;
use crate::host::{Host, RecreatePolicy};
use crate::protocol::step::Step;

pub(in crate::agent) async fn apply<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    swap.go_on()?;
    let slot = swap.new_slot();
    swap.events
        .progress(
            Step::StartSlot,
            format!("{} on port {}", slot.name(), slot.port),
        )
        .await;
    swap.meter.quiet_ends().await;
    let project = swap.new_project();
    for one in &swap.begun.one_shots {
        one_shot::run(swap, &project, &one.service).await?;
    }
    let mut lines = Vec::new();
    let services = std::slice::from_ref(&slot.service);
    let mut hear = |line: &str| lines.push(line.to_owned());
    let starting = swap
        .host
        .compose_up(&project, services, RecreatePolicy::Fresh, &mut hear);
    let started = weight::lowered_from_the_start(swap, starting).await;
    swap.events.output("compose", lines).await;
    let hint = started
        .as_ref()
        .err()
        .and_then(|error| no_such_command(slot.service.as_str(), error.output_lines()));
    let started = started.during(
        Reason::StartFailed,
        format_args!("cannot start slot `{}`", slot.name()),
    );
    match hint {
        Some(hint) => started.hint(hint),
        None => started,
    }
}

/// What Docker says when the image lacks the program that it is to start.
fn no_such_command(service: &str, lines: &[String]) -> Option<String> {
    let says = lines.iter().any(|line| {
        let lacks = ["executable file not found", "no such file or directory"];
        line.contains("exec: \"") && lacks.iter().any(|words| line.contains(words))
    });
    says.then(|| {
        format!(
            "the image has no such command: see `CMD` and `ENTRYPOINT` in its Dockerfile, and `command` and `entrypoint` of `{service}` in the compose file"
        )
    })
}

/// Stops and removes the new slot, after whatever nginx still sends to it has been answered.
pub(in crate::agent) async fn undo<H: Host>(
    swap: &Swap<'_, H>,
    _before: &PreImage,
) -> StepResult<()> {
    let slot = swap.new_slot();
    docker::await_answer(swap.host).await;
    container::keep_last_lines(swap).await;
    drain_old::drain(swap, swap.begun.slot, Step::StartSlot).await?;
    // Without the override: a half-done undo may have removed it, and the service's name is enough.
    let project = swap.project(swap.begun.slot);
    let grace = swap.site().stop_timeout.duration();
    let (host, service) = (swap.host, &slot.service);
    for one in &swap.begun.one_shots {
        one_shot::end(swap, &project, &one.service).await?;
    }
    let removed = async {
        host.compose_stop(&project, service, grace).await?;
        host.compose_remove(&project, service).await
    };
    let what = format!("cannot stop and remove slot `{}`", slot.name());
    removed.await.during(Reason::UndoFailed, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_the_image_lacks_is_told_from_what_docker_says() {
        let hint = |line: &str| no_such_command("web-2", &[line.to_owned()]);
        for line in [
            r#"Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "srv": executable file not found in $PATH: unknown"#,
            r#"unable to start container process: error during container init: exec: "/srv/app": stat /srv/app: no such file or directory: unknown"#,
        ] {
            assert!(
                hint(line).is_some_and(|hint| hint.contains("`web-2`")),
                "{line}"
            );
        }
        assert_eq!(hint("bind source path: no such file or directory"), None);
    }
}
