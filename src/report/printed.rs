//! What others print: shown as it comes to who wants everything; to the rest when something failed, or folded in the
//! action's log. The error that ends a run is here, too: it comes with what others printed of it.

use super::Reporter;
use super::commands::Level;
use super::console::Tone;
use super::held::{SourceOutput, TAIL};
use super::reporter::Verbosity;
use super::text;
use crate::error::Error;
use crate::protocol::step::{Phase, Stage};

impl Reporter {
    /// A line that a build, a registry or the host printed. Nothing in it is trusted.
    pub fn output(&self, source: &str, line: &str) {
        if self.verbosity() == Verbosity::Everything {
            return self.quote(source, line);
        }
        let mut state = self.state();
        state.held.push(source, line);
        if source == Phase::Build.as_str() {
            // Where a build is can be seen on the terminal's line.
            let line = text::printable(line);
            let line = self.redactor().redact(line.trim());
            state
                .board
                .progress(Stage::Phase(Phase::Build), &line, false);
        }
    }

    /// Shows it now, whatever was asked for.
    fn quote(&self, source: &str, line: &str) {
        let at = self.took();
        let mut state = self.state();
        state.console.quote(at, source, line);
        state.last_line = tokio::time::Instant::now();
    }

    /// A stage went well: what was printed meanwhile is for the curious.
    pub(super) fn fold(&self, stage: Stage) {
        let outputs = self.state().held.of(stage);
        for output in outputs {
            self.group(&output);
        }
    }

    /// A stage failed: it is kept for the error that ends the run.
    pub(super) fn keep(&self, stage: Stage) {
        let mut state = self.state();
        state.of_failed = state.held.of(stage);
    }

    fn group(&self, output: &SourceOutput) {
        if self.verbosity() == Verbosity::Quiet {
            return;
        }
        let title = format!("what {} printed", output.source);
        let lines: Vec<&str> = output.lines.iter().map(String::as_str).collect();
        let mut state = self.state();
        if state.console.group(&title, &lines, output.dropped) {
            state.last_line = tokio::time::Instant::now();
        }
    }

    /// The error that ends the run, with every cause, every hint and the log that explains it.
    pub fn error(&self, error: &Error) {
        let kept = std::mem::take(&mut self.state().of_failed);
        let explains = |output: &SourceOutput| output.lines.len() > error.log_lines().len();
        for output in kept.iter().filter(|output| explains(output)) {
            self.group(output);
        }
        let mut text = format!("error: {}", error.chain().join("\ncaused by: "));
        for hint in error.hints() {
            text.push_str("\nhint: ");
            text.push_str(hint);
        }
        let title = format!("pct-deploy {}", error.reason());
        self.annotated(Level::Error, &title, &text, Tone::Bad);
        for line in error.log_lines() {
            self.quote("log", line);
        }
        if error.log_lines().is_empty() {
            for output in &kept {
                let before = output.lines.len().saturating_sub(TAIL);
                for line in output.lines.iter().skip(before) {
                    self.quote(&output.source, line);
                }
            }
        }
    }
}
