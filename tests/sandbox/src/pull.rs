//! A pull request and its repository, in the JSON that GitHub gives for them.
//!
//! One [`Pull`] feeds both the webhook payload ([`crate::event`]) and the API stand-in
//! ([`crate::github`]), so that what the event says and what the API answers agree unless a test
//! makes them differ.

use serde_json::{Value, json};

use crate::shape::{self, Account};

/// How far a pull request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Draft,
    Open,
    Closed,
    Merged,
}

/// A pull request: an open one from `feature` into `main`, until told otherwise.
#[derive(Debug, Clone)]
pub struct Pull {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) base: String,
    pub(crate) base_sha: String,
    pub(crate) head: String,
    pub(crate) head_sha: String,
    pub(crate) message: String,
    pub(crate) author: String,
    pub(crate) labels: Vec<String>,
    pub(crate) stage: Stage,
    /// The owner of the repository the head is in.
    pub(crate) head_owner: String,
}

impl Pull {
    /// Number `number` of `repository`, which is `owner/name`.
    #[must_use]
    pub fn new(repository: &str, number: u64) -> Self {
        let (owner, repo) = repository
            .split_once('/')
            .unwrap_or(("octo-org", repository));
        Self {
            owner: owner.to_owned(),
            repo: repo.to_owned(),
            number,
            title: "Serve the greeting in Korean".to_owned(),
            base: "main".to_owned(),
            base_sha: "b".repeat(40),
            head: "feature".to_owned(),
            head_sha: "a".repeat(40),
            message: "feat: greet in Korean\n\nThe <b>body</b> & the rest.".to_owned(),
            author: "octocat".to_owned(),
            labels: Vec::new(),
            stage: Stage::Open,
            head_owner: owner.to_owned(),
        }
    }

    #[must_use]
    pub fn title(mut self, title: &str) -> Self {
        title.clone_into(&mut self.title);
        self
    }

    /// The branch it is to be merged into.
    #[must_use]
    pub fn base(mut self, branch: &str) -> Self {
        branch.clone_into(&mut self.base);
        self
    }

    /// The branch it comes from, and that branch's last commit.
    #[must_use]
    pub fn head(mut self, branch: &str, sha: &str) -> Self {
        branch.clone_into(&mut self.head);
        sha.clone_into(&mut self.head_sha);
        self
    }

    /// The message of the head commit.
    #[must_use]
    pub fn message(mut self, message: &str) -> Self {
        message.clone_into(&mut self.message);
        self
    }

    /// Who opened it and wrote its commit.
    #[must_use]
    pub fn author(mut self, login: &str) -> Self {
        login.clone_into(&mut self.author);
        self
    }

    /// Adds a label.
    #[must_use]
    pub fn label(mut self, name: &str) -> Self {
        self.labels.push(name.to_owned());
        self
    }

    #[must_use]
    pub fn stage(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }

    /// Puts the head into somebody's fork.
    #[must_use]
    pub fn fork_of(mut self, owner: &str) -> Self {
        owner.clone_into(&mut self.head_owner);
        self
    }

    /// `owner/name`.
    #[must_use]
    pub fn repository(&self) -> String {
        format!("{}/{}", self.owner, self.repo)
    }

    fn is_fork(&self) -> bool {
        self.head_owner != self.owner
    }

    /// The base repository.
    pub(crate) fn repository_json(&self, api: &str) -> Value {
        shape::repository(api, &self.owner, &self.repo, Account::Organization)
    }

    /// The pull request as `GET pulls/{n}` and the event give it.
    pub(crate) fn to_json(&self, api: &str) -> Value {
        let head_repo = if self.is_fork() {
            shape::repository(api, &self.head_owner, &self.repo, Account::User)
        } else {
            self.repository_json(api)
        };
        let number = self.number;
        let repo_url = format!("{api}/repos/{}", self.repository());
        let url = format!("{repo_url}/pulls/{number}");
        let issue = format!("{repo_url}/issues/{number}");
        let html = format!("{}/{}/pull/{number}", shape::SITE, self.repository());
        let statuses = format!("{repo_url}/statuses/{}", self.head_sha);
        let labels: Vec<_> = self
            .labels
            .iter()
            .map(|name| shape::label(api, &self.repository(), name))
            .collect();
        let merged = self.stage == Stage::Merged;
        let closed = matches!(self.stage, Stage::Closed | Stage::Merged);
        let author = shape::user(api, &self.author, Account::User);
        json!({
            "url": url,
            "id": shape::id(&html),
            "node_id": "PR_kwDOABCD1234567",
            "html_url": html,
            "diff_url": format!("{html}.diff"),
            "patch_url": format!("{html}.patch"),
            "issue_url": issue,
            "number": number,
            "state": if closed { "closed" } else { "open" },
            "locked": false,
            "title": self.title,
            "user": author,
            "body": "Closes #5\r\n\r\n- [x] tests\r\n",
            "created_at": "2026-11-20T08:15:30Z",
            "updated_at": "2026-11-23T09:00:00Z",
            "closed_at": closed.then_some("2026-11-23T08:59:00Z"),
            "merged_at": merged.then_some("2026-11-23T08:59:00Z"),
            "merge_commit_sha": "e".repeat(40),
            "assignees": [],
            "assignee": null,
            "requested_reviewers": [],
            "requested_teams": [],
            "labels": labels,
            "milestone": null,
            "draft": self.stage == Stage::Draft,
            "commits_url": format!("{url}/commits"),
            "review_comments_url": format!("{url}/comments"),
            "review_comment_url": format!("{repo_url}/pulls/comments{{/number}}"),
            "comments_url": format!("{issue}/comments"),
            "statuses_url": statuses,
            "head": self.end(api, &self.head_owner, &self.head, &self.head_sha, &head_repo),
            "base": self.end(api, &self.owner, &self.base, &self.base_sha, &self.repository_json(api)),
            "_links": {
                "self": {"href": url},
                "html": {"href": html},
                "issue": {"href": issue},
                "comments": {"href": format!("{issue}/comments")},
                "review_comments": {"href": format!("{url}/comments")},
                "review_comment": {"href": format!("{repo_url}/pulls/comments{{/number}}")},
                "commits": {"href": format!("{url}/commits")},
                "statuses": {"href": statuses},
            },
            "author_association": if self.is_fork() { "CONTRIBUTOR" } else { "MEMBER" },
            "auto_merge": null,
            "active_lock_reason": null,
            "merged": merged,
            "mergeable": if closed { None } else { Some(true) },
            "rebaseable": if closed { None } else { Some(true) },
            "mergeable_state": if closed { "unknown" } else { "clean" },
            "merged_by": if merged { author.clone() } else { Value::Null },
            "comments": 0,
            "review_comments": 0,
            "maintainer_can_modify": false,
            "commits": 1,
            "additions": 12,
            "deletions": 3,
            "changed_files": 2,
        })
    }

    fn end(&self, api: &str, owner: &str, branch: &str, sha: &str, repo: &Value) -> Value {
        let account = if owner == self.owner {
            Account::Organization
        } else {
            Account::User
        };
        json!({
            "label": format!("{owner}:{branch}"),
            "ref": branch,
            "sha": sha,
            "user": shape::user(api, owner, account),
            "repo": repo,
        })
    }
}
