//! Where a pull request stands now.

use serde::Deserialize;

use super::client::Github;
use super::questions::lacks;
use crate::error::Result;

/// A pull request as GitHub has it now. Untrusted text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullNow {
    pub head: String,
    /// The repository of its head, `owner/name`; `None` when that is gone.
    pub head_repository: Option<String>,
    /// The branch it goes to.
    pub base: String,
    /// `open` or `closed`.
    pub state: String,
    pub merged: bool,
    pub draft: bool,
    pub labels: Vec<String>,
}

#[derive(Deserialize)]
struct PullResponse {
    state: String,
    merged: bool,
    draft: bool,
    labels: Vec<Label>,
    head: PullBranch,
    base: PullBranch,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

#[derive(Deserialize)]
struct PullBranch {
    #[serde(rename = "ref")]
    branch: String,
    sha: String,
    repo: Option<BranchRepository>,
}

#[derive(Deserialize)]
struct BranchRepository {
    full_name: String,
}

impl Github {
    /// Reads a pull request anew.
    pub async fn pull_request(&self, number: u64) -> Result<PullNow> {
        let answer: PullResponse = self
            .ask(&format!("pulls/{number}"))
            .await
            .map_err(|error| {
                let what = format!("cannot read pull request #{number} from GitHub");
                error.unanswered(what, lacks("pull-requests: read"))
            })?;
        Ok(PullNow {
            head: answer.head.sha,
            head_repository: answer.head.repo.map(|repository| repository.full_name),
            base: answer.base.branch,
            state: answer.state,
            merged: answer.merged,
            draft: answer.draft,
            labels: answer.labels.into_iter().map(|label| label.name).collect(),
        })
    }
}
