//! git, asked about a folder.

use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::process::Command;

use super::environment::Environment;
use super::process::{StandardOutput, run};

/// A status of a great repository takes a while; nobody waits longer for a name.
const LIMIT: Duration = Duration::from_secs(10);
const MOST_OUTPUT: usize = 4 * 1024 * 1024;

/// What git prints; `None` when it fails.
pub(crate) async fn git(folder: &Path, args: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    // No lock, so that nobody else at work there is disturbed.
    command.arg("--no-optional-locks").arg("-C").arg(folder);
    command.args(args).kill_on_drop(true);
    Environment::Bare.apply(&mut command);
    let mut stdout = Vec::new();
    let output = StandardOutput::Captured(&mut stdout, MOST_OUTPUT);
    let ended = run(command, &[], output, LIMIT, &mut |_line| {}).await;
    ended.ok().filter(ExitStatus::success)?;
    Some(String::from_utf8_lossy(&stdout).into_owned())
}
