//! Asks the agent for what it answers at once: the two checks, and what is there.

use std::time::Duration;

use tokio::time::timeout;

use super::remote::{AgentCall, InstalledAgent, Remote};
use crate::error::{Error, Reason, Result};
use crate::protocol::event::Happening;
use crate::protocol::ids::DeploymentId;
use crate::protocol::outcome::Finished;
use crate::protocol::plan::Site;
use crate::protocol::provision::{Change, Provision};
use crate::protocol::status::Status;
use crate::protocol::wire::{Reply, Request};
use crate::report::Reporter;

/// Runs the two checks on the host. Gives the number of this run there.
pub(super) async fn prepare(
    remote: &Remote,
    agent: &InstalledAgent,
    site: &Site,
    reporter: &Reporter,
) -> Result<u64> {
    let request = Request::Prepare { site: site.clone() };
    let mut call = remote.start(agent, &request).await?;
    while let Some(reply) = next(&mut call).await? {
        match reply {
            Reply::Ready { fence } => return Ok(fence),
            Reply::Event(event) => {
                reporter.agent_event(&event);
                if let Happening::Finished(finished) = event.what {
                    return Err(refused(*finished));
                }
            }
            Reply::Provisioned { .. } | Reply::Status(_) => {}
        }
    }
    Err(silent(call).await)
}

/// Asks what is there, and how `of` ended.
pub(super) async fn status(
    remote: &Remote,
    agent: &InstalledAgent,
    site: &Site,
    of: Option<&DeploymentId>,
    reporter: &Reporter,
) -> Result<Status> {
    let request = Request::Status {
        site: site.clone(),
        of: of.cloned(),
    };
    let mut call = remote.start(agent, &request).await?;
    while let Some(reply) = next(&mut call).await? {
        match reply {
            Reply::Status(status) => return Ok(*status),
            Reply::Event(event) => {
                reporter.agent_event(&event);
                if let Happening::Finished(finished) = event.what {
                    return Err(refused(*finished));
                }
            }
            Reply::Ready { .. } | Reply::Provisioned { .. } => {}
        }
    }
    Err(silent(call).await)
}

/// Prepares the host for the flag switch, or asks what that would change.
pub(super) async fn provision(
    remote: &Remote,
    agent: &InstalledAgent,
    order: &Provision,
    reporter: &Reporter,
) -> Result<Vec<Change>> {
    let request = Request::Provision {
        order: Box::new(order.clone()),
    };
    let mut call = remote.start(agent, &request).await?;
    while let Some(reply) = next(&mut call).await? {
        match reply {
            Reply::Provisioned { changes } => return Ok(changes),
            Reply::Event(event) => {
                reporter.agent_event(&event);
                if let Happening::Finished(finished) = event.what {
                    return Err(refused(*finished));
                }
            }
            Reply::Ready { .. } | Reply::Status(_) => {}
        }
    }
    Err(silent(call).await)
}

/// An agent says something every ten seconds; one that is silent for this long does not come back.
const SILENCE: Duration = Duration::from_secs(600);

/// The next reply; `None` at the end.
async fn next(call: &mut AgentCall) -> Result<Option<Reply>> {
    match timeout(SILENCE, call.next()).await {
        Ok(reply) => reply,
        Err(_elapsed) => {
            let what = format!(
                "the agent on the host has said nothing for {} s",
                SILENCE.as_secs()
            );
            Err(Error::untouched(Reason::AgentUnavailable, what)
                .hint("see on the host what it waits for: `ps`, the Docker daemon, the disk"))
        }
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
