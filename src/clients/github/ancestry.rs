//! Where a commit is: on a branch, at the head of a pull request, behind other ones.

use serde::Deserialize;

use super::client::{ApiError, Github};
use super::encoded::path_part;
use super::questions::lacks;
use crate::error::Result;
use crate::protocol::ids::Commit;

/// A commit as seen from a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitPosition {
    /// It is the branch's last commit.
    Tip,
    /// The branch has it, and newer ones.
    Behind,
    /// The branch does not have it.
    Elsewhere,
}

#[derive(Deserialize)]
struct Comparison {
    status: String,
}

#[derive(Deserialize)]
struct AssociatedPull {
    number: u64,
    head: CommitRef,
}

#[derive(Deserialize)]
struct CommitRef {
    sha: String,
}

#[derive(Deserialize)]
struct Lineage {
    parents: Vec<CommitRef>,
}

impl Github {
    /// The parents of a commit, in order; `None` when the repository has no such commit. Anything but a clear answer is
    /// an error.
    pub async fn parents(&self, commit: &Commit) -> Result<Option<Vec<Commit>>> {
        // The second page has no files, which may be megabytes.
        let path = format!("commits/{commit}?per_page=1&page=2");
        let parsed = match self.ask::<Lineage>(&path).await {
            Ok(answer) => answer
                .parents
                .iter()
                .map(|parent| parent.sha.parse::<Commit>())
                .collect::<std::result::Result<Vec<_>, _>>()
                .map_err(|error| ApiError::new(error.to_string())),
            Err(error) if error.status == Some(422) => return Ok(None),
            Err(error) => Err(error),
        };
        parsed.map(Some).map_err(|error| {
            let commit = commit.short();
            let what = format!("cannot ask GitHub for the parents of the commit `{commit}`");
            error.unanswered(what, lacks("contents: read"))
        })
    }

    /// Whether a branch has a commit. Anything but a clear answer is an error.
    pub async fn standing(&self, branch: &str, commit: &Commit) -> Result<CommitPosition> {
        // The second page has neither commits nor files, which may be megabytes.
        let path = format!("compare/{}...{commit}?per_page=1&page=2", path_part(branch));
        let answer: Comparison = self.ask(&path).await.map_err(|error| {
            let what = format!(
                "cannot ask GitHub whether `{}` has the commit `{}`",
                crate::clients::text::printable(branch),
                commit.short()
            );
            let cure = format!(
                "check `base` and the commit, and {}",
                lacks("contents: read")
            );
            error.unanswered(what, cure)
        })?;
        Ok(match answer.status.as_str() {
            "identical" => CommitPosition::Tip,
            "behind" => CommitPosition::Behind,
            // `ahead`, `diverged`, and words of tomorrow.
            _ => CommitPosition::Elsewhere,
        })
    }

    /// The numbers of the pull requests whose head a commit is, those of forks among them.
    pub async fn pulls_with_head(&self, commit: &Commit) -> Result<Vec<u64>> {
        let path = format!("commits/{commit}/pulls");
        let pulls = self.ask_all(&path, |page: Vec<AssociatedPull>| page).await;
        let pulls = pulls.map_err(|error| {
            let what = format!(
                "cannot read the pull requests of `{}` from GitHub",
                commit.short()
            );
            error.unanswered(what, lacks("pull-requests: read"))
        })?;
        let heads = pulls
            .into_iter()
            .filter(|pull| pull.head.sha == commit.as_str());
        Ok(heads.map(|pull| pull.number).collect())
    }
}
