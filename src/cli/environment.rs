//! The process environment, read once. Nothing else in this crate's runner side reads it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::protocol::ids::Commit;
use crate::report::outputs::OutputFiles;
use crate::report::state::PostStep;

/// Every variable, as it was at the start.
pub(super) type EnvironmentVariables = BTreeMap<String, String>;

/// Reads all of it; what is not UTF-8 is read as well as possible.
pub(super) fn read() -> EnvironmentVariables {
    std::env::vars_os()
        .map(|(name, value)| {
            let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
            (text(name), text(value))
        })
        .collect()
}

/// Whether a runner, or act, reads what we print.
pub(super) fn is_workflow(env: &EnvironmentVariables) -> bool {
    env.get("GITHUB_ACTIONS").is_some_and(|word| word == "true")
}

/// Whether the workflow was started with debug logging.
pub(super) fn is_debug(env: &EnvironmentVariables) -> bool {
    env.get("RUNNER_DEBUG").is_some_and(|word| word == "1")
}

/// Where the workflow wants its results.
pub(super) fn output_files(env: &EnvironmentVariables) -> OutputFiles {
    let path = |name: &str| {
        env.get(name)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    };
    OutputFiles {
        output: path("GITHUB_OUTPUT"),
        summary: path("GITHUB_STEP_SUMMARY"),
        state: path("GITHUB_STATE"),
    }
}

/// Whether a post step comes after this one with the state that this one kept: act hands none on.
pub(super) fn post_step(env: &EnvironmentVariables) -> PostStep {
    let given = |name: &str| env.get(name).is_some_and(|text| !text.is_empty());
    if given("GITHUB_STATE") && !given("ACT") {
        PostStep::Comes
    } else {
        PostStep::DoesNot
    }
}

/// The commit that the run belongs to, which is a merge commit for a pull request.
pub(super) fn run_commit(env: &EnvironmentVariables) -> Option<Commit> {
    env.get("GITHUB_SHA")?.parse().ok()
}

/// The Docker daemon that the user chose.
pub(super) fn docker_host(env: &EnvironmentVariables) -> Option<String> {
    env.get("DOCKER_HOST")
        .filter(|address| !address.is_empty())
        .cloned()
}
