//! The engine: runs a table of steps, undoes them in reverse when one fails before commit, and only
//! goes forward after it. It knows nothing of docker or nginx.

use std::time::Duration;

use super::events::Events;
use super::failure::{StepError, StepResult};
use super::journal::{Entry, Illegal, Journal, Side};
use crate::error::Reason;
use crate::host::Host;
use crate::protocol::event::Happening;
use crate::protocol::step::Step;

/// What becomes of a step when things go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Before commit; undone from its pre-image.
    Compensatable,
    /// After commit; tried again.
    Retriable,
    /// After commit; a failure is a warning.
    BestEffort,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) step: Step,
    pub(super) kind: Kind,
}

/// What the engine needs to know of the work.
pub(super) trait Actor {
    /// What was there before a step.
    type Before: Clone + PartialEq + std::fmt::Debug;
    /// Reads what a step is about to change.
    async fn capture(&self, step: Step) -> StepResult<Self::Before>;
    /// Acts.
    async fn apply(&self, step: Step) -> StepResult<()>;
    /// Restores what was captured; safe when the step never ran, half ran, or is undone already.
    async fn undo(&self, step: Step, before: &Self::Before) -> StepResult<()>;
}

/// How the table ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// Committed; the first step after commit that could not be finished.
    Committed {
        unfinished: Option<(Step, StepError)>,
    },
    /// A step failed and everything is as it was.
    Undone { step: Step, error: StepError },
    /// A step failed and its undo did too.
    Stuck {
        step: Step,
        error: StepError,
        undo: Step,
        why: StepError,
    },
}

const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// Runs the table.
pub(super) async fn run<H: Host, A: Actor>(
    host: &H,
    events: &Events<'_, H>,
    actor: &A,
    table: &[Row],
) -> Ended {
    let mut journal = Journal::new();
    for row in table.iter().filter(|row| row.kind == Kind::Compensatable) {
        if let Err(error) = attempt(host, events, actor, &mut journal, row.step).await {
            return unwind(host, events, actor, &mut journal, row.step, error).await;
        }
    }
    if let Err(illegal) = journal.append(Entry::Committed) {
        let step = Step::VerifyRoute;
        return unwind(host, events, actor, &mut journal, step, bug(&illegal)).await;
    }
    events.emit(Happening::Committed).await;
    let mut unfinished = None;
    for row in table.iter().filter(|row| row.kind != Kind::Compensatable) {
        let result = forward(host, events, actor, &mut journal, *row).await;
        if let (Err(error), Kind::Retriable, None) = (result, row.kind, &unfinished) {
            unfinished = Some((row.step, error));
        }
    }
    Ended::Committed { unfinished }
}

/// Intent, effect, result.
async fn attempt<H: Host, A: Actor>(
    host: &H,
    events: &Events<'_, H>,
    actor: &A,
    journal: &mut Journal<A::Before>,
    step: Step,
) -> StepResult<()> {
    let before = actor.capture(step).await?;
    journal
        .append(Entry::Started(step, before))
        .map_err(|illegal| bug(&illegal))?;
    report(host, events, step, actor.apply(step)).await?;
    journal
        .append(Entry::Done(step))
        .map_err(|illegal| bug(&illegal))
}

/// A step after commit: several tries, never a way back.
async fn forward<H: Host, A: Actor>(
    host: &H,
    events: &Events<'_, H>,
    actor: &A,
    journal: &mut Journal<A::Before>,
    row: Row,
) -> StepResult<()> {
    let tries = match row.kind {
        Kind::Retriable => TRIES,
        Kind::BestEffort | Kind::Compensatable => 1,
    };
    let before = actor.capture(row.step).await?;
    journal
        .append(Entry::Started(row.step, before))
        .map_err(|illegal| bug(&illegal))?;
    let mut tried = 1;
    loop {
        match report(host, events, row.step, actor.apply(row.step)).await {
            Ok(()) => {
                return journal
                    .append(Entry::Done(row.step))
                    .map_err(|illegal| bug(&illegal));
            }
            Err(error) if tried == tries => return Err(error),
            Err(_) => tried += 1,
        }
        host.sleep(PAUSE).await;
    }
}

/// Undoes every step whose undo is owed, in reverse.
async fn unwind<H: Host, A: Actor>(
    host: &H,
    events: &Events<'_, H>,
    actor: &A,
    journal: &mut Journal<A::Before>,
    step: Step,
    error: StepError,
) -> Ended {
    debug_assert_eq!(
        journal.side(),
        Side::BeforeCommit,
        "an undo after commit would lose the live slot"
    );
    for (owed, before) in journal.owed() {
        events.emit(Happening::UndoStarted { step: owed }).await;
        let mut tried = 1;
        while let Err(why) = actor.undo(owed, &before).await {
            let failure = why.clone().into_failure();
            events
                .emit(Happening::UndoFailed {
                    step: owed,
                    failure,
                })
                .await;
            if tried == TRIES {
                return Ended::Stuck {
                    step,
                    error,
                    undo: owed,
                    why,
                };
            }
            tried += 1;
            host.sleep(PAUSE).await;
        }
        if let Err(illegal) = journal.append(Entry::Undone(owed)) {
            return Ended::Stuck {
                step,
                error,
                undo: owed,
                why: bug(&illegal),
            };
        }
        events.emit(Happening::Undone { step: owed }).await;
    }
    Ended::Undone { step, error }
}

/// Frames an effect with its events.
async fn report<H: Host>(
    host: &H,
    events: &Events<'_, H>,
    step: Step,
    work: impl Future<Output = StepResult<()>>,
) -> StepResult<()> {
    events.emit(Happening::StepStarted { step }).await;
    let began = host.elapsed_ms();
    let result = work.await;
    let elapsed_ms = host.elapsed_ms().saturating_sub(began);
    match &result {
        Ok(()) => events.emit(Happening::StepDone { step, elapsed_ms }).await,
        Err(error) => {
            let failure = error.clone().into_failure();
            events
                .emit(Happening::StepFailed {
                    step,
                    elapsed_ms,
                    failure,
                })
                .await;
        }
    }
    result
}

fn bug(illegal: &Illegal) -> StepError {
    StepError::new(Reason::InternalError, illegal.to_string())
        .hint("this is a bug in pct-deploy, please report it with the log above")
}
