//! Stops the old slot. Its container, files and image stay: that is what a rollback starts from.

use crate::agent::docker;
use crate::agent::failure::{HostResultExt as _, StepResult, StepResultExt as _};
use crate::agent::serving::Serving;
use crate::agent::survey::is_running;
use crate::agent::swap::Swap;
use crate::error::Reason;
use crate::host::Host;
use crate::protocol::slot::SlotService;
use crate::protocol::step::Step;

pub(in crate::agent) async fn apply<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let Some(old) = swap.old_slot() else {
        return Ok(());
    };
    docker::await_answer(swap.host).await;
    if let Some(alone) = soon_alone(swap, old).await? {
        let well = alone.ensure(swap.host, swap.events, Step::StopOld).await;
        well.map_err(|mut error| {
            let stays = format!("the old slot `{}` is not stopped", old.name());
            error.chain.insert(0, stays);
            error
        })?;
    }
    let project = &swap.old_project();
    let grace = swap.site().stop_timeout.duration();
    swap.host
        .compose_stop(project, &old.service, grace)
        .await
        .during(
            Reason::CleanupIncomplete,
            format_args!(
                "cannot stop the old slot `{}`; the new one serves",
                old.name()
            ),
        )
        .hint(format_args!(
            "stop it by hand on the host: `{}`",
            old.compose("stop")
        ))
}

/// The new slot, when the old one still runs and can be stopped. After a boot it may not: then there is nothing to
/// stop, and what the new one needs may be down, too; recovery starts both in their order.
pub(super) async fn soon_alone<'a, H: Host>(
    swap: &'a Swap<'_, H>,
    old: &SlotService,
) -> StepResult<Option<Serving<'a>>> {
    let found = swap.host.container(&swap.old_project(), &old.service).await;
    let found = found.during(
        Reason::CleanupIncomplete,
        format_args!("cannot look at the old slot `{}`", old.name()),
    )?;
    Ok(found.as_ref().is_some_and(is_running).then(|| Serving {
        slot: swap.new_slot(),
        project: swap.project(swap.begun.slot),
        health: &swap.site().health,
    }))
}
