//! Other programs: how one is run to its end.
//!
//! An argument vector, never a shell; a deadline for each; standard input empty unless there is
//! something to feed. A program gets a process group of its own, which is killed at the deadline,
//! so that a plugin does not outlive the command that started it.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::environment::find_program;
use super::lines::follow;

/// What is done with the standard output of a program.
#[derive(Debug)]
pub(crate) enum StandardOutput<'a> {
    /// It is kept, and an error when it has more bytes than this.
    Captured(&'a mut Vec<u8>, usize),
    /// It is handed over line by line, like the standard error.
    Streamed,
}

/// Why a program has no exit status.
#[derive(Debug)]
pub(crate) enum NoEnd {
    /// It could not be started, or a pipe to it broke.
    Io(io::Error),
    TimedOut,
}

/// Runs a program to its end, whatever its exit status. `on_line` gets the lines of its standard error.
pub(crate) async fn run(
    mut command: Command,
    input: &[u8],
    output: StandardOutput<'_>,
    deadline: Duration,
    on_line: &mut (dyn FnMut(&str) + '_),
) -> Result<ExitStatus, NoEnd> {
    let program = command.as_std().get_program().as_encoded_bytes();
    let rights = if program.ends_with(b"/sudo") {
        Rights::Sudo
    } else {
        Rights::Ours
    };
    let stdin = if input.is_empty() {
        Stdio::null()
    } else {
        Stdio::piped()
    };
    command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut child = command.spawn().map_err(NoEnd::Io)?;
    let ended = timeout(deadline, talk(&mut child, input, output, on_line)).await;
    if !matches!(ended, Ok(Ok(_))) {
        kill(&mut child, rights).await;
    }
    match ended {
        Ok(ended) => ended.map_err(NoEnd::Io),
        Err(_elapsed) => Err(NoEnd::TimedOut),
    }
}

/// With whose rights a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rights {
    Ours,
    Sudo,
}

/// Feeds, listens and waits at the same time: a full pipe on one side must not block another.
async fn talk(
    child: &mut Child,
    input: &[u8],
    output: StandardOutput<'_>,
    on_line: &mut (dyn FnMut(&str) + '_),
) -> io::Result<ExitStatus> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            match stdin.write_all(input).await {
                // It did not want to read all of it; its exit status says whether that is bad.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                other => other,
            }
        } else {
            Ok(())
        }
    };
    let on_line = std::cell::RefCell::new(on_line);
    let say = |line: &str| (on_line.borrow_mut())(line);
    let listen = async {
        match output {
            StandardOutput::Captured(bytes, most) => collect(stdout, bytes, most).await,
            StandardOutput::Streamed => follow(stdout, &say).await,
        }
    };
    tokio::try_join!(feed, listen, follow(stderr, &say))?;
    child.wait().await
}

async fn collect(
    from: Option<impl AsyncRead + Unpin>,
    into: &mut Vec<u8>,
    most: usize,
) -> io::Result<()> {
    let Some(from) = from else { return Ok(()) };
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    from.take(limit.saturating_add(1)).read_to_end(into).await?;
    if into.len() > most {
        let why = format!("it printed more than {most} bytes");
        return Err(io::Error::other(why));
    }
    Ok(())
}

async fn kill(child: &mut Child, rights: Rights) {
    let group = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    let Some(group) = group else { return };
    // Our own signal may reach sudo and still spare what it started, so root's comes first.
    if rights == Rights::Sudo {
        kill_as_root(group).await;
    }
    if let Err(error) = kill_process_group(group, Signal::KILL)
        && error != rustix::io::Errno::SRCH
        && rights == Rights::Ours
    {
        tracing::warn!(pid = group.as_raw_nonzero(), %error, "cannot kill a program that timed out");
    }
    // A process in an uninterruptible wait cannot be reaped; the caller must not wait with it.
    if timeout(Duration::from_secs(5), child.wait()).await.is_err() {
        tracing::warn!(
            pid = group.as_raw_nonzero(),
            "a killed program does not end"
        );
    }
}

async fn kill_as_root(group: Pid) {
    let Some(sudo) = find_program("sudo") else {
        return;
    };
    let mut command = Command::new(sudo);
    command.env_clear().args([
        "-n",
        "kill",
        "-KILL",
        "--",
        &format!("-{}", group.as_raw_nonzero()),
    ]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let ended = timeout(Duration::from_secs(5), command.status()).await;
    if !matches!(ended, Ok(Ok(status)) if status.success()) {
        tracing::warn!(
            pid = group.as_raw_nonzero(),
            "cannot kill a program that timed out"
        );
    }
}
