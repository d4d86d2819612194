//! How a run ended.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{PinnedImage, ReleaseId};
use super::receipt::Receipt;
use super::slot::Slot;
use super::step::Step;
use crate::error::Failure;

/// The `outcome` output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The new release serves.
    Deployed,
    /// It was live already.
    Unchanged,
    /// The gate said no.
    Skipped,
    /// Stopped on request before commit.
    Cancelled,
    /// Failed before the app was touched; what it depends on may have been started.
    Failed,
    /// Failed and undone; the previous release serves.
    RolledBack,
    /// A person is needed.
    Stuck,
}

impl Outcome {
    /// The name in outputs and results.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::RolledBack => "rolled-back",
            Self::Stuck => "stuck",
        }
    }

    /// Whether the release that was asked for serves.
    #[must_use]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Deployed | Self::Unchanged)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The agent's last word on a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    pub outcome: Outcome,
    /// The stable reason code.
    pub reason: String,
    /// What now takes traffic.
    pub live: Option<LiveRelease>,
    /// What took traffic before.
    pub previous: Option<LiveRelease>,
    /// The step that failed, with why.
    pub failed: Option<(Step, Failure)>,
    /// What was served while traffic moved.
    pub receipt: Receipt,
}

/// A release in a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveRelease {
    pub slot: Slot,
    /// The compose service of that slot.
    pub service: String,
    /// The release; `None` for a container that was not started by us.
    pub release: Option<ReleaseId>,
    /// The image; `None` when it has no digest in a registry.
    pub image: Option<PinnedImage>,
}
