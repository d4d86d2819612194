use super::*;
use crate::config::raw::Source;
use crate::config::schema::SETTINGS;
use crate::config::types::{HostTrust, ImageSource, SlackOn, SshFiles};

/// The container of an OpenSSH key, with empty keys in it; it opens nothing.
const KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAAQAAAAAAAAAB
AA==
-----END OPENSSH PRIVATE KEY-----";

const FINGERPRINT: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn good() -> Vec<(&'static str, &'static str)> {
    vec![
        ("image", "user/pct-backend"),
        ("ssh-host", "203.0.113.7"),
        ("ssh-key", KEY),
        ("ssh-fingerprint", FINGERPRINT),
        ("github-token", "ghs_token"),
    ]
}

fn gathered(pairs: &[(&'static str, &str)]) -> Gathered {
    let mut gathered = Gathered::default();
    // The last one wins, so that a case can override the good ones.
    for (key, text) in pairs.iter().rev() {
        gathered.raw.offer(key, text, Source::Input);
    }
    gathered
}

fn read(more: &[(&'static str, &str)]) -> Result<DeployConfig> {
    let pairs = [&good(), more].concat();
    deploy(
        &gathered(&pairs),
        Caller::Action,
        Reach::Ssh,
        Gated::ByEvent,
    )
}

/// The one problem and its cure.
fn problem(more: &[(&'static str, &str)]) -> (String, String) {
    let error = read(more).unwrap_err();
    (error.to_string(), error.hints()[0].clone())
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let config = read(&[]).unwrap();
    assert_eq!(config.gate.label, "🎅🏼deploy");
    assert_eq!(config.gate.base, "main");
    assert_eq!(config.gate.mode, crate::config::types::Mode::Deploy);
    assert_eq!(config.host.site.app.as_str(), "pct-backend");
    assert_eq!(config.host.site.slots.two.to_string(), "pct-backend-2");
    assert_eq!(config.host.site.dependencies, None);
    assert_eq!(config.host.site.health.timeout.to_string(), "2m");
    assert_eq!(config.host.site.keep_releases, 3);
    let ImageSource::Build(build) = &config.image.source else {
        panic!("{:?}", config.image.source)
    };
    assert!(build.tags.is_empty());
    assert_eq!(build.context.to_str(), Some("."));
    let Place::Ssh(ssh) = &config.host.place else {
        panic!("{:?}", config.host.place)
    };
    assert_eq!((ssh.port, ssh.user.as_deref()), (None, None));
    assert_eq!(ssh.files, SshFiles::Unread);
    assert!(matches!(&ssh.trust, HostTrust::Fingerprints(list) if list.len() == 1));
    assert!(config.host.report.slack.is_none());
}

#[test]
fn every_default_of_the_schema_can_be_read() {
    // Each is given as text, as a runner would pass it.
    let pairs: Vec<(&'static str, &str)> = SETTINGS
        .iter()
        .filter_map(|setting| match setting.preset {
            crate::config::schema::Preset::Value(text) => Some((setting.key, text)),
            _ => None,
        })
        .collect();
    read(&pairs).unwrap();
}

#[test]
fn all_that_is_missing_is_said_at_once() {
    let error = deploy(
        &Gathered::default(),
        Caller::Action,
        Reach::Ssh,
        Gated::ByEvent,
    );
    let text = error.unwrap_err().to_string();
    for key in [
        "image",
        "ssh-host",
        "ssh-key",
        "ssh-known-hosts",
        "github-token",
    ] {
        assert!(text.contains(&format!("`{key}`")), "{key}: {text}");
    }
    let error = deploy(
        &Gathered::default(),
        Caller::Terminal,
        Reach::Ssh,
        Gated::Free,
    );
    let text = error.unwrap_err().to_string();
    assert!(
        !text.contains("`ssh-key`") && !text.contains("`github-token`"),
        "{text}"
    );
    let error = deploy(
        &Gathered::default(),
        Caller::Terminal,
        Reach::Local,
        Gated::Free,
    );
    assert_eq!(error.unwrap_err().to_string(), "`image` is missing");
}

#[test]
fn each_wrong_text_names_its_setting_and_the_cure() {
    for (key, text, what, cure) in [
        (
            "image",
            "user/app:1.2",
            "`user/app:1.2` has a tag",
            "write `user/app` here and `1.2` in `tags`",
        ),
        (
            "image",
            "User/App",
            "`User/App` is not an image name",
            "such as `user/pct-backend`",
        ),
        (
            "image",
            "user/app@sha256:abc",
            "is not a digest",
            "64 hex digits",
        ),
        (
            "ssh-host",
            "ubuntu@h",
            "it holds a user",
            "the user in `ssh-user`",
        ),
        (
            "ssh-host",
            "h:2222",
            "it holds a port",
            "the port in `ssh-port`",
        ),
        (
            "ssh-host",
            "-oProxyCommand=x",
            "is not a host",
            "name or address",
        ),
        ("ssh-port", "0", "is not a whole number from 1", "`22`"),
        ("ssh-port", "65536", "is not a whole number", "`22`"),
        ("ssh-user", "-l", "is not a user name", "`ubuntu`"),
        (
            "ssh-jump-host",
            "a b",
            "is not a host to go through",
            "[user@]host[:port]",
        ),
        (
            "ssh-fingerprint",
            "MD5:aa:bb",
            "is not a fingerprint",
            "ssh-keygen -lf",
        ),
        ("ssh-known-hosts", "x y z", "both given", "keep one"),
        ("connect-timeout", "15", "is not a duration", "`30s`"),
        ("connect-timeout", "1ms", "too short", "at least `1s`"),
        (
            "platform",
            "windows/amd64",
            "not one of its words",
            "`linux/amd64` or `linux/arm64`",
        ),
        (
            "build-args",
            "A=1\nB",
            "entry 2 is not `KEY=VALUE`",
            "one `KEY=VALUE` per line",
        ),
        (
            "tags",
            "user/app:1",
            "is not an image tag",
            "without the image's name",
        ),
        (
            "registry-username",
            "me",
            "without `registry-password`",
            "add the password",
        ),
        (
            "registry-password",
            "pw",
            "without `registry-username`",
            "add the user name",
        ),
        ("app", "../x", "is not an app name", "`pct-backend`"),
        ("slots", "one", "it names 1 services, not two", "take turns"),
        ("slots", "a,a", "it names one service twice", "take turns"),
        (
            "slots",
            "a,b,c",
            "it names 3 services, not two",
            "take turns",
        ),
        (
            "dependencies",
            "pct-redis,pct-backend-1",
            "is one of the slots",
            "needs to run",
        ),
        (
            "proxy-include",
            "conf.d/x.inc",
            "is not an absolute path",
            "from `/` on",
        ),
        (
            "proxy-include",
            "/etc/nginx/a.inc; root /",
            "means something to nginx",
            "use a path of",
        ),
        (
            "health-path",
            "health",
            "is not a path to GET",
            "begins with `/`",
        ),
        ("health-path", "/a b", "is not a path to GET", "no blanks"),
        (
            "health-path",
            "/a\r\nX: y",
            "is not a path to GET",
            "no blanks",
        ),
        (
            "health-successes",
            "0",
            "is not a whole number from 1",
            "at least `1`",
        ),
        ("health-interval", "1ms", "too short", "at least `10ms`"),
        (
            "keep-releases",
            "0",
            "is not a whole number from 1",
            "`rollback` needs `2`",
        ),
        (
            "require-write",
            "maybe",
            "is neither yes nor no",
            "`true` or `false`",
        ),
        (
            "dry-run",
            "maybe",
            "is neither yes nor no",
            "`true` or `false`",
        ),
        ("comment", "2", "is neither yes nor no", "`true` or `false`"),
        (
            "environment-url",
            "example.org",
            "is not a web address",
            "https://",
        ),
        (
            "slack-fields",
            "repo,comit",
            "`comit` is not a field",
            "did you mean `commit`?",
        ),
        (
            "slack-on",
            "never",
            "not one of its words",
            "`always` or `success` or `failure`",
        ),
        (
            "slack-webhook-url",
            "https://evil.org/x",
            "its host is neither `hooks.slack.com` nor `discord.com`",
            "`slack-host`",
        ),
        ("language", "fr", "not one of its words", "`en` or `ko`"),
    ] {
        let (found, hint) = problem(&[(key, text)]);
        assert!(
            found.contains(&format!("`{key}`")),
            "{key} {text:?}: {found}"
        );
        assert!(found.contains(what), "{key} {text:?}: {found}");
        assert!(hint.contains(cure), "{key} {text:?}: {hint}");
        assert!(!found.contains("evil.org/x"), "{found}");
    }
}

#[test]
fn an_image_with_a_digest_is_not_built() {
    let image = format!("ghcr.io/o/app@sha256:{}", "a".repeat(64));
    let config = read(&[("image", &image)]).unwrap();
    assert!(
        matches!(&config.image.source, ImageSource::Existing(pinned) if pinned.to_string() == image)
    );
    assert_eq!(config.host.site.app.as_str(), "app");
}

#[test]
fn values_keep_what_lists_would_split() {
    let config = read(&[("build-args", "A=x,y\n\n B = =z ")]).unwrap();
    let ImageSource::Build(build) = config.image.source else {
        panic!("not built")
    };
    let args: Vec<(&str, &str)> = build
        .args
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(args, [("A", "x,y"), ("B", " =z")]);
}

#[test]
fn slack_is_read_whole() {
    let config = read(&[
        ("slack-webhook-url", "http://127.0.0.1:8099/hook"),
        ("slack-host", "127.0.0.1:8099"),
        ("slack-fields", "took, repo\ntook"),
        ("slack-on", "failure"),
    ])
    .unwrap();
    let slack = config.host.report.slack.unwrap();
    assert_eq!(slack.on, SlackOn::Failure);
    let names: Vec<&str> = slack.fields.iter().map(|field| field.as_str()).collect();
    assert_eq!(names, ["took", "repo"]);
}

#[test]
fn rollback_and_status_need_a_name_and_no_image() {
    let of = |pairs: &[(&'static str, &str)]| rollback(&gathered(pairs), Reach::Local);
    assert_eq!(of(&[("app", "x")]).unwrap().site.app.as_str(), "x");
    assert_eq!(of(&[("image", "u/y")]).unwrap().site.app.as_str(), "y");
    assert_eq!(of(&[]).unwrap_err().to_string(), "`app` is missing");
    let tagged = look(&gathered(&[("image", "u/y:1")]), Reach::Local);
    assert!(tagged.unwrap_err().to_string().contains("has a tag"));
    // A wrong report setting is none of the business of `status`.
    let config = look(&gathered(&[("app", "x"), ("slack-on", "x")]), Reach::Local);
    assert!(config.unwrap().report.slack.is_none());
}
