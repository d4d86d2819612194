//! One slot runs, the one that nginx names, and it runs as it was: after a reboot, and after the Docker daemon started
//! again, which brings back what its restart policies say and nothing else.
//!
//! The newest closed journal says what there is. The user's compose file is not read: it may have been edited since, and
//! nobody has asked for that to go live. So containers are started, never made.

use std::cell::Cell;

use super::events::Events;
use super::failure::{HostResultExt as _, StepResult};
use super::journal::closed::last_closed;
use super::journal::entry::{Begun, Switch};
use super::paths::AppPaths;
use super::route::Obeyed;
use super::serving::Serving;
use super::survey::is_running;
use super::{docker, prepare, route, swap};
use crate::error::Reason;
use crate::host::Host;
use crate::host::facts::{ComposeProject, ComposeTool, Loaded};
use crate::host::nginx::NginxAt;
use crate::protocol::slot::SlotService;
use crate::protocol::step::Step;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Revived {
    /// The slot that nginx names was started, with what it needs, and is healthy.
    pub(super) started: Option<String>,
    /// The other one ran beside it, and is stopped.
    pub(super) stopped: Option<String>,
}

/// Sees to it that the slot that nginx names runs, and no other. Under the lock, with no journal open.
pub(super) async fn revive<H: Host>(host: &H, paths: &AppPaths) -> StepResult<Revived> {
    let Some(begun) = last_closed(host, paths).await? else {
        return Ok(Revived::default());
    };
    docker::await_answer(host).await;
    let site = &begun.plan.site;
    let nginx = route::place(host, site).await?;
    let config = route::config(host, &nginx.at).await?;
    let Obeyed { switch, named, .. } =
        route::obeyed(host, site, &nginx, &begun.slots, &config).await?;
    // Only whoever makes containers cares which compose there is.
    let project = |slot| swap::project(&begun, ComposeTool::V2, slot);
    let (of_live, of_other) = (project(named), project(named.other()));
    let (live, other) = (begun.slots.get(named), begun.slots.get(named.other()));
    let Some(runs) = is_running_now(host, &of_live, live).await? else {
        // A container that somebody removed is not ours to make anew.
        return Ok(Revived::default());
    };
    let events = Events::silent(host);
    let serving = Serving {
        slot: live,
        project: of_live.clone(),
        health: &site.health,
    };
    let mut revived = Revived::default();
    if !runs {
        let any_name = begun.slots.share_files();
        let project = if any_name {
            of_live.named(None)
        } else {
            of_live
        };
        start_dependencies(host, &events, &begun, &project).await?;
        serving.start_if_down(host).await?;
        serving.ensure(host, &events, Step::StartSlot).await?;
        revived.started = Some(live.name().to_string());
    }
    if is_running_now(host, &of_other, other).await? == Some(true)
        && is_sure(host, &nginx.at, &switch).await?
    {
        // Never the one that may be the only one to answer.
        serving.ensure(host, &events, Step::StopOld).await?;
        let grace = site.stop_timeout.duration();
        let stopped = host.compose_stop(&of_other, &other.service, grace).await;
        stopped.during(
            Reason::CleanupIncomplete,
            format_args!(
                "cannot stop slot `{}`, which nginx does not use",
                other.name()
            ),
        )?;
        revived.stopped = Some(other.name().to_string());
    }
    Ok(revived)
}

/// By reload, nginx may not have loaded what is on disk.
async fn is_sure<H: Host>(host: &H, nginx: &NginxAt, switch: &Switch) -> StepResult<bool> {
    let Switch::Reload(include) = switch else {
        return Ok(true);
    };
    let loaded = host.nginx_loaded(nginx, include).await.during(
        Reason::CleanupIncomplete,
        "cannot tell what nginx has loaded",
    )?;
    Ok(loaded == Loaded::Yes)
}

/// `None` when there is no container.
async fn is_running_now<H: Host>(
    host: &H,
    project: &ComposeProject,
    slot: &SlotService,
) -> StepResult<Option<bool>> {
    let found = host.container(project, &slot.service).await.during(
        Reason::StartFailed,
        format_args!("cannot look at slot `{}`", slot.name()),
    )?;
    Ok(found.as_ref().map(is_running))
}

/// One after the other, each when the one before is ready. One that was never made is left out.
async fn start_dependencies<H: Host>(
    host: &H,
    events: &Events<'_, H>,
    begun: &Begun,
    project: &ComposeProject,
) -> StepResult<()> {
    for service in &begun.dependencies {
        match prepare::look(host, project, service).await? {
            None => continue,
            Some(container) if is_running(&container) => {}
            Some(_) => {
                let started = host.container_start(project, service).await;
                started.during(
                    Reason::DependencyNotReady,
                    format_args!("cannot start `{service}`"),
                )?;
            }
        }
        prepare::await_ready(host, events, project, service, &Cell::new(false)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::tests::{behaves, deployed, image};
    use crate::host::Files as _;
    use crate::host::sim::{Behaviour, Death, SimHost};

    fn revived(host: &SimHost) -> StepResult<Revived> {
        let paths = AppPaths::new(&"app".parse().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let _lock = host.try_lock(&paths.lock(), "a test").await.unwrap();
            Box::pin(revive(host, &paths)).await
        })
    }

    fn started(service: &str) -> Revived {
        Revived {
            started: Some(service.to_owned()),
            stopped: None,
        }
    }

    fn both() -> [SimHost; 2] {
        [SimHost::new(), SimHost::provisioned()]
    }

    #[test]
    fn the_live_slot_is_started_when_it_is_down_and_nothing_else() {
        for host in both() {
            assert_eq!(
                revived(&host),
                Ok(Revived::default()),
                "nothing was ever deployed"
            );
            deployed(&host, 1);
            deployed(&host, 2);
            assert_eq!(revived(&host), Ok(Revived::default()), "it runs");
            let host = host.after(Death::PowerLoss);
            host.stop_everything();
            assert_eq!(host.serves(), None);
            assert_eq!(revived(&host), Ok(started("web-2")));
            assert_eq!(
                (host.serves(), host.running()),
                (Some(image(2)), vec!["db".to_owned(), "web-2".to_owned()])
            );
        }
    }

    #[test]
    fn what_was_live_is_started_as_it_was_and_the_users_files_are_not_read() {
        for host in both() {
            deployed(&host, 1);
            let host = host.after(Death::PowerLoss);
            host.stop_everything();
            let before = host.world.borrow().containers["web-1"].id.clone();
            host.world.borrow_mut().done.clear();
            assert_eq!(revived(&host), Ok(started("web-1")));
            let world = host.world.borrow();
            assert_eq!(world.containers["web-1"].id, before, "the same container");
            for verb in ["compose_up", "compose_config", "compose"] {
                assert!(!world.done.contains(&verb), "{verb}");
            }
        }
    }

    #[test]
    fn after_a_boot_one_slot_runs_whatever_the_restart_policy() {
        for host in both() {
            host.world.borrow_mut().restart_always = true;
            deployed(&host, 1);
            deployed(&host, 2);
            let host = host.after(Death::PowerLoss);
            assert_eq!(
                host.running(),
                ["db", "web-2"],
                "the retired one stays down"
            );
            assert_eq!(revived(&host), Ok(Revived::default()));
        }
    }

    #[test]
    fn a_slot_that_runs_beside_the_live_one_is_stopped_once_that_is_healthy() {
        let beside = |host: &SimHost| {
            host.world
                .borrow_mut()
                .containers
                .get_mut("web-1")
                .unwrap()
                .running = true;
        };
        for host in both() {
            deployed(&host, 1);
            deployed(&host, 2);
            beside(&host);
            behaves(&host, 2, Behaviour::Unhealthy);
            let error = revived(&host).unwrap_err();
            assert_eq!(error.reason, Reason::NeverHealthy, "{error:?}");
            assert_eq!(
                host.running(),
                ["db", "web-1", "web-2"],
                "nothing is stopped"
            );
            behaves(&host, 2, Behaviour::HealthyAfter(0));
            let stopped = Revived {
                started: None,
                stopped: Some("web-1".to_owned()),
            };
            assert_eq!(revived(&host), Ok(stopped));
            assert_eq!(
                (host.serves(), host.running()),
                (Some(image(2)), vec!["db".to_owned(), "web-2".to_owned()])
            );
        }
    }
}
