//! Which compose project the slots belong to when `slots` does not say: that of the container that serves. A new slot never
//! lands in another project than the live one without a word.

use super::failure::{HostResultExt as _, StepResult};
use super::homes::Homes;
use crate::error::{Failure, Reason};
use crate::host::Host;
use crate::host::nginx::NginxPlace;
use crate::protocol::ids::ProjectName;
use crate::protocol::plan::Site;
use crate::protocol::slot::{PerSlot, Slot};
use crate::protocol::slot_spec::SlotSpec;

/// What a person is to know, and what to write.
pub(super) type Note = [String; 2];

/// Puts the slots into their projects; `named` is the one that nginx sends requests to. Changes nothing on the host.
pub(super) async fn settle<H: Host>(
    host: &H,
    site: &Site,
    nginx: &NginxPlace,
    homes: Homes,
    named: Slot,
) -> StepResult<(Homes, Option<Note>)> {
    let specs = &site.slots;
    if specs.one.project().is_some() {
        return Ok((homes, None));
    }
    let names = (homes.project_name(Slot::One), homes.project_name(Slot::Two));
    let (Some(one), Some(two)) = names else {
        return Ok((homes, None));
    };
    let found = |slot: Slot| {
        let project = homes.projects.get(slot);
        host.projects_of(project, specs.get(slot).service())
    };
    const DOING: &str = "cannot tell which compose project the slots are in";
    let of_named = found(named).await.during(Reason::PreflightFailed, DOING)?;
    let service = specs.get(named).service();
    if one != two {
        // Both slots' containers may be of one service in one folder.
        let own = PerSlot { one, two };
        return match of_named.first() {
            Some(runs) if *runs != own.one && *runs != own.two => Err(Failure::new(
                Reason::PreflightFailed,
                format!(
                    "setting `slots`: the container of `{}` is in the compose project `{runs}`, where compose would use `{}`: it is unclear which one the other slot belongs to",
                    specs.get(named),
                    own.get(named)
                ),
            )
            .hint(write(&guess(specs, named, &own, Some(runs))))),
            _ => Ok((homes.in_projects(host, site, nginx, &own).await?, None)),
        };
    }
    if specs.one.service() == specs.two.service() {
        let own = PerSlot {
            one: one.clone(),
            two,
        };
        let runs = of_named.first().filter(|runs| **runs != one);
        let what = format!(
            "setting `slots`: `{}` and `{}` are one container: service `{service}` of the compose project `{one}`",
            specs.one, specs.two
        );
        return Err(Failure::new(Reason::PreflightFailed, what)
            .hint(write(&guess(specs, named, &own, runs))));
    }
    let of_other = found(named.other()).await;
    let of_other = of_other.during(Reason::PreflightFailed, DOING)?;
    if of_named.iter().chain(&of_other).all(|name| *name == one) {
        return Ok((homes, None));
    }
    let chosen = of_named
        .first()
        .or(of_other.first())
        .unwrap_or(&one)
        .clone();
    let both = PerSlot {
        one: chosen.clone(),
        two: chosen.clone(),
    };
    let homes = homes.in_projects(host, site, nginx, &both).await?;
    let note = (chosen != one).then(|| {
        let what = format!(
            "the slots' containers are in the compose project `{chosen}`, where compose would use `{one}` here: the new one goes to `{chosen}`, too"
        );
        let slots = specs.map(|slot| slot.in_project(chosen.clone()));
        [what, write(&slots)]
    });
    Ok((homes, note))
}

fn write(slots: &PerSlot<SlotSpec>) -> String {
    format!("write `slots: {}, {}`", slots.one, slots.two)
}

/// What the user means, most likely: the project that the named slot's container is in, and for the other slot the one that
/// is called alike, with its own name in it.
fn guess(
    specs: &PerSlot<SlotSpec>,
    named: Slot,
    own: &PerSlot<ProjectName>,
    runs: Option<&ProjectName>,
) -> PerSlot<SlotSpec> {
    let names = specs.names();
    let project = |slot: Slot| {
        let (name, other) = (names.get(slot).as_str(), names.get(slot.other()).as_str());
        let text = match runs {
            Some(runs) if slot == named => runs.to_string(),
            Some(runs) if runs.as_str().contains(other) => runs.as_str().replacen(other, name, 1),
            Some(_) | None => format!("{}-{name}", own.get(slot)),
        };
        let spec = specs.get(slot);
        match ProjectName::of_folder(&text) {
            Some(project) => spec.in_project(project),
            None => spec.clone(),
        }
    };
    PerSlot::of(project)
}
