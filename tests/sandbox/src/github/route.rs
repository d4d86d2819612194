//! Which call a request is.

use std::str::FromStr;

use anyhow::{Context as _, bail};

use crate::http::decode;

/// The calls that the stand-in knows: what a [`Fault`](super::Fault) is scripted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    GetRepository,
    ListDeployments,
    CreateDeployment,
    GetDeployment,
    ListStatuses,
    CreateStatus,
    GetPull,
    ListComments,
    CreateComment,
    UpdateComment,
    RemoveLabel,
    GetPermission,
    GetCommit,
    ListCheckRuns,
    GetStatus,
    ListReviews,
    Compare,
    ListPullsOfCommit,
    GetUser,
}

impl Endpoint {
    const ALL: [(&str, Self); 19] = [
        ("get-repository", Self::GetRepository),
        ("list-deployments", Self::ListDeployments),
        ("create-deployment", Self::CreateDeployment),
        ("get-deployment", Self::GetDeployment),
        ("list-statuses", Self::ListStatuses),
        ("create-status", Self::CreateStatus),
        ("get-pull", Self::GetPull),
        ("list-comments", Self::ListComments),
        ("create-comment", Self::CreateComment),
        ("update-comment", Self::UpdateComment),
        ("remove-label", Self::RemoveLabel),
        ("get-permission", Self::GetPermission),
        ("get-commit", Self::GetCommit),
        ("list-check-runs", Self::ListCheckRuns),
        ("get-status", Self::GetStatus),
        ("list-reviews", Self::ListReviews),
        ("compare", Self::Compare),
        ("list-pulls-of-commit", Self::ListPullsOfCommit),
        ("get-user", Self::GetUser),
    ];
}

impl FromStr for Endpoint {
    type Err = anyhow::Error;

    fn from_str(raw: &str) -> anyhow::Result<Self> {
        let Some((_, endpoint)) = Self::ALL.iter().find(|(name, _)| *name == raw) else {
            let names: Vec<_> = Self::ALL.iter().map(|(name, _)| *name).collect();
            bail!("`{raw}` is no call: one of {}", names.join(", "));
        };
        Ok(*endpoint)
    }
}

/// A call with what its path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) endpoint: Endpoint,
    /// `owner/name`.
    pub(super) repository: String,
    pub(super) subject: Subject,
}

/// What a call is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    Repository,
    /// A deployment, pull request, issue or comment.
    Number(u64),
    /// A user or a commit.
    Name(String),
    Label {
        issue: u64,
        name: String,
    },
}

impl Route {
    /// `None` for a call that the stand-in does not know.
    pub(super) fn parse(method: &str, path: &str) -> Option<Self> {
        Self::try_parse(method, path).ok()
    }

    fn try_parse(method: &str, path: &str) -> anyhow::Result<Self> {
        let segments: Vec<String> = path.split('/').skip(1).map(decode).collect();
        let mut segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        // A GitHub Enterprise address has this in front.
        if segments.starts_with(&["api", "v3"]) {
            segments.drain(..2);
        }
        if method == "GET" && segments == ["user"] {
            return Ok(Self {
                endpoint: Endpoint::GetUser,
                repository: String::new(),
                subject: Subject::Repository,
            });
        }
        let [root, owner, name, rest @ ..] = segments.as_slice() else {
            bail!("no repository")
        };
        if *root != "repos" {
            bail!("not below `repos`");
        }
        let number = |raw: &str| raw.parse::<u64>().context("not a number");
        let (endpoint, subject) = match (method, rest) {
            ("GET", []) => (Endpoint::GetRepository, Subject::Repository),
            ("GET", ["deployments"]) => (Endpoint::ListDeployments, Subject::Repository),
            ("POST", ["deployments"]) => (Endpoint::CreateDeployment, Subject::Repository),
            ("GET", ["deployments", id]) => (Endpoint::GetDeployment, Subject::Number(number(id)?)),
            ("GET", ["deployments", id, "statuses"]) => {
                (Endpoint::ListStatuses, Subject::Number(number(id)?))
            }
            ("POST", ["deployments", id, "statuses"]) => {
                (Endpoint::CreateStatus, Subject::Number(number(id)?))
            }
            ("GET", ["compare", ends]) => (Endpoint::Compare, Subject::Name((*ends).to_owned())),
            ("GET", ["commits", sha, "pulls"]) => (
                Endpoint::ListPullsOfCommit,
                Subject::Name((*sha).to_owned()),
            ),
            ("GET", ["pulls", n]) => (Endpoint::GetPull, Subject::Number(number(n)?)),
            ("GET", ["issues", n, "comments"]) => {
                (Endpoint::ListComments, Subject::Number(number(n)?))
            }
            ("POST", ["issues", n, "comments"]) => {
                (Endpoint::CreateComment, Subject::Number(number(n)?))
            }
            // GitHub takes POST for PATCH, and octocrab relies on it.
            ("PATCH" | "POST", ["issues", "comments", id]) => {
                (Endpoint::UpdateComment, Subject::Number(number(id)?))
            }
            ("DELETE", ["issues", n, "labels", label]) => {
                let (issue, name) = (number(n)?, (*label).to_owned());
                (Endpoint::RemoveLabel, Subject::Label { issue, name })
            }
            ("GET", ["collaborators", user, "permission"]) => {
                (Endpoint::GetPermission, Subject::Name((*user).to_owned()))
            }
            ("GET", ["commits", sha]) => (Endpoint::GetCommit, Subject::Name((*sha).to_owned())),
            ("GET", ["commits", sha, "check-runs"]) => {
                (Endpoint::ListCheckRuns, Subject::Name((*sha).to_owned()))
            }
            ("GET", ["commits", sha, "status"]) => {
                (Endpoint::GetStatus, Subject::Name((*sha).to_owned()))
            }
            ("GET", ["pulls", n, "reviews"]) => {
                (Endpoint::ListReviews, Subject::Number(number(n)?))
            }
            _ => bail!("unknown call"),
        };
        Ok(Self {
            endpoint,
            repository: format!("{owner}/{name}"),
            subject,
        })
    }
}
