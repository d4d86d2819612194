//! Deployments and their statuses, with GitHub's defaults, which are not what one would guess.

use std::time::SystemTime;

use serde_json::{Value, json};

use super::answer::Reply;
use super::world::World;
use crate::http::Request;
use crate::shape::{self, Account};

const STATES: [&str; 7] = [
    "error",
    "failure",
    "inactive",
    "in_progress",
    "queued",
    "pending",
    "success",
];
const MAX_DESCRIPTION: usize = 140;

/// One deployment and what happened to it, oldest status first.
#[derive(Debug, Clone)]
pub(super) struct Deployment {
    pub(super) id: u64,
    pub(super) json: Value,
    pub(super) statuses: Vec<Value>,
}

impl Deployment {
    fn is(&self, key: &str, expected: &Value) -> bool {
        self.json.get(key) == Some(expected)
    }
}

impl World {
    pub(super) fn list_deployments(&self, request: &Request) -> Reply {
        let wanted = |deployment: &&Deployment| {
            ["environment", "sha", "ref", "task"].iter().all(|key| {
                let filter = request.query.get(*key).filter(|value| *value != "none");
                filter.is_none_or(|value| deployment.is(key, &json!(value)))
            })
        };
        let newest_first = self.deployments.iter().rev().filter(wanted);
        let items = newest_first
            .map(|deployment| deployment.json.clone())
            .collect();
        Reply::page(items, &request.query, &self.url("/deployments"))
    }

    pub(super) fn get_deployment(&self, id: u64) -> Reply {
        self.deployment(id).map_or_else(Reply::not_found, |found| {
            Reply::json(200, found.json.clone())
        })
    }

    pub(super) fn create_deployment(&mut self, body: &Value) -> Reply {
        let Some(reference) = body.get("ref").and_then(Value::as_str) else {
            return Reply::error(422, "Invalid request.\n\n\"ref\" wasn't supplied.");
        };
        let Some(sha) = self.resolve(reference) else {
            return Reply::error(422, &format!("No ref found for: {reference}"));
        };
        let description = body
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if description.chars().count() > MAX_DESCRIPTION {
            let message =
                format!("description is too long (maximum is {MAX_DESCRIPTION} characters)");
            return Reply::invalid("Deployment", "description", &message);
        }
        let checks_asked = body.get("required_contexts").and_then(Value::as_array);
        if self.checks_pending && checks_asked.is_none_or(|contexts| !contexts.is_empty()) {
            return Reply::error(
                409,
                &format!("Conflict: Commit status checks failed for {reference}."),
            );
        }
        if self.behind_base && body.get("auto_merge") != Some(&Value::Bool(false)) {
            let message = format!(
                "Auto-merged {} into {reference} on deployment.",
                self.pull.base
            );
            return Reply::json(202, json!({"message": message}));
        }

        let given = |key: &str, default: Value| {
            body.get(key)
                .filter(|value| !value.is_null())
                .cloned()
                .unwrap_or(default)
        };
        let environment = given("environment", json!("production"));
        let id = self.next_id();
        let url = self.url(&format!("/deployments/{id}"));
        let now = now();
        let json = json!({
            "url": url,
            "id": id,
            "node_id": format!("DE_kwDO{id}"),
            "task": given("task", json!("deploy")),
            "original_environment": environment,
            "environment": environment,
            "description": given("description", Value::Null),
            "created_at": now,
            "updated_at": now,
            "statuses_url": format!("{url}/statuses"),
            "repository_url": self.url(""),
            "creator": shape::user(&self.api, "github-actions[bot]", Account::Bot),
            "sha": sha,
            "ref": reference,
            "payload": given("payload", json!({})),
            "transient_environment": given("transient_environment", json!(false)),
            "production_environment":
                given("production_environment", json!(environment == "production")),
            "performed_via_github_app": null,
        });
        self.deployments.push(Deployment {
            id,
            json: json.clone(),
            statuses: Vec::new(),
        });
        Reply::json(201, json)
    }

    pub(super) fn list_statuses(&self, id: u64, request: &Request) -> Reply {
        let Some(deployment) = self.deployment(id) else {
            return Reply::not_found();
        };
        let newest_first = deployment.statuses.iter().rev().cloned().collect();
        Reply::page(
            newest_first,
            &request.query,
            &self.url(&format!("/deployments/{id}/statuses")),
        )
    }

    pub(super) fn create_status(&mut self, id: u64, body: &Value) -> Reply {
        let Some(deployment) = self.deployment(id).cloned() else {
            return Reply::not_found();
        };
        let state = body
            .get("state")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !STATES.contains(&state) {
            return Reply::invalid(
                "DeploymentStatus",
                "state",
                "state is not included in the list",
            );
        }
        let description = body
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if description.chars().count() > MAX_DESCRIPTION {
            let message =
                format!("description is too long (maximum is {MAX_DESCRIPTION} characters)");
            return Reply::invalid("DeploymentStatus", "description", &message);
        }
        if state == "success" && body.get("auto_inactive") != Some(&Value::Bool(false)) {
            self.inactivate_before(&deployment);
        }
        let status = self.add_status(&deployment, state, body);
        Reply::json(201, status)
    }

    /// What `auto_inactive` does: to earlier deployments of the same environment that are neither
    /// transient nor production.
    fn inactivate_before(&mut self, current: &Deployment) {
        let environment = current.json.get("environment").cloned().unwrap_or_default();
        let no = Value::Bool(false);
        let earlier: Vec<Deployment> = self
            .deployments
            .iter()
            .filter(|other| other.id < current.id && other.is("environment", &environment))
            .filter(|other| {
                other.is("transient_environment", &no) && other.is("production_environment", &no)
            })
            .cloned()
            .collect();
        for deployment in earlier {
            self.add_status(&deployment, "inactive", &json!({}));
        }
    }

    fn add_status(&mut self, deployment: &Deployment, state: &str, body: &Value) -> Value {
        let text = |key: &str| {
            body.get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let id = self.next_id();
        let url = self.url(&format!("/deployments/{}", deployment.id));
        let environment = deployment
            .json
            .get("environment")
            .cloned()
            .unwrap_or_default();
        let now = now();
        let status = json!({
            "url": format!("{url}/statuses/{id}"),
            "id": id,
            "node_id": format!("DES_kwDO{id}"),
            "state": state,
            "creator": shape::user(&self.api, "github-actions[bot]", Account::Bot),
            "description": text("description"),
            "environment": environment,
            "target_url": text("log_url"),
            "created_at": now,
            "updated_at": now,
            "deployment_url": url,
            "repository_url": self.url(""),
            "environment_url": text("environment_url"),
            "log_url": text("log_url"),
            "performed_via_github_app": null,
        });
        if let Some(kept) = self
            .deployments
            .iter_mut()
            .find(|kept| kept.id == deployment.id)
        {
            kept.statuses.push(status.clone());
        }
        status
    }

    fn deployment(&self, id: u64) -> Option<&Deployment> {
        self.deployments
            .iter()
            .find(|deployment| deployment.id == id)
    }

    fn resolve(&self, reference: &str) -> Option<String> {
        let name = reference.trim_start_matches("refs/heads/");
        if name == self.pull.head {
            return Some(self.pull.head_sha.clone());
        }
        if name == self.pull.base {
            return Some(self.pull.base_sha.clone());
        }
        let is_sha = name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_sha.then(|| name.to_owned())
    }
}

pub(super) fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}
