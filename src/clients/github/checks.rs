//! What was found out about a commit: check runs of apps, and the older commit statuses.

use serde::Deserialize;

use super::client::Github;
use super::questions::lacks;
use crate::error::Result;
use crate::protocol::ids::Commit;

/// One check run or commit status. Untrusted text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub name: String,
    pub state: CheckState,
    /// Where its details are: for a job of GitHub Actions the address of its run.
    pub url: String,
}

/// How a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckState {
    /// It ended well, or had nothing to say.
    Green,
    /// It is queued or at work.
    Pending,
    /// Anything else, a word that we do not know included.
    Red,
}

#[derive(Deserialize)]
struct Runs {
    check_runs: Vec<CheckRun>,
}

#[derive(Deserialize)]
struct CheckRun {
    name: String,
    status: String,
    conclusion: Option<String>,
    details_url: Option<String>,
}

#[derive(Deserialize)]
struct Combined {
    statuses: Vec<CommitStatus>,
}

#[derive(Deserialize)]
struct CommitStatus {
    context: String,
    state: String,
    target_url: Option<String>,
}

impl Github {
    /// The newest of each check run and of each status of a commit.
    pub async fn checks(&self, commit: &Commit) -> Result<Vec<Check>> {
        let what =
            |what: &str| format!("cannot read the {what} of `{}` from GitHub", commit.short());
        let runs = format!("commits/{commit}/check-runs");
        let runs = self.ask_all(&runs, |page: Runs| page.check_runs).await;
        let runs = runs.map_err(|error| error.unanswered(what("checks"), lacks("checks: read")))?;
        let statuses = format!("commits/{commit}/status");
        let statuses = self
            .ask_all(&statuses, |page: Combined| page.statuses)
            .await;
        let statuses = statuses
            .map_err(|error| error.unanswered(what("statuses"), lacks("statuses: read")))?;
        let runs = runs.into_iter().map(Check::from);
        Ok(runs.chain(statuses.into_iter().map(Check::from)).collect())
    }
}

impl From<CheckRun> for Check {
    fn from(run: CheckRun) -> Self {
        let state = match (run.status.as_str(), run.conclusion.as_deref()) {
            ("completed", Some("success" | "neutral" | "skipped")) => CheckState::Green,
            ("completed", _) => CheckState::Red,
            _ => CheckState::Pending,
        };
        Self {
            name: run.name,
            state,
            url: run.details_url.unwrap_or_default(),
        }
    }
}

impl From<CommitStatus> for Check {
    fn from(status: CommitStatus) -> Self {
        let state = match status.state.as_str() {
            "success" => CheckState::Green,
            "pending" => CheckState::Pending,
            _ => CheckState::Red,
        };
        Self {
            name: status.context,
            state,
            url: status.target_url.unwrap_or_default(),
        }
    }
}
