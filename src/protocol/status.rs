//! What `status` and `history` answer.

use serde::{Deserialize, Serialize};

use super::ids::{DeploymentId, PinnedImage, ReleaseId};
use super::outcome::{LiveRelease, Outcome};
use super::plan::Origin;
use super::slot::Slot;

/// What is on the host now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The app.
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
}

/// One slot now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlotStatus {
    /// Which.
    pub slot: Slot,
    /// Its compose service.
    pub service: String,
    /// Its port on the host.
    pub port: u16,
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
    /// The release.
    pub release: ReleaseId,
    /// Its image.
    pub image: PinnedImage,
    /// When it last went live, milliseconds since the Unix epoch.
    pub at_ms: u64,
}

/// A finished deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// Which.
    pub deployment: DeploymentId,
    /// When it began, milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
    /// The release it was about.
    pub release: Option<ReleaseId>,
    /// How long it took on the host, milliseconds.
    pub took_ms: u64,
    /// Where it came from.
    pub origin: Origin,
}
