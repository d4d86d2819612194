//! Removes images of this app that no kept release uses. Best effort.

use crate::agent::failure::{StepError, StepResult};
use crate::agent::history;
use crate::agent::swap::Swap;
use crate::error::Reason;
use crate::host::Host;
use crate::host::error::HostError;
use crate::protocol::step::Step;

pub(in crate::agent) async fn apply<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let failed = |error: HostError| {
        StepError::host(
            Reason::CleanupIncomplete,
            "cannot remove old images",
            &error,
        )
    };
    let present = swap
        .host
        .images_of(&swap.begun.image.repository)
        .await
        .map_err(failed)?;
    let mut removed = 0;
    for image in present {
        if image != swap.begun.image && !swap.begun.keep.contains(&image) {
            swap.host.remove_image(&image).await.map_err(failed)?;
            removed += 1;
        }
    }
    if removed > 0 {
        swap.events
            .progress(Step::Prune, format!("{removed} old images removed"))
            .await;
    }
    history::trim(swap.host, swap.paths).await.map_err(failed)
}
