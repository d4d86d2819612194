//! The post step, as far as it goes without a host.

use crate::pct_deploy;

const RUN: &str = r#"{"point":"begun","began_ms":1,"cancelled":true,"app":"hello"}"#;

#[test]
fn nothing_to_do_is_nothing_said() {
    let quiet = |state: &[(&str, &str)]| {
        let run = pct_deploy(&["action-post"]).env("GITHUB_ACTIONS", "true");
        // As under act: inputs may be there or not.
        let run = run.env("INPUT_IMAGE", "u/a").env("INPUT_NONSENSE", "x");
        let run = state
            .iter()
            .fold(run, |run, (key, value)| run.env(key, value));
        let ended = run.end();
        ended.ends(0);
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
    };
    quiet(&[]);
    quiet(&[("STATE_finished", "true"), ("STATE_run", RUN)]);
    quiet(&[("STATE_run", "{\"point\":")]);
    quiet(&[("STATE_run", "")]);
}

#[test]
fn settings_that_are_gone_are_a_warning_and_no_failure() {
    let ended = pct_deploy(&["action-post"])
        .env("GITHUB_ACTIONS", "true")
        .env("STATE_run", RUN)
        .end();
    ended.ends(0).says("::warning").says("settings");
}

#[test]
fn a_run_that_never_reached_the_host_is_told_as_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let (key, _) = crate::keys::keygen(folder.path(), &["-t", "ed25519", "-N", ""]);
    let ended = pct_deploy(&["action-post"])
        .env("GITHUB_ACTIONS", "true")
        .env("STATE_run", RUN)
        .env("INPUT_IMAGE", "u/a")
        .env("INPUT_SSH-HOST", "127.0.0.1")
        .env("INPUT_SSH-KEY", &key)
        .env("INPUT_SSH-FINGERPRINT", crate::keys::FINGERPRINT)
        .end();
    ended
        .ends(0)
        .says("cancelled before your app was touched")
        .says("cancelled after");
}
