//! What a list of entries means: a pure fold through one function that refuses illegal transitions.

use super::entry::{Begun, Entry, PreImage};
use crate::error::Failure;
use crate::protocol::step::Step;

/// Where a swap is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::agent) enum JournalPhase {
    /// The old slot is untouched; a failure is undone.
    Forward,
    /// An undo has begun; nothing new may start.
    Undoing,
    Committed,
    /// Over: every step after the pivot is done.
    Finished,
    /// Over: every step is undone.
    RolledBack,
}

/// One step so far.
#[derive(Debug, Clone, PartialEq)]
struct StepProgress {
    step: Step,
    before: PreImage,
    mark: Mark,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Started,
    Done,
    Failed,
    Undoing,
    Undone,
}

/// The meaning of a journal.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::agent) struct JournalState {
    pub(in crate::agent) begun: Box<Begun>,
    pub(in crate::agent) phase: JournalPhase,
    steps: Vec<StepProgress>,
    failure: Option<(Step, Failure)>,
}

/// An entry that cannot follow the ones before it: a bug or a damaged file.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("illegal journal entry: {0}")]
pub(in crate::agent) struct Illegal(String);

impl JournalState {
    /// The meaning of entries; `None` for none at all.
    pub(in crate::agent) fn of(entries: &[Entry]) -> Result<Option<Self>, Illegal> {
        let Some((first, rest)) = entries.split_first() else {
            return Ok(None);
        };
        let Entry::Begun(begun) = first else {
            return Err(Illegal("the first one is not `begun`".to_owned()));
        };
        let mut state = Self {
            begun: begun.clone(),
            phase: JournalPhase::Forward,
            steps: Vec::new(),
            failure: None,
        };
        for entry in rest {
            state.take(entry)?;
        }
        Ok(Some(state))
    }

    /// Takes one more entry, or says why it may not come here.
    pub(in crate::agent) fn take(&mut self, entry: &Entry) -> Result<(), Illegal> {
        let here = self.phase;
        let illegal = || Err(Illegal(format!("{} in phase {here:?}", name(entry))));
        match (entry, here) {
            (Entry::Started { step, before }, JournalPhase::Forward | JournalPhase::Committed) => {
                match self.find(*step) {
                    None => {
                        let mark = Mark::Started;
                        self.steps.push(StepProgress {
                            step: *step,
                            before: before.clone(),
                            mark,
                        });
                    }
                    // After commit a step is tried again; its first pre-image stays.
                    Some(progress)
                        if here == JournalPhase::Committed && progress.mark != Mark::Done =>
                    {
                        progress.mark = Mark::Started;
                    }
                    Some(_) => return illegal(),
                }
            }
            (Entry::Done { step }, JournalPhase::Forward | JournalPhase::Committed) => {
                match self.find(*step) {
                    Some(progress) if progress.mark == Mark::Started => progress.mark = Mark::Done,
                    Some(_) | None => return illegal(),
                }
            }
            (Entry::Failed { step, why }, JournalPhase::Forward | JournalPhase::Committed) => {
                match self.find(*step) {
                    Some(progress) if progress.mark == Mark::Started => {
                        progress.mark = Mark::Failed;
                    }
                    Some(_) | None => return illegal(),
                }
                self.failure.get_or_insert((*step, why.clone()));
            }
            (Entry::Committed, JournalPhase::Forward) if self.all(Mark::Done) => {
                self.phase = JournalPhase::Committed;
            }
            (Entry::UndoStarted { step }, JournalPhase::Forward | JournalPhase::Undoing) => {
                if self.owed().map(|(owed, _)| owed) != Some(*step) {
                    return illegal();
                }
                if let Some(progress) = self.find(*step) {
                    progress.mark = Mark::Undoing;
                }
                self.phase = JournalPhase::Undoing;
            }
            (Entry::Undone { step }, JournalPhase::Undoing) => match self.find(*step) {
                Some(progress) if progress.mark == Mark::Undoing => progress.mark = Mark::Undone,
                Some(_) | None => return illegal(),
            },
            (Entry::UndoFailed { step, .. }, JournalPhase::Undoing) => match self.find(*step) {
                Some(progress) if progress.mark == Mark::Undoing => {}
                Some(_) | None => return illegal(),
            },
            (Entry::RolledBack, JournalPhase::Forward | JournalPhase::Undoing)
                if self.owed().is_none() =>
            {
                self.phase = JournalPhase::RolledBack;
            }
            (Entry::Finished, JournalPhase::Committed) => self.phase = JournalPhase::Finished,
            _ => return illegal(),
        }
        Ok(())
    }

    /// The step whose undo is owed next: the last one that was started and is not undone.
    pub(in crate::agent) fn owed(&self) -> Option<(Step, &PreImage)> {
        let last = self
            .steps
            .iter()
            .rev()
            .find(|progress| progress.mark != Mark::Undone)?;
        Some((last.step, &last.before))
    }

    /// Whether the undo of a step is owed.
    #[cfg(test)]
    pub(in crate::agent) fn owes(&self, step: Step) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|progress| progress.step == step && progress.mark != Mark::Undone)
    }

    /// Whether a step is done and stays so.
    pub(in crate::agent) fn is_done(&self, step: Step) -> bool {
        self.steps
            .iter()
            .any(|progress| progress.step == step && progress.mark == Mark::Done)
    }

    /// The first step that failed, with why.
    pub(in crate::agent) fn failure(&self) -> Option<&(Step, Failure)> {
        self.failure.as_ref()
    }

    fn all(&self, mark: Mark) -> bool {
        self.steps.iter().all(|progress| progress.mark == mark)
    }

    fn find(&mut self, step: Step) -> Option<&mut StepProgress> {
        self.steps.iter_mut().find(|progress| progress.step == step)
    }
}

fn name(entry: &Entry) -> String {
    match entry {
        Entry::Begun(_) => "`begun`".to_owned(),
        Entry::Started { step, .. } => format!("`started {step}`"),
        Entry::Done { step } => format!("`done {step}`"),
        Entry::Failed { step, .. } => format!("`failed {step}`"),
        Entry::Committed => "`committed`".to_owned(),
        Entry::UndoStarted { step } => format!("`undo_started {step}`"),
        Entry::Undone { step } => format!("`undone {step}`"),
        Entry::UndoFailed { step, .. } => format!("`undo_failed {step}`"),
        Entry::Finished => "`finished`".to_owned(),
        Entry::RolledBack => "`rolled_back`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::tests::{begun, failure};

    const A: Step = Step::StageRelease;
    const B: Step = Step::StartSlot;

    fn started(step: Step) -> Entry {
        Entry::Started {
            step,
            before: PreImage::Nothing,
        }
    }

    fn done(step: Step) -> Entry {
        Entry::Done { step }
    }

    fn state(entries: &[Entry]) -> Result<JournalState, Illegal> {
        let all = [&[begun()], entries].concat();
        Ok(JournalState::of(&all)?.expect("it has its first entry"))
    }

    #[test]
    fn an_undo_is_owed_from_started_in_reverse() {
        let undo = |step| [Entry::UndoStarted { step }, Entry::Undone { step }];
        let two = [started(A), done(A), started(B)];
        let owed = |entries: &[Entry]| state(entries).unwrap().owed().map(|(step, _)| step);
        assert_eq!(owed(&two), Some(B));
        assert_eq!(owed(&[&two[..], &undo(B)].concat()), Some(A));
        assert_eq!(owed(&[&two[..], &undo(B), &undo(A)].concat()), None);
    }

    #[test]
    fn illegal_histories_are_refused() {
        let undone = |step| Entry::Undone { step };
        let undo = |step| Entry::UndoStarted { step };
        let failed = |step| Entry::Failed {
            step,
            why: failure(),
        };
        for bad in [
            vec![begun()],
            vec![done(A)],
            vec![started(A), started(A)],
            vec![started(A), done(A), done(A)],
            vec![started(A), Entry::Committed],
            vec![started(A), failed(A), Entry::Committed],
            vec![started(A), undone(A)],
            vec![started(A), started(B), undo(A)],
            vec![started(A), undo(A), started(B)],
            vec![started(A), undo(A), undone(A), Entry::Committed],
            vec![started(A), Entry::RolledBack],
            vec![Entry::Committed, Entry::Committed],
            vec![started(A), done(A), Entry::Committed, undo(A)],
            vec![Entry::Finished],
            vec![Entry::Committed, Entry::Finished, started(A)],
        ] {
            assert!(state(&bad).is_err(), "{bad:?}");
        }
        assert!(
            JournalState::of(&[Entry::Committed]).is_err(),
            "the first entry says what it is about"
        );
    }
}
