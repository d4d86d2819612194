//! The result object: the `result` output and what `--json` prints.
//!
//! Version 1. Fields may be added; none is renamed or removed within a version. What is unknown
//! is `null`. The schema is described in `docs/result.md`.

use serde::{Deserialize, Serialize};

use super::ids::{DeploymentId, Digest, PinnedImage, ReleaseId};
use super::outcome::Outcome;
use super::receipt::Receipt;
use super::slot::PerSlot;
use crate::error::Failure;

/// The version of [`RunResult`].
pub const RESULT_VERSION: u32 = 1;

/// Everything a run has to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// [`RESULT_VERSION`].
    pub version: u32,
    pub outcome: Outcome,
    /// Why, as a stable code.
    pub reason_code: String,
    /// The release that was to be deployed.
    pub release: Option<ReleaseId>,
    pub image: Option<PinnedImage>,
    pub digest: Option<Digest>,
    /// The compose service that serves now.
    pub slot: Option<String>,
    /// The compose service that served before.
    pub previous_slot: Option<String>,
    /// The release that served before.
    pub previous_release: Option<ReleaseId>,
    /// What the slots are called, as far as the host said; for reports alone.
    #[serde(skip)]
    pub slots: PerSlot<Option<String>>,
    /// The whole run, seconds with milliseconds.
    pub took_seconds: f64,
    /// Requests served while traffic moved; `null` when not measured.
    pub requests_total: Option<u64>,
    /// Those of them that failed; `null` when not measured.
    pub requests_failed: Option<u64>,
    /// This run, as the host's records name it.
    pub deployment_id: Option<DeploymentId>,
    /// Whether Slack took the message; `null` when Slack is not set up.
    pub slack_sent: Option<bool>,
    /// The runner's phases, then the host's steps, in order.
    pub steps: Vec<StageResult>,
    /// What was served, lost and used.
    pub receipt: Receipt,
    /// The phase or step that failed, with why.
    pub failure: Option<FailedStage>,
}

/// One row of the timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageResult {
    /// The phase or step.
    pub name: String,
    /// From the start of the run, seconds.
    pub started_at: f64,
    /// Its wall-clock time, seconds.
    pub seconds: f64,
    pub outcome: StepOutcome,
}

/// How a phase or step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepOutcome {
    Done,
    Failed,
    /// Done and then undone.
    Undone,
    /// The run ended while it was at work.
    Cancelled,
}

/// What failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailedStage {
    /// The phase or step; `null` when it was none of them.
    pub name: Option<String>,
    pub failure: Failure,
}
