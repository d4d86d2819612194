//! The two checks that come before anything changes: `preflight` and `start_dependencies`.

use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

use super::earlier;
use super::events::Events;
use super::failure::{HostResultExt as _, StepResult, StepResultExt as _};
use super::journal::entry::Switch;
use super::networks;
use super::paths::{AppPaths, STATE_ROOT};
use super::projects::Note;
use super::rights;
use super::stranger;
use super::survey::{Survey, is_running};
use super::wait::Wait;
use crate::error::{Failure, Reason};
use crate::host::facts::{ComposeProject, ContainerFacts, ContainerHealth, DockerFacts, Loaded};
use crate::host::{Host, RecreatePolicy};
use crate::protocol::ids::ServiceName;
use crate::protocol::plan::Site;
use crate::protocol::step::Step;

/// Below this, a pull or a log line soon fails.
pub(super) const DOCKER_MIN_FREE: u64 = 256 * 1024 * 1024;
pub(super) const STATE_MIN_FREE: u64 = 16 * 1024 * 1024;
/// A database that initialises itself on a small machine needs a while.
const DEPENDENCY_DEADLINE: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(500);
/// One that exits is restarted by its policy or stays down; either way it gets these.
const RESTART_MS: u64 = 5_000;

/// Runs both checks and says how they went.
pub(super) async fn run<H: Host>(
    host: &H,
    events: &Events<'_, H>,
    site: &Site,
    cancel: &Cell<bool>,
) -> Result<Survey, (Step, Failure)> {
    let step = Step::Preflight;
    let survey = events
        .frame(step, preflight(host, site))
        .await
        .map_err(|error| (step, error))?;
    warn_of_own_logs(events, &survey.own_logs).await;
    for [what, hint] in &survey.notes {
        events.warn(what.clone(), hint.clone()).await;
    }
    if survey.is_earlier {
        earlier::warn(events, site).await;
    }
    let step = Step::StartDependencies;
    let wait = start_dependencies(host, events, &survey, cancel);
    events
        .frame(step, wait)
        .await
        .map_err(|error| (step, error))?;
    Ok(survey)
}

/// What no deploy can measure, and how it can.
pub(super) async fn warn_of_own_logs<H: Host>(events: &Events<'_, H>, locations: &[String]) {
    for [text, hint] in own_logs(locations) {
        events.warn(text, hint).await;
    }
}

pub(super) fn own_logs(locations: &[String]) -> impl Iterator<Item = Note> {
    locations.iter().map(|location| {
        let text = format!(
            "requests to `{location}` are not measured: it has an `access_log` of its own, so nginx drops ours there"
        );
        let hint = "move its `access_log` into the `server` block, or leave it away".to_owned();
        [text, hint]
    })
}

/// The first check alone: looks, changes nothing.
pub(super) async fn preflight<H: Host>(host: &H, site: &Site) -> StepResult<Survey> {
    let docker = docker(host).await?;
    of_platform(&docker, site)?;
    no_snap(&docker.root)?;
    enough_room(host, &docker.root, DOCKER_MIN_FREE).await?;
    enough_room(host, Path::new(STATE_ROOT), STATE_MIN_FREE).await?;
    let (read, survey) = tokio::join!(rights::check_read(host, site), Survey::take(host, site));
    read?;
    let mut survey = survey?;
    if let Some(work) = survey.root_work() {
        rights::check(host, site, &work).await?;
    }
    is_loaded(host, &survey).await?;
    port_is_free(host, site, &survey).await?;
    let note = networks::check(host, site, &survey).await?;
    survey.notes.extend(note);
    Ok(survey)
}

/// The engine, which must answer.
pub(super) async fn docker<H: Host>(host: &H) -> StepResult<DockerFacts> {
    host.docker().await.during(Reason::PreflightFailed, "docker is not usable on the host").hint("is it running, and is the SSH user in its group? `sudo usermod -aG docker $USER`, then log in again")
}

/// The image must be one for this machine.
pub(super) fn of_platform(docker: &DockerFacts, site: &Site) -> StepResult<()> {
    if docker.platform == site.platform {
        return Ok(());
    }
    let what = format!(
        "the image is built for {}, but the host is {}",
        site.platform, docker.platform
    );
    Err(Failure::new(Reason::PlatformMismatch, what)
        .hint(format!("set `platform: {}`", docker.platform)))
}

/// Compose of a snap may read home folders and nothing else, so neither what we keep for a slot nor a project elsewhere.
pub(super) fn no_snap(docker_root: &Path) -> StepResult<()> {
    if !docker_root.starts_with("/var/snap") {
        return Ok(());
    }
    let what = format!("Docker on the host is a snap, which cannot read files in `{STATE_ROOT}`");
    Err(Failure::new(Reason::PreflightFailed, what).hint(
        "use the packages of your distribution or of Docker in its place (https://docs.docker.com/engine/install/); `sudo snap remove docker` also removes its images, containers and volumes",
    ))
}

pub(super) async fn enough_room<H: Host>(host: &H, folder: &Path, least: u64) -> StepResult<()> {
    const MIB: u64 = 1024 * 1024;
    let free = host.free_bytes(folder).await.during(
        Reason::PreflightFailed,
        format_args!("cannot tell the free space of `{}`", folder.display()),
    )?;
    if free >= least {
        return Ok(());
    }
    Err(Failure::new(
        Reason::DiskFull,
        format!(
            "the disk of `{}` has {} MiB left, at least {} MiB are needed",
            folder.display(),
            free / MIB,
            least / MIB
        ),
    )
    .hint("free some space on the host: `docker image prune -a`, `docker system df`, `df -h`"))
}

/// By reload the include on disk may not be what nginx obeys: whoever edited it may have forgotten the reload. When the other slot
/// runs, that one may be serving; a way back that loads the file would end it.
pub(super) async fn is_loaded<H: Host>(host: &H, survey: &Survey) -> StepResult<()> {
    let Switch::Reload(include) = &survey.switch else {
        return Ok(());
    };
    let other = survey.named.other();
    let loaded = host
        .nginx_loaded(&survey.nginx.at, include)
        .await
        .during(Reason::PreflightFailed, "cannot tell what nginx has loaded")?;
    match loaded {
        Loaded::No if survey.runs(other) => Err(Failure::new(
            Reason::PreflightFailed,
            format!(
                "`{}` names slot `{}`, but it was changed after nginx loaded it, and slot `{}` runs: it is unclear which one serves",
                include.display(),
                survey.homes.slots.get(survey.named).name(),
                survey.homes.slots.get(other).name()
            ),
        )
        .hint(format!(
            "make it name the slot that serves, then {} on the host",
            survey.nginx.at.load_command()
        ))),
        Loaded::Yes | Loaded::No => Ok(()),
    }
}

/// The idle slot's port must not belong to some other program.
pub(super) async fn port_is_free<H: Host>(
    host: &H,
    site: &Site,
    survey: &Survey,
) -> StepResult<()> {
    let paths = AppPaths::new(&site.app);
    let idle = survey.idle();
    let slot = survey.homes.slots.get(idle);
    // One that nginx asks by name has an address of its own.
    if slot.is_named() || survey.runs(idle) || !host.accepts(slot.address()).await {
        return Ok(());
    }
    // Another deploy may be starting that slot: its port listens before its container is said to run. We do not hold
    // the lock yet; the same check comes again under it, when nothing is open.
    let open = matches!(host.read(&paths.journal()).await, Ok(Some(_)));
    let now = look(host, survey.homes.projects.get(idle), &slot.service).await?;
    if open || now.as_ref().is_some_and(is_running) {
        return Ok(());
    }
    if let Ok(Some(publisher)) = host.publisher(slot.port).await {
        return Err(stranger::on_port(survey, site, idle, &publisher));
    }
    Err(Failure::new(
        Reason::PreflightFailed,
        format!(
            "port {} of slot `{}` is taken by another program",
            slot.port,
            slot.name()
        ),
    )
    .hint(format!(
        "find it with `sudo ss -ltnp 'sport = :{}'` and stop it, or change the port",
        slot.port
    )))
}

async fn start_dependencies<H: Host>(
    host: &H,
    events: &Events<'_, H>,
    survey: &Survey,
    cancel: &Cell<bool>,
) -> StepResult<()> {
    let mut missing: Vec<ServiceName> = Vec::new();
    let idle = survey.idle();
    let (dependencies, project) = (
        survey.dependencies.get(idle),
        survey.dependency_project(idle),
    );
    for service in dependencies {
        // A running database stays as it is, even when its settings changed: restarting it is not ours to decide.
        if !look(host, &project, service)
            .await?
            .as_ref()
            .is_some_and(is_running)
        {
            missing.push(service.clone());
        }
    }
    if !missing.is_empty() {
        let names = missing
            .iter()
            .map(ServiceName::as_str)
            .collect::<Vec<_>>()
            .join(", ");
        events
            .progress(Step::StartDependencies, format!("starting {names}"))
            .await;
        let mut lines = Vec::new();
        let in_its_own = survey.homes.projects.get(idle);
        let started = host
            .compose_up(in_its_own, &missing, RecreatePolicy::Keep, &mut |line| {
                lines.push(line.to_owned());
            })
            .await;
        events.output("compose", lines).await;
        started.during(
            Reason::DependencyNotReady,
            format_args!("cannot start {names}"),
        )?;
    }
    for service in dependencies {
        await_ready(host, events, &project, service, cancel).await?;
    }
    Ok(())
}

/// Waits until a dependency is ready, three minutes at most.
pub(super) async fn await_ready<H: Host>(
    host: &H,
    events: &Events<'_, H>,
    project: &ComposeProject,
    service: &ServiceName,
    cancel: &Cell<bool>,
) -> StepResult<()> {
    let mut wait = Wait::new(host, DEPENDENCY_DEADLINE, POLL);
    loop {
        let container = look(host, project, service).await?;
        let state = match &container {
            Some(container) if is_ready(host, container).await => return Ok(()),
            Some(container) => container.state.clone(),
            None => "absent".to_owned(),
        };
        let ended = container
            .as_ref()
            .is_none_or(|container| !is_running(container));
        let waited_ms = wait.waited_ms();
        if wait.is_over() || (ended && waited_ms > RESTART_MS) {
            let log = match &container {
                Some(container) => host
                    .container_log(&container.id, 20)
                    .await
                    .unwrap_or_default(),
                None => Vec::new(),
            };
            return Err(Failure::new(
                Reason::DependencyNotReady,
                format!(
                    "dependency `{service}` is not ready ({state}, {} s)",
                    waited_ms / 1000
                ),
            )
            .hint(format!(
                "look at it on the host: `docker compose logs {service}`"
            ))
            .log_tail(log));
        }
        if cancel.get() {
            return Err(Failure::cancelled());
        }
        let text = format_args!("waiting for {service} ({state})");
        wait.speak(events, Step::StartDependencies, text).await;
        wait.pause().await;
    }
}

/// Healthy by its own check, or listening where it says it will; without either, running.
async fn is_ready<H: Host>(host: &H, container: &ContainerFacts) -> bool {
    if !is_running(container) {
        return false;
    }
    match container.health {
        Some(ContainerHealth::Healthy) => return true,
        Some(ContainerHealth::Starting | ContainerHealth::Unhealthy) => return false,
        None if container.exposed.is_empty() => return true,
        None => {}
    }
    // An image may expose ports that this service does not use: the kernel knows better.
    if let Some(pid) = container.pid
        && host.listens(pid).await
    {
        return true;
    }
    for address in &container.exposed {
        if host.accepts((*address).into()).await {
            return true;
        }
    }
    false
}

pub(super) async fn look<H: Host>(
    host: &H,
    project: &ComposeProject,
    service: &ServiceName,
) -> StepResult<Option<ContainerFacts>> {
    host.container(project, service).await.during(
        Reason::DependencyNotReady,
        format_args!("cannot look at the container of `{service}`"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::tests::{image, plan};
    use crate::host::sim::SimHost;
    use crate::protocol::plan::Target;

    #[test]
    fn docker_from_a_snap_is_refused_with_what_to_use_instead() {
        let host = SimHost::new();
        host.faults.docker_is_snap.set(true);
        let site = plan(1, Target::Image(image(1))).site;
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let refused = runtime
            .unwrap()
            .block_on(preflight(&host, &site))
            .unwrap_err();
        assert_eq!(refused.reason, Reason::PreflightFailed);
        assert!(refused.summary().contains("snap"), "{refused:?}");
        assert!(refused.hints[0].contains("docs.docker.com"), "{refused:?}");
    }
}
