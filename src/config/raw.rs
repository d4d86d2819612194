//! The text of every setting and where it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::schema::{self, Preset};

/// Where a text came from, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Standard input, because the command line said so.
    Stdin,
    /// The command line.
    Flag,
    /// An input of the action.
    Input,
    Environment,
    /// `.pct-deploy.yml`.
    File,
    /// The schema.
    Default,
}

/// A setting's text. `Debug` shows where it came from only: it may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    /// Trimmed and not empty.
    pub text: String,
    /// Where it came from.
    pub source: Source,
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Given({:?})", self.source)
    }
}

/// The strongest text of each setting that was given.
#[derive(Debug, Clone, Default)]
pub struct Raw {
    given: BTreeMap<&'static str, Given>,
    /// The user's home folder, for paths that begin with `~/`.
    pub home: Option<String>,
    /// The path of the settings file that was read.
    pub file: Option<String>,
    /// The folder that relative paths in that file start from; `None` means the working directory.
    pub folder: Option<PathBuf>,
    /// Whether that file was found above the working directory, so that defaults start there, too.
    pub is_file_above: bool,
    /// Whether a runner, or act, started us: nobody's own ssh is there to be relied on.
    pub in_workflow: bool,
}

impl Raw {
    /// Keeps a text unless it is blank or a stronger source gave one already.
    pub fn offer(&mut self, key: &'static str, text: &str, source: Source) {
        let text = text.trim();
        let stronger = |given: &Given| given.source <= source;
        if text.is_empty() || self.given.get(key).is_some_and(stronger) {
            return;
        }
        let given = Given {
            text: text.to_owned(),
            source,
        };
        self.given.insert(key, given);
    }

    /// Puts what was read in the place of the text that said where to read it.
    pub fn replace(&mut self, key: &'static str, text: String, source: Source) {
        self.given.insert(key, Given { text, source });
    }

    /// A path as it was given for `key`: `~/` is the home folder, as a shell would have it, and what the settings file
    /// says counts from there.
    pub fn path(&self, key: &str, text: &str) -> PathBuf {
        let path = match (text.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => Path::new(home).join(rest),
            (_, _) => PathBuf::from(text),
        };
        let is_of_file = match self.given.get(key) {
            Some(given) => given.source == Source::File,
            None => self.is_file_above,
        };
        match &self.folder {
            Some(folder) if is_of_file => folder.join(path),
            Some(_) | None => path,
        }
    }

    /// What was given for `key`, without its default.
    pub fn given(&self, key: &str) -> Option<&Given> {
        self.given.get(key)
    }

    /// The text for `key`: what was given, else the default of the schema.
    pub fn text(&self, key: &str) -> Option<&str> {
        if let Some(given) = self.given.get(key) {
            return Some(&given.text);
        }
        match schema::find(key)?.preset {
            Preset::Value(text) => Some(text),
            Preset::Required | Preset::Unset | Preset::Derived(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_text_wins_whatever_the_order() {
        let mut raw = Raw::default();
        raw.offer("base", "file", Source::File);
        raw.offer("base", " flag ", Source::Flag);
        raw.offer("base", "env", Source::Environment);
        assert_eq!(raw.text("base"), Some("flag"));
    }

    #[test]
    fn blank_is_unset() {
        let mut raw = Raw::default();
        raw.offer("base", " \n", Source::Flag);
        assert_eq!(raw.given("base"), None);
        assert_eq!(raw.text("base"), Some("main"));
        assert_eq!(raw.text("image"), None);
    }

    #[test]
    fn debug_shows_no_text() {
        let mut raw = Raw::default();
        raw.offer("registry-password", "hunter2", Source::Flag);
        assert!(!format!("{raw:?}").contains("hunter2"));
    }

    #[test]
    fn paths_of_the_file_count_from_it() {
        let mut raw = Raw {
            home: Some("/home/me".to_owned()),
            folder: Some("/repo".into()),
            ..Raw::default()
        };
        raw.offer("ssh-key", "keys/id", Source::File);
        raw.offer("ssh-known-hosts", "known", Source::Flag);
        let path = |raw: &Raw, key, text| raw.path(key, text).to_str().unwrap().to_owned();
        assert_eq!(path(&raw, "ssh-key", "keys/id"), "/repo/keys/id");
        assert_eq!(path(&raw, "ssh-key", "~/.ssh/id"), "/home/me/.ssh/id");
        assert_eq!(path(&raw, "ssh-known-hosts", "known"), "known");
        assert_eq!(path(&raw, "context", "."), ".");
        raw.is_file_above = true;
        assert_eq!(path(&raw, "context", "."), "/repo/.");
    }
}
