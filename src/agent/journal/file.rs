//! The only writer of a journal: an entry counts once it is synced, and it is written by the run whose turn it is.

use super::codec::{self, Unreadable};
use super::entry::{Begun, Entry, JOURNAL_VERSION};
use super::state::{JournalPhase, JournalState};
use crate::agent::failure::{HostResultExt as _, StepResult};
use crate::agent::fence;
use crate::agent::paths::AppPaths;
use crate::agent::reserve;
use crate::agent::writer::{Writer, settle_with};
use crate::error::{Failure, Reason};
use crate::host::error::Trouble;
use crate::host::{Access, Durability, Host, HostResult, Owner};
use crate::protocol::ids::DeploymentId;

/// An entry that could not be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::agent) enum AppendError {
    /// It is not on disk, for certain.
    NotWritten(Failure),
    /// It may be on disk or appear there; or a newer run has taken over, and what is on disk is no longer ours.
    Unknown(Failure),
}

/// An open journal: what is on disk and what it means.
#[derive(Debug)]
pub(in crate::agent) struct Journal<'a, H> {
    host: &'a H,
    paths: &'a AppPaths,
    fence: u64,
    entries: u64,
    /// Bytes that are good: the head and the entries.
    size: usize,
    state: JournalState,
}

impl<'a, H: Host> Journal<'a, H> {
    /// Opens a new journal with its first entry.
    pub(in crate::agent) async fn begin(
        host: &'a H,
        paths: &'a AppPaths,
        begun: Begun,
    ) -> StepResult<Self> {
        let first = Entry::Begun(Box::new(begun));
        let state =
            JournalState::of(std::slice::from_ref(&first)).map_err(|illegal| bug(&illegal))?;
        let state = state.ok_or_else(|| bug(&"a journal without its first entry"))?;
        let fence = state.begun.fence;
        let head = codec::JournalHeader::ours(fence, Writer::ourselves(host).await);
        let head = codec::encode_head(&head).map_err(|error| bug(&error))?;
        let line = codec::encode(1, host.now_ms(), &first).map_err(|error| bug(&error))?;
        let turn = fence::hold(host, paths, fence).await?;
        // Whole or not at all: a journal that exists says what it is about.
        let both = head + &line;
        host.replace(
            &paths.journal(),
            both.as_bytes(),
            Owner::Us,
            Access::Private,
        )
        .await
        .during(Reason::JournalUnwritable, "cannot begin the journal")?;
        drop(turn);
        Ok(Self {
            host,
            paths,
            fence,
            entries: 1,
            size: both.len(),
            state,
        })
    }

    /// Reads the journal of a swap that was never finished; `None` when there is none. `fence` is the number of
    /// whoever brings it to its end.
    pub(in crate::agent) async fn reopen(
        host: &'a H,
        paths: &'a AppPaths,
        fence: u64,
    ) -> StepResult<Option<Self>> {
        let turn = fence::hold(host, paths, fence).await?;
        let path = paths.journal();
        let Some(bytes) = host
            .read(&path)
            .await
            .during(Reason::JournalUnwritable, "cannot read the journal")?
        else {
            return Ok(None);
        };
        let read = match codec::decode(&bytes) {
            Ok(read) => read,
            Err(why) => return Err(refused(host, paths, &why).await),
        };
        // Before anything is written: what we do not understand stays as it is.
        let state = JournalState::of(&read.entries).map_err(|illegal| damaged(paths, &illegal))?;
        let Some(state) = state else {
            return Err(damaged(paths, &"its first line is missing"));
        };
        if let Some(good) = bytes
            .get(..read.good)
            .filter(|good| good.len() < bytes.len())
        {
            // What was torn must go, or the next entry would be glued to it.
            reserve::replace(host, paths, &path, good)
                .await
                .during(Reason::JournalUnwritable, "cannot mend the journal")?;
        }
        drop(turn);
        Ok(Some(Self {
            host,
            paths,
            fence,
            entries: read.entries.len() as u64,
            size: read.good,
            state,
        }))
    }

    /// What the journal means now.
    pub(in crate::agent) fn state(&self) -> &JournalState {
        &self.state
    }

    /// Adds an entry and syncs it, unless a newer run has taken over.
    ///
    /// When this fails with [`AppendError::NotWritten`], the entry is not on disk and will not be after a
    /// crash; with [`AppendError::Unknown`] nobody can tell, and nothing at all may be done.
    pub(in crate::agent) async fn append(&mut self, entry: Entry) -> Result<(), AppendError> {
        let mut next = self.state.clone();
        next.take(&entry)
            .map_err(|illegal| AppendError::NotWritten(bug(&illegal)))?;
        let line = codec::encode(self.entries + 1, self.host.now_ms(), &entry)
            .map_err(|error| AppendError::NotWritten(bug(&error)))?;
        let path = self.paths.journal();
        let turn = fence::hold(self.host, self.paths, self.fence)
            .await
            .map_err(|error| {
                if error.reason == Reason::Superseded {
                    AppendError::Unknown(error)
                } else {
                    AppendError::NotWritten(Failure {
                        reason: Reason::JournalUnwritable,
                        ..error
                    })
                }
            })?;
        let appended = self
            .host
            .append(&path, line.as_bytes(), Durability::Synced)
            .await;
        let appended = match appended {
            // Nothing new is begun with the room of the way back.
            Err(error) if error.trouble == Trouble::DiskFull && is_owed(&entry, next.phase) => {
                match self.append_in_reserve(&line).await {
                    Ok(()) => Ok(()),
                    // The first error is the one to tell.
                    Err(_) => Err(error),
                }
            }
            other => other,
        };
        let appended = appended.during(Reason::JournalUnwritable, "cannot write the journal");
        if let Err(why) = appended {
            return Err(match self.take_back().await {
                Ok(()) => AppendError::NotWritten(why),
                Err(_) => AppendError::Unknown(why),
            });
        }
        drop(turn);
        self.entries += 1;
        self.size += line.len();
        self.state = next;
        Ok(())
    }

    /// Adds a line with the room that is kept for it: the whole file is written anew.
    async fn append_in_reserve(&self, line: &str) -> HostResult<()> {
        let path = self.paths.journal();
        let bytes = self.host.read(&path).await?.unwrap_or_default();
        let good = bytes.get(..self.size).unwrap_or(&bytes);
        let whole = [good, line.as_bytes()].concat();
        reserve::replace_in_place(self.host, self.paths, &path, &whole).await
    }

    /// Takes away what a failed append may have left behind: it may be there whole, in part, or not at all.
    async fn take_back(&self) -> HostResult<()> {
        let path = self.paths.journal();
        let bytes = self.host.read(&path).await?.unwrap_or_default();
        let good = bytes.get(..self.size).unwrap_or(&bytes);
        // Also when nothing was left: only a synced replacement says that nothing will appear.
        reserve::replace(self.host, self.paths, &path, good).await
    }

    /// Moves a closed journal to the history: the swap is over.
    pub(in crate::agent) async fn archive(self) -> StepResult<()> {
        let deployment: &DeploymentId = &self.state.begun.plan.deployment;
        let turn = fence::hold(self.host, self.paths, self.fence).await?;
        self.host
            .rename(&self.paths.journal(), &self.paths.archived(deployment))
            .await
            .during(Reason::JournalUnwritable, "cannot close the journal")?;
        drop(turn);
        Ok(())
    }
}

/// Whether an entry is one that must be written: on the way back, and after the commit.
fn is_owed(entry: &Entry, phase: JournalPhase) -> bool {
    let pivot = *entry == Entry::Committed;
    match phase {
        JournalPhase::Forward => false,
        JournalPhase::Committed => !pivot,
        JournalPhase::Undoing | JournalPhase::Finished | JournalPhase::RolledBack => true,
    }
}

/// Why a journal is not acted on, and what settles it.
async fn refused<H: Host>(host: &H, paths: &AppPaths, why: &Unreadable) -> Failure {
    let Unreadable::OtherVersion { head, .. } = why else {
        return damaged(paths, why);
    };
    let path = paths.journal();
    let ours = Writer::ourselves(host).await;
    Failure::new(
        Reason::OtherVersion,
        format!(
            "an unfinished deploy was left by another version: `{}` has format {} and was written by {}; this is {}, \
             which writes format {JOURNAL_VERSION}. Nothing was changed",
            path.display(),
            head.version,
            Writer::describe(head.written_by.as_ref()),
            Writer::describe(Some(&ours)),
        ),
    )
    .because(why.to_string())
    .hint(settle_with(host, head.written_by.as_ref()).await)
}

fn damaged(paths: &AppPaths, what: &dyn std::fmt::Display) -> Failure {
    let path = paths.journal();
    Failure::new(
        Reason::JournalDamaged,
        format!("the journal `{}` cannot be trusted: {what}", path.display()),
    )
    .hint(format!(
        "see what is live with `pct-deploy status`; when that is right, move the file away: `mv {0} {0}.damaged`",
        path.display()
    ))
}

fn bug(what: &dyn std::fmt::Display) -> Failure {
    Failure::new(Reason::InternalError, what.to_string())
        .hint("this is a bug in pct-deploy, please report it with the log above")
}
