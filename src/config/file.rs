//! `.pct-deploy.yml`: a flat mapping of settings.

use std::path::{Path, PathBuf};

use yaml_serde::{Mapping, Value};

use super::nearest::nearest;
use super::problems::Problems;
use super::schema::{self, NOT_YET, SETTINGS, Setting, SettingKind};

/// A settings file as it was read.
#[derive(Debug, Clone)]
pub struct SettingsFile {
    /// Its path, for messages.
    pub name: String,
    pub text: String,
    /// Whether it was found in a folder above the working directory.
    pub is_above: bool,
}

impl SettingsFile {
    /// Where its relative paths start; `None` means the working directory.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        let folder = Path::new(&self.name).parent()?;
        (!folder.as_os_str().is_empty()).then(|| folder.to_owned())
    }
}

/// The file that is read when none is named.
pub const DEFAULT_FILE: &str = ".pct-deploy.yml";

/// The settings of a file as texts; lists are joined by lines.
pub(super) fn read(
    file: &SettingsFile,
    problems: &mut Problems,
) -> Vec<(&'static Setting, String)> {
    let name = &file.name;
    if file.text.trim().is_empty() {
        return Vec::new();
    }
    let entries = match yaml_serde::from_str::<Value>(&file.text) {
        Ok(Value::Mapping(entries)) => entries,
        Ok(Value::Null) => return Vec::new(),
        Ok(_) => {
            problems.only(
                format!("`{name}` is not a list of settings"),
                "write one `key: value` per line",
            );
            return Vec::new();
        }
        Err(error) => {
            let line = error.location().map_or(0, |place| place.line());
            problems.only(
                format!("`{name}` is not valid YAML: {error}"),
                quoting(&file.text, line),
            );
            return Vec::new();
        }
    };
    entries
        .iter()
        .filter_map(|(key, value)| entry(name, key, value, problems))
        .collect()
}

/// What to write instead of the line; its value is not shown, it may be a secret.
fn quoting(text: &str, line: usize) -> String {
    let of_line = || text.lines().nth(line.checked_sub(1)?)?.split_once(": ");
    let needs_quotes = |value: &str| {
        value
            .trim_start()
            .starts_with(['[', '{', '@', '`', '*', '&', '!', '%', '|', '>'])
    };
    match of_line() {
        Some((key, value)) if needs_quotes(value) => {
            let first = value.trim_start().chars().take(1).collect::<String>();
            format!(
                "put the value of `{}` in line {line} in quotes: in YAML a leading `{first}` means something",
                key.trim()
            )
        }
        Some(_) | None => "write one `key: value` per line".to_owned(),
    }
}

fn entry(
    name: &str,
    key: &Value,
    value: &Value,
    problems: &mut Problems,
) -> Option<(&'static Setting, String)> {
    let Value::String(key) = key else {
        problems.add(
            format!("`{name}` has a key that is not text"),
            "write the name of a setting",
        );
        return None;
    };
    let Some(setting) = schema::find(key) else {
        unknown(
            &format!("`{key}` in `{name}`"),
            key,
            str::to_owned,
            problems,
        );
        return None;
    };
    match text(setting, value) {
        Ok(text) => Some((setting, text)),
        Err(cure) => {
            problems.add(format!("`{key}` in `{name}` cannot be read"), cure);
            None
        }
    }
}

/// Says that a name is not, or not yet, a setting; `spell` writes a key as it would be written there.
pub(super) fn unknown(
    place: &str,
    key: &str,
    spell: impl Fn(&str) -> String,
    problems: &mut Problems,
) {
    if NOT_YET.contains(&key) {
        problems.add(
            format!("{place} is not available yet in this version"),
            "remove it",
        );
        return;
    }
    let known = SETTINGS.iter().map(|setting| setting.key);
    let cure = nearest(key, known).map_or_else(
        || "see docs/settings.md for the known ones".to_owned(),
        |near| format!("did you mean `{}`?", spell(near)),
    );
    problems.add(format!("{place} is not a setting"), cure);
}

fn text(setting: &Setting, value: &Value) -> Result<String, String> {
    match (value, setting.kind) {
        (Value::Null, _) => Ok(String::new()),
        (Value::Sequence(items), SettingKind::List | SettingKind::Lines) => {
            let items: Result<Vec<String>, String> = items.iter().map(line).collect();
            Ok(items?.join("\n"))
        }
        (Value::Mapping(pairs), SettingKind::Lines) if setting.key == "build-args" => {
            build_args(pairs)
        }
        (Value::String(text), _) => Ok(text.clone()),
        (value, _) => line(value),
    }
}

fn build_args(pairs: &Mapping) -> Result<String, String> {
    let lines: Result<Vec<String>, String> = pairs
        .iter()
        .map(|(key, value)| Ok(format!("{}={}", line(key)?, line(value)?)))
        .collect();
    Ok(lines?.join("\n"))
}

/// One entry; a number with a fraction is refused because `1.10` would silently become `1.1`.
fn line(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) if text.contains('\n') => Err("write it on one line".to_owned()),
        Value::String(text) => Ok(text.clone()),
        Value::Bool(word) => Ok(word.to_string()),
        Value::Number(number) if number.is_f64() => {
            Err("write the number in quotes, so that no digit is lost".to_owned())
        }
        Value::Number(number) => Ok(number.to_string()),
        _ => Err("write plain text".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> (Vec<(&'static str, String)>, Vec<String>) {
        let file = SettingsFile {
            name: DEFAULT_FILE.to_owned(),
            text: text.to_owned(),
            is_above: false,
        };
        let mut problems = Problems::default();
        let entries = read(&file, &mut problems)
            .into_iter()
            .map(|(setting, text)| (setting.key, text))
            .collect();
        let problems = problems
            .list()
            .iter()
            .map(|p| format!("{}: {}", p.what, p.cure))
            .collect();
        (entries, problems)
    }

    #[test]
    fn every_shape_of_value_becomes_text() {
        let (entries, problems) = read_text(
            "base: main\nssh-port: 2222\ndry-run: true\ntags: [a, b]\ntarget:\nbuild-args: {A: 1, B: 'x,y'}\n",
        );
        assert_eq!(problems, Vec::<String>::new());
        let expected = [
            ("base", "main"),
            ("ssh-port", "2222"),
            ("dry-run", "true"),
            ("tags", "a\nb"),
            ("target", ""),
            ("build-args", "A=1\nB=x,y"),
        ];
        assert_eq!(
            entries,
            expected.map(|(key, text)| (key, text.to_owned())).to_vec()
        );
    }

    #[test]
    fn wrong_keys_and_shapes_are_named() {
        let (_, problems) = read_text(
            "ssh-hots: h\ntransfer: ssh\nzzzzzzzzz: 1\ntags: [1.10]\nbase: {a: b}\nbase2: x\n",
        );
        assert_eq!(
            problems,
            [
                "`ssh-hots` in `.pct-deploy.yml` is not a setting: did you mean `ssh-host`?",
                "`transfer` in `.pct-deploy.yml` is not available yet in this version: remove it",
                "`zzzzzzzzz` in `.pct-deploy.yml` is not a setting: see docs/settings.md for the known ones",
                "`tags` in `.pct-deploy.yml` cannot be read: write the number in quotes, so that no digit is lost",
                "`base` in `.pct-deploy.yml` cannot be read: write plain text",
                "`base2` in `.pct-deploy.yml` is not a setting: did you mean `base`?",
            ]
        );
    }

    #[test]
    fn what_is_not_a_mapping_is_refused_and_nothing_is_nothing() {
        for text in ["", "  \n", "# only a comment\n"] {
            assert_eq!(read_text(text), (vec![], vec![]));
        }
        for text in ["- a\n", "just text", "a: b: c", "base: x\nbase: y\n"] {
            assert_eq!(read_text(text).1.len(), 1, "{text}");
        }
    }

    #[test]
    fn yaml_that_is_none_names_the_line_and_what_to_quote() {
        for (value, first) in [
            ("[127.0.0.1]:2205 ssh-ed25519 AAAA", "["),
            ("@known_hosts", "@"),
        ] {
            let (_, problems) = read_text(&format!("image: u/a\nssh-known-hosts: {value}\n"));
            let [problem] = problems.as_slice() else {
                panic!("{problems:?}")
            };
            assert!(problem.contains("at line 2"), "{problem}");
            let cure = format!(
                "put the value of `ssh-known-hosts` in line 2 in quotes: in YAML a leading `{first}` means something"
            );
            assert!(problem.ends_with(&cure), "{problem}");
        }
        let (_, problems) = read_text("image: u/a\n  base: b: c\n");
        assert!(
            problems[0].ends_with("write one `key: value` per line"),
            "{problems:?}"
        );
    }
}
