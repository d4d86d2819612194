//! Settings from every source, and every problem at once.

use serde_json::Value;

use crate::{action, labeled, pct_deploy};

const FINGERPRINT: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[test]
fn all_problems_are_said_at_once() {
    let ended = pct_deploy(&[
        "deploy",
        "--drain-timeout",
        "30",
        "--slots=a,a",
        "--language=fr",
    ])
    .env("PCT_DEPLOY_SSH_HOTS", "h")
    .file(".pct-deploy.yml", "imgae: u/a\ntransfer: ssh\n")
    .end();
    ended
        .ends(2)
        .says("error: 8 settings need attention:")
        .says("`drain-timeout`: `30` is not a duration")
        .says("`slots`: it names one service twice")
        .says("`language`: `fr`")
        .says("`PCT_DEPLOY_SSH_HOTS` is not a setting: did you mean `PCT_DEPLOY_SSH_HOST`?")
        .says("`imgae` in `.pct-deploy.yml` is not a setting: did you mean `image`?")
        .says("`transfer` in `.pct-deploy.yml` is not available yet in this version")
        .says("`image` is missing")
        .says("`ssh-host` is missing")
        .hides("`ssh-known-hosts`");
    assert_eq!(ended.stdout, "");
}

#[test]
fn one_problem_reads_as_one_error() {
    let ended = pct_deploy(&["deploy", "--host", "local"]).end();
    assert_eq!(
        ended.stderr,
        "error: `image` is missing\n  hint: write the image's name, such as `user/pct-backend`\n"
    );
    ended.ends(2);
    pct_deploy(&["status", "--host=local"])
        .end()
        .ends(2)
        .says("`app` is missing");
}

#[test]
fn json_is_alone_on_standard_output() {
    let ended = pct_deploy(&["deploy", "--host", "local", "--json"]).end();
    ended.ends(2);
    let result: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(result["outcome"], "failed");
    assert_eq!(result["reason_code"], "invalid-settings");
    assert!(ended.stderr.starts_with("error: `image` is missing"));
    let ended = pct_deploy(&["rollback", "--host", "local", "--json"]).end();
    ended.ends(2);
    let result: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(result["reason_code"], "invalid-settings");
}

#[test]
fn a_named_file_must_be_there() {
    let ended = pct_deploy(&["deploy", "--config", "gone.yml", "--host", "local"]).end();
    ended
        .ends(2)
        .says("error: the settings file `gone.yml` is not there");
    let ended = pct_deploy(&["deploy", "--config", "my.yml", "--host", "local"])
        .file("my.yml", "image: u/a:1\n")
        .end();
    ended.ends(2).says("`u/a:1` has a tag");
}

#[test]
fn flag_beats_input_beats_environment_beats_file() {
    let wrong = |args: &[&str], input: &str, env: &str| {
        let all = [&["deploy", "--host", "local", "--image", "u/a"], args].concat();
        let ended = pct_deploy(&all)
            .env("INPUT_SSH-PORT", "")
            .env("INPUT_SLOTS", input)
            .env("PCT_DEPLOY_SLOTS", env)
            .file(".pct-deploy.yml", "slots: [f]\n")
            .end();
        ended.ends(2);
        ended
            .stderr
            .split("it names ")
            .nth(1)
            .unwrap()
            .chars()
            .next()
            .unwrap()
    };
    assert_eq!(wrong(&["--slots", "1,2,3,4"], "1,2,3", "1,2,3,4,5"), '4');
    assert_eq!(wrong(&[], "1,2,3", "1,2,3,4,5"), '3');
    assert_eq!(wrong(&[], " ", "1,2,3,4,5"), '5');
    assert_eq!(wrong(&[], "", ""), '1');
}

#[test]
fn an_unknown_input_is_a_warning_and_a_planned_one_an_error() {
    let ended = action("pull_request", &labeled("🎅🏼deploy", "main"))
        .env("INPUT_SSH-HOTS", "h")
        .env("INPUT_MEMORY-CHECK", "off")
        .env("INPUT_ARGS", "x")
        .end();
    ended
        .ends(2)
        .says("::warning")
        .says("the input `ssh-hots` is not a setting")
        .says("the input `memory-check` is not available yet in this version")
        .hides("`args`");
}

#[test]
fn a_secret_is_refused_on_the_command_line_and_in_the_file_without_being_shown() {
    let base = [
        "deploy",
        "--host=local",
        "--image=u/a",
        "--registry-username=me",
    ];
    let ended = pct_deploy(&[&base[..], &["--registry-password", "hunter2"]].concat()).end();
    ended
        .ends(2)
        .says("`--registry-password` takes no secret itself")
        .says("`PCT_DEPLOY_REGISTRY_PASSWORD`")
        .hides("hunter2");
    let ended = pct_deploy(&base)
        .file(".pct-deploy.yml", "registry-password: hunter2\n")
        .end();
    ended
        .ends(2)
        .says("must not be in a file of the repository")
        .hides("hunter2");
    // Also when a stronger one is used, and for a command that has no use for it.
    for args in [&base[..], &["status", "--host=local", "--app=a"]] {
        let ended = pct_deploy(args)
            .env("PCT_DEPLOY_REGISTRY_PASSWORD", "another")
            .file(".pct-deploy.yml", "registry-password: hunter2\n")
            .end();
        ended
            .ends(2)
            .says("must not be in a file of the repository")
            .hides("hunter2");
    }
    let ended = pct_deploy(&[&base[..], &["--registry-password", "@gone"]].concat()).end();
    ended.ends(2).says("the file `gone` cannot be read");
    let ended = pct_deploy(&[&base[..], &["--registry-password", "-"]].concat()).end();
    ended.ends(2).says("standard input is empty");
}

#[test]
fn a_secret_is_read_from_a_file_and_from_standard_input() {
    // Another setting is wrong, so that nothing is deployed.
    let base = [
        "deploy",
        "--host=local",
        "--image=u/a",
        "--registry-username=me",
        "--language=fr",
    ];
    let piped = pct_deploy(&[&base[..], &["--registry-password", "-"]].concat())
        .stdin("hunter2\n")
        .end();
    let named = pct_deploy(&[&base[..], &["--registry-password", "@pw"]].concat())
        .file("pw", "hunter2\n")
        .end();
    for ended in [piped, named] {
        ended.ends(2).hides("hunter2");
        assert!(ended.stderr.starts_with("error: `language`"), "{ended:?}");
    }
    let both = ["--registry-password=-", "--slack-webhook-url=-"];
    let ended = pct_deploy(&[&base[..], &both].concat())
        .stdin("hunter2")
        .end();
    ended
        .ends(2)
        .says("only one secret can be read from standard input");
}

#[test]
fn a_webhook_is_never_shown() {
    let ended = action("pull_request", &labeled("🎅🏼deploy", "main"))
        .env(
            "INPUT_SLACK-WEBHOOK-URL",
            "https://evil.org/services/T000/hunter2",
        )
        .env("INPUT_SSH-FINGERPRINT", FINGERPRINT)
        .end();
    ended
        .ends(2)
        .says("its host is neither `hooks.slack.com` nor `discord.com`")
        .hides("hunter2");
}

#[test]
fn a_broken_file_is_one_error() {
    let ended = pct_deploy(&["deploy", "--slots=a"])
        .file(
            ".pct-deploy.yml",
            "image: u/a\nssh-known-hosts: [127.0.0.1]:2205 ssh-ed25519 AAAA\n",
        )
        .end();
    ended
        .ends(2)
        .says("error: `.pct-deploy.yml` is not valid YAML")
        .says("at line 2")
        .says("put the value of `ssh-known-hosts` in line 2 in quotes")
        .hides("need attention")
        .hides("is missing");
}

#[test]
fn the_file_is_found_upwards_and_its_paths_count_from_it() {
    let text = "image: u/a\nssh-host: h\nssh-known-hosts: keys/known\nlanguage: fr\n";
    let ended = pct_deploy(&["deploy"])
        .file(".pct-deploy.yml", text)
        .file("keys/known", "h ssh-ed25519 AAAA\n")
        .file(".git/HEAD", "ref: refs/heads/main\n")
        .file("a/b/c", "")
        .below("a/b")
        .end();
    ended.ends(2).hides("known").says("error: `language`: `fr`");
    let ended = pct_deploy(&["deploy", "--config", "sub/my.yml"])
        .file("sub/my.yml", text)
        .file("keys/known", "h ssh-ed25519 AAAA\n")
        .end();
    ended
        .ends(2)
        .says("`ssh-known-hosts`: the file `keys/known` cannot be read");
}
