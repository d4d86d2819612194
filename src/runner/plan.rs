//! From settings and facts to what the agent is asked to do.

use crate::config::types::BuildConfig;
use crate::error::{Error, Result};
use crate::protocol::ids::{DeploymentId, Tag};
use crate::protocol::plan::{Origin, Plan, Site, Target};
use crate::report::context::RunContext;

/// A plan for one deployment; `fence` is what the host said when it was asked to prepare.
pub(super) fn plan(
    site: &Site,
    target: Target,
    context: &RunContext,
    fence: Option<u64>,
) -> Result<Plan> {
    Ok(Plan {
        deployment: deployment_id()?,
        site: site.clone(),
        target,
        origin: origin(context),
        fence,
    })
}

/// The tags to push: the user's, or `sha-<12 of head SHA>` and `latest`.
pub(super) fn tags(config: &BuildConfig, context: &RunContext) -> Result<Vec<Tag>> {
    if !config.tags.is_empty() {
        return Ok(config.tags.clone());
    }
    let of_commit = context
        .commit
        .as_ref()
        .map(|commit| format!("sha-{}", commit.short()));
    of_commit
        .into_iter()
        .chain(["latest".to_owned()])
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
    let now = time::OffsetDateTime::now_utc();
    let mut random = [0_u8; 3];
    getrandom::fill(&mut random).map_err(|error| {
        Error::bug("the system has no random numbers").because(error.to_string())
    })?;
    let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let (date, clock) = (now.date(), now.time());
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z-{random}",
        date.year(),
        u8::from(date.month()),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second(),
    )
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
    fn default_tags_name_the_head_commit() {
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
        let names = |context| {
            tags(&config, context)
                .unwrap()
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&context), ["sha-0123456789ab", "latest"]);
        assert_eq!(names(&RunContext::default()), ["latest"]);
    }
}
