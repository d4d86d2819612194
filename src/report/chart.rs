//! What ran when: a chart that GitHub draws, and the same as a table. Pure.

use std::fmt::Write as _;

use super::words::{Labels, Words};
use crate::config::types::Language;
use crate::protocol::result::{StageResult, StepOutcome};
use crate::protocol::step::Phase;
use crate::protocol::utc;

/// A run shorter than this gets fractions of seconds on its axis.
const SHORT_MS: u64 = 10_000;

/// The shortest bar is this part of the whole: a shorter one cannot be seen. The table has the figure.
const BARS: u64 = 250;

/// The chart and the table, under a title; nothing when nothing ran.
pub(super) fn timeline(steps: &[StageResult], language: Language) -> String {
    if steps.is_empty() {
        return String::new();
    }
    let words = language.words();
    format!(
        "#### {}\n\n{}{}",
        words.labels().timeline,
        gantt(steps, words),
        table(steps, words)
    )
}

/// Times are written as times of day: Mermaid shows both in the reader's time zone, so they agree in
/// every one.
fn gantt(steps: &[StageResult], words: &dyn Words) -> String {
    let end = |step: &StageResult| millis(step.started_at + step.seconds);
    let end = steps.iter().map(end).max().unwrap_or_default();
    let axis = if end < SHORT_MS { "%S.%Ls" } else { "%M:%S" };
    let shortest = (end / BARS).max(1);
    let mut chart = format!("```mermaid\ngantt\n  dateFormat HH:mm:ss.SSS\n  axisFormat {axis}\n");
    let mut section = None;
    for step in steps {
        let side = side(&step.name, words.labels());
        if section != Some(side) {
            writeln!(chart, "  section {side}").ok();
            section = Some(side);
        }
        // Mermaid draws `done` in grey and `crit` in red.
        let tag = match step.outcome {
            StepOutcome::Done => "",
            StepOutcome::Failed => "crit, ",
            StepOutcome::Undone | StepOutcome::Cancelled => "done, ",
        };
        let length = millis(step.seconds).max(shortest);
        let start = clock(millis(step.started_at));
        let mut name = plain_name(&step.name);
        match words.step_note(step.outcome) {
            "" => {}
            note => name = format!("{name} {note}"),
        }
        writeln!(chart, "  {name} :{tag}{start}, {length}ms").ok();
    }
    chart.push_str("```\n\n");
    chart
}

fn table(steps: &[StageResult], words: &dyn Words) -> String {
    let columns = words.labels().step_columns.join(" | ");
    let mut table = format!("| {columns} |\n|:--|:--|--:|--:|:--|\n");
    for step in steps {
        let (name, outcome) = (plain_name(&step.name), words.step_ended(step.outcome));
        let side = side(&step.name, words.labels());
        writeln!(
            table,
            "| {name} | {side} | {:.3} | {:.3} | {outcome} |",
            step.started_at, step.seconds
        )
        .ok();
    }
    table.push('\n');
    table
}

/// Where a step ran.
fn side(name: &str, labels: &Labels) -> &'static str {
    let on_runner = Phase::ALL.iter().any(|phase| phase.as_str() == name);
    if on_runner {
        labels.runner
    } else {
        labels.host
    }
}

/// Step names are ours; anything else would be a word to Mermaid.
fn plain_name(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || c == '_' => c,
            _ => '-',
        })
        .collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float is clamped to the integer's range by `as`"
)]
fn millis(seconds: f64) -> u64 {
    (seconds * 1000.0).round() as u64
}

fn clock(ms: u64) -> String {
    utc::text(ms, utc::CLOCK).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{baked_away, deployed};

    #[test]
    fn a_deploy_is_a_chart_and_a_table() {
        let text = timeline(&deployed().steps, Language::English);
        let expected = "#### Timeline

```mermaid
gantt
  dateFormat HH:mm:ss.SSS
  axisFormat %M:%S
  section runner
  gate :00:00:00.000, 122ms
  build :00:00:00.100, 20000ms
  section host
  await_healthy :00:00:22.500, 8100ms
```

| step | where | began | seconds | outcome |
|:--|:--|--:|--:|:--|
| gate | runner | 0.000 | 0.100 | done |
| build | runner | 0.100 | 20.000 | done |
| await_healthy | host | 22.500 | 8.100 | done |

";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_step_that_was_taken_back_stands_out() {
        let text = timeline(&baked_away().steps, Language::Korean);
        assert!(
            text.contains("  section 서버\n  switch_traffic undone :done, 00:00:30.600, 127ms\n"),
            "{text}"
        );
        assert!(
            text.contains("  bake failed :crit, 00:00:30.700, 1200ms\n"),
            "{text}"
        );
        assert!(
            text.contains("| bake | 서버 | 30.700 | 1.200 | ❌ **실패** |"),
            "{text}"
        );
    }

    #[test]
    fn no_name_is_a_word_to_mermaid_and_a_short_run_has_a_fine_axis() {
        let mut steps = deployed().steps;
        steps.truncate(1);
        steps[0].name = "x :crit, 0\nclick x call alert()\n%%{init}%% | <b>".to_owned();
        let text = timeline(&steps, Language::English);
        assert!(text.contains("  axisFormat %S.%Ls\n"), "{text}");
        assert!(
            text.contains("\n  x--crit--0-click-x-call-alert------init-------b- :00:00:00.000"),
            "{text}"
        );
        assert!(timeline(&[], Language::English).is_empty());
    }
}
