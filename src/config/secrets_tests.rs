use super::*;
use crate::config::parse::{self, Caller, Gated, Reach};
use crate::config::schema::{SETTINGS, SettingKind};
use crate::config::sources::Gathered;
use crate::config::types::DeployConfig;

/// The container of an OpenSSH key, with empty keys in it; it opens nothing.
const KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAAQAAAAAAAAAB
AA==
-----END OPENSSH PRIVATE KEY-----";

const FINGERPRINT: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn gathered(pairs: &[(&'static str, &str)]) -> Gathered {
    let mut gathered = Gathered::default();
    for (key, text) in pairs {
        gathered.raw.offer(key, text, Source::Input);
    }
    gathered
}

fn deploy(
    gathered: &Gathered,
    caller: Caller,
    reach: Reach,
    gated: Gated,
) -> crate::error::Result<DeployConfig> {
    parse::deploy(gathered, caller, reach, gated)
}

#[test]
fn a_secret_is_never_taken_from_the_command_line_or_a_file() {
    for setting in SETTINGS.iter().filter(|s| s.kind == SettingKind::Secret) {
        for source in [Source::Flag, Source::File] {
            let value = if setting.key == "ssh-key" {
                KEY
            } else {
                "https://hooks.slack.com/hunter2"
            };
            let mut gathered = gathered(&[("image", "u/a"), ("registry-username", "u")]);
            gathered.raw.offer(setting.key, value, source);
            let error = deploy(&gathered, Caller::Terminal, Reach::Local, Gated::Free);
            // The key is not even looked at without SSH.
            if setting.key == "ssh-key" {
                continue;
            }
            let error = error.unwrap_err();
            let all = format!("{error} {:?}", error.hints());
            assert!(all.contains(&setting.env_name()), "{all}");
            assert!(!all.contains("hunter2"), "{all}");
        }
    }
    for source in [Source::Flag, Source::File] {
        let mut gathered = gathered(&[
            ("image", "u/a"),
            ("ssh-host", "h"),
            ("ssh-fingerprint", FINGERPRINT),
        ]);
        gathered.raw.offer("ssh-key", KEY, source);
        let error = deploy(&gathered, Caller::Terminal, Reach::Ssh, Gated::Free).unwrap_err();
        let all = format!("{error} {:?}", error.hints());
        assert!(
            all.contains("PCT_DEPLOY_SSH_KEY") && !all.contains("b3Blb"),
            "{all}"
        );
    }
}

#[test]
fn a_key_is_read_from_a_path_wherever_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, KEY).unwrap();
    let path = path.to_str().unwrap();
    let key = |text: &str, source| {
        let mut gathered = gathered(&[
            ("image", "u/a"),
            ("ssh-host", "h"),
            ("ssh-fingerprint", FINGERPRINT),
        ]);
        gathered.raw.home = folder.path().to_str().map(str::to_owned);
        gathered.raw.offer("ssh-key", text, source);
        deploy(&gathered, Caller::Terminal, Reach::Ssh, Gated::Free)
    };
    for source in [
        Source::Flag,
        Source::Input,
        Source::Environment,
        Source::File,
    ] {
        for text in [path, "~/key"] {
            let config = key(text, source).unwrap();
            assert_eq!(config.host.secrets()[0].expose(), format!("{KEY}\n"));
        }
    }
    assert!(key(&format!("@{path}"), Source::Flag).is_ok());
    let lost = key("AAAAC3NzaC1lZDI1NTE5", Source::Input).unwrap_err();
    assert!(!lost.to_string().contains("AAAAC3"), "{lost}");
    let missing = key("/nowhere/key", Source::Flag).unwrap_err();
    assert!(
        missing
            .to_string()
            .contains("`/nowhere/key` cannot be read"),
        "{missing}"
    );
}

#[test]
fn what_must_be_masked_is_all_there() {
    let all = gathered(&[
        ("image", "u/a"),
        ("ssh-host", "h"),
        ("ssh-key", KEY),
        ("ssh-fingerprint", FINGERPRINT),
        ("github-token", "ghs_token"),
        ("registry-username", "me"),
        ("registry-password", "pw-secret"),
        ("slack-webhook-url", "https://hooks.slack.com/services/T"),
    ]);
    let config = deploy(&all, Caller::Action, Reach::Ssh, Gated::ByEvent).unwrap();
    assert_eq!(config.host.secrets().len(), 4);
    assert!(!format!("{config:?}").contains("pw-secret"));
}

#[test]
fn a_token_in_a_path_is_hidden_and_a_word_is_not() {
    let of = |path: &str| {
        let all = in_paths(&gathered(&[("health-path", path)]).raw);
        all.iter()
            .map(|one| one.expose().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("/health"), Vec::<String>::new());
    assert_eq!(
        of("/health?level=ready&key=0123456789abcdef"),
        ["0123456789abcdef"]
    );
    let config = deploy(
        &gathered(&[("image", "u/a"), ("health-path", "/h?key=0123456789abcdef")]),
        Caller::Terminal,
        Reach::Local,
        Gated::Free,
    );
    let config = config.unwrap().host;
    assert!(
        config
            .secrets()
            .iter()
            .any(|one| one.expose() == "0123456789abcdef")
    );
}
