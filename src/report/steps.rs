//! Steps as they come and go: which of their lines are printed.

use std::time::Duration;

use super::Reporter;
use super::board::{Time, Work};
use super::console::Tone;
use super::reporter::{ReporterState, Verbosity};
use super::text;
use crate::error::{Error, Result};
use crate::protocol::result::StepOutcome;
use crate::protocol::step::{Phase, Stage, Step};

/// A step that takes longer is named before it is done.
const PATIENCE: Duration = Duration::from_secs(1);
/// The same for a command whose answer is a table.
const PATIENCE_FOR_AN_ANSWER: Duration = Duration::from_secs(2);
/// What is done sooner would be `0.0s`, and says nothing.
const INSTANT: Duration = Duration::from_millis(50);

impl Reporter {
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

    /// Frames work with its phase.
    pub async fn phase<T>(&self, phase: Phase, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.phase_started(phase);
        let result = work.await;
        match &result {
            Ok(_) => self.phase_done(phase, None),
            Err(error) => self.phase_failed(phase, error),
        }
        result
    }

    /// How far it is.
    pub fn progress(&self, phase: Phase, text: &str) {
        self.stage_progress(Stage::Phase(phase), text);
    }

    /// Says beforehand how long a step is going to take, so that it can be counted down.
    pub fn lasts(&self, step: Step, time: Duration) {
        self.state().board.lasts(Stage::Step(step), time);
    }

    pub(super) fn stage_progress(&self, stage: Stage, text: &str) {
        let said = {
            let mut state = self.state();
            let printed = match state.verbosity {
                Verbosity::Quiet | Verbosity::Answer => false,
                Verbosity::Steps => !state.console.is_live(),
                Verbosity::Everything => true,
            };
            // A step of an earlier connection is not on the board.
            state.board.progress(stage, text, printed);
            printed
        };
        if said {
            self.say(&stage.to_string(), text, Tone::Plain);
        }
    }

    pub(super) fn started(&self, stage: Stage) {
        let at = self.took();
        let mut state = self.state();
        let time = state.timeline.start(stage, at);
        state.board.start(Work::Stage(stage), time, at);
        drop(state);
        self.name(&stage.to_string(), "…", Tone::Dim);
    }

    pub(super) fn done(&self, stage: Stage, elapsed: Option<Duration>, detail: Option<&str>) {
        let at = self.took();
        let mut state = self.state();
        let took = state.timeline.end(stage, at, elapsed, StepOutcome::Done);
        let row = state.board.end(&Work::Stage(stage));
        let is_news = match (state.verbosity, row) {
            (Verbosity::Everything, _) | (Verbosity::Steps, None) => true,
            (Verbosity::Quiet, _) | (Verbosity::Answer, None) => false,
            (Verbosity::Answer, Some(row)) => row.is_said,
            (Verbosity::Steps, Some(row)) => took >= INSTANT && row.time == Time::First,
        };
        drop(state);
        self.fold(stage);
        let time = text::seconds(took.as_secs_f64());
        let text = match (is_news, detail) {
            (true, Some(detail)) => format!("done in {time}: {detail}"),
            (true, None) => format!("done in {time}"),
            (false, Some(detail)) => detail.to_owned(),
            (false, None) => return,
        };
        self.say(&stage.to_string(), &text, Tone::Good);
    }

    /// The run says why at its end, once; what fails after the commit does not end it.
    pub(super) fn failed(&self, stage: Stage, elapsed: Option<Duration>, why: &str) {
        let at = self.took();
        let mut state = self.state();
        let took = state.timeline.end(stage, at, elapsed, StepOutcome::Failed);
        drop(state.board.end(&Work::Stage(stage)));
        let goes_on = state.is_committed;
        drop(state);
        self.keep(stage);
        let time = text::seconds(took.as_secs_f64());
        let text = if goes_on {
            format!("failed after {time}: {why}")
        } else {
            format!("failed after {time}")
        };
        self.say(&stage.to_string(), &text, Tone::Bad);
    }

    /// What a step did is being taken back.
    pub(super) fn undo_started(&self, step: Step) {
        let at = self.took();
        let mut state = self.state();
        state.board.start(Work::Undo(step), Time::First, at);
        drop(state);
        self.name(step.as_str(), "undoing", Tone::Warn);
    }

    /// Who wants everything reads at once what others read of work that takes long.
    fn name(&self, label: &str, text: &str, tone: Tone) {
        if self.verbosity() == Verbosity::Everything {
            let at = self.took();
            self.state().board.overdue(at, Duration::ZERO);
            self.say(label, text, tone);
        }
    }

    /// What a step did was taken back.
    pub(super) fn undone(&self, step: Step) {
        let mut state = self.state();
        state.timeline.undone(Stage::Step(step));
        drop(state.board.end(&Work::Undo(step)));
        let is_said = state.verbosity == Verbosity::Everything;
        drop(state);
        if is_said {
            self.say(step.as_str(), "undone", Tone::Warn);
        }
    }

    /// It was not taken back.
    pub(super) fn undo_failed(&self, step: Step, why: &str) {
        drop(self.state().board.end(&Work::Undo(step)));
        let text = format!("undo failed: {why}");
        self.say(step.as_str(), &text, Tone::Bad);
    }

    pub(super) fn is_live(&self) -> bool {
        let state = self.state();
        state.console.is_live() && state.verbosity != Verbosity::Everything
    }

    /// Shows what is at work on the terminal's line; for a table only when it takes long.
    pub(super) fn draw_work(&self) {
        let at = self.took();
        let state = self.state();
        let is_early = state.verbosity == Verbosity::Answer && at < PATIENCE_FOR_AN_ANSWER;
        let line = if is_early {
            String::new()
        } else {
            state.board.line(at)
        };
        drop(state);
        self.draw(&line);
    }

    pub(super) fn draw(&self, line: &str) {
        let at = self.took();
        self.state().console.draw(at, line);
    }

    /// What takes long and was not named.
    pub(super) fn overdue(&self, now: Duration) -> Vec<(String, String)> {
        let mut state = self.state();
        let patience = match state.verbosity {
            Verbosity::Answer => PATIENCE_FOR_AN_ANSWER,
            _ => PATIENCE,
        };
        state.board.overdue(now, patience)
    }

    /// What to say when nothing was said for so long.
    pub(super) fn sign_of_life(
        &self,
        now: Duration,
        silence: Duration,
    ) -> Option<(String, String)> {
        let state = self.state();
        let ReporterState { board, .. } = &*state;
        let is_silent = state.last_line.elapsed() >= silence;
        (board.is_busy() && is_silent).then(|| board.sign(now))
    }
}
