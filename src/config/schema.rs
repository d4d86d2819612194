//! What a setting is: flags, inputs, environment names, file keys and documentation come from here.

pub use super::settings::SETTINGS;

#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The name in the file and, with `--` before it, as a flag.
    pub key: &'static str,
    /// Where it belongs.
    pub group: Group,
    /// How its text is read.
    pub kind: SettingKind,
    /// What holds when it is not given.
    pub preset: Preset,
    /// One or two sentences for users.
    pub help: &'static str,
}

/// A heading of the documentation and of `--help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// When to deploy.
    Gate,
    /// What to deploy.
    Image,
    /// Where to.
    Host,
    /// How, on the host.
    Swap,
    /// Whom to tell.
    Report,
}

impl Group {
    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Gate => "Gate",
            Self::Image => "Image",
            Self::Host => "Host",
            Self::Swap => "Swap",
            Self::Report => "Report",
        }
    }
}

/// How a setting's text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    /// As it stands.
    Text,
    /// One entry a line or separated by commas.
    List,
    /// One entry a line; entries may hold commas.
    Lines,
    /// `250ms`, `5s`, `2m`.
    Span,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Int,
    /// Never shown; never taken literally from the command line.
    Secret,
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// What holds when a setting is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// It must be given.
    Required,
    /// Nothing.
    Unset,
    /// This text.
    Value(&'static str),
    /// Something found out during the run, in words.
    Derived(&'static str),
}

/// The command that asks for settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// `action` and `deploy`.
    Deploy,
    Rollback,
    /// `status` and `history`.
    Look,
}

impl Setting {
    /// The environment variable.
    pub fn env_name(&self) -> String {
        format!(
            "{ENV_PREFIX}{}",
            self.key.to_ascii_uppercase().replace('-', "_")
        )
    }

    /// The variables in which a runner passes the action's input, the runner's own spelling first.
    pub fn input_names(&self) -> [String; 2] {
        let upper = self.key.to_ascii_uppercase();
        let plain = upper.replace('-', "_");
        [
            format!("{INPUT_PREFIX}{upper}"),
            format!("{INPUT_PREFIX}{plain}"),
        ]
    }

    /// Whether a command has a use for it.
    pub fn concerns(&self, scope: Scope) -> bool {
        match (scope, self.group) {
            (Scope::Deploy, _)
            | (Scope::Rollback, Group::Host | Group::Swap | Group::Report)
            | (Scope::Look, Group::Host | Group::Swap) => true,
            (Scope::Rollback, Group::Image) => matches!(
                self.key,
                "image" | "platform" | "registry-username" | "registry-password" | "registries"
            ),
            (Scope::Look, Group::Image) => matches!(self.key, "image" | "platform"),
            (Scope::Rollback | Scope::Look, Group::Gate) | (Scope::Look, Group::Report) => false,
        }
    }

    /// The default in words, for help and documentation.
    pub fn preset_text(&self) -> String {
        match self.preset {
            Preset::Required => "required".to_owned(),
            Preset::Unset => String::new(),
            Preset::Value(text) => format!("`{text}`"),
            Preset::Derived(words) => words.to_owned(),
        }
    }
}

/// What the environment's names begin with.
pub const ENV_PREFIX: &str = "PCT_DEPLOY_";

/// What a runner puts before an input's name.
pub const INPUT_PREFIX: &str = "INPUT_";

/// Finds a setting by its key.
pub fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// Settings that are planned and not built: naming one is an error, not silently accepted.
pub const NOT_YET: &[&str] = &[
    "app-env",
    "build-secrets",
    "cache-from",
    "cache-to",
    "memory-check",
    "transfer",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_unique_and_survive_every_runner() {
        let mut keys: Vec<&str> = SETTINGS.iter().map(|setting| setting.key).collect();
        keys.extend(NOT_YET);
        for key in &keys {
            assert!(
                key.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{key}"
            );
        }
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }
}
