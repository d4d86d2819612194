//! Stops the old slot. Its container, files and image stay: that is what a rollback starts from.

use crate::agent::engine;
use crate::agent::failure::{StepError, StepResult};
use crate::agent::serving::Serving;
use crate::agent::swap::Swap;
use crate::error::Reason;
use crate::host::Host;
use crate::protocol::step::Step;

pub(in crate::agent) async fn apply<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let Some(old) = swap.old_slot() else {
        return Ok(());
    };
    engine::await_answer(swap.host).await;
    new_slot(swap)
        .ensure(swap.host, swap.events, Step::StopOld)
        .await
        .map_err(|mut error| {
            let stays = format!("the old slot `{}` is not stopped", old.service);
            error.chain.insert(0, stays);
            error
        })?;
    let project = &swap.project();
    let grace = swap.site().stop_timeout.duration();
    swap.host
        .compose_stop(project, &old.service, grace)
        .await
        .map_err(|error| {
            StepError::host(
                Reason::CleanupIncomplete,
                format!(
                    "cannot stop the old slot `{}`; the new one serves",
                    old.service
                ),
                &error,
            )
            .hint(format!(
                "stop it by hand on the host: `docker compose stop {}`",
                old.service
            ))
        })
}

/// The slot that is to serve alone.
pub(super) fn new_slot<'a, H: Host>(swap: &'a Swap<'_, H>) -> Serving<'a> {
    let slot = swap.new_slot();
    Serving {
        slot,
        project: swap.project().with(swap.paths.override_file(&slot.service)),
        health: &swap.site().health,
    }
}
