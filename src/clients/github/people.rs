//! Who asked for a deploy, and who wrote what is deployed.

use serde::Deserialize;

use super::client::{ApiError, Github};
use super::encoded::path_part;
use crate::error::{Error, Reason, Result};
use crate::protocol::ids::Commit;

/// Whether someone may write to the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CollaboratorAccess {
    /// Write, maintain or admin.
    Write,
    /// Less than that.
    Less {
        /// The role as GitHub names it.
        role: String,
    },
}

/// The commit that is deployed. Untrusted text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeadCommit {
    /// The first line of its message.
    pub message: String,
    pub author: Option<String>,
}

#[derive(Deserialize)]
struct Permission {
    permission: String,
    role_name: Option<String>,
}

#[derive(Deserialize)]
struct CommitResponse {
    commit: CommitDetails,
}

#[derive(Deserialize)]
struct CommitDetails {
    message: String,
    author: Option<CommitAuthor>,
}

#[derive(Deserialize)]
struct CommitAuthor {
    name: Option<String>,
}

impl Github {
    /// Asks whether `user` may write. Anything but a clear answer is an error: the gate stays shut.
    pub async fn permission(&self, user: &str) -> Result<CollaboratorAccess> {
        let login = login(user).ok_or_else(|| {
            let what = format!(
                "`{}` is not a GitHub user",
                crate::clients::text::printable(user)
            );
            Error::untouched(Reason::UnreadableEvent, what)
        })?;
        let path = format!("collaborators/{login}/permission");
        let answer: Permission = self.ask(&path).await.map_err(|error| {
            let what = format!("cannot ask GitHub whether `{user}` may write to the repository");
            let cure =
                "give `github-token` a token of this repository, or set `require-write: false`";
            error.unanswered(what, cure.to_owned())
        })?;
        // `permission` folds maintain into write and triage into read.
        match answer.permission.as_str() {
            "admin" | "write" => Ok(CollaboratorAccess::Write),
            other => {
                let role = answer.role_name.unwrap_or_else(|| other.to_owned());
                Ok(CollaboratorAccess::Less { role })
            }
        }
    }

    pub async fn head_commit(&self, commit: &Commit) -> Result<HeadCommit, ApiError> {
        let answer: CommitResponse = self.get(&format!("commits/{commit}")).await?;
        let message = answer.commit.message.lines().next().unwrap_or_default();
        Ok(HeadCommit {
            message: message.to_owned(),
            author: answer.commit.author.and_then(|author| author.name),
        })
    }
}

/// A login as it stands in a path; `[bot]` is the one suffix with other characters.
fn login(user: &str) -> Option<String> {
    let name = user.strip_suffix("[bot]").unwrap_or(user);
    let is_name = (1..=100).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    is_name.then(|| path_part(user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_cannot_reach_another_route() {
        assert_eq!(login("octo-cat").as_deref(), Some("octo-cat"));
        assert_eq!(login("renovate[bot]").as_deref(), Some("renovate%5Bbot%5D"));
        for bad in ["", "a/b", "..", "a b", "[bot]", "a?x", "관리자"] {
            assert_eq!(login(bad), None, "{bad}");
        }
    }
}
