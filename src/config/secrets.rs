//! Secret settings: where they may come from, and all of them for masking.

use std::fs::File;
use std::io::Read as _;

use super::fields::Fields;
use super::problems::Problem;
use super::raw::{Raw, Source};
use super::schema;
use super::trust;
use super::types::{HostConfig, Place};
use crate::secret::Secret;

/// More than any secret needs; a wrong path must not fill the memory.
const LONGEST: u64 = 64 * 1024;

/// A secret's text: literal from the environment, from a file when a flag says so.
pub(super) fn read(fields: &mut Fields<'_>, key: &str) -> Option<String> {
    let given = fields.raw.given(key)?;
    match given.source {
        Source::Input | Source::Environment | Source::Stdin | Source::Default => {
            Some(given.text.clone())
        }
        Source::File => {
            if let Some(setting) = schema::find(key) {
                let Problem { what, cure } = trust::secret(setting);
                fields.problems.add(what, cure);
            }
            None
        }
        Source::Flag => match given.text.strip_prefix('@') {
            Some(path) => read_file(fields, key, path),
            None => {
                literal(fields, key);
                None
            }
        },
    }
}

/// Refuses a secret that stands on the command line, where every process can read it.
pub(super) fn literal(fields: &mut Fields<'_>, key: &str) {
    let env = schema::find(key).map_or_else(String::new, schema::Setting::env_name);
    fields.problems.add(
        format!("`--{key}` takes no secret itself: the command line is visible to every process"),
        format!(
            "set the variable `{env}`, or write `--{key} @FILE` or `--{key} -` for standard input"
        ),
    );
}

/// Reads a secret from a file that the user named.
pub(super) fn read_file(fields: &mut Fields<'_>, key: &str, path: &str) -> Option<String> {
    let file = File::open(fields.raw.path(key, path));
    let mut text = String::new();
    let read = file.and_then(|file| file.take(LONGEST).read_to_string(&mut text));
    match read {
        Ok(_) if text.trim().is_empty() => {
            fields.wrong(
                key,
                format!("the file `{path}` is empty"),
                "name another file",
            );
            None
        }
        Ok(_) => Some(text.trim().to_owned()),
        Err(error) => {
            let what = format!("the file `{path}` cannot be read: {error}");
            fields.wrong(key, what, "name a file that exists and that you may read");
            None
        }
    }
}

/// The shortest value in a query that may be a token: shorter ones are words such as `ready`.
const SHORTEST_TOKEN: usize = 12;

/// What may be a token in the paths that are asked for, which every report names. Some apps want one even there.
pub(super) fn in_paths(raw: &Raw) -> Vec<Secret> {
    let paths = ["health-path", "smoke-paths"].map(|key| raw.text(key).unwrap_or_default());
    let queries = paths
        .iter()
        .flat_map(|text| text.split(['\n', ',']))
        .filter_map(|path| path.split_once('?'));
    queries
        .flat_map(|(_, query)| query.split('&'))
        .filter_map(|pair| pair.split_once('='))
        .filter(|(_, value)| value.len() >= SHORTEST_TOKEN)
        .map(|(_, value)| Secret::new(value))
        .collect()
}

impl HostConfig {
    /// Everything in it that must not be shown.
    pub fn secrets(&self) -> Vec<&Secret> {
        let key = match &self.place {
            Place::Local => None,
            Place::Ssh(ssh) => ssh.key.as_ref(),
        };
        let mut all = self.report.secrets();
        all.extend(key.map(|key| &key.0));
        all.extend(self.logins.image.as_ref().map(|login| &login.password));
        all.extend(self.logins.others.iter().map(|(_, login)| &login.password));
        all.extend(&self.hidden);
        all
    }
}

#[cfg(test)]
#[path = "secrets_tests.rs"]
mod tests;
