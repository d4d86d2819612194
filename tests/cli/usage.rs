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
fn shells_and_man_know_every_command_and_setting() {
    for shell in ["bash", "zsh", "fish"] {
        let ended = pct_deploy(&["completions", shell]).end();
        ended.ends(0).says("rollback").says("ssh-host");
    }
    // A shell that is on every machine reads its script, and completes with it.
    let script = pct_deploy(&["completions", "bash"]).end().stdout;
    let asked = "COMP_WORDS=(pct-deploy roll); COMP_CWORD=1; COMPREPLY=(); $(complete -p pct-deploy | sed 's/.*-F \\([^ ]*\\).*/\\1/') pct-deploy roll pct-deploy; echo \"${COMPREPLY[*]}\"";
    let bash = std::process::Command::new("bash")
        .args(["-c", &format!("{script}\n{asked}")])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&bash.stdout),
        "rollback\n",
        "{bash:?}"
    );

    let whole = pct_deploy(&["man"]).end();
    whole.ends(0).says(".TH pct-deploy 1").says("Exit codes");
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    pct_deploy(&["man", "--into", pages.to_str().unwrap()])
        .end()
        .ends(0);
    for name in [
        "pct-deploy.1",
        "pct-deploy-deploy.1",
        "pct-deploy-rollback.1",
    ] {
        assert!(pages.join(name).is_file(), "{name}");
    }
    assert!(
        !pages.join("pct-deploy-agent.1").exists(),
        "the host side is hidden"
    );
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
