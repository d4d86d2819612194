//! What the settings file may say: it lies in the repository, so whoever asks for a deploy can change it.

use super::problems::Problem;
use super::schema::{Group, Setting, SettingKind};
use super::sources::Inputs;
use super::ssh_key;

/// Why a text of the file `name` is refused, and what to write instead. The text itself is never shown.
pub(super) fn refusal(
    setting: &Setting,
    text: &str,
    name: &str,
    inputs: Inputs,
) -> Option<Problem> {
    let key = setting.key;
    if text.trim().is_empty() {
        return None;
    }
    if setting.kind == SettingKind::Secret && (key != "ssh-key" || ssh_key::is_key_text(text)) {
        return Some(secret(setting));
    }
    match inputs {
        Inputs::OfThisAction if inputs_only(setting) => Some(Problem {
            what: format!(
                "`{key}` in `{name}` decides whether to deploy or where secrets go, and that file is part of the commit that asks"
            ),
            cure: format!("remove it there and write `{key}:` under `with:` in the workflow"),
        }),
        Inputs::OfThisAction | Inputs::Inherited => None,
    }
}

/// A secret that was found in the file, whether it is used or not.
pub(super) fn secret(setting: &Setting) -> Problem {
    Problem {
        what: format!(
            "`{}` is a secret and must not be in a file of the repository",
            setting.key
        ),
        cure: format!(
            "remove it there and set the variable `{}`; take it for known to everyone who can read the repository",
            setting.env_name()
        ),
    }
}

/// Whether the action takes a setting from the workflow alone: it decides the gate, or where a secret goes.
pub fn inputs_only(setting: &Setting) -> bool {
    match setting.group {
        Group::Gate => true,
        Group::Image => matches!(
            setting.key,
            "image" | "registry-username" | "registry-password" | "registries"
        ),
        Group::Host => setting.key != "connect-timeout",
        Group::Swap => false,
        Group::Report => matches!(
            setting.key,
            "github-token" | "slack-webhook-url" | "slack-host"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema::{self, SETTINGS};

    #[test]
    fn the_gate_and_the_destinations_are_the_workflows() {
        let named: Vec<&str> = SETTINGS
            .iter()
            .filter(|setting| inputs_only(setting))
            .map(|setting| setting.key)
            .collect();
        assert_eq!(
            named,
            [
                "label",
                "base",
                "require-write",
                "require-checks",
                "require-approvals",
                "remove-label",
                "dry-run",
                "image",
                "registry-username",
                "registry-password",
                "registries",
                "ssh-host",
                "ssh-port",
                "ssh-user",
                "ssh-key",
                "ssh-known-hosts",
                "ssh-fingerprint",
                "ssh-jump-host",
                "github-token",
                "slack-webhook-url",
                "slack-host",
            ]
        );
    }

    #[test]
    fn only_the_path_of_a_key_is_no_secret_and_only_at_a_terminal() {
        let key = schema::find("ssh-key").unwrap();
        let of = |text: &str, inputs| refusal(key, text, "f", inputs).is_some();
        assert!(!of("~/.ssh/id", Inputs::Inherited));
        assert!(of("~/.ssh/id", Inputs::OfThisAction));
        for inputs in [Inputs::Inherited, Inputs::OfThisAction] {
            assert!(of("-----BEGIN OPENSSH PRIVATE KEY-----\nx", inputs));
            assert!(!of(" ", inputs));
        }
    }
}
