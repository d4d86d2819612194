//! Starts the live slot when it does not run: after a reboot Docker brings back what its restart policy says, and
//! `restart: on-failure` says nothing.

use super::events::Events;
use super::failure::StepResult;
use super::journal::closed::last_closed;
use super::lock::CancelState;
use super::paths::AppPaths;
use super::prepare;
use super::serving::Serving;
use super::survey::Survey;
use crate::host::Host;
use crate::protocol::step::Step;

/// What was done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Revived {
    /// The live slot runs, or nothing was ever deployed.
    Nothing,
    /// The slot that nginx names was started, with what it needs, and is healthy.
    Started(String),
}

/// Sees to it that the slot that nginx names runs. Under the lock, with no journal open.
pub(super) async fn revive<H: Host>(host: &H, paths: &AppPaths) -> StepResult<Revived> {
    let Some(begun) = last_closed(host, paths).await? else {
        return Ok(Revived::Nothing);
    };
    let site = &begun.plan.site;
    let survey = Survey::take(host, site).await?;
    let named = survey.named;
    let is_there = survey.containers.get(named).is_some();
    if survey.live().is_some() || !is_there {
        // A container that somebody removed is not ours to make anew.
        return Ok(Revived::Nothing);
    }
    let events = Events::silent(host);
    prepare::start_dependencies(host, &events, &survey, || CancelState::No).await?;
    let slot = survey.slots.get(named);
    let serving = Serving {
        slot,
        project: survey.project.with(paths.override_file(&slot.service)),
        health: &site.health,
    };
    serving.start_if_down(host).await?;
    serving
        .ensure(host, &events, Step::StartSlot)
        .await
        .map(|()| Revived::Started(slot.service.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::tests::{deployed, image};
    use crate::host::sim::{Death, SimHost};

    fn revived(host: &SimHost) -> StepResult<Revived> {
        let paths = AppPaths::new(&"app".parse().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(Box::pin(revive(host, &paths)))
    }

    #[test]
    fn the_live_slot_is_started_when_it_is_down_and_nothing_else() {
        for host in [SimHost::new(), SimHost::provisioned()] {
            assert_eq!(
                revived(&host),
                Ok(Revived::Nothing),
                "nothing was ever deployed"
            );
            deployed(&host, 1);
            deployed(&host, 2);
            assert_eq!(revived(&host), Ok(Revived::Nothing), "it runs");
            let host = host.after(Death::PowerLoss);
            host.stop_everything();
            assert_eq!(host.serves(), None);
            assert_eq!(revived(&host), Ok(Revived::Started("web-2".to_owned())));
            assert_eq!(
                (host.serves(), host.running()),
                (Some(image(2)), vec!["db".to_owned(), "web-2".to_owned()])
            );
        }
    }
}
