//! Where the slots live: the compose files that describe each, and the project that its container belongs to.

use std::path::{Path, PathBuf};

use super::compose_files;
use super::failure::{HostResultExt as _, StepResult, StepResultExt as _};
use super::{named, route};
use crate::error::{Failure, Reason};
use crate::host::Host;
use crate::host::compose::{self, ComposeFile, ComposeProblem};
use crate::host::facts::{ComposeProject, ComposeTool};
use crate::host::nginx::NginxPlace;
use crate::protocol::ids::{ProjectName, ServiceName};
use crate::protocol::plan::Site;
use crate::protocol::slot::{PerSlot, Slot, SlotService};
use crate::protocol::slot_spec::SlotSpec;

/// Both slots. Those that share their files have equal ones here.
#[derive(Debug)]
pub(super) struct Homes {
    pub(super) projects: PerSlot<ComposeProject>,
    pub(super) files: PerSlot<ComposeFile>,
    pub(super) slots: PerSlot<SlotService>,
    /// Why nothing may be started: the files name a variable that nobody sets.
    unset: Option<Failure>,
}

impl Homes {
    /// Reads the files as compose does, in the projects that `slots` names, or else compose's own.
    pub(super) async fn read<H: Host>(
        host: &H,
        site: &Site,
        nginx: &NginxPlace,
    ) -> StepResult<Self> {
        let homes = Self::look(host, site, nginx).await?;
        match homes.unset {
            None => Ok(homes),
            Some(unset) => Err(unset),
        }
    }

    /// The same, with a variable that nobody sets noted, not refused.
    pub(super) async fn look<H: Host>(
        host: &H,
        site: &Site,
        nginx: &NginxPlace,
    ) -> StepResult<Self> {
        let tool = tool(host).await?;
        let folder = folder(host, site).await?;
        let one = project(host, site, &folder, &site.slots.one, tool).await?;
        let second = &site.slots.two;
        let two = if second.files() == site.slots.one.files() {
            one.named(second.project().cloned())
        } else {
            project(host, site, &folder, second, tool).await?
        };
        Self::read_in(host, site, nginx, PerSlot { one, two }).await
    }

    async fn read_in<H: Host>(
        host: &H,
        site: &Site,
        nginx: &NginxPlace,
        projects: PerSlot<ComposeProject>,
    ) -> StepResult<Self> {
        let (one, unset) = read(host, site, Slot::One, &projects.one).await?;
        let (two, unset_two) = if projects.one == projects.two {
            (one.clone(), None)
        } else {
            read(host, site, Slot::Two, &projects.two).await?
        };
        let files = PerSlot { one, two };
        let services = site.slots.map(|slot| slot.service().clone());
        let found = if nginx.at.is_host() {
            let named = route::named_ports(host, site).await;
            compose::slots(&files, &services, &named, site.health.port)
        } else {
            named::slots(host, site, nginx, &files, &services).await?
        };
        let found = found.map_err(|(slot, problem)| said(site, slot, &problem))?;
        let names = site.slots.names();
        let slot = |slot: Slot| {
            let (found, spec) = (found.get(slot), site.slots.get(slot));
            let name = names.get(slot);
            SlotService {
                name: (name.as_str() != found.service.as_str()).then(|| name.clone()),
                files: spec.files().iter().map(PathBuf::from).collect(),
                project: projects.get(slot).name.clone(),
                ..found.clone()
            }
        };
        Ok(Self {
            slots: PerSlot::of(slot),
            projects,
            files,
            unset: unset.or(unset_two),
        })
    }

    /// The same slots in projects of these names; compose reads the files again where the name changes what it makes of them.
    pub(super) async fn in_projects<H: Host>(
        self,
        host: &H,
        site: &Site,
        nginx: &NginxPlace,
        names: &PerSlot<ProjectName>,
    ) -> StepResult<Self> {
        let renamed = Slot::BOTH.iter().any(|slot| {
            let name = self.project_name(*slot);
            name.as_ref() != Some(names.get(*slot))
        });
        let project = |slot: Slot| {
            let name = Some(names.get(slot).clone());
            self.projects.get(slot).named(name)
        };
        let projects = PerSlot::of(project);
        if renamed {
            return Self::read_in(host, site, nginx, projects).await;
        }
        let mut slots = self.slots;
        for slot in Slot::BOTH {
            slots.get_mut(slot).project = Some(names.get(slot).clone());
        }
        Ok(Self {
            projects,
            slots,
            ..self
        })
    }

    /// Why nothing may be started, when a variable is set by nobody.
    pub(super) fn unset(&self) -> Option<&Failure> {
        self.unset.as_ref()
    }

    /// What a slot's project is called: as somebody says, as the files say, or after its folder.
    pub(super) fn project_name(&self, slot: Slot) -> Option<ProjectName> {
        let project = self.projects.get(slot);
        let said = project.name.clone();
        said.or_else(|| self.files.get(slot).name()).or_else(|| {
            let base = project.base();
            ProjectName::of_folder(base.file_name()?.to_str()?)
        })
    }

    /// The services of the slots that a slot's files describe: both, or this one alone.
    pub(super) fn described_with(&self, slot: Slot) -> Vec<ServiceName> {
        let of_both = self.slots.share_files();
        let slots = Slot::BOTH.into_iter().filter(|one| of_both || *one == slot);
        slots
            .map(|slot| self.slots.get(slot).service.clone())
            .collect()
    }

    /// The files of `compose-file`, when a slot has none of its own.
    pub(super) fn shared_files(&self) -> Vec<PathBuf> {
        let mut slots = Slot::BOTH.into_iter();
        let without = slots.find(|slot| self.slots.get(*slot).files.is_empty());
        without.map_or_else(Vec::new, |slot| self.projects.get(slot).files.clone())
    }

    /// What must run before each slot: what its own files name, or those of both.
    pub(super) fn dependencies(&self, site: &Site) -> StepResult<PerSlot<Vec<ServiceName>>> {
        let given = site.dependencies.as_deref();
        PerSlot::try_of(|slot| {
            let services = self.described_with(slot);
            let found = self.files.get(slot).dependencies(&services, given);
            found.map_err(|problem| said(site, slot, &problem))
        })
    }
}

/// The compose file as it stands, whichever services are the slots.
pub(super) async fn compose_file<H: Host>(host: &H, site: &Site) -> StepResult<ComposeFile> {
    let tool = tool(host).await?;
    let folder = folder(host, site).await?;
    let project = project(host, site, &folder, &site.slots.one, tool).await?;
    let (file, _unset) = read(host, site, Slot::One, &project).await?;
    Ok(file)
}

async fn tool<H: Host>(host: &H) -> StepResult<ComposeTool> {
    host.compose()
        .await
        .during(
            Reason::PreflightFailed,
            "docker compose is not usable on the host",
        )
        .hint("install it: `sudo apt-get install docker-compose-plugin`, or your system's package")
}

async fn folder<H: Host>(host: &H, site: &Site) -> StepResult<PathBuf> {
    host.resolve(&site.project_directory)
        .await
        .during(
            Reason::PreflightFailed,
            format_args!(
                "setting `project-directory`: `{}` is not a folder on the host",
                site.project_directory
            ),
        )
        .hint(
            "write the folder that holds the compose file, absolute or relative to the user's home",
        )
}

async fn project<H: Host>(
    host: &H,
    site: &Site,
    folder: &Path,
    slot: &SlotSpec,
    tool: ComposeTool,
) -> StepResult<ComposeProject> {
    let files = if slot.files().is_empty() {
        compose_files::find(host, folder, &site.compose_files, tool).await?
    } else {
        own_files(host, folder, slot).await?
    };
    Ok(ComposeProject {
        folder: folder.to_owned(),
        files,
        instead: Vec::new(),
        name: slot.project().cloned(),
        tool,
    })
}

async fn own_files<H: Host>(host: &H, folder: &Path, slot: &SlotSpec) -> StepResult<Vec<PathBuf>> {
    let files = slot.files().iter().map(PathBuf::from).collect();
    let setting = format!("setting `slots`: `{slot}`");
    let mut there = host.list(folder).await.unwrap_or_default();
    there.retain(|name| name.ends_with(".yml") || name.ends_with(".yaml"));
    there.sort();
    let hint = if there.is_empty() {
        "write its path from `project-directory` on, where no compose file is".to_owned()
    } else {
        format!(
            "write its path from `project-directory` on, where there are `{}`",
            there.join("`, `")
        )
    };
    compose_files::all_there(host, folder, files, &setting, &hint).await
}

/// Where a slot's files are written down, in the user's words.
fn setting(slot: &SlotSpec) -> String {
    if slot.files().is_empty() {
        "setting `compose-file`".to_owned()
    } else {
        format!("setting `slots`: `{slot}`")
    }
}

fn shown(files: &[PathBuf], between: &str) -> String {
    let files: Vec<_> = files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    files.join(between)
}

fn said(site: &Site, slot: Slot, problem: &ComposeProblem) -> Failure {
    let what = format!("{}: {problem}", setting(site.slots.get(slot)));
    Failure::new(Reason::PreflightFailed, what)
        .hint("two services with the same image, each on a host port of its own, are needed; name them in `slots`")
}

async fn read<H: Host>(
    host: &H,
    site: &Site,
    slot: Slot,
    project: &ComposeProject,
) -> StepResult<(ComposeFile, Option<Failure>)> {
    let setting = setting(site.slots.get(slot));
    let composed = host
        .compose_config(project)
        .await
        .during(
            Reason::PreflightFailed,
            format_args!(
                "{setting}: compose refuses `{}` in `{}`",
                shown(&project.files, ", "),
                project.folder.display()
            ),
        )
        .hint(format!(
            "see it on the host, and fix what it reports: `cd {} && {} -f {} config`",
            project.folder.display(),
            match project.tool {
                ComposeTool::V1 => "docker-compose",
                ComposeTool::V2 => "docker compose",
            },
            shown(&project.files, " -f ")
        ))?;
    let file = ComposeFile::parse(&composed.yaml).map_err(|problem| said(site, slot, &problem))?;
    Ok((file, unset(project, &composed.unset)))
}

fn unset(project: &ComposeProject, unset: &[String]) -> Option<Failure> {
    let first = unset.first()?;
    let what = format!(
        "nobody sets `{}`, which `{}` asks for: compose would start the app with nothing in its place",
        unset.join("`, `"),
        shown(&project.files, ", ")
    );
    Some(Failure::new(Reason::PreflightFailed, what).hint(format!(
        "write `{first}=…` into `{}` on the host; where nothing is meant, write `${{{first}-}}` in the compose file, and `$$` for a dollar sign",
        project.base().join(".env").display()
    )))
}
