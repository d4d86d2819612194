//! The file that a workflow finds at `GITHUB_EVENT_PATH`: a `pull_request` webhook payload.

use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::pull::Pull;
use crate::shape::{self, Account};

/// A `pull_request` event about to be written: `labeled`, until told otherwise.
#[derive(Debug, Clone)]
pub struct Event {
    pull: Pull,
    action: String,
    label: String,
    sender: String,
    api: String,
}

impl Event {
    /// Somebody put `label` on `pull`, which carries it from then on.
    #[must_use]
    pub fn labeled(pull: Pull, label: &str) -> Self {
        let pull = if pull.labels.iter().any(|have| have == label) {
            pull
        } else {
            pull.label(label)
        };
        Self {
            sender: pull.author.clone(),
            pull,
            action: "labeled".to_owned(),
            label: label.to_owned(),
            api: shape::API.to_owned(),
        }
    }

    /// Another action: `synchronize`, `opened`, … All but `labeled` and `unlabeled` name no label.
    #[must_use]
    pub fn action(mut self, action: &str) -> Self {
        action.clone_into(&mut self.action);
        if action == "unlabeled" {
            self.pull.labels.retain(|have| *have != self.label);
        }
        self
    }

    /// Who did it: the pull request's author, until told otherwise.
    #[must_use]
    pub fn sender(mut self, login: &str) -> Self {
        login.clone_into(&mut self.sender);
        self
    }

    /// The API that the payload's addresses name.
    #[must_use]
    pub fn api(mut self, url: &str) -> Self {
        url.trim_end_matches('/').clone_into(&mut self.api);
        self
    }

    /// The payload.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let api = &self.api;
        let account = if self.sender.ends_with("[bot]") {
            Account::Bot
        } else {
            Account::User
        };
        let mut event = json!({
            "action": self.action,
            "number": self.pull.number,
            "pull_request": self.pull.to_json(api),
            "repository": self.pull.repository_json(api),
            "organization": shape::organization(api, &self.pull.owner),
            "sender": shape::user(api, &self.sender, account),
        });
        if matches!(self.action.as_str(), "labeled" | "unlabeled")
            && let Some(fields) = event.as_object_mut()
        {
            let label = shape::label(api, &self.pull.repository(), &self.label);
            fields.insert("label".to_owned(), label);
        }
        event
    }

    /// Writes the payload to a file, indented as the real runner does.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let json = serde_json::to_vec_pretty(&self.to_json())?;
        std::fs::write(path, json).with_context(|| format!("write `{}`", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use octocrab::models::webhook_events::payload::PullRequestWebhookEventAction;
    use octocrab::models::webhook_events::{WebhookEvent, WebhookEventPayload};

    use super::*;
    use crate::pull::Stage;

    const LABEL: &str = "🎅🏼deploy";

    #[test]
    fn a_labeled_event_is_githubs_own_shape() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("event.json");
        let sha = "0123456789abcdef0123456789abcdef01234567";
        let pull = Pull::new("octo-org/pct-backend", 7)
            .head("greet", sha)
            .label("bug");
        Event::labeled(pull, LABEL)
            .sender("maintainer")
            .write(&file)
            .unwrap();
        let bytes = std::fs::read(&file).unwrap();
        assert!(bytes.len() > 15_000, "{} bytes", bytes.len());

        let event = WebhookEvent::try_from_header_and_body("pull_request", &bytes).unwrap();
        assert_eq!(event.sender.unwrap().login, "maintainer");
        assert_eq!(
            event.repository.unwrap().full_name.unwrap(),
            "octo-org/pct-backend"
        );
        let WebhookEventPayload::PullRequest(payload) = event.specific else {
            panic!("not a pull request: {:?}", event.kind)
        };
        assert_eq!(payload.action, PullRequestWebhookEventAction::Labeled);
        assert_eq!(
            (payload.number, payload.label.unwrap().name.as_str()),
            (7, LABEL)
        );
        let pull = payload.pull_request;
        assert_eq!(
            (pull.head.sha.as_str(), pull.base.ref_field.as_str()),
            (sha, "main")
        );
        let labels: Vec<_> = pull
            .labels
            .unwrap()
            .into_iter()
            .map(|label| label.name)
            .collect();
        assert_eq!(labels, ["bug", LABEL]);
        assert_eq!((pull.draft, pull.merged), (Some(false), Some(false)));
    }

    #[test]
    fn what_a_gate_must_refuse_can_be_built() {
        let fork = Event::labeled(Pull::new("o/r", 1).fork_of("mallory"), LABEL).to_json();
        let name = |event: &Value, end: &str| {
            event["pull_request"][end]["repo"]["full_name"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(
            (name(&fork, "head"), name(&fork, "base")),
            ("mallory/r".into(), "o/r".into())
        );
        assert_eq!(fork["pull_request"]["head"]["repo"]["fork"], true);

        let merged = Event::labeled(Pull::new("o/r", 1).stage(Stage::Merged), LABEL).to_json();
        assert_eq!(merged["pull_request"]["state"], "closed");
        assert_eq!(merged["pull_request"]["merged"], true);
        let draft = Event::labeled(Pull::new("o/r", 1).stage(Stage::Draft), LABEL).to_json();
        assert_eq!(draft["pull_request"]["draft"], true);

        let pushed = Event::labeled(Pull::new("o/r", 1), LABEL)
            .action("synchronize")
            .to_json();
        assert_eq!(pushed.get("label"), None);
    }
}
