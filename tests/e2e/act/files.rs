//! The folders that the runner mounts into a step, what it puts there, and how it reads what comes back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::project::{self, Project, TOKEN};

/// The names and texts of all files in a folder and below.
pub(super) fn contents(folder: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        all.push_str(&format!("{}\n", path.display()));
        if path.is_dir() {
            all.push_str(&contents(&path));
        } else if let Ok(bytes) = fs::read(&path) {
            all.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    all
}

/// The folders that the runner mounts, with its files in them.
pub(super) fn prepare(
    files: &tempfile::TempDir,
    project: &Project,
    workflow_at: &'static str,
) -> Vec<(PathBuf, &'static str)> {
    let folder = |name: &str| {
        let path = files.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    };
    let commands = folder("file_commands");
    for file in ["set_output_1", "save_state_1", "step_summary_1"] {
        fs::write(commands.join(file), "").unwrap();
    }
    let workflow = folder("workflow");
    fs::copy(project.event(), workflow.join("event.json")).unwrap();
    vec![
        (
            Path::new("/var/run/docker.sock").to_owned(),
            "/var/run/docker.sock",
        ),
        (folder("runner_temp"), "/github/runner_temp"),
        (folder("home"), "/github/home"),
        (workflow, workflow_at),
        (commands, "/github/file_commands"),
        (project.app(), "/github/workspace"),
    ]
}

/// Every declared input with its default; the runner sets them all, absent ones to nothing.
pub(super) fn declared() -> BTreeMap<String, String> {
    #[derive(Deserialize)]
    struct Action {
        inputs: BTreeMap<String, Input>,
    }
    #[derive(Deserialize)]
    struct Input {
        #[serde(default)]
        default: String,
    }
    let text = fs::read_to_string(project::staged().join("action.yml")).unwrap();
    let action: Action = yaml_serde::from_str(&text).unwrap();
    let value = |default: String| default.replace("${{ github.token }}", TOKEN);
    action
        .inputs
        .into_iter()
        .map(|(name, input)| (name, value(input.default)))
        .collect()
}

/// The runner's own reading of an outputs file: `key=value`, or a heredoc.
pub(super) fn pairs(text: &str) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some((key, value)) = line.split_once('=').filter(|(key, _)| !key.contains("<<")) {
            pairs.insert(key.to_owned(), value.to_owned());
        } else {
            let (key, end) = line
                .split_once("<<")
                .unwrap_or_else(|| panic!("no pair: {line}"));
            let value: Vec<_> = lines.by_ref().take_while(|line| *line != end).collect();
            pairs.insert(key.to_owned(), value.join("\n"));
        }
    }
    pairs
}
