//! Results to exit codes.

use super::cancel::Cancelled;
use crate::error::{ExitCode, Reason};
use crate::protocol::outcome::Outcome;
use crate::protocol::result::RunResult;

/// The exit code of a run with this result.
pub(super) fn of(result: &RunResult, signal: Option<Cancelled>) -> ExitCode {
    code(result.outcome, Reason::parse(&result.reason_code), signal)
}

/// The exit code of a run that ended with `outcome` for `reason`; `signal` is what asked for an end.
fn code(outcome: Outcome, reason: Reason, signal: Option<Cancelled>) -> ExitCode {
    match outcome {
        Outcome::Deployed | Outcome::Unchanged | Outcome::Skipped => ExitCode::Success,
        Outcome::RolledBack => ExitCode::RolledBack,
        Outcome::Stuck => ExitCode::Stuck,
        Outcome::Cancelled => signal.map_or(ExitCode::Interrupted, Cancelled::exit_code),
        Outcome::Failed => reason.exit_code(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_the_documented_code() {
        let any = Reason::NeverHealthy;
        for (outcome, reason, signal, expected) in [
            (Outcome::Deployed, any, None, 0),
            (Outcome::Unchanged, any, None, 0),
            (Outcome::Skipped, Reason::WrongLabel, None, 0),
            (Outcome::Failed, Reason::InternalError, None, 1),
            (Outcome::Failed, Reason::InvalidSettings, None, 2),
            (Outcome::RolledBack, any, None, 3),
            (Outcome::Stuck, Reason::UndoFailed, None, 4),
            (Outcome::Failed, Reason::HostUnreachable, None, 5),
            (Outcome::Cancelled, any, Some(Cancelled::Interrupt), 130),
            (Outcome::Cancelled, any, Some(Cancelled::Terminate), 143),
            (Outcome::Deployed, any, Some(Cancelled::Interrupt), 0),
            (Outcome::RolledBack, any, Some(Cancelled::Terminate), 3),
        ] {
            assert_eq!(
                code(outcome, reason, signal) as i32,
                expected,
                "{outcome} {reason}"
            );
        }
    }
}
