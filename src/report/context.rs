//! What the run is about: facts from the event and the environment, gathered once.

use crate::protocol::ids::{AppName, Commit, SlotName};
use crate::protocol::slot::PerSlot;

/// Facts about the run for reports and tags. Everything from the event is untrusted text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunContext {
    /// The app, so that reports can name it before an image exists.
    pub app: Option<AppName>,
    /// The two compose services, so that figures of a slot can be named.
    pub slots: Option<PerSlot<SlotName>>,
    /// `owner/name`.
    pub repository: Option<String>,
    pub pull_request: Option<u64>,
    /// The pull request's head commit, or the one given by hand; never the merge commit.
    pub commit: Option<Commit>,
    /// The tag that the image was given, when it is not made from the commit.
    pub tag: Option<String>,
    /// The host, as people name it.
    pub place: Option<String>,
    /// Whether an earlier release is deployed again.
    pub is_rollback: bool,
    pub head_ref: Option<String>,
    /// Who set the label or started the run.
    pub actor: Option<String>,
    /// `pull_request`, …
    pub event_name: Option<String>,
    pub workflow: Option<String>,
    pub job: Option<String>,
    /// The action's name or `pct-deploy`.
    pub action: Option<String>,
    /// Where links go: `https://github.com`.
    pub server_url: Option<String>,
    /// The API's base address.
    pub api_url: Option<String>,
    pub run_id: Option<String>,
    /// The attempt, from 1.
    pub run_attempt: Option<String>,
}

impl RunContext {
    pub fn run_url(&self) -> Option<String> {
        let (server, repository) = (self.server_url.as_ref()?, self.repository.as_ref()?);
        Some(format!(
            "{server}/{repository}/actions/runs/{}",
            self.run_id.as_ref()?
        ))
    }

    /// What tells this run from every other one of the repository; `None` outside GitHub and act.
    pub fn run_key(&self) -> Option<String> {
        let attempt = self.run_attempt.as_deref().unwrap_or("1");
        let job = self.job.as_deref().unwrap_or_default();
        Some(format!("{}/{attempt}/{job}", self.run_id.as_ref()?))
    }

    pub fn pull_request_url(&self) -> Option<String> {
        let (server, repository) = (self.server_url.as_ref()?, self.repository.as_ref()?);
        Some(format!("{server}/{repository}/pull/{}", self.pull_request?))
    }

    pub fn commit_url(&self) -> Option<String> {
        let (server, repository) = (self.server_url.as_ref()?, self.repository.as_ref()?);
        let commit = self.commit.as_ref()?;
        Some(format!("{server}/{repository}/commit/{commit}"))
    }
}
