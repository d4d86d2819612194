//! The message itself, as Slack's JSON. Pure.
//!
//! The header is a block of the message, so that `text` is only the fallback of notifications; the
//! rest is in one attachment, because only attachments have a colour.

use serde_json::{Value, json};

use super::mrkdwn;
use crate::config::types::{Language, SlackConfig, SlackField, SlackOn};
use crate::protocol::outcome::Outcome;
use crate::protocol::result::{FailedStage, RunResult};
use crate::report::context::RunContext;
use crate::report::github::HeadCommit;
use crate::report::{outcome, receipt, text};

const MAX_HEADER: usize = 150;
const MAX_SECTION: usize = 3000;
const MAX_FIELD: usize = 2000;
const MAX_FIELDS: usize = 10;

/// Whether a run that ended like this is posted at all.
pub fn is_wanted(on: SlackOn, outcome: Outcome) -> bool {
    match (on, outcome) {
        (_, Outcome::Skipped) => false,
        (SlackOn::Always, _) | (SlackOn::Success, Outcome::Deployed) => true,
        (SlackOn::Failure, Outcome::Failed | Outcome::RolledBack | Outcome::Stuck) => true,
        (SlackOn::Success | SlackOn::Failure, _) => false,
    }
}

/// The message about a run.
pub fn message(
    config: &SlackConfig,
    language: Language,
    context: &RunContext,
    commit: Option<&HeadCommit>,
    result: &RunResult,
) -> Value {
    let title = match &config.title {
        Some(title) => title.clone(),
        None => outcome::title(result, context, language),
    };
    let line = outcome::line(result, context, language);
    let mut blocks = vec![section(&mrkdwn::escaped(&line, MAX_SECTION))];
    let fields: Vec<Value> = config
        .fields
        .iter()
        .filter_map(|field| {
            let value = field_value(*field, context, commit, result)?;
            Some(markup(&format!("*{}*\n{value}", field.as_str())))
        })
        .collect();
    for fields in fields.chunks(MAX_FIELDS) {
        blocks.push(json!({ "type": "section", "fields": fields }));
    }
    let facts = receipt::facts(result, context, language);
    if !facts.is_empty() {
        let facts = mrkdwn::escaped(&facts.join(" · "), MAX_FIELD);
        blocks.push(json!({ "type": "context", "elements": [markup(&facts)] }));
    }
    if let Some(failed) = &result.failure {
        blocks.extend(failure(failed, language));
    }
    let links = links(context, language);
    if !links.is_empty() {
        blocks.push(section(&links));
    }
    json!({
        "text": mrkdwn::escaped(&format!("{title} — {line}"), MAX_SECTION),
        "blocks": [{
            "type": "header",
            "text": {
                "type": "plain_text",
                "text": mrkdwn::plain(&title, MAX_HEADER),
                "emoji": true,
            },
        }],
        "attachments": [{
            "color": colour(result.outcome),
            "fallback": mrkdwn::escaped(&line, MAX_SECTION),
            "blocks": blocks,
        }],
    })
}

fn field_value(
    field: SlackField,
    context: &RunContext,
    commit: Option<&HeadCommit>,
    result: &RunResult,
) -> Option<String> {
    let run = context.run_url();
    match field {
        SlackField::Repo => {
            let repository = context.repository.as_deref()?;
            let url = context
                .server_url
                .as_ref()
                .map(|server| format!("{server}/{repository}"));
            Some(linked(repository, url.as_deref()))
        }
        SlackField::Message => shown(commit.map(|commit| commit.message.as_str())),
        SlackField::Commit => {
            let short = context.commit.as_ref()?.short();
            Some(linked(short, context.commit_url().as_deref()))
        }
        SlackField::Author => shown(commit.and_then(|commit| commit.author.as_deref())),
        SlackField::Action => linked_run(context.action.as_deref(), run.as_deref()),
        SlackField::EventName => shown(context.event_name.as_deref()),
        SlackField::Ref => shown(context.head_ref.as_deref()),
        SlackField::Workflow => linked_run(context.workflow.as_deref(), run.as_deref()),
        SlackField::Job => shown(context.job.as_deref()),
        SlackField::Took => Some(text::seconds(result.took_seconds)),
    }
}

fn shown(text: Option<&str>) -> Option<String> {
    let text = text.filter(|text| !text.trim().is_empty())?;
    Some(mrkdwn::escaped(text, MAX_FIELD / 2))
}

fn linked_run(text: Option<&str>, url: Option<&str>) -> Option<String> {
    let text = text.filter(|text| !text.trim().is_empty())?;
    Some(linked(text, url))
}

fn linked(label: &str, url: Option<&str>) -> String {
    match url {
        Some(url) => mrkdwn::link(url, label),
        None => mrkdwn::escaped(label, MAX_FIELD / 2),
    }
}

fn failure(failed: &FailedStage, language: Language) -> Vec<Value> {
    let (step, cause, hint) = match language {
        Language::English => ("Failed step", "Cause", "What to do"),
        Language::Korean => ("실패한 단계", "원인", "조치 방법"),
    };
    let mut lines = Vec::new();
    if let Some(name) = &failed.name {
        lines.push(format!("*{step}* `{}`", mrkdwn::escaped(name, 100)));
    }
    let summary = failed.failure.summary();
    if !summary.is_empty() {
        lines.push(format!("*{cause}* {}", mrkdwn::escaped(&summary, 1500)));
    }
    for text in failed.failure.hints.iter().take(3) {
        lines.push(format!("*{hint}* {}", mrkdwn::escaped(text, 400)));
    }
    let mut blocks = Vec::new();
    if !lines.is_empty() {
        blocks.push(section(&lines.join("\n")));
    }
    if !failed.failure.log_tail.is_empty() {
        let block = mrkdwn::code_block(&failed.failure.log_tail, MAX_SECTION);
        blocks.push(section(&block));
    }
    blocks
}

fn links(context: &RunContext, language: Language) -> String {
    let (run, commit) = match language {
        Language::English => ("Run", "Commit"),
        Language::Korean => ("실행 로그", "커밋"),
    };
    let pull_request = context.pull_request.unwrap_or_default();
    let links = [
        (context.run_url(), run.to_owned()),
        (context.pull_request_url(), format!("PR #{pull_request}")),
        (context.commit_url(), commit.to_owned()),
    ];
    links
        .into_iter()
        .filter_map(|(url, label)| Some(mrkdwn::link(&url?, &label)))
        .collect::<Vec<_>>()
        .join(" · ")
}

fn colour(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Deployed | Outcome::Unchanged => "#2eb67d",
        Outcome::Skipped | Outcome::Cancelled => "#868686",
        Outcome::RolledBack => "#ecb22e",
        Outcome::Failed | Outcome::Stuck => "#e01e5a",
    }
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": markup(text) })
}

/// `verbatim` keeps Slack from finding names and addresses in the text by itself.
fn markup(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{context, deployed, rolled_back};
    use crate::secret::Secret;

    fn config() -> SlackConfig {
        SlackConfig {
            webhook: Secret::new("https://hooks.slack.com/services/T/B/X"),
            title: None,
            fields: SlackField::ALL.to_vec(),
            on: SlackOn::Always,
        }
    }

    fn commit() -> HeadCommit {
        HeadCommit {
            message: "Fix <!channel> & more".to_owned(),
            author: Some("김 개발".to_owned()),
        }
    }

    fn texts(value: &Value) -> Vec<String> {
        match value {
            Value::Object(map) => match map.get("text") {
                Some(Value::String(text)) if map.contains_key("type") => vec![text.clone()],
                _ => map.values().flat_map(texts).collect(),
            },
            Value::Array(items) => items.iter().flat_map(texts).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn the_seed_gets_its_fields_in_its_order() {
        let context = context();
        let commit = commit();
        let body = message(
            &config(),
            Language::English,
            &context,
            Some(&commit),
            &deployed(),
        );
        let fields = &body["attachments"][0]["blocks"][1];
        let sha = "0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d4e5f0a1b";
        let run = "https://github.com/o/r/actions/runs/42";
        assert_eq!(
            texts(fields),
            [
                "*repo*\n<https://github.com/o/r|o/r>".to_owned(),
                "*message*\nFix &lt;!channel&gt; &amp; more".to_owned(),
                format!("*commit*\n<https://github.com/o/r/commit/{sha}|0a1b2c3d4e5f>"),
                "*author*\n김 개발".to_owned(),
                format!("*action*\n<{run}|pct-deploy>"),
                "*eventName*\npull_request".to_owned(),
                "*ref*\nfeature/&lt;x&gt;".to_owned(),
                format!("*workflow*\n<{run}|Backend CD>"),
                "*job*\ndeploy".to_owned(),
                "*took*\n41.2s".to_owned(),
            ]
        );
        assert_eq!(body["blocks"][0]["text"]["text"], "✅ pct-backend deployed");
        assert_eq!(body["attachments"][0]["color"], "#2eb67d");
        let last = texts(
            body["attachments"][0]["blocks"]
                .as_array()
                .unwrap()
                .last()
                .unwrap(),
        );
        assert_eq!(
            last,
            [format!(
                "<{run}|Run> · <https://github.com/o/r/pull/7|PR #7> · <https://github.com/o/r/commit/{sha}|Commit>"
            )]
        );
        assert!(
            body["text"]
                .as_str()
                .unwrap()
                .starts_with("✅ pct-backend deployed — deployed")
        );
    }

    #[test]
    fn a_failure_shows_step_cause_cure_and_log() {
        let context = context();
        let body = message(&config(), Language::Korean, &context, None, &rolled_back());
        let all = texts(&body).join("\n");
        assert!(all.contains("↩️ pct-backend 롤백됨"), "{all}");
        assert!(all.contains("*실패한 단계* `await_healthy`"), "{all}");
        assert!(
            all.contains("*원인* `pct-backend-2` ended while it started"),
            "{all}"
        );
        assert!(all.contains("*조치 방법* raise `limits.memory`"), "{all}");
        assert!(
            all.contains("```\nStarted '''boot'''\n&lt;!channel&gt; &amp; Killed\n```"),
            "{all}"
        );
        assert!(!all.contains("*message*"), "{all}");
        assert_eq!(body["attachments"][0]["color"], "#ecb22e");
    }

    #[test]
    fn the_longest_texts_stay_within_slacks_limits() {
        let mut context = context();
        context.head_ref = Some("&".repeat(9000));
        context.workflow = Some("<".repeat(9000));
        let mut config = config();
        config.title = Some("제목".repeat(300));
        config.fields = SlackField::ALL.repeat(3);
        let mut result = rolled_back();
        let failure = &mut result.failure.as_mut().unwrap().failure;
        failure.chain = vec!["&".repeat(9000); 9];
        failure.hints = vec!["&".repeat(9000); 9];
        failure.log_tail = vec!["&".repeat(9000); 900];
        let body = message(
            &config,
            Language::English,
            &context,
            Some(&commit()),
            &result,
        );
        let blocks = body["attachments"][0]["blocks"].as_array().unwrap();
        assert!(blocks.len() < 50);
        assert_eq!(
            mrkdwn::length(body["blocks"][0]["text"]["text"].as_str().unwrap()),
            150
        );
        for block in blocks {
            let fields = block["fields"].as_array().map_or(0, Vec::len);
            assert!(fields <= 10);
            let max = if fields > 0 { 2000 } else { 3000 };
            for text in texts(block) {
                assert!(mrkdwn::length(&text) <= max, "{}", mrkdwn::length(&text));
            }
        }
        assert!(body.to_string().len() < 40_000);
    }

    #[test]
    fn who_wants_to_know_what() {
        use Outcome::{Cancelled, Deployed, Failed, RolledBack, Skipped, Stuck, Unchanged};
        let all = [
            Deployed, Unchanged, Skipped, Cancelled, Failed, RolledBack, Stuck,
        ];
        let wanted = |on| {
            all.into_iter()
                .filter(|o| is_wanted(on, *o))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            wanted(SlackOn::Always),
            [Deployed, Unchanged, Cancelled, Failed, RolledBack, Stuck]
        );
        assert_eq!(wanted(SlackOn::Success), [Deployed]);
        assert_eq!(wanted(SlackOn::Failure), [Failed, RolledBack, Stuck]);
    }
}
