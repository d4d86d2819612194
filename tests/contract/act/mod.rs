//! The harness of `tests/e2e`, without its tests.

#[path = "../../e2e/act/container.rs"]
pub(crate) mod container;
#[path = "../../e2e/act/files.rs"]
mod files;
#[path = "../../e2e/act/job.rs"]
pub(crate) mod job;
#[path = "../../e2e/act/project.rs"]
pub(crate) mod project;

use sandbox::github::GitHub;
use sandbox::pull::Pull;

/// GitHub as the action sees it: one pull request whose head is the project's.
pub(crate) fn github(project: &project::Project) -> GitHub {
    let github = GitHub::start(pull(project)).unwrap();
    github.require_token(project::TOKEN);
    github
}

pub(crate) fn pull(project: &project::Project) -> Pull {
    Pull::new(project::REPOSITORY, 7)
        .head("feature", &project.head)
        .label(project::LABEL)
}
