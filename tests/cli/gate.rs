//! The gate, from the event file to the outputs.

use serde_json::{Value, json};

use crate::{action, labeled, pct_deploy};

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
    skipped("workflow_dispatch", &json!({}), "wrong-event");
    skipped(
        "pull_request_target",
        &labeled("🎅🏼deploy", "main"),
        "wrong-event",
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
        .file(".pct-deploy.yml", "base: develop\n")
        .end();
    ended.ends(2).says("`image` is missing");
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

/// Answers one request as GitHub would, and keeps what was asked.
fn github(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0_u8; 4096];
        let length = stream.read(&mut request).unwrap();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
            answer.len()
        )
        .unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    (address, asked)
}

#[test]
fn who_may_only_triage_does_not_deploy() {
    let (address, asked) = github(r#"{"permission":"read","role_name":"triage"}"#);
    let folder = tempfile::tempdir().unwrap();
    let (key, _) = crate::keys::keygen(folder.path(), &["-t", "ed25519", "-N", ""]);
    let ended = action("pull_request", &labeled("🎅🏼deploy", "main"))
        .env("GITHUB_API_URL", &address)
        .env("INPUT_GITHUB-TOKEN", "ghs_sixteencharacters")
        .env("INPUT_IMAGE", "u/a")
        .env("INPUT_SSH-HOST", "127.0.0.1")
        .env("INPUT_SSH-KEY", &key)
        .env("INPUT_SSH-FINGERPRINT", crate::keys::FINGERPRINT)
        .end();
    ended.ends(0).says("`octocat` has the role `triage`");
    assert_eq!(ended.output("outcome"), "skipped");
    assert_eq!(ended.output("reason-code"), "not-permitted");
    let asked = asked.join().unwrap();
    assert!(
        asked.starts_with("GET /repos/o/r/collaborators/octocat/permission "),
        "{asked}"
    );
}
