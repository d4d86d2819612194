//! What is there and what is live: read from the host each time, never stored.

use std::path::PathBuf;

use super::failure::{HostResultExt as _, StepResult, StepResultExt as _};
use super::journal::entry::Switch;
use super::route;
use crate::error::Reason;
use crate::host::compose::ComposeFile;
use crate::host::facts::{ComposeProject, ContainerFacts, RunState};
use crate::host::nginx;
use crate::host::nginx::flag::Format;
use crate::host::{Host, HostResult};
use crate::protocol::ids::ServiceName;
use crate::protocol::outcome::{Failure, LiveRelease};
use crate::protocol::plan::Site;
use crate::protocol::slot::{PerSlot, Slot, SlotService};

/// One look at an app on its host.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) project: ComposeProject,
    pub(super) file: ComposeFile,
    pub(super) slots: PerSlot<SlotService>,
    pub(super) dependencies: Vec<ServiceName>,
    pub(super) containers: PerSlot<Option<ContainerFacts>>,
    pub(super) switch: Switch,
    /// The slot that nginx sends requests to.
    pub(super) named: Slot,
    /// The `server` blocks that obey the include.
    pub(super) sites: Vec<nginx::Site>,
    /// What the traffic log tells, with the flag.
    pub(super) format: Format,
    /// The `location` blocks whose requests the traffic log does not see, with the flag.
    pub(super) own_logs: Vec<String>,
}

impl Survey {
    /// Looks. Everything that would stop a swap is an error that names the setting and the cure.
    pub(super) async fn take<H: Host>(host: &H, site: &Site) -> StepResult<Self> {
        // Two programs that take their time and do not need each other.
        let (compose, config) = tokio::join!(
            async {
                let project = project(host, site).await?;
                let read = read_compose(host, site, &project).await?;
                StepResult::Ok((project, read))
            },
            route::config(host)
        );
        let ((project, (file, slots, dependencies)), config) = (compose?, config?);
        let route::Obeyed {
            switch,
            named,
            format,
            own_logs,
        } = route::obeyed(host, site, &slots, &config).await?;
        let sites = route::sites(&config, &site.proxy_include)?;
        let containers = PerSlot {
            one: container(host, &project, &slots.one).await?,
            two: container(host, &project, &slots.two).await?,
        };
        Ok(Self {
            project,
            file,
            slots,
            dependencies,
            containers,
            switch,
            named,
            sites,
            format,
            own_logs,
        })
    }

    /// The slot that takes traffic: the one nginx names, if its container runs.
    pub(super) fn live(&self) -> Option<Slot> {
        self.runs(self.named).then_some(self.named)
    }

    pub(super) fn runs(&self, slot: Slot) -> bool {
        self.containers.get(slot).as_ref().is_some_and(is_running)
    }

    /// Where the next release goes.
    pub(super) fn idle(&self) -> Slot {
        self.live().map_or(self.named, Slot::other)
    }

    /// What takes traffic, for reports.
    pub(super) fn live_release(&self) -> Option<LiveRelease> {
        let slot = self.live()?;
        let container = self.containers.get(slot).as_ref()?;
        Some(LiveRelease {
            slot,
            service: self.slots.get(slot).service.to_string(),
            release: container
                .release
                .as_deref()
                .and_then(|release| release.parse().ok()),
            image: container.image.clone(),
        })
    }
}

/// Whether a container's process runs.
pub(super) fn is_running(container: &ContainerFacts) -> bool {
    matches!(container.run, RunState::Running)
}

fn bad(what: impl Into<String>) -> Failure {
    Failure::new(Reason::PreflightFailed, what)
}

pub(super) async fn project<H: Host>(host: &H, site: &Site) -> StepResult<ComposeProject> {
    let tool = host
        .compose()
        .await
        .during(
            Reason::PreflightFailed,
            "docker compose is not usable on the host",
        )
        .hint(
            "install it: `sudo apt-get install docker-compose-plugin`, or your system's package",
        )?;
    let folder = host
        .resolve(&site.project_directory)
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
        )?;
    Ok(ComposeProject {
        folder,
        files: vec![PathBuf::from(&site.compose_file)],
        instead: Vec::new(),
        tool,
    })
}

pub(super) async fn read_compose<H: Host>(
    host: &H,
    site: &Site,
    project: &ComposeProject,
) -> StepResult<(ComposeFile, PerSlot<SlotService>, Vec<ServiceName>)> {
    let path = project.folder.join(&site.compose_file);
    let present = host.read(&path).await;
    if !matches!(present, Ok(Some(_))) {
        return Err(bad(format!(
            "setting `compose-file`: there is no file `{}`",
            path.display()
        ))
        .hint("write its name in `compose-file` and its folder in `project-directory`"));
    }
    let text = host
        .compose_config(project)
        .await
        .during(
            Reason::PreflightFailed,
            format_args!(
                "setting `compose-file`: compose refuses `{}`",
                path.display()
            ),
        )
        .hint("run `docker compose config` in that folder on the host and fix what it reports")?;
    let problem = |problem: crate::host::compose::ComposeProblem| {
        bad(format!("setting `compose-file`: {problem}"))
            .hint("two services with the same image, each on a host port of its own, are needed; name them in `slots`")
    };
    let file = ComposeFile::parse(&text).map_err(problem)?;
    let slots = file.slots(&site.slots).map_err(problem)?;
    let dependencies = file
        .dependencies(&site.slots, site.dependencies.as_deref())
        .map_err(problem)?;
    Ok((file, slots, dependencies))
}

async fn container<H: Host>(
    host: &H,
    project: &ComposeProject,
    slot: &SlotService,
) -> StepResult<Option<ContainerFacts>> {
    let found: HostResult<_> = host.container(project, &slot.service).await;
    found.during(
        Reason::PreflightFailed,
        format_args!("cannot look at the container of slot `{}`", slot.service),
    )
}
