//! Docker itself.

use super::{provision, tell};
use crate::agent::prepare;
use crate::host::Host;
use crate::host::facts::{DockerFacts, LiveRestore};
use crate::protocol::doctor::{DoctorCheck, Examination};
use crate::protocol::plan::Site;

/// `None` when it cannot be used.
pub(super) async fn look<H: Host>(
    host: &H,
    site: &Site,
    seen: &mut Examination,
) -> Option<DockerFacts> {
    let docker = prepare::docker(host).await;
    let docker = tell(seen, DoctorCheck::DockerUnusable, docker)?;
    seen.fact("docker", docker.version.clone());
    seen.fact("platform", docker.platform.clone());
    let platform = prepare::of_platform(&docker, site);
    tell(seen, DoctorCheck::PlatformDiffers, platform);
    let snap = prepare::no_snap(&docker.root);
    tell(seen, DoctorCheck::DockerIsSnap, snap);
    let ends = match docker.live_restore {
        LiveRestore::Off => Some([
            "containers end with the Docker daemon: an update of Docker takes the app down"
                .to_owned(),
            provision(site),
        ]),
        LiveRestore::On | LiveRestore::Impossible => None,
    };
    seen.note(DoctorCheck::DockerEndsContainers, ends);
    Some(docker)
}
