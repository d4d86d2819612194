//! Settles what goes where: the release, its slot, and what must be kept for a way back.

use super::events::Events;
use super::failure::{HostResultExt as _, StepResult};
use super::history::{self, Record};
use super::paths::AppPaths;
use super::release_key;
use super::survey::Survey;
use crate::error::{Failure, Reason};
use crate::host::compose::SlotIdentity;
use crate::host::release::{self, Definition};
use crate::host::{Host, HostResult};
use crate::protocol::event::Happening;
use crate::protocol::ids::{PinnedImage, ReleaseId};
use crate::protocol::plan::{Plan, Target};
use crate::protocol::slot::Slot;
use crate::protocol::status::KeptRelease;
use crate::secret::Secret;

const CANNOT_LIST: &str = "cannot list the releases on the host";

/// What a swap is about.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) image: PinnedImage,
    pub(super) release: ReleaseId,
    pub(super) slot: Slot,
    /// Images of releases that stay on the host.
    pub(super) keep: Vec<PinnedImage>,
    /// Those releases.
    pub(super) releases: Vec<ReleaseId>,
    /// Whether the live slot runs exactly this release.
    pub(super) is_live: bool,
    pub(super) staged: Staged,
    /// The release that was asked for, when nothing but its image was kept.
    pub(super) image_of: Option<ReleaseId>,
}

impl Resolved {
    /// Says what was decided.
    pub(super) async fn say<H: Host>(&self, events: &Events<'_, H>, survey: &Survey) {
        let what = Happening::Resolved {
            release: self.release.clone(),
            image: self.image.clone(),
            slot: if self.is_live {
                survey.named
            } else {
                self.slot
            },
            service: survey.homes.slots.get(self.slot).name().to_string(),
        };
        events.emit(what).await;
        if let Some(asked) = &self.image_of {
            let what = format!(
                "an earlier version of pct-deploy deployed `{asked}` and kept no settings: its image is started with what the compose file says now, as `{}`",
                self.release
            );
            let hint = "compare the compose file with what it was; from now on settings are kept";
            events.warn(what, hint).await;
        }
    }
}

/// What a release is staged from.
#[derive(Debug)]
pub(super) enum Staged {
    /// The user's compose files; what is to be kept of them, in the order of [`AppPaths::release_files`].
    File { texts: Vec<Secret> },
    /// The release as it ran: its `version` key, and what the slot gives it.
    Kept {
        version: Option<String>,
        place: SlotIdentity,
    },
    /// On the way back, and when nothing changes.
    Nothing,
}

/// What was chosen, before it is compared with what is live.
struct Chosen {
    image: PinnedImage,
    release: ReleaseId,
    staged: Staged,
    image_of: Option<ReleaseId>,
}

/// Settles a plan against what is there.
pub(super) async fn resolve<H: Host>(
    host: &H,
    paths: &AppPaths,
    survey: &Survey,
    records: &[Record],
    plan: &Plan,
) -> StepResult<Resolved> {
    let live = survey.live_release();
    let unreadable = records.iter().find(|record| record.unreadable().is_some());
    if let (Target::Previous, Some(record)) = (&plan.target, unreadable) {
        return Err(Failure::new(
            Reason::NoEarlierRelease,
            format!(
                "cannot tell which release came before: the record of deployment {} is unreadable",
                record.past.deployment
            ),
        )
        .hint("name the release: `pct-deploy status` lists those that `rollback --to` takes"));
    }
    let live_id = live.as_ref().and_then(|live| live.release.as_ref());
    let kept = history::kept(host, paths, records)
        .await
        .during(Reason::PreflightFailed, CANNOT_LIST)?;
    let mut known = records.iter().filter_map(|record| record.deployed.as_ref());
    let sources = ReleaseSources {
        host,
        paths,
        survey,
        kept: &kept,
    };
    let chosen = match &plan.target {
        Target::Image(image) => sources.with_file(image).await?,
        Target::Previous => {
            let earlier = known.find(|(release, _)| Some(release) != live_id);
            let none = || no_earlier(&kept, "there is no earlier release on the host");
            sources.back(earlier.ok_or_else(none)?).await?
        }
        Target::Live => {
            let named = live
                .as_ref()
                .and_then(|live| live.release.clone().zip(live.image.clone()));
            let none = || {
                let what =
                    "no release that pct-deploy started is live: there is nothing to restart";
                Failure::new(Reason::NoEarlierRelease, what).hint(
                    "`pct-deploy status` shows what is there; `pct-deploy deploy` starts a release",
                )
            };
            sources.back(&named.ok_or_else(none)?).await?
        }
        Target::Release(wanted) => {
            let named = known.find(|(release, _)| release == wanted);
            let none = || no_earlier(&kept, format!("release `{wanted}` was never deployed here"));
            let named = named.ok_or_else(none)?;
            if Some(wanted) == live_id {
                let (release, image) = named.clone();
                Chosen {
                    image,
                    release,
                    staged: Staged::Nothing,
                    image_of: None,
                }
            } else {
                sources.back(named).await?
            }
        }
    };
    let is_live = live_id == Some(&chosen.release) && !plan.is_again();
    if is_live && let Some(asked) = &chosen.image_of {
        return Err(gone(
            asked,
            "it has the live release's image, and its settings were not kept: an earlier version of pct-deploy deployed it",
        )
        .hint("put the compose file back as it was, and `deploy`"));
    }
    let (releases, keep) = match unreadable {
        // It may be about any of them.
        Some(_) => sources
            .everything(&chosen.image)
            .await
            .during(Reason::PreflightFailed, CANNOT_LIST)?,
        None => keep(
            survey,
            &kept,
            &chosen.release,
            usize::from(plan.site.keep_releases),
        ),
    };
    Ok(Resolved {
        image: chosen.image,
        release: chosen.release,
        slot: survey.idle(),
        keep,
        releases,
        is_live,
        staged: chosen.staged,
        image_of: chosen.image_of,
    })
}

/// Where a release can come from.
struct ReleaseSources<'a, H> {
    host: &'a H,
    paths: &'a AppPaths,
    survey: &'a Survey,
    kept: &'a [KeptRelease],
}

impl<H: Host> ReleaseSources<'_, H> {
    /// All that is here.
    async fn everything(
        &self,
        image: &PinnedImage,
    ) -> HostResult<(Vec<ReleaseId>, Vec<PinnedImage>)> {
        Ok((
            history::with_settings(self.host, self.paths).await?,
            self.host.images_of(&image.repository).await?,
        ))
    }

    /// An image with the settings that the compose file has now.
    async fn with_file(&self, image: &PinnedImage) -> StepResult<Chosen> {
        let key = release_key::of(self.host, self.paths).await?;
        let homes = &self.survey.homes;
        let slots: &[Slot] = if homes.slots.share_files() {
            &[Slot::One]
        } else {
            &[Slot::Two, Slot::One]
        };
        let definition =
            |slot: &Slot| Definition::of(homes.files.get(*slot), &homes.described_with(*slot));
        let definitions: Option<Vec<Definition>> = slots.iter().map(definition).collect();
        let named = definitions.and_then(|definitions| {
            let release = release::release_id(&definitions, image, &key)?;
            let text = |kept: &Definition| Secret::new(kept.render(image, &release));
            Some((definitions.iter().map(text).collect(), release))
        });
        let (texts, release) = named.ok_or_else(|| {
            let what = "the settings of the slots cannot be kept";
            Failure::new(Reason::InternalError, what)
        })?;
        Ok(Chosen {
            image: image.clone(),
            release,
            staged: Staged::File { texts },
            image_of: None,
        })
    }

    /// A release as it ran, with all that it needs.
    async fn back(&self, (release, image): &(ReleaseId, PinnedImage)) -> StepResult<Chosen> {
        let (host, survey) = (self.host, self.survey);
        let present = host.images_of(&image.repository).await.during(
            Reason::PreflightFailed,
            "cannot list the images on the host",
        )?;
        let others = |error: Failure| {
            let names = names(self.kept, release);
            if names.is_empty() {
                error
            } else {
                error.hint(format!(
                    "other releases are there: {names}; `--to` names one"
                ))
            }
        };
        if !present.contains(image) {
            let why = format!("its image `{image}` is not on the host any more");
            return Err(others(gone(release, &why)));
        }
        let (slot, homes) = (survey.idle(), &survey.homes);
        let of_both = homes.slots.share_files();
        let file = self.paths.release_in(release, slot, of_both);
        let text = host.read(&file).await.during(
            Reason::PreflightFailed,
            format_args!("cannot read `{}`", file.display()),
        )?;
        let Some(text) = text else {
            if release.is_of_old() {
                let chosen = self.with_file(image).await?;
                return Ok(Chosen {
                    image_of: Some(release.clone()),
                    ..chosen
                });
            }
            let why = format!("its settings, `{}`, are not there any more", file.display());
            return Err(others(gone(release, &why)));
        };
        let unusable = |why: &str| {
            others(gone(
                release,
                &format!("`{}` cannot be used: {why}", file.display()),
            ))
        };
        let (definition, pinned, named) = Definition::read(&String::from_utf8_lossy(&text))
            .map_err(|why| unusable(&why.to_string()))?;
        if named != *release || pinned != *image {
            return Err(unusable("it is another release's"));
        }
        let service = &homes.slots.get(slot).service;
        let mut missing = definition.gone_from(homes.files.get(slot), service);
        for source in definition.sources(service) {
            let name = source.file_name().and_then(std::ffi::OsStr::to_str);
            // What cannot be looked at is compose's to say.
            if let (Some(folder), Some(name)) = (source.parent(), name)
                && host
                    .list(folder)
                    .await
                    .is_ok_and(|found| !found.iter().any(|found| found == name))
            {
                missing.push(format!(
                    "`{}`, which is not on the host any more",
                    source.display()
                ));
            }
        }
        if !missing.is_empty() {
            let why = format!("it ran with {}", missing.join("; with "));
            return Err(others(gone(release, &why)).hint(
                "put back what is gone, then `rollback` again; or fix the release and `deploy`",
            ));
        }
        Ok(Chosen {
            image: image.clone(),
            release: release.clone(),
            staged: Staged::Kept {
                version: definition.version().map(str::to_owned),
                place: homes.files.get(slot).place(service),
            },
            image_of: None,
        })
    }
}

fn gone(release: &ReleaseId, why: &str) -> Failure {
    Failure::new(
        Reason::ReleaseGone,
        format!("release `{release}` cannot be brought back: {why}"),
    )
}

fn names(kept: &[KeptRelease], but: &ReleaseId) -> String {
    let names = kept.iter().map(|kept| &kept.release);
    let names: Vec<&str> = names
        .filter(|release| *release != but)
        .map(ReleaseId::as_str)
        .collect();
    names.join(", ")
}

fn no_earlier(kept: &[KeptRelease], what: impl Into<String>) -> Failure {
    let names: Vec<&str> = kept.iter().map(|kept| kept.release.as_str()).collect();
    let hint = if names.is_empty() {
        "nothing was deployed here by pct-deploy yet".to_owned()
    } else {
        format!(
            "kept releases: {}; `pct-deploy history` tells what they are",
            names.join(", ")
        )
    };
    Failure::new(Reason::NoEarlierRelease, what).hint(hint)
}

/// The new release is kept by being live, so `count - 1` others. What the idle slot holds is about to be
/// replaced; what the live one holds is the way back.
fn keep(
    survey: &Survey,
    kept: &[KeptRelease],
    new: &ReleaseId,
    count: usize,
) -> (Vec<ReleaseId>, Vec<PinnedImage>) {
    let others = kept.iter().filter(|kept| kept.release != *new);
    let (mut releases, mut images): (Vec<_>, Vec<_>) = others
        .take(count.saturating_sub(1))
        .map(|kept| (kept.release.clone(), kept.image.clone()))
        .unzip();
    if let Some(live) = survey.live_release() {
        releases.extend(live.release);
        images.extend(live.image);
    }
    (releases, images)
}
