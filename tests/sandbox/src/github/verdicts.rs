//! What others think of the pull request: checks, commit statuses, reviews.

use serde_json::{Value, json};

use super::answer::Reply;
use super::world::World;
use crate::http::Request;
use crate::shape::{self, Account};

/// How a check run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckState {
    InProgress,
    Success,
    Failure,
    Neutral,
    Skipped,
}

impl CheckState {
    fn words(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::InProgress => ("in_progress", None),
            Self::Success => ("completed", Some("success")),
            Self::Failure => ("completed", Some("failure")),
            Self::Neutral => ("completed", Some("neutral")),
            Self::Skipped => ("completed", Some("skipped")),
        }
    }
}

/// What a reviewer said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Review {
    Approved,
    ChangesRequested,
    Commented,
    /// Takes the reviewer's earlier reviews back.
    Dismissed,
}

impl Review {
    fn word(self) -> &'static str {
        match self {
            Self::Approved => "APPROVED",
            Self::ChangesRequested => "CHANGES_REQUESTED",
            Self::Commented => "COMMENTED",
            Self::Dismissed => "DISMISSED",
        }
    }
}

/// What was said so far.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    /// By commit and name; GitHub gives the newest of each.
    runs: Vec<(String, Value)>,
    statuses: Vec<(String, Value)>,
    reviews: Vec<Value>,
}

impl World {
    /// `run` is the workflow's run that the check is a job of.
    pub(super) fn put_check(&mut self, sha: &str, name: &str, run: u64, state: CheckState) {
        let (status, conclusion) = state.words();
        let id = self.next_id();
        let check = json!({
            "id": id,
            "name": name,
            "node_id": format!("CR_kwDO{id}"),
            "head_sha": sha,
            "external_id": "",
            "url": self.url(&format!("/check-runs/{id}")),
            "html_url": format!("{}/{}/actions/runs/{run}/job/{id}", shape::SITE, self.pull.repository()),
            "details_url": format!("{}/{}/actions/runs/{run}/job/{id}", shape::SITE, self.pull.repository()),
            "status": status,
            "conclusion": conclusion,
            "started_at": "2026-11-23T08:57:00Z",
            "completed_at": conclusion.map(|_| "2026-11-23T08:58:00Z"),
            "check_suite": {"id": run},
            "app": {"id": 15368, "slug": "github-actions", "name": "GitHub Actions"},
            "pull_requests": [],
        });
        let runs = &mut self.verdicts.runs;
        runs.retain(|(of, check)| {
            of != sha
                || check.get("name") != Some(&json!(name))
                || check.pointer("/check_suite/id") != Some(&json!(run))
        });
        runs.push((sha.to_owned(), check));
    }

    pub(super) fn put_status(&mut self, sha: &str, context: &str, state: &str) {
        let id = self.next_id();
        let status = json!({
            "id": id,
            "url": self.url(&format!("/statuses/{sha}")),
            "state": state,
            "context": context,
            "description": null,
            "target_url": "https://ci.example/1",
        });
        let statuses = &mut self.verdicts.statuses;
        statuses.retain(|(of, status)| of != sha || status["context"] != context);
        statuses.push((sha.to_owned(), status));
    }

    pub(super) fn put_review(&mut self, login: &str, review: Review) {
        let id = self.next_id();
        let by = |one: &Value| one.pointer("/user/login") == Some(&json!(login));
        if review == Review::Dismissed {
            // GitHub rewrites the review; it adds none.
            for one in self.verdicts.reviews.iter_mut().filter(|one| by(one)) {
                one["state"] = json!(review.word());
            }
            return;
        }
        let one = json!({
            "id": id,
            "node_id": format!("PRR_kwDO{id}"),
            "user": shape::user(&self.api, login, Account::User),
            "body": "",
            "state": review.word(),
            "commit_id": self.pull.head_sha,
            "submitted_at": "2026-11-23T08:58:00Z",
            "author_association": "MEMBER",
        });
        self.verdicts.reviews.push(one);
    }

    pub(super) fn list_check_runs(&self, sha: &str, request: &Request) -> Reply {
        let found = of_commit(&self.verdicts.runs, sha);
        let total = found.len();
        Reply::page(
            found,
            &request.query,
            &self.url(&format!("/commits/{sha}/check-runs")),
        )
        .wrapped(|page| json!({"total_count": total, "check_runs": page}))
    }

    pub(super) fn combined_status(&self, sha: &str, request: &Request) -> Reply {
        let found = of_commit(&self.verdicts.statuses, sha);
        let total = found.len();
        let all_good = found.iter().all(|status| status["state"] == "success");
        let state = if total > 0 && all_good {
            "success"
        } else {
            "pending"
        };
        Reply::page(
            found,
            &request.query,
            &self.url(&format!("/commits/{sha}/status")),
        )
        .wrapped(|page| json!({"state": state, "sha": sha, "total_count": total, "statuses": page}))
    }

    pub(super) fn list_reviews(&self, request: &Request) -> Reply {
        let url = self.url(&format!("/pulls/{}/reviews", self.pull.number));
        Reply::page(self.verdicts.reviews.clone(), &request.query, &url)
    }
}

fn of_commit(all: &[(String, Value)], sha: &str) -> Vec<Value> {
    let found = all.iter().filter(|(of, _)| of == sha);
    found.map(|(_, one)| one.clone()).collect()
}
