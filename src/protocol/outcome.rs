//! How a run ended.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{PinnedImage, ReleaseId};
use super::receipt::Receipt;
use super::slot::Slot;
use super::step::Step;
use crate::error::Reason;

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

/// Why something failed: the same from the step that failed to whoever shows it. Carries no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The stable reason code.
    #[serde(with = "reason_code")]
    pub reason: Reason,
    /// What failed and every cause below it, outermost first. Trusted text.
    pub chain: Vec<String>,
    /// What to do next.
    pub hints: Vec<String>,
    /// The last lines of whatever explains it, oldest first. Untrusted text.
    pub log_tail: Vec<String>,
}

impl Failure {
    /// A failure; `what` is a lower-case fragment without a full stop.
    pub fn new(reason: Reason, what: impl Into<String>) -> Self {
        Self {
            reason,
            chain: vec![what.into()],
            hints: Vec::new(),
            log_tail: Vec::new(),
        }
    }

    /// A cancel that arrived before commit.
    pub fn cancelled() -> Self {
        Self::new(Reason::Cancelled, "the run was cancelled before commit")
    }

    /// Adds the cause below it.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.chain.push(cause.into());
        self
    }

    /// Adds what to type or write next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Sets the last lines of whatever explains it.
    #[must_use]
    pub fn log_tail(mut self, lines: Vec<String>) -> Self {
        self.log_tail = lines;
        self
    }

    /// The chain as one line.
    pub fn summary(&self) -> String {
        self.chain.join(": ")
    }
}

mod reason_code {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::error::Reason;

    pub(super) fn serialize<S: Serializer>(reason: &Reason, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(reason.as_str())
    }

    /// A code of another version is an `internal-error`.
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Reason, D::Error> {
        String::deserialize(from).map(|code| Reason::parse(&code))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_crosses_the_wire_as_its_code() {
        let failure = Failure::new(Reason::NeverHealthy, "it is not healthy");
        let text =
            r#"{"reason":"never-healthy","chain":["it is not healthy"],"hints":[],"log_tail":[]}"#;
        assert_eq!(serde_json::to_string(&failure).unwrap(), text);
        assert_eq!(serde_json::from_str::<Failure>(text).unwrap(), failure);
        let newer = text.replace("never-healthy", "never-heard-of");
        let newer: Failure = serde_json::from_str(&newer).unwrap();
        assert_eq!(newer.reason, Reason::InternalError);
    }
}
