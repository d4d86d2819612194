//! From how a run ended to its result.

use super::cancel::{Cancel, Cancelled};
use super::follow::Followed;
use crate::error::{Error, ExitCode, Reason};
use crate::protocol::outcome::Outcome;
use crate::protocol::receipt::Receipt;
use crate::protocol::result::{FailedStage, RESULT_VERSION, RunResult, StepOutcome};
use crate::protocol::slot::{PerSlot, Slot};
use crate::protocol::status::Status;
use crate::report::Reporter;

/// A swap that ended with the agent's last word.
pub(super) fn finished(reporter: &Reporter, followed: Followed) -> RunResult {
    let Followed {
        release,
        image,
        new,
        finished,
    } = followed;
    let previous = finished.previous;
    let named = [&finished.live, &previous].map(|live| {
        let live = live.as_ref()?;
        Some((live.slot, live.service.clone()))
    });
    let names: Vec<(Slot, String)> = named.into_iter().chain([new]).flatten().collect();
    let slots = PerSlot::of(|slot| {
        let mut of_slot = names.iter().filter(|(named, _)| *named == slot);
        of_slot.next().map(|(_, name)| name.clone())
    });
    RunResult {
        release,
        digest: image.as_ref().map(|image| image.digest.clone()),
        image,
        slot: finished.live.map(|live| live.service),
        previous_slot: previous.as_ref().map(|previous| previous.service.clone()),
        previous_release: previous.and_then(|previous| previous.release),
        slots,
        requests_total: finished.receipt.requests_total(),
        requests_failed: finished.receipt.requests_failed(),
        receipt: finished.receipt,
        failure: finished.failed.map(|(step, failure)| FailedStage {
            name: Some(step.as_str().to_owned()),
            failure,
        }),
        ..empty(reporter, finished.outcome, Reason::parse(&finished.reason))
    }
}

/// A run that ended before the agent had its last word.
pub(super) fn failed(reporter: &Reporter, error: &Error) -> RunResult {
    let outcome = match error.code() {
        ExitCode::Interrupted | ExitCode::Terminated => Outcome::Cancelled,
        ExitCode::Stuck => Outcome::Stuck,
        _ => Outcome::Failed,
    };
    if outcome == Outcome::Cancelled {
        reporter.cancelled();
    }
    let run = empty(reporter, outcome, error.reason());
    let at = run
        .steps
        .iter()
        .find(|step| step.outcome == StepOutcome::Failed);
    let name = at.map(|step| step.name.clone());
    RunResult {
        failure: Some(FailedStage {
            name,
            failure: error.failure().clone(),
        }),
        ..run
    }
}

/// A run that was asked to end and left a host at work. What comes after the commit is only tidying up.
pub(super) fn left_alone(reporter: &Reporter, cancel: &Cancel) -> RunResult {
    let by_itself = "see how it ended with `pct-deploy status` and `pct-deploy history`";
    let code = cancel
        .now()
        .map_or(ExitCode::Terminated, Cancelled::exit_code);
    if !reporter.has_committed() {
        let what = "cancelled; the host is still finishing and will complete on its own";
        return failed(
            reporter,
            &Error::new(code, Reason::Cancelled, what).hint(by_itself),
        );
    }
    reporter.cancelled();
    let what = "cancelled after the commit; the host cleans up on its own";
    let error = Error::new(code, Reason::CleanupIncomplete, what).hint(by_itself);
    RunResult {
        failure: Some(FailedStage {
            name: None,
            failure: error.failure().clone(),
        }),
        ..empty(reporter, Outcome::Deployed, Reason::CleanupIncomplete)
    }
}

/// A run that the gate did not let through.
pub(super) fn skipped(reporter: &Reporter, reason: Reason) -> RunResult {
    empty(reporter, Outcome::Skipped, reason)
}

/// A dry run that found nothing wrong.
pub(super) fn dry_run(reporter: &Reporter, status: &Status) -> RunResult {
    let live = status.live.as_ref();
    RunResult {
        slot: live.map(|live| live.service.clone()),
        release: live.and_then(|live| live.release.clone()),
        image: live.and_then(|live| live.image.clone()),
        ..empty(reporter, Outcome::Skipped, Reason::DryRun)
    }
}

fn empty(reporter: &Reporter, outcome: Outcome, reason: Reason) -> RunResult {
    RunResult {
        version: RESULT_VERSION,
        outcome,
        reason_code: reason.as_str().to_owned(),
        release: None,
        image: None,
        digest: None,
        slot: None,
        previous_slot: None,
        previous_release: None,
        slots: PerSlot::default(),
        took_seconds: reporter.took().as_secs_f64(),
        requests_total: None,
        requests_failed: None,
        deployment_id: None,
        slack_sent: None,
        steps: reporter.steps(),
        receipt: Receipt::default(),
        failure: None,
    }
}

/// Prints why a run failed. A run that ended well can still have something to say; that is a warning
/// in its outcome line.
pub(super) fn print_failure(reporter: &Reporter, result: &RunResult, code: ExitCode) {
    let failed = result
        .failure
        .as_ref()
        .filter(|_| code != ExitCode::Success);
    if let Some(failed) = failed {
        reporter.error(&Error::from_failure(code, failed.failure.clone()));
    }
}
