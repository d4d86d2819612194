//! What is printed where, and how much.

use serde_json::Value;

use crate::{action, labeled, pct_deploy};

/// A deploy that the gate refuses: all of its way without a host.
fn refused(more: &[&str]) -> crate::Ended {
    let event = labeled("another", "main").to_string();
    let args = [&["deploy", "--host", "local", "--image", "u/a"], more];
    let args = [&args.concat()[..], &["--event", "event.json"]].concat();
    let ended = pct_deploy(&args).file("event.json", &event).end();
    ended.ends(0);
    ended
}

#[test]
fn the_last_line_is_on_standard_output() {
    let ended = refused(&[]);
    assert_eq!(ended.stdout, "skipped: wrong-label\n");
    assert!(ended.stderr.contains("gate  refused"), "{ended:?}");
    assert!(!ended.stderr.contains("0.0s  skipped"), "{ended:?}");
    let json = refused(&["--json"]);
    let result: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(result["outcome"], "skipped");
    assert!(json.stderr.ends_with("skipped: wrong-label\n"), "{json:?}");
}

#[test]
fn who_wants_quiet_reads_one_line() {
    let ended = refused(&["-q"]);
    assert_eq!(
        (ended.stdout.as_str(), ended.stderr.as_str()),
        ("skipped: wrong-label\n", "")
    );
    let both = pct_deploy(&["status", "-q", "-v"]).end();
    both.ends(2).says("cannot be used with");
}

#[test]
fn a_step_without_a_pause_has_no_line_that_says_only_that_it_is_done() {
    let ended = refused(&[]);
    assert!(!ended.stderr.contains("0.0s: "), "{ended:?}");
    assert!(!ended.stderr.contains('…'), "{ended:?}");
    let all = refused(&["-v"]);
    assert!(all.stderr.contains("gate  …"), "{all:?}");
    assert!(
        all.stderr.contains("gate  done in 0.0s: refused"),
        "{all:?}"
    );
}

#[test]
fn a_pipe_gets_no_line_that_is_drawn_anew() {
    let ended = refused(&[]);
    assert!(!ended.stderr.contains(['\r', '\u{1b}']), "{ended:?}");
}

#[test]
fn a_deployment_is_named_as_the_list_has_it() {
    let ended = pct_deploy(&["history", "yesterday", "--host", "local"]).end();
    ended.ends(2).says("yesterday");
}

#[test]
fn a_run_that_was_refused_is_seen_at_a_glance_in_its_page() {
    let event = labeled("another", "main");
    let ended = action("pull_request", &event).end();
    ended
        .ends(0)
        .says("::notice title=pct-deploy::skipped: wrong-label");
}
