//! What is at work, and which of it has been said. Pure: the caller says what time it is.

use std::time::Duration;

use super::text;
use crate::protocol::step::{Stage, Step};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    /// A phase or step.
    Stage(Stage),
    /// What a step did is being taken back.
    Undo(Step),
}

impl Work {
    pub(super) fn label(&self) -> String {
        match self {
            Self::Stage(stage) => stage.to_string(),
            Self::Undo(step) => format!("undoing {step}"),
        }
    }
}

/// Whether it has run before in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    First,
    Again,
}

#[derive(Debug)]
pub(super) struct BoardRow {
    pub(super) work: Work,
    pub(super) time: Time,
    /// A line has named it.
    pub(super) is_said: bool,
    since: Duration,
    /// How far it is.
    text: String,
}

/// Everything that is at work, the one that began first first.
#[derive(Debug, Default)]
pub(super) struct Board {
    rows: Vec<BoardRow>,
    lasts: Vec<(Stage, Duration)>,
}

impl Board {
    /// A stage takes this long by what was set.
    pub(super) fn lasts(&mut self, stage: Stage, time: Duration) {
        self.lasts.push((stage, time));
    }

    pub(super) fn start(&mut self, work: Work, time: Time, now: Duration) {
        self.end(&work);
        self.rows.push(BoardRow {
            work,
            time,
            is_said: false,
            since: now,
            text: String::new(),
        });
    }

    pub(super) fn end(&mut self, work: &Work) -> Option<BoardRow> {
        let at = self.rows.iter().position(|row| row.work == *work)?;
        Some(self.rows.remove(at))
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
    }

    /// How far a stage is, and whether a line says so. One that is not at work says nothing.
    pub(super) fn progress(&mut self, stage: Stage, text: &str, is_said: bool) {
        let mut rows = self.rows.iter_mut();
        if let Some(row) = rows.find(|row| row.work == Work::Stage(stage)) {
            text.clone_into(&mut row.text);
            row.is_said |= is_said;
        }
    }

    /// Names what has been at work for `patience` and was not named; each once. What has run before was.
    pub(super) fn overdue(&mut self, now: Duration, patience: Duration) -> Vec<(String, String)> {
        let due = self.rows.iter_mut().filter(|row| {
            let fresh = !row.is_said && row.time == Time::First;
            fresh && now.saturating_sub(row.since) >= patience
        });
        due.map(|row| {
            row.is_said = true;
            let text = match row.text.as_str() {
                "" => "…",
                text => text,
            };
            (row.work.label(), text.to_owned())
        })
        .collect()
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.rows.is_empty()
    }

    /// A sign of life: what is at work, and for how long.
    pub(super) fn sign(&self, now: Duration) -> (String, String) {
        match self.rows.as_slice() {
            [row] => {
                let left = self.left(row, now);
                let left = left.map_or_else(String::new, |left| format!(", {left}"));
                let text = format!("still at work after {}{left}", row.age(now));
                (row.work.label(), text)
            }
            rows => {
                let rows = rows.iter().rev();
                let each = rows.map(|row| format!("{} ({})", row.work.label(), row.age(now)));
                (
                    "still at work".to_owned(),
                    each.collect::<Vec<_>>().join(", "),
                )
            }
        }
    }

    /// Everything on one line, as it stands now.
    pub(super) fn line(&self, now: Duration) -> String {
        let each = self.rows.iter().map(|row| {
            let label = row.work.label();
            let time = self.left(row, now).unwrap_or_else(|| row.age(now));
            match row.text.as_str() {
                "" => format!("{label}  {time}"),
                text => format!("{label}  {time}  {text}"),
            }
        });
        each.collect::<Vec<_>>().join("  ·  ")
    }

    /// The rest of a time that is known, in whole seconds; what takes longer has none left.
    fn left(&self, row: &BoardRow, now: Duration) -> Option<String> {
        let Work::Stage(stage) = &row.work else {
            return None;
        };
        let (_, time) = self.lasts.iter().find(|(known, _)| known == stage)?;
        let left = time.checked_sub(now.saturating_sub(row.since))?;
        (!left.is_zero()).then(|| format!("{:.0} s left", left.as_secs_f64().ceil()))
    }
}

impl BoardRow {
    fn age(&self, now: Duration) -> String {
        text::seconds(now.saturating_sub(self.since).as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::step::Phase;

    const S: fn(u64) -> Duration = Duration::from_secs;
    const BUILD: Stage = Stage::Phase(Phase::Build);
    const BAKE: Stage = Stage::Step(Step::Bake);

    #[test]
    fn what_takes_long_is_named_once_and_what_ran_before_is_not() {
        let mut board = Board::default();
        let preflight = Stage::Step(Step::Preflight);
        board.start(Work::Stage(BUILD), Time::First, S(5));
        board.start(Work::Stage(preflight), Time::Again, S(5));
        assert!(board.overdue(S(5), S(1)).is_empty());
        let named = [("build".to_owned(), "…".to_owned())];
        assert_eq!(board.overdue(S(6), S(1)), named);
        assert!(board.overdue(S(60), S(1)).is_empty());
        let sign = board.sign(S(15));
        let rows = "preflight (10.0s), build (10.0s)".to_owned();
        assert_eq!(sign, ("still at work".to_owned(), rows));
        assert!(
            board
                .end(&Work::Stage(BUILD))
                .is_some_and(|row| row.is_said)
        );
        assert!(board.end(&Work::Stage(BUILD)).is_none() && board.is_busy());
    }

    #[test]
    fn a_time_that_is_known_is_counted_down() {
        let mut board = Board::default();
        board.lasts(BAKE, S(15));
        board.start(Work::Stage(BAKE), Time::First, S(20));
        assert_eq!(board.line(S(20)), "bake  15 s left");
        assert_eq!(board.line(Duration::from_millis(30_200)), "bake  5 s left");
        let sign = board.sign(S(30)).1;
        assert_eq!(sign, "still at work after 10.0s, 5 s left");
        // It is watched for longer when it is slow.
        board.progress(BAKE, "slower so far", true);
        assert_eq!(board.line(S(36)), "bake  16.0s  slower so far");
    }

    #[test]
    fn all_that_is_at_work_is_on_one_line() {
        let mut board = Board::default();
        board.start(Work::Stage(BUILD), Time::First, S(0));
        board.start(Work::Undo(Step::StartSlot), Time::First, S(2));
        board.progress(BUILD, "Step 1/3", true);
        board.progress(BAKE, "not at work", true);
        let line = "build  3.0s  Step 1/3  ·  undoing start_slot  1.0s";
        assert_eq!(board.line(S(3)), line);
        board.clear();
        assert_eq!(board.line(S(3)), "");
    }
}
