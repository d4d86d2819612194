//! The job's summary and the pull request's comment, in Markdown. Pure.

use std::fmt::Write as _;

use super::context::RunContext;
use super::words::Words;
use super::{chart, markdown, outcome, receipt, text};
use crate::config::types::Language;
use crate::protocol::outcome::Outcome;
use crate::protocol::result::RunResult;

/// GitHub drops a summary above 1 MiB whole.
const MAX_SUMMARY: usize = 1_000_000;

/// GitHub refuses a comment above 65,536 characters.
const MAX_COMMENT: usize = 60_000;

/// The part of either that everything but the log may take.
const RESERVE: usize = 30_000;

/// The job's summary.
pub fn summary(result: &RunResult, context: &RunContext, language: Language) -> String {
    let mut page = head(result, context, language);
    page.push_str(&failure(result, language, MAX_SUMMARY - RESERVE));
    page.push_str(&figures(result, context, language));
    page.push_str(&chart::timeline(&result.steps, language));
    bounded(page, MAX_SUMMARY, language.words())
}

/// The pull request's comment, without its marker.
pub fn comment(result: &RunResult, context: &RunContext, language: Language) -> String {
    let mut page = head(result, context, language);
    page.push_str(&failure(result, language, MAX_COMMENT - RESERVE));
    page.push_str(&figures(result, context, language));
    if let Some(url) = context.run_url() {
        let label = language.words().labels().run_page;
        writeln!(page, "{}", markdown::link(label, &url)).ok();
    }
    bounded(page, MAX_COMMENT, language.words())
}

fn head(result: &RunResult, context: &RunContext, language: Language) -> String {
    let title = outcome::title(result, context, language);
    let line = markdown::plain(&outcome::line(result, context, language));
    let mut page = format!("### {}\n\n{line}\n\n", markdown::plain(&title));
    let labels = language.words().labels();
    let code = |value: Option<String>| value.as_deref().map(markdown::code);
    let rows = [
        (labels.release, code(text_of(result.release.as_ref()))),
        (labels.image, code(text_of(result.image.as_ref()))),
        (labels.slot, code(result.slot.clone())),
        (labels.before, code(before(result))),
        (labels.commit, commit(context)),
        (labels.pull_request, pull_request(context)),
        (labels.took, Some(text::seconds(result.took_seconds))),
        (labels.reason, reason(result)),
        (labels.record, code(text_of(result.deployment_id.as_ref()))),
    ];
    let rows = rows
        .into_iter()
        .filter_map(|(name, value)| Some(format!("| {name} | {} |\n", value?)));
    for (index, row) in rows.enumerate() {
        page.push_str(&row);
        // The first fact is the head of the table: an empty one would be a bar of grey.
        if index == 0 {
            page.push_str("|:--|:--|\n");
        }
    }
    page.push('\n');
    page
}

fn text_of<T: ToString>(value: Option<&T>) -> Option<String> {
    value.map(ToString::to_string)
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

fn pull_request(context: &RunContext) -> Option<String> {
    let label = format!("\\#{}", context.pull_request?);
    Some(markdown::link(&label, &context.pull_request_url()?))
}

/// A deploy needs none.
fn reason(result: &RunResult) -> Option<String> {
    match result.outcome {
        Outcome::Deployed if result.failure.is_none() => None,
        Outcome::Deployed
        | Outcome::Unchanged
        | Outcome::Skipped
        | Outcome::Cancelled
        | Outcome::Failed
        | Outcome::RolledBack
        | Outcome::Stuck => Some(markdown::code(&result.reason_code)),
    }
}

/// The receipt: its facts, and what each slot answered.
fn figures(result: &RunResult, context: &RunContext, language: Language) -> String {
    let facts = receipt::facts(result, context, language);
    let rows = receipt::rows(result, context, language);
    if facts.is_empty() && rows.is_empty() {
        return String::new();
    }
    let labels = language.words().labels();
    let mut page = format!("#### {}\n\n", labels.receipt);
    for fact in &facts {
        writeln!(page, "- {}", markdown::plain(fact)).ok();
    }
    if !facts.is_empty() {
        page.push('\n');
    }
    if !rows.is_empty() {
        let columns = labels.slot_columns.join(" | ");
        writeln!(page, "| {columns} |\n|:--|--:|--:|--:|--:|--:|").ok();
    }
    for row in &rows {
        let served = row.served;
        writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} |",
            markdown::plain(&row.label),
            text::count(served.requests),
            text::count(served.not_ok),
            text::count(served.server_errors),
            receipt::latency(served.p50_ms),
            receipt::latency(served.p99_ms),
        )
        .ok();
    }
    if !rows.is_empty() {
        page.push('\n');
    }
    page
}

fn failure(result: &RunResult, language: Language, budget: usize) -> String {
    let Some(failed) = &result.failure else {
        return String::new();
    };
    let words = language.words();
    let labels = words.labels();
    let (title, because, hint) = (labels.failed, labels.caused_by, labels.hint);
    let mut page = match &failed.name {
        Some(name) => format!("#### {title}: {}\n\n", markdown::code(name)),
        None => format!("#### {title}\n\n"),
    };
    let chain = failed.failure.chain.iter().enumerate();
    let mut lines: Vec<String> = chain
        .map(|(depth, line)| match depth {
            0 => line.clone(),
            _ => format!("{because}: {line}"),
        })
        .collect();
    let hints = failed.failure.hints.iter();
    lines.extend(hints.map(|text| format!("{hint}: {text}")));
    if !lines.is_empty() {
        lines.truncate(40);
        let lines: Vec<String> = lines.iter().map(|line| text::cut(line, 500)).collect();
        page.push_str(&markdown::fence(&lines));
        page.push('\n');
    }
    if !failed.failure.log_tail.is_empty() {
        writeln!(page, "{}:\n", labels.log).ok();
        page.push_str(&markdown::fence_tail(
            &failed.failure.log_tail,
            budget,
            words,
        ));
        page.push('\n');
    }
    page
}

/// The last guard: every part above has its own limit, and this one cannot be reached by a log.
fn bounded(page: String, max: usize, words: &dyn Words) -> String {
    if page.len() < max {
        return page;
    }
    format!(
        "{}\n\n({})\n",
        text::cut(&page, max - 20),
        words.labels().cut
    )
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;
