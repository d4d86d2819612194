//! Stops the old slot. Its container, files and image stay: that is what a rollback starts from.

use crate::agent::engine;
use crate::agent::failure::{StepError, StepResult};
use crate::agent::swap::Swap;
use crate::error::Reason;
use crate::host::Host;

pub(in crate::agent) async fn apply<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let Some(old) = swap.old_slot() else {
        return Ok(());
    };
    engine::await_answer(swap.host).await;
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
