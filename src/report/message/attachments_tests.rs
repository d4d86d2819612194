//! What Mattermost and Rocket.Chat are told, and that they draw it.

use sandbox::slack::Receiver;
use serde_json::Value;

use crate::config::types::{Language, MessageFormat};
use crate::protocol::result::RunResult;
use crate::report::context::RunContext;
use crate::report::fixtures::{baked_away, context, deployed, rolled_back};
use crate::report::message::samples::{longest, told};

fn body(context: &RunContext, result: &RunResult) -> Value {
    told(
        MessageFormat::Mattermost,
        Receiver::Mattermost,
        Language::English,
        context,
        result,
    )
}

#[test]
fn a_deploy_has_its_colour_its_line_its_facts_and_its_links() {
    let body = body(&context(), &deployed());
    let first = &body["attachments"][0];
    assert_eq!(first["color"], "#2eb67d");
    assert_eq!(first["title"], "✅ pct-backend deployed");
    assert_eq!(
        first["title_link"],
        "https://github.com/o/r/actions/runs/42"
    );
    let fallback = first["fallback"].as_str().unwrap();
    assert!(fallback.starts_with("✅ pct-backend deployed — deployed release"));
    let text = first["text"].as_str().unwrap();
    assert!(
        text.starts_with("deployed release 0123456789ab on pct-backend-2"),
        "{text}"
    );
    assert!(text.ends_with("[Run](https://github.com/o/r/actions/runs/42) · [PR \\#7](https://github.com/o/r/pull/7) · [Commit](https://github.com/o/r/commit/0a1b2c3d4e5f0a1b2c3d4e5f0a1b2c3d4e5f0a1b)"), "{text}");
    let fields = first["fields"].as_array().unwrap();
    assert_eq!(fields.len(), 10);
    assert_eq!(fields[0]["value"], "[o/r](https://github.com/o/r)");
    assert_eq!(fields[1]["title"], "message");
    assert_eq!(
        fields[1]["value"],
        "Fix \\<\u{200b}\\!channel\\> & \\*more\\*"
    );
    assert_eq!(body["attachments"].as_array().unwrap().len(), 1);
}

#[test]
fn a_failure_shows_step_cause_cure_and_log() {
    let body = body(&context(), &rolled_back());
    let text = body["attachments"][0]["text"].as_str().unwrap();
    for part in [
        "**Failed step** `await_healthy`",
        "**Cause** `pct-backend-2` ended",
        "**What to do** raise `limits.memory`",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let log = body["attachments"][1]["text"].as_str().unwrap();
    assert_eq!(
        log,
        "```\nStarted '''boot'''\n<\u{200b}!channel> & Killed\n```"
    );
    assert_eq!(body["attachments"][1]["color"], "#ecb22e");
}

#[test]
fn the_longest_texts_stay_within_its_limits() {
    let (context, result) = longest(baked_away());
    let (format, receiver) = (MessageFormat::Mattermost, Receiver::Mattermost);
    let body = told(format, receiver, Language::English, &context, &result);
    let text = body["attachments"][0]["text"].as_str().unwrap();
    for kept in ["rolled back in bake", "**Cause** ", "[Run]("] {
        assert!(text.contains(kept), "{text}");
    }
}
