//! Runs one shell script at the place and collects what it says, within limits.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::time::timeout;

use super::Remote;
use super::workdir::KeySource;
use crate::error::{Error, Reason, Result};

/// More than any of our scripts prints.
const OUTPUT_LIMIT: u64 = 64 * 1024;

/// What a script did.
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
    /// Runs a script and waits for its end.
    pub(super) async fn run(&self, script: &Script<'_>) -> Result<Ran> {
        let mut argv = vec!["sh", "-c", script.text, "sh"];
        argv.extend(script.args);
        let ran = timeout(script.limit, collect(self.command(&argv), script.input)).await;
        let ran = match ran {
            Ok(ran) => ran?,
            Err(_elapsed) => {
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
        match (self, ran.code) {
            (Self::Ssh(_), Some(255)) => Err(connection_lost(&ran.stderr)),
            (Self::Ssh(_) | Self::Local, _) => Ok(ran),
        }
    }
}

async fn collect(mut command: Command, input: Option<&Path>) -> Result<Ran> {
    command
        .stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let failed = |error: std::io::Error| {
        Error::untouched(Reason::SshFailed, "cannot run a command at the host").because(error)
    };
    let mut child = command.spawn().map_err(failed)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let (Some(path), Some(mut stdin)) = (input, stdin) {
            let mut file = tokio::fs::File::open(path).await?;
            // A script that ends early says why on stderr; the broken pipe adds nothing to it.
            if tokio::io::copy(&mut file, &mut stdin).await.is_ok() {
                drop(stdin.shutdown().await);
            }
        }
        Ok(())
    };
    let (fed, stdout, stderr, status) =
        tokio::join!(feed, read_some(stdout), read_some(stderr), child.wait());
    fed.map_err(|error: std::io::Error| {
        Error::untouched(Reason::AgentUnavailable, "cannot read our own binary").because(error)
    })?;
    Ok(Ran {
        code: status.map_err(failed)?.code(),
        stdout,
        stderr,
    })
}

async fn read_some(pipe: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        // What was read before an error is still worth showing.
        drop(pipe.take(OUTPUT_LIMIT).read_to_end(&mut bytes).await);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The error for a session that broke.
pub(super) fn connection_lost(log: &str) -> Error {
    Error::untouched(Reason::SshFailed, "the ssh connection to the host broke")
        .log_tail(super::refusal::log_lines(log))
        .hint("run it again; if it breaks again, look at the host's `journalctl -u ssh`")
}

/// Variables that a child process gets; everything else may hold secrets.
const KEPT_ENVIRONMENT: [&str; 4] = ["PATH", "HOME", "USER", "LANG"];

/// Gives a child process only the variables it needs: ours hold tokens, keys and passwords. Of the
/// user's own set-up the way to the `ssh-agent` is one.
pub(super) fn keep_secrets_out(command: &mut Command, key: KeySource) {
    let agent: &[&str] = match key {
        KeySource::Settings => &[],
        KeySource::User => &["SSH_AUTH_SOCK"],
    };
    let kept = KEPT_ENVIRONMENT
        .iter()
        .chain(agent)
        .filter_map(|name| Some((*name, std::env::var_os(name)?)));
    command.env_clear().envs(kept);
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
