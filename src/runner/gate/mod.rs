//! Whether an event asks for a deploy: `docs/gate.md` has every answer in a table.
//!
//! [`passing`] is the way through: [`decide`] reads the event alone and is pure, [`secrets`] finds the runs that GitHub
//! gives no secrets, and [`questions`] are what only the workspace and GitHub can answer. All of it is closed
//! whenever in doubt: what is missing, unknown or not answered is never a yes.

pub(super) mod checks;
mod dispatch;
pub(super) mod dispatched;
mod labeled;
pub(super) mod passing;
pub mod questions;
pub(super) mod reviews;
pub mod secrets;
mod show;
pub(super) mod standing;
mod workspace;

use std::fmt;

use serde_json::Value;

use super::event::{Facts, Unusable};
use crate::config::types::GateConfig;
use crate::error::Reason;

/// What the gate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Deploy this.
    Go(Facts),
    /// Do not.
    No(Refusal),
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The stable word.
    pub reason: Reason,
    /// For a person.
    pub text: String,
}

impl Refusal {
    pub(super) fn new(reason: Reason, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { reason, text }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused ({}): {}", self.reason, self.text)
    }
}

impl From<Unusable> for Refusal {
    fn from(unusable: Unusable) -> Self {
        Self::new(Reason::UnreadableEvent, unusable.to_string())
    }
}

/// Goes for a `pull_request` event that puts the configured label on an open pull request of this
/// repository to the configured base, and for a `workflow_dispatch` that names a commit.
/// Where that commit is, only GitHub knows: [`questions`] ask.
pub fn decide(gate: &GateConfig, event_name: &str, payload: &Value) -> Decision {
    let asked = match event_name {
        "pull_request" => labeled::asked(gate, payload),
        "workflow_dispatch" => dispatch::asked(payload),
        "pull_request_target" => Err(Refusal::new(
            Reason::PullRequestTarget,
            "the event is `pull_request_target`, which builds the code of a pull request with the \
             secrets of the repository: write `on: pull_request` instead",
        )),
        "" => Err(wrong_event("there is no event")),
        name => Err(wrong_event(&format!(
            "the event is `{}`",
            show::short(name)
        ))),
    };
    match asked {
        Ok(facts) => Decision::Go(facts),
        Err(refusal) => Decision::No(refusal),
    }
}

fn wrong_event(what: &str) -> Refusal {
    let text = format!("{what}, and only `pull_request` and `workflow_dispatch` deploy");
    Refusal::new(Reason::WrongEvent, text)
}

#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod tests;
