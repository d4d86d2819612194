//! The slots of an nginx in a container, which its file names.

use std::path::Path;

use super::failure::{StepResult, StepResultExt as _};
use super::route;
use crate::error::{Failure, Reason};
use crate::host::Host;
use crate::host::compose::{self, ComposeFile, ComposeProblem};
use crate::host::nginx::{NamedBy, NamedSlot, NginxPlace, Spelling};
use crate::protocol::ids::ServiceName;
use crate::protocol::plan::Site;
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
    let name = slots.one.names.first();
    let one = match (name, slots.one.published.first()) {
        (Some(name), _) => format!("{name}:8080"),
        (None, port) => format!("host.docker.internal:{}", port.unwrap_or(&8080)),
    };
    format!(
        "name the live slot once, such as `set $service_url http://{one};` in a `server` block, or `server {one};` in an `upstream`"
    )
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
