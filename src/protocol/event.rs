//! What the agent says while it works.
//!
//! One JSON object a line, numbered from 1 without gaps; the same lines are kept in
//! `<app>/events/<deployment>.jsonl`. The last line of a finished run is `finished`.

use serde::{Deserialize, Serialize};

use super::ids::{DeploymentId, PinnedImage, ReleaseId};
use super::outcome::{Finished, Outcome};
use super::plan::{Intent, Origin};
use super::slot::Slot;
use super::step::Step;
use crate::error::Failure;

/// One line of the event stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Counts from 1.
    pub seq: u64,
    /// Host time, milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// What happened.
    pub what: Happening,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Happening {
    /// The lock is held by someone else; repeated while waiting.
    LockWaiting {
        /// Who holds it, as they wrote it down.
        holder: String,
    },
    /// The run holds the lock.
    Begun {
        deployment: DeploymentId,
        /// Where it came from.
        origin: Origin,
        /// What it is for; earlier versions did not say.
        #[serde(default)]
        intent: Option<Intent>,
    },
    /// An earlier run that was cut short was brought to its end first.
    Recovered {
        deployment: DeploymentId,
        outcome: Outcome,
    },
    /// The release and its slot are decided.
    Resolved {
        release: ReleaseId,
        image: PinnedImage,
        /// Where it goes.
        slot: Slot,
        /// The compose service of that slot.
        service: String,
    },
    StepStarted {
        step: Step,
    },
    /// A step says how far it is. Trusted text.
    StepProgress {
        step: Step,
        text: String,
    },
    /// A step is done.
    StepDone {
        step: Step,
        /// Its wall-clock time.
        elapsed_ms: u64,
    },
    StepFailed {
        step: Step,
        /// Its wall-clock time.
        elapsed_ms: u64,
        failure: Failure,
    },
    /// From here only forward.
    Committed,
    /// The undo of a step begins.
    UndoStarted {
        step: Step,
    },
    /// A step is undone.
    Undone {
        step: Step,
    },
    UndoFailed {
        step: Step,
        failure: Failure,
    },
    /// A line that compose, nginx or the app printed. Untrusted.
    Output {
        source: String,
        /// The line, without its end.
        line: String,
    },
    /// Something a person should know although the run goes on.
    Warning {
        text: String,
        /// What to do about it.
        hint: String,
    },
    /// The run is over.
    Finished(Box<Finished>),
    /// Written by a newer version; skipped.
    #[serde(other)]
    Unknown,
}

impl Happening {
    /// Whether it is the last word on a run.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Finished(_))
    }

    /// Whether it must survive a power cut, because `history` and `rollback` read it. The journal has what recovery
    /// needs; all others are for people.
    pub fn is_for_the_record(&self) -> bool {
        matches!(self, Self::Resolved { .. } | Self::Finished(_))
    }
}
