//! What a run tells the person who watches it, and what it remembers for the result.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::board::Board;
use super::commands::Level;
use super::console::{Console, ConsoleMode, Tone};
use super::held::{HeldOutput, SourceOutput};
use super::hurry::Hurry;
use super::timeline::Timeline;
use crate::protocol::result::StageResult;
use crate::secret::{Redactor, SHORTEST};

/// How much is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// Warnings, errors and the last line.
    Quiet,
    /// Beside them what takes long: the answer is a table.
    Answer,
    /// A line a step.
    Steps,
    /// Every line, and what others print.
    Everything,
}

/// Prints the run as it goes and keeps its timeline. Cheap to clone; every clone is the same run.
#[derive(Debug, Clone)]
pub struct Reporter {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    started: Instant,
    redactor: Redactor,
    hurry: Hurry,
    state: Mutex<ReporterState>,
}

#[derive(Debug)]
pub(super) struct ReporterState {
    pub(super) console: Console,
    pub(super) verbosity: Verbosity,
    pub(super) timeline: Timeline,
    pub(super) board: Board,
    pub(super) held: HeldOutput,
    /// What was printed for the stage that failed.
    pub(super) of_failed: Vec<SourceOutput>,
    pub(super) last_line: Instant,
    lock_holder: Option<String>,
    pub(super) is_committed: bool,
}

impl Drop for ReporterState {
    /// Whatever comes next on the terminal begins on a line of its own.
    fn drop(&mut self) {
        self.console.draw(Duration::ZERO, "");
    }
}

impl Reporter {
    /// Begins the run's clock. In [`ConsoleMode::Actions`] workflow commands are off from here on.
    pub fn new(mode: ConsoleMode, redactor: Redactor) -> Self {
        let console = Console::standard(mode, redactor.clone());
        Self::with_console(console, redactor)
    }

    /// The same with another place to write to, without colours.
    pub fn with_writer(
        mode: ConsoleMode,
        redactor: Redactor,
        to: Box<dyn std::io::Write + Send>,
    ) -> Self {
        let console = Console::new(mode, redactor.clone(), to);
        Self::with_console(console, redactor)
    }

    fn with_console(console: Console, redactor: Redactor) -> Self {
        let now = Instant::now();
        let state = ReporterState {
            console,
            verbosity: Verbosity::Steps,
            timeline: Timeline::default(),
            board: Board::default(),
            held: HeldOutput::default(),
            of_failed: Vec::new(),
            last_line: now,
            lock_holder: None,
            is_committed: false,
        };
        Self {
            shared: Arc::new(Shared {
                started: now,
                redactor,
                hurry: Hurry::default(),
                state: Mutex::new(state),
            }),
        }
    }

    /// Prints more, or less.
    #[must_use]
    pub fn at(self, verbosity: Verbosity) -> Self {
        self.state().verbosity = verbosity;
        self
    }

    pub(super) fn verbosity(&self) -> Verbosity {
        self.state().verbosity
    }

    /// The host has said that from here it only goes forward.
    pub(super) fn committed(&self) {
        self.state().is_committed = true;
    }

    /// Whether it has said so.
    pub fn has_committed(&self) -> bool {
        self.state().is_committed
    }

    /// Tells GitHub's runner what to hide; nothing elsewhere. Call it before anything else.
    pub fn add_masks(&self) {
        self.state().console.add_masks();
        if self.shared.redactor.too_short() > 0 {
            self.warning(
                &format!("a secret of fewer than {SHORTEST} characters cannot be hidden"),
                "choose a longer one",
            );
        }
    }

    /// Something for who wants to know everything.
    pub(super) fn detail(&self, text: &str) {
        if self.verbosity() == Verbosity::Everything {
            self.note(text);
        }
    }

    /// Something worth knowing.
    pub fn note(&self, text: &str) {
        self.say("", text, Tone::Plain);
    }

    /// How it ended, to be seen at a glance in the run's page, where there is one.
    pub(super) fn notice(&self, text: &str) {
        self.state()
            .console
            .annotate(Level::Notice, "pct-deploy", text);
    }

    /// What the run did to the people who use the site: folded where lines can be.
    pub(super) fn receipt(&self, figures: &[String], facts: &[String]) {
        if self.verbosity() == Verbosity::Quiet {
            return;
        }
        let all: Vec<&str> = figures.iter().chain(facts).map(String::as_str).collect();
        if all.is_empty() || self.state().console.group("receipt", &all, 0) {
            return;
        }
        for figure in figures {
            self.detail(figure);
        }
        for fact in facts {
            self.note(fact);
        }
    }

    /// How it ended: the last line, for everybody.
    pub(super) fn last_line(&self, text: &str) {
        let at = self.took();
        self.state().console.say_last(at, text);
    }

    /// Something that a person should know although the run goes on.
    pub fn warning(&self, text: &str, hint: &str) {
        let text = match hint {
            "" => format!("warning: {text}"),
            hint => format!("warning: {text}\nhint: {hint}"),
        };
        self.annotated(Level::Warning, "pct-deploy", &text, Tone::Warn);
    }

    /// The run was cancelled: what is at work now did not finish.
    pub fn cancelled(&self) {
        let at = self.took();
        let mut state = self.state();
        state.timeline.cancel(at);
        state.board.clear();
    }

    pub fn steps(&self) -> Vec<StageResult> {
        let at = self.took();
        self.state().timeline.steps(at)
    }

    /// The run's own clock.
    pub fn took(&self) -> Duration {
        self.shared.started.elapsed()
    }

    /// What hides secrets from text that leaves the process.
    pub fn redactor(&self) -> &Redactor {
        &self.shared.redactor
    }

    pub(super) fn hurried(&self) -> &Hurry {
        &self.shared.hurry
    }

    /// The agent repeats itself while it waits; people read it once for each holder.
    pub(super) fn waits_for(&self, holder: &str) {
        let known = self.state().lock_holder.replace(holder.to_owned());
        if known.as_deref() != Some(holder) {
            self.note(&format!("waits for the lock, held by {holder}"));
        }
    }

    pub(super) fn annotated(&self, level: Level, title: &str, text: &str, tone: Tone) {
        let is_annotation = self.state().console.annotate(level, title, text);
        if is_annotation {
            self.state().last_line = Instant::now();
        } else {
            self.loudly("", text, tone);
        }
    }

    /// A line, unless nobody wants any.
    pub(super) fn say(&self, label: &str, text: &str, tone: Tone) {
        if self.verbosity() != Verbosity::Quiet {
            self.loudly(label, text, tone);
        }
    }

    fn loudly(&self, label: &str, text: &str, tone: Tone) {
        let at = self.took();
        let mut state = self.state();
        state.console.say(at, label, text, tone);
        state.last_line = Instant::now();
    }

    /// A thread that panicked while it printed leaves nothing half done that matters.
    pub(super) fn state(&self) -> MutexGuard<'_, ReporterState> {
        let state = self.shared.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "reporter_tests.rs"]
mod tests;
