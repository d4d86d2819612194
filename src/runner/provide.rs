//! The image by digest: built and pushed, or as it was given.

use std::time::Duration;

use tokio::time::timeout;

use super::recheck::Before;
use super::run::Run;
use super::{image, plan};
use crate::config::types::{DeployConfig, ImageSource};
use crate::error::Result;
use crate::protocol::ids::{Digest, PinnedImage};
use crate::protocol::step::Phase;
use crate::report::state::Milestone;

/// For the tags that are pushed at the end: their layers are in the registry by then.
const LATER_PUSH: Duration = Duration::from_secs(120);

/// An image that can be deployed.
pub(super) struct Provided {
    pub(super) pinned: PinnedImage,
    /// Tags that must not name a release that is taken back.
    rest: Option<Rest>,
}

struct Rest {
    docker: image::Docker,
    built: image::BuiltImage,
    digest: Digest,
}

/// Builds and pushes it under the tag that carries it to the host.
pub(super) async fn image(run: &Run<'_>, config: &DeployConfig) -> Result<Provided> {
    let build = match &config.image.source {
        ImageSource::Existing(image) => {
            let (pinned, rest) = (image.clone(), None);
            return Ok(Provided { pinned, rest });
        }
        ImageSource::Build(build) => build,
    };
    let (reporter, logins) = (&run.reporter, &config.host.logins);
    let (tags, labels) = (plan::tags(build, &run.context)?, plan::labels(&run.context));
    let platform = &config.image.platform;
    let build = async {
        let docker = image::connect(run.by.docker_host.as_deref()).await?;
        let all = tags.all();
        let built = image::build(&docker, build, platform, &all, &labels, logins, reporter);
        let built = built.await?;
        Ok((docker, built))
    };
    let (docker, built) = reporter.phase(Phase::Build, build).await?;
    let push = async {
        run.recheck.unmoved(Before::Push).await?;
        let memory = &run.by.memory;
        memory.note(reporter, |saved| saved.point = Milestone::Pushing);
        let carrier = match tags.carrier {
            Some(tag) => tag,
            None => plan::tag_of_image(&built.id)?,
        };
        let first = image::BuiltImage {
            tags: vec![carrier],
            ..built.clone()
        };
        image::push(&docker, &first, logins.image.as_ref(), reporter).await
    };
    let pinned = reporter.phase(Phase::Push, push).await?;
    let rest = (!tags.when_live.is_empty()).then(|| Rest {
        docker,
        digest: pinned.digest.clone(),
        built: image::BuiltImage {
            tags: tags.when_live,
            ..built
        },
    });
    Ok(Provided { pinned, rest })
}

impl Provided {
    /// Pushes the tags that move. The release is live by now, so that a failure is a warning.
    pub(super) async fn push_rest(self, run: &Run<'_>, config: &DeployConfig) {
        let Some(Rest {
            docker,
            built,
            digest,
        }) = self.rest
        else {
            return;
        };
        let login = config.host.logins.image.as_ref();
        let push = Box::pin(image::push(&docker, &built, login, &run.reporter));
        let why = tokio::select! {
            pushed = timeout(LATER_PUSH, push) => match pushed {
                Ok(Ok(pushed)) if pushed.digest == digest => return,
                Ok(Ok(pushed)) => format!("the registry has {} for it", pushed.digest),
                Ok(Err(error)) => error.summary(),
                Err(_elapsed) => format!("not done within {} s", LATER_PUSH.as_secs()),
            },
            _ = run.by.cancel.requested() => "cancelled".to_owned(),
        };
        let names: Vec<String> = built.tags.iter().map(|tag| format!("`{tag}`")).collect();
        let names = names.join(", ");
        run.reporter.warning(
            &format!("the release is live, but {names} was not pushed: {why}"),
            "the next deploy pushes it again; nothing is deployed by tag",
        );
    }
}
