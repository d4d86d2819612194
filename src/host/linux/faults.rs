//! The one hook of the fault tests: after the n-th line of a journal this process dies or stands still, so that a
//! test can place a real fault between any two steps. Builds with debug assertions alone have it.

use std::cell::Cell;
use std::path::Path;

use rustix::process::{Signal, getpid, kill_process};

/// `kill N` or `stop N`, N counting from 1; the file's absence means nothing.
const ORDER: &str = "/run/pct-deploy-fault";

/// What was ordered, and how many journal lines were written.
#[derive(Debug, Default)]
pub(super) struct FaultInjector {
    lines: Cell<u32>,
}

impl FaultInjector {
    /// A line of this file is on disk.
    pub(super) fn line_written(&self, file: &Path) {
        if !cfg!(debug_assertions) || !file.ends_with("open.jsonl") {
            return;
        }
        self.lines.set(self.lines.get() + 1);
        let order = std::fs::read_to_string(ORDER).unwrap_or_default();
        let Some((what, at)) = order.trim().split_once(' ') else {
            return;
        };
        let signal = match what {
            "kill" => Signal::KILL,
            "stop" => Signal::STOP,
            _ => return,
        };
        if at.parse() == Ok(self.lines.get()) {
            // Nobody is left to hear of a failure.
            kill_process(getpid(), signal).ok();
        }
    }
}
