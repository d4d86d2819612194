//! From an effect that failed to what a person reads.

use std::fmt::Display;

use crate::error::{Failure, Reason};
use crate::host::HostResult;
use crate::host::error::{HostError, Trouble};

pub(super) type StepResult<T> = Result<T, Failure>;

/// From an effect to a step.
pub(super) trait HostResultExt<T> {
    /// Says what could not be done, and for what reason the run ends then. A full disk is a reason of its own, whatever
    /// the step.
    fn during(self, reason: Reason, what: impl Display) -> StepResult<T>;
}

impl<T> HostResultExt<T> for HostResult<T> {
    fn during(self, reason: Reason, what: impl Display) -> StepResult<T> {
        self.map_err(|error| failure(reason, what.to_string(), error))
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

fn failure(reason: Reason, what: String, error: HostError) -> Failure {
    let reason = if error.trouble == Trouble::DiskFull {
        Reason::DiskFull
    } else {
        reason
    };
    let hint = hint_for(error.trouble);
    let lines = error.output_lines().to_vec();
    let mut failure = Failure::new(reason, what).because(error);
    failure.hints.extend(hint.map(str::to_owned));
    failure.log_tail(lines)
}

fn hint_for(trouble: Trouble) -> Option<&'static str> {
    match trouble {
        Trouble::DiskFull => Some(
            "free some space on the host: `docker system df`, `docker image prune -a`, `df -h`",
        ),
        Trouble::Unauthorized => {
            Some("check `registry-username` and `registry-password`, or its line in `registries`")
        }
        _ => None,
    }
}
