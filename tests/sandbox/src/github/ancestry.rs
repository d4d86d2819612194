//! Where commits are: on the base, at the head of the pull request. And whose token asks.

use serde_json::{Value, json};

use super::answer::Reply;
use super::world::World;
use crate::http::Request;
use crate::shape::{self, Account};

impl World {
    /// `GET /repos/{owner}/{repo}/compare/{base}...{head}`.
    pub(super) fn compare(&self, ends: &str, request: &Request) -> Reply {
        let Some((base, sha)) = ends.split_once("...") else {
            return Reply::not_found();
        };
        let known = sha == self.pull.head_sha;
        let (status, ahead, behind) = if base != self.pull.base {
            return Reply::not_found();
        } else if sha == self.pull.base_sha {
            ("identical", 0, 0)
        } else if self.on_base.iter().any(|one| one == sha) {
            ("behind", 0, 3)
        } else if known && self.behind_base {
            ("diverged", 1, 3)
        } else if known {
            ("ahead", 1, 0)
        } else {
            return Reply::not_found();
        };
        let repository = self.pull.repository();
        let commit = |sha: &str| {
            let (author, parents) = (&self.pull.author, self.parents(sha));
            shape::commit(&self.api, &repository, sha, author, "a commit", &parents)
        };
        let html = format!("{}/{repository}/compare/{ends}", shape::SITE);
        let mut answer = json!({
            "url": self.url(&format!("/compare/{ends}")),
            "html_url": html,
            "permalink_url": html,
            "diff_url": format!("{html}.diff"),
            "patch_url": format!("{html}.patch"),
            "base_commit": commit(&self.pull.base_sha),
            "merge_base_commit": commit(&self.pull.base_sha),
            "status": status,
            "ahead_by": ahead,
            "behind_by": behind,
            "total_commits": ahead,
            "commits": [],
        });
        // Only the first page of a comparison has the files.
        let page = request.query.get("page").map_or("1", String::as_str);
        if let (Some(fields), "1") = (answer.as_object_mut(), page) {
            fields.insert("commits".to_owned(), json!(vec![commit(sha); ahead]));
            fields.insert("files".to_owned(), json!([]));
        }
        Reply::json(200, answer)
    }

    /// `GET /repos/{owner}/{repo}/commits/{sha}`.
    pub(super) fn commit(&self, sha: &str) -> Reply {
        let message = if sha == self.pull.head_sha || sha == self.pull.head {
            &self.pull.message
        } else if sha == self.pull.base_sha || sha == self.pull.base {
            "chore: start"
        } else if self.parents.contains_key(sha) {
            "a commit"
        } else {
            return Reply::error(422, &format!("No commit found for SHA: {sha}"));
        };
        let (repository, parents) = (self.pull.repository(), self.parents(sha));
        let author = &self.pull.author;
        Reply::json(
            200,
            shape::commit(&self.api, &repository, sha, author, message, &parents),
        )
    }

    fn parents(&self, sha: &str) -> Vec<String> {
        let told = self.parents.get(sha).cloned();
        told.unwrap_or_else(|| vec!["d".repeat(40)])
    }

    /// `GET /repos/{owner}/{repo}/commits/{sha}/pulls`: pull requests in short, without `merged`.
    pub(super) fn pulls_of(&self, sha: &str, request: &Request) -> Reply {
        let mut found = Vec::new();
        if sha == self.pull.head_sha {
            let mut pull = self.pull.to_json(&self.api);
            if let Some(fields) = pull.as_object_mut() {
                for field in [
                    "merged",
                    "mergeable",
                    "rebaseable",
                    "mergeable_state",
                    "merged_by",
                ] {
                    fields.remove(field);
                }
            }
            found.push(pull);
        }
        let url = self.url(&format!("/commits/{sha}/pulls"));
        Reply::page(found, &request.query, &url)
    }

    /// `GET /user`, which the token of an app may not ask.
    pub(super) fn get_user(&self) -> Reply {
        match &self.user {
            Some(login) => {
                let user: Value = shape::user(&self.api, login, Account::User);
                Reply::json(200, user)
            }
            None => Reply::error(403, "Resource not accessible by integration"),
        }
    }
}
