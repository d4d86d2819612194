//! The deployment record and its states.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{ApiError, Github};
use super::encoded::path_part;
use crate::clients::text;
use crate::protocol::ids::Commit;

/// The longest description of a status.
const MAX_DESCRIPTION: usize = 140;

/// How many earlier deployments are looked at to find those that still count as live.
const LOOK_BACK: usize = 30;

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

    pub fn id(self) -> u64 {
        self.id
    }
}

/// What a deployment record says.
#[derive(Debug, Clone, Copy)]
pub struct Deployment<'a> {
    pub environment: &'a str,
    /// Where the app answers.
    pub environment_url: Option<&'a str>,
    /// The app, which tells our records from others of the same environment.
    pub app: Option<&'a str>,
    pub log_url: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentState {
    InProgress,
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
struct DeploymentStatus {
    state: String,
}

impl Github {
    /// Creates the record of this run for `commit`, or finds it when it is there already. `run` tells
    /// this run from every other one.
    pub async fn create_deployment(
        &self,
        about: &Deployment<'_>,
        commit: &Commit,
        run: &str,
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
            "payload": { "app": about.app, "run": run },
        });
        let find = async || self.find_own(about, commit, run).await;
        // A look that fails is no reason to create nothing: the call itself says what is wrong.
        let found = Box::pin(find()).await.ok().flatten();
        let own = match found {
            Some(own) => own,
            None => Box::pin(self.post("deployments", &body, find)).await?,
        };
        Ok(DeploymentHandle { id: own.id })
    }

    /// The record of this run that has no final state yet.
    async fn find_own(
        &self,
        about: &Deployment<'_>,
        commit: &Commit,
        run: &str,
    ) -> Result<Option<Created>, ApiError> {
        let environment = path_part(about.environment);
        let path =
            format!("deployments?environment={environment}&sha={commit}&per_page={LOOK_BACK}");
        let all: Vec<Earlier> = self.get(&path).await?;
        let own = all.iter().find(|earlier| {
            let payload = fields(&earlier.payload);
            payload.is_of(about.app) && payload.run.as_deref() == Some(run)
        });
        let Some(own) = own else {
            return Ok(None);
        };
        Ok(match self.state_of(own.id).await?.as_deref() {
            None | Some("in_progress" | "queued" | "pending") => Some(Created { id: own.id }),
            Some(_) => None,
        })
    }

    pub async fn set_state(
        &self,
        handle: DeploymentHandle,
        about: &Deployment<'_>,
        state: DeploymentState,
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
        self.add_status(handle.id, state, &body).await
    }

    /// The newest state of a deployment; `None` when it has none, or one that we never set.
    pub async fn newest_state(
        &self,
        handle: DeploymentHandle,
    ) -> Result<Option<DeploymentState>, ApiError> {
        let newest = self.state_of(handle.id).await?;
        Ok(newest.and_then(|state| serde_json::from_value(Value::String(state)).ok()))
    }

    /// Marks the deployments of the same app that were live before `now` as inactive.
    pub async fn retire_previous(
        &self,
        now: DeploymentHandle,
        about: &Deployment<'_>,
    ) -> Result<(), ApiError> {
        let environment = path_part(about.environment);
        let path = format!("deployments?environment={environment}&per_page={LOOK_BACK}");
        let all: Vec<Earlier> = self.get(&path).await?;
        let ours = all
            .iter()
            .filter(|earlier| earlier.id != now.id && fields(&earlier.payload).is_of(about.app));
        for earlier in ours {
            match self.state_of(earlier.id).await?.as_deref() {
                Some("success") => {
                    let body =
                        json!({ "state": DeploymentState::Inactive, "auto_inactive": false });
                    self.add_status(earlier.id, DeploymentState::Inactive, &body)
                        .await?;
                }
                // The run after that one has been here and saw to everything before it.
                Some("inactive") => return Ok(()),
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    async fn add_status(
        &self,
        id: u64,
        state: DeploymentState,
        body: &Value,
    ) -> Result<(), ApiError> {
        let path = format!("deployments/{id}/statuses");
        let find = async || {
            let there = self.state_of(id).await?;
            let wanted = json!(state);
            Ok(there
                .filter(|there| wanted == there.as_str())
                .map(Value::from))
        };
        let _answer = Box::pin(self.post(&path, body, find)).await?;
        Ok(())
    }

    async fn state_of(&self, id: u64) -> Result<Option<String>, ApiError> {
        let path = format!("deployments/{id}/statuses?per_page=1");
        let newest: Vec<DeploymentStatus> = self.get(&path).await?;
        Ok(newest.into_iter().next().map(|status| status.state))
    }
}

/// What we wrote into a record, to know it again.
#[derive(Debug, Default, PartialEq, Eq)]
struct DeploymentPayload {
    /// `None` in records of others; `Some(None)` in ours when the app has no name.
    app: Option<Option<String>>,
    run: Option<String>,
}

impl DeploymentPayload {
    fn is_of(&self, app: Option<&str>) -> bool {
        self.app
            .as_ref()
            .is_some_and(|named| named.as_deref() == app)
    }
}

/// A payload comes back as the object that was sent, or as its text.
fn fields(payload: &Value) -> DeploymentPayload {
    let parsed;
    let payload = match payload {
        Value::String(text) => {
            parsed = serde_json::from_str(text).unwrap_or(Value::Null);
            &parsed
        }
        other => other,
    };
    let text = |key: &str| Some(payload.get(key)?.as_str()?.to_owned());
    DeploymentPayload {
        app: payload
            .get("app")
            .map(|app| app.as_str().map(str::to_owned)),
        run: text("run"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_records_of_the_same_app_are_ours() {
        let is_app = |payload: &Value, app| fields(payload).is_of(app);
        let payload = json!({ "app": "parking", "run": "42/1/deploy" });
        assert!(is_app(&payload, Some("parking")));
        assert!(is_app(&json!(payload.to_string()), Some("parking")));
        assert_eq!(fields(&payload).run.as_deref(), Some("42/1/deploy"));
        assert!(is_app(&json!({ "app": null }), None));
        for other in [json!({ "app": "hello" }), json!({}), json!(""), Value::Null] {
            assert!(!is_app(&other, Some("parking")), "{other}");
            assert!(!is_app(&other, None), "{other}");
        }
    }
}
