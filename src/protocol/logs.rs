//! What of a slot's log is wanted.

use serde::{Deserialize, Serialize};

use super::ids::DeploymentId;
use super::plan::Site;

/// Which lines, from which slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogOrder {
    /// The app and its host.
    pub site: Site,
    pub slot: WantedSlot,
    /// Where it begins; from the first line that Docker still has if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<LogStart>,
    /// The last so many lines; all of them if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<u32>,
    pub ends: LogEnd,
}

/// The slot that is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WantedSlot {
    /// The one that takes traffic.
    Live,
    /// The one that does not: the release before, or one that failed.
    Idle,
    /// By the name of its service, or as `slots` has it.
    Named(String),
}

/// The first moment whose lines are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogStart {
    /// So many milliseconds ago.
    AgoMs(u64),
    /// When this deployment began.
    Deployment(DeploymentId),
}

/// When there are no more lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogEnd {
    /// At the last one that there is now.
    Now,
    /// When the container ends, or nobody listens any more.
    Followed,
}
