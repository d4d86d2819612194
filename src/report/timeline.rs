//! When each phase and step ran, how long, and how it ended. Pure: the caller says what time it is.

use std::time::Duration;

use super::board::Time;
use crate::protocol::result::{StageResult, StepOutcome};
use crate::protocol::step::Stage;

/// The rows of a run. Times are counted from its start.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    rows: Vec<TimelineRow>,
}

#[derive(Debug, Clone)]
struct TimelineRow {
    stage: Stage,
    started_at: Duration,
    /// The time of the occurrences that are over.
    spent: Duration,
    state: RowState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowState {
    Open { since: Duration },
    Ended(StepOutcome),
}

impl Timeline {
    /// A stage begins; one that ran before continues its row. Says whether it did.
    pub(super) fn start(&mut self, stage: Stage, now: Duration) -> Time {
        let open = RowState::Open { since: now };
        match self.row(stage) {
            Some(row) => {
                row.state = open;
                Time::Again
            }
            None => {
                self.rows.push(TimelineRow {
                    stage,
                    started_at: now,
                    spent: Duration::ZERO,
                    state: open,
                });
                Time::First
            }
        }
    }

    /// A stage is over. `elapsed` is its own measure when it has a better one than ours.
    pub fn end(
        &mut self,
        stage: Stage,
        now: Duration,
        elapsed: Option<Duration>,
        outcome: StepOutcome,
    ) -> Duration {
        if let Some(row) = self.row(stage) {
            let ours = match row.state {
                RowState::Open { since } => now.saturating_sub(since),
                RowState::Ended(_) => Duration::ZERO,
            };
            let took = elapsed.unwrap_or(ours);
            row.spent += took;
            row.state = RowState::Ended(outcome);
            return took;
        }
        // Its start was not seen: we connected later.
        let took = elapsed.unwrap_or_default();
        self.rows.push(TimelineRow {
            stage,
            started_at: now.saturating_sub(took),
            spent: took,
            state: RowState::Ended(outcome),
        });
        took
    }

    /// What a stage did was taken back. One that failed stays failed.
    pub fn undone(&mut self, stage: Stage) {
        if let Some(row) = self.row(stage)
            && row.state == RowState::Ended(StepOutcome::Done)
        {
            row.state = RowState::Ended(StepOutcome::Undone);
        }
    }

    /// The run ends: whatever is open was cancelled.
    pub fn cancel(&mut self, now: Duration) {
        for row in &mut self.rows {
            if let RowState::Open { since } = row.state {
                row.spent += now.saturating_sub(since);
                row.state = RowState::Ended(StepOutcome::Cancelled);
            }
        }
    }

    /// The rows of the result: the runner's phases, then the host's steps, in their fixed order.
    pub fn steps(&self, now: Duration) -> Vec<StageResult> {
        let mut closed = self.clone();
        closed.cancel(now);
        closed.rows.sort_by_key(|row| row.stage);
        closed
            .rows
            .iter()
            .map(|row| StageResult {
                name: row.stage.to_string(),
                started_at: round(row.started_at),
                seconds: round(row.spent),
                outcome: match row.state {
                    RowState::Ended(outcome) => outcome,
                    RowState::Open { .. } => StepOutcome::Cancelled,
                },
            })
            .collect()
    }

    fn row(&mut self, stage: Stage) -> Option<&mut TimelineRow> {
        self.rows.iter_mut().find(|row| row.stage == stage)
    }
}

/// Seconds with milliseconds.
pub fn round(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::step::{Phase, Step};

    const GATE: Stage = Stage::Phase(Phase::Gate);
    const BUILD: Stage = Stage::Phase(Phase::Build);
    const PREFLIGHT: Stage = Stage::Step(Step::Preflight);
    const PULL: Stage = Stage::Step(Step::PullImage);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn rows(timeline: &Timeline, now: u64) -> Vec<(String, f64, f64, StepOutcome)> {
        let row = |s: StageResult| (s.name, s.started_at, s.seconds, s.outcome);
        timeline.steps(ms(now)).into_iter().map(row).collect()
    }

    #[test]
    fn a_step_that_runs_twice_is_one_row() {
        let mut timeline = Timeline::default();
        timeline.start(PREFLIGHT, ms(1000));
        timeline.end(PREFLIGHT, ms(1500), Some(ms(400)), StepOutcome::Done);
        timeline.start(BUILD, ms(500));
        timeline.end(BUILD, ms(9000), None, StepOutcome::Done);
        timeline.start(PREFLIGHT, ms(9000));
        timeline.end(PREFLIGHT, ms(9100), Some(ms(90)), StepOutcome::Done);
        assert_eq!(
            rows(&timeline, 10_000),
            [
                ("build".to_owned(), 0.5, 8.5, StepOutcome::Done),
                ("preflight".to_owned(), 1.0, 0.49, StepOutcome::Done),
            ]
        );
    }

    #[test]
    fn an_undone_step_is_undone_and_a_failed_one_stays_failed() {
        let mut timeline = Timeline::default();
        for (stage, outcome) in [(GATE, StepOutcome::Done), (PULL, StepOutcome::Failed)] {
            timeline.start(stage, ms(0));
            timeline.end(stage, ms(10), None, outcome);
            timeline.undone(stage);
        }
        let outcomes: Vec<_> = rows(&timeline, 20).into_iter().map(|row| row.3).collect();
        assert_eq!(outcomes, [StepOutcome::Undone, StepOutcome::Failed]);
    }

    #[test]
    fn what_is_open_at_the_end_was_cancelled() {
        let mut timeline = Timeline::default();
        timeline.start(GATE, ms(0));
        timeline.start(BUILD, ms(5));
        timeline.end(GATE, ms(7), None, StepOutcome::Done);
        timeline.cancel(ms(1005));
        assert_eq!(
            rows(&timeline, 60_000).last().unwrap(),
            &("build".to_owned(), 0.005, 1.0, StepOutcome::Cancelled)
        );
    }

    #[test]
    fn a_step_whose_start_was_missed_still_has_its_time() {
        let mut timeline = Timeline::default();
        timeline.end(PULL, ms(5000), Some(ms(1200)), StepOutcome::Done);
        assert_eq!(
            rows(&timeline, 6000),
            [("pull_image".to_owned(), 3.8, 1.2, StepOutcome::Done)]
        );
    }
}
