//! The job's summary and the pull request's comment, in Markdown. Pure.

use std::fmt::Write as _;

use super::context::RunContext;
use super::{markdown, outcome, text};
use crate::config::types::Language;
use crate::protocol::result::{RunResult, StepOutcome, StepResult};

/// GitHub drops a summary above 1 MiB whole.
const MAX_SUMMARY: usize = 1_000_000;

/// GitHub refuses a comment above 65,536 characters.
const MAX_COMMENT: usize = 60_000;

/// The part of either that everything but the log may take.
const RESERVE: usize = 30_000;

/// The job's summary.
pub fn summary(result: &RunResult, context: &RunContext, language: Language) -> String {
    let mut page = head(result, context, language);
    page.push_str(&gantt(&result.steps));
    page.push_str(&steps(&result.steps));
    page.push_str(&failure(result, MAX_SUMMARY - RESERVE));
    bounded(page, MAX_SUMMARY)
}

/// The pull request's comment, without its marker.
pub fn comment(result: &RunResult, context: &RunContext, language: Language) -> String {
    let mut page = head(result, context, language);
    page.push_str(&failure(result, MAX_COMMENT - RESERVE));
    if let Some(url) = context.run_url() {
        let label = match language {
            Language::English => "Log of the run",
            Language::Korean => "실행 로그",
        };
        writeln!(page, "{}", markdown::link(label, &url)).ok();
    }
    bounded(page, MAX_COMMENT)
}

fn head(result: &RunResult, context: &RunContext, language: Language) -> String {
    let title = outcome::title(result, context, language);
    let line = markdown::plain(&outcome::line(result, language));
    let mut page = format!("### {}\n\n{line}\n\n", markdown::plain(&title));
    let code = |value: Option<String>| value.as_deref().map(markdown::code);
    let rows = [
        ("app", code(outcome::app(result, context))),
        (
            "release",
            code(result.release.as_ref().map(ToString::to_string)),
        ),
        (
            "image",
            code(result.image.as_ref().map(ToString::to_string)),
        ),
        ("slot", code(result.slot.clone())),
        ("before", code(before(result))),
        ("commit", commit(context)),
        ("took", Some(text::seconds(result.took_seconds))),
        ("receipt", receipt(result)),
    ];
    page.push_str("| | |\n|---|---|\n");
    for (name, value) in rows {
        if let Some(value) = value {
            writeln!(page, "| {name} | {value} |").ok();
        }
    }
    page.push('\n');
    page
}

fn before(result: &RunResult) -> Option<String> {
    match (&result.previous_slot, &result.previous_release) {
        (Some(slot), Some(release)) => Some(format!("{slot} {release}")),
        (Some(slot), None) => Some(slot.clone()),
        (None, Some(release)) => Some(release.to_string()),
        (None, None) => None,
    }
}

fn commit(context: &RunContext) -> Option<String> {
    let short = markdown::code(context.commit.as_ref()?.short());
    Some(match context.commit_url() {
        Some(url) => markdown::link(&short, &url),
        None => short,
    })
}

fn receipt(result: &RunResult) -> Option<String> {
    let facts = outcome::receipt(result);
    (!facts.is_empty()).then(|| facts.join(" · "))
}

/// A chart of what ran when. Times are written as times of day: Mermaid shows both in the reader's
/// time zone, so they agree in every one.
fn gantt(steps: &[StepResult]) -> String {
    if steps.is_empty() {
        return String::new();
    }
    let mut chart = "```mermaid\ngantt\n  dateFormat HH:mm:ss.SSS\n  axisFormat %M:%S\n".to_owned();
    for step in steps {
        let tag = match step.outcome {
            StepOutcome::Done => "done, ",
            StepOutcome::Failed => "crit, ",
            StepOutcome::Undone | StepOutcome::Cancelled => "",
        };
        // A bar of no length is not drawn.
        let length = millis(step.seconds).max(1);
        let start = clock(millis(step.started_at));
        let name = plain_name(&step.name);
        writeln!(chart, "  {name} :{tag}{start}, {length}ms").ok();
    }
    chart.push_str("```\n\n");
    chart
}

fn steps(steps: &[StepResult]) -> String {
    if steps.is_empty() {
        return String::new();
    }
    let mut table = "| step | seconds | outcome |\n|---|--:|---|\n".to_owned();
    for step in steps {
        let outcome = match step.outcome {
            StepOutcome::Done => "done",
            StepOutcome::Failed => "**failed**",
            StepOutcome::Undone => "undone",
            StepOutcome::Cancelled => "cancelled",
        };
        let name = plain_name(&step.name);
        writeln!(table, "| {name} | {:.3} | {outcome} |", step.seconds).ok();
    }
    table.push('\n');
    table
}

fn failure(result: &RunResult, budget: usize) -> String {
    let Some(failed) = &result.failure else {
        return String::new();
    };
    let mut page = match &failed.name {
        Some(name) => format!("#### Failed: {}\n\n", markdown::code(name)),
        None => "#### Failed\n\n".to_owned(),
    };
    let chain = failed.failure.chain.iter().enumerate();
    let mut lines: Vec<String> = chain
        .map(|(depth, line)| match depth {
            0 => line.clone(),
            _ => format!("caused by: {line}"),
        })
        .collect();
    lines.extend(
        failed
            .failure
            .hints
            .iter()
            .map(|hint| format!("hint: {hint}")),
    );
    if !lines.is_empty() {
        lines.truncate(40);
        let lines: Vec<String> = lines.iter().map(|line| text::cut(line, 500)).collect();
        page.push_str(&markdown::fence(&lines));
        page.push('\n');
    }
    if !failed.failure.log_tail.is_empty() {
        page.push_str("Last lines of the log:\n\n");
        page.push_str(&markdown::fence_tail(&failed.failure.log_tail, budget));
        page.push('\n');
    }
    page
}

/// The last guard: every part above has its own limit, and this one cannot be reached by a log.
fn bounded(page: String, max: usize) -> String {
    if page.len() < max {
        return page;
    }
    format!("{}\n\n(cut)\n", text::cut(&page, max - 20))
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
    let (seconds, ms) = (ms / 1000, ms % 1000);
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{ms:03}", seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::outcome::tests::{deployed, rolled_back};

    fn context() -> RunContext {
        RunContext {
            commit: "0a1b2c3d4e5f".repeat(4).get(..40).unwrap().parse().ok(),
            repository: Some("o/r".to_owned()),
            server_url: Some("https://github.com".to_owned()),
            run_id: Some("7".to_owned()),
            ..RunContext::default()
        }
    }

    #[test]
    fn a_deploy_is_told_at_a_glance() {
        let page = summary(&deployed(), &context(), Language::English);
        let digest = format!("sha256:{}", "a1".repeat(32));
        let commit = "0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d4e5f0a1b";
        let expected = format!(
            "### ✅ pct-backend deployed

deployed release 0123456789ab on pct-backend-2 (before:\u{200b} pct-backend-1) in 41.2s, 0 of 48,213 requests lost

| | |
|---|---|
| app | `pct-backend` |
| release | `0123456789ab` |
| image | `user/pct-backend@{digest}` |
| slot | `pct-backend-2` |
| before | `pct-backend-1 ba9876543210` |
| commit | [`0a1b2c3d4e5f`](https://github.com/o/r/commit/{commit}) |
| took | 41.2s |
| receipt | 0 of 48,213 requests lost · 12 ms from healthy to switched · 0 requests cut when the old slot stopped · 3.4 MiB pulled by the host |

```mermaid
gantt
  dateFormat HH:mm:ss.SSS
  axisFormat %M:%S
  gate :done, 00:00:00.000, 100ms
  build :done, 00:00:00.100, 20000ms
  await_healthy :done, 00:00:22.500, 8100ms
```

| step | seconds | outcome |
|---|--:|---|
| gate | 0.100 | done |
| build | 20.000 | done |
| await_healthy | 8.100 | done |

"
        );
        assert_eq!(page, expected);
    }

    #[test]
    fn a_failure_shows_step_cause_cure_and_log() {
        let page = comment(&rolled_back(), &context(), Language::Korean);
        assert!(page.starts_with("### ↩️ pct-backend 롤백됨\n"), "{page}");
        let tail = "#### Failed: `await_healthy`

```text
`pct-backend-2` ended while it started
caused by: the kernel killed it: out of memory
hint: raise `limits.memory`
```

Last lines of the log:

````text
Started ```boot```
<!channel> & Killed
````

[실행 로그](https://github.com/o/r/actions/runs/7)
";
        assert!(page.ends_with(tail), "{page}");
        assert!(!page.contains("mermaid"));
    }

    #[test]
    fn the_longest_log_stays_within_the_limits() {
        let mut result = rolled_back();
        let failure = &mut result.failure.as_mut().unwrap().failure;
        failure.log_tail = vec!["`".repeat(5000); 1000];
        failure.hints = vec!["가".repeat(5000); 1000];
        let page = summary(&result, &context(), Language::English);
        assert!(page.len() < MAX_SUMMARY, "{}", page.len());
        assert!(page.contains("earlier lines cut") && !page.contains("\n(cut)"));
        let page = comment(&result, &context(), Language::English);
        assert!(page.len() < MAX_COMMENT && page.contains("earlier lines cut"));
    }

    #[test]
    fn a_skipped_run_needs_no_chart() {
        let mut result = deployed();
        result.steps.clear();
        let page = summary(&result, &RunContext::default(), Language::English);
        assert!(!page.contains("mermaid") && !page.contains("| step"));
    }
}
