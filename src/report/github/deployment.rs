//! The deployment record and its states.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{ApiError, Github};
use crate::protocol::ids::Commit;
use crate::report::text;

/// The longest description of a status.
const MAX_DESCRIPTION: usize = 140;

/// How many earlier deployments are looked at to find the one that was live.
const LOOK_BACK: usize = 10;

/// A deployment on GitHub that has no final state yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeploymentHandle {
    id: u64,
}

impl DeploymentHandle {
    /// One whose id was kept in the action's state.
    pub fn from_id(id: u64) -> Self {
        Self { id }
    }

    /// GitHub's number.
    pub fn id(self) -> u64 {
        self.id
    }
}

/// What a deployment record says.
#[derive(Debug, Clone, Copy)]
pub struct Deployment<'a> {
    /// The environment.
    pub environment: &'a str,
    /// Where the app answers.
    pub environment_url: Option<&'a str>,
    /// The app, which tells our records from others of the same environment.
    pub app: Option<&'a str>,
    /// A link to the run.
    pub log_url: Option<&'a str>,
}

/// The state of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// At work.
    InProgress,
    /// Live.
    Success,
    /// Failed; something else is live.
    Failure,
    /// Ended in a way that is neither.
    Error,
    /// Was live before.
    Inactive,
}

#[derive(Deserialize)]
struct Created {
    id: u64,
}

#[derive(Deserialize)]
struct Earlier {
    id: u64,
    #[serde(default)]
    payload: Value,
}

#[derive(Deserialize)]
struct Status {
    state: String,
}

impl Github {
    /// Creates the record for `commit` and says that it is in progress.
    pub async fn start_deployment(
        &self,
        about: &Deployment<'_>,
        commit: &Commit,
    ) -> Result<DeploymentHandle, ApiError> {
        let body = json!({
            // The default merges the base branch, which would deploy a commit that nobody built.
            "auto_merge": false,
            // The default waits for every check, this run's own among them.
            "required_contexts": [],
            "ref": commit.as_str(),
            "environment": about.environment,
            "production_environment": about.environment == "production",
            "transient_environment": false,
            "description": "pct-deploy",
            "payload": { "app": about.app },
        });
        let created: Created = self.post("deployments", &body).await?;
        let handle = DeploymentHandle { id: created.id };
        self.set_state(handle, about, State::InProgress, "deploying")
            .await?;
        Ok(handle)
    }

    /// Sets a deployment's state.
    pub async fn set_state(
        &self,
        handle: DeploymentHandle,
        about: &Deployment<'_>,
        state: State,
        description: &str,
    ) -> Result<(), ApiError> {
        let mut body = json!({
            "state": state,
            "description": text::cut(description, MAX_DESCRIPTION),
            // GitHub's own rule leaves out production; `retire_previous` does it for every one.
            "auto_inactive": false,
        });
        if let Some(body) = body.as_object_mut() {
            let links = [
                ("log_url", about.log_url),
                ("environment_url", about.environment_url),
            ];
            for (key, url) in links {
                if let Some(url) = url {
                    body.insert(key.to_owned(), json!(url));
                }
            }
        }
        let path = format!("deployments/{}/statuses", handle.id);
        let _answer: Value = self.post(&path, &body).await?;
        Ok(())
    }

    /// The newest state of a deployment; `None` when it has none, or one that we never set.
    pub async fn state_of(&self, handle: DeploymentHandle) -> Result<Option<State>, ApiError> {
        let path = format!("deployments/{}/statuses?per_page=1", handle.id);
        let newest: Vec<Status> = self.get(&path).await?;
        Ok(newest.first().and_then(|status| {
            let state = Value::String(status.state.clone());
            serde_json::from_value(state).ok()
        }))
    }

    /// Marks the deployment of the same app that was live before `now` as inactive.
    pub async fn retire_previous(
        &self,
        now: DeploymentHandle,
        about: &Deployment<'_>,
    ) -> Result<(), ApiError> {
        let environment = query_value(about.environment);
        let path = format!("deployments?environment={environment}&per_page={LOOK_BACK}");
        let all: Vec<Earlier> = self.get(&path).await?;
        let ours = all
            .iter()
            .filter(|earlier| earlier.id != now.id && is_app(&earlier.payload, about.app));
        for earlier in ours {
            let path = format!("deployments/{}/statuses?per_page=1", earlier.id);
            let newest: Vec<Status> = self.get(&path).await?;
            if newest
                .first()
                .is_some_and(|status| status.state == "success")
            {
                let path = format!("deployments/{}/statuses", earlier.id);
                let body = json!({ "state": State::Inactive, "auto_inactive": false });
                let _answer: Value = self.post(&path, &body).await?;
                return Ok(());
            }
        }
        Ok(())
    }
}

/// A payload comes back as the object that was sent, or as its text.
fn is_app(payload: &Value, app: Option<&str>) -> bool {
    let parsed;
    let payload = match payload {
        Value::String(text) => {
            parsed = serde_json::from_str(text).unwrap_or(Value::Null);
            &parsed
        }
        other => other,
    };
    payload
        .as_object()
        .is_some_and(|fields| fields.get("app").is_some_and(|value| value.as_str() == app))
}

/// Percent-encodes everything that could end a query value.
fn query_value(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_records_of_the_same_app_are_ours() {
        let payload = json!({ "app": "parking" });
        assert!(is_app(&payload, Some("parking")));
        assert!(is_app(&json!(payload.to_string()), Some("parking")));
        assert!(is_app(&json!({ "app": null }), None));
        for other in [json!({ "app": "hello" }), json!({}), json!(""), Value::Null] {
            assert!(!is_app(&other, Some("parking")), "{other}");
            assert!(!is_app(&other, None), "{other}");
        }
    }

    #[test]
    fn an_environment_stays_one_query_value() {
        assert_eq!(query_value("production"), "production");
        assert_eq!(query_value("a&b=c d/운"), "a%26b%3Dc%20d%2F%EC%9A%B4");
    }
}
