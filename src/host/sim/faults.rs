//! What goes wrong on the simulated host, when a test wants it.

use std::cell::Cell;

use crate::host::facts::LiveRestore;

/// The faults. A new agent on the same machine starts without any.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// The verb (by its place in the order of all verbs) that fails once.
    pub(crate) call: Cell<Option<usize>>,
    /// The verb that fails every time.
    pub(crate) always: Cell<Option<&'static str>>,
    /// The verb that fails so many times on the way back.
    pub(crate) in_undo: Cell<Option<(&'static str, u32)>>,
    /// The first write (by its place among all writes) that finds the disk full; every later one does too.
    pub(crate) disk_full: Cell<Option<usize>>,
    /// Before which verb somebody sets the clock, and by how many milliseconds.
    pub(crate) clock: Cell<Option<(usize, i64)>>,
    /// The port that another program has.
    pub(crate) taken: Cell<Option<u16>>,
    /// nginx answers our own requests from a file.
    pub(crate) file_answers: Cell<bool>,
    /// nginx runs in a container, or not at all.
    pub(crate) no_nginx: Cell<bool>,
    /// Containers end with the Docker daemon.
    pub(crate) no_live_restore: Cell<bool>,
    /// Docker is a snap.
    pub(crate) docker_is_snap: Cell<bool>,
    pub(super) calls: Cell<usize>,
    writes: Cell<usize>,
    /// Writes for which somebody made room on the full disk.
    given_up: Cell<usize>,
}

impl Faults {
    /// How many writes needed room so far.
    pub(crate) fn writes(&self) -> usize {
        self.writes.get()
    }

    /// Counts a verb, and says whether it fails.
    pub(super) fn strikes(&self, verb: &'static str, undoing: impl Fn() -> bool) -> bool {
        let number = self.calls.get();
        self.calls.set(number + 1);
        if let Some((failing, left)) = self.in_undo.get()
            && failing == verb
            && left > 0
            && undoing()
        {
            self.in_undo.set(Some((failing, left - 1)));
            return true;
        }
        self.call.get() == Some(number) || self.always.get() == Some(verb)
    }

    /// Whether containers outlive the Docker daemon.
    pub(super) fn live_restore(&self) -> LiveRestore {
        match self.no_live_restore.get() {
            true => LiveRestore::Off,
            false => LiveRestore::On,
        }
    }

    /// By how many milliseconds the clock is set before the verb that comes next.
    pub(super) fn clock_jump(&self) -> Option<i64> {
        let (at, ms) = self.clock.get()?;
        (at == self.calls.get()).then_some(ms)
    }

    /// Counts a write, and says whether there is no room for it.
    pub(super) fn disk_is_full(&self) -> bool {
        let number = self.writes.get();
        self.writes.set(number + 1);
        if self.disk_full.get().is_none_or(|first| number < first) {
            return false;
        }
        let given_up = self.given_up.get();
        self.given_up.set(given_up.saturating_sub(1));
        given_up == 0
    }

    /// A file of real bytes is gone: there is room for one write.
    pub(super) fn give_up_room(&self) {
        self.given_up.set(self.given_up.get() + 1);
    }
}
