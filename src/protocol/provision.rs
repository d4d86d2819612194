//! What `provision` is asked for and what it answers.

use serde::{Deserialize, Serialize};

use super::ids::ServerName;
use super::plan::Site;

/// How a host is to be prepared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provision {
    /// The app and its host.
    pub site: Site,
    /// The name people type, for a site file of our own; not needed where a `server` block uses the include already.
    pub server_name: Option<ServerName>,
    /// Whether anything is changed.
    pub mode: ProvisionMode,
    /// Whether lines of the user's own are changed.
    #[serde(default)]
    pub own_lines: OwnLines,
}

/// What may be done to lines of the user's own, should the lossless switch need it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OwnLines {
    /// Nothing: the edit is shown.
    #[default]
    Keep,
    Edit,
}

/// Whether anything is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProvisionMode {
    Apply,
    /// No: the changes are only told.
    DryRun,
}

/// One thing that is, or would be, changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What, as a path or a name.
    pub what: String,
    /// To what end, in a few words.
    pub why: String,
    /// Where the old bytes are kept; `None` when there were none.
    pub backup: Option<String>,
    /// The lines of the user's own that are changed, as `diff -U0` has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diff: Vec<String>,
}
