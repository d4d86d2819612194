//! The containers of the slots, and what they need.

use super::{of, tell};
use crate::agent::survey::{Survey, is_running};
use crate::agent::{networks, prepare, status};
use crate::host::Host;
use crate::protocol::doctor::{DoctorCheck, Examination};
use crate::protocol::place::RECOVER;
use crate::protocol::plan::Site;
use crate::protocol::slot::Slot;

/// From so many restarts by Docker on something is wrong with the app.
const MANY_RESTARTS: u64 = 3;

/// `deployed` says whether something went live once, `at_work` whether a deploy is under way.
pub(super) async fn look<H: Host>(
    host: &H,
    site: &Site,
    survey: &Survey,
    deployed: bool,
    at_work: bool,
    seen: &mut Examination,
) {
    seen.note(DoctorCheck::OtherProject, survey.notes.iter().cloned());
    let joined = networks::joined(survey);
    let gone = networks::gone(host, site, survey.idle(), &joined).await;
    tell(seen, DoctorCheck::NetworkMissing, gone);
    seen.note(
        DoctorCheck::NetworkLacking,
        networks::lacking(survey, &joined),
    );
    let free = prepare::port_is_free(host, site, survey).await;
    tell(seen, DoctorCheck::PortTaken, free);
    let recover = || format!("run on the host: `{RECOVER}`");
    if deployed && !at_work {
        let down = survey.live().is_none().then(|| {
            let name = survey.homes.slots.get(survey.named).name();
            let what =
                format!("nginx sends requests to the slot `{name}`, whose container does not run");
            [what, recover()]
        });
        seen.note(DoctorCheck::LiveSlotDown, down);
    }
    if !at_work {
        let both = Slot::BOTH.iter().all(|slot| survey.runs(*slot)).then(|| {
            let what = "both slots run, and no deploy is at work: the app runs twice, and takes memory twice";
            [what.to_owned(), recover()]
        });
        seen.note(DoctorCheck::BothSlotsRun, both);
    }
    let Some(live) = survey.live() else { return };
    let now = status::slot_status(host, site, survey, live).await;
    let logs = format!(
        "see why: `docker compose logs {}`",
        survey.homes.slots.get(live).service
    );
    let unhealthy = (!now.healthy).then(|| {
        let path = site.health.path_or_root();
        let what = format!(
            "the live slot `{}` does not answer its health check `{path}`",
            now.service
        );
        [what, logs.clone()]
    });
    seen.note(DoctorCheck::LiveSlotUnhealthy, unhealthy);
    let container = survey.containers.get(live).as_ref();
    let restarts = container.map_or(0, |container| container.restarts);
    let again = (restarts >= MANY_RESTARTS).then(|| {
        let what = format!(
            "Docker has restarted the live slot `{}` {restarts} times",
            now.service
        );
        [what, logs]
    });
    seen.note(DoctorCheck::LiveSlotRestarts, again);
    let project = survey.dependency_project(live);
    let mut down = Vec::new();
    for service in survey.dependencies.get(live) {
        match prepare::look(host, &project, service).await {
            Ok(Some(container)) if is_running(&container) => {}
            Ok(_) => down.push([
                format!("`{service}`, which the slots depend on, does not run"),
                format!("see why: `docker compose logs {service}`; the next deploy starts it"),
            ]),
            Err(failure) => down.push(of(&failure)),
        }
    }
    seen.note(DoctorCheck::DependencyDown, down);
}
