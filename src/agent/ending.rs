//! The last word on a run, from how it ended.

use super::journal::entry::Begun;
use super::saga::SagaOutcome;
use super::swap::Swap;
use super::table;
use crate::error::{Failure, Reason};
use crate::host::Host;
use crate::protocol::event::Happening;
use crate::protocol::outcome::{Finished, LiveRelease, Outcome};
use crate::protocol::place::RECOVER;
use crate::protocol::receipt::Receipt;
use crate::protocol::step::Step;

/// The same with the end of the new slot's log, when the watch took it back: it had no time to read one.
fn with_log(mut ended: SagaOutcome, lines: Vec<String>) -> SagaOutcome {
    if let SagaOutcome::Undone {
        failed: Some((_, why)),
    } = &mut ended
        && why.reason == Reason::BakeFailed
        && why.log_tail.is_empty()
    {
        why.log_tail = lines;
    }
    ended
}

/// The last word on a swap.
pub(super) fn last_word<H: Host>(
    swap: &Swap<'_, H>,
    ended: SagaOutcome,
    receipt: Receipt,
) -> Finished {
    let begun = swap.begun;
    let ended = with_log(ended, swap.last_lines.take());
    let previous = begun.previous.clone();
    let (outcome, reason, live, failed) = match ended {
        SagaOutcome::Committed { unfinished: None } => (
            Outcome::Deployed,
            Reason::Deployed,
            Some(new_release(begun)),
            None,
        ),
        SagaOutcome::Committed { unfinished } => {
            let live = Some(new_release(begun));
            (
                Outcome::Deployed,
                Reason::CleanupIncomplete,
                live,
                unfinished,
            )
        }
        SagaOutcome::Undone { failed: None } => (
            Outcome::RolledBack,
            Reason::Interrupted,
            previous.clone(),
            None,
        ),
        SagaOutcome::Undone {
            failed: Some((step, error)),
        } => {
            let outcome = match error.reason {
                Reason::Cancelled => Outcome::Cancelled,
                _ if table::is_harmless_up_to::<H>(step) => Outcome::Failed,
                _ => Outcome::RolledBack,
            };
            (outcome, error.reason, previous.clone(), Some((step, error)))
        }
        // Whoever took over settles what is open.
        SagaOutcome::Stuck { at, why } if why.reason == Reason::Superseded => {
            (Outcome::Failed, Reason::Superseded, None, Some((at, why)))
        }
        SagaOutcome::Stuck { at, why } => (
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
#[derive(Debug)]
pub(super) struct Early(Box<Finished>);

impl Early {
    pub(super) fn new(outcome: Outcome, reason: Reason, failed: Option<(Step, Failure)>) -> Self {
        Self(Box::new(Finished {
            outcome,
            reason: reason.as_str().to_owned(),
            live: None,
            previous: None,
            failed,
            receipt: Receipt::default(),
        }))
    }

    /// What was asked for is live already.
    pub(super) fn unchanged(live: Option<LiveRelease>) -> Self {
        Self::new(Outcome::Unchanged, Reason::AlreadyLive, None).with_live(live)
    }

    /// An earlier run cannot be settled: nothing new may begin. Stuck, unless this run could not even look.
    pub(super) fn blocked(error: Failure) -> Self {
        let outcome = match error.reason {
            Reason::UndoFailed | Reason::JournalDamaged | Reason::OtherVersion => Outcome::Stuck,
            _ => Outcome::Failed,
        };
        Self::new(outcome, error.reason, Some((Step::Preflight, error)))
    }

    /// With what takes traffic, and goes on doing so.
    pub(super) fn with_live(mut self, live: Option<LiveRelease>) -> Self {
        self.0.live.clone_from(&live);
        self.0.previous = live;
        self
    }

    pub(super) fn word(self) -> Happening {
        Happening::Finished(self.0)
    }
}

impl From<(Step, Failure)> for Early {
    fn from((step, error): (Step, Failure)) -> Self {
        let outcome = match error.reason {
            Reason::Cancelled => Outcome::Cancelled,
            _ => Outcome::Failed,
        };
        Self::new(outcome, error.reason, Some((step, error)))
    }
}

impl From<Failure> for Early {
    fn from(error: Failure) -> Self {
        (Step::Preflight, error).into()
    }
}

fn told(why: Failure) -> Failure {
    why.hint(format!(
        "fix the cause, then run `{RECOVER}` on the host; new deploys are blocked until that succeeds"
    ))
}

fn new_release(begun: &Begun) -> LiveRelease {
    LiveRelease {
        slot: begun.slot,
        service: begun.slots.get(begun.slot).name().to_string(),
        release: Some(begun.release.clone()),
        image: Some(begun.image.clone()),
    }
}
