//! Removes images and settings of this app that no kept release uses. Best effort.

use std::path::Path;

use crate::agent::failure::{HostResultExt as _, StepResult};
use crate::agent::history;
use crate::agent::paths::{AppPaths, STATE_ROOT};
use crate::agent::swap::Swap;
use crate::error::Reason;
use crate::host::{Host, HostResult, Owner, overlay, release};
use crate::protocol::ids::{AppName, PinnedImage};
use crate::protocol::step::Step;

pub(in crate::agent) async fn apply<H: Host>(swap: &Swap<'_, H>) -> StepResult<()> {
    let done = remove_old(swap).await;
    done.during(Reason::CleanupIncomplete, "cannot remove old images")
}

async fn remove_old<H: Host>(swap: &Swap<'_, H>) -> HostResult<()> {
    let (host, begun) = (swap.host, swap.begun);
    for release in history::with_settings(host, swap.paths).await? {
        if release != begun.release && !begun.releases.contains(&release) {
            // What names it goes last: until then it is found again.
            for file in swap.paths.release_files(&release, false) {
                host.remove(&file, Owner::Us).await?;
            }
        }
    }
    let others = kept_by_others(swap.host, &swap.site().app).await?;
    let present = host.images_of(&begun.image.repository).await?;
    let mut removed = 0;
    for image in present {
        let kept = begun.keep.contains(&image) || others.contains(&image);
        if image != begun.image && !kept {
            host.remove_image(&image).await?;
            removed += 1;
        }
    }
    if removed > 0 {
        swap.events
            .progress(Step::Prune, format!("{removed} old images removed"))
            .await;
    }
    history::trim(host, swap.paths).await
}

/// Another app on this host may have releases of the same image: those of its slots, and those that it keeps.
pub(in crate::agent) async fn kept_by_others<H: Host>(
    host: &H,
    own: &AppName,
) -> HostResult<Vec<PinnedImage>> {
    let mut kept = Vec::new();
    let names = host.list(Path::new(STATE_ROOT)).await?;
    let apps = names.iter().filter_map(|name| name.parse::<AppName>().ok());
    for app in apps.filter(|app| app != own) {
        let paths = AppPaths::new(&app);
        for release in history::with_settings(host, &paths).await? {
            let text = host.read(&paths.release_file(&release)).await?;
            let text = text.unwrap_or_default();
            kept.extend(release::image_of(&String::from_utf8_lossy(&text)));
        }
        for name in host.list(&paths.folder()).await? {
            if !name.ends_with(".override.yml") {
                continue;
            }
            let text = host.read(&paths.folder().join(name)).await?;
            let text = text.unwrap_or_default();
            let pinned = overlay::read_override(&String::from_utf8_lossy(&text));
            kept.extend(pinned.map(|(image, _)| image));
        }
    }
    Ok(kept)
}
