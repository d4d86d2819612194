//! Starts the idle slot with the new release, in a container of its own making.

use crate::agent::engine;
use crate::agent::failure::{HostResultExt as _, StepResult};
use crate::agent::steps::drain_old;
use crate::agent::swap::Swap;
use crate::error::Reason;
use crate::host::{Host, Start};
use crate::protocol::step::Step;

pub(in crate::agent) async fn apply<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    swap.go_on()?;
    let slot = swap.new_slot();
    swap.events
        .progress(
            Step::StartSlot,
            format!("{} on port {}", slot.service, slot.port),
        )
        .await;
    swap.meter.quiet_ends().await;
    let project = swap.new_project();
    let mut lines = Vec::new();
    let services = std::slice::from_ref(&slot.service);
    let started = swap
        .host
        .compose_up(&project, services, Start::Fresh, &mut |line| {
            lines.push(line.to_owned());
        })
        .await;
    swap.events.output("compose", lines).await;
    started.during(
        Reason::StartFailed,
        format_args!("cannot start slot `{}`", slot.service),
    )
}

/// Stops and removes the new slot, after whatever nginx still sends to it has been answered.
pub(in crate::agent) async fn undo<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let slot = swap.new_slot();
    engine::await_answer(swap.host).await;
    drain_old::drain(swap, slot, Step::StartSlot).await?;
    // Without the override: a half-done undo may have removed it, and the service's name is enough.
    let project = swap.project();
    let grace = swap.site().stop_timeout.duration();
    let (host, service) = (swap.host, &slot.service);
    let removed = async {
        host.compose_stop(&project, service, grace).await?;
        host.compose_remove(&project, service).await
    };
    let what = format!("cannot stop and remove slot `{service}`");
    removed.await.during(Reason::UndoFailed, what)
}
