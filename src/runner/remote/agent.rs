//! A call to the agent: request lines in, reply lines out.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::refusal::log_lines;
use crate::clients::lines::{Tail, follow};
use crate::error::{Error, Reason, Result};
use crate::protocol::line::LineReader;
use crate::protocol::wire::{self, Reply, Request};

/// For a request to leave, and for the process to end once nothing is expected of it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Lines of the agent's stderr that are kept.
const TAIL_LINES: usize = 20;

/// A running call. Dropping it ends our end of it only: the agent on the host decides for itself.
#[derive(Debug)]
pub struct AgentCall {
    child: Child,
    stdin: Option<ChildStdin>,
    replies: LineReader<ChildStdout>,
    /// Whether the agent has said anything yet.
    has_spoken: bool,
    tail: Arc<Mutex<Tail>>,
    stderr: JoinHandle<()>,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentEnd {
    /// The agent's exit code; `None` when a signal ended it.
    /// Over ssh 255 means that the connection broke.
    pub code: Option<i32>,
    /// The last lines of its stderr, oldest first. Untrusted.
    pub stderr_tail: Vec<String>,
}

impl AgentCall {
    pub(super) async fn start(mut command: Command, request: &Request) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::untouched(Reason::AgentUnavailable, "cannot start the agent").because(error)
        };
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Error::bug("the agent's pipes are missing"));
        };
        let tail = Arc::new(Mutex::new(Tail::new(TAIL_LINES)));
        let kept = Arc::clone(&tail);
        let stderr = tokio::spawn(async move {
            // What was read before an error is still worth showing.
            drop(follow(Some(stderr), |line| keep(&kept, line)).await);
        });
        let mut call = Self {
            child,
            stdin: Some(stdin),
            replies: LineReader::new(stdout),
            has_spoken: false,
            tail,
            stderr,
        };
        call.send(request).await?;
        Ok(call)
    }

    /// Sends one more line: [`Request::Cancel`].
    pub async fn send(&mut self, request: &Request) -> Result<()> {
        let line = wire::encode(request)
            .map_err(|error| Error::bug("a request does not fit into a line").because(error))?;
        let Some(stdin) = &mut self.stdin else {
            return Err(Error::bug("a request after the end of the call"));
        };
        let write = async {
            stdin.write_all(line.as_bytes()).await?;
            stdin.flush().await
        };
        let sent = match timeout(PATIENCE, write).await {
            Ok(sent) => sent,
            Err(_elapsed) => Err(std::io::ErrorKind::TimedOut.into()),
        };
        match sent {
            Ok(()) => Ok(()),
            // The agent is gone: `next` and `finish` say how, which is worth more than this.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Error::untouched(
                Reason::SshFailed,
                "cannot send a request to the agent",
            )
            .because(error)),
        }
    }

    /// The next reply, or `None` when the agent has nothing more to say. Losing the future loses no
    /// reply, so this may stand in a `select!`.
    pub async fn next(&mut self) -> Result<Option<Reply>> {
        loop {
            let Some(line) = self.replies.next().await.map_err(unreadable)? else {
                return Ok(None);
            };
            match wire::decode(&line) {
                Ok(reply) => {
                    self.has_spoken = true;
                    return Ok(Some(reply));
                }
                Err(error) if self.has_spoken => return Err(garbled().because(error)),
                // A login script that prints (`.bashrc`) comes before the agent.
                Err(_) => keep(&self.tail, &line),
            }
        }
    }

    /// Closes the agent's stdin and waits a moment for its end.
    pub async fn finish(mut self) -> Result<AgentEnd> {
        drop(self.stdin.take());
        let code = match timeout(PATIENCE, self.child.wait()).await {
            Ok(status) => status
                .map_err(|error| {
                    Error::untouched(Reason::SshFailed, "cannot wait for the agent").because(error)
                })?
                .code(),
            Err(_elapsed) => {
                // Only our end: what runs on the host is not this process.
                drop(self.child.kill().await);
                None
            }
        };
        // A process that outlives the agent may hold its stderr open.
        drop(timeout(Duration::from_millis(500), &mut self.stderr).await);
        self.stderr.abort();
        Ok(AgentEnd {
            code,
            stderr_tail: self
                .tail
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .lines(),
        })
    }
}

fn unreadable(error: std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::InvalidData {
        garbled().because(error)
    } else {
        Error::untouched(Reason::SshFailed, "cannot read from the agent").because(error)
    }
}

fn garbled() -> Error {
    Error::untouched(
        Reason::SshFailed,
        "the agent sent a line that is not a message",
    )
}

/// Keeps untrusted text, cleaned.
fn keep(tail: &Mutex<Tail>, text: &str) {
    let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
    for line in log_lines(text) {
        tail.push(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::event::Happening;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]).kill_on_drop(true);
        command
    }

    const REPLY: &str = r#"{"reply":"event","seq":1,"at_ms":2,"what":{"kind":"committed"}}"#;

    #[tokio::test]
    async fn replies_are_framed_and_the_end_is_told() {
        let script = format!(
            "echo welcome; read request; echo '{REPLY}'; read cancel; echo \"$request$cancel\" >&2; exit 3"
        );
        let mut call = AgentCall::start(shell(&script), &Request::Cancel)
            .await
            .unwrap();
        let Some(Reply::Event(event)) = call.next().await.unwrap() else {
            panic!("no event");
        };
        assert_eq!(event.what, Happening::Committed);
        call.send(&Request::Cancel).await.unwrap();
        assert_eq!(call.next().await.unwrap(), None);
        let end = call.finish().await.unwrap();
        assert_eq!(end.code, Some(3));
        let cancel = r#"{"request":"cancel"}"#;
        assert_eq!(
            end.stderr_tail,
            ["welcome".to_owned(), format!("{cancel}{cancel}")]
        );
    }

    #[tokio::test]
    async fn an_endless_line_is_refused() {
        let script = "head -c 3000000 /dev/zero | tr '\\0' x; sleep 5";
        let mut call = AgentCall::start(shell(script), &Request::Cancel)
            .await
            .unwrap();
        let error = call.next().await.unwrap_err();
        assert!(
            error
                .chain()
                .iter()
                .any(|line| line.contains("longer than"))
        );
    }

    #[tokio::test]
    async fn garbage_after_the_first_reply_is_an_error() {
        let script = format!("echo '{REPLY}'; echo garbage; cat >/dev/null");
        let mut call = AgentCall::start(shell(&script), &Request::Cancel)
            .await
            .unwrap();
        assert!(call.next().await.unwrap().is_some());
        assert_eq!(call.next().await.unwrap_err().reason(), Reason::SshFailed);
    }

    #[tokio::test]
    async fn an_agent_that_is_gone_is_told_by_its_end() {
        let script = "echo boom >&2; exit 126";
        let mut call = AgentCall::start(shell(script), &Request::Cancel)
            .await
            .unwrap();
        assert_eq!(call.next().await.unwrap(), None);
        call.send(&Request::Cancel).await.unwrap();
        let end = call.finish().await.unwrap();
        assert_eq!(
            (end.code, end.stderr_tail),
            (Some(126), vec!["boom".to_owned()])
        );
    }
}
