//! The networks of the new slot, against those that there are and those that the live slot is on.

use super::failure::{HostResultExt as _, StepResult};
use super::projects::Note;
use super::survey::Survey;
use crate::error::{Failure, Reason};
use crate::host::Host;
use crate::host::compose::JoinedNetwork;
use crate::protocol::plan::Site;
use crate::protocol::slot::Slot;

/// Refuses a network that must be there and is not; a note when the new slot lacks one that the live slot has.
pub(super) async fn check<H: Host>(
    host: &H,
    site: &Site,
    survey: &Survey,
) -> StepResult<Option<Note>> {
    let joined = joined(survey);
    gone(host, site, survey.idle(), &joined).await?;
    Ok(lacking(survey, &joined))
}

/// The networks of the new slot; none when it has a way of its own.
pub(super) fn joined(survey: &Survey) -> Vec<JoinedNetwork> {
    let idle = survey.idle();
    let service = &survey.homes.slots.get(idle).service;
    let joined = survey
        .homes
        .project_name(idle)
        .and_then(|project| survey.homes.files.get(idle).networks(service, &project));
    joined.unwrap_or_default()
}

pub(super) async fn gone<H: Host>(
    host: &H,
    site: &Site,
    idle: Slot,
    joined: &[JoinedNetwork],
) -> StepResult<()> {
    let mut external = joined
        .iter()
        .filter(|network| network.is_external)
        .peekable();
    if external.peek().is_none() {
        return Ok(());
    }
    let there = host.networks().await;
    let there = there.during(Reason::PreflightFailed, "cannot list the networks")?;
    let Some(gone) = external.find(|network| !there.contains(&network.name)) else {
        return Ok(());
    };
    let (name, slot) = (&gone.name, site.slots.get(idle));
    let what = format!(
        "setting `slots`: `{slot}` joins the network `{name}` (`external`), which is not on the host"
    );
    Err(Failure::new(Reason::PreflightFailed, what).hint(format!(
        "make it, `docker network create {name}`, or correct `networks` in the compose file"
    )))
}

/// Networks of the live slot that the new one is not on. In a project of its own it has that project's in their place.
pub(super) fn lacking(survey: &Survey, joined: &[JoinedNetwork]) -> Option<Note> {
    if joined.is_empty() {
        return None;
    }
    let (live, idle) = (survey.live()?, survey.idle());
    let (was, is) = (
        survey.homes.project_name(live)?,
        survey.homes.project_name(idle)?,
    );
    let of_live = format!("{was}_");
    let has = |name: &String| {
        let here = match name.strip_prefix(&of_live) {
            Some(key) => format!("{is}_{key}"),
            None => name.clone(),
        };
        joined
            .iter()
            .any(|network| network.name == here || network.name == *name)
    };
    let networks = &survey.containers.get(live).as_ref()?.networks;
    let lacks: Vec<&str> = networks
        .iter()
        .filter(|name| !has(name))
        .map(String::as_str)
        .collect();
    if lacks.is_empty() {
        return None;
    }
    let joins: Vec<&str> = joined.iter().map(|network| network.name.as_str()).collect();
    let (live, idle) = (
        survey.homes.slots.get(live).name(),
        survey.homes.slots.get(idle).name(),
    );
    Some([
        format!(
            "the live slot `{live}` is on the network `{}`, and the new slot `{idle}` will not be: its compose file joins `{}`",
            lacks.join("`, `"),
            joins.join("`, `")
        ),
        format!("when the app needs it, add it to `networks` of `{idle}` in the compose file"),
    ])
}
