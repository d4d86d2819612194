//! What a run tells the person who watches it, and what it remembers for the result.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::commands::Level;
use super::console::{Annotated, Colour, Console, ConsoleMode, Tone};
use super::heartbeat::{self, Beat};
use super::hurry::Hurry;
use super::text;
use super::timeline::Timeline;
use crate::error::Error;
use crate::protocol::result::{StepOutcome, StepResult};
use crate::protocol::step::{Phase, Stage, Step};
use crate::secret::{Redactor, SHORTEST};

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
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    console: Console,
    timeline: Timeline,
    last_line: Instant,
    lock_holder: Option<String>,
    is_committed: bool,
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
        let console = Console::new(mode, Colour::Off, redactor.clone(), to);
        Self::with_console(console, redactor)
    }

    fn with_console(console: Console, redactor: Redactor) -> Self {
        let now = Instant::now();
        let state = State {
            console,
            timeline: Timeline::default(),
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

    /// A part of the run begins on this side.
    pub fn phase_started(&self, phase: Phase) {
        self.started(Stage::Phase(phase));
    }

    /// It is done; `detail` says with what.
    pub fn phase_done(&self, phase: Phase, detail: Option<&str>) {
        self.done(Stage::Phase(phase), None, detail);
    }

    /// It failed. The error itself is printed once, by [`Self::error`].
    pub fn phase_failed(&self, phase: Phase, error: &Error) {
        self.failed(Stage::Phase(phase), None, &error.to_string());
    }

    /// How far it is.
    pub fn progress(&self, phase: Phase, text: &str) {
        self.say(phase.as_str(), text, Tone::Plain);
    }

    /// A line that a build, a registry or the host printed. Nothing in it is trusted.
    pub fn output(&self, source: &str, line: &str) {
        let at = self.took();
        let mut state = self.state();
        state.console.quote(at, source, line);
        state.last_line = Instant::now();
    }

    /// Something worth knowing.
    pub fn note(&self, text: &str) {
        self.say("", text, Tone::Plain);
    }

    /// Something that a person should know and see at a glance in the run's page.
    pub fn notice(&self, text: &str) {
        self.annotated(Level::Notice, "pct-deploy", text, Tone::Plain);
    }

    /// Something that a person should know although the run goes on.
    pub fn warning(&self, text: &str, hint: &str) {
        let text = match hint {
            "" => format!("warning: {text}"),
            hint => format!("warning: {text}\nhint: {hint}"),
        };
        self.annotated(Level::Warning, "pct-deploy", &text, Tone::Warn);
    }

    /// The error that ends the run, with every cause, every hint and the log that explains it.
    pub fn error(&self, error: &Error) {
        let mut text = format!("error: {}", error.chain().join("\ncaused by: "));
        for hint in error.hints() {
            text.push_str("\nhint: ");
            text.push_str(hint);
        }
        let title = format!("pct-deploy {}", error.reason());
        self.annotated(Level::Error, &title, &text, Tone::Bad);
        for line in error.log_lines() {
            self.output("log", line);
        }
    }

    /// The run was cancelled: what is at work now did not finish.
    pub fn cancelled(&self) {
        let at = self.took();
        self.state().timeline.cancel(at);
    }

    /// The timeline so far.
    pub fn steps(&self) -> Vec<StepResult> {
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

    /// Does work and shows a sign of life whenever nothing was printed for ten seconds meanwhile.
    pub async fn alive_during<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            done = work => done,
            never = self.heartbeat() => match never {},
        }
    }

    /// Breaks a long silence while something is at work. Never returns: select it beside the work.
    pub async fn heartbeat(&self) -> Infallible {
        loop {
            let now = self.took();
            let next = {
                let state = self.state();
                heartbeat::beat(now, state.last_line.elapsed(), &state.timeline.open())
            };
            match next {
                Beat::Speak { label, text } => self.say(&label, &text, Tone::Dim),
                Beat::Wait(pause) => tokio::time::sleep(pause).await,
            }
        }
    }

    pub(super) fn started(&self, stage: Stage) {
        let at = self.took();
        self.state().timeline.start(stage, at);
        self.say(&stage.to_string(), "…", Tone::Dim);
    }

    pub(super) fn done(&self, stage: Stage, elapsed: Option<Duration>, detail: Option<&str>) {
        let took = self.end(stage, elapsed, StepOutcome::Done);
        let text = match detail {
            Some(detail) => format!("done in {took}: {detail}"),
            None => format!("done in {took}"),
        };
        self.say(&stage.to_string(), &text, Tone::Good);
    }

    pub(super) fn failed(&self, stage: Stage, elapsed: Option<Duration>, why: &str) {
        let took = self.end(stage, elapsed, StepOutcome::Failed);
        let text = format!("failed after {took}: {why}");
        self.say(&stage.to_string(), &text, Tone::Bad);
    }

    fn end(&self, stage: Stage, elapsed: Option<Duration>, outcome: StepOutcome) -> String {
        let at = self.took();
        let took = self.state().timeline.end(stage, at, elapsed, outcome);
        text::seconds(took.as_secs_f64())
    }

    /// What a step did was taken back.
    pub(super) fn undone(&self, step: Step) {
        self.state().timeline.undone(Stage::Step(step));
        self.say(step.as_str(), "undone", Tone::Warn);
    }

    /// The agent repeats itself while it waits; people read it once for each holder.
    pub(super) fn waits_for(&self, holder: &str) {
        let known = self.state().lock_holder.replace(holder.to_owned());
        if known.as_deref() != Some(holder) {
            self.note(&format!("waits for the lock, held by {holder}"));
        }
    }

    fn annotated(&self, level: Level, title: &str, text: &str, tone: Tone) {
        let annotated = self.state().console.annotate(level, title, text);
        match annotated {
            Annotated::Yes => self.state().last_line = Instant::now(),
            Annotated::No => self.say("", text, tone),
        }
    }

    pub(super) fn say(&self, label: &str, text: &str, tone: Tone) {
        let at = self.took();
        let mut state = self.state();
        state.console.say(at, label, text, tone);
        state.last_line = Instant::now();
    }

    /// A thread that panicked while it printed leaves nothing half done that matters.
    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.shared.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "reporter_tests.rs"]
mod tests;
