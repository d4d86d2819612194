//! What has been done so far, as a list of entries and their fold.
//!
//! Entries are written in order: intent before the effect, result after it. An undo is owed from
//! `Started` on, not from `Done`. The fold accepts legal transitions only.

use crate::protocol::step::Step;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry<P> {
    /// About to act; what was there before.
    Started(Step, P),
    /// Acted.
    Done(Step),
    /// From here only forward.
    Committed,
    /// The step is undone.
    Undone(Step),
}

/// An entry that cannot follow the ones before it: a bug.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("illegal journal entry: {0}")]
pub(super) struct Illegal(String);

/// The journal of one run.
#[derive(Debug)]
pub(super) struct Journal<P> {
    entries: Vec<Entry<P>>,
}

/// Which side of the pivot a run is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The old slot is untouched; a failure is undone.
    BeforeCommit,
    /// Only forward.
    AfterCommit,
}

impl<P: Clone + PartialEq> Journal<P> {
    pub(super) fn new() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    /// Adds an entry if it may follow.
    pub(super) fn append(&mut self, entry: Entry<P>) -> Result<(), Illegal> {
        let started = |step: Step| {
            self.entries
                .iter()
                .any(|e| matches!(e, Entry::Started(s, _) if *s == step))
        };
        let done = |step: Step| self.entries.contains(&Entry::Done(step));
        let undoing = self.entries.iter().any(|e| matches!(e, Entry::Undone(_)));
        let committed = self.side() == Side::AfterCommit;
        let complaint = match &entry {
            Entry::Started(step, _) if started(*step) => Some(format!("{step} started twice")),
            Entry::Started(step, _) if undoing => Some(format!("{step} started while undoing")),
            Entry::Done(step) if !started(*step) || done(*step) => {
                Some(format!("{step} done out of turn"))
            }
            Entry::Committed if committed || undoing => Some("committed out of turn".to_owned()),
            Entry::Undone(step) if committed => Some(format!("{step} undone after commit")),
            Entry::Undone(step) if self.owed().first().is_none_or(|(first, _)| first != step) => {
                Some(format!("{step} undone out of order"))
            }
            Entry::Started(..) | Entry::Done(_) | Entry::Committed | Entry::Undone(_) => None,
        };
        match complaint {
            Some(complaint) => Err(Illegal(complaint)),
            None => {
                self.entries.push(entry);
                Ok(())
            }
        }
    }

    /// Which side of the pivot the run is on.
    pub(super) fn side(&self) -> Side {
        if self.entries.contains(&Entry::Committed) {
            Side::AfterCommit
        } else {
            Side::BeforeCommit
        }
    }

    /// The steps whose undo is owed, in the order in which to undo them.
    pub(super) fn owed(&self) -> Vec<(Step, P)> {
        let undone = |step: Step| self.entries.contains(&Entry::Undone(step));
        self.entries
            .iter()
            .rev()
            .filter_map(|entry| match entry {
                Entry::Started(step, before) if !undone(*step) => Some((*step, before.clone())),
                Entry::Started(..) | Entry::Done(_) | Entry::Committed | Entry::Undone(_) => None,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(entries: &[Entry<u8>]) -> Result<Journal<u8>, Illegal> {
        let mut journal = Journal::new();
        for entry in entries {
            journal.append(entry.clone())?;
        }
        Ok(journal)
    }

    #[test]
    fn an_undo_is_owed_from_started_in_reverse() {
        use Entry::{Done, Started, Undone};
        let two = [
            Started(Step::StageRelease, 1),
            Done(Step::StageRelease),
            Started(Step::StartSlot, 2),
        ];
        assert_eq!(
            journal(&two).unwrap().owed(),
            [(Step::StartSlot, 2), (Step::StageRelease, 1)]
        );
        let half = [two.as_slice(), &[Undone(Step::StartSlot)]].concat();
        assert_eq!(journal(&half).unwrap().owed(), [(Step::StageRelease, 1)]);
    }

    #[test]
    fn illegal_histories_are_refused() {
        use Entry::{Committed, Done, Started, Undone};
        let a = Step::StageRelease;
        let b = Step::StartSlot;
        for bad in [
            vec![Done(a)],
            vec![Started(a, 1), Started(a, 1)],
            vec![Started(a, 1), Done(a), Done(a)],
            vec![Started(a, 1), Started(b, 1), Undone(a)],
            vec![Started(a, 1), Undone(a), Undone(a)],
            vec![Started(a, 1), Undone(a), Started(b, 1)],
            vec![Started(a, 1), Undone(a), Committed],
            vec![Committed, Committed],
            vec![Started(a, 1), Committed, Undone(a)],
        ] {
            assert!(journal(&bad).is_err(), "{bad:?}");
        }
    }
}
