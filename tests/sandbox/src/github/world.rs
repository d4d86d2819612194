//! What the stand-in knows: one repository with one pull request.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Permission;
use super::answer::Reply;
use super::deployments::{Deployment, now};
use super::route::{Endpoint, Route, Subject};
use super::verdicts::Verdicts;
use crate::http::Request;
use crate::pull::Pull;
use crate::shape::{self, Account};

/// GitHub's own limit, in characters.
const MAX_COMMENT: usize = 65_536;

#[derive(Debug)]
pub(super) struct World {
    pub(super) api: String,
    pub(super) pull: Pull,
    pub(super) deployments: Vec<Deployment>,
    pub(super) comments: Vec<Value>,
    pub(super) permissions: BTreeMap<String, Permission>,
    pub(super) checks_pending: bool,
    pub(super) behind_base: bool,
    /// Commits that the base has had for a while.
    pub(super) on_base: Vec<String>,
    /// Further commits with their parents.
    pub(super) parents: BTreeMap<String, Vec<String>>,
    /// Whose token is used; `None` for that of GitHub Actions.
    pub(super) user: Option<String>,
    pub(super) verdicts: Verdicts,
    last_id: u64,
}

impl World {
    pub(super) fn new(api: String, pull: Pull) -> Self {
        let permissions = [(pull.author.clone(), Permission::Write)].into();
        Self {
            api,
            pull,
            deployments: Vec::new(),
            comments: Vec::new(),
            permissions,
            checks_pending: false,
            behind_base: false,
            on_base: Vec::new(),
            parents: BTreeMap::new(),
            user: None,
            verdicts: Verdicts::default(),
            // Real ones are beyond 32 bits, too.
            last_id: 5_000_000_000,
        }
    }

    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The address of something in the repository.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}/repos/{}{path}", self.api, self.pull.repository())
    }

    /// Carries out one call.
    pub(super) fn apply(&mut self, route: &Route, request: &Request) -> Reply {
        if route.endpoint == Endpoint::GetUser {
            return self.get_user();
        }
        // GitHub's names are not case-sensitive.
        if !route
            .repository
            .eq_ignore_ascii_case(&self.pull.repository())
        {
            return Reply::not_found();
        }
        let body = match request.body.as_ref() {
            [] => Value::Null,
            bytes => match serde_json::from_slice(bytes) {
                Ok(body) => body,
                Err(_) => return Reply::error(400, "Problems parsing JSON"),
            },
        };
        use Endpoint as E;
        match (route.endpoint, &route.subject) {
            (E::GetRepository, _) => Reply::json(200, self.pull.repository_json(&self.api)),
            (E::ListDeployments, _) => self.list_deployments(request),
            (E::CreateDeployment, _) => self.create_deployment(&body),
            (E::GetDeployment, Subject::Number(id)) => self.get_deployment(*id),
            (E::ListStatuses, Subject::Number(id)) => self.list_statuses(*id, request),
            (E::CreateStatus, Subject::Number(id)) => self.create_status(*id, &body),
            (E::UpdateComment, Subject::Number(id)) => self.update_comment(*id, &body),
            (E::GetPermission, Subject::Name(user)) => self.permission(user),
            (E::GetCommit, Subject::Name(sha)) => self.commit(sha),
            (E::ListCheckRuns, Subject::Name(sha)) => self.list_check_runs(sha, request),
            (E::Compare, Subject::Name(ends)) => self.compare(ends, request),
            (E::ListPullsOfCommit, Subject::Name(sha)) => self.pulls_of(sha, request),
            (E::GetStatus, Subject::Name(sha)) => self.combined_status(sha, request),
            (E::RemoveLabel, Subject::Label { issue, name }) if *issue == self.pull.number => {
                self.remove_label(name)
            }
            (endpoint, Subject::Number(number)) if *number == self.pull.number => match endpoint {
                E::GetPull => Reply::json(200, self.pull.to_json(&self.api)),
                E::ListComments => {
                    let url = self.url(&format!("/issues/{number}/comments"));
                    Reply::page(self.comments.clone(), &request.query, &url)
                }
                E::CreateComment => self.create_comment(&body),
                E::ListReviews => self.list_reviews(request),
                _ => Reply::not_found(),
            },
            _ => Reply::not_found(),
        }
    }

    fn create_comment(&mut self, body: &Value) -> Reply {
        let text = match comment_text(body) {
            Ok(text) => text,
            Err(reply) => return *reply,
        };
        let author = match &self.user {
            Some(login) => shape::user(&self.api, login, Account::User),
            None => shape::user(&self.api, "github-actions[bot]", Account::Bot),
        };
        Reply::json(201, self.put_comment(&author, text))
    }

    pub(super) fn put_comment(&mut self, author: &Value, text: &str) -> Value {
        let id = self.next_id();
        let number = self.pull.number;
        let site = format!("{}/{}", shape::SITE, self.pull.repository());
        let now = now();
        let comment = json!({
            "url": self.url(&format!("/issues/comments/{id}")),
            "html_url": format!("{site}/pull/{number}#issuecomment-{id}"),
            "issue_url": self.url(&format!("/issues/{number}")),
            "id": id,
            "node_id": format!("IC_kwDO{id}"),
            "user": author,
            "created_at": now,
            "updated_at": now,
            "author_association": "NONE",
            "body": text,
            "performed_via_github_app": null,
        });
        self.comments.push(comment.clone());
        comment
    }

    fn update_comment(&mut self, id: u64, body: &Value) -> Reply {
        let found = self
            .comments
            .iter_mut()
            .find(|comment| comment.get("id") == Some(&json!(id)));
        let Some(fields) = found.and_then(Value::as_object_mut) else {
            return Reply::not_found();
        };
        match comment_text(body) {
            Ok(text) => {
                fields.insert("body".to_owned(), json!(text));
                fields.insert("updated_at".to_owned(), json!(now()));
                Reply::json(200, Value::Object(fields.clone()))
            }
            Err(reply) => *reply,
        }
    }

    /// Answers the labels that are left, as GitHub does.
    fn remove_label(&mut self, name: &str) -> Reply {
        let labels = &mut self.pull.labels;
        let Some(at) = labels.iter().position(|label| label == name) else {
            return Reply::error(404, "Label does not exist");
        };
        labels.remove(at);
        let repository = self.pull.repository();
        let left = self
            .pull
            .labels
            .iter()
            .map(|name| shape::label(&self.api, &repository, name));
        Reply::json(200, left.collect())
    }

    /// GitHub folds `maintain` into `write` and `triage` into `read`; only `role_name` tells.
    fn permission(&self, login: &str) -> Reply {
        let permission = self
            .permissions
            .get(login)
            .copied()
            .unwrap_or(Permission::Read);
        let mut user = shape::user(&self.api, login, Account::User);
        if let Some(fields) = user.as_object_mut() {
            fields.insert("permissions".to_owned(), permission.flags());
            fields.insert("role_name".to_owned(), json!(permission.role()));
        }
        Reply::json(
            200,
            json!({"permission": permission.legacy(), "user": user, "role_name": permission.role()}),
        )
    }
}

fn comment_text(body: &Value) -> Result<&str, Box<Reply>> {
    match body.get("body").and_then(Value::as_str) {
        Some(text) if text.chars().count() > MAX_COMMENT => {
            let message = format!("body is too long (maximum is {MAX_COMMENT} characters)");
            Err(Box::new(Reply::invalid("IssueComment", "body", &message)))
        }
        Some(text) if !text.trim().is_empty() => Ok(text),
        Some(_) | None => Err(Box::new(Reply::invalid(
            "IssueComment",
            "body",
            "body cannot be blank",
        ))),
    }
}
