//! Help, versions and wrong words.

use pct_deploy::config::schema::{SETTINGS, Scope};

use crate::pct_deploy;

#[test]
fn help_lists_every_setting_under_its_heading() {
    let ended = pct_deploy(&["deploy", "--help"]).end();
    ended.ends(0);
    for setting in SETTINGS {
        ended
            .says(&format!("--{}", setting.key))
            .says(setting.group.title());
    }
    let status = pct_deploy(&["status", "--help"]).end();
    status.ends(0).says("--ssh-host").hides("--slack-title");
    for setting in SETTINGS.iter().filter(|s| s.concerns(Scope::Look)) {
        status.says(&format!("--{}", setting.key));
    }
    pct_deploy(&["--help"])
        .end()
        .ends(0)
        .says("rollback")
        .hides("agent");
    pct_deploy(&["--version"])
        .end()
        .ends(0)
        .says(env!("CARGO_PKG_VERSION"));
}

#[test]
fn wrong_words_end_with_the_usage_code() {
    for args in [
        &[][..],
        &["destroy"],
        &["action-post", "--label", "x"],
        &["deploy", "--no-such-flag"],
        &["deploy", "--host", "example.org"],
        &["deploy", "--commit", "main"],
        &["deploy", "--cache-from", "x"],
        &["rollback", "--to", "latest"],
        &["rollback", "--to", "abc"],
        &["restart", "--force"],
        &["exec", "--host", "local", "--app", "a"],
        &["exec", "--host", "local", "--app", "a", "ls"],
        &["agent", "replace-file", "x"],
    ] {
        pct_deploy(args).end().ends(2);
    }
}

#[test]
fn a_pasted_key_is_refused_without_being_shown() {
    let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----";
    let ended = pct_deploy(&["deploy", "--ssh-key", key]).end();
    ended
        .ends(2)
        .says("`--ssh-key` takes no secret itself")
        .hides("hunter2");
    let quiet = pct_deploy(&["deploy"]);
    assert!(quiet.path().is_dir());
}
