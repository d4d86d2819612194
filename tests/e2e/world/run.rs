//! A finished run of the real binary and what to expect of it.

use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pct_deploy::protocol::outcome::Outcome;
use pct_deploy::protocol::result::RunResult;

/// A run at work.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) child: Child,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
    began: Instant,
}

impl Started {
    pub(super) fn spawn(mut command: Command) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = read_all(child.stdout.take().unwrap());
        let stderr = read_all(child.stderr.take().unwrap());
        Self {
            child,
            stdout,
            stderr,
            began: Instant::now(),
        }
    }

    /// Waits, at most five minutes.
    pub(crate) fn wait(mut self) -> Run {
        let deadline = self.began + Duration::from_secs(300);
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                self.child.kill().unwrap();
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let run = Run {
            code: status.code(),
            stdout: self.stdout.join().unwrap(),
            stderr: self.stderr.join().unwrap(),
            took: self.began.elapsed(),
        };
        eprintln!(
            "--- exit {:?} after {:.1?}\n{}",
            run.code, run.took, run.stderr
        );
        run
    }
}

fn read_all(mut from: impl std::io::Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        drop(std::io::Read::read_to_end(&mut from, &mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// What a run printed and how it ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

impl Run {
    /// The result object, which must be all that is on standard output.
    pub(crate) fn result(&self) -> RunResult {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is no result ({error}): {}", self.stdout))
    }

    /// Asserts how it ended; the rest can be asked of the result.
    #[track_caller]
    pub(crate) fn expect(&self, outcome: Outcome, reason: &str) -> RunResult {
        let result = self.result();
        let seen = (result.outcome, result.reason_code.as_str(), self.code);
        let code = match outcome {
            Outcome::Deployed | Outcome::Unchanged | Outcome::Skipped => 0,
            Outcome::RolledBack => 3,
            Outcome::Stuck => 4,
            Outcome::Failed => 5,
            Outcome::Cancelled => 143,
        };
        assert_eq!(seen, (outcome, reason, Some(code)), "{:#?}", result.failure);
        result
    }

    /// Asserts an error with this exit code that names each of `words`.
    #[track_caller]
    pub(crate) fn refuses(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        for word in words {
            assert!(
                self.stderr.contains(word),
                "`{word}` is not in: {}",
                self.stderr
            );
        }
    }
}
