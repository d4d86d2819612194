//! Runs one shell script at the place and collects what it says, within limits.

use std::path::Path;
use std::time::Duration;

use super::Remote;
use crate::clients::lines::Tail;
use crate::clients::process::{NoEnd, StandardOutput, run};
use crate::error::{Error, Reason, Result};

/// More than any of our scripts prints.
const MOST_OUTPUT: usize = 64 * 1024;
/// Lines of a script's standard error that are kept.
pub(super) const KEPT_LINES: usize = 100;

#[derive(Debug)]
pub(super) struct Ran {
    /// `None` when a signal ended it.
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// A script for POSIX `sh`, with its arguments as `$1`, `$2`, ….
pub(super) struct Script<'a> {
    pub(super) text: &'a str,
    pub(super) args: &'a [&'a str],
    /// A file to feed to it.
    pub(super) input: Option<&'a Path>,
    pub(super) limit: Duration,
}

impl Remote {
    pub(super) async fn run(&self, script: &Script<'_>) -> Result<Ran> {
        let mut argv = vec!["sh", "-c", script.text, "sh"];
        argv.extend(script.args);
        let input = match script.input {
            Some(file) => tokio::fs::read(file).await.map_err(|error| {
                Error::untouched(Reason::AgentUnavailable, "cannot read our own binary")
                    .because(error)
            })?,
            None => Vec::new(),
        };
        let (mut stdout, mut stderr) = (Vec::new(), Tail::new(KEPT_LINES));
        let output = StandardOutput::Captured(&mut stdout, MOST_OUTPUT);
        let command = self.command(&argv);
        let mut hear = |line: &str| stderr.push(line);
        let code = match run(command, &input, output, script.limit, &mut hear).await {
            Ok(status) => status.code(),
            Err(NoEnd::Io(error)) => {
                let what = "cannot run a command at the host";
                return Err(Error::untouched(Reason::SshFailed, what).because(error));
            }
            Err(NoEnd::TimedOut) => {
                return Err(Error::untouched(
                    Reason::SshFailed,
                    format!(
                        "the host did not finish a command within {} s",
                        script.limit.as_secs()
                    ),
                )
                .hint(
                    "look at the host's load and disk: `ssh` to it and run `uptime` and `df -h`",
                ));
            }
        };
        let ran = Ran {
            code,
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: stderr.text(),
        };
        match (self, ran.code) {
            (Self::Ssh(_), Some(255)) => Err(connection_lost(&ran.stderr)),
            _ => Ok(ran),
        }
    }
}

/// The error for a session that broke.
pub(super) fn connection_lost(log: &str) -> Error {
    Error::untouched(Reason::SshFailed, "the ssh connection to the host broke")
        .log_tail(super::refusal::log_lines(log))
        .hint(
            "run it again; if it breaks again, look at the host's `sudo journalctl -u ssh -u sshd`",
        )
}

/// One line for a POSIX shell that runs `argv` as it is.
pub(super) fn shell_words(argv: &[&str]) -> String {
    let quote = |word: &&str| format!("'{}'", word.replace('\'', r"'\''"));
    argv.iter().map(quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_every_word() {
        let words = [
            "it's",
            "a b",
            "$HOME",
            "`id`",
            "\\",
            "two\nlines",
            "",
            "*",
            "-n",
        ];
        let script = format!("printf '%s\\0' {}", shell_words(&words));
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let read: Vec<&str> = text.split_terminator('\0').collect();
        assert_eq!(read, words);
    }

    #[tokio::test]
    async fn a_script_gets_arguments_and_input_and_no_secrets() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "from the file").unwrap();
        let script = Script {
            text: "cat; printf ' %s' \"$1\"; env | grep -c CARGO; echo no >&2; exit 3",
            args: &["it's"],
            input: Some(file.path()),
            limit: Duration::from_secs(10),
        };
        let ran = Remote::Local.run(&script).await.unwrap();
        assert_eq!(ran.code, Some(3));
        assert_eq!(ran.stdout, "from the file it's0\n");
        assert_eq!(ran.stderr, "no\n");
    }

    #[tokio::test]
    async fn a_script_that_hangs_is_ended() {
        let script = Script {
            text: "sleep 60",
            args: &[],
            input: None,
            limit: Duration::from_millis(200),
        };
        let error = Remote::Local.run(&script).await.unwrap_err();
        assert_eq!(error.reason(), Reason::SshFailed);
    }

    #[tokio::test]
    async fn a_script_that_ends_before_its_input_is_not_an_error_of_ours() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![b'x'; 1 << 20]).unwrap();
        let script = Script {
            text: "exit 7",
            args: &[],
            input: Some(file.path()),
            limit: Duration::from_secs(10),
        };
        assert_eq!(Remote::Local.run(&script).await.unwrap().code, Some(7));
    }
}
