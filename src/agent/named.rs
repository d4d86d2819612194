//! The slots of an nginx in a container, which its file names.

use std::path::Path;

use super::failure::{StepResult, StepResultExt as _};
use super::route::{self, Obeyed};
use crate::error::{Failure, Reason};
use crate::host::Host;
use crate::host::compose::{self, ComposeFile, ComposeProblem};
use crate::host::nginx::{Colours, NamedBy, NamedSlot, NginxPlace, Spelling};
use crate::protocol::ids::ServiceName;
use crate::protocol::plan::{Site, SwitchChoice};
use crate::protocol::slot::{PerSlot, Slot, SlotService};

/// How a file may name a slot.
pub(super) fn spelling(slot: &SlotService) -> Spelling {
    Spelling {
        names: slot.hosts.clone(),
        published: if slot.is_named() {
            Vec::new()
        } else {
            vec![slot.port]
        },
    }
}

/// The slot that a file names.
pub(super) fn slot(path: &Path, text: &str, slots: &PerSlot<Spelling>) -> StepResult<NamedSlot> {
    let found = NamedSlot::find(text, slots).map_err(|problem| {
        let what = format!("setting `proxy-include`: `{}`: {problem}", path.display());
        Failure::new(Reason::PreflightFailed, what)
    });
    found.hint(example(slots))
}

fn example(slots: &PerSlot<Spelling>) -> String {
    let one = match (slots.one.first(), slots.one.published.first()) {
        (Some(name), _) => format!("{name}:8080"),
        (None, port) => format!("host.docker.internal:{}", port.unwrap_or(&8080)),
    };
    format!(
        "name the live slot once, such as `set $service_url http://{one};` in a `server` block, or `server {one};` in an `upstream`"
    )
}

/// What an nginx in a container obeys: the file, which names the live slot.
pub(super) async fn obeyed<H: Host>(
    host: &H,
    site: &Site,
    nginx: &NginxPlace,
    container: &str,
    slots: &PerSlot<SlotService>,
) -> StepResult<Obeyed> {
    if site.switch == SwitchChoice::Flag {
        let what = format!(
            "setting `switch`: nginx runs in the container `{container}`, and the flag is for an nginx on the host itself"
        );
        return Err(Failure::new(Reason::PreflightFailed, what).hint(
            "write `switch: auto`: traffic is moved by a reload, and the receipt says what that costs",
        ));
    }
    let path = nginx.include.clone();
    let text = route::read(host, site, &path).await?;
    let named = slot(&path, &text, &slots.map(spelling))?.slot;
    let include = nginx.name.clone();
    Ok(Obeyed::by_reload(path, named, include, Colours::default()))
}

/// The slots as the file of an nginx in a container reaches them: by their names, or by their ports on the host.
pub(super) async fn slots<H: Host>(
    host: &H,
    site: &Site,
    nginx: &NginxPlace,
    files: &PerSlot<ComposeFile>,
    services: &PerSlot<ServiceName>,
) -> StepResult<Result<PerSlot<SlotService>, (Slot, ComposeProblem)>> {
    let text = route::read(host, site, &nginx.include).await?;
    let spellings = match compose::spellings(files, services) {
        Ok(spellings) => spellings,
        Err(problem) => return Ok(Err(problem)),
    };
    let health = site.health.port;
    Ok(match slot(&nginx.include, &text, &spellings)?.by {
        NamedBy::Name(port) => compose::slots_by_name(files, services, port, health),
        NamedBy::Port(port) => compose::slots(files, services, &[port], health),
    })
}
