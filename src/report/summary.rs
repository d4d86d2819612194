//! The job's summary and the pull request's comment, in Markdown. Pure.

use std::fmt::Write as _;

use super::context::RunContext;
use super::words::{Labels, Words};
use super::{chart, markdown, outcome, receipt, text, traffic};
use crate::config::types::Language;
use crate::protocol::outcome::Outcome;
use crate::protocol::result::RunResult;

/// GitHub drops a summary above 1 MiB whole.
const MAX_SUMMARY: usize = 1_000_000;

/// GitHub refuses a comment above 65,536 characters.
const MAX_COMMENT: usize = 60_000;

/// The part of either that everything but the log may take.
const RESERVE: usize = 30_000;

/// What a comment shows before anything is unfolded.
const AT_A_GLANCE: usize = 4;

/// The job's summary.
pub fn summary(result: &RunResult, context: &RunContext, language: Language) -> String {
    let words = language.words();
    let mut page = head(result, context, language);
    let facts = facts(result, context, words.labels());
    page.push_str(&table(
        facts.into_iter().map(|(_, name, value)| (name, value)),
    ));
    page.push_str(&cause(result, words.labels()));
    let log = log(result, words, MAX_SUMMARY - RESERVE);
    if !log.is_empty() {
        write!(page, "{}:\n\n{log}", words.labels().log).ok();
    }
    let figures = figures(result, context, language);
    if !figures.is_empty() {
        write!(page, "#### {}\n\n{figures}", words.labels().receipt).ok();
    }
    page.push_str(&traffic::traffic(result.receipt.series.as_ref(), language));
    page.push_str(&chart::timeline(&result.steps, language));
    bounded(page, MAX_SUMMARY, words)
}

/// The pull request's comment, without its marker: the outcome and what matters most, the rest folded.
pub fn comment(result: &RunResult, context: &RunContext, language: Language) -> String {
    let words = language.words();
    let labels = words.labels();
    let mut page = head(result, context, language);
    let (shown, folded) = at_a_glance(facts(result, context, labels));
    page.push_str(&table(shown));
    page.push_str(&cause(result, labels));
    let log = log(result, words, MAX_COMMENT - RESERVE);
    page.push_str(&markdown::folded(labels.log, &log));
    let figures = figures(result, context, language);
    page.push_str(&markdown::folded(labels.receipt, &figures));
    page.push_str(&markdown::folded(labels.more, &table(folded)));
    if let Some(url) = context.run_url() {
        writeln!(page, "{}", markdown::link(labels.run_page, &url)).ok();
    }
    bounded(page, MAX_COMMENT, words)
}

fn head(result: &RunResult, context: &RunContext, language: Language) -> String {
    let title = outcome::title(result, context, language);
    let line = markdown::plain(&outcome::line(result, context, language));
    format!("### {}\n\n{line}\n\n", markdown::plain(&title))
}

/// How soon somebody who sees the comment wants to know a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Want {
    First,
    Second,
    OnRequest,
}

type Fact = (Want, &'static str, String);

/// What there is to know about the run, each with its name, in Markdown.
fn facts(result: &RunResult, context: &RunContext, labels: &'static Labels) -> Vec<Fact> {
    let code = |value: Option<String>| value.as_deref().map(markdown::code);
    let took = text::seconds(result.took_seconds);
    let record = text_of(result.deployment_id.as_ref());
    let all = [
        (
            Want::First,
            labels.release,
            code(text_of(result.release.as_ref())),
        ),
        (
            Want::OnRequest,
            labels.image,
            code(text_of(result.image.as_ref())),
        ),
        (Want::First, labels.slot, code(result.slot.clone())),
        (Want::Second, labels.before, code(before(result))),
        (Want::First, labels.commit, commit(context)),
        (Want::OnRequest, labels.pull_request, pull_request(context)),
        (Want::Second, labels.took, Some(took)),
        (Want::First, labels.reason, reason(result)),
        (Want::OnRequest, labels.record, code(record)),
    ];
    all.into_iter()
        .filter_map(|(want, name, value)| Some((want, name, value?)))
        .collect()
}

type SummaryRow = (&'static str, String);

/// The few facts that everybody sees, and the others.
fn at_a_glance(mut facts: Vec<Fact>) -> (Vec<SummaryRow>, Vec<SummaryRow>) {
    facts.sort_by_key(|(want, _, _)| *want);
    let mut shown: Vec<SummaryRow> = facts
        .into_iter()
        .map(|(_, name, fact)| (name, fact))
        .collect();
    let folded = shown.split_off(AT_A_GLANCE.min(shown.len()));
    (shown, folded)
}

/// A table of two columns. The first fact is its head: an empty one would be a bar of grey.
fn table(rows: impl IntoIterator<Item = SummaryRow>) -> String {
    let mut table = String::new();
    for (index, (name, fact)) in rows.into_iter().enumerate() {
        writeln!(table, "| {name} | {fact} |").ok();
        if index == 0 {
            table.push_str("|:--|:--|\n");
        }
    }
    if !table.is_empty() {
        table.push('\n');
    }
    table
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
    let labels = language.words().labels();
    let mut page = String::new();
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

/// What failed, every cause below it, and what to do.
fn cause(result: &RunResult, labels: &Labels) -> String {
    let Some(failed) = &result.failure else {
        return String::new();
    };
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
    page
}

/// The last lines of the log that explain it, as many as fit; nothing without any.
fn log(result: &RunResult, words: &dyn Words, budget: usize) -> String {
    let tail = result
        .failure
        .as_ref()
        .map(|failed| &failed.failure.log_tail);
    match tail {
        Some(tail) if !tail.is_empty() => {
            format!("{}\n", markdown::fence_tail(tail, budget, words))
        }
        Some(_) | None => String::new(),
    }
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
