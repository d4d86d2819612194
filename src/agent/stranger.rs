//! A container that is where a slot should be and is none of the slots: who it is, and what to write when it is the one.

use super::survey::Survey;
use crate::error::{Failure, Reason};
use crate::host::facts::Publisher;
use crate::protocol::plan::Site;
use crate::protocol::slot::Slot;

/// The port of a slot is published by a container that is not the slot's.
pub(super) fn on_port(survey: &Survey, site: &Site, slot: Slot, publisher: &Publisher) -> Failure {
    let Publisher {
        container,
        service,
        project,
        folder,
        files,
    } = publisher;
    let port = survey.homes.slots.get(slot).port;
    let what = format!(
        "port {port} of slot `{}` is that of the container `{container}`: service `{service}` of the compose project `{project}` in `{}`, which `slots` does not name",
        site.slots.get(slot),
        folder.display()
    );
    let failure = Failure::new(Reason::PreflightFailed, what);
    let ours = survey.homes.projects.get(slot);
    let failure = if *folder == ours.base() {
        let files: String = if site.slots.get(slot).files().is_empty() {
            String::new()
        } else {
            let mine = files
                .iter()
                .filter_map(|file| file.strip_prefix(&ours.folder).ok());
            mine.map(|file| format!("{}:", file.display())).collect()
        };
        failure.hint(format!(
            "when it is the slot, write it into `slots` as `{files}{service}@{project}`"
        ))
    } else {
        failure.hint(format!(
            "when it is the slot, set `project-directory: {}`",
            folder.display()
        ))
    };
    failure.hint(format!(
        "when nobody needs it, stop it: `docker stop {container}`"
    ))
}
