//! From settings and facts to what the agent is asked to do.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::config::types::BuildConfig;
use crate::error::{Error, Result};
use crate::protocol::ids::{DeploymentId, Tag};
use crate::protocol::plan::{Origin, Plan, Site, Target};
use crate::protocol::utc;
use crate::random::random_hex;
use crate::report::context::RunContext;

/// A plan for one deployment; `fence` is what the host said when it was asked to prepare, `force` deploys what is live
/// already.
pub(super) fn plan(
    site: &Site,
    target: Target,
    context: &RunContext,
    fence: Option<u64>,
    force: bool,
) -> Result<Plan> {
    Ok(Plan {
        deployment: deployment_id()?,
        site: site.clone(),
        target,
        origin: origin(context),
        fence,
        force,
    })
}

/// The tag that moves with every deploy.
const LATEST: &str = "latest";

/// Which tags are pushed when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tags {
    /// Before the deploy, to carry the image; `None` leaves it to a tag made of the image's id.
    pub(super) carrier: Option<Tag>,
    /// When the release is live, so that they never name one that was taken back.
    pub(super) when_live: Vec<Tag>,
}

impl Tags {
    pub(super) fn all(&self) -> Vec<Tag> {
        self.carrier
            .iter()
            .chain(&self.when_live)
            .cloned()
            .collect()
    }
}

/// The tags to push: the user's, or `sha-<12 of head SHA>` and `latest`. The first one that is not `latest` carries
/// the image to the host.
pub(super) fn tags(config: &BuildConfig, context: &RunContext) -> Result<Tags> {
    let mut when_live = all_tags(config, context)?;
    let first = when_live.iter().position(|tag| tag.as_str() != LATEST);
    let carrier = first.map(|at| when_live.remove(at));
    Ok(Tags { carrier, when_live })
}

/// A tag that names the image itself: the daemon's id is `sha256:` and 64 hex digits.
pub(super) fn tag_of_image(id: &str) -> Result<Tag> {
    let hex: String = id
        .rsplit(':')
        .next()
        .unwrap_or(id)
        .chars()
        .take(12)
        .collect();
    format!("build-{hex}")
        .parse()
        .map_err(|error| Error::bug("an image's id makes no tag").because(error))
}

fn all_tags(config: &BuildConfig, context: &RunContext) -> Result<Vec<Tag>> {
    if !config.tags.is_empty() {
        return Ok(config.tags.clone());
    }
    let of_commit = context
        .commit
        .as_ref()
        .map(|commit| format!("sha-{}", commit.short()));
    of_commit
        .into_iter()
        .chain([LATEST.to_owned()])
        .map(|tag| {
            tag.parse()
                .map_err(|error| Error::bug("a default tag is malformed").because(error))
        })
        .collect()
}

/// Labels that say where an image came from (OCI image annotations).
pub(super) fn labels(context: &RunContext) -> Vec<(String, String)> {
    let revision = context
        .commit
        .as_ref()
        .map(|commit| ("revision", commit.to_string()));
    let source = context
        .server_url
        .as_ref()
        .zip(context.repository.as_ref())
        .map(|(server, repository)| ("source", format!("{server}/{repository}")));
    [revision, source]
        .into_iter()
        .flatten()
        .map(|(name, value)| (format!("org.opencontainers.image.{name}"), value))
        .collect()
}

fn origin(context: &RunContext) -> Origin {
    Origin {
        commit: context.commit.clone(),
        by: context.actor.clone(),
        url: context.run_url(),
    }
}

fn deployment_id() -> Result<DeploymentId> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let ms = since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    });
    let now = utc::text(ms, utc::COMPACT).ok_or_else(|| Error::bug("the clock is far off"))?;
    let random = random_hex(3)
        .map_err(|error| Error::bug("the system has no random numbers").because(error))?;
    format!("{now}-{random}")
        .parse()
        .map_err(|error| Error::bug("a deployment id is malformed").because(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::types::Bounds;

    #[test]
    fn deployment_ids_are_valid_and_differ() {
        assert_ne!(deployment_id().unwrap(), deployment_id().unwrap());
    }

    #[test]
    fn what_moves_is_pushed_when_the_release_is_live() {
        let config = BuildConfig {
            repository: "u/a".parse().unwrap(),
            tags: Vec::new(),
            context: ".".into(),
            dockerfile: "Dockerfile".into(),
            target: None,
            args: Vec::new(),
            bounds: Bounds::Anywhere,
            settings_file: None,
        };
        let commit = "0123456789abcdef0123456789abcdef01234567".parse().unwrap();
        let context = RunContext {
            commit: Some(commit),
            ..RunContext::default()
        };
        let none = RunContext::default();
        let names = |given: &[&str], context| {
            let config = BuildConfig {
                tags: given.iter().map(|tag| tag.parse().unwrap()).collect(),
                ..config.clone()
            };
            let tags = tags(&config, context).unwrap();
            let first = tags.carrier.map(String::from).unwrap_or_default();
            let later: Vec<String> = tags.when_live.into_iter().map(String::from).collect();
            format!("{first} then {}", later.join(" "))
        };
        assert_eq!(names(&[], &context), "sha-0123456789ab then latest");
        assert_eq!(names(&[], &none), " then latest");
        assert_eq!(names(&["latest"], &context), " then latest");
        assert_eq!(
            names(&["latest", "v1.2", "v1"], &none),
            "v1.2 then latest v1"
        );
        let id = format!("sha256:{}", "0123456789abcdef".repeat(4));
        assert_eq!(tag_of_image(&id).unwrap().as_str(), "build-0123456789ab");
    }
}
