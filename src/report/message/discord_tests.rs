//! What Discord is told, and that it takes it.

use proptest::prelude::*;
use sandbox::slack::{Receiver, refusal_by};
use serde_json::{Value, json};

use crate::config::types::{Language, MessageFormat};
use crate::protocol::result::RunResult;
use crate::report::context::RunContext;
use crate::report::fixtures::{baked_away, context, deployed, rolled_back};
use crate::report::message::message;
use crate::report::message::samples::{author, config, longest, text, told};

fn body(context: &RunContext, result: &RunResult) -> Value {
    told(
        MessageFormat::Discord,
        Receiver::Discord,
        Language::Korean,
        context,
        result,
    )
}

#[test]
fn a_deploy_is_one_embed_that_calls_nobody() {
    let body = body(&context(), &deployed());
    assert_eq!(body["allowed_mentions"], json!({ "parse": [] }));
    let embed = &body["embeds"][0];
    assert_eq!(embed["title"], "✅ pct-backend 배포 성공");
    assert_eq!(embed["url"], "https://github.com/o/r/actions/runs/42");
    assert_eq!(embed["color"], 0x2e_b6_7d);
    let fields = embed["fields"].as_array().unwrap();
    assert_eq!(fields.len(), 10);
    assert_eq!(
        fields[3],
        json!({ "name": "author", "value": "김 개발", "inline": true })
    );
    assert_eq!(body["embeds"].as_array().unwrap().len(), 1);
    assert_eq!(body.get("content"), None);
}

#[test]
fn a_failure_has_its_log_in_an_embed_of_its_own() {
    let body = body(&context(), &rolled_back());
    let text = body["embeds"][0]["description"].as_str().unwrap();
    assert!(text.contains("**실패한 단계** `await_healthy`"), "{text}");
    let log = body["embeds"][1]["description"].as_str().unwrap();
    assert!(
        log.starts_with("```\nStarted") && log.ends_with("\n```"),
        "{log}"
    );
}

#[test]
fn the_longest_texts_stay_within_discords_limits() {
    let (context, result) = longest(baked_away());
    let (format, receiver) = (MessageFormat::Discord, Receiver::Discord);
    let body = told(format, receiver, Language::English, &context, &result);
    let text = body["embeds"][0]["description"].as_str().unwrap();
    for kept in ["rolled back in bake", "**Cause** ", "[Run]("] {
        assert!(text.contains(kept), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_receiver_takes_every_message_and_nobody_is_called(
        texts in prop::collection::vec(text(), 6),
        lines in prop::collection::vec(text(), 0..40),
    ) {
        let [a, b, c, d, e, f] = texts.try_into().unwrap();
        let mut context = context();
        (context.head_ref, context.workflow, context.job) = (Some(a), Some(b), Some(c));
        let mut result = baked_away();
        result.receipt.bake.as_mut().unwrap().why = d.clone();
        let failure = &mut result.failure.as_mut().unwrap().failure;
        (failure.chain, failure.hints, failure.log_tail) = (vec![d, e], lines.clone(), lines);
        let receivers = [
            (Receiver::Workflow, MessageFormat::Workflow),
            (Receiver::Mattermost, MessageFormat::Mattermost),
            (Receiver::Discord, MessageFormat::Discord),
        ];
        for (receiver, format) in receivers {
            let mut config = config(format);
            config.title = Some(f.clone());
            let body = message(&config, Language::English, &context, Some(&author()), &result);
            prop_assert_eq!(refusal_by(receiver, &body), None, "{}", body);
            for call in ["<!channel>", "<@U1>"] {
                prop_assert!(!body.to_string().contains(call), "{}", body);
            }
        }
    }
}
