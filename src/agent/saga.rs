//! The engine: runs the rows of the [`table`], undoes them in reverse when one fails before commit, and only goes forward
//! after it. It knows nothing of docker or nginx and no step by its name, and trusts the journal alone.
//!
//! | the journal says | [`settle`] does |
//! |---|---|
//! | open, not committed | undoes every step that was started and is not undone, in reverse; it is over |
//! | open, committed | runs the steps after the pivot that are not done; it is over |
//! | an undo keeps failing | leaves it open: stuck |
//!
//! A failing step and a crash take the same road back.

use std::time::Duration;

use super::journal::entry::Entry;
use super::journal::file::{AppendError, Journal};
use super::journal::state::JournalPhase;
use super::swap::Swap;
use super::table::{self, StepKind, StepRow};
use crate::error::Failure;
use crate::host::Host;
use crate::protocol::event::Happening;
use crate::protocol::step::Step;

/// How the table ended.
#[derive(Debug)]
pub(super) enum SagaOutcome {
    /// Committed; the first step after commit that could not be finished.
    Committed { unfinished: Option<(Step, Failure)> },
    /// A step failed and everything is as it was.
    Undone { failed: Option<(Step, Failure)> },
    /// The journal is open and stays so: an undo keeps failing, or the journal cannot be written.
    Stuck { at: Step, why: Failure },
}

/// How the table ended, and the journal when it is over. Whoever gets it gives the run its last word and archives it
/// then: while a run has no last word, its journal is open, and recovery will say it.
pub(super) type Over<'a, H> = (SagaOutcome, Option<Journal<'a, H>>);

const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// Runs the table from its start.
pub(super) async fn run<'a, H: Host>(
    swap: &Swap<'_, H>,
    mut journal: Journal<'a, H>,
) -> Over<'a, H> {
    let rows = table::rows();
    let is_before_commit = |row: &&StepRow<H>| row.kind == StepKind::Compensatable;
    for row in rows.iter().filter(is_before_commit) {
        match attempt(swap, row, &mut journal).await {
            Ok(()) => {}
            Err(Halt::Failed(error)) => {
                return unwind(swap, journal, Some((row.step, error))).await;
            }
            Err(Halt::Blind(why)) => return (SagaOutcome::Stuck { at: row.step, why }, None),
        }
    }
    match journal.append(Entry::Committed).await {
        Ok(()) => {}
        Err(AppendError::NotWritten(error)) => {
            let last = rows.iter().rfind(is_before_commit);
            return unwind(swap, journal, last.map(|row| (row.step, error))).await;
        }
        Err(AppendError::Unknown(why)) => {
            let [.., last] = &rows;
            let next = rows.iter().find(|row| !is_before_commit(row));
            let at = next.unwrap_or(last).step;
            return (SagaOutcome::Stuck { at, why }, None);
        }
    }
    swap.events.emit(Happening::Committed).await;
    forward(swap, journal).await
}

/// Brings a journal that was found open to its end, whichever that is.
pub(super) async fn settle<'a, H: Host>(
    swap: &Swap<'_, H>,
    journal: Journal<'a, H>,
) -> Over<'a, H> {
    match journal.state().phase {
        JournalPhase::Forward | JournalPhase::Undoing => unwind(swap, journal, None).await,
        JournalPhase::Committed => forward(swap, journal).await,
        JournalPhase::Finished => (SagaOutcome::Committed { unfinished: None }, Some(journal)),
        JournalPhase::RolledBack => (SagaOutcome::Undone { failed: None }, Some(journal)),
    }
}

/// Why a step did not get done.
enum Halt {
    /// It failed; what was done is to be undone.
    Failed(Failure),
    /// The journal cannot be trusted any more; nothing may be done.
    Blind(Failure),
}

impl From<AppendError> for Halt {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::NotWritten(error) => Self::Failed(error),
            AppendError::Unknown(error) => Self::Blind(error),
        }
    }
}

/// Intent, effect, result.
async fn attempt<H: Host>(
    swap: &Swap<'_, H>,
    row: &StepRow<H>,
    journal: &mut Journal<'_, H>,
) -> Result<(), Halt> {
    let step = row.step;
    let before = row.capture(swap).await.map_err(Halt::Failed)?;
    journal.append(Entry::Started { step, before }).await?;
    match swap.events.frame(step, row.apply(swap)).await {
        Ok(()) => Ok(journal.append(Entry::Done { step }).await?),
        Err(error) => {
            let why = error.clone();
            match journal.append(Entry::Failed { step, why }).await {
                // The undo does not need this entry: it is owed from `Started`.
                Ok(()) | Err(AppendError::NotWritten(_)) => Err(Halt::Failed(error)),
                Err(AppendError::Unknown(why)) => Err(Halt::Blind(why)),
            }
        }
    }
}

/// The steps after commit: several tries each, never a way back.
async fn forward<'a, H: Host>(swap: &Swap<'_, H>, mut journal: Journal<'a, H>) -> Over<'a, H> {
    let rows = table::rows();
    let mut unfinished = None;
    for row in rows
        .iter()
        .filter(|row| row.kind != StepKind::Compensatable)
    {
        if journal.state().is_done(row.step) {
            continue;
        }
        let tries = if row.kind == StepKind::Retriable {
            TRIES
        } else {
            1
        };
        for tried in 1..=tries {
            match attempt(swap, row, &mut journal).await {
                Ok(()) => break,
                Err(Halt::Blind(why)) => return (SagaOutcome::Stuck { at: row.step, why }, None),
                Err(Halt::Failed(error)) if tried == tries => {
                    if row.kind == StepKind::Retriable && unfinished.is_none() {
                        unfinished = Some((row.step, error));
                    }
                }
                Err(Halt::Failed(_)) => swap.host.sleep(PAUSE).await,
            }
        }
    }
    if let Err(AppendError::NotWritten(why) | AppendError::Unknown(why)) =
        journal.append(Entry::Finished).await
    {
        // The new release serves and the old one is stopped; the next run closes the journal.
        let [.., last] = &rows;
        let unfinished = unfinished.or(Some((last.step, why)));
        return (SagaOutcome::Committed { unfinished }, None);
    }
    (SagaOutcome::Committed { unfinished }, Some(journal))
}

/// Undoes every step whose undo is owed, in reverse.
async fn unwind<'a, H: Host>(
    swap: &Swap<'_, H>,
    mut journal: Journal<'a, H>,
    failed: Option<(Step, Failure)>,
) -> Over<'a, H> {
    while let Some((step, before)) = journal
        .state()
        .owed()
        .map(|(step, before)| (step, before.clone()))
    {
        if let Err(AppendError::NotWritten(why) | AppendError::Unknown(why)) =
            journal.append(Entry::UndoStarted { step }).await
        {
            return stuck(step, why, failed);
        }
        swap.events.emit(Happening::UndoStarted { step }).await;
        let mut tried = 1;
        while let Err(why) = table::undo(swap, step, &before).await {
            let failure = why.clone();
            swap.events
                .emit(Happening::UndoFailed { step, failure })
                .await;
            let failed_again = Entry::UndoFailed {
                step,
                why: why.clone(),
            };
            let noted = journal.append(failed_again).await;
            if tried == TRIES || noted.is_err() {
                return stuck(step, why, failed);
            }
            tried += 1;
            swap.host.sleep(PAUSE).await;
        }
        if let Err(AppendError::NotWritten(why) | AppendError::Unknown(why)) =
            journal.append(Entry::Undone { step }).await
        {
            return stuck(step, why, failed);
        }
        swap.events.emit(Happening::Undone { step }).await;
    }
    if let Err(AppendError::NotWritten(why) | AppendError::Unknown(why)) =
        journal.append(Entry::RolledBack).await
    {
        let [first, ..] = &table::rows::<H>();
        return stuck(first.step, why, failed);
    }
    (SagaOutcome::Undone { failed }, Some(journal))
}

fn stuck<'a, H>(at: Step, mut why: Failure, failed: Option<(Step, Failure)>) -> Over<'a, H> {
    if let Some((step, error)) = failed {
        why.chain.push(format!(
            "while undoing what {step} made necessary: {}",
            error.summary()
        ));
        why.log_tail = error.log_tail;
    }
    (SagaOutcome::Stuck { at, why }, None)
}
