//! What the tests of the receivers share.

use proptest::prelude::*;
use sandbox::slack::{Receiver, refusal_by};
use serde_json::Value;

use crate::clients::github::HeadCommit;
use crate::config::types::{Language, MessageFormat, SlackConfig, SlackField, SlackOn};
use crate::protocol::result::RunResult;
use crate::report::context::RunContext;
use crate::report::fixtures::context;
use crate::report::message::message;
use crate::secret::Secret;

pub(super) fn config(format: MessageFormat) -> SlackConfig {
    SlackConfig {
        webhook: Secret::new("https://chat.example.org/hooks/x"),
        given: Secret::new("https://chat.example.org/hooks/x"),
        format,
        title: None,
        fields: SlackField::ALL.to_vec(),
        on: SlackOn::Always,
    }
}

/// What a receiver is told of a run, with every fact; it takes that.
pub(super) fn told(
    format: MessageFormat,
    receiver: Receiver,
    language: Language,
    context: &RunContext,
    result: &RunResult,
) -> Value {
    let body = message(&config(format), language, context, Some(&author()), result);
    assert_eq!(refusal_by(receiver, &body), None, "{body}");
    body
}

pub(super) fn author() -> HeadCommit {
    HeadCommit {
        message: "Fix <!channel> & *more*".to_owned(),
        author: Some("김 개발".to_owned()),
    }
}

/// A run in which everything is too long.
pub(super) fn longest(mut result: RunResult) -> (RunContext, RunResult) {
    let mut context = context();
    context.head_ref = Some("*".repeat(9000));
    context.workflow = Some("[".repeat(9000));
    let failure = &mut result.failure.as_mut().unwrap().failure;
    failure.chain = vec!["\"".repeat(9000); 9];
    failure.hints = vec!["_".repeat(9000); 9];
    failure.log_tail = vec!["\"".repeat(9000); 900];
    (context, result)
}

/// What anybody can put into a branch, a commit, a log or an error: markup, fences, calls, nothing.
pub(super) fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "<!channel>",
            "<@U1>",
            "@everyone",
            "```",
            "`",
            "``",
            "[x](http://x)",
            "&",
            "&amp;",
            "<http://x|y>",
            "*",
            "_",
            "\n",
            "\u{202e}",
            "🎅🏼",
            "\u{1b}[31m",
            "한글",
            "|",
            "\"",
            "\\",
            "\0",
            " "
        ])
        .prop_map(str::to_owned),
        "\\PC{0,12}",
        any::<char>().prop_map(String::from),
        (0..4000_usize).prop_map(|n| "*".repeat(n)),
        (0..4000_usize).prop_map(|n| "\"".repeat(n)),
        (0..4000_usize).prop_map(|n| "&".repeat(n)),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}
