//! Whose an app's folder is: one project, its two slots and one include, noted at the app's first use.
//!
//! Two projects that come with the same `app` would share flag, lock and history, and `provision` of the second would
//! point the first one's site at it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::failure::{HostResultExt as _, StepResult};
use super::fence;
use super::paths::{AppPaths, STATE_ROOT};
use super::prepare;
use crate::error::{Failure, Reason};
use crate::host::{Access, Host, Owner};
use crate::protocol::ids::AppName;
use crate::protocol::plan::Site;
use crate::protocol::slot::PerSlot;
use crate::protocol::slot_spec::SlotSpec;

/// The version of `app.json`.
const VERSION: u64 = 1;

/// What `app.json` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AppOwner {
    version: u64,
    project: PathBuf,
    slots: PerSlot<SlotSpec>,
    include: String,
}

/// What a folder says about its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FolderState {
    /// It is this project's, or an earlier version of ours used it and noted nobody.
    Used,
    /// Nobody ever used it: nothing may be made before the checks have passed.
    New,
}

/// Makes an app's folders when it is new, the checks pass and no other project has it; then it is ours.
pub(super) async fn open<H: Host>(host: &H, site: &Site) -> StepResult<()> {
    let paths = AppPaths::new(&site.app);
    match look(host, site).await? {
        FolderState::Used => folders(host, &paths).await,
        FolderState::New => {
            // A mistyped `app` leaves nothing behind.
            Box::pin(prepare::preflight(host, site)).await?;
            folders(host, &paths).await?;
            claim(host, site).await
        }
    }
}

/// The app's folders, made when they are missing.
async fn folders<H: Host>(host: &H, paths: &AppPaths) -> StepResult<()> {
    let private = [paths.events(), paths.archive()];
    for folder in std::iter::once(&paths.folder()).chain(&private) {
        host.make_folder(folder).await.during(
            Reason::PreflightFailed,
            "cannot make the app's state folder",
        )?;
    }
    for folder in &private {
        host.make_private(folder).await.during(
            Reason::PreflightFailed,
            "cannot close the folders of what happened",
        )?;
    }
    Ok(())
}

/// Looks whose the app is, and refuses another project's. Changes nothing.
pub(super) async fn look<H: Host>(host: &H, site: &Site) -> StepResult<FolderState> {
    let paths = AppPaths::new(&site.app);
    if let Some(owner) = read(host, &paths.owner()).await? {
        let us = us(host, site).await?;
        return refuse_other(site, &owner, &us).map(|()| FolderState::Used);
    }
    let used = host
        .read(&paths.fence())
        .await
        .during(Reason::PreflightFailed, cannot("read", &paths.fence()))?;
    if used.is_some() {
        return Ok(FolderState::Used);
    }
    let us = us(host, site).await?;
    another_app(host, &site.app, &us).await?;
    Ok(FolderState::New)
}

/// Refuses an app that this host does not know, when it knows others: a look at it would tell nothing, as if nothing
/// had ever been deployed. Changes nothing.
pub(super) async fn is_known<H: Host>(host: &H, site: &Site) -> StepResult<()> {
    let looked = look(host, site).await;
    if matches!(looked, Ok(FolderState::Used)) {
        return Ok(());
    }
    let known = known(host).await?;
    if known.is_empty() || known.contains(&site.app) {
        return looked.map(|_new| ());
    }
    let names: Vec<String> = known.iter().map(|app| format!("`{app}`")).collect();
    let (app, names) = (&site.app, names.join(", "));
    let what = format!("this host does not know the app `{app}`; it knows {names}");
    let error = Failure::new(Reason::PreflightFailed, what);
    Err(match looked {
        // It tells which of them it is.
        Err(near) => Failure {
            chain: [error.chain, near.chain].concat(),
            hints: near.hints,
            ..error
        },
        Ok(_) => {
            error.hint("correct `app`; an app is known from its first `provision` or deploy on")
        }
    })
}

/// The apps that were used on this host.
async fn known<H: Host>(host: &H) -> StepResult<Vec<AppName>> {
    let root = Path::new(STATE_ROOT);
    let names = host
        .list(root)
        .await
        .during(Reason::PreflightFailed, cannot("list", root))?;
    let mut known = Vec::new();
    for app in names.iter().filter_map(|name| name.parse::<AppName>().ok()) {
        let paths = AppPaths::new(&app);
        for file in [paths.owner(), paths.fence()] {
            let there = host.read(&file).await;
            let there = there.during(Reason::PreflightFailed, cannot("read", &file))?;
            if there.is_some() {
                known.push(app);
                break;
            }
        }
    }
    Ok(known)
}

/// Notes this project as the owner, unless it is noted already. Comes after the checks, and before anything is changed
/// for the app.
pub(super) async fn claim<H: Host>(host: &H, site: &Site) -> StepResult<()> {
    let paths = AppPaths::new(&site.app);
    let file = paths.owner();
    let us = us(host, site).await?;
    let lock = fence::lock(host, &paths).await?;
    let done = match read(host, &file).await? {
        Some(owner) => refuse_other(site, &owner, &us),
        None => {
            another_app(host, &site.app, &us).await?;
            let text = serde_json::to_vec(&us).map_err(|error| {
                Failure::new(
                    Reason::InternalError,
                    format!("cannot write `app.json`: {error}"),
                )
            })?;
            host.replace(&file, &text, Owner::Us, Access::Public)
                .await
                .during(Reason::PreflightFailed, cannot("write", &file))
        }
    };
    drop(lock);
    done
}

/// The slots that the app has had so far.
pub(super) async fn slots<H: Host>(host: &H, app: &AppName) -> Option<PerSlot<SlotSpec>> {
    let owner = read(host, &AppPaths::new(app).owner()).await.ok()??;
    Some(owner.slots)
}

async fn us<H: Host>(host: &H, site: &Site) -> StepResult<AppOwner> {
    let folder = &site.project_directory;
    let project = host.resolve(folder).await.during(
        Reason::PreflightFailed,
        format_args!("setting `project-directory`: `{folder}` is not a folder on the host"),
    )?;
    Ok(AppOwner {
        version: VERSION,
        project,
        slots: site.slots.clone(),
        include: site.proxy_include.clone(),
    })
}

async fn read<H: Host>(host: &H, path: &Path) -> StepResult<Option<AppOwner>> {
    let bytes = host
        .read(path)
        .await
        .during(Reason::PreflightFailed, cannot("read", path))?;
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    let damaged = |why: String| {
        Failure::new(
            Reason::PreflightFailed,
            format!("`{}`, which says whose the app is, {why}", path.display()),
        )
        .hint(format!(
            "when no other project on the host has this app, remove it, and the next deploy notes its own: `rm {}`",
            path.display()
        ))
    };
    let value: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| damaged(format!("is damaged: {error}")))?;
    match value.get("version").and_then(serde_json::Value::as_u64) {
        Some(VERSION) => {}
        Some(other) => {
            return Err(damaged(format!(
                "is of another version of pct-deploy: {other}, not {VERSION}"
            )));
        }
        None => return Err(damaged("is damaged: it has no version".to_owned())),
    }
    serde_json::from_value(value)
        .map(Some)
        .map_err(|error| damaged(format!("is damaged: {error}")))
}

fn refuse_other(site: &Site, owner: &AppOwner, us: &AppOwner) -> StepResult<()> {
    let differs_in = owner.differs_in(us);
    if differs_in.is_empty() {
        return Ok(());
    }
    let app = &site.app;
    Err(Failure::new(
        Reason::PreflightFailed,
        format!("the app `{app}` on this host belongs to {owner}; this is {us}"),
    )
    .hint(format!("when that is a mistake, correct {differs_in}"))
    .hint("give each project an app name of its own: set `app`")
    .hint(format!(
        "if it is the same project and was moved: `rm {}`, and the next deploy records it again",
        AppPaths::new(app).owner().display()
    )))
}

/// The same slots or the same include under another name are a mistyped `app`.
async fn another_app<H: Host>(host: &H, app: &AppName, us: &AppOwner) -> StepResult<()> {
    let names = host.list(Path::new(STATE_ROOT)).await.unwrap_or_default();
    for other in names.iter().filter_map(|name| name.parse::<AppName>().ok()) {
        if other == *app {
            continue;
        }
        // A damaged note is for its own app's deploy to tell.
        let Ok(Some(owner)) = read(host, &AppPaths::new(&other).owner()).await else {
            continue;
        };
        let what = if owner.include == us.include {
            format!("the include `{}`", us.include)
        } else if owner.project == us.project && owner.slots == us.slots {
            format!("the slots `{}` and `{}`", us.slots.one, us.slots.two)
        } else {
            continue;
        };
        return Err(Failure::new(
            Reason::PreflightFailed,
            format!("{what} belong to the app `{other}` ({owner}), not to `{app}`"),
        )
        .hint(format!(
            "correct `app` to `{other}`, or give `{app}` slots and an include of its own"
        )));
    }
    Ok(())
}

fn cannot(verb: &str, path: &Path) -> String {
    format!("cannot {verb} `{}`", path.display())
}

impl AppOwner {
    /// The settings that make it another one. Whoever writes more of a slot than before means the same one.
    fn differs_in(&self, other: &Self) -> String {
        let (ours, theirs) = (&self.slots, &other.slots);
        let same_slots = ours.one.may_be(&theirs.one) && ours.two.may_be(&theirs.two);
        let settings = [
            ("`project-directory`", self.project != other.project),
            ("`slots`", !same_slots),
            ("`proxy-include`", self.include != other.include),
        ];
        let differing = settings.iter().filter(|(_, differs)| *differs);
        let names: Vec<_> = differing.map(|(name, _)| *name).collect();
        names.join(" and ")
    }
}

impl std::fmt::Display for AppOwner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the project in `{}` with the slots `{}` and `{}` and the include `{}`",
            self.project.display(),
            self.slots.one,
            self.slots.two,
            self.include
        )
    }
}
