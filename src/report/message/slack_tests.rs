//! What Slack is told, and that it takes it.

use proptest::prelude::*;

use serde_json::Value;

use crate::clients::github::HeadCommit;
use crate::config::types::{Language, MessageFormat, SlackConfig, SlackField, SlackOn};
use crate::error::{Failure, Reason};
use crate::protocol::outcome::Outcome;
use crate::protocol::result::{FailedStage, RunResult};
use crate::report::fixtures::{baked_away, context, deployed, reloaded, rolled_back};
use crate::report::message::samples::text;
use crate::report::message::{is_wanted, length, message};
use crate::secret::Secret;

fn config() -> SlackConfig {
    SlackConfig {
        webhook: Secret::new("https://hooks.slack.com/services/T/B/X"),
        given: Secret::new("https://hooks.slack.com/services/T/B/X"),
        format: MessageFormat::Slack,
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
    assert_eq!(sandbox::slack::refusal(&body), None, "{body}");
    assert_eq!(
        length(body["blocks"][0]["text"]["text"].as_str().unwrap()),
        150
    );
    // What is left out is whole, and never the outcome, the cause or the links.
    let all = texts(&body).join("\n");
    for kept in ["rolled back in await_healthy", "*Cause* ", "|Run> · <"] {
        assert!(all.contains(kept), "{all}");
    }
}

#[test]
fn a_title_of_ones_own_says_how_it_went_too() {
    let mut config = config();
    config.title = Some("Backend CD".to_owned());
    let body = message(&config, Language::English, &context(), None, &baked_away());
    assert_eq!(body["blocks"][0]["text"]["text"], "↩️ Backend CD");
}

#[test]
fn the_facts_are_one_short_line_and_the_figures_by_slot_are_left_to_the_run() {
    let told = |result: &RunResult, language| {
        let body = message(&config(), language, &context(), None, result);
        assert_eq!(sandbox::slack::refusal(&body), None, "{body}");
        let blocks = body["attachments"][0]["blocks"].as_array().unwrap();
        let small = blocks.iter().filter(|block| block["type"] == "context");
        let small: Vec<String> = small.flat_map(texts).collect();
        (texts(&body).join("\n"), small)
    };
    let (all, small) = told(&deployed(), Language::English);
    assert_eq!(
        small,
        [
            "bake: good, 812 requests in 5.0s · switched by the flag, without a reload · 240 requests of our own, all fine"
        ]
    );
    assert_eq!(all.matches("0 of 48,213 requests lost").count(), 1, "{all}");
    assert!(!all.contains("p99") && !all.contains("MiB"), "{all}");
    let (all, small) = told(&baked_away(), Language::English);
    let lost = "37 of 412 answers of the new slot were 5xx before traffic was back";
    assert_eq!(all.matches(lost).count(), 1, "{all}");
    assert!(
        small[0].starts_with("bake: worse than the old release ("),
        "{small:?}"
    );
    let (_, small) = told(&reloaded(), Language::Korean);
    assert!(
        small[0].ends_with("(`pct-deploy provision` 후 0건)"),
        "{small:?}"
    );
}

#[test]
fn what_failed_comes_before_the_facts_and_the_log_comes_last() {
    let body = message(
        &config(),
        Language::English,
        &context(),
        None,
        &baked_away(),
    );
    let blocks = body["attachments"][0]["blocks"].as_array().unwrap();
    let begins: Vec<String> = blocks.iter().map(|block| texts(block)[0].clone()).collect();
    let wanted = [
        "rolled back in bake",
        "*repo*",
        "*Failed step* `bake`",
        "bake: worse",
        "<https:",
        "```\n",
    ];
    assert_eq!(begins.len(), wanted.len(), "{begins:?}");
    for (text, begin) in begins.iter().zip(wanted) {
        assert!(text.starts_with(begin), "{begins:?}");
    }
}

#[test]
fn every_end_has_its_title_and_colour_in_both_languages() {
    let ends = [
        (
            Outcome::Deployed,
            "✅ pct-backend deployed",
            "✅ pct-backend 배포 성공",
            "#2eb67d",
        ),
        (
            Outcome::Unchanged,
            "✅ pct-backend unchanged",
            "✅ pct-backend 변경 없음",
            "#2eb67d",
        ),
        (
            Outcome::Cancelled,
            "⏹️ pct-backend cancelled",
            "⏹️ pct-backend 취소됨",
            "#868686",
        ),
        (
            Outcome::Failed,
            "❌ pct-backend deploy failed",
            "❌ pct-backend 배포 실패",
            "#e01e5a",
        ),
        (
            Outcome::RolledBack,
            "↩️ pct-backend rolled back",
            "↩️ pct-backend 롤백됨",
            "#ecb22e",
        ),
        (
            Outcome::Stuck,
            "🚨 pct-backend stuck, manual action needed",
            "🚨 pct-backend 조치 필요",
            "#e01e5a",
        ),
    ];
    for (outcome, english, korean, colour) in ends {
        let mut result = rolled_back();
        result.outcome = outcome;
        for (language, title) in [(Language::English, english), (Language::Korean, korean)] {
            let body = message(&config(), language, &context(), Some(&commit()), &result);
            assert_eq!(sandbox::slack::refusal(&body), None, "{body}");
            assert_eq!(body["blocks"][0]["text"]["text"], title);
            assert_eq!(body["attachments"][0]["color"], colour);
            let text = body["text"].as_str().unwrap();
            assert!(text.starts_with(&format!("{title} — ")), "{text}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn slack_takes_every_message_and_nobody_is_called(
        texts in prop::collection::vec(text(), 12),
        lines in prop::collection::vec(text(), 0..40),
        korean in any::<bool>(),
    ) {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = texts.try_into().unwrap();
        let mut context = context();
        (context.head_ref, context.workflow, context.job) = (Some(a), Some(b), Some(c));
        (context.action, context.event_name) = (Some(d), Some(e));
        let mut result = baked_away();
        (result.slot, result.previous_slot) = (Some(f.clone()), Some(g));
        result.receipt.bake.as_mut().unwrap().why = f;
        result.failure = Some(FailedStage {
            name: Some(h),
            failure: Failure {
                reason: Reason::BakeFailed,
                chain: vec![i, j],
                hints: lines.clone(),
                log_tail: lines,
            },
        });
        let mut config = config();
        config.title = Some(k.clone());
        let commit = HeadCommit { message: k, author: Some(l) };
        let language = if korean { Language::Korean } else { Language::English };
        let body = message(&config, language, &context, Some(&commit), &result);
        prop_assert_eq!(sandbox::slack::refusal(&body), None, "{}", body);
        for text in self::texts(&body["attachments"]) {
            for call in text.split('<').skip(1) {
                prop_assert!(call.starts_with("https://github.com/o/r"), "{}", text);
            }
        }
    }
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
