//! Writes the idle slot's compose override: the image by digest and the release's label.

use crate::agent::failure::{StepError, StepResult};
use crate::agent::journal::entry::PreImage;
use crate::agent::reserve;
use crate::agent::swap::Swap;
use crate::error::Reason;
use crate::host::error::HostError;
use crate::host::facts::ComposeTool;
use crate::host::overlay::{self, Dialect};
use crate::host::{Access, Host, Owner};

pub(in crate::agent) async fn capture<H: Host>(swap: &Swap<'_, H>) -> StepResult<PreImage> {
    let bytes = swap
        .host
        .read(&path(swap))
        .await
        .map_err(|error| failed(&error))?;
    Ok(PreImage::File { bytes })
}

pub(in crate::agent) async fn apply<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let dialect = match swap.tool {
        ComposeTool::V1 => Dialect::V1 {
            version: swap.begun.compose_version.as_deref(),
        },
        ComposeTool::V2 => Dialect::V2,
    };
    let service = &swap.new_slot().service;
    let text = overlay::render_override(dialect, service, &swap.begun.image, &swap.begun.release);
    swap.host
        .replace(&path(swap), text.as_bytes(), Owner::Us, Access::Public)
        .await
        .map_err(|error| failed(&error))
}

pub(in crate::agent) async fn undo<H: Host>(
    swap: &Swap<'_, H>,
    before: &PreImage,
) -> StepResult<()> {
    let path = path(swap);
    let restored = match before {
        PreImage::File { bytes: Some(bytes) } => {
            reserve::replace(swap.host, swap.paths, &path, bytes).await
        }
        PreImage::File { bytes: None } | PreImage::Include { .. } | PreImage::Nothing => {
            swap.host.remove(&path, Owner::Us).await
        }
    };
    restored.map_err(|error| failed(&error))
}

fn path<H: Host>(swap: &Swap<'_, H>) -> std::path::PathBuf {
    swap.paths.override_file(&swap.new_slot().service)
}

fn failed(error: &HostError) -> StepError {
    StepError::host(
        Reason::StartFailed,
        "cannot write the release's compose override",
        error,
    )
}
