//! Has the agent work and follows what it says.

use std::time::Duration;

use super::cancel::Cancel;
use super::remote::{AgentCall, InstalledAgent, Remote};
use crate::error::{Error, ExitCode, Reason, Result};
use crate::protocol::event::Happening;
use crate::protocol::ids::{PinnedImage, ReleaseId};
use crate::protocol::outcome::Finished;
use crate::protocol::plan::Site;
use crate::protocol::status::Status;
use crate::protocol::wire::{Reply, Request};
use crate::report::Reporter;

/// How long a cancelled run may still follow the host before it leaves it to itself.
const CANCEL_BUDGET: Duration = Duration::from_secs(6);

/// What a followed swap gave.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) release: Option<ReleaseId>,
    pub(super) image: Option<PinnedImage>,
    pub(super) finished: Box<Finished>,
}

/// Runs the two checks on the host.
pub(super) async fn prepare(
    remote: &Remote,
    agent: &InstalledAgent,
    site: &Site,
    reporter: &Reporter,
) -> Result<()> {
    let request = Request::Prepare { site: site.clone() };
    let mut call = remote.start(agent, &request).await?;
    while let Some(reply) = call.next().await? {
        match reply {
            Reply::Ready => return Ok(()),
            Reply::Event(event) => {
                reporter.agent_event(&event);
                if let Happening::Finished(finished) = event.what {
                    return Err(refused(*finished));
                }
            }
            Reply::Status(_) => {}
        }
    }
    Err(silent(call).await)
}

/// Asks what is there.
pub(super) async fn status(
    remote: &Remote,
    agent: &InstalledAgent,
    site: &Site,
    reporter: &Reporter,
) -> Result<Status> {
    let mut call = remote
        .start(agent, &Request::Status { site: site.clone() })
        .await?;
    while let Some(reply) = call.next().await? {
        match reply {
            Reply::Status(status) => return Ok(*status),
            Reply::Event(event) => {
                reporter.agent_event(&event);
                if let Happening::Finished(finished) = event.what {
                    return Err(refused(*finished));
                }
            }
            Reply::Ready => {}
        }
    }
    Err(silent(call).await)
}

/// Runs a swap and follows it to its last word. A cancel is passed on; the host decides by where it is.
pub(super) async fn follow(
    remote: &Remote,
    agent: &InstalledAgent,
    request: &Request,
    reporter: &Reporter,
    cancel: &Cancel,
) -> Result<Followed> {
    let mut call = remote.start(agent, request).await?;
    let (mut release, mut image) = (None, None);
    let mut give_up = None;
    loop {
        let reply = tokio::select! {
            reply = call.next() => reply?,
            _ = cancel.requested(), if give_up.is_none() => {
                reporter.note("cancel requested: the host rolls back, or finishes if it has committed");
                give_up = Some(tokio::time::Instant::now() + CANCEL_BUDGET);
                call.send(&Request::Cancel).await?;
                continue;
            }
            () = until(give_up) => return Err(left_alone(cancel)),
        };
        let Some(Reply::Event(event)) = reply else {
            match reply {
                Some(Reply::Ready | Reply::Status(_) | Reply::Event(_)) => continue,
                None => return Err(lost(call).await),
            }
        };
        reporter.agent_event(&event);
        match event.what {
            Happening::Resolved {
                release: of,
                image: from,
                ..
            } => (release, image) = (Some(of), Some(from)),
            Happening::Finished(finished) => {
                return Ok(Followed {
                    release,
                    image,
                    finished,
                });
            }
            Happening::LockWaiting { .. }
            | Happening::Recovered { .. }
            | Happening::Begun { .. }
            | Happening::StepStarted { .. }
            | Happening::StepProgress { .. }
            | Happening::StepDone { .. }
            | Happening::StepFailed { .. }
            | Happening::Committed
            | Happening::UndoStarted { .. }
            | Happening::Undone { .. }
            | Happening::UndoFailed { .. }
            | Happening::Output { .. }
            | Happening::Warning { .. }
            | Happening::Unknown => {}
        }
    }
}

async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// The host said no before anything was changed.
fn refused(finished: Finished) -> Error {
    let reason = Reason::parse(&finished.reason);
    let Some((_, failure)) = finished.failed else {
        return Error::untouched(reason, "the host refused");
    };
    let mut chain = failure.chain.into_iter();
    let mut error = Error::untouched(
        reason,
        chain
            .next()
            .unwrap_or_else(|| "the host refused".to_owned()),
    );
    let causes: Vec<String> = chain.collect();
    if !causes.is_empty() {
        error = error.because(causes.join(": "));
    }
    failure
        .hints
        .into_iter()
        .fold(error, Error::hint)
        .log_tail(failure.log_tail)
}

async fn silent(call: AgentCall) -> Error {
    let error = Error::untouched(
        Reason::AgentUnavailable,
        "the agent on the host ended without an answer",
    );
    explain(call, error).await
}

async fn lost(call: AgentCall) -> Error {
    let error = Error::new(
        ExitCode::Stuck,
        Reason::SshFailed,
        "the connection to the host was lost during the swap; the host goes on by itself",
    )
    .hint("see how it ended with `pct-deploy status` and `pct-deploy history`")
    .hint("if it was cut short, the next deploy settles it first; `pct-deploy agent recover` on the host does so at once");
    explain(call, error).await
}

async fn explain(call: AgentCall, error: Error) -> Error {
    match call.finish().await {
        Ok(end) => match end.code {
            Some(code) => error
                .because(format!("it ended with exit code {code}"))
                .log_tail(end.stderr_tail),
            None => error.log_tail(end.stderr_tail),
        },
        Err(why) => error.because(why),
    }
}

fn left_alone(cancel: &Cancel) -> Error {
    let code = cancel
        .now()
        .map_or(ExitCode::Terminated, super::cancel::Cancelled::exit_code);
    Error::new(
        code,
        Reason::Cancelled,
        "cancelled; the host has not settled yet and does so by itself",
    )
    .hint("see how it ended with `pct-deploy status` and `pct-deploy history`")
}
