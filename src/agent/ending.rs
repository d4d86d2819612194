//! From how the table ended to the last word on a run.

use super::journal::entry::Begun;
use super::saga::Ended;
use crate::error::Reason;
use crate::protocol::event::Happening;
use crate::protocol::outcome::{Failure, Finished, LiveRelease, Outcome};
use crate::protocol::place::RECOVER;
use crate::protocol::receipt::Receipt;
use crate::protocol::step::Step;

/// The same with the end of the new slot's log, when the watch took it back: it had no time to read one.
pub(super) fn with_log(mut ended: Ended, lines: Vec<String>) -> Ended {
    if let Ended::Undone {
        failed: Some((_, why)),
    } = &mut ended
        && why.reason == Reason::BakeFailed
        && why.log_tail.is_empty()
    {
        why.log_tail = lines;
    }
    ended
}

/// The last word. A step that changes nothing on the host and fails first means that the host is untouched.
pub(super) fn last_word(ended: Ended, begun: &Begun, receipt: Receipt) -> Finished {
    let previous = begun.previous.clone();
    let (outcome, reason, live, failed) = match ended {
        Ended::Committed { unfinished: None } => (
            Outcome::Deployed,
            Reason::Deployed,
            Some(new_release(begun)),
            None,
        ),
        Ended::Committed { unfinished } => {
            let live = Some(new_release(begun));
            (
                Outcome::Deployed,
                Reason::CleanupIncomplete,
                live,
                unfinished,
            )
        }
        Ended::Undone { failed: None } => (
            Outcome::RolledBack,
            Reason::Interrupted,
            previous.clone(),
            None,
        ),
        Ended::Undone {
            failed: Some((step, error)),
        } => {
            let outcome = match (error.reason, step) {
                (Reason::Cancelled, _) => Outcome::Cancelled,
                (_, Step::PullImage) => Outcome::Failed,
                (_, _) => Outcome::RolledBack,
            };
            (outcome, error.reason, previous.clone(), Some((step, error)))
        }
        // Whoever took over settles what is open.
        Ended::Stuck { at, why } if why.reason == Reason::Superseded => {
            (Outcome::Failed, Reason::Superseded, None, Some((at, why)))
        }
        Ended::Stuck { at, why } => (
            Outcome::Stuck,
            Reason::UndoFailed,
            None,
            Some((at, told(why))),
        ),
    };
    Finished {
        outcome,
        reason: reason.as_str().to_owned(),
        live,
        previous,
        failed,
        receipt,
    }
}

/// The last word on a run that changed nothing.
pub(super) fn early_word(
    outcome: Outcome,
    reason: Reason,
    live: Option<LiveRelease>,
    failed: Option<(Step, Failure)>,
) -> Happening {
    Happening::Finished(Box::new(Finished {
        outcome,
        reason: reason.as_str().to_owned(),
        live: live.clone(),
        previous: live,
        failed,
        receipt: Receipt::default(),
    }))
}

fn told(why: Failure) -> Failure {
    why.hint(format!(
        "fix the cause, then run `{RECOVER}` on the host; new deploys are blocked until that succeeds"
    ))
}

fn new_release(begun: &Begun) -> LiveRelease {
    LiveRelease {
        slot: begun.slot,
        service: begun.slots.get(begun.slot).service.to_string(),
        release: Some(begun.release.clone()),
        image: Some(begun.image.clone()),
    }
}
