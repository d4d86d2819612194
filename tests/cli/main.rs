//! The real binary with a scrubbed environment.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may end at the first surprise"
)]

mod doctor;
mod gate;
mod gate_asks;
mod keys;
mod output;
mod post;
mod settings;
mod signals;
mod usage;
mod workspace;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use sandbox::event::Event;
use sandbox::pull::Pull;
use serde_json::Value;

/// A run of the binary in an empty folder with an empty environment.
struct Run {
    folder: tempfile::TempDir,
    args: Vec<String>,
    env: Vec<(String, String)>,
    stdin: String,
    /// The working directory, inside the folder.
    below: String,
}

/// How it ended.
#[derive(Debug)]
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
    /// The outputs, as GitHub's runner reads them.
    outputs: Vec<(String, String)>,
}

fn pct_deploy(args: &[&str]) -> Run {
    Run {
        folder: tempfile::tempdir().unwrap(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        env: Vec::new(),
        stdin: String::new(),
        below: String::new(),
    }
}

/// The action, with the files that a runner gives it.
fn action(event_name: &str, payload: &Value) -> Run {
    let run = pct_deploy(&["action"]);
    let folder = run.folder.path().to_owned();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    std::fs::write(folder.join("event.json"), payload.to_string()).unwrap();
    std::fs::write(folder.join("output"), "").unwrap();
    std::fs::write(folder.join("summary"), "").unwrap();
    run.env("GITHUB_ACTIONS", "true")
        .env("GITHUB_EVENT_NAME", event_name)
        .env("GITHUB_EVENT_PATH", &path("event.json"))
        .env("GITHUB_OUTPUT", &path("output"))
        .env("GITHUB_STEP_SUMMARY", &path("summary"))
        .env("GITHUB_SHA", &"f".repeat(40))
}

/// The commit that every event here asks for.
const HEAD: &str = "0123456789abcdef0123456789abcdef01234567";

fn pull(base: &str) -> Pull {
    Pull::new("o/r", 7).head("feature", HEAD).base(base)
}

fn labeled(label: &str, base: &str) -> Value {
    Event::labeled(pull(base), label).to_json()
}

impl Run {
    fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    fn stdin(mut self, text: &str) -> Self {
        text.clone_into(&mut self.stdin);
        self
    }

    fn below(mut self, folder: &str) -> Self {
        folder.clone_into(&mut self.below);
        self
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn end(self) -> Ended {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pct-deploy"))
            .args(&self.args)
            .env_clear()
            .envs(self.env.clone())
            .current_dir(self.folder.path().join(&self.below))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A run that reads nothing may be over before this is written.
        stdin.write_all(self.stdin.as_bytes()).ok();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ended {
            code: output.status.code().unwrap(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            outputs: outputs(&self.folder.path().join("output")),
        }
    }
}

fn outputs(path: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut lines = text.lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        let (key, delimiter) = line.split_once("<<").unwrap();
        let value: Vec<&str> = lines
            .by_ref()
            .take_while(|line| *line != delimiter)
            .collect();
        found.push((key.to_owned(), value.join("\n")));
    }
    found
}

impl Ended {
    fn output(&self, key: &str) -> &str {
        let found = self.outputs.iter().find(|(name, _)| name == key);
        &found
            .unwrap_or_else(|| panic!("no output `{key}`: {self:?}"))
            .1
    }

    #[track_caller]
    fn says(&self, text: &str) -> &Self {
        let said = self.stderr.contains(text) || self.stdout.contains(text);
        assert!(said, "`{text}` is not said by {self:#?}");
        self
    }

    #[track_caller]
    fn hides(&self, text: &str) -> &Self {
        let outputs = format!("{:?}", self.outputs);
        let shown = [&self.stderr, &self.stdout, &outputs]
            .iter()
            .any(|t| t.contains(text));
        assert!(!shown, "`{text}` is shown by {self:#?}");
        self
    }

    #[track_caller]
    fn ends(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }
}
