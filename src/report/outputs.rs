//! The files through which a step tells the workflow what came out.
//!
//! Format (runner, `FileCommandManager.cs`): `key<<DELIMITER`, the value, `DELIMITER`, appended. The
//! delimiter is random, so that no value can end its block and forge another output.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::console::random_token;
use super::{Reporter, redact};
use crate::protocol::result::RunResult;
use crate::secret::Redactor;

/// The files of `GITHUB_OUTPUT`, `GITHUB_STEP_SUMMARY` and `GITHUB_STATE`; all absent on a laptop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutputFiles {
    /// `GITHUB_OUTPUT`.
    pub output: Option<PathBuf>,
    /// `GITHUB_STEP_SUMMARY`.
    pub summary: Option<PathBuf>,
    /// `GITHUB_STATE`.
    pub state: Option<PathBuf>,
}

impl OutputFiles {
    /// Writes every output of the action.
    pub fn write_outputs(&self, result: &RunResult, reporter: &Reporter) {
        let redactor = reporter.redactor();
        let text: String = outputs(result, redactor)
            .iter()
            .map(|(key, value)| block(key, value))
            .collect();
        append(self.output.as_deref(), "outputs", &text, reporter);
    }

    /// Keeps a value for the action's post step, which finds it as `STATE_<key>`. Written at once, so
    /// it survives a kill: call it before the step that it is about.
    pub fn save_state(&self, key: &str, value: &str, reporter: &Reporter) {
        let value = reporter.redactor().redact(value);
        let text = block(key, &value);
        append(self.state.as_deref(), "state", &text, reporter);
    }

    /// Adds to the job's summary.
    pub fn write_summary(&self, markdown: &str, reporter: &Reporter) {
        let markdown = reporter.redactor().redact(markdown);
        append(self.summary.as_deref(), "summary", &markdown, reporter);
    }
}

/// The action's outputs in the order of the documentation. What is unknown is empty.
fn outputs(result: &RunResult, redactor: &Redactor) -> Vec<(&'static str, String)> {
    fn text<T: ToString>(value: Option<&T>) -> String {
        value.map(ToString::to_string).unwrap_or_default()
    }
    // Redacted as a value, not as text: its form must stay JSON.
    let mut object = serde_json::to_value(result).unwrap_or_default();
    redact::json(&mut object, redactor);
    let mut outputs = vec![
        ("outcome", result.outcome.to_string()),
        ("reason-code", result.reason_code.clone()),
        ("release", text(result.release.as_ref())),
        ("image", text(result.image.as_ref())),
        ("digest", text(result.digest.as_ref())),
        ("slot", text(result.slot.as_ref())),
        ("previous-slot", text(result.previous_slot.as_ref())),
        ("previous-release", text(result.previous_release.as_ref())),
        ("took-seconds", format!("{:.3}", result.took_seconds)),
        ("requests-total", text(result.requests_total.as_ref())),
        ("requests-failed", text(result.requests_failed.as_ref())),
        ("deployment-id", text(result.deployment_id.as_ref())),
        ("slack-sent", text(result.slack_sent.as_ref())),
    ];
    for (_, value) in &mut outputs {
        *value = redactor.redact(value);
    }
    outputs.push(("result", object.to_string()));
    outputs
}

fn block(key: &str, value: &str) -> String {
    let delimiter = format!("ghadelimiter_{}", random_token());
    format!("{key}<<{delimiter}\n{value}\n{delimiter}\n")
}

fn append(path: Option<&Path>, what: &str, text: &str, reporter: &Reporter) {
    let Some(path) = path else {
        return;
    };
    let written = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    match written {
        Ok(()) => {}
        // act without a bind mount names a folder that is not in the container.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            tracing::debug!(path = %path.display(), what, "no such file, not written");
        }
        Err(error) => reporter.warning(
            &format!("cannot write the {what} to `{}`: {error}", path.display()),
            "check that the file is writable and the disk is not full",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ConsoleMode;
    use crate::report::fixtures::{reloaded, rolled_back};

    /// Reads a file as the runner does.
    fn read(text: &str) -> Vec<(String, String)> {
        let mut lines = text.lines();
        let mut pairs = Vec::new();
        while let Some(line) = lines.next() {
            let (key, delimiter) = line.split_once("<<").unwrap();
            let value: Vec<&str> = lines.by_ref().take_while(|l| *l != delimiter).collect();
            pairs.push((key.to_owned(), value.join("\n")));
        }
        pairs
    }

    fn reporter() -> Reporter {
        Reporter::new(ConsoleMode::Json, Redactor::default())
    }

    #[test]
    fn outputs_are_appended_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output");
        std::fs::write(&path, "earlier<<X\nkept\nX\n").unwrap();
        let files = OutputFiles {
            output: Some(path.clone()),
            ..OutputFiles::default()
        };
        let mut result = rolled_back();
        result.slot = Some("x\nEOF\noutcome<<EOF\ndeployed\nEOF".to_owned());
        files.write_outputs(&result, &reporter());
        let pairs = read(&std::fs::read_to_string(&path).unwrap());
        let keys: Vec<&str> = pairs.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "earlier",
                "outcome",
                "reason-code",
                "release",
                "image",
                "digest",
                "slot",
                "previous-slot",
                "previous-release",
                "took-seconds",
                "requests-total",
                "requests-failed",
                "deployment-id",
                "slack-sent",
                "result"
            ]
        );
        let value = |key: &str| &pairs.iter().find(|(k, _)| k == key).unwrap().1;
        assert_eq!(value("outcome"), "rolled-back");
        assert_eq!(value("took-seconds"), "41.234");
        assert_eq!(value("requests-total"), "");
        let read: RunResult = serde_json::from_str(value("result")).unwrap();
        assert_eq!(read, result);
    }

    #[test]
    fn a_missing_folder_is_not_an_error_and_state_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let files = OutputFiles {
            output: Some(folder.path().join("gone/output")),
            summary: None,
            state: Some(folder.path().join("state")),
        };
        files.write_outputs(&rolled_back(), &reporter());
        files.write_summary("x", &reporter());
        files.save_state("deployment", "7", &reporter());
        files.save_state("phase", "swap", &reporter());
        let state = std::fs::read_to_string(folder.path().join("state")).unwrap();
        assert_eq!(
            read(&state),
            [
                ("deployment".to_owned(), "7".to_owned()),
                ("phase".to_owned(), "swap".to_owned())
            ]
        );
    }

    #[test]
    fn the_documented_result_is_a_result() {
        let page = include_str!("../../docs/result.md");
        let (_, example) = page.split_once("```json\n").unwrap();
        let (example, _) = example.split_once("```").unwrap();
        let documented: serde_json::Value = serde_json::from_str(example).unwrap();
        let read: RunResult = serde_json::from_str(example).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), documented);
        // Every key of every object, with nothing left out because it is null.
        let mut full = reloaded();
        full.receipt.flip_back_ms = Some(4);
        full.failure = rolled_back().failure;
        let object = serde_json::to_value(full).unwrap();
        for (pointer, value) in objects("", &object) {
            for key in value.keys() {
                let long = format!("| `{}.{key}` |", pointer.trim_start_matches("/"));
                let documented = page.contains(&format!("| `{key}` |"))
                    || page.contains(&long.replace("failure/", ""))
                    || (pointer == "/receipt/traffic"
                        && page.contains(&format!("`{key}` for the")))
                    || (pointer == "/image" && page.contains(&format!("`{key}` (as ")));
                assert!(documented, "{pointer}/{key} is not documented");
            }
        }
    }

    fn objects(
        at: &str,
        value: &serde_json::Value,
    ) -> Vec<(String, serde_json::Map<String, serde_json::Value>)> {
        use serde_json::Value;
        match value {
            Value::Object(map) => {
                let below = map
                    .iter()
                    .flat_map(|(key, value)| objects(&format!("{at}/{key}"), value));
                std::iter::once((at.to_owned(), map.clone()))
                    .chain(below)
                    .collect()
            }
            Value::Array(items) => items.iter().flat_map(|item| objects(at, item)).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        }
    }
}
