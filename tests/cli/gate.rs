//! The gate, from the event file to the outputs.

use sandbox::event::Event;
use sandbox::pull::{Pull, Stage};
use serde_json::{Value, json};

use crate::{action, labeled, pct_deploy, pull};

/// Nothing is configured: a gate that says no must not miss it.
#[track_caller]
fn skipped(event: &str, payload: &Value, reason: &str) {
    let ended = action(event, payload).end();
    ended.ends(0);
    assert_eq!(ended.output("outcome"), "skipped");
    assert_eq!(ended.output("reason-code"), reason);
    let result: Value = serde_json::from_str(ended.output("result")).unwrap();
    assert_eq!(result["outcome"], "skipped");
}

#[test]
fn anything_but_the_exact_event_is_skipped_with_its_reason() {
    skipped("pull_request", &labeled("deploy", "main"), "wrong-label");
    skipped("pull_request", &labeled("🎅🏽deploy", "main"), "wrong-label");
    skipped(
        "pull_request",
        &labeled("🎅🏼deploy", "develop"),
        "wrong-base",
    );
    skipped("push", &labeled("🎅🏼deploy", "main"), "wrong-event");
    skipped("workflow_dispatch", &json!({}), "no-commit");
    skipped(
        "pull_request_target",
        &labeled("🎅🏼deploy", "main"),
        "pull-request-target",
    );
    let mut opened = labeled("🎅🏼deploy", "main");
    opened["action"] = json!("unlabeled");
    skipped("pull_request", &opened, "wrong-action");
    skipped("pull_request", &json!([]), "unreadable-event");
    let mut beheaded = labeled("🎅🏼deploy", "main");
    beheaded["pull_request"]["head"] = json!(null);
    skipped("pull_request", &beheaded, "unreadable-event");
}

#[test]
fn a_pull_request_that_is_not_ours_or_not_ready_is_skipped_with_its_reason() {
    let of = |pull: Pull| Event::labeled(pull, "🎅🏼deploy").to_json();
    let staged = |stage| of(pull("main").stage(stage));
    skipped(
        "pull_request",
        &of(pull("main").fork_of("mallory")),
        "from-fork",
    );
    let mut gone = labeled("🎅🏼deploy", "main");
    gone["pull_request"]["head"]["repo"] = json!(null);
    skipped("pull_request", &gone, "from-fork");
    skipped("pull_request", &staged(Stage::Draft), "draft");
    skipped("pull_request", &staged(Stage::Closed), "closed");
    skipped("pull_request", &staged(Stage::Merged), "merged");
}

#[test]
fn what_github_gives_no_secrets_stops_at_the_gate_and_says_what_to_do() {
    let event = Event::labeled(pull("main"), "🎅🏼deploy").sender("dependabot[bot]");
    let ended = action("pull_request", &event.to_json())
        .env("INPUT_IMAGE", "u/a")
        .env("INPUT_SSH-HOST", "127.0.0.1")
        .env("INPUT_SSH-KEY", "")
        .env("INPUT_REGISTRY-USERNAME", "me")
        .env("INPUT_REGISTRY-PASSWORD", "")
        .end();
    ended
        .ends(0)
        .says("refused (no-secrets)")
        .says("`ssh-key`, `registry-password`")
        .says("let a person put the label on");
    assert_eq!(ended.output("reason-code"), "no-secrets");
    // Whoever else forgets one has made a mistake, which must not pass for a skip.
    let ended = action("pull_request", &labeled("🎅🏼deploy", "main"))
        .env("INPUT_IMAGE", "u/a")
        .env("INPUT_SSH-KEY", "")
        .end();
    ended.ends(2).says("`ssh-key` is missing");
}

#[test]
fn an_event_that_is_not_there_is_skipped() {
    let ended = action("pull_request", &json!({}))
        .env("GITHUB_EVENT_PATH", "/nowhere/event.json")
        .end();
    ended.ends(0).says("/nowhere/event.json");
    assert_eq!(ended.output("reason-code"), "unreadable-event");
    pct_deploy(&["action"]).end().ends(0).says("wrong-event");
}

#[test]
fn the_exact_event_passes_and_only_then_settings_matter() {
    for label in ["🎅🏼deploy", "🎅🏼\u{fe0f}deploy", " 🎅🏼deploy "] {
        let ended = action("pull_request", &labeled(label, "main")).end();
        ended
            .ends(2)
            .says("`image` is missing")
            .says("`ssh-key` is missing");
        assert_eq!(ended.output("outcome"), "failed");
        assert_eq!(ended.output("reason-code"), "invalid-settings");
    }
}

#[test]
fn the_gate_obeys_its_own_settings() {
    let ended = action("pull_request", &labeled("ship it", "develop"))
        .env("INPUT_LABEL", "ship it")
        .env("INPUT_BASE", "develop")
        .end();
    ended.ends(2).says("`image` is missing");
}

/// The file is part of the commit that asks: whoever may push could open the gate with it.
#[test]
fn in_the_action_the_repositorys_file_cannot_open_the_gate() {
    let file = "label: bug\nbase: develop\nrequire-write: false\nimage: evil.example/x\n";
    let ended = action("pull_request", &labeled("bug", "develop"))
        .file(".pct-deploy.yml", file)
        .end();
    ended
        .ends(0)
        .says("refused (wrong-label)")
        .says("`label` in `.pct-deploy.yml` decides");
    assert_eq!(ended.output("reason-code"), "wrong-label");
    // An event that is right stops there, too, and says where to write it.
    let ended = action("pull_request", &labeled("🎅🏼deploy", "main"))
        .file(".pct-deploy.yml", file)
        .end();
    ended
        .ends(2)
        .says("`require-write` in `.pct-deploy.yml` decides")
        .says("write `image:` under `with:` in the workflow");
    assert_eq!(ended.output("reason-code"), "invalid-settings");
    // At a keyboard the file is the user's own.
    let ended = pct_deploy(&["deploy", "--event", "event.json"])
        .file("event.json", &labeled("bug", "develop").to_string())
        .file(
            ".pct-deploy.yml",
            "label: bug\nbase: develop\nimage: u/a:1\n",
        )
        .end();
    ended.ends(2).says("`u/a:1` has a tag").hides("decides");
}

#[test]
fn broken_settings_are_a_warning_while_the_gate_says_no() {
    let ended = action("pull_request", &labeled("bug", "main"))
        .file(".pct-deploy.yml", "ssh-hots: h\n")
        .end();
    ended
        .ends(0)
        .says("::warning")
        .says("did you mean `ssh-host`?");
    assert_eq!(ended.output("reason-code"), "wrong-label");
}

#[test]
fn a_label_cannot_command_the_runner() {
    let ended = action(
        "pull_request",
        &labeled("x\n::set-output name=a::b", "main"),
    )
    .end();
    ended.ends(0);
    assert!(
        !ended
            .stdout
            .lines()
            .any(|line| line.starts_with("::set-output"))
    );
}

#[test]
fn a_typed_deploy_passes_an_event_through_the_gate_too() {
    let run = pct_deploy(&["deploy", "--event", "event.json", "--json"])
        .file("event.json", &labeled("bug", "main").to_string());
    let ended = run.end();
    ended.ends(0);
    let result: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(result["reason_code"], "wrong-label");
}
