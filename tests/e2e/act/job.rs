//! What `act --json` tells about a job.

use std::collections::BTreeMap;
use std::process::Output;

use serde_json::Value;

/// A finished job.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) code: Option<i32>,
    lines: Vec<Value>,
    stderr: String,
}

impl Job {
    pub(crate) fn new(output: &Output) -> Self {
        let stdout = String::from_utf8_lossy(&output.stdout);
        let job = Self {
            code: output.status.code(),
            lines: stdout
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .collect(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        eprintln!("--- act: exit {}\n{}", job.code.unwrap_or(-1), job.log());
        job
    }

    /// `success` or `failure`.
    pub(crate) fn result(&self) -> Option<&str> {
        self.lines
            .iter()
            .find_map(|line| line.get("jobResult")?.as_str())
    }

    /// The outputs of every step.
    pub(crate) fn outputs(&self) -> BTreeMap<String, String> {
        let pairs = self.commands("set-output").filter_map(|line| {
            Some((
                line.get("name")?.as_str()?.to_owned(),
                line.get("arg")?.as_str()?.to_owned(),
            ))
        });
        pairs.collect()
    }

    /// The job's page.
    pub(crate) fn summary(&self) -> String {
        self.commands("summary")
            .filter_map(|line| line.get("content")?.as_str())
            .collect()
    }

    /// What a person would read.
    pub(crate) fn log(&self) -> String {
        let lines = self
            .lines
            .iter()
            .filter_map(|line| line.get("msg")?.as_str());
        lines
            .map(|line| format!("{}\n", line.trim_end()))
            .collect::<String>()
            + &self.stderr
    }

    fn commands(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.lines
            .iter()
            .filter(move |line| line.get("command").is_some_and(|command| command == name))
    }
}
