//! Answers `status` and `history`: what is there now and what happened.

use super::failure::{HostResultExt as _, StepResult};
use super::history;
use super::lock;
use super::owner;
use super::paths::AppPaths;
use super::reach;
use super::survey::Survey;
use crate::error::Reason;
use crate::host::facts::{Probe, ProbeAnswer};
use crate::host::{Host, HostResult, LockAttempt};
use crate::protocol::ids::DeploymentId;
use crate::protocol::plan::Site;
use crate::protocol::slot::Slot;
use crate::protocol::status::{SlotStatus, Status};

const PROBE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(3);

/// Looks at an app without changing anything; `of` is a deployment whose end is told as well.
pub(super) async fn look<H: Host>(
    host: &H,
    site: &Site,
    of: Option<&DeploymentId>,
) -> StepResult<Status> {
    let paths = AppPaths::new(&site.app);
    owner::is_known(host, site).await?;
    let survey = Survey::take(host, site).await?;
    let told = async {
        let records = history::read(host, &paths).await?;
        let kept = history::kept(host, &paths, &records).await?;
        let holder = lock_holder(host, &paths).await;
        let open = history::open(host, &paths).await?;
        let told = match of {
            Some(id) => history::told(host, &paths, id).await?,
            None => None,
        };
        HostResult::Ok((records, kept, holder, open, told))
    };
    let (mut records, kept, holder, open, told) = told
        .await
        .during(Reason::PreflightFailed, "cannot read the app's state")?;
    history::tell_running(
        &mut records,
        holder.as_deref(),
        open.as_ref(),
        host.now_ms(),
    );
    let mut slots = Vec::new();
    for slot in Slot::BOTH {
        slots.push(slot_status(host, site, &survey, slot).await);
    }
    Ok(Status {
        app: site.app.to_string(),
        live: survey.live_release(),
        slots,
        lock_holder: holder,
        kept,
        recent: records.into_iter().map(|record| record.past).collect(),
        told,
    })
}

pub(super) async fn slot_status<H: Host>(
    host: &H,
    site: &Site,
    survey: &Survey,
    slot: Slot,
) -> SlotStatus {
    let service = survey.homes.slots.get(slot);
    let container = survey.containers.get(slot).as_ref();
    let health = survey.health(&site.health);
    let probe = Probe::of_health(
        reach::health_address(service, container),
        &health,
        PROBE_TIMEOUT,
    );
    let healthy = match host.probe(&probe).await {
        ProbeAnswer::Status(status) => site.health.accepts(status),
        ProbeAnswer::Nothing(_) => false,
    };
    SlotStatus {
        slot,
        service: service.name().to_string(),
        port: service.port,
        container: container.map(|container| container.id.clone()),
        state: container.map_or("absent".to_owned(), |container| container.state.clone()),
        release: container.and_then(|container| container.release.as_deref()?.parse().ok()),
        healthy,
    }
}

/// Who holds the lock now; looking takes it for an instant when nobody does.
async fn lock_holder<H: Host>(host: &H, paths: &AppPaths) -> Option<String> {
    // Without the app's folder there was never a deploy, and looking must not make one.
    host.read(&paths.lock()).await.ok().flatten()?;
    for _ in 0..lock::LOOKS {
        match host.try_lock(&paths.lock(), lock::LOOK).await {
            // Somebody else who looks is gone in an instant.
            Ok(LockAttempt::HeldBy(holder)) if holder == lock::LOOK => {}
            Ok(LockAttempt::HeldBy(holder)) => return Some(holder),
            Ok(LockAttempt::Taken(lock)) => {
                drop(lock);
                return None;
            }
            Err(_) => return None,
        }
        host.sleep(lock::LOOK_AGAIN).await;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::tests::{deployed, image, plan};
    use crate::host::sim::SimHost;
    use crate::protocol::plan::Target;

    fn looked(host: &SimHost, site: &Site) -> StepResult<Status> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let before = host.world.borrow().clone();
        let looked = runtime.block_on(look(host, site, None));
        let after = host.world.borrow();
        assert_eq!(after.files, before.files, "it leaves nothing behind");
        let done = &after.done[before.done.len()..];
        assert!(!done.contains(&"make_folder"), "{done:?}");
        looked
    }

    #[test]
    fn an_app_that_the_host_does_not_know_is_said_with_those_it_knows() {
        let host = SimHost::new();
        let right = plan(1, Target::Image(image(1))).site;
        assert_eq!(
            looked(&host, &right).unwrap().recent,
            [],
            "nothing is known yet"
        );
        deployed(&host, 1);
        assert_eq!(looked(&host, &right).unwrap().recent.len(), 1);
        let mut typo = right.clone();
        typo.app = "ap".parse().unwrap();
        let error = looked(&host, &typo).unwrap_err();
        let said = "this host does not know the app `ap`; it knows `app`";
        assert_eq!(error.chain[0], said);
        assert!(
            error.hints[0].contains("correct `app` to `app`"),
            "{error:?}"
        );
        // Another project's settings, and no app of theirs here.
        let mut stranger = typo;
        stranger.slots.two = "web-3".parse().unwrap();
        stranger.proxy_include = "/etc/nginx/other.inc".into();
        let error = looked(&host, &stranger).unwrap_err();
        assert_eq!(error.chain, [said]);
        assert!(error.hints[0].contains("correct `app`"), "{error:?}");
        // The app of another project.
        stranger.app = right.app;
        let error = looked(&host, &stranger).unwrap_err();
        assert!(error.chain[0].contains("belongs to"), "{error:?}");
    }
}
