//! Settles what goes where: the release, its slot, and what must be kept for a way back.

use super::failure::{StepError, StepResult};
use super::history::{self, Record};
use super::survey::Survey;
use crate::error::Reason;
use crate::host::Host;
use crate::protocol::ids::{PinnedImage, ReleaseId};
use crate::protocol::plan::{Plan, Target};
use crate::protocol::slot::Slot;
use crate::protocol::status::KeptRelease;

/// What a swap is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) image: PinnedImage,
    pub(super) release: ReleaseId,
    pub(super) slot: Slot,
    /// Images of releases that stay on the host.
    pub(super) keep: Vec<PinnedImage>,
    pub(super) change: Change,
}

/// Whether there is anything to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The live slot runs another release.
    Needed,
    /// The live slot runs exactly this release.
    None,
}

/// Settles a plan against what is there.
pub(super) async fn resolve<H: Host>(
    host: &H,
    survey: &Survey,
    records: &[Record],
    plan: &Plan,
) -> StepResult<Resolved> {
    let live = survey.live_release();
    let kept = history::kept(host, records).await.map_err(|error| {
        StepError::host(
            Reason::PreflightFailed,
            "cannot list the images on the host",
            &error,
        )
    })?;
    let unreadable = records.iter().find(|record| record.unreadable().is_some());
    if let (Target::Previous, Some(record)) = (&plan.target, unreadable) {
        return Err(StepError::new(
            Reason::NoEarlierRelease,
            format!(
                "nobody can tell which release came before: the record of deployment {} cannot be read",
                record.past.deployment
            ),
        )
        .hint("name the release: `pct-deploy status` lists those that `rollback --to` takes"));
    }
    let live_id = live.as_ref().and_then(|live| live.release.as_ref());
    let image = match &plan.target {
        Target::Image(image) => image.clone(),
        Target::Previous => kept
            .iter()
            .find(|kept| Some(&kept.release) != live_id)
            .map(|kept| kept.image.clone())
            .ok_or_else(|| no_earlier(&kept, "there is no earlier release on the host"))?,
        Target::Release(wanted) => kept
            .iter()
            .find(|kept| kept.release == *wanted)
            .map(|kept| kept.image.clone())
            .ok_or_else(|| no_earlier(&kept, format!("release `{wanted}` is not on the host")))?,
    };
    let slot = survey.idle();
    let service = &survey.slots.get(slot).service;
    let release = survey.file.release_id(&image, service).ok_or_else(|| {
        StepError::new(
            Reason::InternalError,
            format!("service `{service}` cannot be read"),
        )
    })?;
    let change = if live_id == Some(&release) {
        Change::None
    } else {
        Change::Needed
    };
    let keep = match unreadable {
        // It may be about any of them.
        Some(_) => host.images_of(&image.repository).await.map_err(|error| {
            let what = "cannot list the images on the host";
            StepError::host(Reason::PreflightFailed, what, &error)
        })?,
        None => keep(survey, &kept, &image, usize::from(plan.site.keep_releases)),
    };
    Ok(Resolved {
        image,
        release,
        slot,
        keep,
        change,
    })
}

fn no_earlier(kept: &[KeptRelease], what: impl Into<String>) -> StepError {
    let names: Vec<&str> = kept.iter().map(|kept| kept.release.as_str()).collect();
    let hint = if names.is_empty() {
        "nothing was deployed here by pct-deploy yet".to_owned()
    } else {
        format!(
            "kept releases: {}; `pct-deploy history` tells what they are",
            names.join(", ")
        )
    };
    StepError::new(Reason::NoEarlierRelease, what).hint(hint)
}

/// The new release is kept by being live, so `count - 1` others. What the idle slot holds is about to be
/// replaced; what the live one holds is the way back.
fn keep(
    survey: &Survey,
    kept: &[KeptRelease],
    new: &PinnedImage,
    count: usize,
) -> Vec<PinnedImage> {
    let others = kept
        .iter()
        .map(|kept| &kept.image)
        .filter(|image| *image != new);
    let live = survey.live().and_then(|slot| survey.image_in(slot));
    others
        .take(count.saturating_sub(1))
        .chain(live)
        .cloned()
        .collect()
}
