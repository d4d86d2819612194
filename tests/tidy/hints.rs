//! What errors and hints name between backticks exists: settings, commands and flags of ours, commands of the machine,
//! and words of others that are on a list. A new word that is none of these fails here.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use pct_deploy::config::schema::{SETTINGS, SettingKind, find};

use crate::commands::{COMMANDS, Tried};
use crate::literals::literals;
use crate::{is_test_file, sources};

/// Words of others, and examples.
const WORDS: &[&str] = &[
    // Examples of values, and forms.
    "!keep.txt",
    "**/*.log",
    "-",
    "-----",
    "-----BEGIN",
    ".",
    "/",
    "/actuator/health",
    "0",
    "0.5%",
    "0s",
    "1",
    "127.0.0.1:9091:{target}",
    "2",
    "2%",
    "20260131T235959Z-0a1b2c",
    "203.0.113.7",
    "22",
    "250ms",
    "2m",
    "30s",
    "5s",
    "9091",
    "@FILE",
    "HOST TYPE KEY",
    "<app>-1,<app>-2",
    "{app}-1",
    "{app}-2",
    "HOST USER PASSWORD",
    "KEY=VALUE",
    "NAME@sha256:",
    "SHA256:",
    "SHA256:…",
    "[file:]service[@project]",
    "[user@]host[:port]",
    "_",
    "admin",
    "all",
    "auto",
    "build-<12 of its id>",
    "discord.com",
    "docker-compose.blue.yml:app@app-blue",
    "ec2-user",
    "false",
    "file:service@project",
    "flag",
    "ghcr.io",
    "ghcr.io USER TOKEN",
    "hooks.slack.com",
    "http://",
    "https://",
    "https://example.org",
    "key: value",
    "latest",
    "localhost",
    "mattermost",
    "owner/name",
    "pct-backend",
    "pct-backend-1,pct-backend-2",
    "reload",
    "server.example.com",
    "sha",
    "sha-<12 of head SHA>",
    "sha256:",
    "shop.example",
    "tcp://host:2375",
    "true",
    "ubuntu",
    "unix:///path/to/docker.sock",
    "user/app",
    "user/app@sha256:…",
    "user/pct-backend",
    "user/pct-backend@sha256:…",
    "www.example.com",
    "{scheme}://",
    "{repository}:{tag}",
    "{first}=…",
    "{project}-blue",
    "{project}-green",
    "{first}:{target}",
    // Docker's and compose's.
    ".dockerignore",
    ".env",
    "CMD",
    "COMPOSE_FILE",
    "DOCKER_HOST",
    "Dockerfile",
    "ENTRYPOINT",
    "FROM",
    "FROM … AS {target}",
    "command",
    "compose.yaml",
    "containerd-snapshotter",
    "compose.yml",
    "depends_on",
    "deploy.resources.limits.memory",
    "docker-compose.yaml",
    "docker-compose.yml",
    "entrypoint",
    "expose: [\"8080\"]",
    "external",
    "mem_limit: 512m",
    "restart: unless-stopped",
    "127.0.0.1:",
    "features",
    "networks",
    "ports",
    "service_completed_successfully",
    "services",
    "stop_grace_period",
    "version",
    "volumes: [./nginx:{folder}]",
    "$$",
    "${{{first}-}}",
    // nginx's.
    "Host",
    "access_log",
    "allow",
    "api_blue",
    "api_green",
    "backup",
    "deny",
    "down",
    "http",
    "http://127.0.0.1:{one}",
    "if",
    "include {}/conf.d/*.conf;",
    "include {include};",
    "location",
    "location /",
    "open_file_cache off;",
    "proxy_pass",
    "proxy_pass $service_url;",
    "proxy_pass http://NAME;",
    "return",
    "server",
    "server 127.0.0.1:8080;",
    "server 127.0.0.1:{one};",
    "server {one};",
    "server_name",
    "set",
    "set $service_url http://127.0.0.1:8080;",
    "set $service_url http://127.0.0.1:PORT;",
    "set $service_url http://127.0.0.1:{one};",
    "set $service_url http://{one};",
    "try_files",
    "upstream",
    // GitHub's and git's.
    ".git",
    "${{ github.token }}",
    "HEAD",
    "actions/checkout",
    "commit",
    "labeled",
    "on: pull_request",
    "on: workflow_dispatch: inputs:",
    "permissions:",
    "pull_request",
    "pull_request_target",
    "ref: {commit}",
    "runs-on: ubuntu-24.04-arm",
    "runs-on: ubuntu-latest",
    "with:",
    "workflow_dispatch",
    // The system's and SSH's.
    "-XX:MaxRAMPercentage",
    ".pub",
    "/tmp",
    "AllowTcpForwarding yes",
    "inet_diag",
    "Match exec",
    "ProxyJump",
    "SSL_CERT_FILE",
    "known_hosts",
    "ssh",
    "yes",
    "~/.ssh/authorized_keys",
    "~/.ssh/config",
    // Of our journal and our state folder.
    "app.json",
    "begun",
    "committed",
    "done {step}",
    "failed {step}",
    "finished",
    "rolled_back",
    "started {step}",
    "undo_failed {step}",
    "undo_started {step}",
    "undone {step}",
    "bin",
];

const OURS: [&str; 11] = [
    "deploy",
    "rollback",
    "restart",
    "exec",
    "status",
    "history",
    "logs",
    "provision",
    "doctor",
    "action",
    "action-post",
];

/// A file without its tests, and without why a lint does not hold.
fn messages(text: &str) -> String {
    let end = text.find("\n#[cfg(test)]\nmod tests {");
    let code = &text[..end.unwrap_or(text.len())];
    code.lines()
        .filter(|line| !line.trim_start().starts_with("reason = "))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// What stands between backticks in messages, with a file that it stands in.
fn named() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (name, text) in sources() {
        let for_tests = ["host/sim/", "agent/crash/", "report/fixtures"];
        if is_test_file(&name) || for_tests.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        // Markup, and text in two languages.
        if name.starts_with("report/words/")
            || ["markdown.rs", "mrkdwn.rs", "chart.rs", "traffic.rs"]
                .iter()
                .any(|end| name.ends_with(end))
        {
            continue;
        }
        for literal in literals(&messages(&text)) {
            for span in literal.split('`').skip(1).step_by(2) {
                all.entry(span.to_owned()).or_insert_with(|| name.clone());
            }
        }
    }
    assert!(all.len() > 200, "{}", all.len());
    all
}

/// Whether our own program takes these words.
fn is_taken(words: &[&str]) -> bool {
    let mut ours = Command::new(env!("CARGO_BIN_EXE_pct-deploy"));
    let ended = ours.args(words).arg("--help").env_clear().output().unwrap();
    ended.status.success()
}

/// Every flag of every command.
fn flags() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for command in OURS {
        let mut ours = Command::new(env!("CARGO_BIN_EXE_pct-deploy"));
        let help = ours.args([command, "--help"]).env_clear().output().unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        let words = help.split(|c: char| c.is_whitespace() || "=[],".contains(c));
        all.extend(
            words
                .filter(|word| word.starts_with("--"))
                .map(str::to_owned),
        );
    }
    all
}

/// A text without its placeholders.
fn bare(span: &str) -> String {
    let mut bare = String::new();
    let mut rest = span;
    while let Some((before, after)) = rest.split_once('{') {
        bare.push_str(before);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    bare + rest
}

/// Why there is no such thing; nothing when there is.
fn missing(span: &str, flags: &BTreeSet<String>) -> Option<&'static str> {
    // Nothing but a value, or a punctuation mark of a list.
    if !bare(span).contains(char::is_alphanumeric) || WORDS.contains(&span) {
        return None;
    }
    if let Some(words) = span.strip_prefix("pct-deploy ") {
        let words: Vec<&str> = words.split(' ').collect();
        return (!is_taken(&words)).then_some("a command that we do not have");
    }
    let (first, rest) = span.split_once(' ').unwrap_or((span, ""));
    if OURS.contains(&first) && !rest.contains(' ') {
        // The value of its flag is left out.
        let known = rest.is_empty() || flags.contains(rest);
        return (!known).then_some("a flag that the command does not have");
    }
    if first.starts_with("--") && first.len() > 2 {
        let known = flags.contains(first) || bare(first) == "--";
        return (!known).then_some("a flag that no command has");
    }
    let (key, value) = span.split_once(':').unwrap_or((span, ""));
    if let Some(setting) = find(key) {
        let value = value.trim();
        let known = match setting.kind {
            SettingKind::Choice(words) => {
                value.is_empty() || value.contains('{') || words.contains(&value)
            }
            _ => true,
        };
        return (!known).then_some("a word that the setting does not take");
    }
    let known = COMMANDS.iter().any(|(text, _)| *text == span);
    (!known).then_some(
        "neither a setting, nor a command that is tried (tests/hints), nor a word on the list",
    )
}

#[test]
fn what_hints_name_exists() {
    let flags = flags();
    let wrong: Vec<String> = named()
        .iter()
        .filter_map(|(span, name)| Some(format!("{name}: `{span}`: {}", missing(span, &flags)?)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The check itself: mistakes of the kinds that it is there for.
#[test]
fn what_does_not_exist_is_found() {
    let flags = flags();
    for wrong in [
        "pct-deploy undo",
        "pct-deploy rollback --from x",
        "rollback --from",
        "--no-such-flag",
        "health-pth",
        "switch: sometimes",
        "docker explode",
    ] {
        assert!(missing(wrong, &flags).is_some(), "{wrong}");
    }
    for right in [
        "pct-deploy rollback --to 0123456789ab",
        "switch: reload",
        "platform: {}",
        "{key}",
    ] {
        assert_eq!(missing(right, &flags), None, "{right}");
    }
}

#[test]
fn every_command_says_how_it_is_tried() {
    for (text, how) in COMMANDS {
        match how {
            Tried::AsItStands(words) => {
                let places = text.matches('{').count();
                assert!(
                    words.len() <= places && (places == 0) == words.is_empty(),
                    "{text}"
                );
            }
            Tried::As(instead) | Tried::By(instead) => assert_ne!(instead, text),
            Tried::Elsewhere => assert!(!text.contains('{'), "{text}"),
        }
    }
}

/// What no message names any more has no place on a list.
#[test]
fn the_lists_hold_nothing_else() {
    let named = named();
    let commands = COMMANDS.iter().map(|(text, _)| *text);
    let stale: Vec<&str> = WORDS
        .iter()
        .copied()
        .chain(commands)
        .filter(|word| !named.contains_key(*word))
        .collect();
    assert!(stale.is_empty(), "{stale:?}");
    for setting in SETTINGS {
        assert!(!WORDS.contains(&setting.key), "{}", setting.key);
    }
}
