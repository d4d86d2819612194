//! Other programs, on the host: what they are given, and what it means when they fail.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use super::super::HostResult;
use super::super::error::{HostError, Trouble};
use crate::clients::environment::{Environment, find_program};
use crate::clients::lines::Tail;
use crate::clients::process::{NoEnd, StandardOutput, run};

/// What an error shows of the output of a program.
const TAIL: usize = 20;
/// More than this on standard output is not an answer to most questions of ours.
const MOST_OUTPUT: usize = 4 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Program {
    doing: String,
    name: String,
    command: Command,
    input: Vec<u8>,
    deadline: Duration,
    most_output: usize,
}

impl Program {
    /// A program found in `PATH` or the system folders; `doing` follows "cannot" in errors.
    pub(super) fn find(name: &str, doing: impl Into<String>) -> HostResult<Self> {
        let doing = doing.into();
        match find_program(name) {
            Some(path) => Ok(Self::at(path, name, doing)),
            None => Err(HostError::new(Trouble::Missing, doing)
                .because(format!("`{name}` is not installed"))),
        }
    }

    /// The program in this file; `name` is what errors call it.
    pub(super) fn at(path: PathBuf, name: &str, doing: impl Into<String>) -> Self {
        let mut command = Command::new(path);
        command.kill_on_drop(false);
        Self {
            doing: doing.into(),
            name: name.to_owned(),
            command,
            input: Vec::new(),
            deadline: Duration::from_secs(30),
            most_output: MOST_OUTPUT,
        }
        .environment(Environment::Bare)
    }

    /// The same program started by `sudo -n`; call it before anything else is set.
    pub(super) fn under_sudo(self) -> HostResult<Self> {
        let program = self.command.as_std().get_program().to_owned();
        let mut sudo = Self::find("sudo", self.doing)?.args([
            "-n".as_ref(),
            "--".as_ref(),
            program.as_os_str(),
        ]);
        sudo.name = self.name;
        Ok(sudo)
    }

    pub(super) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    pub(super) fn folder(mut self, folder: &Path) -> Self {
        // Programs that trust `PWD` over the kernel would see links that we resolved.
        self.command.current_dir(folder).env("PWD", folder);
        self
    }

    /// Says what it may know of our environment; forgets what was set before.
    pub(super) fn environment(mut self, environment: Environment) -> Self {
        environment.apply(&mut self.command);
        self
    }

    pub(super) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(super) fn feed(mut self, input: &[u8]) -> Self {
        self.input = input.to_vec();
        self
    }

    /// How long it may take; 30 s unless said.
    pub(super) fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How many bytes it may print; 4 MiB unless said.
    pub(super) fn most_output(mut self, bytes: usize) -> Self {
        self.most_output = bytes;
        self
    }

    /// Runs it and returns its standard output; an error shows the end of its standard error.
    pub(super) async fn capture(self) -> HostResult<Vec<u8>> {
        self.capture_beside(&mut |_| {}).await
    }

    /// The same; `on_line` gets the lines of its standard error.
    pub(super) async fn capture_beside(
        self,
        on_line: &mut (dyn FnMut(&str) + '_),
    ) -> HostResult<Vec<u8>> {
        let mut output = Vec::new();
        let captured = StandardOutput::Captured(&mut output, self.most_output);
        self.run(captured, on_line).await?;
        Ok(output)
    }

    /// Runs it, whatever it prints.
    pub(super) async fn finish(self) -> HostResult<()> {
        self.capture().await.map(drop)
    }

    /// Runs it and hands over each line that it prints; an error shows the last ones.
    pub(super) async fn stream(self, on_line: &mut (dyn FnMut(&str) + '_)) -> HostResult<()> {
        self.run(StandardOutput::Streamed, on_line).await
    }

    async fn run(
        self,
        output: StandardOutput<'_>,
        on_line: &mut (dyn FnMut(&str) + '_),
    ) -> HostResult<()> {
        let mut tail = Tail::new(TAIL);
        let mut hear = |line: &str| {
            tail.push(line);
            on_line(line);
        };
        let ended = run(self.command, &self.input, output, self.deadline, &mut hear).await;
        let error = match ended {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => HostError::new(Trouble::Refused, self.doing)
                .because(format!("`{}` ended with {status}", self.name)),
            Err(NoEnd::TimedOut) => HostError::new(Trouble::TimedOut, self.doing).because(format!(
                "`{}` did not end in {} s",
                self.name,
                self.deadline.as_secs()
            )),
            Err(NoEnd::Io(error)) => HostError::io(self.doing, error),
        };
        denied(Err(error.output(tail.lines())))
    }
}

/// Tells a refusal by sudo from one by the program behind it.
fn denied<T>(result: HostResult<T>) -> HostResult<T> {
    result.map_err(|mut error| {
        if error
            .output_lines()
            .iter()
            .any(|line| line.starts_with("sudo: "))
        {
            error.trouble = Trouble::Denied;
            let user = std::env::var("USER").unwrap_or_else(|_missing| "this user".to_owned());
            return error.because(format!(
                "`sudo -n` does not work for `{user}` without a password"
            ));
        }
        error
    })
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn sh(script: &str) -> Program {
        Program::find("sh", "try").unwrap().args(["-c", script])
    }

    #[tokio::test]
    async fn output_is_captured_and_input_fed() {
        let input = vec![b'x'; 300_000];
        let output = Program::find("cat", "try")
            .unwrap()
            .feed(&input)
            .capture()
            .await
            .unwrap();
        assert_eq!(output, input);
    }

    #[tokio::test]
    async fn a_program_that_ignores_its_input_is_fine() {
        sh("exec true")
            .feed(&vec![b'x'; 300_000])
            .capture()
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_failure_carries_the_last_lines() {
        let error = sh("seq 30; echo oh no >&2; exit 3")
            .stream(&mut |_| {})
            .await
            .unwrap_err();
        assert_eq!(error.trouble, Trouble::Refused);
        assert_eq!(error.output_lines().len(), TAIL);
        assert!(error.output_lines().contains(&"oh no".to_owned()));
        let why = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(why, "`sh` ended with exit status: 3");
    }

    #[tokio::test]
    async fn the_deadline_kills_grandchildren_too() {
        let started = Instant::now();
        let error = sh("sleep 86399 & echo $!; wait")
            .deadline(Duration::from_millis(300))
            .stream(&mut |_| {})
            .await
            .unwrap_err();
        assert_eq!(error.trouble, Trouble::TimedOut);
        assert!(started.elapsed() < Duration::from_secs(5));
        // A signal takes a moment to arrive, and nobody may have reaped it yet.
        let stat = format!("/proc/{}/stat", error.output_lines()[0]);
        let runs = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(" Z "));
        while runs() {
            assert!(
                started.elapsed() < Duration::from_secs(5),
                "the grandchild still runs"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let error = Program::find("no-such-program", "try").unwrap_err();
        assert_eq!(error.trouble, Trouble::Missing);
    }

    #[test]
    fn a_wish_for_a_password_is_a_denial_and_names_the_cure() {
        let refused: HostResult<()> = Err(HostError::new(Trouble::Refused, "act as root")
            .output(vec!["sudo: a password is required".to_owned()]));
        let error = denied(refused).unwrap_err();
        assert_eq!(error.trouble, Trouble::Denied);
        let why = std::error::Error::source(&error).unwrap().to_string();
        assert!(why.contains("without a password"), "{why}");
    }

    #[tokio::test]
    async fn the_bare_environment_is_bare() {
        let output = Program::find("env", "try")
            .unwrap()
            .capture()
            .await
            .unwrap();
        let output = String::from_utf8(output).unwrap();
        assert!(!output.contains("CARGO"), "{output}");
        assert!(output.contains("LC_ALL=C"), "{output}");
    }
}
