//! Keeps the release as it runs, and writes the idle slot's compose override: the image by digest and the release's label.

use std::path::PathBuf;

use crate::agent::failure::{HostResultExt as _, StepResult};
use crate::agent::journal::entry::PreImage;
use crate::agent::reserve;
use crate::agent::resolve::Staged;
use crate::agent::swap::Swap;
use crate::error::{Failure, Reason};
use crate::host::facts::ComposeTool;
use crate::host::overlay::{self, Dialect};
use crate::host::release::Definition;
use crate::host::{Access, Host, Owner};
use crate::secret::Secret;

const CANNOT_WRITE: &str = "cannot write the release's compose files";

pub(in crate::agent) async fn capture<H: Host>(swap: &Swap<'_, H>) -> StepResult<PreImage> {
    let bytes = swap
        .host
        .read(&path(swap))
        .await
        .during(Reason::StartFailed, CANNOT_WRITE)?;
    Ok(match swap.staged {
        Staged::File { .. } if !is_kept(swap).await? => PreImage::Unkept { bytes },
        Staged::File { .. } | Staged::Kept { .. } | Staged::Nothing => PreImage::File { bytes },
    })
}

pub(in crate::agent) async fn apply<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let (version, place) = match swap.staged {
        Staged::File { texts } => {
            keep(swap, texts).await?;
            (swap.begun.compose_version.as_deref(), None)
        }
        Staged::Kept { version, place } => (version.as_deref(), Some(place)),
        Staged::Nothing => {
            return Err(Failure::new(
                Reason::InternalError,
                "a release is staged on the way back",
            ));
        }
    };
    let dialect = match swap.tool {
        ComposeTool::V1 => Dialect::V1 { version },
        ComposeTool::V2 => Dialect::V2,
    };
    let (service, begun) = (&swap.new_slot().service, swap.begun);
    let with_image = begun.one_shots.iter().filter(|one| one.of_release);
    let beside: Vec<_> = with_image.map(|one| &one.service).collect();
    let (image, release) = (&begun.image, &begun.release);
    let text = overlay::render_override(dialect, service, image, release, place, &beside);
    swap.host
        .replace(&path(swap), text.as_bytes(), Owner::Us, Access::Public)
        .await
        .during(Reason::StartFailed, CANNOT_WRITE)
}

pub(in crate::agent) async fn undo<H: Host>(
    swap: &Swap<'_, H>,
    before: &PreImage,
) -> StepResult<()> {
    let path = path(swap);
    let restored = match before {
        PreImage::File { bytes: Some(bytes) } | PreImage::Unkept { bytes: Some(bytes) } => {
            reserve::replace(swap.host, swap.paths, &path, bytes).await
        }
        _ => swap.host.remove(&path, Owner::Us).await,
    };
    restored.during(Reason::StartFailed, CANNOT_WRITE)?;
    if let PreImage::Unkept { .. } = before {
        // What says that it is whole goes first.
        for kept in swap.release_files().iter().rev() {
            let removed = swap.host.remove(kept, Owner::Us).await;
            removed.during(Reason::StartFailed, CANNOT_WRITE)?;
        }
    }
    Ok(())
}

/// A release's name says what is in its file, so one that is there is never written again.
async fn keep<H: Host>(swap: &Swap<'_, H>, texts: &[Secret]) -> StepResult<()> {
    if is_kept(swap).await? {
        return Ok(());
    }
    let (host, files) = (swap.host, swap.release_files());
    let kept = async {
        host.make_folder(&swap.paths.releases()).await?;
        for (path, text) in files.iter().zip(texts) {
            let bytes = text.expose().as_bytes();
            host.replace(path, bytes, Owner::Us, Access::Private)
                .await?;
        }
        Ok(())
    };
    kept.await.during(Reason::StartFailed, CANNOT_WRITE)
}

async fn is_kept<H: Host>(swap: &Swap<'_, H>) -> StepResult<bool> {
    for path in swap.release_files() {
        let found = swap.host.read(&path).await;
        let found = found.during(Reason::StartFailed, CANNOT_WRITE)?;
        let text = found.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        if text.is_none_or(|text| Definition::read(&text).is_err()) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn path<H: Host>(swap: &Swap<'_, H>) -> PathBuf {
    swap.paths.override_file(&swap.new_slot().name())
}
