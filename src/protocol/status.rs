//! What `status` and `history` answer. `docs/status.md` describes it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{DeploymentId, PinnedImage, ReleaseId};
use super::outcome::{LiveRelease, Outcome};
use super::plan::{Intent, Origin};
use super::slot::Slot;
use super::step::Step;
use crate::error::Failure;

/// What is on the host now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    pub app: String,
    /// The slot that nginx sends requests to and whose container runs.
    pub live: Option<LiveRelease>,
    /// Both slots, in order.
    pub slots: Vec<SlotStatus>,
    /// Who holds the lock, when someone does.
    pub lock_holder: Option<String>,
    /// Releases that `rollback --to` accepts, newest first, the live one included.
    pub kept: Vec<KeptRelease>,
    /// The newest deployments, newest first.
    pub recent: Vec<Past>,
    /// How the one that was asked about ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
}

/// What a deployment said of its end.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The step that failed, with why.
    pub failed: Option<(Step, Failure)>,
    /// What a person was to know although the run went on, each with its hint.
    pub warnings: Vec<[String; 2]>,
}

/// One slot now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlotStatus {
    pub slot: Slot,
    pub service: String,
    /// Its port on the host.
    pub port: u16,
    /// The id of its container.
    #[serde(default)]
    pub container: Option<String>,
    /// The state of its container as Docker names it; `absent` without one.
    pub state: String,
    /// The release it was staged with.
    pub release: Option<ReleaseId>,
    /// Whether it answers its health check now.
    pub healthy: bool,
}

/// A release whose image is still on the host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptRelease {
    pub release: ReleaseId,
    pub image: PinnedImage,
    /// When it last went live, milliseconds since the Unix epoch.
    pub at_ms: u64,
}

/// How a deployment stands: its outcome, or why it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Standing {
    Ended(Outcome),
    /// It has no outcome.
    Unended(Unended),
}

/// A deployment without an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unended {
    /// It is at work now.
    Running,
    /// It waits for another one to end.
    Waiting,
    /// Its agent died and nobody has settled it, or there was nothing to settle.
    Interrupted,
    /// Its record cannot be read: damaged, or of another version.
    Unreadable,
}

impl Standing {
    /// Whether what it was about went live.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Ended(outcome) if outcome.is_live())
    }
}

impl From<Outcome> for Standing {
    fn from(outcome: Outcome) -> Self {
        Self::Ended(outcome)
    }
}

impl From<Unended> for Standing {
    fn from(unended: Unended) -> Self {
        Self::Unended(unended)
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ended(outcome) => outcome.as_str(),
            Self::Unended(Unended::Running) => "running",
            Self::Unended(Unended::Waiting) => "waiting",
            Self::Unended(Unended::Interrupted) => "interrupted",
            Self::Unended(Unended::Unreadable) => "unreadable",
        })
    }
}

/// A deployment of the past, or the one at work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Past {
    pub deployment: DeploymentId,
    /// When it began, milliseconds since the Unix epoch.
    pub at_ms: u64,
    pub outcome: Standing,
    /// Why, as a stable code; empty while it runs.
    pub reason: String,
    /// The release it was about.
    pub release: Option<ReleaseId>,
    /// How long it took on the host, milliseconds.
    pub took_ms: u64,
    /// Where it came from.
    pub origin: Origin,
    /// What it was for; `None` when its record does not say.
    #[serde(default)]
    pub intent: Option<Intent>,
    /// Why its record cannot be read, when it cannot.
    pub note: Option<String>,
    /// When it last said that it waits for the lock, if that was the last thing it said.
    #[serde(skip)]
    pub waits: Option<u64>,
}
