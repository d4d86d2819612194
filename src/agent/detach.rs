//! Hands a plan to a worker of its own and passes on what it says.
//!
//! The process that sshd started ends with the connection. What changes the host must not: it is a child in a session
//! of its own, whose pipes may break. A worker that dies is taken over from, as if the connection had been lost.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStderr, ChildStdout};
use tokio::sync::mpsc::UnboundedSender;

use super::events::Events;
use super::failure::HostResultExt as _;
use super::follow;
use super::serve::refuse;
use crate::error::Reason;
use crate::host::error::HostError;
use crate::host::linux::detached;
use crate::host::{Host, HostResult};
use crate::protocol::line::LineReader;
use crate::protocol::plan::Plan;
use crate::protocol::step::Step;
use crate::protocol::wire::{self, RegistryLogin, Reply, Request};

/// For the request to leave, and for the end of a worker that has said everything.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a run stands when the process that sshd started has done its part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WorkerState {
    /// It is over, or never began.
    Over,
    /// It goes on with nobody who listens.
    AtWork,
}

/// Runs a plan in a process of its own and passes on its events, to the last word.
pub(super) async fn swap<H: Host>(
    host: &H,
    plan: Box<Plan>,
    registry: Option<RegistryLogin>,
    listener: UnboundedSender<Reply>,
) -> WorkerState {
    let (app, deployment) = (plan.site.app.clone(), plan.deployment.clone());
    let started = start(Request::Swap { plan, registry }).await;
    let what = "the agent cannot start its worker";
    let (mut child, stdout, stderr) = match started.during(Reason::AgentUnavailable, what) {
        Ok(started) => started,
        Err(error) => {
            refuse(&Events::new(host, None, listener), Step::Preflight, error).await;
            return WorkerState::Over;
        }
    };
    match listen(stdout, stderr, &listener).await {
        WorkerEnd::Everything => drop(tokio::time::timeout(PATIENCE, child.wait()).await),
        WorkerEnd::NobodyListens => return WorkerState::AtWork,
        WorkerEnd::UpTo(after) => {
            drop(tokio::time::timeout(PATIENCE, child.wait()).await);
            follow::follow(host, &app, &deployment, after, listener).await;
        }
    }
    WorkerState::Over
}

async fn start(request: Request) -> HostResult<(Child, ChildStdout, ChildStderr)> {
    const DOING: &str = "hand the plan to the worker";
    let line = wire::encode(&request)
        .map_err(|error| HostError::io(DOING, std::io::Error::other(error)))?;
    let mut child = detached::spawn(&["agent", "work"])?;
    let (Some(mut stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(HostError::io(DOING, std::io::ErrorKind::BrokenPipe.into()));
    };
    // Whole or useless: a line that breaks off is no plan.
    let written = tokio::time::timeout(PATIENCE, stdin.write_all(line.as_bytes())).await;
    let written = written.unwrap_or_else(|_elapsed| Err(std::io::ErrorKind::TimedOut.into()));
    written.map_err(|error| HostError::io(DOING, error))?;
    Ok((child, stdout, stderr))
}

async fn listen(
    stdout: ChildStdout,
    stderr: ChildStderr,
    listener: &UnboundedSender<Reply>,
) -> WorkerEnd {
    let (replies, errors) = (pass_on(stdout, listener), pass_on_errors(stderr));
    tokio::pin!(replies, errors);
    tokio::select! {
        heard = &mut replies => heard,
        () = &mut errors => replies.await,
    }
}

enum WorkerEnd {
    /// To the last word.
    Everything,
    /// The worker is gone; the last event that was passed on.
    UpTo(u64),
    /// Our own listener is gone.
    NobodyListens,
}

async fn pass_on(stdout: ChildStdout, listener: &UnboundedSender<Reply>) -> WorkerEnd {
    let mut replies = LineReader::new(stdout);
    let mut after = 0;
    loop {
        let Ok(Some(line)) = replies.next().await else {
            return WorkerEnd::UpTo(after);
        };
        let Ok(reply) = wire::decode::<Reply>(&line) else {
            continue;
        };
        let is_last = match &reply {
            Reply::Event(event) => {
                after = event.seq;
                event.what.is_terminal()
            }
            _ => false,
        };
        if listener.send(reply).is_err() {
            return WorkerEnd::NobodyListens;
        }
        if is_last {
            return WorkerEnd::Everything;
        }
    }
}

/// What it has to say beside its events, as long as somebody reads it.
async fn pass_on_errors(mut stderr: ChildStderr) {
    drop(tokio::io::copy(&mut stderr, &mut tokio::io::stderr()).await);
}
