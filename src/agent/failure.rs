//! From an effect that failed to what a person reads.

use std::fmt::Display;

use crate::error::Reason;
use crate::host::HostResult;
use crate::host::error::{HostError, Trouble};
use crate::protocol::outcome::Failure;

/// Why a step ended badly; crosses to the runner as [`Failure`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StepError {
    pub(super) reason: Reason,
    pub(super) chain: Vec<String>,
    pub(super) hints: Vec<String>,
    pub(super) log_tail: Vec<String>,
}

pub(super) type StepResult<T> = Result<T, StepError>;

impl StepError {
    pub(super) fn new(reason: Reason, what: impl Into<String>) -> Self {
        Self {
            reason,
            chain: vec![what.into()],
            hints: Vec::new(),
            log_tail: Vec::new(),
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds the cause below it.
    pub(super) fn because(mut self, cause: impl Into<String>) -> Self {
        self.chain.push(cause.into());
        self
    }

    pub(super) fn log_tail(mut self, lines: Vec<String>) -> Self {
        self.log_tail = lines;
        self
    }

    /// A cancel that arrived before commit.
    pub(super) fn cancelled() -> Self {
        Self::new(Reason::Cancelled, "the run was cancelled before commit")
    }

    /// An effect failed; a full disk keeps its own reason whatever the step.
    fn host(reason: Reason, what: String, error: &HostError) -> Self {
        let reason = if error.trouble == Trouble::DiskFull {
            Reason::DiskFull
        } else {
            reason
        };
        let mut chain = vec![what, error.to_string()];
        let mut next = std::error::Error::source(error);
        while let Some(cause) = next {
            chain.push(cause.to_string());
            next = cause.source();
        }
        let mut failure = Self {
            reason,
            chain,
            hints: Vec::new(),
            log_tail: error.output_lines().to_vec(),
        };
        if let Some(hint) = hint_for(error.trouble) {
            failure.hints.push(hint.to_owned());
        }
        failure
    }

    /// A failure that was read back from a journal.
    pub(super) fn from_failure(failure: Failure) -> Self {
        Self {
            reason: Reason::parse(&failure.reason),
            chain: failure.chain,
            hints: failure.hints,
            log_tail: failure.log_tail,
        }
    }

    pub(super) fn into_failure(self) -> Failure {
        Failure {
            reason: self.reason.as_str().to_owned(),
            chain: self.chain,
            hints: self.hints,
            log_tail: self.log_tail,
        }
    }
}

/// From an effect to a step.
pub(super) trait HostResultExt<T> {
    /// Says what could not be done, and for what reason the run ends then.
    fn during(self, reason: Reason, what: impl Display) -> StepResult<T>;
}

impl<T> HostResultExt<T> for HostResult<T> {
    fn during(self, reason: Reason, what: impl Display) -> StepResult<T> {
        self.map_err(|error| StepError::host(reason, what.to_string(), &error))
    }
}

/// More about a step that may have failed.
pub(super) trait StepResultExt {
    /// Says what to type or write next, should it have failed.
    fn hint(self, hint: impl Display) -> Self;
}

impl<T> StepResultExt for StepResult<T> {
    fn hint(self, hint: impl Display) -> Self {
        self.map_err(|error| error.hint(hint.to_string()))
    }
}

fn hint_for(trouble: Trouble) -> Option<&'static str> {
    match trouble {
        Trouble::DiskFull => Some(
            "free some space on the host: `docker system df`, `docker image prune -a`, `df -h`",
        ),
        Trouble::Unauthorized => Some("check `registry-username` and `registry-password`"),
        Trouble::Denied
        | Trouble::Missing
        | Trouble::Unavailable
        | Trouble::TimedOut
        | Trouble::Refused
        | Trouble::Other => None,
    }
}
