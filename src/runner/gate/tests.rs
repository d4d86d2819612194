//! Every answer of the event alone.

use serde_json::json;

use super::*;
use crate::config::parse;
use crate::config::raw::Raw;
use crate::runner::event::{PullRequest, Trigger};

/// A whole payload as a runner finds it, with every field of GitHub's documentation.
const LABELED: &str = include_str!("fixtures/labeled.json");

/// The head commit in it.
pub(super) const HEAD: &str = "6f1d3c0a9b7e4d2f8c5a1e0b3d6f9a2c4e7b1d80";

pub(super) const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

pub(super) fn labeled() -> Value {
    serde_json::from_str(LABELED).unwrap()
}

pub(super) fn gate() -> GateConfig {
    parse::gate(&Raw::default()).0
}

pub(super) fn facts() -> Facts {
    Facts {
        repository: "o/r".to_owned(),
        commit: SHA.parse().unwrap(),
        sender: "octocat".to_owned(),
        origin: Trigger::Label(PullRequest {
            number: 7,
            head_ref: "feature".to_owned(),
            merge: None,
        }),
    }
}

fn reason(event: &str, payload: &Value) -> Option<Reason> {
    match decide(&gate(), event, payload) {
        Decision::Go(_) => None,
        Decision::No(refusal) => Some(refusal.reason),
    }
}

/// What comes of the payload with other values at these places.
fn with<const N: usize>(changes: [(&str, Value); N]) -> Option<Reason> {
    let mut payload = labeled();
    for (pointer, value) in changes {
        *payload.pointer_mut(pointer).unwrap() = value;
    }
    reason("pull_request", &payload)
}

#[test]
fn the_exact_event_goes_with_the_head_commit() {
    let decision = decide(&gate(), "pull_request", &labeled());
    let Decision::Go(facts) = decision else {
        panic!("{decision:?}")
    };
    assert_eq!(facts.commit.as_str(), HEAD);
    assert_eq!(
        (facts.repository.as_str(), facts.sender.as_str()),
        ("octo-org/pct-backend", "octocat")
    );
    let merge = "9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a291807";
    let pull = PullRequest {
        number: 7,
        head_ref: "feature/greet-in-korean".to_owned(),
        merge: Some(merge.parse().unwrap()),
    };
    assert_eq!(facts.origin, Trigger::Label(pull));
    assert_eq!(
        with([("/pull_request/merge_commit_sha", Value::Null)]),
        None
    );
}

#[test]
fn only_the_variation_selector_and_outer_spaces_are_ignored() {
    let label = |label: &str| with([("/label/name", json!(label))]);
    for same in ["🎅🏼\u{fe0f}deploy", " 🎅🏼deploy ", "\u{fe0f} 🎅🏼deploy\t"] {
        assert_eq!(label(same), None, "{same:?}");
    }
    for other in [
        "🎅deploy",
        "🎅🏽deploy",
        "deploy",
        "🎅🏼 deploy",
        "🎅🏼Deploy",
        "x🎅🏼deploy",
        "🎅🏼\u{200d}deploy",
        "🎅🏼\u{fe0e}deploy",
        "🎅🏼de\u{301}ploy",
        "\u{202e}yolped🎅🏼",
        "🎅🏼d\u{435}ploy",
        "🎅🏼deploy\u{200b}",
    ] {
        assert_eq!(label(other), Some(Reason::WrongLabel), "{other:?}");
    }
}

/// The same letters on screen, and another text: what was configured is what counts.
#[test]
fn a_composed_and_a_decomposed_name_are_two() {
    let gate = GateConfig {
        label: "배포".to_owned(),
        base: "r\u{e9}lease".to_owned(),
        ..gate()
    };
    let of = |label: &str, base: &str| {
        let mut payload = labeled();
        payload["label"]["name"] = json!(label);
        payload["pull_request"]["base"]["ref"] = json!(base);
        match decide(&gate, "pull_request", &payload) {
            Decision::Go(_) => None,
            Decision::No(refusal) => Some(refusal.reason),
        }
    };
    assert_eq!(of("배포", "r\u{e9}lease"), None);
    let taken_apart = "\u{1107}\u{1162}\u{1111}\u{1169}";
    assert_eq!(of(taken_apart, "r\u{e9}lease"), Some(Reason::WrongLabel));
    assert_eq!(of("배포", "re\u{301}lease"), Some(Reason::WrongBase));
}

#[test]
fn an_empty_label_deploys_nothing() {
    let gate = GateConfig {
        label: " \u{fe0f}".to_owned(),
        ..gate()
    };
    let mut payload = labeled();
    payload["label"]["name"] = json!(" ");
    let decision = decide(&gate, "pull_request", &payload);
    assert!(matches!(decision, Decision::No(_)), "{decision:?}");
}

#[test]
fn every_other_event_says_why_not() {
    for event in [
        "",
        "push",
        "Pull_Request",
        "issue_comment",
        "workflow_run",
        "merge_group",
    ] {
        assert_eq!(
            reason(event, &labeled()),
            Some(Reason::WrongEvent),
            "{event}"
        );
    }
    let target = reason("pull_request_target", &labeled());
    assert_eq!(target, Some(Reason::PullRequestTarget));
    for action in [
        "unlabeled",
        "opened",
        "synchronize",
        "Labeled",
        "ready_for_review",
    ] {
        let wrong = Some(Reason::WrongAction);
        assert_eq!(with([("/action", json!(action))]), wrong, "{action}");
    }
    for base in [
        "develop",
        "main ",
        "Main",
        "refs/heads/main",
        "ma\u{200d}in",
        "m\u{430}in",
    ] {
        let wrong = Some(Reason::WrongBase);
        assert_eq!(
            with([("/pull_request/base/ref", json!(base))]),
            wrong,
            "{base}"
        );
    }
}

#[test]
fn a_fork_is_refused_by_name_by_number_and_when_it_is_gone() {
    let head = "/pull_request/head/repo";
    let fork = Some(Reason::FromFork);
    assert_eq!(with([(head, Value::Null)]), fork);
    assert_eq!(
        with([(
            "/pull_request/head/repo/full_name",
            json!("mallory/pct-backend")
        )]),
        fork
    );
    assert_eq!(
        with([(
            "/pull_request/head/repo/full_name",
            json!("Octo-Org/pct-backend")
        )]),
        fork
    );
    assert_eq!(with([("/pull_request/head/repo/id", json!(1))]), fork);
    // Then the payload does not agree with itself.
    let here = [("/repository/full_name", json!("mallory/pct-backend"))];
    assert_eq!(with(here), Some(Reason::UnreadableEvent));
    // A fork of the fork: what it says about itself does not matter.
    assert_eq!(with([("/pull_request/head/repo/fork", json!(true))]), None);
}

#[test]
fn what_is_a_draft_closed_or_merged_is_refused() {
    let (state, merged, draft) = (
        "/pull_request/state",
        "/pull_request/merged",
        "/pull_request/draft",
    );
    assert_eq!(with([(draft, json!(true))]), Some(Reason::Draft));
    assert_eq!(with([(state, json!("closed"))]), Some(Reason::Closed));
    let gone = [
        (state, json!("closed")),
        (merged, json!(true)),
        (draft, json!(true)),
    ];
    assert_eq!(with(gone), Some(Reason::Merged));
    assert_eq!(with([(merged, json!(true))]), Some(Reason::Merged));
    assert_eq!(
        with([(state, json!("Open"))]),
        Some(Reason::UnreadableEvent)
    );
}

/// Every place that a decision is made of, for this test and the next ones.
pub(super) const NEEDED: [&str; 15] = [
    "/action",
    "/label/name",
    "/pull_request/base/ref",
    "/pull_request/base/repo/full_name",
    "/pull_request/base/repo/id",
    "/pull_request/draft",
    "/pull_request/head/ref",
    "/pull_request/head/repo/full_name",
    "/pull_request/head/repo/id",
    "/pull_request/head/sha",
    "/pull_request/merged",
    "/pull_request/number",
    "/pull_request/state",
    "/repository/full_name",
    "/sender/login",
];

#[test]
fn a_payload_that_lacks_anything_is_closed() {
    for pointer in NEEDED {
        for wrong in [
            json!(null),
            json!(["labeled"]),
            json!({}),
            json!(""),
            json!(-1.5),
        ] {
            let reason = with([(pointer, wrong.clone())]);
            assert_eq!(
                reason,
                Some(Reason::UnreadableEvent),
                "{pointer} is {wrong}"
            );
        }
    }
    for nothing in [json!(null), json!([]), json!("labeled"), json!({})] {
        assert_eq!(
            reason("pull_request", &nothing),
            Some(Reason::UnreadableEvent)
        );
    }
    for short in [
        "6f1d3c0",
        "6F1D3C0A9B7E4D2F8C5A1E0B3D6F9A2C4E7B1D80",
        "main",
        " ",
    ] {
        let reason = with([("/pull_request/head/sha", json!(short))]);
        assert_eq!(reason, Some(Reason::UnreadableEvent), "{short}");
    }
}

#[test]
fn a_label_in_the_pull_requests_own_list_is_not_the_one_just_set() {
    assert_eq!(labeled()["pull_request"]["labels"][1]["name"], "🎅🏼deploy");
    assert_eq!(
        with([("/label/name", json!("enhancement"))]),
        Some(Reason::WrongLabel)
    );
}

#[test]
fn a_refusal_shows_what_cannot_be_seen() {
    let mut payload = labeled();
    payload["label"]["name"] = json!("🎅🏼\u{200d}deploy\n::set-output name=a::b");
    let Decision::No(refusal) = decide(&gate(), "pull_request", &payload) else {
        panic!("it went")
    };
    let shown =
        "the label is `🎅🏼\\u{200d}deploy ::set-output name=a::b`, and only `🎅🏼deploy` deploys";
    assert_eq!(refusal.text, shown);
}

fn dispatched(inputs: &Value) -> Value {
    json!({
        "inputs": inputs,
        "ref": "refs/heads/main",
        "repository": {"full_name": "o/r"},
        "sender": {"login": "octocat"},
        "workflow": ".github/workflows/deploy.yml",
    })
}

#[test]
fn a_dispatch_goes_with_the_full_commit_that_it_names() {
    for inputs in [
        json!({"sha": SHA}),
        json!({"commit": SHA, "sha": ""}),
        json!({"sha": format!(" {SHA}\n"), "commit": SHA, "why": "because"}),
    ] {
        let decision = decide(&gate(), "workflow_dispatch", &dispatched(&inputs));
        let Decision::Go(facts) = decision else {
            panic!("{inputs}: {decision:?}")
        };
        assert_eq!(facts.commit.as_str(), SHA);
        assert_eq!(facts.sender, "octocat");
        assert_eq!(facts.origin, Trigger::Dispatch("main".to_owned()));
    }
}

#[test]
fn a_dispatch_without_one_full_commit_is_refused() {
    for inputs in [
        json!(null),
        json!({}),
        json!({"sha": ""}),
        json!({"sha": "main"}),
        json!({"sha": "0123456"}),
        json!({"sha": 7}),
        json!({"sha": [SHA]}),
        json!({"sha": SHA, "commit": HEAD}),
        json!([SHA]),
    ] {
        let reason = reason("workflow_dispatch", &dispatched(&inputs));
        assert_eq!(reason, Some(Reason::NoCommit), "{inputs}");
    }
    for pointer in ["/ref", "/repository/full_name", "/sender/login"] {
        let mut payload = dispatched(&json!({"sha": SHA}));
        *payload.pointer_mut(pointer).unwrap() = json!(null);
        let reason = reason("workflow_dispatch", &payload);
        assert_eq!(reason, Some(Reason::UnreadableEvent), "{pointer}");
    }
}
